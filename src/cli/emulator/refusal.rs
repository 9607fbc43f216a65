//! What the emulated Runtime API refuses, with AWS's statuses, types and words.  Values only.

use crate::runtime_api::wire::MAX_PAYLOAD_BYTES;

use super::lifecycle::State;

/// A request that is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The path's id is not the invocation at hand.
    InvalidRequestId,
    /// Not now.
    InvalidStateTransition {
        /// Where the runtime stands.
        from: State,
        /// Where the request would have led.
        to: State,
    },
    /// The body is over the limit.
    RequestEntityTooLarge,
    /// A response mode other than `streaming`.
    InvalidFunctionResponseMode,
    /// The delivery timed out or was superseded.
    InvokeTimeout,
    /// The body ended before its end.
    TruncatedHttpRequest,
    /// The body took too long.
    SlowHttpRequest,
    /// The request names another host than this machine: DNS rebinding.
    ForeignHost,
    /// The request was made by a web page.
    ForeignOrigin,
    /// Nothing is served there.
    NotFound,
    /// Something is served there, by another method.
    MethodNotAllowed,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequestId
            | Self::InvalidFunctionResponseMode
            | Self::TruncatedHttpRequest => 400,
            Self::InvalidStateTransition { .. } | Self::ForeignHost | Self::ForeignOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::SlowHttpRequest => 408,
            Self::InvokeTimeout => 410,
            Self::RequestEntityTooLarge => 413,
        }
    }

    /// Whether the request came from where no runtime is.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        matches!(self, Self::ForeignHost | Self::ForeignOrigin)
    }

    /// Whether the rest of the body is read before the answer, for clients that send all before they look.
    /// Not a foreigner's, and not one that has ended or come too slowly already.
    #[must_use]
    pub fn is_heard_behind_the_body(self) -> bool {
        !self.is_foreign() && !matches!(self, Self::TruncatedHttpRequest | Self::SlowHttpRequest)
    }

    /// The `errorType` of the refusal's body.
    #[must_use]
    pub fn error_type(self) -> &'static str {
        match self {
            Self::InvalidRequestId => "InvalidRequestID",
            Self::InvalidStateTransition { .. } => "InvalidStateTransition",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::InvalidFunctionResponseMode => "InvalidFunctionResponseMode",
            Self::InvokeTimeout => "InvokeTimeout",
            Self::TruncatedHttpRequest => "TruncatedHTTPRequest",
            Self::SlowHttpRequest => "RequestTimeout",
            Self::ForeignHost | Self::ForeignOrigin => "Forbidden",
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
        }
    }

    /// The `errorMessage` of the refusal's body.
    #[must_use]
    pub fn message(self) -> String {
        let words = match self {
            Self::InvalidStateTransition { from, to } => {
                return format!(
                    "State transition from {} to {} failed for runtime. \
                     Error: State transition is not allowed",
                    from.name(),
                    to.name()
                );
            }
            Self::RequestEntityTooLarge => {
                return format!(
                    "Exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
                );
            }
            Self::InvalidRequestId => "Invalid request ID",
            Self::InvalidFunctionResponseMode => "Invalid function response mode",
            Self::InvokeTimeout => "Invoke timeout",
            Self::TruncatedHttpRequest => "HTTP request detected as truncated",
            Self::SlowHttpRequest => "the request's body did not arrive in time",
            Self::ForeignHost => {
                "the Host header must name this machine: localhost or a loopback address"
            }
            Self::ForeignOrigin => "requests made by web pages are not served",
            Self::NotFound => "there is no such path in the Runtime API",
            Self::MethodNotAllowed => "the Runtime API knows this path, but not with this method",
        };
        words.to_owned()
    }

    /// The body: AWS's `ErrorResponse`.
    #[must_use]
    pub fn to_json(self) -> String {
        let body = serde_json::json!({
            "errorMessage": self.message(),
            "errorType": self.error_type(),
        });
        format!("{body}\n")
    }
}
