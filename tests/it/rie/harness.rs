//! AWS's own emulator as a process: started with a runtime, called, listened to, ended.

use std::io;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::support::{Heard, eventually, free_address, post, search_path, tool};

/// A runtime in its folder, which is also `$D` for whoever wants to leave word there.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    pub(crate) runtime: &'a [String],
    pub(crate) folder: &'a Path,
    pub(crate) timeout_seconds: u32,
    pub(crate) variables: &'a [(String, String)],
}

/// The running emulator.  It starts the runtime at the first invocation.
#[derive(Debug)]
pub(crate) struct Rie {
    child: Child,
    pub(crate) address: String,
    log: tempfile::NamedTempFile,
}

/// Where AWS's emulator is; none, with a word about it, where nobody said.
pub(crate) fn rie() -> Option<PathBuf> {
    tool("LAMBDA_STDIO_RIE")
}

impl Rie {
    pub(crate) fn start(rie: &Path, function: &Function<'_>) -> Self {
        let [runtime_api, address] = [free_address(), free_address()];
        let log = tempfile::NamedTempFile::new().unwrap();
        let out = log.reopen().unwrap();
        let child = Command::new(rie)
            .args(["--runtime-api-address", &runtime_api])
            .args(["--runtime-interface-emulator-address", &address])
            .args(function.runtime)
            // It hands its own environment on, in which nothing of ours is to be but what the story says.
            .env_clear()
            .env("PATH", search_path())
            .env("D", function.folder)
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", function.timeout_seconds.to_string())
            .envs(function.variables.iter().cloned())
            .current_dir(function.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .process_group(0)
            .spawn()
            .expect("LAMBDA_STDIO_RIE can be started");
        eventually("the emulator listens", || TcpStream::connect(&address).is_ok());
        Self { child, address, log }
    }

    /// What the caller of an invocation is told.
    #[track_caller]
    pub(crate) fn invoke(&self, event: &str) -> Heard {
        self.try_invoke(&[], event.as_bytes()).unwrap_or_else(|error| {
            panic!("no answer: {error}\n{}", self.log());
        })
    }

    /// The same with headers, where the emulator may hang up.
    pub(crate) fn try_invoke(&self, headers: &[(&str, String)], event: &[u8]) -> io::Result<Heard> {
        post(&self.address, "/2015-03-31/functions/function/invocations", headers, event)
    }

    /// All that it and the runtime have printed.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log.path()).unwrap_or_default()).into_owned()
    }

    /// Asks it to end, as a container's end does, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        killpg(self.group(), Signal::SIGTERM).unwrap();
        self.ends();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        eventually("the emulator ends", || self.child.try_wait().unwrap().is_some());
    }

    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        // Its runtime has a group of its own, and is ended by it or by the end of its Runtime API.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            killpg(self.group(), Signal::SIGTERM).ok();
            for _ in 0..500 {
                if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        killpg(self.group(), Signal::SIGKILL).ok();
        drop(self.child.wait());
    }
}

/// The words that start a runtime of the tests' own that breaks the rules on request.
pub(crate) fn raw_runtime(folder: &Path) -> Vec<String> {
    std::fs::write(folder.join("runtime.py"), include_str!("runtime.py")).unwrap();
    ["python3", "runtime.py"].map(str::to_owned).to_vec()
}

/// The words that start our bootstrap with a shell handler.
pub(crate) fn bridge(script: &str) -> Vec<String> {
    [env!("CARGO_BIN_EXE_bootstrap"), "sh", "-c", script].map(str::to_owned).to_vec()
}

/// Whether a process still has a program; a zombie has none.
pub(crate) fn is_running(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| !words.is_empty())
}
