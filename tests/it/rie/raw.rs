//! AWS's emulator before a runtime that breaks the rules on request: what the platform answers it, and what
//! its caller hears.  `differential` compares the same with our emulator.

use std::path::Path;

use super::harness::{Function, Rie, raw_runtime, rie};
use crate::support::Scratch;

/// What the caller of these steps is told, and what the runtime was answered.
fn told(steps: &str, at_start: Option<&str>) -> Option<(u16, String, String)> {
    let program = rie()?;
    let scratch = Scratch::new();
    Some(told_in(&program, &scratch, steps, at_start))
}

fn told_in(
    program: &Path,
    scratch: &Scratch,
    steps: &str,
    at_start: Option<&str>,
) -> (u16, String, String) {
    let runtime = raw_runtime(scratch.path());
    let variables: Vec<(String, String)> =
        at_start.map(|steps| ("AT_START".to_owned(), steps.to_owned())).into_iter().collect();
    let function = Function {
        runtime: &runtime,
        folder: scratch.path(),
        timeout_seconds: 6,
        variables: &variables,
    };
    let mut rie = Rie::start(program, &function);
    let heard = rie.invoke(steps);
    // The next invocation says that the runtime is done with the first, and that another can be served.
    let next = rie.try_invoke(
        &[],
        br#"[["post","invocation/OLD/response","late"],["post","invocation/ID/response","next"]]"#,
    );
    if at_start.is_none() {
        assert_eq!(next.map(|next| next.text()).unwrap(), "next", "{}", rie.log());
    }
    rie.stop();
    (heard.status, heard.text(), scratch.read("heard"))
}

const ACCEPTED: &str = "202 {\"status\":\"OK\"}";

#[track_caller]
fn check_heard(heard: &str, expected: &[&str]) {
    let lines: Vec<&str> = heard.lines().collect();
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{expected} in {heard}");
    }
    assert!(lines.len() >= expected.len(), "{heard}");
}

