//! The loop from line to line, which is the same whatever the function does.

use std::any::type_name;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the caller hears: any error becomes one where `?` passes it on, and tells that place.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    error_type: &'static str,
    error_message: String,
    stack_trace: Vec<String>,
}

impl<E: Error> From<E> for FunctionError {
    #[track_caller]
    fn from(error: E) -> Self {
        let own = concat!(env!("CARGO_CRATE_NAME"), "::");
        let name = type_name::<E>();
        Self::new(name.strip_prefix(own).unwrap_or(name), error.to_string(), Location::caller())
    }
}

impl FunctionError {
    fn new(error_type: &'static str, error_message: String, place: &Location<'_>) -> Self {
        let mut stack_trace = vec![format!("at {place}")];
        // The rest of the stack takes time, so it is taken with RUST_BACKTRACE=1 only.
        let stack = Backtrace::capture();
        if stack.status() == BacktraceStatus::Captured {
            stack_trace.extend(stack.to_string().lines().map(|line| line.trim().to_owned()));
        }
        Self { error_type, error_message, stack_trace }
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    id: &'a str,
    #[serde(borrow)]
    event: &'a RawValue,
}

#[derive(Serialize)]
struct Reply<'a> {
    id: &'a str,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Result(Box<RawValue>),
    Error(FunctionError),
}

/// The last panic, since only its hook knows where it was.
static PANIC: Mutex<Option<FunctionError>> = Mutex::new(None);

/// Answers each line of standard input, and returns at its end.
pub fn serve(handle: impl Fn(&RawValue) -> Result<Box<RawValue>, FunctionError>) -> io::Result<()> {
    let log = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        log(panic);
        let message = panic.payload_as_str().unwrap_or("a value that is no text");
        let place = panic.location().unwrap_or(Location::caller());
        *PANIC.lock().unwrap() = Some(FunctionError::new("Panic", message.to_owned(), place));
    }));
    for line in io::stdin().lock().lines() {
        let line = line?;
        // A space may come before the first line, and then nothing at all.
        if line.trim().is_empty() {
            continue;
        }
        let request: Request<'_> = serde_json::from_str(&line)?;
        // A panic is one caller's error, not the end of the program.
        let answer = match panic::catch_unwind(AssertUnwindSafe(|| handle(request.event))) {
            Ok(Ok(result)) => Answer::Result(result),
            Ok(Err(error)) => Answer::Error(error),
            Err(_) => Answer::Error(PANIC.lock().unwrap().take().expect("the hook has run")),
        };
        // One write of a whole line, then a flush: the reply must not wait in a buffer.
        let mut output = serde_json::to_vec(&Reply { id: request.id, answer })?;
        output.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&output)?;
        stdout.flush()?;
    }
    Ok(())
}
