//! The peak of what a runtime's processes hold in memory, from samples of /proc.

use std::time::Duration;

use nix::unistd::Pid;

use super::tree;

/// How often is looked while things are young, and later: a peak between two looks is still seen, as long
/// as the process that had it lives.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Whose memory is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// What the runtime started: with the bridge, the handler and its children.
    Descendants,
    /// The runtime too: any runtime that holds its handler inside.
    All,
}

/// The highest sum seen.
#[derive(Debug)]
pub struct Meter {
    counted: Counted,
    peak_bytes: u64,
    pause: Duration,
}

impl Meter {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(counted: Counted) -> Self {
        Self { counted, peak_bytes: 0, pause: FIRST_PAUSE }
    }

    /// Looks at a runtime's processes now.
    pub fn sample(&mut self, runtime: Pid) {
        let mut processes = tree::descendants(runtime);
        if self.counted == Counted::All {
            processes.push(runtime);
        }
        let held = tree::memory(&processes);
        // The sum of the single peaks would overstate: they need not have come together.
        self.peak_bytes = self.peak_bytes.max(held.now).max(held.most);
    }

    /// How long to wait until the next look: something is happening, or nothing new has for a while.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// Something begins: look often again.
    pub fn be_quick(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// The peak so far.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }
}
