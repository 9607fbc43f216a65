//! The one time of all files in a zip: the format's earliest, or what `SOURCE_DATE_EPOCH` says.

use std::time::Duration;

use crate::clock::Utc;

/// A date and time as zips have them: without a zone, in steps of two seconds, from 1980 to 2107.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DosTime {
    /// Year, month, day.
    pub date: u16,
    /// Hour, minute, second.
    pub time: u16,
}

impl DosTime {
    /// 1980-01-01 00:00:00.
    pub const EARLIEST: Self = Self { date: (1 << 5) + 1, time: 0 };

    /// The time that the variable gives; the earliest where it is unset or empty, or where what it gives
    /// is earlier, since that is what zips from 1970 are taken to mean.
    ///
    /// # Errors
    /// When it is no number of seconds, or beyond 2107.
    pub fn from_variable(value: Option<&str>) -> Result<Self, String> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(Self::EARLIEST);
        };
        let wrong = || {
            format!(
                "SOURCE_DATE_EPOCH is {value:?}: allowed is a number of seconds since 1970, up to the \
                 end of 2107, which is as far as a zip goes"
            )
        };
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: u64 = value.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        // 1980-01-01 and 2108-01-01.
        if seconds < 315_532_800 {
            return Ok(Self::EARLIEST);
        }
        if seconds >= 4_354_819_200 {
            return Err(wrong());
        }
        Self::at(seconds).ok_or_else(wrong)
    }

    fn at(seconds: u64) -> Option<Self> {
        let utc = Utc::after_epoch(Duration::from_secs(seconds));
        let [year, month, day, second] = [utc.year, utc.month, utc.day, utc.second_of_day]
            .map(|number| u32::try_from(number).unwrap_or(0));
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        // The highest parts first; halves of the seconds.
        let date = ((year.checked_sub(1980)? * 16 + month) * 32) + day;
        let time = (hour * 64 + minute) * 32 + second % 60 / 2;
        Some(Self { date: u16::try_from(date).ok()?, time: u16::try_from(time).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_time_or_an_error() {
        let at = |value: &str| DosTime::from_variable(Some(value));
        assert_eq!(DosTime::from_variable(None), Ok(DosTime::EARLIEST));
        for early in ["", "0", "315532799", "315532800", "315532801"] {
            assert_eq!(at(early), Ok(DosTime::EARLIEST), "{early}");
        }
        // 2026-11-21 03:04:05.
        let expected = DosTime { date: (46 * 16 + 11) * 32 + 21, time: (3 * 64 + 4) * 32 + 2 };
        assert_eq!(at("1795230245"), Ok(expected));
        let last = DosTime { date: (127 * 16 + 12) * 32 + 31, time: (23 * 64 + 59) * 32 + 29 };
        assert_eq!(at("4354819199"), Ok(last));
        for wrong in ["4354819200", "-1", "+1", "1.5", "now", " 1", "99999999999999999999"] {
            let error = at(wrong).expect_err("refused");
            assert!(error.starts_with(&format!("SOURCE_DATE_EPOCH is {wrong:?}: allowed is")));
        }
    }
}
