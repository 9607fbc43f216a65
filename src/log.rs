//! Everything that goes to our standard error: the handler's lines as they are, and our own records, in
//! Lambda's text or JSON format.
//!
//! Logs never hold up an invocation: bytes are queued, written only when standard error takes them, and
//! dropped with a count when nobody reads them.  Standard output is never touched.

mod record;
mod sink;

use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use sink::Sink;

/// The longest piece of a line that is held; a longer line leaves in pieces.
pub const MAX_HELD_BYTES: usize = 256 * 1024;
/// How long nobody may read our standard error before lines are dropped rather than waited for.
const STALLED_AFTER: Duration = Duration::from_millis(100);

/// How often a standard error that takes nothing is tried again: while it may be slow, and once it seems
/// that nobody reads it.
const LOOK_OFTEN: Duration = Duration::from_millis(5);
const LOOK_SELDOM: Duration = Duration::from_millis(500);

/// How records are written: `AWS_LAMBDA_LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Lines as they are.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which piece of a line this is: most lines are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Whether pieces of the same line came before.
    pub continued: bool,
    /// Whether more pieces follow.
    pub continues: bool,
}

impl Piece {
    /// A line in one piece.
    pub const WHOLE: Self = Self { continued: false, continues: false };
}

static FORMAT: OnceLock<Format> = OnceLock::new();
static SINK: Mutex<Sink> = Mutex::new(Sink::new());

/// Sets the format and takes our own records from here on: those of `level` and graver.
///
/// `format` and `level` are the variables' values; what they do not say is text, and INFO.
pub fn start(format: Option<&str>, level: Option<&str>) {
    let format = match format {
        Some(name) if name.eq_ignore_ascii_case("json") => Format::Json,
        Some(_) | None => Format::Text,
    };
    let level = match level.map(str::to_ascii_uppercase).as_deref() {
        Some("TRACE") => Level::TRACE,
        Some("DEBUG") => Level::DEBUG,
        Some("WARN") => Level::WARN,
        Some("ERROR" | "FATAL") => Level::ERROR,
        Some(_) | None => Level::INFO,
    };
    let already_set = FORMAT.set(format).is_err()
        || tracing::subscriber::set_global_default(OurRecords { level }).is_err();
    debug_assert!(!already_set, "logging is started once");
}

fn format() -> Format {
    FORMAT.get().copied().unwrap_or_default()
}

/// Writes a line of the handler's, whatever bytes it holds.
pub fn handler_line(line: &[u8], request_id: Option<&str>, piece: Piece) {
    let record = match format() {
        Format::Text => record::text_line(line, piece),
        Format::Json => record::json_line(line, request_id, piece, SystemTime::now()),
    };
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.push(&record);
    // Lines often come by the hundred; they are written together, at the latest before the next wait.
    if sink.has_a_batch() {
        sink.write_what_fits();
    }
}

/// Writes a record of ours.
fn put(record: &[u8]) {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.push(record);
    sink.write_what_fits();
}

/// Writes what standard error takes now; whether all is out.
pub fn flush() -> bool {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_what_fits();
    sink.is_empty()
}

/// Writes all of it, waiting for a reader, but not for longer than `patience`.
pub fn flush_within(patience: Duration) {
    let until = Instant::now() + patience;
    while !flush() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether another line would be queued rather than waited for: there is room, or nobody has read for so
/// long that lines are dropped.
pub fn has_room() -> bool {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_what_fits();
    sink.has_room(Instant::now())
}

/// Writes what standard error takes now; when to look again, if something is left.  Once nobody has read
/// for a while, and lines are dropped rather than waited for, that is seldom.
pub fn next_look() -> Option<Duration> {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_what_fits();
    let now = Instant::now();
    let nobody_reads = sink.is_stalled(now) && sink.has_room(now);
    (!sink.is_empty()).then_some(if nobody_reads { LOOK_SELDOM } else { LOOK_OFTEN })
}

/// Our own records' subscriber: there are no spans, so it is small.
struct OurRecords {
    level: Level,
}

impl Subscriber for OurRecords {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Only our own crate speaks through `tracing`.
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        put(&match format() {
            Format::Text => record::own_text(level, &fields.message, &fields.others),
            Format::Json => {
                record::own_json(level, &fields.message, &fields.others, SystemTime::now())
            }
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A record's fields as texts.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        write!(text, "{value:?}").expect("a String takes every text");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.others.push((field.name(), value.to_owned()));
        }
    }
}
