//! The emulated Runtime API over raw sockets: what it serves and every way it refuses.

use std::collections::HashSet;

use lambda_stdio::cli::emulator::Answer;

use crate::emulator_client::{Server, WRONG_STATE, check_accepted, error_of, text_of};

const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

#[test]
fn an_event_arrives_with_its_headers_and_its_answer_with_its_bytes() {
    let server = Server::start();
    server.submit(ID, "{\"n\": 1e999}");
    let mut client = server.connect();
    let next = client.next();
    assert_eq!((next.status, next.body.as_str()), (200, "{\"n\": 1e999}"));
    for (name, value) in [
        ("lambda-runtime-aws-request-id", ID),
        ("lambda-runtime-deadline-ms", "1795230245678"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:012345678912:function:f"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(next.header(name), Some(value), "{name}");
    }
    for absent in [
        "lambda-runtime-trace-id",
        "lambda-runtime-client-context",
        "lambda-runtime-cognito-identity",
        "lambda-runtime-aws-tenant-id",
    ] {
        assert_eq!(next.header(absent), None, "{absent}");
    }
    let token = next.header("lambda-runtime-invocation-id").expect("sent").to_owned();
    let echo = format!("Lambda-Runtime-Invocation-Id: {token}\r\nContent-Type: text/x\r\n");
    check_accepted(&client.respond(ID, &echo, " the reply "));
    let answer = server.answer();
    assert_eq!(text_of(&answer), " the reply ");
    let Answer::Response(response) = answer else { panic!("a response") };
    assert_eq!(response.content_type.as_deref(), Some("text/x"));
}

#[test]
fn whatever_the_front_door_knows_of_the_caller_is_handed_over() {
    let server = Server::start();
    server.desk.submit(lambda_stdio::cli::emulator::desk::Delivery {
        request_id: ID.to_owned(),
        trace_id: Some("Root=1-5;Sampled=0".to_owned()),
        client_context: Some("{\"custom\":{}}".to_owned()),
        cognito_identity: Some("{\"cognitoIdentityId\":\"é\"}".to_owned()),
        tenant_id: Some("blue".to_owned()),
        event: "1".into(),
        ..Default::default()
    });
    let mut client = server.connect();
    client.send(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: [::1]:9\r\n\r\n");
    // The identity's bytes are UTF-8, which this client's parser of heads takes too.
    let next = client.reply();
    assert_eq!(next.header("lambda-runtime-trace-id"), Some("Root=1-5;Sampled=0"));
    assert_eq!(next.header("lambda-runtime-client-context"), Some("{\"custom\":{}}"));
    let identity = next.header("lambda-runtime-cognito-identity");
    assert_eq!(identity, Some("{\"cognitoIdentityId\":\"é\"}"));
    assert_eq!(next.header("lambda-runtime-aws-tenant-id"), Some("blue"));
}

#[test]
fn ping_is_answered_and_other_paths_are_not() {
    let server = Server::start();
    let mut client = server.connect();
    let pong = client.get("/ping");
    assert_eq!((pong.status, pong.body.as_str()), (200, "pong"));
    assert_eq!(client.get("/2018-06-01/runtime/restore/next").status, 404);
    assert_eq!(client.get("/2018-06-01/runtime/invocation/x/y/z").status, 404);
    assert_eq!(client.get("/2018-06-01/runtime/init/error").status, 405);
    assert_eq!(client.post("/2018-06-01/runtime/invocation/next", "", "").status, 405);
}

#[test]
fn a_wrong_id_is_400_and_a_second_answer_403() {
    let server = Server::start();
    let mut client = server.connect();
    let wrong_id = "400 InvalidRequestID: Invalid request ID";
    assert_eq!(client.respond("nobody", "", "1").refusal(), wrong_id);
    let (mut client, _) = server.running(ID);
    assert_eq!(client.respond("nobody", "", "1").refusal(), wrong_id);
    check_accepted(&client.respond(ID, "", "1"));
    let expected = format!(
        "{WRONG_STATE} RuntimeResponseSentState to InvocationErrorResponse failed for runtime. \
         Error: State transition is not allowed"
    );
    assert_eq!(client.fail(ID, "", "{}").refusal(), expected);
    assert_eq!(text_of(&server.answer()), "1");
    server.submit("another", "2");
    assert_eq!(client.next().body, "2");
    assert_eq!(client.respond(ID, "", "1").refusal(), wrong_id);
}

#[test]
fn an_init_error_is_taken_once_and_before_the_first_next() {
    let server = Server::start();
    let mut client = server.connect();
    let path = "/2018-06-01/runtime/init/error";
    let header = "Lambda-Runtime-Function-Error-Type: Runtime.NoSuchHandler\r\n";
    check_accepted(&client.post(path, header, "{\"errorMessage\":\"gone\"}"));
    let expected = format!(
        "{WRONG_STATE} InitError to InitError failed for runtime. \
         Error: State transition is not allowed"
    );
    assert_eq!(client.post(path, "", "{}").refusal(), expected);
    let refused = client.next().refusal();
    assert!(
        refused.starts_with("403 InvalidStateTransition: State transition from InitError to Ready")
    );
    let server = Server::start();
    let (mut client, _) = server.running(ID);
    let refused = client.post(path, "", "{}").refusal();
    assert!(refused.contains("from Running to InitError"), "{refused}");
}

#[test]
fn an_error_keeps_its_bytes_and_its_type_is_read_as_lambda_reads_it() {
    let server = Server::start();
    for (id, header, body, error_type, expected) in [
        (
            "a",
            "Lambda-Runtime-Function-Error-Type: Runtime.X1\r\n",
            "{ }",
            "Runtime.Unknown",
            "{ }",
        ),
        ("b", "Lambda-Runtime-Function-Error-Type: Function.Bad\r\n", "x", "Function.Bad", "x"),
        ("c", "", "x", "Runtime.Unknown", "x"),
        (
            "d",
            "Lambda-Runtime-Function-Error-Type: Function.Bad\r\n",
            "",
            "Function.Bad",
            r#"{"errorType":"Function.Bad","errorMessage":""}"#,
        ),
    ] {
        let (mut client, _) = server.running(id);
        check_accepted(&client.fail(id, header, body));
        let answer = server.answer();
        assert_eq!(error_of(&answer).error_type, error_type);
        assert_eq!(String::from_utf8_lossy(&error_of(&answer).body), expected);
    }
}

#[test]
fn a_late_answer_is_410_even_if_a_retry_has_the_same_id() {
    let server = Server::start();
    let (mut client, token) = server.running(ID);
    server.desk.expire();
    let echo = format!("Lambda-Runtime-Invocation-Id: {token}\r\n");
    let gone = "410 InvokeTimeout: Invoke timeout";
    assert_eq!(client.respond(ID, &echo, "late").refusal(), gone);
    assert_eq!(client.respond(ID, "", "late").status, 400);
    let (mut retry, new_token) = server.running(ID);
    assert_ne!(token, new_token);
    assert_eq!(client.respond(ID, &echo, "late").refusal(), gone);
    let echo = format!("Lambda-Runtime-Invocation-Id: {new_token}\r\n");
    check_accepted(&retry.respond(ID, &echo, "in time"));
    assert_eq!(text_of(&server.answer()), "in time");
}

#[test]
fn asking_again_gives_the_same_event_under_a_new_delivery() {
    let server = Server::start();
    let (mut client, token) = server.running(ID);
    let again = client.next();
    assert_eq!((again.status, again.body.as_str()), (200, "{}"));
    assert_ne!(again.header("lambda-runtime-invocation-id"), Some(token.as_str()));
}

#[test]
fn a_runtime_that_hangs_up_while_it_waits_takes_no_event_along() {
    let server = Server::start();
    let mut waiting = server.connect();
    waiting.send(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // Answered on a second connection only after the first one's request was seen.
    let mut other = server.connect();
    assert_eq!(other.get("/ping").status, 200);
    waiting.hang_up();
    let (mut client, _) = server.running(ID);
    check_accepted(&client.respond(ID, "", "1"));
}

#[test]
fn web_pages_and_foreign_names_are_turned_away() {
    let server = Server::start();
    for head in [
        "Host: evil.com\r\n",
        "Host: localhost.\r\n",
        "Host: 2130706433\r\n",
        "Host: localhost\r\nOrigin: http://evil.com\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "",
    ] {
        let mut client = server.connect();
        client.send(format!("GET /ping HTTP/1.1\r\n{head}\r\n").as_bytes());
        let reply = client.reply();
        assert!(reply.status == 403, "{head:?}: {reply:?}");
        let mut client = server.connect();
        // Refused by its head alone: the body is never sent.
        client.send(
            format!(
                "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n{head}Content-Length: 9\r\n\r\n"
            )
            .as_bytes(),
        );
        assert_eq!(client.reply().status, 403, "{head:?}");
        assert!(client.is_closed(), "{head:?}");
    }
}

#[test]
fn garbage_is_answered_or_hung_up_on_and_others_are_served_meanwhile() {
    let server = Server::start();
    let many = "X-Header: value\r\n".repeat(10_000);
    let bomb = format!("GET /ping HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let mut client = server.connect();
    client.send_what_is_taken(bomb.as_bytes());
    assert_eq!(client.reply().status, 431);
    for garbage in ["\0\0\0\0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n"] {
        let mut client = server.connect();
        client.send_what_is_taken(garbage.as_bytes());
        while !client.is_closed() {}
    }
    let mut half = server.connect();
    half.send(b"GET /pi");
    assert_eq!(server.connect().get("/ping").status, 200);
}

#[test]
fn every_delivery_has_an_id_of_its_own() {
    let server = Server::start();
    let mut seen = HashSet::new();
    let mut client = server.connect();
    for round in 0..50 {
        let id = format!("id-{round}");
        server.submit(&id, "{}");
        let next = client.next();
        assert!(seen.insert(next.header("lambda-runtime-invocation-id").map(str::to_owned)));
        check_accepted(&client.respond(&id, "", "1"));
    }
}
