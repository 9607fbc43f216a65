//! Waits that take half a minute before they end.

use std::time::{Duration, Instant};

use super::deployed;
use crate::support::{Bridge, Delivery, Lambda, tagged};

/// More than any wait here, on a busy machine.
const LONG: Duration = Duration::from_mins(1);

#[test]
fn lambda_away_for_good_ends_the_runtime_after_half_a_minute() {
    let Some(program) = deployed() else { return };
    let lambda = Lambda::start();
    let address = lambda.address.clone();
    let mut bridge = Bridge::built_as(program, &lambda).shell(&tagged("1")).start();
    lambda.event("1").is_response("1");
    lambda.idle();
    drop(lambda);
    let away = Instant::now();
    let status = bridge.ended_within(LONG).expect("it ends");
    let took = away.elapsed();
    assert_eq!(status.code(), Some(1));
    assert!(took > Duration::from_secs(20) && took < Duration::from_secs(45), "{took:?}");
    bridge.logged(&format!("the Runtime API at http://{address} does not answer: "));
    bridge.left_nothing();
}

#[test]
fn an_event_that_stops_half_way_is_given_up_after_half_a_minute() {
    let Some(program) = deployed() else { return };
    let lambda = Lambda::start();
    let bridge = Bridge::built_as(program, &lambda).shell(&tagged("1")).start();
    lambda.event("1").is_response("1");
    let began = Instant::now();
    let head =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nLambda-Runtime-Aws-Request-Id: stuck\r\n\r\n1234";
    lambda.deliver(Delivery::raw(head).stalling());
    let answer = lambda.answer_within(LONG).expect("it is given up");
    assert_eq!(answer.request_id, "stuck");
    answer.is_error("Runtime.TruncatedEvent");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(20), "{took:?}");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}
