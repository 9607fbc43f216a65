//! What the kernel knows of the bridge: its children, its descriptors, its memory.

use std::fs;

/// The children of a process, and how many of them are dead and not reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Children {
    pub(crate) all: usize,
    pub(crate) zombies: usize,
}

pub(crate) fn children(parent: i32) -> Children {
    let mut children = Children { all: 0, zombies: 0 };
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state parent …`, where the name may hold anything.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut words = rest.split(' ');
        let state = words.next();
        if words.next().and_then(|word| word.parse().ok()) == Some(parent) {
            children.all += 1;
            children.zombies += usize::from(state == Some("Z"));
        }
    }
    children
}

pub(crate) fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Resident memory in KiB.
pub(crate) fn memory_kib(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
