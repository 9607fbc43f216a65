//! The nouns of one invocation: what Lambda hands over and what it is told.  Values only: no I/O, no
//! clock, no environment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;

use crate::json::{self, ObjectWriter};

/// The largest event and the largest response, in bytes: 6 MiB and 100 (AWS's Runtime Interface Emulator,
/// `interop/model.go`).
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024 + 100;
/// Room kept free in front of an event's bytes, so that its line is built around it without a copy.
pub const EVENT_HEADROOM: usize = 64;

/// One event with its context, as `next` delivered it.
#[derive(Debug)]
pub struct Invocation {
    /// The id the caller knows, for logs and for the path of the answer.
    pub request_id: RequestId,
    /// Unique for the delivery; echoed with the answer where Lambda sent one.
    pub invocation_id: Option<String>,
    /// When the function times out; absent where Lambda sent no usable date.
    pub deadline: Option<Deadline>,
    /// What the handler is told beside the event.
    pub context: Context,
    /// The event's own bytes.
    pub event: Event,
}

/// Lambda's id of an invocation: opaque, and used verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// None for an empty id: nothing could be answered under it.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The id as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as one segment of a path: whatever it holds, it stays one segment.
    #[must_use]
    pub fn path_segment(&self) -> String {
        let mut segment = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
                segment.push(char::from(byte));
            } else {
                segment.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(u32::from(nibble), 16).unwrap_or('0');
                    segment.push(digit.to_ascii_uppercase());
                }
            }
        }
        segment
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The moment the function times out, in milliseconds since the epoch, as Lambda says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    epoch_ms: u64,
}

impl Deadline {
    /// A deadline at so many milliseconds since the epoch.
    #[must_use]
    pub fn from_epoch_ms(epoch_ms: u64) -> Self {
        Self { epoch_ms }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn epoch_ms(self) -> u64 {
        self.epoch_ms
    }

    /// The time left at `now`; none once it has passed.
    #[must_use]
    pub fn remaining(self, now: SystemTime) -> Option<Duration> {
        let now_ms = now.duration_since(UNIX_EPOCH).ok()?.as_millis();
        let left_ms = u128::from(self.epoch_ms).checked_sub(now_ms)?;
        (left_ms > 0).then(|| Duration::from_millis(u64::try_from(left_ms).unwrap_or(u64::MAX)))
    }
}

/// What the handler is told beside the event.  What Lambda did not send, or not usably, is absent.
#[derive(Debug, Default)]
pub struct Context {
    /// The function's ARN, with a qualifier if it was invoked so.
    pub invoked_function_arn: Option<String>,
    /// The X-Ray tracing header.
    pub trace_id: Option<String>,
    /// The tenant, where the function isolates tenants.
    pub tenant_id: Option<String>,
    /// The caller's Cognito identity, JSON.
    pub identity: Option<Box<RawValue>>,
    /// The caller's client context, JSON.
    pub client_context: Option<Box<RawValue>>,
}

/// What an environment knows of its function, the same for all invocations.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// `AWS_LAMBDA_FUNCTION_NAME`
    pub name: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_VERSION`
    pub version: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, text as in Node.js
    pub memory_limit_in_mb: Option<String>,
    /// `AWS_LAMBDA_LOG_GROUP_NAME`; absent under SnapStart
    pub log_group_name: Option<String>,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`; absent under SnapStart
    pub log_stream_name: Option<String>,
}

/// An event's own bytes, with [`EVENT_HEADROOM`] bytes free in front of them.
#[derive(Debug)]
pub struct Event {
    buffer: Vec<u8>,
}

impl Event {
    /// An event from bytes that stand elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut buffer = vec![0; EVENT_HEADROOM];
        buffer.extend_from_slice(bytes);
        Self { buffer }
    }

    /// An event from a buffer whose first [`EVENT_HEADROOM`] bytes are free; shorter ones are empty events.
    #[must_use]
    pub fn from_buffer(mut buffer: Vec<u8>) -> Self {
        if buffer.len() < EVENT_HEADROOM {
            buffer.resize(EVENT_HEADROOM, 0);
        }
        Self { buffer }
    }

    /// The event's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(EVENT_HEADROOM..).unwrap_or_default()
    }

    /// The buffer with its headroom, to build a line in.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// An error as Lambda's callers read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What kind of error: for ours one of the table in protocol/SPEC.md, else the handler's own word.
    pub error_type: String,
    /// What happened, in words.
    pub error_message: String,
    /// Where it happened; empty for ours.
    pub stack_trace: Vec<Box<str>>,
    /// The handler's own JSON, where it is complete: it goes to the caller byte for byte.
    pub verbatim: Option<bytes::Bytes>,
}

impl FunctionError {
    /// An error of ours.
    #[must_use]
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            error_message: error_message.into(),
            stack_trace: Vec::new(),
            verbatim: None,
        }
    }

    /// The JSON that the caller gets.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        if let Some(own) = &self.verbatim {
            return own.to_vec();
        }
        ObjectWriter::new()
            .text("errorType", &self.error_type)
            .text("errorMessage", &self.error_message)
            .list("stackTrace", self.stack_trace.iter().map(|frame| json::string(frame)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_stays_one_segment_of_the_path() {
        let segment = |id: &str| RequestId::new(id).expect("not empty").path_segment();
        assert_eq!(
            segment("8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
        );
        assert_eq!(segment("../a b?%\n"), "%2E%2E%2Fa%20b%3F%25%0A");
        assert_eq!(RequestId::new(""), None);
    }

    #[test]
    fn a_deadline_in_the_past_has_no_time_left() {
        let now = UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(
            Deadline::from_epoch_ms(10_250).remaining(now),
            Some(Duration::from_millis(250))
        );
        assert_eq!(Deadline::from_epoch_ms(10_000).remaining(now), None);
        assert_eq!(Deadline::from_epoch_ms(9).remaining(now), None);
        assert!(Deadline::from_epoch_ms(u64::MAX).remaining(now).is_some());
    }

    #[test]
    fn an_error_is_lambdas_json() {
        let error = FunctionError::new("Runtime.HandlerExited", "exit status 3");
        assert_eq!(
            String::from_utf8(error.to_json()).expect("UTF-8"),
            r#"{"errorType":"Runtime.HandlerExited","errorMessage":"exit status 3","stackTrace":[]}"#
        );
    }
}
