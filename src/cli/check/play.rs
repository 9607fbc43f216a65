//! Plays a scenario against a handler that is started as the bridge starts it, and writes down what was
//! seen.  What it means is the judge's business.

mod bad_line;
mod ending;
mod exchange;
mod hear;

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::time::{self, Instant};

use super::scenario::{Given, Scenario, Step};
use super::tape::{Answer, By, Exchange, LineKind, Lost, Moment, Started, Tape};
use crate::config::{Config, Readiness};
use crate::handler::{Handler, Settings};
use crate::protocol::{DeliveryIds, Framing, Judge, Reply, ReplyBody, RequestEncoder};
use hear::{Heard, keep};

/// How long a handler may take to be ready: Lambda's init.
const READY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a killed one may take to end.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// What is played with.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The handler and its settings.
    pub config: &'a Config,
    /// The given event.
    pub given: &'a Given,
    /// How long a reply to a small event may take.
    pub patience: Duration,
    /// Whether repeated requests are sent many more times.
    pub is_thorough: bool,
    /// Whether a request was not answered in time, in any scenario so far.
    pub was_silent: Cell<bool>,
}

/// Plays a scenario.  Not cancel safe: a dropped one leaves its handler to be killed with ours.
pub async fn play(stage: &Stage<'_>, scenario: &Scenario) -> Tape {
    let mut player = Player::new(stage, scenario);
    for step in &scenario.steps {
        if player.is_over() || player.is_stuck(scenario) || !player.has_handler().await {
            break;
        }
        match step {
            Step::Request(request) => player.repeat(request).await,
            Step::BadLine(bad) => player.bad_line(bad).await,
            Step::Quiet(quiet) => player.listen(Duration::from_millis(quiet.ms)).await,
            Step::EndInput(_) => player.end(By::Input).await,
            Step::Terminate(_) => player.end(By::Signal).await,
            Step::CloseOutput(_) => player.end(By::Output).await,
            Step::Stop(pause) => player.stop(Duration::from_millis(pause.ms)).await,
        }
    }
    player.kill().await;
    player.tape
}

/// One environment: a judge, and a handler after the other.
struct Player<'a> {
    stage: &'a Stage<'a>,
    settings: Settings,
    readiness: Readiness,
    encoder: RequestEncoder,
    ids: DeliveryIds,
    judge: Judge,
    handler: Option<Handler>,
    tape: Tape,
    sent: u32,
    /// Whether a handler that was lost is followed by another.
    goes_on: bool,
}

impl<'a> Player<'a> {
    fn new(stage: &'a Stage<'a>, scenario: &Scenario) -> Self {
        let config = stage.config;
        let mut program = config.program.clone();
        program.environment.retain(|(name, _)| {
            name.to_str().is_none_or(|name| !scenario.variables.contains_key(name))
        });
        let variables = scenario.variables.iter();
        program.environment.extend(variables.map(|(name, value)| (name.into(), value.into())));
        let readiness = match (config.framing, config.readiness) {
            // There is no room for a space between lengths.
            (Framing::Length, Readiness::Read) => Readiness::None,
            (Framing::Lines | Framing::Length, readiness) => readiness,
        };
        Self {
            stage,
            settings: Settings {
                program,
                framing: config.framing,
                reply_fd: config.reply_fd,
                writes_space: readiness == Readiness::Read,
                directly: false,
            },
            readiness,
            encoder: RequestEncoder::new(config.framing, &config.function),
            ids: DeliveryIds::new(),
            judge: Judge::new(config.replies),
            handler: None,
            tape: Tape::default(),
            sent: 0,
            goes_on: scenario.goes_on,
        }
    }

    /// Whether the handler was lost in a way that ends the scenario: one that ended with nothing to do may.
    fn is_over(&self) -> bool {
        let may_start = match self.tape.moments.last() {
            None | Some(Moment::Idle(Lost::Exited { .. })) => true,
            Some(
                Moment::Idle(_)
                | Moment::Started(_)
                | Moment::Exchange(_)
                | Moment::BadLine(_)
                | Moment::Ending(_)
                | Moment::Memory { .. },
            ) => self.goes_on,
        };
        self.handler.is_none() && !may_start
    }

