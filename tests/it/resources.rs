//! Stories of what the kernel refuses: descriptors, processes, memory, and any system call at any moment.
//! They are told with the deployed build, whose path is in `LAMBDA_STDIO_STATIC`: it has no loader that
//! would be hit instead, and the allocator and the system calls are those of production.

mod failures;
mod limits;
mod moments;
mod patience;
mod scenario;

use std::ffi::OsString;

/// The deployed build; none, with a word about it, where nobody said where it is.
fn deployed() -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "where the program is, is asked of the run")]
    let program = std::env::var_os("LAMBDA_STDIO_STATIC");
    if program.is_none() {
        eprintln!("not run: LAMBDA_STDIO_STATIC does not say where the deployed bootstrap is");
    }
    program
}
