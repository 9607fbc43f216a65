//! Processes that will not stay in their place: other groups, strangers at a pipe, hands at the bridge.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use super::scene::{Scene, bad, soon};
use crate::support::{Bridge, ID, Lambda, Scratch, WAIT, eventually, python};

#[test]
fn a_handler_that_moved_to_another_group_is_killed_all_the_same() {
    let program = "
import os, sys, time
for line in sys.stdin:
    if 'bad' in line:
        # The bridge's own group: a kill of the one it was started in reaches nobody.
        os.setpgid(0, os.getpgid(os.getppid()))
        time.sleep(30)
    os.write(1, b'%d\\n' % os.getpid())
";
    let mut scene = Scene::built(|bridge| bridge.program(&["python3", "-c", program]));
    scene.replaced(soon(), "Runtime.HandlerTimeout");
    scene.ends();
}

#[test]
fn what_a_stranger_writes_where_a_dead_handler_wrote_reaches_nobody() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo $$; done");
    let first = lambda.event("1").text();
    lambda.idle();
    // No descendant of the bridge, so nobody kills it: the test itself holds the old pipe.
    let mut old = OpenOptions::new().write(true).open(format!("/proc/{first}/fd/1")).unwrap();
    super::programs::kill(first.parse().unwrap());
    bridge.logged("handler replaced generation=1");
    eventually("the old pipe has no reader", || {
        old.write_all(b"\"stale\"\n")
            .is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    let second = lambda.event("2").text();
    assert_ne!(second, first);
    lambda.event("3").is_response(&second);
    assert!(
        lambda.answers_now().is_empty() && !bridge.logs().contains("stale"),
        "{}",
        bridge.logs()
    );
    bridge.leaves_nothing();
}

/// As fcntl(2) and /proc write it.
const O_NONBLOCK: u32 = 0o4000;

#[test]
fn flags_that_a_handler_sets_on_its_pipes_are_not_set_on_the_bridges() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import os, sys
for fd in 1, 2: os.set_blocking(fd, False)
for line in sys.stdin:
    try:
        while True: os.write(2, b'x' * 1023 + b'\\n')
    except BlockingIOError: pass
    os.write(1, b'%d\\n' % os.getpid())
",
    )
    .start();
    let first = lambda.event("1").text();
    for _ in 0..5 {
        lambda.event("2").is_response(&first);
    }
    let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/2", bridge.pid())).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    assert_eq!(u32::from_str_radix(flags.trim(), 8).unwrap() & O_NONBLOCK, 0, "{info}");
    bridge.leaves_nothing();
}

#[test]
fn a_handler_that_kills_the_bridge_dies_with_it() {
    let lambda = Lambda::start();
    // Its own child learns of it by the end of input.
    let script = "exec 3<&0; while read -r line; do cat <&3 >/dev/null & kill -KILL $PPID; done";
    let mut bridge = Bridge::of(&lambda).env("LAMBDA_STDIO_READY", "none").shell(script).start();
    lambda.deliver(bad());
    assert_eq!(bridge.ended().signal(), Some(9));
    bridge.left_nothing();
}

#[test]
fn a_handler_that_stops_the_bridge_loses_no_reply() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("while read -r line; do kill -STOP $PPID; echo $$; {WAIT}; done");
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    for _ in 0..2 {
        lambda.deliver(bad());
        folder.open_gate();
        bridge.signal(Signal::SIGCONT);
        let answer = lambda.answer();
        assert_eq!(answer.kind, "response", "{}", answer.text());
    }
    bridge.leaves_nothing();
}

#[test]
fn a_crowd_of_dying_grandchildren_hides_no_end_and_leaves_no_zombie() {
    let lambda = Lambda::start();
    // Each is an orphan at once, and dies as the bridge's own child.
    let script = format!(
        r#"while read -r line; do {ID}; n=0; while [ $n -lt 200 ]; do (: &); n=$((n + 1)); done
        case $line in *bad*) exit 3;; esac; printf '{{"id":"%s","result":%s}}\n' $id $$; done"#
    );
    let bridge = Bridge::with(&lambda, &script);
    for _ in 0..3 {
        let first = lambda.event("1").text();
        lambda.event("2").is_response(&first);
        let said = lambda.invoke(bad().timeout_ms(20_000)).is_error("Runtime.HandlerExited");
        assert!(said.contains("exit status 3"), "{said}");
    }
    lambda.event("3");
    lambda.idle();
    eventually("no zombie is left", || children(bridge.pid()) == 1);
    bridge.leaves_nothing();
}

fn children(pid: nix::unistd::Pid) -> usize {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_ascii_whitespace().count()
}

#[test]
fn what_a_process_writes_behind_the_bridges_back_is_escaped_in_errors() {
    let mut scene = Scene::of(r#"printf '\033[31m\001 "\\ \200 red\n' >&2; exit 3"#);
    let said = scene.replaced(bad(), "Runtime.HandlerExited");
    assert!(said.ends_with(". It last wrote:\n\u{1b}[31m\u{1} \"\\ \u{fffd} red"), "{said:?}");
    let vast = "head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; echo the end >&2; exit 3";
    let mut vast = Scene::of(vast);
    let said = vast.replaced(bad(), "Runtime.HandlerExited");
    assert!(said.ends_with("the end") && said.len() < 5000, "{} bytes", said.len());
    scene.ends();
    vast.ends();
}
