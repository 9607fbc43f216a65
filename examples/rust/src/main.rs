//! A Lambda function in Rust: reads a line, prints a line, and knows `serde_json` only.

mod lines;

use std::{error, fmt, io};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use lines::FunctionError;

/// Borrows from the line; what is not ours stays raw and therefore exact.
#[derive(Deserialize)]
#[serde(expecting = "an object with name, fail or echo")]
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

#[derive(Debug)]
struct ExampleError(String);

impl fmt::Display for ExampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for ExampleError {}

/// The function itself: an event in, a result or any error out.
fn handle(event: &RawValue) -> Result<Box<RawValue>, FunctionError> {
    let event: Event<'_> = serde_json::from_str(event.get())?;
    match event {
        Event { fail: Some(reason), .. } => Err(ExampleError(reason))?,
        Event { echo: Some(value), .. } => Ok(value.to_owned()),
        Event { name: Some(name), .. } => {
            eprintln!("greeting {name}"); // a log line
            Ok(to_raw_value(&Greeting { greeting: format!("Hello, {name}!") })?)
        }
        _ => Err(ExampleError("expected name, fail or echo".into()))?,
    }
}

fn main() -> io::Result<()> {
    lines::serve(handle)
}
