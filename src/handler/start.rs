//! The parent's side of a handler's start: pipes, the launcher, and what came of exec.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tokio::net::unix::pipe;

use super::diagnosis;
use super::launch::{HELLO, LAUNCHER, Order};
use super::locate::locate;
use super::{Process, Settings, Unstarted};

/// Refusals that say nothing of the program: it may go better another time.
const PASSING: [Errno; 6] = [
    Errno::ENOMEM,
    Errno::EAGAIN,
    Errno::EMFILE,
    Errno::ENFILE,
    Errno::EIO,
    // Our own end, seen by the launcher.
    Errno::ESRCH,
];
/// Our own executable: the handler is started by starting it in the launcher's role.
const OURSELVES: &str = "/proc/self/exe";

/// A process that was started, and our ends of its pipes.
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) file: PathBuf,
    pub(super) input: pipe::Sender,
    pub(super) output: pipe::Receiver,
    pub(super) errors: pipe::Receiver,
    /// Where replies come from, if not from standard output.
    pub(super) replies: Option<pipe::Receiver>,
    /// What came of exec; none where the program was started without the launcher.
    pub(super) report: Option<Report>,
}

/// Starts the program, through the launcher or, where that cannot run, directly.
pub(super) fn start(settings: &Settings) -> Result<Started, Unstarted> {
    let file = locate(&settings.program).map_err(Unstarted::Entrypoint)?;
    start_file(settings, &file).map_err(|error| unstarted(&file, &error))
}

fn start_file(settings: &Settings, file: &Path) -> io::Result<Started> {
    let Settings { program, reply_fd, directly, .. } = settings;
    let (input, child_input) = pipe::pipe()?;
    if settings.writes_space {
        // While both ends are ours, so that the write cannot fail, and what is read of it was read by the
        // program; and past the runtime, which does not know yet that the pipe is writable.
        nix::unistd::write(&input, b" ")?;
    }
    let (child_output, output) = pipe::pipe()?;
    let (child_errors, errors) = pipe::pipe()?;
    let (child_report, report) = pipe::pipe()?;
    let child_report = inheritable(child_report)?;
    let (replies, child_replies) = match reply_fd {
        Some(_) => {
            let (child, ours) = pipe::pipe()?;
            (Some(ours), Some(inheritable(child)?))
        }
        None => (None, None),
    };
    let directory = program.directory.as_deref().filter(|directory| directory.is_dir());
    let mut command = if *directly {
        if reply_fd.is_some() {
            let reason = "LAMBDA_STDIO_REPLY_FD needs /proc, which is not here";
            return Err(io::Error::other(reason));
        }
        let mut command = Command::new(file);
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        command
    } else {
        let order = Order {
            report: child_report.as_raw_fd(),
            reply: child_replies.as_ref().map(AsRawFd::as_raw_fd).zip(reply_fd.map(i32::from)),
            parent: i32::try_from(std::process::id()).unwrap_or_default(),
            directory: directory.map(OsString::from).unwrap_or_default(),
            program: file.into(),
        };
        let mut command = Command::new(OURSELVES);
        command.arg0(LAUNCHER).args(order.to_arguments());
        command
    };
    command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(Stdio::from(child_input.into_blocking_fd()?))
        .stdout(Stdio::from(child_output.into_blocking_fd()?))
        .stderr(Stdio::from(child_errors.into_blocking_fd()?));
    let ends = Process::watch_ends()?;
    let child = command.spawn()?;
    Ok(Started {
        process: Process::new(child, ends),
        file: file.to_owned(),
        input,
        output,
        errors,
        replies,
        report: (!*directly).then(|| Report { pipe: report, said: Vec::new() }),
    })
}

/// The child's end of a pipe, open through the launcher's exec; the launcher closes what is left over.
fn inheritable(pipe: pipe::Sender) -> io::Result<OwnedFd> {
    let fd = pipe.into_blocking_fd()?;
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(fd)
}

fn unstarted(file: &Path, error: &io::Error) -> Unstarted {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(errno) => refused(file, errno),
        None => Unstarted::Resources(format!("cannot start {}: {error}", file.display())),
    }
}

/// What the kernel's refusal means, and whether it may go better another time.
pub(super) fn refused(file: &Path, errno: Errno) -> Unstarted {
    let why = diagnosis::why_exec_failed(file, errno);
    if PASSING.contains(&errno) { Unstarted::Resources(why) } else { Unstarted::Entrypoint(why) }
}

/// The launcher's word on what came of exec: a greeting, and an errno if the program did not start.
#[derive(Debug)]
pub(super) struct Report {
    pipe: pipe::Receiver,
    said: Vec<u8>,
}

/// What came of a launch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Launch {
    /// The program runs.
    Running,
    /// Exec refused it.
    Refused(Errno),
    /// The launcher itself never ran: this is an emulated processor, or our executable is gone.
    NoLauncher,
}

impl Report {
    /// Waits for the launcher's word.  Cancel safe: what was read is kept.
    pub(super) async fn heard(&mut self) -> Launch {
        loop {
            let mut chunk = [0; 16];
            match self.pipe.try_read(&mut chunk) {
                Ok(0) => return self.meaning(),
                Ok(length) => self.said.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.pipe.readable().await.is_err() {
                        return self.meaning();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(_) => return self.meaning(),
            }
        }
    }

    /// The launcher's word once its process has ended.
    pub(super) fn last_word(&mut self) -> Launch {
        let mut chunk = [0; 16];
        if let Ok(length) = rustix::io::read(self.pipe.as_fd(), &mut chunk) {
            self.said.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        self.meaning()
    }

    fn meaning(&self) -> Launch {
        match self.said.split_first() {
            Some((&HELLO, [])) => Launch::Running,
            Some((&HELLO, errno)) => {
                let number = errno.first_chunk().copied().map_or(0, i32::from_be_bytes);
                Launch::Refused(Errno::from_raw(number))
            }
            Some(_) | None => Launch::NoLauncher,
        }
    }
}
