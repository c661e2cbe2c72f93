//! The calendar: what day it is so many seconds after the epoch, in UTC and the Gregorian calendar.

const SECONDS_PER_DAY: i64 = 86_400;
/// Beyond this many seconds from the epoch, years no longer fit; times are held there.
const LIMIT: i64 = 60_000_000_000_000_000;

/// A point in time, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    /// From 1.
    pub(crate) day_of_year: i64,
    /// From 0, Sunday.
    pub(crate) weekday: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Civil {
    /// The point in time so many seconds after the epoch.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        let seconds = seconds.clamp(-LIMIT, LIMIT);
        let (days, rest) =
            (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        // Years that begin in March have their leap day at the end; eras of 400 years repeat.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let before_march = 59 + i64::from(is_leap(year));
        let day_of_year = if month <= 2 { of_year - 306 + 1 } else { of_year + before_march + 1 };
        Self {
            year,
            month,
            day,
            day_of_year,
            weekday: (days + 4).rem_euclid(7),
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// How many days the month has.
    pub(crate) fn days_in_month(&self) -> i64 {
        match self.month {
            2 => 28 + i64::from(is_leap(self.year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// A function of the calendar, by its name in PromQL.
pub(crate) fn part(name: &str) -> Option<fn(&Civil) -> i64> {
    Some(match name {
        "day_of_month" => |c| c.day,
        "day_of_week" => |c| c.weekday,
        "day_of_year" => |c| c.day_of_year,
        "days_in_month" => Civil::days_in_month,
        "hour" => |c| c.hour,
        "minute" => |c| c.minute,
        "month" => |c| c.month,
        "year" => |c| c.year,
        _ => return None,
    })
}

/// A float as whole seconds: cut off; what does not fit becomes the least, as upstream's platform does.
pub(crate) fn seconds(v: f64) -> i64 {
    if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&v) {
        return i64::MIN;
    }
    v as i64
}

/// Milliseconds after the epoch as RFC 3339 writes them in UTC, without a fraction.
pub(crate) fn rfc3339(millis: i64) -> String {
    let c = Civil::from_seconds(millis.div_euclid(1000));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}

#[cfg(test)]
mod tests {
    use super::{Civil, rfc3339};

    #[track_caller]
    fn check(millis: i64, expected: &str, weekday: i64, day_of_year: i64, days_in_month: i64) {
        assert_eq!(rfc3339(millis), expected);
        let c = Civil::from_seconds(millis.div_euclid(1000));
        assert_eq!(
            (c.weekday, c.day_of_year, c.days_in_month()),
            (weekday, day_of_year, days_in_month)
        );
    }

    #[test]
    fn days_of_all_kinds_are_taken_apart() {
        check(0, "1970-01-01T00:00:00Z", 4, 1, 31);
        check(951_782_400_000, "2000-02-29T00:00:00Z", 2, 60, 29);
        check(951_868_800_000, "2000-03-01T00:00:00Z", 3, 61, 31);
        check(1_709_251_199_000, "2024-02-29T23:59:59Z", 4, 60, 29);
        check(-1000, "1969-12-31T23:59:59Z", 3, 365, 31);
        check(4_107_542_400_000, "2100-03-01T00:00:00Z", 1, 60, 31);
    }
}
