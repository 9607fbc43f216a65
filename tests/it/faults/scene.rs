//! The form that most faults are told in: a handler serves, fails once, and another one serves.

use std::time::{Duration, Instant};

use crate::support::{Bridge, Builder, Delivery, Lambda, eventually};

/// A shell handler that does this for the event `"bad"`, and answers any other with its process id.
pub(super) fn failing_with(fault: &str) -> String {
    format!(
        "while read -r line; do case $line in *'\"event\":\"bad\"'*) {fault};; *) echo $$;; esac; done"
    )
}

/// The event at which it fails.
pub(super) fn bad() -> Delivery {
    Delivery::new("\"bad\"")
}

/// The same, when it is to fail by running out of time.
pub(super) fn soon() -> Delivery {
    bad().timeout_ms(300)
}

/// A bridge whose handler answers with its process id until it fails.
pub(super) struct Scene {
    pub(super) lambda: Lambda,
    pub(super) bridge: Bridge,
    /// How long the last failure took to be told.
    pub(super) took: Duration,
    serving: i32,
}

impl Scene {
    /// A shell handler that fails in this way.
    #[track_caller]
    pub(super) fn of(fault: &str) -> Self {
        Self::built(|bridge| bridge.shell(&failing_with(fault)))
    }

    /// Any handler; it serves a first event.
    #[track_caller]
    pub(super) fn built(build: impl FnOnce(Builder) -> Builder) -> Self {
        let lambda = Lambda::start();
        let bridge = build(Bridge::of(&lambda)).start();
        let mut scene = Self { lambda, bridge, took: Duration::ZERO, serving: 0 };
        scene.serving = scene.served();
        scene
    }

    /// An event fails; the next is served by another handler, and nothing is left of the one that failed.
    #[track_caller]
    pub(super) fn replaced(&mut self, bad: Delivery, error_type: &str) -> String {
        let said = self.failed(bad, error_type);
        let failed = std::mem::replace(&mut self.serving, 0);
        self.serving = self.served();
        assert_ne!(self.serving, failed, "the same handler goes on");
        said
    }

    #[track_caller]
    fn failed(&mut self, bad: Delivery, error_type: &str) -> String {
        self.lambda.idle();
        let asked = Instant::now();
        let answer = self.lambda.invoke(bad);
        self.took = answer.at.duration_since(asked);
        answer.is_error(error_type)
    }

    /// An event that succeeds: the process id that served it, which alone is running.
    #[track_caller]
    fn served(&self) -> i32 {
        let answer = self.lambda.event("1");
        // A number, or in text mode a string.
        let text = answer.text().trim_matches('"').to_owned();
        let pid = text.parse().unwrap_or_else(|_| panic!("{text}"));
        eventually("one handler alone is running", || self.bridge.descendants() == [pid]);
        pid
    }

    /// The next event is served by the same handler.
    #[track_caller]
    pub(super) fn still_serves(&self) {
        assert_eq!(self.served(), self.serving, "another handler goes on");
    }

    /// Nothing is left running.
    #[track_caller]
    pub(super) fn ends(self) {
        self.bridge.leaves_nothing();
    }
}
