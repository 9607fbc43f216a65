//! What was seen while a scenario was played: values, in their order, for the judge.

use std::time::Duration;

use bytes::Bytes;

use crate::json;
use crate::protocol::{DeliveryId, FrameError, LogReason, Reply};

/// How much of a line is told.
const SHOWN_CHARS: usize = 120;

/// One scenario's.
#[derive(Debug, Default)]
pub struct Tape {
    /// What happened, in order.
    pub moments: Vec<Moment>,
}

impl Tape {
    /// The requests and what came of them.
    #[must_use]
    pub fn exchanges(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        self.moments.iter().filter_map(|moment| match moment {
            Moment::Exchange(exchange) => Some(exchange),
            Moment::Started(_)
            | Moment::BadLine(_)
            | Moment::Idle(_)
            | Moment::Ending(_)
            | Moment::Memory { .. } => None,
        })
    }
}

/// One thing that happened.
#[derive(Debug)]
pub enum Moment {
    /// A handler was started, and became ready or not.
    Started(Started),
    /// A request was sent.
    Exchange(Exchange),
    /// A line was sent that is no request.
    BadLine(BadLine),
    /// The handler was lost with nothing to do.
    Idle(Lost),
    /// It was to end.
    Ending(Ending),
    /// So many requests after another, and what it held in memory before and after, in bytes.
    Memory {
        /// How many requests.
        requests: u32,
        /// What it held a quarter on the way.
        before: u64,
        /// What it held at the end.
        after: u64,
    },
}

/// A handler's start.
#[derive(Debug)]
pub struct Started {
    /// How long it took to be ready; none if it was not.
    pub ready_after: Option<Duration>,
    /// What it printed before its first request.
    pub lines: Vec<Line>,
    /// Why there is no handler.
    pub lost: Option<Lost>,
}

/// One request and what came of it.
#[derive(Debug)]
pub struct Exchange {
    /// The delivery.
    pub id: DeliveryId,
    /// The event's length.
    pub event_bytes: usize,
    /// The event's beginning.
    pub event: String,
    /// The value that was sent, to be looked for in the reply.
    pub value: Option<String>,
    /// What came of it.
    pub answer: Answer,
    /// What was printed before the reply, or in its place.
    pub beside: Vec<Line>,
    /// What was printed behind it, before the next request.
    pub behind: Vec<Line>,
    /// How long it took.
    pub took: Duration,
    /// How late its logs were read, where they were.
    pub logs_after: Option<Duration>,
    /// How many bytes it logged meanwhile, as far as they were read.
    pub logged: u64,
}

/// A line that is no request, and what came of it.
#[derive(Debug)]
pub struct BadLine {
    /// The id of the delivery that a reply to it would be taken for.
    pub id: DeliveryId,
    /// What it is, with its beginning.
    pub line: String,
    /// Whether there is nothing on it.
    pub is_empty: bool,
    /// What came of it.
    pub answer: Answer,
    /// What was printed before the answer, or in its place.
    pub beside: Vec<Line>,
    /// What was printed behind it, before the next request.
    pub behind: Vec<Line>,
    /// Whether the handler said anything about it in its logs.
    pub is_logged: bool,
}

/// What came of a request.
#[derive(Debug)]
pub enum Answer {
    /// A reply, and whether its line ended in a carriage return or began with a byte order mark.
    Reply(Reply),
    /// A plain reply, before the request was read to its end.
    Early,
    /// The reply, but only once the input was closed.
    AtEndOfInput,
    /// Nothing, for as long as was waited.
    Silence {
        /// The bytes that came without the end of a message.
        unfinished: usize,
        /// Whether the handler did not read one byte of the request.
        untouched: bool,
        /// What it last wrote to its logs.
        said: String,
    },
    /// The handler was lost over it.
    Lost(Lost),
}

/// How a handler was lost.
#[derive(Debug)]
pub enum Lost {
    /// It could not be started.
    NotStarted(String),
    /// Its process ended.
    Exited {
        /// Its status or signal.
        how: String,
        /// What it last wrote.
        said: String,
    },
    /// It closed where its replies come from, and lives.
    ClosedOutput,
    /// It closed its input, and lives.
    ClosedInput,
    /// Its output can no longer be told into messages.
    Broken(FrameError),
}

/// What a handler was to end for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its input was closed.
    Input,
    /// It was sent SIGTERM.
    Signal,
    /// Its output was closed, and it was sent a request.
    Output,
}

/// The end of a handler that was to end.
#[derive(Debug)]
pub struct Ending {
    /// What for.
    pub by: By,
    /// Its status or signal; none if it went on.
    pub how: Option<String>,
    /// What it printed after its input was closed.
    pub lines: Vec<Line>,
    /// How many processes outlived it.
    pub left: usize,
}

/// A line that was no reply.
#[derive(Debug)]
pub struct Line {
    /// Its bytes.
    pub bytes: Bytes,
    /// What the bridge takes it for.
    pub kind: LineKind,
}

/// What the bridge takes a line for that is no reply.
#[derive(Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A log line.
    Log(LogReason),
    /// The ready line.
    Ready,
    /// A reply to another delivery.
    Dropped(DeliveryId),
    /// A reply that nobody asked for.
    OutOfStep,
}

impl Line {
    /// Whether it is nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        json::is_blank(&self.bytes)
    }

    /// Whether it is one JSON value, which could be a reply.
    #[must_use]
    pub fn is_json(&self) -> bool {
        json::one_value(&self.bytes).is_ok()
    }

    /// Its beginning.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.bytes)
    }
}

/// The beginning of some bytes: what has quotes and nothing that cannot be seen as it is, and all else in
/// quotes.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let head = bytes.get(..SHOWN_CHARS).unwrap_or(bytes);
    let more = if head.len() < bytes.len() { "…" } else { "" };
    let text = String::from_utf8_lossy(head);
    let is_seen = text.contains('"') && text.trim() == text && !text.contains(char::is_control);
    if is_seen { format!("{text}{more}") } else { format!("{text:?}{more}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_shown_as_it_is_and_what_cannot_be_seen_in_quotes() {
        for (bytes, expected) in [
            (&b"{\"a\":\"b\"}"[..], "{\"a\":\"b\"}"),
            (b"hello", "\"hello\""),
            (b"{\"a\":1}\r", "\"{\\\"a\\\":1}\\r\""),
            (b" \"a\"", "\" \\\"a\\\"\""),
            (b"\xff", "\"\u{fffd}\""),
            (b"", "\"\""),
        ] {
            assert_eq!(shown(bytes), expected);
        }
        assert_eq!(shown(&[b'x'; 121]), format!("\"{}\"…", "x".repeat(120)));
    }
}
