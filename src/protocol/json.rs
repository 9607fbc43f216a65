//! Exactly one JSON value, judged without building it.
//!
//! `serde_json`'s raw values are skipped over iteratively, so neither depth nor the size of a number can
//! hurt, and numbers, escapes and lone surrogates stay as they came.

use serde_json::value::RawValue;

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
    fn line_ends_become_spaces() {
        let mut bytes = *b"{\r\n\"a\":\n1}\n";
        blank_line_ends(&mut bytes);
        assert_eq!(&bytes, b"{  \"a\": 1} ");
    }
}
