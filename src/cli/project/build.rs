//! The project's build command: run by a shell in the project's folder, with what it prints on standard
//! error, since standard output is the reply's.

use std::io;
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time;

use crate::cli::Exit;
use crate::cli::interrupts::Interrupts;
use crate::cli::ui::{Style, Ui};

/// How long a build that is to end may take for it.
const LAST_TIME: Duration = Duration::from_secs(2);
/// What a shell ends with where it does not find a program.
const NOT_FOUND: i32 = 127;

/// Builds; none if that went well, else how the command ends.
///
/// # Errors
/// Where there is no shell, or this machine has no event queue.
pub fn run(command: &str, ui: Ui) -> anyhow::Result<Option<Exit>> {
    if ui.is_terminal() {
        ui.line(ui.paint(Style::Dim, &format!("build: {command}")).as_bytes());
    }
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.context("this machine gives no event queue")?;
    executor.block_on(watched(command, ui))
}

async fn watched(command: &str, ui: Ui) -> anyhow::Result<Option<Exit>> {
    let mut interrupts = Interrupts::listen()?;
    let mut child = spawn(command).context("the build's shell, sh, could not be started")?;
    let status = tokio::select! {
        biased;
        exit = interrupts.next() => {
            stop(&mut child).await;
            return Ok(Some(exit));
        }
        status = child.wait() => status.context("the build cannot be waited for")?,
    };
    if status.success() {
        return Ok(None);
    }
    ui.error(&format!("the build failed: `{command}` ended with {}", describe(status)));
    ui.hint(match status.code() {
        Some(NOT_FOUND) => {
            "a program that it needs is not installed; the project's README.md says what it needs"
        }
        _ => "what it printed stands above; --no-build goes on with what was built before",
    });
    Ok(Some(Exit::NotStarted))
}

/// In a group of its own, so that all of it can be ended.
fn spawn(command: &str) -> io::Result<Child> {
    let errors = io::stderr().as_fd().try_clone_to_owned()?;
    Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(errors)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn stop(child: &mut Child) {
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else {
        return;
    };
    // Where it has ended meanwhile there is nobody to be told.
    killpg(group, Signal::SIGTERM).ok();
    drop(time::timeout(LAST_TIME, child.wait()).await);
    killpg(group, Signal::SIGKILL).ok();
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}
