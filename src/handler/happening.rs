//! What a handler does, told one thing after another: messages, readiness, closed pipes, its end.
//!
//! Data comes before the process's end, and no flood of one kind keeps another from being told.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::{self, Instant};
use tokio_util::codec::Decoder;

use super::input::{LARGEST_PIPE_BYTES, PIPE_BYTES, enlarge};
use super::output::LogStream;
use super::start::{self, Launch, Launching};
use super::{Handler, Unstarted};
use crate::log;
use crate::protocol::FrameError;

/// How much of the replies is read at once.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// How long a handler that was just started is looked at outside the runtime, whose timer counts in
/// milliseconds: many programs come to read sooner.
const FIRST_LOOK: Duration = Duration::from_micros(150);
const FIRST_LOOKS: u32 = 12;
/// Memory that is not kept for the next reply.
const LARGE_BYTES: usize = 256 * 1024;
/// How long the end of a pipe waits for the process's own end, to name it.
const END_GRACE: Duration = Duration::from_millis(100);
/// How often a starting handler is asked whether it has come to read: at first, and at most.
pub(super) const LOOK_FIRST: Duration = Duration::from_millis(1);
const LOOK_SELDOM: Duration = Duration::from_millis(5);
/// How many messages may follow one another before others have a turn.
const MESSAGES_IN_A_ROW: u32 = 32;

/// What a handler does.
#[derive(Debug)]
pub enum Happening {
    /// It printed a message.
    Message(Bytes),
    /// Its output can no longer be told into messages.
    Broken(FrameError),
    /// It has read the space written at its start: it has come to its read loop.
    ReachedRead,
    /// It closed a pipe and lives.
    Closed(Closed),
    /// Its process ended.
    Ended,
    /// Exec succeeded: the program runs.
    Running,
    /// It never ran.
    NotStarted(Unstarted),
    /// The launcher cannot run here.
    NoLauncher,
}

/// A pipe that the handler closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Where replies come from.
    Output,
    /// Where requests go.
    Input,
}

impl Handler {
    /// Waits for the next thing the handler does, and meanwhile writes what is to be written and logs
    /// what it logs.  Data comes before the process's end.  Cancel safe.
    pub async fn happening(&mut self) -> Happening {
        loop {
            if self.in_a_row == MESSAGES_IN_A_ROW {
                // A flood is always ready: whoever else waits, for a signal or a deadline, has a turn.
                self.in_a_row = 0;
                tokio::task::yield_now().await;
            }
            if let Some(known) = self.known() {
                self.in_a_row += 1;
                return known;
            }
            self.in_a_row = 0;
            self.wait().await;
        }
    }

    /// What has happened already, in its order.
    pub fn known(&mut self) -> Option<Happening> {
        match self.launch.take() {
            None => (),
            Some(Launch::Running) => return Some(Happening::Running),
            Some(Launch::Refused(errno)) if !self.ended => {
                // The launcher is about to end, and is to be reaped.
                self.launch = Some(Launch::Refused(errno));
                return None;
            }
            Some(Launch::Refused(errno)) => {
                return Some(Happening::NotStarted(start::refused(&self.file, errno)));
            }
            Some(Launch::NoLauncher) => return Some(Happening::NoLauncher),
        }
        if let Some(error) = self.broken.take() {
            return Some(Happening::Broken(error));
        }
        if let Some(message) = self.next_message() {
            return Some(message);
        }
        if self.ended {
            return Some(Happening::Ended);
        }
        if let Some((closed, _)) = self.closing.filter(|(_, until)| *until <= Instant::now()) {
            // On a busy machine the time may pass before its end was heard of: the kernel knows.
            if !self.process.has_ended() {
                return Some(Happening::Closed(closed));
            }
            self.last_words();
            return self.next_message().or(Some(Happening::Ended));
        }
        // Before exec nobody has come to read, whatever the pipe says.
        if self.space.is_some() && self.report.is_none() && self.input.unread() == 0 {
            self.space = None;
            return Some(Happening::ReachedRead);
        }
        None
    }

    /// The next message that was already read.
    pub fn message_behind(&mut self) -> Option<Bytes> {
        match self.next_message() {
            Some(Happening::Message(message)) => Some(message),
            Some(Happening::Broken(error)) => {
                // It is no message, and is told when its turn comes.
                self.broken = Some(error);
                None
            }
            Some(_) | None => None,
        }
    }

