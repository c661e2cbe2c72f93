//! The endpoints that look up series, label names and label values.

use std::collections::BTreeSet;

use skopos_core::{Error, Labels, Selection, TimeRange};

use super::json::Json;
use super::param::{self, Moment};
use super::reply::{Failure, FailureKind, Notes};
use super::{Api, Call, selector};

/// `GET|POST /series`: the label sets of the selected series.
pub(super) fn series(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    if let Some(error) = call.form.error() {
        return Err(Failure::bad_data(format!("error parsing form values: {error}")));
    }
    if call.form.values("match[]").next().is_none() {
        return Err(Failure::bad_data("no match[] parameter provided"));
    }
    let limit = param::limit(&call.form)?;
    let range = time_range(call)?;
    let sets = selector::parse_all(&call.form).map_err(|e| e.of_parameter("match[]"))?;
    let mut found = Found::new(limit);
    let several = 1 < sets.len();
    for matchers in sets {
        let selection = Selection::new(matchers, range).with_limit(found.room());
        let selection = if several { selection.sorted() } else { selection };
        found.add(api, &selection, several)?;
    }
    let mut notes = Notes { warnings: found.warnings, ..Notes::none() };
    let mut series = found.series;
    if several {
        series.sort();
        series.dedup();
    }
    if 0 < limit && limit < series.len() {
        series.truncate(limit);
        notes.truncated();
    }
    json.array(&series, |json, labels| {
        json.labels(labels);
    });
    Ok(notes)
}

/// `GET|POST /labels`: the names of labels.
pub(super) fn label_names(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = param::limit(&call.form)?;
    let range = time_range(call)?;
    let sets = selector::parse_all(&call.form)?;
    let names = lookup(sets, range, limit, |selection| api.source.label_names(selection))?;
    Ok(write_limited(json, names, limit))
}

/// `GET /label/NAME/values`: the values of a label.
pub(super) fn label_values(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let name = match call.name.strip_prefix("U__") {
        Some(escaped) => unescape_name(escaped).unwrap_or_else(|| call.name.clone()),
        None => call.name.clone(),
    };
    if name.is_empty() {
        let quoted = skopos_core::text::Quoted(&name);
        return Err(Failure::bad_data(format!("invalid label name: {quoted}")));
    }
    let limit = param::limit(&call.form)?;
    let range = time_range(call)?;
    let sets = selector::parse_all(&call.form)?;
    let values = lookup(sets, range, limit, |selection| api.source.label_values(&name, selection))
        .map_err(|failure| Failure { kind: FailureKind::Execution, ..failure })?;
    Ok(write_limited(json, values, limit))
}

fn time_range(call: &Call) -> Result<TimeRange, Failure> {
    let start = param::optional_time(&call.form, "start", Moment::MIN)?;
    let end = param::optional_time(&call.form, "end", Moment::MAX)?;
    Ok(TimeRange::new(start.millis(), end.millis()))
}

/// The union of what `ask` finds for each set of matchers, sorted; at most one more than `limit`.
fn lookup(
    mut sets: Vec<Vec<skopos_core::Matcher>>,
    range: TimeRange,
    limit: usize,
    ask: impl Fn(&Selection) -> Result<Vec<String>, Error>,
) -> Result<Vec<String>, Failure> {
    let one_more = if limit == 0 { 0 } else { limit.saturating_add(1) };
    if sets.len() <= 1 {
        let selection = Selection::new(sets.pop().unwrap_or_default(), range).with_limit(one_more);
        return ask(&selection).map_err(|e| Failure::from_error(&e));
    }
    let mut all = BTreeSet::new();
    for matchers in sets {
        let selection = Selection::new(matchers, range).with_limit(one_more);
        all.extend(ask(&selection).map_err(|e| Failure::from_error(&e))?);
    }
    Ok(all.into_iter().collect())
}

fn write_limited(json: &mut Json, mut found: Vec<String>, limit: usize) -> Notes {
    let mut notes = Notes::none();
    if 0 < limit && limit < found.len() {
        found.truncate(limit);
        notes.truncated();
    }
    json.strings(found);
    notes
}

/// Series found so far.
struct Found {
    limit: usize,
    series: Vec<Labels>,
    warnings: Vec<String>,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self { limit, series: Vec::new(), warnings: Vec::new() }
    }

    /// How many series a selection may give: one more than wanted, to see that there are more.
    fn room(&self) -> usize {
        if self.limit == 0 { 0 } else { self.limit.saturating_add(1) }
    }

    fn add(&mut self, api: &Api, selection: &Selection, several: bool) -> Result<(), Failure> {
        let failed = |e: Error| Failure::from_error(&e);
        let mut set = api.source.select(selection).map_err(failed)?;
        let before = self.series.len();
        while let Some(series) = set.advance().map_err(failed)? {
            self.series.push(series.labels().to_labels());
            let added = self.series.len() - before;
            if 0 < self.limit && self.limit < added && !several {
                break;
            }
        }
        self.warnings.extend(set.warnings());
        Ok(())
    }
}

/// Reads a name in the encoding for metric and label names that paths can carry: `_` is `__`, other
/// characters are `_` and their code in hexadecimal and `_`.
fn unescape_name(escaped: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('_') {
            name.push('_');
            rest = tail;
            continue;
        }
        let (code, tail) = rest.split_once('_')?;
        let digits = (1..=5).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_hexdigit());
        let code = digits.then(|| u32::from_str_radix(code, 16).ok())??;
        name.push(char::from_u32(code)?);
        rest = tail;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::unescape_name;

    #[test]
    fn escaped_names_are_read() {
        for (escaped, expected) in [
            ("my_2e_label", Some("my.label")),
            ("a__b", Some("a_b")),
            ("plain", Some("plain")),
            ("_1F600_", Some("😀")),
            ("bad_zz_", None),
            ("open_2e", None),
            ("_110000_", None),
            ("_d800_", None),
        ] {
            assert_eq!(unescape_name(escaped).as_deref(), expected, "{escaped}");
        }
    }
}
