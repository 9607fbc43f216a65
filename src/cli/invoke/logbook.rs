//! Where a function's log lines go: to standard error as they come, or into the object of `--json`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::cli::ui::Ui;

/// So many bytes of lines are kept for `--json`; what comes after is counted.
const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;
/// How the bridge's record of a replaced handler begins in text mode.
const REPLACED: &[u8] = b"lambda-stdio WARN handler replaced ";

/// The lines of one call.
#[derive(Debug)]
pub struct Logbook {
    ui: Ui,
    keeps: bool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: Vec<String>,
    bytes: usize,
    dropped: u64,
    restarts: u64,
}

impl Kept {
    fn add(&mut self, line: &[u8]) {
        // A line takes room even if it is empty.
        let bytes = self.bytes + line.len() + size_of::<String>();
        if bytes > MAX_KEPT_BYTES {
            self.dropped += 1;
        } else {
            self.bytes = bytes;
            self.lines.push(String::from_utf8_lossy(line).into_owned());
        }
    }
}

impl Logbook {
    /// A book that keeps lines, or prints them.
    #[must_use]
    pub fn new(ui: Ui, keeps: bool) -> Self {
        Self { ui, keeps, kept: Mutex::default() }
    }

    /// Lines of the function or of the bridge.
    pub fn lines(&self, lines: &[&[u8]]) {
        let mut kept = self.lock();
        for line in lines {
            kept.restarts += u64::from(is_replacement(line));
            if self.keeps {
                kept.add(line);
            }
        }
        drop(kept);
        if !self.keeps {
            self.ui.lines(lines);
        }
    }

    /// The lines kept since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().lines)
    }

    /// How often the handler was replaced.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.lock().restarts
    }

    /// How many lines were too many to be kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Counters and whole lines only: a panic elsewhere leaves nothing half done here.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the bridge says that it replaced the handler, in either of its formats.
fn is_replacement(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Record<'a> {
        source: &'a str,
        message: &'a str,
    }
    if line.first() != Some(&b'{') {
        return line.starts_with(REPLACED);
    }
    serde_json::from_slice::<Record<'_>>(line)
        .is_ok_and(|record| record.source == "lambda-stdio" && record.message == "handler replaced")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_told_from_what_handlers_print() {
        for line in [
            "lambda-stdio WARN handler replaced generation=1 cause=exited",
            r#"{"level":"WARN","source":"lambda-stdio","message":"handler replaced","generation":1}"#,
        ] {
            assert!(is_replacement(line.as_bytes()), "{line}");
        }
        for line in [
            "handler replaced ",
            "x lambda-stdio WARN handler replaced ",
            r#"{"source":"handler","message":"handler replaced"}"#,
            r#"{"message":"handler replaced"}"#,
            "{",
            "",
        ] {
            assert!(!is_replacement(line.as_bytes()), "{line}");
        }
    }
}
