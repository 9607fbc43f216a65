//! Handlers that log much, each in another way: no alarm.

use crate::check::Checked;
use crate::invoke_runtime::run;

/// What it says of the scenario, in which it finds nothing.
fn seen(lines: &str) -> String {
    let mut checked = Checked::only("logs", lines);
    let json = run(&mut checked.command).json();
    assert_eq!(json["findings"], serde_json::json!([]), "{json:#}");
    json["checks"][0]["seen"].as_str().unwrap().to_owned()
}

#[test]
fn logs_all_that_it_is_sent_and_waits() {
    let lines = "
for request in requests():
    print(json.dumps(request), file=sys.stderr, flush=True)
    show(serve(request))
";
    assert!(seen(lines).ends_with(" ms, with 976 KB of logs"));
}

#[test]
fn logs_nothing() {
    assert!(seen("for request in requests(): show(serve(request))").ends_with("with 0 KB of logs"));
}

#[test]
fn lets_its_child_have_its_own_standard_error() {
    let lines = "
echo = 'while read -r line; do echo \"$line\" >&2; echo; done'
child = subprocess.Popen(['bash', '-c', echo], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for request in requests():
    child.stdin.write(json.dumps(request).encode() + b'\\n')
    child.stdin.flush()
    child.stdout.readline()
    show(serve(request))
";
    seen(lines);
}

#[test]
fn dies_of_each_error() {
    seen(
        "for request in requests(): show([request['event'].get('echo') or sys.exit('a log line')])",
    );
}
