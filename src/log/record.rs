//! Records to bytes, in both formats.  Pure: the time is handed in.

use std::fmt::Write as _;
use std::time::SystemTime;

use tracing::Level;

use super::Piece;
use crate::clock::Utc;
use crate::json::{self, ObjectWriter};

/// Marks a line that was too long to hold, where it was cut.
const CONTINUES: &str = " [lambda-stdio: the line continues]";
const CONTINUED: &str = "[lambda-stdio: the line continued] ";

/// A handler's line in text mode: as it is.
pub(super) fn text_line(line: &[u8], piece: Piece) -> Vec<u8> {
    let mut record = Vec::with_capacity(line.len() + 1);
    if piece.continued {
        record.extend_from_slice(CONTINUED.as_bytes());
    }
    record.extend_from_slice(line);
    if piece.continues {
        record.extend_from_slice(CONTINUES.as_bytes());
    }
    record.push(b'\n');
    record
}

/// A handler's line in JSON mode: an object of its own as it is, anything else as a message.
pub(super) fn json_line(
    line: &[u8],
    request_id: Option<&str>,
    piece: Piece,
    now: SystemTime,
) -> Vec<u8> {
    if piece == Piece::WHOLE && is_object(line) {
        return text_line(line, piece);
    }
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    let mut record =
        ObjectWriter::new().text("timestamp", &Utc::of(now).iso()).text("level", "INFO");
    if let Some(request_id) = request_id {
        record = record.text("requestId", request_id);
    }
    record = record.text("message", &text);
    if piece != Piece::WHOLE {
        record = record
            .json("continued", truth(piece.continued))
            .json("continues", truth(piece.continues));
    }
    ended(record)
}

fn truth(value: bool) -> &'static [u8] {
    if value { b"true" } else { b"false" }
}

fn is_object(line: &[u8]) -> bool {
    line.trim_ascii_start().first() == Some(&b'{') && json::one_value(line).is_ok()
}

/// A record of ours in text mode.
pub(super) fn own_text(level: Level, message: &str, fields: &[(&'static str, String)]) -> Vec<u8> {
    let mut record = format!("lambda-stdio {level} {message}");
    for (name, value) in fields {
        let plain = !value.is_empty()
            && value.chars().all(|character| character.is_ascii_graphic() && character != '"');
        let written = if plain {
            write!(record, " {name}={value}")
        } else {
            write!(record, " {name}={value:?}")
        };
        written.expect("a String takes every text");
    }
    record.push('\n');
    record.into_bytes()
}

/// A record of ours in JSON mode.
pub(super) fn own_json(
    level: Level,
    message: &str,
    fields: &[(&'static str, String)],
    now: SystemTime,
) -> Vec<u8> {
    let mut record = ObjectWriter::new()
        .text("timestamp", &Utc::of(now).iso())
        .text("level", level.as_str())
        .text("source", "lambda-stdio")
        .text("message", message);
    for (name, value) in fields {
        let name = if *name == "request_id" { "requestId" } else { name };
        let plain = !value.is_empty() && value.len() < 19 && !value.starts_with('0');
        record = if plain && value.bytes().all(|byte| byte.is_ascii_digit()) {
            record.json(name, value.as_bytes())
        } else {
            record.text(name, value)
        };
    }
    ended(record)
}

fn ended(record: ObjectWriter) -> Vec<u8> {
    let mut line = record.finish();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7)
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }

    #[test]
    fn in_text_a_line_is_as_it_was_and_its_pieces_are_marked() {
        assert_eq!(text_line(b"\xff\x00\t", Piece::WHOLE), b"\xff\x00\t\n");
        let first = Piece { continued: false, continues: true };
        assert_eq!(text(&text_line(b"ab", first)), "ab [lambda-stdio: the line continues]\n");
        let last = Piece { continued: true, continues: false };
        assert_eq!(text(&text_line(b"cd", last)), "[lambda-stdio: the line continued] cd\n");
    }

    #[test]
    fn in_json_an_object_passes_untouched_and_all_else_is_a_message() {
        let line = |bytes: &[u8]| text(&json_line(bytes, Some("r-1"), Piece::WHOLE, at(0)));
        assert_eq!(
            line(b" {\"level\":\"WARN\", \"n\":1e400}"),
            " {\"level\":\"WARN\", \"n\":1e400}\n"
        );
        assert_eq!(
            line(b"plain \xff\r"),
            "{\"timestamp\":\"1970-01-01T00:00:00.007Z\",\"level\":\"INFO\",\"requestId\":\"r-1\",\
             \"message\":\"plain \u{fffd}\"}\n"
        );
        assert!(line(b"{broken").contains("\"message\":\"{broken\""));
    }

    #[test]
    fn our_own_records_say_whose_they_are() {
        let fields = [("generation", "2".to_owned()), ("cause", "exit status 3".to_owned())];
        assert_eq!(
            text(&own_text(Level::WARN, "handler replaced", &fields)),
            "lambda-stdio WARN handler replaced generation=2 cause=\"exit status 3\"\n"
        );
        assert_eq!(
            text(&own_json(Level::WARN, "handler replaced", &fields, at(0))),
            "{\"timestamp\":\"1970-01-01T00:00:00.007Z\",\"level\":\"WARN\",\"source\":\"lambda-stdio\",\
             \"message\":\"handler replaced\",\"generation\":2,\"cause\":\"exit status 3\"}\n"
        );
    }
}
