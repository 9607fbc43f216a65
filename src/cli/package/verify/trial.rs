//! The trial itself: the root is made, the zips are unpacked in it, and the emulator serves one event.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use hyper::body::Bytes;

use super::super::assemble::Assembled;
use super::super::files::Content;
use super::super::shebang::{self, Shebang};
use super::super::zip;
use super::machine::Machine;
use super::root::Root;
use super::{Outcome, Request, System, Verified, room};
use crate::cli::emulator::{
    Counted, Emulator, ErrorReport, Function, Init, LogSink, Outcome as Ended, Submission, tree,
};
use crate::cli::interrupts::Interrupts;
use crate::cli::invoke::report;
use crate::cli::role;

/// How long the one invocation may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Enough for any function that starts: what it needs there is not what is tried.
const MEMORY_MB: u32 = 1_024;
/// So much of a reply is told.
const SHOWN_CHARS: usize = 200;
/// So many of the last log lines are told with a failure.
const SHOWN_LINES: usize = 5;
/// Lambda's own.
const LIBRARY_PATH: &str =
    "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";
const TASK_ROOT: &str = "/var/task";

type Lines = Arc<Mutex<VecDeque<String>>>;
/// What became of the trial, and in words.
type Told = (Outcome, String);

pub(super) fn run(request: &Request<'_>, system: System) -> anyhow::Result<Verified> {
    // One thread: the runtime dies with the thread that started it, and this one lives as long as we do.
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.context("this machine gives no event queue (epoll)")?;
    executor.block_on(watched(request, system))
}

async fn watched(request: &Request<'_>, system: System) -> anyhow::Result<Verified> {
    // Before there is anything to remove: from here on a signal is heard, and the root is removed.
    let mut interrupts = Interrupts::listen()?;
    let told = |(outcome, message): Told| Verified::new(system, outcome, message);
    let mut root = match Root::create() {
        Ok(root) => root,
        Err(error) => return Ok(told(not_verified(format!("no folder for its root: {error}")))),
    };
    let lacking = match prepare(request, system, &mut root) {
        Ok(lacking) => lacking,
        Err(obstacle) => return Ok(told(obstacle)),
    };
    // What loses its parents becomes our child, so that it can be found and ended.
    nix::sys::prctl::set_child_subreaper(true).ok();
    let lines = Lines::default();
    let mut emulator = Emulator::new(function(request, system, &root), sink(&lines));
    let mut verified = tokio::select! {
        biased;
        exit = interrupts.next() => {
            let mut verified = told((Outcome::Interrupted, "a signal ended the trial".to_owned()));
            verified.interrupted = Some(exit);
            verified
        }
        result = invoke(&mut emulator, &request.event) => told(result),
    };
    emulator.shutdown().await;
    tree::kill_orphans(&[]);
    drop(root);
    if verified.outcome == Outcome::Failed && !lacking.is_empty() {
        // It may be what the function missed: what it starts is not known before.
        let lacking = lacking.join(", ");
        let title = request.target.title();
        let why = format!("this machine lacks {lacking}, which {title} has");
        verified.message = format!("{} ({why})", verified.message);
    }
    Ok(with_lines(verified, &lines))
}

/// Makes the root and unpacks the zips in it; what is in the way is the verdict.  The target's programs that
/// this machine has not.
fn prepare(request: &Request<'_>, system: System, root: &mut Root) -> Result<Vec<String>, Told> {
    let lacking = match system {
        System::Target => root.furnish(request.target, request.assembled.architecture),
        System::Machine => {
            let machine = Machine::here(request.layer.is_some(), &request.assembled.roots);
            root.take(machine).map(|()| BTreeSet::new())
        }
    };
    let lacking =
        lacking.map_err(|error| not_verified(format!("its root could not be made: {error:#}")))?;
    if let Some((file, what)) = first_lacking(request.assembled, &lacking) {
        return Err(not_verified(format!(
            "this machine lacks {what}, which {file} needs and {} has",
            request.target.title()
        )));
    }
    room::probe(root).map_err(not_verified)?;
    let zips = [(Some(request.function), "var/task"), (request.layer, "opt")];
    for (path, to) in zips.into_iter().filter_map(|(path, to)| Some((path?, to))) {
        zip::unpack::unpack(path, &root.path().join(to)).map_err(|error| {
            let message = format!("{} cannot be unpacked: {error:#}", path.display());
            let cause = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
            if cause == Some(io::ErrorKind::StorageFull) {
                return not_verified(format!("{message}; TMPDIR names another folder"));
            }
            (Outcome::Failed, message)
        })?;
    }
    Ok(lacking.into_iter().filter(|name| name.starts_with('/')).collect())
}

