//! Lambda's answers in every form that HTTP allows, and in forms that it does not: no event is taken for
//! another, none is taken in part, and the next one is served.

use std::time::Duration;

use super::http;
use crate::support::{Answer, Bridge, Delivery, ID, Lambda, Scratch, eventually, tagged};

/// A bridge whose handler gives the event back, and keeps a list of what it was given.
fn echoing(lambda: &Lambda, folder: &Scratch) -> Bridge {
    let script = format!(
        r#"while read -r line; do {ID}; e=${{line#*\"event\":}}; e=${{e%%,\"context\"*}}
        echo "$e" >>"$D/given"; printf '{{"id":"%s","result":%s}}\n' "$id" "$e"; done"#
    );
    Bridge::of(lambda).env("D", folder.text()).shell(&script).start()
}

/// Offers these answers of `next`, none of which is a good event, and one good event behind each.  What is
/// posted for a bad one is an error; what the handler is given is good.
#[track_caller]
fn none_is_an_event(answers: &[(&str, Vec<u8>)]) {
    for (name, bytes) in answers {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let bridge = echoing(&lambda, &folder);
        lambda.event("1").is_response("1");
        lambda.deliver(Delivery::raw(bytes.as_slice()));
        lambda.deliver(Delivery::new("2"));
        let mut told: Vec<Answer> = vec![lambda.answer()];
        while told.last().is_some_and(|answer| answer.text() != "2") {
            told.push(lambda.answer());
        }
        assert!(told.len() <= 2, "{name}: {told:?}");
        if let [bad, _] = &told[..] {
            assert_eq!((bad.kind, bad.request_id.as_str()), ("error", "r-raw"), "{name}");
            bad.is_error("Runtime.TruncatedEvent");
        } else {
            bridge.logged("the next event could not be asked for");
        }
        assert_eq!(folder.read("given"), "1\n2\n", "{name}");
        bridge.leaves_nothing();
    }
}

fn chunked(body: &str) -> Vec<u8> {
    http("200 OK", "Transfer-Encoding: chunked\r\n", body)
}

#[test]
fn an_answer_that_is_not_http_is_no_event() {
    let length = "Content-Length: 3\r\n";
    none_is_an_event(&[
        ("nothing like it", b"[3]\r\n\r\n".to_vec()),
        ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46".to_vec()),
        ("half a head", b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-raw\r\n".to_vec()),
        ("a status of two digits", http("20 OK", length, "[3]")),
        ("another HTTP", b"HTTP/3.0 200 OK\r\n\r\n".to_vec()),
        ("a length with a sign", http("200 OK", "Content-Length: +3\r\n", "[3]")),
        ("a length in words", http("200 OK", "Content-Length: three\r\n", "[3]")),
        ("a length below nothing", http("200 OK", "Content-Length: -3\r\n", "[3]")),
        ("two lengths", http("200 OK", "Content-Length: 3\r\nContent-Length: 5\r\n", "[3]")),
        ("a length twice", http("200 OK", "Content-Length: 3\r\nContent-Length: 3\r\n", "[3]")),
        (
            "a length and chunks",
            http(
                "200 OK",
                "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                "3\r\n[3]\r\n0\r\n\r\n",
            ),
        ),
        ("a chunk's length in words", chunked("three\r\n[3]\r\n0\r\n\r\n")),
        ("a chunk's length beyond numbers", chunked("10000000000000000\r\n[3]\r\n0\r\n\r\n")),
        ("a chunk longer than it says", chunked("2\r\n[3]\r\n0\r\n\r\n")),
        ("a chunk cut off", chunked("9\r\n[3]")),
        ("no last chunk", chunked("3\r\n[3]\r\n")),
        ("ten thousand headers", http("200 OK", &"X: y\r\n".repeat(10_000), "")),
        ("a header of a megabyte", http("200 OK", &format!("X: {}\r\n", "y".repeat(1 << 20)), "")),
        (
            "a header with a control character",
            http("200 OK", "X: a\x01b\r\nContent-Length: 3\r\n", "[3]"),
        ),
    ]);
}

#[test]
fn a_status_that_is_no_event_is_asked_again() {
    none_is_an_event(&[
        ("no content", http("204 No Content", "", "")),
        ("not modified", http("304 Not Modified", "", "")),
        ("bad request", http("400 Bad Request", "Content-Length: 2\r\n", "{}")),
        ("not found", http("404 Not Found", "Content-Length: 0\r\n", "")),
        ("too many requests", http("429 Slow Down", "Content-Length: 2\r\n", "{}")),
    ]);
}

#[test]
fn an_event_in_an_unusual_form_is_an_event() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = echoing(&lambda, &folder);
    let plain = http("200 OK", "Content-Length: 3\r\n", "[3]");
    let behind =
        |interim: &str| [format!("HTTP/1.1 {interim}\r\n\r\n").as_bytes(), &plain].concat();
    for answer in [
        behind("100 Continue"),
        behind("102 Processing\r\nX: y"),
        behind("103 Early Hints\r\nLink: </x>"),
        String::from_utf8(plain.clone()).unwrap().replace("\r\n", "\n").into_bytes(),
        // What lies behind an event belongs to nobody, and its connection is not used again.
        http("200 OK", "Content-Length: 3\r\n", "[3]HTTP/1.1 200 OK\r\n\r\n[4]"),
        // Without a length, it ends where the connection does.
        http("200 OK", "", "[3]"),
    ] {
        lambda.invoke(Delivery::raw(answer)).is_response("[3]");
    }
    lambda.event("4").is_response("4");
    assert!(lambda.answers_now().is_empty(), "each was answered once");
    bridge.leaves_nothing();
}

