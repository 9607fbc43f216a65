//! The real `bootstrap`, started as Lambda starts it, with everything it logs collected.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Lambda, PATIENCE, eventually};

/// How a bridge is to be started.
pub(crate) struct Builder {
    command: Command,
    mark: String,
}

/// A running bridge.
pub(crate) struct Bridge {
    child: Child,
    logs: Arc<Mutex<Vec<u8>>>,
    mark: String,
}

/// The build that stories are told with: this run's own, or the one that `LAMBDA_STDIO_BOOTSTRAP` names.
#[expect(clippy::disallowed_methods, reason = "a test's own variable, not configuration")]
pub(crate) fn bootstrap() -> OsString {
    std::env::var_os("LAMBDA_STDIO_BOOTSTRAP")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_bootstrap").into())
}

/// The machine that build is for, by its number in ELF files: it need not be this one.
pub(crate) fn machine() -> u16 {
    let mut head = [0; 20];
    std::fs::File::open(bootstrap()).unwrap().read_exact(&mut head).unwrap();
    u16::from_le_bytes([head[18], head[19]])
}

static MARKS: AtomicU32 = AtomicU32::new(0);

impl Bridge {
    /// A bridge that talks to this Lambda; its handler and variables follow.
    pub(crate) fn of(lambda: &Lambda) -> Builder {
        Self::built_as(bootstrap(), lambda)
    }

    /// The same, from another build of the bootstrap.
    pub(crate) fn built_as(program: impl AsRef<OsStr>, lambda: &Lambda) -> Builder {
        // Whoever has this variable in its environment descends from the bridge.
        let mark = format!("{}-{}", std::process::id(), MARKS.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("AWS_LAMBDA_RUNTIME_API", &lambda.address)
            .env("BRIDGE_MARK", &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Builder { command, mark }
    }

    /// A bridge whose handler is a shell script.
    pub(crate) fn with(lambda: &Lambda, script: &str) -> Self {
        Self::of(lambda).shell(script).start()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Whether it has not ended, or not been reaped.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// All that was logged so far.
    pub(crate) fn logs(&self) -> String {
        String::from_utf8_lossy(&self.logs.lock().unwrap()).into_owned()
    }

    /// Waits until a text was logged.
    #[track_caller]
    pub(crate) fn logged(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.logs().contains(text) {
            assert!(Instant::now() < until, "never logged: {text}; but:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its status, if it has ended within this time.
    pub(crate) fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            let status = self.child.try_wait().unwrap();
            if status.is_some() || Instant::now() >= until {
                return status;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the bridge has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the bridge ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// The processes that descend from the bridge, without it.
    pub(crate) fn descendants(&self) -> Vec<i32> {
        let wanted = format!("BRIDGE_MARK={}", self.mark);
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| *pid != self.pid().as_raw())
            .filter(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
            })
            .collect()
    }

    /// Ends the bridge as Lambda does, and asserts that nothing is left running.
    #[track_caller]
    pub(crate) fn leaves_nothing(mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.ended().success(), "{}", self.logs());
        self.left_nothing();
    }

    /// Asserts that nothing is left of a bridge that has ended; what it killed may take a moment to go.
    #[track_caller]
    pub(crate) fn left_nothing(&self) {
        eventually("nothing is left running", || self.descendants().is_empty());
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Builder {
    /// The handler as a shell script.
    pub(crate) fn shell(self, script: &str) -> Self {
        self.program(&["sh", "-c", script])
    }

    /// The handler as a program with its arguments.
    pub(crate) fn program(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// A variable of the bridge's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Any other change to how it is started.
    pub(crate) fn adjust(mut self, change: impl FnOnce(&mut Command)) -> Self {
        change(&mut self.command);
        self
    }

    /// Starts it through shell words, which may redirect, or `exec` something that runs `"$0" "$@"`.
    pub(crate) fn through(mut self, words: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("{words}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(self.command.get_program()).args(self.command.get_args());
        command.env_clear();
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        self.command = command;
        self
    }

    pub(crate) fn start(mut self) -> Bridge {
        let mut child = self.command.spawn().unwrap();
        let logs: Arc<Mutex<Vec<u8>>> = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            let collected = logs.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stderr);
                let mut line = Vec::new();
                while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                    collected.lock().unwrap().append(&mut line);
                }
            });
        }
        Bridge { child, logs, mark: self.mark }
    }
}
