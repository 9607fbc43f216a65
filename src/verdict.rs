//! What an outcome means: what Lambda hears, and what becomes of the handler.  Pure: a table tests it.

use bytes::Bytes;

use crate::handler::Fault;
use crate::invocation::FunctionError;
use crate::protocol::{MAX_RESULT_BYTES, Reply, ReplyBody};

/// How one invocation ended between bridge and handler.
pub type Outcome = Result<Reply, Fault>;

/// What Lambda is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The function's response, its exact bytes.
    Response(Bytes),
    /// The function's error, its own or ours.
    Error(FunctionError),
}

/// What becomes of the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It serves the next invocation.
    Keep,
    /// It is killed with its group, and another is started.
    Replace,
}

/// The one place where an outcome is turned into a report.
#[must_use]
pub fn verdict(outcome: Outcome) -> (Report, Fate) {
    match outcome {
        Ok(Reply { body: ReplyBody::Response(bytes), .. }) if bytes.len() > MAX_RESULT_BYTES => {
            fault(&Fault::TooLarge)
        }
        Ok(Reply { body: ReplyBody::Response(bytes), .. }) => (Report::Response(bytes), Fate::Keep),
        Ok(Reply { body: ReplyBody::Error { error, fatal }, .. }) => {
            (Report::Error(error), if fatal { Fate::Replace } else { Fate::Keep })
        }
        Err(broken) => fault(&broken),
    }
}

fn fault(fault: &Fault) -> (Report, Fate) {
    let fate = match fault {
        Fault::InvalidEvent(_) | Fault::NotReady { .. } | Fault::SpawnFailed(_) => Fate::Keep,
        Fault::Exited { .. }
        | Fault::ClosedOutput { .. }
        | Fault::ClosedInput { .. }
        | Fault::DeadlineExceeded { .. }
        | Fault::Truncated { .. }
        | Fault::TooLarge
        | Fault::Protocol(_)
        | Fault::ShuttingDown => Fate::Replace,
    };
    (Report::Error(fault.to_error()), fate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::Unstarted;

    fn check(outcome: Outcome, error_type: &str, fate: Fate) {
        let (report, decided) = verdict(outcome);
        let told = match report {
            Report::Response(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Report::Error(error) => error.error_type,
        };
        assert_eq!((told.as_str(), decided), (error_type, fate));
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is one of the outcomes")]
    fn response(bytes: impl Into<Bytes>) -> Outcome {
        Ok(Reply { body: ReplyBody::Response(bytes.into()), tagged: true })
    }

    #[test]
    fn every_outcome_has_its_report_and_its_fate() {
        check(response("1"), "1", Fate::Keep);
        let own = |fatal| {
            let error = FunctionError::new("Mine", "no");
            Ok(Reply { body: ReplyBody::Error { error, fatal }, tagged: true })
        };
        check(own(false), "Mine", Fate::Keep);
        check(own(true), "Mine", Fate::Replace);
        let says = String::new;
        for (fault, error_type, fate) in [
            (
                Fault::Exited { when: "", how: says(), said: says() },
                "Runtime.HandlerExited",
                Fate::Replace,
            ),
            (
                Fault::ClosedOutput { when: "", said: says() },
                "Runtime.HandlerClosedOutput",
                Fate::Replace,
            ),
            (
                Fault::ClosedInput { when: "", said: says() },
                "Runtime.HandlerClosedInput",
                Fate::Replace,
            ),
            (Fault::DeadlineExceeded { said: says() }, "Runtime.HandlerTimeout", Fate::Replace),
            (Fault::NotReady { why: says() }, "Runtime.HandlerNotReady", Fate::Keep),
            (Fault::Truncated { held: 1, said: says() }, "Runtime.TruncatedReply", Fate::Replace),
            (Fault::TooLarge, "Function.ResponseSizeTooLarge", Fate::Replace),
            (Fault::Protocol(says()), "Runtime.ProtocolError", Fate::Replace),
            (Fault::InvalidEvent(says()), "Runtime.InvalidEvent", Fate::Keep),
            (
                Fault::SpawnFailed(Unstarted::Resources(says())),
                "Runtime.HandlerSpawnFailed",
                Fate::Keep,
            ),
            (
                Fault::SpawnFailed(Unstarted::Entrypoint(says())),
                "Runtime.InvalidEntrypoint",
                Fate::Keep,
            ),
            (Fault::ShuttingDown, "Runtime.ShuttingDown", Fate::Replace),
        ] {
            check(Err(fault), error_type, fate);
        }
    }

    #[test]
    fn a_result_at_the_limit_is_a_response_and_one_byte_more_is_an_error() {
        let (report, _) = verdict(response(vec![b'1'; MAX_RESULT_BYTES]));
        assert!(matches!(report, Report::Response(_)));
        check(
            response(vec![b'1'; MAX_RESULT_BYTES + 1]),
            "Function.ResponseSizeTooLarge",
            Fate::Replace,
        );
    }
}
