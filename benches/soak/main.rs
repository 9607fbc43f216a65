//! The soak: the real `bootstrap` through many invocations, of which one in twenty goes wrong in one of
//! thirteen ways, and what must hold whatever happens is counted.
//!
//!     cargo bench --bench soak -- --count 20000 --seed 7
//!
//! The run is wholly decided by its seed.  This program is also the handler that misbehaves: the bridge
//! starts it again with `--handler` as its first argument.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a test with a table to print: it says what it expects, and what it saw"
)]

mod arguments;
mod fault;
mod gate;
mod handler;
mod plan;
mod run;
mod table;
mod watch;

#[path = "../../tests/it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the stories of tests/it use the rest")]
mod support;

use std::process::ExitCode;

use arguments::{Arguments, Part};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Part::parse(&words) {
        Ok(Part::Handler { replies, one_shot, gate }) => {
            handler::Handler::new(replies, one_shot, gate).serve()
        }
        Ok(Part::Soak(arguments)) => soak(&arguments),
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn soak(arguments: &Arguments) -> ExitCode {
    fault::check_table();
    plan::check_generator();
    println!("seed {}; again: {}", arguments.seed, arguments.command());
    let runs = arguments.shares();
    let tallies: Vec<_> = runs
        .into_iter()
        .map(|(replies, count)| (replies, run::run(arguments, replies, count)))
        .collect();
    table::print(arguments, &tallies);
    if tallies.iter().all(|(_, tally)| tally.is_clean()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
