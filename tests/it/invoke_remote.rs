//! `lambda-stdio invoke --remote`: a function that others serve.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use crate::invoke_runtime::{Said, companion, run, run_with};
use crate::rie::harness::{Function, Rie, bridge, rie};
use crate::support::{Scratch, tagged};

/// An Invoke API that gives these answers, one a connection, and tells what it was asked.
fn serving(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !request.ends_with(b"}") {
                let length = stream.read(&mut chunk).unwrap();
                assert!(length > 0, "half a request");
                request.extend_from_slice(&chunk[..length]);
            }
            asked.push(String::from_utf8(request).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (address, thread)
}

fn http(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn remote(address: &str, more: &[&str]) -> Said {
    run(companion().args(["invoke", "--remote", address, "-d", "{\"n\":1}"]).args(more))
}

#[test]
fn a_reply_is_printed_and_the_event_sent_as_it_is() {
    let (address, server) = serving(vec![http("200 OK", "{\"a\":1.0}"); 2]);
    let said = remote(&address, &["--repeat", "2"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "{\"a\":1.0}\n{\"a\":1.0}\n"), "{said:?}");
    for asked in server.join().unwrap() {
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /2015-03-31/functions/function/invocations HTTP/1.1\r\n"));
        assert_eq!(body, "{\"n\":1}");
    }
}

#[test]
fn an_error_is_printed_and_told_by_the_exit_code() {
    for (head, words) in [
        ("200 OK\r\nX-Amz-Function-Error: Unhandled", "the function answered with an error"),
        ("502 Bad Gateway", "answered 502 Bad Gateway"),
    ] {
        let (address, server) = serving(vec![http(head, "{\"errorType\":\"Mine\"}")]);
        let said = remote(&address, &[]);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(1), "{\"errorType\":\"Mine\"}\n"),
            "{said:?}"
        );
        assert!(said.err.contains(words), "{said:?}");
        server.join().unwrap();
    }
}

#[test]
fn what_cannot_be_asked_is_said_in_words() {
    let (address, server) = serving(vec![http("302 Found\r\nLocation: http://elsewhere/", "")]);
    let said = remote(&address, &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("answers 302 Found: nothing was sent on"), "{said:?}");
    server.join().unwrap();

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let said = remote(&nobody, &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("does not answer; is a function served there?"), "{said:?}");

    let said = remote("https://x", &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("only http:// is spoken here"), "{said:?}");
    let said = run(companion().args(["invoke", "--remote", "h:1", "-d", "1", "ls"]));
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn a_function_behind_awss_emulator_is_invoked() {
    let Some(program) = rie() else { return };
    let scratch = Scratch::new();
    let runtime = bridge(&tagged("1"));
    let function =
        Function { runtime: &runtime, folder: scratch.path(), timeout_seconds: 3, variables: &[] };
    let mut rie = Rie::start(&program, &function);
    let mut command = companion();
    command.args(["invoke", "--remote", &rie.address, "--events", "-"]);
    let said = run_with(&mut command, "1\n{\"a\":2}\n");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "1\n1\n"), "{said:?}");
    rie.stop();
}
