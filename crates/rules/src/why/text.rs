//! Answers in sentences, with the part of the expression that is meant.

use std::fmt::{self, Write as _};
use std::ops::Range;

use skopos_core::labels::ALERT_NAME;
use skopos_core::text::{FloatStyle, format_float, is_legacy_metric_name};
use skopos_core::{Labels, Timestamp, duration};

use super::cause::{Cause, CauseKind, Compared, Ended, LabelChange, LeftOut};
use super::{Instance, Restart, Why};
use crate::alert::AlertState;

/// How many characters of a line of the expression are shown.
const MAX_LINE: usize = 96;

/// A paragraph for each alert, or one that says why there is none.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page { expr: &self.expr, text: String::new() };
        for instance in &self.instances {
            page.instance(self, instance);
        }
        if self.more_instances != 0 {
            let state = "pending or firing";
            let _ = writeln!(page.text, "{} more are {state}.", self.more_instances);
        }
        if let Some(failure) = self.failure.as_ref().filter(|_| !self.instances.is_empty()) {
            let text = "The last evaluation failed, so that all is as it was before";
            let _ = writeln!(page.text, "{text}: {failure}.");
        }
        if self.instances.is_empty() {
            page.absence(self);
        }
        f.write_str(&page.text)
    }
}

/// A text that is being written.
struct Page<'a> {
    expr: &'a str,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, depth: usize, sentence: &str) {
        let _ = writeln!(self.text, "{:1$}{sentence}", "", depth * 2);
    }

    fn instance(&mut self, why: &Why, instance: &Instance) {
        let (at, alert) = (rfc3339(why.at), named(&why.alert, &instance.labels));
        self.line(0, &format!("{alert} is {} at {at}.", instance.state.as_str()));
        let since = rfc3339(instance.active_since);
        match &instance.kept {
            Some(kept) => {
                let (kept_since, until) = (rfc3339(kept.since), rfc3339(kept.until));
                self.line(
                    1,
                    &format!(
                        "The expression has had no result since {kept_since}, \
                     but keep_firing_for holds the alert until {until}."
                    ),
                );
                if let Some(cause) = &kept.cause {
                    self.cause(1, cause);
                }
            }
            None => {
                let lasted = lasting(why.at - instance.active_since);
                let longer = match instance.perhaps_longer {
                    true => " or longer: the replay began there",
                    false => "",
                };
                self.line(
                    1,
                    &format!(
                        "The expression has had a result since {since}, \
                     for {lasted}{longer}; its value is {}.",
                        number(Some(instance.value))
                    ),
                );
            }
        }
        if let Some(condition) = &instance.condition {
            self.condition(1, condition);
        }
        if let (AlertState::Pending, Some(fires_at)) = (instance.state, instance.fires_at) {
            let left = lasting(fires_at - why.at);
            let fires_at = rfc3339(fires_at);
            self.line(1, &format!("It fires at {fires_at}, in {left}, if that goes on."));
        }
        if let Some(firing) = instance.firing_since {
            self.line(1, &format!("It has been firing since {}.", rfc3339(firing)));
        }
        if let Some(restart) = &instance.restart {
            self.restart(restart, "The time of `for` began anew");
        }
        if let Some(before) = &instance.before {
            self.line(1, "At the evaluation before, the expression had no result:");
            self.cause(2, before);
        }
        if 0 < instance.false_starts {
            let from = rfc3339(why.replayed_from);
            let count = times(instance.false_starts);
            self.line(1, &format!("Since {from} it was pending {count} without coming to fire."));
        }
    }

    fn absence(&mut self, why: &Why) {
        let (at, alert) = (rfc3339(why.at), named(&why.alert, &why.labels));
        self.line(0, &format!("{alert} is absent at {at}."));
        for cause in &why.causes {
            self.cause(1, cause);
        }
        if why.causes.is_empty() {
            self.line(1, "Why is not known: the expression has a result now, or cannot be read.");
        }
        if let Some(restart) = &why.renamed {
            self.restart(restart, "It went on with other labels");
        }
        let from = rfc3339(why.replayed_from);
        let sentence = match &why.last {
            None => format!("It was neither pending nor firing since {from}."),
            Some(last) => {
                let over = last.over_at.map(rfc3339).unwrap_or_default();
                let other = match last.labels.len() == why.labels.len() + 1 {
                    true => String::new(),
                    false => format!(" with {}", without_name(&last.labels)),
                };
                match last.firing_at {
                    Some(firing) => {
                        format!("It was last firing from {} until {over}{other}.", rfc3339(firing))
                    }
                    None => {
                        let pending = rfc3339(last.pending_at);
                        format!(
                            "It was last pending from {pending} until {over}{other}, \
                             and did not come to fire."
                        )
                    }
                }
            }
        };
        self.line(1, &sentence);
    }

    fn restart(&mut self, restart: &Restart, what: &str) {
        let (at, began) = (rfc3339(restart.at), rfc3339(restart.began));
        let changes: Vec<String> = restart.changes.iter().map(changed).collect();
        let changes = changes.join(", ");
        self.line(
            1,
            &format!(
                "{what} at {at}, because labels changed: {changes}. \
             Before, it had been active since {began}."
            ),
        );
    }

    /// The comparison that holds.
    fn condition(&mut self, depth: usize, condition: &Cause) {
        let CauseKind::Comparison { operator, compared, .. } = &condition.kind else { return };
        let Some(pair) = compared.first() else { return };
        self.line(depth, &format!("{} holds:", comparison(pair, operator)));
        self.excerpt(depth + 1, &condition.span);
    }

    fn cause(&mut self, depth: usize, cause: &Cause) {
        match &cause.kind {
            CauseKind::Alternatives { causes } => {
                self.line(depth, "Neither side of `or` has a result:");
                causes.iter().for_each(|cause| self.cause(depth + 1, cause));
            }
            CauseKind::Operands { causes } => {
                self.line(depth, "Neither operand has a result:");
                causes.iter().for_each(|cause| self.cause(depth + 1, cause));
            }
            kind => {
                self.line(depth, &sentence(kind));
                self.excerpt(depth + 1, &cause.span);
                self.details(depth, kind);
            }
        }
    }

    /// What else there is to say below the excerpt.
    fn details(&mut self, depth: usize, kind: &CauseKind) {
        match kind {
            CauseKind::Comparison { operator, compared, more, because } => {
                let shows_all = 1 < compared.len();
                for pair in compared.iter().filter(|_| shows_all) {
                    let series = named_series(&pair.series);
                    let text = format!("{series}: {}", comparison(pair, operator));
                    self.line(depth + 1, &text);
                }
                if *more != 0 {
                    self.line(depth + 1, &format!("and {more} more"));
                }
                if !because.is_empty() {
                    self.line(depth, "A value is missing there:");
                    because.iter().for_each(|cause| self.cause(depth + 1, cause));
                }
            }
            CauseKind::NoSeries { without, .. } => {
                without.iter().for_each(|left_out| self.line(depth + 1, &without_one(left_out)));
            }
            CauseKind::NoPartner { left, right, .. } => {
                self.line(depth + 1, &format!("left:  {}", named_series(left)));
                self.line(depth + 1, &format!("right: {}", named_series(right)));
            }
            _ => {}
        }
    }

    /// The line of the expression where a part begins, and a mark below the part.
    fn excerpt(&mut self, depth: usize, span: &Range<usize>) {
        let start = span.start.min(self.expr.len());
        let (Some(head), Some(tail)) = (self.expr.get(..start), self.expr.get(start..)) else {
            return;
        };
        let begin = head.rfind('\n').map_or(0, |at| at + 1);
        let end = tail.find('\n').map_or(self.expr.len(), |at| start + at);
        let line = self.expr.get(begin..end).unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        let marked = self.expr.get(start..span.end.min(end)).unwrap_or_default();
        let before: Vec<char> = head.get(begin + indent..).unwrap_or_default().chars().collect();
        let line: Vec<char> = line.trim().chars().collect();
        // A long line is cut so that the part is in the middle.
        let last = line.len().saturating_sub(MAX_LINE);
        let cut = before.len().saturating_sub(MAX_LINE / 2).min(last);
        let mut shown: String = line.iter().skip(cut).take(MAX_LINE).collect();
        let mut mark: String =
            before.iter().skip(cut).map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
        let room = line.len().min(cut + MAX_LINE).saturating_sub(before.len()).max(1);
        mark.push_str(&"^".repeat(marked.trim_end().chars().count().clamp(1, room)));
        if cut != 0 {
            shown.insert(0, '…');
            mark.insert(0, ' ');
        }
        if cut < last {
            shown.push('…');
        }
        self.line(depth, &format!("| {shown}"));
        self.line(depth, &format!("| {mark}"));
    }
}

