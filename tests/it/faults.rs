//! Stories of faults: what the caller is told, what the next caller gets, and that nothing is left running.

mod ends;
mod limits;
mod lines;
mod programs;
mod scene;

use std::time::Duration;

use crate::support::{Bridge, Delivery, ID, Lambda};
use scene::{Scene, bad, soon};

#[test]
fn a_handler_that_exits_is_named_with_its_status_and_last_lines() {
    let mut scene = Scene::of("echo it broke >&2; echo for good >&2; exit 3");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 3. It last wrote:\nit broke\nfor good"
    );
    scene.ends();
    for status in [1, 2, 126, 127, 128, 255] {
        let mut scene = Scene::of(&format!("exit {status}"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.HandlerExited"),
            format!("the handler ended before its reply: exit status {status}")
        );
        scene.ends();
    }
}

#[test]
fn exit_status_zero_before_the_reply_is_an_error_too() {
    let mut scene = Scene::of("exit 0");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 0"
    );
    scene.ends();
}

#[test]
fn a_handler_killed_by_a_signal_is_named_with_the_signal() {
    for (number, name) in [
        (1, "SIGHUP (1)"),
        (2, "SIGINT (2)"),
        (3, "SIGQUIT (3)"),
        (4, "SIGILL (4)"),
        (6, "SIGABRT (6)"),
        (7, "SIGBUS (7)"),
        (8, "SIGFPE (8)"),
        (9, "SIGKILL (9), by someone else: often out of memory"),
        (10, "SIGUSR1 (10)"),
        (11, "SIGSEGV (11)"),
        (13, "SIGPIPE (13)"),
        (14, "SIGALRM (14)"),
        (15, "SIGTERM (15)"),
        (31, "SIGSYS (31)"),
        (35, "a real-time signal"),
        (64, "a real-time signal"),
    ] {
        let mut scene = Scene::of(&format!("ulimit -c 0; kill -{number} $$; sleep 30"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.HandlerExited"),
            format!("the handler ended before its reply: killed by {name}")
        );
        scene.ends();
    }
}

#[test]
fn a_closed_output_is_told_at_once() {
    let mut scene = Scene::of("echo what now >&2; exec >&-; sleep 30");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Runtime.HandlerClosedOutput"),
        "the handler closed its output before its reply, but goes on running. It last wrote:\nwhat now"
    );
    assert!(scene.took < Duration::from_secs(10), "{:?}", scene.took);
    scene.ends();
}

#[test]
fn a_closed_input_is_told_at_once() {
    let mut scene = Scene::of("exec <&-; sleep 30");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Runtime.HandlerClosedInput"),
        "the handler closed its input before its reply, but goes on running"
    );
    assert!(scene.took < Duration::from_secs(10), "{:?}", scene.took);
    scene.ends();
}

#[test]
fn a_process_that_ends_soon_after_its_output_is_told_as_ended() {
    let mut scene = Scene::of("exec >&-; sleep 0.01; exit 4");
    assert_eq!(
        scene.replaced(bad(), "Runtime.HandlerExited"),
        "the handler ended before its reply: exit status 4"
    );
    scene.ends();
}

#[test]
fn a_silent_handler_times_out_and_its_group_is_killed() {
    // A child, a child of a child, and one that left the group: all of them go.
    let mut scene =
        Scene::of("echo still here >&2; sleep 30 & (sleep 30 &) ; setsid sleep 30 & wait");
    let said = scene.replaced(bad().timeout_ms(600), "Runtime.HandlerTimeout");
    let (time, rest) = said.strip_prefix("no reply within ").unwrap().split_once(" ms, ").unwrap();
    assert!((450..=540).contains(&time.parse::<u64>().unwrap()), "{said}");
    let (margin, rest) =
        rest.strip_prefix("and the function's deadline is ").unwrap().split_once(" ms").unwrap();
    assert!((50..=60).contains(&margin.parse::<u64>().unwrap()), "{said}");
    assert_eq!(
        rest,
        " later; 0 bytes came without a line end (did you end the reply's line, and flush standard \
         output?). It last wrote:\nstill here"
    );
    scene.ends();
}

#[test]
fn a_stopped_handler_times_out_and_is_killed() {
    let mut scene = Scene::of("kill -STOP $$");
    scene.replaced(soon(), "Runtime.HandlerTimeout");
    scene.ends();
}

#[test]
fn a_timeout_counts_the_bytes_without_a_line_end() {
    let mut scene = Scene::of("printf '{:5}'; sleep 30");
    let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
    assert!(
        said.ends_with(
            "; 4 bytes came without a line end (did you end the reply's line, and flush standard output?)"
        ),
        "{said}"
    );
    scene.ends();
}

