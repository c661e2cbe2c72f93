//! The evaluator against answers worked out by hand.

use super::*;

#[test]
fn every_seed_makes_a_case() {
    let texts: Vec<String> = (0..50).map(|seed| Case::random(seed).text()).collect();
    assert!(texts.iter().any(|text| text.contains('[')), "{texts:?}");
}
