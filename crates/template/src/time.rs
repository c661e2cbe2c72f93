//! Points in time in UTC and durations, printed and laid out as Go's `time` package does.
//!
//! No clock and no time zones: everything is UTC.

use std::fmt::Write as _;

use crate::function::{CallError, Signature, Type, text};
use crate::value::{IntType, Struct, Value};

mod layout;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The layout of a time's text form.
const TEXT_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

/// `time.Time` in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Nanoseconds since the Unix epoch.
    nanos: i128,
}

/// A time as calendars and clocks show it.
#[derive(Clone, Copy, Debug)]
struct Civil {
    year: i64,
    /// From 1.
    month: usize,
    /// From 1.
    day: i64,
    /// From 1.
    year_day: i64,
    /// From 0 for Sunday.
    weekday: usize,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
}

impl Time {
    /// The time so many milliseconds after the Unix epoch.
    pub(crate) fn from_millis(millis: i64) -> Self {
        Self { nanos: i128::from(millis) * 1_000_000 }
    }

    /// A pointer to the time, as the functions give it.
    pub(crate) fn into_value(self) -> Value {
        Value::pointer(self)
    }

    fn civil(self) -> Civil {
        let days = self.nanos.div_euclid(DAY);
        let in_day = small(self.nanos.rem_euclid(DAY));
        let days = small(days);
        let (year, month, day) = date_of(days);
        let second = in_day / 1_000_000_000;
        Civil {
            year,
            month: usize::try_from(month).unwrap_or(1),
            day,
            year_day: days - days_of(year, 1, 1) + 1,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            nanos: in_day % 1_000_000_000,
        }
    }

    fn add_date(self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let month = i64::try_from(civil.month).unwrap_or(1) - 1;
        let months = month.saturating_add(months);
        let year = civil.year.saturating_add(years).saturating_add(months.div_euclid(12));
        let year = year.clamp(-1_000_000_000, 1_000_000_000);
        let first = days_of(year, months.rem_euclid(12) + 1, 1);
        let date = i128::from(first) + i128::from(civil.day - 1) + i128::from(days);
        Self { nanos: date * DAY + self.nanos.rem_euclid(DAY) }
    }

    fn add(self, nanos: i64) -> Self {
        Self { nanos: self.nanos + i128::from(nanos) }
    }

    /// The time rounded down to a multiple of `unit` since the year 1.
    fn truncated(self, unit: i64) -> Self {
        let since = self.nanos - i128::from(days_of(1, 1, 1)) * DAY;
        match i128::from(unit) {
            unit if unit <= 0 => self,
            unit => Self { nanos: self.nanos - since.rem_euclid(unit) },
        }
    }

    fn rounded(self, unit: i64) -> Self {
        let low = self.truncated(unit);
        let rest = self.nanos - low.nanos;
        if rest * 2 < i128::from(unit) || unit <= 0 { low } else { low.add(unit) }
    }
}

/// Days since the Unix epoch to year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let in_era = shifted.rem_euclid(146_097);
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The days from the Unix epoch to a date.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let in_era = year.rem_euclid(400);
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

