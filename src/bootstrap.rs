//! From configuration to a worker, and from a signal to the end.

use std::ffi::{OsStr, OsString};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::SigSet;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::config::{Config, ConfigError, RUNTIME_API, Variables};
use crate::handler::{launch, spare_children};
use crate::interrupt::{Interrupt, Reason};
use crate::invocation::FunctionError;
use crate::log;
use crate::runtime_api::{Address, AddressError, Client, Link, Nothing};
use crate::supervisor::Supervisor;
use crate::worker::{Stop, Worker};

/// The name under which the companion takes the bootstrap's role.
const ROLE: &str = "bootstrap";
/// How long the last log lines may take.
const LAST_LOGS: Duration = Duration::from_millis(50);

/// Why the bootstrap ended with a failure.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("the runtime cannot start: {0}")]
    System(#[from] std::io::Error),
    #[error(transparent)]
    Stop(#[from] Stop),
}

/// Whether an executable started under this name is to be the bootstrap, or a part of it.
#[must_use]
pub fn is_role(name: &OsStr) -> bool {
    let name = std::path::Path::new(name).file_name().unwrap_or_default();
    name == ROLE || name == launch::LAUNCHER
}

/// The bootstrap's whole life, or the launcher's.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the environment is read here, once, and handed on")]
pub fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let name = if arguments.is_empty() { OsString::new() } else { arguments.remove(0) };
    if name == launch::LAUNCHER {
        return launch::main(&arguments);
    }
    let variables = Variables(std::env::vars_os().collect());
    log::start(
        variables.text("AWS_LAMBDA_LOG_FORMAT").as_deref(),
        variables.text("AWS_LAMBDA_LOG_LEVEL").as_deref(),
    );
    let ended = serve(&variables, &arguments);
    if let Err(failure) = &ended {
        tracing::error!("{failure}");
    }
    log::flush_within(LAST_LOGS);
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn serve(variables: &Variables, arguments: &[OsString]) -> Result<(), Failure> {
    let address = variables.text(RUNTIME_API).ok_or(ConfigError::NotInLambda)?;
    let address = Address::parse(&address)?;
    harden();
    spare_children();
    has_descriptors_to_start()?;
    let runtime = Rc::new(Builder::new_current_thread().enable_all().build()?);
    let interrupt = Interrupt::new();
    hear_signals(&runtime, &interrupt)?;
    let started_in = std::env::current_dir().unwrap_or_default();
    let config = Config::from_variables(variables, arguments, &started_in);
    let config = config.or_else(|error| refuse(&address, &runtime, &interrupt, error))?;
    let supervisor = Supervisor::new(config, interrupt.clone());
    let link = Link::new(runtime.clone(), interrupt.clone());
    let client = Client::new(address, link);
    Ok(Worker::new(runtime, client, supervisor, interrupt).run()?)
}

/// Tells Lambda that the configuration is wrong: there is no handler to attend to.
fn refuse(
    address: &Address,
    runtime: &Rc<Runtime>,
    interrupt: &Interrupt,
    error: ConfigError,
) -> Result<Config, Failure> {
    let link = Link::new(runtime.clone(), interrupt.clone());
    let told = FunctionError::new("Runtime.InvalidConfiguration", error.to_string());
    if let Err(refused) = Client::new(address.clone(), link).report_init_error(&mut Nothing, &told)
    {
        tracing::warn!(error = %refused, "the init error could not be reported");
    }
    Err(error.into())
}

/// Our memory holds events: no other process of this user reads it.  What outlives a handler that
/// started it becomes our child, so that it can be killed.
fn harden() {
    // Whoever started us may have blocked signals: we wait for SIGCHLD and SIGTERM.
    let hardened = SigSet::empty()
        .thread_set_mask()
        .and_then(|()| nix::sys::prctl::set_dumpable(false))
        .and_then(|()| nix::sys::prctl::set_child_subreaper(true));
    if let Err(errno) = hardened {
        tracing::warn!(%errno, "the bridge could not be shielded from the handler");
    }
}

/// Whether there are the five descriptors that tokio wants at once.  It panics where the pair of sockets
/// for its signals is not among them, so they are looked for first.
fn has_descriptors_to_start() -> std::io::Result<()> {
    let pairs: std::io::Result<Vec<_>> = (0..3).map(|_| UnixStream::pair()).collect();
    pairs.map(drop)
}

fn hear_signals(runtime: &Runtime, interrupt: &Interrupt) -> std::io::Result<()> {
    runtime.block_on(async {
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signals = signal(kind)?;
            let interrupt = interrupt.clone();
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    interrupt.raise(Reason::Signal(Instant::now()));
                }
            });
        }
        Ok(())
    })
}
