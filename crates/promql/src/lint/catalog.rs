//! The lints: their codes, what they say, and an example of each.

use std::fmt;

/// A lint of expressions.
///
/// ```
/// use skopos_promql::lint::Code;
///
/// let code = Code::find("rate-over-gauge").expect("there is one");
/// assert_eq!(code, Code::RateOverGauge);
/// assert!(code.is_default() && !Code::SelectorWithoutName.is_default());
/// assert_eq!(code.bad(), "rate(node_filesystem_free_bytes[5m])");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is described by `summary`")]
pub enum Code {
    AggregationOfCounter,
    AlertWithoutCondition,
    ComparisonOfCounter,
    CountIsNeverZero,
    DeltaOverCounter,
    DivisionHidesAbsence,
    DivisionWithoutFallback,
    GroupingLabelIsMissing,
    IrateInAlert,
    JoinedLabelIsMissing,
    OperandsNeverMatch,
    OverTimeOfCounter,
    QuantileWithoutLe,
    QuantileWithoutRate,
    RangeTooShort,
    RateOfAggregation,
    RateOverGauge,
    RateOverUnknown,
    RegexCouldBeEquality,
    RegexIsAnchored,
    RegexMatchesEverything,
    SelectorMatchesNothing,
    SelectorWithoutName,
}

/// What there is to know of a lint.
struct Entry {
    code: &'static str,
    /// Off for what is a matter of taste.
    is_default: bool,
    summary: &'static str,
    remedy: &'static str,
    bad: &'static str,
    good: &'static str,
}

