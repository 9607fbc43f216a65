//! The generations of one environment: who serves now, who is starting, and what becomes of who ended.
//!
//! Whatever the worker waits for, [`Supervisor::attend`] goes on beside it: output is drained, an end is
//! noticed and its successor started, a line nobody asked for is seen.

mod allotment;
mod exchange;
mod hearing;
mod stage;
mod stop;
mod words;

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{self, Instant};

use crate::config::{Config, Readiness};
use crate::handler::{Fault, Handler, Settings, Unstarted};
use crate::interrupt::{Interrupt, Reason};
use crate::log;
use crate::protocol::{DeliveryIds, Framing, Judge, RequestEncoder};
use crate::restart::{Decision, Life, Restarts};
use crate::verdict::Fate;

use stage::Stage;

/// How long a killed process may take to end before it is left behind: it hangs in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// How long a handler that answers once may take to end by itself before the next event is asked for.
const ONE_SHOT_GRACE: Duration = Duration::from_millis(20);

/// How long the logs of an invocation may hold off the next event, and how often they are looked at.
const LOG_PATIENCE: Duration = Duration::from_millis(100);
const LOG_LOOK: Duration = Duration::from_millis(1);

/// Keeps one handler ready, generation after generation.
#[derive(Debug)]
pub struct Supervisor {
    settings: Settings,
    readiness: Readiness,
    margin: Option<Duration>,
    encoder: RequestEncoder,
    ids: DeliveryIds,
    judge: Judge,
    restarts: Restarts,
    interrupt: Interrupt,
    stage: Stage,
    generation: u64,
    born: Instant,
    life: Life,
    /// Whether some generation was ready: from then on a refusal of exec may be a passing one.
    was_ready: bool,
    /// Whether the last generation answered once and ended: its successor is expected to.
    one_shot: bool,
    /// Whether a stray line was warned of: once an environment.
    warned: bool,
}

impl Supervisor {
    /// A supervisor whose first handler starts as soon as it is attended to.
    #[must_use]
    pub fn new(config: Config, interrupt: Interrupt) -> Self {
        let readiness = match (config.framing, config.readiness) {
            // There is no room for a space between lengths.
            (Framing::Length, Readiness::Read) => Readiness::None,
            (Framing::Lines | Framing::Length, readiness) => readiness,
        };
        Self {
            encoder: RequestEncoder::new(config.framing, &config.function),
            settings: Settings {
                program: config.program,
                framing: config.framing,
                reply_fd: config.reply_fd,
                writes_space: readiness == Readiness::Read,
                directly: false,
            },
            readiness,
            margin: config.margin,
            ids: DeliveryIds::new(),
            judge: Judge::new(config.replies),
            restarts: Restarts::default(),
            interrupt,
            stage: Stage::Pause {
                until: Instant::now(),
                cause: Fault::NotReady { why: "it was not started yet".to_owned() },
            },
            generation: 0,
            born: Instant::now(),
            life: Life::default(),
            was_ready: false,
            one_shot: false,
            warned: false,
        }
    }

    /// Attends to the handlers for as long as it is polled.  Cancel safe.
    pub async fn attend(&mut self) -> Infallible {
        loop {
            self.step().await;
        }
    }

    /// Waits until a handler is ready.
    ///
    /// # Errors
    /// When none is by then, or none will be.
    pub async fn until_ready(&mut self, until: Instant) -> Result<(), Fault> {
        loop {
            match &self.stage {
                Stage::Ready(_) => return Ok(()),
                Stage::Exhausted(cause) => return Err(cause.clone()),
                Stage::Pause { .. } | Stage::Starting(_) | Stage::Ending { .. } => (),
            }
            // The clock is asked as well: a handler that never stops printing is always a step further.
            let late = Instant::now() >= until;
            if late || time::timeout_at(until, self.step()).await.is_err() {
                return Err(self.why_not_ready());
            }
        }
    }

    /// Why none will be ready any more, if so.
    #[must_use]
    pub fn exhausted(&self) -> Option<Fault> {
        match &self.stage {
            Stage::Exhausted(cause) => Some(cause.clone()),
            Stage::Pause { .. } | Stage::Starting(_) | Stage::Ready(_) | Stage::Ending { .. } => {
                None
            }
        }
    }

    /// Puts an outcome's fate into effect.
    pub fn settle(&mut self, fate: Fate) {
        match fate {
            Fate::Keep => (),
            Fate::Replace(cause) => self.end(cause),
        }
    }

    /// Before the next event is asked for: logs are out, and whoever must be started is ready.
    pub async fn come_to_rest(&mut self, until: Instant) {
        if let Stage::Ready(handler) = &mut self.stage {
            handler.pump_logs();
        }
        // Unless its successor is here already, it is waited for a moment.
        if self.one_shot && self.life.answered > 0 {
            let grace = time::timeout(ONE_SHOT_GRACE, self.until_replaced(self.generation));
            self.one_shot = grace.await.is_ok();
        }
        // A refusal is kept by the stage: who waits for the handler next is told.
        drop(self.until_ready(until).await);
        // Whoever reads our logs has a moment to; then they wait in the queue.
        let logs = async {
            while !log::flush() {
                time::sleep(LOG_LOOK).await;
            }
        };
        drop(time::timeout(LOG_PATIENCE, logs).await);
    }

