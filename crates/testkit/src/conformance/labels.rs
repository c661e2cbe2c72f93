//! The laws of [`LabelSet`].

use skopos_core::{LabelSet, Labels};

/// Checks that `view` shows exactly the labels `expected` and keeps the laws of [`LabelSet`].
///
/// # Panics
///
/// If it does not.
///
/// ```
/// use skopos_core::Labels;
/// use skopos_testkit::conformance;
///
/// let pairs = [("a", "1"), ("b", "2")];
/// conformance::label_set(&pairs, &Labels::from_pairs(pairs));
/// ```
#[track_caller]
pub fn label_set(view: &dyn LabelSet, expected: &Labels) {
    let seen = pairs(view);
    assert!(seen.windows(2).all(|w| w[0].0 < w[1].0), "names ascend and are distinct: {seen:?}");
    assert!(seen.iter().all(|(_, value)| !value.is_empty()), "no empty values: {seen:?}");
    assert_eq!(seen, pairs(expected), "the labels are those expected");
    assert_eq!(pairs(view), seen, "a second visit sees the same");
    for (name, value) in &seen {
        assert_eq!(view.value(name), Some(value.as_str()), "value() agrees with visit()");
    }
    assert_eq!(view.value("no such label"), None, "an absent label has no value");
    assert_eq!(view.to_labels(), *expected, "to_labels() agrees with visit()");
}

fn pairs(view: &dyn LabelSet) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    view.visit(&mut |name, value| pairs.push((name.to_owned(), value.to_owned())));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_in_core_is_a_label_set() {
        let pairs = [("__name__", "up"), ("job", "a")];
        let labels = Labels::from_pairs(pairs);
        label_set(&labels, &labels);
        label_set(&pairs, &labels);
        label_set(&labels.to_builder(), &labels);
        label_set(&Labels::empty(), &Labels::empty());
    }

    #[test]
    fn a_view_out_of_order_is_caught() {
        let broken = [("b", "1"), ("a", "1")];
        let caught = std::panic::catch_unwind(|| label_set(&broken, &Labels::empty()));
        assert!(caught.is_err());
    }
}
