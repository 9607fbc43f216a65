//! How an exchange can break, and the words the caller reads.  The table of error types is clause 6 of
//! protocol/SPEC.md.

use crate::invocation::FunctionError;
use crate::protocol::MAX_RESULT_BYTES;

/// How an exchange with the handler broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The event is not one JSON value; the handler saw nothing of it.
    #[error("the event is refused: {0}. The handler saw nothing of it")]
    InvalidEvent(String),
    /// There is no ready handler, and the deadline is near; nothing was offered.
    #[error("the handler was not ready in time: {why}. It was given nothing of this event")]
    NotReady {
        /// What was being waited for.
        why: String,
    },
    /// The process ended.
    #[error("the handler ended {when}: {how}{said}")]
    Exited {
        /// Before its reply, before it was ready, or while it had nothing to do.
        when: &'static str,
        /// Its status or signal.
        how: String,
        /// What it last wrote, and what that may mean.
        said: String,
    },
    /// It closed its output but lives.
    #[error("the handler closed its output {when}, but goes on running{said}")]
    ClosedOutput {
        /// As for an end.
        when: &'static str,
        /// What it last wrote.
        said: String,
    },
    /// It closed its input but lives.
    #[error("the handler closed its input {when}, but goes on running{said}")]
    ClosedInput {
        /// As for an end.
        when: &'static str,
        /// What it last wrote.
        said: String,
    },
    /// No reply came in time.
    #[error("{said}")]
    DeadlineExceeded {
        /// How long it had, what came instead, and what it last wrote.
        said: String,
    },
    /// The output ended inside a message.
    #[error(
        "the handler's output ended inside its reply, after {held} bytes of it: nothing of them was \
         delivered. End the reply's line, and flush it, before the program ends{said}"
    )]
    Truncated {
        /// The bytes that came.
        held: usize,
        /// What it last wrote.
        said: String,
    },
    /// The result is larger than Lambda takes.
    #[error(
        "the reply is more than {MAX_RESULT_BYTES} bytes, which is the most Lambda takes as a response"
    )]
    TooLarge,
    /// Handler and bridge are out of step.
    #[error("{0}")]
    Protocol(String),
    /// The program could not be started.
    #[error("{0}")]
    SpawnFailed(Unstarted),
    /// The handler asked for it, beside an error.
    #[error("the handler asked to be replaced (fatal)")]
    Fatal,
    /// The environment ended while the invocation ran.
    #[error("the environment was shut down before the handler replied")]
    ShuttingDown,
}

impl Fault {
    /// The error's type, as Lambda and the caller read it.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidEvent(_) => "Runtime.InvalidEvent",
            Self::NotReady { .. } => "Runtime.HandlerNotReady",
            Self::Exited { .. } => "Runtime.HandlerExited",
            Self::ClosedOutput { .. } => "Runtime.HandlerClosedOutput",
            Self::ClosedInput { .. } => "Runtime.HandlerClosedInput",
            Self::DeadlineExceeded { .. } => "Runtime.HandlerTimeout",
            Self::Truncated { .. } => "Runtime.TruncatedReply",
            Self::TooLarge => "Function.ResponseSizeTooLarge",
            Self::Protocol(_) => "Runtime.ProtocolError",
            Self::SpawnFailed(unstarted) => unstarted.error_type(),
            // Never told: the caller gets the handler's own error.
            Self::Fatal => "Function.Error",
            Self::ShuttingDown => "Runtime.ShuttingDown",
        }
    }

    /// The error that the caller reads.
    #[must_use]
    pub fn to_error(&self) -> FunctionError {
        FunctionError::new(self.error_type(), self.to_string())
    }

    /// The fault of an end without a reply, with what was almost one.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        if let Self::Exited { said, .. }
        | Self::ClosedOutput { said, .. }
        | Self::ClosedInput { said, .. } = &mut self
        {
            said.insert_str(0, &format!("; {hint}"));
        }
        self
    }

    /// The cause in one line, as a restart's record says it.
    #[must_use]
    pub fn in_short(&self) -> String {
        if let Self::Exited { how, .. } = self {
            return how.clone();
        }
        self.without_quotes().split([';', '\n']).next().unwrap_or_default().to_owned()
    }

    /// The fault without what the handler wrote: that is for callers, and its log lines are logged already.
    #[must_use]
    pub fn without_quotes(&self) -> String {
        let words = self.to_string();
        let words = words.split(": it begins with").next().unwrap_or_default();
        words.split(". It last wrote").next().unwrap_or_default().to_owned()
    }

    /// Whether the invocation may go to a second handler, if the first read no byte of it: the first
    /// ended by itself, and time is left.
    #[must_use]
    pub fn leaves_the_event(&self) -> bool {
        match self {
            Self::Exited { .. }
            | Self::ClosedOutput { .. }
            | Self::ClosedInput { .. }
            | Self::Truncated { .. } => true,
            Self::InvalidEvent(_)
            | Self::NotReady { .. }
            | Self::DeadlineExceeded { .. }
            | Self::TooLarge
            | Self::Protocol(_)
            | Self::SpawnFailed(_)
            | Self::Fatal
            | Self::ShuttingDown => false,
        }
    }
}

/// Why a process did not come to be, by who must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unstarted {
    /// The program itself: it stays so until it is deployed anew.
    #[error("{0}")]
    Entrypoint(String),
    /// Descriptors, memory, processes, or a file that was there before: it may go better the next time.
    #[error("{0}")]
    Resources(String),
    /// Our own executable, which prepares the process: the program can still be started without it.
    #[error("the launcher cannot run here")]
    NoLauncher,
}

impl Unstarted {
    /// The same of a program that ran before: it was deployed well, so this may pass.
    #[must_use]
    pub fn of_one_that_ran(self) -> Self {
        match self {
            Self::Entrypoint(why) | Self::Resources(why) => Self::Resources(why),
            Self::NoLauncher => Self::NoLauncher,
        }
    }

    /// The error's type, as Lambda and the caller read it.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Entrypoint(_) => "Runtime.InvalidEntrypoint",
            Self::Resources(_) | Self::NoLauncher => "Runtime.HandlerSpawnFailed",
        }
    }
}

/// What a program last wrote, behind an error's first words.
pub(super) fn last_words(tail: &str, hint: Option<&str>) -> String {
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    if tail.is_empty() { hint } else { format!("{hint}. It last wrote:\n{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_follow_the_error() {
        assert_eq!(last_words("", None), "");
        assert_eq!(last_words("a\nb", None), ". It last wrote:\na\nb");
        assert_eq!(
            last_words("a", Some("a library is missing")),
            "; a library is missing. It last wrote:\na"
        );
    }

    #[test]
    fn a_record_says_the_cause_without_what_the_handler_said() {
        let closed =
            Fault::ClosedOutput { when: "before its reply", said: last_words("secret", None) };
        assert_eq!(
            closed.in_short(),
            "the handler closed its output before its reply, but goes on running"
        );
        let text =
            Fault::Protocol("text came where a length was due: it begins with \"s\"".to_owned());
        assert_eq!(text.in_short(), "text came where a length was due");
        let exited =
            Fault::Exited { when: "", how: "exit status 3".to_owned(), said: "secret".to_owned() };
        assert_eq!(exited.in_short(), "exit status 3");
    }

    #[test]
    fn only_an_end_of_its_own_leaves_the_event_to_another() {
        assert!(Fault::ClosedInput { when: "", said: String::new() }.leaves_the_event());
        assert!(!Fault::DeadlineExceeded { said: String::new() }.leaves_the_event());
    }
}