#[test]
fn a_timeout_says_when_the_request_was_not_read() {
    let mut scene = Scene::built(|bridge| bridge.shell("read -r line; echo $$; exec sleep 30"));
    let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
    assert!(
        said.ends_with(
            "; the request is wholly unread: is the handler still starting? See LAMBDA_STDIO_READY"
        ),
        "{said}"
    );
    scene.ends();
}

#[test]
fn the_margin_is_a_tenth_of_the_time_and_at_most_200_ms() {
    let margin = |timeout_ms: u64, set: Option<&str>| {
        let mut scene = Scene::built(|bridge| {
            let bridge = bridge.shell(&scene::failing_with("sleep 30"));
            set.into_iter()
                .fold(bridge, |bridge, ms| bridge.env("LAMBDA_STDIO_DEADLINE_MARGIN_MS", ms))
        });
        let said = scene.replaced(bad().timeout_ms(timeout_ms), "Runtime.HandlerTimeout");
        let (_, rest) = said.split_once("deadline is ").unwrap();
        let margin = rest.split(' ').next().unwrap().parse::<u64>().unwrap();
        // Not before its time, and so that Lambda hears of it before the deadline.
        let at_least = timeout_ms - margin - 60;
        let took = u64::try_from(scene.took.as_millis()).unwrap();
        assert!((at_least..timeout_ms).contains(&took), "{took} ms of {timeout_ms}: {said}");
        scene.ends();
        margin
    };
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(margin(2_500, None), 200));
        scope.spawn(|| assert!((90..=100).contains(&margin(1_000, None))));
        scope.spawn(|| assert_eq!(margin(1_000, Some("300")), 300));
    });
}

#[test]
fn no_usable_deadline_ends_no_invocation() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do sleep 0.1; echo $$; done");
    let pid = lambda.invoke(Delivery::new("1").without_deadline()).text();
    assert_eq!(pid, bridge.descendants()[0].to_string());
    for deadline in ["", "0", "1000", "-5", "soon", "1.5", "99999999999999999999"] {
        let header = format!("Lambda-Runtime-Deadline-Ms: {deadline}");
        let answer = lambda.invoke(Delivery::new("1").without_deadline().header(&header));
        answer.is_response(&pid);
    }
    bridge.leaves_nothing();
}

#[test]
fn an_almost_reply_is_quoted_with_its_cure() {
    let cure = "A reply is one JSON value on one line; for a program that prints plain words set \
                LAMBDA_STDIO_REPLIES=text";
    let long = "x".repeat(300);
    for (printed, quoted, why) in [
        ("{\\047a\\047: 1}", "{'a': 1}", "key must be a string at line 1 column 2"),
        ("NaN", "NaN", "expected value at line 1 column 1"),
        ("hello there", "hello there", "expected value at line 1 column 1"),
        ("01", "01", "invalid number at line 1 column 2"),
        ("\"\"\"", "\"\"\"", "trailing characters at line 1 column 3"),
        ("{} {}", "{} {}", "trailing characters at line 1 column 4"),
        (&long, &long[..200], "expected value at line 1 column 1"),
    ] {
        let words = format!(
            "; it printed {quoted:?}, which did not count as a reply: it is not one JSON value ({why}). \
             {cure}. It last wrote:\n"
        );
        let mut scene = Scene::of(&format!("printf '{printed}\\n'; exit 0"));
        let said = scene.replaced(bad(), "Runtime.HandlerExited");
        assert!(said.contains(&words), "{said}");
        scene.ends();
    }
    let mut scene = Scene::of("printf '\\351t\\351\\n'; exit 0");
    let said = scene.replaced(bad(), "Runtime.HandlerExited");
    let words = "; it printed \"\u{fffd}t\u{fffd}\", which did not count as a reply: it is not UTF-8 (byte 0)";
    assert!(said.contains(words), "{said}");
    scene.ends();
    let mut scene = Scene::of("echo; echo some words; echo and more; sleep 30");
    let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
    assert!(
        said.contains(
            "; it printed \"some words\", which did not count as a reply: it is not one JSON value \
             (expected value at line 1 column 1); 1 more line followed. A reply is"
        ),
        "{said}"
    );
    assert!(said.ends_with(&format!("{cure}. It last wrote:\n\nsome words\nand more")), "{said}");
    scene.ends();
    let mut scene = Scene::of("echo OK; exec >&-; sleep 30");
    let said = scene.replaced(bad(), "Runtime.HandlerClosedOutput");
    assert!(
        said.contains("; it printed \"OK\", which did not count") && said.contains(cure),
        "{said}"
    );
    scene.ends();
}

