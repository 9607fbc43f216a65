//! Stories of logs: what comes out on the bridge's standard error, and what never holds up a reply.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Bridge, COUNT, ID, Lambda, Scratch, WAIT, tagged};

/// A shell handler that runs these words before each answer.
fn saying(words: &str) -> String {
    format!(
        r#"while read -r line; do {ID}; {words}; printf '{{"id":"%s","result":1}}\n' "$id"; done"#
    )
}

#[test]
fn lines_come_out_as_they_are_in_text_mode() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let file = folder.file("log");
    let words = r"printf 'caf\303\251 \377\t\r \001x\n\n' >&2; printf 'stray: \377\n'";
    let bridge = Bridge::of(&lambda)
        .shell(&saying(words))
        .adjust(|command| {
            command.stderr(File::create(&file).unwrap());
        })
        .start();
    lambda.event("1").is_response("1");
    lambda.idle();
    let logged = std::fs::read(&file).unwrap();
    let contains = |bytes: &[u8]| logged.windows(bytes.len()).any(|window| window == bytes);
    assert!(contains(b"caf\xc3\xa9 \xff\t\r \x01x\n\n"), "{}", String::from_utf8_lossy(&logged));
    assert!(contains(b"stray: \xff\n"), "{}", String::from_utf8_lossy(&logged));
    bridge.leaves_nothing();
}

#[test]
fn lines_come_out_as_json_objects_in_json_mode() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .shell(&saying(r#"echo 'said "this"' >&2; printf 'a stray \377\n'"#))
        .start();
    lambda.event("1").is_response("1");
    lambda.idle();
    bridge.logged("a stray");
    let logs = bridge.logs();
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for message in ["said \"this\"", "a stray \u{fffd}"] {
        let line = lines.iter().find(|line| line["message"] == message).expect(&logs);
        assert_eq!(line["requestId"], "r-1");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["timestamp"].as_str().unwrap().len(), 24);
    }
    bridge.leaves_nothing();
}

