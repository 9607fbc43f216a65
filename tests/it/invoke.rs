//! `lambda-stdio invoke` as people use it: events in, replies and logs out.

use serde_json::json;

use crate::invoke_runtime::{Place, companion, run, run_with};

#[test]
fn the_reply_is_on_stdout_to_the_byte_and_the_story_on_stderr() {
    let place = Place::new();
    let said = run(&mut place.invoke(&["-d", "{\"n\": 12345678901234567890,  \"n\": 2}"]));
    assert_eq!(said.out, "{\"n\": 12345678901234567890,  \"n\": 2}\n");
    assert_eq!(said.code, Some(0));
    let lines: Vec<&str> = said.err.lines().collect();
    let [start, on, err, end, report] = lines.as_slice() else { panic!("{said:?}") };
    let id = start.strip_prefix("START RequestId: ").expect("a START line");
    let id = id.strip_suffix(" Version: $LATEST").expect("a version");
    assert_eq!(id.len(), 36);
    assert_eq!((*on, *err), ("on echo", "err echo"));
    assert_eq!(*end, format!("END RequestId: {id}"));
    let fields: Vec<&str> = report.split('\t').collect();
    assert_eq!(fields[0], format!("REPORT RequestId: {id}"));
    let number = |field: &str, name: &str, unit: &str| -> f64 {
        let value = field.strip_prefix(name).and_then(|rest| rest.strip_suffix(unit));
        value.unwrap_or_else(|| panic!("{field}")).parse().expect("a number")
    };
    assert!(number(fields[1], "Duration: ", " ms") > 0.0);
    assert!(number(fields[2], "Billed Duration: ", " ms") >= 1.0);
    assert_eq!(fields[3], "Memory Size: 128 MB");
    assert!(number(fields[4], "Max Memory Used: ", " MB") > 2.0);
    assert!(number(fields[5], "Init Duration: ", " ms") > 1.0);
}

#[test]
fn an_event_comes_from_a_flag_a_file_or_standard_input() {
    let place = Place::new();
    let file = place.file("event.json", "{\"from\":\"file\"}\n");
    let from_file = format!("@{}", file.display());
    assert_eq!(run(&mut place.invoke(&["-d", "[1]"])).out, "[1]\n");
    assert_eq!(run(&mut place.invoke(&["--data", &from_file])).out, "{\"from\":\"file\"}\n\n");
    assert_eq!(run_with(&mut place.invoke(&["-d", "@-"]), "\"dash\"").out, "\"dash\"\n");
    assert_eq!(run_with(&mut place.invoke(&[]), "\"piped\"").out, "\"piped\"\n");
    assert_eq!(run_with(&mut place.invoke(&[]), "").out, "{}\n");
    assert_eq!(run(&mut place.invoke(&[])).out, "{}\n");
}

