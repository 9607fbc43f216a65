//! The companion's own environment variables: read here and nowhere else.

use std::ffi::OsString;

/// One variable of ours.
#[expect(clippy::disallowed_methods, reason = "the companion's one door to the environment")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// All of them: what a handler is started with.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "the companion's one door to the environment")]
pub(crate) fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}
