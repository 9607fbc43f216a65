//! What an outcome means: what Lambda hears, and what becomes of the handler.  Pure: a table tests it.

use bytes::Bytes;

use crate::handler::Fault;
use crate::invocation::FunctionError;
use crate::protocol::{Reply, ReplyBody};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It serves the next invocation.
    Keep,
    /// It is killed with its group, for this reason, and another is started.
    Replace(Fault),
}

/// The one place where an outcome is turned into a report.
#[must_use]
pub fn verdict(outcome: Outcome) -> (Report, Fate) {
    match outcome {
        Ok(Reply { body: ReplyBody::Response(bytes), .. }) => (Report::Response(bytes), Fate::Keep),
        Ok(Reply { body: ReplyBody::Error { error, fatal }, .. }) => {
            (Report::Error(error), if fatal { Fate::Replace(Fault::Fatal) } else { Fate::Keep })
        }
        Err(fault) => {
            let report = Report::Error(fault.to_error());
            let fate = match &fault {
                // Nothing is wrong with it, or there is none; or it is about to be asked to end.
                Fault::InvalidEvent(_)
                | Fault::NotReady { .. }
                | Fault::SpawnFailed(_)
                | Fault::ShuttingDown => Fate::Keep,
                Fault::Exited { .. }
                | Fault::ClosedOutput { .. }
                | Fault::ClosedInput { .. }
                | Fault::DeadlineExceeded { .. }
                | Fault::Truncated { .. }
                | Fault::TooLarge
                | Fault::Protocol(_)
                | Fault::Fatal => Fate::Replace(fault),
            };
            (report, fate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::Unstarted;

    fn check(outcome: Outcome, error_type: &str, replaced: bool) {
        let (report, fate) = verdict(outcome);
        let told = match report {
            Report::Response(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Report::Error(error) => error.error_type,
        };
        assert_eq!((told.as_str(), fate != Fate::Keep), (error_type, replaced));
    }

    #[test]
    fn every_outcome_has_its_report_and_its_fate() {
        let body = ReplyBody::Response(Bytes::from_static(b"1"));
        check(Ok(Reply { body, tagged: true }), "1", false);
        let own = |fatal| {
            let error = FunctionError::new("Mine", "no");
            Ok(Reply { body: ReplyBody::Error { error, fatal }, tagged: true })
        };
        check(own(false), "Mine", false);
        check(own(true), "Mine", true);
        let says = String::new;
        for (fault, error_type, replaced) in [
            (Fault::Exited { when: "", how: says(), said: says() }, "Runtime.HandlerExited", true),
            (Fault::ClosedOutput { when: "", said: says() }, "Runtime.HandlerClosedOutput", true),
            (Fault::ClosedInput { when: "", said: says() }, "Runtime.HandlerClosedInput", true),
            (Fault::DeadlineExceeded { said: says() }, "Runtime.HandlerTimeout", true),
            (Fault::NotReady { why: says() }, "Runtime.HandlerNotReady", false),
            (Fault::Truncated { held: 1, said: says() }, "Runtime.TruncatedReply", true),
            (Fault::TooLarge, "Function.ResponseSizeTooLarge", true),
            (Fault::Protocol(says()), "Runtime.ProtocolError", true),
            (Fault::InvalidEvent(says()), "Runtime.InvalidEvent", false),
            (Fault::SpawnFailed(Unstarted::Resources(says())), "Runtime.HandlerSpawnFailed", false),
            (Fault::SpawnFailed(Unstarted::Entrypoint(says())), "Runtime.InvalidEntrypoint", false),
            (Fault::ShuttingDown, "Runtime.ShuttingDown", false),
        ] {
            check(Err(fault), error_type, replaced);
        }
    }
}
