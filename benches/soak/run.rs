//! One run: a bridge is driven through its invocations, and what went wrong is counted.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::arguments::Arguments;
use crate::fault::{Expected, Fault, Replies, outcome};
use crate::gate::Gate;
use crate::plan::{Plan, Step};
use crate::support::{Answer, Bridge, Delivery, Lambda, PATIENCE};
use crate::{table, watch};

/// What nobody is meant to wait for, and what somebody is.
const LONG_MS: u64 = 10_000;
/// A machine that stands still for longer lets it pass before the bridge sees it, which then takes it for
/// a clock that is wrong, and gives the handler 900 s.
const SHORT_MS: u64 = 120;
/// The same where a handler may have to be started first, because the one before has just ended.
const SHORT_ONE_SHOT_MS: u64 = 250;
/// How many invocations make the bridge as large as it is to become.
const WARM_UP: u64 = 1_000;
/// How often the bridge is looked at, and the small invocations before each look.
const LOOKS: u64 = 32;
const QUIET: u64 = 8;
/// More is a leak; less is the allocator's own way.  The least of the first quarter's looks is compared
/// with the least of the last quarter's, since one look may come upon a heap not yet trimmed.
const MEMORY_DRIFT_KIB: i64 = 1_024;
/// How many failures are told in words.
const TOLD_AT_MOST: usize = 10;
/// After as many failures it is known that something is wrong, and each may take until its deadline.
const FAILURES_AT_MOST: u64 = 20;

/// What was counted.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) invocations: u64,
    pub(crate) faults: [u64; Fault::ALL.len()],
    /// Invocations that nobody answered.
    pub(crate) lost: u64,
    /// Answers that are not their own event.
    pub(crate) crossed: u64,
    /// Answers to what was answered.
    pub(crate) doubled: u64,
    /// An error in place of a reply, the other way round, or an error of another type.
    pub(crate) wrong: u64,
    pub(crate) zombies: usize,
    /// Processes that are left besides the one handler, or after the end.
    pub(crate) left: usize,
    pub(crate) descriptors: isize,
    pub(crate) memory_kib: i64,
    pub(crate) memory_start_kib: i64,
    pub(crate) time: Duration,
    pub(crate) told: Vec<String>,
}

impl Tally {
    pub(crate) fn is_clean(&self) -> bool {
        self.failures() == 0
            && self.zombies + self.left == 0
            && self.descriptors == 0
            && self.memory_kib < MEMORY_DRIFT_KIB
            && self.told.is_empty()
    }

    fn failures(&self) -> u64 {
        self.lost + self.crossed + self.doubled + self.wrong
    }

    fn tell(&mut self, words: String) {
        if self.told.len() < TOLD_AT_MOST {
            self.told.push(words);
        }
    }
}

/// What the bridge holds while it waits for an event.
struct Rest {
    children: watch::Children,
    descriptors: usize,
    memory_kib: i64,
}

struct Soak {
    lambda: Lambda,
    bridge: Bridge,
    gate: Gate,
    plan: Plan,
    replies: Replies,
    short_ms: u64,
    tally: Tally,
}

pub(crate) fn run(arguments: &Arguments, replies: Replies, count: u64) -> Tally {
    let began = Instant::now();
    let mut soak = Soak::start(arguments, replies);
    let warm_up = WARM_UP.min(count / 4);
    let every = ((count - warm_up) / LOOKS).max(1);
    let mut looks = Vec::new();
    let mut shown = Instant::now();
    for index in 0..count {
        if index >= warm_up && (index - warm_up).is_multiple_of(every) {
            looks.extend(soak.rest());
        }
        let (step, event) = soak.plan.next();
        if !soak.invoke(&step, &event) {
            break;
        }
        if shown.elapsed() > Duration::from_millis(250) {
            shown = Instant::now();
            table::show(replies, index, count);
        }
    }
    table::show(replies, 0, 0);
    if soak.bridge.is_running() {
        looks.extend(soak.rest());
    }
    soak.compare(&looks);
    soak.end();
    Tally { time: began.elapsed(), ..soak.tally }
}

impl Soak {
    fn start(arguments: &Arguments, replies: Replies) -> Self {
        let lambda = Lambda::start();
        let gate = Gate::new();
        let this = std::env::current_exe().unwrap();
        let one_shot = if arguments.one_shot { "one-shot" } else { "steady" };
        let words =
            [this.to_str().unwrap(), "--handler", replies.name(), one_shot, &gate.address()];
        // glibc learns to keep large buffers, or not, and is 2 MiB larger or smaller by it.  Told to give
        // all of them back, it shows what the bridge itself holds.
        let program = arguments.bootstrap.as_deref().unwrap_or(env!("CARGO_BIN_EXE_bootstrap"));
        let bridge = Bridge::built_as(program, &lambda)
            .env("MALLOC_MMAP_THRESHOLD_", "65536")
            .env("MALLOC_TRIM_THRESHOLD_", "65536")
            .program(&words)
            .start();
        let plan = Plan::new(arguments.seed, replies);
        let short_ms = if arguments.one_shot { SHORT_ONE_SHOT_MS } else { SHORT_MS };
        Self { lambda, bridge, gate, plan, replies, short_ms, tally: Tally::default() }
    }

