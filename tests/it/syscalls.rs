//! How many system calls an invocation costs the bridge, its waits among them, as strace saw them.
//!
//! The median counts: where the machine has no time for the handler within a millisecond, the bridge waits
//! in another way, which costs a few calls more.

use std::path::Path;

use crate::support::{Bridge, Delivery, Lambda, eventually, tagged};

/// Two requests to Lambda with a wait and an answer each, the line, a wait for the reply, and the reply.
const TAGGED: usize = 9;
/// Beside it: a look at what was printed before the event is offered, and whether all of it was read.
const PLAIN: usize = 11;

const INVOCATIONS: usize = 200;
/// What begins each.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";

/// The system calls of each invocation of 200 bytes, in their order.
fn invocations(script: &str, folder: &Path) -> Vec<Vec<String>> {
    let trace = folder.join("trace");
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .shell(script)
        // With -D the bridge is the process we started, and hears our signals.
        .through(&format!("exec strace -D -s 99 -o {} \"$0\" \"$@\"", trace.display()))
        .start();
    let event = format!("\"{}\"", "x".repeat(198));
    for _ in 0..INVOCATIONS {
        lambda.invoke(Delivery::new(event.as_str())).is_response("1");
    }
    bridge.leaves_nothing();
    let mut text = String::new();
    eventually("strace is done", || {
        text = std::fs::read_to_string(&trace).unwrap_or_default();
        text.contains("+++")
    });
    let mut found: Vec<Vec<String>> = Vec::new();
    for call in text.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++")) {
        if call.contains(NEXT) {
            found.push(Vec::new());
        }
        if let Some(invocation) = found.last_mut() {
            invocation.push(call.to_owned());
        }
    }
    // The last one asks for an event that never comes.
    found.truncate(INVOCATIONS);
    assert_eq!(found.len(), INVOCATIONS);
    found
}

fn costs_at_most(calls: usize, script: &str) {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        eprintln!("not run: strace is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut found = invocations(script, folder.path());
    found.sort_by_key(Vec::len);
    let median = &found[INVOCATIONS / 2];
    assert!(median.len() <= calls, "{} system calls:\n{}", median.len(), median.join("\n"));
    assert!(median.len() > 5, "nothing was counted: {median:?}");
}

#[test]
fn an_invocation_costs_nine_system_calls() {
    costs_at_most(TAGGED, &tagged("1"));
}

#[test]
fn an_invocation_costs_eleven_system_calls_with_plain_replies() {
    costs_at_most(PLAIN, "while read -r line; do echo 1; done");
}
