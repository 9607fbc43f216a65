//! What the executable is when it was not started as the companion: the bridge, or the launcher of a
//! runtime.  One file does for all three, so that `invoke` works wherever the companion alone was copied.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use super::emulator::launch::{self, Program};

/// The bridge's name, in Lambda and here.
const BRIDGE: &str = "bootstrap";

/// Plays the role that the executable was started in; none if it is the companion.
#[must_use]
pub fn play(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let name = arguments.next()?;
    if launch::is_role(&name) {
        return Some(launch::main(arguments));
    }
    is_bridge(&name).then(become_bridge)
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

// SEAM TO THE CORE: the two functions below are to be `crate::bootstrap::is_role` and
// `crate::bootstrap::main`, once the library has them.

fn is_bridge(name: &OsStr) -> bool {
    name == BRIDGE
}

fn become_bridge() -> ExitCode {
    ExitCode::FAILURE
}
