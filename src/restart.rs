//! How soon a handler is replaced, how often, and when to give up.  Pure: it reads no clock.

use std::time::Duration;

/// The waits before the replacements of the first failures in a row; the one after them gives up.
const WAITS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
];

/// What one generation leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Life {
    /// The invocations it answered.
    pub answered: u64,
    /// Whether we killed it at a deadline: slow is not broken.
    pub killed_at_deadline: bool,
    /// Whether it printed a line too many in its first invocation.
    pub out_of_step_at_first: bool,
}

/// What is to be done after a generation's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start the next generation after this pause.
    StartAfter(Duration),
    /// Nothing comes of it: end the runtime, so that Lambda makes a new environment.
    GiveUp,
}

/// Counts the failures in a row of one environment.
#[derive(Debug, Default)]
pub struct Restarts {
    failures: usize,
}

impl Restarts {
    /// A generation ended.
    pub fn ended(&mut self, life: Life) -> Decision {
        let failed = (life.answered == 0 && !life.killed_at_deadline) || life.out_of_step_at_first;
        if !failed {
            // An answer puts all failures behind it; one killed at a deadline says nothing either way.
            if life.answered > 0 {
                self.failures = 0;
            }
            return Decision::StartAfter(Duration::ZERO);
        }
        let wait = WAITS.get(self.failures).copied();
        self.failures += 1;
        wait.map_or(Decision::GiveUp, Decision::StartAfter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(lives: &[Life]) -> Vec<Option<u64>> {
        let mut restarts = Restarts::default();
        lives
            .iter()
            .map(|life| match restarts.ended(*life) {
                Decision::StartAfter(wait) => Some(u64::try_from(wait.as_millis()).expect("short")),
                Decision::GiveUp => None,
            })
            .collect()
    }

    const FAILED: Life =
        Life { answered: 0, killed_at_deadline: false, out_of_step_at_first: false };
    const SERVED: Life = Life { answered: 1, ..FAILED };
    const SLOW: Life = Life { killed_at_deadline: true, ..FAILED };
    const CHATTY: Life = Life { answered: 1, out_of_step_at_first: true, ..FAILED };

    #[test]
    fn failures_in_a_row_wait_longer_and_the_fifth_gives_up() {
        assert_eq!(waits(&[FAILED; 5]), [Some(0), Some(100), Some(300), Some(1000), None]);
        assert_eq!(waits(&[CHATTY; 5]), [Some(0), Some(100), Some(300), Some(1000), None]);
    }

    #[test]
    fn who_served_or_was_slow_is_replaced_at_once_however_often() {
        assert_eq!(waits(&[SERVED; 9]), [Some(0); 9]);
        assert_eq!(waits(&[SLOW; 9]), [Some(0); 9]);
    }

    #[test]
    fn an_answer_clears_the_count() {
        let mut restarts = Restarts::default();
        for _ in 0..3 {
            restarts.ended(FAILED);
        }
        assert_eq!(restarts.ended(SLOW), Decision::StartAfter(Duration::ZERO));
        assert_eq!(restarts.ended(FAILED), Decision::StartAfter(Duration::from_secs(1)));
        assert_eq!(restarts.ended(SERVED), Decision::StartAfter(Duration::ZERO));
        assert_eq!(restarts.ended(FAILED), Decision::StartAfter(Duration::ZERO));
    }
}
