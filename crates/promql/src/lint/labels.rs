//! Which labels the series of a result have, as far as the expression alone decides it.
//!
//! Aggregations and matching are what takes labels away; the rest is up to the data.

use skopos_core::labels::METRIC_NAME;
use skopos_core::{MatchOp, Matcher};

use super::names::Names;
use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, Call, Expr, UnaryOp, VectorMatchCardinality,
    VectorSelector,
};
use crate::types::ValueType;

/// What is known of the labels of a result's series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLabels<'a> {
    /// If set, there are no others.
    only: Option<Names<'a>>,
    /// Those that no series has.
    never: Names<'a>,
    /// Those that every series has.
    always: Names<'a>,
    /// Whether `only` is what the query's author expects to be there, each of them.
    is_exact: bool,
}

impl<'a> KnownLabels<'a> {
    /// Whether surely no series has this label.
    #[must_use]
    pub fn lacks(&self, name: &str) -> bool {
        self.never.contains(name) || self.only.as_ref().is_some_and(|only| !only.contains(name))
    }

    /// Whether surely every series has this label.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.always.contains(name)
    }

    /// All labels that series may have, ascending, where that is known.
    #[must_use]
    pub fn only(&self) -> Option<&[&'a str]> {
        self.only.as_ref().map(Names::as_slice)
    }

    /// Labels that surely no series has, ascending; those that [`only`](Self::only) leaves out are not
    /// listed.
    #[must_use]
    pub fn never(&self) -> &[&'a str] {
        self.never.as_slice()
    }

    /// Labels that surely every series has, ascending.
    #[must_use]
    pub fn always(&self) -> &[&'a str] {
        self.always.as_slice()
    }

    /// All labels that series have, where an aggregation says so.
    pub(super) fn exactly(&self) -> Option<&Names<'a>> {
        self.only.as_ref().filter(|_| self.is_exact)
    }

    fn exact(names: Names<'a>) -> Self {
        Self { only: Some(names), is_exact: true, ..Self::default() }
    }

    fn none() -> Self {
        Self::exact(Names::default())
    }

    /// Without one label.
    fn drop(mut self, name: &'a str) -> Self {
        self.always.remove(name);
        match &mut self.only {
            Some(only) => only.remove(name),
            None => self.never.insert(name),
        }
        self
    }

    /// With one label that there may be or not.
    fn allow(mut self, name: &'a str) -> Self {
        self.always.remove(name);
        self.never.remove(name);
        if let Some(only) = &mut self.only {
            only.insert(name);
            self.is_exact = false;
        }
        self
    }

    /// With one label that there is.
    fn add(mut self, name: &'a str) -> Self {
        let is_exact = self.is_exact;
        self = self.allow(name);
        self.is_exact = is_exact;
        self.always.insert(name);
        self
    }

    /// With these labels alone.
    fn keep(self, names: &Names<'a>) -> Self {
        let is_exact = self.only.is_none() || self.is_exact;
        let only = match self.only {
            Some(only) => only.intersection(names),
            None => names.clone().difference(&self.never),
        };
        let always = self.always.intersection(names);
        Self { only: Some(only), never: Names::default(), always, is_exact }
    }

    fn drop_all(mut self, names: &Names<'a>) -> Self {
        self.always = self.always.difference(names);
        match self.only.take() {
            Some(only) => self.only = Some(only.difference(names)),
            None => self.never = self.never.union(names),
        }
        self
    }

    /// What is known of series of which each is of one of two kinds.
    fn either(self, other: Self) -> Self {
        let never = self.never.clone().keep(|name| other.lacks(name));
        let never = never.union(&other.never.clone().keep(|name| self.lacks(name)));
        let is_exact = self.is_exact && other.is_exact && self.only == other.only;
        let only = match (self.only, &other.only) {
            (Some(a), Some(b)) => Some(a.union(b)),
            _ => None,
        };
        Self { only, never, always: self.always.intersection(&other.always), is_exact }
    }

    /// What is known of series for which both hold.
    fn both(self, other: &Self) -> Self {
        let sure = |labels: &Self| labels.only.is_none() || labels.is_exact;
        let is_exact = sure(&self) && sure(other);
        let only = match (self.only, &other.only) {
            (Some(a), Some(b)) => Some(a.intersection(b)),
            (Some(a), None) => Some(a.difference(&other.never)),
            (None, Some(b)) => Some(b.clone().difference(&self.never)),
            (None, None) => None,
        };
        let never = self.never.union(&other.never);
        Self { only, never, always: self.always.union(&other.always), is_exact }
    }
}

