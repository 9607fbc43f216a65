//! What was packaged, for people and as one object for programs, and the commands to run next.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::Architecture;
use super::assemble::Assembled;
use super::finding::{Finding, Severity};
use super::verify::Verified;
use super::zip::compress::Zipped;
use crate::cli::ui::{self, Style, Ui};

/// So many files are shown to people; a program is told all of them.
const SHOWN: usize = 20;

/// The object.  Its shape is part of the command's interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The target's name.
    pub target: String,
    /// The processor.
    pub architecture: Architecture,
    /// The handler setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// The zips, the function's first; none where a finding forbids them.
    pub zips: Vec<Zip>,
    /// The libraries that were taken in.
    pub libraries: Vec<Library>,
    /// What became of the zip when it was run; none where it was not to be run, or not written.
    pub verified: Option<Verified>,
    /// What to run next.
    pub commands: Vec<String>,
    /// The exit code of the call.
    pub exit_code: u8,
}

/// One zip.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Zip {
    /// `function` or `layer`.
    pub kind: &'static str,
    /// Its path.
    pub path: String,
    /// Whether it was written; with `--check-only` it was not.
    pub is_written: bool,
    /// Its length.
    pub zipped_bytes: u64,
    /// The length of all that is in it.
    pub unzipped_bytes: u64,
    /// Its SHA-256 as Lambda tells it.
    pub code_sha256: String,
    /// What is in it.
    pub files: Vec<File>,
}

/// One file in a zip.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its mode, in octal digits.
    pub mode: &'static str,
    /// Its length.
    pub bytes: u32,
    /// Its length in the zip.
    pub zipped_bytes: u32,
}

/// One library that was taken in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Who needs it.
    pub needed_by: String,
    /// Where it was found.
    pub from: String,
}

impl Zip {
    /// A zip's part of the report.
    #[must_use]
    pub fn new(kind: &'static str, path: &Path, is_written: bool, zipped: &Zipped) -> Self {
        let files = zipped.records.iter().map(|record| File {
            name: String::from_utf8_lossy(&record.name).into_owned(),
            mode: if record.is_executable { "0755" } else { "0644" },
            bytes: record.sizes.plain,
            zipped_bytes: record.sizes.compressed,
        });
        Self {
            kind,
            path: path.display().to_string(),
            is_written,
            zipped_bytes: zipped.bytes,
            unzipped_bytes: zipped.records.iter().map(|record| u64::from(record.sizes.plain)).sum(),
            code_sha256: in_base64(&zipped.sha256),
            files: files.collect(),
        }
    }
}

impl Report {
    /// The libraries' part of it.
    #[must_use]
    pub fn libraries(assembled: &Assembled) -> Vec<Library> {
        let bundled = assembled.bundled.iter().map(|bundled| Library {
            name: bundled.name.clone(),
            needed_by: bundled.needed_by.clone(),
            from: bundled.from.display().to_string(),
        });
        bundled.collect()
    }

    /// What people read of it, on standard output.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for zip in &self.zips {
            let head = if zip.is_written { "" } else { " (not written: --check-only)" };
            line(
                &mut text,
                format_args!(
                    "{}{head}: {} unzipped, {} zipped",
                    zip.path,
                    size(zip.unzipped_bytes),
                    size(zip.zipped_bytes)
                ),
            );
            let width = zip.files.iter().take(SHOWN).map(|file| file.name.chars().count()).max();
            let width = width.unwrap_or(0).min(60);
            for file in zip.files.iter().take(SHOWN) {
                let why = self
                    .libraries
                    .iter()
                    .find(|library| file.name == format!("lib/{}", library.name));
                let why = why
                    .map(|library| format!("  for {}, from {}", library.needed_by, library.from));
                line(
                    &mut text,
                    format_args!(
                        "  {:width$}  {}  {:>9}{}",
                        file.name,
                        file.mode,
                        size(u64::from(file.bytes)),
                        why.unwrap_or_default()
                    ),
                );
            }
            if zip.files.len() > SHOWN {
                line(&mut text, format_args!("  and {} more files", zip.files.len() - SHOWN));
            }
            line(&mut text, format_args!("  CodeSha256 {}", zip.code_sha256));
        }
        if let Some(told) = self.verified.as_ref().and_then(Verified::line) {
            line(&mut text, format_args!("{told}"));
        }
        if !self.commands.is_empty() {
            line(&mut text, format_args!("\nNext:"));
            for command in &self.commands {
                line(&mut text, format_args!("  {command}"));
            }
        }
        text
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .and_then(|()| text.write_char('\n'))
        .expect("a String takes every text");
}

/// Shows findings, each with what to do about it.
pub fn show(findings: &[Finding], ui: Ui) {
    for finding in findings {
        let style = match finding.severity {
            Severity::Error => Style::Error,
            Severity::Warning => Style::Warning,
            Severity::Note => Style::Dim,
        };
        let head = format!("{}[{}]:", finding.severity.word(), finding.code.id());
        let told = format!("{}: {}", finding.path, finding.message);
        ui.line(format!("{} {}", ui.paint(style, &head), ui::printable(&told)).as_bytes());
        ui.hint(&ui::printable(&finding.advice));
    }
}

/// A length as people read it.
#[must_use]
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let number = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", number / 1e3),
        _ => format!("{:.1} MB", number / 1e6),
    }
}

fn in_base64(bytes: &[u8; 32]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(44);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * at)) as usize & 63).copied();
            let is_there = at <= three.len();
            text.push(letter.filter(|_| is_there).map_or('=', char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_shown_with_their_units() {
        assert_eq!((size(999), size(1_000)), ("999 B".to_owned(), "1.0 kB".to_owned()));
        assert_eq!(size(52_428_800), "52.4 MB");
    }

    proptest! {
        #[test]
        fn a_hash_is_written_as_others_write_it(bytes in any::<[u8; 32]>()) {
            let theirs = base64::engine::general_purpose::STANDARD.encode(bytes);
            prop_assert_eq!(in_base64(&bytes), theirs);
        }
    }
}
