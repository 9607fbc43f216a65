//! JSON as bytes: exactly one value judged without building it, and objects written member by member.
//!
//! `serde_json`'s raw values are skipped over iteratively, so neither depth nor the size of a number can
//! hurt, and numbers, escapes and lone surrogates stay as they came.

mod object;

use serde_json::value::RawValue;

pub use object::{each_member, text};

/// Why bytes are not exactly one JSON value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// Nothing but white space.
    #[error("it is blank")]
    Blank,
    /// Not UTF-8, which JSON must be.
    #[error("it is not UTF-8 (byte {offset})")]
    NotUtf8 {
        /// The first byte that no UTF-8 has there.
        offset: usize,
    },
    /// UTF-8, but not one JSON value.
    #[error("it is not one JSON value ({reason})")]
    Syntax {
        /// The parser's words.
        reason: String,
    },
}

/// The one JSON value in the bytes, without the white space around it.
///
/// # Errors
/// When the bytes are anything else.
pub fn one_value(bytes: &[u8]) -> Result<&RawValue, NotJson> {
    serde_json::from_slice(bytes).map_err(|error| why_not(bytes, &error))
}

/// What a parser's refusal means.
#[must_use]
pub fn why_not(bytes: &[u8], error: &serde_json::Error) -> NotJson {
    if let Err(error) = std::str::from_utf8(bytes) {
        return NotJson::NotUtf8 { offset: error.valid_up_to() };
    }
    if is_blank(bytes) {
        return NotJson::Blank;
    }
    NotJson::Syntax { reason: error.to_string() }
}

/// Whether there is nothing but JSON's white space.
#[must_use]
pub fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_space(*byte))
}

/// Whether a byte is white space to JSON.
#[must_use]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where a part stands in the whole it was borrowed from.
#[must_use]
pub fn range_in(whole: &[u8], part: &str) -> std::ops::Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// Writes a text as a JSON string.
pub fn write_string(buffer: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(buffer, text).expect("a Vec takes every byte");
}

/// An object being written.  `serde_json`'s own values would bring trees and floats into the bootstrap.
#[derive(Debug)]
pub struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![b'{'])
    }

    /// A member that is a text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        write_string(&mut self.0, value);
        self
    }

    /// A member that is JSON already.
    #[must_use]
    pub fn json(mut self, name: &str, value: &[u8]) -> Self {
        self.name(name);
        self.0.extend_from_slice(value);
        self
    }

    /// A member that is a list of JSON values.
    #[must_use]
    pub fn list(mut self, name: &str, values: impl Iterator<Item = Vec<u8>>) -> Self {
        self.name(name);
        self.0.push(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            self.0.extend_from_slice(&value);
        }
        self.0.push(b']');
        self
    }

    /// The object's bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_string(&mut self.0, name);
        self.0.push(b':');
    }
}

impl Default for ObjectWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// A text as a JSON string.
#[must_use]
pub fn string(text: &str) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(text.len() + 2);
    write_string(&mut buffer, text);
    buffer
}

/// Writes JSON from elsewhere into a line: LF and CR, which stand only between tokens, become spaces.
pub fn splice(buffer: &mut Vec<u8>, value: &RawValue) {
    let from = buffer.len();
    buffer.extend_from_slice(value.get().as_bytes());
    blank_line_ends(buffer.get_mut(from..).unwrap_or_default());
}

/// Turns LF and CR into spaces: in valid JSON they are white space between tokens, never data.
pub fn blank_line_ends(mut bytes: &mut [u8]) {
    while let Some(found) = memchr::memchr2(b'\n', b'\r', bytes) {
        let (_, rest) = std::mem::take(&mut bytes).split_at_mut(found);
        if let Some((line_end, rest)) = rest.split_first_mut() {
            *line_end = b' ';
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_found_whatever_its_size_depth_or_numbers() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        for (bytes, value) in [
            (" 1 \r", "1"),
            ("1e400", "1e400"),
            ("-0", "-0"),
            (r#""\ud800""#, r#""\ud800""#),
            (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
            (deep.as_str(), deep.as_str()),
        ] {
            assert_eq!(one_value(bytes.as_bytes()).expect("one value").get(), value);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (bytes, reason) in [
            (&b""[..], "it is blank"),
            (b" \t", "it is blank"),
            (b"{}{}", "it is not one JSON value (trailing characters at line 1 column 3)"),
            (b"{'a': 1}", "it is not one JSON value (key must be a string at line 1 column 2)"),
            (b"NaN", "it is not one JSON value (expected value at line 1 column 1)"),
            (b"[1", "it is not one JSON value (EOF while parsing a list at line 1 column 2)"),
            (b"\"\xff\"", "it is not UTF-8 (byte 1)"),
            (
                b"1},\"context\":{",
                "it is not one JSON value (trailing characters at line 1 column 2)",
            ),
            (
                b"\"a\nb\"",
                "it is not one JSON value (control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2)",
            ),
            (b"01", "it is not one JSON value (invalid number at line 1 column 2)"),
        ] {
            assert_eq!(
                one_value(bytes).expect_err("refused").to_string(),
                reason,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn objects_are_written_member_by_member() {
        assert_eq!(ObjectWriter::new().finish(), b"{}");
        let object = ObjectWriter::new()
            .text("a\"", "b\n")
            .json("c", b"1")
            .list("d", [string("x"), string("y")].into_iter())
            .finish();
        assert_eq!(object, br#"{"a\"":"b\n","c":1,"d":["x","y"]}"#);
    }

    #[test]
    fn line_ends_become_spaces() {
        let mut bytes = *b"{\r\n\"a\":\n1}\n";
        blank_line_ends(&mut bytes);
        assert_eq!(&bytes, b"{  \"a\": 1} ");
    }
}
