//! Echoes every event, untouched and unparsed; the event `"fail"` is answered with an error.

use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run(service_fn(answer)).await
}

async fn answer(event: LambdaEvent<Box<RawValue>>) -> Result<Box<RawValue>, Diagnostic> {
    if event.payload.get() == "\"fail\"" {
        return Err(Diagnostic { error_type: "Mine".into(), error_message: "no".into() });
    }
    Ok(event.payload)
}
