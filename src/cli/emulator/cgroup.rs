//! A memory limit for a runtime, where this machine lets us set one: a control group of version 2 below
//! our own.  Where it does not, that is said in the report and nothing else changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A control group.  The value is the group: dropping it removes it, once its processes are gone.
#[derive(Debug)]
pub struct Group {
    path: PathBuf,
}

impl Group {
    /// A group with so much memory and no swap; none where the machine has no writable one for us.
    #[must_use]
    pub fn with_memory(megabytes: u32, name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let parent = own_group(&mounts, &groups)?;
        Self::below(&parent, megabytes, name).ok()
    }

    /// Where the group's files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn below(parent: &Path, megabytes: u32, name: &str) -> io::Result<Self> {
        let controllers = fs::read_to_string(parent.join("cgroup.controllers"))?;
        if !controllers.split_ascii_whitespace().any(|name| name == "memory") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let delegated = fs::read_to_string(parent.join("cgroup.subtree_control"))?;
        if !delegated.split_ascii_whitespace().any(|name| name == "memory") {
            fs::write(parent.join("cgroup.subtree_control"), "+memory")?;
        }
        let group = Self { path: parent.join(name) };
        fs::create_dir(&group.path)?;
        fs::write(group.path.join("memory.max"), (u64::from(megabytes) << 20).to_string())?;
        // Kernels without swap accounting have no such file, and then there is nothing to forbid.
        if group.path.join("memory.swap.max").exists() {
            fs::write(group.path.join("memory.swap.max"), "0")?;
        }
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Refused while a process is left in it; then it stays behind empty-handed, which harms nobody.
        drop(fs::remove_dir(&self.path));
    }
}

/// The directory of the version 2 group that we are in.
fn own_group(mountinfo: &str, cgroup: &str) -> Option<PathBuf> {
    let mount = mountinfo.lines().find_map(|line| {
        let (fields, source) = line.split_once(" - ")?;
        source.starts_with("cgroup2 ").then(|| fields.split(' ').nth(4))?
    })?;
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_is_found_below_its_mount() {
        let mounts = "24 1 0:22 / /proc rw - proc proc rw\n\
                      31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = own_group(mounts, "0::/user.slice/a.scope\n");
        assert_eq!(found, Some(PathBuf::from("/sys/fs/cgroup/user.slice/a.scope")));
        assert_eq!(own_group(mounts, "4:memory:/x\n"), None);
        assert_eq!(own_group("24 1 0:22 / /proc rw - proc proc rw\n", "0::/x\n"), None);
    }

    #[test]
    fn a_group_that_may_not_limit_memory_is_no_group() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("cgroup.controllers"), "cpu pids\n").expect("written");
        assert!(Group::below(directory.path(), 128, "x").is_err());
        fs::write(directory.path().join("cgroup.controllers"), "cpu memory\n").expect("written");
        fs::write(directory.path().join("cgroup.subtree_control"), "\n").expect("written");
        let group = Group::below(directory.path(), 128, "x").expect("a directory plays the group");
        let limit = fs::read_to_string(group.path().join("memory.max")).expect("written");
        assert_eq!(limit, "134217728");
    }
}
