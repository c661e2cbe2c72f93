//! Functions and aggregations of what is built.

use std::sync::Arc;

use crate::ast::{AggregateOp, List};
use crate::build::operator::names;
use crate::build::tree::Tree;
use crate::build::{Matrix, Scalar, Vector};

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
    increase irate last_over_time max_over_time min_over_time present_over_time rate resets
    stddev_over_time stdvar_over_time sum_over_time);

functions!(Vector => Vector:
    abs absent acos acosh asin asinh atan atanh ceil cos cosh day_of_month day_of_week day_of_year
    days_in_month deg exp floor histogram_avg histogram_count histogram_stddev histogram_stdvar
    histogram_sum hour ln log10 log2 minute month rad round sgn sin sinh sort sort_desc sqrt tan tanh
    timestamp year);

impl Scalar {
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

parametrized!(bottomk BottomK, quantile Quantile, topk TopK);

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
                assert!(function.min_args() <= 1 && !function.experimental, "{name}");
                assert_eq!(function.return_type, ValueType::Vector, "{name}");
            }
        }
    }
}
