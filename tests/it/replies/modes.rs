//! What counts as a reply, plain, tagged or text, and what is a log line beside it.

use crate::support::{Answer, Bridge, ID, Lambda, python, tagged};

#[test]
fn a_handler_without_code_is_jq() {
    let lambda = Lambda::start();
    let filter = "{id, result: (.event.a + 1)}";
    let bridge = Bridge::of(&lambda).program(&["jq", "-c", "--unbuffered", filter]).start();
    lambda.event("{\"a\": 1}").is_response("2");
    lambda.event("{\"a\":\n 2}").is_response("3");
    bridge.leaves_nothing();
}

#[test]
fn members_that_are_null_are_as_good_as_absent() {
    let lambda = Lambda::start();
    let reply = r#"{"id":"%s","result":{"a":null},"error":null,"stream":null,"fatal":null}\n"#;
    let script = format!("while read -r line; do {ID}; printf '{reply}' \"$id\"; done");
    let bridge = Bridge::with(&lambda, &script);
    lambda.event("1").is_response("{\"a\":null}");
    lambda.event("2").is_response("{\"a\":null}");
    bridge.leaves_nothing();
}

#[test]
fn a_result_of_null_is_a_response() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("null"));
    lambda.event("1").is_response("null");
    lambda.event("2").is_response("null");
    bridge.leaves_nothing();
}

#[test]
fn an_echo_of_the_request_is_a_plain_reply() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda).program(&["cat"]).start();
    let echoed = |answer: &Answer, event: &str| {
        assert_eq!(answer.kind, "response");
        let start = answer.text().find(",\"event\":").unwrap();
        let (head, rest) = answer.body.split_at(start);
        assert!(head.starts_with(b"{\"id\":\"") && head.len() == 24, "{head:?}");
        assert!(rest.starts_with(format!(",\"event\":{event},\"context\":{{").as_bytes()));
        assert!(answer.body.ends_with(b"}}"));
    };
    echoed(&lambda.event("1"), "1");
    echoed(&lambda.event("{\"a\": 2.50}"), "{\"a\": 2.50}");
    bridge.leaves_nothing();
}

#[test]
fn a_banner_before_the_first_event_is_no_reply() {
    for banner in ["{\"level\":\"info\"}", "42", "Listening on nothing", "\"ready\"", "null"] {
        let lambda = Lambda::start();
        let script = format!("echo '{banner}'; while read -r line; do echo $$; done");
        let bridge = Bridge::with(&lambda, &script);
        let first = lambda.event("1");
        assert_eq!(first.text().parse::<i32>().ok(), bridge.descendants().first().copied());
        lambda.event("2").is_response(&first.text());
        bridge.logged(&format!("{banner}\n"));
        bridge.leaves_nothing();
    }
}

#[test]
fn plain_words_are_replies_in_text_mode() {
    let lambda = Lambda::start();
    let script = "echo Welcome; while read -r line; do printf 'say \"%s\" – é\\r\\n' $$; done";
    let bridge = Bridge::of(&lambda).shell(script).env("LAMBDA_STDIO_REPLIES", "text").start();
    let first = lambda.event("1");
    let pid = bridge.descendants()[0];
    first.is_response(&format!("\"say \\\"{pid}\\\" – é\""));
    lambda.event("2").is_response(&first.text());
    bridge.logged("Welcome\n");
    bridge.leaves_nothing();
}

#[test]
fn json_is_words_too_in_text_mode_and_a_tag_is_a_tag() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; case $line in *tag*) printf '{{\"id\":\"%s\",\"result\":[1]}}\\n' \
         $id;; *) echo '{{\"a\":1}}';; esac; done"
    );
    let bridge = Bridge::of(&lambda).shell(&script).env("LAMBDA_STDIO_REPLIES", "text").start();
    lambda.event("1").is_response("\"{\\\"a\\\":1}\"");
    lambda.event("\"tag\"").is_response("[1]");
    bridge.leaves_nothing();
}

#[test]
fn json_on_standard_output_is_a_log_line_once_replies_are_tagged() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; case $line in *first*) ;; *) echo '{{\"level\":\"info\"}}';; esac; \
         printf '{{\"id\":\"%s\",\"result\":%s}}\\n{{\"done\":1}}\\n' $id $$; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    let first = lambda.event("\"first\"");
    lambda.event("2").is_response(&first.text());
    bridge.logged("{\"level\":\"info\"}\n");
    bridge.logged("{\"done\":1}\n");
    bridge.leaves_nothing();
}

#[test]
fn json_on_standard_output_is_a_log_line_from_the_start_in_tagged_mode() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; echo '{{\"level\":\"info\"}}'; \
         printf '{{\"id\":\"%s\",\"result\":%s}}\\n' $id $$; done"
    );
    let bridge = Bridge::of(&lambda).shell(&script).env("LAMBDA_STDIO_REPLIES", "tagged").start();
    let first = lambda.event("1");
    assert_eq!(first.text(), bridge.descendants()[0].to_string());
    lambda.event("2").is_response(&first.text());
    bridge.logged("{\"level\":\"info\"}\n");
    bridge.leaves_nothing();
}

#[test]
fn what_is_printed_while_idle_holds_nothing_up() {
    // A pipe holds 64 KiB: without a reader the handler would hang before it asks for the next request.
    for (idle, logged) in [
        ("yes log line | head -c 65537; echo; echo the end", "\nthe end\n"),
        ("yes log line | head -c 65537 >&2; echo the end >&2", "the end\n"),
    ] {
        let lambda = Lambda::start();
        let bridge =
            Bridge::with(&lambda, &format!("while read -r line; do echo $$; {idle}; done"));
        let first = lambda.event("1").text();
        bridge.logged(logged);
        lambda.event("2").is_response(&first);
        bridge.leaves_nothing();
    }
}

#[test]
fn json_printed_while_idle_is_a_log_line_where_replies_are_tagged() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; printf '{{\"id\":\"%s\",\"result\":%s}}\\n' $id $$; \
         yes '{{\"level\":\"info\"}}' | head -n 5000; echo the end; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    let first = lambda.event("1").text();
    bridge.logged("the end\n");
    assert_eq!(bridge.logs().matches("{\"level\":\"info\"}\n").count(), 5000);
    lambda.event("2").is_response(&first);
    bridge.leaves_nothing();
}
#[test]
fn a_reply_in_pieces_that_come_slowly_is_one_reply() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import os, sys, time
for line in sys.stdin:
    for byte in b'[%d]\\n' % os.getpid():
        os.write(1, bytes([byte]))
        time.sleep(0.002)
",
    )
    .start();
    let first = lambda.event("1").text();
    assert_eq!(first, format!("[{}]", bridge.descendants()[0]));
    lambda.event("2").is_response(&first);
    bridge.leaves_nothing();
}
