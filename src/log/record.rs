//! Records to bytes, in both formats.  Pure: the time is handed in.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::Level;

use super::Piece;
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
    let mut record = ObjectWriter::new().text("timestamp", &timestamp(now)).text("level", "INFO");
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
        .text("timestamp", &timestamp(now))
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

/// A moment in RFC 3339, UTC, to the millisecond.
#[must_use]
pub fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

/// The date so many days after 1970-01-01, in years that begin in March, so that the leap day is last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7)
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }

    #[test]
    fn moments_are_written_as_rfc_3339() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_795_219_200, "2026-11-21T00:00:00.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            assert_eq!(timestamp(at(seconds)), written);
        }
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
