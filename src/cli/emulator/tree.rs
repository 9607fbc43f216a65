//! A process and all that descends from it, as /proc shows it: what it holds in memory, and its end.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often a tree is looked through for newcomers before it is killed: each look finds it stopped, so
/// more than two are needed only while processes were being started.
const LOOKS: usize = 16;
/// How often and how far apart is looked for the end of what was killed.
const REAP_LOOKS: usize = 250;
const REAP_PAUSE: Duration = Duration::from_millis(2);

/// The descendants of a process, the process itself not counted.
#[must_use]
pub fn descendants(root: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(process) = open.pop() {
        let children = children(process);
        open.extend(&children);
        found.extend(children);
    }
    found
}

/// What a set of processes holds now, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// The sum of what is resident now.
    pub now: u64,
    /// The most that any one of them ever held.
    pub most: u64,
}

/// Adds up what processes hold; those that are gone hold nothing.
#[must_use]
pub fn memory(processes: &[Pid]) -> Held {
    processes.iter().fold(Held::default(), |held, process| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        Held {
            now: held.now + kilobytes(&status, "VmRSS:") * 1024,
            most: held.most.max(kilobytes(&status, "VmHWM:") * 1024),
        }
    })
}

/// Kills a process, its group, its descendants and their groups.  The process itself is the caller's to reap.
///
/// Everything is stopped before anything is killed: a tree that is killed branch by branch can go on growing.
pub fn kill_all(root: Pid) {
    let mut stopped = HashSet::new();
    signal(root, Signal::SIGSTOP);
    for _ in 0..LOOKS {
        let newcomers: Vec<Pid> =
            descendants(root).into_iter().filter(|process| stopped.insert(*process)).collect();
        for process in &newcomers {
            signal(*process, Signal::SIGSTOP);
        }
        if newcomers.is_empty() {
            break;
        }
    }
    signal_group(root, Signal::SIGKILL);
    signal(root, Signal::SIGKILL);
    for process in stopped {
        signal(process, Signal::SIGKILL);
    }
}

/// Kills what descends from this process but is nobody's child any more: programs that left their parents.
/// They come to us because the companion is their subreaper.  `known` are our own children.
pub fn kill_orphans(known: &[Pid]) {
    let us = nix::unistd::getpid();
    for _ in 0..LOOKS {
        let orphans: Vec<Pid> =
            children(us).into_iter().filter(|process| !known.contains(process)).collect();
        if orphans.is_empty() {
            return;
        }
        for process in &orphans {
            kill_all(*process);
        }
        reap(orphans);
    }
}

/// Waits until killed children are dead, half a second at most: one that the kernel holds on to is left to it.
fn reap(mut children: Vec<Pid>) {
    for _ in 0..REAP_LOOKS {
        // An error means that there is nothing to reap any more.
        children.retain(|child| {
            matches!(waitpid(*child, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive))
        });
        if children.is_empty() {
            return;
        }
        std::thread::sleep(REAP_PAUSE);
    }
}

/// Signals a group; that there is none any more is what was wanted.
pub fn signal_group(group: Pid, signal: Signal) {
    killpg(group, signal).ok();
}

fn signal(process: Pid, signal: Signal) {
    kill(process, signal).ok();
}

fn children(process: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(text) => found.extend(text.split_ascii_whitespace().filter_map(to_pid)),
            // A kernel without CONFIG_PROC_CHILDREN; a task that has ended says the same, and costs one scan.
            Err(_) => return children_by_scan(process),
        }
    }
    found
}

fn children_by_scan(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let processes = entries.flatten().filter_map(|entry| to_pid(entry.file_name().to_str()?));
    processes.filter(|process| parent_of(*process) == Some(parent)).collect()
}

fn parent_of(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too: what follows the last one counts.
    let (_, rest) = stat.rsplit_once(')')?;
    to_pid(rest.split_ascii_whitespace().nth(1)?)
}

fn to_pid(text: &str) -> Option<Pid> {
    text.parse().ok().map(Pid::from_raw)
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell whose grandchild shares the pipe: reading to its end waits for all of them.
    fn family() -> (Child, Pid) {
        let script = "sh -c 'sh -c \"echo up; sleep 1000\" & wait' & wait";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh is everywhere");
        let mut up = [0; 3];
        child.stdout.as_mut().expect("piped").read_exact(&mut up).expect("the grandchild is up");
        let root = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        (child, root)
    }

    #[test]
    fn a_tree_is_seen_measured_and_killed_to_the_last_leaf() {
        let (mut child, root) = family();
        let below = descendants(root);
        assert!(below.len() >= 2, "{below:?}");
        let mut scanned = children_by_scan(root);
        let mut listed = children(root);
        scanned.sort();
        listed.sort();
        assert_eq!(scanned, listed);
        let held = memory(&below);
        assert!(held.now > 0 && held.most > 0 && held.most < 1 << 30, "{held:?}");
        kill_all(root);
        assert_eq!(child.wait().expect("waited").signal(), Some(9));
        let mut rest = Vec::new();
        child.stdout.take().expect("piped").read_to_end(&mut rest).expect("everyone is gone");
    }
}
