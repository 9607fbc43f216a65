//! The process behind a handler and its group: signals, its end, and the words for it.

use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::best_effort;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// The leader of a process group of its own, not yet reaped: its ids are valid as long as this value is.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Pid,
    /// Tells that some child ended; which, is looked up.
    ends: SignalStream,
    ended: bool,
}

impl Process {
    /// Watches a child that was started with a process group of its own.
    ///
    /// `ends` must have been made before the child was, so that no end is missed.
    pub(super) fn new(child: Child, ends: SignalStream) -> Self {
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        // An orphan of the one before may have died before `ends` was made.
        reap_orphans(Some(pid));
        Self { child, pid, ends, ended: false }
    }

    /// What tells that some child ended.
    pub(super) fn watch_ends() -> std::io::Result<SignalStream> {
        signal(SignalKind::child())
    }

    /// Waits until the process has ended; it stays a zombie, so that its group can still be killed.
    /// Cancel safe.
    pub(super) async fn ended(&mut self) {
        // Asked only when some child has ended: the stream is older than the process, so none is missed.
        while !self.ended {
            if self.ends.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            self.look();
        }
    }

    /// Whether it has ended, asked of the kernel.
    pub(super) fn has_ended(&mut self) -> bool {
        if !self.ended {
            self.look();
        }
        self.ended
    }

    fn look(&mut self) {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        // A status that cannot be decoded (a real-time signal) is an end too.
        self.ended = !matches!(waitid(Id::Pid(self.pid), peek), Ok(WaitStatus::StillAlive));
        if !self.ended {
            reap_orphans(Some(self.pid));
        }
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal_group(&self, signal: Signal) {
        // The process may have moved to another group: a kill goes to it as well.  Another signal does not,
        // for two of a kind can mean something else than one.
        let told = killpg(self.pid, signal);
        if told.is_err() || signal == Signal::SIGKILL {
            best_effort(kill(self.pid, signal));
        }
    }

    /// Reaps an ended process, after its group was killed, and whatever of it had left the group.
    pub(super) fn reap(mut self) {
        self.signal_group(Signal::SIGKILL);
        best_effort(self.child.try_wait());
        kill_orphans();
    }

    /// How it ended, while it is still a zombie.
    pub(super) fn how(&self) -> String {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.pid), peek) {
            Ok(WaitStatus::Exited(_, code)) => exit_words(code),
            Ok(WaitStatus::Signaled(_, signal, core)) => signal_words(signal as i32, core),
            Ok(_) => "it is running".to_owned(),
            // A status that cannot be decoded: nix knows no real-time signals.
            Err(_) => "killed by a real-time signal".to_owned(),
        }
    }
}

fn exit_words(code: i32) -> String {
    format!("exit status {code}")
}

fn signal_words(number: i32, core_dumped: bool) -> String {
    let name = Signal::try_from(number).map_or("a real-time signal", Signal::as_str);
    let core = if core_dumped { ", core dumped" } else { "" };
    let cause = if number == Signal::SIGKILL as i32 {
        ", by someone else: often out of memory"
    } else {
        ""
    };
    format!("killed by {name} ({number}){core}{cause}")
}

/// The children that were ours before we started any: a wrapper's own, and none of our business.
static SPARED: OnceLock<Vec<Pid>> = OnceLock::new();
/// How long orphans that are killed may take to hand their own children to us.
const ORPHANS_PATIENCE: Duration = Duration::from_millis(50);

/// Notes the children that we have already: they are never killed.
pub fn spare_children() {
    SPARED.get_or_init(children);
}

/// Our children: handlers, and what outlived the handler that started it, for we are its subreaper.
fn children() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>()
        })
        .map(Pid::from_raw)
        .filter(|pid| SPARED.get().is_none_or(|spared| !spared.contains(pid)))
        .collect()
}

/// Collects orphans that ended, so that no zombie stays.
fn reap_orphans(leader: Option<Pid>) {
    for pid in children() {
        if Some(pid) != leader {
            best_effort(waitpid(pid, Some(WaitPidFlag::WNOHANG)));
        }
    }
}

/// Kills what left the handler's group before it was killed: with the leader reaped, it is all we have
/// beside the spared.  Those killed leave us their own children, so we look until there are none.
fn kill_orphans() {
    let until = Instant::now() + ORPHANS_PATIENCE;
    loop {
        let orphans = children();
        for pid in &orphans {
            best_effort(kill(*pid, Signal::SIGKILL));
            best_effort(waitpid(*pid, Some(WaitPidFlag::WNOHANG)));
        }
        if orphans.is_empty() || Instant::now() >= until {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_words() {
        assert_eq!(exit_words(3), "exit status 3");
        for (number, core, words) in [
            (11, true, "killed by SIGSEGV (11), core dumped"),
            (15, false, "killed by SIGTERM (15)"),
            (9, false, "killed by SIGKILL (9), by someone else: often out of memory"),
            (35, false, "killed by a real-time signal (35)"),
        ] {
            assert_eq!(signal_words(number, core), words);
        }
    }
}
