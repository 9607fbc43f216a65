//! Processes that end, or close a pipe, before their reply: how the caller is told.

use std::time::Duration;

use super::scene::{Scene, bad, failing_with};
use crate::support::{Bridge, Lambda};

#[test]
fn a_handler_that_exits_is_named_with_its_status_and_last_lines() {
    let mut scene = Scene::of("echo it broke >&2; echo for good >&2; exit 3");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 3. It last wrote:\nit broke\nfor good"
    );
    scene.ends();
    for status in [1, 2, 126, 127, 128, 255] {
        let mut scene = Scene::of(&format!("exit {status}"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.HandlerExited"),
            format!("the handler ended before its reply: exit status {status}")
        );
        scene.ends();
    }
}

#[test]
fn exit_status_zero_before_the_reply_is_an_error_too() {
    let mut scene = Scene::of("exit 0");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 0"
    );
    scene.ends();
}

#[test]
fn a_handler_killed_by_a_signal_is_named_with_the_signal() {
    for (number, name) in [
        (1, "SIGHUP (1)"),
        (2, "SIGINT (2)"),
        (3, "SIGQUIT (3)"),
        (4, "SIGILL (4)"),
        (6, "SIGABRT (6)"),
        (7, "SIGBUS (7)"),
        (8, "SIGFPE (8)"),
        (9, "SIGKILL (9), by someone else: often out of memory"),
        (10, "SIGUSR1 (10)"),
        (11, "SIGSEGV (11)"),
        (13, "SIGPIPE (13)"),
        (14, "SIGALRM (14)"),
        (15, "SIGTERM (15)"),
        (31, "SIGSYS (31)"),
        (35, "a real-time signal"),
        (64, "a real-time signal"),
    ] {
        let mut scene = Scene::of(&format!("ulimit -c 0; kill -{number} $$; sleep 30"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.HandlerExited"),
            format!("the handler ended before its reply: killed by {name}")
        );
        scene.ends();
    }
}

#[test]
fn a_closed_output_is_told_at_once() {
    let mut scene = Scene::of("echo what now >&2; exec >&-; sleep 30");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Runtime.HandlerClosedOutput"),
        "the handler closed its output before its reply, but goes on running. It last wrote:\nwhat now"
    );
    assert!(scene.took < Duration::from_secs(25), "{:?}", scene.took);
    scene.ends();
}

#[test]
fn a_closed_input_is_told_at_once() {
    let mut scene = Scene::of("exec <&-; sleep 30");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Runtime.HandlerClosedInput"),
        "the handler closed its input before its reply, but goes on running"
    );
    assert!(scene.took < Duration::from_secs(25), "{:?}", scene.took);
    scene.ends();
}

#[test]
fn a_process_that_ends_soon_after_its_output_is_told_as_ended() {
    let mut scene = Scene::of("exec >&-; sleep 0.01; exit 4");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 4"
    );
    scene.ends();
}

#[test]
fn an_error_of_the_bridge_is_an_object_of_three_members() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &failing_with("exit 3"));
    let answer = lambda.invoke(bad());
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "errorType": "Runtime.HandlerExited",
            "errorMessage": "the handler ended before its reply: exit status 3",
            "stackTrace": [],
        })
    );
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.request_id, "r-1");
    assert_eq!(lambda.event("1").kind, "response");
    bridge.leaves_nothing();
}
