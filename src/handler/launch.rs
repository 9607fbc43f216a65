//! The child's side before exec: it dies with us, has a clean mask, and sees its own descriptors only.
//!
//! The bridge starts a handler by starting itself in this role, which prepares the process by safe calls
//! and then becomes the program.  The other way, `pre_exec`, is unsafe and costs the fast spawn path.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use super::best_effort;
use super::diagnosis::OUR_MACHINE;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;

/// The name under which our own executable takes this role.
pub const LAUNCHER: &str = "lambda-stdio-launcher";
/// What the launcher says first, so that silence means it never ran.
pub(super) const HELLO: u8 = b'+';
/// The kernel's choice when memory runs out should be the handler, not the bridge that can say so.
const OOM_SCORE: &[u8] = b"500";
/// A program that is being written may be finished in a moment.
const BUSY_RETRIES: u32 = 10;

/// What the parent asks for, as arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Where to report: a descriptor that exec closes.
    pub(super) report: RawFd,
    /// Which descriptor becomes which, for replies.
    pub(super) reply: Option<(RawFd, RawFd)>,
    /// Whose death is ours.
    pub(super) parent: i32,
    /// The working directory; empty to stay.
    pub(super) directory: OsString,
    /// The program's file.
    pub(super) program: OsString,
}

impl Order {
    pub(super) fn to_arguments(&self) -> [OsString; 5] {
        let reply = self.reply.map_or_else(|| "-".to_owned(), |(from, to)| format!("{from}:{to}"));
        [
            self.report.to_string().into(),
            reply.into(),
            self.parent.to_string().into(),
            self.directory.clone(),
            self.program.clone(),
        ]
    }

    fn from_arguments(arguments: &[OsString]) -> Option<Self> {
        let [report, reply, parent, directory, program] = arguments else { return None };
        let reply = match reply.to_str()? {
            "-" => None,
            pair => {
                let (from, to) = pair.split_once(':')?;
                Some((from.parse().ok()?, to.parse().ok()?))
            }
        };
        Some(Self {
            report: report.to_str()?.parse().ok()?,
            reply,
            parent: parent.to_str()?.parse().ok()?,
            directory: directory.clone(),
            program: program.clone(),
        })
    }
}

/// Prepares the process and becomes the program; returns only when that failed.
#[must_use]
pub fn main(arguments: &[OsString]) -> ExitCode {
    let Some((order, rest)) = arguments
        .split_at_checked(5)
        .and_then(|(order, rest)| Some((Order::from_arguments(order)?, rest)))
    else {
        return ExitCode::FAILURE;
    };
    let taken = order.reply.map_or(-1, |(_, to)| to);
    if let Ok(report) = reopen_elsewhere(order.report, taken) {
        let error = launch(&order, rest, &report);
        // Nobody to tell is nothing to do: the parent sees the end all the same.
        best_effort(nix::unistd::write(&report, &(error as i32).to_be_bytes()));
    }
    ExitCode::FAILURE
}

/// Every step before exec, and exec; what is returned is why it failed.
fn launch(order: &Order, arguments: &[OsString], report: &OwnedFd) -> Errno {
    match prepare(order, report) {
        Err(error) => error,
        Ok(()) => become_program(&order.program, arguments),
    }
}

fn prepare(order: &Order, report: &OwnedFd) -> nix::Result<()> {
    nix::unistd::write(report, &[HELLO])?;
    set_pdeathsig(Signal::SIGKILL)?;
    if nix::unistd::getppid().as_raw() != order.parent {
        return Err(Errno::ESRCH);
    }
    SigSet::empty().thread_set_mask()?;
    place_descriptors(order, report)?;
    // Best effort: where it is not allowed, the kernel chooses as it likes.
    best_effort(std::fs::write("/proc/self/oom_score_adj", OOM_SCORE));
    if order.directory.is_empty() {
        Ok(())
    } else {
        nix::unistd::chdir(Path::new(&order.directory))
    }
}

/// Leaves 0, 1, 2 and the reply descriptor, and the report until exec closes it.
fn place_descriptors(order: &Order, report: &OwnedFd) -> nix::Result<()> {
    let reply = match order.reply {
        Some((from, to)) => Some((reopen_elsewhere(from, to)?, to)),
        None => None,
    };
    let kept = [Some(report.as_raw_fd()), reply.as_ref().map(|(fd, _)| fd.as_raw_fd())];
    for fd in open_descriptors()?.into_iter().filter(|fd| *fd > 2 && !kept.contains(&Some(*fd))) {
        // The folder that lists them is among them, and closed by now.
        best_effort(nix::unistd::close(fd));
    }
    if let Some((fd, to)) = reply {
        // Its number is free now, so the lowest free one from there on is just it; exec leaves it open.
        let placed = fcntl(&fd, FcntlArg::F_DUPFD(to))?;
        if placed != to {
            return Err(Errno::EMFILE);
        }
    }
    Ok(())
}

