//! A line to what it says: which of our members it has, found in one pass over its bytes.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DeliveryId, MAX_ERROR_BYTES};
use crate::invocation::FunctionError;
use crate::json::{self, NotJson};

/// How much of the type of an error that is cut is kept, and room for what stands around type and message.
const MAX_TYPE_BYTES: usize = 1024;
const AROUND_BYTES: usize = 128;

/// What the handler answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub body: ReplyBody,
    /// Whether it carried the delivery's id; plain replies must pass more checks.
    pub tagged: bool,
}

/// An answer: either the function's response or its error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyBody {
    /// The response's exact bytes.
    Response(Bytes),
    /// The handler's own error.
    Error {
        /// What the caller gets.
        error: FunctionError,
        /// Whether the handler asks to be replaced.
        fatal: bool,
    },
}

/// A line that is one JSON value: its members, where it is an object.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The value's exact bytes, without white space around it.
    pub(super) value: &'a [u8],
    /// The members that mean something to us; none for anything but an object.
    pub(super) members: Members<'a>,
}

impl<'a> Line<'a> {
    /// A line of plain words: it has no members.
    pub(super) fn of_words(words: &'a [u8]) -> Self {
        Self { value: words, members: Members::default() }
    }
}

/// The members that mean something to us, raw.  The last of a name counts, as in JavaScript.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    pub(super) id: Option<DeliveryId>,
    pub(super) result: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) fatal: bool,
    pub(super) ready: Option<&'a RawValue>,
}

/// Reads a line.
///
/// # Errors
/// When it is not exactly one JSON value in UTF-8.
pub(super) fn parse(line: &[u8]) -> Result<Line<'_>, NotJson> {
    let value = line.trim_ascii();
    if value.first() != Some(&b'{') {
        json::one_value(line)?;
        return Ok(Line { value, members: Members::default() });
    }
    let members = serde_json::from_slice(line).map_err(|error| json::why_not(line, &error))?;
    Ok(Line { value, members })
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        // Names and values are read raw, so that a lone surrogate or a vast number in either is no error.
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value = map.next_value::<&RawValue>()?;
            match plain_text(name).as_deref() {
                Some("id") => members.id = plain_text(value).as_deref().and_then(DeliveryId::parse),
                Some("result") => members.result = Some(value),
                Some("error") => members.error = not_null(value),
                Some("fatal") => members.fatal = value.get() == "true",
                Some("ready") => members.ready = not_null(value),
                Some(_) | None => (),
            }
        }
        Ok(members)
    }
}

fn not_null(value: &RawValue) -> Option<&RawValue> {
    (value.get() != "null").then_some(value)
}

/// The text of a JSON string; none where it is no string.  A lone surrogate, which no text can hold,
/// becomes U+FFFD.
fn plain_text(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    serde_json::from_str::<String>(value.get())
        .or_else(|_| serde_json::from_str::<AnyText>(value.get()).map(|text| text.0))
        .ok()
        .map(Cow::Owned)
}

/// A JSON string as `serde_json` gives it in bytes: UTF-8, but for lone surrogates.
struct AnyText(String);

impl<'de> Deserialize<'de> for AnyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyTextVisitor;
        impl Visitor<'_> for AnyTextVisitor {
            type Value = AnyText;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<AnyText, E> {
                Ok(AnyText(without_surrogates(bytes)))
            }
        }
        deserializer.deserialize_bytes(AnyTextVisitor)
    }
}

/// Text in which each encoded surrogate, three bytes from ED A0 80 on, is one U+FFFD.
fn without_surrogates(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Each of the three bytes is a chunk of its own; the first of them stands for all.
        if chunk.invalid().first() == Some(&0xed) {
            text.push('\u{fffd}');
        }
    }
    text
}

