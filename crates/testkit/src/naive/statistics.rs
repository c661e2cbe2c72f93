//! Sums, means and quantiles of numbers.

/// Adds to a sum that carries what rounding has lost, after Kahan and Neumaier.
pub(crate) fn add((sum, lost): (f64, f64), v: f64) -> (f64, f64) {
    let total = sum + v;
    if total.is_infinite() {
        (total, 0.0)
    } else if v.abs() <= sum.abs() {
        (total, lost + ((sum - total) + v))
    } else {
        (total, lost + ((v - total) + sum))
    }
}

/// The sum of numbers.
pub(crate) fn sum(values: &[f64]) -> f64 {
    let (sum, lost) = values.iter().fold((0.0, 0.0), |sum, v| add(sum, *v));
    sum + lost
}

/// The mean of at least one number; by means of means once the sum overflows.
pub(crate) fn average(values: &[f64]) -> f64 {
    let mut sum = (values[0], 0.0);
    for (i, v) in values.iter().enumerate().skip(1) {
        let next = add(sum, *v);
        if next.0.is_infinite() {
            let n = i as f64;
            return running_average((sum.0 / n, sum.1 / n), i, &values[i..]);
        }
        sum = next;
    }
    let n = values.len() as f64;
    sum.0 / n + sum.1 / n
}

/// The mean of `count` numbers whose mean is known, and more.
fn running_average(mut mean: (f64, f64), count: usize, rest: &[f64]) -> f64 {
    for (i, v) in rest.iter().enumerate() {
        let n = (count + i + 1) as f64;
        let share = (n - 1.0) / n;
        mean = add((share * mean.0, share * mean.1), v / n);
    }
    mean.0 + mean.1
}

/// The value below which the share `q` of at least one number lies.
pub(crate) fn quantile(q: f64, values: &[f64]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_nan()).collect();
    let mut numbers: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    numbers.sort_by(f64::total_cmp);
    sorted.append(&mut numbers);
    let rank = q * (sorted.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(sorted.len() - 1);
    let weight = rank - rank.floor();
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}
