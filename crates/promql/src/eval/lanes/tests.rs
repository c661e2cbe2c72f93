//! Lanes beside folds of one step after the other.

use proptest::prelude::*;

use super::{Lanes, Means, Sums, fold_extreme};
use crate::eval::column::Column;
use crate::kahan::{Mean, Sum};

const STEPS: usize = 150;

/// Floats of all sizes, so that sums round, overflow, and meet what is not a number.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e6..1e6_f64,
        2 => prop::sample::select(vec![0.0, -0.0, 1e16, -1e16, 0.1, f64::MIN_POSITIVE]),
        1 => prop::sample::select(vec![f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]),
    ]
}

/// Series of which most have a value at every step.
fn columns() -> impl Strategy<Value = Vec<Column>> {
    let one =
        (prop::collection::vec(float(), STEPS), prop::collection::vec(0_u8..100, STEPS), 0_u8..4);
    let one = one.prop_map(|(values, gaps, kind)| {
        let mut column = Column::new(STEPS);
        for (i, v) in values.into_iter().enumerate() {
            // Some have gaps, some begin late.
            if (kind != 0 || 3 < gaps[i]) && (kind != 1 || 70 < i) {
                column.set_float(i, v);
            }
        }
        column
    });
    prop::collection::vec(one, 1..12)
}

fn check<L: Lanes>(columns: &[Column], fold: impl Fn(&[f64]) -> f64) {
    let (mut lanes, mut ones) = (L::new(STEPS), L::new(STEPS));
    for column in columns {
        lanes.add(column);
        column.each_float(|i, v| ones.add_one(i, v));
    }
    let (lanes, ones) = (lanes.finish(), ones.finish());
    for i in 0..STEPS {
        let values: Vec<f64> =
            columns.iter().filter(|c| c.has(i)).map(|column| column.float(i)).collect();
        assert_eq!(lanes.has(i), !values.is_empty());
        assert_eq!(ones.has(i), !values.is_empty());
        if !values.is_empty() {
            let expected = fold(&values);
            for got in [lanes.float(i), ones.float(i)] {
                assert!(
                    got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan()),
                    "{values:?}: {got} {expected}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn sums_have_the_bits_of_one_step_after_the_other(columns in columns()) {
        check::<Sums>(&columns, |values| {
            let mut sum = Sum::new(values[0]);
            values[1..].iter().for_each(|v| sum.add(*v));
            sum.total()
        });
    }

    #[test]
    fn means_have_the_bits_of_one_step_after_the_other(columns in columns()) {
        check::<Means>(&columns, |values| {
            let mut mean = Mean::new(values[0]);
            values[1..].iter().for_each(|v| mean.add(*v));
            mean.value()
        });
    }

    #[test]
    fn the_greatest_is_not_nan_unless_all_are(columns in columns()) {
        let mut best = Column::new(STEPS);
        columns.iter().for_each(|column| fold_extreme(&mut best, column, |best, v| best < v));
        for i in 0..STEPS {
            let values = columns.iter().filter(|c| c.has(i)).map(|column| column.float(i));
            let expected = values.reduce(f64::max);
            prop_assert_eq!(best.has(i), expected.is_some());
            if let Some(expected) = expected {
                let got = best.float(i);
                prop_assert!(got == expected || (got.is_nan() && expected.is_nan()));
            }
        }
    }
}
