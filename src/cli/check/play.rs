//! Plays a scenario against a handler that is started as the bridge starts it, and writes down what was
//! seen.  What it means is the judge's business.

mod ending;
mod hear;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::time::{self, Instant};

use super::scenario::{Given, Request, Scenario, Step};
use super::tape::{Answer, Exchange, LineKind, Lost, Moment, Started, Tape};
use crate::config::{Config, Readiness};
use crate::handler::{Handler, Settings};
use crate::invocation::{Context, Deadline, Event, RequestId};
use crate::protocol::{DeliveryIds, Framing, Judge, Reply, ReplyBody, RequestEncoder, RequestLine};
use hear::{Heard, keep};

/// How long a handler may take to be ready: Lambda's init.
const READY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a killed one may take to end.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// How much longer a reply may take for each byte of its event: a slow reader of JSON takes 3 s for 6 MB.
const PER_MEGABYTE: Duration = Duration::from_secs(3);
/// How many times as often a thorough check repeats a request, and for how many times as long: 10,000
/// requests in a minute.
const THOROUGH: (u32, u32) = (50, 20);
/// So much of an event is told.
const SHOWN_CHARS: usize = 60;

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
}

/// Plays a scenario.  Not cancel safe: a dropped one leaves its handler to be killed with ours.
pub async fn play(stage: &Stage<'_>, scenario: &Scenario) -> Tape {
    let mut player = Player::new(stage, scenario);
    for step in &scenario.steps {
        if player.is_over() || !player.has_handler().await {
            break;
        }
        match step {
            Step::Request(request) => player.repeat(request).await,
            Step::Quiet(quiet) => player.listen(Duration::from_millis(quiet.ms)).await,
            Step::EndInput(_) => player.end_input().await,
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
                Moment::Idle(_) | Moment::Started(_) | Moment::Exchange(_) | Moment::Ending(_),
            ) => self.goes_on,
        };
        self.handler.is_none() && !may_start
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

    /// Sends a request as often as it asks for, as long as it is answered.
    async fn repeat(&mut self, request: &Request) {
        let (oftener, longer) = if self.stage.is_thorough { THOROUGH } else { (1, 1) };
        let within = request.within_ms.map(|ms| Duration::from_millis(ms) * longer);
        let until = within.map(|within| Instant::now() + within);
        let times = request.times.map_or(1, |times| times * oftener);
        let event = self.stage.given.event(request);
        for _ in 0..times {
            let is_answered = self.exchange(&event, request.value.as_ref()).await;
            if !is_answered || until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
        }
    }

    /// Sends one request and waits for what comes of it; whether it was answered.
    ///
    /// As the bridge does, it gives the request to another handler, once, if the first one ended without
    /// having read a byte of it.
    async fn exchange(&mut self, event: &str, value: Option<&String>) -> bool {
        for is_last in [false, true] {
            self.catch_up().await;
            if self.is_over() || !self.has_handler().await {
                return false;
            }
            let exchange = self.send(event).await;
            let is_untouched = self.handler.as_ref().is_some_and(Handler::request_is_untouched);
            let has_ended = matches!(exchange.answer, Answer::Lost(Lost::Exited { .. }));
            if is_last || !is_untouched || !has_ended {
                let value = value.cloned();
                return self.conclude(Exchange { value, ..exchange }).await;
            }
            if let Answer::Lost(lost) = exchange.answer {
                self.lose(lost).await;
            }
        }
        false
    }

    async fn conclude(&mut self, exchange: Exchange) -> bool {
        if let Some(handler) = &mut self.handler {
            handler.finish_request();
            handler.pump_logs();
        }
        let is_answered = matches!(exchange.answer, Answer::Reply(_));
        self.tape.moments.push(Moment::Exchange(exchange));
        if !is_answered {
            self.kill().await;
        }
        is_answered
    }

    async fn send(&mut self, event: &str) -> Exchange {
        let patience = self.patience(event.len());
        let began = Instant::now();
        let until = began + patience;
        self.sent += 1;
        let line = self.line(event, patience);
        let id = line.id();
        self.judge.open(id);
        if let Some(handler) = &mut self.handler {
            handler.offer(line, request_id(self.sent).as_str().into());
        }
        let mut beside = Vec::new();
        let answer = loop {
            match self.hear(until).await {
                Heard::Reply(reply) => break self.accept(reply),
                Heard::Line(line) => keep(&mut beside, line),
                Heard::Lost(lost) => break Answer::Lost(lost),
                Heard::Nothing => break self.silence(&mut beside).await,
                Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
            if Instant::now() >= until {
                break self.silence(&mut beside).await;
            }
        };
        self.judge.close();
        Exchange {
            id,
            event_bytes: event.len(),
            event: event.chars().take(SHOWN_CHARS).collect(),
            value: None,
            answer,
            beside,
            behind: Vec::new(),
            took: began.elapsed().min(patience),
        }
    }

    fn accept(&self, reply: Reply) -> Answer {
        let has_read = self.handler.as_ref().is_none_or(Handler::has_read_the_request);
        if reply.tagged || has_read { Answer::Reply(reply) } else { Answer::Early }
    }

    fn line(&mut self, event: &str, patience: Duration) -> RequestLine {
        let deadline = SystemTime::now() + patience;
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.encoder
            .encode(
                self.ids.next_id(),
                &request_id(self.sent),
                Some(Deadline::from_epoch_ms(u64::try_from(deadline).unwrap_or(u64::MAX))),
                &Context::default(),
                Event::from_bytes(event.as_bytes()),
            )
            .expect("scenarios and the given event are JSON: a test and the command line see to it")
    }

    fn patience(&self, event_bytes: usize) -> Duration {
        let megabytes = u32::try_from(event_bytes / 1_000_000).unwrap_or(u32::MAX);
        self.stage.patience + PER_MEGABYTE.saturating_mul(megabytes)
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

fn request_id(number: u32) -> RequestId {
    RequestId::new(&format!("check-{number}")).expect("it is not empty")
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
