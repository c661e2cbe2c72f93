//! Advice about queries that are right by the grammar and probably not what was meant.
//!
//! It looks at the tree alone and knows no data, so it says only what names, labels and shapes give away.
//! A query that can be sensible is left alone: what is a matter of taste is off until asked for.

mod catalog;
mod compare;
mod counter;
mod division;
pub mod labels;
mod matching;
mod metric;
mod names;
mod selector;
#[cfg(test)]
mod tests;

use skopos_core::MetricType;

pub use self::catalog::Code;
pub use self::labels::{KnownLabels, labels_of};
use crate::ast::{AggregateExpr, BinaryExpr, BinaryOp, Call, Expr, VectorSelector};
use crate::span::Span;

/// What is advised against, where and why.
///
/// `Display` gives the code, the reason and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// Which lint found it.
    pub code: Code,
    /// Where in the query's text; [`line_and_column`](Self::line_and_column) for people.
    pub span: Span,
    /// Why it is advised against: a sentence about this query.
    pub reason: String,
}

impl Advice {
    /// What to do instead.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.code.remedy()
    }

    /// The line and the column in characters, both from 1, of the start in `source`, the text that the
    /// expression was parsed from.
    #[must_use]
    pub fn line_and_column(&self, source: &str) -> (usize, usize) {
        let before = source.get(..self.span.start as usize).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
    }
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.code, self.reason, self.remedy())
    }
}

/// Who knows the types of metrics: by a name, as a query has it, the type of that name or of the
/// family that it belongs to; `None` where it is not known.
pub type MetricTypes<'a> = &'a dyn Fn(&str) -> Option<MetricType>;

/// What is advised against, and what is known beforehand.
#[derive(Clone, Copy)]
pub struct LintOptions<'a> {
    scrape_interval: i64,
    metric_types: Option<MetricTypes<'a>>,
    alerting: bool,
    enabled: u64,
}

impl Default for LintOptions<'_> {
    /// Scrapes every 15 s: what is too short for them is too short for rarer ones.
    fn default() -> Self {
        let defaults = Code::ALL.iter().filter(|code| code.is_default());
        let enabled = defaults.fold(0, |set, code| set | code.bit());
        Self { scrape_interval: 15_000, metric_types: None, alerting: false, enabled }
    }
}

impl<'a> LintOptions<'a> {
    /// The same, with the time between scrapes in milliseconds.
    #[must_use]
    pub fn with_scrape_interval(self, millis: i64) -> Self {
        Self { scrape_interval: millis, ..self }
    }

    /// The same, with the types of metrics; names decide where these know nothing.
    #[must_use]
    pub fn with_metric_types(self, types: MetricTypes<'a>) -> Self {
        Self { metric_types: Some(types), ..self }
    }

    /// The same, for the condition of an alert or not.
    #[must_use]
    pub fn for_alert(self, alerting: bool) -> Self {
        Self { alerting, ..self }
    }

    /// The same, with one lint on or off.
    #[must_use]
    pub fn with(self, code: Code, on: bool) -> Self {
        let without = self.enabled & !code.bit();
        Self { enabled: if on { without | code.bit() } else { without }, ..self }
    }

    /// Whether a lint is on.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.enabled & code.bit() != 0
    }
}

impl std::fmt::Debug for LintOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codes = Code::ALL.iter().filter(|code| self.has(**code)).map(|code| code.as_str());
        f.debug_struct("LintOptions")
            .field("scrape_interval", &self.scrape_interval)
            .field("has_metric_types", &self.metric_types.is_some())
            .field("alerting", &self.alerting)
            .field("codes", &codes.collect::<Vec<_>>())
            .finish()
    }
}

/// What is advised against in a checked tree, in the order of the text.
///
/// Takes time in proportion to the tree and to the labels that it names.
///
/// ```
/// use skopos_promql::lint::{Code, LintOptions, lint};
/// use skopos_promql::{ParseOptions, parse};
///
/// let query = "sum(rate(node_filesystem_free_bytes[5m]))";
/// let found = lint(&parse(query, &ParseOptions::default())?, &LintOptions::default());
/// assert_eq!(found[0].code, Code::RateOverGauge);
/// assert_eq!(found[0].code.as_str(), "rate-over-gauge");
/// assert_eq!(found[0].line_and_column(query), (1, 5));
/// assert_eq!(found[0].reason, "node_filesystem_free_bytes is a gauge, and rate takes every fall for a restart");
///
/// let quiet = LintOptions::default().with(Code::RateOverGauge, false);
/// assert!(lint(&parse(query, &ParseOptions::default())?, &quiet).is_empty());
/// # Ok::<(), skopos_promql::Error>(())
/// ```
#[must_use]
pub fn lint(expr: &Expr, options: &LintOptions<'_>) -> Vec<Advice> {
    let mut linter = Linter { options, found: Vec::new() };
    linter.expression(expr, Context::default());
    matching::lint(&mut linter, expr);
    if options.alerting {
        compare::lint_condition(&mut linter, expr);
    }
    linter.found.sort_by_key(|advice| (advice.span, advice.code));
    linter.found
}

/// Whether a filter looks at single scrapes alone: a comparison, and no range, subquery or time
/// anywhere, so that one late or wrong sample decides.
///
/// ```
/// use skopos_promql::lint::is_instantaneous;
/// use skopos_promql::{ParseOptions, parse};
///
/// let check = |query| is_instantaneous(&parse(query, &ParseOptions::default()).unwrap());
/// assert!(check("up == 0"));
/// assert!(!check("avg_over_time(up[5m]) < 0.5"));
/// ```
#[must_use]
pub fn is_instantaneous(expr: &Expr) -> bool {
    let (mut compares, mut has_memory) = (false, false);
    expr.walk(&mut |e| {
        match e {
            Expr::Binary(e) => compares |= e.op.is_comparison() && !e.return_bool,
            Expr::Matrix(_) | Expr::Subquery(_) => has_memory = true,
            Expr::Call(e) => has_memory |= matches!(e.func.name, "time" | "timestamp"),
            Expr::Vector(e) => has_memory |= is_shifted(e) || is_recorded(e),
            _ => {}
        }
        !has_memory
    });
    compares && !has_memory
}

