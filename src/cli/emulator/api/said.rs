//! What a runtime's posts say, as Lambda reads them: responses, errors, and the errors that Lambda makes of
//! posts it cannot take.  Values only.

use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};

use crate::cli::emulator::desk::{ErrorReport, FunctionResponse, StreamError};
use crate::runtime_api::wire;

pub(super) fn response(
    headers: &HeaderMap,
    body: Bytes,
    streamed: bool,
    trailers: Option<&HeaderMap>,
) -> FunctionResponse {
    let stream_error = trailers.and_then(|trailers| {
        Some(StreamError {
            error_type: text(trailers, wire::ERROR_TYPE)?.to_owned(),
            body_base64: text(trailers, wire::ERROR_BODY).unwrap_or_default().to_owned(),
        })
    });
    let content_type = text(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
    FunctionResponse { body, content_type, streamed, stream_error }
}

pub(super) fn error_report(headers: &HeaderMap, body: Bytes) -> ErrorReport {
    let posted = text(headers, wire::ERROR_TYPE).unwrap_or_default();
    let error_type = as_lambda_reads_it(posted);
    if !body.is_empty() {
        return ErrorReport { error_type, body };
    }
    ErrorReport::of(&error_type, "")
}

/// The error type as it ends in logs: the emulator of AWS looks for the pattern anywhere in the header.
fn as_lambda_reads_it(posted: &str) -> String {
    let is_known = ["Runtime.", "Function."].iter().any(|prefix| {
        posted.match_indices(prefix).any(|(at, _)| {
            let mut reason = posted.bytes().skip(at + prefix.len());
            reason.next().is_some_and(|first| first.is_ascii_uppercase())
                && reason.next().is_some_and(|second| second.is_ascii_alphabetic())
        })
    });
    if is_known {
        posted.to_owned()
    } else if posted.starts_with("Function.") {
        "Function.Unknown".to_owned()
    } else {
        "Runtime.Unknown".to_owned()
    }
}

pub(super) fn too_large(announced: Option<u64>) -> ErrorReport {
    let limit = wire::MAX_PAYLOAD_BYTES;
    // Without an announced length nobody counted further than the limit.
    let size = announced.map_or_else(|| format!("more than {limit}"), |bytes| bytes.to_string());
    let message = format!(
        "Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    );
    ErrorReport::of("Function.ResponseSizeTooLarge", &message)
}

pub(super) fn truncated() -> ErrorReport {
    ErrorReport::of("Runtime.TruncatedResponse", "the runtime's answer broke off before its end")
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn number_of_bytes(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_types_end_in_logs_as_lambda_reads_them() {
        for (posted, read) in [
            ("Runtime.HandlerExited", "Runtime.HandlerExited"),
            ("Function.Error", "Function.Error"),
            ("Some.Runtime.Thing", "Some.Runtime.Thing"),
            ("unhandled", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
            ("Function.x", "Function.Unknown"),
            ("Runtime.x", "Runtime.Unknown"),
        ] {
            assert_eq!(as_lambda_reads_it(posted), read, "{posted}");
        }
    }
}
