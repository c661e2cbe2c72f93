//! The linter's rules, each over one family.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::MetricType;

use super::{LintFamily, Problem};

/// Units and the base units to use in their place.
const UNITS: [(&str, &str); 24] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

/// What stands before a unit; `mibi` and `gibi` are spelt as `promtool` spells them.
const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

const ABBREVIATIONS: [&str; 14] =
    ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];

struct Findings<'f, 'a> {
    family: &'f LintFamily<'a>,
    problems: &'f mut Vec<Problem>,
}

/// Applies every rule to `family`.
pub(super) fn lint_family(family: &LintFamily<'_>, problems: &mut Vec<Problem>) {
    let mut findings = Findings { family, problems };
    findings.help();
    findings.units();
    findings.counter();
    findings.reserved();
    findings.type_in_name();
    findings.name_style();
    findings.abbreviations();
    findings.duplicates();
}

impl Findings<'_, '_> {
    fn add(&mut self, text: impl Into<Cow<'static, str>>) {
        self.add_at(self.family.line, text);
    }

    fn add_at(&mut self, line: usize, text: impl Into<Cow<'static, str>>) {
        let metric = self.family.name.clone();
        self.problems.push(Problem { metric, text: text.into(), line });
    }

    fn help(&mut self) {
        if self.family.help.is_none() {
            self.add("no help text");
        }
    }

    fn units(&mut self) {
        if let Some((unit, base)) = self.family.name.split('_').find_map(unit_of)
            && unit != base
        {
            self.add(format!("use base unit \"{base}\" instead of \"{unit}\""));
        }
    }

    fn counter(&mut self) {
        let total = self.family.name.ends_with("_total");
        match self.family.metric_type() {
            MetricType::Counter if !total => {
                self.add(r#"counter metrics should have "_total" suffix"#);
            }
            MetricType::Counter | MetricType::Unknown => {}
            _ if total => self.add(r#"non-counter metrics should not have "_total" suffix"#),
            _ => {}
        }
    }

    /// Suffixes and labels that histograms and summaries keep for themselves.
    fn reserved(&mut self) {
        let metric_type = self.family.metric_type();
        if metric_type == MetricType::Unknown {
            return;
        }
        let histogram = metric_type == MetricType::Histogram;
        let summary = metric_type == MetricType::Summary;
        let name = &self.family.name;
        let (bucket, count, sum) =
            (name.ends_with("_bucket"), name.ends_with("_count"), name.ends_with("_sum"));
        if !histogram && bucket {
            self.add(r#"non-histogram metrics should not have "_bucket" suffix"#);
        }
        if !histogram && !summary && count {
            self.add(r#"non-histogram and non-summary metrics should not have "_count" suffix"#);
        }
        if !histogram && !summary && sum {
            self.add(r#"non-histogram and non-summary metrics should not have "_sum" suffix"#);
        }
        for metric in &self.family.metrics {
            for (label, _) in &metric.labels {
                if !histogram && *label == "le" {
                    let text = r#"non-histogram metrics should not have "le" label"#;
                    self.add_at(metric.line, text);
                }
                if !summary && *label == "quantile" {
                    let text = r#"non-summary metrics should not have "quantile" label"#;
                    self.add_at(metric.line, text);
                }
            }
        }
    }

    fn type_in_name(&mut self) {
        let metric_type = self.family.metric_type();
        if metric_type != MetricType::Unknown
            && has_word(&self.family.name.to_lowercase(), metric_type.as_str())
        {
            self.add(format!("metric name should not include type '{metric_type}'"));
        }
    }

    fn name_style(&mut self) {
        if self.family.name.contains(':') {
            self.add("metric names should not contain ':'");
        }
        if is_camel_case(&self.family.name) {
            self.add("metric names should be written in 'snake_case' not 'camelCase'");
        }
        for metric in &self.family.metrics {
            for (label, _) in &metric.labels {
                if is_camel_case(label) {
                    let text = "label names should be written in 'snake_case' not 'camelCase'";
                    self.add_at(metric.line, text);
                }
            }
        }
    }

    fn abbreviations(&mut self) {
        let name = self.family.name.to_lowercase();
        for abbreviation in ABBREVIATIONS {
            if has_word(&name, abbreviation) {
                self.add("metric names should not contain abbreviated units");
            }
        }
    }

    /// One problem for each metric that is followed by one with the same labels.
    fn duplicates(&mut self) {
        let mut later = BTreeSet::new();
        for metric in self.family.metrics.iter().rev() {
            if !later.insert(&metric.labels) {
                self.add_at(metric.line, "metric not unique");
            }
        }
    }
}

fn unit_of(part: &str) -> Option<(&str, &'static str)> {
    let base = |unit: &str| UNITS.iter().find(|(name, _)| *name == unit).map(|(_, base)| *base);
    let prefixed = || PREFIXES.iter().find_map(|prefix| base(part.strip_prefix(prefix)?));
    Some((part, base(part).or_else(prefixed)?))
}

/// Whether `_word_` is in the name or `_word` at its end.
fn has_word(name: &str, word: &str) -> bool {
    let inside: String = format!("_{word}_");
    name.contains(&inside) || name.ends_with(inside.trim_end_matches('_'))
}

fn is_camel_case(name: &str) -> bool {
    name.as_bytes()
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}