#[test]
fn what_is_no_event_is_refused_before_anything_starts() {
    let place = Place::new();
    let said = run(&mut place.invoke(&["-d", "{a:1}"]));
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    let error =
        "error: the event of -d is not JSON: key must be a string at line 1 column 2: {a:1}\n";
    assert_eq!(said.err, error);
    place.file("event.json", "1");
    let said = run(&mut place.invoke(&["-d", "event.json"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("-d @event.json reads it"), "{said:?}");
    let said = run(&mut place.invoke(&["--events", "."]));
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(2), "error: . is a directory; --events takes a file of JSON lines\n")
    );
    let said = run(&mut place.invoke(&["-d", "@nowhere.json"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("could not open the event's file nowhere.json"), "{said:?}");
    let said = run_with(&mut place.invoke(&["--events", "-"]), "1\noops\n");
    assert_eq!((said.code, said.out.as_str()), (Some(2), "1\n"));
    assert!(
        said.err.contains(
            "line 2 of standard input is no event: expected value at line 1 column 1: oops"
        ),
        "{said:?}"
    );
}

#[test]
fn wrong_usage_is_2_and_help_shows_the_table_of_exit_codes() {
    assert_eq!(run(companion().args(["invoke", "--no-such-option", "x"])).code, Some(2));
    assert_eq!(run(companion().arg("invoke")).code, Some(2));
    assert_eq!(run(companion().args(["invoke", "--timeout", "0", "x"])).code, Some(2));
    assert_eq!(run(companion().args(["invoke", "--memory", "0", "x"])).code, Some(2));
    for arguments in [vec!["--help"], vec!["invoke", "--help"], vec!["invoke", "-h"]] {
        let help = run(companion().args(&arguments));
        assert_eq!(help.code, Some(0));
        assert!(help.out.contains("5  the function could not be built or started"), "{help:?}");
        assert!(!help.out.contains("--runtime"), "{help:?}");
    }
}

#[test]
fn completions_and_the_manual_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(companion().args(["completions", shell]));
        assert!(script.code == Some(0) && script.out.contains("invoke"), "{shell}");
    }
    assert!(run(companion().arg("man")).out.contains(".TH lambda-stdio 1"));
    assert!(run(companion().args(["man", "invoke"])).out.contains("\\-\\-timeout"));
    assert_eq!(run(companion().args(["man", "nothing"])).code, Some(2));
}

#[test]
fn lines_are_events_of_one_environment_and_each_can_be_repeated() {
    let place = Place::new();
    let file = place.file("events.jsonl", "1\n\n{\"do\":\"echo\"}\n3");
    let path = file.to_str().expect("UTF-8");
    let said = run(&mut place.invoke(&["--events", path, "--repeat", "2"]));
    assert_eq!(said.out, "1\n1\n{\"do\":\"echo\"}\n{\"do\":\"echo\"}\n3\n3\n");
    assert_eq!(said.err.matches("Init Duration").count(), 1, "{said:?}");
    assert_eq!(said.err.matches("START").count(), 6);
}

#[test]
fn the_program_s_own_arguments_are_its_own() {
    let place = Place::new();
    let mut command = companion();
    command.args(["invoke", "-d", "1", "--runtime", "python3", "runtime.py", "--json", "-d", "2"]);
    let said = run(command.current_dir(place.path()));
    assert_eq!((said.out.as_str(), said.code), ("1\n", Some(0)));
}

