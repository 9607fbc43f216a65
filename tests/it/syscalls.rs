//! How many system calls an invocation costs the bridge, counted by strace.  Waits are left out: how often
//! it wakes up depends on how busy the machine is, and what it does when awake does not.

use std::path::Path;

use crate::support::{Bridge, Delivery, Lambda, eventually, tagged};

/// What an invocation of 200 bytes may cost beside its waits, with tagged replies: two requests to Lambda and
/// their answers, the line, the reply, and a word to the runtime's own timer.
const AT_MOST: f64 = 7.0;

/// The system calls, but for waits, of a bridge that served so many invocations.
fn calls(invocations: u32, folder: &Path) -> u64 {
    let counts = folder.join(format!("counts-{invocations}"));
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .shell(&tagged("1"))
        // With -D the bridge is the process we started, and hears our signals.
        .through(&format!("exec strace -D -c -o {} \"$0\" \"$@\"", counts.display()))
        .start();
    let event = format!("\"{}\"", "x".repeat(198));
    for _ in 0..invocations {
        lambda.invoke(Delivery::new(event.as_str())).is_response("1");
    }
    bridge.leaves_nothing();
    let mut table = String::new();
    eventually("strace has counted", || {
        table = std::fs::read_to_string(&counts).unwrap_or_default();
        table.contains(" total")
    });
    table.lines().filter_map(calls_but_waits).sum()
}

/// The calls in a row of strace's table.
fn calls_but_waits(row: &str) -> Option<u64> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let (count, name) = (words.get(3)?, words.last()?);
    if name.starts_with("epoll_") || *name == "total" {
        return None;
    }
    count.parse().ok()
}

#[test]
fn an_invocation_costs_seven_system_calls_beside_its_waits() {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        eprintln!("not run: strace is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (few, many) = (calls(100, folder.path()), calls(300, folder.path()));
    let each = f64::from(u32::try_from(many - few).unwrap()) / 200.0;
    assert!(each <= AT_MOST + 0.1, "{each} system calls an invocation");
    assert!(each > 5.0, "{each}: nothing was counted");
}
