//! Lambda's answers to a post in odd forms: what it said counts.

use super::bridge_in;
use crate::support::{Delivery, Lambda, Scratch};

/// An answer to a post, of these bytes.
fn answer(status: &str, rest: &str) -> Delivery {
    Delivery::raw(format!("HTTP/1.1 {status}\r\n{rest}").into_bytes())
}

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
