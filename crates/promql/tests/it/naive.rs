//! The engine beside the naive evaluator of `testkit`, over random queries and data.
//!
//! `SKOPOS_NAIVE_CASES` says how many cases there are, `SKOPOS_NAIVE_SEED` with which seed they begin.

use skopos_core::QueryEngine;
use skopos_promql::{Engine, EngineOptions, ParseOptions};
use skopos_testkit::naive::{Case, Verdict};

/// A few seconds without optimization.
const CASES: u64 = 1500;

#[expect(clippy::disallowed_methods, reason = "how long the test runs is asked from outside")]
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn judge(case: &Case) -> Verdict {
    let options = EngineOptions::default()
        .with_parse(ParseOptions::all())
        .with_subquery_step(Case::SUBQUERY_STEP);
    let engine = Engine::new(case.store(), options);
    let text = case.text();
    case.judge(&engine.query(&case.request(&text)))
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    let (mut agreed, mut failed, mut unspecified) = (0, 0, 0);
    let (first, cases) = (number("SKOPOS_NAIVE_SEED", 0), number("SKOPOS_NAIVE_CASES", CASES));
    let mut differences = Vec::new();
    for seed in first..first + cases {
        let case = Case::random(seed);
        match judge(&case) {
            Verdict::Agreed => agreed += 1,
            Verdict::BothFailed => failed += 1,
            Verdict::Disagreed(_) => {
                let small = case.shrink(|case| matches!(judge(case), Verdict::Disagreed(_)));
                let Verdict::Disagreed(how) = judge(&small) else { unreachable!("it disagreed") };
                differences.push(format!("seed {seed}: {}{how}", small.describe()));
                if 20 <= differences.len() {
                    break;
                }
            }
            _ => unspecified += 1,
        }
    }
    println!("{agreed} agreed, {failed} failed on both sides, {unspecified} are not laid down");
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(cases < 100 || cases / 2 < agreed, "{agreed} of {cases} have values");
}