    /// The next message in what was read, or that there can be none any more.
    fn next_message(&mut self) -> Option<Happening> {
        let at_end = self.replies.is_none() || self.ended;
        if self.told_end || (self.buffer.is_empty() && !at_end) {
            return None;
        }
        let decoded = if at_end {
            self.decoder.decode_eof(&mut self.buffer)
        } else {
            self.decoder.decode(&mut self.buffer)
        };
        match decoded {
            Ok(Some(message)) => {
                #[cfg(feature = "cli")]
                self.tap.copy_message(&message);
                if self.buffer.is_empty() && message.len() + self.buffer.capacity() > LARGE_BYTES {
                    // Large memory goes with the reply, instead of being kept for the next one: a large
                    // reply's own, or that of the request it answers.
                    self.buffer = BytesMut::new();
                }
                Some(Happening::Message(message))
            }
            Ok(None) => {
                self.told_end = at_end;
                None
            }
            Err(error) => {
                self.told_end = true;
                self.replies = None;
                self.unfinished = std::mem::take(&mut self.buffer).freeze();
                Some(Happening::Broken(error))
            }
        }
    }

    /// Waits until something more is known.
    async fn wait(&mut self) {
        if self.space.is_some() && self.report.is_none() && self.first_looks < FIRST_LOOKS {
            self.first_looks += 1;
            std::thread::sleep(FIRST_LOOK);
            return;
        }
        let logs = log::has_room();
        let look = self.next_look();
        // In no order of its own: whichever is always ready must not keep the others waiting.  That data
        // comes before an end and a deadline is seen to where those are told.
        tokio::select! {
            ended = read_replies(&mut self.replies, &mut self.buffer) => {
                if ended {
                    self.replies = None;
                    self.close(Closed::Output);
                } else if !self.enlarged && self.buffer.len() > PIPE_BYTES {
                    self.enlarged = true;
                    self.replies.iter().for_each(|replies| enlarge(replies.as_fd()));
                }
            }
            () = self.input.writable(), if self.input.is_pending() => self.write_some(),
            launch = heard(&mut self.report) => {
                self.report = None;
                self.launch = Some(launch);
            }
            () = self.process.ended(), if !self.ended => self.last_words(),
            () = self.input.closed(), if self.closing.is_none() => self.close(Closed::Input),
            () = time::sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => {
                self.space = self.space.map(|every| (every * 5 / 4).min(LOOK_SELDOM));
                log::flush();
            }
            // A flood of logs gives way to whoever else waits: it is always ready.
            () = self.errors.readable(), if logs && self.errors.is_open() => {
                self.errors.pump(&mut self.lines);
                tokio::task::yield_now().await;
            }
            () = readable(self.stray.as_ref()), if logs => {
                if let Some(stray) = &mut self.stray {
                    stray.pump(&mut self.lines);
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Writes what the handler takes.  A large request's memory, once it is written, is where the reply is
    /// read to: there is one such buffer, not two.
    pub(super) fn write_some(&mut self) {
        self.input.write_some();
        if let Some(spent) = self.input.take_spent().filter(|_| self.buffer.is_empty()) {
            self.buffer = Bytes::from(spent).into();
            self.buffer.clear();
        }
    }

    /// When something must be looked at that does not tell of itself.
    fn next_look(&self) -> Option<Instant> {
        let now = Instant::now();
        let logs = log::next_look().map(|pause| now + pause);
        let closing = self.closing.map(|(_, until)| until);
        let space = self.space.map(|every| now + every);
        [logs, closing, space].into_iter().flatten().min()
    }

    /// A pipe was closed; the process's own end, which says more, often follows at once.
    pub(super) fn close(&mut self, closed: Closed) {
        if self.closing.is_none() && !self.ended {
            self.closing = Some((closed, Instant::now() + END_GRACE));
        }
    }

    /// The process ended: all it left in its pipes is read before its end is told.
    pub(super) fn last_words(&mut self) {
        self.ended = true;
        if let Some(mut report) = self.report.take() {
            self.launch = Some(report.last_word());
        }
        self.read_at_most(LARGEST_PIPE_BYTES);
        self.drain_logs();
    }
}

/// Reads more of the replies; whether they ended.  Cancel safe.
async fn read_replies(replies: &mut Option<pipe::Receiver>, buffer: &mut BytesMut) -> bool {
    let Some(pipe) = replies else { return std::future::pending().await };
    if buffer.capacity() - buffer.len() < READ_BYTES / 2 {
        buffer.reserve(READ_BYTES);
    }
    match pipe.read_buf(buffer).await {
        Ok(length) => length == 0,
        // A failing pipe tells no more than one that ended; one that was interrupted goes on.
        Err(error) => error.kind() != io::ErrorKind::Interrupted,
    }
}

async fn readable(stream: Option<&LogStream>) {
    match stream.filter(|stream| stream.is_open()) {
        Some(stream) => stream.readable().await,
        None => std::future::pending().await,
    }
}

async fn heard(report: &mut Option<Launching>) -> Launch {
    match report {
        Some(report) => report.heard().await,
        None => std::future::pending().await,
    }
}
