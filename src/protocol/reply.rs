//! A line to what it says: which of our members it has, found in one pass over its bytes.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::DeliveryId;
use crate::invocation::FunctionError;
use crate::json::{self, NotJson};

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
    let mut members = Members::default();
    let read = json::each_member(line, |name, value| match name {
        "id" => members.id = json::text(value).as_deref().and_then(DeliveryId::parse),
        "result" => members.result = Some(value),
        "error" => members.error = not_null(value),
        "fatal" => members.fatal = value.get() == "true",
        "ready" => members.ready = not_null(value),
        _ => (),
    });
    read.map_err(|error| json::why_not(line, &error))?;
    Ok(Line { value, members })
}

fn not_null(value: &RawValue) -> Option<&RawValue> {
    (value.get() != "null").then_some(value)
}

/// What a ready line says: the protocol's version, where it says one, and the features; none where it is
/// no ready line.
pub(super) fn readiness(raw: &RawValue) -> Option<(Option<u64>, Vec<String>)> {
    let (mut protocol, mut features) = (None, Vec::new());
    json::each_member(raw.get().as_bytes(), |name, value| match name {
        "protocol" => protocol = value.get().parse().ok(),
        "features" => features = serde_json::from_str(value.get()).unwrap_or_default(),
        _ => (),
    })
    .ok()?;
    Some((protocol, features))
}

#[cfg(test)]
mod tests {
    use super::*;

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
