//! The runtime's side before its exec: our own executable in a mode that makes the runtime die with
//! us, puts it under its memory limit and then becomes it.
//!
//! Only safe calls: the alternative, `pre_exec`, is unsafe code.  An exec that fails is told to the
//! Runtime API as a runtime would tell it, so that the front door hears of it like of any init error.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use crate::runtime_api::wire;

/// Under this name the executable is the launcher.
pub const ROLE: &str = "lambda-stdio-launch";
/// In place of a control group: there is none.
const NO_GROUP: &str = "-";
/// How long a failed exec may take to be told.
const TELLING_TIME: Duration = Duration::from_secs(1);

/// A program with its arguments, and the name under which it is to see itself.
#[derive(Debug, Clone)]
pub struct Program {
    /// What is executed; a bare name is looked up in the runtime's `PATH`.
    pub path: PathBuf,
    /// The zeroth argument, where it is not the path.
    pub name: Option<OsString>,
    /// The arguments.
    pub arguments: Vec<OsString>,
}

/// Whether the executable was started as the launcher.
#[must_use]
pub fn is_role(name: &OsStr) -> bool {
    name == ROLE
}

/// The command that starts the launcher for a program.  `companion` is our own executable.
#[must_use]
pub fn command(companion: &Path, program: &Program, group: Option<&Path>) -> Command {
    let mut command = Command::new(companion);
    command
        .arg0(ROLE)
        .arg(std::process::id().to_string())
        .arg(group.map_or(OsStr::new(NO_GROUP), Path::as_os_str))
        .arg(program.name.as_deref().unwrap_or(program.path.as_os_str()))
        .arg(&program.path)
        .args(&program.arguments);
    command
}

/// The launcher: becomes the program, or says why it cannot.
#[must_use]
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parent = arguments.next().and_then(|id| id.to_str()?.parse::<i32>().ok());
    let (Some(parent), Some(group), Some(name), Some(path)) =
        (parent, arguments.next(), arguments.next(), arguments.next())
    else {
        // Someone called us by this name by hand.
        return ExitCode::from(2);
    };
    // A parent that waits for signals has blocked them, and what it starts would inherit that.
    if let Err(error) = SigSet::empty().thread_set_mask() {
        return fail(&path, &error.into(), "could not be given its signals");
    }
    // The order matters: a parent that died before the call sends no signal any more.
    let dies_with_us = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok();
    if !dies_with_us || nix::unistd::getppid().as_raw() != parent {
        return ExitCode::FAILURE;
    }
    if group != NO_GROUP {
        let joined = std::fs::write(Path::new(&group).join("cgroup.procs"), "0");
        if let Err(error) = joined {
            return fail(&path, &error, "could not enter its control group");
        }
    }
    let error = Command::new(&path).arg0(name).args(arguments).exec();
    fail(&path, &error, "could not be started")
}

/// Tells the Runtime API that a runtime was not started, as the runtime itself would tell its init error.
#[must_use]
pub fn fail(path: &OsStr, error: &io::Error, what: &str) -> ExitCode {
    let message = format!("the runtime {} {what}: {error}", path.display());
    // With nobody to listen the exit status says it: the front door sees the runtime end.
    drop(tell(&message));
    ExitCode::FAILURE
}

fn tell(message: &str) -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the launcher is a program of its own, before any config"
    )]
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let body = serde_json::json!({
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": message,
        "stackTrace": [],
    })
    .to_string();
    let mut stream = TcpStream::connect(&address)?;
    stream.set_read_timeout(Some(TELLING_TIME))?;
    stream.set_write_timeout(Some(TELLING_TIME))?;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {}: Runtime.InvalidEntrypoint\r\ncontent-length: {}\r\n\r\n{body}",
        wire::INIT_ERROR_PATH,
        wire::ERROR_TYPE,
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    // The answer says that it was heard; what it holds is of no use any more.
    stream.take(4096).read_to_end(&mut Vec::new())?;
    Ok(())
}
