//! Tapes and what they mean: a table for each kind of moment.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::cli::check::scenario::{self, Grade, Step};
use crate::cli::check::tape::{BadLine, By, Ending};
use crate::invocation::FunctionError;
use crate::protocol::{FrameError, Reply};

const TOLD: Told = Told { framing: Framing::Lines, reply_fd: None, replies: Replies::Auto };

fn id(text: &str) -> DeliveryId {
    DeliveryId::parse(&format!("{text:a<16}")).expect("an id")
}

fn scenario(name: &'static str, steps: Vec<Step>) -> Scenario {
    Scenario {
        name,
        title: String::new(),
        grade: Grade::Must,
        clauses: Vec::new(),
        goes_on: false,
        variables: BTreeMap::new(),
        steps,
    }
}

fn exchange(answer: Answer) -> Exchange {
    Exchange {
        id: id("own"),
        event_bytes: 10,
        event: "{\"a\":1}".to_owned(),
        value: None,
        answer,
        beside: Vec::new(),
        behind: Vec::new(),
        took: Duration::from_secs(3),
        logs_after: None,
        logged: 0,
    }
}

fn response(text: &str, tagged: bool) -> Answer {
    let body = ReplyBody::Response(Bytes::copy_from_slice(text.as_bytes()));
    Answer::Reply(Reply { body, tagged })
}

fn error(is_whole: bool) -> Answer {
    let verbatim = is_whole.then(|| Bytes::from_static(b"{}"));
    let error = FunctionError { verbatim, ..FunctionError::new("Function.Error", "no") };
    Answer::Reply(Reply { body: ReplyBody::Error { error, fatal: false }, tagged: true })
}

fn silence(unfinished: usize) -> Answer {
    Answer::Silence { unfinished, untouched: false, said: String::new() }
}

fn exited(how: &str) -> Lost {
    Lost::Exited { how: how.to_owned(), said: String::new() }
}

fn line(text: &str, kind: LineKind) -> Line {
    Line { bytes: Bytes::copy_from_slice(text.as_bytes()), kind }
}

fn words(text: &str) -> Line {
    line(text, LineKind::Log(LogReason::NotJson(NotJson::Blank)))
}

fn codes(scenario: &Scenario, moments: Vec<Moment>, told: Told) -> Vec<&'static str> {
    let findings = judge(scenario, &Tape { moments }, told);
    for finding in &findings {
        assert!(!finding.message.is_empty(), "{finding:?}");
    }
    findings.iter().map(|finding| finding.code.id()).collect()
}

#[track_caller]
fn check(exchange: Exchange, expected: &[&str]) {
    let shown = format!("{exchange:?}");
    let found = codes(&scenario("any", Vec::new()), vec![Moment::Exchange(exchange)], TOLD);
    assert_eq!(found, expected, "{shown}");
}

#[test]
fn answers() {
    for (answer, expected) in [
        (response("1", true), &[][..]),
        (response("{\"a\":1}", false), &[]),
        (error(true), &[]),
        (error(false), &["C103"]),
        (response("{\"error\":\"no\"}", false), &["C016"]),
        (response("{\"error\":\"no\",\"a\":1,\"b\":2}", false), &[]),
        (response("{\"errorMessage\":\"no\"}", true), &["C016"]),
        (response("{\"result\":1}", false), &["C007"]),
        (response("{\"result\":1}", true), &[]),
        (response(&"1".repeat(MAX_RESULT_BYTES + 1), true), &["C203"]),
        (Answer::Early, &["C009"]),
        (Answer::AtEndOfInput, &["C004"]),
        (silence(0), &["C003"]),
        (silence(7), &["C005"]),
        (Answer::Lost(exited("exit status 0")), &["C018"]),
        (Answer::Lost(Lost::NotStarted("no such file".to_owned())), &["C001"]),
        (Answer::Lost(Lost::ClosedOutput), &["C019"]),
        (Answer::Lost(Lost::ClosedInput), &["C019"]),
    ] {
        check(exchange(answer), expected);
    }
}

#[test]
fn large_events() {
    for (answer, expected) in
        [(silence(0), "C013"), (Answer::Lost(exited("killed by SIGSEGV (11)")), "C013")]
    {
        check(Exchange { event_bytes: 70_000, ..exchange(answer) }, &[expected]);
    }
}

