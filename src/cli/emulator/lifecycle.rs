//! What a runtime may ask for when: the Runtime API's states as a pure machine, with the states and
//! the refusals of AWS's Runtime Interface Emulator.  No I/O, no clock; the desk owns events and waits.

use std::collections::VecDeque;

use super::refusal::Refusal;

/// How many superseded deliveries are remembered, so that their late answers are told from mistakes.
const REMEMBERED: usize = 1_000;

/// Where a runtime stands, in the emulator of AWS's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Started, and neither ready nor failed.
    Started,
    /// It asked for an invocation and waits.
    Ready,
    /// It has an invocation to answer.
    Running,
    /// It is sending its response.
    InvocationResponse,
    /// It is sending its error.
    InvocationErrorResponse,
    /// Its answer is whole; it has not asked for the next invocation yet.
    ResponseSent,
    /// It said that it could not start.
    InitError,
}

impl State {
    /// The name as it stands in a refusal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InvocationResponse => "InvocationResponse",
            Self::InvocationErrorResponse => "InvocationErrorResponse",
            Self::ResponseSent => "RuntimeResponseSentState",
            Self::InitError => "InitError",
        }
    }
}

/// The two ways to answer an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// `/response`.
    Response,
    /// `/error`.
    Error,
}

/// What a call of `next` is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next event, when there is one.
    Wait,
    /// The event that is running already, at once.
    Again,
}

/// One handing over of an event: the id that callers know, and the id of this delivery alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryIds {
    /// The id of the invocation; a retry may carry the same.
    pub request_id: String,
    /// Never used twice.
    pub invocation_id: String,
}

/// One runtime's life as the Runtime API sees it.
#[derive(Debug)]
pub struct Lifecycle {
    state: State,
    /// The delivery that may be answered.  It outlives its answer until `next`, so that a second answer is
    /// a wrong state (403) and not a wrong id (400).
    current: Option<DeliveryIds>,
    superseded: VecDeque<String>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { state: State::Started, current: None, superseded: VecDeque::new() }
    }
}

impl Lifecycle {
    /// Where the runtime stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The runtime asks for an invocation, which also says that it is done with the one before.
    ///
    /// # Errors
    /// While an answer is being sent, and after an init error.
    pub fn ask(&mut self) -> Result<Next, Refusal> {
        match self.state {
            State::Started | State::Ready | State::ResponseSent => {
                self.state = State::Ready;
                self.current = None;
                Ok(Next::Wait)
            }
            State::Running => Ok(Next::Again),
            State::InvocationResponse | State::InvocationErrorResponse | State::InitError => {
                Err(self.refuse(State::Ready))
            }
        }
    }

    /// An event is handed over, for the first time or again: answers to an earlier delivery are stale now.
    pub fn deliver(&mut self, delivery: DeliveryIds) {
        self.supersede();
        self.current = Some(delivery);
        self.state = State::Running;
    }

    /// The runtime begins to answer.  The ids are judged before the state.
    ///
    /// # Errors
    /// For a delivery that timed out or was superseded, an unknown request id, and a second answer.
    pub fn begin(
        &mut self,
        kind: AnswerKind,
        request_id: &str,
        invocation_id: Option<&str>,
    ) -> Result<(), Refusal> {
        if invocation_id.is_some_and(|id| self.superseded.iter().any(|old| old == id)) {
            return Err(Refusal::InvokeTimeout);
        }
        let current = self.current.as_ref().filter(|current| current.request_id == request_id);
        let current = current.ok_or(Refusal::InvalidRequestId)?;
        if invocation_id.is_some_and(|id| id != current.invocation_id) {
            return Err(Refusal::InvokeTimeout);
        }
        let to = match kind {
            AnswerKind::Response => State::InvocationResponse,
            AnswerKind::Error => State::InvocationErrorResponse,
        };
        if self.state != State::Running {
            return Err(self.refuse(to));
        }
        self.state = to;
        Ok(())
    }

    /// The answer that was begun is whole, or as whole as it will be.
    pub fn response_sent(&mut self) {
        if matches!(self.state, State::InvocationResponse | State::InvocationErrorResponse) {
            self.state = State::ResponseSent;
        }
    }

    /// The runtime says that it cannot start.
    ///
    /// # Errors
    /// Once it has asked for an invocation, and the second time.
    pub fn init_error(&mut self) -> Result<(), Refusal> {
        if self.state != State::Started {
            return Err(self.refuse(State::InitError));
        }
        self.state = State::InitError;
        Ok(())
    }

    /// The invocation timed out: whatever answers it from now on is stale.
    pub fn expire(&mut self) {
        self.supersede();
        self.current = None;
        match self.state {
            State::Running | State::InvocationResponse | State::InvocationErrorResponse => {
                self.state = State::ResponseSent;
            }
            State::Started | State::Ready | State::ResponseSent | State::InitError => (),
        }
    }

    fn supersede(&mut self) {
        if let Some(old) = self.current.take() {
            self.superseded.truncate(REMEMBERED - 1);
            self.superseded.push_front(old.invocation_id);
        }
    }

    fn refuse(&self, to: State) -> Refusal {
        Refusal::InvalidStateTransition { from: self.state, to }
    }
}

#[cfg(test)]
mod tests;
