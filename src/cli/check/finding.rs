//! A finding: what is wrong with a handler, with the values that were seen, and what to do about it.

use serde::Serialize;

use super::scenario::{Grade, Scenario};

/// What it is about.  The numbers are part of the command's interface: they stay, and are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// It cannot be started.
    NotStarted,
    /// It is not ready in time.
    NotReady,
    /// It does not answer.
    NoReply,
    /// Its reply comes only at the end of its input.
    NotFlushed,
    /// Its reply's line is not ended.
    NoLineEnd,
    /// It prints more than one line for a request that could be the reply.
    SecondReply,
    /// Its reply has `result` or `error`, but not the request's id.
    IdLost,
    /// Its reply has another request's id.
    WrongId,
    /// It answers before it has read the request.
    EarlyReply,
    /// It prints JSON before it was asked for anything.
    UnaskedJson,
    /// Its reply is spread over lines.
    Pretty,
    /// What it prints is no JSON.
    NotJson,
    /// It does not answer large events.
    LargeEvent,
    /// It goes on after the end of its input.
    GoesOn,
    /// It prints a reply when its input ends.
    ReplyAtEnd,
    /// Its error arrives as a result.
    ErrorAsResult,
    /// It does not answer an event that it cannot serve.
    SilentError,
    /// It ends in the middle of a request.
    Exited,
    /// It closes its output or its input.
    ClosedPipe,
    /// It does not keep to length framing.
    Framing,
    /// It does not use the reply descriptor.
    ReplyDescriptor,
    /// Its replies begin with a byte order mark.
    ByteOrderMark,
    /// It prints text on standard output beside its replies.
    StrayText,
    /// It ends because of an event that it cannot serve.
    DiesOfError,
    /// Its errors have no type or message.
    ErrorForm,
    /// It ends with a status that is not 0.
    EndStatus,
    /// Processes outlive it.
    LeftBehind,
    /// Values come back changed.
    ValueLossy,
    /// Values end it, or leave it silent.
    ValueFatal,
    /// Values are answered with an error.
    ValueRefused,
    /// It does not end on SIGTERM.
    IgnoresSignal,
    /// It goes on though nobody reads its output.
    UnreadOutput,
    /// It holds more and more memory.
    MemoryGrows,
    /// It answers a line that is no request as if it were one.
    BadLineAnswered,
    /// After such a line its replies belong to other requests.
    BadLineMisleads,
    /// After such a line it neither ends nor goes on.
    BadLineSticks,
    /// Its logs keep it from answering.
    LogsBlock,
    /// Text comes back changed where the locale is not UTF-8.
    TextByLocale,
    /// None of its errors was seen.
    NoErrorSeen,
    /// It ends between requests.
    EndsEachTime,
    /// Its reply to the largest event is larger than Lambda takes.
    ReplyTooLarge,
    /// It says nothing of a line that is no request.
    BadLineUnsaid,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 42] = [
        Self::NotStarted,
        Self::NotReady,
        Self::NoReply,
        Self::NotFlushed,
        Self::NoLineEnd,
        Self::SecondReply,
        Self::IdLost,
        Self::WrongId,
        Self::EarlyReply,
        Self::UnaskedJson,
        Self::Pretty,
        Self::NotJson,
        Self::LargeEvent,
        Self::GoesOn,
        Self::ReplyAtEnd,
        Self::ErrorAsResult,
        Self::SilentError,
        Self::Exited,
        Self::ClosedPipe,
        Self::Framing,
        Self::ReplyDescriptor,
        Self::ByteOrderMark,
        Self::StrayText,
        Self::DiesOfError,
        Self::ErrorForm,
        Self::EndStatus,
        Self::LeftBehind,
        Self::ValueLossy,
        Self::ValueFatal,
        Self::ValueRefused,
        Self::IgnoresSignal,
        Self::UnreadOutput,
        Self::MemoryGrows,
        Self::BadLineAnswered,
        Self::BadLineMisleads,
        Self::BadLineSticks,
        Self::LogsBlock,
        Self::TextByLocale,
        Self::NoErrorSeen,
        Self::EndsEachTime,
        Self::ReplyTooLarge,
        Self::BadLineUnsaid,
    ];

    /// Its number, its grade, and what to do.
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    fn row(self) -> (&'static str, Grade, &'static str) {
        use Grade::{Must, Note, Should};
        match self {
            Self::NotStarted => ("C001", Must, "name a program that runs here"),
            Self::NotReady => (
                "C002",
                Must,
                "read standard input as soon as the program has started, or see LAMBDA_STDIO_READY",
            ),
            Self::NoReply => {
                ("C003", Must, "print one line for each request line, and go on reading")
            }
            Self::NotFlushed => ("C004", Must, "flush standard output after each reply"),
            Self::NoLineEnd => ("C005", Must, "end each reply with a line feed, and flush it"),
            Self::SecondReply => {
                ("C006", Must, "print one line for each request; logs belong on standard error")
            }
            Self::IdLost => ("C007", Must, "put the request's id, as it is, beside the result"),
            Self::WrongId => ("C008", Must, "take the id of each reply from its own request"),
            Self::EarlyReply => {
                ("C009", Must, "read the request's whole line before its reply is printed")
            }
            Self::UnaskedJson => (
                "C010",
                Must,
                "print nothing before the first request; logs belong on standard error",
            ),
            Self::Pretty => ("C011", Must, "print the reply on one line, without a pretty printer"),
            Self::NotJson => (
                "C012",
                Must,
                "print the reply as one JSON value; for plain words set LAMBDA_STDIO_REPLIES=text",
            ),
            Self::LargeEvent => {
                ("C013", Must, "read lines of any length: up to 6,357,092 bytes come")
            }
            Self::GoesOn => ("C014", Must, "end the loop when reading tells the end of the input"),
            Self::ReplyAtEnd => {
                ("C015", Must, "skip blank lines, and print nothing at the end of the input")
            }
            Self::ErrorAsResult => (
                "C016",
                Must,
                "answer {\"id\":…,\"error\":{\"errorType\":…,\"errorMessage\":…}} with the request's id",
            ),
            Self::SilentError => (
                "C017",
                Must,
                "catch what goes wrong in a request, and answer it with the request's id and an error",
            ),
            Self::Exited => {
                ("C018", Must, "go on reading after a reply; what it wrote last says why it ended")
            }
            Self::ClosedPipe => ("C019", Must, "leave standard input and standard output open"),
            Self::Framing => (
                "C020",
                Must,
                "with LAMBDA_STDIO_FRAMING=length precede each reply by its length: 4 bytes, big-endian",
            ),
            Self::ReplyDescriptor => (
                "C021",
                Must,
                "with LAMBDA_STDIO_REPLY_FD print the replies on that descriptor, and flush it",
            ),
            Self::ByteOrderMark => ("C022", Must, "write UTF-8 without a byte order mark"),
            Self::StrayText => {
                ("C101", Should, "print logs on standard error, and tag the replies")
            }
            Self::DiesOfError => (
                "C102",
                Should,
                "catch what goes wrong in a request, and answer it with the request's id and an error",
            ),
            Self::ErrorForm => {
                ("C103", Should, "give an error the texts errorType and errorMessage")
            }
            Self::EndStatus => ("C104", Should, "end with status 0 when the input ends"),
            Self::LeftBehind => (
                "C105",
                Should,
                "end what was started before ending; start the program itself with exec",
            ),
            Self::ValueLossy => (
                "C106",
                Should,
                "carry such values as text, or use a library that keeps them as they are",
            ),
            Self::ValueFatal => {
                ("C107", Should, "catch what the JSON library refuses, and answer it with an error")
            }
            Self::ValueRefused => {
                ("C108", Should, "carry such values as text, or use a library that takes them")
            }
            Self::IgnoresSignal => (
                "C109",
                Should,
                "leave SIGTERM as it is, or end soon when it comes; start programs with exec",
            ),
            Self::UnreadOutput => (
                "C110",
                Should,
                "leave SIGPIPE as it is, or end when standard output cannot be written",
            ),
            Self::MemoryGrows => ("C111", Should, "let go of each request once it is answered"),
            Self::BadLineAnswered => (
                "C112",
                Should,
                "where a line cannot be read, end with a message on standard error, or answer an error",
            ),
            Self::BadLineMisleads => (
                "C113",
                Should,
                "where a line cannot be read, forget what was read before: no reply may come of it",
            ),
            Self::BadLineSticks => (
                "C114",
                Should,
                "where a line cannot be read, end with a message on standard error, or go on with the next",
            ),
            Self::LogsBlock => (
                "C115",
                Should,
                "let writes to standard error wait (no O_NONBLOCK), and read the standard error of the \
                 programs that you start, or let them have yours",
            ),
            Self::TextByLocale => (
                "C116",
                Should,
                "name UTF-8 in the program, for its input and its output, whatever LANG and LC_ALL say",
            ),
            Self::NoErrorSeen => (
                "C201",
                Note,
                "send an event that it has to refuse, with lambda-stdio invoke -d, and see that an error comes back",
            ),
            Self::ReplyTooLarge => ("C203", Note, "keep replies to 6,291,556 bytes"),
            Self::BadLineUnsaid => {
                ("C204", Note, "say on standard error what could not be read, and why")
            }
            Self::EndsEachTime => {
                ("C202", Note, "go on reading after a reply: a start costs more than a request")
            }
        }
    }

    /// Its number, as `C001`: from 101 on for what should be, from 201 on for notes.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().0
    }

    /// How grave it is.
    #[must_use]
    pub fn grade(self) -> Grade {
        self.row().1
    }

    /// What to do, in any language.
    #[must_use]
    pub fn advice(self) -> &'static str {
        self.row().2
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub grade: Grade,
    /// What it is about.
    #[serde(serialize_with = "id")]
    pub code: Code,
    /// The scenario in which it was seen.
    pub scenario: &'static str,
    /// What was seen, as a clause with its values.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Whether it is about a number, among other values.
    #[serde(skip)]
    pub has_number: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn id<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id())
}

impl Finding {
    /// A finding in a scenario, which is never graver than that.
    #[must_use]
    pub fn new(code: Code, scenario: &Scenario, message: String) -> Self {
        let grade = code.grade().max(scenario.grade);
        let advice = code.advice().to_owned();
        Self { grade, code, scenario: scenario.name, message, advice, has_number: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_by_grade_and_each_has_one() {
        let mut expected = [1, 101, 201];
        for code in Code::ALL {
            let next = match code.grade() {
                Grade::Must => &mut expected[0],
                Grade::Should => &mut expected[1],
                Grade::Note => &mut expected[2],
            };
            assert_eq!(code.id(), format!("C{next:03}"));
            *next += 1;
        }
    }
}
