//! Where the two sides of the emulator meet: the runtime's requests come in through the Runtime API,
//! the front door's invocations from behind.  Owns the lifecycle and the waits; knows no HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::Notify;

use super::ids;
use super::lifecycle::{AnswerKind, DeliveryIds, Lifecycle, Next, State};
use super::refusal::Refusal;

/// An event on its way to the runtime, with all that its headers say but the delivery's own id.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The invocation's id.
    pub request_id: String,
    /// When the function times out, in milliseconds since the epoch.
    pub deadline_ms: u64,
    /// The function's ARN.
    pub function_arn: String,
    /// The X-Ray tracing header.
    pub trace_id: Option<String>,
    /// The caller's client context, JSON.
    pub client_context: Option<String>,
    /// The caller's Cognito identity, JSON.
    pub cognito_identity: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The event's bytes.
    pub event: Bytes,
}

/// What the runtime said to an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The function's response.
    Response(FunctionResponse),
    /// The function's error, or one that the emulator made as Lambda does.
    Error(ErrorReport),
}

/// A response as the caller receives it: collected, even if it was streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionResponse {
    /// The exact bytes.
    pub body: Bytes,
    /// The content type, where the runtime gave one.
    pub content_type: Option<String>,
    /// Whether it was sent in streaming mode.
    pub streamed: bool,
    /// What the trailers of a stream that broke off said.
    pub stream_error: Option<StreamError>,
}

/// The trailers of a streamed response that failed half-way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamError {
    /// The error's type.
    pub error_type: String,
    /// The error's JSON, in base64 as it was sent.
    pub body_base64: String,
}

/// An error of the function or of its init.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    /// The type for logs and metrics, as Lambda takes it from the header.
    pub error_type: String,
    /// What the caller receives: the runtime's bytes.
    pub body: Bytes,
}

impl ErrorReport {
    /// An error that the platform itself says: the type before the message, as its callers read it.
    #[must_use]
    pub fn of(error_type: &str, message: &str) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Said<'a> {
            error_type: &'a str,
            error_message: &'a str,
        }
        let said = serde_json::to_vec(&Said { error_type, error_message: message });
        let body = said.expect("two strings are always JSON");
        Self { error_type: error_type.to_owned(), body: Bytes::from(body) }
    }
}

/// The meeting place of one runtime and one front door.
#[derive(Debug, Default)]
pub struct Desk {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    lifecycle: Lifecycle,
    waiting: Option<Arc<Delivery>>,
    running: Option<Arc<Delivery>>,
    answer: Option<Answer>,
    init_error: Option<ErrorReport>,
    connections: usize,
}

impl Desk {
    // The runtime's side.

    /// Waits for an event.  The answer is the event and the id of this delivery.
    ///
    /// Cancel safe: a runtime that hangs up while it waits takes no event with it.
    ///
    /// # Errors
    /// Where the lifecycle forbids to ask.
    pub async fn next(&self) -> Result<(Arc<Delivery>, String), Refusal> {
        let first = self.lock().lifecycle.ask()?;
        self.changed.notify_waiters();
        let delivered = self.when(|inner| {
            let delivery = match first {
                // A second waiter beside this one may have taken the event: this one goes on waiting.
                Next::Wait if inner.lifecycle.state() == State::Ready => inner.waiting.take()?,
                Next::Again => inner.running.clone()?,
                Next::Wait => return None,
            };
            let invocation_id = ids::uuid();
            inner.lifecycle.deliver(DeliveryIds {
                request_id: delivery.request_id.clone(),
                invocation_id: invocation_id.clone(),
            });
            inner.running = Some(Arc::clone(&delivery));
            Some((delivery, invocation_id))
        });
        Ok(delivered.await)
    }

    /// An answer begins: its head is here, its body is not.
    ///
    /// # Errors
    /// As the lifecycle judges.
    pub fn begin(
        &self,
        kind: AnswerKind,
        request_id: &str,
        invocation_id: Option<&str>,
    ) -> Result<(), Refusal> {
        self.lock().lifecycle.begin(kind, request_id, invocation_id)
    }

    /// The answer that was begun is whole.  One that was overtaken by the timeout is dropped.
    pub fn finish(&self, answer: Answer) {
        let mut inner = self.lock();
        let state = inner.lifecycle.state();
        if matches!(state, State::InvocationResponse | State::InvocationErrorResponse) {
            inner.lifecycle.response_sent();
            inner.running = None;
            inner.answer = Some(answer);
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// The runtime could not start.
    ///
    /// # Errors
    /// As the lifecycle judges.
    pub fn init_error(&self, report: ErrorReport) -> Result<(), Refusal> {
        {
            let mut inner = self.lock();
            inner.lifecycle.init_error()?;
            inner.init_error = Some(report);
        }
        self.changed.notify_waiters();
        Ok(())
    }

    /// A connection to the Runtime API was opened or has ended.
    pub fn connections(&self, change: isize) {
        {
            let mut inner = self.lock();
            inner.connections = inner.connections.saturating_add_signed(change);
        }
        self.changed.notify_waiters();
    }

    // The front door's side.

    /// Puts an event down for the runtime; what was said to an earlier one is forgotten.
    pub fn submit(&self, delivery: Delivery) {
        {
            let mut inner = self.lock();
            inner.answer = None;
            inner.waiting = Some(Arc::new(delivery));
        }
        self.changed.notify_waiters();
    }

    /// The end of init: the runtime asked for an event, or said why it never will.
    ///
    /// # Errors
    /// What the runtime said.
    pub async fn initialized(&self) -> Result<(), ErrorReport> {
        self.when(|inner| match (&inner.init_error, inner.lifecycle.state()) {
            (Some(report), _) => Some(Err(report.clone())),
            (None, State::Started) => None,
            (None, _) => Some(Ok(())),
        })
        .await
    }

    /// The answer to the event that was submitted.
    pub async fn answered(&self) -> Answer {
        self.when(|inner| inner.answer.clone()).await
    }

    /// The runtime has asked for the next event after its answer: the invocation is over.
    pub async fn released(&self) {
        self.when(|inner| (inner.lifecycle.state() == State::Ready).then_some(())).await;
    }

    /// No connection is open: a runtime that ended can have nothing more to say.
    pub async fn silent(&self) {
        self.when(|inner| (inner.connections == 0).then_some(())).await;
    }

    /// The invocation timed out or lost its runtime: late answers are stale.
    pub fn expire(&self) {
        let mut inner = self.lock();
        inner.lifecycle.expire();
        inner.waiting = None;
        inner.running = None;
    }

    /// Where the runtime stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.lock().lifecycle.state()
    }

    /// Waits until `look` finds something.  Has no end of its own: whoever waits brings the clock.
    async fn when<T>(&self, mut look: impl FnMut(&mut Inner) -> Option<T>) -> T {
        loop {
            // Enabled before looking: a change between the look and the wait would be missed otherwise.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way through a change, so a poisoned lock guards a whole value.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
