//! How long failures to reach Lambda are borne.  Pure: the times are handed in.

use std::time::Duration;

/// How long a start may find nobody there.
const AT_BOOT: Duration = Duration::from_secs(10);
/// How long Lambda may be away later.
const LATER: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A connection that was held so long before it broke was a good one: counting begins anew.
const HELD: Duration = Duration::from_secs(5);

/// How many more tries failures in a row.
#[derive(Debug)]
pub(super) struct Retries {
    left: Duration,
    wait: Duration,
    whole: Duration,
}

impl Retries {
    pub(super) fn new(answered_before: bool) -> Self {
        let whole = if answered_before { LATER } else { AT_BOOT };
        Self { left: whole, wait: FIRST_WAIT, whole }
    }

    /// How long to wait after an attempt of the given length failed; none when patience has ended.
    pub(super) fn after_failure(&mut self, attempt: Duration) -> Option<Duration> {
        if attempt >= HELD {
            self.left = self.whole;
            self.wait = FIRST_WAIT;
        }
        let wait = self.wait;
        self.left = self.left.checked_sub(wait + attempt.min(HELD))?;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(answered_before: bool) -> (usize, Duration, Duration) {
        let mut patience = Retries::new(answered_before);
        let waits: Vec<Duration> =
            std::iter::from_fn(|| patience.after_failure(Duration::ZERO)).collect();
        (waits.len(), waits[0], waits.iter().sum())
    }

    #[test]
    fn waits_grow_to_a_second_and_end() {
        let (count, first, total) = waits(false);
        assert_eq!((count, first), (15, FIRST_WAIT));
        assert!(total > Duration::from_secs(9) && total <= AT_BOOT, "{total:?}");
        let (_, _, total) = waits(true);
        assert!(total > Duration::from_secs(29) && total <= LATER, "{total:?}");
    }

    #[test]
    fn a_connection_that_was_held_starts_the_count_anew() {
        let mut patience = Retries::new(true);
        for _ in 0..1000 {
            assert_eq!(patience.after_failure(HELD * 100), Some(FIRST_WAIT));
        }
    }
}