#[test]
fn rie_passes_on_a_response_that_is_no_json_without_its_content_type() {
    let Some(program) = rie() else { return };
    let scratch = Scratch::new();
    let runtime = raw_runtime(scratch.path());
    let function =
        Function { runtime: &runtime, folder: scratch.path(), timeout_seconds: 6, variables: &[] };
    let mut rie = Rie::start(&program, &function);
    let heard =
        rie.invoke(r#"[["post","invocation/ID/response","{'no': json",{"Content-Type":"x/y"}]]"#);
    assert_eq!((heard.status, heard.text().as_str()), (200, "{'no': json"));
    assert_ne!(heard.header("content-type"), Some("x/y"));
    rie.stop();
}

#[test]
fn rie_names_the_exit_of_a_runtime_in_an_invocation() {
    let Some((status, body, _)) = told(r#"[["exit",1]]"#, None) else { return };
    assert_eq!(status, 502);
    assert!(
        body.starts_with(r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: "#),
        "{body}"
    );
    assert!(body.ends_with(r#" Error: Runtime exited with error: exit status 1"}"#), "{body}");
    let (status, body, _) = told(r#"[["exit",0]]"#, None).unwrap();
    assert_eq!(status, 502);
    assert!(body.ends_with(r#" Error: Runtime exited without providing a reason"}"#), "{body}");
}

#[test]
fn rie_says_nothing_of_a_runtime_that_exits_in_init() {
    let Some(program) = rie() else { return };
    let scratch = Scratch::new();
    let (status, body, _) = told_in(&program, &scratch, "[]", Some(r#"[["exit",5]]"#));
    assert_eq!((status, body.as_str()), (502, ""), "it says nothing of the exit");
    // It begins a second init within the invocation, as Lambda does, and starts nothing in it.
    assert_eq!(scratch.read("started").lines().count(), 2, "once for each of two invocations");
}

#[test]
fn rie_hands_on_the_body_of_an_init_error() {
    let init_error = r#"[["post","init/error","{\"mine\":1}"],["exit",1]]"#;
    let Some((status, body, heard)) = told("[]", Some(init_error)) else { return };
    assert_eq!((status, body.as_str()), (502, r#"{"mine":1}"#));
    check_heard(&heard, &[ACCEPTED]);
}

#[test]
fn rie_answers_413_to_a_large_response_and_403_to_the_error_behind_it() {
    let steps = r#"[["large",6291557],["post","invocation/ID/error","{}"]]"#;
    let Some((status, body, heard)) = told(steps, None) else { return };
    assert_eq!(status, 200);
    assert!(body.contains("Function.ResponseSizeTooLarge"), "{body}");
    check_heard(
        &heard,
        &[
            "413 {\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\"errorType\":\"RequestEntityTooLarge\"}",
            "403 ",
        ],
    );
    let (status, body, heard) = told(r#"[["large",6291556]]"#, None).unwrap();
    assert_eq!((status, body.len()), (200, 6_291_556));
    check_heard(&heard, &[ACCEPTED]);
}

#[test]
fn rie_answers_400_to_an_unknown_id() {
    let steps = r#"[["post","invocation/nobody/response","1"],["post","invocation/nobody/error","{}"],["post","invocation/ID/response","2"]]"#;
    let Some((status, body, heard)) = told(steps, None) else { return };
    assert_eq!((status, body.as_str()), (200, "2"));
    check_heard(&heard, &["400 ", "400 ", ACCEPTED]);
    assert_eq!(heard.matches("InvalidRequestID").count(), 2 + 1, "and the late one: {heard}");
}

#[test]
fn rie_answers_403_to_a_second_post() {
    let steps = r#"[["post","invocation/ID/response","1"],["post","invocation/ID/response","2"],["post","invocation/ID/error","{}"]]"#;
    let Some((status, body, heard)) = told(steps, None) else { return };
    assert_eq!((status, body.as_str()), (200, "1"));
    // Behind them is what the next invocation posts for this one, which is over by then.
    check_heard(&heard, &[ACCEPTED, "403 ", "403 ", "400 "]);
    assert_eq!(heard.matches("InvalidStateTransition").count(), 2, "{heard}");
}

#[test]
fn rie_ends_a_runtime_that_takes_too_long() {
    let Some((status, body, _)) = told(r#"[["sleep",60]]"#, None) else { return };
    assert_eq!((status, body.as_str()), (200, "Task timed out after 6.00 seconds"));
}

#[test]
fn rie_answers_400_to_any_response_mode_but_streaming() {
    let steps = r#"[["post","invocation/ID/response","1",{"Lambda-Runtime-Function-Response-Mode":"Streaming"}],["post","invocation/ID/response","2"]]"#;
    let Some((_, _, heard)) = told(steps, None) else { return };
    check_heard(&heard, &["400 "]);
    assert!(heard.contains("InvalidFunctionResponseMode"), "{heard}");
}

#[test]
fn rie_shows_a_stream_as_a_whole_with_its_prelude_and_zeros() {
    let steps = r#"[["stream",["{\"statusCode\":200}","\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000","one ","two"],{"Lambda-Runtime-Function-Response-Mode":"streaming","Content-Type":"application/vnd.awslambda.http-integration-response"},{}]]"#;
    let Some((status, body, heard)) = told(steps, None) else { return };
    assert_eq!((status, body.as_str()), (200, "{\"statusCode\":200}\0\0\0\0\0\0\0\0one two"));
    check_heard(&heard, &["stream: 202"]);
}

#[test]
fn rie_gives_the_same_event_again_to_whoever_asks_before_answering() {
    let steps = r#"[["again"],["post","invocation/ID/response","1"]]"#;
    let Some((status, body, heard)) = told(steps, None) else { return };
    assert_eq!((status, body.as_str()), (200, "1"));
    check_heard(&heard, &["next: 200 the same event", ACCEPTED]);
}
