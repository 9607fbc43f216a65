//! How long one exchange may take, by its deadline.  Pure.

use std::time::{Duration, SystemTime};

use crate::invocation::Deadline;

/// The margin before a deadline, where nobody set one: the smaller of this and a tenth of the time.
const DEFAULT_MARGIN: Duration = Duration::from_millis(200);
/// How long a handler has where Lambda gave no usable deadline: the longest timeout of a function.
const UNTOLD_TIME: Duration = Duration::from_mins(15);
/// No function may run longer: 90 minutes, of an asynchronous one on Managed Instances.
const LONGEST_TIME: Duration = Duration::from_mins(90);

/// How long one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allotment {
    /// The time until we give up.
    pub(super) time: Duration,
    /// How long before the deadline that is.
    pub(super) margin: Duration,
}

/// What a deadline allows.  One that is missing or past is a clock that is wrong, not a handler to kill.
pub(super) fn allot(
    deadline: Option<Deadline>,
    margin: Option<Duration>,
    now: SystemTime,
) -> Allotment {
    let total = deadline.and_then(|deadline| deadline.remaining(now)).unwrap_or(UNTOLD_TIME);
    let total = total.min(LONGEST_TIME);
    // However large the margin, half of the time is the handler's.
    let margin = margin.unwrap_or_else(|| DEFAULT_MARGIN.min(total / 10)).min(total / 2);
    Allotment { time: total.saturating_sub(margin), margin }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn allotted(deadline_in_ms: Option<i64>, margin_ms: Option<u64>) -> (u128, u128) {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let deadline = deadline_in_ms.map(|ms| {
            Deadline::from_epoch_ms(1_000_000_000u64.checked_add_signed(ms).expect("a date"))
        });
        let Allotment { time, margin } = allot(deadline, margin_ms.map(Duration::from_millis), now);
        (time.as_millis(), margin.as_millis())
    }

    #[test]
    fn the_margin_is_the_smaller_of_200_ms_and_a_tenth() {
        assert_eq!(allotted(Some(3_000), None), (2_800, 200));
        assert_eq!(allotted(Some(1_000), None), (900, 100));
        assert_eq!(allotted(Some(3_000), Some(50)), (2_950, 50));
        assert_eq!(allotted(Some(3_000), Some(0)), (3_000, 0));
    }

    #[test]
    fn half_of_the_time_is_the_handlers_however_large_the_margin() {
        assert_eq!(allotted(Some(1_000), Some(5_000)), (500, 500));
    }

    #[test]
    fn a_deadline_that_is_missing_past_or_absurd_kills_nobody() {
        assert_eq!(allotted(None, None), (899_800, 200));
        assert_eq!(allotted(Some(-5_000), None), (899_800, 200));
        assert_eq!(allotted(Some(0), None), (899_800, 200));
        assert_eq!(allotted(Some(i64::MAX), None), (5_399_800, 200));
    }
}
