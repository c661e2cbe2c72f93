//! The order in which people sort names with numbers in them: `a2` before `a10`.

use std::cmp::Ordering;

/// Compares run by run, digits as numbers and the rest as bytes.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (run_a, rest_a) = split_run(a);
        let (run_b, rest_b) = split_run(b);
        let order = match (is_digit_run(run_a), is_digit_run(run_b)) {
            (true, true) => compare_digits(run_a, run_b),
            _ => run_a.cmp(run_b),
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    // Leading zeros make no difference, so lengths may differ where all runs are equal.
    a.is_empty().cmp(&b.is_empty()).reverse()
}

fn is_digit_run(run: &str) -> bool {
    run.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// The leading run of digits or of other characters, and the rest.
fn split_run(text: &str) -> (&str, &str) {
    let digits = is_digit_run(text);
    let end = text.bytes().position(|b| b.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

fn compare_digits(a: &str, b: &str) -> Ordering {
    let (x, y) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    x.len().cmp(&y.len()).then_with(|| x.cmp(y))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn numbers_sort_by_value() {
        let mut names = ["a10", "a2", "b1", "a", "10", "9", "a2b", "a02"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["9", "10", "a", "a2", "a02", "a2b", "a10", "b1"]);
        assert_eq!(compare("a2", "a002"), std::cmp::Ordering::Equal);
    }
}
