//! A runtime of a few lines that does what its events say, and a call of `invoke` that drives it: any
//! runtime is served, so these stories need none of ours.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

const RUNTIME: &str = r#"
import http.client, json, os, subprocess, sys, time

def init(what):
    if what == "fail":
        post("init/error", {"errorType": "Runtime.NoHandler", "errorMessage": "no handler here"},
             {"Lambda-Runtime-Function-Error-Type": "Runtime.NoHandler"})
        sys.exit(7)
    if what == "exit":
        sys.exit(6)

def post(path, body, headers={}):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    api.request("POST", "/2018-06-01/runtime/" + path, body, headers)
    reply = api.getresponse()
    reply.read()

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
init(sys.argv[1] if len(sys.argv) > 1 else "")
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    next = api.getresponse()
    raw = next.read()
    id = next.headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(raw)
    do = event.get("do", "echo") if isinstance(event, dict) else "echo"
    print("on", do, flush=True)
    print("err", do, file=sys.stderr, flush=True)
    if do == "exit":
        sys.exit(event.get("status", 3))
    if do == "signal":
        os.kill(os.getpid(), event["number"])
    if do == "hang":
        children = [subprocess.Popen(["sleep", "1000"]),
                    subprocess.Popen(["sleep", "1000"], start_new_session=True)]
        with open("pids.new", "w") as file:
            file.write(" ".join(str(pid) for pid in [os.getpid()] + [c.pid for c in children]))
        os.rename("pids.new", "pids")
        print("hanging", flush=True)
        time.sleep(1000)
    if do == "print":
        print(event["line"], flush=True)
    if do == "tap":
        with open(os.environ["LAMBDA_STDIO_WIRE"], "ab") as tap:
            for direction, line in event["lines"]:
                line = line.encode()
                head = {"at_us": 1795230245000042, "direction": direction, "bytes": len(line)}
                tap.write(json.dumps(head).encode() + b"\n" + line + b"\n")
    if do == "environment":
        reply = dict(os.environ, cwd=os.getcwd(), headers=dict(next.headers))
        post(f"invocation/{id}/response", reply)
    elif do == "error":
        post(f"invocation/{id}/error", {"errorType": "Oh.No", "errorMessage": "it\x1b[31m hurts"},
             {"Lambda-Runtime-Function-Error-Type": "Function.OhNo"})
    elif do == "large":
        post(f"invocation/{id}/response", b"x" * 6291557)
    elif do == "exit-after":
        post(f"invocation/{id}/response", raw)
        sys.exit(4)
    else:
        post(f"invocation/{id}/response", raw)
"#;

/// A directory with the runtime in it.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        std::fs::write(directory.path().join("runtime.py"), RUNTIME).expect("written");
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// `lambda-stdio invoke OPTIONS --runtime -- python3 runtime.py`, not started yet.
    pub(crate) fn invoke(&self, options: &[&str]) -> Command {
        let mut command = companion();
        command.arg("invoke").args(options).args(["--runtime", "--", "python3", "runtime.py"]);
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// The processes of a hanging runtime: itself and its two children.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.path().join("pids")).expect("the runtime hung");
        text.split(' ').map(|pid| pid.parse().expect("a number")).collect()
    }
}

pub(crate) fn companion() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-stdio"));
    command.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

/// What a call said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    said(command.output().expect("the companion starts"))
}

/// Runs a command with something on its standard input.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Said {
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    // Beside the reading of what it prints: both pipes may fill.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("waited");
    writer.join().expect("written");
    said(output)
}

pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the companion starts")
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
        code: output.status.code(),
    }
}