/// The programs that a first line asks for, by their paths where they are lacking.
fn asked(line: Shebang, lacking: &BTreeSet<String>) -> Vec<String> {
    let by_env = line.by_env.and_then(|program| {
        lacking.iter().find(|path| path.rsplit('/').next() == program.rsplit('/').next()).cloned()
    });
    std::iter::once(line.interpreter).chain(by_env).collect()
}

/// The first file that needs something of the target's that this machine has not.
fn first_lacking(assembled: &Assembled, lacking: &BTreeSet<String>) -> Option<(String, String)> {
    let mut entries = assembled.tree.entries.iter();
    entries.find_map(|entry| {
        let needed = match &entry.content {
            Content::Elf(elf) => elf.needed.iter().chain(&elf.interpreter).cloned().collect(),
            Content::Script(line) => {
                shebang::parse(line).map(|line| asked(line, lacking)).unwrap_or_default()
            }
            Content::Empty
            | Content::BrokenElf(_)
            | Content::Windows
            | Content::MacOs
            | Content::Other => Vec::new(),
        };
        let needed = needed.into_iter().find(|name| lacking.contains(name));
        needed.map(|name| (entry.shown(), name))
    })
}

fn function(request: &Request<'_>, system: System, root: &Root) -> Function {
    let bootstrap = match request.layer {
        Some(_) => "/opt/bootstrap",
        None => "/var/task/bootstrap",
    };
    let mut variables = vec![("LAMBDA_TASK_ROOT".into(), TASK_ROOT.into())];
    if system == System::Target {
        // An image sets what it wants, and most want nothing.
        variables.push(("LD_LIBRARY_PATH".into(), LIBRARY_PATH.into()));
    }
    if !request.words.is_empty() {
        variables.push(("LAMBDA_STDIO_ARGS".into(), request.words.clone().into()));
    }
    let own = request.variables.iter();
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    Function {
        name: request.name.to_owned(),
        handler: request.assembled.handler.clone().unwrap_or_default().into(),
        task_root: PathBuf::from(root.path()),
        memory_mb: MEMORY_MB,
        timeout: TIMEOUT,
        runtime: room::program(root, bootstrap),
        companion: role::own_executable(),
        variables,
        wire_tap: None,
        counted: Counted::All,
    }
}

fn sink(lines: &Lines) -> LogSink {
    let lines = Arc::clone(lines);
    Arc::new(move |printed| {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in printed {
            lines.push_back(shorten(&String::from_utf8_lossy(line)));
        }
        let surplus = lines.len().saturating_sub(SHOWN_LINES);
        lines.drain(..surplus);
    })
}

async fn invoke(emulator: &mut Emulator, event: &[u8]) -> Told {
    // An init that takes too long begins again inside the invocation, as in Lambda.
    if let Init::Failed(report) = emulator.start().await {
        return failed(&report);
    }
    let completed = emulator.invoke(Submission::new(Bytes::copy_from_slice(event))).await;
    match completed.outcome {
        Ended::Response(response) => {
            let reply = String::from_utf8_lossy(&response.body);
            (Outcome::Answered, shorten(&reply))
        }
        // The bridge's own types begin so: the program ended, hung or broke the protocol.
        Ended::FunctionError(report) if report.error_type.starts_with("Runtime.") => {
            failed(&report)
        }
        Ended::FunctionError(report) => {
            (Outcome::FunctionError, shorten(&report::summary(&report)))
        }
        Ended::RuntimeExited(report) | Ended::TimedOut(report) | Ended::InitFailed(report) => {
            failed(&report)
        }
    }
}

fn failed(report: &ErrorReport) -> Told {
    (Outcome::Failed, report::summary(report))
}

fn not_verified(why: String) -> Told {
    (Outcome::NotVerified, why)
}

/// A failure's reason is often what was printed; what the message has said already is not said again.
fn with_lines(mut verified: Verified, lines: &Lines) -> Verified {
    if verified.outcome == Outcome::Failed {
        verified.message = verified.message.trim_end().replace('\n', " ");
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        // The bridge's own records say once more what the message says.
        let is_new = |line: &&String| {
            let is_known = line.starts_with("lambda-stdio ") || verified.message.contains(*line);
            !line.is_empty() && !is_known
        };
        let new: Vec<&str> = lines.iter().filter(is_new).map(String::as_str).collect();
        if !new.is_empty() {
            verified.message = format!("{}; it printed: {}", verified.message, new.join(" | "));
        }
    }
    verified
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}
