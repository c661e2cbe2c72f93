//! Functions that change labels: `label_replace` and `label_join`.

use skopos_core::Labels;
use skopos_regex::Regex;

use super::call::texts;
use super::{Evaluator, Grid, Result, Sink, execution, not_typed};
use crate::plan::Arg;

impl Evaluator<'_> {
    /// Hands the series of a `label_replace` to `sink`.
    pub(super) fn each_label_replace(
        &self,
        args: &[Arg],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let [vector, rest @ ..] = args else { return Err(not_typed()) };
        let texts = texts(rest)?;
        let [to, template, from, pattern] = texts.as_slice() else { return Err(not_typed()) };
        // Upstream wraps the text and not the parsed pattern.
        let wrapped = format!("^(?s:{pattern})$");
        let compiled = match self.settings.expressions {
            Some(expressions) => expressions.compiled(&wrapped),
            None => Regex::new(&wrapped),
        };
        let regex = compiled.map_err(|_| {
            execution(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        if to.is_empty() {
            return Err(execution(format!(
                "invalid destination label name in label_replace(): {to}"
            )));
        }
        self.each_relabeled(vector, to, grid, sink, &|labels| {
            let mut value = String::new();
            let captures = regex.captures(labels.get(from).unwrap_or_default())?;
            captures.expand(template, &mut value);
            Some(value)
        })
    }

    /// Hands the series of a `label_join` to `sink`.
    pub(super) fn each_label_join(
        &self,
        args: &[Arg],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let [vector, rest @ ..] = args else { return Err(not_typed()) };
        let texts = texts(rest)?;
        let [to, separator, from @ ..] = texts.as_slice() else { return Err(not_typed()) };
        if let Some(name) = from.iter().find(|name| name.is_empty()) {
            return Err(execution(format!("invalid source label name in label_join(): {name}")));
        }
        if to.is_empty() {
            return Err(execution(format!("invalid destination label name in label_join(): {to}")));
        }
        self.each_relabeled(vector, to, grid, sink, &|labels| {
            let values: Vec<&str> =
                from.iter().map(|name| labels.get(name).unwrap_or_default()).collect();
            Some(values.join(separator))
        })
    }

    /// Sets the label `to` to what `value` gives, where it gives something.
    fn each_relabeled(
        &self,
        vector: &Arg,
        to: &str,
        grid: Grid,
        sink: &mut Sink<'_>,
        value: &dyn Fn(&Labels) -> Option<String>,
    ) -> Result<()> {
        let mut merger = self.merger()?;
        self.each(&vector.node, grid, &mut |mut series| {
            if let Some(value) = value(&series.labels) {
                series.labels = with_label(&series.labels, to, &value);
                // A name that was written on purpose stays.
                series.drop_name &= to != "__name__";
            }
            merger.add(series)
        })?;
        merger.finish(sink)
    }
}

/// The labels with one replaced or added; an empty value removes it.
fn with_label(labels: &Labels, name: &str, value: &str) -> Labels {
    let before = labels.iter().take_while(|(other, _)| *other < name);
    let after = labels.iter().skip_while(|(other, _)| *other <= name);
    Labels::from_sorted_pairs(before.chain([(name, value)]).chain(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_put_in_its_place() {
        let labels = Labels::from_pairs([("a", "1"), ("c", "3"), ("e", "5")]);
        for (name, value) in
            [("a", "x"), ("c", ""), ("e", "x"), ("0", "x"), ("b", "x"), ("f", "x"), ("d", "")]
        {
            let mut builder = labels.to_builder();
            builder.set(name, value);
            assert_eq!(with_label(&labels, name, value), builder.finish(), "{name}={value}");
        }
    }
}
