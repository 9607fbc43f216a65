//! Who is measured, and one of them as a running process with a Lambda of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::event::Delivery;
use crate::lambda::{Inbox, Lambda, Times};
use crate::programs::{Programs, root};

/// The contenders, in the order they have their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Floor,
    Ours,
    Plain,
    LambdaRuntime,
    /// The same crate as its documentation starts it.
    Threads,
    Awslambdaric,
    Anew,
}

impl Contender {
    pub(crate) const ALL: [Self; 7] = [
        Self::Floor,
        Self::Ours,
        Self::Plain,
        Self::LambdaRuntime,
        Self::Threads,
        Self::Awslambdaric,
        Self::Anew,
    ];

    /// Those that answer without a process behind them.
    pub(crate) const IN_PROCESS: [Self; 3] =
        [Self::LambdaRuntime, Self::Threads, Self::Awslambdaric];

    /// How a person names it on the command line.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ours => "ours",
            Self::Plain => "plain",
            Self::LambdaRuntime => "lambda_runtime",
            Self::Threads => "threads",
            Self::Awslambdaric => "awslambdaric",
            Self::Anew => "anew",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "hand-written floor",
            Self::Ours => "lambda-stdio",
            Self::Plain => "lambda-stdio, plain replies",
            Self::LambdaRuntime => "lambda_runtime, one thread",
            Self::Threads => "lambda_runtime, documented",
            Self::Awslambdaric => "awslambdaric",
            Self::Anew => "a C program for each event",
        }
    }

    /// Its colour in the picture.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Floor => "#8b949e",
            Self::Ours => "#e8590c",
            Self::Plain => "#f2a35e",
            Self::LambdaRuntime => "#4c8fe0",
            Self::Threads => "#1f4e9c",
            Self::Awslambdaric => "#2fa36b",
            Self::Anew => "#a371f7",
        }
    }

    /// The nearest to it that every terminal has.
    pub(crate) fn colour_code(self) -> &'static str {
        match self {
            Self::Floor => "\x1b[90m",
            Self::Ours => "\x1b[1;31m",
            Self::Plain => "\x1b[33m",
            Self::LambdaRuntime => "\x1b[34m",
            Self::Threads => "\x1b[36m",
            Self::Awslambdaric => "\x1b[32m",
            Self::Anew => "\x1b[35m",
        }
    }

    /// Why it cannot be measured here, if so.
    pub(crate) fn missing(self, programs: &Programs) -> Option<&str> {
        match self {
            Self::Floor | Self::Ours | Self::Plain | Self::Anew => None,
            Self::LambdaRuntime | Self::Threads => {
                programs.lambda_runtime.as_ref().err().map(String::as_str)
            }
            Self::Awslambdaric => programs.awslambdaric.as_ref().err().map(String::as_str),
        }
    }

    /// Its program and arguments, and where it is started.
    fn words(self, programs: &Programs) -> (Vec<PathBuf>, PathBuf) {
        let echo = programs.echo.clone();
        let missing = |_: &String| PathBuf::from("missing");
        let words = match self {
            Self::Floor => vec![programs.floor.clone(), echo],
            Self::Anew => vec![programs.floor.clone(), "--anew".into(), echo],
            Self::Ours => vec![programs.bootstrap.clone(), echo],
            Self::Plain => vec![programs.bootstrap.clone(), echo, "plain".into()],
            Self::LambdaRuntime => {
                vec![programs.lambda_runtime.as_ref().map_or_else(missing, Clone::clone)]
            }
            Self::Threads => {
                let beside = |program: &PathBuf| program.with_file_name("threads");
                vec![programs.lambda_runtime.as_ref().map_or_else(missing, beside)]
            }
            Self::Awslambdaric => {
                vec!["python3".into(), "-m".into(), "awslambdaric".into(), "peer.answer".into()]
            }
        };
        let folder = match self {
            Self::Awslambdaric => root().join("tests/peers/awslambdaric"),
            Self::Floor
            | Self::Ours
            | Self::Plain
            | Self::LambdaRuntime
            | Self::Threads
            | Self::Anew => programs.scratch.clone(),
        };
        (words, folder)
    }
}

/// A contender that has asked for its first event.
pub(crate) struct Running {
    lambda: Lambda,
    process: Child,
    errors: PathBuf,
    /// From just before it was started until it had asked for its first event.
    pub(crate) start: Duration,
}

impl Running {
    pub(crate) fn start(
        contender: Contender,
        programs: &Programs,
        inbox: &mut Inbox,
    ) -> Result<Self, String> {
        Self::start_through(&[], contender, programs, inbox)
    }

    /// Started by another program, which is given the contender's words behind its own.
    pub(crate) fn start_through(
        through: &[&str],
        contender: Contender,
        programs: &Programs,
        inbox: &mut Inbox,
    ) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("{}: {error}", contender.name());
        let lambda = Lambda::new(contender == Contender::Threads).map_err(problem)?;
        let errors = programs.scratch.join(format!("{}.stderr", contender.key()));
        let (words, folder) = contender.words(programs);
        let words: Vec<&Path> =
            through.iter().map(Path::new).chain(words.iter().map(PathBuf::as_path)).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .current_dir(folder)
            .env_clear()
            .envs(environment(&lambda.address))
            .envs(programs.awslambdaric.iter().map(|folder| ("PYTHONPATH", folder)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&errors).map_err(problem)?);
        let began = Instant::now();
        let process = command.spawn().map_err(problem)?;
        // From here on a failure ends the process too.
        let mut running = Self { lambda, process, errors, start: Duration::ZERO };
        running.lambda.wait_for_next(inbox).map_err(|error| running.problem(contender, &error))?;
        running.start = began.elapsed();
        Ok(running)
    }

    pub(crate) fn invoke(
        &mut self,
        contender: Contender,
        delivery: &Delivery,
        inbox: &mut Inbox,
    ) -> Result<Times, String> {
        self.lambda.invoke(delivery, inbox).map_err(|error| self.problem(contender, &error))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    fn problem(&self, contender: Contender, error: &std::io::Error) -> String {
        let told = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let from = told.floor_char_boundary(told.len().saturating_sub(1_000));
        format!("{}: {error}\n{}", contender.name(), told[from..].trim())
    }
}

impl Drop for Running {
    /// It has no group of its own, so that whoever ends this bench ends everything.  Kindly first: under
    /// strace the contender's end is what is waited for, and a bridge ends its program.
    fn drop(&mut self) {
        self.lambda.hang_up();
        let process = Pid::from_raw(self.process.id().cast_signed());
        for (signal, patience) in [(Signal::SIGTERM, 1_000), (Signal::SIGKILL, 5_000)] {
            // It may have ended already.
            kill(process, signal).ok();
            let until = Instant::now() + Duration::from_millis(patience);
            while Instant::now() < until {
                if !matches!(self.process.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// What Lambda tells a runtime of its function.
fn environment(address: &str) -> Vec<(&'static str, String)> {
    let path = option_env!("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
    [
        ("AWS_LAMBDA_RUNTIME_API", address),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef"),
        ("AWS_REGION", "eu-west-1"),
        ("PATH", path),
        ("_HANDLER", "bench"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}