#[test]
fn a_line_that_is_a_json_object_passes_untouched() {
    let lambda = Lambda::start();
    let own = r#"{"level":"WARN", "n": 1e400, "level":"x"}"#;
    let bridge = Bridge::of(&lambda)
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .shell(&saying(&format!("echo '{own}' >&2; echo '[1]' >&2")))
        .start();
    lambda.event("1").is_response("1");
    bridge.logged(&format!("{own}\n"));
    bridge.logged(r#""message":"[1]""#);
    bridge.leaves_nothing();
}

#[test]
fn a_line_of_any_length_leaves_in_marked_pieces() {
    let lambda = Lambda::start();
    let words = r"head -c 600000 /dev/zero | tr '\0' x >&2; printf '\377\n' >&2";
    let bridge = Bridge::with(&lambda, &saying(words));
    lambda.event("1").is_response("1");
    bridge.logged("\u{fffd}\n");
    let logs = bridge.logs();
    assert_eq!(logs.matches('x').count(), 600_000);
    assert_eq!(logs.matches(" [lambda-stdio: the line continues]\n").count(), 2);
    assert_eq!(logs.matches("[lambda-stdio: the line continued] ").count(), 2);
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn a_flood_of_standard_error_does_not_hold_up_a_reply() {
    for flood in ["yes flood", "tr '\\0' x </dev/zero"] {
        let lambda = Lambda::start();
        let script = format!("{flood} >&2 &\n{}", tagged("1"));
        let bridge = Bridge::of(&lambda)
            .shell(&script)
            .adjust(|command| {
                command.stderr(Stdio::null());
            })
            .start();
        lambda.idle();
        for _ in 0..20 {
            let began = Instant::now();
            let answer = lambda.event("1");
            answer.is_response("1");
            let took = answer.at - began;
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap();
        assert!(peak < 32 * 1024, "{peak} kB resident");
        bridge.leaves_nothing();
    }
}

#[test]
fn output_is_drained_while_idle() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let many =
        |stream: &str| format!("head -c 300000 /dev/zero | tr '\\0' ' ' {stream}; echo {stream}");
    let script = format!(
        "{{ {WAIT}; {}; {}; echo x >\"$D/said\"; }} & {}",
        many(""),
        many(">&2"),
        tagged("1")
    );
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    lambda.event("1").is_response("1");
    lambda.idle();
    folder.open_gate();
    folder.written("said");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn standard_error_is_out_before_the_next_event_is_asked_for() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let file = folder.file("log");
    let bridge = Bridge::of(&lambda)
        .shell(&format!("n=0; {}", saying("n=$((n + 1)); echo \"event $n\" >&2")))
        .adjust(|command| {
            command.stderr(File::create(&file).unwrap());
        })
        .start();
    for number in 1..=50 {
        lambda.event("1").is_response("1");
        lambda.idle();
        let logged = folder.read("log");
        assert!(logged.contains(&format!("event {number}\n")), "{number}: {logged}");
    }
    bridge.leaves_nothing();
}

#[test]
fn events_and_replies_are_never_logged() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // It answers with errors, which leave it plain, so that its late line is out of step.
    let script = format!(
        r#"{COUNT}; while read -r line; do {ID}; printf '{{"id":"%s","error":"s3cret"}}\n' "$id"
        echo '{{"id":"0123456789abcdef","result":"s3cret"}}'
        if [ $n = 1 ]; then {WAIT}; echo '{{"late":"s3cret"}}'; fi; done"#
    );
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
        .shell(&script)
        .start();
    lambda.event("\"s3cret\"");
    bridge.logged("late reply dropped id=0123456789abcdef bytes=43");
    folder.open_gate();
    bridge.logged("a line of ");
    bridge.logged("handler replaced");
    lambda.event("s3cret, not JSON").is_error("Runtime.InvalidEvent");
    lambda.event("\"s3cret\"");
    lambda.idle();
    assert!(!bridge.logs().contains("s3cret"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn the_first_stray_line_gets_one_warning() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .shell(&format!(
            "echo; echo hello; {}",
            saying("echo again; case $line in *crash*) exit 1;; esac")
        ))
        .start();
    lambda.event("1").is_response("1");
    lambda.event("\"crash\"").is_error("Runtime.HandlerExited");
    lambda.event("2").is_response("1");
    lambda.idle();
    let logs = bridge.logs();
    let warnings: Vec<&str> = logs.lines().filter(|line| line.contains("is no reply")).collect();
    assert_eq!(warnings.len(), 1, "{logs}");
    for words in ["standard error", "LAMBDA_STDIO_REPLY_FD", "bytes=5", "reason="] {
        assert!(warnings[0].contains(words), "{words}: {}", warnings[0]);
    }
    bridge.leaves_nothing();
}

#[test]
fn a_replacement_is_one_record() {
    for format in ["Text", "JSON"] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda)
            .env("AWS_LAMBDA_LOG_FORMAT", format)
            .shell(&saying("case $line in *crash*) exit 3;; esac"))
            .start();
        lambda.event("1").is_response("1");
        lambda.event("2").is_response("1");
        lambda.event("\"crash\"").is_error("Runtime.HandlerExited");
        lambda.event("3").is_response("1");
        bridge.logged("handler replaced");
        let logs = bridge.logs();
        let records: Vec<&str> =
            logs.lines().filter(|line| line.contains("handler replaced")).collect();
        assert_eq!(records.len(), 1, "{logs}");
        if format == "JSON" {
            let record: Value = serde_json::from_str(records[0]).unwrap();
            assert_eq!((&record["generation"], &record["answered"]), (&1.into(), &2.into()));
            assert_eq!(
                (&record["cause"], &record["level"]),
                (&"exit status 3".into(), &"WARN".into())
            );
            assert!(record["lived_ms"].is_u64(), "{record}");
        } else {
            let words =
                "lambda-stdio WARN handler replaced generation=1 cause=\"exit status 3\" lived_ms=";
            assert!(records[0].starts_with(words) && records[0].ends_with(" answered=2"), "{logs}");
        }
        bridge.leaves_nothing();
    }
}

#[test]
fn our_own_records_obey_the_log_level() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .env("AWS_LAMBDA_LOG_LEVEL", "ERROR")
        .shell(&saying("echo loud >&2; case $line in *crash*) exit 3;; esac"))
        .start();
    lambda.event("\"crash\"").is_error("Runtime.HandlerExited");
    lambda.event("1").is_response("1");
    bridge.logged("loud");
    bridge.logged("lambda-stdio ERROR invocation failed");
    assert!(!bridge.logs().contains(" WARN "), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn the_bridge_goes_on_without_its_own_standard_error() {
    let (unread, full) = std::io::pipe().unwrap();
    let (_, broken) = std::io::pipe().unwrap();
    let read_only = File::open("/dev/null").unwrap();
    for stderr in [Stdio::from(full), Stdio::from(broken), Stdio::from(read_only)] {
        let lambda = Lambda::start();
        let words = "head -c 200000 /dev/zero | tr '\\0' '\\n' >&2; echo 'a stray line'";
        let bridge = Bridge::of(&lambda)
            .shell(&saying(words))
            .adjust(|command| {
                command.stderr(stderr);
            })
            .start();
        for _ in 0..5 {
            lambda.event("1").is_response("1");
        }
        bridge.leaves_nothing();
    }
    drop(unread);
}

#[test]
fn a_line_is_labelled_with_the_invocation_it_was_written_in() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .shell(&format!("n=0; {}", saying("n=$((n + 1)); echo \"of r-$n\" >&2")))
        .start();
    for _ in 0..50 {
        lambda.event("1").is_response("1");
    }
    bridge.logged("of r-50");
    let logs = bridge.logs();
    let lines = logs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let labelled: Vec<Value> = lines.filter(|line| line.get("requestId").is_some()).collect();
    assert_eq!(labelled.len(), 50);
    for line in labelled {
        assert_eq!(line["message"], format!("of {}", line["requestId"].as_str().unwrap()));
    }
    bridge.leaves_nothing();
}
