//! What is said about an invocation: Lambda's own lines, and a word of help when it failed.  Values only.

use std::time::Duration;

use serde::Deserialize;

use crate::cli::Exit;
use crate::cli::emulator::{Completed, ErrorReport, Outcome};

/// How a status reads in a report line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// A response.
    Success,
    /// An error, with its type as Lambda's logs have it.
    Error(String),
    /// Out of time.
    Timeout,
}

impl Status {
    /// The status of an invocation; what went wrong behind an answer counts too.
    #[must_use]
    pub fn of(completed: &Completed) -> Self {
        match completed.aftermath.as_ref().unwrap_or(&completed.outcome) {
            Outcome::Response(response) => match &response.stream_error {
                Some(error) => Self::Error(error.error_type.clone()),
                None => Self::Success,
            },
            Outcome::TimedOut(_) => Self::Timeout,
            Outcome::FunctionError(report)
            | Outcome::RuntimeExited(report)
            | Outcome::InitFailed(report) => Self::Error(report.error_type.clone()),
        }
    }

    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error(_) => "error",
            Self::Timeout => "timeout",
        }
    }
}

/// `START …`.
#[must_use]
pub fn start_line(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: $LATEST")
}

/// `END …`.
#[must_use]
pub fn end_line(request_id: &str) -> String {
    format!("END RequestId: {request_id}")
}

/// `REPORT …`, with a field of our own at its end where the memory setting was not enforced.
#[must_use]
pub fn report_line(completed: &Completed, memory_mb: u32) -> String {
    let mut fields = vec![
        format!("REPORT RequestId: {}", completed.request_id),
        format!("Duration: {:.2} ms", millis(completed.duration)),
        format!("Billed Duration: {} ms", billed_ms(completed.duration)),
        format!("Memory Size: {memory_mb} MB"),
        format!("Max Memory Used: {} MB", megabytes(completed.peak_bytes)),
    ];
    fields.extend(completed.init.map(|init| format!("Init Duration: {:.2} ms", millis(init))));
    match Status::of(completed) {
        Status::Success => (),
        Status::Timeout => fields.push("Status: timeout".to_owned()),
        Status::Error(error_type) => {
            fields.extend(["Status: error".to_owned(), format!("Error Type: {error_type}")]);
        }
    }
    if !completed.memory_enforced {
        fields.push("Memory Limit: not enforced".to_owned());
    }
    fields.join("\t")
}

/// `INIT_REPORT …`, which Lambda writes only for an init that failed.
#[must_use]
pub fn init_report_line(duration: Duration, status: &Status) -> String {
    let mut line = format!(
        "INIT_REPORT Init Duration: {:.2} ms\tPhase: init\tStatus: {}",
        millis(duration),
        status.word()
    );
    if let Status::Error(error_type) = status {
        line.push_str("\tError Type: ");
        line.push_str(error_type);
    }
    line
}

/// The exit code that an outcome asks for.
#[must_use]
pub fn exit_of(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Response(response) if response.stream_error.is_none() => Exit::Done,
        // The bridge answers shortly before the deadline, so its word is how most timeouts are seen.
        Outcome::FunctionError(report)
            if ["Runtime.HandlerTimeout", "Runtime.HandlerNotReady"]
                .contains(&report.error_type.as_str()) =>
        {
            Exit::TimedOut
        }
        Outcome::Response(_) | Outcome::RuntimeExited(_) | Outcome::FunctionError(_) => {
            Exit::FunctionError
        }
        Outcome::TimedOut(_) => Exit::TimedOut,
        Outcome::InitFailed(_) => Exit::NotStarted,
    }
}

/// An error in the caller's words: its type, if it says one, and its message.
#[must_use]
pub fn summary(report: &ErrorReport) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Said {
        error_type: Option<String>,
        error_message: Option<String>,
    }
    let said: Said = serde_json::from_slice(&report.body).unwrap_or_default();
    match (said.error_type, said.error_message) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message,
        (Some(kind), None) => kind,
        (None, None) => format!("{}: {}", report.error_type, String::from_utf8_lossy(&report.body)),
    }
}

/// What a person could do about an error, by its type.
#[must_use]
pub fn hint(report: &ErrorReport) -> Option<&'static str> {
    Some(match report.error_type.as_str() {
        // A shell's own words for it, and those of env in a script's first line.
        "Runtime.HandlerExited" if summary(report).contains("exit status 127") => {
            "127 is what a shell and env end with where a program is not installed: they name it above"
        }
        "Runtime.HandlerExited" => {
            "echo '{}' | PROGRAM tries it alone: for each line it reads it prints one, and goes on \
             reading; --wire shows every line"
        }
        "Runtime.HandlerTimeout" | "Sandbox.Timedout" => {
            "--timeout SECONDS gives more time, --wire shows every line both ways"
        }
        "Runtime.HandlerNotReady" => {
            "the program is still starting; see LAMBDA_STDIO_READY, or give more time with --timeout"
        }
        "Runtime.HandlerClosedOutput" | "Runtime.HandlerClosedInput" => {
            "the program must keep its standard input and output open between events"
        }
        "Runtime.TruncatedReply" => {
            "a reply ends with a newline, and is flushed before the program ends"
        }
        "Runtime.ProtocolError" => {
            "one line for each event; a program that prints more tags its reply with the event's id, \
             see protocol/SPEC.md"
        }
        "Function.ResponseSizeTooLarge" => {
            "Lambda takes 6 MB; put larger results where the caller can fetch them"
        }
        "Runtime.InvalidEntrypoint" => {
            "a program is ./NAME, an absolute path or a name in PATH; it is executable, and a script \
             begins with #!"
        }
        "Runtime.ExitError" => "the runtime itself ended; its last lines on standard error say why",
        _ => return None,
    })
}