/// The names of the metrics that an expression selects, in the order of the text; selectors that
/// name none are left out.
///
/// ```
/// use skopos_promql::lint::selected_metrics;
/// use skopos_promql::{ParseOptions, parse};
///
/// let expr = parse("rate(a[5m]) / {__name__=\"b\"}", &ParseOptions::default())?;
/// assert_eq!(selected_metrics(&expr), ["a", "b"]);
/// # Ok::<(), skopos_promql::Error>(())
/// ```
#[must_use]
pub fn selected_metrics(expr: &Expr) -> Vec<&str> {
    let mut names = Vec::new();
    expr.walk(&mut |e| {
        match e {
            Expr::Matrix(e) => names.extend(metric::name(&e.selector)),
            Expr::Vector(e) => names.extend(metric::name(e)),
            _ => {}
        }
        true
    });
    names
}

/// What the lints of nodes share.
struct Linter<'o> {
    options: &'o LintOptions<'o>,
    found: Vec<Advice>,
}

/// What stands around a node.
#[derive(Clone, Copy, Default)]
struct Context {
    /// Whether raw counters may be aggregated here: what is around knows what to do with them, or has
    /// been advised against already.
    takes_counters: bool,
}

impl Linter<'_> {
    fn add(&mut self, code: Code, span: Span, reason: impl FnOnce() -> String) {
        if self.options.has(code) {
            self.found.push(Advice { code, span, reason: reason() });
        }
    }

    fn expression(&mut self, expr: &Expr, context: Context) {
        match expr {
            Expr::Aggregate(e) => self.aggregation(e, context),
            Expr::Binary(e) => self.operator(e, context),
            Expr::Call(e) => self.call(e, context),
            Expr::Matrix(e) => selector::lint(self, &e.selector, e.span),
            Expr::Vector(e) => selector::lint(self, e, e.span),
            Expr::Number(_) | Expr::String(_) => {}
            Expr::Paren(e) => self.expression(&e.expr, context),
            Expr::Unary(e) => self.expression(&e.expr, context),
            Expr::Subquery(e) => self.expression(&e.expr, Context { takes_counters: true }),
        }
    }

    fn aggregation(&mut self, e: &AggregateExpr, context: Context) {
        counter::lint_aggregation(self, e, context);
        let context = Context { takes_counters: context.takes_counters || counter::counts(e.op) };
        self.expression(&e.expr, context);
        if let Some(param) = &e.param {
            self.expression(param, Context::default());
        }
    }

    fn operator(&mut self, e: &BinaryExpr, context: Context) {
        compare::lint(self, e);
        division::lint(self, e);
        let asks_existence = compare::asks_existence(e) || is_past_compared(e);
        let (mut left, mut right) = (context, context);
        left.takes_counters |= asks_existence;
        // Of what stands right of `and` and `unless`, only the labels matter.
        let is_filter = matches!(e.op, BinaryOp::And | BinaryOp::Unless);
        right.takes_counters |= asks_existence || is_filter;
        self.expression(&e.lhs, left);
        self.expression(&e.rhs, right);
    }

    fn call(&mut self, e: &Call, mut context: Context) {
        counter::lint_call(self, e);
        context.takes_counters |= e.func.name.starts_with("histogram_")
            || matches!(e.func.name, "absent" | "scalar" | "timestamp");
        for arg in &e.args[..] {
            self.expression(arg, context);
        }
    }
}

/// Whether the operator compares the present with the past: `x - x offset 1d`.
fn is_past_compared(e: &BinaryExpr) -> bool {
    let mut shifted = false;
    for side in [&e.lhs, &e.rhs] {
        if let Some(selector) = only_selector(side) {
            shifted |= is_shifted(selector);
        }
    }
    shifted
}

fn is_shifted(selector: &VectorSelector) -> bool {
    selector.at.is_some() || selector.offset != crate::ast::DurationArg::Millis(0)
}

/// Whether a rule made the series, as their name says; it may have looked at a range.
fn is_recorded(selector: &VectorSelector) -> bool {
    metric::name(selector).is_none_or(|name| name.contains(':'))
}

/// The selector of an expression that has one alone and no operator between vectors.
fn only_selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::Aggregate(e) => only_selector(&e.expr),
        Expr::Call(e) => {
            let mut selectors = e.args.iter().filter_map(only_selector);
            selectors.next().filter(|_| selectors.next().is_none())
        }
        Expr::Matrix(e) => Some(&e.selector),
        Expr::Paren(e) => only_selector(&e.expr),
        Expr::Subquery(e) => only_selector(&e.expr),
        Expr::Unary(e) => only_selector(&e.expr),
        Expr::Vector(e) => Some(e),
        Expr::Binary(_) | Expr::Number(_) | Expr::String(_) => None,
    }
}

/// The value of a number, be it in parentheses or signed.
fn number(expr: &Expr) -> Option<f64> {
    match expr.unparen() {
        Expr::Number(e) => Some(e.value),
        Expr::Unary(e) => match e.op {
            crate::ast::UnaryOp::Minus => number(&e.expr).map(|v| -v),
            crate::ast::UnaryOp::Plus => number(&e.expr),
        },
        _ => None,
    }
}
