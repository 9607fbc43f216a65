//! Handlers that are good until something unusual happens: a signal, a stop, a deadline, a reader that goes.

use super::Checked;

/// Answers with the event's own bytes, and does something with each request.
fn echo_that(does: &str) -> Checked {
    let lines = format!(
        r#"
import signal
held, stopped = [], []
def answer(line): print(line[line.index('"event":') + 8 : line.rindex(',"context":')], flush=True)
{does}
"#
    );
    Checked::graded("should", &[], &["python3", "handler.py"]).file(&lines)
}

#[test]
fn ignores_sigterm() {
    let lines = "
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    if line.strip(): answer(line)
";
    echo_that(lines).finds(&["C109"], 0);
}

#[test]
fn goes_on_though_nobody_reads() {
    let lines = "
for line in sys.stdin:
    try:
        if line.strip(): answer(line)
    except BrokenPipeError: sys.stdout = open('/dev/null', 'w')
";
    echo_that(lines).finds(&["C110"], 0);
}

#[test]
fn leaks() {
    let lines = "
for line in sys.stdin:
    if line.strip():
        held.append(b'x' * 200_000)
        answer(line)
";
    echo_that(lines).finds(&["C111"], 0);
}

#[test]
fn dies_where_there_is_no_deadline() {
    let lines = "
for line in sys.stdin:
    if line.strip():
        json.loads(line)['context']['deadlineMs']
        answer(line)
";
    // A deep event is too deep for Python's parser.
    echo_that(lines).finds(&["C018", "C107"], 0);
}

#[test]
fn is_silent_where_its_deadline_has_passed() {
    let lines = "
for line in sys.stdin:
    if line.strip():
        until = line.rindex('deadlineMs') + 12 if 'deadlineMs' in line else None
        if until and int(line[until:until + 13]) < time.time() * 1000: continue
        answer(line)
";
    echo_that(lines).finds(&["C003"], 0);
}

#[test]
fn ends_when_it_was_stopped() {
    let lines = "
signal.signal(signal.SIGCONT, lambda *_: stopped.append(1))
for line in sys.stdin:
    if line.strip():
        if stopped: sys.exit(5)
        answer(line)
";
    echo_that(lines).finds(&["C018"], 0);
}