fn sentence(kind: &CauseKind) -> String {
    match kind {
        CauseKind::AbsentOfSeries { function, series, count } => {
            let (series, more) = (named_series(series), and_more(*count));
            format!("{function}() has no result because there are series: {series}{more}.")
        }
        CauseKind::Alternatives { .. } | CauseKind::Operands { .. } => String::new(),
        CauseKind::Comparison { operator, compared, .. } => match compared.as_slice() {
            [pair] if pair.series.is_empty() => {
                format!("{} does not hold.", comparison(pair, operator))
            }
            [pair] => {
                let series = named_series(&pair.series);
                format!("{} does not hold for {series}.", comparison(pair, operator))
            }
            _ => "The comparison holds for no series; the nearest are below.".to_owned(),
        },
        CauseKind::Dropped { operator } => {
            format!("{operator} has no result, though its operands have.")
        }
        CauseKind::Excluded { left, right } => {
            let (left, right) = (named_series(left), named_series(right));
            format!("`unless` takes {left} away, because there is {right} on its right.")
        }
        CauseKind::Failed { error } => format!("The evaluation failed: {error}."),
        CauseKind::LabelLost { label, taken_away: true } => {
            format!("There are results, but the label {label} is taken away here.")
        }
        CauseKind::LabelLost { label, .. } => {
            format!("There are results, but none has the label {label}.")
        }
        CauseKind::LabelValue { label, wanted, found } => {
            let found = list(found);
            format!("There are results, but none with {label}={wanted:?}; there are {found}.")
        }
        CauseKind::NoMetric { name, similar } if similar.is_empty() => {
            format!("There is no metric {name}.")
        }
        CauseKind::NoMetric { name, similar } => {
            format!("There is no metric {name}; there are {}.", list(similar))
        }
        CauseKind::NoPartner { operator, differing, .. } => {
            let differing: Vec<String> = differing.iter().map(differs).collect();
            let differing = differing.join("; ");
            format!("No series on the left of `{operator}` meets one on the right: {differing}.")
        }
        CauseKind::NoSeries { without, unmatched } => no_series(without, unmatched),
        CauseKind::NotEvaluated => "The group was not evaluated yet.".to_owned(),
        CauseKind::RuleLabel { label, wanted, given } => {
            format!("The rule gives its alerts {label}={given:?}, not {wanted:?}.")
        }
        CauseKind::Stale { series, count, last_seen, ended } => {
            let seen = rfc3339(*last_seen);
            let (series, more) = (named_series(series), ended_too(*count));
            match ended {
                Ended::Age { window } => {
                    let window = duration::format(*window);
                    format!(
                        "{series} has no sample since {seen}, \
                         which is longer ago than the {window} that count{more}."
                    )
                }
                Ended::Marker { at } => {
                    let at = rfc3339(*at);
                    format!("{series} was marked as stale at {at}, after a sample at {seen}{more}.")
                }
            }
        }
        CauseKind::TooFewSamples { function, series, samples } => {
            let series = named_series(series);
            let few = if *samples == 1 { "a single sample" } else { "too few samples" };
            format!("{function}() needs two samples in its range, and {series} has {few}.")
        }
    }
}

