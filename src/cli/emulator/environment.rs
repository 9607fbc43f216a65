//! One execution environment: a Runtime API of its own and the runtime that speaks to it, through init,
//! one invocation after another, and the end.  Every wait here ends with an answer, a dead runtime or a clock.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{self, Instant};

use super::desk::{Answer, Delivery, ErrorReport};
use super::logs::LogSink;
use super::meter::Meter;
use super::process::{self, RuntimeProcess};
use super::server::RuntimeApi;
use super::{Function, ids, variables};
use crate::clock::Utc;

/// How long what a dead runtime sent may take to arrive: it lies in buffers of this machine.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a runtime that told its init error may take to end by itself.
const AFTER_INIT_ERROR: Duration = Duration::from_millis(500);

/// A running environment.
#[derive(Debug)]
pub struct Environment {
    api: RuntimeApi,
    process: RuntimeProcess,
    meter: Meter,
    started: Instant,
}

/// How an init ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Init {
    /// The runtime asked for an event after so long.
    Done(Duration),
    /// It did not in the time allowed.
    Overran,
    /// It said why it cannot, or ended.
    Failed(ErrorReport),
}

/// How an invocation ended, and with it perhaps the environment.
#[derive(Debug)]
pub struct Invoked {
    /// The answer, if one came.
    pub answer: Option<Answer>,
    /// What the environment is from now on.
    pub then: Then,
}

/// What an environment is after an invocation.
#[derive(Debug)]
pub enum Then {
    /// Good for the next one: the runtime has asked for it.
    Ready,
    /// Without its runtime.
    Exited(ExitStatus),
    /// Out of time, and not to be used any more.
    TimedOut,
}

enum Seen<T> {
    Goal(T),
    Exited(ExitStatus),
    Elapsed,
}

impl Environment {
    /// Starts an environment of a function.
    ///
    /// # Errors
    /// Where this machine has no port or no process for it.
    pub async fn start(function: &Function, sink: LogSink) -> io::Result<Self> {
        let started = Instant::now();
        let api = RuntimeApi::bind().await?;
        let log_stream =
            format!("{}/[$LATEST]{}", Utc::of(SystemTime::now()).slashed(), ids::hex_32());
        let variables = variables::of(function, api.address(), &log_stream);
        let process = RuntimeProcess::spawn(function, variables, sink)?;
        Ok(Self { api, process, meter: Meter::new(function.counted), started })
    }

    /// Waits for the end of init.
    pub async fn init(&mut self, until: Instant) -> Init {
        let desk = Arc::clone(self.api.desk());
        let init = match self.watch(desk.initialized(), until).await {
            Seen::Goal(Ok(())) => Init::Done(self.started.elapsed()),
            Seen::Goal(Err(report)) => {
                // It is about to end; what it still prints belongs to the story.
                drop(time::timeout(AFTER_INIT_ERROR, self.process.wait()).await);
                Init::Failed(report)
            }
            Seen::Exited(status) => Init::Failed(exit_error(None, status)),
            Seen::Elapsed => Init::Overran,
        };
        self.meter.sample(self.process.id());
        self.process.drain_logs().await;
        init
    }

    /// Carries one event to the runtime and waits until the runtime is done with it.
    ///
    /// Not cancel safe: a dropped invocation leaves the runtime at work, and the environment is only to be
    /// stopped.
    pub async fn invoke(&mut self, delivery: Delivery, until: Instant) -> Invoked {
        let desk = Arc::clone(self.api.desk());
        self.meter.be_quick();
        desk.submit(delivery);
        let (answer, then) = match self.watch(desk.answered(), until).await {
            Seen::Goal(answer) => {
                self.meter.sample(self.process.id());
                (Some(answer), self.watch(desk.released(), until).await)
            }
            Seen::Exited(status) => (None, Seen::Exited(status)),
            Seen::Elapsed => (None, Seen::Elapsed),
        };
        let then = match then {
            Seen::Goal(()) => Then::Ready,
            Seen::Exited(status) => Then::Exited(status),
            Seen::Elapsed => Then::TimedOut,
        };
        if !matches!(then, Then::Ready) {
            desk.expire();
            self.meter.sample(self.process.id());
        }
        self.process.drain_logs().await;
        Invoked { answer, then }
    }

    /// Whether the runtime has ended meanwhile.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// The most memory that was in use so far, in bytes.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.meter.peak_bytes()
    }

    /// Whether the memory is really limited.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.process.is_limited()
    }

    /// Lets the runtime end, then kills what is left.
    pub async fn stop(self) {
        self.process.stop().await;
    }

    /// Kills the runtime and all that it started.
    pub async fn kill(self) {
        self.process.kill().await;
    }

    /// Waits for a goal while the runtime lives and there is time; looks at its memory meanwhile.
    async fn watch<T>(&mut self, goal: impl Future<Output = T>, until: Instant) -> Seen<T> {
        let mut goal = std::pin::pin!(goal);
        let status = loop {
            let pause = self.meter.next_pause();
            tokio::select! {
                // In this order: what was said counts, even if the runtime is gone or the time is up.
                biased;
                reached = &mut goal => return Seen::Goal(reached),
                status = self.process.wait() => break status,
                () = time::sleep_until(until) => return Seen::Elapsed,
                () = time::sleep(pause) => self.meter.sample(self.process.id()),
            }
        };
        // Its last words may still lie in its connections: they are read before it counts as silent.
        let silent = time::timeout(LAST_WORDS, self.api.desk().silent());
        tokio::select! {
            biased;
            reached = &mut goal => return Seen::Goal(reached),
            _ = silent => (),
        }
        tokio::select! {
            biased;
            reached = &mut goal => Seen::Goal(reached),
            () = std::future::ready(()) => Seen::Exited(status),
        }
    }
}

/// The error of a runtime that ended, as Lambda's callers read it.
#[must_use]
pub fn exit_error(request_id: Option<&str>, status: ExitStatus) -> ErrorReport {
    let words = process::describe(status);
    let message = match request_id {
        Some(id) => format!("RequestId: {id} Error: {words}"),
        None => format!("Error: {words}"),
    };
    ErrorReport::of("Runtime.ExitError", &message)
}
