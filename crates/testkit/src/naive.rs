//! A deliberately naive evaluator of PromQL, and random queries over random data to judge engines by.
//!
//! A [`Case`] is some data, a query and its times, all made from one seed. The query is a tree that
//! prints itself as text for the engine and is evaluated here in the most obvious way: each expression
//! once a step, the samples of each window collected anew, partners found by looking at every pair. It
//! shares no code with an engine and is written from the language's documentation.
//!
//! Covered are literals, instant and range selectors with all kinds of matchers, `offset` and `@`,
//! staleness, subqueries, all operators with their matching rules and errors, all aggregations but
//! `limit_ratio`, all functions of floats, quantiles of classic histograms, and native histograms, of
//! exponential and of custom buckets: their functions, operators and aggregations.
//!
//! Not covered: `histogram_quantiles`, shares of classic histograms and the trimming of native ones,
//! `info`, `limit_ratio`, `anchored` and `smoothed`, `fill`, arithmetic in durations, start timestamps, delayed name removal, annotations, and
//! the texts of errors: that both sides fail, and with an error of execution, is what is compared. What
//! the language leaves open, such as which of equal values `topk` takes, is no disagreement: such a case
//! is told as [`Verdict::Unspecified`].
//!
//! ```
//! use skopos_core::{Error, ErrorKind};
//! use skopos_testkit::naive::{Case, Verdict};
//!
//! let case = Case::random(7);
//! assert_eq!(case.text(), Case::random(7).text());
//! let refusal = Err(Error::new(ErrorKind::Invalid, "cannot parse it"));
//! assert!(!matches!(case.judge(&refusal), Verdict::Agreed));
//! ```

use skopos_core::{Error, ErrorKind, QueryOutput, QueryRequest, Timestamp};

use self::data::Data;
use self::eval::{Evaluator, Failure};
use self::expr::Expr;
use self::generate::Generator;
use crate::MemoryStore;
use crate::random::Random;

mod aggregate;
mod compare;
mod data;
mod estimate;
mod eval;
mod expr;
mod function;
mod generate;
mod histogram;
mod operator;
mod shrink;
mod statistics;
mod window;

#[cfg(test)]
mod tests;

/// The longest time from start to end, in milliseconds; subqueries evaluate all of it.
const MOST_TIME: i64 = 1_500_000;

/// How an engine's answer compares with the naive one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// They are the same.
    Agreed,
    /// Both fail.
    BothFailed,
    /// They differ; what was expected and what was found.
    Disagreed(String),
    /// The answer depends on what the language leaves open.
    Unspecified,
}

/// Data, a query and its times.
#[derive(Clone, Debug)]
pub struct Case {
    data: Data,
    expr: Expr,
    start: i64,
    end: i64,
    /// 0 for an instant query.
    step: i64,
    lookback: i64,
    subquery_step: i64,
}

impl Case {
    /// The step of subqueries that name none, which the engine must be told, in milliseconds.
    pub const SUBQUERY_STEP: i64 = 60_000;

    /// The case of a seed, which is always the same.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let data = Data::random(random);
        let instant = random.below(3) == 0;
        let expr = Generator { random }.query(instant);
        let start = Generator { random }.time();
        let step = match random.below(6) {
            0 => 1 + random.below(30_000) as i64,
            1 => [1, 250_000, 1_000_000, 10_000_000][random.below(4) as usize],
            _ => [15_000, 30_000, 60_000, 17_000][random.below(4) as usize],
        };
        // The end need not lie on the grid of steps.
        let length = random.below(12) as i64 * step + random.below(step as u64) as i64;
        let length = length.min(MOST_TIME);
        let lookback = [300_000, 300_000, 300_000, 20_000, 1][random.below(5) as usize];
        let (end, step) = if instant { (start, 0) } else { (start + length, step) };
        Self { data, expr, start, end, step, lookback, subquery_step: Self::SUBQUERY_STEP }
    }

    /// The query.
    #[must_use]
    pub fn text(&self) -> String {
        self.expr.to_string()
    }

    /// The request, `text` being that of the case.
    #[must_use]
    pub fn request<'t>(&self, text: &'t str) -> QueryRequest<'t> {
        let (start, end) = (Timestamp::from_millis(self.start), Timestamp::from_millis(self.end));
        let request = match self.step {
            0 => QueryRequest::instant(text, start),
            step => QueryRequest::range(text, start, end, step),
        };
        request.with_lookback(self.lookback)
    }

    /// A store that holds the data.
    #[must_use]
    pub fn store(&self) -> MemoryStore {
        self.data.store()
    }

    /// Everything, for people to read.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { start, end, step, lookback, .. } = self;
        let times = format!("from {start} to {end} by {step}, looking back {lookback}");
        format!("{times}: {}", data::describe(&self.data, &self.expr))
    }

    /// Compares an engine's answer with the naive one.
    #[must_use]
    pub fn judge(&self, found: &Result<QueryOutput, Error>) -> Verdict {
        let times: Vec<i64> = match self.step {
            0 => vec![self.start],
            step => (self.start..=self.end).step_by(step as usize).collect(),
        };
        let verdict = self.compare(&times, found);
        if matches!(verdict, Verdict::Disagreed(_)) && self.hangs_on_last_digits(&times) {
            return Verdict::Unspecified;
        }
        verdict
    }

    /// Whether other last digits of elementary functions make another answer, as before a `floor`.
    fn hangs_on_last_digits(&self, times: &[i64]) -> bool {
        let values = |nudge| Evaluator { case: self, nudge }.values(&self.expr, times);
        let plain = values(0.0);
        [-1e-15, 1e-15].iter().any(|nudge| match (&plain, &values(*nudge)) {
            (Ok(a), Ok(b)) => !compare::same(times, a, b),
            (a, b) => a.is_ok() != b.is_ok(),
        })
    }

    fn compare(&self, times: &[i64], found: &Result<QueryOutput, Error>) -> Verdict {
        let expected = Evaluator { case: self, nudge: 0.0 }.values(&self.expr, times);
        match (expected, found) {
            (Err(Failure::Unspecified(_)), _) => Verdict::Unspecified,
            (Err(Failure::Error(_)), Err(error)) if error.kind() == ErrorKind::Execution => {
                Verdict::BothFailed
            }
            (Err(Failure::Error(message)), found) => {
                Verdict::Disagreed(format!("expected an error: {message}\nfound {found:?}"))
            }
            (Ok(_), Err(error)) => Verdict::Disagreed(format!("found an error: {error}")),
            (Ok(values), Ok(output)) => {
                let instant = self.step == 0;
                match compare::difference(&self.expr, times, instant, &values, output) {
                    None => Verdict::Agreed,
                    Some(expected) => Verdict::Disagreed(format!(
                        "expected {expected}\nfound    {:?}",
                        output.value
                    )),
                }
            }
        }
    }

    /// The simplest case that can be made of this one for which `fails` still holds.
    #[must_use]
    pub fn shrink(&self, fails: impl FnMut(&Self) -> bool) -> Self {
        shrink::shrink(self, fails)
    }
}
