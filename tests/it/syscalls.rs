//! How many system calls an invocation costs the bridge, counted by strace: noise cannot touch a count.

use std::path::Path;

use crate::support::{Bridge, Delivery, Lambda, eventually, tagged};

/// What an invocation of 200 bytes may cost, with tagged replies.
const AT_MOST: f64 = 10.0;

/// All system calls of a bridge that served so many invocations.
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
    let total = table.lines().last().unwrap();
    total.split_whitespace().nth(3).unwrap().parse().unwrap()
}

#[test]
fn an_invocation_costs_at_most_ten_system_calls() {
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
