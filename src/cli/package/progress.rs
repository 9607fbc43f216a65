//! How far a long packaging is, on a terminal.

use std::time::{Duration, Instant};

use super::report::size;
use super::tree::Entry;
use crate::cli::ui::Ui;

/// What takes less is not worth a word.
const SILENT: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

/// One line that is written over and over, and taken away at the end.
#[derive(Debug)]
pub struct Progress {
    ui: Ui,
    files: usize,
    bytes: u64,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Of these files; nothing is shown where nobody looks.
    #[must_use]
    pub fn new(entries: &[&Entry], ui: Ui) -> Self {
        Self {
            ui,
            files: entries.len(),
            bytes: entries.iter().map(|entry| entry.identity.size).sum(),
            next: Instant::now() + SILENT,
            is_shown: false,
        }
    }

    /// So many files and bytes are done.
    pub fn tick(&mut self, files: usize, bytes: u64) {
        if !self.ui.is_terminal() || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PAUSE;
        self.is_shown = true;
        let (done, all) = (size(bytes), size(self.bytes));
        self.ui.over(&format!("compressing: {files} of {} files, {done} of {all}", self.files));
    }
}

/// One line on a terminal that stands there while something goes on.
#[derive(Debug)]
pub struct Notice {
    ui: Ui,
}

impl Notice {
    /// Shown until it is dropped, where somebody looks.
    #[must_use]
    pub fn new(text: &str, ui: Ui) -> Self {
        if ui.is_terminal() {
            ui.over(text);
        }
        Self { ui }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        if self.ui.is_terminal() {
            self.ui.over("");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            self.ui.over("");
        }
    }
}
