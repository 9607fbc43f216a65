//! The two sides: one scene under AWS's emulator, and the same under ours.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use lambda_stdio::cli::emulator::{
    Counted, Emulator, Function, LogSink, Outcome, Program as Runtime, Submission,
};
use lambda_stdio::cli::invoke::report;

use super::observed::{self, Observed};
use super::scenes::{Call, Program, Scene};
use crate::rie::harness::{self, Rie, is_running, raw_runtime};
use crate::support::{Scratch, eventually, search_path};

const MEMORY_MB: u32 = 3008; // what AWS's emulator says when nobody says otherwise
/// A field of our own.
const NOT_LIMITED: &str = "\tMemory Limit: not enforced";
/// No scene takes longer under ours; it is there so that the run ends.
const SCENE_TIME: Duration = Duration::from_mins(2);
/// How long lines of AWS's emulator are waited for that may never come.
const LAST_LINES: Duration = Duration::from_secs(2);

fn runtime(program: Program, folder: &Path) -> Vec<String> {
    let bridge = |words: &[&str]| {
        let bootstrap = std::iter::once(&env!("CARGO_BIN_EXE_bootstrap"));
        bootstrap.chain(words).map(|word| (*word).to_owned()).collect()
    };
    match program {
        Program::Bridge => {
            std::fs::write(folder.join("handler.py"), include_str!("handler.py")).unwrap();
            bridge(&["python3", "handler.py"])
        }
        Program::BridgeOfNothing => bridge(&["./nothing"]),
        Program::BridgeOfFailure => {
            let script =
                "printf '%s\\n' $$ $PPID >>\"$D/started\"; echo 'no such module' >&2; exit 4";
            bridge(&["sh", "-c", script])
        }
        Program::Raw => raw_runtime(folder),
    }
}

/// What both sides are given on top of their own.
fn variables(scene: &Scene) -> Vec<(String, String)> {
    scene.at_start.map(|steps| ("AT_START".to_owned(), steps.to_owned())).into_iter().collect()
}

/// The scene under AWS's emulator; so many lines are printed under ours.
pub(super) fn under_rie(rie: &Path, scene: &Scene, lines: usize) -> Observed {
    let scratch = Scratch::new();
    let runtime = runtime(scene.program, scratch.path());
    let mut observed = Observed::new();
    let mut rie = Rie::start(
        rie,
        &harness::Function {
            runtime: &runtime,
            folder: scratch.path(),
            timeout_seconds: scene.timeout_seconds,
            variables: &variables(scene),
        },
    );
    for (index, call) in scene.calls.iter().enumerate() {
        let heard = rie.try_invoke(&headers(call), &call.event);
        let heard = heard.unwrap_or_else(|error| panic!("{}: {error}\n{}", scene.name, rie.log()));
        let error = heard.header("x-amz-function-error").unwrap_or("absent").to_owned();
        caller(&mut observed, index, heard.status, &error, &heard.body, scratch.path());
    }
    // What was printed may come after the answers, and what comes after the end is lost.
    let until = Instant::now() + LAST_LINES;
    while printed(&rie.log()).count() < lines && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    rie.stop();
    finish(observed, scene, &scratch, printed(&rie.log()))
}

/// The lines of a log without the emulator's words about itself.
fn printed(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| !line.contains("] (rapid) "))
}

fn headers(call: &Call) -> Vec<(&'static str, String)> {
    let context = call.client_context.map(|json| {
        ("X-Amz-Client-Context", base64::engine::general_purpose::STANDARD.encode(json))
    });
    context
        .into_iter()
        .chain(call.tenant.map(|tenant| ("X-Amz-Tenant-Id", tenant.to_owned())))
        .collect()
}

