//! Stories that cargo-lambda tells with our bootstrap: `watch --only-lambda-apis` is Lambda's side, and the
//! bootstrap is started by hand, as its manual says.  Its path is in `LAMBDA_STDIO_CARGO_LAMBDA`.

use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::support::{Heard, Scratch, eventually, free_address, post, search_path, tool};

/// The handler of the differential run: it does what its events say, and echoes others byte for byte.
const HANDLER: &str = include_str!("differential/handler.py");

/// A process with all that it started.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).process_group(0).spawn().expect("it starts"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        killpg(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGKILL).ok();
        drop(self.0.wait());
    }
}

/// cargo-lambda's Lambda and our bootstrap at it.
struct Watch {
    address: String,
    scratch: Scratch,
    // In this order: the bootstrap goes before its Lambda.
    _bootstrap: Group,
    _lambda: Group,
}

impl Watch {
    /// `scheme` is what stands before the address in the bootstrap's variable.
    fn start(scheme: &str) -> Option<Self> {
        let program = tool("LAMBDA_STDIO_CARGO_LAMBDA")?;
        let scratch = Scratch::new();
        let address = free_address();
        let lambda = Group::start(&mut watch(&program, &scratch, &address));
        eventually("cargo-lambda listens", || TcpStream::connect(&address).is_ok());
        let bootstrap = Group::start(
            Command::new(env!("CARGO_BIN_EXE_bootstrap"))
                .args(["python3", "-c", HANDLER])
                .env_clear()
                .env("PATH", search_path())
                .env("D", scratch.path())
                .env("AWS_LAMBDA_RUNTIME_API", format!("{scheme}{address}/.rt"))
                .env("AWS_LAMBDA_FUNCTION_NAME", "_")
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096")
                .stdout(Stdio::null())
                .stderr(File::create(scratch.file("bootstrap.log")).unwrap()),
        );
        Some(Self { address, scratch, _bootstrap: bootstrap, _lambda: lambda })
    }

    #[track_caller]
    fn invoke(&self, event: &str) -> Heard {
        let path = "/2015-03-31/functions/_/invocations";
        post(&self.address, path, &[], event.as_bytes()).unwrap_or_else(|error| {
            panic!("{error}\n{}{}", self.scratch.read("lambda.log"), self.log())
        })
    }

    fn log(&self) -> String {
        self.scratch.read("bootstrap.log")
    }
}

fn watch(program: &Path, scratch: &Scratch, address: &str) -> Command {
    // It wants a package of Cargo's, though it builds nothing in this mode.
    std::fs::create_dir(scratch.file("src")).unwrap();
    std::fs::write(scratch.file("src/main.rs"), "fn main() {}\n").unwrap();
    let package = "[package]\nname = \"function\"\nversion = \"0.0.0\"\n[workspace]\n";
    std::fs::write(scratch.file("Cargo.toml"), package).unwrap();
    let (_, port) = address.split_once(':').unwrap();
    let log = File::create(scratch.file("lambda.log")).unwrap();
    let mut command = Command::new(program);
    command
        .args(["lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", port])
        .current_dir(scratch.path())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

#[track_caller]
fn check_error(heard: &Heard, error_type: &str) -> String {
    let error = heard.json();
    assert_eq!(error["errorType"], error_type, "{heard:?}");
    error["errorMessage"].as_str().unwrap().to_owned()
}

#[test]
fn cargo_lambda_gets_replies_byte_for_byte() {
    // With a scheme, as cargo-lambda prints the variable for its users to copy.
    let Some(watch) = Watch::start("http://") else { return };
    for event in [
        r#"{"b":1e999,"a":-0.0,"n":12345678901234567890123,"a":1.10,"é":"\ud800"}"#,
        "null",
        "[ 1E+2 ]",
        "\"two words\"",
    ] {
        let heard = watch.invoke(event);
        assert_eq!((heard.status, heard.text().as_str()), (200, event));
    }
    assert_eq!(watch.scratch.read("started").lines().count(), 2, "one handler serves them all");
}

#[test]
fn cargo_lambda_gets_an_error_and_a_crash_and_then_replies() {
    // Without one, as Lambda says it.
    let Some(watch) = Watch::start("") else { return };
    let heard = watch.invoke(r#"{"do":"error","error":{"errorType":"Mine","errorMessage":"no"}}"#);
    assert_eq!(heard.text(), r#"{"errorType": "Mine", "errorMessage": "no"}"#);
    let said = check_error(&watch.invoke(r#"{"do":"exit","status":3}"#), "Runtime.HandlerExited");
    assert!(said.contains("exit status 3") && said.contains("last words"), "{said}");
    assert_eq!(watch.invoke("1").text(), "1", "{}", watch.log());
}

#[test]
fn cargo_lambda_carries_six_megabytes_both_ways() {
    let Some(watch) = Watch::start("") else { return };
    let event = format!("\"{}\"", "x".repeat(6 * 1024 * 1024 - 2));
    let heard = watch.invoke(&event);
    assert!(heard.text() == event, "{} {} B {}", heard.status, heard.body.len(), watch.log());
}
