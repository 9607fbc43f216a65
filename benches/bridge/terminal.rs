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

/// Whether standard output is a terminal that is to have colours (no-color.org).
pub(crate) fn has_colour() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "config is the bridge's; this is a terminal's own"
    )]
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !unwanted
}
