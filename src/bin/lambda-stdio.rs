//! The companion: everything is in the library.

use std::process::ExitCode;

use lambda_stdio::cli;

fn main() -> ExitCode {
    match cli::role::play(std::env::args_os()) {
        Some(code) => code,
        None => cli::main(std::env::args_os()),
    }
}
