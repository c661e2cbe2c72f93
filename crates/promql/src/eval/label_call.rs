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
        let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
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
                let mut builder = series.labels.to_builder();
                builder.set(to, &value);
                series.labels = builder.finish();
                // A name that was written on purpose stays.
                series.drop_name &= to != "__name__";
            }
            merger.add(series)
        })?;
        merger.finish(sink)
    }
}
