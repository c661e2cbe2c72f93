//! The encoder: families to Prometheus text 0.0.4 and OpenMetrics 1.0.
//!
//! Samples are written in the order given and under the names given; what the format cannot say
//! (a unit in Prometheus text, a gauge histogram's type) is left out or becomes the nearest type.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use skopos_core::labels::METRIC_NAME;
use skopos_core::text::{FloatStyle, is_legacy_label_name, is_legacy_metric_name, write_float};
use skopos_core::{Exemplar, Labels, MetricType};

use crate::escape::escape_into;
use crate::family::{base_name, has_start, metric_labels};
use crate::number::{millis_from_seconds, write_label_float};
use crate::{Error, ErrorKind, EscapingScheme, Family, FamilySample, OutputFormat, TextFormat};

mod classic;
#[cfg(feature = "protobuf")]
pub(crate) mod protobuf;

/// Appends a page with `families` to `out`; an OpenMetrics page is ended.
///
/// What is written reads back as it was: samples, labels, timestamps, exemplars and start times
/// (OpenMetrics) and the metadata that the format has. Text has no native histograms: those with
/// custom buckets are written as the classic ones that they stand for, others with their count, their
/// sum and an infinite bucket. OpenMetrics' counters are named without `_total` in their
/// metadata; a counter whose samples lack `_total` is given the type `unknown` there, since readers
/// would refuse it. The value of a NaN is always `NaN`. OpenMetrics' timestamps are floats: beyond
/// 10^11 seconds from the epoch they lose milliseconds.
///
/// Linear in the output.
///
/// # Errors
///
/// `Family` where a family has no name, one with a NUL after escaping, or no sample, or where a sample
/// has no name; `out` then holds what was written before.
pub fn encode<'f>(
    output: OutputFormat,
    families: impl IntoIterator<Item = &'f Family>,
    out: &mut String,
) -> Result<(), Error> {
    for family in families {
        Encoder { output, family, out }.family()?;
    }
    if output.format == TextFormat::OpenMetrics {
        out.push_str("# EOF\n");
    }
    Ok(())
}

struct Encoder<'e> {
    output: OutputFormat,
    family: &'e Family,
    out: &'e mut String,
}

