//! The order in which a line is judged: what one message from the handler is.
//!
//! The clauses 5.1 to 5.8 of protocol/SPEC.md, in that order; the first that fits decides.

use bytes::Bytes;

use super::error;
use super::reply::{self, Line, Members};
use super::strays::Strays;
use super::{DeliveryId, Reply, ReplyBody};
use crate::json::{self, NotJson};

/// What `LAMBDA_STDIO_REPLIES` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replies {
    /// Plain until the environment's first tagged result, tagged from then on.
    #[default]
    Auto,
    /// Tagged from the start: every other JSON line is a log line.
    Tagged,
    /// The first line is the reply, JSON or not, as a JSON string.
    Text,
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub enum Judgement {
    /// A log line.
    Log(LogReason),
    /// The handler says that it is ready.
    Ready {
        /// The protocol's version, where it says one.
        protocol: Option<u64>,
        /// What it can do beyond the plain protocol.
        features: Vec<String>,
    },
    /// The answer to the open delivery, which it closes.
    Reply(Reply),
    /// For a delivery that is no longer open: dropped, and never a reply.
    Dropped(DeliveryId),
    /// A reply that nobody asked for: handler and bridge are out of step.
    OutOfStep,
}

/// Why a message is a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogReason {
    /// It is not one JSON value, or not UTF-8, or blank.
    NotJson(NotJson),
    /// It came before the generation's first delivery.
    BeforeFirstDelivery,
    /// Replies are tagged in this environment, and this one is not.
    TaggedMode,
    /// It is indented and follows another stray line: a piece of a pretty-printed reply.
    Piece,
}

/// Judges the messages of one environment, generation after generation.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, with its own life")]
pub struct Judge {
    replies: Replies,
    /// Whether a tagged result was seen; holds over generations.
    tagged: bool,
    /// Whether this generation has printed nothing yet: only then may a BOM come first.
    fresh: bool,
    /// Whether this generation was given a delivery.
    delivered: bool,
    open: Option<DeliveryId>,
    /// Whether a log line came since the last delivery was opened.
    logged: bool,
    strays: Strays,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Judge {
    /// A judge for an environment in which nothing was said yet.
    #[must_use]
    pub fn new(replies: Replies) -> Self {
        Self {
            replies,
            tagged: replies == Replies::Tagged,
            fresh: true,
            delivered: false,
            open: None,
            logged: false,
            strays: Strays::default(),
        }
    }

    /// A new process speaks from here on.
    pub fn new_generation(&mut self) {
        self.fresh = true;
        self.delivered = false;
        self.close();
    }

    /// A delivery was given to the handler.
    pub fn open(&mut self, id: DeliveryId) {
        self.delivered = true;
        self.open = Some(id);
        self.logged = false;
        self.strays = Strays::default();
    }

    /// The open delivery, if any, is answered by something else.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Whether replies are tagged here: then nothing else can be taken for one.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        self.tagged
    }

    /// Whether a reply is awaited.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What was printed in place of a reply to the last delivery.
    #[must_use]
    pub fn strays(&self) -> &Strays {
        &self.strays
    }

    /// Judges one message, without its line end.
    pub fn judge(&mut self, message: &Bytes) -> Judgement {
        let message = self.without_byte_order_mark(message);
        let judgement = self.first_that_fits(&message);
        match &judgement {
            Judgement::Reply(reply) => {
                if reply.tagged && matches!(reply.body, ReplyBody::Response(_)) {
                    self.tagged = true;
                }
                self.open = None;
            }
            Judgement::Log(reason) => {
                self.logged = true;
                self.note_stray(&message, reason);
            }
            Judgement::Ready { .. } | Judgement::Dropped(_) | Judgement::OutOfStep => (),
        }
        judgement
    }

    fn without_byte_order_mark(&mut self, message: &Bytes) -> Bytes {
        let first = std::mem::replace(&mut self.fresh, false);
        match message.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if first => message.slice_ref(rest),
            Some(_) | None => message.clone(),
        }
    }

    fn first_that_fits(&self, message: &Bytes) -> Judgement {
        // 5.1: not exactly one JSON value in UTF-8; plain words are no JSON, and pass all the same (5.11).
        let line = match reply::parse(message) {
            Ok(line) => line,
            Err(NotJson::Syntax { .. }) if self.replies == Replies::Text => Line::of_words(message),
            Err(reason) => return Judgement::Log(LogReason::NotJson(reason)),
        };
        // 5.2: before the generation's first delivery; a fresh process cannot be out of step.
        if !self.delivered {
            return line
                .members
                .ready
                .and_then(reply::readiness)
                .map_or(Judgement::Log(LogReason::BeforeFirstDelivery), |(protocol, features)| {
                    Judgement::Ready { protocol, features }
                });
        }
        // 5.3, the answer to an open hook, is reserved.
        match line.members.id {
            Some(id) if Some(id) == self.open => {
                // 5.4: the open delivery's id and a member that answers it.
                if let Some(body) = tagged_body(message, &line.members) {
                    return Judgement::Reply(Reply { body, tagged: true });
                }
            }
            // 5.5: the id of a delivery that is not open.
            Some(id) => return Judgement::Dropped(id),
            None => (),
        }
        // 5.6: replies are tagged here, and this one is not.
        if self.tagged {
            return Judgement::Log(LogReason::TaggedMode);
        }
        // 5.7: indented, behind another log line.
        if message.first().is_some_and(|byte| json::is_space(*byte)) && self.logged {
            return Judgement::Log(LogReason::Piece);
        }
        // 5.8: the plain reply, if one is awaited.
        if self.open.is_none() {
            return Judgement::OutOfStep;
        }
        let response = match self.replies {
            Replies::Text => as_json_string(message),
            Replies::Auto | Replies::Tagged => message.slice_ref(line.value),
        };
        Judgement::Reply(Reply { body: ReplyBody::Response(response), tagged: false })
    }

    fn note_stray(&mut self, message: &[u8], reason: &LogReason) {
        if self.open.is_some() && !matches!(reason, LogReason::NotJson(NotJson::Blank)) {
            self.strays.note(message, &reason.to_string());
        }
    }
}

/// A line of plain words as a JSON string.
fn as_json_string(message: &[u8]) -> Bytes {
    let words = message.strip_suffix(b"\r").unwrap_or(message);
    let mut string = Vec::with_capacity(words.len() + 2);
    json::write_string(&mut string, &String::from_utf8_lossy(words));
    string.into()
}

/// What a tagged line answers: its error, unless null, else its result; null is a result.
fn tagged_body(message: &Bytes, members: &Members<'_>) -> Option<ReplyBody> {
    if let Some(raw) = members.error {
        let error = error::function_error(message, raw);
        return Some(ReplyBody::Error { error, fatal: members.fatal });
    }
    let raw = members.result?;
    Some(ReplyBody::Response(message.slice(json::range_in(message, raw.get()))))
}

impl std::fmt::Display for LogReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotJson(reason) => reason.fmt(formatter),
            Self::BeforeFirstDelivery => formatter.write_str("it came before the first invocation"),
            Self::TaggedMode => formatter
                .write_str("replies are tagged here, with the id of their request, and it is not"),
            Self::Piece => formatter.write_str("it is indented and follows another line"),
        }
    }
}

#[cfg(test)]
mod tests;
