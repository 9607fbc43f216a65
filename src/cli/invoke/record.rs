//! `--json`: what happened, as one object for programs.  Its shape is part of the command's interface.

use serde::Serialize;
use serde_json::value::RawValue;

use super::report::{self, Status};
use super::wire;
use crate::cli::Exit;
use crate::cli::emulator::{Completed, ErrorReport, Outcome};

/// So many bytes of replies and of the wire are kept for the one object.
pub const MAX_KEPT_BYTES: usize = 256 * 1024 * 1024;

/// The object.  With one event its invocation's members stand in it; with several they are a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The function's name.
    pub function_name: String,
    /// The exit code of the call.
    pub exit_code: u8,
    /// How long the init ahead of the first event took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_duration_ms: Option<f64>,
    /// The memory setting.
    #[serde(rename = "memorySizeMB")]
    pub memory_size_mb: u32,
    /// The most that was in use.
    #[serde(rename = "maxMemoryUsedMB")]
    pub max_memory_used_mb: u64,
    /// Whether the setting was enforced.
    pub memory_limit_enforced: bool,
    /// How often the bridge replaced the handler.
    pub restarts: u64,
    /// Why nothing could be invoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_error: Option<Body>,
    /// One invocation, or all of them.
    #[serde(flatten)]
    pub invocations: Invocations,
    /// What was printed outside of invocations; for one event all that was printed.
    pub logs: Vec<String>,
    /// How many lines were too many to be kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub logs_dropped: u64,
    /// The raw lines both ways, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<Vec<WireLine>>,
}

/// One invocation's members, or a list of invocations.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Invocations {
    /// None was begun.
    None {},
    /// The only one.
    One(Box<Invocation>),
    /// Several, in order.
    Many {
        /// The list.
        invocations: Vec<Invocation>,
    },
}

/// One invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Its id.
    pub request_id: String,
    /// `success`, `error` or `timeout`.
    pub status: &'static str,
    /// The reply or the error.
    #[serde(flatten)]
    pub said: Said,
    /// From the hand-over until the runtime asked for the next event.
    pub duration_ms: f64,
    /// The same in whole milliseconds.
    pub billed_duration_ms: u64,
    /// The most memory that was in use so far.
    #[serde(rename = "maxMemoryUsedMB")]
    pub max_memory_used_mb: u64,
    /// What was printed meanwhile; with one event it stands in the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<String>>,
}

/// What the caller got.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Said {
    /// A response.
    Reply(Body),
    /// An error.
    Error(Body),
}

/// Bytes as they came if they are JSON, else as text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// JSON, untouched.
    Json(Box<RawValue>),
    /// Anything else.
    Text(String),
}

/// One raw line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WireLine {
    /// Microseconds since the epoch.
    pub at_us: u64,
    /// To the handler (`in`) or from it (`out`).
    pub direction: wire::Direction,
    /// The line's bytes.
    pub bytes: usize,
    /// The line as text.
    pub line: String,
}

impl Body {
    /// Bytes that a caller received.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match serde_json::from_slice::<Box<RawValue>>(bytes) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

impl Invocation {
    /// An invocation that is over.
    #[must_use]
    pub fn of(completed: &Completed) -> Self {
        let body = Body::of(completed.outcome.body());
        let said = match &completed.outcome {
            Outcome::Response(_) => Said::Reply(body),
            Outcome::FunctionError(_)
            | Outcome::RuntimeExited(_)
            | Outcome::TimedOut(_)
            | Outcome::InitFailed(_) => Said::Error(body),
        };
        Self {
            request_id: completed.request_id.clone(),
            status: Status::of(completed).word(),
            said,
            duration_ms: report::millis(completed.duration),
            billed_duration_ms: u64::try_from(report::billed_ms(completed.duration))
                .unwrap_or(u64::MAX),
            max_memory_used_mb: report::megabytes(completed.peak_bytes),
            logs: None,
        }
    }
}

impl WireLine {
    /// A record of the tap.
    #[must_use]
    pub fn of(record: &wire::Record) -> Self {
        Self {
            at_us: record.at_us,
            direction: record.direction,
            bytes: record.line.len(),
            line: String::from_utf8_lossy(&record.line).into_owned(),
        }
    }
}

/// Collects a session while it goes on.
#[derive(Debug, Default)]
pub struct Recorder {
    /// The invocations so far.
    pub invocations: Vec<Invocation>,
    /// The init ahead of the first event, in milliseconds.
    pub init_duration_ms: Option<f64>,
    /// Why there was none.
    pub init_error: Option<ErrorReport>,
    /// The highest of all environments.
    pub peak_bytes: u64,
    /// Whether any environment was limited.
    pub memory_enforced: bool,
    /// The tap's lines.
    pub wire: Vec<WireLine>,
    kept_bytes: usize,
}

impl Recorder {
    /// Whether no more can be kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kept_bytes > MAX_KEPT_BYTES
    }

    /// A line of the tap; one too many is left out, and the session ends for it.
    pub fn add_wire(&mut self, record: &wire::Record) {
        self.kept_bytes = self.kept_bytes.saturating_add(record.line.len());
        if !self.is_full() {
            self.wire.push(WireLine::of(record));
        }
    }

    /// An invocation is over; `logs` are the lines printed meanwhile.
    pub fn add(&mut self, completed: &Completed, logs: Vec<String>) {
        self.peak_bytes = self.peak_bytes.max(completed.peak_bytes);
        self.memory_enforced |= completed.memory_enforced;
        self.kept_bytes = self.kept_bytes.saturating_add(completed.outcome.body().len());
        let logs = Some(logs);
        self.invocations.push(Invocation { logs, ..Invocation::of(completed) });
    }

    /// The whole, as one line.  `is_list` says that several events were asked for, however many there were.
    ///
    /// # Errors
    /// Never in practice: strings, numbers and JSON are all that is in it.
    pub fn finish(
        mut self,
        call: &Call<'_>,
        mut logs: Vec<String>,
        exit: Exit,
    ) -> serde_json::Result<Vec<u8>> {
        let invocations = if call.is_list {
            Invocations::Many { invocations: self.invocations }
        } else {
            match self.invocations.pop() {
                Some(mut only) => {
                    logs.append(&mut only.logs.take().unwrap_or_default());
                    Invocations::One(Box::new(only))
                }
                None => Invocations::None {},
            }
        };
        serde_json::to_vec(&Session {
            function_name: call.function_name.to_owned(),
            exit_code: exit.code(),
            init_duration_ms: self.init_duration_ms,
            memory_size_mb: call.memory_mb,
            max_memory_used_mb: report::megabytes(self.peak_bytes),
            memory_limit_enforced: self.memory_enforced,
            restarts: call.restarts,
            init_error: self.init_error.map(|report| Body::of(&report.body)),
            invocations,
            logs,
            logs_dropped: call.logs_dropped,
            wire: call.has_wire.then_some(self.wire),
        })
    }
}

/// What the object says about the call itself.
#[derive(Debug)]
pub struct Call<'a> {
    /// The function's name.
    pub function_name: &'a str,
    /// The memory setting.
    pub memory_mb: u32,
    /// Whether several events were asked for.
    pub is_list: bool,
    /// Whether the wire was asked for.
    pub has_wire: bool,
    /// How often the handler was replaced.
    pub restarts: u64,
    /// How many lines were too many.
    pub logs_dropped: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
