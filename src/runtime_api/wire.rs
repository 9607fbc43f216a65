//! The Runtime API's paths, header names and limits, shared by the client and the emulator.
//!
//! Sources: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes" and
//! "Lambda quotas"; limits to the byte from AWS's Runtime Interface Emulator (`interop/model.go`).

/// GET: the next invocation; a long poll without any limit.
pub const NEXT_PATH: &str = "/2018-06-01/runtime/invocation/next";
/// POST: the runtime could not be started.
pub const INIT_ERROR_PATH: &str = "/2018-06-01/runtime/init/error";
/// What precedes the request id in the two paths that answer an invocation.
pub const INVOCATION_PREFIX: &str = "/2018-06-01/runtime/invocation/";
/// POST, behind the request id: the function's response.
pub const RESPONSE_SUFFIX: &str = "/response";
/// POST, behind the request id: the function's error.
pub const ERROR_SUFFIX: &str = "/error";

/// The invocation's id, as the caller knows it.
pub const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
/// When the function times out, in milliseconds since the epoch.
pub const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
/// The function's ARN, with a qualifier if it was invoked so.
pub const INVOKED_FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
/// The X-Ray tracing header.
pub const TRACE_ID: &str = "lambda-runtime-trace-id";
/// The caller's client context, JSON.
pub const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
/// The caller's Cognito identity, JSON.
pub const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";
/// The tenant, where the function isolates tenants.
pub const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
/// Unique for each delivery; echoed with what answers it.
pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
/// The error's type, for logs and metrics.
pub const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// A trailer of a streamed response that failed half-way: the error's JSON in base64.
pub const ERROR_BODY: &str = "lambda-runtime-function-error-body";
/// The error as X-Ray shows it, JSON in ASCII.
pub const XRAY_ERROR_CAUSE: &str = "lambda-runtime-function-xray-error-cause";
/// `streaming` for a streamed response, absent otherwise.
pub const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

pub use crate::invocation::MAX_PAYLOAD_BYTES;
/// Above this length X-Ray's cause is left out: Lambda crops it there.
pub const MAX_XRAY_CAUSE_BYTES: usize = 64 * 1024;

/// Whether Lambda takes an error type as it is: `Runtime.` or `Function.`, a capital, letters.
///
/// The emulator of AWS looks for the pattern anywhere; we ask for the whole word to fit.
#[must_use]
pub fn is_known_error_type(error_type: &str) -> bool {
    let Some(reason) =
        error_type.strip_prefix("Runtime.").or_else(|| error_type.strip_prefix("Function."))
    else {
        return false;
    };
    let mut letters = reason.bytes();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && reason.len() >= 2
        && letters.all(|letter| letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_types_fit_the_pattern_or_do_not() {
        for good in ["Runtime.HandlerExited", "Function.Error", "Function.ResponseSizeTooLarge"] {
            assert!(is_known_error_type(good), "{good}");
        }
        for bad in [
            "",
            "unhandled",
            "Runtime.",
            "Runtime.X",
            "Runtime.x9",
            "Runtime.HandlerExited1",
            "ValueError",
            "Runtime.Handler Exited",
            "MyRuntime.HandlerExited",
        ] {
            assert!(!is_known_error_type(bad), "{bad}");
        }
    }
}
