//! The root that a zip is run in: what the target's table grants, copied from this machine, and nothing
//! else of it; or, in place of an image, this machine's system.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::Architecture;
use super::super::elf::Elf;
use super::super::files::{self, Content};
use super::super::loader::{self, Places};
use super::super::target::Target;
use super::machine::Machine;
use crate::cli::emulator::ids;

/// What is in its `/dev`.
pub const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const FOLDERS: [&str; 6] = ["var/task", "var/runtime", "opt", "tmp", "proc", "dev"];
/// What is filled by the target's table.
const FILLED: [&str; 4] = ["usr/bin", "usr/lib", "usr/lib64", "etc"];
/// As in Amazon Linux.
const LINKS: [(&str, &str); 3] = [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")];
const TEXTS: [(&str, &str); 4] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n",
    ),
    ("etc/group", "root:x:0:\nsbx_user1051:x:990:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// The certificates of those whom programs trust: Amazon Linux's bundle, and where Debian's programs look.
const CERTIFICATES: [&str; 2] =
    ["etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/certs/ca-certificates.crt"];

/// A folder of our own that is to be a root.  Dropping it removes it.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    machine: Machine,
}

impl Root {
    /// An empty one.
    ///
    /// # Errors
    /// When the temporary directory takes none.
    pub fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().canonicalize()?;
        let path = path.join(format!("lambda-stdio-root-{}", ids::hex_32()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, machine: Machine::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What of this machine is to be mounted in it.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Makes room for this machine's system.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take(&mut self, machine: Machine) -> anyhow::Result<()> {
        self.skeleton().context("the root cannot be written")?;
        machine.prepare(&self.path).context("the root cannot be written")?;
        self.machine = machine;
        Ok(())
    }

    /// Puts in what the target has, and says what of that this machine has not: names of libraries, and
    /// paths of loaders and interpreters.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn furnish(
        &self,
        target: &Target,
        architecture: Architecture,
    ) -> anyhow::Result<BTreeSet<String>> {
        self.skeleton().context("the root cannot be written")?;
        self.fill(architecture).context("the root cannot be written")?;
        let mut lacking = BTreeSet::new();
        // One program that needs all of it: so what this machine's libraries need themselves is found, too.
        let mut all = Elf { machine: architecture.machine(), ..Elf::default() };
        all.needed.extend(target.library_names().map(str::to_owned));
        for path in target.programs(architecture) {
            let Ok(real) = as_there(path).canonicalize() else {
                lacking.insert(path.to_owned());
                continue;
            };
            if let Content::Elf(elf) = files::inspect(&files::open(&real)?)? {
                all.needed.extend(elf.needed.iter().cloned());
            }
            self.copy(&real, path)?;
        }
        let places = Places::here(None, architecture);
        let loaded =
            loader::load(TARGET, Path::new("/"), &all, &places, architecture, &|_: &str| false);
        for found in &loaded.found {
            let name = found.name.rsplit('/').next().unwrap_or(&found.name);
            self.copy(&found.path, &format!("/usr/lib64/{name}"))?;
        }
        let absent = loaded.missing.into_iter().filter(|missing| missing.needed_by == TARGET);
        lacking.extend(absent.map(|missing| missing.name));
        Ok(lacking)
    }

    /// What every root has.
    fn skeleton(&self) -> io::Result<()> {
        for folder in FOLDERS {
            fs::create_dir_all(self.path.join(folder))?;
        }
        for device in DEVICES {
            File::create(self.path.join("dev").join(device))?;
        }
        symlink("/proc/self/fd", self.path.join("dev/fd"))?;
        for (number, stream) in ["stdin", "stdout", "stderr"].into_iter().enumerate() {
            symlink(format!("/proc/self/fd/{number}"), self.path.join("dev").join(stream))?;
        }
        Ok(())
    }

    /// What Amazon Linux has beside programs and libraries.
    fn fill(&self, architecture: Architecture) -> io::Result<()> {
        for folder in FILLED {
            fs::create_dir_all(self.path.join(folder))?;
        }
        for (link, to) in LINKS {
            symlink(to, self.path.join(link))?;
        }
        // Where the loader looks is built into it, and this machine's may be Debian's.
        symlink("../lib64", self.path.join("usr/lib").join(architecture.triple()))?;
        for (path, text) in TEXTS {
            fs::write(self.path.join(path), text)?;
        }
        // A machine without one resolves no names, and then neither does the root.
        fs::copy("/etc/resolv.conf", self.path.join("etc/resolv.conf")).ok();
        // So are certificates, which every system has elsewhere.
        let bundle = CERTIFICATES.map(|path| Path::new("/").join(path));
        if let Some(bundle) = bundle.iter().find(|path| path.is_file()) {
            for path in CERTIFICATES {
                let to = self.path.join(path);
                fs::create_dir_all(to.parent().unwrap_or(&self.path))?;
                fs::copy(bundle, to).ok();
            }
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &str) -> anyhow::Result<()> {
        let inside = self.path.join(to.trim_start_matches('/'));
        let shown = || format!("{} cannot be copied", from.display());
        if let Some(folder) = inside.parent() {
            fs::create_dir_all(folder).with_context(shown)?;
        }
        if !inside.exists() {
            fs::copy(from, &inside).with_context(shown)?;
        }
        Ok(())
    }
}

/// What a program of Amazon Linux is on this machine: there sh is bash and awk is gawk, and Debian's are not.
fn as_there(path: &str) -> PathBuf {
    let path = Path::new(path);
    match path.file_name().and_then(OsStr::to_str) {
        Some("sh") => path.with_file_name("bash"),
        Some("awk") => path.with_file_name("gawk"),
        _ => path.to_owned(),
    }
}

/// Who needs what the table names.
const TARGET: &str = "the target";

impl Drop for Root {
    fn drop(&mut self) {
        // What was mounted was so in namespaces that are gone.  All the same nothing of this machine may ever be
        // removed here, and a folder that is not empty is no mount point of ours.
        if self.machine.folders().all(|folder| fs::remove_dir(self.path.join(folder)).is_ok()) {
            // Nothing in it was writable for anybody; what cannot be removed all the same is in /tmp.
            fs::remove_dir_all(&self.path).ok();
        }
    }
}
