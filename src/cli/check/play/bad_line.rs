//! A line that is no request: sent where one would be, and followed by whatever the scenario sends next.

use std::time::Duration;

use tokio::time::Instant;

use super::Player;
use super::exchange::deadline;
use super::hear::{Heard, keep};
use crate::cli::check::scenario::{self, Request};
use crate::cli::check::tape::{Answer, BadLine, Line, Lost, Moment, shown};
use crate::handler::Handler;
use crate::protocol::Framing;

/// How many round trips a handler may take to say what it thinks of such a line: a slow one, or one on a
/// busy machine, must not be taken for a silent one.
pub(super) const ROUND_TRIPS: u32 = 10;
/// What stands before the event: the names of two members, and the id.
const BEFORE_EVENT_BYTES: usize = r#"{"id":"q7w2m0x4k9c1z5t8","event":"#.len();

impl Player<'_> {
    /// Sends the line and waits for what comes of it: an answer, the handler's end, or nothing.  Like a
    /// request it is given to another handler where the first one ended without having read any of it.
    pub(super) async fn bad_line(&mut self, step: &scenario::BadLine) {
        for is_last in [false, true] {
            self.catch_up().await;
            if self.is_over() || !self.has_handler().await {
                return;
            }
            let bad = self.send_bad(step).await;
            let is_untouched = self.handler.as_ref().is_some_and(Handler::request_is_untouched);
            match bad.answer {
                Answer::Lost(lost @ Lost::Exited { .. }) if is_untouched && !is_last => {
                    self.lose(lost).await;
                }
                Answer::Lost(_) => {
                    self.tape.moments.push(Moment::BadLine(bad));
                    return self.kill().await;
                }
                Answer::Reply(_)
                | Answer::Early
                | Answer::AtEndOfInput
                | Answer::Silence { .. } => {
                    if let Some(handler) = &mut self.handler {
                        handler.finish_request();
                    }
                    return self.tape.moments.push(Moment::BadLine(bad));
                }
            }
        }
    }

    async fn send_bad(&mut self, step: &scenario::BadLine) -> BadLine {
        let event = self.stage.given.event(&Request::default());
        let request = self.line(&event, deadline(None, self.stage.patience));
        let id = request.id();
        let head = match self.stage.config.framing {
            Framing::Lines => 0,
            Framing::Length => 4,
        };
        // Half of the event is no event: whoever answers it has not read it.
        let broken_off = head..head + BEFORE_EVENT_BYTES + event.len() / 2;
        let broken_off = request.bytes().get(broken_off).unwrap_or_default();
        // The bracket closes nothing: a reader of JSON values, to which a line's end is nothing, sees that it is
        // wrong as well, and does not wait for the rest.
        let broken_off = [broken_off, b"]"].concat();
        let bytes = step.text.as_ref().map_or(&broken_off[..], |text| text.as_bytes());
        let is_empty = bytes.is_empty();
        let line = match &step.text {
            _ if is_empty => "an empty line".to_owned(),
            Some(_) => format!("the line {}", shown(bytes)),
            None => "a request that breaks off in its event".to_owned(),
        };
        let message = self.encoder.no_request(id, bytes);
        let logged = self.logged();
        self.judge.open(id);
        if let Some(handler) = &mut self.handler {
            handler.offer(message, "check-bad-line".into());
        }
        let pause = Duration::from_millis(step.ms).max(self.round_trip() * ROUND_TRIPS);
        let mut beside = Vec::new();
        let answer = self.answer_within(pause.min(self.stage.patience), &mut beside).await;
        self.judge.close();
        let is_logged = self.logged() > logged;
        BadLine { id, line, is_empty, answer, beside, behind: Vec::new(), is_logged }
    }

    async fn answer_within(&mut self, pause: Duration, beside: &mut Vec<Line>) -> Answer {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            match self.hear(until).await {
                Heard::Reply(reply) => return Answer::Reply(reply),
                Heard::Line(line) => keep(beside, line),
                Heard::Lost(lost) => return Answer::Lost(lost),
                Heard::Nothing => break,
                Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
        }
        let handler = self.handler.as_ref();
        Answer::Silence {
            unfinished: handler.map_or(0, Handler::unfinished_bytes),
            untouched: handler.is_some_and(Handler::request_is_untouched),
            said: String::new(),
        }
    }

    /// How much it has written to its logs by now.
    pub(super) fn logged(&mut self) -> u64 {
        let Some(handler) = &mut self.handler else { return 0 };
        handler.pump_logs();
        handler.logged_bytes()
    }

    /// How long the last reply took.
    pub(super) fn round_trip(&self) -> Duration {
        let mut exchanges = self.tape.exchanges();
        let answered = exchanges.rfind(|exchange| matches!(exchange.answer, Answer::Reply(_)));
        answered.map(|exchange| exchange.took).unwrap_or_default()
    }
}