fn no_series(without: &[LeftOut], unmatched: &[skopos_core::Matcher]) -> String {
    if !without.is_empty() {
        return "No series fits all conditions.".to_owned();
    }
    match unmatched {
        [] => "No series fits all conditions, nor all but one.".to_owned(),
        [one] => format!("No series fits {one}."),
        several => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!("No series fits any of {}.", several.join(", "))
        }
    }
}

fn without_one(left_out: &LeftOut) -> String {
    let LeftOut { matcher, asked, series, values, more } = left_out;
    let asked = if *asked { ", which was asked for," } else { "" };
    let are = if *series == 1 { "is" } else { "are" };
    let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
    let name = matcher.name();
    let values = list(values);
    format!("Without {matcher}{asked} there {are} {series} series: {name} is {values}{more}.")
}

fn list(values: &[String]) -> String {
    let shown = |value: &String| match value.is_empty() {
        true => "missing".to_owned(),
        false => format!("{value:?}"),
    };
    values.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn comparison(pair: &Compared, operator: &str) -> String {
    format!("{} {operator} {}", number(pair.left), number(pair.right))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "a histogram".to_owned(), |v| format_float(v, FloatStyle::Api))
}

fn and_more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    }
}

fn ended_too(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!("; {} more series ended too", count - 1),
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn changed(change: &LabelChange) -> String {
    let LabelChange { name, from, to } = change;
    match (from, to) {
        (None, Some(to)) => format!("{name}={to:?} came"),
        (Some(from), None) => format!("{name}={from:?} went"),
        (from, to) => {
            let of = |value: &Option<String>| value.clone().unwrap_or_default();
            format!("{name} from {:?} to {:?}", of(from), of(to))
        }
    }
}

fn differs(change: &LabelChange) -> String {
    let LabelChange { name, from, to } = change;
    let of = |value: &Option<String>| {
        value.as_ref().map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"))
    };
    format!("{name} is {} on the left and {} on the right", of(from), of(to))
}

/// The alert as people write it: its name with its other labels.
fn named(alert: &str, labels: &Labels) -> String {
    match without_name(labels) {
        others if others.is_empty() => alert.to_owned(),
        others => format!("{alert}{others}"),
    }
}

/// A series as people write it: the metric's name before the braces, where it is a plain one.
fn named_series(labels: &Labels) -> String {
    let Some(name) = labels.metric_name().filter(|name| is_legacy_metric_name(name)) else {
        return labels.to_string();
    };
    match labels.without_metric_name() {
        others if others.is_empty() => name.to_owned(),
        others => format!("{name}{others}"),
    }
}

/// A duration without milliseconds, unless it has nothing else.
fn lasting(millis: i64) -> String {
    duration::format(if millis < 1000 { millis.max(0) } else { millis / 1000 * 1000 })
}

fn without_name(labels: &Labels) -> Labels {
    labels.filtered(|name| name != ALERT_NAME)
}

/// The time in UTC, milliseconds only where there are some; beyond the years 0 to 9999 in seconds.
pub(super) fn rfc3339(t: Timestamp) -> String {
    let millis = t.as_millis();
    let (days, in_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    if !(-719_528..2_932_897).contains(&days) {
        return t.to_string();
    }
    let (year, month, day) = civil(days);
    let (seconds, fraction) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the day of a leap year is the last; 400 years repeat.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next_year, month, day)
}
