//! `lambda-stdio check` as people use it: handlers that are wrong in one way each are found and named,
//! and handlers that are right are not.

mod behaviour;
mod right;
mod values;
mod wrong;

use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invoke_runtime::{Said, companion, run, spawn};
use crate::support::{Scratch, eventually};

/// A handler in Python: what every one of them has, and then its own lines.
const HEAD: &str = r#"
import json, os, subprocess, sys, time

def show(value):
    print(json.dumps(value), flush=True)

def serve(request):
    event = request["event"]
    if not isinstance(event, dict) or "fail" in event:
        return {"id": request["id"], "error": {"errorType": "No", "errorMessage": "not this one"}}
    return {"id": request["id"], "result": event.get("echo")}

def requests():
    for line in sys.stdin:
        if line.strip():
            yield json.loads(line)
"#;

/// What is checked, and how.
pub(crate) struct Checked {
    folder: Scratch,
    command: Command,
}

impl Checked {
    /// `lambda-stdio check --json OPTIONS -- PROGRAM…`, in a folder of its own.
    pub(crate) fn program(options: &[&str], words: &[&str]) -> Self {
        Self::graded("must", options, words)
    }

    /// The same, with what is of this grade, or graver.
    fn graded(grade: &str, options: &[&str], words: &[&str]) -> Self {
        let folder = Scratch::new();
        let mut command = companion();
        command.args(["check", "--json", "--timeout", "5", "--grade", grade]);
        command.args(options).arg("--").args(words);
        command.current_dir(folder.path());
        Self { folder, command }
    }

    /// A Python program in one scenario: the head and these lines.
    fn only(scenario: &str, lines: &str) -> Self {
        Self::program(&["--only", scenario], &["python3", "handler.py"]).file(lines)
    }

    /// The same of a Python program: the head and these lines.
    pub(crate) fn python(lines: &str) -> Self {
        Self::program(&[], &["python3", "handler.py"]).file(lines)
    }

    /// With these lines behind the head, as `handler.py`.
    fn file(self, lines: &str) -> Self {
        let checked = self;
        std::fs::write(checked.folder.file("handler.py"), format!("{HEAD}{lines}")).unwrap();
        checked
    }

    /// With a variable in the caller's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The codes of all findings, of notes only those named, and the exit code.
    #[track_caller]
    pub(crate) fn finds(mut self, codes: &[&str], exit: i32) {
        let said = run(&mut self.command);
        let json = said.json();
        let findings = json["findings"].as_array().unwrap();
        let mut found: Vec<&str> =
            findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
        found.retain(|code| !code.starts_with("C2") || codes.contains(code));
        assert_eq!((found.as_slice(), said.code), (codes, Some(exit)), "{json:#}");
        assert_eq!(json["exitCode"], exit);
        for finding in findings {
            assert!(!finding["message"].as_str().unwrap().is_empty(), "{finding}");
            assert!(!finding["advice"].as_str().unwrap().is_empty(), "{finding}");
        }
        assert_eq!(said.err, "", "a handler's own words are not the check's");
    }

    /// What it says to people.
    fn said(words: &[&str]) -> Said {
        let mut command = companion();
        command.args(["check", "--timeout", "2", "--grade", "must"]).args(words);
        run(&mut command)
    }
}

