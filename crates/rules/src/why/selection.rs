//! Selectors that find nothing: series that are gone, names that are unknown, conditions that are
//! not met.

use skopos_core::labels::METRIC_NAME;
use skopos_core::text::{Quoted, is_legacy_label_name};
use skopos_core::{Error, ErrorKind, Labels, MatchOp, Matcher, Timestamp};

use super::asking::Asking;
use super::cause::{Cause, CauseKind, Ended, LeftOut};
use super::explain::{Descent, MAX_TOLD};
use super::part::{Part, Selector};

/// How far back series that are gone are looked for at first, in milliseconds.
const FIRST_SEARCH: i64 = 15 * 60_000;

/// How many names or values are compared by their letters, and how long they may be.
const MAX_CANDIDATES: usize = 10_000;
const MAX_LETTERS: usize = 120;

/// A condition, and whether it comes from the labels that were asked for.
struct Condition {
    matcher: Matcher,
    asked: bool,
}

/// A selector's conditions at the time that it looks at.
struct Sought<'a> {
    asking: &'a Asking<'a>,
    conditions: Vec<Condition>,
    t: Timestamp,
    /// How many milliseconds it looks back.
    window: i64,
}

impl Descent<'_, '_> {
    /// Why a selector gives no series.
    pub(super) fn selector(
        &self,
        part: &Part,
        selector: &Selector,
        wanted: &Labels,
    ) -> Result<Cause, Error> {
        let own = selector.matchers.iter().map(|m| Condition { matcher: m.clone(), asked: false });
        let asked = wanted.iter().map(|(name, value)| Matcher::equal(name, value));
        let asked = asked.filter(|matcher| !selector.matchers.contains(matcher));
        let asked = asked.map(|matcher| Condition { matcher, asked: true });
        let sought = Sought {
            asking: self.asking,
            conditions: own.chain(asked).collect(),
            t: selector.at.unwrap_or(self.asking.t).saturating_sub(selector.offset),
            window: selector.range.unwrap_or(self.asking.lookback),
        };
        Ok(Cause::new(&part.span, sought.cause()?))
    }
}

