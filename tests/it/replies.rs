//! Stories of replies: what a handler prints, and what the caller gets.

use crate::support::{Answer, Bridge, Delivery, ID, Lambda, python, tagged, trials};

/// A tagged handler in Python: `request` is what it read, and this makes `result`.
const TAGGED: &str = "
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({'id': request['id'], 'result': request['event']}), flush=True)
";

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
fn each_delivery_has_a_new_id_of_sixteen_characters() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    // The first generation ends without having read one byte: its delivery goes to a second one.
    let script = format!(
        "if mkdir {0}/first; then until grep -q '\"in\"' {0}/wire 2>/dev/null; do :; done; exit 3; fi; {1}",
        folder.path().display(),
        tagged("1")
    );
    let bridge = Bridge::of(&lambda)
        .shell(&script)
        .env("LAMBDA_STDIO_READY", "none")
        .env("LAMBDA_STDIO_WIRE", wire.to_str().unwrap())
        .start();
    for event in 0..3 {
        lambda.event(&event.to_string()).is_response("1");
    }
    let mut ids: Vec<String> = std::fs::read_to_string(wire)
        .unwrap()
        .lines()
        .filter(|line| line.contains(",\"event\":"))
        .map(|line| line.split('"').nth(3).unwrap().to_owned())
        .collect();
    let of_sixteen = |id: &String| {
        id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    };
    assert!(ids.iter().all(of_sixteen), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "three invocations, one of them delivered twice: {ids:?}");
    bridge.leaves_nothing();
}

#[test]
fn the_next_request_is_written_only_when_the_last_was_answered() {
    let lambda = Lambda::start();
    // A second request, had it been written, would make the input readable again.
    let bridge = python(
        &lambda,
        "
import json, os, select
rest = b''
while chunk := os.read(0, 65536):
    rest += chunk
    while b'\\n' in rest:
        line, _, rest = rest.partition(b'\\n')
        more = rest != b'' or select.select([0], [], [], 0.1)[0] != []
        os.write(1, json.dumps({'event': json.loads(line)['event'], 'more': more}).encode() + b'\\n')
",
    )
    .start();
    for event in 1..=3 {
        lambda.deliver(Delivery::new(event.to_string()));
    }
    for event in 1..=3 {
        lambda.answer().is_response(&format!("{{\"event\": {event}, \"more\": false}}"));
    }
    bridge.leaves_nothing();
}

#[test]
fn a_plain_reply_may_leave_the_final_line_end_unread() {
    let lambda = Lambda::start();
    // It reads to the last brace and not one byte further.
    let bridge = python(
        &lambda,
        "
import json, os
request = b''
while byte := os.read(0, 1):
    request += byte
    if byte == b'}':
        try: event = json.loads(request)['event']
        except ValueError: continue
        os.write(1, json.dumps([event, os.getpid()]).encode() + b'\\n')
        request = b''
",
    )
    .start();
    let first = lambda.event("1").text();
    let pid = bridge.descendants()[0];
    assert_eq!(first, format!("[1, {pid}]"));
    lambda.event("2").is_response(&format!("[2, {pid}]"));
    bridge.leaves_nothing();
}

#[test]
fn a_tagged_reply_may_come_before_the_request_is_read() {
    for length in [10, 1_000_000] {
        let lambda = Lambda::start();
        // A space, and then as much of the request as holds its id; the rest is read once it is answered.
        let bridge = python(
            &lambda,
            "
import os
os.read(0, 1)
rest = b''
def read(most):
    chunk = os.read(0, most)
    if not chunk: raise SystemExit
    return chunk
while True:
    while len(rest) < 23: rest += read(23 - len(rest))
    os.write(1, b'{\"id\":\"%s\",\"result\":%d}\\n{\"behind\":1}\\n' % (rest[7:23], os.getpid()))
    while b'\\n' not in rest: rest = read(65536)
    rest = rest.partition(b'\\n')[2]
",
        )
        .start();
        let event = format!("\"{}\"", "x".repeat(length));
        let first = lambda.event(&event).text();
        assert_eq!(first, bridge.descendants()[0].to_string());
        lambda.event(&event).is_response(&first);
        lambda.event("1").is_response(&first);
        bridge.leaves_nothing();
    }
}

