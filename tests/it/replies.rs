//! Stories of replies: what a handler prints, and what the caller gets.

use crate::support::{Bridge, Delivery, Lambda, tagged};

#[test]
fn a_plain_reply_is_the_response() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo '{\"a\": 1.0}'; done");
    lambda.event("1").is_response("{\"a\": 1.0}");
    lambda.event("2").is_response("{\"a\": 1.0}");
    bridge.leaves_nothing();
}

#[test]
fn a_tagged_reply_is_the_response() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("1e400"));
    let answer = lambda.invoke(Delivery::new("{}").header("Lambda-Runtime-Invocation-Id: n-7"));
    answer.is_response("1e400");
    assert_eq!(answer.request_id, "r-1");
    assert_eq!(answer.header("Lambda-Runtime-Invocation-Id"), Some("n-7"));
    bridge.leaves_nothing();
}
