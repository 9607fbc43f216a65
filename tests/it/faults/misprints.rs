//! Lines that are almost replies, replies at the wrong moment, and halves of them.

use super::scene::{Scene, bad, soon};
use crate::support::{Bridge, ID, Lambda};

#[test]
fn an_almost_reply_is_quoted_with_its_cure() {
    let cure = "A reply is one JSON value on one line; for a program that prints plain words set \
                LAMBDA_STDIO_REPLIES=text";
    let long = "x".repeat(300);
    for (printed, quoted, why) in [
        ("{\\047a\\047: 1}", "{'a': 1}", "key must be a string at line 1 column 2"),
        ("NaN", "NaN", "expected value at line 1 column 1"),
        ("hello there", "hello there", "expected value at line 1 column 1"),
        ("01", "01", "invalid number at line 1 column 2"),
        ("\"\"\"", "\"\"\"", "trailing characters at line 1 column 3"),
        ("{} {}", "{} {}", "trailing characters at line 1 column 4"),
        (&long, &long[..200], "expected value at line 1 column 1"),
    ] {
        let words = format!(
            "; it printed {quoted:?}, which did not count as a reply: it is not one JSON value ({why}). \
             {cure}. It last wrote:\n"
        );
        let mut scene = Scene::of(&format!("printf '{printed}\\n'; exit 0"));
        let said = scene.replaced(bad(), "Runtime.HandlerExited");
        assert!(said.contains(&words), "{said}");
        scene.ends();
    }
    let mut scene = Scene::of("printf '\\351t\\351\\n'; exit 0");
    let said = scene.replaced(bad(), "Runtime.HandlerExited");
    let words = "; it printed \"\u{fffd}t\u{fffd}\", which did not count as a reply: it is not UTF-8 (byte 0)";
    assert!(said.contains(words), "{said}");
    scene.ends();
    let mut scene = Scene::of("echo; echo some words; echo and more; sleep 30");
    let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
    assert!(
        said.contains(
            "; it printed \"some words\", which did not count as a reply: it is not one JSON value \
             (expected value at line 1 column 1); 1 more line followed. A reply is"
        ),
        "{said}"
    );
    assert!(said.ends_with(&format!("{cure}. It last wrote:\n\nsome words\nand more")), "{said}");
    scene.ends();
    let mut scene = Scene::of("echo OK; exec >&-; sleep 30");
    let said = scene.replaced(bad(), "Runtime.HandlerClosedOutput");
    assert!(
        said.contains("; it printed \"OK\", which did not count") && said.contains(cure),
        "{said}"
    );
    scene.ends();
}

#[test]
fn a_pretty_printed_reply_is_told_to_fit_one_line() {
    for (printed, lines) in [
        ("{\\n  \"a\": 1\\n}\\n", 3),
        ("[\\n  1,\\n  2\\n]\\n", 4),
        ("{\\n  \"a\": [\\n    {}\\n  ],\\n  \"b\": null\\n}\\n", 6),
    ] {
        let advice = format!("your JSON spans {lines} lines: print it on one");
        let mut scene = Scene::of(&format!("printf '{printed}'; sleep 30"));
        let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
        assert!(said.contains(&advice), "{said}");
        scene.ends();
        let mut scene = Scene::of(&format!("printf '{printed}'; exit 0"));
        let said = scene.replaced(bad(), "Runtime.HandlerExited");
        assert!(said.contains(&advice), "{said}");
        scene.ends();
    }
}

#[test]
fn a_plain_reply_to_an_unread_request_is_a_protocol_error() {
    // Nothing of the request is read when it prints, or the beginning only.
    for unread in ["", "os.read(0, 10)"] {
        let program = format!(
            "
import os, select, time
os.read(0, 65536)
if not os.read(0, 65536): raise SystemExit
os.write(1, b'%d\\n' % os.getpid())
select.select([0], [], [])
{unread}
os.write(1, b'[\"early\"]\\n')
time.sleep(30)
"
        );
        let mut scene = Scene::built(|bridge| bridge.program(&["python3", "-c", &program]));
        assert_eq!(
            scene.replaced(bad(), "Runtime.ProtocolError"),
            "the handler printed a reply before it had read the whole request, so it answers something \
             else. Tag replies with the id of their request"
        );
        scene.ends();
    }
}

#[test]
fn a_second_line_behind_a_plain_reply_is_a_protocol_error() {
    let mut scene = Scene::of("printf '{\"a\":1}\\n{\"b\":22}\\n'");
    assert_eq!(
        scene.replaced(bad(), "Runtime.ProtocolError"),
        "the handler printed a second line, of 8 bytes, that could be its reply: which of the two is meant \
         cannot be known. Print one line for each request, or tag replies with the id of their \
         request"
    );
    scene.ends();
    // Where words are replies, a second line of words is one too many.
    let mut scene = Scene::built(|bridge| {
        let fault = "while read -r line; do case $line in *bad*) printf 'a\\nbc\\n';; *) echo $$;; esac; done";
        bridge.shell(fault).env("LAMBDA_STDIO_REPLIES", "text")
    });
    let said = scene.replaced(bad(), "Runtime.ProtocolError");
    assert!(
        said.starts_with("the handler printed a second line, of 2 bytes, that could"),
        "{said}"
    );
    scene.ends();
    // Words behind a reply are log lines.
    let lambda = Lambda::start();
    let bridge =
        Bridge::with(&lambda, "while read -r line; do printf \"$$\\nall done\\n\\n\"; done");
    let pid = lambda.event("1").text();
    lambda.event("2").is_response(&pid);
    bridge.leaves_nothing();
}

#[test]
fn half_a_line_is_a_truncated_reply() {
    let tagged = format!("{ID}; printf '{{\"id\":\"%s\",\"result\":1}}' $id");
    for (fault, held) in [("printf '{\"a\":'", 5), ("printf '{\"a\":1}'", 7), (&*tagged, 36)] {
        let mut scene = Scene::of(&format!("echo oh >&2; {fault}; exit 0"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.TruncatedReply"),
            format!(
                "the handler's output ended inside its reply, after {held} bytes of it: nothing of them \
                 was delivered. End the reply's line, and flush it, before the program ends. It last \
                 wrote:\noh"
            )
        );
        scene.ends();
    }
}
