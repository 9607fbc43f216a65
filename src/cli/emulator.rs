//! Lambda's side on the developer's machine: starts environments of a function, carries events to
//! them through a real Runtime API, and replaces them when they fail.
//!
//! This is the front door that commands use; it holds for any runtime, not only for the bridge.  What it
//! prints is its callers' business: logs go to a sink, and everything else is in the values returned.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use tokio::time::Instant;

pub mod api;
pub mod cgroup;
pub mod desk;
pub mod environment;
pub mod guard;
pub mod ids;
pub mod launch;
pub mod lifecycle;
pub mod logs;
pub mod meter;
pub mod outcome;
pub mod patience;
pub mod process;
pub mod refusal;
pub mod server;
pub mod tree;
pub mod variables;

pub use desk::{Answer, ErrorReport, FunctionResponse, StreamError};
pub use environment::Init;
pub use launch::Program;
pub use logs::LogSink;
pub use meter::Counted;
pub use outcome::{Completed, Outcome};

use crate::clock::Utc;
use desk::Delivery;
use environment::{Environment, Then};
use variables::Variables;

/// How long an init may take before it is begun again inside the first invocation, as in Lambda.
pub const INIT_TIME: Duration = Duration::from_secs(10);

/// What is emulated: a function and the program that runs it.
#[derive(Debug, Clone)]
pub struct Function {
    /// The function's name.
    pub name: String,
    /// The handler setting.
    pub handler: OsString,
    /// Where its code is: the runtime's working directory.
    pub task_root: PathBuf,
    /// The memory setting, in megabytes.
    pub memory_mb: u32,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// The runtime.
    pub runtime: Program,
    /// Our own executable, which becomes the runtime's launcher.
    pub companion: PathBuf,
    /// The function's own variables; they override Lambda's.
    pub variables: Variables,
    /// Where the bridge is to write every line both ways.
    pub wire_tap: Option<PathBuf>,
    /// Whose memory is counted.
    pub counted: Counted,
}

/// One event to be carried.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The invocation's id.
    pub request_id: String,
    /// The event's bytes.
    pub event: Bytes,
    /// The caller's client context, JSON.
    pub client_context: Option<String>,
    /// The caller's Cognito identity, JSON.
    pub cognito_identity: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
}

impl Submission {
    /// An event under a new id.
    #[must_use]
    pub fn new(event: Bytes) -> Self {
        Self {
            request_id: ids::uuid(),
            event,
            client_context: None,
            cognito_identity: None,
            tenant_id: None,
        }
    }
}

/// A function with at most one environment: one invocation at a time.
pub struct Emulator {
    function: Function,
    sink: LogSink,
    environment: Option<Environment>,
    init: Option<Duration>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("function", &self.function).finish_non_exhaustive()
    }
}

impl Emulator {
    /// An emulator without an environment yet.
    #[must_use]
    pub fn new(function: Function, sink: LogSink) -> Self {
        Self { function, sink, environment: None, init: None }
    }

    /// Starts an environment ahead of the first event.  One that does not make it in 10 s is killed, and
    /// started again within the next invocation's time: what Lambda calls a suppressed init.
    pub async fn start(&mut self) -> Init {
        let init = self.initialize(Instant::now() + INIT_TIME).await;
        if let Init::Done(duration) = &init {
            self.init = Some(*duration);
        }
        init
    }

    /// Carries one event.  Ends with the function's timeout at the latest, and a little for cleaning up.
    ///
    /// Not cancel safe: after a dropped invocation the emulator is only to be shut down.
    pub async fn invoke(&mut self, submission: Submission) -> Completed {
        let begun = Instant::now();
        let until = begun + self.function.timeout;
        let delivery = self.delivery(&submission);
        let init = self.init.take();
        let id = submission.request_id;
        // One that ended while it rested is no reason to fail this event.
        if self.environment.as_mut().is_some_and(Environment::has_ended) {
            self.discard().await;
        }
        if self.environment.is_none() {
            match self.initialize(until).await {
                Init::Done(_) => (),
                Init::Overran => {
                    return without_environment(id.clone(), self.timed_out(&id), begun);
                }
                Init::Failed(report) => {
                    return without_environment(id, Outcome::InitFailed(report), begun);
                }
            }
        }
        let Some(environment) = &mut self.environment else {
            unreachable!("an init that is done leaves an environment")
        };
        let invoked = environment.invoke(delivery, until).await;
        let duration = begun.elapsed();
        let (peak_bytes, memory_enforced) = (environment.peak_bytes(), environment.is_limited());
        let failure = match invoked.then {
            Then::Ready => None,
            Then::Exited(status) => {
                Some(Outcome::RuntimeExited(environment::exit_error(Some(&id), status)))
            }
            Then::TimedOut => Some(self.timed_out(&id)),
        };
        if failure.is_some() {
            self.discard().await;
        }
        let (outcome, aftermath) = match (invoked.answer, failure) {
            (Some(Answer::Response(response)), failure) => (Outcome::Response(response), failure),
            (Some(Answer::Error(report)), failure) => (Outcome::FunctionError(report), failure),
            (None, Some(failure)) => (failure, None),
            (None, None) => unreachable!("an environment is ready only after an answer"),
        };
        Completed {
            request_id: id,
            outcome,
            duration,
            init,
            peak_bytes,
            memory_enforced,
            aftermath,
        }
    }

    /// Stops everything: the runtime is asked to end, and killed with all that it started after 500 ms.
    pub async fn shutdown(mut self) {
        if let Some(environment) = self.environment.take() {
            environment.stop().await;
        }
    }

    async fn initialize(&mut self, until: Instant) -> Init {
        let started = Environment::start(&self.function, Arc::clone(&self.sink)).await;
        // Kept while it starts, so that whoever drops this wait can still shut it down.
        let environment = match started {
            Ok(environment) => self.environment.insert(environment),
            Err(error) => return Init::Failed(not_started(&error.to_string())),
        };
        let init = environment.init(until).await;
        if !matches!(init, Init::Done(_)) {
            self.discard().await;
        }
        init
    }

    async fn discard(&mut self) {
        if let Some(environment) = self.environment.take() {
            environment.kill().await;
        }
    }

    fn delivery(&self, submission: &Submission) -> Delivery {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = now + self.function.timeout;
        Delivery {
            request_id: submission.request_id.clone(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            function_arn: format!(
                "arn:aws:lambda:us-east-1:012345678912:function:{}",
                self.function.name
            ),
            trace_id: Some(ids::trace_header()),
            client_context: submission.client_context.clone(),
            cognito_identity: submission.cognito_identity.clone(),
            tenant_id: submission.tenant_id.clone(),
            event: submission.event.clone(),
        }
    }

    fn timed_out(&self, request_id: &str) -> Outcome {
        let now = Utc::of(SystemTime::now()).iso();
        let seconds = self.function.timeout.as_secs_f64();
        let message = format!("{now} {request_id} Task timed out after {seconds:.2} seconds");
        let body = serde_json::json!({ "errorMessage": message }).to_string();
        let error_type = "Sandbox.Timedout".to_owned();
        Outcome::TimedOut(ErrorReport { error_type, body: Bytes::from(body) })
    }
}

fn without_environment(request_id: String, outcome: Outcome, begun: Instant) -> Completed {
    Completed {
        request_id,
        outcome,
        duration: begun.elapsed(),
        init: None,
        peak_bytes: 0,
        memory_enforced: false,
        aftermath: None,
    }
}

fn not_started(reason: &str) -> ErrorReport {
    let message = format!("no environment could be started: {reason}");
    ErrorReport::of("Runtime.InvalidEntrypoint", &message)
}
