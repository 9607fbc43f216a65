//! Lambda's answers to a post in odd forms: what it said counts, and no answer is waited for without end.

use std::time::{Duration, Instant};

use super::bridge_in;
use crate::support::{Bridge, Delivery, LATE, Lambda, Scratch};

/// An answer to a post, of these bytes.
fn answer(status: &str, rest: &str) -> Delivery {
    Delivery::raw(format!("HTTP/1.1 {status}\r\n{rest}").into_bytes())
}

/// Interim answers without end, in pieces of so many bytes a moment apart.
fn storm(bytes: usize, pause: Duration) -> Delivery {
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(4000);
    Delivery::raw(many.into_bytes()).dripping(bytes, pause).endlessly()
}

/// As fast as can be, and so that there is always something soon.
const STORMS: [(usize, Duration); 2] = [(100_000, Duration::ZERO), (25, Duration::from_micros(10))];

#[test]
fn what_lambda_said_counts_whatever_becomes_of_its_words() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = bridge_in(&folder, &lambda);
    let long = format!("Content-Length: 70000\r\n\r\n{}", "x".repeat(70_000));
    for (name, rest) in [
        ("words cut off", "Content-Length: 16\r\n\r\n{\"sta"),
        ("no word of them", "Content-Length: 16\r\n\r\n"),
        ("words without end", &long),
        ("words in no chunks", "Transfer-Encoding: chunked\r\n\r\nwords"),
    ] {
        for status in ["202 Accepted", "413 Too Large"] {
            lambda.answer_a_post_with(answer(status, rest));
            lambda.event("1").is_response("1");
            lambda.event("2").is_response("1");
            lambda.idle();
            assert!(lambda.answers_now().is_empty(), "{name}, {status}: each was posted once");
        }
    }
    assert_eq!(folder.generations(), 1);
    bridge.leaves_nothing();
}

#[test]
fn a_storm_of_interim_answers_is_not_waited_for_without_end() {
    for (bytes, pause) in STORMS {
        let lambda = Lambda::start();
        let mut bridge = Bridge::with(&lambda, "while read -r line; do echo 1; done");
        lambda.answer_a_post_with(storm(bytes, pause));
        lambda.answer_a_post_with(storm(bytes, pause));
        let began = Instant::now();
        lambda.invoke(Delivery::new("1").timeout_ms(200)).is_response("1");
        assert_eq!(bridge.ended().code(), Some(1));
        assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
        bridge.logged("the response was posted twice");
        bridge.left_nothing();
    }
}