#[test]
fn lines_in_the_place_of_a_reply() {
    for (lines, expected) in [
        (vec![line("{\"id\":1}", LineKind::Dropped(id("other")))], "C008"),
        (vec![words("{"), words("}")], "C011"),
        (vec![words("\u{feff}1")], "C022"),
        (vec![line("1", LineKind::Log(LogReason::TaggedMode))], "C007"),
        (vec![words("hello")], "C012"),
        (vec![words(" ")], "C003"),
    ] {
        check(Exchange { beside: lines, ..exchange(silence(0)) }, &[expected]);
    }
}

#[test]
fn lines_beside_and_behind_a_reply() {
    for (kind, beside, behind) in [
        (LineKind::Log(LogReason::TaggedMode), &["C101"][..], &["C101"][..]),
        (LineKind::Dropped(id("other")), &["C008"], &["C008"]),
        (LineKind::Dropped(id("own")), &[], &["C006"]),
        (LineKind::OutOfStep, &[], &["C006"]),
        (LineKind::Ready, &[], &[]),
    ] {
        let reply = || exchange(response("1", true));
        let again = match &kind {
            LineKind::Dropped(id) => LineKind::Dropped(*id),
            LineKind::Log(reason) => LineKind::Log(reason.clone()),
            LineKind::OutOfStep => LineKind::OutOfStep,
            LineKind::Ready => LineKind::Ready,
        };
        check(Exchange { beside: vec![line("[2]", kind)], ..reply() }, beside);
        check(Exchange { behind: vec![line("[2]", again)], ..reply() }, behind);
    }
}

#[test]
fn a_second_answer_to_an_earlier_request_is_told_from_a_wrong_id() {
    let first = Exchange { id: id("first"), ..exchange(response("1", true)) };
    let late = line("{}", LineKind::Dropped(id("first")));
    let second = Exchange { beside: vec![late], ..exchange(response("2", true)) };
    let moments = vec![Moment::Exchange(first), Moment::Exchange(second)];
    assert_eq!(codes(&scenario("any", Vec::new()), moments, TOLD), ["C006"]);
}

#[test]
fn settings_say_what_silence_means() {
    let with = |told: Told, answer| {
        codes(&scenario("any", Vec::new()), vec![Moment::Exchange(exchange(answer))], told)
    };
    assert_eq!(with(Told { reply_fd: Some(5), ..TOLD }, silence(0)), ["C021"]);
    let broken = || Answer::Lost(Lost::Broken(FrameError::Truncated { held: 3 }));
    assert_eq!(with(TOLD, broken()), ["C005"]);
    assert_eq!(with(Told { framing: Framing::Length, ..TOLD }, broken()), ["C020"]);
}

#[test]
fn errors_that_are_not_answered_are_the_errors_scenarios_own() {
    for (answer, expected) in [
        (silence(0), "C017"),
        (Answer::Lost(exited("exit status 1")), "C102"),
        (response("1", true), "C201"),
    ] {
        let moments = vec![Moment::Exchange(exchange(answer))];
        assert_eq!(codes(&scenario("errors", Vec::new()), moments, TOLD), [expected]);
    }
}

#[test]
fn starts() {
    let ready = Some(Duration::from_millis(1));
    for (ready_after, lost, lines, expected) in [
        (ready, None, vec![], &[][..]),
        (None, None, vec![], &["C002"]),
        (None, Some(exited("exit status 4")), vec![], &["C018"]),
        (None, Some(Lost::NotStarted("no".to_owned())), vec![], &["C001"]),
        (ready, None, vec![line("1", LineKind::Log(LogReason::BeforeFirstDelivery))], &["C010"]),
        (ready, None, vec![words("Starting")], &["C101"]),
        (ready, None, vec![line("{}", LineKind::Ready)], &[]),
    ] {
        let moments = vec![Moment::Started(Started { ready_after, lines, lost })];
        assert_eq!(codes(&scenario("any", Vec::new()), moments, TOLD), expected);
    }
}

