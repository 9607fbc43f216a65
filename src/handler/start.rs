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
    pub(super) report: Option<Launching>,
}

/// Starts the program, through the launcher or, where that cannot run, directly.
pub(super) fn start(settings: &Settings) -> Result<Started, Unstarted> {
    let file = locate(&settings.program).map_err(Unstarted::Entrypoint)?;
    let resources = |error: io::Error| {
        refused(&file, error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
    };
    let (input, child_input) = pipe::pipe().map_err(resources)?;
    if settings.writes_space {
        // While both ends are ours, so that the write cannot fail, and what is read of it was read by the
        // program; and past the runtime, which does not know yet that the pipe is writable.
        nix::unistd::write(&input, b" ").map_err(|errno| resources(errno.into()))?;
    }
    let (child_output, output) = pipe::pipe().map_err(resources)?;
    let (child_errors, errors) = pipe::pipe().map_err(resources)?;
    let mut prepared = if settings.directly {
        direct(settings, &file)?
    } else {
        through_launcher(settings, &file).map_err(resources)?
    };
    let program = &settings.program;
    prepared
        .command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(Stdio::from(child_input.into_blocking_fd().map_err(resources)?))
        .stdout(Stdio::from(child_output.into_blocking_fd().map_err(resources)?))
        .stderr(Stdio::from(child_errors.into_blocking_fd().map_err(resources)?));
    let ends = Process::watch_ends().map_err(resources)?;
    let child = prepared.command.spawn().map_err(|error| {
        let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
        match (settings.directly, PASSING.contains(&errno)) {
            (_, true) => resources(error),
            (true, false) => refused(&file, errno),
            // It is our own executable that cannot be started, not the program.
            (false, false) => Unstarted::NoLauncher,
        }
    })?;
    Ok(Started {
        process: Process::new(child, ends),
        file,
        input,
        output,
        errors,
        replies: prepared.replies,
        report: prepared.report,
    })
}

/// A command, our ends of what it uses beside the three standard pipes, and the child's ends, which are
/// closed on our side once it runs.
struct Prepared {
    command: Command,
    replies: Option<pipe::Receiver>,
    report: Option<Launching>,
    _childs: Vec<OwnedFd>,
}

fn through_launcher(settings: &Settings, file: &Path) -> io::Result<Prepared> {
    let (child_report, report) = pipe::pipe()?;
    let mut childs = vec![inheritable(child_report)?];
    let replies = match settings.reply_fd {
        Some(_) => {
            let (child, ours) = pipe::pipe()?;
            childs.push(inheritable(child)?);
            Some(ours)
        }
        None => None,
    };
    let mut numbers = childs.iter().map(AsRawFd::as_raw_fd);
    let order = Order {
        report: numbers.next().unwrap_or_default(),
        reply: numbers.next().zip(settings.reply_fd.map(i32::from)),
        parent: i32::try_from(std::process::id()).unwrap_or_default(),
        directory: directory(settings).map(OsString::from).unwrap_or_default(),
        program: file.into(),
    };
    let mut command = Command::new(OURSELVES);
    command.arg0(LAUNCHER).args(order.to_arguments());
    let report = Some(Launching { pipe: report, said: Vec::new() });
    Ok(Prepared { command, replies, report, _childs: childs })
}

fn direct(settings: &Settings, file: &Path) -> Result<Prepared, Unstarted> {
    if settings.reply_fd.is_some() {
        return Err(Unstarted::Entrypoint(
            "LAMBDA_STDIO_REPLY_FD needs the launcher, which cannot run here: is /proc mounted?"
                .to_owned(),
        ));
    }
    let mut command = Command::new(file);
    if let Some(directory) = directory(settings) {
        command.current_dir(directory);
    }
    Ok(Prepared { command, replies: None, report: None, _childs: Vec::new() })
}

/// Where the program starts: the task root, where there is one.
fn directory(settings: &Settings) -> Option<&Path> {
    settings.program.directory.as_deref().filter(|directory| directory.is_dir())
}

/// The child's end of a pipe, open through the launcher's exec; the launcher closes what is left over.
fn inheritable(pipe: pipe::Sender) -> io::Result<OwnedFd> {
    let fd = pipe.into_blocking_fd()?;
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(fd)
}

/// What the kernel's refusal means, and whether it may go better another time.
pub(super) fn refused(file: &Path, errno: Errno) -> Unstarted {
    let why = diagnosis::why_exec_failed(file, errno);
    if PASSING.contains(&errno) { Unstarted::Resources(why) } else { Unstarted::Entrypoint(why) }
}

/// The launcher's word on what came of exec: a greeting, and an errno if the program did not start.
#[derive(Debug)]
pub(super) struct Launching {
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

impl Launching {
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
