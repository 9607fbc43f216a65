//! Faults of which each kind is tried, or one kind many times over: as often as seconds allow, and
//! as `LAMBDA_STDIO_TRIALS` asks.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scene::bad;
use crate::support::{Answer, Bridge, Delivery, ID, Lambda, eventually, scaled};

/// A bridge whose handler answers `"good"` with its process id, and does this for any other event, the
/// text of which is in `$e`.
fn doing(lambda: &Lambda, fault: &str) -> Bridge {
    let script = format!(
        r#"while read -r line; do e=${{line#*\"event\":\"}}; e=${{e%%\"*}}
        case $e in good) echo $$;; *) {fault};; esac; done"#
    );
    Bridge::with(lambda, &script)
}

/// An event that succeeds, so that the one before it is no failure in a row; the handler's process id.
#[track_caller]
fn good(lambda: &Lambda) -> i32 {
    let answer = lambda.event("\"good\"");
    assert_eq!(answer.kind, "response", "{}", answer.text());
    answer.text().parse().unwrap()
}

/// A story for each number, by a handler that is told it, and served well before.
fn for_each(numbers: impl Iterator<Item = i32>, fault: &str, check: impl Fn(i32, &Answer)) {
    let lambda = Lambda::start();
    let bridge = doing(&lambda, fault);
    let mut failed = 0;
    for number in numbers {
        // Only the last: the kernel gives the ids of those before it to others.
        let serving = good(&lambda);
        assert_ne!(serving, failed, "{number}: the one that failed serves again");
        failed = serving;
        let answer = lambda.event(&format!("\"{number}\""));
        check(number, &answer);
    }
    good(&lambda);
    assert!(lambda.answers_now().is_empty(), "each was answered once");
    bridge.leaves_nothing();
}

#[test]
fn every_exit_status_is_named() {
    for_each(0..=255, "exit $e", |status, answer| {
        assert_eq!(
            answer.is_error("Runtime.HandlerExited"),
            format!("the handler ended before its reply: exit status {status}")
        );
    });
}

#[test]
fn every_signal_that_kills_is_named() {
    // Those that stop, or do nothing by themselves, end no process.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28];
    let deadly = (1..=31).filter(|number| !harmless.contains(number));
    for_each(deadly.chain(34..=64), "ulimit -c 0; kill -$e $$; sleep 30", |number, answer| {
        let said = answer.is_error("Runtime.HandlerExited");
        let named = if number > 31 {
            "killed by a real-time signal".to_owned()
        } else {
            format!("killed by {} ({number})", Signal::try_from(number).unwrap().as_str())
        };
        let expected = format!("the handler ended before its reply: {named}");
        assert!(said.starts_with(&expected) && !said.contains("exit status"), "{number}: {said}");
    });
}

#[test]
fn a_reply_cut_at_any_length_is_never_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reply");
    let reply = format!("{{\"part of it\":\"{}\"}}\n", "x".repeat(100_000));
    std::fs::write(&file, &reply).unwrap();
    let at_random = (0..scaled(10, 1000)).map(|_| rand(reply.len()));
    let lengths = (0..=256).chain([4095, 4096, 65_535, 65_536]).chain(at_random);
    let print = format!("head -c $e {}; exit 0", file.display());
    for_each(lengths.map(|length| i32::try_from(length).unwrap()), &print, |length, answer| {
        // Where nothing of it came, nothing was cut.
        let said = match length {
            0 => answer.is_error("Runtime.HandlerExited"),
            _ => answer.is_error("Runtime.TruncatedReply"),
        };
        assert!(!answer.text().contains("part of it"), "{said}");
        assert!(length == 0 || said.contains(&format!(", after {length} bytes")), "{said}");
    });
}

fn rand(below: usize) -> usize {
    use std::hash::BuildHasher as _;
    let random = std::collections::hash_map::RandomState::new().hash_one(below);
    usize::try_from(random % u64::try_from(below).unwrap()).unwrap()
}

#[test]
fn however_a_handler_ends_while_idle_no_event_is_lost() {
    let lambda = Lambda::start();
    let bridge = doing(&lambda, "exit 9");
    let mut serving = good(&lambda);
    let ways = [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGSEGV, Signal::SIGHUP];
    for trial in 0..scaled(100, 10_000) {
        let way = ways[usize::try_from(trial).unwrap() % ways.len()];
        kill(Pid::from_raw(serving), way).unwrap();
        // Dead, so that it reads nothing of what follows; whether anyone noticed is another matter.
        eventually("the handler is dead", || is_dead(serving));
        let next = good(&lambda);
        assert_ne!(next, serving, "trial {trial}, {way}");
        serving = next;
    }
    assert!(lambda.answers_now().is_empty(), "each was answered once");
    bridge.leaves_nothing();
}

