//! Stories of an environment that is frozen between invocations, or stopped at a bad moment: at the thaw
//! nothing is late, nothing fires, and what came meanwhile is dealt with in its order.

use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Bridge, COUNT, Delivery, Lambda, Scratch, WAIT, eventually, scaled, tagged};

/// Stops the bridge and all its processes, as a freeze does; and thaws them when dropped.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn new(bridge: &Bridge) -> Self {
        let mut pids: Vec<Pid> = bridge.descendants().into_iter().map(Pid::from_raw).collect();
        pids.push(bridge.pid());
        for pid in &pids {
            kill(*pid, Signal::SIGSTOP).ok();
        }
        eventually("all is still", || is_stopped(bridge.pid()));
        Self(pids)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            kill(*pid, Signal::SIGCONT).ok();
        }
    }
}

fn is_stopped(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

/// How long a freeze takes: the length is the fault.
fn ice_age() {
    thread::sleep(Duration::from_millis(scaled(1200, 10_000).into()));
}

#[test]
fn nothing_happens_at_a_thaw() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("{COUNT}; {}", tagged("$$"));
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    let first = lambda.event("1").text();
    lambda.idle();
    let logged = bridge.logs();
    let frozen = Frozen::new(&bridge);
    ice_age();
    drop(frozen);
    lambda.event("2").is_response(&first);
    lambda.idle();
    assert_eq!((folder.generations(), bridge.logs()), (1, logged));
    assert_eq!((lambda.nexts().len(), lambda.answers_now().len()), (3, 0));
    bridge.leaves_nothing();
}

#[test]
fn a_connection_that_ended_in_the_ice_is_made_anew() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("$$"));
    let first = lambda.event("1").text();
    for number in 0..5 {
        lambda.idle();
        let frozen = Frozen::new(&bridge);
        // The event is on its way, and its connection ended, before anyone can read either.
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nLambda-Runtime-Aws-Request-Id: iced-{number}\r\n\r\n1"
        );
        lambda.deliver(Delivery::raw(head));
        thread::sleep(Duration::from_millis(50));
        drop(frozen);
        let answer = lambda.answer();
        answer.is_response(&first);
        assert_eq!(answer.request_id, format!("iced-{number}"));
    }
    lambda.idle();
    assert!(lambda.answers_now().is_empty(), "each was answered once");
    bridge.leaves_nothing();
}

#[test]
fn a_pause_before_a_restart_that_ended_in_the_ice_is_one_restart() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // Three failures in a row: the next start is a second away.
    let script =
        format!("{COUNT}; if [ $n -lt 5 ]; then read -r line; exit 3; fi; {}", tagged("$n"));
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    for _ in 0..4 {
        lambda.event("1").is_error("Runtime.HandlerExited");
    }
    bridge.logged("handler replaced generation=4");
    let frozen = Frozen::new(&bridge);
    ice_age();
    drop(frozen);
    lambda.event("2").is_response("5");
    lambda.event("3").is_response("5");
    assert_eq!(folder.generations(), 5);
    bridge.leaves_nothing();
}

/// The bridge is stopped, the handler does its part, the deadline passes, and the bridge wakes to all of
/// it at once: what its caller is told.
fn woken_to(then: &str) -> crate::support::Answer {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!(
        r#"while read -r line; do case $line in *bad*) {WAIT}; {then}; echo x >"$D/done"; exit 3;; esac
        echo $$; done"#
    );
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    lambda.event("1");
    lambda.deliver(Delivery::new("\"bad\"").timeout_ms(400));
    folder.written("waiting");
    kill(bridge.pid(), Signal::SIGSTOP).unwrap();
    eventually("the bridge is still", || is_stopped(bridge.pid()));
    folder.open_gate();
    folder.written("done");
    thread::sleep(Duration::from_millis(500));
    kill(bridge.pid(), Signal::SIGCONT).unwrap();
    let answer = lambda.answer();
    lambda.event("2");
    assert!(lambda.answers_now().is_empty(), "it was answered once");
    bridge.leaves_nothing();
    answer
}

#[test]
fn a_reply_an_end_and_a_deadline_at_once_are_a_reply() {
    for _ in 0..scaled(3, 100) {
        woken_to("echo '[\"in time\"]'").is_response("[\"in time\"]");
    }
}

#[test]
fn an_end_and_a_deadline_at_once_are_an_end() {
    for _ in 0..scaled(3, 100) {
        let said = woken_to("echo 'no disk' >&2").is_error("Runtime.HandlerExited");
        assert!(said.ends_with("exit status 3. It last wrote:\nno disk"), "{said}");
    }
}

#[test]
fn half_a_reply_an_end_and_a_deadline_at_once_are_a_truncated_reply() {
    for _ in 0..scaled(3, 100) {
        woken_to("printf '[\"half'").is_error("Runtime.TruncatedReply");
    }
}
