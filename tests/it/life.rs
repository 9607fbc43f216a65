//! Stories of generations: who is replaced, when, by whom, and what becomes of the invocation.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{
    Bridge, COUNT, Delivery, ID, Lambda, Scratch, WAIT, eventually, tagged, trials,
};

/// A bridge whose shell handler has a folder to tell things in.
fn bridge_in(folder: &Scratch, lambda: &Lambda, script: &str) -> Bridge {
    Bridge::of(lambda).env("D", folder.text()).shell(script).start()
}

#[test]
fn the_end_of_standard_output_means_nothing_beside_a_reply_descriptor() {
    let lambda = Lambda::start();
    let script = format!(
        r#"exec 1>&-; while read -r line; do {ID}; printf '{{"id":"%s","result":1}}\n' "$id" >&3; done"#
    );
    let bridge = Bridge::of(&lambda).env("LAMBDA_STDIO_REPLY_FD", "3").shell(&script).start();
    lambda.event("1").is_response("1");
    lambda.idle();
    lambda.event("2").is_response("1");
    assert!(!bridge.logs().contains("handler replaced"), "{}", bridge.logs());
    bridge.leaves_nothing();
}

#[test]
fn a_replacement_is_ready_before_the_next_invocation_is_asked_for() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script =
        format!("{COUNT}; if [ $n = 1 ]; then read -r line; exit 3; fi; {WAIT}; {}", tagged("$n"));
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.event("1").is_error("Runtime.HandlerExited");
    folder.written("waiting");
    assert_eq!(lambda.nexts().len(), 1);
    folder.open_gate();
    lambda.event("2").is_response("2");
    bridge.leaves_nothing();
}

#[test]
fn an_unasked_line_while_idle_replaces_the_handler_before_the_next_event() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!(
        "{COUNT}; while read -r line; do echo $n; if [ $n = 1 ]; then {WAIT}; echo '\"late\"'; fi; done"
    );
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.event("1").is_response("1");
    lambda.idle();
    folder.open_gate();
    bridge.logged("handler replaced generation=1");
    bridge.logged("a line of 6 bytes that nobody asked for");
    lambda.event("2").is_response("2");
    lambda.event("3").is_response("2");
    assert_eq!(lambda.answers_now().len(), 0);
    bridge.leaves_nothing();
}

#[test]
fn an_event_of_which_a_byte_was_read_is_not_given_again() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // The space, and one byte of the request.
    let script =
        format!("{COUNT}; if [ $n = 1 ]; then head -c 2 >/dev/null; exit 7; fi; {}", tagged("$n"));
    let bridge = bridge_in(&folder, &lambda, &script);
    let said = lambda.event("1").is_error("Runtime.HandlerExited");
    assert!(said.contains("exit status 7"), "{said}");
    lambda.event("2").is_response("2");
    assert_eq!(folder.generations(), 2);
    bridge.leaves_nothing();
}

#[test]
fn an_unread_event_is_given_to_a_second_handler_once() {
    let script = "
import json, os, select, sys
path = os.environ['D'] + '/generations'
open(path, 'a').write('x\\n')
generation = len(open(path).readlines())
os.read(0, 1)
if generation <= int(os.environ['UNREAD']):
    select.select([0], [], [])
    os._exit(3)
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({'id': request['id'], 'result': [generation, request['event']]}), flush=True)
";
    for (unread, served) in [(1, true), (2, false)] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let bridge = Bridge::of(&lambda)
            .env("D", folder.text())
            .env("UNREAD", &unread.to_string())
            .program(&["python3", "-c", script])
            .start();
        let answer = lambda.event("[1]");
        if served {
            answer.is_response("[2, [1]]");
        } else {
            let said = answer.is_error("Runtime.HandlerExited");
            assert!(said.contains("exit status 3"), "{said}");
        }
        lambda.event("[2]").is_response(&format!("[{}, [2]]", unread + 1));
        assert_eq!(folder.generations(), unread + 1);
        assert_eq!(lambda.answers_now().len(), 0);
        bridge.leaves_nothing();
    }
}

#[test]
fn the_fifth_failure_in_a_row_ends_the_runtime() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = r#"date +%s%3N >>"$D/starts"; read -r line; echo "bad luck" >&2; exit 4"#;
    let mut bridge = bridge_in(&folder, &lambda, script);
    for _ in 0..5 {
        let answer = lambda.event("1");
        assert_eq!(answer.kind, "error");
        let said = answer.is_error("Runtime.HandlerExited");
        assert!(said.contains("exit status 4") && said.contains("bad luck"), "{said}");
    }
    assert_eq!(lambda.answer().kind, "init error");
    assert_eq!(bridge.ended().code(), Some(1));
    let starts: Vec<u64> =
        folder.read("starts").lines().map(|line| line.parse().unwrap()).collect();
    let waits: Vec<u64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (waited, least) in waits.iter().zip([0, 100, 300, 1000]) {
        // A millisecond for the clock's own steps.
        assert!(waited + 1 >= least, "{waits:?}");
    }
    assert_eq!((waits.len(), lambda.nexts().len()), (4, 5));
    assert_eq!(bridge.descendants(), [0; 0]);
}

