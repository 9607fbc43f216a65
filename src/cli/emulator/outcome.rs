//! What became of an event, as the front door hands it over.  Values only.

use std::time::Duration;

use hyper::body::Bytes;

use super::desk::{ErrorReport, FunctionResponse};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's response.
    Response(FunctionResponse),
    /// The function's error.
    FunctionError(ErrorReport),
    /// The runtime ended before it answered.
    RuntimeExited(ErrorReport),
    /// No answer came in time.
    TimedOut(ErrorReport),
    /// The runtime could not start.
    InitFailed(ErrorReport),
}

impl Outcome {
    /// The bytes that the caller gets.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Response(response) => &response.body,
            Self::FunctionError(report)
            | Self::RuntimeExited(report)
            | Self::TimedOut(report)
            | Self::InitFailed(report) => &report.body,
        }
    }
}

/// An event's outcome and what it took.
#[derive(Debug, Clone)]
pub struct Completed {
    /// The invocation's id.
    pub request_id: String,
    /// What the caller gets.
    pub outcome: Outcome,
    /// From the hand-over until the runtime was done with it: answered and asking for the next.
    pub duration: Duration,
    /// How long the environment's init took, at its first invocation.
    pub init: Option<Duration>,
    /// The most memory the environment had in use so far, in bytes.
    pub peak_bytes: u64,
    /// Whether the memory setting was enforced.
    pub memory_enforced: bool,
    /// What went wrong behind an answer that the caller has already: the runtime ended, or ran on.
    pub aftermath: Option<Outcome>,
}
