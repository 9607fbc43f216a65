//! The user's program as a child process: the only module that owns pipes and sends signals.
//!
//! A [`Handler`] is a living process, or one that has just ended and is not yet reaped.  What it says is
//! handed up message by message; what a message means is the protocol's to judge, and what becomes of
//! the handler is the supervisor's to decide.

mod diagnosis;
mod fault;
mod input;
pub mod launch;
mod locate;
mod output;
mod process;
mod start;
#[cfg(feature = "cli")]
mod wire_tap;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nix::sys::signal::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::{self, Instant};
use tokio_util::codec::Decoder;

use crate::config::Program;
use crate::log::{self, Piece};
use crate::protocol::{FrameError, Framing, MAX_LINE_BYTES, MessageDecoder, RequestLine};

pub use fault::{Fault, Unstarted};
use input::Input;
use output::{LogLines, LogStream};
use process::Process;
use start::{Launch, Report};

/// How much of the replies is read at once.
const READ_BYTES: usize = 64 * 1024;
/// How long the end of a pipe waits for the process's own end, to name it.
const END_GRACE: Duration = Duration::from_millis(100);
/// How often a starting handler is asked whether it has come to read: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_millis(1);
const LOOK_SELDOM: Duration = Duration::from_millis(5);
/// How often a log that nobody reads is tried again.
const LOG_RETRY: Duration = Duration::from_millis(5);

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
    decoder: MessageDecoder,
    /// Whether an end of `replies` was handed up as messages already.
    told_end: bool,
    errors: LogStream,
    /// Standard output, where replies have a descriptor of their own.
    stray: Option<LogStream>,
    lines: LogLines,
    report: Option<Report>,
    /// What came of exec, until it is told.
    launch: Option<Launch>,
    /// Whether the space is still unread, and when it is looked at next.
    space: Option<Duration>,
    never_read: bool,
    closing: Option<(Closed, Instant)>,
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
            decoder: MessageDecoder::new(settings.framing),
            told_end: false,
            errors: LogStream::new(started.errors),
            stray,
            lines: LogLines::default(),
            launch: started.report.is_none().then_some(Launch::Running),
            report: started.report,
            space: settings.writes_space.then_some(LOOK_FIRST),
            never_read: settings.writes_space,
            closing: None,
            ended: false,
            #[cfg(feature = "cli")]
            tap: wire_tap::WireTap::open(),
        })
    }

    /// Waits for the next thing the handler does, and meanwhile writes what is to be written and logs
    /// what it logs.  Data comes before the process's end.  Cancel safe.
    pub async fn happening(&mut self) -> Happening {
        loop {
            if let Some(known) = self.known() {
                return known;
            }
            self.wait().await;
        }
    }

    /// What has happened already, in its order.
    fn known(&mut self) -> Option<Happening> {
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
        if let Some(message) = self.next_message() {
            return Some(message);
        }
        if self.ended {
            return Some(Happening::Ended);
        }
        if let Some((closed, _)) = self.closing.filter(|(_, until)| *until <= Instant::now()) {
            return Some(Happening::Closed(closed));
        }
        // Before exec nobody has come to read, whatever the pipe says.
        if self.space.is_some() && self.report.is_none() && self.input.unread() == 0 {
            self.space = None;
            self.never_read = false;
            return Some(Happening::ReachedRead);
        }
        None
    }

    /// The next message that was already read.
    pub fn message_behind(&mut self) -> Option<Bytes> {
        match self.next_message() {
            Some(Happening::Message(message)) => Some(message),
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
                Some(Happening::Message(message))
            }
            Ok(None) => {
                self.told_end = at_end;
                if self.buffer.is_empty() && self.buffer.capacity() > READ_BYTES {
                    // A large reply's memory is given back.
                    self.buffer = BytesMut::new();
                }
                None
            }
            Err(error) => {
                self.told_end = true;
                self.replies = None;
                self.buffer = BytesMut::new();
                Some(Happening::Broken(error))
            }
        }
    }

    /// Waits until something more is known.
    async fn wait(&mut self) {
        let look = self.next_look();
        let logs = log::has_room();
        tokio::select! {
            biased;
            ended = read_replies(&mut self.replies, &mut self.buffer) => {
                if ended {
                    self.replies = None;
                    self.close(Closed::Output);
                }
            }
            () = self.input.writable(), if self.input.is_pending() => self.input.write_some(),
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
            // Logs come last, and give way to whatever else is waited for: a flood of them is always ready.
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

    /// When something must be looked at that does not tell of itself.
    fn next_look(&self) -> Option<Instant> {
        let now = Instant::now();
        let logs = if log::flush() { None } else { Some(now + LOG_RETRY) };
        let closing = self.closing.map(|(_, until)| until);
        let space = self.space.map(|every| now + every);
        [logs, closing, space].into_iter().flatten().min()
    }

    /// A pipe was closed; the process's own end, which says more, often follows at once.
    fn close(&mut self, closed: Closed) {
        if self.closing.is_none() && !self.ended {
            self.closing = Some((closed, Instant::now() + END_GRACE));
        }
    }

    /// The process ended: all it left in its pipes is read before its end is told.
    fn last_words(&mut self) {
        self.ended = true;
        if let Some(mut report) = self.report.take() {
            self.launch = Some(report.last_word());
        }
        while let Some(replies) =
            self.replies.as_ref().filter(|_| self.buffer.len() <= MAX_LINE_BYTES)
        {
            let mut chunk = [0; 4096];
            match rustix::io::read(replies.as_fd(), &mut chunk) {
                Ok(0) => self.replies = None,
                Ok(length) => {
                    self.buffer.extend_from_slice(chunk.get(..length).unwrap_or_default());
                }
                Err(rustix::io::Errno::INTR) => (),
                Err(_) => break,
            }
        }
        self.drain_logs();
    }

    /// Logs all that lies in the pipes.
    fn drain_logs(&mut self) {
        self.errors.drain(&mut self.lines);
        if let Some(stray) = &mut self.stray {
            stray.drain(&mut self.lines);
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
        self.input.offer(line, self.never_read);
        self.input.write_some();
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

    /// What it last wrote, as an error quotes it, with what it may mean.
    #[must_use]
    pub fn last_written(&self) -> String {
        let tail = self.lines.tail();
        let hint = diagnosis::why_it_ended(&tail);
        fault::last_words(&tail, hint.as_deref())
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

    /// Sends a signal to the handler's group.
    pub fn signal(&self, signal: Signal) {
        self.process.signal_group(signal);
    }

    /// Waits until the process has ended.  Its pipes are not read any more.  Cancel safe.
    pub async fn ended(&mut self) {
        self.process.ended().await;
    }

    /// Kills the group and reaps the process, which must have ended or been killed; drops its pipes.
    pub fn bury(mut self) -> String {
        if !self.ended {
            self.drain_logs();
        }
        self.process.reap()
    }
}

/// Reads more of the replies; whether they ended.  Cancel safe.
async fn read_replies(replies: &mut Option<pipe::Receiver>, buffer: &mut BytesMut) -> bool {
    let Some(pipe) = replies else { return std::future::pending().await };
    if buffer.capacity() - buffer.len() < READ_BYTES / 2 {
        buffer.reserve(READ_BYTES);
    }
    // A failing pipe tells no more than one that ended.
    !matches!(pipe.read_buf(buffer).await, Ok(length) if length > 0)
}

async fn readable(stream: Option<&LogStream>) {
    match stream.filter(|stream| stream.is_open()) {
        Some(stream) => stream.readable().await,
        None => std::future::pending().await,
    }
}

async fn heard(report: &mut Option<Report>) -> Launch {
    match report {
        Some(report) => report.heard().await,
        None => std::future::pending().await,
    }
}

/// For what is done where it can be, and where nobody could do anything if it cannot.
fn best_effort<T, E>(_: Result<T, E>) {}