impl Code {
    /// All lints, ascending by code.
    pub const ALL: &'static [Self] = &[
        Self::AggregationOfCounter,
        Self::AlertWithoutCondition,
        Self::ComparisonOfCounter,
        Self::CountIsNeverZero,
        Self::DeltaOverCounter,
        Self::DivisionHidesAbsence,
        Self::DivisionWithoutFallback,
        Self::GroupingLabelIsMissing,
        Self::IrateInAlert,
        Self::JoinedLabelIsMissing,
        Self::OperandsNeverMatch,
        Self::OverTimeOfCounter,
        Self::QuantileWithoutLe,
        Self::QuantileWithoutRate,
        Self::RangeTooShort,
        Self::RateOfAggregation,
        Self::RateOverGauge,
        Self::RateOverUnknown,
        Self::RegexCouldBeEquality,
        Self::RegexIsAnchored,
        Self::RegexMatchesEverything,
        Self::SelectorMatchesNothing,
        Self::SelectorWithoutName,
    ];

    /// The lint of this code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }

    /// The code: words in lower case with hyphens, which stay the same in later versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().code
    }

    /// Whether it is on where nothing is said.
    #[must_use]
    pub const fn is_default(self) -> bool {
        self.entry().is_default
    }

    /// What it finds, in a sentence.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.entry().summary
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.entry().remedy
    }

    /// A query that it advises against.
    #[must_use]
    pub const fn bad(self) -> &'static str {
        self.entry().bad
    }

    /// The query that was meant.
    #[must_use]
    pub const fn good(self) -> &'static str {
        self.entry().good
    }

    pub(super) const fn bit(self) -> u64 {
        1 << self as u32
    }

    const fn entry(self) -> Entry {
        match self {
            Self::AggregationOfCounter
            | Self::ComparisonOfCounter
            | Self::DeltaOverCounter
            | Self::OverTimeOfCounter
            | Self::RateOfAggregation
            | Self::RateOverGauge
            | Self::RateOverUnknown => self.of_counters(),
            Self::AlertWithoutCondition
            | Self::CountIsNeverZero
            | Self::DivisionHidesAbsence
            | Self::DivisionWithoutFallback
            | Self::IrateInAlert => self.of_conditions(),
            Self::GroupingLabelIsMissing
            | Self::JoinedLabelIsMissing
            | Self::OperandsNeverMatch
            | Self::QuantileWithoutLe => self.of_labels(),
            _ => self.of_selectors(),
        }
    }

    const fn of_counters(self) -> Entry {
        match self {
            Self::AggregationOfCounter => Entry {
                code: "aggregation-of-counter",
                is_default: true,
                summary: "counters are added up as they are, restarts included",
                remedy: "aggregate rate() or increase() of it",
                bad: "sum(http_requests_total)",
                good: "sum(rate(http_requests_total[5m]))",
            },
            Self::ComparisonOfCounter => Entry {
                code: "comparison-of-counter",
                is_default: true,
                summary: "a counter is compared with a number as it is",
                remedy: "compare rate() or increase() of it",
                bad: "http_errors_total > 100",
                good: "increase(http_errors_total[1h]) > 100",
            },
            Self::DeltaOverCounter => Entry {
                code: "delta-over-counter",
                is_default: true,
                summary: "a function for gauges looks at a counter",
                remedy: "use increase() or rate()",
                bad: "delta(http_requests_total[5m])",
                good: "increase(http_requests_total[5m])",
            },
            Self::OverTimeOfCounter => Entry {
                code: "over-time-of-counter",
                is_default: true,
                summary: "the values of a counter are averaged or added up over time",
                remedy: "use rate() or increase(), which are averages and sums over time",
                bad: "avg_over_time(http_requests_total[1h])",
                good: "rate(http_requests_total[1h])",
            },
            Self::RateOfAggregation => Entry {
                code: "rate-of-aggregation",
                is_default: true,
                summary: "counters are added up before their rate is taken",
                remedy: "aggregate the rates",
                bad: "rate(sum(http_requests_total)[5m:])",
                good: "sum(rate(http_requests_total[5m]))",
            },
            Self::RateOverGauge => Entry {
                code: "rate-over-gauge",
                is_default: true,
                summary: "a function for counters looks at a gauge",
                remedy: "use deriv() or delta(), or max_over_time() and the like",
                bad: "rate(node_filesystem_free_bytes[5m])",
                good: "deriv(node_filesystem_free_bytes[5m])",
            },
            _ => Entry {
                code: "rate-over-unknown",
                is_default: false,
                summary: "a function for counters looks at a metric that is not named as one",
                remedy: "make sure that it is a counter or a native histogram",
                bad: "rate(queue_pushes[5m])",
                good: "rate(queue_pushes_total[5m])",
            },
        }
    }

    const fn of_conditions(self) -> Entry {
        match self {
            Self::AlertWithoutCondition => Entry {
                code: "alert-without-condition",
                is_default: true,
                summary: "the expression of an alert computes something and compares nothing",
                remedy: "compare it, without bool",
                bad: "rate(http_errors_total[5m])",
                good: "rate(http_errors_total[5m]) > 1",
            },
            Self::CountIsNeverZero => Entry {
                code: "count-is-never-zero",
                is_default: true,
                summary: "a comparison waits for a count of 0, which there never is",
                remedy: "ask absent(), or add `or vector(0)` to the count",
                bad: "count(up{job=\"api\"}) == 0",
                good: "absent(up{job=\"api\"})",
            },
            Self::DivisionHidesAbsence => Entry {
                code: "division-hides-absence",
                is_default: true,
                summary: "a low share is asked for, and there is no share once its part is absent",
                remedy: "ask for a high share of the opposite, or add `or` with a 0 to the part",
                bad: "sum(rate(http_requests_total{code=~\"2..\"}[5m])) / \
                      sum(rate(http_requests_total[5m])) < 0.95",
                good: "sum(rate(http_requests_total{code!~\"2..\"}[5m])) / \
                       sum(rate(http_requests_total[5m])) > 0.05",
            },
            Self::DivisionWithoutFallback => Entry {
                code: "division-without-fallback",
                is_default: false,
                summary: "a ratio of vectors is compared, of which either may be absent",
                remedy: "add `or` with a default to the side that may be absent",
                bad: "a / b > 0.5",
                good: "(a or b * 0) / b > 0.5",
            },
            _ => Entry {
                code: "irate-in-alert",
                is_default: true,
                summary: "an alert looks at the last two samples of a counter alone",
                remedy: "use rate()",
                bad: "irate(http_errors_total[5m]) > 1",
                good: "rate(http_errors_total[5m]) > 1",
            },
        }
    }

    const fn of_labels(self) -> Entry {
        match self {
            Self::GroupingLabelIsMissing => Entry {
                code: "grouping-label-is-missing",
                is_default: true,
                summary: "a grouping names a label that was lost before",
                remedy: "keep the label in the inner aggregation, or group without it",
                bad: "max by (instance) (sum by (job) (up))",
                good: "max by (job) (sum by (job, instance) (up))",
            },
            Self::JoinedLabelIsMissing => Entry {
                code: "joined-label-is-missing",
                is_default: true,
                summary: "group_left or group_right takes a label that the other side has lost",
                remedy: "keep the label in the aggregation of the other side",
                bad: "x * on (pod) group_left (node) max by (pod) (kube_pod_info)",
                good: "x * on (pod) group_left (node) max by (pod, node) (kube_pod_info)",
            },
            Self::OperandsNeverMatch => Entry {
                code: "operands-never-match",
                is_default: true,
                summary: "the sides of an operator are left with different labels",
                remedy: "aggregate both alike, or match with on or ignoring and group_left",
                bad: "sum by (job) (errors) / sum(requests)",
                good: "sum by (job) (errors) / ignoring (job) group_left sum(requests)",
            },
            _ => Entry {
                code: "quantile-without-le",
                is_default: true,
                summary: "the buckets of a histogram are added up",
                remedy: "keep le in the aggregation",
                bad: "histogram_quantile(0.9, sum by (job) (rate(x_seconds_bucket[5m])))",
                good: "histogram_quantile(0.9, sum by (job, le) (rate(x_seconds_bucket[5m])))",
            },
        }
    }

    const fn of_selectors(self) -> Entry {
        match self {
            Self::QuantileWithoutRate => Entry {
                code: "quantile-without-rate",
                is_default: true,
                summary: "a quantile is taken over all that was ever observed",
                remedy: "take the quantile of rate() of the buckets",
                bad: "histogram_quantile(0.9, x_seconds_bucket)",
                good: "histogram_quantile(0.9, rate(x_seconds_bucket[5m]))",
            },
            Self::RangeTooShort => Entry {
                code: "range-too-short",
                is_default: true,
                summary: "a range may hold too few samples for its function",
                remedy: "look back for at least four scrapes",
                bad: "rate(http_requests_total[30s])",
                good: "rate(http_requests_total[1m])",
            },
            Self::RegexCouldBeEquality => Entry {
                code: "regex-could-be-equality",
                is_default: true,
                summary: "a regular expression is a plain text",
                remedy: "compare with = or !=",
                bad: "up{job=~\"api\"}",
                good: "up{job=\"api\"}",
            },
            Self::RegexIsAnchored => Entry {
                code: "regex-is-anchored",
                is_default: true,
                summary: "a regular expression has anchors, which all have by themselves",
                remedy: "leave the anchors out",
                bad: "up{job=~\"^api-.*$\"}",
                good: "up{job=~\"api-.*\"}",
            },
            Self::RegexMatchesEverything => Entry {
                code: "regex-matches-everything",
                is_default: true,
                summary: "a condition holds for all series or for none",
                remedy: "leave it out, or ask for .+",
                bad: "up{job=~\".*\"}",
                good: "up{job=~\".+\"}",
            },
            Self::SelectorMatchesNothing => Entry {
                code: "selector-matches-nothing",
                is_default: true,
                summary: "the conditions of a selector contradict each other",
                remedy: "leave one out, or ask for either with =~",
                bad: "up{job=\"a\",job=\"b\"}",
                good: "up{job=~\"a|b\"}",
            },
            _ => Entry {
                code: "selector-without-name",
                is_default: false,
                summary: "a selector names no metric",
                remedy: "name the metric",
                bad: "count({job=\"api\"})",
                good: "count(up{job=\"api\"})",
            },
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
