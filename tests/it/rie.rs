//! Stories that AWS's own emulator tells with our bootstrap.  Its path is in `LAMBDA_STDIO_RIE`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::support::{ID, PATIENCE, eventually};

/// Answers by what the event holds.
fn script() -> String {
    format!(
        r#"while read -r line; do {ID}
case $line in
*'"event":"fail"'*) printf '{{"id":"%s","error":{{"errorType":"Mine","errorMessage":"no"}}}}\n' "$id" ;;
*'"event":"crash"'*) echo 'last words' >&2; exit 3 ;;
*'"event":"sleep"'*) sleep 60 ;;
*) printf '{{"id":"%s","result":{{"pid":%s}}}}\n' "$id" $$ ;;
esac; done"#
    )
}

/// The emulator, which starts the bootstrap at the first invocation.
struct Rie {
    child: Child,
    address: String,
}

impl Rie {
    /// None, with a word about it, where nobody said where it is.
    fn start() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "where the emulator is, is asked of the run")]
        let Some(rie) = std::env::var_os("LAMBDA_STDIO_RIE") else {
            eprintln!("not run: LAMBDA_STDIO_RIE does not say where AWS's emulator is");
            return None;
        };
        let [runtime_api, address] = [free_address(), free_address()];
        let child = Command::new(rie)
            .args(["--runtime-api-address", &runtime_api])
            .args(["--runtime-interface-emulator-address", &address])
            .args([env!("CARGO_BIN_EXE_bootstrap"), "sh", "-c", &script()])
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("LAMBDA_STDIO_RIE can be started");
        eventually("the emulator listens", || TcpStream::connect(&address).is_ok());
        Some(Self { child, address })
    }

    /// The status and body of an invocation.
    fn invoke(&self, event: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: rie\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{answer}");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Ends it as a container's end does: it ends our bootstrap.
    fn leaves_nothing(mut self) {
        killpg(self.group(), Signal::SIGTERM).unwrap();
        eventually("the emulator ends", || self.child.try_wait().unwrap().is_some());
    }

    fn end(&mut self) {
        killpg(self.group(), Signal::SIGKILL).ok();
        drop(self.child.wait());
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        self.end();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn pid_in(answer: &(u16, String)) -> i32 {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let body: serde_json::Value = serde_json::from_str(&answer.1).expect(&answer.1);
    i32::try_from(body["pid"].as_i64().expect(&answer.1)).unwrap()
}

fn is_running(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| !environment.is_empty())
}

#[test]
fn rie_gets_a_reply() {
    let Some(rie) = Rie::start() else { return };
    let handler = pid_in(&rie.invoke("{}"));
    assert_eq!(pid_in(&rie.invoke("{}")), handler, "one handler serves both");
    rie.leaves_nothing();
    eventually("the handler is gone", || !is_running(handler));
}

#[test]
fn rie_gets_an_error() {
    let Some(rie) = Rie::start() else { return };
    let handler = pid_in(&rie.invoke("{}"));
    let answer = rie.invoke("\"fail\"");
    assert_eq!(answer, (200, r#"{"errorType":"Mine","errorMessage":"no"}"#.to_owned()));
    assert_eq!(pid_in(&rie.invoke("{}")), handler, "an error keeps the handler");
    rie.leaves_nothing();
    eventually("the handler is gone", || !is_running(handler));
}

#[test]
fn rie_gets_a_crash_as_an_error_and_the_next_reply() {
    let Some(rie) = Rie::start() else { return };
    let handler = pid_in(&rie.invoke("{}"));
    let (status, body) = rie.invoke("\"crash\"");
    let error: serde_json::Value = serde_json::from_str(&body).expect(&body);
    assert_eq!((status, &error["errorType"]), (200, &"Runtime.HandlerExited".into()));
    let said = error["errorMessage"].as_str().unwrap();
    assert!(said.contains("exit status 3") && said.contains("last words"), "{said}");
    let second = pid_in(&rie.invoke("{}"));
    assert_ne!(second, handler);
    rie.leaves_nothing();
    eventually("the handlers are gone", || !is_running(handler) && !is_running(second));
}

#[test]
fn rie_gets_a_timeout_before_its_own() {
    let Some(rie) = Rie::start() else { return };
    let handler = pid_in(&rie.invoke("{}"));
    let (status, body) = rie.invoke("\"sleep\"");
    let error: serde_json::Value = serde_json::from_str(&body).expect(&body);
    assert_eq!((status, &error["errorType"]), (200, &"Runtime.HandlerTimeout".into()));
    let second = pid_in(&rie.invoke("{}"));
    assert_ne!(second, handler);
    rie.leaves_nothing();
    eventually("the handlers are gone", || !is_running(handler) && !is_running(second));
}
