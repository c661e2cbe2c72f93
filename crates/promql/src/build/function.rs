//! Functions and aggregations of what is built.

use std::sync::Arc;

use skopos_core::Matcher;

use crate::ast::{AggregateOp, List};
use crate::build::operator::names;
use crate::build::tree::Tree;
use crate::build::{AnchoredMatrix, Matrix, Scalar, SmoothedMatrix, Vector};
use crate::parser::selector::new_selector;
use crate::span::Span;

/// Which labels make a group; by default none, so that all series are one group.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    labels: List<Arc<str>>,
    without: bool,
}

impl Grouping {
    /// Series with the same values of these labels.
    #[must_use]
    pub fn by<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        Self { labels: names(labels), without: false }
    }

    /// Series with the same values of all labels but these.
    #[must_use]
    pub fn without<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        Self { labels: names(labels), without: true }
    }
}

/// Functions of one argument.
macro_rules! functions {
    ($from:ident => $to:ident: $($name:ident)*) => {
        impl $from {$(
            #[doc = concat!("`", stringify!($name), "(…)`: its [`Signature::doc`](crate::Signature::doc) says what it does.")]
            pub fn $name(self) -> $to {
                $to(Tree::call(stringify!($name), [self.0]))
            }
        )*}

        #[cfg(test)]
        impl $from {
            pub(super) const FUNCTIONS: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

functions!(Matrix => Vector:
    absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta
    increase irate last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets
    stddev_over_time stdvar_over_time sum_over_time ts_of_first_over_time ts_of_last_over_time
    ts_of_max_over_time ts_of_min_over_time);

functions!(Vector => Vector:
    abs absent acos acosh asin asinh atan atanh ceil cos cosh day_of_month day_of_week day_of_year
    days_in_month deg exp floor histogram_avg histogram_count histogram_stddev histogram_stdvar
    histogram_sum hour ln log10 log2 minute month rad round sgn sin sinh sort sort_desc sqrt
    start_timestamp tan tanh timestamp year);

/// Functions of the range vectors that have them.
macro_rules! extended {
    ($from:ident: $($name:ident)*) => {
        impl $from {$(
            #[doc = concat!("`", stringify!($name), "(…)`: its [`Signature::doc`](crate::Signature::doc) says what it does.")]
            pub fn $name(self) -> Vector {
                self.0.$name()
            }
        )*}
    };
}

extended!(AnchoredMatrix: changes delta increase rate resets);
extended!(SmoothedMatrix: delta increase rate);

/// Numbers that need nothing.
macro_rules! numbers {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "()`: its [`Signature::doc`](crate::Signature::doc) says what it is.")]
        ///
        /// ```
        #[doc = concat!("let number = skopos_promql::build::", stringify!($name), "();")]
        #[doc = concat!("assert_eq!(number.finish()?.to_string(), \"", stringify!($name), "()\");")]
        /// # Ok::<(), skopos_promql::Error>(())
        /// ```
        pub fn $name() -> Scalar {
            Scalar(Tree::call(stringify!($name), []))
        }
    )*};
}

numbers!(end pi range start step time);

impl Scalar {
    /// The greater of two numbers.
    pub fn max_of(self, other: impl Into<Self>) -> Self {
        Self(Tree::call("max_of", [self.0, other.into().0]))
    }

    /// The smaller of two numbers.
    pub fn min_of(self, other: impl Into<Self>) -> Self {
        Self(Tree::call("min_of", [self.0, other.into().0]))
    }

    /// The number as a vector of one series without labels.
    pub fn vector(self) -> Vector {
        Vector(Tree::call("vector", [self.0]))
    }
}

impl Matrix {
    /// The value below which this share of each series' samples lies.
    pub fn quantile_over_time(self, share: impl Into<Scalar>) -> Vector {
        Vector(Tree::call("quantile_over_time", [share.into().0, self.0]))
    }

    /// Each series smoothed: by how much, and how much its trend counts; both between 0 and 1.
    pub fn double_exponential_smoothing(
        self,
        smoothing: impl Into<Scalar>,
        trend: impl Into<Scalar>,
    ) -> Vector {
        let args = [self.0, smoothing.into().0, trend.into().0];
        Vector(Tree::call("double_exponential_smoothing", args))
    }

    /// What each series will be after so many seconds, by linear regression.
    pub fn predict_linear(self, seconds: impl Into<Scalar>) -> Vector {
        Vector(Tree::call("predict_linear", [self.0, seconds.into().0]))
    }
}

impl Vector {
    /// The values, kept between a minimum and a maximum.
    pub fn clamp(self, min: impl Into<Scalar>, max: impl Into<Scalar>) -> Self {
        Self(Tree::call("clamp", [self.0, min.into().0, max.into().0]))
    }

    /// The values, kept at or above a minimum.
    pub fn clamp_min(self, min: impl Into<Scalar>) -> Self {
        Self(Tree::call("clamp_min", [self.0, min.into().0]))
    }

    /// The values, kept at or below a maximum.
    pub fn clamp_max(self, max: impl Into<Scalar>) -> Self {
        Self(Tree::call("clamp_max", [self.0, max.into().0]))
    }

    /// The values rounded to multiples of a number.
    pub fn round_to(self, multiple: impl Into<Scalar>) -> Self {
        Self(Tree::call("round", [self.0, multiple.into().0]))
    }

    /// The value below which this share of the observations lies.
    pub fn histogram_quantile(self, share: impl Into<Scalar>) -> Self {
        Self(Tree::call("histogram_quantile", [share.into().0, self.0]))
    }

