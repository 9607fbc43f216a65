//! Stories of handlers that never stop talking, and of signals at every bad moment: no flood may keep a
//! deadline, a signal or the next caller waiting.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Bridge, Delivery, Lambda, PATIENCE, python};

/// How long the bridge may take to end after SIGTERM: its half second, and more for a machine that the
/// flood and other tests keep busy.  What a flood holds up, it holds up for as long as it lasts.
const END: Duration = Duration::from_secs(10);

#[track_caller]
fn ends_in_time(mut bridge: Bridge) {
    let told = Instant::now();
    if bridge.is_running() {
        bridge.signal(Signal::SIGTERM);
    }
    assert!(bridge.ended().success(), "{}", bridge.logs());
    assert!(told.elapsed() < END, "it took {:?}", told.elapsed());
    bridge.left_nothing();
}

#[test]
fn a_flood_never_holds_up_the_deadline_nor_a_signal() {
    for flood in [
        "yes",
        "yes >&2",
        "yes ''",
        "yes '' >&2",
        "yes '\"x\"'",
        "yes | tr -d '\\n'",
        "yes | tr -d '\\n' >&2",
    ] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda)
            .shell(&format!("read -r line; {flood}"))
            .adjust(|command| {
                command.stderr(std::process::Stdio::null());
            })
            .start();
        let sent = Instant::now();
        let answer = lambda.invoke(Delivery::new("1").timeout_ms(1000));
        // A flood of JSON is a reply, with more behind it; one without line ends is too large some time.
        assert_eq!(answer.kind, "error", "{flood}: {}", answer.text());
        assert!(sent.elapsed() < END, "{flood}: {:?}", sent.elapsed());
        ends_in_time(bridge);
    }
}

#[test]
fn a_flood_behind_a_reply_holds_up_neither_the_reply_nor_a_signal() {
    for flood in ["yes", "yes >&2"] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda)
            .shell(&format!("trap '' TERM; read -r line; echo 1; {flood}"))
            .adjust(|command| {
                command.stderr(std::process::Stdio::null());
            })
            .start();
        let sent = Instant::now();
        lambda.event("1");
        assert!(sent.elapsed() < END, "{flood}: {:?}", sent.elapsed());
        ends_in_time(bridge);
    }
}

#[test]
fn a_flood_at_the_start_holds_up_neither_the_first_event_nor_a_signal() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .shell("trap '' TERM; yes")
        .env("LAMBDA_STDIO_READY", "line")
        .adjust(|command| {
            command.stderr(std::process::Stdio::null());
        })
        .start();
    let started = Instant::now();
    lambda.idle();
    assert!(started.elapsed() < PATIENCE);
    ends_in_time(bridge);
}

#[test]
fn a_chatty_handler_gets_no_more_than_its_time_after_a_signal() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "read -r line; while :; do echo hi; sleep 0.05; done");
    lambda.deliver(Delivery::new("1").timeout_ms(60_000));
    bridge.logged("hi");
    let told = Instant::now();
    bridge.signal(Signal::SIGTERM);
    lambda.answer().is_error("Runtime.ShuttingDown");
    assert!(told.elapsed() < END, "it took {:?}", told.elapsed());
    ends_in_time(bridge);
}

#[test]
fn a_busy_handler_is_asked_before_it_is_killed() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let bridge = Bridge::with(
        &lambda,
        &format!(
            "trap ': > {}; exit' TERM; read -r line; echo busy >&2; while :; do sleep 0.01; done",
            told.display()
        ),
    );
    lambda.deliver(Delivery::new("1").timeout_ms(60_000));
    bridge.logged("busy");
    bridge.signal(Signal::SIGTERM);
    lambda.answer().is_error("Runtime.ShuttingDown");
    ends_in_time(bridge);
    assert!(told.exists(), "the handler heard SIGTERM before it was killed");
}

