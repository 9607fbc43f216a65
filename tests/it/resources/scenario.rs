//! Six invocations, one of which its handler does not survive and one of which is larger than a pipe; and
//! what may become of them when the kernel refuses something in their midst.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::support::{Answer, Bridge, Builder, Delivery, ID, Lambda};

/// How many invocations there are, and at which of them the handler ends.
const INVOCATIONS: u64 = 6;
const DEADLY: u64 = 3;
const LARGE: u64 = 5;
/// So long may nothing at all be heard before it counts as hung.
const HUNG: Duration = Duration::from_secs(5);

static NONCES: AtomicU64 = AtomicU64::new(1_000);

/// How much a refusal may cost.
#[derive(Clone, Copy)]
pub(super) struct Price {
    /// How many invocations may fail, beside the one whose handler ends.
    pub(super) errors: usize,
    /// How many may be lost, where a connection is what was taken away.
    pub(super) lost: usize,
}

/// Plays the six; what went wrong, in words, if anything did.
pub(super) fn play(
    program: &std::ffi::OsStr,
    price: Price,
    build: impl FnOnce(Builder) -> Builder,
) -> Result<(), String> {
    let first = NONCES.fetch_add(INVOCATIONS, Ordering::Relaxed);
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do {ID}; n=${{line#*\"n\":}}; n=${{n%%[,\}}]*}}
        case $line in *deadly*) exit 3;; esac; echo "log of $n" >&2
        printf '{{"id":"%s","result":%s}}\n' "$id" "$n"; done"#
    );
    for number in 0..INVOCATIONS {
        let rest = match number + 1 {
            DEADLY => "\"deadly\"".to_owned(),
            LARGE => format!("\"{}\"", "x".repeat(70_000)),
            _ => "0".to_owned(),
        };
        let event = format!("{{\"n\":{},\"rest\":{rest}}}", first + number);
        lambda.deliver(Delivery::new(event));
    }
    let mut bridge = build(Bridge::built_as(program, &lambda).shell(&script)).start();
    let answers = hear(&lambda, &mut bridge);
    let told = judge(&answers, first, price, &mut bridge);
    let ended = end(&mut bridge);
    told.and(ended).map_err(|wrong| {
        let mut said = wrong;
        for answer in &answers {
            let text: String = answer.text().chars().take(300).collect();
            write!(said, "\n  {} {}: {text}", answer.kind, answer.request_id).unwrap();
        }
        write!(said, "\n  logs: {}", bridge.logs()).unwrap();
        said
    })
}

/// All that is posted until the six are settled, the bridge has ended, or nothing more is heard.
fn hear(lambda: &Lambda, bridge: &mut Bridge) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut heard = Instant::now();
    loop {
        if let Some(answer) = lambda.answer_within(Duration::from_millis(20)) {
            answers.push(answer);
            heard = Instant::now();
        } else if settled(&answers) == INVOCATIONS || !bridge.is_running() || heard.elapsed() > HUNG
        {
            answers.extend(lambda.answers_now());
            return answers;
        }
    }
}

fn settled(answers: &[Answer]) -> u64 {
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.request_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.iter().filter(|id| !id.is_empty()).count().try_into().unwrap()
}

fn judge(answers: &[Answer], first: u64, price: Price, bridge: &mut Bridge) -> Result<(), String> {
    let mut by_id: BTreeMap<&str, &Answer> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.kind != "init error") {
        if let Some(before) = by_id.insert(&answer.request_id, answer)
            && before.body != answer.body
        {
            return Err(format!("{} was answered twice, and differently", answer.request_id));
        }
    }
    let mut errors = 0;
    for number in 0..INVOCATIONS {
        let Some(answer) = by_id.get(format!("r-{}", number + 1).as_str()) else { continue };
        let deadly = number + 1 == DEADLY;
        match (answer.kind, deadly) {
            ("response", false) if answer.text() == (first + number).to_string() => (),
            ("response", _) => return Err(format!("r-{} got another's reply", number + 1)),
            (_, true) => (),
            (_, false) => errors += 1,
        }
    }
    let lost = usize::try_from(INVOCATIONS).unwrap() - by_id.len();
    let gave_up = bridge.ended_within(Duration::ZERO).is_some();
    if !gave_up && lost > price.lost {
        return Err(format!("{lost} were never settled, and the bridge goes on"));
    }
    if !gave_up && errors > price.errors {
        return Err(format!("{errors} failed"));
    }
    Ok(())
}

/// Ends the bridge, if it has not ended already, and looks at what it leaves and says.
fn end(bridge: &mut Bridge) -> Result<(), String> {
    let mut status = bridge.ended_within(Duration::ZERO);
    // Twice, for it may be the signal's own way through the bridge that was refused.
    for _ in 0..2 {
        status = status.or_else(|| {
            kill(bridge.pid(), Signal::SIGTERM).ok();
            bridge.ended_within(HUNG / 2)
        });
    }
    let Some(status) = status else { return Err("it does not end".to_owned()) };
    let until = Instant::now() + HUNG;
    while !bridge.descendants().is_empty() {
        if Instant::now() > until {
            return Err(format!("it leaves {:?}", bridge.descendants()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    loop {
        let logs = bridge.logs();
        if logs.contains("panicked") {
            return Err("it panicked".to_owned());
        }
        let said = logs.contains("lambda-stdio ERROR ") || logs.contains("memory allocation of ");
        if status.success() || said {
            return Ok(());
        }
        // What it said may still be on its way to us.
        if Instant::now() > until {
            return Err(format!("it ended with {status} and said nothing"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs each on a few threads, since most of a run is waiting; what went wrong, in words.
pub(super) fn all<T: Sync>(
    stories: &[T],
    tell: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(story) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(said) = tell(story) {
                        wrong.lock().unwrap().push(said);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}