    async fn until_replaced(&mut self, generation: u64) {
        while self.generation == generation {
            self.step().await;
        }
    }

    /// Takes the present generation one step on.  Cancel safe.
    async fn step(&mut self) {
        match &mut self.stage {
            Stage::Pause { until, .. } => {
                // A pause of nothing is none: the timer would make a millisecond of it.
                if *until > Instant::now() {
                    time::sleep_until(*until).await;
                }
                self.start();
            }
            Stage::Starting(handler) | Stage::Ready(handler) => {
                let happening = handler.happening().await;
                self.happened(happening);
            }
            Stage::Ending { handler, until, .. } => {
                // One that cannot be killed is left behind when patience ends.
                drop(time::timeout_at(*until, handler.ended()).await);
                self.bury();
            }
            Stage::Exhausted(_) => {
                self.interrupt.raise(Reason::GaveUp);
                std::future::pending::<()>().await;
            }
        }
    }

    fn start(&mut self) {
        self.generation += 1;
        self.born = Instant::now();
        self.life = Life::default();
        self.judge.new_generation();
        match Handler::start(&self.settings) {
            Ok(handler) => self.stage = Stage::Starting(handler),
            Err(Unstarted::NoLauncher) => self.start_directly(),
            Err(unstarted) => self.not_started(unstarted),
        }
    }

    fn became_ready(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::nothing());
        self.stage = match stage {
            Stage::Starting(handler) => {
                self.was_ready = true;
                let started_ms = millis(self.born.elapsed());
                tracing::debug!(generation = self.generation, started_ms, "handler ready");
                Stage::Ready(handler)
            }
            other @ (Stage::Pause { .. }
            | Stage::Ready(_)
            | Stage::Ending { .. }
            | Stage::Exhausted(_)) => other,
        };
    }

    /// Kills the present generation; its successor follows by the restart policy.
    fn end(&mut self, cause: Fault) {
        let stage = std::mem::replace(&mut self.stage, Stage::nothing());
        self.stage = match stage {
            Stage::Starting(handler) | Stage::Ready(handler) => {
                handler.signal(nix::sys::signal::Signal::SIGKILL);
                Stage::Ending { handler, until: Instant::now() + KILL_PATIENCE, cause }
            }
            other @ (Stage::Pause { .. } | Stage::Ending { .. } | Stage::Exhausted(_)) => other,
        };
    }

    /// Reaps who ended, says so, and decides who follows.
    fn bury(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::nothing());
        let Stage::Ending { handler, cause, .. } = stage else {
            self.stage = stage;
            return;
        };
        self.judge.close();
        handler.bury();
        tracing::warn!(
            generation = self.generation,
            cause = cause.in_short(),
            lived_ms = millis(self.born.elapsed()),
            answered = self.life.answered,
            "handler replaced"
        );
        self.one_shot = self.life.answered == 1 && matches!(cause, Fault::Exited { .. });
        let decision = self.restarts.ended(self.life);
        self.follow(decision, cause);
    }

    fn follow(&mut self, decision: Decision, cause: Fault) {
        self.stage = match decision {
            Decision::StartAfter(wait) => Stage::Pause { until: Instant::now() + wait, cause },
            Decision::GiveUp => Stage::Exhausted(cause),
        };
    }

    /// There is no process at all.
    fn not_started(&mut self, unstarted: Unstarted) {
        let unstarted = if self.was_ready { unstarted.of_one_that_ran() } else { unstarted };
        // What is wrong with a deployed program stays wrong; it is told at once.
        let decision = match &unstarted {
            Unstarted::Entrypoint(_) => Decision::GiveUp,
            Unstarted::Resources(_) | Unstarted::NoLauncher => {
                tracing::error!(generation = self.generation, cause = %unstarted, "handler not started");
                self.restarts.ended(Life::default())
            }
        };
        self.follow(decision, Fault::SpawnFailed(unstarted));
    }

    /// There is a process, but it never became the program.
    fn never_ran(&mut self, unstarted: Unstarted) {
        self.put_away();
        self.not_started(unstarted);
    }

    /// Reaps a process that never became the program: no generation ended with it.
    fn put_away(&mut self) {
        if let Some(handler) = std::mem::replace(&mut self.stage, Stage::nothing()).into_handler() {
            handler.bury();
        }
    }

    fn start_directly(&mut self) {
        tracing::warn!(
            "the launcher cannot run here: handlers are started directly, and may outlive the bridge"
        );
        self.settings.directly = true;
        self.put_away();
        self.start();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