fn is_dead(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

/// What the caller of `number` may get: its own reply, or that it came too late.
#[track_caller]
fn is_own_or_late(answer: &Answer, number: u32) -> bool {
    if answer.kind == "response" {
        assert_eq!(answer.text(), number.to_string(), "somebody else's reply");
        return true;
    }
    answer.is_error("Runtime.HandlerTimeout");
    false
}

#[test]
fn a_reply_around_the_deadline_is_the_callers_own_or_too_late() {
    // It replies between 70 and 110 ms after it was asked; at 90 its time is over.
    let script = r#"while read -r line; do n=${line#*\"n\":}; n=${n%%,*}
        s=${line#*\"s\":}; s=${s%%\}*}; sleep $s; echo $n; done"#;
    let threads = 8;
    let each = scaled(120, 10_000) / threads;
    let story = |thread: u32| {
        let lambda = Lambda::start();
        let bridge = Bridge::with(&lambda, script);
        let mut in_time = 0;
        for trial in 0..each {
            let number = thread * 1_000_000 + trial;
            let ms = 70 + rand(41);
            let event = format!("{{\"n\":{number},\"s\":0.{ms:03}}}");
            let answer = lambda.invoke(Delivery::new(event).timeout_ms(100));
            in_time += u32::from(is_own_or_late(&answer, number));
            // Nothing hurries this one, and it must not get what came too late.
            let own = number + 500_000;
            let event = format!("{{\"n\":{own},\"s\":0}}");
            let answer = lambda.invoke(Delivery::new(event));
            let got = (answer.kind, answer.text());
            assert_eq!(got, ("response", own.to_string()), "{}", bridge.logs());
        }
        assert!(lambda.answers_now().is_empty(), "each was answered once");
        bridge.leaves_nothing();
        in_time
    };
    let in_time: u32 = std::thread::scope(|scope| {
        let stories: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || story(thread))).collect();
        stories.into_iter().map(|story| story.join().unwrap()).sum()
    });
    // On a machine that is too busy none may come in time; all of them would be no race either.
    assert!(in_time < each * threads, "no reply was late");
}

#[test]
fn a_late_second_answer_with_a_tag_is_nobodys() {
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do {ID}; n=${{line#*\"event\":}}; n=${{n%%,*}}
        printf '{{"id":"%s","result":%s}}\n' $id $n
        (sleep 0.00$((n % 6)); printf '{{"id":"%s","result":"stale"}}\n' $id) & done; wait"#
    );
    let bridge = Bridge::with(&lambda, &script);
    for number in 0..scaled(300, 10_000) {
        lambda.event(&number.to_string()).is_response(&number.to_string());
    }
    bridge.logged("late reply dropped");
    assert!(!bridge.logs().contains("handler replaced"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn three_lines_or_a_thousand_are_no_reply() {
    for_each([2, 3, 1000].into_iter(), "yes 1234 | head -n $e", |lines, answer| {
        let said = answer.is_error("Runtime.ProtocolError");
        assert!(
            said.starts_with("the handler printed a second line, of 4 bytes"),
            "{lines}: {said}"
        );
    });
}

#[test]
fn the_id_of_a_request_may_come_twice() {
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do {ID}; n=${{line#*\"event\":}}; n=${{n%%,*}}
        case $n in *bad*) sleep 30;; esac; printf '{{"id":"%s","result":%s}}\n' $id $n; done"#
    );
    let bridge = Bridge::with(&lambda, &script);
    let again = |delivery: Delivery| Delivery { request_id: "same".to_owned(), ..delivery };
    for event in ["1", "2"] {
        let answer = lambda.invoke(again(Delivery::new(event)));
        answer.is_response(event);
        assert_eq!(answer.request_id, "same");
    }
    lambda.invoke(again(bad().timeout_ms(200))).is_error("Runtime.HandlerTimeout");
    lambda.invoke(again(Delivery::new("3").timeout_ms(3000))).is_response("3");
    assert!(lambda.answers_now().is_empty(), "each was answered once");
    bridge.leaves_nothing();
}