#[test]
fn a_reply_is_delivered_even_if_the_process_dies_right_after_it() {
    for end in ["exit 0", "exit 1", "kill -SEGV $$", "kill -KILL $$"] {
        let lambda = Lambda::start();
        let bridge = Bridge::with(&lambda, &format!("read -r line; echo $$; {end}"));
        let mut pids: Vec<String> = (0..trials(5)).map(|_| lambda.event("1").text()).collect();
        let served = pids.len();
        assert!(pids.iter().all(|pid| pid.parse::<u32>().is_ok()), "{end}: {pids:?}");
        pids.sort();
        pids.dedup();
        assert_eq!(pids.len(), served, "{end}: one handler each");
        bridge.leaves_nothing();
    }
}

#[test]
fn a_fatal_error_reaches_the_caller_and_replaces_the_handler() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; case $line in *bad*) printf \
         '{{\"id\":\"%s\",\"error\":{{\"errorType\":\"Broken\",\"errorMessage\":\"of %s\"}},\"fatal\":true}}\\n' \
         $id $$;; *) printf '{{\"id\":\"%s\",\"result\":%s}}\\n' $id $$;; esac; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    let first = lambda.event("1").text();
    let answer = lambda.event("\"bad\"");
    assert_eq!(answer.kind, "error");
    let body = format!("{{\"errorType\":\"Broken\",\"errorMessage\":\"of {first}\"}}");
    assert_eq!(answer.text(), body);
    bridge.logged("the handler asked to be replaced (fatal)");
    let next = lambda.event("2").text();
    assert_ne!(next, first);
    assert_eq!(bridge.descendants(), [next.parse::<i32>().unwrap()]);
    bridge.leaves_nothing();
}

#[test]
fn an_error_of_the_handlers_own_keeps_it() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; printf '{{\"id\":\"%s\",\"error\":\"no user in %s\"}}\\n' $id $$; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    let message = lambda.event("1").is_error("Function.Error");
    assert_eq!(message, format!("no user in {}", bridge.descendants()[0]));
    assert_eq!(lambda.event("2").is_error("Function.Error"), message);
    bridge.leaves_nothing();
}

#[test]
fn an_error_over_its_limit_arrives_with_its_message_cut_and_without_its_stack() {
    let lambda = Lambda::start();
    // Each of these characters is longer on the wire than in memory, or cannot be cut everywhere.
    let bridge = python(
        &lambda,
        "
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    error = {'errorType': 'Vast', 'errorMessage': request['event'] * 300000, 'stackTrace': ['here']}
    sys.stdout.buffer.write(json.dumps({'id': request['id'], 'error': error}, ensure_ascii=False).encode() + b'\\n')
    sys.stdout.flush()
",
    )
    .start();
    for unit in ["é", "\\u0001", "\\\""] {
        let answer = lambda.event(&format!("\"{unit}\""));
        assert!(answer.body.len() <= 262_144, "{unit}: {} bytes", answer.body.len());
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["errorType"], "Vast");
        assert_eq!(body["stackTrace"], serde_json::json!([]));
        let message = body["errorMessage"].as_str().unwrap();
        let whole: String = serde_json::from_str(&format!("\"{unit}\"")).unwrap();
        let (kept, mark) = message.split_once(" … ").unwrap();
        assert!(kept.len() > 20_000 && kept.replace(&whole, "").is_empty(), "{unit}");
        assert_eq!(mark, "(cut)");
        assert_eq!(answer.header("Lambda-Runtime-Function-Error-Type"), Some("Function.Error"));
    }
    bridge.leaves_nothing();
}

