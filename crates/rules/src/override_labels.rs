//! What a recording rule makes of the labels of a result: some are replaced, most stay.

use std::collections::BTreeMap;
use std::iter::Peekable;

use skopos_core::Labels;
use skopos_core::labels::{Iter, METRIC_NAME};

/// Labels that replace those of the same name. An empty value removes the label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// Invariant: ascending by name, each name once.
    pairs: Vec<(String, String)>,
}

impl Overrides {
    /// The metric's name and the labels of rule and group, which may name another metric.
    pub(crate) fn new(metric: &str, labels: &BTreeMap<String, String>) -> Self {
        let mut all: BTreeMap<&str, &str> = BTreeMap::from([(METRIC_NAME, metric)]);
        all.extend(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let pairs = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { pairs: pairs.collect() }
    }

    /// The labels with the replacements.
    pub(crate) fn apply(&self, labels: &Labels) -> Labels {
        Labels::from_sorted_pairs(self.over(labels))
    }

    fn over<'a>(&'a self, labels: &'a Labels) -> Over<'a> {
        Over { own: labels.iter().peekable(), new: self.pairs.iter().peekable() }
    }
}

/// Both lists as one, the new ones first where names are the same.
struct Over<'a> {
    own: Peekable<Iter<'a>>,
    new: Peekable<std::slice::Iter<'a, (String, String)>>,
}

impl<'a> Iterator for Over<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((name, value)) = self.new.peek() {
            match self.own.peek() {
                Some((own, _)) if *own < name.as_str() => return self.own.next(),
                Some((own, _)) if own == name => drop(self.own.next()),
                _ => {}
            }
            self.new.next();
            return Some((name, value));
        }
        self.own.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(labels: &[(&str, &str)], overrides: &[(&str, &str)], expected: &[(&str, &str)]) {
        let pairs = overrides.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let overrides = Overrides::new("m", &pairs.collect());
        let labels = Labels::from_pairs(labels.iter().copied());
        let expected = Labels::from_pairs(expected.iter().copied());
        assert_eq!(overrides.apply(&labels), expected);
    }

    #[test]
    fn a_rules_labels_win_over_those_of_the_result() {
        check(&[], &[], &[("__name__", "m")]);
        check(&[("__name__", "x"), ("a", "1")], &[], &[("__name__", "m"), ("a", "1")]);
        check(
            &[("a", "1"), ("c", "3")],
            &[("b", "2"), ("c", "4"), ("d", "5")],
            &[("__name__", "m"), ("a", "1"), ("b", "2"), ("c", "4"), ("d", "5")],
        );
        check(&[("a", "1"), ("b", "2")], &[("a", ""), ("z", "")], &[("__name__", "m"), ("b", "2")]);
        check(&[("A", "1")], &[("__name__", "n")], &[("A", "1"), ("__name__", "n")]);
    }
}
