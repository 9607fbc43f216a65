//! Values that come back as they were sent, or otherwise, or not at all: each is told by what became of it.

use super::Checked;
use crate::invoke_runtime::run;

/// Answers with the event's own bytes.
const ECHO: &str = r#"
for line in sys.stdin:
    if line.strip(): print(line[line.index('"event":') + 8 : line.rindex(',"context":')], flush=True)
"#;
/// Answers with what was echoed, and with an error where there is nothing.
const SERVE: &str = "for request in requests(): show(serve(request))";

fn checked(options: &[&str], lines: &str) -> Checked {
    Checked::graded("should", options, &["python3", "handler.py"]).file(lines)
}

/// What became of each value: its verdict, and what was seen.
fn seen(mut checked: Checked) -> Vec<(String, String)> {
    let json = run(&mut checked.command).json();
    let rows = json["checks"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["scenario"] == "values" || row["scenario"] == "locale");
    rows.map(|row| {
        let word = |name: &str| row[name].as_str().unwrap().to_owned();
        (word("verdict"), word("seen"))
    })
    .collect()
}

#[test]
fn bytes_that_are_carried_are_exact() {
    let seen = seen(checked(&[], ECHO));
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|row| *row == ("ok".to_owned(), "exact".to_owned())), "{seen:?}");
    checked(&[], ECHO).finds(&[], 0);
}

#[test]
fn rounded_numbers_are_told_from_what_to_what() {
    let lines = ECHO.replace("print(line[", "show(json.loads(line[").replace(
        "], flush=True)",
        "], parse_int=float, parse_float=lambda text: float(text) if 'e' not in text else 0))",
    );
    let seen = seen(checked(&[], &lines));
    let lossy = |to: &str| ("lossy".to_owned(), to.to_owned());
    assert_eq!(seen[0], lossy("9007199254740992.0"));
    assert_eq!(seen[1], lossy("0"));
    assert_eq!(seen[3], lossy("-0.0"));
    assert_eq!(seen[7], lossy(r#"{"a": 2.0}"#));
    checked(&[], &lines).finds(&["C106", "C107"], 0);
}

#[test]
fn a_value_that_ends_the_handler_is_fatal_and_the_next_is_served_by_another() {
    let lines = "
sys.stdout.reconfigure(encoding='utf-8')
for request in requests(): print(json.dumps(serve(request), ensure_ascii=False), flush=True)
";
    let seen = seen(checked(&[], lines));
    assert_eq!(seen[4], ("fatal".to_owned(), "exit status 1".to_owned()));
    assert_eq!(seen[5].0, "ok");
}

#[test]
fn a_value_whose_reply_is_no_json_is_fatal() {
    let seen = seen(checked(&[], SERVE));
    assert_eq!(seen[1].0, "fatal");
    assert!(seen[1].1.starts_with("no reply, but {"), "{seen:?}");
}

#[test]
fn a_value_that_is_answered_with_an_error_is_refused() {
    let lines = "
for request in requests():
    try: print(json.dumps(serve(request), allow_nan=False), flush=True)
    except ValueError: show({'id': request['id'], 'error': {'errorType': 'No', 'errorMessage': 'vast'}})
";
    assert_eq!(seen(checked(&[], lines))[1], ("refused".to_owned(), "vast".to_owned()));
}

#[test]
fn a_handler_that_follows_the_locale_is_seen_to() {
    let lines = "
if os.environ['LANG'] == 'C': sys.stdin.reconfigure(encoding='ascii', errors='replace')
for line in sys.stdin:
    if line.strip(): show(json.loads(line)['event'].get('echo') if line.count('echo') else 1)
";
    let seen = seen(checked(&["-d", "{}"], lines));
    let (verdict, to) = seen.last().unwrap();
    assert_eq!(verdict, "lossy");
    assert!(to.starts_with("\"Zo\\ufffd"), "{to}");
    let options = ["-d", "{}", "--only", "locale"];
    checked(&options, lines).finds(&["C116"], 0);
}

#[test]
fn sorted_members_are_a_note_and_no_more() {
    let lines = "
for line in sys.stdin:
    if line.strip(): print(json.dumps(json.loads(line)['event'], sort_keys=True), flush=True)
";
    let mut checked = Checked::graded("note", &[], &["python3", "handler.py"]).file(lines);
    let json = run(&mut checked.command).json();
    let findings = json["findings"].as_array().unwrap();
    let order = findings.iter().find(|finding| finding["scenario"] == "key-order").unwrap();
    assert_eq!((&order["grade"], &order["code"]), (&"note".into(), &"C106".into()));
    let message = r#"{"z":1,"a":2,"m":3} came back as {"a": 2, "m": 3, "z": 1}"#;
    assert_eq!(order["message"], message);
    assert_eq!(json["exitCode"], 0);
}

#[test]
fn of_a_handler_that_echoes_nothing_nothing_is_told() {
    let seen = seen(checked(&[], "for request in requests(): show(1)"));
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|(verdict, _)| verdict == "unknown"), "{seen:?}");
    assert!(seen[0].1.starts_with("cannot be told: "), "{seen:?}");
    checked(&[], "for request in requests(): show(1)").finds(&[], 0);
}

#[test]
fn an_event_may_say_where_its_value_stands() {
    let lines = "
for request in requests():
    event = request['event']
    show({'a': [event['body']]} if isinstance(event, dict) and 'body' in event else 1)
";
    let seen = seen(checked(&["-d", r#"{"body":"$value"}"#], lines));
    assert_eq!(seen[0], ("ok".to_owned(), "exact".to_owned()));
}