#[test]
fn ends() {
    for (by, how, lines, left, expected) in [
        (By::Input, Some("exit status 0"), vec![], 0, &[][..]),
        (By::Input, Some("exit status 1"), vec![], 0, &["C104"]),
        (By::Input, Some("exit status 0"), vec![], 2, &["C105"]),
        (By::Input, Some("exit status 0"), vec![line("1", LineKind::OutOfStep)], 0, &["C015"]),
        (By::Input, Some("exit status 0"), vec![words("bye")], 0, &["C101"]),
        (By::Input, None, vec![], 0, &["C014"]),
        (By::Signal, Some("killed by SIGTERM (15)"), vec![], 0, &[]),
        (By::Signal, None, vec![], 0, &["C109"]),
        (By::Output, Some("exit status 1"), vec![words("bye")], 0, &[]),
        (By::Output, None, vec![], 0, &["C110"]),
    ] {
        let how = how.map(str::to_owned);
        let moments = vec![Moment::Ending(Ending { by, how, lines, left })];
        assert_eq!(codes(&scenario("any", Vec::new()), moments, TOLD), expected, "{by:?}");
    }
}

#[test]
fn what_happens_between_requests() {
    const MB: u64 = 1024 * 1024;
    for (moment, expected) in [
        (Moment::Idle(exited("exit status 0")), &["C202"][..]),
        (Moment::Idle(Lost::ClosedInput), &["C019"]),
        (Moment::Memory { requests: 200, before: 10 * MB, after: 18 * MB }, &[]),
        (Moment::Memory { requests: 200, before: 10 * MB, after: 18 * MB + 1 }, &["C111"]),
        (Moment::Memory { requests: 200, before: 10 * MB, after: 9 * MB }, &[]),
    ] {
        assert_eq!(codes(&scenario("any", Vec::new()), vec![moment], TOLD), expected);
    }
}

fn bad_line(answer: Answer) -> BadLine {
    BadLine {
        id: id("bad"),
        line: "the line \"x\"".to_owned(),
        is_empty: false,
        answer,
        beside: Vec::new(),
        behind: Vec::new(),
        is_logged: true,
    }
}

fn bad_lines() -> Scenario {
    let step = scenario::BadLine { text: Some("x".to_owned()), ms: 1 };
    scenario("bad-line", vec![Step::BadLine(step)])
}

#[test]
fn lines_that_are_no_requests() {
    let quiet = |answer| BadLine { is_logged: false, ..bad_line(answer) };
    for (bad, expected) in [
        (bad_line(silence(0)), &[][..]),
        (quiet(silence(0)), &["C204"]),
        (BadLine { is_empty: true, ..quiet(silence(0)) }, &[]),
        (quiet(Answer::Lost(exited("exit status 0"))), &["C204"]),
        (quiet(Answer::Lost(exited("exit status 1"))), &[]),
        (bad_line(error(false)), &[]),
        (bad_line(response("{\"id\":null,\"error\":\"no\"}", false)), &[]),
        (bad_line(response("null", false)), &["C112"]),
        (bad_line(Answer::Lost(Lost::ClosedOutput)), &["C114"]),
        (
            BadLine {
                beside: vec![line("{\"result\":1}", LineKind::Dropped(id("other")))],
                ..bad_line(silence(0))
            },
            &["C113"],
        ),
        (
            BadLine { behind: vec![line("1", LineKind::OutOfStep)], ..bad_line(silence(0)) },
            &["C112"],
        ),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(codes(&bad_lines(), vec![Moment::BadLine(bad)], TOLD), expected, "{shown}");
    }
    let moments = vec![Moment::BadLine(bad_line(response("\"no\"", false)))];
    let words = Told { replies: Replies::Text, ..TOLD };
    assert_eq!(codes(&bad_lines(), moments, words), [""; 0]);
}

