//! What each function and aggregation does, in a line.

use crate::ast::AggregateOp;
use crate::signature::Signature;

impl Signature {
    /// What the function does, in a line.
    ///
    /// ```
    /// # use skopos_promql::Signature;
    /// let rate = Signature::find("rate").expect("everybody knows it");
    /// assert_eq!(rate.doc(), "How much a counter grows per second, on average over the range.");
    /// ```
    #[must_use]
    pub fn doc(&self) -> &'static str {
        let found = DOCS.binary_search_by(|(name, _)| (*name).cmp(self.name));
        found.ok().and_then(|at| DOCS.get(at)).map_or("", |(_, doc)| doc)
    }
}

impl AggregateOp {
    /// What the aggregation does, in a line.
    ///
    /// ```
    /// assert_eq!(skopos_promql::ast::AggregateOp::Sum.doc(), "The sum of each group.");
    /// ```
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Avg => "The mean of each group.",
            Self::BottomK => "The k series of each group with the smallest values.",
            Self::Count => "How many series each group has.",
            Self::CountValues => "How many series have each value, which becomes the named label.",
            Self::Group => "1 for each group.",
            Self::LimitK => "Any k series of each group.",
            Self::LimitRatio => "About this share of the series of each group.",
            Self::Max => "The largest value of each group.",
            Self::Min => "The smallest value of each group.",
            Self::Quantile => "The value below which this share of each group lies.",
            Self::Stddev => "The standard deviation of each group.",
            Self::Stdvar => "The variance of each group.",
            Self::Sum => "The sum of each group.",
            Self::TopK => "The k series of each group with the largest values.",
        }
    }
}

/// Invariant: one for each function, ascending by name.
pub(super) const DOCS: &[(&str, &str)] = &[
    ("abs", "The values without their sign."),
    ("absent", "1 if the vector is empty, nothing otherwise."),
    ("absent_over_time", "1 if no series has a sample in the range, nothing otherwise."),
    ("acos", "The arc cosine, in radians."),
    ("acosh", "The inverse hyperbolic cosine."),
    ("asin", "The arc sine, in radians."),
    ("asinh", "The inverse hyperbolic sine."),
    ("atan", "The arc tangent, in radians."),
    ("atanh", "The inverse hyperbolic tangent."),
    ("avg_over_time", "The mean of the samples in the range."),
    ("ceil", "The values rounded up to whole numbers."),
    ("changes", "How often the value changed in the range."),
    ("clamp", "The values, kept between a minimum and a maximum."),
    ("clamp_max", "The values, kept at or below a maximum."),
    ("clamp_min", "The values, kept at or above a minimum."),
    ("cos", "The cosine of radians."),
    ("cosh", "The hyperbolic cosine."),
    ("count_over_time", "How many samples the range holds."),
    ("day_of_month", "The day of the month, from 1, of times in UTC."),
    ("day_of_week", "The day of the week, with 0 for Sunday, of times in UTC."),
    ("day_of_year", "The day of the year, from 1, of times in UTC."),
    ("days_in_month", "How many days the month has, of times in UTC."),
    ("deg", "Degrees of radians."),
    ("delta", "How much a gauge changed over the range, extrapolated to its ends."),
    ("deriv", "The slope per second of a gauge, by linear regression."),
    ("double_exponential_smoothing", "A gauge smoothed, with factors for its level and its trend."),
    ("end", "The time at which the query ends, in seconds."),
    ("exp", "e to the power of the values."),
    ("first_over_time", "The oldest sample in the range."),
    ("floor", "The values rounded down to whole numbers."),
    ("histogram_avg", "The mean of the observations in native histograms."),
    ("histogram_count", "How many observations native histograms hold."),
    ("histogram_fraction", "The share of observations between two bounds."),
    ("histogram_quantile", "The value below which this share of the observations lies."),
    ("histogram_quantiles", "Several quantiles at once, told apart by the named label."),
    ("histogram_stddev", "The estimated standard deviation of the observations."),
    ("histogram_stdvar", "The estimated variance of the observations."),
    ("histogram_sum", "The sum of the observations in native histograms."),
    ("hour", "The hour, from 0 to 23, of times in UTC."),
    ("idelta", "The difference of the last two samples in the range."),
    ("increase", "How much a counter grew over the range, extrapolated to its ends."),
    ("info", "The series with labels added from matching info series."),
    ("irate", "How much a counter grows per second, by the last two samples."),
    ("label_join", "The series with a label set to the values of others, joined by a separator."),
    (
        "label_replace",
        "The series with a label set from what a regular expression captures of another.",
    ),
    ("last_over_time", "The newest sample in the range."),
    ("ln", "The natural logarithm."),
    ("log10", "The logarithm to base 10."),
    ("log2", "The logarithm to base 2."),
    ("mad_over_time", "The median absolute deviation of the samples in the range."),
    ("max_of", "The larger of two numbers."),
    ("max_over_time", "The largest sample in the range."),
    ("min_of", "The smaller of two numbers."),
    ("min_over_time", "The smallest sample in the range."),
    ("minute", "The minute, from 0 to 59, of times in UTC."),
    ("month", "The month, from 1 to 12, of times in UTC."),
    ("pi", "The ratio of a circle's circumference to its diameter."),
    ("predict_linear", "What a gauge will be after so many seconds, by linear regression."),
    ("present_over_time", "1 for each series with a sample in the range."),
    ("quantile_over_time", "The value below which this share of the samples in the range lies."),
    ("rad", "Radians of degrees."),
    ("range", "The time between the query's start and end, in seconds."),
    ("rate", "How much a counter grows per second, on average over the range."),
    ("resets", "How often a counter was reset in the range."),
    ("round", "The values rounded to the nearest multiple of a number, by default 1."),
    ("scalar", "The value of the only series as a number; NaN if there is not exactly one."),
    ("sgn", "-1, 0 or 1, as the values are negative, zero or positive."),
    ("sin", "The sine of radians."),
    ("sinh", "The hyperbolic sine."),
    ("sort", "The series by ascending value."),
    ("sort_by_label", "The series by the values of labels, in natural order."),
    ("sort_by_label_desc", "The series by the values of labels, in reverse natural order."),
    ("sort_desc", "The series by descending value."),
    ("sqrt", "The square root."),
    ("start", "The time at which the query starts, in seconds."),
    ("start_timestamp", "When the series' last sample began to be counted, in seconds."),
    ("stddev_over_time", "The standard deviation of the samples in the range."),
    ("stdvar_over_time", "The variance of the samples in the range."),
    ("step", "The time between the query's evaluations, in seconds."),
    ("sum_over_time", "The sum of the samples in the range."),
    ("tan", "The tangent of radians."),
    ("tanh", "The hyperbolic tangent."),
    ("time", "The time of the evaluation, in seconds since 1970."),
    ("timestamp", "When the samples were taken, in seconds since 1970."),
    ("ts_of_first_over_time", "When the oldest sample in the range was taken, in seconds."),
    ("ts_of_last_over_time", "When the newest sample in the range was taken, in seconds."),
    ("ts_of_max_over_time", "When the largest sample in the range was last seen, in seconds."),
    ("ts_of_min_over_time", "When the smallest sample in the range was last seen, in seconds."),
    ("vector", "The number as a vector of one series without labels."),
    ("year", "The year of times in UTC."),
];
