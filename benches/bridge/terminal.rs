//! What somebody who watches sees while it runs.

use std::io::{IsTerminal, Write};

/// How far it is; nothing clears the line.
pub(crate) fn show(words: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // Nobody is told less if nobody can be told.
        drop(terminal.write_all(format!("\r\x1b[K{words}").as_bytes()));
    }
}