#[test]
fn a_pretty_printed_reply_is_told_to_fit_one_line() {
    for (printed, lines) in [
        ("{\\n  \"a\": 1\\n}\\n", 3),
        ("[\\n  1,\\n  2\\n]\\n", 4),
        ("{\\n  \"a\": [\\n    {}\\n  ],\\n  \"b\": null\\n}\\n", 6),
    ] {
        let advice = format!("your JSON spans {lines} lines: print it on one");
        let mut scene = Scene::of(&format!("printf '{printed}'; sleep 30"));
        let said = scene.replaced(soon(), "Runtime.HandlerTimeout");
        assert!(said.contains(&advice), "{said}");
        scene.ends();
        let mut scene = Scene::of(&format!("printf '{printed}'; exit 0"));
        let said = scene.replaced(bad(), "Runtime.HandlerExited");
        assert!(said.contains(&advice), "{said}");
        scene.ends();
    }
}

#[test]
fn a_plain_reply_to_an_unread_request_is_a_protocol_error() {
    // Nothing of the request is read when it prints, or the beginning only.
    for unread in ["", "os.read(0, 10)"] {
        let program = format!(
            "
import os, select, time
os.read(0, 65536)
if not os.read(0, 65536): raise SystemExit
os.write(1, b'%d\\n' % os.getpid())
select.select([0], [], [])
{unread}
os.write(1, b'[\"early\"]\\n')
time.sleep(30)
"
        );
        let mut scene = Scene::built(|bridge| bridge.program(&["python3", "-c", &program]));
        assert_eq!(
            scene.replaced(bad(), "Runtime.ProtocolError"),
            "the handler printed a reply before it had read the whole request, so it answers something \
             else. Tag replies with the id of their request"
        );
        scene.ends();
    }
}

#[test]
fn a_second_line_behind_a_plain_reply_is_a_protocol_error() {
    let mut scene = Scene::of("printf '{\"a\":1}\\n{\"b\":22}\\n'");
    assert_eq!(
        scene.replaced(bad(), "Runtime.ProtocolError"),
        "the handler printed a second line, of 8 bytes, that could be its reply: which of the two is meant \
         cannot be known. Print one line for each request, or tag replies with the id of their \
         request"
    );
    scene.ends();
    // Where words are replies, a second line of words is one too many.
    let mut scene = Scene::built(|bridge| {
        let fault = "while read -r line; do case $line in *bad*) printf 'a\\nbc\\n';; *) echo $$;; esac; done";
        bridge.shell(fault).env("LAMBDA_STDIO_REPLIES", "text")
    });
    let said = scene.replaced(bad(), "Runtime.ProtocolError");
    assert!(
        said.starts_with("the handler printed a second line, of 2 bytes, that could"),
        "{said}"
    );
    scene.ends();
    // Words behind a reply are log lines.
    let lambda = Lambda::start();
    let bridge =
        Bridge::with(&lambda, "while read -r line; do printf \"$$\\nall done\\n\\n\"; done");
    let pid = lambda.event("1").text();
    lambda.event("2").is_response(&pid);
    bridge.leaves_nothing();
}

#[test]
fn half_a_line_is_a_truncated_reply() {
    let tagged = format!("{ID}; printf '{{\"id\":\"%s\",\"result\":1}}' $id");
    for (fault, held) in [("printf '{\"a\":'", 5), ("printf '{\"a\":1}'", 7), (&*tagged, 36)] {
        let mut scene = Scene::of(&format!("echo oh >&2; {fault}; exit 0"));
        assert_eq!(
            scene.replaced(bad(), "Runtime.TruncatedReply"),
            format!(
                "the handler's output ended inside its reply, after {held} bytes of it: nothing of them \
                 was delivered. End the reply's line, and flush it, before the program ends. It last \
                 wrote:\noh"
            )
        );
        scene.ends();
    }
}

#[test]
fn an_error_of_the_bridge_is_an_object_of_three_members() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &scene::failing_with("exit 3"));
    let answer = lambda.invoke(bad());
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "errorType": "Runtime.HandlerExited",
            "errorMessage": "the handler ended before its reply: exit status 3",
            "stackTrace": [],
        })
    );
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.request_id, "r-1");
    assert_eq!(lambda.event("1").kind, "response");
    bridge.leaves_nothing();
}

/// A handler that answers with its process id and how many requests it saw.
const COUNTS: &str = "n=0; while read -r line; do n=$((n+1)); echo \"[$$,$n]\"; done";

