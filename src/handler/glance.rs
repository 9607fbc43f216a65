//! Reading the handler's pipes without the runtime: for a moment after a request, and where what the runtime
//! knows of them may be late.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::time::Instant;

use super::Handler;
use super::happening::{Closed, READ_BYTES};
use super::input::{LARGEST_PIPE_BYTES, PIPE_BYTES};
use super::output::LogStream;
use crate::log;
use crate::protocol::MAX_LINE_BYTES;

/// How long a reply is waited for outside the runtime, in milliseconds, and how often, where only log lines
/// come.  Longer than a tick of any kernel: a timer that ends before the next tick has to be told to the
/// processor, which costs as much as everything else where that is a virtual one.
const GLANCE_MS: u8 = 10;
const GLANCES: u32 = 4;

impl Handler {
    /// Reads the replies that lie in the pipe, whether the runtime knows of them or not: as much as a
    /// pipe holds, so that a flood does not keep us here.
    pub fn catch_up(&mut self) {
        self.read_at_most(if self.enlarged { LARGEST_PIPE_BYTES } else { PIPE_BYTES });
    }

    /// The same, and whether the process has ended: who comes late sees all that happened in time.
    pub fn look_once_more(&mut self) {
        self.catch_up();
        if !self.ended && self.process.has_ended() {
            self.last_words();
        }
    }

    pub(super) fn read_at_most(&mut self, limit: usize) {
        let until = (self.buffer.len() + limit).min(MAX_LINE_BYTES);
        while let Some(replies) = self.replies.as_ref().filter(|_| self.buffer.len() <= until) {
            match rustix::io::read(replies.as_fd(), self.chunk.as_mut_slice()) {
                Ok(0) => {
                    self.replies = None;
                    self.close(Closed::Output);
                }
                Ok(length) => {
                    self.buffer.extend_from_slice(self.chunk.get(..length).unwrap_or_default());
                }
                Err(rustix::io::Errno::INTR) => (),
                Err(_) => return,
            }
        }
    }

    /// Waits for a reply for a moment, outside the runtime: most handlers answer within it, and the runtime's
    /// own way (a timer, which wakes the runtime to be seen, and a wait for it all) costs two system calls
    /// and as much time again.  Whoever answers later, or does anything else, is waited for there.
    pub fn glance(&mut self, until: Instant) {
        for _ in 0..GLANCES {
            let is_late = until.duration_since(Instant::now()).as_millis() <= GLANCE_MS.into();
            if is_late || self.input.is_pending() {
                return;
            }
            let Some(replies) = &self.replies else { return };
            let mut asked = vec![PollFd::new(replies.as_fd(), PollFlags::POLLIN)];
            let logs = [Some(&self.errors), self.stray.as_ref()];
            let logs = logs.into_iter().flatten().filter_map(LogStream::as_fd);
            asked.extend(logs.map(|pipe| PollFd::new(pipe, PollFlags::POLLIN)));
            let told = poll(&mut asked, PollTimeout::from(GLANCE_MS));
            if !matches!(told, Ok(1..)) {
                return;
            }
            let is_told = |asked: &PollFd<'_>| asked.any() == Some(true);
            let [has_replies, has_logs] =
                [asked.first().is_some_and(is_told), asked.iter().skip(1).any(is_told)];
            // Replies first: what was logged before one lies in its pipe already.
            if has_replies {
                self.read_now();
            }
            if has_logs && log::has_room() {
                self.read_logs();
            }
            if has_replies || !log::has_room() {
                return;
            }
        }
    }

    /// Reads what is known to lie in the pipe of replies, as much as a large pipe holds.
    fn read_now(&mut self) {
        let Some(replies) = &self.replies else { return };
        for _ in 0..LARGEST_PIPE_BYTES / READ_BYTES {
            let Ok(length @ 1..) = rustix::io::read(replies.as_fd(), self.chunk.as_mut_slice())
            else {
                return;
            };
            self.buffer.extend_from_slice(self.chunk.get(..length).unwrap_or_default());
            if length < self.chunk.len() {
                return;
            }
        }
    }

    /// Logs what lies in the pipes, whether the runtime knows of it or not.
    fn read_logs(&mut self) {
        for stream in [Some(&mut self.errors), self.stray.as_mut()].into_iter().flatten() {
            stream.read_waiting(&mut self.lines);
        }
    }
}
