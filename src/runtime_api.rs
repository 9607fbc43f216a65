//! Lambda's side: the Runtime API's client.  HTTP happens only here; processes and the line protocol never.

mod address;
mod chunks;
mod connection;
mod headers;
mod http;
mod incoming;
mod link;
mod post;
mod retry;
pub mod wire;

use std::collections::HashSet;
use std::io;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::invocation::{EVENT_HEADROOM, Event, Invocation, RequestId};

pub use address::{Address, AddressError};
use http::{Fields, ResponseHead};
use incoming::{Incoming, Reading};
use link::Patience;
pub use link::{Attend, Link, Nothing};
pub use post::Answer;
use retry::Retries;

/// How long the rest of an answer may take once its head came.
const REST_TIME: Duration = Duration::from_secs(30);
/// Room behind an event for its context, so that a large event's buffer is not moved.
const CONTEXT_ROOM: usize = 1024;
/// How much of an answer that is no event is read, and how much of it a log line quotes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
const QUOTED_CHARS: usize = 300;
/// How many invocations in a row may come without an id before something is wrong for good.
const NAMELESS_AT_MOST: u32 = 3;

/// Why Lambda could not be talked to, by what follows from it.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody answers: the runtime ends.
    #[error("the Runtime API at {address} does not answer: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// The last failure.
        reason: String,
    },
    /// It refuses for good: the runtime ends.
    #[error("the Runtime API answered {status} to {what}: {body}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        body: String,
    },
    /// An event came in part: the invocation is answered with an error, and the runtime goes on.
    #[error("the event was cut off on its way from Lambda: {reason}")]
    Incomplete {
        /// Whose event.
        invocation: Answer,
        /// What happened.
        reason: String,
    },
    /// Invocations without an id: they cannot be answered.
    #[error("the Runtime API sent {NAMELESS_AT_MOST} invocations in a row without a request id")]
    Nameless,
}

/// The Runtime API, over one connection.
#[derive(Debug)]
pub struct Client {
    address: Address,
    link: Link,
    incoming: Incoming,
    /// Whether Lambda ever answered: before, a refused connection is a start that is not finished.
    answered: bool,
    /// What was complained of already: once an environment.
    complained: HashSet<String>,
}

impl Client {
    /// A client for one worker.
    #[must_use]
    pub fn new(address: Address, link: Link) -> Self {
        let incoming = Incoming::new();
        Self { address, link, incoming, answered: false, complained: HashSet::new() }
    }

    /// Waits for the next invocation, however long; none if interrupted.
    ///
    /// # Errors
    /// When the runtime has to end, or an event came in part.
    pub fn next(&mut self, attended: &mut dyn Attend) -> Result<Option<Invocation>, ApiError> {
        let mut retries = Retries::new(self.answered);
        let mut nameless = 0;
        loop {
            if self.link.interrupt().raised().is_some() {
                return Ok(None);
            }
            let asked = Instant::now();
            let request = self.address.request("GET", &[wire::NEXT_PATH]).finish();
            let request: [&[u8]; 2] = [&request, b""];
            let response =
                self.ask(attended, request, Patience::Endless { asked }, false, headers::read);
            let reason = match response {
                Ok((head, invocation)) if head.status == 200 => {
                    self.answered = true;
                    if let Some(invocation) = self.invocation(attended, head, invocation)? {
                        return Ok(Some(invocation));
                    }
                    nameless += 1;
                    if nameless == NAMELESS_AT_MOST {
                        return Err(ApiError::Nameless);
                    }
                    continue;
                }
                Ok((head, _)) => {
                    let status = head.status;
                    let patience = rest_patience();
                    let body = self.text(attended, head, patience).unwrap_or_default();
                    if matches!(status, 403 | 500..) {
                        return Err(ApiError::Refused { what: "next", status, body });
                    }
                    format!("status {status}: {body}")
                }
                Err(_) if self.link.interrupt().raised().is_some() => return Ok(None),
                Err(error) => error.to_string(),
            };
            self.complain(&reason, "the next event could not be asked for");
            match retries.after_failure(asked.elapsed()) {
                Some(wait) => self.link.pause(attended, wait),
                None => return Err(self.unreachable(reason)),
            }
        }
    }

