//! What Lambda is told: a response, an error, or that the runtime could not start.

use std::io;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::http::RequestHead;
use super::link::{Attend, Patience};
use super::{ApiError, Client, wire};
use crate::interrupt::Reason;
use crate::invocation::{Deadline, FunctionError, RequestId};
use crate::json::ObjectWriter;

/// How long an answer to a post may take beyond the invocation's own time, or at least.
const POST_TIME: Duration = Duration::from_secs(2);
/// A post is never waited for longer, however far ahead a deadline is.
const LONGEST_POST_TIME: Duration = Duration::from_secs(905);

/// Whose answer it is: what remains of an invocation once its event was given away.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) request_id: RequestId,
    pub(super) invocation_id: Option<String>,
    pub(super) deadline: Option<Deadline>,
}

impl Client {
    /// Posts the function's response.
    ///
    /// # Errors
    /// When the runtime has to end; a refusal of this one answer is logged, and no error.
    pub fn report_response(
        &mut self,
        attended: &mut dyn Attend,
        answer: &Answer,
        response: &[u8],
    ) -> Result<(), ApiError> {
        let head = self.head_for(answer, wire::RESPONSE_SUFFIX);
        self.post(attended, "the response", head, response, post_time(answer))
    }

    /// Posts the function's error.
    ///
    /// # Errors
    /// As for a response.
    pub fn report_error(
        &mut self,
        attended: &mut dyn Attend,
        answer: &Answer,
        error: &FunctionError,
    ) -> Result<(), ApiError> {
        let head = with_error(self.head_for(answer, wire::ERROR_SUFFIX), error);
        self.post(attended, "the error", head, &error.to_json(), post_time(answer))
    }

    /// Posts why the runtime could not start.
    ///
    /// # Errors
    /// As for a response.
    pub fn report_init_error(
        &mut self,
        attended: &mut dyn Attend,
        error: &FunctionError,
    ) -> Result<(), ApiError> {
        let head = with_error(self.address.request("POST", &[wire::INIT_ERROR_PATH]), error);
        self.post(attended, "the init error", head, &error.to_json(), POST_TIME)
    }

    fn head_for(&self, answer: &Answer, suffix: &str) -> RequestHead {
        let id = answer.request_id.path_segment();
        let head = self.address.request("POST", &[wire::INVOCATION_PREFIX, &id, suffix]);
        match &answer.invocation_id {
            Some(id) => head.field(wire::INVOCATION_ID, id),
            None => head,
        }
    }

    fn post(
        &mut self,
        attended: &mut dyn Attend,
        what: &'static str,
        head: RequestHead,
        body: &[u8],
        time: Duration,
    ) -> Result<(), ApiError> {
        let head = head
            .field("Content-Type", "application/json")
            .field("Content-Length", &body.len().to_string())
            .finish();
        let mut posted = self.post_once(attended, [&head, body], time);
        if let Err(error) = &posted
            && !self.is_told_to_end()
        {
            // The connection may have ended while nobody looked, or the answer may be lost: once more, on
            // a new one.  If the first did arrive, Lambda refuses the second, and that is logged.
            let timed_out = error.kind() == io::ErrorKind::TimedOut;
            tracing::warn!(%error, what, timed_out, "posting once more");
            self.link.pause(attended, Duration::from_millis(10));
            posted = self.post_once(attended, [&head, body], time);
        }
        let (status, text) = match posted {
            Ok(answered) => answered,
            Err(error) if self.is_told_to_end() => {
                tracing::warn!(%error, what, "the runtime ends without Lambda's answer to a post");
                return Ok(());
            }
            Err(error) => {
                return Err(self.unreachable(format!("{what} was posted twice: {error}")));
            }
        };
        match status {
            200..=299 => Ok(()),
            status @ 500.. => Err(ApiError::Refused { what, status, body: text }),
            status => {
                tracing::warn!(status, what, answer = text, "Lambda refused a post");
                Ok(())
            }
        }
    }

    fn is_told_to_end(&self) -> bool {
        matches!(self.link.interrupt().raised(), Some(Reason::Signal(_)))
    }

