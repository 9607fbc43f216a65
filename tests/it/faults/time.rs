//! Deadlines: who is given how long, and what is told when it was not enough.

use super::scene::{Scene, bad, failing_with, soon};
use crate::support::{Bridge, Delivery, Lambda};

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
            let bridge = bridge.shell(&failing_with("sleep 30"));
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
