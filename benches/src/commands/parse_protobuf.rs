//! `parse protobuf`: the protobuf parser over a page, with and without labels.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, Error, NativeHistograms, ParserOptions, ProtobufParser};

use super::base_name;
use super::parse::Labels;
use crate::measure::{Plan, measure};
use crate::report::{emit_allocations, emit_rate, emit_time};

/// Reads a page to its end and counts its samples, floats and native histograms alike.
///
/// ```
/// use skopos_bench::commands::parse::Labels;
/// use skopos_bench::commands::parse_protobuf::parse_page;
///
/// let page = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f";
/// assert_eq!(parse_page(page, Labels::Owned)?, 1);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// The parser's.
pub fn parse_page(page: &[u8], labels: Labels) -> Result<usize, Error> {
    // As the peer reads it: classic buckets beside native ones are samples too.
    let options = ParserOptions::default().with_native_histograms(NativeHistograms::WithClassic);
    let mut parser = ProtobufParser::new(page, options);
    let mut samples = 0;
    while let Some(entry) = parser.next()? {
        match entry {
            Entry::Series(mut sample) => {
                black_box((sample.series(), sample.value(), sample.timestamp()));
                match labels {
                    Labels::Owned => {
                        black_box((sample.owned_labels(), sample.exemplar()));
                    }
                    Labels::Raw => {
                        black_box(sample.raw_labels().map(black_box).count());
                    }
                    Labels::View => sample.labels().visit(&mut |name, value| {
                        black_box((name, value));
                    }),
                    Labels::Skipped => {}
                }
            }
            Entry::Histogram(mut entry) => {
                black_box((entry.series(), entry.histogram(), entry.timestamp()));
                match labels {
                    Labels::Owned => {
                        black_box((entry.labels().to_labels(), entry.exemplars()));
                    }
                    Labels::Raw | Labels::View => entry.labels().visit(&mut |name, value| {
                        black_box((name, value));
                    }),
                    Labels::Skipped => {}
                }
            }
            _ => continue,
        }
        samples += 1;
    }
    Ok(samples)
}

/// Measures each file.
///
/// # Errors
///
/// Where a file cannot be read or parsed.
pub fn run(plan: Plan, files: &[&Path]) -> anyhow::Result<()> {
    let variants =
        [("labels", Labels::Owned), ("labels-view", Labels::View), ("nolabels", Labels::Skipped)];
    for file in files {
        let page = fs::read(file).with_context(|| file.display().to_string())?;
        for (variant, labels) in variants {
            let samples = parse_page(&page, labels).with_context(|| file.display().to_string())?;
            let measured = measure(plan, samples, || {
                assert_eq!(parse_page(&page, labels), Ok(samples));
            });
            let name = format!("parse/protobuf/{variant}/{}", base_name(file));
            let fields = json!({ "samples": samples, "bytes": page.len() });
            emit_time(&measured, &name, "ns/sample", 1.0, fields);
            let scale = page.len() as f64 / samples as f64 * 1e3;
            emit_rate(&measured, &name, "MB/s", scale, Value::Null);
            emit_allocations(&measured, &name, "sample");
        }
    }
    Ok(())
}