    /// Posts from the buffer the body was read into; the status and words of the answer.  The status is
    /// what counts: once it came, the post has arrived, whatever becomes of the words.
    fn post_once(
        &mut self,
        attended: &mut dyn Attend,
        request: [&[u8]; 2],
        time: Duration,
    ) -> io::Result<(u16, String)> {
        let patience = Patience::Until(Instant::now() + time);
        let (head, ()) = self.ask(attended, request, patience, true, |_| ())?;
        let patience = Patience::Until(Instant::now() + POST_TIME);
        Ok((head.status, self.text(attended, head, patience).unwrap_or_default()))
    }
}

fn post_time(answer: &Answer) -> Duration {
    let left = answer.deadline.and_then(|deadline| deadline.remaining(SystemTime::now()));
    (left.unwrap_or_default().saturating_add(POST_TIME)).min(LONGEST_POST_TIME)
}

fn with_error(head: RequestHead, error: &FunctionError) -> RequestHead {
    error_headers(error).iter().fold(head, |head, (name, value)| head.field(name, value))
}

/// The error's type within Lambda's pattern, and its cause for X-Ray.
fn error_headers(error: &FunctionError) -> Vec<(&'static str, String)> {
    let known = wire::is_known_error_type(&error.error_type);
    let error_type = if known { error.error_type.as_str() } else { "Function.Error" };
    let mut headers = vec![(wire::ERROR_TYPE, error_type.to_owned())];
    headers.extend(xray_cause(error).map(|cause| (wire::XRAY_ERROR_CAUSE, cause)));
    headers
}

/// The cause as X-Ray reads it: JSON in ASCII; none if it is larger than Lambda takes.
fn xray_cause(error: &FunctionError) -> Option<String> {
    let frame = |label: &str| {
        ObjectWriter::new().text("path", "").json("line", b"0").text("label", label).finish()
    };
    let exception = ObjectWriter::new()
        .text("type", &error.error_type)
        .text("message", &error.error_message)
        .list("stack", error.stack_trace.iter().map(|label| frame(label)))
        .finish();
    let cause = ObjectWriter::new()
        .text("working_directory", "")
        .list("exceptions", std::iter::once(exception))
        .json("paths", b"[]")
        .finish();
    let cause = in_ascii(&String::from_utf8_lossy(&cause));
    (cause.len() <= wire::MAX_XRAY_CAUSE_BYTES).then_some(cause)
}

/// JSON in ASCII: outside of it there is only text, which can be escaped.
fn in_ascii(json: &str) -> String {
    use std::fmt::Write as _;
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        // DEL is ASCII, but no header may hold it.
        if character.is_ascii() && character != '\x7f' {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(ascii, "\\u{unit:04x}").expect("a String takes every text");
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_outside_lambdas_pattern_is_named_generally_in_the_header() {
        for (error_type, header) in [
            ("Runtime.HandlerExited", "Runtime.HandlerExited"),
            ("ValueError", "Function.Error"),
            ("Änderung\r\nX: y", "Function.Error"),
        ] {
            let headers = error_headers(&FunctionError::new(error_type, "no"));
            assert_eq!(headers[0], (wire::ERROR_TYPE, header.to_owned()));
        }
    }

    #[test]
    fn x_rays_cause_is_json_in_ascii() {
        let mut error = FunctionError::new("Äh", "\u{1f980}\n\x7f\"");
        error.stack_trace = vec!["a.py:1".into()];
        let cause = xray_cause(&error).expect("small enough");
        assert!(cause.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{cause}");
        let read: serde_json::Value = serde_json::from_str(&cause).expect("JSON");
        assert_eq!(read["exceptions"][0]["type"], "Äh");
        assert_eq!(read["exceptions"][0]["message"], "\u{1f980}\n\x7f\"");
        assert_eq!(read["exceptions"][0]["stack"][0]["label"], "a.py:1");
    }

    #[test]
    fn a_cause_larger_than_lambda_takes_is_left_out() {
        let error = FunctionError::new("T", "x".repeat(wire::MAX_XRAY_CAUSE_BYTES));
        assert_eq!(error_headers(&error).len(), 1);
    }
}
