//! The companion: everything is in the library.

use std::process::ExitCode;

use lambda_stdio::cli;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = cli::role::play(std::env::args_os()) {
        return code;
    }
    cli::main(std::env::args_os())
}