#[test]
fn a_function_sees_lambdas_environment_and_nothing_else() {
    let place = Place::new();
    let file = place.file("vars", "# comment\nFILE='one two' # more\nBOTH=file\n");
    let mut command = place.invoke(&[
        "-d",
        "{\"do\":\"environment\"}",
        "--memory",
        "256",
        "--env",
        "FLAG=a=b",
        "--env",
        "BOTH=flag",
        "--env",
        "HANDED",
        "--env-file",
        file.to_str().expect("UTF-8"),
    ]);
    command.env("HANDED", "over").env("SECRET", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    command.env("LAMBDA_STDIO_REPLIES", "text").env("TERM", "xterm");
    let seen = run(&mut command).json();
    let root = place.path().canonicalize().expect("a path");
    let root = root.to_str().expect("UTF-8");
    for (name, value) in [
        ("_HANDLER", "python3"),
        ("LAMBDA_TASK_ROOT", root),
        ("cwd", root),
        ("AWS_LAMBDA_FUNCTION_NAME", "python3"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/python3"),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
        ("FILE", "one two"),
        ("FLAG", "a=b"),
        ("BOTH", "flag"),
        ("HANDED", "over"),
        ("LAMBDA_STDIO_REPLIES", "text"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    for absent in ["SECRET", "AWS_SECRET_ACCESS_KEY", "TERM", "LAMBDA_STDIO_WIRE", "CARGO"] {
        assert!(seen.get(absent).is_none(), "{absent}");
    }
    let api = seen["AWS_LAMBDA_RUNTIME_API"].as_str().expect("text");
    assert!(api.starts_with("127.0.0.1:"), "{api}");
    let trace = seen["headers"]["lambda-runtime-trace-id"].as_str().expect("text");
    assert!(trace.starts_with("Root=1-"), "{trace}");
    let stream = seen["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().expect("text");
    assert!(stream.contains("/[$LATEST]"), "{stream}");
}

#[test]
fn one_object_tells_it_all_to_programs() {
    let place = Place::new();
    let said = run(&mut place.invoke(&["--json", "-d", "{\"a\":1e999}"]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("\"reply\":{\"a\":1e999}"), "{said:?}");
    let line = "lambda-stdio WARN handler replaced generation=1";
    let event = json!({"do": "print", "line": line}).to_string();
    let object = run(&mut place.invoke(&["--json", "--repeat", "2", "-d", &event])).json();
    assert_eq!(object["restarts"], 2);
    assert_eq!(object["exitCode"], 0);
    assert!(object["initDurationMs"].as_f64().is_some_and(|ms| ms > 1.0));
    assert!(object["maxMemoryUsedMB"].as_u64().is_some_and(|mb| mb > 2));
    assert!(object["memoryLimitEnforced"].is_boolean());
    let invocations = object["invocations"].as_array().expect("a list");
    assert_eq!(invocations.len(), 2);
    for invocation in invocations {
        assert_eq!(invocation["status"], "success");
        assert_eq!(invocation["reply"]["line"], line);
        assert_eq!(invocation["logs"], json!(["on print", "err print", line]));
        assert!(invocation["durationMs"].as_f64().is_some_and(|ms| ms > 0.0));
    }
    let said = run(&mut place.invoke(&["--json", "-d", "{\"do\":\"error\"}"]));
    assert_eq!(said.code, Some(1));
    assert_eq!(said.json()["error"]["errorType"], "Oh.No");
    assert_eq!(said.json()["status"], "error");
}

#[test]
fn the_wire_is_shown_with_times_and_arrows() {
    let place = Place::new();
    let lines = json!([["in", "{\"id\":1}"], ["out", "[2]"]]);
    let event = json!({"do": "tap", "lines": lines}).to_string();
    let said = run(&mut place.invoke(&["--wire", "-d", &event]));
    assert!(said.err.contains("\n03:04:05.000042 → {\"id\":1}\n"), "{said:?}");
    assert!(said.err.contains("\n03:04:05.000042 ← [2]\n"), "{said:?}");
    let object = run(&mut place.invoke(&["--wire", "--json", "-d", &event])).json();
    let expected =
        json!({"atUs": 1_795_230_245_000_042_u64, "direction": "out", "bytes": 3, "line": "[2]"});
    assert_eq!(object["wire"][1], expected);
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let place = Place::new();
    assert!(!run(&mut place.invoke(&["-d", "1"])).err.contains('\x1b'));
    let said = run(&mut place.invoke(&["--color", "always", "-d", "{\"do\":\"error\"}"]));
    assert!(said.err.contains("\x1b[2mSTART RequestId"), "{said:?}");
    assert!(said.err.contains("\x1b[1;31merror:\x1b[0m Oh.No: it\\u{1b}[31m hurts"), "{said:?}");
    let forced = run(place.invoke(&["-d", "1"]).env("CLICOLOR_FORCE", "1"));
    assert!(forced.err.contains("\x1b[2mEND"), "{forced:?}");
}

#[test]
fn six_megabytes_go_through_whole() {
    let place = Place::new();
    let event = format!("\"{}\"", "x".repeat(6_291_554));
    let said = run_with(&mut place.invoke(&["--timeout", "30"]), &event);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.trim_end() == event, "{} bytes came back", said.out.len());
    let said = run_with(&mut place.invoke(&[]), &format!("{event} 1"));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("more than 6291556 bytes"), "{}", said.err);
}
