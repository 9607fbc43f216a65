//! The deployed runtime: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::FAILURE
}
