//! A handler's own error: what of it goes to the caller as it is, and what must be completed or cut.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::MAX_ERROR_BYTES;
use crate::invocation::FunctionError;
use crate::json;

/// How much of the type of an error that is cut is kept, and room for what stands around type and message.
const MAX_TYPE_BYTES: usize = 1024;
const AROUND_BYTES: usize = 128;

/// The handler's error: a complete one goes to the caller byte for byte, any other is completed.
pub(super) fn function_error(line: &Bytes, raw: &RawValue) -> FunctionError {
    let ErrorMembers { error_type, error_message, stack_trace } = ErrorMembers::of(raw);
    let error = match (error_type, error_message) {
        (Some(error_type), Some(error_message)) => FunctionError {
            error_type,
            error_message,
            stack_trace,
            verbatim: Some(line.slice(json::range_in(line, raw.get()))),
        },
        (None, Some(error_message)) => {
            FunctionError { stack_trace, ..FunctionError::new("Function.Error", error_message) }
        }
        (_, None) => {
            let text = json::text(raw).unwrap_or(Cow::Borrowed(raw.get()));
            FunctionError::new("Function.Error", text)
        }
    };
    // What is completed may become longer: text that was no error is quoted once more.
    let fits = raw.get().len() <= MAX_ERROR_BYTES
        && (error.verbatim.is_some() || error.to_json().len() <= MAX_ERROR_BYTES);
    if fits { error } else { cut_to_fit(error) }
}

/// An error whose JSON fits its limit: without its stack, and with as much of its message as there is
/// room for.
fn cut_to_fit(error: FunctionError) -> FunctionError {
    let error_type = cut(error.error_type, MAX_TYPE_BYTES);
    let room = MAX_ERROR_BYTES - AROUND_BYTES - json::string(&error_type).len();
    FunctionError::new(error_type, cut(error.error_message, room))
}

/// A text of at most `limit` bytes as a JSON string has them, cut between characters and marked as cut.
fn cut(mut text: String, limit: usize) -> String {
    const MARK: &str = " … (cut)";
    let mut bytes = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        bytes += match character {
            '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        (bytes > limit).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
        text.push_str(MARK);
    }
    text
}

/// What a handler's error object says, read as generously as it can be.
#[derive(Default)]
struct ErrorMembers {
    error_type: Option<String>,
    error_message: Option<String>,
    stack_trace: Vec<Box<str>>,
}

impl ErrorMembers {
    fn of(raw: &RawValue) -> Self {
        let mut members = Self::default();
        let read = json::each_member(raw.get().as_bytes(), |name, value| match name {
            "errorType" => members.error_type = json::text(value).map(Cow::into_owned),
            "errorMessage" => members.error_message = json::text(value).map(Cow::into_owned),
            "stackTrace" => members.stack_trace = frames(value),
            _ => (),
        });
        // Anything but an object has no members, and is told as its own text.
        if read.is_ok() { members } else { Self::default() }
    }
}

/// A stack trace's frames as texts: strings as they are, anything else as its JSON.
fn frames(value: &RawValue) -> Vec<Box<str>> {
    let frames: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    frames
        .into_iter()
        .map(|frame| {
            json::text(frame).map_or_else(|| frame.get().into(), |text| text.as_ref().into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(json: &str) -> FunctionError {
        let line = Bytes::from(json.to_owned());
        let raw: &RawValue = serde_json::from_slice(&line).expect("JSON");
        function_error(&line, raw)
    }

    #[test]
    fn a_complete_error_is_carried_byte_for_byte() {
        let json =
            r#"{"errorType":"ValueError","errorMessage":"no","stackTrace":[1,"b"],"own":1.0}"#;
        let error = error_of(json);
        assert_eq!(error.to_json(), json.as_bytes());
        assert_eq!(error.error_type, "ValueError");
        assert_eq!(error.stack_trace, ["1".into(), "b".into()]);
    }

    #[test]
    fn an_incomplete_error_is_completed() {
        for (json, error_type, message) in [
            ("\"no\"", "Function.Error", "no"),
            ("42", "Function.Error", "42"),
            ("[1]", "Function.Error", "[1]"),
            ("{}", "Function.Error", "{}"),
            (r#"{"errorMessage":"no"}"#, "Function.Error", "no"),
            (r#"{"errorType":"T"}"#, "Function.Error", r#"{"errorType":"T"}"#),
            (r#"{"errorType":7,"errorMessage":"no"}"#, "Function.Error", "no"),
        ] {
            let error = error_of(json);
            assert_eq!(
                (error.error_type.as_str(), error.error_message.as_str()),
                (error_type, message),
                "{json}"
            );
            assert_eq!(error.verbatim, None);
        }
    }

    #[test]
    fn what_grows_when_it_is_completed_is_cut_as_well() {
        let quoted = format!("[\"{}\"]", "\\\"".repeat(MAX_ERROR_BYTES / 2 - 10));
        let message = "x".repeat(MAX_ERROR_BYTES - 25);
        for json in [quoted, format!(r#"{{"errorMessage":"{message}"}}"#)] {
            assert!(json.len() <= MAX_ERROR_BYTES);
            let length = error_of(&json).to_json().len();
            assert!((MAX_ERROR_BYTES - 200..=MAX_ERROR_BYTES).contains(&length), "{length}");
        }
    }

    #[test]
    fn a_vast_error_is_cut_and_marked() {
        let json = format!(
            r#"{{"errorType":"T","errorMessage":"{}","stackTrace":["x"]}}"#,
            "é".repeat(MAX_ERROR_BYTES)
        );
        let error = error_of(&json);
        assert!(error.error_message.ends_with(" … (cut)"));
        let json = error.to_json();
        assert!(
            json.len() <= MAX_ERROR_BYTES && json.len() > MAX_ERROR_BYTES - 200,
            "{}",
            json.len()
        );
        assert!(error.stack_trace.is_empty());
        for character in ["\\u0000", "\\n", "\\\"", "\\\\", "x"] {
            let many = character.repeat(MAX_ERROR_BYTES);
            let json = format!(r#"{{"errorType":"{many}","errorMessage":"{many}"}}"#);
            let length = error_of(&json).to_json().len();
            assert!(
                (MAX_ERROR_BYTES - 200..=MAX_ERROR_BYTES).contains(&length),
                "{character}: {length}"
            );
        }
    }
}