impl Sought<'_> {
    fn cause(&self) -> Result<CauseKind, Error> {
        if let Some(gone) = self.gone()? {
            return Ok(gone);
        }
        let name = self.conditions.iter().find(|condition| {
            condition.matcher.name() == METRIC_NAME && condition.matcher.op() == MatchOp::Equal
        });
        if let Some(name) = name {
            let name = &name.matcher;
            if self.values([name], METRIC_NAME)?.is_empty() {
                let condition = Condition { matcher: name.clone(), asked: false };
                let metric = Sought { conditions: vec![condition], ..*self };
                if let Some(gone) = metric.gone()? {
                    return Ok(gone);
                }
                let similar = self.similar_names(name.value())?;
                return Ok(CauseKind::NoMetric { name: name.value().to_owned(), similar });
            }
        }
        let mut without = Vec::new();
        for (i, condition) in self.conditions.iter().enumerate() {
            let others = self.conditions.iter().enumerate().filter(|(j, _)| *j != i);
            let label = condition.matcher.name();
            let values = self.values(others.map(|(_, other)| &other.matcher), label)?;
            if values.is_empty() {
                continue;
            }
            let series = values.iter().map(|(_, count)| count).sum();
            let texts = values.iter().map(|(value, _)| &**value);
            let (values, more) = nearest_values(texts, condition.matcher.value());
            let (matcher, asked) = (condition.matcher.clone(), condition.asked);
            without.push(LeftOut { matcher, asked, series, values, more });
        }
        let mut unmatched = Vec::new();
        if let (true, Some(name)) = (without.is_empty(), name) {
            let others = self.conditions.iter().filter(|c| c.matcher != name.matcher);
            for other in others {
                if self.values([&name.matcher, &other.matcher], other.matcher.name())?.is_empty() {
                    unmatched.push(other.matcher.clone());
                }
            }
        }
        Ok(CauseKind::NoSeries { without, unmatched })
    }

    /// The values that a label has in the series that fit, with their numbers of series. Nothing
    /// where that cannot be asked, for want of a condition.
    fn values<'m>(
        &self,
        matchers: impl IntoIterator<Item = &'m Matcher>,
        label: &str,
    ) -> Result<Vec<(String, usize)>, Error> {
        let label_text = match is_legacy_label_name(label) {
            true => label.to_owned(),
            false => Quoted(label).to_string(),
        };
        let text = format!("count by ({label_text}) ({})", selector_text(matchers));
        if self.asking.engine.check(&text).is_err() {
            return Ok(Vec::new());
        }
        let lookback = self.window.max(self.asking.lookback);
        let series = self.asking.ask_at(&text, self.t, lookback)?;
        let value = |(labels, count): (Labels, Option<f64>)| {
            (labels.get(label).unwrap_or_default().to_owned(), count.unwrap_or(0.0) as usize)
        };
        Ok(series.into_iter().map(value).collect())
    }

    /// Names of metrics that begin as this one does and are similar.
    fn similar_names(&self, name: &str) -> Result<Vec<String>, Error> {
        let end = name.find(['_', ':']).map_or(name.len().min(3), |at| at + 1);
        let Some(prefix) = name.get(..end).filter(|prefix| is_plain(prefix)) else {
            return Ok(Vec::new());
        };
        let matcher = Matcher::new(METRIC_NAME, MatchOp::Regex, format!("{prefix}.*"));
        let names = self.values([&matcher], METRIC_NAME)?;
        let limit = (name.chars().count() / 3).max(2);
        let near = names.iter().map(|(name, _)| &**name);
        let near = near.filter(|other| distance(name, other) <= limit || other.contains(name));
        Ok(nearest_values(near, name).0)
    }

    /// The series that fitted and ended, if one did within the time that is searched.
    fn gone(&self) -> Result<Option<CauseKind>, Error> {
        let text = selector_text(self.conditions.iter().map(|condition| &condition.matcher));
        let mut span = FIRST_SEARCH.max(self.window.saturating_mul(2)).min(self.asking.search);
        while 0 < span {
            let range = skopos_core::duration::format(span);
            // More samples than the engine may hold are not worth the failure of the whole answer.
            let found = match self.asking.last_samples(&format!("{text}[{range}]"), self.t) {
                Err(error) if error.kind() == ErrorKind::Limit => break,
                found => found?,
            };
            let count = found.len();
            if let Some((series, last_seen)) = found.into_iter().max_by_key(|(_, t)| *t) {
                let ended = self.ended(&series, last_seen)?;
                return Ok(Some(CauseKind::Stale { series, count, last_seen, ended }));
            }
            if self.asking.search <= span {
                break;
            }
            span = span.saturating_mul(8).min(self.asking.search);
        }
        Ok(None)
    }

    /// How the series ended whose last sample is this old.
    fn ended(&self, series: &Labels, last_seen: Timestamp) -> Result<Ended, Error> {
        let text = selector_text(&series_matchers(series));
        // With a lookback that reaches the last sample, only a marker hides it.
        let is_seen = |t: Timestamp| -> Result<bool, Error> {
            Ok(!self.asking.ask_at(&text, t, (t - last_seen).saturating_add(1))?.is_empty())
        };
        if last_seen == self.t || is_seen(self.t)? {
            return Ok(Ended::Age { window: self.window });
        }
        let (mut seen, mut gone) = (last_seen, self.t);
        while 1 < gone - seen {
            let middle = seen.saturating_add((gone - seen) / 2);
            match is_seen(middle)? {
                true => seen = middle,
                false => gone = middle,
            }
        }
        Ok(Ended::Marker { at: gone })
    }
}

fn series_matchers(series: &Labels) -> Vec<Matcher> {
    series.iter().map(|(name, value)| Matcher::equal(name, value)).collect()
}

fn selector_text<'m>(matchers: impl IntoIterator<Item = &'m Matcher>) -> String {
    let matchers: Vec<String> = matchers.into_iter().map(ToString::to_string).collect();
    format!("{{{}}}", matchers.join(","))
}

/// Whether a text stands for itself in a regular expression.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Those texts that are most similar to `wanted`, each once, and how many more there are.
pub(super) fn nearest_values<'a>(
    values: impl Iterator<Item = &'a str>,
    wanted: &str,
) -> (Vec<String>, usize) {
    let mut values: Vec<&str> = values.take(MAX_CANDIDATES).collect();
    values.sort_unstable();
    values.dedup();
    values.sort_by_cached_key(|value| distance(value, wanted));
    let more = values.len().saturating_sub(MAX_TOLD);
    (values.into_iter().take(MAX_TOLD).map(ToOwned::to_owned).collect(), more)
}

/// How many letters must change to make one text of the other; what is long is cut.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(MAX_LETTERS).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(MAX_LETTERS).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
