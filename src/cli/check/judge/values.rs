//! What became of values that were sent, to be looked for in the replies.

use super::Seen;
use crate::cli::check::fidelity::{self, Turn};
use crate::cli::check::finding::Code;
use crate::cli::check::tape::{Answer, Exchange, Lost, Moment, Tape, shown};
use crate::json;
use crate::protocol::ReplyBody;

/// What became of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fidelity {
    /// It came back as it was.
    Exact,
    /// Something else came back.
    Lossy(String),
    /// The handler answered with an error.
    Refused(String),
    /// There was no answer.
    Fatal(String),
    /// The handler's replies do not have what it was sent.
    Unknown,
}

/// What became of each value of a scenario: the first one is the marker that shows where values come back.
#[must_use]
pub fn fidelities(tape: &Tape) -> Vec<(String, Fidelity)> {
    let exchanges = tape.moments.iter().filter_map(|moment| match moment {
        Moment::Exchange(exchange) => Some((exchange.value.clone()?, exchange)),
        Moment::Started(_)
        | Moment::BadLine(_)
        | Moment::Idle(_)
        | Moment::Ending(_)
        | Moment::Memory { .. } => None,
    });
    let mut exchanges = exchanges.peekable();
    let place = exchanges.next().and_then(|(marker, exchange)| place(&marker, exchange));
    let judged = exchanges.map(|(value, exchange)| {
        let fidelity = match &place {
            Some(place) => fidelity_of(&value, place, exchange),
            None => Fidelity::Unknown,
        };
        (value, fidelity)
    });
    judged.collect()
}

/// Where in its reply the marker of a request came back.
pub(super) fn place(marker: &str, exchange: &Exchange) -> Option<Vec<Turn>> {
    let (reply, _) = exchange.answer.response()?;
    let marker = json::text(json::one_value(marker.as_bytes()).ok()?)?;
    fidelity::place(reply, &marker)
}

fn fidelity_of(value: &str, place: &[Turn], exchange: &Exchange) -> Fidelity {
    match &exchange.answer {
        Answer::Reply(reply) => match &reply.body {
            ReplyBody::Response(bytes) => match fidelity::at(bytes, place) {
                Some(found) if fidelity::is_same(value, found.get()) => Fidelity::Exact,
                Some(found) => Fidelity::Lossy(in_short(found.get())),
                None => Fidelity::Lossy("nothing".to_owned()),
            },
            ReplyBody::Error { error, .. } => Fidelity::Refused(in_short(&error.error_message)),
        },
        Answer::Lost(Lost::Exited { how, .. }) => Fidelity::Fatal(how.clone()),
        Answer::Silence { .. } => {
            let line = exchange.beside.iter().rfind(|line| !line.is_blank());
            Fidelity::Fatal(line.map_or_else(
                || "no reply".to_owned(),
                |line| format!("no reply, but {}", in_short(&shown(&line.bytes))),
            ))
        }
        Answer::Early | Answer::AtEndOfInput | Answer::Lost(_) => {
            Fidelity::Fatal("no reply".to_owned())
        }
    }
}

/// A value's beginning.
#[must_use]
pub fn in_short(value: &str) -> String {
    let head: String = value.chars().take(40).collect();
    if head.len() < value.len() { format!("{head}…") } else { head }
}

impl Seen<'_> {
    /// One finding for each way in which values were lost.
    pub(super) fn values(&mut self, tape: &Tape) {
        for (value, fidelity) in fidelities(tape) {
            let value = in_short(&value);
            match fidelity {
                Fidelity::Exact | Fidelity::Unknown => (),
                Fidelity::Lossy(back) => {
                    self.add(Code::ValueLossy, &format!("{value} came back as {back}"));
                }
                Fidelity::Refused(why) => {
                    self.add(Code::ValueRefused, &format!("{value} was answered with {why:?}"));
                }
                Fidelity::Fatal(how) => {
                    self.add(Code::ValueFatal, &format!("{value} was not answered: {how}"));
                }
            }
        }
    }

    /// Adds to the finding of this code, if there is one.
    fn add(&mut self, code: Code, message: &str) {
        match self.findings.iter_mut().find(|finding| finding.code == code) {
            Some(finding) => {
                finding.message.push_str("; ");
                finding.message.push_str(message);
            }
            None => self.find(code, message),
        }
    }
}
