//! What it means what a handler did with a line that is no request, and with the requests behind it.

use serde_json::value::RawValue;

use super::{Seen, member_names, values};
use crate::cli::check::fidelity;
use crate::cli::check::finding::Code;
use crate::cli::check::tape::{
    Answer, BadLine, Exchange, Line, LineKind, Lost, Moment, Tape, shown,
};
use crate::protocol::{DeliveryId, Replies, ReplyBody};

/// What was learned of the handler on the way.
#[derive(Default)]
struct Way<'a> {
    /// The bad line that its present process was sent last.
    bad: Option<&'a BadLine>,
    /// Where its replies have what was sent as a value.
    place: Option<Vec<fidelity::Turn>>,
    /// The values that were sent in requests so far.
    sent: Vec<&'a str>,
    /// Whether a request was answered with a result.
    has_result: bool,
}

impl Seen<'_> {
    /// Findings of the whole scenario.  What goes wrong before any bad line is judged as elsewhere.
    pub(super) fn bad_lines(&mut self, tape: &Tape) {
        let mut way = Way::default();
        let (mut unsaid, mut pending) = (None, None);
        for moment in &tape.moments {
            match (moment, way.bad) {
                (Moment::BadLine(bad), _) => {
                    self.bad_line(bad);
                    unsaid = unsaid.or(pending);
                    pending = silence(bad);
                    way.bad = Some(bad);
                }
                (Moment::Exchange(exchange), Some(bad)) => self.after(bad, exchange, &way),
                (Moment::Exchange(exchange), None) => self.exchange(exchange),
                (Moment::Started(started), _) => {
                    self.started(started, tape);
                    way.bad = None;
                }
                // To end a moment later is to end.
                (
                    Moment::Idle(Lost::Exited { .. }) | Moment::Ending(_) | Moment::Memory { .. },
                    _,
                ) => (),
                (Moment::Idle(lost), Some(bad)) => self.is_stuck(bad, &what_it_did(lost)),
                (Moment::Idle(lost), None) => self.lost(lost, "with nothing to do"),
            }
            if let Moment::Exchange(exchange) = moment {
                way.learn(exchange);
                // Who reads JSON from a stream sees only now what is wrong with the line before.
                pending = pending.filter(|_| !matches!(exchange.answer, Answer::Lost(_)));
                if matches!(exchange.answer, Answer::Reply(_)) {
                    self.answered.push(exchange.id);
                }
            }
        }
        // Whoever goes wrong has more to mend than that nobody hears of it.
        if let Some(message) = unsaid.or(pending).filter(|_| self.findings.is_empty()) {
            self.find(Code::BadLineUnsaid, message);
        }
    }

    fn bad_line(&mut self, bad: &BadLine) {
        match &bad.answer {
            Answer::Reply(reply) => match &reply.body {
                ReplyBody::Response(bytes) => self.result_of(bad, bytes),
                ReplyBody::Error { .. } => (),
            },
            Answer::Lost(Lost::Exited { .. })
            | Answer::Silence { .. }
            | Answer::Early
            | Answer::AtEndOfInput => (),
            Answer::Lost(lost) => self.is_stuck(bad, &what_it_did(lost)),
        }
        for line in bad.beside.iter().chain(&bad.behind) {
            match line.kind {
                LineKind::Dropped(other) if other == bad.id => self.result_of(bad, &line.bytes),
                LineKind::Dropped(_) => {
                    let message = format!("to {} it printed {}", bad.line, line.shown());
                    self.find(
                        Code::BadLineMisleads,
                        format!("{message}, with an earlier request's id"),
                    );
                }
                LineKind::OutOfStep => self.result_of(bad, &line.bytes),
                LineKind::Log(_) | LineKind::Ready => (),
            }
        }
    }

    /// It answered a line that nobody can answer, unless what it answered says so.
    fn result_of(&mut self, bad: &BadLine, bytes: &[u8]) {
        // Where words are replies, words are what an error is told in.
        let says_so = self.told.replies == Replies::Text || is_error(bytes);
        if !says_so {
            let message =
                format!("it answered {}, which is no request, with {}", bad.line, shown(bytes));
            self.find(Code::BadLineAnswered, message);
        }
    }

    /// A request behind a bad line.
    fn after(&mut self, bad: &BadLine, exchange: &Exchange, way: &Way<'_>) {
        let event = &exchange.event;
        match &exchange.answer {
            Answer::Reply(reply) => match &reply.body {
                ReplyBody::Response(bytes) if is_error(bytes) => self.late_error(bad, event, way),
                ReplyBody::Error { .. } => self.late_error(bad, event, way),
                ReplyBody::Response(bytes) => {
                    if let Some(other) = way.other_value(bytes, exchange.value.as_deref()) {
                        let message = format!(
                            "after {} it answered {event} with the reply of an earlier request, which has {other}",
                            bad.line
                        );
                        self.find(Code::BadLineMisleads, message);
                    }
                }
            },
            // As above.
            Answer::Lost(Lost::Exited { .. }) => (),
            Answer::Lost(lost) => self.is_stuck(bad, &what_it_did(lost)),
            Answer::Early => self.is_stuck(bad, &format!("answered {event} before it had read it")),
            Answer::Silence { .. } | Answer::AtEndOfInput => {
                let seconds = exchange.took.as_secs();
                self.is_stuck(
                    bad,
                    &format!("did not answer the next request within {seconds} s: {event}"),
                );
            }
        }
        for line in exchange.beside.iter().chain(&exchange.behind) {
            self.stale(bad, line, exchange.id);
        }
    }

    /// An error to a request like one that it has answered with a result.
    fn late_error(&mut self, bad: &BadLine, event: &str, way: &Way<'_>) {
        if way.has_result {
            let message = format!("after {} it answered {event} with an error", bad.line);
            self.find(Code::BadLineMisleads, message);
        }
    }

    /// A line beside or behind the reply to a request.
    fn stale(&mut self, bad: &BadLine, line: &Line, id: DeliveryId) {
        let what = match line.kind {
            LineKind::OutOfStep => "as one line too many",
            LineKind::Dropped(other) if other == bad.id => {
                return self.result_of(bad, &line.bytes);
            }
            LineKind::Dropped(other) if other == id => "a second time",
            LineKind::Dropped(_) => "with an earlier request's id",
            LineKind::Log(_) | LineKind::Ready => return,
        };
        let message = format!("after {} it printed {} {what}", bad.line, line.shown());
        self.find(Code::BadLineMisleads, message);
    }

    fn is_stuck(&mut self, bad: &BadLine, what: &str) {
        self.find(Code::BadLineSticks, format!("after {} it {what}", bad.line));
    }
}

