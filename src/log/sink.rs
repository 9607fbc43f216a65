//! Standard error as something that may be slow, full or gone.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{MAX_HELD_BYTES, STALLED_AFTER};

/// A write of so many bytes to a pipe that polls as writable never blocks: it has a page free.
const WRITE_BYTES: usize = 4096;
/// So much is not held back to be written with what follows.
const BATCH_BYTES: usize = 64 * 1024;
/// What is held at most, even for a record that is itself as long as may be.
const CAPACITY: usize = 2 * MAX_HELD_BYTES;

/// The bytes on their way to standard error.
#[derive(Debug)]
pub(super) struct Sink {
    queue: VecDeque<u8>,
    dropped: u64,
    /// Since when nothing was taken, while something waits.
    stalled_since: Option<Instant>,
    /// Since when there was no room.
    full_since: Option<Instant>,
}

impl Sink {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), dropped: 0, stalled_since: None, full_since: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn has_a_batch(&self) -> bool {
        self.queue.len() >= BATCH_BYTES
    }

    pub(super) fn push(&mut self, record: &[u8]) {
        if self.dropped > 0 && self.queue.len() < MAX_HELD_BYTES {
            let lost = std::mem::take(&mut self.dropped);
            let note = format!(
                "lambda-stdio WARN {lost} bytes of logs were dropped: nobody read standard error\n"
            );
            self.queue.extend(note.as_bytes());
        }
        if self.queue.len() + record.len() > CAPACITY {
            self.dropped += record.len() as u64;
        } else {
            self.queue.extend(record);
        }
    }

    /// Whether more is to be read for the log.  A reader that is too slow holds the handler up for a
    /// moment, and then loses lines: a log never holds up a reply.
    pub(super) fn has_room(&mut self, now: Instant) -> bool {
        if self.queue.len() < MAX_HELD_BYTES {
            self.full_since = None;
            return true;
        }
        now.duration_since(*self.full_since.get_or_insert(now)) > STALLED_AFTER
    }

    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        self.stalled_since.is_some_and(|since| now.duration_since(since) > STALLED_AFTER)
    }

    /// Writes until the queue is empty or standard error takes no more.
    ///
    /// Standard error may be shared with others, so it is never made non-blocking; it is asked first.
    pub(super) fn write_what_fits(&mut self) {
        while !self.queue.is_empty() {
            match self.write_once() {
                Ok(0) | Err(Errno::EAGAIN) => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return;
                }
                Ok(written) => {
                    self.queue.drain(..written);
                    self.stalled_since = None;
                }
                Err(Errno::EINTR) => (),
                // It is gone, or full for good: we keep serving without logs.
                Err(_) => {
                    self.dropped += self.queue.len() as u64;
                    self.queue.clear();
                }
            }
        }
        // A burst's memory is given back.
        if self.queue.capacity() > MAX_HELD_BYTES {
            self.queue.shrink_to(WRITE_BYTES);
        }
    }

    fn write_once(&self) -> nix::Result<usize> {
        let stderr = io::stderr();
        let mut asked = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
        if poll(&mut asked, PollTimeout::ZERO)? == 0 {
            return Ok(0);
        }
        let (front, _) = self.queue.as_slices();
        nix::unistd::write(stderr.as_fd(), front.get(..WRITE_BYTES).unwrap_or(front))
    }
}
