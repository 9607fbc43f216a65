//! The deployed runtime: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda_stdio::bootstrap::main()
}