impl Encoder<'_> {
    fn family(&mut self) -> Result<(), Error> {
        let family = self.family;
        if family.name.is_empty() {
            return Err(refuse("metric family has no name".into()));
        }
        if family.samples.is_empty() && family.histograms.is_empty() {
            return Err(refuse(format!("metric family {:?} has no samples", family.name)));
        }
        // Readers take a NUL for the end of a line of metadata.
        if self.output.escaping.escape(&family.name).contains('\0') {
            return Err(refuse(format!("name of metric family {:?} has a NUL", family.name)));
        }
        let (name, metric_type) = match self.output.format {
            TextFormat::Prometheus => prometheus_metadata(family),
            TextFormat::OpenMetrics => openmetrics_metadata(family),
        };
        if let Some(help) = &family.help {
            self.keyword("HELP", &name);
            escape_into(help, self.output.format == TextFormat::OpenMetrics, self.out);
            self.out.push('\n');
        }
        self.keyword("TYPE", &name);
        self.out.push_str(metric_type);
        self.out.push('\n');
        let has_unit = name.strip_suffix(&*family.unit).is_some_and(|rest| rest.ends_with('_'));
        if self.output.format == TextFormat::OpenMetrics && has_unit && !family.unit.is_empty() {
            self.keyword("UNIT", &name);
            self.out.push_str(&family.unit);
            self.out.push('\n');
        }
        self.samples(&family.samples)?;
        for histogram in &family.histograms {
            self.samples(&classic::samples(family, histogram, self.output.format))?;
        }
        Ok(())
    }

    /// Writes samples, and after the last one of each metric when it began.
    fn samples(&mut self, samples: &[FamilySample]) -> Result<(), Error> {
        let tells_starts = self.output.format == TextFormat::OpenMetrics
            && openmetrics_metadata(self.family).1 == self.family.metric_type.as_str()
            && has_start(self.family.metric_type);
        let metric_type = self.family.metric_type;
        let key = |sample: &FamilySample| {
            let name = sample.labels.metric_name().unwrap_or_default();
            (String::from(base_name(metric_type, name)), metric_labels(metric_type, &sample.labels))
        };
        for (index, sample) in samples.iter().enumerate() {
            self.sample(sample)?;
            let Some(start) = sample.start_timestamp.filter(|_| tells_starts) else { continue };
            let own = key(sample);
            let goes_on = samples
                .get(index + 1)
                .is_some_and(|next| next.start_timestamp == Some(start) && key(next) == own);
            if !goes_on {
                let (base, labels) = own;
                self.series(&format!("{base}_created"), &labels);
                self.out.push(' ');
                self.timestamp(start.as_millis());
                self.out.push('\n');
            }
        }
        Ok(())
    }

    fn keyword(&mut self, keyword: &str, name: &str) {
        self.out.push_str("# ");
        self.out.push_str(keyword);
        self.out.push(' ');
        let name = self.output.escaping.escape(name);
        if is_legacy_metric_name(&name) {
            self.out.push_str(&name);
        } else {
            quote_into(&name, self.out);
        }
        self.out.push(' ');
    }

    fn sample(&mut self, sample: &FamilySample) -> Result<(), Error> {
        let Some(name) = sample.labels.metric_name() else {
            let family = &self.family.name;
            return Err(refuse(format!("sample of metric family {family:?} has no name")));
        };
        self.series(name, &sample.labels);
        self.out.push(' ');
        self.value(sample.value, name);
        if let Some(timestamp) = sample.timestamp {
            self.out.push(' ');
            self.timestamp(timestamp.as_millis());
        }
        // Readers refuse NUL in an exemplar's labels.
        let has_nul = |text: &str| text.contains('\0');
        let is_readable = |exemplar: &&Exemplar| {
            !exemplar.labels.iter().any(|(name, value)| has_nul(name) || has_nul(value))
        };
        if let Some(exemplar) = sample.exemplar.as_ref().filter(is_readable)
            && self.output.format == TextFormat::OpenMetrics
        {
            self.out.push_str(" # {");
            for (i, (name, value)) in exemplar.labels.iter().enumerate() {
                self.label(0 < i, name, value, EscapingScheme::AllowUtf8);
            }
            self.out.push_str("} ");
            write_label_float(exemplar.value, self.out);
            if let Some(timestamp) = exemplar.timestamp {
                self.out.push(' ');
                self.timestamp(timestamp.as_millis());
            }
        }
        self.out.push('\n');
        Ok(())
    }

    fn series(&mut self, name: &str, labels: &Labels) {
        let name = self.output.escaping.escape(name);
        let bare = is_legacy_metric_name(&name);
        if bare {
            self.out.push_str(&name);
        }
        let mut others = labels.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if bare && others.peek().is_none() {
            return;
        }
        self.out.push('{');
        if !bare {
            quote_into(&name, self.out);
        }
        let mut after = !bare;
        for (name, value) in others {
            self.label(after, name, value, self.output.escaping);
            after = true;
        }
        self.out.push('}');
    }

    fn label(&mut self, after: bool, name: &str, value: &str, escaping: EscapingScheme) {
        if after {
            self.out.push(',');
        }
        let name = escaping.escape(name);
        if is_legacy_label_name(&name) {
            self.out.push_str(&name);
        } else {
            quote_into(&name, self.out);
        }
        self.out.push('=');
        quote_into(value, self.out);
    }

    /// A value; OpenMetrics marks floats by a point, and writes counts without one.
    fn value(&mut self, value: f64, name: &str) {
        let count = match self.family.metric_type {
            MetricType::Histogram | MetricType::Summary | MetricType::GaugeHistogram => {
                ["_bucket", "_count", "_gcount"].iter().any(|suffix| name.ends_with(suffix))
            }
            _ => false,
        };
        if self.output.format == TextFormat::OpenMetrics && !count {
            write_label_float(value, self.out);
        } else {
            write_float(self.out, value, FloatStyle::General);
        }
    }

    fn timestamp(&mut self, millis: i64) {
        if self.output.format == TextFormat::Prometheus {
            // Writing into a `String` cannot fail.
            let _ = write!(self.out, "{millis}");
            return;
        }
        write_seconds(millis, self.out);
    }
}

/// Appends milliseconds as seconds such that readers, who truncate the float, get them back.
pub(crate) fn write_seconds(millis: i64, out: &mut String) {
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    let start = out.len();
    // Writing into a `String` cannot fail.
    let _ = write!(out, "{sign}{seconds}.{rest:03}");
    if out[start..].parse().map(millis_from_seconds) != Ok(millis) {
        out.push('1');
    }
}

/// The name and type of the metadata lines of Prometheus text.
fn prometheus_metadata(family: &Family) -> (String, &'static str) {
    let name = match family.metric_type {
        // OpenMetrics leaves the suffix out of the family's name.
        MetricType::Counter if !family.name.ends_with("_total") && all_end(family, "_total") => {
            format!("{}_total", family.name)
        }
        MetricType::Info if !family.name.ends_with("_info") && all_end(family, "_info") => {
            format!("{}_info", family.name)
        }
        _ => family.name.clone(),
    };
    let metric_type = match family.metric_type {
        MetricType::Counter => "counter",
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => "gauge",
        MetricType::Histogram | MetricType::GaugeHistogram => "histogram",
        MetricType::Summary => "summary",
        _ => "untyped",
    };
    (name, metric_type)
}

/// The name and type of the metadata lines of OpenMetrics.
fn openmetrics_metadata(family: &Family) -> (String, &'static str) {
    if family.metric_type != MetricType::Counter {
        return (family.name.clone(), family.metric_type.as_str());
    }
    if !all_end(family, "_total") {
        return (family.name.clone(), MetricType::Unknown.as_str());
    }
    let name = family.name.strip_suffix("_total").filter(|name| !name.is_empty());
    (name.unwrap_or(&family.name).into(), "counter")
}

/// Whether each sample's name ends so, but for those that tell start times.
fn all_end(family: &Family, suffix: &str) -> bool {
    let mut names = family.samples.iter().filter_map(|sample| sample.labels.metric_name());
    names.all(|name| name.ends_with(suffix) || name.ends_with("_created"))
}

fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    escape_into(text, true, out);
    out.push('"');
}

#[cold]
fn refuse(message: String) -> Error {
    Error::new(ErrorKind::Family, message)
}
