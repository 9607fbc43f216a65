//! The bridge beside its floor and its peers: everybody on one core and in turn, over several rounds.
//!
//!     cargo bench --bench bridge -- --help
//!
//! The floor is `benches/floor/floor.c`, the least that a bridge must do; what ours does besides is seen as
//! a ratio to it in the same round, which a busy machine shifts less than it shifts microseconds.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a measurement with tables to print, and its counts are small"
)]

mod arguments;
mod contender;
mod documents;
mod event;
mod figures;
mod histogram;
mod json;
mod kernel;
mod lambda;
mod measure;
mod plot;
mod programs;
mod resources;
mod statistics;
mod table;
mod terminal;

use std::process::ExitCode;

use arguments::Arguments;
use contender::Contender;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use programs::Programs;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        println!("{}", arguments::USAGE);
        return ExitCode::SUCCESS;
    }
    let result = Arguments::parse(&words).and_then(|arguments| bench(&arguments));
    match result {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn bench(arguments: &Arguments) -> Result<ExitCode, String> {
    check();
    let programs = Programs::find(arguments)?;
    let contenders = contenders(arguments, &programs)?;
    if !arguments.quick && !resources::has_strace() {
        missing(arguments, "not counted: system calls; to have them: strace".to_owned())?;
    }
    let core = pin(arguments.core)?;
    eprintln!("{}; all on core {core}, {} rounds", kernel::machine(), arguments.rounds);
    let mut inbox = lambda::Inbox::new();
    let mut seen = measure::rounds(arguments, &programs, &contenders, &mut inbox)?;
    if !arguments.quick {
        let starts = arguments.starts();
        seen.resources = resources::measure(&programs, &contenders, starts, &mut inbox)?;
    }
    let figures = figures::figures(&seen);
    if arguments.json {
        let command = arguments.command();
        println!("{:#}", json::all(&seen, &arguments.sizes, &figures, &command));
    } else {
        print(&seen, arguments, &figures);
    }
    if arguments.write {
        documents::write(&seen, &arguments.sizes, &figures, &arguments.command())?;
    }
    let missed = figures.iter().any(|figure| !figure.is_reached());
    Ok(if arguments.assert && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The parts that only count and draw: they have no tests beside them that cargo would run.
fn check() {
    documents::check();
    event::check();
    figures::check();
    histogram::check();
    kernel::check();
    plot::check();
    statistics::check();
    table::check();
}

fn print(seen: &measure::Seen, arguments: &Arguments, figures: &[figures::Figure]) {
    let colour = terminal::has_colour();
    for size in &arguments.sizes {
        println!("{}", histogram::draw(seen, *size, colour));
    }
    println!("{}", table::latencies(seen, &arguments.sizes));
    println!("{}", table::resources(seen));
    println!("{}", figures::table(figures));
}

/// Those that were asked for and are here.
fn contenders(arguments: &Arguments, programs: &Programs) -> Result<Vec<Contender>, String> {
    let mut contenders = Vec::new();
    for contender in Contender::ALL {
        match contender.missing(programs) {
            _ if !arguments.asks_for(contender) => (),
            None => contenders.push(contender),
            Some(reason) => {
                missing(arguments, format!("not measured: {}; {reason}", contender.name()))?;
            }
        }
    }
    Ok(contenders)
}

/// What is not here is said, and is an error where all was asked for.
fn missing(arguments: &Arguments, words: String) -> Result<(), String> {
    if arguments.all {
        return Err(words);
    }
    eprintln!("{words}");
    Ok(())
}

/// This process, and so everything it starts from now on, onto one core: the last, unless another is named.
fn pin(core: Option<usize>) -> Result<usize, String> {
    let this = Pid::from_raw(0);
    let problem = |error| format!("cannot be pinned to a core: {error}");
    let allowed = sched_getaffinity(this).map_err(problem)?;
    let last = (0..CpuSet::count()).rev().find(|core| allowed.is_set(*core).unwrap_or(false));
    let core = core.or(last).ok_or("no core is allowed")?;
    let mut set = CpuSet::new();
    set.set(core).map_err(problem)?;
    sched_setaffinity(this, &set).map_err(problem)?;
    Ok(core)
}
