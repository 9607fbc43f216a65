//! Stories that AWS's own emulator tells with our bootstrap: every case of `rie/cases.tsv`, and where our
//! bootstrap is too decent to bring a case about, with a runtime that is not (`raw`).
//! The emulator's path is in `LAMBDA_STDIO_RIE`.

mod cases;
pub(crate) mod harness;
mod raw;

use std::thread;

use crate::support::{Heard, ID, Scratch, eventually};
use harness::{Function, Rie, bridge, is_running, rie};

/// Answers by what the event holds, and says who it is when it starts.
fn script() -> String {
    format!(
        r#"echo $$ $PPID >>"$D/started"; while read -r line; do {ID}
case $line in
*'"event":"fail"'*) printf '{{"id":"%s","error":{{"errorType":"Mine","errorMessage":"no"}}}}\n' "$id" ;;
*'"event":"crash"'*) echo 'last words' >&2; exit 3 ;;
*'"event":"sleep"'*) echo x >"$D/sleeping"; sleep 60 ;;
*'"event":"stop"'*) kill -STOP $PPID; sleep 60 ;;
*'"event":"kill"'*) kill -KILL $PPID; sleep 60 ;;
*'"event":"say"'*) echo 'plain words'; echo 'to standard error' >&2; printf '{{"id":"%s","result":1}}\n' "$id" ;;
*'"event":"large"'*) printf '{{"id":"%s","result":"' "$id"; head -c 6291557 /dev/zero | tr '\0' x; printf '"}}\n' ;;
*) printf '{{"id":"%s","result":{{"pid":%s}}}}\n' "$id" $$ ;;
esac; done"#
    )
}

/// AWS's emulator with our bootstrap and a shell handler, in a folder of its own.
struct Stage {
    rie: Rie,
    scratch: Scratch,
}

impl Stage {
    fn with(script: &str, timeout_seconds: u32) -> Option<Self> {
        let program = rie()?;
        let scratch = Scratch::new();
        let runtime = bridge(script);
        let function =
            Function { runtime: &runtime, folder: scratch.path(), timeout_seconds, variables: &[] };
        Some(Self { rie: Rie::start(&program, &function), scratch })
    }

    fn new(timeout_seconds: u32) -> Option<Self> {
        Self::with(&script(), timeout_seconds)
    }

