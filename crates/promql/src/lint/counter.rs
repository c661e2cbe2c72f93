//! Counters taken for gauges, and gauges for counters.

use super::metric::{self, Trend};
use super::{Code, Context, Linter, is_shifted};
use crate::ast::{AggregateExpr, AggregateOp, Call, DurationArg, Expr, MatrixSelector};

/// Whether an aggregation tells how many series there are and not what they say.
pub(super) fn counts(op: AggregateOp) -> bool {
    matches!(op, AggregateOp::Count | AggregateOp::Group)
}

pub(super) fn lint_aggregation(linter: &mut Linter<'_>, e: &AggregateExpr, context: Context) {
    let adds = matches!(e.op, AggregateOp::Avg | AggregateOp::Sum);
    let Expr::Vector(selector) = e.expr.unparen() else { return };
    if !adds || context.takes_counters || is_shifted(selector) {
        return;
    }
    if metric::trend(selector, linter.options) == Trend::Counter {
        let name = metric::name(selector).unwrap_or_default();
        linter.add(Code::AggregationOfCounter, e.span, || {
            format!("{name} is a counter, and the {} of its values jumps when one restarts", e.op)
        });
    }
}

pub(super) fn lint_call(linter: &mut Linter<'_>, e: &Call) {
    let name = e.func.name;
    if name == "histogram_quantile" {
        return lint_quantile(linter, e);
    }
    let Some(range) = e.args.iter().find_map(|arg| match arg.unparen() {
        range @ (Expr::Matrix(_) | Expr::Subquery(_)) => Some(range),
        _ => None,
    }) else {
        return;
    };
    match range {
        Expr::Matrix(matrix) => {
            lint_trend(linter, e, matrix);
            lint_range(linter, name, matrix);
        }
        Expr::Subquery(subquery) if is_rate(name) => {
            let Expr::Aggregate(inner) = subquery.expr.unparen() else { return };
            if matches!(inner.op, AggregateOp::Avg | AggregateOp::Count | AggregateOp::Sum) {
                linter.add(Code::RateOfAggregation, e.span, || {
                    let op = inner.op;
                    format!("{name} of a {op} takes the restart of one counter for that of all")
                });
            }
        }
        _ => {}
    }
}

/// Whether a function makes up for restarts.
fn is_rate(name: &str) -> bool {
    matches!(name, "increase" | "irate" | "rate" | "resets")
}

fn lint_trend(linter: &mut Linter<'_>, e: &Call, matrix: &MatrixSelector) {
    let name = e.func.name;
    let metric = metric::name(&matrix.selector).unwrap_or_default();
    match metric::trend(&matrix.selector, linter.options) {
        Trend::Gauge if is_rate(name) => {
            linter.add(Code::RateOverGauge, e.span, || {
                format!("{metric} is a gauge, and {name} takes every fall for a restart")
            });
        }
        Trend::Counter if matches!(name, "delta" | "deriv" | "idelta") => {
            linter.add(Code::DeltaOverCounter, e.span, || {
                format!("{metric} is a counter, and {name} takes a restart for a fall")
            });
        }
        Trend::Counter if averages(name) => {
            linter.add(Code::OverTimeOfCounter, e.span, || {
                format!("{metric} is a counter, and {name} of it depends on when it started")
            });
        }
        Trend::Unknown if is_rate(name) && !has_counter_suffix(metric) => {
            linter.add(Code::RateOverUnknown, e.span, || {
                format!("the name {metric} does not end as those of counters do")
            });
        }
        _ => {}
    }
}

fn has_counter_suffix(name: &str) -> bool {
    ["_bucket", "_count", "_sum", "_total"].iter().any(|suffix| name.ends_with(suffix))
        || name.is_empty()
        || name.contains(':')
}

fn averages(name: &str) -> bool {
    let is_over_time = name.ends_with("_over_time");
    is_over_time && ["avg", "mad", "quantile", "std", "sum"].iter().any(|s| name.starts_with(s))
}

/// How many scrapes a function wants to see: one may be late or fail, and two must be left.
fn wanted_scrapes(name: &str) -> Option<i64> {
    match name {
        "delta" | "deriv" | "increase" | "predict_linear" | "rate" => Some(4),
        "idelta" | "irate" => Some(2),
        _ => None,
    }
}

fn lint_range(linter: &mut Linter<'_>, name: &str, matrix: &MatrixSelector) {
    let (Some(wanted), DurationArg::Millis(range)) = (wanted_scrapes(name), &matrix.range) else {
        return;
    };
    let selector = &matrix.selector;
    let is_recorded = metric::name(selector).is_some_and(|name| name.contains(':'));
    let interval = linter.options.scrape_interval;
    let reaches_out = selector.anchored || selector.smoothed || is_recorded;
    if reaches_out || interval.saturating_mul(wanted) <= *range {
        return;
    }
    linter.add(Code::RangeTooShort, matrix.span, || {
        let range = skopos_core::duration::format(*range);
        let interval = skopos_core::duration::format(interval);
        format!("{range} hold fewer than {wanted} scrapes of one in {interval}")
    });
}

/// A quantile of buckets that count since the start of their process.
fn lint_quantile(linter: &mut Linter<'_>, e: &Call) {
    let Some(mut inner) = e.args.get(1).map(Expr::unparen) else { return };
    while let Expr::Aggregate(aggregate) = inner {
        inner = aggregate.expr.unparen();
    }
    let Expr::Vector(selector) = inner else { return };
    let Some(name) = metric::name(selector) else { return };
    let is_gauge = metric::trend(selector, linter.options) == Trend::Gauge;
    if name.ends_with("_bucket") && !name.contains(':') && !is_gauge {
        linter.add(Code::QuantileWithoutRate, e.span, || {
            format!("{name} counts since its process started, and so does the quantile")
        });
    }
}
