//! Our own executable in the role that enters the made root and becomes the bootstrap in it.
//!
//! A process with one thread may leave for namespaces of its own, and all that it mounts there is gone with
//! its last process, however that ends.  Only safe calls: the other way, `pre_exec`, is unsafe code.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::unistd::{chdir, chroot, getgid, getuid};

use super::machine::Machine;
use super::root::{DEVICES, Root};
use crate::cli::emulator::{Program, launch};
use crate::cli::role;

/// Under this name the executable takes this role.
pub const ROLE: &str = "lambda-stdio-room";
/// A program there is nobody: with the ids of Lambda's sandbox it has no capabilities, either.
const UID: u32 = 993;
const GID: u32 = 990;
/// The size of Lambda's `/tmp`.
const TMP: &str = "mode=1777,size=512m";
const TASK_ROOT: &str = "/var/task";

/// The bootstrap of a made root, as a runtime for the emulator.
#[must_use]
pub fn program(root: &Root, bootstrap: &str) -> Program {
    let mut arguments = entering(root);
    arguments.push(bootstrap.into());
    Program { path: role::own_executable(), name: Some(ROLE.into()), arguments }
}

/// The arguments that lead into a root.
fn entering(root: &Root) -> Vec<OsString> {
    let mut arguments = vec![root.path().into()];
    arguments.extend(root.machine().words());
    arguments
}

/// Enters a root and leaves again: whether that can be done here.
///
/// # Errors
/// Why it cannot, in words.
pub fn probe(root: &Root) -> Result<(), String> {
    let said = Command::new(role::own_executable()).arg0(ROLE).args(entering(root)).output();
    let said = said.map_err(|error| format!("no process can be started: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(if words.is_empty() {
        format!("its room could not be made: {}", said.status)
    } else {
        words
    })
}

/// Enters the root, and becomes the program if one is named; returns only when there is none or it failed.
#[must_use]
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(root) = arguments.next().map(PathBuf::from) else {
        // Someone called us by this name by hand.
        return ExitCode::from(2);
    };
    let machine = Machine::of(&mut arguments);
    if let Err(error) = enter(&root, &machine) {
        // Nobody to tell is nothing to do: the exit status says it all the same.
        writeln!(io::stderr(), "{error:#}").ok();
        return ExitCode::FAILURE;
    }
    let Some(program) = arguments.next() else { return ExitCode::SUCCESS };
    let error = Command::new(&program).args(arguments).exec();
    launch::fail(OsStr::new(&program), &error, "could not be started")
}

fn enter(root: &Path, machine: &Machine) -> anyhow::Result<()> {
    let (uid, gid) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .context("this machine gives no user namespace")?;
    fs::write("/proc/self/setgroups", "deny").context("its groups cannot be given up")?;
    fs::write("/proc/self/uid_map", format!("{UID} {uid} 1")).context("no user can be mapped")?;
    fs::write("/proc/self/gid_map", format!("{GID} {gid} 1")).context("no group can be mapped")?;
    // A change of credentials may have unset what the launcher set.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    furnish(root, machine).context("this machine allows no mounts in a user namespace")?;
    chroot(root).context("this machine allows no chroot in a user namespace")?;
    chdir(TASK_ROOT)?;
    Ok(())
}

fn furnish(root: &Path, machine: &Machine) -> anyhow::Result<()> {
    let none: Option<&Path> = None;
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some(root), root, none, bind, none)?;
    machine.mount(root)?;
    for device in DEVICES {
        let device = Path::new("dev").join(device);
        mount(Some(&Path::new("/").join(&device)), &root.join(&device), none, bind, none)?;
    }
    // The whole of it, not an own one: that would take a namespace of processes, whose first has duties.
    mount(Some("/proc"), &root.join("proc"), none, bind, none)?;
    mount(Some("tmpfs"), &root.join("tmp"), Some("tmpfs"), MsFlags::MS_NOSUID, Some(TMP))?;
    // As in Lambda, only /tmp takes files.  What the folder's own mount forbids must stay forbidden.
    let only_read = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(none, root, none, only_read | MsFlags::MS_NOSUID | MsFlags::MS_NODEV, none)?;
    Ok(())
}
