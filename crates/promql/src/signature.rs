//! The functions of PromQL: names and types.
//!
//! What a function computes is the evaluator's business.

mod doc;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::names::NameTable;
use crate::types::ValueType::{self, Matrix, Scalar, String, Vector};

/// What a function takes and gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Signature {
    /// The name; functions are told apart by it, upper and lower case differ.
    pub name: &'static str,
    /// The types of the arguments; further ones have the type of the last.
    pub arg_types: &'static [ValueType],
    /// How far the number of arguments may differ from that of `arg_types`.
    pub optional: Optional,
    /// The type of the result.
    pub return_type: ValueType,
    /// Whether it must be enabled.
    pub experimental: bool,
}

/// How many arguments a call may leave out or add.
///
/// In both variadic cases the last of the listed arguments may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum Optional {
    /// Exactly the listed arguments.
    None,
    /// The last argument may be missing, or there, or followed by up to this number less one.
    UpTo(usize),
    /// The last argument may be missing, or repeated.
    Any,
}

impl Signature {
    /// The function of this name.
    ///
    /// ```
    /// use skopos_promql::{Signature, ValueType};
    ///
    /// let rate = Signature::find("rate").expect("everybody knows it");
    /// assert_eq!(rate.arg_types, [ValueType::Matrix]);
    /// assert!(Signature::find("Rate").is_none());
    /// ```
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let at = BY_NAME.find(name, |at| ALL[at].name == name)?;
        ALL.get(at)
    }

    /// All functions, ascending by name.
    #[must_use]
    pub fn all() -> &'static [Self] {
        ALL
    }

    /// The fewest arguments.
    #[must_use]
    pub fn min_args(&self) -> usize {
        match self.optional {
            Optional::None => self.arg_types.len(),
            Optional::UpTo(_) | Optional::Any => self.arg_types.len() - 1,
        }
    }

    /// The most arguments, if there is a limit.
    #[must_use]
    pub fn max_args(&self) -> Option<usize> {
        match self.optional {
            Optional::None => Some(self.arg_types.len()),
            Optional::UpTo(n) => Some(self.min_args() + n),
            Optional::Any => None,
        }
    }

    /// The type of the argument at this place, for every place that a call may have.
    #[must_use]
    pub fn arg_type(&self, at: usize) -> Option<ValueType> {
        self.arg_types.get(at).or(self.arg_types.last()).copied()
    }
}

/// The name and the types of the arguments, those that may be left out in brackets.
///
/// ```
/// # use skopos_promql::Signature;
/// let text = |name| Signature::find(name).unwrap().to_string();
/// assert_eq!(text("clamp"), "clamp(instant vector, scalar, scalar)");
/// assert_eq!(text("round"), "round(instant vector [, scalar])");
/// assert_eq!(text("label_join"), "label_join(instant vector, string, string [, string …])");
/// ```
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (at, arg) in self.arg_types.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            if at < self.min_args() {
                write!(f, "{comma}{arg}")?;
                continue;
            }
            let space = if at == 0 { "" } else { " " };
            let more = if self.max_args() == Some(at + 1) { "" } else { " …" };
            write!(f, "{space}[{comma}{arg}{more}]")?;
        }
        f.write_str(")")
    }
}

/// A function is its name.
impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Signature {}

const fn stable(
    name: &'static str,
    arg_types: &'static [ValueType],
    optional: Optional,
    return_type: ValueType,
) -> Signature {
    Signature { name, arg_types, optional, return_type, experimental: false }
}

const fn experimental(
    name: &'static str,
    arg_types: &'static [ValueType],
    optional: Optional,
    return_type: ValueType,
) -> Signature {
    Signature { experimental: true, ..stable(name, arg_types, optional, return_type) }
}

/// Where a name stands in [`ALL`].
static BY_NAME: NameTable<512> = NameTable::new(&{
    let mut names = [""; ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ALL[at].name;
        at += 1;
    }
    names
});

