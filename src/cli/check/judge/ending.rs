//! What it means how a handler ended, and what it held in memory.

use super::Seen;
use crate::cli::check::finding::Code;
use crate::cli::check::tape::{By, Ending};

/// How much a handler may hold more after 150 small requests: a runtime that collects its garbage late
/// holds a few megabytes more.
const LEAK_BYTES: u64 = 8 * 1024 * 1024;

impl Seen<'_> {
    pub(super) fn ending(&mut self, ending: &Ending) {
        match (ending.by, ending.how.as_deref()) {
            (By::Signal, None) => self.find(Code::IgnoresSignal, "2 s after SIGTERM it still runs"),
            (By::Output, None) => self.find(
                Code::UnreadOutput,
                "2 s after its output was closed and a request was sent it still runs",
            ),
            (By::Input, None) => {
                self.find(Code::GoesOn, "2 s after the end of its input it still runs");
            }
            (By::Signal | By::Output, Some(_)) | (By::Input, Some("exit status 0")) => (),
            (By::Input, Some(how)) => {
                self.find(
                    Code::EndStatus,
                    format!("at the end of its input it did not end well: {how}"),
                );
            }
        }
        let is_asked = ending.by == By::Input;
        for line in ending.lines.iter().filter(|line| is_asked && !line.is_blank()) {
            if line.is_json() {
                let message = format!("at the end of its input it printed {}", line.shown());
                self.find(Code::ReplyAtEnd, message);
            } else {
                self.stray(line);
            }
        }
        if ending.left > 0 {
            let message = format!(
                "{} processes that it started were still there after it had ended",
                ending.left
            );
            self.find(Code::LeftBehind, message);
        }
    }

    /// Whether it held more and more.
    pub(super) fn memory(&mut self, requests: u32, before: u64, after: u64) {
        let grown = after.saturating_sub(before);
        if grown > LEAK_BYTES {
            let message = format!(
                "its memory grew from {} to {} KB over the last three quarters of {requests} requests",
                before / 1024,
                after / 1024
            );
            self.find(Code::MemoryGrows, message);
        }
    }
}
