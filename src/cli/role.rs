//! What the executable is when it was not started as the companion: the bridge, the launcher of a
//! runtime, or what enters the root that a zip is verified in.  One file does for all, so that `invoke` works wherever the companion alone was copied.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::emulator::launch::{self, Program};
use super::package::verify::room;
use crate::bootstrap;

/// The bridge's name, in Lambda and here.
const BRIDGE: &str = "bootstrap";

/// Plays the role that the executable was started in; none if it is the companion.
#[must_use]
pub fn play(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let name = arguments.next()?;
    if launch::is_role(&name) {
        return Some(launch::main(arguments));
    }
    if name == room::ROLE {
        return Some(room::main(arguments));
    }
    bootstrap::is_role(&name).then(bootstrap::main)
}

/// The bridge as a runtime: the `bootstrap` beside the companion, or the companion itself in that role.
///
/// Only the companion has the tap that `--wire` reads; the deployed bootstrap is built without it.
#[must_use]
pub fn bridge(with_tap: bool, arguments: Vec<OsString>) -> Program {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(BRIDGE)));
    match beside.filter(|path| !with_tap && path.is_file()) {
        Some(path) => Program { path, name: None, arguments },
        None => Program { path: own_executable(), name: Some(BRIDGE.into()), arguments },
    }
}

/// Our own executable, even if its file was replaced or removed since.
#[must_use]
pub fn own_executable() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
