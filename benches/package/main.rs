//! `lambda-stdio package` beside `zip -6`: the same tree, in turn, over several rounds.
//!
//!     cargo bench --bench package -- [--rounds N] [--scale X] [--assert]
//!
//! Both may use what processors there are; `taskset -c 0` before the command gives them one.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a measurement with a table to print, and it says what it expects"
)]

mod tree;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Megabytes, and how many files they are in.
const TREE_MB: f64 = 200.0;
const TREE_FILES: f64 = 5_000.0;
/// What `package` may need, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;
/// How often a running program's memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

struct Arguments {
    rounds: usize,
    scale: f64,
    assert: bool,
}

/// One run of one of them.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    peak_kib: u64,
    zip_bytes: u64,
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| bench(&arguments)) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Arguments, String> {
    let mut arguments = Arguments { rounds: 5, scale: 1.0, assert: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().and_then(|value| value.parse::<f64>().ok());
            value.filter(|value| *value > 0.0).ok_or_else(|| format!("{word} wants a number"))
        };
        match word.as_str() {
            "--rounds" => arguments.rounds = number()?.ceil() as usize,
            "--scale" => arguments.scale = number()?,
            "--assert" => arguments.assert = true,
            // cargo tells every bench so.
            "--bench" => (),
            other => return Err(format!("{other} is none of --rounds N, --scale X, --assert")),
        }
    }
    Ok(arguments)
}

fn bench(arguments: &Arguments) -> Result<ExitCode, String> {
    if Command::new("zip").arg("-v").stdout(Stdio::null()).status().is_err() {
        return Err("zip is not installed: Debian's package zip has it".to_owned());
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
    let root = folder.path().join("tree");
    let made = tree::make(&root, TREE_MB * arguments.scale, TREE_FILES * arguments.scale);
    let (bytes, files) = made.map_err(|error| format!("{}: {error}", root.display()))?;
    let ours = package(&folder.path().join("ours.zip"));
    let theirs = zip(&folder.path().join("theirs.zip"));

    let mut pairs = Vec::new();
    for round in 0..arguments.rounds {
        eprint!("\rround {} of {}", round + 1, arguments.rounds);
        // Who begins changes, since the first finds the tree in a colder cache.
        let mut pair = [None, None];
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let (command, output) = if which == 0 { &ours } else { &theirs };
            pair[which] = Some(run(command, output, &root)?);
        }
        pairs.extend(pair[0].zip(pair[1]));
    }
    eprint!("\r                    \r");
    Ok(tell(&pairs, bytes, files, arguments.assert))
}

type Words = (Vec<String>, std::path::PathBuf);

/// As a user would type it, for a tree that holds the program.
fn package(output: &Path) -> Words {
    let words = [
        env!("CARGO_BIN_EXE_lambda-stdio"),
        "package",
        "--no-verify",
        "--bootstrap",
        "run",
        "--include",
        "./",
        "--output",
        &output.to_string_lossy(),
        "./run",
    ];
    (words.map(str::to_owned).to_vec(), output.to_owned())
}

fn zip(output: &Path) -> Words {
    let words = ["zip", "-6", "-q", "-r", &output.to_string_lossy(), "."];
    (words.map(str::to_owned).to_vec(), output.to_owned())
}

fn run(words: &[String], output: &Path, root: &Path) -> Result<Run, String> {
    fs::remove_file(output).ok();
    let (program, arguments) = words.split_first().unwrap();
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = loop {
        // It only grows, so the last look has the most.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = seen.unwrap_or(0).max(peak_kib);
        match child.try_wait() {
            Ok(Some(ended)) => break ended,
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return Err(format!("{program}: {error}")),
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    if !ended.success() {
        return Err(format!("{} ended with {ended}", words.join(" ")));
    }
    let zip_bytes = fs::metadata(output).map_err(|error| format!("{program}: {error}"))?.len();
    Ok(Run { seconds, peak_kib, zip_bytes })
}

fn tell(pairs: &[(Run, Run)], bytes: u64, files: usize, assert: bool) -> ExitCode {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{:.0} MB in {files} files, {processors} processors", bytes as f64 / 1e6);
    println!();
    println!(
        "|                      | seconds, median | least–most | zip, MB | memory at most, MB |"
    );
    println!(
        "| -------------------- | --------------: | ---------: | ------: | -----------------: |"
    );
    let ours: Vec<Run> = pairs.iter().map(|(ours, _)| *ours).collect();
    let theirs: Vec<Run> = pairs.iter().map(|(_, theirs)| *theirs).collect();
    for (name, runs) in [("lambda-stdio package", &ours), ("zip -6", &theirs)] {
        let seconds = sorted(runs.iter().map(|run| run.seconds));
        let (least, most) = (seconds.first().unwrap(), seconds.last().unwrap());
        println!(
            "| {name:<20} | {:>15.2} | {:>10} | {:>7.1} | {:>18.1} |",
            median(&seconds),
            format!("{least:.2}–{most:.2}"),
            runs[0].zip_bytes as f64 / 1e6,
            peak_kib(runs) as f64 * 1.024 / 1e3
        );
    }
    println!();
    let ratio = median(&sorted(pairs.iter().map(|(ours, theirs)| ours.seconds / theirs.seconds)));
    let memory = peak_kib(&ours);
    let reached = ratio <= 1.0 && memory <= MEMORY_KIB;
    println!(
        "time to that of zip -6: {ratio:.2}, at most 1.00; memory: {memory} KiB of {MEMORY_KIB}"
    );
    println!("{}", if reached { "reached" } else { "missed" });
    if assert && !reached { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn peak_kib(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.peak_kib).max().unwrap_or(0)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
