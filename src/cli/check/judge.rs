//! What the tape of a scenario means: findings.  Tapes in, findings out: no process, no clock.

mod bad_line;
mod ending;
mod logs;
mod lost;
#[cfg(test)]
mod tests;
pub mod values;

use super::finding::{Code, Finding};
use super::scenario::Scenario;
use super::tape::{Answer, Exchange, Line, LineKind, Lost, Moment, Started, Tape, shown};
use crate::config::Config;
use crate::json::{self, NotJson};
use crate::protocol::{DeliveryId, Framing, LogReason, MAX_RESULT_BYTES, Replies, ReplyBody};

/// What the settings say that a finding depends on.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Whether each message has its length.
    pub framing: Framing,
    /// The descriptor for replies.
    pub reply_fd: Option<u8>,
    /// Which lines are replies.
    pub replies: Replies,
}

impl From<&Config> for Told {
    fn from(config: &Config) -> Self {
        Self { framing: config.framing, reply_fd: config.reply_fd, replies: config.replies }
    }
}

/// The findings of one scenario, each code once.
#[must_use]
pub fn judge(scenario: &Scenario, tape: &Tape, told: Told) -> Vec<Finding> {
    let mut seen = Seen { scenario, told, findings: Vec::new(), answered: Vec::new() };
    if scenario.is_about_values() {
        seen.values(tape);
        return seen.findings;
    }
    if scenario.is_about_bad_lines() {
        seen.bad_lines(tape);
        return seen.findings;
    }
    if scenario.is_about_logs() {
        seen.logs(tape);
        return seen.findings;
    }
    for moment in &tape.moments {
        match moment {
            Moment::Started(started) => seen.started(started, tape),
            Moment::Exchange(exchange) => seen.exchange(exchange),
            Moment::BadLine(_) => (),
            Moment::Idle(Lost::Exited { how, .. }) => {
                seen.find(Code::EndsEachTime, format!("it ended between requests: {how}"));
            }
            Moment::Idle(lost) => seen.lost(lost, "with nothing to do"),
            Moment::Ending(ending) => seen.ending(ending),
            Moment::Memory { requests, before, after } => seen.memory(*requests, *before, *after),
        }
    }
    if scenario.name == "errors" && !tape.moments.is_empty() {
        seen.errors(tape);
    }
    seen.findings
}

struct Seen<'a> {
    scenario: &'a Scenario,
    told: Told,
    findings: Vec<Finding>,
    /// The requests that were answered so far.
    answered: Vec<DeliveryId>,
}

