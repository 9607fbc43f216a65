//! This machine's system in place of an image's: its programs, libraries and settings, to be read only, and
//! nothing of what its user has beside them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::cli::surroundings;

/// The folders of a system; those of libraries have many names.
const FOLDERS: [&str; 4] = ["usr", "bin", "sbin", "etc"];
const LIBRARIES: &str = "lib";
/// Where runtimes lie that come in one piece.  A layer is unpacked there, and then it is the layer's alone.
const OPT: &str = "opt";
/// Where in a system people keep projects, too.
const SHARED: [&str; 3] = ["/opt", "/usr/src", "/usr/local/src"];
/// Many systems have it as a link to somewhere else.
const RESOLVER: &str = "/etc/resolv.conf";
/// Between two lists of arguments; no path of ours is one.
const END: &str = "--";

/// What of this machine is to be in a root: nothing, unless it is made from what is here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Names in `/`.
    folders: Vec<PathBuf>,
    /// Absolute paths in those folders that are to be empty.
    hidden: Vec<PathBuf>,
}

impl Machine {
    /// All that a function may see of this machine, with or without `/opt`.  Where the project or what was
    /// packaged lies in the midst of it, only the zip may have that.
    #[must_use]
    pub fn here(has_layer: bool, packaged: &[PathBuf]) -> Self {
        let is_folder = |name: &OsString| {
            fs::symlink_metadata(Path::new("/").join(name)).is_ok_and(|it| it.is_dir())
        };
        let folders = names().filter(is_folder).filter(|name| !(has_layer && name == OPT));
        let folders: Vec<PathBuf> = folders.map(PathBuf::from).collect();
        let own = std::env::current_dir().ok().into_iter();
        let own = own.chain(surroundings::variable("HOME").map(PathBuf::from));
        let own = own.filter_map(|path| path.canonicalize().ok()).chain(packaged.iter().cloned());
        let hidden = hidden(own.collect(), &folders);
        Self { folders, hidden }
    }

    /// The mount points in a root.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    /// Makes the mount points, and the links beside them.
    ///
    /// # Errors
    /// When the root cannot be written.
    pub fn prepare(&self, root: &Path) -> io::Result<()> {
        for folder in &self.folders {
            fs::create_dir_all(root.join(folder))?;
        }
        // Of a system with one folder for all programs the others are links to it.
        for name in names() {
            if let Ok(to) = fs::read_link(Path::new("/").join(&name)) {
                symlink(to, root.join(&name))?;
            }
        }
        self.copy_resolver(root);
        Ok(())
    }

    /// Names are resolved as here, also where that is set in a file of a service's.
    fn copy_resolver(&self, root: &Path) {
        let Ok(real) = Path::new(RESOLVER).canonicalize() else { return };
        let Ok(inside) = real.strip_prefix("/") else { return };
        if !self.folders.iter().any(|folder| inside.starts_with(folder)) {
            let to = root.join(inside);
            // Without it no name is resolved, which most functions never notice.
            to.parent().map(fs::create_dir_all);
            fs::copy(&real, to).ok();
        }
    }

    /// It as arguments.
    pub fn words(&self) -> impl Iterator<Item = OsString> {
        let lists = [&self.folders, &self.hidden];
        lists.into_iter().flat_map(|list| {
            let words = list.iter().map(|path| path.clone().into_os_string());
            words.chain([OsString::from(END)])
        })
    }

    /// It from such arguments, which are taken away.
    #[must_use]
    pub fn of(arguments: &mut impl Iterator<Item = OsString>) -> Self {
        let mut list = || arguments.take_while(|word| word != END).map(PathBuf::from).collect();
        Self { folders: list(), hidden: list() }
    }

