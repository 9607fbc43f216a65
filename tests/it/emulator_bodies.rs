//! The emulated Runtime API over raw sockets: answers at the limits, in pieces, and broken off.

use lambda_stdio::cli::emulator::Answer;

use crate::emulator_client::{Client, Server, WRONG_STATE, check_accepted, error_of, text_of};

const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

#[test]
fn a_response_of_the_largest_size_passes_and_one_byte_more_does_not() {
    let server = Server::start();
    let largest = "x".repeat(6_291_556);
    let (mut client, _) = server.running("a");
    check_accepted(&client.respond("a", "", &largest));
    assert_eq!(text_of(&server.answer()).len(), 6_291_556);
    let (mut client, _) = server.running("b");
    client.send(
        b"POST /2018-06-01/runtime/invocation/b/response HTTP/1.1\r\nHost: localhost\r\n\
          Content-Length: 6291557\r\n\r\n",
    );
    assert_eq!(
        client.reply().refusal(),
        "413 RequestEntityTooLarge: Exceeded maximum allowed payload size (6291556 bytes)."
    );
    let answer = server.answer();
    assert_eq!(error_of(&answer).error_type, "Function.ResponseSizeTooLarge");
    assert_eq!(
        String::from_utf8_lossy(&error_of(&answer).body),
        "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response payload size \
         (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).\"}"
    );
    let mut client = server.connect();
    assert!(client.fail("b", "", "{}").refusal().starts_with(WRONG_STATE));
}

#[test]
fn a_body_without_end_is_cut_at_the_limit() {
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    client.send(
        format!(
            "POST /2018-06-01/runtime/invocation/{ID}/response HTTP/1.1\r\nHost: localhost\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        )
        .as_bytes(),
    );
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    for _ in 0..8 {
        client.send_what_is_taken(chunk.as_bytes());
    }
    let answer = server.answer();
    let body = String::from_utf8_lossy(&error_of(&answer).body);
    assert!(body.contains("(more than 6291556 bytes)"), "{body}");
}

#[test]
fn a_streamed_response_is_collected_with_its_trailers() {
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    let head = format!(
        "POST /2018-06-01/runtime/invocation/{ID}/response HTTP/1.1\r\nHost: localhost\r\n\
         Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
    );
    client.send(head.as_bytes());
    client.send(b"3\r\none\r\n");
    client.send(
        b"4\r\n two\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Broken\r\n\
          Lambda-Runtime-Function-Error-Body: e30=\r\n\r\n",
    );
    check_accepted(&client.reply());
    let Answer::Response(response) = server.answer() else { panic!("a response") };
    assert_eq!(&response.body[..], b"one two");
    assert!(response.streamed);
    let error = response.stream_error.expect("trailers");
    assert_eq!(
        (error.error_type.as_str(), error.body_base64.as_str()),
        ("Function.Broken", "e30=")
    );
}

#[test]
fn any_mode_but_streaming_is_refused_and_the_answer_can_still_be_given() {
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    let mode = "Lambda-Runtime-Function-Response-Mode: Streaming\r\n";
    assert_eq!(
        client.respond(ID, mode, "1").refusal(),
        "400 InvalidFunctionResponseMode: Invalid function response mode"
    );
    check_accepted(&client.fail(ID, "", "{}"));
}

#[test]
fn a_body_that_breaks_off_is_an_error_of_the_runtime() {
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    client.send(
        format!(
            "POST /2018-06-01/runtime/invocation/{ID}/response HTTP/1.1\r\nHost: localhost\r\n\
             Content-Length: 10\r\n\r\nhalf"
        )
        .as_bytes(),
    );
    client.hang_up();
    assert_eq!(error_of(&server.answer()).error_type, "Runtime.TruncatedResponse");
}

/// Sends a body to its last byte before it looks for an answer, as most clients do.
fn post_all(client: &mut Client, path: &str, bytes: usize) -> String {
    let body = "x".repeat(bytes);
    client.post(path, "", &body).refusal()
}

#[test]
fn a_client_that_sends_all_before_it_looks_hears_why_it_was_refused() {
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    let refusal =
        post_all(&mut client, "/2018-06-01/runtime/invocation/nobody/response", 6_000_000);
    assert_eq!(refusal, "400 InvalidRequestID: Invalid request ID");
    let path = format!("/2018-06-01/runtime/invocation/{ID}/response");
    let refusal = post_all(&mut client, &path, 20_000_000);
    assert!(refusal.starts_with("413 RequestEntityTooLarge: "), "{refusal}");
    assert_eq!(error_of(&server.answer()).error_type, "Function.ResponseSizeTooLarge");
    // The same connection goes on: the body was read to its end.
    server.submit("b", "2");
    assert_eq!(client.next().body, "2");
    check_accepted(&client.respond("b", "", "3"));
}

#[test]
fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = Server::start();
    let mut client = server.connect();
    client.send(
        b"POST /2018-06-01/runtime/invocation/nobody/response HTTP/1.1\r\nHost: localhost\r\n\
          Expect: 100-continue\r\nContent-Length: 6000000\r\n\r\n",
    );
    assert_eq!(client.reply().refusal(), "400 InvalidRequestID: Invalid request ID");
}
