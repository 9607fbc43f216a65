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
use nix::sys::signal::kill;
use nix::sys::signal::{SigSet, Signal};
#[cfg(target_os = "linux")]
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::cli::Exit;
#[cfg(target_os = "linux")]
use crate::cli::emulator::tree;
use crate::cli::ui::{self, Style, Ui};

/// By these a command is ended.
const ENDS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
/// How long a build that is to end may take for it, and how often is looked.
#[cfg(target_os = "linux")]
const LAST_TIME: Duration = Duration::from_secs(2);
#[cfg(target_os = "linux")]
const LOOK: Duration = Duration::from_millis(10);
/// What a shell ends with where it does not find a program.
const NOT_FOUND: i32 = 127;

/// How a build ended.
enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// Because we were told to end.
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
    let child = spawn(command).context("the build's shell, sh, could not be started")?;
    let status = match watch(child).context("the build cannot be waited for")? {
        Ended::Exited(status) if status.success() => return Ok(None),
        Ended::Exited(status) => status,
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

fn spawn(command: &str) -> io::Result<Child> {
    let errors = io::stderr().as_fd().try_clone_to_owned()?;
    Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(errors).spawn()
}

/// Waits for the build, or for a signal to us, by which it is ended as well.
///
/// Signals are waited for and not handled: behind it they do again what they did before.  They are blocked
/// once the child is there, which would inherit that.
fn watch(mut child: Child) -> io::Result<Ended> {
    let mut signals = SigSet::from_iter(ENDS);
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break Ended::Exited(status);
        }
        let signal = signals.wait()?;
        if ENDS.contains(&signal) {
            stop(&mut child);
            break Ended::Interrupted(signal);
        }
    };
    signals.thread_unblock()?;
    Ok(ended)
}

/// Asks the build and what it started to end, then ends them.
#[cfg(target_os = "linux")]
fn stop(_: &mut Child) {
    // What loses its parents becomes our child, so that it can be found.  We have no other children.
    nix::sys::prctl::set_child_subreaper(true).ok();
    let us = nix::unistd::getpid();
    for process in tree::descendants(us) {
        // One that has ended meanwhile is what was wanted.
        kill(process, Signal::SIGTERM).ok();
    }
    let until = Instant::now() + LAST_TIME;
    while Instant::now() < until && has_children() {
        thread::sleep(LOOK);
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

/// Ends the build's shell: without /proc what it started is not known.
#[cfg(not(target_os = "linux"))]
fn stop(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::Color;

    #[test]
    fn signals_do_behind_a_build_what_they_did_before() {
        let before = SigSet::thread_get_mask().expect("a mask");
        let ui = Ui::new(Color::Never);
        assert_eq!(run("true", ui).expect("a shell"), None);
        assert_eq!(run("exit 3", ui).expect("a shell"), Some(Exit::NotStarted));
        assert_eq!(SigSet::thread_get_mask().expect("a mask"), before);
    }
}