    /// The handlers and bootstraps that were started, by their ids.
    fn started(&self) -> Vec<i32> {
        self.scratch.read("started").split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    /// Ends it as a container's end does: it ends our bootstrap.
    #[track_caller]
    fn leaves_nothing(mut self) {
        self.rie.stop();
        self.nothing_is_left();
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        let started = self.started();
        assert!(!started.is_empty(), "{}", self.rie.log());
        eventually("everything is gone", || !started.iter().any(|pid| is_running(*pid)));
    }
}

fn pid_in(heard: &Heard) -> i32 {
    assert_eq!(heard.status, 200, "{heard:?}");
    i32::try_from(heard.json()["pid"].as_i64().expect("a reply with a pid")).unwrap()
}

#[track_caller]
fn check_error(heard: &Heard, status: u16, error_type: &str) -> String {
    let error = heard.json();
    assert_eq!((heard.status, &error["errorType"]), (status, &error_type.into()), "{heard:?}");
    error["errorMessage"].as_str().unwrap().to_owned()
}

#[test]
fn rie_gets_a_reply() {
    let Some(stage) = Stage::new(20) else { return };
    let handler = pid_in(&stage.rie.invoke("{}"));
    assert_eq!(pid_in(&stage.rie.invoke("{}")), handler, "one handler serves both");
    stage.leaves_nothing();
}

#[test]
fn rie_gets_an_error() {
    let Some(stage) = Stage::new(20) else { return };
    let handler = pid_in(&stage.rie.invoke("{}"));
    let heard = stage.rie.invoke("\"fail\"");
    assert_eq!(
        (heard.status, heard.text().as_str()),
        (200, r#"{"errorType":"Mine","errorMessage":"no"}"#)
    );
    assert_eq!(heard.header("x-amz-function-error"), None);
    assert_eq!(pid_in(&stage.rie.invoke("{}")), handler, "an error keeps the handler");
    stage.leaves_nothing();
}

#[test]
fn rie_gets_a_crash_as_an_error_and_the_next_reply() {
    let Some(stage) = Stage::new(20) else { return };
    let handler = pid_in(&stage.rie.invoke("{}"));
    let said = check_error(&stage.rie.invoke("\"crash\""), 200, "Runtime.HandlerExited");
    assert!(said.contains("exit status 3") && said.contains("last words"), "{said}");
    assert_ne!(pid_in(&stage.rie.invoke("{}")), handler);
    stage.leaves_nothing();
}

#[test]
fn rie_gets_a_timeout_before_its_own() {
    let Some(stage) = Stage::new(3) else { return };
    let handler = pid_in(&stage.rie.invoke("{}"));
    check_error(&stage.rie.invoke("\"sleep\""), 200, "Runtime.HandlerTimeout");
    assert_ne!(pid_in(&stage.rie.invoke("{}")), handler);
    stage.leaves_nothing();
}

#[test]
fn rie_ends_a_bootstrap_that_stands_still_and_starts_another() {
    let Some(stage) = Stage::new(2) else { return };
    let heard = stage.rie.invoke("\"stop\"");
    assert_eq!((heard.status, heard.text().as_str()), (200, "Task timed out after 2.00 seconds"));
    let first = stage.started();
    let second = pid_in(&stage.rie.invoke("{}"));
    assert!(!first.contains(&second));
    eventually("the first two are gone", || !first.iter().any(|pid| is_running(*pid)));
    stage.leaves_nothing();
}

#[test]
fn rie_says_that_a_bootstrap_was_killed_and_starts_another() {
    let Some(stage) = Stage::new(20) else { return };
    let said = check_error(&stage.rie.invoke("\"kill\""), 502, "Runtime.ExitError");
    assert!(said.ends_with("Error: Runtime exited with error: signal: killed"), "{said}");
    let first = stage.started();
    assert!(!first.contains(&pid_in(&stage.rie.invoke("{}"))));
    eventually("the handler died with it", || !first.iter().any(|pid| is_running(*pid)));
    stage.leaves_nothing();
}

#[test]
fn rie_hands_on_what_our_init_error_said() {
    let Some(stage) =
        Stage::with(r#"echo $$ $PPID >>"$D/started"; echo 'no such module' >&2; exit 4"#, 20)
    else {
        return;
    };
    for _ in 0..2 {
        let said = check_error(&stage.rie.invoke("1"), 502, "Runtime.HandlerExited");
        assert!(said.contains("exit status 4") && said.contains("no such module"), "{said}");
    }
    // It lives on after each, though it once fell over an init error.
    stage.leaves_nothing();
}

#[test]
fn rie_is_served_though_the_first_handler_failed_in_init() {
    let once = r#"echo $$ $PPID >>"$D/started"; mkdir "$D/first" 2>&- && exit 4"#;
    let Some(stage) = Stage::with(&format!("{once}; {}", script()), 20) else { return };
    pid_in(&stage.rie.invoke("1"));
    stage.leaves_nothing();
}

#[test]
fn rie_never_sees_a_result_that_is_too_large() {
    let Some(stage) = Stage::new(20) else { return };
    let handler = pid_in(&stage.rie.invoke("{}"));
    let said = check_error(&stage.rie.invoke("\"large\""), 200, "Function.ResponseSizeTooLarge");
    assert!(said.contains("6291556"), "{said}");
    assert_ne!(pid_in(&stage.rie.invoke("{}")), handler);
    stage.leaves_nothing();
}

#[test]
fn rie_shows_what_the_handler_prints_on_either_stream() {
    let Some(stage) = Stage::new(20) else { return };
    assert_eq!(stage.rie.invoke("\"say\"").text(), "1");
    eventually("both are shown", || {
        let log = stage.rie.log();
        log.contains("plain words") && log.contains("to standard error")
    });
    stage.leaves_nothing();
}

#[test]
fn rie_falls_over_two_invocations_at_once_and_nothing_is_left() {
    let Some(mut stage) = Stage::new(5) else { return };
    pid_in(&stage.rie.invoke("{}"));
    thread::scope(|scope| {
        let first = scope.spawn(|| stage.rie.try_invoke(&[], b"\"sleep\""));
        stage.scratch.written("sleeping");
        let second = stage.rie.try_invoke(&[], b"{}");
        assert!(second.is_err() && first.join().unwrap().is_err(), "{second:?}");
    });
    stage.rie.ends();
    // Our emulator takes one at a time by its very type.  What counts here: Lambda is gone, so are we.
    stage.nothing_is_left();
}

#[test]
fn rie_carries_six_megabytes_both_ways_and_unusual_numbers_untouched() {
    let echo = r#"import sys
for line in sys.stdin.buffer:
    line = line.strip()
    id = line[7:23]
    event = line[line.index(b'"event":') + 8:line.rindex(b',"context":')]
    sys.stdout.buffer.write(b'{"id":"' + id + b'","result":' + event + b'}\n')
    sys.stdout.buffer.flush()
"#;
    let Some(program) = rie() else { return };
    let scratch = Scratch::new();
    let runtime = [env!("CARGO_BIN_EXE_bootstrap"), "python3", "-c", echo].map(str::to_owned);
    let function =
        Function { runtime: &runtime, folder: scratch.path(), timeout_seconds: 20, variables: &[] };
    let mut rie = Rie::start(&program, &function);
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024 - 2));
    for event in [r#"{"b":1e999,"a":-0.0,"n":12345678901234567890123,"a":1.10}"#, &large, "[ ]"] {
        let heard = rie.invoke(event);
        assert!((heard.status, heard.text().as_str()) == (200, event), "{} B", heard.body.len());
    }
    rie.stop();
}
