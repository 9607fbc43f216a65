//! The line protocol, version 1: request and reply lines to values and back.
//!
//! `protocol/SPEC.md` is its normative text; `protocol/cases` runs against this module.  Values and
//! bytes only: no I/O, no clock, no environment, so that tables, properties and fuzzers can run it.

mod error;
pub mod framing;
pub mod judge;
pub mod reply;
pub mod request;
pub mod strays;
pub mod token;

pub use framing::{FrameError, Framing, MessageDecoder};
pub use judge::{Judge, Judgement, LogReason, Replies};
pub use reply::{Reply, ReplyBody};
pub use request::{RequestEncoder, RequestLine};
pub use token::{DeliveryId, DeliveryIds};

use crate::invocation::MAX_PAYLOAD_BYTES;

/// The protocol's version, as `LAMBDA_STDIO_PROTOCOL` says it to the handler.
pub const VERSION: u64 = 1;
/// The largest result: what Lambda takes as a response.
pub const MAX_RESULT_BYTES: usize = MAX_PAYLOAD_BYTES;
/// How much longer than its result a line may be: id, member names, white space.
pub const MAX_ENVELOPE_BYTES: usize = 64 * 1024;
/// The longest line a handler may print.
pub const MAX_LINE_BYTES: usize = MAX_RESULT_BYTES + MAX_ENVELOPE_BYTES;
/// A handler's own error goes to the caller as it is up to this size; longer ones are cut.
pub const MAX_ERROR_BYTES: usize = 256 * 1024;

#[cfg(any(feature = "fuzzing", all(test, feature = "cli")))]
pub(crate) mod fuzzing;
