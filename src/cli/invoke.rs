//! `lambda-stdio invoke`: starts a program behind the bridge and the emulated Runtime API, gives it its
//! events, and leaves nothing running.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;

pub mod events;
pub mod logbook;
pub mod record;
pub mod remote;
pub mod report;
pub mod session;
pub mod settings;
pub mod wire;

use super::Exit;
use super::emulator::{Counted, Emulator, Function, LogSink, Program, tree};
use super::interrupts::Interrupts;
use super::project::{self, Project, parse_timeout};
use super::role;
use super::ui::{self, Reader, Ui};
use events::Events;
use logbook::Logbook;
use record::{Call, Recorder};
use session::Session;
use wire::Tap;

const AFTER_HELP: &str = "\
The program reads one line of JSON for each event and prints one line of JSON as its reply.
It sees Lambda's variables, what --env and --env-file give, and of your own environment only
PATH, HOME, TMPDIR, LD_LIBRARY_PATH, LOCALE_ARCHIVE, CARGO_TARGET_DIR, AWS_REGION,
AWS_DEFAULT_REGION, what ends in _HOME or _ROOT (where tools live) and what begins with
LAMBDA_STDIO_ or AWS_LAMBDA_LOG_.  Credentials are handed over by name: --env AWS_ACCESS_KEY_ID.

Examples:
  lambda-stdio invoke -d '{\"name\":\"Ada\"}' ./handler
  echo '{\"name\":\"Ada\"}' | lambda-stdio invoke python3 handler.py
  lambda-stdio invoke --remote http://127.0.0.1:9000 -d @event.json
  lambda-stdio invoke --events events.jsonl --json -- jq -c --unbuffered .event";

/// Invoke a program as a Lambda function and print its reply
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("{AFTER_HELP}\n\n{}\n\n{}", project::HELP, super::EXIT_CODES))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// The event: JSON, @FILE, or @- for standard input [default: what is piped in, else the project's, else {}]
    #[arg(short, long, value_name = "JSON", conflicts_with = "events")]
    data: Option<String>,
    /// A file of JSON lines, one event a line, all in one environment; - for standard input
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Send each event so many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// How long an invocation may take, in seconds [default: the project's, else 3]
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// The memory setting in MB; enforced where this machine has a writable cgroup v2 [default: the
    /// project's, else 128]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=i64::from(project::MAX_MEMORY_MB)))]
    memory: Option<u32>,
    /// A variable of the function; NAME alone hands over your own
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Variables from a file: NAME=VALUE lines or a JSON object
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Do not run the project's build command first
    #[arg(long)]
    no_build: bool,
    /// Show every raw line to and from the program, with times
    #[arg(long)]
    wire: bool,
    /// Print one JSON object instead: reply or error, durations, memory, restarts, logs
    #[arg(long)]
    json: bool,
    /// Send the events to a function that is served elsewhere, as by AWS's emulator: http://HOST:PORT
    #[arg(
        long, value_name = "URL", value_parser = remote::parse_url, 
        conflicts_with_all = ["program", "timeout", "memory", "env", "env_file", "wire", "json", "runtime"]
    )]
    remote: Option<ureq::http::Uri>,
    /// PROGRAM is a runtime of its own that speaks the Runtime API: start it without the bridge
    #[arg(long, hide = true)]
    runtime: bool,
    /// The program: ./NAME, a path, or a name in PATH [default: the project's]
    program: Option<OsString>,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
    /// The project's own, under what --env-file and --env say.
    #[arg(skip)]
    environment: Vec<(String, String)>,
    /// The project's name for the function.
    #[arg(skip)]
    name: Option<String>,
}

impl Options {
    /// What a project says where the command line says nothing.
    fn complete(&mut self, project: &Project) -> anyhow::Result<()> {
        self.program = Some(project.program());
        self.args = project.arguments();
        self.memory = self.memory.or(project.memory_mb()?);
        self.timeout = self.timeout.or(project.timeout()?);
        self.environment = project.environment();
        self.name = Some(project.name());
        Ok(())
    }

    fn program(&self) -> OsString {
        self.program.clone().unwrap_or_default()
    }

    fn memory_mb(&self) -> u32 {
        self.memory.unwrap_or(128)
    }
}

