//! The user's program as a child process: the only module that owns pipes and sends signals.
//!
//! A [`Handler`] is a living process, or one that has just ended and is not yet reaped.  What it says is
//! handed up message by message; what a message means is the protocol's to judge, and what becomes of
//! the handler is the supervisor's to decide.

mod diagnosis;
mod fault;
mod glance;
mod happening;
mod input;
pub mod launch;
mod locate;
mod output;
mod process;
mod start;
#[cfg(feature = "cli")]
mod wire_tap;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nix::sys::signal::Signal;
use tokio::net::unix::pipe;
use tokio::time::Instant;

use crate::config::Program;
use crate::log::{self, Piece};
use crate::protocol::{FrameError, Framing, MessageDecoder, RequestLine};

pub use fault::{Fault, Unstarted};
pub use happening::{Closed, Happening};
use happening::{LOOK_FIRST, READ_BYTES};
use input::Input;
use output::{LogLines, LogStream};
use process::Process;
pub use process::spare_children;
use start::{Launch, Launching};

/// How handlers of one environment are started.
#[derive(Debug)]
pub struct Settings {
    /// The program.
    pub program: Program,
    /// How messages are told apart.
    pub framing: Framing,
    /// Where replies come from, if not from standard output.
    pub reply_fd: Option<u8>,
    /// Whether readiness is seen by a space that is read.
    pub writes_space: bool,
    /// Whether the launcher cannot be used here.
    pub directly: bool,
}

/// The user's program, running.
#[derive(Debug)]
pub struct Handler {
    process: Process,
    file: std::path::PathBuf,
    input: Input,
    /// None once the stream ended, or broke.
    replies: Option<pipe::Receiver>,
    buffer: BytesMut,
    /// Whether their pipe was made as large as it may be, for a large reply.
    enlarged: bool,
    /// Where what is known to be there is read to.
    chunk: Vec<u8>,
    decoder: MessageDecoder,
    /// Whether an end of `replies` was handed up as messages already.
    told_end: bool,
    errors: LogStream,
    /// Standard error, as long as nobody is to read it.
    #[cfg(feature = "cli")]
    held_errors: Option<LogStream>,
    /// Standard output, where replies have a descriptor of their own.
    stray: Option<LogStream>,
    lines: LogLines,
    report: Option<Launching>,
    /// What came of exec, until it is told.
    launch: Option<Launch>,
    /// Whether the space is still unread, and when it is looked at next.
    space: Option<Duration>,
    /// How often it was looked at outside the runtime.
    first_looks: u32,
    closing: Option<(Closed, Instant)>,
    /// Why replies can no longer be told apart, where that was seen out of turn.
    broken: Option<FrameError>,
    /// What came of a message that never ended.
    unfinished: Bytes,
    /// How many messages were told without a wait between them.
    in_a_row: u32,
    ended: bool,
    #[cfg(feature = "cli")]
    tap: wire_tap::WireTap,
}

impl Handler {
    /// Starts the program.  It runs once exec succeeded, which shows later as a happening.
    ///
    /// # Errors
    /// When there is nothing to start, or no process or pipe can be made.
    pub fn start(settings: &Settings) -> Result<Self, Unstarted> {
        let started = start::start(settings)?;
        let (replies, stray) = match started.replies {
            Some(replies) => (replies, Some(LogStream::new(started.output))),
            None => (started.output, None),
        };
        let input = Input::new(started.input);
        Ok(Self {
            process: started.process,
            file: started.file,
            input,
            replies: Some(replies),
            buffer: BytesMut::new(),
            enlarged: false,
            chunk: vec![0; READ_BYTES],
            decoder: MessageDecoder::new(settings.framing),
            told_end: false,
            errors: LogStream::new(started.errors),
            #[cfg(feature = "cli")]
            held_errors: None,
            stray,
            lines: LogLines::default(),
            launch: started.report.is_none().then_some(Launch::Running),
            report: started.report,
            space: settings.writes_space.then_some(LOOK_FIRST),
            first_looks: 0,
            closing: None,
            broken: None,
            unfinished: Bytes::new(),
            in_a_row: 0,
            ended: false,
            #[cfg(feature = "cli")]
            tap: wire_tap::WireTap::open(),
        })
    }

    /// Logs all that lies in the pipes.
    fn drain_logs(&mut self) {
        for stream in [Some(&mut self.errors), self.stray.as_mut()].into_iter().flatten() {
            stream.drain(&mut self.lines);
            // Who else holds the pipe is about to be killed: a last line without an end is a line.
            stream.end(&mut self.lines);
        }
    }