    /// Mounts it in a root, in a namespace of our own.
    ///
    /// # Errors
    /// When this machine allows that for none of its folders.
    pub fn mount(&self, root: &Path) -> anyhow::Result<()> {
        let none: Option<&Path> = None;
        for folder in &self.folders {
            let (from, to) = (Path::new("/").join(folder), root.join(folder));
            // With what is mounted below it: in a namespace like this one that cannot be left out.
            mount(Some(&from), &to, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
                .with_context(|| from.display().to_string())?;
        }
        let mounts = fs::read("/proc/self/mountinfo").context("its mounts cannot be read")?;
        let mounted =
            |path: &PathBuf| self.folders.iter().any(|folder| path.starts_with(root.join(folder)));
        for path in mount_points(&mounts).filter(mounted) {
            only_read(&path).with_context(|| path.display().to_string())?;
        }
        for hidden in &self.hidden {
            let to = root.join(hidden.strip_prefix("/").unwrap_or(hidden));
            let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            mount(Some("tmpfs"), &to, Some("tmpfs"), flags, Some("mode=755,size=4k"))
                .with_context(|| hidden.display().to_string())?;
        }
        Ok(())
    }
}

/// The names in `/` that are a system's.
fn names() -> impl Iterator<Item = OsString> {
    let entries = fs::read_dir("/").into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).filter(|name| {
        let is_library = name.as_bytes().starts_with(LIBRARIES.as_bytes());
        is_library || name == OPT || FOLDERS.iter().any(|folder| name == folder)
    })
}

/// Which of the user's own folders lie in those that are mounted, each of them once.
fn hidden(mut own: Vec<PathBuf>, folders: &[PathBuf]) -> Vec<PathBuf> {
    own.sort();
    let is_there = |path: &Path| folders.iter().any(|it| path.starts_with(Path::new("/").join(it)));
    let is_shared = |path: &Path| SHARED.iter().any(|place| path.starts_with(place));
    // All of /opt is nobody's project.
    own.retain(|path| is_there(path) && is_shared(path) && path != &Path::new("/").join(OPT));
    own.dedup_by(|inner, outer| inner.starts_with(outer));
    own
}

/// Makes a mount read-only.  What it forbids already must stay forbidden, or the kernel refuses.
fn only_read(path: &Path) -> nix::Result<()> {
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    flags |= MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if statvfs(path)?.flags().contains(FsFlags::ST_NOEXEC) {
        flags |= MsFlags::MS_NOEXEC;
    }
    let none: Option<&Path> = None;
    mount(none, path, none, flags, none)
}

/// The mount points in the kernel's list, where white space and backslashes are octal numbers.
fn mount_points(list: &[u8]) -> impl Iterator<Item = PathBuf> {
    let lines = list.split(|byte| *byte == b'\n');
    let fields = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    fields.map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..3).filter(|_| *first == b'\\');
        let byte =
            digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        plain.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => others.get(3..).unwrap_or_default(),
            None => others,
        };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<PathBuf> {
        texts.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn it_is_handed_over_as_arguments_and_leaves_the_others() {
        let machine = Machine { folders: paths(&["usr", "etc"]), hidden: paths(&["/opt/own"]) };
        let mut words = machine.words().chain(["program".into()]);
        assert_eq!(Machine::of(&mut words), machine);
        assert_eq!(words.collect::<Vec<_>>(), ["program"]);
        let none = Machine::default();
        let mut words = none.words();
        assert_eq!(Machine::of(&mut words), none);
        assert_eq!(words.next(), None);
    }

    #[test]
    fn a_project_in_the_midst_of_the_system_is_hidden_and_the_system_is_not() {
        let folders = paths(&["usr", "opt", "etc"]);
        let hidden = |own: &[&str]| hidden(paths(own), &folders);
        assert_eq!(
            hidden(&["/usr/src/app/data", "/usr/src/app", "/root"]),
            paths(&["/usr/src/app"])
        );
        assert_eq!(
            hidden(&["/opt/own", "/usr/local/src", "/opt/own2"]),
            paths(&["/opt/own", "/opt/own2", "/usr/local/src"])
        );
        assert_eq!(
            hidden(&["/", "/opt", "/usr", "/usr/bin", "/usr/share/app", "/optional"]),
            paths(&[])
        );
        assert_eq!(super::hidden(paths(&["/opt/own"]), &paths(&["usr"])), paths(&[]));
    }

    #[test]
    fn mount_points_are_read_as_the_kernel_writes_them() {
        let list = b"22 1 8:1 / / rw - ext4 /dev/a rw\n23 22 0:5 /x /a\\040b\\134 ro shared:1 - tmpfs t ro\n";
        assert_eq!(mount_points(list).collect::<Vec<_>>(), paths(&["/", "/a b\\"]));
    }
}
