//! What the soak says: how far it is, and a table at its end.

use std::io::{IsTerminal, Write};

use crate::arguments::Arguments;
use crate::fault::{Fault, Replies};
use crate::run::Tally;

pub(crate) fn print(arguments: &Arguments, tallies: &[(Replies, Tally)]) {
    let row = |name: &str, cell: &dyn Fn(&Tally) -> String| {
        let cells: Vec<_> =
            tallies.iter().map(|(_, tally)| format!("{:>16}", cell(tally))).collect();
        println!("{name:<20}{}", cells.concat());
    };
    let heads: Vec<_> =
        tallies.iter().map(|(replies, _)| format!("{:>16}", replies.name())).collect();
    println!("{:<20}{}", if arguments.one_shot { "one-shot" } else { "" }, heads.concat());
    row("invocations", &|tally| tally.invocations.to_string());
    for (index, fault) in Fault::ALL.into_iter().enumerate() {
        row(&format!("  {}", fault.name()), &|tally| tally.faults[index].to_string());
    }
    row("lost", &|tally| tally.lost.to_string());
    row("crossed", &|tally| tally.crossed.to_string());
    row("doubled", &|tally| tally.doubled.to_string());
    row("wrong in type", &|tally| tally.wrong.to_string());
    row("zombies", &|tally| tally.zombies.to_string());
    row("left running", &|tally| tally.left.to_string());
    row("descriptors", &|tally| format!("{:+}", tally.descriptors));
    row("memory, KiB", &|tally| format!("{} {:+}", tally.memory_start_kib, tally.memory_kib));
    row("time, s", &|tally| format!("{:.1}", tally.time.as_secs_f64()));
    for (replies, tally) in tallies {
        for words in &tally.told {
            println!("{}: {words}", replies.name());
        }
    }
    let clean = tallies.iter().all(|(_, tally)| tally.is_clean());
    println!("{}", if clean { "clean" } else { "NOT CLEAN" });
}

/// How far it is, where somebody watches.
pub(crate) fn show(replies: Replies, index: u64, count: u64) {
    let mut terminal = std::io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    let words = match count {
        0 => "\r\x1b[K".to_owned(),
        _ => format!("\r\x1b[K{}: {index} of {count}", replies.name()),
    };
    drop(terminal.write_all(words.as_bytes()));
}
