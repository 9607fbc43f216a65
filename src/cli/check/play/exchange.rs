//! One request after another: sent as the bridge sends it, and waited for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::Player;
use super::bad_line::ROUND_TRIPS;
use super::hear::{Heard, keep};
use crate::cli::check::scenario::{Request, When};
use crate::cli::check::tape::{Answer, Exchange, Lost, Moment};
use crate::cli::emulator::tree;
use crate::handler::Handler;
use crate::invocation::{Context, Deadline, Event, RequestId};
use crate::protocol::{Reply, RequestLine};

/// How much longer a reply may take for each byte of its event: a slow reader of JSON takes 3 s for 6 MB.
const PER_MEGABYTE: Duration = Duration::from_secs(3);
/// How long a reply may take to one that was silent before, but otherwise is quick: its silence has been
/// told, and people wait.
const ONCE_SILENT: Duration = Duration::from_secs(1);
/// How many times as often a thorough check repeats a request, and for how many times as long: 10,000
/// requests in a minute.
const THOROUGH: (u32, u32) = (50, 20);
const HOUR: Duration = Duration::from_hours(1);
/// So much of an event is told.
const SHOWN_CHARS: usize = 60;

impl Player<'_> {
    /// Sends a request as often as it asks for, as long as it is answered.
    pub(super) async fn repeat(&mut self, request: &Request) {
        let (oftener, longer) = if self.stage.is_thorough { THOROUGH } else { (1, 1) };
        let within = request.within_ms.map(|ms| Duration::from_millis(ms) * longer);
        let until = within.map(|within| Instant::now() + within);
        let times = request.times.map_or(1, |times| times * oftener);
        let event = self.stage.given.event(request);
        let mut before = None;
        for number in 1..=times {
            if !self.exchange(&event, request).await {
                return;
            }
            if number == times / 4 {
                before = Some(held());
            }
            let is_over = until.is_some_and(|until| Instant::now() >= until);
            if let Some(before) = before.filter(|_| is_over || number == times) {
                let memory = Moment::Memory { requests: number, before, after: held() };
                // Behind the exchange's own moment lines may still come that belong to it.
                self.listen(Duration::from_millis(1)).await;
                self.tape.moments.push(memory);
            }
            if is_over {
                return;
            }
        }
    }

    /// Sends one request and waits for what comes of it; whether it was answered.
    ///
    /// As the bridge does, it gives the request to another handler, once, if the first one ended without
    /// having read a byte of it.
    async fn exchange(&mut self, event: &str, request: &Request) -> bool {
        for is_last in [false, true] {
            self.catch_up().await;
            if self.is_over() || !self.has_handler().await {
                return false;
            }
            let exchange = self.send(event, request).await;
            let is_untouched = self.handler.as_ref().is_some_and(Handler::request_is_untouched);
            let has_ended = matches!(exchange.answer, Answer::Lost(Lost::Exited { .. }));
            if is_last || !is_untouched || !has_ended {
                let value = request.value.clone();
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

    async fn send(&mut self, event: &str, request: &Request) -> Exchange {
        let patience = self.patience(event.len());
        let began = Instant::now();
        let until = began + patience;
        self.sent += 1;
        let line = self.line(event, deadline(request.deadline, patience));
        let id = line.id();
        let logged = self.logged();
        let logs_after = request.logs_after_ms.map(Duration::from_millis);
        let mut logs_at = logs_after.map(|pause| began + pause);
        if let (Some(_), Some(handler)) = (logs_at, &mut self.handler) {
            handler.hold_logs();
        }
        self.judge.open(id);
        if let Some(handler) = &mut self.handler {
            handler.offer(line, request_id(self.sent).as_str().into());
        }
        let mut beside = Vec::new();
        let answer = loop {
            if let Some(handler) = &mut self.handler
                && logs_at.is_none_or(|at| at <= Instant::now())
            {
                logs_at = None;
                handler.resume_logs();
            }
            match self.hear(logs_at.unwrap_or(until)).await {
                Heard::Reply(reply) => break self.accept(reply),
                Heard::Line(line) => keep(&mut beside, line),
                Heard::Lost(lost) => break Answer::Lost(lost),
                Heard::Nothing if logs_at.is_some() => (),
                Heard::Nothing => break self.silence(&mut beside).await,
                Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
            if Instant::now() >= until {
                break self.silence(&mut beside).await;
            }
        };
        self.judge.close();
        if let Some(handler) = &mut self.handler {
            handler.resume_logs();
        }
        Exchange {
            id,
            event_bytes: event.len(),
            event: beginning(event),
            value: None,
            answer,
            beside,
            behind: Vec::new(),
            took: began.elapsed().min(patience),
            logs_after,
            logged: self.logged().saturating_sub(logged),
        }
    }

    fn accept(&self, reply: Reply) -> Answer {
        let has_read = self.handler.as_ref().is_none_or(Handler::has_read_the_request);
        if reply.tagged || has_read { Answer::Reply(reply) } else { Answer::Early }
    }

    pub(super) fn line(&mut self, event: &str, deadline: Option<Deadline>) -> RequestLine {
        self.encoder
            .encode(
                self.ids.next_id(),
                &request_id(self.sent),
                deadline,
                &Context::default(),
                Event::from_bytes(event.as_bytes()),
            )
            .expect("scenarios and the given event are JSON: a test and the command line see to it")
    }

    fn patience(&self, event_bytes: usize) -> Duration {
        let megabytes = u32::try_from(event_bytes / 1_000_000).unwrap_or(u32::MAX);
        // Of one that was asked nothing yet in this scenario it is not known how quick it is.
        let is_quick =
            self.tape.exchanges().next().is_some() && self.round_trip() * ROUND_TRIPS < ONCE_SILENT;
        let most =
            if self.stage.was_silent.get() && is_quick { ONCE_SILENT } else { Duration::MAX };
        let small = self.stage.patience.min(most);
        small + PER_MEGABYTE.saturating_mul(megabytes)
    }
}

fn beginning(event: &str) -> String {
    let shown: String = event.chars().take(SHOWN_CHARS).collect();
    if shown.len() < event.len() { format!("{shown}…") } else { shown }
}

/// What the handler and its children hold in memory.
fn held() -> u64 {
    tree::memory(&tree::descendants(nix::unistd::getpid())).now
}

/// When a request has to be answered, as its context says.
pub(super) fn deadline(when: Option<When>, patience: Duration) -> Option<Deadline> {
    let now = SystemTime::now();
    let at = match when {
        None => now + patience,
        Some(When::Past) => now - HOUR,
        Some(When::Far) => now + HOUR * 24 * 365,
        Some(When::Absent) => return None,
    };
    let ms = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Some(Deadline::from_epoch_ms(u64::try_from(ms).unwrap_or(u64::MAX)))
}

fn request_id(number: u32) -> RequestId {
    RequestId::new(&format!("check-{number}")).expect("it is not empty")
}
