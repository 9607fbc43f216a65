//! Standard error and stray lines to log records: any bytes, lines of any length, never held up.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tokio::net::unix::pipe;

use crate::log::{self, MAX_HELD_BYTES, Piece};

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;
/// How often it is read before something else has its turn: more than a pipe usually holds.
const PUMP_READS: usize = 16;
/// How often a pipe is read at most to drain it: as much as the largest pipe holds.
const DRAIN_READS: usize = 1024 * 1024 / READ_BYTES;
/// How much of what a handler last wrote an error quotes.
const TAIL_BYTES: usize = 4 * 1024;

/// Where a handler's log lines go: to the log, and the last of them to memory.
#[derive(Debug, Default)]
pub(super) struct LogLines {
    /// The invocation at hand, which JSON records name.
    pub(super) request_id: Option<Arc<str>>,
    /// Nothing is logged any more: the handler is being shut down.
    pub(super) silent: bool,
    /// Lines are kept, but not logged: somebody only wants to know what was written last.
    #[cfg(feature = "cli")]
    pub(super) muted: bool,
    /// How much was written by now.
    #[cfg(feature = "cli")]
    pub(super) bytes: u64,
    tail: VecDeque<u8>,
}

impl LogLines {
    pub(super) fn write(&mut self, line: &[u8], piece: Piece) {
        if self.silent {
            return;
        }
        #[cfg(feature = "cli")]
        {
            self.bytes += line.len() as u64 + u64::from(!piece.continues);
        }
        if !self.is_muted() {
            log::handler_line(line, self.request_id.as_deref(), piece);
        }
        let kept = line.get(line.len().saturating_sub(TAIL_BYTES)..).unwrap_or(line);
        self.tail.extend(kept);
        self.tail.push_back(b'\n');
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
    }

    #[cfg(feature = "cli")]
    fn is_muted(&self) -> bool {
        self.muted
    }

    #[cfg(not(feature = "cli"))]
    #[expect(
        clippy::unused_self,
        reason = "the companion's lines can be muted, the bootstrap's cannot"
    )]
    fn is_muted(&self) -> bool {
        false
    }

    /// What was written last, for an error; a line cut in its middle is left out if others follow.
    pub(super) fn tail(&self) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        match text.split_once('\n') {
            Some((_, rest)) if bytes.len() == TAIL_BYTES => rest.to_owned(),
            Some(_) | None => text.to_owned(),
        }
    }
}

/// One stream of log lines.
#[derive(Debug)]
pub(super) struct LogStream {
    /// None once it ended.
    pipe: Option<pipe::Receiver>,
    /// Where bytes are read to: most invocations log nothing, and must not pay for a buffer each.
    chunk: Vec<u8>,
    held: Vec<u8>,
    continued: bool,
}

impl LogStream {
    pub(super) fn new(pipe: pipe::Receiver) -> Self {
        Self { pipe: Some(pipe), chunk: vec![0; READ_BYTES], held: Vec::new(), continued: false }
    }

    /// One that has ended: nothing comes of it.
    #[cfg(feature = "cli")]
    pub(super) fn ended() -> Self {
        Self { pipe: None, chunk: Vec::new(), held: Vec::new(), continued: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Waits until there is something to read.  Cancel safe.
    pub(super) async fn readable(&self) {
        if let Some(pipe) = &self.pipe
            && pipe.readable().await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Reads what is known to be there, while the log takes it.
    pub(super) fn pump(&mut self, lines: &mut LogLines) {
        // A writer that never stops must not keep us here.
        for _ in 0..PUMP_READS {
            let Some(pipe) = self.pipe.as_ref().filter(|_| log::has_room()) else { return };
            match pipe.try_read(&mut self.chunk) {
                Ok(0) => return self.end(lines),
                Ok(length) => self.split(length, lines),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.end(lines),
            }
        }
    }

    /// The pipe, as long as it is open.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what lies in the pipe, whether its readiness is known or not, while the log takes it.
    pub(super) fn read_waiting(&mut self, lines: &mut LogLines) {
        for _ in 0..PUMP_READS {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe.as_fd(), self.chunk.as_mut_slice()) {
                Ok(0) => return self.end(lines),
                Ok(length) => {
                    self.split(length, lines);
                    // Less than was asked for is all there was.
                    if length < self.chunk.len() || !log::has_room() {
                        return;
                    }
                }
                Err(rustix::io::Errno::INTR) => (),
                Err(_) => return,
            }
        }
    }

    /// Reads all that is in the pipe, whether its readiness is known or not: after a process's end.
    pub(super) fn drain(&mut self, lines: &mut LogLines) {
        // At most what a pipe can hold, so that a writer that lives on cannot keep us here.
        for _ in 0..DRAIN_READS {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe.as_fd(), self.chunk.as_mut_slice()) {
                Ok(0) => return self.end(lines),
                Ok(length) => self.split(length, lines),
                Err(rustix::io::Errno::INTR) => (),
                Err(_) => return,
            }
        }
    }

    /// Takes the lines out of what was read.
    fn split(&mut self, length: usize, lines: &mut LogLines) {
        let chunk = std::mem::take(&mut self.chunk);
        let mut bytes = chunk.get(..length).unwrap_or_default();
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.hold(line, lines);
            self.finish(lines);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.hold(bytes, lines);
        self.chunk = chunk;
    }

    /// Keeps the beginning of a line; what is too long to keep leaves as a piece.
    fn hold(&mut self, mut bytes: &[u8], lines: &mut LogLines) {
        while self.held.len() + bytes.len() > MAX_HELD_BYTES {
            let (fits, rest) = bytes.split_at(MAX_HELD_BYTES - self.held.len());
            self.held.extend_from_slice(fits);
            lines.write(&self.held, Piece { continued: self.continued, continues: true });
            self.held.clear();
            self.continued = true;
            bytes = rest;
        }
        self.held.extend_from_slice(bytes);
    }

    fn finish(&mut self, lines: &mut LogLines) {
        lines.write(&self.held, Piece { continued: self.continued, continues: false });
        self.continued = false;
        self.held.clear();
        if self.held.capacity() > READ_BYTES {
            self.held = Vec::new();
        }
    }

    /// The stream ended; a last line without an end is a line.
    pub(super) fn end(&mut self, lines: &mut LogLines) {
        self.pipe = None;
        if !self.held.is_empty() || self.continued {
            self.finish(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_whole_lines() {
        let mut lines = LogLines::default();
        assert_eq!(lines.tail(), "");
        lines.write(b"one", Piece::WHOLE);
        lines.write(b"two", Piece::WHOLE);
        assert_eq!(lines.tail(), "one\ntwo");
        for number in 0..1000 {
            lines.write(format!("line {number}").as_bytes(), Piece::WHOLE);
        }
        let tail = lines.tail();
        assert!(tail.ends_with("line 998\nline 999") && tail.starts_with("line "), "{tail}");
        assert!(tail.len() <= TAIL_BYTES);
    }
}