impl Seen<'_> {
    fn find(&mut self, code: Code, message: impl Into<String>) {
        if self.findings.iter().all(|finding| finding.code != code) {
            self.findings.push(Finding::new(code, self.scenario, message.into()));
        }
    }

    fn is_about_errors(&self) -> bool {
        self.scenario.name == "errors"
    }

    fn started(&mut self, started: &Started, tape: &Tape) {
        match (&started.lost, started.ready_after) {
            (Some(Lost::NotStarted(why)), _) => self.find(Code::NotStarted, why.clone()),
            (Some(Lost::Exited { how, said }), _) => {
                self.find(Code::Exited, format!("it ended before its first request: {how}{said}"));
            }
            (Some(lost), _) => self.lost(lost, "before its first request"),
            (None, None) => self.find(
                Code::NotReady,
                "it has not read the space at the beginning of its input, or has not printed its ready line, \
                 within 10 s",
            ),
            (None, Some(_)) => (),
        }
        // Where replies are tagged, nothing else can be taken for one.
        let is_tagged = tape.moments.iter().any(is_tagged);
        for line in &started.lines {
            if is_log_of_json(line) && !is_tagged {
                let message = format!(
                    "it printed {} before it was asked for anything: had it come a moment later, it would \
                     have been the reply",
                    line.shown()
                );
                self.find(Code::UnaskedJson, message);
            } else if line.kind != LineKind::Ready && !line.is_blank() {
                self.stray(line);
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        match &exchange.answer {
            Answer::Reply(reply) => {
                for line in &exchange.beside {
                    self.beside(line, exchange.id);
                }
                match &reply.body {
                    ReplyBody::Response(bytes) => self.response(exchange, bytes, reply.tagged),
                    ReplyBody::Error { error, .. } if error.verbatim.is_none() => {
                        let message = format!(
                            "an error came without the texts errorType and errorMessage; callers get {}",
                            shown(&error.to_json())
                        );
                        self.find(Code::ErrorForm, message);
                    }
                    ReplyBody::Error { .. } => (),
                }
            }
            Answer::Early => self.find(
                Code::EarlyReply,
                format!(
                    "the reply to an event of {} bytes came before all of it was read",
                    exchange.event_bytes
                ),
            ),
            Answer::AtEndOfInput => self.find(
                Code::NotFlushed,
                format!(
                    "the reply to {} came only when its input was closed, after {} s of waiting",
                    exchange.event,
                    exchange.took.as_secs()
                ),
            ),
            Answer::Silence { unfinished, untouched, said } => {
                self.silence(exchange, *unfinished, *untouched, said);
            }
            Answer::Lost(lost) => self.lost_over(exchange, lost),
        }
        for line in &exchange.behind {
            self.behind(line, exchange.id);
        }
        if matches!(exchange.answer, Answer::Reply(_)) {
            self.answered.push(exchange.id);
        }
    }

    fn response(&mut self, exchange: &Exchange, bytes: &[u8], tagged: bool) {
        if bytes.len() > MAX_RESULT_BYTES {
            let message = format!(
                "the reply to an event of {} bytes has {} bytes: callers get Function.ResponseSizeTooLarge",
                exchange.event_bytes,
                bytes.len()
            );
            self.find(Code::ReplyTooLarge, message);
        }
        let names = member_names(bytes);
        let has = |name: &str| names.iter().any(|found| found == name);
        let is_bare_error = !tagged && has("error") && !has("result") && names.len() <= 2;
        if has("errorMessage") || has("errorType") || is_bare_error {
            let message = format!(
                "to {} it answered {}, which callers get as a success",
                exchange.event,
                shown(bytes)
            );
            self.find(Code::ErrorAsResult, message);
        } else if !tagged && has("result") && names.len() <= 3 {
            let message = format!(
                "it answered {}: without the id {} callers get all of it, and not the result alone",
                shown(bytes),
                exchange.id
            );
            self.find(Code::IdLost, message);
        }
    }

    /// A line that came before the reply.
    fn beside(&mut self, line: &Line, id: DeliveryId) {
        match &line.kind {
            LineKind::Dropped(other) if *other != id => self.wrong_id(line, *other, id),
            LineKind::Log(LogReason::NotJson(NotJson::Blank))
            | LineKind::Ready
            | LineKind::Dropped(_)
            | LineKind::OutOfStep => (),
            LineKind::Log(_) => self.stray(line),
        }
    }

    /// A line that came behind the reply, or with nothing asked.
    fn behind(&mut self, line: &Line, id: DeliveryId) {
        match &line.kind {
            LineKind::OutOfStep => self.find(
                Code::SecondReply,
                format!("behind its reply it printed {}, which could be one, too", line.shown()),
            ),
            LineKind::Dropped(same) if *same == id => self.find(
                Code::SecondReply,
                format!("it answered the request {id} a second time, with {}", line.shown()),
            ),
            LineKind::Dropped(other) => self.wrong_id(line, *other, id),
            LineKind::Log(LogReason::NotJson(NotJson::Blank)) | LineKind::Ready => (),
            LineKind::Log(_) => self.stray(line),
        }
    }

    /// A line with an id that is not this request's: a late second one of an earlier request, or a wrong one.
    fn wrong_id(&mut self, line: &Line, other: DeliveryId, id: DeliveryId) {
        if self.answered.contains(&other) {
            let message =
                format!("it answered the request {other} a second time, with {}", line.shown());
            return self.find(Code::SecondReply, message);
        }
        let message =
            format!("to the request {id} it printed {}, with the id {other}", line.shown());
        self.find(Code::WrongId, message);
    }

    fn stray(&mut self, line: &Line) {
        let message = format!(
            "it printed {} on standard output: it is no reply, and goes to the log",
            line.shown()
        );
        self.find(Code::StrayText, message);
    }

    /// Whether any error was seen at all.
    fn errors(&mut self, tape: &Tape) {
        let is_error = |moment: &Moment| match moment {
            Moment::Exchange(exchange) => match &exchange.answer {
                Answer::Reply(reply) => matches!(reply.body, ReplyBody::Error { .. }),
                Answer::Early | Answer::AtEndOfInput | Answer::Silence { .. } | Answer::Lost(_) => {
                    false
                }
            },
            Moment::Started(_)
            | Moment::BadLine(_)
            | Moment::Idle(_)
            | Moment::Ending(_)
            | Moment::Memory { .. } => false,
        };
        if self.findings.is_empty() && !tape.moments.iter().any(is_error) {
            self.find(
                Code::NoErrorSeen,
                "it answered {\"fail\":…}, null, [] and a text with results: how its errors arrive was not seen",
            );
        }
    }
}

fn is_tagged(moment: &Moment) -> bool {
    match moment {
        Moment::Exchange(exchange) => matches!(exchange.answer.response(), Some((_, true))),
        Moment::Started(_)
        | Moment::BadLine(_)
        | Moment::Idle(_)
        | Moment::Ending(_)
        | Moment::Memory { .. } => false,
    }
}

fn is_log_of_json(line: &Line) -> bool {
    line.kind == LineKind::Log(LogReason::BeforeFirstDelivery) && line.is_json()
}

/// The names of a reply's members; none where it is no object.
fn member_names(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let read = json::each_member(bytes, |name, _| {
        // An event of 6 MB may come back: a handful of names is all that is asked about.
        if names.len() < 16 {
            names.push(name.to_owned());
        }
    });
    read.map(|()| names).unwrap_or_default()
}