/// Invariant: ascending by name.
const ALL: &[Signature] = &[
    stable("abs", &[Vector], Optional::None, Vector),
    stable("absent", &[Vector], Optional::None, Vector),
    stable("absent_over_time", &[Matrix], Optional::None, Vector),
    stable("acos", &[Vector], Optional::None, Vector),
    stable("acosh", &[Vector], Optional::None, Vector),
    stable("asin", &[Vector], Optional::None, Vector),
    stable("asinh", &[Vector], Optional::None, Vector),
    stable("atan", &[Vector], Optional::None, Vector),
    stable("atanh", &[Vector], Optional::None, Vector),
    stable("avg_over_time", &[Matrix], Optional::None, Vector),
    stable("ceil", &[Vector], Optional::None, Vector),
    stable("changes", &[Matrix], Optional::None, Vector),
    stable("clamp", &[Vector, Scalar, Scalar], Optional::None, Vector),
    stable("clamp_max", &[Vector, Scalar], Optional::None, Vector),
    stable("clamp_min", &[Vector, Scalar], Optional::None, Vector),
    stable("cos", &[Vector], Optional::None, Vector),
    stable("cosh", &[Vector], Optional::None, Vector),
    stable("count_over_time", &[Matrix], Optional::None, Vector),
    stable("day_of_month", &[Vector], Optional::UpTo(1), Vector),
    stable("day_of_week", &[Vector], Optional::UpTo(1), Vector),
    stable("day_of_year", &[Vector], Optional::UpTo(1), Vector),
    stable("days_in_month", &[Vector], Optional::UpTo(1), Vector),
    stable("deg", &[Vector], Optional::None, Vector),
    stable("delta", &[Matrix], Optional::None, Vector),
    stable("deriv", &[Matrix], Optional::None, Vector),
    experimental("double_exponential_smoothing", &[Matrix, Scalar, Scalar], Optional::None, Vector),
    experimental("end", &[], Optional::None, Scalar),
    stable("exp", &[Vector], Optional::None, Vector),
    stable("first_over_time", &[Matrix], Optional::None, Vector),
    stable("floor", &[Vector], Optional::None, Vector),
    stable("histogram_avg", &[Vector], Optional::None, Vector),
    stable("histogram_count", &[Vector], Optional::None, Vector),
    stable("histogram_fraction", &[Scalar, Scalar, Vector], Optional::None, Vector),
    stable("histogram_quantile", &[Scalar, Vector], Optional::None, Vector),
    experimental(
        "histogram_quantiles",
        &[Vector, String, Scalar, Scalar],
        Optional::UpTo(9),
        Vector,
    ),
    stable("histogram_stddev", &[Vector], Optional::None, Vector),
    stable("histogram_stdvar", &[Vector], Optional::None, Vector),
    stable("histogram_sum", &[Vector], Optional::None, Vector),
    stable("hour", &[Vector], Optional::UpTo(1), Vector),
    stable("idelta", &[Matrix], Optional::None, Vector),
    stable("increase", &[Matrix], Optional::None, Vector),
    experimental("info", &[Vector, Vector], Optional::UpTo(1), Vector),
    stable("irate", &[Matrix], Optional::None, Vector),
    stable("label_join", &[Vector, String, String, String], Optional::Any, Vector),
    stable("label_replace", &[Vector, String, String, String, String], Optional::None, Vector),
    stable("last_over_time", &[Matrix], Optional::None, Vector),
    stable("ln", &[Vector], Optional::None, Vector),
    stable("log10", &[Vector], Optional::None, Vector),
    stable("log2", &[Vector], Optional::None, Vector),
    experimental("mad_over_time", &[Matrix], Optional::None, Vector),
    experimental("max_of", &[Scalar, Scalar], Optional::None, Scalar),
    stable("max_over_time", &[Matrix], Optional::None, Vector),
    experimental("min_of", &[Scalar, Scalar], Optional::None, Scalar),
    stable("min_over_time", &[Matrix], Optional::None, Vector),
    stable("minute", &[Vector], Optional::UpTo(1), Vector),
    stable("month", &[Vector], Optional::UpTo(1), Vector),
    stable("pi", &[], Optional::None, Scalar),
    stable("predict_linear", &[Matrix, Scalar], Optional::None, Vector),
    stable("present_over_time", &[Matrix], Optional::None, Vector),
    stable("quantile_over_time", &[Scalar, Matrix], Optional::None, Vector),
    stable("rad", &[Vector], Optional::None, Vector),
    experimental("range", &[], Optional::None, Scalar),
    stable("rate", &[Matrix], Optional::None, Vector),
    stable("resets", &[Matrix], Optional::None, Vector),
    stable("round", &[Vector, Scalar], Optional::UpTo(1), Vector),
    stable("scalar", &[Vector], Optional::None, Scalar),
    stable("sgn", &[Vector], Optional::None, Vector),
    stable("sin", &[Vector], Optional::None, Vector),
    stable("sinh", &[Vector], Optional::None, Vector),
    stable("sort", &[Vector], Optional::None, Vector),
    experimental("sort_by_label", &[Vector, String], Optional::Any, Vector),
    experimental("sort_by_label_desc", &[Vector, String], Optional::Any, Vector),
    stable("sort_desc", &[Vector], Optional::None, Vector),
    stable("sqrt", &[Vector], Optional::None, Vector),
    experimental("start", &[], Optional::None, Scalar),
    experimental("start_timestamp", &[Vector], Optional::None, Vector),
    stable("stddev_over_time", &[Matrix], Optional::None, Vector),
    stable("stdvar_over_time", &[Matrix], Optional::None, Vector),
    experimental("step", &[], Optional::None, Scalar),
    stable("sum_over_time", &[Matrix], Optional::None, Vector),
    stable("tan", &[Vector], Optional::None, Vector),
    stable("tanh", &[Vector], Optional::None, Vector),
    stable("time", &[], Optional::None, Scalar),
    stable("timestamp", &[Vector], Optional::None, Vector),
    experimental("ts_of_first_over_time", &[Matrix], Optional::None, Vector),
    experimental("ts_of_last_over_time", &[Matrix], Optional::None, Vector),
    experimental("ts_of_max_over_time", &[Matrix], Optional::None, Vector),
    experimental("ts_of_min_over_time", &[Matrix], Optional::None, Vector),
    stable("vector", &[Scalar], Optional::None, Vector),
    stable("year", &[Vector], Optional::UpTo(1), Vector),
];
