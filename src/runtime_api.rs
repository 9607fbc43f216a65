//! Lambda's side: the Runtime API's client.  HTTP happens only here; processes and the line protocol never.

mod address;
mod headers;
mod post;
mod retry;
mod transport;
pub mod wire;

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ureq::http::Response;
use ureq::{Agent, Body};

use crate::invocation::{EVENT_HEADROOM, Event, Invocation, RequestId};

pub use address::{Address, AddressError};
pub use post::Answer;
use retry::Patience;
pub use transport::{Attend, Link, Nothing};
use transport::{DirectResolver, LinkConnector};

/// How long the rest of an event may take once its first byte came.
const BODY_TIME: Duration = Duration::from_secs(30);
/// One token: Lambda takes the first word as the runtime's name and version.
const USER_AGENT: &str = concat!("lambda-stdio/", env!("CARGO_PKG_VERSION"));
/// Room behind an event for its context, so that a large event's buffer is not moved.
const CONTEXT_ROOM: usize = 1024;
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
    agent: Agent,
    address: Address,
    link: Arc<Link>,
    /// Whether Lambda ever answered: before, a refused connection is a start that is not finished.
    answered: bool,
    /// What was complained of already: once an environment.
    complained: HashSet<String>,
}

impl Client {
    /// A client for one worker.
    #[must_use]
    pub fn new(address: Address, link: Arc<Link>) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_recv_body(Some(BODY_TIME))
            .max_idle_age(Duration::from_secs(u64::from(u32::MAX)))
            .user_agent(USER_AGENT)
            .accept("")
            .build();
        let connector = LinkConnector(link.clone());
        let agent = Agent::with_parts(config, connector, DirectResolver);
        Self { agent, address, link, answered: false, complained: HashSet::new() }
    }

    /// Waits for the next invocation, however long; none if interrupted.
    ///
    /// # Errors
    /// When the runtime has to end, or an event came in part.
    #[expect(clippy::should_implement_trait, reason = "it is Lambda's word for it")]
    pub fn next(&mut self) -> Result<Option<Invocation>, ApiError> {
        let mut patience = Patience::new(self.answered);
        let mut nameless = 0;
        loop {
            if self.link.interrupt().raised().is_some() {
                return Ok(None);
            }
            let asked = Instant::now();
            self.link.set_interruptible(true);
            let response = self.agent.get(self.address.url(wire::NEXT_PATH)).call();
            self.link.set_interruptible(false);
            let reason = match response {
                Ok(response) => match response.status().as_u16() {
                    200 => {
                        self.answered = true;
                        if let Some(invocation) = self.invocation(response)? {
                            return Ok(Some(invocation));
                        }
                        nameless += 1;
                        if nameless == NAMELESS_AT_MOST {
                            return Err(ApiError::Nameless);
                        }
                        continue;
                    }
                    status @ (403 | 500..) => {
                        return Err(ApiError::Refused {
                            what: "next",
                            status,
                            body: text(response),
                        });
                    }
                    status => format!("status {status}: {}", text(response)),
                },
                Err(_) if self.link.interrupt().raised().is_some() => return Ok(None),
                Err(error) => error.to_string(),
            };
            self.complain(&reason, "the next event could not be asked for");
            match patience.after_failure(asked.elapsed()) {
                Some(wait) => self.link.pause(wait),
                None => return Err(self.unreachable(reason)),
            }
        }
    }

    /// The invocation in an answer of `next`; none if it has no id.
    fn invocation(&mut self, response: Response<Body>) -> Result<Option<Invocation>, ApiError> {
        let (parts, body) = response.into_parts();
        let head = headers::read(&parts.headers);
        for complaint in head.complaints {
            self.complain(&complaint, "an invocation's header is not as it should be");
        }
        let event = read_event(body);
        let Some(request_id) = head.request_id else {
            tracing::error!("an invocation came without a request id: it cannot be answered");
            return Ok(None);
        };
        match event {
            Ok(event) => Ok(Some(Invocation {
                request_id,
                invocation_id: head.invocation_id,
                deadline: head.deadline,
                context: head.context,
                event,
            })),
            Err(reason) => {
                let invocation = Answer {
                    request_id,
                    invocation_id: head.invocation_id,
                    deadline: head.deadline,
                };
                Err(ApiError::Incomplete { invocation, reason })
            }
        }
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

/// Reads an event into the buffer that becomes its line.
fn read_event(body: Body) -> Result<Event, String> {
    let announced = body.content_length().and_then(|length| usize::try_from(length).ok());
    let expected = announced.unwrap_or_default().min(wire::MAX_PAYLOAD_BYTES);
    let mut buffer = Vec::with_capacity(EVENT_HEADROOM + expected + CONTEXT_ROOM);
    buffer.resize(EVENT_HEADROOM, 0);
    let limit = wire::MAX_PAYLOAD_BYTES as u64 + 1;
    body.into_reader()
        .take(limit)
        .read_to_end(&mut buffer)
        .map_err(|error| format!("{error}, after {} bytes", buffer.len() - EVENT_HEADROOM))?;
    if buffer.len() - EVENT_HEADROOM > wire::MAX_PAYLOAD_BYTES {
        return Err(format!("it is more than {} bytes", wire::MAX_PAYLOAD_BYTES));
    }
    Ok(Event::from_buffer(buffer))
}

/// The beginning of an answer's text, for a log line; reading to its end frees the connection.
fn text(response: Response<Body>) -> String {
    let body = response.into_body().into_with_config().limit(64 * 1024).lossy_utf8(true);
    let text = body.read_to_string().unwrap_or_default();
    text.trim().chars().take(300).collect()
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