    /// Delivers one event and judges its answer; whether it makes sense to go on.
    fn invoke(&mut self, step: &Step, event: &[u8]) -> bool {
        self.tally.invocations += 1;
        if let Some(fault) = step.fault {
            self.tally.faults[Fault::ALL.iter().position(|each| *each == fault).unwrap()] += 1;
        }
        let short = step.fault.is_some_and(Fault::lasts_to_the_deadline);
        let request_id = format!("i-{}", self.tally.invocations);
        let mut delivery =
            Delivery::new(event).timeout_ms(if short { self.short_ms } else { LONG_MS });
        delivery.request_id.clone_from(&request_id);
        self.lambda.deliver(delivery);
        let Some(answer) = self.answer_to(&request_id) else {
            self.tally.lost += 1;
            let running = self.bridge.is_running();
            self.tally.tell(format!("{request_id} {:?} lost; bridge runs: {running}", step.fault));
            return running;
        };
        self.judge(step, event, &answer);
        if step.fault == Some(Fault::LateLine)
            && self.replies == Replies::Plain
            && let Err(reason) = self.gate.open()
        {
            self.tally.wrong += 1;
            self.tally.tell(format!("{request_id}: {reason}"));
        }
        self.tally.failures() < FAILURES_AT_MOST
    }

    /// The answer to this one; any other is one too many.
    fn answer_to(&mut self, request_id: &str) -> Option<Answer> {
        let until = Instant::now() + Duration::from_millis(LONG_MS) + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Looks up now and then, so that the end of the bridge is seen.
            match self.lambda.answer_within(left.min(Duration::from_secs(1))) {
                Some(answer) if answer.request_id == request_id => return Some(answer),
                Some(answer) => self.one_too_many(&answer),
                None if left.is_zero() || !self.bridge.is_running() => return None,
                None => (),
            }
        }
    }

    fn one_too_many(&mut self, answer: &Answer) {
        self.tally.doubled += 1;
        self.tally.tell(format!("{} is one too many: {}", answer.request_id, seen(answer)));
    }

    fn judge(&mut self, step: &Step, event: &[u8], answer: &Answer) {
        let expected = outcome(self.replies, step.fault, step.told).caller;
        let right = match expected {
            Expected::OwnReply => answer.kind == "response" && answer.body == event,
            Expected::Error(error_type) => {
                let body = serde_json::from_slice::<serde_json::Value>(&answer.body);
                let own = body.as_ref().ok().and_then(|body| body.get("errorType")?.as_str());
                answer.kind == "error"
                    && own == Some(error_type)
                    && answer.header("Lambda-Runtime-Function-Error-Type") == Some(error_type)
            }
        };
        if right {
            return;
        }
        if answer.kind == "response" && answer.body != event {
            self.tally.crossed += 1;
        } else {
            self.tally.wrong += 1;
        }
        self.tally.tell(format!(
            "{} {:?} (told: {}) expected {expected:?} of {}, got {}",
            answer.request_id,
            step.fault,
            step.told,
            step.nonce_member(),
            seen(answer)
        ));
    }

    /// Small invocations without a fault, then what the bridge holds when it is idle again.
    fn rest(&mut self) -> Option<Rest> {
        for _ in 0..QUIET {
            let (step, event) = self.plan.next_quiet();
            if !self.invoke(&step, &event) {
                return None;
            }
        }
        self.lambda.idle();
        let pid = self.bridge.pid().as_raw();
        // A handler that ends after its reply may be just about to.
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            let children = watch::children(pid);
            let calm = children == watch::Children { all: 1, zombies: 0 };
            if calm || Instant::now() > until {
                let descriptors = watch::descriptors(pid);
                return Some(Rest { children, descriptors, memory_kib: watch::memory_kib(pid) });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn compare(&mut self, looks: &[Rest]) {
        let (Some(first), Some(last)) = (looks.first(), looks.last()) else { return };
        for Rest { children, .. } in looks {
            self.tally.zombies = self.tally.zombies.max(children.zombies);
            let others = children.all.saturating_sub(children.zombies + 1);
            self.tally.left = self.tally.left.max(others);
        }
        self.tally.descriptors =
            last.descriptors.checked_signed_diff(first.descriptors).expect("two small numbers");
        let quarter = looks.len().div_ceil(4);
        let lowest = |looks: &[Rest]| looks.iter().map(|look| look.memory_kib).min().unwrap_or(0);
        self.tally.memory_start_kib = lowest(&looks[..quarter]);
        self.tally.memory_kib =
            lowest(&looks[looks.len() - quarter..]) - self.tally.memory_start_kib;
    }

    /// Ends the bridge as Lambda does: nothing is left, and nothing more is said.
    fn end(&mut self) {
        if self.bridge.is_running() {
            self.bridge.signal(Signal::SIGTERM);
            let status = self.bridge.ended();
            if !status.success() {
                self.tally.tell(format!("the bridge ended with {status}"));
            }
        } else {
            self.tally.tell("the bridge had ended by itself".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
        self.tally.left += self.bridge.descendants().len();
        for answer in self.lambda.answers_now() {
            self.one_too_many(&answer);
        }
        if !self.tally.told.is_empty() {
            let logs = self.bridge.logs();
            let last = logs.lines().rev().take(20).collect::<Vec<_>>();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            self.tally.told.push(format!("the bridge last logged:\n{last}"));
        }
    }
}

/// An answer in short.
fn seen(answer: &Answer) -> String {
    let text = answer.text();
    let first: String = text.chars().take(300).collect();
    format!("{} of {} bytes: {first}", answer.kind, answer.body.len())
}
