//! A Lambda function in Rust: reads a line, prints a line, and knows `serde_json` only.

use std::io::{self, BufRead, Write};
use std::panic;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// Borrows from the line; what is not ours stays raw and therefore exact.
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: &'static str,
    error_message: String,
    stack_trace: Vec<String>,
}

impl FunctionError {
    fn new(error_type: &'static str, error_message: impl Into<String>) -> Self {
        Self { error_type, error_message: error_message.into(), stack_trace: Vec::new() }
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    fail: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    echo: Option<&'a RawValue>,
    name: Option<String>,
}

/// Serde takes null for an absent value; an echo of null is an echo.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

#[derive(Serialize)]
struct Greeting {
    greeting: String,
}

/// The function itself: an event in, a result or an error out.
fn handle(event: &RawValue) -> Result<Box<RawValue>, FunctionError> {
    let event: Event<'_> = serde_json::from_str(event.get())
        .map_err(|error| FunctionError::new("ExampleError", error.to_string()))?;
    match event {
        Event { fail: Some(reason), .. } => Err(FunctionError::new("ExampleError", reason)),
        Event { echo: Some(value), .. } => Ok(value.to_owned()),
        Event { name: Some(name), .. } => {
            eprintln!("greeting {name}"); // a log line
            to_raw_value(&Greeting { greeting: format!("Hello, {name}!") })
                .map_err(|error| FunctionError::new("ExampleError", error.to_string()))
        }
        _ => Err(FunctionError::new("ExampleError", "expected name, fail or echo")),
    }
}

fn answer(event: &RawValue) -> Answer {
    // A panic is one caller's error, not the end of the program.  Its message is in the log.
    match panic::catch_unwind(|| handle(event)) {
        Ok(Ok(result)) => Answer::Result(result),
        Ok(Err(error)) => Answer::Error(error),
        Err(_) => Answer::Error(FunctionError::new("Panic", "the function panicked")),
    }
}

fn main() -> io::Result<()> {
    // The end of input means stop.
    for line in io::stdin().lock().lines() {
        let line = line?;
        // A space may come before the first line, and then nothing at all.
        if line.trim().is_empty() {
            continue;
        }
        let request: Request<'_> = serde_json::from_str(&line)?;
        let reply = Reply { id: request.id, answer: answer(request.event) };
        // One write of a whole line, then a flush: the reply must not wait in a buffer.
        let mut output = serde_json::to_vec(&reply)?;
        output.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&output)?;
        stdout.flush()?;
    }
    Ok(())
}
