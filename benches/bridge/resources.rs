//! What a contender needs besides time: its start, its memory, its system calls; each in a process of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Running};
use crate::event::{Delivery, Size};
use crate::kernel;
use crate::lambda::Inbox;
use crate::programs::Programs;
use crate::statistics::percentile;
use crate::terminal;

/// Between two counts lie so many invocations, and the start and the end cancel out.
const FEW: usize = 100;
const MANY: usize = 400;
/// The large events that memory is looked at after.
const LARGE: usize = 10;

/// Of one contender; what could not be seen is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resources {
    /// Milliseconds until its first event was asked for, of each start.
    pub(crate) starts: Vec<f64>,
    /// Its own resident memory before its first event, and at most over large ones; KiB.
    pub(crate) resident_kib: Option<u64>,
    pub(crate) peak_kib: Option<u64>,
    /// System calls of an invocation of the small size, its own and with all it started.
    pub(crate) calls: Option<f64>,
    pub(crate) calls_tree: Option<f64>,
}

impl Resources {
    pub(crate) fn start_ms(&self, hundredths: f64) -> f64 {
        percentile(&self.starts, hundredths)
    }
}

/// In turn as well: each contender is started once before any is started again.
pub(crate) fn measure(
    programs: &Programs,
    contenders: &[Contender],
    starts: usize,
    inbox: &mut Inbox,
) -> Result<Vec<Resources>, String> {
    let mut all = vec![Resources::default(); contenders.len()];
    for start in 0..=starts {
        for (contender, resources) in contenders.iter().zip(&mut all) {
            terminal::show(&format!("start {start}: {}", contender.name()));
            let running = Running::start(*contender, programs, inbox)?;
            // The first brings the program's pages into memory.
            if start > 0 {
                resources.starts.push(running.start.as_secs_f64() * 1e3);
            }
        }
    }
    for (contender, resources) in contenders.iter().zip(&mut all) {
        terminal::show(&format!("memory: {}", contender.name()));
        (resources.resident_kib, resources.peak_kib) = memory(*contender, programs, inbox)?;
        terminal::show(&format!("system calls: {}", contender.name()));
        resources.calls = calls(*contender, programs, false, inbox)?;
        resources.calls_tree = calls(*contender, programs, true, inbox)?;
    }
    terminal::show("");
    Ok(all)
}

/// Of the process that speaks with Lambda; the program behind a bridge has its own memory in any case.
fn memory(
    contender: Contender,
    programs: &Programs,
    inbox: &mut Inbox,
) -> Result<(Option<u64>, Option<u64>), String> {
    let delivery = Delivery::new(Size::Large);
    let mut running = Running::start(contender, programs, inbox)?;
    let resident = kernel::resident_kib(running.pid());
    kernel::forget_peak(running.pid())?;
    for _ in 0..LARGE {
        running.invoke(contender, &delivery, inbox)?;
    }
    Ok((resident, kernel::peak_kib(running.pid())))
}

/// System calls of an invocation; none where there is no strace.
fn calls(
    contender: Contender,
    programs: &Programs,
    tree: bool,
    inbox: &mut Inbox,
) -> Result<Option<f64>, String> {
    if !has_strace() {
        return Ok(None);
    }
    let file = programs.scratch.join(format!("{}.strace", contender.key()));
    let few = counted(contender, programs, tree, FEW, &file, inbox)?;
    let many = counted(contender, programs, tree, MANY, &file, inbox)?;
    Ok(Some((many as f64 - few as f64) / (MANY - FEW) as f64))
}

pub(crate) fn has_strace() -> bool {
    std::process::Command::new("strace").arg("-V").output().is_ok()
}

fn counted(
    contender: Contender,
    programs: &Programs,
    tree: bool,
    invocations: usize,
    file: &Path,
    inbox: &mut Inbox,
) -> Result<u64, String> {
    drop(std::fs::remove_file(file));
    let path = file.to_str().ok_or("the target folder's name is not text")?;
    // With -D the contender is the process that was started, and hears our signals.
    let strace = ["strace", "-D", "-c", "-o", path, "-f"];
    let strace = if tree { &strace[..] } else { &strace[..strace.len() - 1] };
    let delivery = Delivery::new(Size::Small);
    let mut running = Running::start_through(strace, contender, programs, inbox)?;
    for _ in 0..invocations {
        running.invoke(contender, &delivery, inbox)?;
    }
    drop(running);
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if let Some(total) = kernel::strace_total(file) {
            return Ok(total);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(format!("strace did not count {}", contender.name()))
}
