//! Bytes that are replies, almost replies, or nothing of the kind: each as a real handler prints it.

use base64::Engine as _;

use super::scene::{Scene, bad};
use crate::support::{Bridge, Delivery, ID, Lambda, python};

/// A handler that answers `1` with its process id, and prints for any other event the bytes that it holds
/// in base64, then what else it is told to do.
fn printing(then: &str) -> Scene {
    let program = format!(
        "
import base64, json, os, sys, time
for line in sys.stdin:
    event = json.loads(line)['event']
    if event == 1: os.write(1, b'%d\\n' % os.getpid()); continue
    left = base64.b64decode(event)
    while left: left = left[os.write(1, left):]
    {then}
"
    );
    Scene::built(|bridge| bridge.program(&["python3", "-c", &program]))
}

fn asking_for(bytes: &[u8]) -> Delivery {
    Delivery::new(format!("\"{}\"", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

#[test]
fn any_value_and_any_white_space_around_it_is_a_reply() {
    let scene = printing("pass");
    for (printed, reply) in [
        ("null\n", "null"),
        ("true\n", "true"),
        ("-0\n", "-0"),
        ("1E400\n", "1E400"),
        ("18446744073709551616\n", "18446744073709551616"),
        ("\"\"\n", "\"\""),
        ("\"\\ud800\\u0000\"\n", "\"\\ud800\\u0000\""),
        ("[]\n", "[]"),
        ("{\"a\":1,\"a\":2}\n", "{\"a\":1,\"a\":2}"),
        ("{\"ended by\":\"CR and LF\"}\r\n", "{\"ended by\":\"CR and LF\"}"),
        (" \t[1, 2] \r\n", "[1, 2]"),
        ("\n \r\n\n[\"behind blank lines\"]\n", "[\"behind blank lines\"]"),
        // What looks like an error is one only beside the id of its request.
        (
            "{\"error\":{\"errorType\":\"T\"},\"fatal\":true}\n",
            "{\"error\":{\"errorType\":\"T\"},\"fatal\":true}",
        ),
        (
            "{\"errorType\":\"T\",\"errorMessage\":\"m\"}\n",
            "{\"errorType\":\"T\",\"errorMessage\":\"m\"}",
        ),
        ("{\"id\":7,\"error\":\"data\"}\n", "{\"id\":7,\"error\":\"data\"}"),
        ("{\"id\":\"short\",\"result\":1}\n", "{\"id\":\"short\",\"result\":1}"),
    ] {
        scene.lambda.invoke(asking_for(printed.as_bytes())).is_response(reply);
    }
    scene.still_serves();
    scene.ends();
}

#[test]
fn the_id_deep_inside_a_reply_is_data() {
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do {ID}; printf '{{"a":{{"id":"%s","error":"data"}}}}\n' $id; done"#
    );
    let bridge = Bridge::with(&lambda, &script);
    for _ in 0..2 {
        let answer = lambda.event("1");
        assert_eq!(answer.kind, "response", "{}", answer.text());
        assert!(answer.text().ends_with(",\"error\":\"data\"}}"), "{}", answer.text());
    }
    bridge.leaves_nothing();
}

#[test]
fn what_is_not_one_value_in_utf_8_is_no_reply() {
    let mut scene = printing("os._exit(0)");
    for (printed, why) in [
        (&b"\"a\0b\"\n"[..], "it is not one JSON value (control character"),
        (b"{}{}\n", "it is not one JSON value (trailing characters at line 1 column 3)"),
        (b"[1] and more\n", "it is not one JSON value (trailing characters at line 1 column 5)"),
        (b"{\"a\":{\"b\":1}2}\n", "it is not one JSON value ("),
        // An overlong form, a continuation alone, a surrogate, and half a character.
        (b"\"\xc0\xaf\"\n", "it is not UTF-8 (byte 1)"),
        (b"\"x\x80\"\n", "it is not UTF-8 (byte 2)"),
        (b"\"\xed\xa0\x80\"\n", "it is not UTF-8 (byte 1)"),
        (b"\"\xe2\x82\"\n", "it is not UTF-8 (byte 1)"),
        // A mark of the byte order belongs to a generation's first line, and this one is not.
        (b"\xef\xbb\xbf{\"a\":1}\n", "it is not one JSON value ("),
    ] {
        let said = scene.replaced(asking_for(printed), "Runtime.HandlerExited");
        assert!(
            said.contains(", which did not count as a reply: ") && said.contains(why),
            "{said}"
        );
    }
    for blank in ["\n", " \t \n", "\r\n\r\n"] {
        let said = scene.replaced(asking_for(blank.as_bytes()), "Runtime.HandlerExited");
        assert_eq!(said, "the handler ended before its reply: exit status 0", "{blank:?}");
    }
    // CR ends no line.
    let said = scene.replaced(asking_for(b"[1]\r"), "Runtime.TruncatedReply");
    assert!(said.contains(", after 4 bytes of it"), "{said}");
    scene.ends();
}

#[test]
fn a_mark_of_the_byte_order_is_let_pass_on_the_first_line() {
    let lambda = Lambda::start();
    let bridge =
        Bridge::with(&lambda, r"printf '\357\273\277'; while read -r line; do echo $$; done");
    let first = lambda.event("1").text();
    assert_eq!(first, bridge.descendants()[0].to_string());
    lambda.event("2").is_response(&first);
    bridge.leaves_nothing();
}

#[test]
fn a_character_may_come_in_two_writes() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(
        &lambda,
        r#"while read -r line; do printf '"\342'; sleep 0.02; printf '\202\254"\n'; done"#,
    );
    lambda.event("1").is_response("\"\u{20ac}\"");
    lambda.event("2").is_response("\"\u{20ac}\"");
    bridge.leaves_nothing();
}

#[test]
fn replies_that_two_threads_print_into_each_other_are_none() {
    // Each is longer than a pipe writes at once, and each thread waits for the other in its middle.
    let program = "
import os, sys, threading
for line in sys.stdin:
    if 'bad' not in line: os.write(1, b'%d\\n' % os.getpid()); continue
    middle = threading.Barrier(2)
    def reply(letter):
        text = b'{\"' + letter * 5000 + b'\":\"' + letter * 5000 + b'\"}\\n'
        os.write(1, text[:5001])
        middle.wait()
        os.write(1, text[5001:])
    threads = [threading.Thread(target=reply, args=[letter]) for letter in (b'a', b'b')]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    os._exit(3)
";
    let mut scene = Scene::built(|bridge| bridge.program(&["python3", "-c", program]));
    let said = scene.replaced(bad(), "Runtime.HandlerExited");
    assert!(said.contains("which did not count as a reply: it is not one JSON value"), "{said}");
    scene.ends();
}

#[test]
fn three_million_brackets_are_an_event_and_a_reply() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import os, sys
for line in sys.stdin.buffer:
    event = line[line.index(b'\"event\":') + 8 : line.rindex(b',\"context\":')]
    event += b'\\n'
    while event: event = event[os.write(1, event):]
",
    )
    .start();
    let deep = [vec![b'['; 3_000_000], vec![b']'; 3_000_000]].concat();
    let answer = lambda.invoke(Delivery::new(deep.as_slice()).timeout_ms(20_000));
    assert!(answer.kind == "response" && answer.body == deep, "{}", answer.body.len());
    let unclosed = vec![b'['; 6_000_000];
    lambda.invoke(Delivery::new(unclosed)).is_error("Runtime.InvalidEvent");
    lambda.event("1").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn characters_that_some_readers_take_for_line_ends_are_not_ours() {
    let event = "\"a\u{2028}b\u{2029}c\u{85}d\u{b}\"".replace('\u{b}', "\\u000b");
    let lines = "import sys\nfor line in sys.stdin: print(line.count('\\n'), flush=True)";
    for program in [
        &["python3", "-c", lines][..],
        &["jq", "-c", "--unbuffered", "1"],
        &["sh", "-c", "while read -r line; do echo 1; done"],
        &["perl", "-e", "$| = 1; while (<STDIN>) { print \"1\\n\" }"],
    ] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda).program(program).start();
        for _ in 0..3 {
            lambda.event(&event).is_response("1");
        }
        assert!(!bridge.logs().contains("handler replaced"), "{program:?}: {}", bridge.logs());
        bridge.leaves_nothing();
    }
}