    /// The share of observations between two bounds.
    pub fn histogram_fraction(self, lower: impl Into<Scalar>, upper: impl Into<Scalar>) -> Self {
        Self(Tree::call("histogram_fraction", [lower.into().0, upper.into().0, self.0]))
    }

    /// The values below which these shares of the observations lie, each a series whose label `label` says
    /// which share it is; one to ten shares.
    pub fn histogram_quantiles(
        self,
        label: &str,
        shares: impl IntoIterator<Item = impl Into<Scalar>>,
    ) -> Self {
        let mut args = vec![self.0, Tree::string(label)];
        args.extend(shares.into_iter().map(|share| share.into().0));
        Self(Tree::call_with("histogram_quantiles", args))
    }

    /// The series with the labels of what is known about their targets.
    pub fn info(self) -> Self {
        Self(Tree::call("info", [self.0]))
    }

    /// The same, but only with the labels that meet these conditions.
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_promql::build::selector;
    ///
    /// let versions = selector("up").vector().info_with([Matcher::equal("version", "1.2")]);
    /// assert_eq!(versions.finish()?.to_string(), "info(up, {version=\"1.2\"})");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn info_with(self, conditions: impl IntoIterator<Item = Matcher>) -> Self {
        let matchers = conditions.into_iter().collect();
        let mut selector = new_selector(None, matchers, Span::default());
        selector.bypass_empty_matcher_check = true;
        Self(Tree::call("info", [self.0, Tree::selector(selector, 0)]))
    }

    /// The series in the order of these labels' values, in an instant query.
    pub fn sort_by_label<'a>(self, labels: impl IntoIterator<Item = &'a str>) -> Self {
        self.sorted("sort_by_label", labels)
    }

    /// The same, the last first.
    pub fn sort_by_label_desc<'a>(self, labels: impl IntoIterator<Item = &'a str>) -> Self {
        self.sorted("sort_by_label_desc", labels)
    }

    fn sorted<'a>(self, function: &str, labels: impl IntoIterator<Item = &'a str>) -> Self {
        let labels = labels.into_iter().map(Tree::string);
        Self(Tree::call_with(function, std::iter::once(self.0).chain(labels).collect()))
    }

    /// The series with the label `target` set to the values of others.
    pub fn label_join<'a>(
        self,
        target: &str,
        separator: &str,
        sources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut args = vec![self.0, Tree::string(target), Tree::string(separator)];
        args.extend(sources.into_iter().map(Tree::string));
        Self(Tree::call_with("label_join", args))
    }

    /// The series with the label `target` set to `replacement` where `pattern` matches `source`.
    ///
    /// The pattern is looked at when the query is evaluated.
    pub fn label_replace(
        self,
        target: &str,
        replacement: &str,
        source: &str,
        pattern: &str,
    ) -> Self {
        let [target, replacement, source, pattern] =
            [target, replacement, source, pattern].map(Tree::string);
        Self(Tree::call("label_replace", [self.0, target, replacement, source, pattern]))
    }

    /// The value of the only series; NaN if there is not exactly one.
    pub fn scalar(self) -> Scalar {
        Scalar(Tree::call("scalar", [self.0]))
    }
}

/// Aggregations without a parameter.
macro_rules! aggregations {
    ($($name:ident $op:ident),*) => {
        impl Vector {$(
            #[doc = concat!("`", stringify!($name), "(…)`: its [`AggregateOp::doc`] says what it does.")]
            pub fn $name(self, grouping: &Grouping) -> Self {
                self.aggregate(AggregateOp::$op, None, grouping)
            }
        )*}
    };
}

aggregations!(avg Avg, count Count, group Group, max Max, min Min, stddev Stddev, stdvar Stdvar, sum Sum);

/// Aggregations with a number.
macro_rules! parametrized {
    ($($name:ident $op:ident),*) => {
        impl Vector {$(
            #[doc = concat!("`", stringify!($name), "(parameter, …)`: its [`AggregateOp::doc`] says what it does.")]
            pub fn $name(self, parameter: impl Into<Scalar>, grouping: &Grouping) -> Self {
                self.aggregate(AggregateOp::$op, Some(parameter.into().0), grouping)
            }
        )*}
    };
}

parametrized!(bottomk BottomK, limitk LimitK, limit_ratio LimitRatio, quantile Quantile, topk TopK);

impl Vector {
    /// How many series have each value, which becomes the label `label`.
    pub fn count_values(self, label: &str, grouping: &Grouping) -> Self {
        self.aggregate(AggregateOp::CountValues, Some(Tree::string(label)), grouping)
    }

    fn aggregate(self, op: AggregateOp, param: Option<Tree>, grouping: &Grouping) -> Self {
        Self(self.0.aggregate(op, param, grouping.labels.clone(), grouping.without))
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, Vector};
    use crate::signature::Signature;
    use crate::types::ValueType;

    #[test]
    fn every_function_is_in_the_table_with_its_type() {
        for (names, argument) in
            [(Matrix::FUNCTIONS, ValueType::Matrix), (Vector::FUNCTIONS, ValueType::Vector)]
        {
            for name in names {
                let function = Signature::find(name).expect("it is in the table");
                assert_eq!(function.arg_types.first(), Some(&argument), "{name}");
                assert!(function.min_args() <= 1, "{name}");
                assert_eq!(function.return_type, ValueType::Vector, "{name}");
            }
        }
    }
}