impl<'a> Way<'a> {
    fn learn(&mut self, exchange: &'a Exchange) {
        let Some((bytes, _)) = exchange.answer.response() else { return };
        self.has_result |= !is_error(bytes);
        if let Some(value) = &exchange.value {
            if self.place.is_none() {
                self.place = values::place(value, exchange);
            }
            self.sent.push(value);
        }
    }

    /// The value of an earlier request, where that is what a reply has in place of its own.
    fn other_value(&self, reply: &[u8], own: Option<&str>) -> Option<&'a str> {
        let found = fidelity::at(reply, self.place.as_ref()?).map(RawValue::get)?;
        let is_it = |sent: &&str| Some(*sent) != own && fidelity::is_same(sent, found);
        self.sent.iter().copied().find(is_it)
    }
}

/// Whether a reply says that something is wrong, in a form that callers know or in the handler's own.
fn is_error(bytes: &[u8]) -> bool {
    let names = member_names(bytes);
    names.iter().any(|name| matches!(name.as_str(), "error" | "errorMessage" | "errorType"))
}

/// That nobody hears of a bad line; none where it is empty and passed over, as it should be.
fn silence(bad: &BadLine) -> Option<String> {
    let said_on_output = bad.beside.iter().chain(&bad.behind).any(|line| !line.is_blank());
    if bad.is_logged || said_on_output {
        return None;
    }
    match &bad.answer {
        Answer::Silence { .. } if !bad.is_empty => {
            Some(format!("it passed over {} without a word", bad.line))
        }
        Answer::Lost(Lost::Exited { how, .. }) if how == "exit status 0" => {
            Some(format!("it ended over {} with status 0 and without a word", bad.line))
        }
        Answer::Silence { .. }
        | Answer::Reply(_)
        | Answer::Early
        | Answer::AtEndOfInput
        | Answer::Lost(_) => None,
    }
}

fn what_it_did(lost: &Lost) -> String {
    match lost {
        Lost::ClosedOutput => "closed its output and went on".to_owned(),
        Lost::ClosedInput => "closed its input and went on".to_owned(),
        Lost::Broken(error) => format!("printed what is no message: {error}"),
        Lost::Exited { how, .. } => format!("ended: {how}"),
        Lost::NotStarted(why) => format!("could not be started again: {why}"),
    }
}
