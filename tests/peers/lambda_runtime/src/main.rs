//! Echoes every event, untouched and unparsed, but three words, which end an invocation in other ways.

use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run(service_fn(answer)).await
}

async fn answer(event: LambdaEvent<Box<RawValue>>) -> Result<Box<RawValue>, Diagnostic> {
    match event.payload.get() {
        "\"fail\"" => Err(Diagnostic { error_type: "Mine".into(), error_message: "no".into() }),
        "\"exit\"" => std::process::exit(9),
        "\"sleep\"" => {
            std::thread::sleep(std::time::Duration::from_secs(1000));
            Ok(event.payload)
        }
        _ => Ok(event.payload),
    }
}
