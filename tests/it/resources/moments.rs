//! Bad moments, made by strace: signals at every call, and calls that take long.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::deployed;
use super::scenario::{Price, all, play};
use crate::support::{Bridge, Delivery, Lambda, scaled, tagged, trials};

/// A bridge under strace with these options, which it heeds in the bridge and, with `-f`, in what the
/// bridge starts.
fn through(options: &str) -> String {
    format!("exec strace -D -o /dev/null {options} \"$0\" \"$@\"")
}

#[test]
fn an_exec_that_takes_long_is_a_slow_start() {
    let Some(program) = deployed() else { return };
    let lambda = Lambda::start();
    // The launcher becomes the program only after half a second; and the launcher itself is late as well.
    let words = through("-f -e trace=execve -e inject=execve:delay_enter=500000");
    let bridge = Bridge::built_as(program, &lambda).shell(&tagged("$$")).through(&words).start();
    let began = Instant::now();
    let first = lambda.invoke(Delivery::new("1").timeout_ms(20_000)).text();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    lambda.event("2").is_response(&first);
    assert!(!bridge.logs().contains("handler replaced"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn an_exec_that_outlasts_an_event_is_told_as_not_ready() {
    let Some(program) = deployed() else { return };
    let lambda = Lambda::start();
    // Only the program's own start is slow, so that the bridge itself is not kept from its deadline.
    let words = through("-f -e trace=execve -e inject=execve:delay_enter=3000000:when=2");
    let script = "while read -r line; do case $line in *bad*) exit 3;; esac; echo $$; done";
    let bridge = Bridge::built_as(program, &lambda)
        .shell(script)
        .env("LAMBDA_STDIO_READY", "none")
        .through(&words)
        .start();
    let first = lambda.invoke(Delivery::new("1").timeout_ms(30_000));
    assert_eq!(first.kind, "response", "{}", first.text());
    lambda.event("\"bad\"").is_error("Runtime.HandlerExited");
    let told = lambda.invoke(Delivery::new("1").timeout_ms(500));
    told.is_error("Runtime.HandlerNotReady");
    let second = lambda.invoke(Delivery::new("2").timeout_ms(30_000));
    assert_eq!(second.kind, "response", "{}", second.text());
    assert_ne!(second.text(), first.text());
    bridge.leaves_nothing();
}

/// A bridge that is told to end at this moment ends, leaves nothing, and says nothing of a failure.
#[track_caller]
fn ends_well(program: &std::ffi::OsStr, options: &str) {
    let lambda = Lambda::start();
    for number in 0..3 {
        lambda.deliver(Delivery::new(number.to_string()));
    }
    let script = "while read -r line; do echo 1; done";
    let mut bridge =
        Bridge::built_as(program, &lambda).shell(script).through(&through(options)).start();
    // The call may not be made so often: then the signal comes when all is done.
    let mut answered = 0;
    while answered < 3 && bridge.is_running() {
        answered += u32::from(lambda.answer_within(Duration::from_millis(10)).is_some());
    }
    kill(bridge.pid(), Signal::SIGTERM).ok();
    let status = bridge.ended_within(Duration::from_secs(10));
    let status = status.unwrap_or_else(|| panic!("{options}: it does not end: {}", bridge.logs()));
    // Before it listens to signals, a signal simply ends it.
    let well = status.success() || status.signal() == Some(15);
    assert!(well, "{options}: {status}: {}", bridge.logs());
    assert!(!bridge.logs().contains("panicked"), "{options}: {}", bridge.logs());
    bridge.left_nothing();
}

#[test]
fn a_signal_between_a_start_and_its_bookkeeping_leaves_no_handler() {
    let Some(program) = deployed() else { return };
    for _ in 0..scaled(5, 100) {
        // The signal comes as the call returns, and the bridge hears of its child only a while later.
        ends_well(
            &program,
            "-e trace=clone -e inject=clone:signal=SIGTERM:delay_exit=50000:when=1",
        );
    }
}

#[test]
fn a_kill_between_a_start_and_its_bookkeeping_leaves_no_handler() {
    let Some(program) = deployed() else { return };
    for _ in 0..scaled(5, 100) {
        let lambda = Lambda::start();
        let words =
            through("-e trace=clone -e inject=clone:signal=SIGKILL:delay_exit=50000:when=1");
        let script = "while read -r line; do echo 1; done";
        let mut bridge = Bridge::built_as(&program, &lambda).shell(script).through(&words).start();
        let status = bridge.ended_within(Duration::from_secs(10)).expect("it is killed");
        assert_eq!(status.signal(), Some(9), "{}", bridge.logs());
        bridge.left_nothing();
    }
}

#[test]
fn a_signal_at_any_call_is_a_clean_end() {
    let Some(program) = deployed() else { return };
    let calls = [
        "read",
        "write",
        "recvfrom",
        "sendto",
        "epoll_ctl",
        "epoll_pwait",
        "pipe2",
        "fcntl",
        "close",
        "connect",
        "socket",
        "rt_sigaction",
        "poll",
    ];
    for call in calls {
        let times: &[u32] =
            if trials(0) == 0 { &[1, 3, 8] } else { &[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 18] };
        for time in times {
            ends_well(&program, &format!("-e inject={call}:signal=SIGTERM:when={time}"));
        }
    }
}

#[test]
fn a_launcher_that_is_refused_anything_is_told_or_replaced() {
    let Some(program) = deployed() else { return };
    // With -f each handler is hit as the first was, so all of them may fail; none may hang or stay.
    let price = Price { errors: 6, lost: 0 };
    let mut stories = Vec::new();
    for (call, errors) in [
        ("execve", &["ENOMEM", "EACCES", "EIO", "ENOEXEC", "ETXTBSY", "E2BIG"][..]),
        ("prctl", &["EPERM", "EINVAL", "ENOSYS"]),
        ("chdir", &["EACCES", "ENOENT", "ENOMEM"]),
        ("open", &["EMFILE", "ENFILE", "ENOMEM"]),
        ("fcntl", &["EMFILE"]),
    ] {
        // The bridge's own first exec is its start, which is not what is meant here.
        let first = if call == "execve" { 2 } else { 1 };
        for error in errors {
            stories.extend((first..=3).map(|time| (call, *error, time)));
        }
    }
    let wrong = all(&stories, |(call, error, time)| {
        let rule = format!("-f -e trace={call} -e inject={call}:error={error}:when={time}");
        play(&program, price, |bridge| bridge.through(&through(&rule)))
            .map_err(|said| format!("{call} {error} at {time}: {said}"))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
