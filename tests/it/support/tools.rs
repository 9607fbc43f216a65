//! Programs that are not ours and that a run may bring along, each named by a variable.

use std::path::PathBuf;

/// Where a tool is; none, with a word about it, where nobody said.
///
/// With `LAMBDA_STDIO_ORACLES` set every tool must be there: a run that is about them must not pass because
/// it found none.
#[expect(clippy::disallowed_methods, reason = "where the tools are is asked of the run")]
pub(crate) fn tool(variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let are_all_wanted = std::env::var_os("LAMBDA_STDIO_ORACLES").is_some();
    assert!(!are_all_wanted, "LAMBDA_STDIO_ORACLES is set, but {variable} is not");
    eprintln!("not run: {variable} does not say where the tool is");
    None
}

/// The search path of this run: interpreters are where it says.
#[expect(
    clippy::disallowed_methods,
    reason = "programs of this machine are started by their names"
)]
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned())
}

/// Whether a program of a distribution is here; where all tools are wanted, it must be.
#[expect(clippy::disallowed_methods, reason = "which tools must be there is asked of the run")]
pub(crate) fn installed(program: &str) -> bool {
    if std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    let are_all_wanted = std::env::var_os("LAMBDA_STDIO_ORACLES").is_some();
    assert!(!are_all_wanted, "LAMBDA_STDIO_ORACLES is set, but {program} is not installed");
    eprintln!("not run: {program} is not installed");
    false
}
