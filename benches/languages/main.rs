//! `cargo bench --bench languages`: what each example costs, as `check` and `package` tell it, in a table and a
//! picture for examples/README.md.
//!
//! Options: names of languages, for those alone (nothing is written then); `--rounds N`.  Everything runs on one
//! core, so that rows can be compared with each other.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench says on the terminal what it does, JSON that lacks a member is null, and rows are few"
)]

mod measure;
mod page;
mod plot;

use std::process::ExitCode;

use measure::Measured;

const ROUNDS: usize = 3;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (rounds, only) = arguments()?;
    let mut all: Vec<Measured> = Vec::new();
    for language in measure::languages()? {
        if !only.is_empty() && !only.contains(&language.name) {
            continue;
        }
        if !language.missing.is_empty() {
            let (name, missing) = (&language.name, language.missing.join(", "));
            return Err(format!(
                "{name} needs {missing}; name the languages that are to be measured"
            ));
        }
        let measured = measure::measure(&language, rounds)?;
        println!("{}", page::row(&measured));
        all.push(measured);
    }
    if only.is_empty() { page::write(&all) } else { Ok(()) }
}

fn arguments() -> Result<(usize, Vec<String>), String> {
    let (mut rounds, mut only) = (ROUNDS, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo's own.
            "--bench" => (),
            "--rounds" => {
                let number = words.next().and_then(|word| word.parse().ok());
                rounds = number.filter(|number| *number > 0).ok_or("--rounds N")?;
            }
            _ if word.starts_with('-') => return Err(format!("there is no option {word}")),
            _ => only.push(word),
        }
    }
    Ok((rounds, only))
}