/// Which labels the series of the result of an expression surely have and surely have not.
///
/// Of a range vector, those of its series. What is not certain is left open: a label that neither
/// [`has`](KnownLabels::has) nor [`lacks`](KnownLabels::lacks) depends on the data.
///
/// ```
/// use skopos_promql::lint::labels_of;
/// use skopos_promql::{ParseOptions, parse};
///
/// let expr = parse("sum by (job) (rate(errors_total{job=\"api\"}[5m])) > 3", &ParseOptions::default())?;
/// let labels = labels_of(&expr);
/// assert!(labels.has("job") && labels.lacks("instance"));
/// assert_eq!(labels.only(), Some(&["job"][..]));
///
/// let expr = parse("sum without (instance) (errors_total)", &ParseOptions::default())?;
/// let labels = labels_of(&expr);
/// assert!(labels.lacks("instance") && !labels.lacks("job") && !labels.has("job"));
/// # Ok::<(), skopos_promql::Error>(())
/// ```
#[must_use]
pub fn labels_of(expr: &Expr) -> KnownLabels<'_> {
    walk(expr, &mut |_, _| {})
}

/// What is known of the operands of an expression: of an aggregation its vector, of an operator both
/// sides, of a call its arguments.
pub(super) type Operands<'k, 'a> = &'k [KnownLabels<'a>];

/// The labels of an expression, `visit` being told those of the operands of every one within it.
pub(super) fn walk<'a>(
    expr: &'a Expr,
    visit: &mut dyn FnMut(&'a Expr, Operands<'_, 'a>),
) -> KnownLabels<'a> {
    match expr {
        Expr::Aggregate(e) => {
            if let Some(param) = &e.param {
                walk(param, visit);
            }
            let inner = [walk(&e.expr, visit)];
            visit(expr, &inner);
            let [inner] = inner;
            of_aggregation(e, inner)
        }
        Expr::Binary(e) => {
            let sides = [walk(&e.lhs, visit), walk(&e.rhs, visit)];
            visit(expr, &sides);
            let [left, right] = sides;
            of_operator(e, left, right)
        }
        Expr::Call(e) => {
            let args: Vec<_> = e.args.iter().map(|arg| walk(arg, visit)).collect();
            visit(expr, &args);
            of_call(e, args)
        }
        Expr::Matrix(e) => of_selector(&e.selector),
        Expr::Number(_) | Expr::String(_) => KnownLabels::none(),
        Expr::Paren(e) => walk(&e.expr, visit),
        Expr::Subquery(e) => walk(&e.expr, visit),
        Expr::Unary(e) => {
            let inner = walk(&e.expr, visit);
            if e.op == UnaryOp::Minus { inner.drop(METRIC_NAME) } else { inner }
        }
        Expr::Vector(e) => of_selector(e),
    }
}

fn of_selector(selector: &VectorSelector) -> KnownLabels<'_> {
    let (mut never, mut always) = (Vec::new(), Vec::new());
    for matcher in &selector.matchers[..] {
        match (matcher.op(), matcher.value()) {
            (MatchOp::Equal, "") | (MatchOp::NotRegex, ".+") => never.push(matcher.name()),
            (MatchOp::Equal, _) | (MatchOp::NotEqual, "") | (MatchOp::Regex, ".+") => {
                always.push(matcher.name());
            }
            _ => {}
        }
    }
    let (never, always) = (Names::from_iter(never), Names::from_iter(always));
    KnownLabels { only: None, never, always, is_exact: false }
}

fn names<'a>(list: &'a [std::sync::Arc<str>]) -> Names<'a> {
    list.iter().map(|name| &**name).collect()
}

fn of_aggregation<'a>(e: &'a AggregateExpr, inner: KnownLabels<'a>) -> KnownLabels<'a> {
    use AggregateOp::{BottomK, CountValues, LimitK, LimitRatio, TopK};
    if matches!(e.op, BottomK | LimitK | LimitRatio | TopK) {
        return inner;
    }
    let grouping = names(&e.grouping);
    let labels = match e.without {
        true => inner.drop_all(&grouping).drop(METRIC_NAME),
        false => inner.keep(&grouping),
    };
    match (e.op, e.param.as_ref().map(Expr::unparen)) {
        (CountValues, Some(Expr::String(label))) => labels.add(&label.value),
        _ => labels,
    }
}