#[test]
fn an_answer_clears_the_count_of_failures() {
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do case $line in *crash*) exit 1;; esac
        {ID}; printf '{{"id":"%s","result":1}}\n' "$id"; done"#
    );
    let bridge = Bridge::with(&lambda, &script);
    for _ in 0..2 {
        for _ in 0..3 {
            lambda.event("\"crash\"").is_error("Runtime.HandlerExited");
        }
        lambda.event("1").is_response("1");
    }
    bridge.leaves_nothing();
}

#[test]
fn a_handler_that_ends_while_idle_is_replaced_before_the_next_event() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("{COUNT}; echo $$ >\"$D/pid$n\"; {}", tagged("$n"));
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.event("1").is_response("1");
    lambda.idle();
    for generation in 1..=3 {
        let pid = folder.written(&format!("pid{generation}")).trim().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        folder.written(&format!("pid{}", generation + 1));
    }
    assert_eq!(lambda.nexts().len(), 2, "the poll goes on");
    lambda.event("2").is_response("4");
    bridge.leaves_nothing();
}

#[test]
fn a_replacement_that_is_not_ready_by_the_deadline_is_told_and_kept() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script =
        format!("{COUNT}; echo $$ >\"$D/pid$n\"; if [ $n = 2 ]; then {WAIT}; fi; {}", tagged("$n"));
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.idle();
    let pid = folder.written("pid1").trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    folder.written("waiting");
    let said =
        lambda.invoke(Delivery::new("1").timeout_ms(300)).is_error("Runtime.HandlerNotReady");
    assert!(said.contains("has not read its input yet"), "{said}");
    assert!(said.contains("given nothing of this event"), "{said}");
    folder.open_gate();
    lambda.event("2").is_response("2");
    assert_eq!(folder.generations(), 2);
    bridge.leaves_nothing();
}

#[test]
fn a_replaced_handler_is_killed_with_its_whole_group() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // Two generations below it, all of which hold its pipes.
    let script = format!(
        r#"{COUNT}; if [ $n = 1 ]; then read -r line
        sh -c 'sleep 1000 & echo x >"$D/below"; sleep 1000' & until [ -s "$D/below" ]; do :; done
        exit 3; fi; {}"#,
        tagged("$n")
    );
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.event("1").is_error("Runtime.HandlerExited");
    lambda.event("2").is_response("2");
    eventually("only the second handler runs", || bridge.descendants().len() == 1);
    bridge.leaves_nothing();
}

#[test]
fn an_orphan_that_left_the_group_is_killed_with_it() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!(
        r#"{COUNT}; if [ $n = 1 ]; then read -r line
        setsid sh -c 'echo $$ >"$D/orphan"; exec sleep 1000' & until [ -s "$D/orphan" ]; do :; done
        exit 3; fi; {}"#,
        tagged("$n")
    );
    let bridge = bridge_in(&folder, &lambda, &script);
    lambda.event("1").is_error("Runtime.HandlerExited");
    lambda.event("2").is_response("2");
    eventually("only the second handler runs", || bridge.descendants().len() == 1);
    let orphan = folder.read("orphan");
    eventually("not even a zombie is left", || {
        fs::metadata(format!("/proc/{}", orphan.trim())).is_err()
    });
    bridge.leaves_nothing();
}

#[test]
fn a_handler_that_answers_once_and_exits_serves_a_thousand_events() {
    let lambda = Lambda::start();
    let script = format!(
        r#"read -r line; {ID}; n=${{line#*\"nonce\":}}; n=${{n%%\}}*}}
        printf '{{"id":"%s","result":%s}}\n' "$id" "$n""#
    );
    let bridge = Bridge::with(&lambda, &script);
    let mut answered = 0;
    let trials = usize::try_from(trials(1000)).unwrap();
    for nonce in 0..trials {
        let answer = lambda.event(&format!("{{\"nonce\":{nonce}}}"));
        answer.is_response(&nonce.to_string());
        assert_eq!(answer.request_id, format!("r-{}", nonce + 1));
        answered += 1;
    }
    lambda.idle();
    assert_eq!((answered, lambda.answers_now().len()), (trials, 0));
    assert_eq!(lambda.nexts().len(), trials + 1);
    bridge.leaves_nothing();
}

#[test]
fn a_plain_answer_and_an_exit_lose_no_event_either() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "read -r line; echo 1");
    for _ in 0..trials(200) / 4 {
        lambda.event("{}").is_response("1");
    }
    bridge.leaves_nothing();
}

#[test]
fn a_slow_replacement_holds_up_no_environment_beyond_the_deadline() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let script = format!(
        "if [ -e {0} ]; then sleep 6; while read -r line; do echo 1; done; fi; \
         : > {0}; read -r line; sleep 60",
        ran.display()
    );
    let bridge = Bridge::with(&lambda, &script);
    let sent = Instant::now();
    lambda.invoke(Delivery::new("1").timeout_ms(1000)).is_error("Runtime.HandlerTimeout");
    lambda.idle();
    assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
    lambda.invoke(Delivery::new("2").timeout_ms(20_000)).is_response("1");
    bridge.leaves_nothing();
}
