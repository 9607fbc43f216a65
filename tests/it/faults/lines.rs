//! Lines at the wrong time, in the wrong mode, or in the wrong frame.

use super::scene::{Scene, bad, soon};
use crate::support::{Bridge, Delivery, ID, Lambda, eventually, trials};

#[test]
fn a_reply_that_drips_gets_no_more_time() {
    let mut scene = Scene::of("while :; do printf 1; sleep 0.05; done");
    let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
    assert!(said.contains(" bytes came without a line end ("), "{said}");
    assert!(!said.contains("; 0 bytes"), "{said}");
    scene.ends();
}

#[test]
fn a_second_line_a_moment_later_never_becomes_the_next_answer() {
    for _ in 0..trials(3) {
        let lambda = Lambda::start();
        let bridge = Bridge::with(
            &lambda,
            "while read -r line; do echo $$; sleep 0.03; echo '\"stale\"'; done",
        );
        let first = lambda.event("1").text();
        eventually("the handler is replaced", || {
            !bridge.descendants().contains(&first.parse().unwrap())
        });
        let second = lambda.event("2").text();
        assert_ne!(second, first);
        assert_ne!(second, "\"stale\"");
        eventually("the handler is replaced", || {
            !bridge.descendants().contains(&second.parse().unwrap())
        });
        bridge.logged("the handler printed a line of 7 bytes that nobody asked for");
        assert!(!bridge.logs().contains("stale"), "{}", bridge.logs());
        bridge.leaves_nothing();
    }
}

#[test]
fn a_second_line_behind_the_next_request_is_no_answer_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    // It prints its second line once the next request lies in its input, unread.
    let late = format!(
        "read -r line; echo $$; until [ $(grep -c '\"in\"' {0}) -gt 1 ]; do :; done; \
         : > {0}; echo '\"stale\"'; sleep 30",
        wire.display()
    );
    let mut scene =
        Scene::built(|bridge| bridge.shell(&late).env("LAMBDA_STDIO_WIRE", wire.to_str().unwrap()));
    let said = scene.replaced(bad(), "Runtime.ProtocolError");
    assert!(said.starts_with("the handler printed a reply before it had read"), "{said}");
    scene.ends();
}

#[test]
fn json_printed_while_idle_replaces_the_handler_and_answers_nobody() {
    let lambda = Lambda::start();
    let idle = "yes '{\"stale\":\"info\"}' | head -c 65536";
    let bridge =
        Bridge::with(&lambda, &format!("while read -r line; do echo $$; sleep 0.02; {idle}; done"));
    let first = lambda.event("1").text();
    bridge.logged("the handler printed a line of 16 bytes that nobody asked for");
    let second = lambda.event("2").text();
    assert_ne!(second.parse::<i32>().unwrap(), first.parse::<i32>().unwrap());
    assert!(!bridge.logs().contains("stale"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn broken_lengths_are_told_in_words() {
    let program = "
import json, os, struct, sys
read = sys.stdin.buffer.read
while head := read(4):
    event = json.loads(read(*struct.unpack('>I', head)))['event']
    text = b'%d' % os.getpid()
    message = struct.pack('>I', len(text)) + text
    if event == 'text': message = b'{\"a\":1}\\n'
    if event == 'vast': message = b'\\xff\\xff\\xff\\xff'
    if event == 'half': message = message[:-1]
    os.write(1, message)
    if event == 'half': raise SystemExit
";
    let mut scene = Scene::built(|bridge| {
        bridge.program(&["python3", "-c", program]).env("LAMBDA_STDIO_FRAMING", "length")
    });
    assert_eq!(
        scene.replaced(Delivery::new("\"text\""), "Runtime.ProtocolError"),
        "text came where a length was due: it begins with \"{\\\"a\\\"\". With \
         LAMBDA_STDIO_FRAMING=length each reply is preceded by its length as 4 bytes, big-endian"
    );
    scene.replaced(Delivery::new("\"vast\""), "Function.ResponseSizeTooLarge");
    let said = scene.replaced(Delivery::new("\"half\""), "Runtime.TruncatedReply");
    assert!(said.starts_with("the handler's output ended inside its reply, after "), "{said}");
    scene.ends();
}

#[test]
fn an_untagged_line_where_replies_are_tagged_is_told_as_such() {
    let lambda = Lambda::start();
    let script = format!(
        "while read -r line; do {ID}; case $line in *bad*) echo '{{\"a\":1}}';; \
         *) printf '{{\"id\":\"%s\",\"result\":%s}}\\n' $id $$;; esac; done"
    );
    let bridge = Bridge::with(&lambda, &script);
    let first = lambda.event("1").text();
    let said = lambda.invoke(soon()).is_error("Runtime.HandlerTimeout");
    assert!(
        said.contains(
            "; it printed \"{\\\"a\\\":1}\", which did not count as a reply: replies are tagged here, \
             with the id of their request, and it is not. "
        ),
        "{said}"
    );
    assert_ne!(lambda.event("2").text(), first);
    bridge.leaves_nothing();
}
