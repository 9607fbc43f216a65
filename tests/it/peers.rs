//! Our emulator before real third parties: functions on AWS's own runtimes, those of tests/peers.
//! `LAMBDA_STDIO_AWSLAMBDARIC` is the folder with AWS's client for Python, to be put on Python's path;
//! `LAMBDA_STDIO_LAMBDA_RUNTIME` is the built function on AWS's crate for Rust.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::invoke_runtime::{Place, Said, companion, run, run_with};
use crate::support::tool;

/// How a peer is started, and what its function says its error's type is.
struct Peer {
    program: Vec<String>,
    variables: Vec<String>,
}

impl Peer {
    fn awslambdaric() -> Option<Self> {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/awslambdaric");
        Self::python("peer.answer", &peer)
    }

    /// A function in Python: `app.handler` of a folder.
    fn python(handler: &str, folder: &Path) -> Option<Self> {
        let client = tool("LAMBDA_STDIO_AWSLAMBDARIC")?;
        Some(Self {
            program: ["python3", "-m", "awslambdaric", handler].map(str::to_owned).to_vec(),
            variables: vec![
                format!("PYTHONPATH={}:{}", client.display(), folder.display()),
                format!("_HANDLER={handler}"),
                "PYTHONDONTWRITEBYTECODE=1".to_owned(),
            ],
        })
    }

    fn lambda_runtime() -> Option<Self> {
        let program = tool("LAMBDA_STDIO_LAMBDA_RUNTIME")?;
        Some(Self { program: vec![program.to_str().unwrap().to_owned()], variables: Vec::new() })
    }

    /// `lambda-stdio invoke OPTIONS --runtime -- PEER`, not started yet.
    fn invoke(&self, options: &[&str], place: &Place) -> Command {
        let mut command = companion();
        command.arg("invoke").args(options);
        for variable in &self.variables {
            command.args(["--env", variable]);
        }
        command.args(["--runtime", "--"]).args(&self.program);
        command.current_dir(place.path()).stdin(Stdio::null());
        command
    }

    /// Every way an invocation can end, one behind the other in one call.
    fn is_served_whatever_becomes_of_an_invocation(&self) {
        let place = Place::new();
        let events = "1\n\"fail\"\n{\"a\":[1.5,\"\u{e9}\"]}\n\"exit\"\n2\n\"sleep\"\n3\n4\n5\n";
        let mut command = self.invoke(&["--events", "-", "--json", "--timeout", "4"], &place);
        let said = run_with(&mut command, events);
        assert_eq!(said.code, Some(4), "{said:?}");
        let told = told(&said);
        let [one, fail, object, exit, two, sleep, three, four, five] = told.as_slice() else {
            panic!("{said:?}")
        };
        assert_eq!((one.as_str(), two.as_str()), ("success 1", "success 2"));
        assert_eq!(fail, "error Mine: no");
        assert_eq!(object, "success {\"a\":[1.5,\"é\"]}");
        assert!(exit.starts_with("error Runtime.ExitError: RequestId: "), "{exit}");
        assert!(exit.ends_with("Runtime exited with error: exit status 9"), "{exit}");
        assert!(
            sleep.starts_with("timeout ") && sleep.ends_with("out after 4.00 seconds"),
            "{sleep}"
        );
        assert_eq!([three, four, five], ["success 3", "success 4", "success 5"]);
    }

    fn carries_six_megabytes_both_ways(&self) {
        let place = Place::new();
        let event = format!("\"{}\"", "x".repeat(6 * 1024 * 1024 - 2));
        place.file("event.json", &event);
        let said = run(&mut self.invoke(&["--timeout", "20", "--data", "@event.json"], &place));
        assert!(said.out.trim_end() == event, "{:?} {} B {}", said.code, said.out.len(), said.err);
    }
}

/// Status and content of each invocation.
fn told(said: &Said) -> Vec<String> {
    let object = said.json();
    let invocations = object["invocations"].as_array().expect("a list");
    invocations
        .iter()
        .map(|invocation| {
            let status = invocation["status"].as_str().unwrap();
            let text =
                |name: &str| invocation["error"][name].as_str().unwrap_or_default().to_owned();
            match invocation.get("reply") {
                Some(reply) => format!("{status} {reply}"),
                None => format!("{status} {}: {}", text("errorType"), text("errorMessage")),
            }
        })
        .collect()
}

#[test]
fn awss_client_for_python_is_served_whatever_becomes_of_an_invocation() {
    let Some(peer) = Peer::awslambdaric() else { return };
    peer.is_served_whatever_becomes_of_an_invocation();
}

#[test]
fn awss_client_for_python_carries_six_megabytes_both_ways() {
    let Some(peer) = Peer::awslambdaric() else { return };
    peer.carries_six_megabytes_both_ways();
}

#[test]
fn awss_crate_for_rust_is_served_whatever_becomes_of_an_invocation() {
    let Some(peer) = Peer::lambda_runtime() else { return };
    peer.is_served_whatever_becomes_of_an_invocation();
}

#[test]
fn awss_crate_for_rust_carries_six_megabytes_both_ways() {
    let Some(peer) = Peer::lambda_runtime() else { return };
    peer.carries_six_megabytes_both_ways();
}

#[test]
fn awss_client_for_python_finds_its_context() {
    const APP: &str = r#"
def handler(event, context):
    return {
        "id": len(context.aws_request_id), "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis() > 0,
        "name": context.function_name, "version": context.function_version,
        "group": context.log_group_name, "stream": "[$LATEST]" in context.log_stream_name,
    }
"#;
    let place = Place::new();
    place.file("app.py", APP);
    let Some(peer) = Peer::python("app.handler", place.path()) else { return };
    let said = run(&mut peer.invoke(&["--json", "--data", "{}"], &place));
    let reply = &said.json()["reply"];
    let expected: Value = serde_json::json!({
        "id": 36, "arn": "arn:aws:lambda:us-east-1:012345678912:function:python3", "memory": "128",
        "left": true, "name": "python3", "version": "$LATEST", "group": "/aws/lambda/python3",
        "stream": true,
    });
    assert_eq!(*reply, expected, "{said:?}");
}
