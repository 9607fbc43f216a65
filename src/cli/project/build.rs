//! The project's build command: run by a shell in the project's folder, with what it prints on standard
//! error, since standard output is the reply's.
//!
//! It stays in our process group, so that a terminal is its own as well: a build may ask for a passphrase.

use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::Context;

#[cfg(target_os = "linux")]
mod watch;

use crate::cli::Exit;
use crate::cli::ui::{self, Style, Ui};
#[cfg(target_os = "linux")]
use watch::watch;

/// What a shell ends with where it does not find a program.
const NOT_FOUND: i32 = 127;

/// How a build ended.
enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// Because we were told to end.
    #[cfg(target_os = "linux")]
    Interrupted(nix::sys::signal::Signal),
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

fn start(command: &mut Command) -> io::Result<Child> {
    let errors = io::stderr().as_fd().try_clone_to_owned()?;
    command.stdin(Stdio::null()).stdout(errors).spawn()
}

/// A signal ends us, and the build hears of it from the terminal.
#[cfg(not(target_os = "linux"))]
fn watch(command: &str) -> io::Result<Ended> {
    start(Command::new("sh").args(["-c", command]))?.wait().map(Ended::Exited)
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}
