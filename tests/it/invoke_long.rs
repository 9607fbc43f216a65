//! `lambda-stdio invoke` with much of everything: long lines, endless input, endless output.

use std::time::{Duration, Instant};

use crate::invoke_runtime::{Place, companion, run};

/// Far more than any of these takes, and far less than without end.
const SOON: Duration = Duration::from_secs(20);

fn shell(place: &Place, script: &str) -> (i32, String) {
    let begun = Instant::now();
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script]).env("COMPANION", companion().get_program());
    let said = run(command.current_dir(place.path()));
    assert!(begun.elapsed() < SOON, "{script}: {:?}", begun.elapsed());
    (said.code.unwrap_or(-1), said.out)
}

#[test]
fn a_line_of_six_megabytes_is_on_the_wire_whole() {
    let place = Place::new();
    let event = place.file("event.json", &format!("\"{}\"", "x".repeat(6_000_000)));
    let event = format!("@{}", event.display());
    let mut command = companion();
    command.args(["invoke", "--wire", "--json", "-d", &event, "--", "cat"]);
    let said = run(command.current_dir(place.path()));
    let wire = &said.json()["wire"];
    assert!(wire[0]["bytes"].as_u64() > Some(6_000_000), "{}", wire[0]["bytes"]);
    // `cat` gives back the space that found out whether it reads, too.
    assert!(wire[1]["bytes"].as_u64() >= wire[0]["bytes"].as_u64(), "{}", wire[1]["bytes"]);
    assert_eq!(wire[1]["direction"], "out");
}

#[test]
fn endless_events_end_with_the_reader() {
    let place = Place::new();
    let (code, out) =
        shell(&place, "yes 1 | $COMPANION invoke --events - cat 2>/dev/null | head -1");
    assert_eq!(code, 0);
    assert!(out.starts_with('{'), "{out}");
}

#[test]
fn endless_logs_do_not_hold_up_a_timeout() {
    let place = Place::new();
    for stream in ["1", "2"] {
        let script = format!(
            "$COMPANION invoke --timeout 1 -d 1 -- sh -c 'read event; yes \"\" >&{stream}' 2>&1 >out \
             | tail -1; exit ${{PIPESTATUS[0]}}"
        );
        let (code, said) = shell(&place, &script);
        assert_eq!(code, 4, "{said}");
        assert!(said.starts_with("hint: "), "{said}");
    }
}

#[test]
fn what_was_answered_before_a_wrong_event_is_told() {
    let place = Place::new();
    let events = place.file("events.jsonl", "1\n2\noops\n4\n");
    let events = events.to_str().expect("UTF-8");
    let said = run(&mut place.invoke(&["--json", "--events", events]));
    assert_eq!(said.code, Some(2));
    let object = said.json();
    assert_eq!(object["exitCode"], 2);
    assert_eq!(object["invocations"][1]["reply"], 2);
    assert!(said.err.contains("line 3 of"), "{said:?}");
}
