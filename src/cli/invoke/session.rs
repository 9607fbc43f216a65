//! One call of `invoke` from the start of the environment to its end: events in, replies and logs out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use hyper::body::Bytes;
use tokio::time;

use super::events::Events;
use super::logbook::Logbook;
use super::record::{MAX_KEPT_BYTES, Recorder};
use super::report::{self, Status};
use super::wire::Tap;
use crate::cli::Exit;
use crate::cli::emulator::{Completed, Emulator, ErrorReport, Init, Outcome, Submission};
use crate::cli::ui::{self, Reader, Ui};

/// How often the tap's file is looked at while an invocation runs.
const TAP_PAUSE: Duration = Duration::from_millis(20);

/// How a call speaks, and what it collects.
#[derive(Debug)]
pub struct Session {
    /// Where people read.
    pub ui: Ui,
    /// Whether one object is wanted instead.
    pub json: bool,
    /// The memory setting, for the report.
    pub memory_mb: u32,
    /// How often each event is sent.
    pub repeat: u32,
    /// Log lines.
    pub logbook: Arc<Logbook>,
    /// The bridge's tap, where the wire was asked for.
    pub tap: Option<Arc<Mutex<Tap>>>,
    /// What `--json` will say.
    pub recorder: Recorder,
    /// Whether anybody reads the replies.
    pub reader: Reader,
    /// Whether it was said that too much memory was used.
    pub is_memory_told: bool,
}

impl Session {
    /// Starts the function and gives it all events.  Not cancel safe: what is left is to shut down.
    ///
    /// # Errors
    /// For an event that cannot be read, and a standard output that cannot be written.
    pub async fn run(
        &mut self,
        emulator: &mut Emulator,
        mut events: Events,
    ) -> anyhow::Result<Exit> {
        if let Some(exit) = self.start(emulator).await? {
            return Ok(exit);
        }
        let mut worst = Exit::Done;
        while let Some(event) = events.next().await? {
            for _ in 0..self.repeat {
                let exit = self.invoke(emulator, event.clone()).await?;
                if exit.code() > worst.code() {
                    worst = exit;
                }
                // Where nobody reads, an endless list of events would never end.
                if exit == Exit::NotStarted || self.reader == Reader::Gone {
                    return Ok(worst);
                }
                if self.recorder.is_full() {
                    bail!(
                        "--json: replies and lines come to more than {MAX_KEPT_BYTES} bytes, too many for one \
                         object; send fewer events, or leave --json out"
                    );
                }
            }
        }
        Ok(worst)
    }

    async fn start(&mut self, emulator: &mut Emulator) -> anyhow::Result<Option<Exit>> {
        let started = Instant::now();
        let init = emulator.start().await;
        let (status, report) = match init {
            Init::Done(duration) => {
                self.recorder.init_duration_ms = Some(report::millis(duration));
                return Ok(None);
            }
            Init::Overran => (Status::Timeout, None),
            Init::Failed(report) => (Status::Error(report.error_type.clone()), Some(report)),
        };
        self.platform(&report::init_report_line(started.elapsed(), &status));
        let Some(report) = report else {
            self.hint(
                "init took longer than Lambda's 10 s; it begins again inside the first invocation",
            );
            return Ok(None);
        };
        self.reply(&report.body)?;
        self.explain(&report);
        self.recorder.init_error = Some(report);
        Ok(Some(Exit::NotStarted))
    }

    async fn invoke(&mut self, emulator: &mut Emulator, event: Bytes) -> anyhow::Result<Exit> {
        let submission = Submission::new(event);
        self.platform(&report::start_line(&submission.request_id));
        let completed = self.watch_wire(emulator.invoke(submission)).await;
        self.read_wire();
        self.platform(&report::end_line(&completed.request_id));
        self.platform(&report::report_line(&completed, self.memory_mb));
        self.conclude(&completed)?;
        self.warn_of_memory(&completed);
        if self.json {
            self.recorder.add(&completed, self.logbook.take());
        }
        Ok(report::exit_of(&completed.outcome))
    }

    /// The reply on standard output, and a word of help where there is need.
    fn conclude(&mut self, completed: &Completed) -> anyhow::Result<()> {
        match &completed.outcome {
            Outcome::Response(response) => {
                self.reply(&response.body)?;
                if let Some(error) = &response.stream_error {
                    self.error(&format!("the stream broke off: {}", error.error_type));
                }
            }
            Outcome::FunctionError(report)
            | Outcome::InitFailed(report)
            | Outcome::RuntimeExited(report)
            | Outcome::TimedOut(report) => {
                self.reply(&report.body)?;
                self.explain(report);
            }
        }
        match &completed.aftermath {
            Some(Outcome::RuntimeExited(report)) => {
                self.error(&format!("the answer came, but then: {}", report::summary(report)));
            }
            Some(Outcome::TimedOut(_)) => {
                self.error(
                    "the answer came, but the runtime did not ask for the next event in time",
                );
            }
            Some(Outcome::Response(_) | Outcome::FunctionError(_) | Outcome::InitFailed(_))
            | None => (),
        }
        Ok(())
    }

    /// Shows the wire while an invocation runs.
    async fn watch_wire<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if self.tap.is_none() {
            return work.await;
        }
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = time::sleep(TAP_PAUSE) => self.read_wire(),
            }
        }
    }

    /// What the tap has written by now.
    pub fn read_wire(&mut self) {
        let Some(tap) = self.tap.clone() else { return };
        loop {
            let records = tap.lock().unwrap_or_else(PoisonError::into_inner).read();
            match records {
                Ok(records) if records.is_empty() => return,
                Ok(records) if self.json => {
                    for record in &records {
                        self.recorder.add_wire(record);
                    }
                }
                Ok(records) => {
                    for record in records {
                        self.ui.line(record.show(self.ui).as_bytes());
                    }
                }
                Err(error) => {
                    self.tap = None;
                    return self
                        .error(&format!("--wire: the bridge's tap cannot be read: {error}"));
                }
            }
        }
    }

    fn reply(&mut self, body: &[u8]) -> anyhow::Result<()> {
        if !self.json {
            self.reader = ui::print(&[body, b"\n"].concat())?;
        }
        Ok(())
    }

    /// Once: what an environment held it mostly goes on holding.
    fn warn_of_memory(&mut self, completed: &Completed) {
        if self.is_memory_told {
            return;
        }
        if let Some(hint) = report::memory_hint(completed, self.memory_mb) {
            self.is_memory_told = true;
            self.hint(&hint);
        }
    }

    fn explain(&self, report: &ErrorReport) {
        self.error(&report::summary(report));
        if let Some(hint) = report::hint(report) {
            self.hint(hint);
        }
    }

    fn platform(&self, line: &str) {
        if !self.json {
            self.ui.platform(line);
        }
    }

    fn error(&self, message: &str) {
        if !self.json {
            self.ui.error(message);
        }
    }

    fn hint(&self, message: &str) {
        if !self.json {
            self.ui.hint(message);
        }
    }
}
