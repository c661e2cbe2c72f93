//! Every window has the bits that it has on its own.

use proptest::prelude::*;

use super::*;

/// Windows of all shapes over `n` values, the ends ascending.
fn spans(n: usize, range: usize, step: usize) -> Vec<Span> {
    let ends = (1..n + range).step_by(step);
    let windows = ends.map(|end| (end.saturating_sub(range), end.min(n)));
    let filled = windows.filter(|(from, to)| from < to).enumerate();
    filled.map(|(step, (from, to))| Span { step, from, to }).collect()
}

type Many<'f> = &'f dyn Fn(&[f64], &[Span], &mut dyn FnMut(usize, f64));

#[track_caller]
fn check(values: &[f64], many: Many<'_>, one: &dyn Fn(&[f64]) -> f64) {
    for (range, step) in [(1, 1), (3, 7), (5, 1), (30, 1), (60, 2)] {
        let spans = spans(values.len(), range, step);
        let mut seen = 0;
        many(values, &spans, &mut |step, v| {
            let span = spans[step];
            let expected = one(&values[span.from..span.to]);
            let same = v.to_bits() == expected.to_bits() || (v.is_nan() && expected.is_nan());
            assert!(same, "{v} and not {expected} of {:?}", &values[span.from..span.to]);
            seen += 1;
        });
        assert_eq!(seen, spans.len());
    }
}

fn check_all(values: &[f64]) {
    check(values, &|v, s, mut out| max(v, s, &mut out), &max_of);
    check(values, &|v, s, mut out| min(v, s, &mut out), &min_of);
    check(values, &|v, s, mut out| sum(v, s, &mut out), &sum_of);
    check(values, &|v, s, mut out| mean(v, s, &mut out), &|v| mean_of(v).unwrap_or(f64::NAN));
    let one = |v: &[f64]| variance_of(v, Moments::default());
    check(values, &|v, s, mut out| variance(v, s, &mut out), &one);
    for q in [-1.0, 0.0, 0.3, 0.5, 1.0, 2.0, f64::NAN] {
        let many: Many<'_> = &|v, s, mut out| quantile(v, s, |_| q, || false, &mut out);
        check(values, many, &|v| quantile_of(q, &mut v.to_vec()));
    }
}

#[test]
fn values_at_the_limits() {
    check_all(&[]);
    check_all(&[f64::NAN; 40]);
    check_all(&[-0.0; 40]);
    check_all(&[f64::MAX; 40]);
    check_all(&[4_503_599_627_370_496.0, 0.5, -4_503_599_627_370_496.0, 0.25].repeat(20));
    check_all(&[9_007_199_254_740_993.0, 1.0, 1.0, 1.0].repeat(20));
    check_all(&[5e-324, 1.0, -1.0, 1e300].repeat(20));
    check_all(&[
        844_722.398_640_777_5,
        -929_029.097_324_111_4,
        -178_387.920_370_436_04,
        0.0,
        0.0,
        0.0,
    ]);
}

#[test]
fn the_last_bit_of_a_number_is_found() {
    for (v, bit) in [(1.0, 1.0), (6.0, 2.0), (-0.75, 0.25), (1024.0, 1024.0), (1e15, 32768.0)] {
        assert_eq!(last_bit(v), Some(bit), "{v}");
    }
    assert_eq!(last_bit(0.1), Some(2.0_f64.powi(-55)));
    assert_eq!(last_bit(f64::NAN), None);
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-1000_i32..1000).prop_map(f64::from),
        4 => (-1000_i32..1000).prop_map(|v| f64::from(v) / 16.0),
        8 => -1e6..1e6,
        1 => prop::num::f64::NORMAL,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_of_anything(values in prop::collection::vec(value(), 0..90)) {
        check_all(&values);
    }

    #[test]
    fn windows_of_fractions(values in prop::collection::vec(-1e6..1e6, 0..90)) {
        check_all(&values);
    }

    #[test]
    fn windows_of_whole_numbers(values in prop::collection::vec(-9_i32..9, 0..90)) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        check_all(&values);
    }
}