#[test]
fn an_error_type_outside_lambdas_pattern_is_function_error_in_the_header() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; type=${{line#*'\"event\":\"'}}; printf \
         '{{\"id\":\"%s\",\"error\":{{\"errorType\":\"%s\",\"errorMessage\":\"no\"}}}}\\n' $id \
         \"${{type%%'\"'*}}\"; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    for (own, header) in [
        ("NoSuchUser", "Function.Error"),
        ("é y: z", "Function.Error"),
        ("Runtime.lower", "Function.Error"),
        ("Function.Mine", "Function.Mine"),
        ("Runtime.Mine", "Runtime.Mine"),
    ] {
        let answer = lambda.event(&format!("\"{own}\""));
        assert_eq!(answer.text(), format!("{{\"errorType\":\"{own}\",\"errorMessage\":\"no\"}}"));
        assert_eq!(answer.header("Lambda-Runtime-Function-Error-Type"), Some(header));
    }
    bridge.leaves_nothing();
}

#[test]
fn length_framing_serves_a_handler_both_ways() {
    let lambda = Lambda::start();
    // As Erlang's {packet, 4} does.
    let bridge = python(
        &lambda,
        "
import json, struct, sys
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
while head := read(4):
    request = json.loads(read(*struct.unpack('>I', head)))
    for reply in ({'id': request['id'], 'result': request['event']}, {'a log': 'behind\\n it'}):
        text = json.dumps(reply, indent=1).encode()
        write(struct.pack('>I', len(text)) + text)
    sys.stdout.flush()
",
    )
    .env("LAMBDA_STDIO_FRAMING", "length")
    .start();
    lambda.event("\"one\\n\"").is_response("\"one\\n\"");
    let large = format!("\"{}\"", "x".repeat(300_000));
    lambda.event(&large).is_response(&large);
    lambda.event("3").is_response("3");
    bridge.leaves_nothing();
}

#[test]
fn replies_on_a_descriptor_of_their_own_leave_standard_output_to_logs() {
    for number in [3, 9] {
        let lambda = Lambda::start();
        let script = format!(
            "echo '{{\"a banner\":1}}'; while read -r line; do echo '{{\"a log\":1}}'; echo $$ >&{number}; \
             echo 7; done"
        );
        let bridge = Bridge::of(&lambda)
            .shell(&script)
            .env("LAMBDA_STDIO_REPLY_FD", &number.to_string())
            .start();
        let first = lambda.event("1").text();
        assert_eq!(first, bridge.descendants()[0].to_string());
        lambda.event("2").is_response(&first);
        for log in ["{\"a banner\":1}\n", "{\"a log\":1}\n", "7\n"] {
            bridge.logged(log);
        }
        bridge.leaves_nothing();
    }
}

#[test]
fn six_megabytes_come_back_through_cat() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda).program(&["cat"]).start();
    let event = format!("\"{}\"", "x".repeat(5_999_998));
    for _ in 0..2 {
        let answer = lambda.event(&event);
        assert_eq!(answer.kind, "response");
        // The whole line is there, and the event in it as it was sent.
        assert!(answer.body.starts_with(b"{\"id\":\""), "{:?}", &answer.body[..40]);
        assert!(answer.body.ends_with(b"}}"));
        assert!(answer.body[33..33 + event.len()] == *event.as_bytes(), "the event is changed");
        assert!(answer.body[33 + event.len()..].starts_with(b",\"context\":{\"awsRequestId\":"));
    }
    bridge.leaves_nothing();
    // The largest event of all, back as a tagged result.
    let lambda = Lambda::start();
    let bridge = python(&lambda, TAGGED).start();
    let event = format!("\"{}\"", "x".repeat(6_291_554));
    assert!(lambda.event(&event).body == event.as_bytes(), "the event is changed");
    lambda.event("1").is_response("1");
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
