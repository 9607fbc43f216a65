//! Waiting for a build as Linux can: signals are read beside the child's end, and what it started is found.

use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::{Ended, start};
use crate::cli::emulator::launch::{self, Program};
use crate::cli::emulator::tree;
use crate::cli::role;

/// By these a command is ended.
const ENDS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
/// How long a build that is to end may take for it, and how often is looked, in ms.
const LAST_TIME: Duration = Duration::from_secs(2);
const LOOK: u8 = 10;
/// Waits for the build, or for a signal to us, by which it is ended as well.
///
/// Signals are read and not handled: behind it they do again what they did before.  This thread must be the
/// only one, or they go to another.
pub(super) fn watch(command: &str) -> io::Result<Ended> {
    let mut signals = SigSet::from_iter(ENDS);
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    let ended = wait(command, &signals);
    signals.thread_unblock()?;
    ended
}

fn wait(command: &str, signals: &SigSet) -> io::Result<Ended> {
    let told = SignalFd::with_flags(signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let arguments = vec!["-c".into(), command.into()];
    let shell = Program { path: "sh".into(), name: None, arguments };
    // By the launcher, which gives it back its signals, and lets it die with us.
    let mut child = start(&mut launch::command(&role::own_executable(), &shell, None))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Exited(status));
        }
        if let Some(signal) = next(&told)?.filter(|signal| ENDS.contains(signal)) {
            stop();
            return Ok(Ended::Interrupted(signal));
        }
    }
}

/// The next signal, if one comes soon: that a child ended is looked for by itself as well.
fn next(told: &SignalFd) -> io::Result<Option<Signal>> {
    match poll(&mut [PollFd::new(told.as_fd(), PollFlags::POLLIN)], LOOK) {
        Ok(_) | Err(Errno::EINTR) => (),
        Err(error) => return Err(error.into()),
    }
    let number = told.read_signal()?.and_then(|signal| i32::try_from(signal.ssi_signo).ok());
    Ok(number.and_then(|number| Signal::try_from(number).ok()))
}

/// Asks the build and what it started to end, then ends them.
fn stop() {
    // What loses its parents becomes our child, so that it can be found.  We have no other children.
    nix::sys::prctl::set_child_subreaper(true).ok();
    let us = nix::unistd::getpid();
    for process in tree::descendants(us) {
        // One that has ended meanwhile is what was wanted.
        kill(process, Signal::SIGTERM).ok();
    }
    let until = Instant::now() + LAST_TIME;
    while Instant::now() < until && has_children() {
        thread::sleep(Duration::from_millis(LOOK.into()));
    }
    tree::kill_orphans(&[]);
}

/// Whether a child is left, once those that have ended are reaped.
fn has_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) => (),
            Err(_) => return false,
        }
    }
}
