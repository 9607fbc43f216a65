//! The emulator before a real third party: AWS's own runtime interface client for Python.  It comes from
//! the Python package index, so this story is told only where `LAMBDA_STDIO_FULL` says that everything was installed.

use std::process::{Command, Stdio};

use crate::invoke_runtime::{Place, companion, run_with};

const APP: &str = r#"
import os, time

def handler(event, context):
    do = event.get("do")
    print("on", do, flush=True)
    if do == "raise":
        raise ValueError("no")
    if do == "exit":
        os._exit(9)
    if do == "sleep":
        time.sleep(1000)
    return {
        "event": event, "id": len(context.aws_request_id), "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis() > 0,
    }
"#;

#[test]
fn awss_client_for_python_is_served() {
    #[expect(clippy::disallowed_methods, reason = "the one variable that slow tests look at")]
    let is_full = std::env::var_os("LAMBDA_STDIO_FULL").is_some_and(|value| value == "1");
    if !is_full {
        return;
    }
    let mut import = Command::new("python3");
    import.args(["-c", "import awslambdaric"]).stderr(Stdio::null());
    let is_there = import.status().is_ok_and(|status| status.success());
    assert!(is_there, "awslambdaric is missing: python3 -m pip install awslambdaric");
    let place = Place::new();
    place.file("app.py", APP);
    let events =
        "{\"n\":1}\n{\"do\":\"raise\"}\n{\"do\":\"exit\"}\n{\"do\":\"sleep\"}\n{\"n\":2}\n";
    let mut command = companion();
    command.args([
        "invoke",
        "--events",
        "-",
        "--json",
        "--timeout",
        "2",
        "--env",
        "_HANDLER=app.handler",
    ]);
    command.args(["--runtime", "--", "python3", "-m", "awslambdaric", "app.handler"]);
    let said = run_with(command.current_dir(place.path()), events);
    assert_eq!(said.code, Some(4), "{said:?}");
    let object = said.json();
    let told: Vec<String> = object["invocations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|invocation| {
            let error = &invocation["error"];
            let words = error["errorType"].as_str().or(error["errorMessage"].as_str());
            let n = &invocation["reply"]["event"]["n"];
            format!("{} {n} {}", invocation["status"], words.unwrap_or_default())
        })
        .collect();
    let [one, raised, exited, late, two] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(one, "\"success\" 1 ");
    assert_eq!(raised, "\"error\" null ValueError");
    assert_eq!(exited, "\"error\" null Runtime.ExitError");
    assert!(late.ends_with(" Task timed out after 2.00 seconds"), "{late}");
    assert_eq!(two, "\"success\" 2 ");
    let first = &object["invocations"][0]["reply"];
    assert_eq!(first["id"], 36);
    assert_eq!(first["memory"], "128");
    assert_eq!(first["left"], true);
    assert_eq!(first["arn"], "arn:aws:lambda:us-east-1:012345678912:function:python3");
}
