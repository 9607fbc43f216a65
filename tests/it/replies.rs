//! Stories of replies: what a handler prints, and what the caller gets.

mod context;
mod modes;

use crate::support::{Bridge, Delivery, ID, Lambda, python, scaled, tagged};

/// A tagged handler in Python that gives the event back.
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
        let mut pids: Vec<String> =
            (0..scaled(5, 2500)).map(|_| lambda.event("1").text()).collect();
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