#[test]
fn a_signal_is_heard_while_a_successor_starts() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let bridge = Bridge::with(
        &lambda,
        &format!("if [ -e {0} ]; then sleep 60; fi; : > {0}; read -r line; exit 3", ran.display()),
    );
    lambda.event("1").is_error("Runtime.HandlerExited");
    bridge.logged("handler replaced");
    ends_in_time(bridge);
}

#[test]
fn a_signal_is_heard_while_lambda_says_nothing_to_a_post() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo 1; done");
    lambda.swallow_a_post();
    lambda.event("1");
    ends_in_time(bridge);
}

#[test]
fn an_end_is_noticed_while_another_process_floods() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .shell("read -r line; while :; do echo stray; done & sleep 0.3; exit 3")
        .adjust(|command| {
            command.stderr(std::process::Stdio::null());
        })
        .start();
    let sent = Instant::now();
    let said =
        lambda.invoke(Delivery::new("1").timeout_ms(10_000)).is_error("Runtime.HandlerExited");
    assert!(said.contains("exit status 3"), "{said}");
    assert!(sent.elapsed() < Duration::from_secs(9), "{:?}", sent.elapsed());
    ends_in_time(bridge);
}

#[test]
fn broken_framing_behind_a_reply_replaces_the_handler_before_the_next_event() {
    let lambda = Lambda::start();
    // The second generation answers in order; only the first breaks the framing behind its reply.
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let handler = format!(
        "import os, sys, struct\n\
         first = not os.path.exists({0:?})\n\
         open({0:?}, 'w').close()\n\
         while True:\n\
         \x20   head = sys.stdin.buffer.read(4)\n\
         \x20   if len(head) < 4: break\n\
         \x20   sys.stdin.buffer.read(struct.unpack('>I', head)[0])\n\
         \x20   out = b'\\0\\0\\0\\x01' + (b'1oops' if first else b'2')\n\
         \x20   os.write(1, out)\n",
        ran.display().to_string()
    );
    let bridge = Bridge::of(&lambda)
        .program(&["python3", "-c", &handler])
        .env("LAMBDA_STDIO_FRAMING", "length")
        .start();
    lambda.event("1").is_response("1");
    lambda.event("2").is_response("2");
    bridge.logged("text came where a length was due");
    assert!(!bridge.logs().contains("oops"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn last_words_without_a_line_end_are_logged_and_the_end_is_named() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "read -r line; sleep 60 & printf 'LAST WORDS' >&2; exit 3");
    let said = lambda.event("1").is_error("Runtime.HandlerExited");
    assert!(said.ends_with("exit status 3. It last wrote:\nLAST WORDS"), "{said}");
    bridge.logged("LAST WORDS\n");
    bridge.leaves_nothing();

    let mut bridge = Bridge::with(&lambda, "printf 'cannot start: no config'; exit 3");
    let answer = lambda.answer();
    assert_eq!(answer.kind, "init error");
    let said = answer.is_error("Runtime.HandlerExited");
    assert!(said.contains("exit status 3. It last wrote:\ncannot start: no config"), "{said}");
    assert_eq!(bridge.ended().code(), Some(1));
}

#[test]
fn a_burst_of_lines_is_out_with_the_invocation_it_was_written_in() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import os, sys
for number, line in enumerate(sys.stdin, 1):
    os.write(2, (f'of r-{number}\\n' * 6000).encode())
    os.write(1, b'1\\n')
",
    )
    .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
    .start();
    // The next one is there as soon as it is asked for.
    for _ in 0..20 {
        lambda.deliver(Delivery::new("1"));
    }
    for _ in 0..20 {
        lambda.answer().is_response("1");
    }
    lambda.idle();
    bridge.logged("of r-20");
    for line in
        bridge.logs().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
    {
        if let Some(id) = line["requestId"].as_str() {
            assert_eq!(line["message"], format!("of {id}"));
        }
    }
    bridge.leaves_nothing();
}
