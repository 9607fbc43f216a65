//! What the stories are told with: a scripted Runtime API ([`Lambda`]) and the real bridge ([`Bridge`]).

mod bridge;
mod http;
mod lambda;
mod message;
mod scratch;
mod tools;

pub(crate) use bridge::{Bridge, Builder, bootstrap, machine};
pub(crate) use http::{Heard, free_address, post};
pub(crate) use lambda::Lambda;
pub(crate) use message::{Answer, Delivery};
pub(crate) use scratch::{COUNT, Scratch, WAIT};
pub(crate) use tools::{installed, search_path, tool};

use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen: generous, for slow and shared machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// What has an end of some seconds has it before this, also where the machine stands still for a while.
pub(crate) const LATE: Duration = Duration::from_secs(40);

/// Waits until a condition holds, by looking: for what tells nobody when it happens.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Shell words that put the id of the request in `$line` into `$id`.
pub(crate) const ID: &str = r#"id=${line#*\"id\":\"}; id=${id%%\"*}"#;

/// A shell handler that answers each request with a tagged result; `$line` and `$id` are set.
pub(crate) fn tagged(result: &str) -> String {
    format!(
        r#"while read -r line; do {ID}; printf '{{"id":"%s","result":%s}}\n' "$id" {result}; done"#
    )
}

/// A bridge, not yet started, whose handler is a Python program.
pub(crate) fn python(lambda: &Lambda, program: &str) -> Builder {
    Bridge::of(lambda).program(&["python3", "-c", program])
}

/// How often a story is told whose end may hang on chance: few times, unless `LAMBDA_STDIO_TRIALS` says more.
#[expect(clippy::disallowed_methods, reason = "a test's own variable, not configuration")]
pub(crate) fn trials(few: u32) -> u32 {
    std::env::var("LAMBDA_STDIO_TRIALS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// The same, where `LAMBDA_STDIO_TRIALS=1000` asks for another figure than a thousand.
pub(crate) fn scaled(few: u32, whole: u32) -> u32 {
    match trials(0) {
        0 => few,
        thousandths => {
            (u64::from(whole) * u64::from(thousandths) / 1000).max(1).try_into().unwrap()
        }
    }
}
