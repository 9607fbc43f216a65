//! The process behind a handler and its group: signals, its end, and the words for it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

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
        // The group may be gone already, or the process may have moved to another: both are tried.
        best_effort(killpg(self.pid, signal));
        best_effort(kill(self.pid, signal));
    }

    /// Reaps an ended process, after its group was killed, and says how it ended.
    pub(super) fn reap(mut self) -> String {
        self.signal_group(Signal::SIGKILL);
        let status = self.child.try_wait();
        kill_orphans();
        match status {
            Ok(Some(status)) => words_of(status),
            Ok(None) => "it could not be killed".to_owned(),
            Err(error) => format!("its status is lost: {error}"),
        }
    }

    /// How it ended, while it is still a zombie.
    pub(super) fn how(&self) -> String {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.pid), peek) {
            Ok(WaitStatus::Exited(_, code)) => exit_words(code),
            Ok(WaitStatus::Signaled(_, signal, core)) => signal_words(signal as i32, core),
            Ok(_) => "it is running".to_owned(),
            Err(_) => "killed by a real-time signal".to_owned(),
        }
    }
}

fn words_of(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => exit_words(code),
        (None, Some(number)) => signal_words(number, status.core_dumped()),
        (None, None) => format!("wait status {}", status.into_raw()),
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

/// Processes that outlived the handler that started them became our children: we are their subreaper.
fn children() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>()
        })
        .map(Pid::from_raw)
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

/// Kills what left the handler's group before it was killed; with the leader reaped, all are orphans.
fn kill_orphans() {
    for pid in children() {
        best_effort(kill(pid, Signal::SIGKILL));
        best_effort(waitpid(pid, Some(WaitPidFlag::WNOHANG)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_words() {
        for (raw, words) in [
            (0, "exit status 0"),
            (3 << 8, "exit status 3"),
            (0x80 | 0x0b, "killed by SIGSEGV (11), core dumped"),
            (15, "killed by SIGTERM (15)"),
            (9, "killed by SIGKILL (9), by someone else: often out of memory"),
            (35, "killed by a real-time signal (35)"),
        ] {
            assert_eq!(words_of(ExitStatus::from_raw(raw)), words);
        }
    }
}
