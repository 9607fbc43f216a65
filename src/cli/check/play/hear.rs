//! What a handler says and does, one thing at a time, weighed as the bridge weighs it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{self, Instant};

use super::Player;
use crate::cli::check::tape::{Line, LineKind, Lost, Moment};
use crate::handler::{Closed, Handler, Happening};
use crate::protocol::{Judgement, Reply};

/// So many lines that are no replies are kept of each moment: a handler may print without end.
const KEPT_LINES: usize = 64;

/// How much is told of each line that it wrote to its logs.
const SAID_CHARS: usize = 300;

/// What was heard of a handler.
pub(super) enum Heard {
    /// A line that is no reply.
    Line(Line),
    /// The reply.
    Reply(Reply),
    /// It has come to read, or runs.
    ReachedRead,
    Running,
    NoLauncher,
    /// There will be no more of it.
    Lost(Lost),
    /// Nothing, until the time was over.
    Nothing,
}

impl Player<'_> {
    /// Waits for the next thing, but not for longer than until then.
    pub(super) async fn hear(&mut self, until: Instant) -> Heard {
        let Some(handler) = &mut self.handler else { return Heard::Nothing };
        match time::timeout_at(until, handler.happening()).await {
            Ok(happening) => self.understand(happening),
            Err(_) => Heard::Nothing,
        }
    }

    pub(super) fn understand(&mut self, happening: Happening) -> Heard {
        match happening {
            Happening::Message(bytes) => self.weigh(bytes),
            Happening::Running => Heard::Running,
            Happening::ReachedRead => Heard::ReachedRead,
            Happening::NoLauncher => Heard::NoLauncher,
            Happening::NotStarted(unstarted) => {
                Heard::Lost(Lost::NotStarted(unstarted.to_string()))
            }
            Happening::Broken(error) => Heard::Lost(Lost::Broken(error)),
            Happening::Closed(Closed::Output) => Heard::Lost(Lost::ClosedOutput),
            Happening::Closed(Closed::Input) => Heard::Lost(Lost::ClosedInput),
            Happening::Ended => {
                let handler = self.handler.as_ref();
                let how = handler.map(Handler::how_it_ended).unwrap_or_default();
                let said = handler.map(|it| in_brief(&it.last_written())).unwrap_or_default();
                Heard::Lost(Lost::Exited { how, said })
            }
        }
    }

    /// What a line is, judged as the bridge judges it.
    pub(super) fn weigh(&mut self, bytes: Bytes) -> Heard {
        let kind = match self.judge.judge(&bytes) {
            Judgement::Reply(reply) => return Heard::Reply(reply),
            Judgement::Log(reason) => LineKind::Log(reason),
            Judgement::Ready { .. } => LineKind::Ready,
            Judgement::Dropped(id) => LineKind::Dropped(id),
            Judgement::OutOfStep => LineKind::OutOfStep,
        };
        Heard::Line(Line { bytes, kind })
    }

    /// What was printed by now, before the next request: as the bridge looks at it.
    pub(super) async fn catch_up(&mut self) {
        if let Some(handler) = &mut self.handler {
            handler.catch_up();
        }
        while let Some(happening) = self.handler.as_mut().and_then(Handler::known) {
            match self.understand(happening) {
                Heard::Line(line) => self.note(line).await,
                Heard::Lost(lost) => return self.lose(lost).await,
                Heard::Reply(_)
                | Heard::Running
                | Heard::ReachedRead
                | Heard::NoLauncher
                | Heard::Nothing => (),
            }
        }
    }

    /// Sends nothing for a while.
    pub(super) async fn listen(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            match self.hear(until).await {
                Heard::Line(line) => self.note(line).await,
                Heard::Lost(lost) => return self.lose(lost).await,
                Heard::Nothing => return,
                Heard::Reply(_) | Heard::Running | Heard::ReachedRead | Heard::NoLauncher => (),
            }
            if Instant::now() >= until {
                return;
            }
        }
    }

    /// A line that comes while nothing is asked belongs to what was asked last.
    pub(super) async fn note(&mut self, line: Line) {
        let is_out_of_step = line.kind == LineKind::OutOfStep;
        match self.tape.moments.last_mut() {
            Some(Moment::Started(started)) => keep(&mut started.lines, line),
            Some(Moment::Exchange(exchange)) => keep(&mut exchange.behind, line),
            Some(Moment::BadLine(bad)) => keep(&mut bad.behind, line),
            Some(Moment::Ending(ending)) => keep(&mut ending.lines, line),
            Some(Moment::Idle(_) | Moment::Memory { .. }) | None => (),
        }
        if is_out_of_step {
            // The bridge replaces such a handler: what it says next answers something else.
            self.kill().await;
        }
    }

    /// The handler was lost with nothing to do.
    pub(super) async fn lose(&mut self, lost: Lost) {
        self.tape.moments.push(Moment::Idle(lost));
        self.kill().await;
    }
}

/// What a handler last wrote, without the most of lines that nobody would read to their ends.
pub(super) fn in_brief(said: &str) -> String {
    let brief = said.split('\n').map(|line| match line.char_indices().nth(SAID_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    });
    brief.collect::<Vec<String>>().join("\n")
}

pub(super) fn keep(lines: &mut Vec<Line>, line: Line) {
    if lines.len() < KEPT_LINES {
        lines.push(line);
    }
}