    /// Sends a request, on the connection that is open or on a new one, and waits for the head of its answer.
    fn ask<T>(
        &mut self,
        attended: &mut dyn Attend,
        request: [&[u8]; 2],
        patience: Patience,
        soon: bool,
        read: impl Fn(Fields<'_, '_>) -> T,
    ) -> io::Result<(ResponseHead, T)> {
        if !self.link.is_open() || !self.incoming.is_empty() {
            self.link.open(attended, self.address.resolve()?, patience)?;
            self.incoming.clear();
        }
        let head = self.link.write(attended, request, patience).and_then(|()| {
            let mut reading = Reading { link: &self.link, attended, patience, soon };
            self.incoming.head(&mut reading, read)
        });
        if head.is_err() {
            self.link.close();
        }
        head
    }

    /// The invocation in an answer of `next`; none if it has no id.
    fn invocation(
        &mut self,
        attended: &mut dyn Attend,
        head: ResponseHead,
        said: headers::Head,
    ) -> Result<Option<Invocation>, ApiError> {
        for complaint in said.complaints {
            self.complain(&complaint, "an invocation's header is not as it should be");
        }
        let event = self.event(attended, head);
        let Some(request_id) = said.request_id else {
            tracing::error!("an invocation came without a request id: it cannot be answered");
            return Ok(None);
        };
        let (invocation_id, deadline, context) = (said.invocation_id, said.deadline, said.context);
        match event {
            Ok(event) => {
                Ok(Some(Invocation { request_id, invocation_id, deadline, context, event }))
            }
            Err(reason) => {
                let invocation = Answer { request_id, invocation_id, deadline };
                Err(ApiError::Incomplete { invocation, reason })
            }
        }
    }

    /// Reads an event into the buffer that becomes its line.
    fn event(&mut self, attended: &mut dyn Attend, head: ResponseHead) -> Result<Event, String> {
        let announced = match head.body {
            http::BodyEnd::Length(length) => length.min(wire::MAX_PAYLOAD_BYTES),
            http::BodyEnd::Chunks | http::BodyEnd::Close => 0,
        };
        let mut buffer = Vec::with_capacity(EVENT_HEADROOM + announced + CONTEXT_ROOM);
        buffer.resize(EVENT_HEADROOM, 0);
        let patience = rest_patience();
        self.body(attended, head, patience, wire::MAX_PAYLOAD_BYTES, &mut buffer).map_err(
            |error| match buffer.len() - EVENT_HEADROOM {
                0 => error.to_string(),
                came => format!("{error}, after {came} bytes"),
            },
        )?;
        Ok(Event::from_buffer(buffer))
    }

    /// The beginning of an answer's text, for a log line.
    fn text(
        &mut self,
        attended: &mut dyn Attend,
        head: ResponseHead,
        patience: Patience,
    ) -> io::Result<String> {
        let mut text = Vec::new();
        self.body(attended, head, patience, MAX_TEXT_BYTES, &mut text)?;
        Ok(String::from_utf8_lossy(&text).trim().chars().take(QUOTED_CHARS).collect())
    }

    /// The body behind a head; the connection serves again if it was read to its end, and may.
    fn body(
        &mut self,
        attended: &mut dyn Attend,
        head: ResponseHead,
        patience: Patience,
        limit: usize,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut reading = Reading { link: &self.link, attended, patience, soon: false };
        let read = self.incoming.body(&mut reading, head.body, limit, body);
        if read.is_err() || !head.keeps_alive {
            self.link.close();
        }
        read
    }

    /// Says once what is wrong on Lambda's side, and goes on.
    fn complain(&mut self, reason: &str, what: &'static str) {
        if self.complained.len() < 100 && self.complained.insert(reason.to_owned()) {
            tracing::warn!(reason, "{what}");
        }
    }

    fn unreachable(&self, reason: String) -> ApiError {
        ApiError::Unreachable { address: self.address.to_string(), reason }
    }
}

impl From<&Invocation> for Answer {
    fn from(invocation: &Invocation) -> Self {
        Self {
            request_id: invocation.request_id.clone(),
            invocation_id: invocation.invocation_id.clone(),
            deadline: invocation.deadline,
        }
    }
}

/// What the worker needs of an id to answer it.
impl Answer {
    /// The time until the deadline: nothing once it has passed, and none where there is none.
    #[must_use]
    pub fn time_left(&self, now: SystemTime) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.remaining(now).unwrap_or_default())
    }

    /// The invocation's id.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }
}

fn rest_patience() -> Patience {
    Patience::Until(Instant::now() + REST_TIME)
}

#[cfg(any(feature = "fuzzing", all(test, feature = "cli")))]
pub(crate) mod fuzzing;
