//! `invoke` with our own bridge behind it: a program in, replies out.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::desk::install;
use crate::invoke_runtime::{Said, companion, run, run_with};

/// A handler that tags its replies, logs, and fails on demand.
const HANDLER: &str = r#"
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    echo "seen $id" >&2
    case $line in
        *'"event":"exit"'*) exit 3;;
        *'"event":"hang"'*) sleep 1000;;
        *) echo "{\"id\":\"$id\",\"result\":[8]}";;
    esac
done
"#;

fn invoke(options: &[&str], program: &[&str]) -> Command {
    let mut command = companion();
    command.arg("invoke").args(options).arg("--").args(program).stdin(Stdio::null());
    command
}

fn handler(options: &[&str], events: &str) -> Said {
    let options = [options, &["--events", "-"]].concat();
    run_with(&mut invoke(&options, &["sh", "-c", HANDLER]), events)
}

#[test]
fn a_program_answers_and_its_logs_are_seen() {
    let said = handler(&[], "1\n2\n");
    assert_eq!((said.out.as_str(), said.code), ("[8]\n[8]\n", Some(0)), "{said:?}");
    assert_eq!(said.err.matches("\nseen ").count(), 2, "{said:?}");
    let peak = said.err.split("Max Memory Used: ").nth(1).expect("a report");
    assert!(!peak.starts_with("0 MB"), "{said:?}");
}

#[test]
fn a_crash_is_told_and_counted_and_the_next_event_is_answered() {
    let object = handler(&["--json"], "1\n\"exit\"\n3\n").json();
    assert_eq!(object["restarts"], 1, "{object}");
    assert_eq!(object["invocations"][1]["error"]["errorType"], "Runtime.HandlerExited");
    assert_eq!(object["invocations"][2]["status"], "success");
    assert_eq!(object["exitCode"], 1);
}

#[test]
fn a_program_that_hangs_is_4() {
    let said = handler(&["--timeout", "3"], "\"hang\"\n2\n");
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.out.contains("\"Runtime.HandlerTimeout\""), "{said:?}");
    assert!(said.out.ends_with("\n[8]\n"), "{said:?}");
}

#[test]
fn a_program_that_is_not_there_is_5_with_the_reason() {
    let said = run(&mut invoke(&["-d", "1"], &["./nowhere"]));
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.out.contains("Runtime.InvalidEntrypoint"), "{said:?}");
    assert!(said.err.contains("there is no such file"), "{said:?}");
}

#[test]
fn the_wire_shows_the_lines_as_they_went() {
    let object = handler(&["--wire", "--json"], "{\"a\": 1}\n").json();
    let wire = object["wire"].as_array().expect("a list");
    let [request, reply] = wire.as_slice() else { panic!("{object}") };
    let line = request["line"].as_str().expect("text");
    assert_eq!(request["direction"], "in");
    assert!(line.contains(",\"event\":{\"a\": 1},\"context\":{"), "{line}");
    let id = line.split('"').nth(3).expect("an id");
    assert_eq!(reply["direction"], "out");
    assert_eq!(reply["line"], format!("{{\"id\":\"{id}\",\"result\":[8]}}"));
}

#[test]
fn the_companion_alone_is_enough() {
    let directory = TempDir::new().expect("a directory");
    let alone = directory.path().join("lambda-stdio");
    install(Path::new(env!("CARGO_BIN_EXE_lambda-stdio")), &alone);
    let mut command = Command::new(alone);
    command.args(["invoke", "-d", "7", "--", "cat"]).stdin(Stdio::null());
    let said = run(&mut command);
    assert!(said.out.contains("\"event\":7,"), "{said:?}");
    assert_eq!(said.code, Some(0), "{said:?}");
}
