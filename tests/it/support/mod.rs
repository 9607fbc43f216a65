//! What the stories are told with: a scripted Runtime API ([`Lambda`]) and the real bridge ([`Bridge`]).

mod bridge;
mod lambda;
mod scratch;

pub(crate) use bridge::Bridge;
pub(crate) use lambda::{Answer, Delivery, Lambda};
pub(crate) use scratch::{COUNT, Scratch, WAIT};

use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen: generous, for slow and shared machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until a condition holds, by looking: for what tells nobody when it happens.
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

/// How often a story of chances is told: `LAMBDA_STDIO_TRIALS`, or 200.
pub(crate) fn trials() -> usize {
    #[expect(clippy::disallowed_methods, reason = "how thorough a run is to be is asked of it")]
    let asked = std::env::var("LAMBDA_STDIO_TRIALS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(200)
}