#[test]
fn chunks_of_every_kind_are_put_together_up_to_the_limit() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = echoing(&lambda, &folder);
    let event = format!("\"{}\"", "x".repeat(998));
    let singly: Vec<String> = event.chars().map(|letter| format!("1\r\n{letter}\r\n")).collect();
    let singly = singly.concat();
    lambda.invoke(Delivery::raw(chunked(&format!("{singly}0\r\n\r\n")))).is_response(&event);
    for body in [
        "0003\r\n[3]\r\n0\r\n\r\n",
        "3 ; a=\"b;c\"\r\n[3]\r\n0;d\r\n\r\n",
        "3;name=of-an-extension\r\n[3]\r\n0\r\n\r\n",
        "3\r\n[3]\r\n0\r\nTrailer: value\r\nOther: value\r\n\r\n",
    ] {
        lambda.invoke(Delivery::raw(chunked(body))).is_response("[3]");
    }
    // No length says beforehand that it is too much.
    let much = format!("10000\r\n{}\r\n", "x".repeat(65_536)).repeat(97);
    let said = lambda.invoke(Delivery::raw(chunked(&much))).is_error("Runtime.TruncatedEvent");
    assert!(said.contains("more than 6291556 bytes"), "{said}");
    lambda.event("4").is_response("4");
    bridge.leaves_nothing();
}

#[test]
fn an_answer_that_comes_byte_by_byte_is_an_event() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = echoing(&lambda, &folder);
    let slow = Duration::from_millis(5);
    let whole = http("200 OK", "Content-Length: 3\r\n", "[3]");
    lambda.invoke(Delivery::raw(whole).dripping(1, slow)).is_response("[3]");
    lambda
        .invoke(Delivery::raw(chunked("2\r\n[3\r\n1\r\n]\r\n0\r\n\r\n")).dripping(1, slow))
        .is_response("[3]");
    lambda.event("4").is_response("4");
    bridge.leaves_nothing();
}

#[test]
fn no_compression_is_asked_for_and_none_undone() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = echoing(&lambda, &folder);
    for header in [
        "Content-Encoding: gzip",
        "Content-Type: text/plain; charset=utf-16",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: \"",
    ] {
        let headers = format!("{header}\r\nContent-Length: 3\r\n");
        lambda.invoke(Delivery::raw(http("200 OK", &headers, "[3]"))).is_response("[3]");
    }
    // What is compressed all the same is not JSON.
    let gzip = [
        &b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-raw\r\nContent-Encoding: gzip\r\n\
        Content-Length: 10\r\n\r\n"[..],
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    ]
    .concat();
    lambda.invoke(Delivery::raw(gzip)).is_error("Runtime.InvalidEvent");
    for head in lambda.next_heads() {
        assert!(!head.to_ascii_lowercase().contains("accept-encoding"), "{head}");
    }
    bridge.leaves_nothing();
}

#[test]
fn a_post_cut_off_at_any_byte_is_posted_once_more() {
    let lambda = Lambda::start();
    let reply = format!("\"{}\"", "x".repeat(300_000));
    let bridge = Bridge::of(&lambda)
        .program(&[
            "python3",
            "-c",
            "
import sys
for line in sys.stdin: print('\"' + 'x' * 300000 + '\"', flush=True)
",
        ])
        .start();
    for bytes in [0, 1, 100, 4096, 65_536, 200_000, reply.len() - 1, reply.len()] {
        lambda.cut_inside_a_post(bytes);
        lambda.event("1").is_response(&reply);
        lambda.event("2").is_response(&reply);
        assert!(lambda.answers_now().is_empty(), "{bytes}: each was answered once");
    }
    bridge.logged("posting once more");
    bridge.leaves_nothing();
}

#[test]
fn an_init_error_that_nobody_takes_ends_the_runtime_all_the_same() {
    for how in ["500", "cut", "gone"] {
        let lambda = Lambda::start();
        let mut bridge = Bridge::of(&lambda).program(&["/nowhere/at-all"]);
        match how {
            "500" => lambda.refuse_a_post_with(500),
            "cut" => (0..2).for_each(|_| lambda.cut_inside_a_post(1)),
            _ => {
                let nobody =
                    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
                bridge = bridge.env("AWS_LAMBDA_RUNTIME_API", &nobody.to_string());
            }
        }
        let mut bridge = bridge.start();
        assert_eq!(bridge.ended().code(), Some(1), "{how}");
        bridge.logged("the init error could not be reported");
        bridge.logged(
            "the handler cannot serve: cannot start /nowhere/at-all: there is no such file",
        );
        bridge.left_nothing();
    }
}

#[test]
fn lambda_may_go_away_and_come_back() {
    let lambda = Lambda::start();
    let address = lambda.address.clone();
    let folder = Scratch::new();
    let script = format!("echo x >>\"$D/generations\"; {}", tagged("$$"));
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    let first = lambda.event("1").text();
    lambda.idle();
    drop(lambda);
    bridge.logged("the next event could not be asked for");
    // Away for as long as it takes to be asked some times in vain.
    std::thread::sleep(Duration::from_secs(1));
    eventually("the address is free", || std::net::TcpListener::bind(&address).is_ok());
    let lambda = Lambda::at(&address);
    lambda.event("2").is_response(&first);
    assert_eq!(folder.generations(), 1);
    bridge.leaves_nothing();
}
