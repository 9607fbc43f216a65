//! Stories of what the bridge takes of its environment: threads, memory, small pipes, a missing /proc, and
//! nothing at all while it is idle.

use std::process::Command;
use std::time::Duration;

use nix::unistd::Pid;

use crate::support::{Bridge, Builder, Delivery, Lambda, eventually, python, tagged};

#[test]
fn the_bridge_is_one_thread_whatever_it_does() {
    let lambda = Lambda::start();
    let script = "while read -r line; do case $line in *bad*) exit 1;; esac; echo 1; done";
    let bridge = Bridge::with(&lambda, script);
    let threads = || std::fs::read_dir(format!("/proc/{}/task", bridge.pid())).unwrap().count();
    for _ in 0..3 {
        lambda.event("1").is_response("1");
        assert_eq!(threads(), 1);
        lambda.event("\"bad\"").is_error("Runtime.HandlerExited");
        assert_eq!(threads(), 1);
    }
    lambda.idle();
    assert_eq!(threads(), 1);
    bridge.leaves_nothing();
}

/// What a process held at its height, in KiB.
fn peak_kib(pid: Pid) -> u64 {
    kib(pid, "VmHWM:")
}

fn kib(pid: Pid, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn the_largest_event_is_held_little_more_than_once() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo 1; done");
    lambda.event("1").is_response("1");
    let before = peak_kib(bridge.pid());
    let event = format!("\"{}\"", "x".repeat(6_291_554));
    for _ in 0..3 {
        let event = Delivery::new(event.as_str()).timeout_ms(60_000);
        lambda.invoke(event).is_response("1");
    }
    let grown = peak_kib(bridge.pid()) - before;
    assert!(grown * 1024 <= 6_291_556 * 22 / 10, "{grown} KiB for an event of 6144");
    bridge.leaves_nothing();
}

#[test]
fn the_memory_of_a_large_event_is_given_back() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo 1; done");
    lambda.event("1").is_response("1");
    lambda.idle();
    let before = kib(bridge.pid(), "VmRSS:");
    let event = format!("\"{}\"", "x".repeat(6_000_000));
    lambda.invoke(Delivery::new(event.as_str()).timeout_ms(60_000)).is_response("1");
    lambda.idle();
    let after = kib(bridge.pid(), "VmRSS:");
    assert!(after < before + 2000, "{before} KiB before, and {after} KiB after");
    bridge.leaves_nothing();
}

#[test]
fn the_smallest_pipes_carry_the_largest_events() {
    let lambda = Lambda::start();
    // 1031 sets a pipe's size; a page is the least there is.
    let bridge = python(
        &lambda,
        "
import fcntl, os, sys
for fd in 0, 1, 2: assert fcntl.fcntl(fd, 1031, 4096) == 4096
for line in sys.stdin.buffer:
    sys.stderr.write('x' * 10000 + '\\n')
    reply = line[line.index(b'\"event\":') + 8 : line.rindex(b',\"context\":')] + b'\\n'
    while reply: reply = reply[os.write(1, reply):]
",
    )
    .start();
    for length in [1, 4080, 4096, 70_000, 3_000_000] {
        let event = format!("\"{}\"", "x".repeat(length));
        let answer = lambda.invoke(Delivery::new(event.as_str()).timeout_ms(30_000));
        assert!(answer.kind == "response" && answer.body == event.as_bytes(), "{length}");
    }
    bridge.leaves_nothing();
}

#[test]
fn without_proc_handlers_are_started_directly_with_one_warning() {
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("not run: no file system can be hidden here");
        return;
    }
    let lambda = Lambda::start();
    // Its own is enough to see which processes run, so it is hidden from the bridge only.
    let hide =
        "exec unshare -m sh -c 'mount -t tmpfs none /proc && exec \"$0\" \"$@\"' \"$0\" \"$@\"";
    serves_without_a_launcher(&lambda, Bridge::of(&lambda).through(hide));
}

/// Handlers are started directly, which is said once; their ends are told, and they are replaced.
pub(crate) fn serves_without_a_launcher(lambda: &Lambda, bridge: Builder) {
    let script = "while read -r line; do case $line in *bad*) exit 3;; esac; echo $$; done";
    let bridge = bridge.shell(script).start();
    for _ in 0..3 {
        let first = lambda.event("1").text();
        lambda.event("2").is_response(&first);
        let said = lambda.event("\"bad\"").is_error("Runtime.HandlerExited");
        assert!(said.contains("exit status 3"), "{said}");
    }
    let warnings = bridge.logs().matches("the launcher cannot run here").count();
    assert_eq!(warnings, 1, "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn ten_idle_seconds_cost_no_system_call() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("not run: strace is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .shell(&tagged("1"))
        // With -D the bridge is the process we started, and hears our signals.
        .through(&format!("exec strace -D -o {} \"$0\" \"$@\"", trace.display()))
        .start();
    lambda.event("1").is_response("1");
    lambda.idle();
    let lines = || std::fs::read_to_string(&trace).unwrap_or_default().lines().count();
    // It asked for the event and waits: its last call has begun and is written only when it ends.
    let mut before = lines();
    eventually("the bridge is at rest", || {
        std::thread::sleep(Duration::from_millis(300));
        let settled = lines();
        std::mem::replace(&mut before, settled) == settled
    });
    std::thread::sleep(Duration::from_secs(10));
    assert!(before > 100, "{before}: nothing was traced");
    assert_eq!(lines(), before, "calls while idle");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}
