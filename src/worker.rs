//! One invocation after another: the loop everything else serves.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::handler::Fault;
use crate::interrupt::Interrupt;
use crate::invocation::FunctionError;
use crate::runtime_api::{Answer, ApiError, Attend, Client};
use crate::supervisor::Supervisor;
use crate::verdict::{Report, verdict};

/// How long the next event is held off for a handler that is not ready: of Lambda's 10 s for an init.
const READY_PATIENCE: Duration = Duration::from_secs(9);

/// Why the runtime ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The handler cannot be started, or nothing comes of starting it.
    #[error("the handler cannot serve: {}", .0.without_quotes())]
    Handler(Fault),
    /// Lambda cannot be talked to.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// One Runtime API connection, one handler, one thread.
#[derive(Debug)]
pub struct Worker {
    runtime: Rc<Runtime>,
    client: Client,
    supervisor: Supervisor,
    interrupt: Interrupt,
}

impl Worker {
    /// A worker whose handler is not started yet.
    #[must_use]
    pub fn new(
        runtime: Rc<Runtime>,
        client: Client,
        supervisor: Supervisor,
        interrupt: Interrupt,
    ) -> Self {
        Self { runtime, client, supervisor, interrupt }
    }

    /// Serves until a signal, or until something is broken for good; then ends the handler.
    ///
    /// # Errors
    /// When the handler or Lambda gave cause to end.
    pub fn run(mut self) -> Result<(), Stop> {
        let served = self.serve();
        self.runtime.block_on(self.supervisor.stop());
        served
    }

    fn serve(&mut self) -> Result<(), Stop> {
        self.initialize()?;
        while let Some(invocation) = self.next()? {
            let received = Instant::now();
            let answer = Answer::from(&invocation);
            let outcome = self.runtime.block_on(self.supervisor.exchange(invocation, received));
            let (report, fate) = verdict(outcome);
            self.supervisor.settle(fate);
            self.report(&answer, &report)?;
            self.come_to_rest(&answer)?;
        }
        self.given_up()
    }

    /// Init: the handler is started and becomes ready before the first event is asked for.
    fn initialize(&mut self) -> Result<(), Stop> {
        let until = Instant::now() + READY_PATIENCE;
        let supervisor = &mut self.supervisor;
        self.runtime.block_on(async {
            tokio::select! {
                // Late is no failure: the next event is asked for all the same, before Lambda's own limit.
                ready = supervisor.until_ready(until) => drop(ready),
                _ = self.interrupt.wait() => (),
            }
        });
        self.given_up()
    }

    /// Waits for the next invocation; none if the runtime is to end.
    fn next(&mut self) -> Result<Option<crate::invocation::Invocation>, Stop> {
        loop {
            match self.client.next(&mut self.supervisor) {
                Err(ApiError::Incomplete { invocation, reason }) => {
                    let error = FunctionError::new(
                        "Runtime.TruncatedEvent",
                        format!("the event was cut off on its way from Lambda: {reason}"),
                    );
                    self.report(&invocation, &Report::Error(error))?;
                }
                next => return Ok(next?),
            }
        }
    }

    fn report(&mut self, answer: &Answer, report: &Report) -> Result<(), Stop> {
        match report {
            Report::Response(response) => {
                self.client.report_response(&mut self.supervisor, answer, response)?;
            }
            Report::Error(error) => {
                tracing::error!(
                    request_id = answer.request_id().as_str(),
                    error_type = error.error_type,
                    "invocation failed"
                );
                self.client.report_error(&mut self.supervisor, answer, error)?;
            }
        }
        Ok(())
    }

    /// The environment may be frozen once the next event is asked for: nothing is left half done.
    /// But Lambda also ends an environment that does not ask before the deadline, so it is asked by then.
    fn come_to_rest(&mut self, answer: &Answer) -> Result<(), Stop> {
        let left = answer.time_left(SystemTime::now()).map_or(READY_PATIENCE, |left| left * 3 / 4);
        let until = Instant::now() + left.min(READY_PATIENCE);
        let supervisor = &mut self.supervisor;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = self.interrupt.signalled() => (),
                () = supervisor.come_to_rest(until) => (),
            }
        });
        self.given_up()
    }

    /// Ends the runtime where the restart policy has; Lambda is told, and may refuse to hear it.
    fn given_up(&mut self) -> Result<(), Stop> {
        let Some(fault) = self.supervisor.exhausted() else { return Ok(()) };
        if let Err(error) = self.client.report_init_error(&mut self.supervisor, &fault.to_error()) {
            tracing::warn!(%error, "the init error could not be reported");
        }
        Err(Stop::Handler(fault))
    }
}

impl Attend for Supervisor {
    fn attend(&mut self) -> Pin<Box<dyn Future<Output = Infallible> + '_>> {
        Box::pin(Supervisor::attend(self))
    }
}
