//! `info`: labels of info metrics, added to the series that they describe.

use hashbrown::{HashMap, HashSet};
use skopos_core::{Columns, Labels, MatchOp, Matcher, Selection, is_stale_nan};
use skopos_regex::LabelRegex;

use super::column::Series;
use super::merge::Merger;
use super::{Evaluator, Grid, Result, Sink, execution, not_typed};
use crate::plan::{Arg, Call, info_matchers, info_reference, info_times};

/// The labels that say which series an info series describes.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// A matcher with its expression compiled.
struct Condition {
    matcher: Matcher,
    regex: Option<LabelRegex>,
}

impl Condition {
    fn new(matcher: &Matcher) -> Result<Self> {
        let regex = if matcher.op().is_regex() {
            let regex = LabelRegex::new(matcher.value());
            Some(
                regex
                    .map_err(|e| skopos_core::Error::caused(skopos_core::ErrorKind::Invalid, e))?,
            )
        } else {
            None
        };
        Ok(Self { matcher: matcher.clone(), regex })
    }

    fn holds(&self, value: &str) -> bool {
        let equal = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.matcher.value() == value,
        };
        equal != self.matcher.op().is_negative()
    }
}

/// An info series with the time of its newest sample at each step.
struct InfoSeries {
    labels: Labels,
    /// The metric's name with the identifying labels.
    key: Labels,
    times: Vec<Option<i64>>,
}

/// What the second argument asks for.
struct Wanted {
    /// Conditions on the info metric's name.
    names: Vec<Condition>,
    /// Conditions on the labels to add; all labels are added where there is none.
    labels: Vec<Condition>,
}

impl Wanted {
    fn new(selector: Option<&Arg>) -> Result<Self> {
        let (names, labels) = info_matchers(selector);
        let names = names.iter().map(Condition::new).collect::<Result<_>>()?;
        let labels = labels.iter().map(Condition::new).collect::<Result<_>>()?;
        Ok(Self { names, labels })
    }

    fn is_info_metric(&self, name: &str) -> bool {
        self.names.iter().all(|c| c.holds(name))
    }

    fn wants(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|c| c.matcher.name() == label)
    }

    fn requires_match(&self) -> bool {
        self.labels.iter().any(|c| !c.holds(""))
    }
}

impl Evaluator<'_> {
    /// Hands the series of an `info` call to `sink`.
    pub(super) fn each_with_info(
        &self,
        call: &Call,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let [base, rest @ ..] = call.args.as_slice() else { return Err(not_typed()) };
        let wanted = Wanted::new(rest.first())?;
        let input = self.collect(&base.node, grid)?;
        let is_info: Vec<bool> = input
            .series
            .iter()
            .map(|s| wanted.is_info_metric(s.labels.metric_name().unwrap_or_default()))
            .collect();
        let described: Vec<&Labels> = input
            .series
            .iter()
            .zip(&is_info)
            .filter(|(_, is_info)| !**is_info)
            .map(|(s, _)| &s.labels)
            .collect();
        let infos = self.info_series(&described, &wanted, call, base, grid)?;
        let newest = newest(&infos, grid)?;
        let mut out = self.merger()?;
        for (series, is_info) in input.series.iter().zip(is_info) {
            self.settings.interrupt.check_canceled()?;
            if is_info {
                out.add(series.clone())?;
                continue;
            }
            enrich(series, &infos, &newest, &wanted, grid, &mut out)?;
        }
        out.finish(sink)
    }

    /// The info series for the identifying labels of some series.
    fn info_series(
        &self,
        described: &[&Labels],
        wanted: &Wanted,
        call: &Call,
        base: &Arg,
        grid: Grid,
    ) -> Result<Vec<InfoSeries>> {
        let mut matchers: Vec<Matcher> = Vec::new();
        for name in IDENTIFYING {
            let values: HashSet<&str> =
                described.iter().filter_map(|labels| labels.get(name)).collect();
            if !values.is_empty() {
                let mut values: Vec<String> = values.into_iter().map(quote_meta).collect();
                values.sort();
                matchers.push(Matcher::new(name, MatchOp::Regex, values.join("|")));
            }
        }
        if matchers.is_empty() {
            return Ok(Vec::new());
        }
        matchers.extend(wanted.names.iter().chain(&wanted.labels).map(|c| c.matcher.clone()));
        let lookback = self.settings.lookback;
        let reference = info_reference(&base.node);
        let times = info_times(&base.node, lookback, grid);
        let mut infos = Vec::new();
        let mut columns = Columns::new();
        for (labels, series) in self.select(&Selection::new(matchers, times))? {
            self.decode(&*series, &mut columns, grid)?;
            let references = || (0..grid.steps).map(|i| reference(grid.time(i)));
            if references().any(|t| newest_histogram(&columns, t, lookback)) {
                return Err(execution(format!(
                    "this should be an info metric, with float samples: {labels}"
                )));
            }
            let times: Vec<Option<i64>> =
                references().map(|t| newest_time(&columns, t, lookback)).collect();
            for i in (0..grid.steps).filter(|i| times[*i].is_some()) {
                self.budget.tally(1, call.weight);
                self.budget.tally_step(i, 1, call.weight);
            }
            let key = labels.filtered(|name| name == "__name__" || IDENTIFYING.contains(&name));
            infos.push(InfoSeries { labels, key, times });
        }
        Ok(infos)
    }
}