/// Runs the command.
///
/// # Errors
/// For inputs that cannot be read or are wrong.
pub fn run(mut options: Options, ui: Ui) -> anyhow::Result<Exit> {
    let is_project = options.program.is_none() && options.remote.is_none();
    let project = is_project.then(Project::here).transpose()?;
    let default = project.as_ref().and_then(|project| project.event.as_deref());
    // Before anything is started: until then Ctrl-C ends us at once, and nothing is left running.
    let one = || Events::one(options.data.as_deref(), default, ui);
    let one = options.events.is_none().then(one).transpose()?;
    if let Some(project) = &project {
        options.complete(project)?;
    }
    let options = &options;
    // A thread reads lines: behind the build, which waits for signals as a process of one thread.
    let events = || match (one, &options.events) {
        (None, Some(path)) => Events::lines(path),
        (one, _) => Ok(one.unwrap_or(Events::One(None))),
    };
    if let Some(url) = &options.remote {
        return remote::run(url, events()?, options.repeat, ui);
    }
    let tap = options.wire.then(Tap::new).transpose();
    let tap = tap.context("--wire: no file could be made in the temporary directory")?;
    let function = function(options, tap.as_ref().map(Tap::path))?;
    // What is wrong is told before a build that may take long.
    if let Some(exit) = project.map_or(Ok(None), |it| it.build(!options.no_build, ui))? {
        return Ok(exit);
    }
    // One thread: the runtime dies with the thread that started it, and this one lives as long as we do.
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.context("this machine gives no event queue (epoll)")?;
    executor.block_on(serve(options, ui, function, events()?, tap))
}

async fn serve(
    options: &Options,
    ui: Ui,
    function: Function,
    events: Events,
    tap: Option<Tap>,
) -> anyhow::Result<Exit> {
    // What loses its parents becomes our child, so that it can be found and ended.  Where the kernel does
    // not do that, the process groups are still ours to kill.
    nix::sys::prctl::set_child_subreaper(true).ok();
    let mut interrupts = Interrupts::listen()?;
    let logbook = Arc::new(Logbook::new(ui, options.json));
    let heard = Arc::clone(&logbook);
    let sink: LogSink = Arc::new(move |lines| heard.lines(lines));
    let function_name = function.name.clone();
    let mut emulator = Emulator::new(function, sink);
    let mut session = Session {
        ui,
        json: options.json,
        memory_mb: options.memory_mb(),
        repeat: options.repeat,
        logbook: Arc::clone(&logbook),
        tap: tap.map(|tap| Arc::new(Mutex::new(tap))),
        recorder: Recorder::default(),
        reader: Reader::There,
        is_memory_told: false,
    };
    let ended = tokio::select! {
        biased;
        exit = interrupts.next() => Ok(exit),
        ended = session.run(&mut emulator, events) => ended,
    };
    emulator.shutdown().await;
    tree::kill_orphans(&[]);
    session.read_wire();
    let (exit, error) = match ended {
        Ok(exit) => (exit, None),
        Err(error) => (Exit::Usage, Some(error)),
    };
    // Also behind an error: what was answered until then is not to be lost.
    if options.json {
        let call = Call {
            function_name: &function_name,
            memory_mb: options.memory_mb(),
            is_list: options.repeat > 1 || options.events.is_some(),
            has_wire: options.wire,
            restarts: logbook.restarts(),
            logs_dropped: logbook.dropped(),
        };
        let mut object = session.recorder.finish(&call, logbook.take(), exit)?;
        object.push(b'\n');
        ui::print(&object)?;
    }
    error.map_or(Ok(exit), Err)
}

fn function(options: &Options, wire_tap: Option<PathBuf>) -> anyhow::Result<Function> {
    let task_root = std::env::current_dir().context("the current directory is gone")?;
    let named = options.program();
    let (runtime, counted) = if options.runtime {
        let path = PathBuf::from(&named);
        (Program { path, name: None, arguments: options.args.clone() }, Counted::All)
    } else {
        let program = std::iter::once(&named).chain(&options.args).cloned();
        (role::bridge(options.wire, program.collect()), Counted::Descendants)
    };
    Ok(Function {
        name: options.name.clone().unwrap_or_else(|| super::function_name(&named)),
        handler: named,
        task_root,
        memory_mb: options.memory_mb(),
        timeout: options.timeout.unwrap_or(project::DEFAULT_TIMEOUT),
        runtime,
        companion: role::own_executable(),
        variables: settings::collect(&options.environment, &options.env_file, &options.env)?,
        wire_tap,
        counted,
    })
}