#[test]
fn a_table_says_what_was_played_and_what_was_seen() {
    let said = Checked::said(&["--", "jq", "-c", "--unbuffered", ".event"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 5, "{said:?}");
    assert!(lines[0].starts_with("must    answers each request once, flushed, with its id"));
    assert!(lines[0].contains("  ok          200 replies, p50 "), "{said:?}");
    assert!(lines[3].contains("up to 6291556 bytes, in "), "{said:?}");
    assert!(lines.iter().all(|line| line.contains("  ok ")), "{said:?}");
    assert!(said.err.starts_with("note[C201]: errors: it answered "), "{said:?}");
}

#[test]
fn a_finding_has_its_values_and_its_languages_own_cure() {
    let said = Checked::said(&["--", "sed", "s/.*/1/"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("failed      no reply"), "{said:?}");
    assert_eq!(said.out.matches("not played").count(), 4, "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines[0],
        r#"error[C004]: one-by-one: the reply to {"name":"Ada","echo":"lambda-stdio"} came only when its input was closed, after 2 s of waiting"#
    );
    assert_eq!(lines[1], "hint: flush standard output after each reply; in sed: sed -u");
    let said = Checked::said(&["--color", "always", "--", "sed", "s/.*/1/"]);
    assert!(said.err.starts_with("\x1b[1;31merror[C004]:\x1b[0m"), "{said:?}");
    assert!(said.out.contains("\x1b[1;31mfailed    \x1b[0m"), "{said:?}");
}

#[test]
fn an_event_of_ones_own_is_what_is_sent() {
    let filter = r#"if .event | type != "object" or has("fail")
        then {id, error: {errorType: "No", errorMessage: "no"}}
        elif .event.user then {id, result: 1} else empty end"#;
    let words = ["jq", "-c", "--unbuffered", filter];
    Checked::program(&["-d", r#"{"user":7}"#], &words).finds(&[], 0);
    Checked::program(&[], &words).finds(&["C003"], 3);
    let said = Checked::said(&["-d", "{", "--", "cat"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.starts_with("error: the event \"{\" is no event"), "{said:?}");
}

#[test]
fn what_a_handler_costs_is_told() {
    let words = ["jq", "-c", "--unbuffered", ".event"];
    let mut checked = Checked::graded("note", &["--junit", "junit.xml"], &words);
    let json = run(&mut checked.command).json();
    let figures = &json["figures"];
    for name in ["startUs", "roundTripP50Us", "roundTripP99Us", "largestUs", "memoryBytes"] {
        assert!(figures[name].as_u64().unwrap() > 0, "{name}: {figures}");
    }
    assert!(figures["roundTripP50Us"].as_u64() <= figures["roundTripP99Us"].as_u64());
    assert!(figures["linkage"].as_str().unwrap().starts_with("dynamic: "), "{figures}");
    let rows = json["checks"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["grade"] == "note").count(), 6);
    let junit = checked.folder.read("junit.xml");
    let tests = format!(
        "<testsuite name=\"lambda-stdio check jq -c --unbuffered .event\" tests=\"{}\"",
        rows.len()
    );
    assert!(junit.contains(&tests), "{junit}");
    assert!(junit.contains("failures=\"0\" skipped=\"0\">"), "{junit}");
    assert!(junit.contains("name=\"carries values as they are: &quot;\\ud800&quot;\""), "{junit}");
}

#[test]
fn a_must_that_fails_is_a_failure_to_ci() {
    let mut checked = Checked::program(&["--junit", "junit.xml"], &["sed", "s/.*/1/"]);
    assert_eq!(run(&mut checked.command).code, Some(3));
    let junit = checked.folder.read("junit.xml");
    assert!(junit.contains("failures=\"1\" skipped=\"4\">"), "{junit}");
    assert!(junit.contains("<failure message=\"C004\">C004: the reply to {&quot;name"), "{junit}");
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let lines = "
children = subprocess.Popen(['sleep', '60'], start_new_session=True)
os.write(os.open('pids', os.O_CREAT | os.O_WRONLY), b'%d %d\\n' % (os.getpid(), children.pid))
time.sleep(60)
";
    let mut checked = Checked::python(lines);
    let mut child = spawn(&mut checked.command);
    let pids = checked.folder.written("pids");
    let own = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(own, Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for pid in pids.split_whitespace() {
        eventually("it is gone", || !std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}

#[test]
fn a_thorough_check_sends_more() {
    let said = Checked::said(&["--thorough", "--", "jq", "-c", "--unbuffered", ".event"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("  ok          9902 replies, p50 "), "{said:?}");
}

#[test]
fn a_setting_that_is_not_allowed_is_wrong_usage() {
    let mut command = companion();
    let said = run(command.args(["check", "cat"]).env("LAMBDA_STDIO_FRAMING", "words"));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("LAMBDA_STDIO_FRAMING is \"words\""), "{said:?}");
}
