//! Stories of the end: signals to the bridge, what its handler sees of them, and that nothing is left.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Bridge, Delivery, ID, Lambda, Scratch, WAIT, scaled, tagged};

/// All that may pass from the signal to the bridge's end is a tenth of this; the rest is for slow machines.
const GENEROUS: Duration = Duration::from_secs(5);

/// Sends the signal, and asserts that the bridge ends in time, well, and alone.
#[track_caller]
fn ends_in_time(mut bridge: Bridge, signal: Signal) -> Duration {
    let began = Instant::now();
    bridge.signal(signal);
    let status = bridge.ended();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(0), "{}", bridge.logs());
    assert!(took < GENEROUS, "{took:?}");
    assert_eq!(bridge.descendants(), [0; 0]);
    took
}

#[test]
fn the_end_of_input_tells_the_handler_to_stop() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let script =
            format!("trap 'echo term >>\"$D/seen\"' TERM; {}; echo end >>\"$D/seen\"", tagged("1"));
        let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
        lambda.event("1").is_response("1");
        lambda.idle();
        ends_in_time(bridge, signal);
        assert_eq!(folder.read("seen"), "end\n");
        assert_eq!(lambda.nexts().len(), 2);
    }
}

#[test]
fn a_signal_stops_the_asking_and_lets_the_invocation_finish() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let script = format!(
            r#"while read -r line; do {ID}; {WAIT}; printf '{{"id":"%s","result":1}}\n' "$id"; done"#
        );
        let mut bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
        lambda.deliver(Delivery::new("1"));
        folder.written("waiting");
        bridge.signal(signal);
        // The signal is to be heard first; the handler itself is told only 200 ms later.
        thread::sleep(Duration::from_millis(50));
        folder.open_gate();
        lambda.answer().is_response("1");
        assert_eq!(bridge.ended().code(), Some(0));
        assert_eq!((lambda.nexts().len(), lambda.answers_now().len()), (1, 0));
        assert_eq!(bridge.descendants(), [0; 0]);
    }
}

#[test]
fn an_invocation_in_flight_is_told_of_the_shutdown_after_200_ms() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let script = format!("while read -r line; do {WAIT}; done");
        let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
        lambda.deliver(Delivery::new("1"));
        folder.written("waiting");
        let began = Instant::now();
        ends_in_time(bridge, signal);
        let answer = lambda.answer();
        let said = answer.is_error("Runtime.ShuttingDown");
        assert!(said.contains("shut down before the handler replied"), "{said}");
        let told = answer.at - began;
        assert!(told >= Duration::from_millis(200), "{told:?}");
        assert_eq!((lambda.nexts().len(), lambda.answers_now().len()), (1, 0));
    }
}

#[test]
fn a_deaf_handler_is_terminated_then_killed_within_500_ms() {
    let script = "
import os, signal, sys, time
def see(what):
    with open(os.environ['D'] + '/seen', 'a') as seen:
        seen.write(f'{what} {time.monotonic()}\\n')
signal.signal(signal.SIGTERM, lambda *_: see('term'))
signal.signal(signal.SIGCONT, lambda *_: see('cont'))
sys.stdin.read()
see('end')
while True:
    time.sleep(1)
";
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let bridge =
            Bridge::of(&lambda).env("D", folder.text()).program(&["python3", "-c", script]).start();
        lambda.idle();
        let took = ends_in_time(bridge, signal);
        assert!(took >= Duration::from_millis(200), "{took:?}");
        let seen = folder.read("seen");
        let seen: Vec<(&str, f64)> = seen
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(what, at)| (what, at.parse().unwrap()))
            .collect();
        // Python may come to the second signal before the first, if both have come.
        let ([("end", end), ("term", term), ("cont", _)]
        | [("end", end), ("cont", _), ("term", term)]) = seen[..]
        else {
            panic!("{seen:?}")
        };
        assert!(term - end >= 0.05, "{seen:?}");
    }
}

#[test]
fn a_stopped_handler_ends_with_the_bridge() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("echo x >\"$D/up\"; kill -STOP $$; {}", tagged("1"));
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .env("LAMBDA_STDIO_READY", "none")
        .shell(&script)
        .start();
    folder.written("up");
    lambda.idle();
    ends_in_time(bridge, Signal::SIGTERM);
}

#[test]
fn a_starting_handler_ends_with_the_bridge() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(WAIT).start();
    folder.written("waiting");
    ends_in_time(bridge, Signal::SIGTERM);
    assert_eq!(lambda.nexts().len(), 0);
}

#[test]
fn what_is_printed_after_the_input_closed_is_not_logged() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!(
        "echo hello >&2; {}; echo bye >&2; echo good-bye; echo x >\"$D/said\"",
        tagged("1")
    );
    let mut bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    lambda.event("1").is_response("1");
    bridge.signal(Signal::SIGTERM);
    assert_eq!(bridge.ended().code(), Some(0));
    assert_eq!(folder.read("said"), "x\n");
    assert!(bridge.logs().contains("hello"), "{}", bridge.logs());
    assert!(!bridge.logs().contains("bye"), "{}", bridge.logs());
    assert_eq!(bridge.descendants(), [0; 0]);
}

#[test]
fn a_storm_of_signals_is_one_end() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("1"));
    lambda.event("1").is_response("1");
    lambda.idle();
    for _ in 0..scaled(1000, 10_000) {
        bridge.signal(Signal::SIGCHLD);
        bridge.signal(Signal::SIGWINCH);
    }
    lambda.event("2").is_response("1");
    for _ in 0..50 {
        // It may be gone before the storm is over.
        nix::sys::signal::kill(bridge.pid(), Signal::SIGTERM).ok();
    }
    ends_in_time(bridge, Signal::SIGINT);
}

#[test]
fn a_killed_bridge_leaves_no_handler() {
    // Answers, or is busy and does not look at its input.
    let script = format!(
        r#"while read -r line; do case $line in *busy*) while :; do :; done;; esac
        {ID}; printf '{{"id":"%s","result":1}}\n' "$id"; done"#
    );
    for trial in 0..scaled(20, 1000) {
        let lambda = Lambda::start();
        for _ in 0..5 {
            lambda.deliver(Delivery::new("1"));
        }
        lambda.deliver(Delivery::new("\"busy\""));
        let mut bridge = Bridge::with(&lambda, &script);
        // The instant is the fault: from before its first step to the busy invocation.
        let instant = Duration::from_micros(RandomState::new().hash_one(trial) % 40_000);
        thread::sleep(instant);
        bridge.signal(Signal::SIGKILL);
        let killed = Instant::now();
        bridge.ended();
        while !bridge.descendants().is_empty() {
            assert!(killed.elapsed() < GENEROUS, "killed after {instant:?}, left a handler");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn whoever_waits_for_an_answer_when_a_signal_comes_gets_one() {
    for trial in 0..scaled(10, 300) {
        let lambda = Lambda::start();
        let bridge = Bridge::with(&lambda, &tagged("1"));
        lambda.event("1").is_response("1");
        // Lambda has an event for whoever asks, and the handler answers at once.
        for _ in 0..3_000 {
            lambda.deliver(Delivery::new("1"));
        }
        thread::sleep(Duration::from_micros(u64::from(trial % 97) * 113));
        ends_in_time(bridge, Signal::SIGTERM);
        let (asked, answered) = (lambda.nexts().len(), lambda.answers_now().len() + 1);
        assert_eq!(asked, answered, "each event that was handed out was answered");
    }
}
