//! Function calls, apart from those on range vectors, histograms and labels.

use std::sync::Arc;

use skopos_core::{LabelsBuilder, MatchOp};

use super::analysis::Key;
use super::column::{Bits, Column, Series};
use super::range_function::RangeFunction;
use super::select::Take;
use super::{Evaluator, Grid, Result, Sink, not_typed};
use crate::functions::over_time::nan_first;
use crate::functions::{date, natural, value};
use crate::plan::{Arg, Call, Node, RangeSource};

impl Evaluator<'_> {
    /// The value of a call that gives a scalar, at each step.
    pub(super) fn scalar_call(&self, call: &Call, grid: Grid) -> Result<Vec<f64>> {
        let seconds = |t: i64| t as f64 / 1000.0;
        match (call.func.name, call.args.as_slice()) {
            ("time", _) => Ok((0..grid.steps).map(|i| seconds(grid.time(i))).collect()),
            ("pi", _) => Ok(vec![std::f64::consts::PI; grid.steps]),
            ("scalar", [vector]) => self.scalar_of(&vector.node, grid),
            ("max_of", [a, b]) => self.scalar_pair(a, b, grid, crate::math::max),
            ("min_of", [a, b]) => self.scalar_pair(a, b, grid, crate::math::min),
            _ => Err(not_typed()),
        }
    }

    fn scalar_pair(
        &self,
        a: &Arg,
        b: &Arg,
        grid: Grid,
        f: fn(f64, f64) -> f64,
    ) -> Result<Vec<f64>> {
        let (a, b) = (self.scalar(&a.node, grid)?, self.scalar(&b.node, grid)?);
        Ok(a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect())
    }

    /// The only float of a vector at each step, or NaN.
    fn scalar_of(&self, vector: &Node, grid: Grid) -> Result<Vec<f64>> {
        let mut values = vec![f64::NAN; grid.steps];
        let mut seen = vec![0_u8; grid.steps];
        self.each(vector, grid, &mut |series| {
            for i in series.column.floats().iter() {
                seen[i] = seen[i].saturating_add(1);
                values[i] = if seen[i] == 1 { series.column.float(i) } else { f64::NAN };
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// Hands the series of a call to `sink`.
    pub(super) fn each_call(&self, call: &Call, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        let name = call.func.name;
        if let Some(function) = RangeFunction::find(name) {
            return self.each_range_call(function, call, grid, sink);
        }
        if let Some(part) = date::part(name) {
            return self.each_date(call, grid, part, sink);
        }
        if let (Some(f), [arg]) = (value::function(name), call.args.as_slice()) {
            return self.each_mapped(&arg.node, grid, sink, &|_, v| f(v));
        }
        match (name, call.args.as_slice()) {
            ("absent", [arg]) => self.each_absent(arg, grid, sink),
            ("clamp", [vector, low, high]) => {
                let low = self.scalar(&low.node, grid)?;
                let high = self.scalar(&high.node, grid)?;
                self.each_clamped(vector, grid, &low, &high, sink)
            }
            ("clamp_max", [vector, high]) => {
                let high = self.scalar(&high.node, grid)?;
                let low = vec![f64::NEG_INFINITY; grid.steps];
                self.each_clamped(vector, grid, &low, &high, sink)
            }
            ("clamp_min", [vector, low]) => {
                let low = self.scalar(&low.node, grid)?;
                let high = vec![f64::INFINITY; grid.steps];
                self.each_clamped(vector, grid, &low, &high, sink)
            }
            ("info", _) => self.each_with_info(call, grid, sink),
            ("label_join", args) => self.each_label_join(args, grid, sink),
            ("label_replace", args) => self.each_label_replace(args, grid, sink),
            ("round", [vector]) => {
                self.each_mapped(&vector.node, grid, sink, &|_, v| value::round(v, 1.0))
            }
            ("round", [vector, to]) => {
                let to = self.scalar(&to.node, grid)?;
                self.each_mapped(&vector.node, grid, sink, &|i, v| value::round(v, to[i]))
            }
            ("sort" | "sort_desc", [vector]) => self.each_sorted(call, vector, grid, sink),
            ("sort_by_label" | "sort_by_label_desc", [vector, ..]) => {
                self.each_sorted_by_label(call, vector, grid, sink)
            }
            ("start_timestamp", [vector]) => self.each_start_timestamp(vector, grid, sink),
            ("timestamp", [vector]) => self.each_timestamp(vector, grid, sink),
            ("vector", [scalar]) => {
                let column = Column::full(self.scalar(&scalar.node, grid)?);
                sink(Series { labels: skopos_core::Labels::empty(), drop_name: false, column })
            }
            (_, args) if name.starts_with("histogram_") => {
                self.each_histogram_call(name, args, grid, sink)
            }
            _ => Err(not_typed()),
        }
    }

    /// A function of each float and its step; histograms go.
    fn each_mapped(
        &self,
        vector: &Node,
        grid: Grid,
        sink: &mut Sink<'_>,
        f: &dyn Fn(usize, f64) -> f64,
    ) -> Result<()> {
        self.each_without_name(vector, grid, sink, &mut |series| {
            series.column.drop_histograms();
            series.column.map_floats_at(f);
            Ok(())
        })
    }

    fn each_clamped(
        &self,
        vector: &Arg,
        grid: Grid,
        low: &[f64],
        high: &[f64],
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        self.each_without_name(&vector.node, grid, sink, &mut |series| {
            series.column.drop_histograms();
            for i in 0..grid.steps {
                if high[i] < low[i] {
                    series.column.remove(i);
                }
            }
            series.column.map_floats_at(|i, v| value::clamp(v, low[i], high[i]));
            Ok(())
        })
    }

    fn each_date(
        &self,
        call: &Call,
        grid: Grid,
        part: fn(&date::Civil) -> i64,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let of = |seconds: i64| part(&date::Civil::from_seconds(seconds)) as f64;
        let Some(arg) = call.args.first() else {
            // Whole seconds, cut off as integers are.
            let column = Column::full((0..grid.steps).map(|i| of(grid.time(i) / 1000)).collect());
            return sink(Series { labels: skopos_core::Labels::empty(), drop_name: false, column });
        };
        self.each_mapped(&arg.node, grid, sink, &|_, v| of(date::seconds(v)))
    }

    fn each_timestamp(&self, vector: &Arg, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        let (selector, once) = match &vector.node {
            Node::Selector(selector) => (Some(selector), false),
            Node::Once(inner) => match &**inner {
                Node::Selector(selector) => (Some(selector), true),
                _ => (None, false),
            },
            _ => (None, false),
        };
        if let Some(selector) = selector {
            let mut names = self.names(&vector.node, grid)?;
            let inner = if once { grid.first() } else { grid };
            let mut take = |mut series: Series| {
                if once {
                    series.column = series.column.repeated(grid.steps);
                }
                names.drop_from(series, sink)
            };
            self.observe(Key::of(&**selector), &mut take, |sink| {
                self.each_selected(selector, inner, true, sink)
            })?;
            return names.finish(sink);
        }
        self.each_without_name(&vector.node, grid, sink, &mut |series| {
            let mut column = Column::new(grid.steps);
            for i in series.column.present().iter() {
                column.set_float(i, grid.time(i) as f64 / 1000.0);
            }
            series.column = column;
            Ok(())
        })
    }

    fn each_start_timestamp(&self, vector: &Arg, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        let (selector, inner) = match &vector.node {
            Node::Selector(selector) => (selector, grid),
            Node::Once(node) => match &**node {
                Node::Selector(selector) => (selector, grid.first()),
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        if !self.settings.start_timestamps {
            return Ok(());
        }
        let mut names = self.names(&vector.node, grid)?;
        let mut take = |mut series: Series| {
            if inner != grid {
                series.column = series.column.repeated(grid.steps);
            }
            names.drop_from(series, sink)
        };
        self.observe(Key::of(&**selector), &mut take, |sink| {
            self.each_taken(selector, inner, Take::Start, sink)
        })?;
        names.finish(sink)
    }

    fn each_absent(&self, arg: &Arg, grid: Grid, sink: &mut Sink<'_>) -> Result<()> {
        let mut present = Bits::new(grid.steps);
        self.each(&arg.node, grid, &mut |series| {
            present.union(&series.column.present());
            Ok(())
        })?;
        Self::emit_absent(Some(&arg.node), &present, grid, sink)
    }

    /// One series with 1 wherever nothing is present, labeled as the selector asks.
    pub(super) fn emit_absent(
        node: Option<&Node>,
        present: &Bits,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut column = Column::new(grid.steps);
        for i in (0..grid.steps).filter(|i| !present.get(*i)) {
            column.set_float(i, 1.0);
        }
        if column.is_empty() {
            return Ok(());
        }
        sink(Series { labels: absent_labels(node), drop_name: false, column })
    }

    fn each_sorted(
        &self,
        call: &Call,
        vector: &Arg,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        if !self.settings.instant {
            self.notes.sort_in_range_query(call.span);
        }
        if grid.steps != 1 {
            return self.each(&vector.node, grid, &mut |mut series| {
                series.column.drop_histograms();
                if series.column.is_empty() { Ok(()) } else { sink(series) }
            });
        }
        let mut series = self.collect(&vector.node, grid)?.series;
        series.retain(|s| s.column.floats().get(0));
        let key = |s: &Series| s.column.float(0);
        if call.func.name == "sort" {
            // NaN comes last in both directions.
            series.sort_by(|a, b| nan_last(key(a), key(b), false));
        } else {
            series.sort_by(|a, b| nan_last(key(a), key(b), true));
        }
        series.into_iter().try_for_each(sink)
    }

    fn each_sorted_by_label(
        &self,
        call: &Call,
        vector: &Arg,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        if !self.settings.instant {
            self.notes.sort_in_range_query(call.span);
        }
        if grid.steps != 1 {
            return self.each(&vector.node, grid, sink);
        }
        let names: Vec<Arc<str>> = texts(call.args.get(1..).unwrap_or_default())?;
        let mut series = self.collect(&vector.node, grid)?.series;
        series.sort_by(|a, b| {
            let by_name = names.iter().map(|name| {
                let (a, b) = (a.labels.get(name), b.labels.get(name));
                natural::compare(a.unwrap_or_default(), b.unwrap_or_default())
            });
            by_name
                .into_iter()
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.labels.cmp(&b.labels))
        });
        if call.func.name == "sort_by_label_desc" {
            series.reverse();
        }
        series.into_iter().try_for_each(sink)
    }
}

fn nan_last(a: f64, b: f64, descending: bool) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(&b, &a),
        (false, false) => nan_first(&a, &b),
        (a, b) => a.cmp(&b),
    }
}

/// The texts of string arguments.
pub(super) fn texts(args: &[Arg]) -> Result<Vec<Arc<str>>> {
    args.iter()
        .map(|arg| match &arg.node {
            Node::Text(text) => Ok(Arc::clone(text)),
            _ => Err(not_typed()),
        })
        .collect()
}

/// The labels that a selector asks for with exactly one equality.
fn absent_labels(node: Option<&Node>) -> skopos_core::Labels {
    let matchers = match node {
        Some(Node::Selector(selector)) => &selector.matchers,
        Some(Node::Range(range)) => match &range.source {
            RangeSource::Selector(selector) => &selector.matchers,
            RangeSource::Subquery { .. } => return skopos_core::Labels::empty(),
        },
        Some(Node::Once(inner)) => return absent_labels(Some(inner)),
        _ => return skopos_core::Labels::empty(),
    };
    let mut builder = LabelsBuilder::new();
    for m in matchers.iter().filter(|m| m.name() != "__name__" && m.op() == MatchOp::Equal) {
        let times = matchers.iter().filter(|other| other.name() == m.name()).count();
        if times == 1 {
            builder.set(m.name(), m.value());
        }
    }
    builder.finish()
}