/// A number that is known to be small; at worst it stays at the ends.
fn small(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn month_name(month: i64) -> String {
    name_of(&MONTHS, month - 1).unwrap_or_else(|| format!("%!Month({month})"))
}

pub(crate) fn weekday_name(weekday: i64) -> String {
    name_of(&WEEKDAYS, weekday).unwrap_or_else(|| format!("%!Weekday({weekday})"))
}

fn name_of(names: &[&str], index: i64) -> Option<String> {
    names.get(usize::try_from(index).ok()?).map(|name| (*name).to_owned())
}

/// A duration as `time.Duration` prints it: `1h30m0.5s`.
pub(crate) fn duration_text(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let small_unit = match total {
        0..1_000 => Some(("ns", 0)),
        1_000..1_000_000 => Some(("µs", 3)),
        1_000_000..1_000_000_000 => Some(("ms", 6)),
        _ => None,
    };
    if let Some((unit, decimals)) = small_unit {
        return format!("{sign}{}{unit}", with_decimals(total, decimals));
    }
    let seconds = with_decimals(total % 60_000_000_000, 9);
    let minutes = total / 60_000_000_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `number` divided by ten to the power, without trailing zeros.
fn with_decimals(number: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let mut out = (number / unit).to_string();
    let rest = number % unit;
    if rest != 0 {
        let width = usize::try_from(decimals).unwrap_or(0);
        let digits = format!("{rest:0width$}");
        // Writing into a `String` cannot fail.
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
    out
}

const NONE: Signature = Signature::fixed(&[]);
const DURATION: Signature = Signature::fixed(&[Type::Int(IntType::Duration)]);
const TIME: Signature = Signature::fixed(&[Type::Named("time.Time")]);

/// What a method of `time.Duration` takes.
pub(crate) fn duration_method(name: &str) -> Option<Signature> {
    match name {
        "Abs" | "Hours" | "Microseconds" | "Milliseconds" | "Minutes" | "Nanoseconds"
        | "Seconds" | "String" => Some(NONE),
        "Round" | "Truncate" => Some(DURATION),
        _ => None,
    }
}

/// Calls a method of `time.Duration`.
pub(crate) fn call_duration_method(
    nanos: i64,
    name: &str,
    args: &[Value],
) -> Result<Value, CallError> {
    let of_unit =
        |unit: i64| Value::Float((nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64);
    Ok(match name {
        "Abs" => duration(nanos.saturating_abs()),
        "Hours" => of_unit(3_600_000_000_000),
        "Minutes" => of_unit(60_000_000_000),
        "Seconds" => of_unit(1_000_000_000),
        "Milliseconds" => Value::Int(nanos / 1_000_000, IntType::Int64),
        "Microseconds" => Value::Int(nanos / 1_000, IntType::Int64),
        "Nanoseconds" => Value::Int(nanos, IntType::Int64),
        "Truncate" => match int(args, 0) {
            unit if unit <= 0 => duration(nanos),
            unit => duration(nanos - nanos % unit),
        },
        "Round" => duration(rounded(nanos, int(args, 0))),
        _ => return Err(CallError::new(format!("time.Duration has no method {name}"))),
    })
}

/// Half away from zero.
fn rounded(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = i128::from(nanos % unit);
    let low = i128::from(nanos) - rest;
    let unit = i128::from(unit);
    let up = if rest < 0 { -unit } else { unit };
    small(if rest.abs() * 2 < unit { low } else { low + up })
}

fn duration(nanos: i64) -> Value {
    Value::Int(nanos, IntType::Duration)
}

fn int(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(int, _)) => *int,
        _ => 0,
    }
}

/// The time that an argument is.
fn time(args: &[Value], index: usize) -> Option<Time> {
    let Some(Value::Struct(value)) = args.get(index).map(Value::pointee) else { return None };
    let value: &dyn std::any::Any = &**value;
    value.downcast_ref::<Time>().copied()
}

impl Struct for Time {
    fn type_name(&self) -> &str {
        "time.Time"
    }

    fn text(&self) -> Option<String> {
        Some(layout::format(self.civil(), TEXT_LAYOUT))
    }

    fn go_text(&self) -> Option<String> {
        let civil = self.civil();
        let month = MONTHS.get(civil.month - 1)?;
        let Civil { year, day, hour, minute, second, nanos, .. } = civil;
        Some(format!(
            "time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {nanos}, time.UTC)"
        ))
    }

    fn json(&self) -> Option<String> {
        let layout = "2006-01-02T15:04:05.999999999Z07:00";
        Some(format!("\"{}\"", layout::format(self.civil(), layout)))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        const INT: Type = Type::Int(IntType::Int);
        Some(match name {
            "Year" | "Month" | "Day" | "Weekday" | "YearDay" | "Hour" | "Minute" | "Second"
            | "Nanosecond" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "IsZero"
            | "String" | "GoString" | "IsDST" => NONE,
            "Format" => Signature::fixed(&[Type::Text]),
            "Add" | "Round" | "Truncate" => DURATION,
            "AddDate" => Signature::fixed(&[INT, INT, INT]),
            "Sub" | "After" | "Before" | "Equal" | "Compare" => TIME,
            "Date" | "Clock" => NONE.with_results(3),
            "ISOWeek" => NONE.with_results(2),
            _ => return None,
        })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        let civil = self.civil();
        let whole = |unit: i128| Value::Int(small(self.nanos.div_euclid(unit)), IntType::Int64);
        let other = || time(args, 0).ok_or_else(|| CallError::new("argument is not a time"));
        Ok(match name {
            "Year" => Value::int(civil.year),
            "Month" => Value::Int(i64::try_from(civil.month).unwrap_or(1), IntType::Month),
            "Weekday" => Value::Int(i64::try_from(civil.weekday).unwrap_or(0), IntType::Weekday),
            "Day" => Value::int(civil.day),
            "YearDay" => Value::int(civil.year_day),
            "Hour" => Value::int(civil.hour),
            "Minute" => Value::int(civil.minute),
            "Second" => Value::int(civil.second),
            "Nanosecond" => Value::int(civil.nanos),
            "Unix" => whole(SECOND),
            "UnixMilli" => whole(1_000_000),
            "UnixMicro" => whole(1_000),
            "UnixNano" => whole(1),
            "UTC" => value(*self),
            "IsZero" => Value::Bool(self.nanos == i128::from(days_of(1, 1, 1)) * DAY),
            "IsDST" => Value::Bool(false),
            "GoString" => Value::from(self.go_text().unwrap_or_default()),
            "String" => Value::from(self.text().unwrap_or_default()),
            "Format" => Value::from(layout::format(civil, &text(args, 0))),
            "Add" => value(self.add(int(args, 0))),
            "AddDate" => value(self.add_date(int(args, 0), int(args, 1), int(args, 2))),
            "Round" => value(self.rounded(int(args, 0))),
            "Truncate" => value(self.truncated(int(args, 0))),
            "Sub" => duration(small(self.nanos - other()?.nanos)),
            "After" => Value::Bool(self.nanos > other()?.nanos),
            "Before" => Value::Bool(self.nanos < other()?.nanos),
            "Equal" => Value::Bool(self.nanos == other()?.nanos),
            "Compare" => Value::int(i64::from(self.nanos.cmp(&other()?.nanos) as i8)),
            _ => return Err(CallError::new(format!("time.Time has no method {name}"))),
        })
    }
}

/// A time by value, as methods give it.
fn value(time: Time) -> Value {
    Value::Struct(std::rc::Rc::new(time))
}
