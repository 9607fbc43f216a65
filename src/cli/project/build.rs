//! The project's build command: run by a shell in the project's folder, with what it prints on standard
//! error, since standard output is the reply's.
//!
//! It stays in our process group, so that a terminal is its own as well: a build may ask for a passphrase.

use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};
#[cfg(target_os = "linux")]
use std::thread;
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use anyhow::Context;
#[cfg(target_os = "linux")]
use nix::errno::Errno;
#[cfg(target_os = "linux")]
use nix::poll::{PollFd, PollFlags, poll};
#[cfg(target_os = "linux")]
use nix::sys::signal::{SigSet, Signal, kill};
#[cfg(target_os = "linux")]
use nix::sys::signalfd::{SfdFlags, SignalFd};
#[cfg(target_os = "linux")]
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::cli::Exit;
#[cfg(target_os = "linux")]
use crate::cli::emulator::launch::{self, Program};
#[cfg(target_os = "linux")]
use crate::cli::emulator::tree;
#[cfg(target_os = "linux")]
use crate::cli::role;
use crate::cli::ui::{self, Style, Ui};

/// By these a command is ended.
#[cfg(target_os = "linux")]
const ENDS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
/// How long a build that is to end may take for it, and how often is looked, in ms.
#[cfg(target_os = "linux")]
const LAST_TIME: Duration = Duration::from_secs(2);
#[cfg(target_os = "linux")]
const LOOK: u8 = 10;
/// What a shell ends with where it does not find a program.
const NOT_FOUND: i32 = 127;

/// How a build ended.
enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// Because we were told to end.
    #[cfg(target_os = "linux")]
    Interrupted(Signal),
}

/// Builds; none if that went well, else how the command ends.
///
/// # Errors
/// Where there is no shell.
pub fn run(command: &str, ui: Ui) -> anyhow::Result<Option<Exit>> {
    let shown = ui::printable(command);
    if ui.is_terminal() {
        ui.line(ui.paint(Style::Dim, &format!("build: {shown}")).as_bytes());
    }
    let status = match watch(command).context("the build cannot be run by sh")? {
        Ended::Exited(status) if status.success() => return Ok(None),
        Ended::Exited(status) => status,
        #[cfg(target_os = "linux")]
        Ended::Interrupted(signal) => {
            return Ok(Some(Exit::Interrupted(u8::try_from(signal as i32).unwrap_or(u8::MAX))));
        }
    };
    ui.error(&format!("the build failed with {}: {shown}", describe(status)));
    ui.hint(match status.code() {
        Some(NOT_FOUND) => {
            "a program that it names is not installed, or not there; README.md says what is needed"
        }
        _ => "what it printed stands above; --no-build goes on with what was built before",
    });
    Ok(Some(Exit::NotStarted))
}

/// Waits for the build, or for a signal to us, by which it is ended as well.
///
/// Signals are read and not handled: behind it they do again what they did before.  This thread must be the
/// only one, or they go to another.
#[cfg(target_os = "linux")]
fn watch(command: &str) -> io::Result<Ended> {
    let mut signals = SigSet::from_iter(ENDS);
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    let ended = wait(command, &signals);
    signals.thread_unblock()?;
    ended
}

#[cfg(target_os = "linux")]
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

fn start(command: &mut Command) -> io::Result<Child> {
    let errors = io::stderr().as_fd().try_clone_to_owned()?;
    command.stdin(Stdio::null()).stdout(errors).spawn()
}

/// The next signal, if one comes soon: that a child ended is looked for by itself as well.
#[cfg(target_os = "linux")]
fn next(told: &SignalFd) -> io::Result<Option<Signal>> {
    match poll(&mut [PollFd::new(told.as_fd(), PollFlags::POLLIN)], LOOK) {
        Ok(_) | Err(Errno::EINTR) => (),
        Err(error) => return Err(error.into()),
    }
    let number = told.read_signal()?.and_then(|signal| i32::try_from(signal.ssi_signo).ok());
    Ok(number.and_then(|number| Signal::try_from(number).ok()))
}

/// A signal ends us, and the build hears of it from the terminal.
#[cfg(not(target_os = "linux"))]
fn watch(command: &str) -> io::Result<Ended> {
    start(Command::new("sh").args(["-c", command]))?.wait().map(Ended::Exited)
}

/// Asks the build and what it started to end, then ends them.
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
fn has_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) => (),
            Err(_) => return false,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}
