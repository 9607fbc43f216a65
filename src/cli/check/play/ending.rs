//! The end of a handler: its input is closed, because nothing came, or because that is the step.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{self, Instant};

use super::Player;
use super::hear::{Heard, in_brief, keep};
use crate::cli::check::scenario::Request;
use crate::cli::check::tape::{Answer, By, Ending, Line, Lost, Moment};
use crate::cli::emulator::tree;

/// How long it may take to end once its input was closed.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// How long its children may take to follow it.
const LEFT_PATIENCE: Duration = Duration::from_millis(300);

impl Player<'_> {
    /// Nothing came: whether it comes when the input is closed is the difference between a reply that was
    /// not flushed and none.
    pub(super) async fn silence(&mut self, beside: &mut Vec<Line>) -> Answer {
        let Some(handler) = &mut self.handler else {
            return Answer::Silence { unfinished: 0, untouched: false, said: String::new() };
        };
        self.stage.was_silent.set(true);
        handler.pump_logs();
        let silence = Answer::Silence {
            unfinished: handler.unfinished_bytes(),
            untouched: handler.request_is_untouched(),
            said: in_brief(&handler.last_written()),
        };
        handler.close_input();
        let until = Instant::now() + END_PATIENCE;
        loop {
            match self.hear(until).await {
                Heard::Reply(_) => return Answer::AtEndOfInput,
                Heard::Line(line) => keep(beside, line),
                Heard::Lost(_) | Heard::Nothing => return silence,
                Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
            if Instant::now() >= until {
                return silence;
            }
        }
    }

    /// Does what a handler ends for, and sees whether it does.
    pub(super) async fn end(&mut self, by: By) {
        self.catch_up().await;
        let event = self.stage.given.event(&Request::default());
        let line = self.line(&event, None);
        let Some(handler) = &mut self.handler else { return };
        match by {
            By::Input => handler.close_input(),
            By::Signal => handler.signal(Signal::SIGTERM),
            By::Output => {
                handler.close_output();
                handler.offer(line, "check-closed".into());
            }
        }
        let until = Instant::now() + END_PATIENCE;
        let mut ending = Ending { by, how: None, lines: Vec::new(), left: 0 };
        loop {
            match self.hear(until).await {
                Heard::Line(line) => keep(&mut ending.lines, line),
                Heard::Lost(Lost::Exited { how, .. }) => {
                    ending.how = Some(how);
                    break;
                }
                // Its output's end is often seen before its own.
                Heard::Lost(_) => {
                    if let Some(handler) = &mut self.handler
                        && time::timeout_at(until, handler.ended()).await.is_ok()
                    {
                        ending.how = Some(handler.how_it_ended());
                    }
                    break;
                }
                Heard::Nothing => break,
                Heard::Reply(_) | Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
            if Instant::now() >= until {
                break;
            }
        }
        if ending.how.is_some() {
            ending.left = left_behind().await;
        }
        self.tape.moments.push(Moment::Ending(ending));
        self.kill().await;
    }
}

/// How many processes are still there a moment after the handler ended.
async fn left_behind() -> usize {
    let until = Instant::now() + LEFT_PATIENCE;
    loop {
        let left = tree::descendants(nix::unistd::getpid());
        let left = left.into_iter().filter(|process| is_alive(process.as_raw())).count();
        if left == 0 || Instant::now() >= until {
            return left;
        }
        time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_alive(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it is in brackets and may hold anything.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