#[test]
fn an_event_that_is_not_json_is_refused_and_the_handler_kept() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("1");
    for (event, why) in [
        (&b""[..], "it is blank"),
        (b" \n", "it is blank"),
        (b"{\"a\":", "it is not one JSON value (EOF while parsing a value at line 1 column 5)"),
        (b"1 2", "it is not one JSON value (trailing characters at line 1 column 3)"),
        (b"hello", "it is not one JSON value (expected value at line 1 column 1)"),
        (
            b"1},\"context\":{}}\n{\"id\":\"q7w2m0x4k9c1z5t8\",\"event\":2",
            "it is not one JSON value (trailing characters at line 1 column 2)",
        ),
        (b"\"\xff\"", "it is not UTF-8 (byte 1)"),
    ] {
        assert_eq!(
            lambda.invoke(Delivery::new(event)).is_error("Runtime.InvalidEvent"),
            format!("the event is refused: {why}. The handler saw nothing of it")
        );
    }
    let pid = bridge.descendants()[0];
    lambda.event("2").is_response(&format!("[{pid},2]"));
    bridge.leaves_nothing();
}

#[test]
fn an_event_cut_off_on_its_way_never_reaches_the_handler() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("1");
    let answer = lambda.invoke(Delivery::raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nLambda-Runtime-Aws-Request-Id: cut\r\n\r\n1234",
    ));
    assert_eq!(answer.request_id, "cut");
    let said = answer.is_error("Runtime.TruncatedEvent");
    assert!(said.starts_with("the event was cut off on its way from Lambda: "), "{said}");
    assert!(said.ends_with(", after 4 bytes"), "{said}");
    let pid = bridge.descendants()[0];
    lambda.event("2").is_response(&format!("[{pid},2]"));
    bridge.leaves_nothing();
}

#[test]
fn a_refused_report_is_logged_and_not_repeated() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, COUNTS);
    lambda.event("0");
    let pid = bridge.descendants()[0];
    for (round, status) in [400, 403, 410, 413].into_iter().enumerate() {
        lambda.refuse_a_post_with(status);
        lambda.event("1").is_response(&format!("[{pid},{}]", 2 * round + 2));
        lambda.event("2").is_response(&format!("[{pid},{}]", 2 * round + 3));
        bridge.logged(&format!("status={status}"));
    }
    lambda.refuse_a_post_with(410);
    lambda.event("no").is_error("Runtime.InvalidEvent");
    lambda.event("3").is_response(&format!("[{pid},10]"));
    assert!(lambda.answers_now().is_empty(), "each was reported once");
    bridge.leaves_nothing();
}

#[test]
fn a_replacement_that_cannot_be_started_is_told_with_the_errno() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let program = programs::script(folder.path(), "while read -r line; do echo $$; done");
    let bridge = Bridge::of(&lambda).program(&[program.to_str().unwrap()]).start();
    let first: i32 = lambda.event("1").text().parse().unwrap();
    lambda.idle();
    programs::set_mode(&program, 0o644);
    programs::kill(first);
    bridge.logged("handler not started");
    let said = lambda.invoke(soon()).is_error("Runtime.HandlerSpawnFailed");
    assert_eq!(
        said,
        format!(
            "cannot start {}: it is not executable: chmod +x it before it is packaged (or its folder \
             cannot be entered, or its file system is mounted noexec) (EACCES)",
            program.display()
        )
    );
    programs::set_mode(&program, 0o755);
    let next: i32 = lambda.event("2").text().parse().unwrap();
    assert_eq!(bridge.descendants(), [next]);
    bridge.leaves_nothing();
}

#[test]
fn a_result_of_exactly_the_limit_is_delivered() {
    for tagged in [false, true] {
        let scene = limits::prints(tagged);
        let answer = scene.lambda.invoke(limits::asking_for(limits::MOST));
        assert_eq!((answer.kind, answer.body.len()), ("response", limits::MOST));
        assert!(answer.body.starts_with(b"\"xx") && answer.body.ends_with(b"xx\""));
        scene.still_serves();
        scene.ends();
    }
}

#[test]
fn a_result_one_byte_over_the_limit_is_too_large() {
    for tagged in [false, true] {
        let mut scene = limits::prints(tagged);
        let asking = limits::asking_for(limits::MOST + 1);
        assert_eq!(
            scene.replaced(asking, "Function.ResponseSizeTooLarge"),
            "the reply is more than 6291556 bytes, which is the most Lambda takes as a response"
        );
        scene.ends();
    }
}

#[test]
fn an_endless_line_is_too_large_and_is_not_held() {
    let mut scene = Scene::of("yes | tr -d '\\n'");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Function.ResponseSizeTooLarge"),
        "the reply is more than 6291556 bytes, which is the most Lambda takes as a response"
    );
    assert!(scene.took < Duration::from_secs(20), "{:?}", scene.took);
    let peak = limits::peak_kib(scene.bridge.pid());
    assert!(peak < 40_000, "{peak} KiB");
    scene.ends();
}
