//! Dates as Lambda writes them: UTC, from seconds since the epoch.  Values only: the clock is handed in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment split into its UTC parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// The year.
    pub year: u64,
    /// The month, 1 to 12.
    pub month: u64,
    /// The day of the month, 1 to 31.
    pub day: u64,
    /// The second of the day.
    pub second_of_day: u64,
    /// The microsecond of the second.
    pub micros: u32,
}

impl Utc {
    /// The parts of a moment; one before 1970 is 1970.
    #[must_use]
    pub fn of(moment: SystemTime) -> Self {
        Self::after_epoch(moment.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// The parts of the moment so long after the epoch.
    #[must_use]
    pub fn after_epoch(since: Duration) -> Self {
        let (days, second_of_day) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Howard Hinnant's days-to-civil: eras of 400 years that begin on the first of March.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day, second_of_day, micros: since.subsec_micros() }
    }

    /// `2026-11-21T03:04:05.678Z`.
    #[must_use]
    pub fn iso(self) -> String {
        let time = self.time();
        let millis = self.micros / 1_000;
        format!("{:04}-{:02}-{:02}T{time}.{millis:03}Z", self.year, self.month, self.day)
    }

    /// `2026/11/21`, as log streams begin.
    #[must_use]
    pub fn slashed(self) -> String {
        format!("{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }

    /// `03:04:05.678901`.
    #[must_use]
    pub fn time_of_day(self) -> String {
        format!("{}.{:06}", self.time(), self.micros)
    }

    fn time(self) -> String {
        let second = self.second_of_day;
        format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let iso = |seconds: u64| Utc::after_epoch(Duration::from_millis(seconds * 1_000 + 7)).iso();
        assert_eq!(iso(0), "1970-01-01T00:00:00.007Z");
        assert_eq!(iso(951_782_399), "2000-02-28T23:59:59.007Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00.007Z");
        assert_eq!(iso(951_868_800), "2000-03-01T00:00:00.007Z");
        assert_eq!(iso(1_795_230_245), "2026-11-21T03:04:05.007Z");
        assert_eq!(iso(4_107_542_400), "2100-03-01T00:00:00.007Z");
    }

    #[test]
    fn log_streams_and_wires_have_their_own_forms() {
        let utc = Utc::after_epoch(Duration::from_micros(1_795_230_245_000_042));
        assert_eq!(utc.slashed(), "2026/11/21");
        assert_eq!(utc.time_of_day(), "03:04:05.000042");
    }
}
