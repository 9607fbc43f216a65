//! What became of values that were sent, to be looked for in the replies.

use super::Seen;
use crate::cli::check::fidelity::{self, Turn};
use crate::cli::check::finding::Code;
use crate::cli::check::scenario::Scenario;
use crate::cli::check::tape::{Answer, Exchange, Lost, Tape, shown};
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
    let exchanges =
        tape.exchanges().filter_map(|exchange| Some((exchange.value.clone()?, exchange)));
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

/// A value's beginning; of what is deep, how deep it is.
#[must_use]
pub fn in_short(value: &str) -> String {
    let depth = value.bytes().take_while(|byte| *byte == b'[').count();
    if depth > 8 {
        return format!("{depth} arrays in each other");
    }
    let head: String = value.chars().take(40).collect();
    if head.len() < value.len() { format!("{head}…") } else { head }
}

impl Seen<'_> {
    /// One finding for each way in which values were lost; where the locale is the handler's trouble, one.
    pub(super) fn values(&mut self, tape: &Tape) {
        for (value, fidelity) in fidelities(tape) {
            let Some(code) = code(self.scenario, &fidelity) else { continue };
            let shown = in_short(&value);
            let message = match fidelity {
                Fidelity::Exact | Fidelity::Unknown => continue,
                Fidelity::Lossy(back) => format!("{shown} came back as {back}"),
                Fidelity::Refused(why) => format!("{shown} was answered with the error {why:?}"),
                Fidelity::Fatal(how) => format!("{shown} was not answered: {how}"),
            };
            self.add(code, &message, is_number(&value));
        }
    }

    /// Adds to the finding of this code, if there is one.
    fn add(&mut self, code: Code, message: &str, is_number: bool) {
        if self.findings.iter().all(|finding| finding.code != code) {
            self.find(code, "");
        }
        for finding in self.findings.iter_mut().filter(|finding| finding.code == code) {
            let separator = if finding.message.is_empty() { "" } else { "; " };
            finding.message.push_str(separator);
            finding.message.push_str(message);
            finding.has_number |= is_number;
        }
    }
}

/// What is found where a value became this; none where all is well, or nothing is known.
#[must_use]
pub fn code(scenario: &Scenario, fidelity: &Fidelity) -> Option<Code> {
    let by_locale = scenario.variables.contains_key("LC_ALL");
    match fidelity {
        Fidelity::Exact | Fidelity::Unknown => None,
        Fidelity::Lossy(_) | Fidelity::Refused(_) | Fidelity::Fatal(_) if by_locale => {
            Some(Code::TextByLocale)
        }
        Fidelity::Lossy(_) => Some(Code::ValueLossy),
        Fidelity::Refused(_) => Some(Code::ValueRefused),
        Fidelity::Fatal(_) => Some(Code::ValueFatal),
    }
}

/// Whether it is a number that somebody may miss: no library that keeps others gives up one for -0.
fn is_number(value: &str) -> bool {
    value != "-0" && value.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}
