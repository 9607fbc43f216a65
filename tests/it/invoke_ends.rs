//! How an `invoke` ends when something goes wrong: what the caller reads, the exit code, and that nothing is
//! left running.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invoke_runtime::{Place, companion, run, run_with, spawn};

/// A dead process may be a zombie for a moment, until its parent looks.
const PATIENCE: Duration = Duration::from_secs(45);

#[test]
fn a_functions_error_is_on_stdout_and_explained_on_stderr() {
    let place = Place::new();
    let said = run(&mut place.invoke(&["-d", "{\"do\":\"error\"}"]));
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, "{\"errorType\": \"Oh.No\", \"errorMessage\": \"it\\u001b[31m hurts\"}\n");
    assert!(said.err.contains("error: Oh.No: it\\u{1b}[31m hurts"), "{said:?}");
    assert!(said.err.contains("\tStatus: error\tError Type: Function.OhNo"), "{said:?}");
}

#[test]
fn a_runtime_that_exits_is_named_and_the_next_event_has_a_new_one() {
    let place = Place::new();
    let events =
        "{\"do\":\"exit\"}\n{\"do\":\"signal\",\"number\":11}\n{\"do\":\"exit\",\"status\":0}\n4\n";
    let said = run_with(&mut place.invoke(&["--events", "-"]), events);
    assert_eq!(said.code, Some(1));
    let lines: Vec<&str> = said.out.lines().collect();
    let ends = [
        "Error: Runtime exited with error: exit status 3\"}",
        "Error: Runtime exited with error: signal: segmentation fault\"}",
        "Error: Runtime exited without providing a reason\"}",
        "4",
    ];
    assert_eq!(lines.len(), ends.len(), "{said:?}");
    for (line, end) in lines.iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
    let start = "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: ";
    assert!(lines[..3].iter().all(|line| line.starts_with(start)), "{said:?}");
}

#[test]
fn an_answer_counts_even_if_the_runtime_ends_behind_it() {
    let place = Place::new();
    let said = run(&mut place.invoke(&["--repeat", "2", "-d", "{\"do\":\"exit-after\"}"]));
    assert_eq!(said.out, "{\"do\":\"exit-after\"}\n{\"do\":\"exit-after\"}\n");
    assert_eq!(said.code, Some(0));
    assert!(said.err.contains("the answer came, but then: Runtime.ExitError"), "{said:?}");
}

#[test]
fn too_large_a_response_is_lambdas_error() {
    let place = Place::new();
    let said = run_with(
        &mut place.invoke(&["--events", "-", "--timeout", "20"]),
        "{\"do\":\"large\"}\n2\n",
    );
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("Response payload size (6291557 bytes) exceeded"), "{said:?}");
    assert!(said.out.ends_with("\n2\n"), "{said:?}");
}

#[test]
fn a_timeout_ends_the_whole_tree_and_the_next_event_has_a_new_one() {
    let place = Place::new();
    let started = Instant::now();
    let said = run_with(
        &mut place.invoke(&["--events", "-", "--timeout", "3.25"]),
        "{\"do\":\"hang\"}\n2\n",
    );
    assert!(started.elapsed() < Duration::from_secs(40));
    assert_eq!(said.code, Some(4));
    let [late, two] = said.out.lines().collect::<Vec<_>>()[..] else { panic!("{said:?}") };
    assert!(late.starts_with("{\"errorMessage\":\"20"), "{late}");
    assert!(late.ends_with(" Task timed out after 3.25 seconds\"}"), "{late}");
    assert_eq!(two, "2");
    assert!(said.err.contains("\tStatus: timeout"), "{said:?}");
    check_gone(&place.pids());
}

#[test]
fn a_runtime_that_cannot_start_is_5_with_its_own_words() {
    let place = Place::new();
    let said = run(place.invoke(&["-d", "1"]).arg("fail"));
    assert_eq!(said.code, Some(5));
    let words = "{\"errorType\": \"Runtime.NoHandler\", \"errorMessage\": \"no handler here\"}\n";
    assert_eq!(said.out, words);
    assert!(said.err.contains("error: Runtime.NoHandler: no handler here"), "{said:?}");
    assert!(
        said.err.contains("Phase: init\tStatus: error\tError Type: Runtime.NoHandler"),
        "{said:?}"
    );
    let said = run(place.invoke(&["-d", "1"]).arg("exit"));
    assert_eq!(said.code, Some(5));
    assert!(said.out.contains("Runtime exited with error: exit status 6"), "{said:?}");
    let said = run(place.invoke(&["--json", "-d", "1"]).arg("fail"));
    assert_eq!(said.code, Some(5));
    assert_eq!(said.json()["initError"]["errorType"], "Runtime.NoHandler");
}

#[test]
fn a_program_that_is_not_there_or_no_program_is_an_invalid_entrypoint() {
    let place = Place::new();
    place.file("plain", "x");
    for (program, reason) in [
        ("./nowhere", "No such file or directory"),
        ("./plain", "Permission denied"),
        ("no-such-name-in-any-path", "No such file or directory"),
    ] {
        let mut command = companion();
        command.args(["invoke", "-d", "1", "--runtime", program]).current_dir(place.path());
        let said = run(&mut command);
        assert_eq!(said.code, Some(5), "{said:?}");
        assert!(said.out.contains("\"errorType\":\"Runtime.InvalidEntrypoint\""), "{said:?}");
        assert!(
            said.out.contains(&format!("{program} could not be started: {reason}")),
            "{said:?}"
        );
    }
}

#[test]
fn ctrl_c_stops_everything_at_once() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let place = Place::new();
        let mut child = hanging(&place);
        kill(pid_of(&child), signal).expect("it lives");
        let asked = Instant::now();
        assert_eq!(child.wait().expect("waited").code(), Some(code));
        assert!(asked.elapsed() < Duration::from_secs(20));
        check_gone(&place.pids());
    }
}

#[test]
fn a_killed_invoke_takes_the_runtime_along() {
    let place = Place::new();
    let mut child = hanging(&place);
    kill(pid_of(&child), Signal::SIGKILL).expect("it lives");
    child.wait().expect("waited");
    let pids = place.pids();
    let (runtime, children) = pids.split_first().expect("three processes");
    check_gone(&[*runtime]);
    // Its children are its own to take along: the bridge does, this runtime does not.
    for child in children {
        kill(Pid::from_raw(i32::try_from(*child).expect("a pid")), Signal::SIGKILL).expect("ours");
    }
}

/// An `invoke` whose runtime hangs, with two children, one of them in a session of its own.
fn hanging(place: &Place) -> Child {
    let mut child = spawn(&mut place.invoke(&["--timeout", "600", "-d", "{\"do\":\"hang\"}"]));
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut lines = stderr.lines();
    let hangs = lines.by_ref().any(|line| line.expect("UTF-8") == "hanging");
    assert!(hangs, "the runtime never hung");
    // What it says on its way out must find a reader.
    thread::spawn(move || lines.for_each(drop));
    child
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
}

fn check_gone(pids: &[u32]) {
    let until = Instant::now() + PATIENCE;
    for pid in pids {
        while is_alive(*pid) {
            assert!(Instant::now() < until, "process {pid} was left running");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Zombies are dead: only whoever adopted them has not looked yet.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z') && !rest.starts_with('X'))
}