/// The handler's error: a complete one goes to the caller byte for byte, any other is completed.
pub(super) fn function_error(line: &Bytes, raw: &RawValue) -> FunctionError {
    let parsed: ErrorMembers = serde_json::from_str(raw.get()).unwrap_or_default();
    let error = match (parsed.error_type, parsed.error_message) {
        (Some(error_type), Some(error_message)) => FunctionError {
            error_type,
            error_message,
            stack_trace: parsed.stack_trace,
            verbatim: Some(line.slice(json::range_in(line, raw.get()))),
        },
        (None, Some(error_message)) => FunctionError {
            stack_trace: parsed.stack_trace,
            ..FunctionError::new("Function.Error", error_message)
        },
        (_, None) => {
            let text = plain_text(raw).unwrap_or(Cow::Borrowed(raw.get()));
            FunctionError::new("Function.Error", text)
        }
    };
    if raw.get().len() <= MAX_ERROR_BYTES { error } else { cut_to_fit(error) }
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

impl<'de> Deserialize<'de> for ErrorMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ErrorVisitor)
    }
}

struct ErrorVisitor;

impl<'de> Visitor<'de> for ErrorVisitor {
    type Value = ErrorMembers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an error object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorMembers, A::Error> {
        let mut members = ErrorMembers::default();
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value = map.next_value::<&RawValue>()?;
            match plain_text(name).as_deref() {
                Some("errorType") => members.error_type = plain_text(value).map(Into::into),
                Some("errorMessage") => members.error_message = plain_text(value).map(Into::into),
                Some("stackTrace") => members.stack_trace = frames(value),
                Some(_) | None => (),
            }
        }
        Ok(members)
    }
}

/// A stack trace's frames as texts: strings as they are, anything else as its JSON.
fn frames(value: &RawValue) -> Vec<Box<str>> {
    let frames: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    frames
        .into_iter()
        .map(|frame| {
            plain_text(frame).map_or_else(|| frame.get().into(), |text| text.as_ref().into())
        })
        .collect()
}

/// What a ready line says: the protocol's version, where it says one, and the features; none where it is
/// no ready line.
pub(super) fn readiness(raw: &RawValue) -> Option<(Option<u64>, Vec<String>)> {
    #[derive(Default)]
    struct Ready(Option<u64>, Vec<String>);
    impl<'de> Deserialize<'de> for Ready {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct ReadyVisitor;
            impl<'de> Visitor<'de> for ReadyVisitor {
                type Value = Ready;
                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ready, A::Error> {
                    let mut ready = Ready::default();
                    while let Some(name) = map.next_key::<String>()? {
                        match name.as_str() {
                            "protocol" => ready.0 = map.next_value()?,
                            "features" => {
                                ready.1 =
                                    map.next_value::<Option<Vec<String>>>()?.unwrap_or_default();
                            }
                            _ => {
                                map.next_value::<IgnoredAny>()?;
                            }
                        }
                    }
                    Ok(ready)
                }
            }
            deserializer.deserialize_map(ReadyVisitor)
        }
    }
    let Ready(protocol, features) = serde_json::from_str(raw.get()).ok()?;
    Some((protocol, features))
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
    fn members_are_found_however_they_are_written() {
        let line = br#" {"\u0069d":"q7w2m0x4k9c1z5t8","\ud800":"\ud800","result":1e400,"error":null,"deep":[[1]]} "#;
        let parsed = parse(line).expect("one value");
        assert_eq!(parsed.members.id, DeliveryId::parse("q7w2m0x4k9c1z5t8"));
        assert_eq!(parsed.members.result.expect("a result").get(), "1e400");
        assert!(parsed.members.error.is_none());
        assert_eq!(parsed.value.first(), Some(&b'{'));
        assert_eq!(parsed.value.last(), Some(&b'}'));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for line in ["1", "\"id\"", "[{\"id\":\"q7w2m0x4k9c1z5t8\"}]", "null"] {
            assert!(parse(line.as_bytes()).expect("one value").members.id.is_none());
        }
        for line in ["{} {}", "{a:1}", "{\"a\":}", "{"] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
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

    #[test]
    fn a_ready_line_says_version_and_features() {
        let read = |json: &str| readiness(serde_json::from_str(json).expect("JSON"));
        assert_eq!(
            read(r#"{"protocol":1,"features":["concurrent"],"x":{}}"#),
            Some((Some(1), vec!["concurrent".to_owned()]))
        );
        assert_eq!(read(r#"{"features":null}"#), Some((None, vec![])));
        assert_eq!(read("true"), None);
    }
}
