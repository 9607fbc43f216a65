//! Answers each request with its event, byte for byte, and with its id.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

const BEFORE: &str = r#"{"id":"q7w2m0x4k9c1z5t8","event":"#;
const BEHIND: &str = r#","context":{"#;

fn main() -> ExitCode {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let request = line.trim();
        if request.is_empty() {
            continue;
        }
        let event = request.rfind(BEHIND).and_then(|end| request.get(BEFORE.len()..end));
        let id = request.strip_prefix(r#"{"id":""#).and_then(|rest| rest.get(..16));
        let (Some(event), Some(id)) = (event, id) else {
            eprintln!("a line is no request");
            return ExitCode::FAILURE;
        };
        // A pipe that nobody reads must not be a panic.
        let mut output = io::stdout().lock();
        if writeln!(output, r#"{{"id":"{id}","result":{event}}}"#).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
