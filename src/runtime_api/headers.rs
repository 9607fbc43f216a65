//! What `next` says in its headers.  Whatever is missing or malformed degrades one invocation, with a
//! warning; it never ends the runtime.

use super::http::Fields;
use super::wire;
use crate::invocation::{Context, Deadline, RequestId};
use serde_json::value::RawValue;

/// What the headers of one invocation say.
#[derive(Debug)]
pub(super) struct Head {
    /// None where there is none: the invocation cannot be answered.
    pub(super) request_id: Option<RequestId>,
    pub(super) invocation_id: Option<String>,
    pub(super) deadline: Option<Deadline>,
    pub(super) context: Context,
    /// What was wrong, in words.
    pub(super) complaints: Vec<String>,
}

pub(super) fn read(headers: Fields<'_, '_>) -> Head {
    let mut complaints = Vec::new();
    let deadline = deadline(headers, &mut complaints);
    let invocation_id = invocation_id(headers, &mut complaints);
    let context = Context {
        invoked_function_arn: text(headers, wire::INVOKED_FUNCTION_ARN, &mut complaints),
        trace_id: text(headers, wire::TRACE_ID, &mut complaints),
        tenant_id: text(headers, wire::TENANT_ID, &mut complaints),
        identity: json(headers, wire::COGNITO_IDENTITY, &mut complaints),
        client_context: json(headers, wire::CLIENT_CONTEXT, &mut complaints),
    };
    let request_id = text(headers, wire::REQUEST_ID, &mut complaints);
    Head {
        request_id: request_id.as_deref().and_then(RequestId::new),
        invocation_id,
        deadline,
        context,
        complaints,
    }
}

/// The first header of a name.
fn value<'b>(headers: Fields<'_, 'b>, name: &str) -> Option<&'b [u8]> {
    let is_it = |header: &&httparse::Header<'b>| {
        header.name.len() == name.len() && header.name.eq_ignore_ascii_case(name)
    };
    let of_name = headers.iter().find(is_it);
    of_name.map(|header| header.value)
}

/// A header's text; empty counts as absent, and bytes that are no text are replaced.
fn text(
    headers: Fields<'_, '_>,
    name: &'static str,
    complaints: &mut Vec<String>,
) -> Option<String> {
    let bytes = value(headers, name)?;
    if bytes.is_empty() {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    complaints.push(format!("{name} is not UTF-8: its odd bytes were replaced"));
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn json(
    headers: Fields<'_, '_>,
    name: &'static str,
    complaints: &mut Vec<String>,
) -> Option<Box<RawValue>> {
    let value = text(headers, name, complaints)?;
    let parsed = RawValue::from_string(value).ok();
    if parsed.is_none() {
        complaints.push(format!("{name} is not JSON: it was left out"));
    }
    parsed
}

fn deadline(headers: Fields<'_, '_>, complaints: &mut Vec<String>) -> Option<Deadline> {
    let value = text(headers, wire::DEADLINE_MS, complaints);
    let date = value.as_deref().and_then(|value| value.parse().ok()).filter(|date| *date > 0);
    if date.is_none() {
        let value = value.as_deref().unwrap_or("absent");
        complaints
            .push(format!("{} is {value:?} and no date: the handler has 900 s", wire::DEADLINE_MS));
    }
    date.map(Deadline::from_epoch_ms)
}

/// Only what can be sent back unchanged is kept.
fn invocation_id(headers: Fields<'_, '_>, complaints: &mut Vec<String>) -> Option<String> {
    let bytes = value(headers, wire::INVOCATION_ID)?;
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    complaints.push(format!("{} is malformed: it is not echoed", wire::INVOCATION_ID));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    fn head(headers: &[(&'static str, &[u8])]) -> Head {
        let headers: Vec<httparse::Header<'_>> =
            headers.iter().map(|(name, value)| httparse::Header { name, value }).collect();
        read(&headers)
    }

    #[test]
    fn everything_that_lambda_sends_is_read() {
        let head = head(&[
            ("Lambda-Runtime-Aws-Request-Id", b"r-1"),
            ("Lambda-Runtime-Deadline-Ms", b"1700000000123"),
            ("Lambda-Runtime-Invoked-Function-Arn", b"arn:x"),
            ("Lambda-Runtime-Trace-Id", b""),
            ("Lambda-Runtime-Client-Context", b"{\"custom\":{}}"),
            ("Lambda-Runtime-Cognito-Identity", b"{}"),
            ("Lambda-Runtime-Aws-Tenant-Id", b"blue"),
            ("Lambda-Runtime-Invocation-Id", b"n-1"),
        ]);
        assert_eq!(head.complaints, Vec::<String>::new());
        assert_eq!(head.request_id, RequestId::new("r-1"));
        assert_eq!(head.deadline, Some(Deadline::from_epoch_ms(1_700_000_000_123)));
        assert_eq!(head.invocation_id.as_deref(), Some("n-1"));
        assert_eq!(head.context.invoked_function_arn.as_deref(), Some("arn:x"));
        assert_eq!(head.context.trace_id, None);
        assert_eq!(head.context.tenant_id.as_deref(), Some("blue"));
        assert_eq!(head.context.client_context.expect("JSON").get(), "{\"custom\":{}}");
    }

    #[test]
    fn what_is_malformed_is_left_out_with_a_complaint() {
        for (name, value) in [
            ("Lambda-Runtime-Client-Context", &b"{not json"[..]),
            ("Lambda-Runtime-Cognito-Identity", b"{} {}"),
            ("Lambda-Runtime-Invoked-Function-Arn", b"\xff"),
            ("Lambda-Runtime-Invocation-Id", b"a b"),
            ("Lambda-Runtime-Invocation-Id", b""),
            ("Lambda-Runtime-Invocation-Id", b"\xff"),
        ] {
            let head = head(&[("Lambda-Runtime-Deadline-Ms", b"1"), (name, value)]);
            assert_eq!(head.complaints.len(), 1, "{name} {value:?}: {:?}", head.complaints);
            assert!(head.context.client_context.is_none() && head.invocation_id.is_none());
        }
        for value in [&b""[..], b"0", b"-1", b"soon", b"99999999999999999999999", b"1.5"] {
            let head = head(&[("Lambda-Runtime-Deadline-Ms", value)]);
            assert_eq!((head.deadline, head.complaints.len()), (None, 1), "{value:?}");
        }
        assert_eq!(head(&[]).request_id, None);
    }
}
