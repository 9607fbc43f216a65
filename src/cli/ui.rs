//! What people see: replies on standard output, everything else on standard error, with colours where
//! they are wanted.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use super::surroundings;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set, or wherever `CLICOLOR_FORCE` is.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Lambda's own lines: there, but in the background.
    Dim,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warning,
    /// What to do about it.
    Hint,
    /// To the handler.
    In,
    /// From the handler.
    Out,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Hint => "36",
            Self::In => "34",
            Self::Out => "32",
        }
    }
}

/// Standard error, with or without colours.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    colors: bool,
    terminal: bool,
}

impl Ui {
    /// Decides about colours once.
    #[must_use]
    pub fn new(color: Color) -> Self {
        let terminal = io::stderr().is_terminal();
        let no_color = surroundings::variable("NO_COLOR");
        let force = surroundings::variable("CLICOLOR_FORCE");
        let colors = decide(color, no_color.as_deref(), force.as_deref(), terminal);
        Self { colors, terminal }
    }

    /// Whether a person is reading.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// A text in a style, where colours are wanted.
    #[must_use]
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colors { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_owned() }
    }

    /// A line on standard error.  There is nowhere to say that it could not be written.
    pub fn line(self, bytes: &[u8]) {
        self.lines(&[bytes]);
    }

    /// Lines on standard error.
    pub fn lines(self, lines: &[&[u8]]) {
        let mut whole = lines.join(&b'\n');
        whole.push(b'\n');
        // One write, so that lines of others do not fall into it, and a flood of short ones costs little.
        io::stderr().lock().write_all(&whole).ok();
    }

    /// A text in place of the one before, on the terminal's last line.
    pub fn over(self, text: &str) {
        io::stderr().lock().write_all(format!("\r\x1b[K{text}").as_bytes()).ok();
    }

    /// A line of Lambda's own.
    pub fn platform(self, line: &str) {
        self.line(self.paint(Style::Dim, line).as_bytes());
    }

    /// What went wrong.
    pub fn error(self, message: &str) {
        let head = self.paint(Style::Error, "error:");
        self.line(format!("{head} {}", printable(message)).as_bytes());
    }

    /// What to do about it.
    pub fn hint(self, message: &str) {
        let head = self.paint(Style::Hint, "hint:");
        self.line(format!("{head} {message}").as_bytes());
    }
}

/// Whether anybody reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// As far as is known.
    There,
    /// It has seen enough, as in `… | head -1`.
    Gone,
}

/// Writes to standard output: a reader that has gone wants no more, and is no error.
///
/// # Errors
/// Where standard output takes nothing for another reason.
pub fn print(bytes: &[u8]) -> anyhow::Result<Reader> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(anyhow::Error::new(error).context("could not write to standard output")),
    }
}

/// A text that cannot move the cursor or change colours: control characters are shown, line ends kept.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

fn decide(color: Color, no_color: Option<&OsStr>, force: Option<&OsStr>, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if no_color.is_some_and(|value| !value.is_empty()) => false,
        Color::Auto => terminal || force.is_some_and(|value| !value.is_empty() && value != "0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_flag_then_the_variables_then_the_terminal() {
        let decide = |color, no: Option<&str>, force: Option<&str>, terminal| {
            decide(color, no.map(OsStr::new), force.map(OsStr::new), terminal)
        };
        assert!(decide(Color::Auto, None, None, true));
        assert!(!decide(Color::Auto, None, None, false));
        assert!(!decide(Color::Auto, Some("1"), Some("1"), true));
        assert!(decide(Color::Auto, Some(""), None, true));
        assert!(decide(Color::Auto, None, Some("1"), false));
        assert!(!decide(Color::Auto, None, Some("0"), false));
        assert!(decide(Color::Always, Some("1"), None, false));
        assert!(!decide(Color::Never, None, Some("1"), true));
    }

    #[test]
    fn an_error_cannot_play_with_the_terminal() {
        assert_eq!(printable("a\x1b[31mred\r\n\tb\u{9b}"), "a\\u{1b}[31mred\\r\n\tb\\u{9b}");
    }
}
