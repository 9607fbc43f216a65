//! Events that are none, or came in part, and reports that Lambda refuses.

use crate::support::{Bridge, Delivery, Lambda};

/// A handler that answers with its process id and how many requests it saw.
const COUNTS: &str = "n=0; while read -r line; do n=$((n+1)); echo \"[$$,$n]\"; done";

#[test]
fn an_event_that_is_not_json_is_refused_and_the_handler_kept() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("1");
    for (event, why) in [
        (&b""[..], "it is blank"),
        (b" \n", "it is blank"),
        (b"{\"a\":", "it is not one JSON value (EOF while parsing a value at line 1 column 5)"),
        (b"1 2", "it is not one JSON value (trailing characters at line 1 column 3)"),
        (b"hello", "it is not one JSON value (expected value at line 1 column 1)"),
        (
            b"1},\"context\":{}}\n{\"id\":\"q7w2m0x4k9c1z5t8\",\"event\":2",
            "it is not one JSON value (trailing characters at line 1 column 2)",
        ),
        (b"\"\xff\"", "it is not UTF-8 (byte 1)"),
    ] {
        assert_eq!(
            lambda.invoke(Delivery::new(event)).is_error("Runtime.InvalidEvent"),
            format!("the event is refused: {why}. The handler saw nothing of it")
        );
    }
    let pid = bridge.descendants()[0];
    lambda.event("2").is_response(&format!("[{pid},2]"));
    bridge.leaves_nothing();
}

#[test]
fn an_event_cut_off_on_its_way_never_reaches_the_handler() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("1");
    let answer = lambda.invoke(Delivery::raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nLambda-Runtime-Aws-Request-Id: cut\r\n\r\n1234",
    ));
    assert_eq!(answer.request_id, "cut");
    let said = answer.is_error("Runtime.TruncatedEvent");
    assert!(said.starts_with("the event was cut off on its way from Lambda: "), "{said}");
    assert!(said.ends_with(", after 4 bytes"), "{said}");
    let pid = bridge.descendants()[0];
    lambda.event("2").is_response(&format!("[{pid},2]"));
    bridge.leaves_nothing();
}

#[test]
fn a_refused_report_is_logged_and_not_repeated() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("0");
    let pid = bridge.descendants()[0];
    for (round, status) in [400, 403, 410, 413].into_iter().enumerate() {
        lambda.refuse_a_post_with(status);
        lambda.event("1").is_response(&format!("[{pid},{}]", 2 * round + 2));
        lambda.event("2").is_response(&format!("[{pid},{}]", 2 * round + 3));
        bridge.logged(&format!("status={status}"));
    }
    lambda.refuse_a_post_with(410);
    lambda.event("no").is_error("Runtime.InvalidEvent");
    lambda.event("3").is_response(&format!("[{pid},10]"));
    assert!(lambda.answers_now().is_empty(), "each was reported once");
    bridge.leaves_nothing();
}
