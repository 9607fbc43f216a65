//! Stories of a function of 128 MB, which gets 7 % of a processor: nothing is late that would not be late
//! without the bridge.
//!
//! The kernel's own quota is used where a control group may be made; elsewhere everything is stopped and
//! continued by turns, as the quota does it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Bridge, Delivery, Lambda, eventually, python};

/// Of each tenth of a second.
const RUNS: Duration = Duration::from_millis(7);
const RESTS: Duration = Duration::from_millis(93);

/// Lambda's own default.
const TIMEOUT_MS: u64 = 3_000;

/// A bridge and its handler held to the quota, until dropped.
struct Throttle {
    group: Option<PathBuf>,
    turns: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Throttle {
    fn new(bridge: &Bridge) -> Self {
        let mut pids = bridge.descendants();
        pids.push(bridge.pid().as_raw());
        match group_of(&pids) {
            Some(group) => Self { group: Some(group), turns: None },
            None => Self { group: None, turns: Some(by_turns(pids)) },
        }
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.turns.take() {
            over.store(true, Ordering::Relaxed);
            drop(thread.join());
        }
        if let Some(group) = &self.group {
            eventually("the control group is removed", || {
                // Whoever is in it goes back to the group above; an empty group can be removed.
                let held = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
                for pid in held.lines() {
                    drop(std::fs::write(group.with_file_name("cgroup.procs"), pid));
                }
                std::fs::remove_dir(group).is_ok()
            });
        }
    }
}

/// A control group with the quota that holds these processes and all they start, if one can be made.
fn group_of(pids: &[i32]) -> Option<PathBuf> {
    static GROUPS: AtomicU32 = AtomicU32::new(0);
    let number = GROUPS.fetch_add(1, Ordering::Relaxed);
    let name = format!("lambda-stdio-{}-{number}", std::process::id());
    let first = Path::new("/sys/fs/cgroup/cpu").join(&name);
    let second = Path::new("/sys/fs/cgroup").join(&name);
    let quota =
        |group: &Path, file: &str, value: &str| std::fs::write(group.join(file), value).ok();
    let group = if first.parent().is_some_and(Path::is_dir) { first } else { second };
    std::fs::create_dir(&group).ok()?;
    let is_set = quota(&group, "cpu.max", "7000 100000").or_else(|| {
        quota(&group, "cpu.cfs_period_us", "100000")?;
        quota(&group, "cpu.cfs_quota_us", "7000")
    });
    let is_held = is_set.is_some()
        && pids.iter().all(|pid| quota(&group, "cgroup.procs", &pid.to_string()).is_some());
    if !is_held {
        std::fs::remove_dir(&group).ok();
        return None;
    }
    Some(group)
}

fn by_turns(pids: Vec<i32>) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let over = Arc::new(AtomicBool::new(false));
    let heard = over.clone();
    let to_all = move |signal: Signal| {
        for pid in &pids {
            kill(Pid::from_raw(*pid), signal).ok();
        }
    };
    let thread = std::thread::spawn(move || {
        while !heard.load(Ordering::Relaxed) {
            to_all(Signal::SIGSTOP);
            std::thread::sleep(RESTS);
            to_all(Signal::SIGCONT);
            std::thread::sleep(RUNS);
        }
    });
    (over, thread)
}

#[test]
fn seven_percent_of_a_processor_is_enough_for_every_invocation() {
    let lambda = Lambda::start();
    let bridge = python(
        &lambda,
        "
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({'id': request['id'], 'result': len(request['event'])}), flush=True)
",
    )
    .start();
    lambda.event("\"ready\"").is_response("5");
    let throttle = Throttle::new(&bridge);
    for length in [1, 200, 1_000, 10_000, 100_000, 1_000_000] {
        for _ in 0..5 {
            let event = format!("\"{}\"", "x".repeat(length));
            let delivery = Delivery::new(event.as_str()).timeout_ms(TIMEOUT_MS);
            lambda.invoke(delivery).is_response(&length.to_string());
        }
    }
    drop(throttle);
    bridge.leaves_nothing();
}

#[test]
fn seven_percent_of_a_processor_is_enough_for_programs_that_answer_once() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "read -r line; echo 1");
    lambda.event("1").is_response("1");
    let throttle = Throttle::new(&bridge);
    for _ in 0..20 {
        lambda.invoke(Delivery::new("1").timeout_ms(TIMEOUT_MS)).is_response("1");
    }
    drop(throttle);
    bridge.leaves_nothing();
}