/// The time of the newest live float sample within the lookback.
fn newest_time(columns: &Columns, t: i64, lookback: i64) -> Option<i64> {
    let at = columns.timestamps.partition_point(|time| *time <= t).checked_sub(1)?;
    let time = columns.timestamps[at];
    (t.saturating_sub(lookback) < time && !is_stale_nan(columns.values[at])).then_some(time)
}

/// Whether a histogram is the newest sample within the lookback.
fn newest_histogram(columns: &Columns, t: i64, lookback: i64) -> bool {
    let at = columns.histogram_timestamps.partition_point(|time| *time <= t);
    let Some(at) = at.checked_sub(1) else { return false };
    let time = columns.histogram_timestamps[at];
    let float = columns.timestamps.partition_point(|time| *time <= t).checked_sub(1);
    t.saturating_sub(lookback) < time
        && !is_stale_nan(columns.histograms[at].sum)
        && float.is_none_or(|float| columns.timestamps[float] < time)
}

/// The newest info series of each key at each step.
fn newest(infos: &[InfoSeries], grid: Grid) -> Result<HashMap<&Labels, Vec<Option<usize>>>> {
    let mut newest: HashMap<&Labels, Vec<Option<usize>>> = HashMap::new();
    for (at, info) in infos.iter().enumerate() {
        let slots = newest.entry(&info.key).or_insert_with(|| vec![None; grid.steps]);
        for (i, slot) in slots.iter_mut().enumerate() {
            let Some(time) = info.times[i] else { continue };
            let before = slot.and_then(|at| infos[at].times[i].map(|t| (at, t)));
            match before {
                Some((_, t)) if time < t => {}
                Some((other, t)) if time == t => {
                    let (existing, new) = (&infos[other].labels, &info.labels);
                    return Err(execution(format!(
                        "found duplicate series for info metric: existing {existing} @ {t}, new {new} @ {time}"
                    )));
                }
                _ => *slot = Some(at),
            }
        }
    }
    Ok(newest)
}

/// Adds the labels of the matching info series to one series, step by step.
fn enrich(
    series: &Series,
    infos: &[InfoSeries],
    newest: &HashMap<&Labels, Vec<Option<usize>>>,
    wanted: &Wanted,
    grid: Grid,
    out: &mut Merger<'_>,
) -> Result<()> {
    let identity = series.labels.filtered(|name| IDENTIFYING.contains(&name));
    let mut slots: Vec<(&Labels, &Vec<Option<usize>>)> = newest
        .iter()
        .filter(|(key, _)| key.without_metric_name() == identity)
        .map(|(key, slots)| (*key, slots))
        .collect();
    slots.sort();
    let mut last: Option<(Vec<usize>, Option<Labels>)> = None;
    for (i, point) in series.column.iter() {
        let found: Vec<usize> = slots.iter().filter_map(|(_, slots)| slots[i]).collect();
        if last.as_ref().is_none_or(|(before, _)| *before != found) {
            let labels = enriched(series, &found, infos, wanted)?;
            last = Some((found, labels));
        }
        if let Some((_, Some(labels))) = &last {
            out.entry(labels, series.drop_name, grid.steps)?.column.set(i, point.to_value());
        }
    }
    Ok(())
}

/// The labels with those of the info series; `None` where the series is left out.
fn enriched(
    series: &Series,
    found: &[usize],
    infos: &[InfoSeries],
    wanted: &Wanted,
) -> Result<Option<Labels>> {
    if found.is_empty() && wanted.requires_match() {
        return Ok(None);
    }
    let mut added: HashMap<&str, &str> = HashMap::new();
    for at in found {
        for (name, value) in &infos[*at].labels {
            if name == "__name__" || !wanted.wants(name) {
                continue;
            }
            if added.get(name).is_some_and(|before| *before != value) {
                return Err(execution(format!("conflicting label: {name}")));
            }
            if series.labels.get(name).is_none() {
                added.insert(name, value);
            }
        }
    }
    let mut builder = series.labels.to_builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(Some(builder.finish()))
}

/// The text as a regular expression that matches it.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