fn of_operator<'a>(
    e: &'a BinaryExpr,
    left: KnownLabels<'a>,
    right: KnownLabels<'a>,
) -> KnownLabels<'a> {
    let keeps_name = e.op.is_set() || e.op.is_comparison() && !e.return_bool;
    let finish = |labels: KnownLabels<'a>| {
        if keeps_name { labels } else { labels.drop(METRIC_NAME) }
    };
    let Some(matching) = &e.matching else {
        let left_is_number = e.lhs.value_type() == ValueType::Scalar;
        return finish(if left_is_number { right } else { left });
    };
    if e.op == crate::ast::BinaryOp::Or {
        return left.either(right);
    }
    if e.op.is_set() {
        return left;
    }
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return KnownLabels::default();
    }
    let listed = names(&matching.matching_labels);
    let (many, one) = match matching.card {
        VectorMatchCardinality::ManyToOne => (left, right),
        VectorMatchCardinality::OneToMany => (right, left),
        // Both sides agree in all labels that are matched, and names are not.
        _ if matching.on => return finish(left.keep(&listed).both(&right.keep(&listed))),
        _ => {
            let right = right.drop_all(&listed).drop(METRIC_NAME);
            return finish(left.drop_all(&listed).both(&unnamed(right)));
        }
    };
    let joined = matching.include.iter().fold(many, |labels, name| match &**name {
        name if one.lacks(name) => labels.drop(name),
        name if one.has(name) => labels.add(name),
        name => labels.allow(name),
    });
    finish(joined)
}

/// Without saying anything about the name, which the other side decides.
fn unnamed(mut labels: KnownLabels<'_>) -> KnownLabels<'_> {
    labels.never.remove(METRIC_NAME);
    if let Some(only) = &mut labels.only {
        only.insert(METRIC_NAME);
    }
    labels
}

fn of_call<'a>(e: &'a Call, mut args: Vec<KnownLabels<'a>>) -> KnownLabels<'a> {
    let name = e.func.name;
    let string = |at: usize| match e.args.get(at).map(Expr::unparen) {
        Some(Expr::String(text)) => Some(&*text.value),
        _ => None,
    };
    match name {
        "absent" | "absent_over_time" => return of_absence(e.args.first()),
        // Which labels the other series bring is up to the data.
        "info" => {
            let always = args.into_iter().next().map(|labels| labels.always).unwrap_or_default();
            return KnownLabels { always, ..KnownLabels::default() };
        }
        _ => {}
    }
    if e.func.return_type == ValueType::Scalar || name == "vector" {
        return KnownLabels::none();
    }
    let is_series =
        |at: &usize| matches!(e.args[*at].value_type(), ValueType::Matrix | ValueType::Vector);
    let Some(at) = (0..e.args.len()).find(is_series) else { return KnownLabels::none() };
    let labels = args.swap_remove(at);
    match name {
        "first_over_time" | "last_over_time" | "sort" | "sort_desc" | "sort_by_label"
        | "sort_by_label_desc" => labels,
        "label_replace" | "label_join" => match string(1) {
            Some(label) => labels.allow(label),
            None => KnownLabels::default(),
        },
        "histogram_fraction" | "histogram_quantile" => labels.drop("le").drop(METRIC_NAME),
        "histogram_quantiles" => match string(1) {
            Some(label) => labels.drop("le").drop(METRIC_NAME).add(label),
            None => KnownLabels::default(),
        },
        _ => labels.drop(METRIC_NAME),
    }
}

/// The labels of a series that stands for the lack of others: those that the selector fixes.
fn of_absence(arg: Option<&Expr>) -> KnownLabels<'_> {
    let selector = match arg.map(Expr::unparen) {
        Some(Expr::Matrix(e)) => &e.selector,
        Some(Expr::Vector(e)) => e,
        _ => return KnownLabels::none(),
    };
    let matchers = || selector.matchers.iter().filter(|m| m.name() != METRIC_NAME);
    // A label with two conditions is not fixed; sorted, they stand side by side.
    let mut all: Vec<&str> = matchers().map(Matcher::name).collect();
    all.sort_unstable();
    let twice: Names<'_> =
        all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    let fixed = matchers().filter(|m| m.op() == MatchOp::Equal && !m.value().is_empty());
    let fixed = fixed.map(Matcher::name).collect::<Names<'_>>().difference(&twice);
    KnownLabels { always: fixed.clone(), ..KnownLabels::exact(fixed) }
}