#[test]
fn six_megabytes_in_small_writes_are_one_reply() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import os, sys
for line in sys.stdin:
    reply = b'\"' + b'x' * 5999998 + b'\"\\n'
    for at in range(0, len(reply), 1024): os.write(1, reply[at:at + 1024])
",
    )
    .start();
    for _ in 0..2 {
        let answer = lambda.invoke(Delivery::new("1").timeout_ms(20_000));
        assert_eq!((answer.kind, answer.body.len()), ("response", 6_000_000));
    }
    bridge.leaves_nothing();
}

#[test]
fn the_end_of_a_line_is_looked_for_once_in_each_byte() {
    use bytes::BytesMut;
    use lambda_stdio::protocol::{Framing, MessageDecoder};
    use tokio_util::codec::Decoder;

    // Looked for anew in all that is held, it would be 800 GB, which no limit below would forgive.
    let mut decoder = MessageDecoder::new(Framing::Lines);
    let mut held = BytesMut::new();
    let began = std::time::Instant::now();
    for _ in 0..400_000 {
        held.extend_from_slice(b"0123456789abcde");
        assert!(decoder.decode(&mut held).unwrap().is_none());
    }
    held.extend_from_slice(b"\n");
    assert_eq!(decoder.decode(&mut held).unwrap().unwrap().len(), 6_000_000);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