/// Which cannot be told is a refusal: the program would hold our report open, and its start never be told.
fn open_descriptors() -> nix::Result<Vec<RawFd>> {
    let folder = std::fs::read_dir("/proc/self/fd")
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))?;
    Ok(folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// A descriptor of our own for an inherited number: exec closes it.
fn reopen(fd: RawFd) -> nix::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{fd}");
    nix::fcntl::open(Path::new(&path), OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The same, but not under the number that is meant for replies.
fn reopen_elsewhere(fd: RawFd, taken: RawFd) -> nix::Result<OwnedFd> {
    let first = reopen(fd)?;
    // While the first holds that number, a second cannot get it.
    if first.as_raw_fd() == taken { reopen(fd) } else { Ok(first) }
}

fn become_program(program: &OsStr, arguments: &[OsString]) -> Errno {
    if cfg!(target_env = "gnu") && !has_known_head(Path::new(program)) {
        // glibc would hand it to a shell; the kernel, and so the static bootstrap, refuses it.
        return Errno::ENOEXEC;
    }
    let mut wait = Duration::from_millis(1);
    for attempt in 0.. {
        let error = Command::new(program).args(arguments).exec();
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
        if errno != Errno::ETXTBSY || attempt == BUSY_RETRIES {
            return errno;
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(Duration::from_millis(50));
    }
    Errno::ETXTBSY
}

/// Whether a file begins as a program for this machine does; one that cannot be read is left to exec.
fn has_known_head(program: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(program).and_then(|file| {
        let length = file.metadata()?.len();
        io::Read::read_to_end(&mut io::Read::take(file, ELF_HEADER_BYTES), &mut head)?;
        Ok(length)
    });
    match read {
        Ok(length) if head.starts_with(b"\x7fELF") => {
            is_ours_and_whole(&head, length) || elf_may_be_emulated()
        }
        Ok(_) => head.starts_with(b"#!"),
        Err(_) => true,
    }
}

/// The header of an ELF program of 64 bits, and one entry of the table it names.
const ELF_HEADER_BYTES: u64 = 64;
const ELF_ENTRY_BYTES: u64 = 56;

/// Whether an ELF file is for this machine and holds what the kernel reads of it before anything else.
fn is_ours_and_whole(head: &[u8], length: u64) -> bool {
    let number = |at: usize| head.get(at..)?.first_chunk().copied().map(u16::from_le_bytes);
    let table = head.get(32..).and_then(|rest| rest.first_chunk().copied()).map(u64::from_le_bytes);
    let (Some(entry), Some(entries), Some(table)) = (number(54), number(56), table) else {
        return false;
    };
    let end = table.checked_add(u64::from(entries) * ELF_ENTRY_BYTES);
    number(18) == Some(OUR_MACHINE)
        && u64::from(entry) == ELF_ENTRY_BYTES
        && entries > 0
        && end.is_some_and(|end| end <= length)
}

/// Whether the kernel was told of an emulator for some ELF programs.
fn elf_may_be_emulated() -> bool {
    std::fs::read_dir("/proc/sys/fs/binfmt_misc").is_ok_and(|formats| {
        formats.flatten().any(|format| {
            std::fs::read_to_string(format.path()).is_ok_and(|text| text.contains("magic 7f454c46"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_elf_file_is_whole_once_its_table_is_there() {
        let mut head = vec![0; 64];
        head[18..20].copy_from_slice(&OUR_MACHINE.to_le_bytes());
        head[32] = 64;
        head[54] = 56;
        head[56] = 2;
        for (length, whole) in [(64 + 111, false), (64 + 112, true), (1 << 40, true)] {
            assert_eq!(is_ours_and_whole(&head, length), whole, "{length}");
        }
        assert!(!is_ours_and_whole(&head[..57], 1000), "cut in its header");
        for (at, wrong) in [(18, 0xff), (39, 0xff), (54, 0), (56, 0)] {
            let mut broken = head.clone();
            broken[at] = wrong;
            assert!(!is_ours_and_whole(&broken, 1 << 40), "byte {at}");
        }
    }

    #[test]
    fn an_order_survives_its_way_through_arguments() {
        for reply in [None, Some((7, 3))] {
            let order = Order {
                report: 5,
                reply,
                parent: 42,
                directory: "/var/task".into(),
                program: "/var/task/a b".into(),
            };
            assert_eq!(Order::from_arguments(&order.to_arguments()), Some(order));
        }
        assert_eq!(Order::from_arguments(&["x".into()]), None);
    }
}