    /// Logs what is known to lie in the pipes: what was written before a reply is out with it.
    pub fn pump_logs(&mut self) {
        self.errors.pump(&mut self.lines);
        if let Some(stray) = &mut self.stray {
            stray.pump(&mut self.lines);
        }
    }

    /// Gives the handler a request.
    pub fn offer(&mut self, line: RequestLine, request_id: Arc<str>) {
        #[cfg(feature = "cli")]
        self.tap.copy_request(line.bytes());
        self.lines.request_id = Some(request_id);
        self.input.offer(line);
        self.write_some();
    }

    /// The request was answered: nothing more is asked about it.
    pub fn finish_request(&mut self) {
        self.input.finish();
    }

    /// Takes the request back, to be given to another.
    pub fn withdraw(&mut self) -> Option<RequestLine> {
        self.input.withdraw()
    }

    /// Whether the whole request was read, but for a final line end.
    #[must_use]
    pub fn has_read_the_request(&self) -> bool {
        self.input.was_read()
    }

    /// Whether not one byte of the request was read so far.
    #[must_use]
    pub fn request_is_untouched(&self) -> bool {
        self.input.is_untouched()
    }

    /// Whether not one byte of the request was read, and nobody is left who could.
    #[must_use]
    pub fn request_stays_untouched(&self) -> bool {
        self.input.stays_untouched()
    }

    /// The bytes of a message that has not ended.
    #[must_use]
    pub fn unfinished_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// What came of a message that never ended, once that was told.
    pub fn take_unfinished(&mut self) -> Bytes {
        std::mem::take(&mut self.unfinished)
    }

    /// Logs a line that was printed where replies come from.
    pub fn log_stray(&mut self, line: &Bytes) {
        let mut pieces = line.chunks(log::MAX_HELD_BYTES).peekable();
        let mut piece = Piece::WHOLE;
        loop {
            let text = pieces.next().unwrap_or_default();
            piece.continues = pieces.peek().is_some();
            self.lines.write(text, piece);
            piece.continued = true;
            if !piece.continues {
                return;
            }
        }
    }

    /// Nothing the handler writes is logged from here on.
    pub fn silence(&mut self) {
        self.lines.silent = true;
    }

    /// Nothing the handler writes is logged, but it is kept for who asks what it last wrote.
    #[cfg(feature = "cli")]
    pub fn mute(&mut self) {
        self.lines.muted = true;
    }

    /// Reads no more of its standard error, as if whoever reads the logs were slow.
    #[cfg(feature = "cli")]
    pub fn hold_logs(&mut self) {
        if self.held_errors.is_none() {
            self.held_errors = Some(std::mem::replace(&mut self.errors, LogStream::ended()));
        }
    }

    /// Reads its standard error again.
    #[cfg(feature = "cli")]
    pub fn resume_logs(&mut self) {
        if let Some(errors) = self.held_errors.take() {
            self.errors = errors;
        }
    }

    /// What it last wrote, as an error quotes it, with what it may mean.
    #[must_use]
    pub fn last_written(&self) -> String {
        let tail = self.lines.tail();
        let hint = diagnosis::why_it_ended(&tail);
        fault::last_words(&tail, hint.as_deref())
    }

    /// How many bytes of log lines it wrote by now, as far as they were read.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn logged_bytes(&self) -> u64 {
        self.lines.bytes
    }

    /// How the process ended, as long as it is not reaped.
    #[must_use]
    pub fn how_it_ended(&self) -> String {
        self.process.how()
    }

    /// Closes the handler's input: the end of input means stop.
    pub fn close_input(&mut self) {
        self.input.close();
    }

    /// Closes our end of where its replies come from: nobody reads them any more.
    #[cfg(feature = "cli")]
    pub fn close_output(&mut self) {
        self.replies = None;
    }

    /// Sends a signal to the handler's group.
    pub fn signal(&self, signal: Signal) {
        self.process.signal_group(signal);
    }

    /// Waits until the process has ended.  Its pipes are not read any more.  Cancel safe.
    pub async fn ended(&mut self) {
        self.process.ended().await;
    }

    /// Kills the group and reaps the process, which must have ended or been killed; drops its pipes.
    pub fn bury(mut self) {
        if !self.ended {
            self.drain_logs();
        }
        self.process.reap();
    }
}

/// For what is done where it can be, and where nobody could do anything if it cannot.
fn best_effort<T, E>(_: Result<T, E>) {}