/// What is to be said where Lambda would have killed the function and this machine did not.
#[must_use]
pub fn memory_hint(completed: &Completed, memory_mb: u32) -> Option<String> {
    let used = megabytes(completed.peak_bytes);
    (!completed.memory_enforced && used > u64::from(memory_mb)).then(|| {
        format!(
            "it used {used} MB of {memory_mb} MB, for which Lambda ends a function; --memory MB gives more"
        )
    })
}

/// Milliseconds, to the microsecond.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// Lambda bills whole milliseconds, begun ones too.
#[must_use]
pub fn billed_ms(duration: Duration) -> u128 {
    duration.as_nanos().div_ceil(1_000_000)
}

/// Whole megabytes, begun ones too.
#[must_use]
pub fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;

    use super::*;
    use crate::cli::emulator::FunctionResponse;

    fn completed(outcome: Outcome) -> Completed {
        Completed {
            request_id: "id-1".to_owned(),
            outcome,
            duration: Duration::from_micros(123_450),
            init: None,
            peak_bytes: 20 * 1024 * 1024 - 5,
            memory_enforced: true,
            aftermath: None,
        }
    }

    fn response() -> Outcome {
        Outcome::Response(FunctionResponse {
            body: Bytes::from_static(b"1"),
            content_type: None,
            streamed: false,
            stream_error: None,
        })
    }

    fn error(error_type: &str, body: &'static str) -> ErrorReport {
        ErrorReport { error_type: error_type.to_owned(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn report_lines_are_lambdas() {
        let mut done = completed(response());
        let line = "REPORT RequestId: id-1\tDuration: 123.45 ms\tBilled Duration: 124 ms\t\
                    Memory Size: 128 MB\tMax Memory Used: 20 MB";
        assert_eq!(report_line(&done, 128), line);
        done.init = Some(Duration::from_micros(9_900));
        done.memory_enforced = false;
        let more = "\tInit Duration: 9.90 ms\tMemory Limit: not enforced";
        assert_eq!(report_line(&done, 128), format!("{line}{more}"));
        let late = completed(Outcome::TimedOut(error("Sandbox.Timedout", "{}")));
        assert_eq!(report_line(&late, 128), format!("{line}\tStatus: timeout"));
        let wrong = completed(Outcome::FunctionError(error("Function.Error", "{}")));
        let more = "\tStatus: error\tError Type: Function.Error";
        assert_eq!(report_line(&wrong, 128), format!("{line}{more}"));
        done.aftermath = Some(Outcome::RuntimeExited(error("Runtime.ExitError", "{}")));
        assert!(report_line(&done, 128).contains("Error Type: Runtime.ExitError"));
    }

    #[test]
    fn too_much_memory_is_told_where_nothing_stopped_it() {
        let mut done = completed(response());
        assert_eq!(memory_hint(&done, 19), None, "enforced: it would have been killed");
        done.memory_enforced = false;
        assert_eq!(memory_hint(&done, 20), None);
        let hint = memory_hint(&done, 19).expect("told");
        assert!(hint.starts_with("it used 20 MB of 19 MB"), "{hint}");
    }

    #[test]
    fn every_outcome_has_its_exit_code() {
        let exit = |outcome| exit_of(&outcome).code();
        assert_eq!(exit(response()), 0);
        assert_eq!(exit(Outcome::FunctionError(error("Function.Error", ""))), 1);
        assert_eq!(exit(Outcome::RuntimeExited(error("Runtime.ExitError", ""))), 1);
        assert_eq!(exit(Outcome::TimedOut(error("Sandbox.Timedout", ""))), 4);
        assert_eq!(exit(Outcome::FunctionError(error("Runtime.HandlerTimeout", ""))), 4);
        assert_eq!(exit(Outcome::InitFailed(error("Runtime.InvalidEntrypoint", ""))), 5);
    }

    #[test]
    fn a_summary_says_what_the_caller_reads() {
        let summary = |body| summary(&error("Runtime.Unknown", body));
        assert_eq!(summary(r#"{"errorType":"E","errorMessage":"m"}"#), "E: m");
        assert_eq!(summary(r#"{"errorMessage":"m","more":1}"#), "m");
        assert_eq!(summary("boom"), "Runtime.Unknown: boom");
        assert_eq!(summary("[1]"), "Runtime.Unknown: [1]");
    }

    #[test]
    fn an_init_that_failed_has_its_own_line() {
        let line =
            init_report_line(Duration::from_millis(10), &Status::Error("Runtime.X".to_owned()));
        assert_eq!(
            line,
            "INIT_REPORT Init Duration: 10.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.X"
        );
    }
}