/// The scene under ours, and how many lines were printed.
pub(super) fn under_ours(scene: &Scene) -> (Observed, usize) {
    let scratch = Scratch::new();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&lines);
    let sink: LogSink = Arc::new(move |said| {
        let said = said.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        heard.lock().unwrap().extend(said);
    });
    let mut emulator = Emulator::new(function(scene, scratch.path()), sink);
    let mut observed = Observed::new();
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let played = executor.block_on(async {
        tokio::time::timeout(SCENE_TIME, async {
            // Ahead of the first event, as our commands do; AWS's emulator waits for the first.
            emulator.start().await;
            for (index, call) in scene.calls.iter().enumerate() {
                let mut submission = Submission::new(call.event.clone().into());
                submission.client_context = call.client_context.map(str::to_owned);
                submission.tenant_id = call.tenant.map(str::to_owned);
                lines.lock().unwrap().push(report::start_line(&submission.request_id));
                let completed = emulator.invoke(submission).await;
                lines.lock().unwrap().extend([
                    report::end_line(&completed.request_id),
                    // Whether memory can be limited is this machine's affair.
                    report::report_line(&completed, MEMORY_MB).replace(NOT_LIMITED, ""),
                ]);
                // As Lambda's Invoke tells it: 200, and a header where it was no response.
                let error = match completed.outcome {
                    Outcome::Response(_) => "absent",
                    Outcome::FunctionError(_)
                    | Outcome::RuntimeExited(_)
                    | Outcome::TimedOut(_)
                    | Outcome::InitFailed(_) => "Unhandled",
                };
                let body = completed.outcome.body();
                caller(&mut observed, index, 200, error, body, scratch.path());
            }
            emulator.shutdown().await;
        })
        .await
    });
    assert!(played.is_ok(), "{} takes too long under our emulator", scene.name);
    let lines = lines.lock().unwrap();
    let observed = finish(observed, scene, &scratch, lines.iter().map(String::as_str));
    (observed, lines.len())
}

fn function(scene: &Scene, folder: &Path) -> Function {
    let mut words = runtime(scene.program, folder).into_iter();
    let path = PathBuf::from(words.next().unwrap());
    let arguments: Vec<_> = words.map(Into::into).collect();
    let mut given = variables(scene);
    given.push(("PATH".to_owned(), search_path()));
    given.push(("D".to_owned(), folder.to_str().unwrap().to_owned()));
    Function {
        name: "test_function".to_owned(),
        // The last word, as AWS's emulator takes it.
        handler: arguments.last().cloned().unwrap(),
        task_root: folder.to_owned(),
        memory_mb: MEMORY_MB,
        timeout: Duration::from_secs(scene.timeout_seconds.into()),
        runtime: Runtime { path, name: None, arguments },
        companion: PathBuf::from(env!("CARGO_BIN_EXE_lambda-stdio")),
        variables: given.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        wire_tap: None,
        counted: Counted::All,
    }
}

fn caller(
    observed: &mut Observed,
    index: usize,
    status: u16,
    error: &str,
    body: &[u8],
    folder: &Path,
) {
    let call = format!("call {}", index + 1);
    observed.insert(format!("{call}: status"), status.to_string());
    observed.insert(format!("{call}: X-Amz-Function-Error"), error.to_owned());
    observed.insert(format!("{call}: body"), observed::body(body, folder));
}

/// What was printed, and what the program left in its folder.
fn finish<'a>(
    mut observed: Observed,
    scene: &Scene,
    scratch: &Scratch,
    lines: impl Iterator<Item = &'a str>,
) -> Observed {
    let folder = scratch.path();
    let started = scratch.read("started");
    let pids: Vec<i32> = started.lines().map(|pid| pid.parse().unwrap()).collect();
    eventually("everything is gone", || !pids.iter().any(|pid| is_running(*pid)));
    let (mut calls, mut said) = (0, Vec::new());
    for line in lines {
        let kind = line.split(' ').next().unwrap_or_default();
        calls += usize::from(kind == "START");
        if ["START", "END", "REPORT"].contains(&kind) && line.contains(" RequestId: ") {
            observed.insert(format!("call {calls}: {kind}"), observed::normal(line, folder));
        } else {
            said.push(observed::normal(line, folder));
        }
    }
    // Two streams lead through the bridge, and which of them is quicker is chance.
    said.sort_unstable();
    observed.insert("printed".to_owned(), said.join("\\n"));
    observed.insert("lives".to_owned(), pids.len().to_string());
    observed
        .insert("signals".to_owned(), observed::normal(scratch.read("signals").trim_end(), folder));
    observed.insert(
        "answers to posts".to_owned(),
        observed::normal(scratch.read("heard").trim_end(), folder),
    );
    if scene.looks_around {
        look_around(&mut observed, scratch);
    }
    observed
}

fn look_around(observed: &mut Observed, scratch: &Scratch) {
    let folder = scratch.path();
    for (file, what) in [("environment", "variable"), ("place", "place")] {
        if let Some(first) = scratch.read(file).lines().next() {
            observed::members(observed, what, first, folder);
        }
    }
    for (file, what) in [("contexts", "context"), ("headers", "header")] {
        for (index, line) in scratch.read(file).lines().enumerate() {
            observed::members(observed, &format!("call {}: {what}", index + 1), line, folder);
        }
    }
    // Python's own, where it finds no locale; and the clock.
    observed.retain(|aspect, _| aspect != "variable LC_CTYPE" && !aspect.ends_with("header date"));
}