#[test]
fn requests_behind_a_line_that_is_none() {
    let with =
        |value: &str, answer| Exchange { value: Some(format!("\"{value}\"")), ..exchange(answer) };
    let behind = |lines| Exchange { behind: lines, ..with("two", response("[\"two\"]", false)) };
    for (second, expected) in [
        (with("two", response("[\"two\"]", false)), &[][..]),
        (with("two", response("[\"one\"]", false)), &["C113"]),
        (with("two", response("{\"error\":\"no\"}", false)), &["C113"]),
        (with("two", error(true)), &["C113"]),
        (with("two", silence(0)), &["C114"]),
        (with("two", Answer::AtEndOfInput), &["C114"]),
        (with("two", Answer::Lost(Lost::ClosedInput)), &["C114"]),
        (with("two", Answer::Lost(exited("exit status 2"))), &[]),
        (behind(vec![line("[1]", LineKind::OutOfStep)]), &["C113"]),
        (behind(vec![line("{\"error\":1}", LineKind::Dropped(id("bad")))]), &[]),
        (behind(vec![line("{\"result\":1}", LineKind::Dropped(id("bad")))]), &["C112"]),
        (behind(vec![words("hello")]), &[]),
    ] {
        let shown = format!("{second:?}");
        let moments = vec![
            Moment::Exchange(with("one", response("[\"one\"]", false))),
            Moment::BadLine(bad_line(silence(0))),
            Moment::Exchange(second),
        ];
        assert_eq!(codes(&bad_lines(), moments, TOLD), expected, "{shown}");
    }
}

#[test]
fn logs_that_are_read_late() {
    let request = scenario::Request { logs_after_ms: Some(500), ..scenario::Request::default() };
    let scenario = scenario("logs", vec![Step::Request(request)]);
    let of = |event_bytes, late: bool, answer| {
        let logs_after = late.then_some(Duration::from_millis(500));
        Moment::Exchange(Exchange { event_bytes, logs_after, ..exchange(answer) })
    };
    let ok = || response("1", true);
    for (first, second, expected) in [
        (of(9, false, ok()), of(9, true, ok()), &[][..]),
        (of(9, false, ok()), of(9, true, silence(0)), &["C115"]),
        (of(9, false, ok()), of(9, true, error(true)), &["C115"]),
        (of(9, false, error(true)), of(9, true, error(true)), &[]),
        (of(9, false, ok()), of(9_000, false, Answer::Lost(exited("exit status 1"))), &["C115"]),
        (of(9, false, ok()), of(9, false, Answer::Lost(exited("exit status 1"))), &[]),
        (of(9, true, ok()), of(9, false, silence(0)), &["C115"]),
        (of(9, false, silence(0)), of(9, true, silence(0)), &[]),
    ] {
        assert_eq!(codes(&scenario, vec![first, second], TOLD), expected);
    }
}

#[test]
fn values() {
    let with = |value: &str, answer| {
        Moment::Exchange(Exchange { value: Some(value.to_owned()), ..exchange(answer) })
    };
    let request = scenario::Request { value: Some("1".to_owned()), ..scenario::Request::default() };
    let mut scenario = scenario("values", vec![Step::Request(request)]);
    let tape = || {
        vec![
            with("\"m\"", response("{\"a\":\"m\"}", true)),
            with("1.0", response("{\"a\":1.0}", true)),
            with("9007199254740993", response("{\"a\":9007199254740992}", true)),
            with("\"x\"", error(true)),
            with("1e400", Answer::Lost(exited("exit status 1"))),
        ]
    };
    let findings = judge(&scenario, &Tape { moments: tape() }, TOLD);
    let told: Vec<(&str, &str, bool)> = findings
        .iter()
        .map(|finding| (finding.code.id(), &*finding.message, finding.has_number))
        .collect();
    assert_eq!(
        told,
        [
            ("C106", "9007199254740993 came back as 9007199254740992", true),
            ("C108", "\"x\" was answered with the error \"no\"", false),
            ("C107", "1e400 was not answered: exit status 1", true),
        ]
    );
    scenario.variables.insert("LC_ALL".to_owned(), "C".to_owned());
    assert_eq!(codes(&scenario, tape(), TOLD), ["C116"]);
    // Where the marker does not come back, nothing can be told.
    let moments = vec![with("\"m\"", response("1", true)), with("1.0", response("1", true))];
    assert_eq!(codes(&scenario, moments, TOLD), [""; 0]);
}

#[test]
fn a_finding_is_never_graver_than_its_scenario() {
    let scenario = Scenario { grade: Grade::Should, ..scenario("any", Vec::new()) };
    let tape = Tape { moments: vec![Moment::Exchange(exchange(silence(0)))] };
    let findings = judge(&scenario, &tape, TOLD);
    assert_eq!(findings.iter().map(|finding| finding.grade).collect::<Vec<_>>(), [Grade::Should]);
}
