//! A file that is there whole or not at all: written where it has no name, and named when it is complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal};

use super::super::files::Identity;

/// A file that is being written.
#[derive(Debug)]
pub struct Output {
    file: File,
    folder: PathBuf,
    path: PathBuf,
    /// The name it has until it is complete, where the file system gives none without.
    temporary: Option<PathBuf>,
}

/// Looks whether a zip may be written to a path: not over a link, a folder, a device or what goes into it,
/// and not into a folder that goes into it.  Where it would be, if it may; `option` is how it was given.
///
/// # Errors
/// When it may not, in words.
pub fn check(
    option: &str,
    path: &Path,
    roots: &[PathBuf],
    inputs: &[Identity],
) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let Some(name) = path.file_name().filter(|_| !is_folder) else {
        bail!("{option} {shown}: it names no file; give one such as function.zip")
    };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            bail!("{option} {shown}: it is a link; name the file that it leads to, or another one")
        }
        Ok(metadata) if metadata.is_dir() => {
            bail!(
                "{option} {shown}: it is a folder; name a file in it, such as {shown}/function.zip"
            )
        }
        Ok(metadata) if !metadata.is_file() => {
            bail!(
                "{option} {shown}: it is neither a file nor a new name; a zip is written to a file"
            )
        }
        Ok(metadata) if inputs.iter().any(|input| input.is_same_file(&Identity::of(&metadata))) => {
            bail!("{option} {shown}: it is one of the files that are read; name another one")
        }
        Ok(_) | Err(_) => (),
    }
    let folder = folder_of(path);
    let real = folder.canonicalize();
    let real = real.with_context(|| {
        format!("{option} {shown}: its folder {} is not there", folder.display())
    })?;
    for root in roots {
        if real.join(name).starts_with(root) {
            bail!(
                "{option} {shown}: it is inside {}, which is to be packaged; write the zip elsewhere",
                root.display()
            );
        }
    }
    Ok(real.join(name))
}

/// With this, a write beyond `ulimit -f` is an error instead of the process's end.
pub fn hear_of_limits() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    // Where it cannot be blocked, the limit ends us, and leaves nothing either.
    signals.thread_block().ok();
}

impl Output {
    /// Begins a file that is to have this path.
    ///
    /// # Errors
    /// When its folder takes none.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path).canonicalize()?;
        let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
        let path = folder.join(name);
        if let Some(file) = unnamed(&folder)? {
            return Ok(Self { file, folder, path, temporary: None });
        }
        let temporary = beside(&path);
        let file = File::options().write(true).create_new(true).open(&temporary)?;
        Ok(Self { file, folder, path, temporary: Some(temporary) })
    }

    /// Where its bytes go.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name, once all of it is on the disk.
    ///
    /// # Errors
    /// When that cannot be done; then nothing has changed.
    pub fn complete(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match &self.temporary {
            Some(temporary) => fs::rename(temporary, &self.path)?,
            None => self.name()?,
        }
        self.temporary = None;
        // The name itself is kept by the folder.  Some file systems have no such thing as a folder's sync.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).ok();
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn name(&mut self) -> io::Result<()> {
        match link(&self.file, &self.path) {
            Err(nix::errno::Errno::EEXIST) => {
                // A link replaces nothing, so it gets a name to be renamed from.
                let temporary = beside(&self.path);
                link(&self.file, &temporary)?;
                self.temporary = Some(temporary.clone());
                fs::rename(temporary, &self.path)
            }
            linked => Ok(linked?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the face is Linux's")]
    fn name(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // It is not complete, and nobody is to find it.
            fs::remove_file(temporary).ok();
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

/// A file without a name, so that whatever ends us leaves nothing; none where the file system has none.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use nix::errno::Errno;

    let flags = nix::fcntl::OFlag::O_TMPFILE.bits();
    match File::options().write(true).custom_flags(flags).mode(0o666).open(folder) {
        Ok(file) => Ok(Some(file)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT) => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let here = nix::fcntl::AT_FDCWD;
    nix::unistd::linkat(here, own.as_str(), here, path, nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW)
}