    /// Whether a bad line or its logs made it silent: more of the kind would only make it so again.
    fn is_stuck(&self, scenario: &Scenario) -> bool {
        let is_silent = |moment: &Moment| {
            matches!(
                moment,
                Moment::Exchange(Exchange {
                    answer: Answer::Silence { .. } | Answer::AtEndOfInput,
                    ..
                })
            )
        };
        let is_over_then = scenario.is_about_bad_lines() || scenario.is_about_logs();
        is_over_then && self.tape.moments.last().is_some_and(is_silent)
    }

    /// Whether there is a handler; another is started where there is none.
    async fn has_handler(&mut self) -> bool {
        self.handler.is_some() || self.start().await
    }

    /// Starts a handler and waits until it is ready; whether there is one.
    async fn start(&mut self) -> bool {
        let began = Instant::now();
        let until = began + READY_PATIENCE;
        self.judge.new_generation();
        let mut started = Started { ready_after: None, lines: Vec::new(), lost: None };
        if let Err(unstarted) = self.spawn() {
            started.lost = Some(Lost::NotStarted(unstarted));
            self.tape.moments.push(Moment::Started(started));
            return false;
        }
        loop {
            let is_ready = match self.hear(until).await {
                Heard::Line(line) => {
                    let is_ready =
                        line.kind == LineKind::Ready && self.readiness == Readiness::Line;
                    keep(&mut started.lines, line);
                    is_ready
                }
                // Before the first request nothing is one.
                Heard::Reply(_) => false,
                Heard::Running => self.readiness == Readiness::None,
                Heard::ReachedRead => true,
                Heard::NoLauncher => {
                    self.kill().await;
                    self.settings.directly = true;
                    match self.spawn() {
                        Ok(()) => false,
                        Err(unstarted) => {
                            started.lost = Some(Lost::NotStarted(unstarted));
                            break;
                        }
                    }
                }
                Heard::Lost(lost) => {
                    started.lost = Some(lost);
                    break;
                }
                Heard::Nothing => break,
            };
            if is_ready {
                started.ready_after = Some(began.elapsed());
                break;
            }
            if Instant::now() >= until {
                break;
            }
        }
        let is_ready = started.ready_after.is_some();
        self.tape.moments.push(Moment::Started(started));
        if !is_ready {
            self.kill().await;
        }
        is_ready
    }

    fn spawn(&mut self) -> Result<(), String> {
        let mut handler = Handler::start(&self.settings).map_err(|error| error.to_string())?;
        handler.mute();
        self.handler = Some(handler);
        Ok(())
    }

    /// Stops the handler and lets it go on.
    async fn stop(&mut self, pause: Duration) {
        if let Some(handler) = &self.handler {
            handler.signal(Signal::SIGSTOP);
            time::sleep(pause).await;
            handler.signal(Signal::SIGCONT);
        }
    }

    /// Ends the handler with its group, whatever it is doing.
    async fn kill(&mut self) {
        if let Some(mut handler) = self.handler.take() {
            handler.signal(Signal::SIGKILL);
            // One that hangs in the kernel is left to it.
            drop(time::timeout(KILL_PATIENCE, handler.ended()).await);
            handler.bury();
        }
    }
}

impl Answer {
    /// The response's bytes, and whether they were tagged.
    #[must_use]
    pub fn response(&self) -> Option<(&Bytes, bool)> {
        match self {
            Self::Reply(Reply { body: ReplyBody::Response(bytes), tagged }) => {
                Some((bytes, *tagged))
            }
            Self::Reply(_)
            | Self::Early
            | Self::AtEndOfInput
            | Self::Silence { .. }
            | Self::Lost(_) => None,
        }
    }
}
