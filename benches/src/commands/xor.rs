//! `xor-append` and `xor-iterate`: chunks of 120 samples, by the shape of the series.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use skopos_chunk::{XorDecoder, XorEncoder};
use skopos_core::Columns;

use crate::measure::{Plan, measure};
use crate::report::{emit, emit_allocations, emit_rate, emit_time};

/// As many as Prometheus puts into a chunk.
pub(crate) const SAMPLES_PER_CHUNK: usize = 120;

/// A series of the data file.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CsvSeries {
    /// Its name: the shape, a slash, a number.
    pub id: String,
    /// Times and values.
    pub samples: Vec<(i64, f64)>,
}

/// Reads lines `series,milliseconds,value`; a first line that is not one is a header.
///
/// # Errors
///
/// Where the file cannot be read, or another line is not one.
pub fn read_csv(file: &Path) -> Result<Vec<CsvSeries>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut all: Vec<CsvSeries> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut fields = line.split(',');
        let (Some(id), Some(t), Some(v)) = (fields.next(), fields.next(), fields.next()) else {
            anyhow::bail!("{}:{}: want 3 fields", file.display(), number + 1);
        };
        let Ok(t) = t.parse() else {
            ensure!(number == 0, "{}:{}: {t} is no time", file.display(), number + 1);
            continue;
        };
        let v = v.parse().with_context(|| format!("{}:{}", file.display(), number + 1))?;
        // A series' lines stand together.
        if all.last().is_none_or(|series| series.id != id) {
            all.push(CsvSeries { id: id.into(), ..CsvSeries::default() });
        }
        all.last_mut().context("there is a series")?.samples.push((t, v));
    }
    Ok(all)
}

/// Series measured together: all, or those of one shape.
struct Group<'s> {
    name: &'s str,
    series: Vec<&'s CsvSeries>,
}

impl Group<'_> {
    fn samples(&self) -> usize {
        self.series.iter().map(|series| series.samples.len()).sum()
    }

    /// Hands each chunk to `done`.
    fn encode(&self, mut done: impl FnMut(XorEncoder)) {
        for series in &self.series {
            for samples in series.samples.chunks(SAMPLES_PER_CHUNK) {
                let mut encoder = XorEncoder::new();
                for &(t, v) in samples {
                    encoder.push(t, v).expect("a chunk has room for 120 samples");
                }
                done(encoder);
            }
        }
    }
}

fn groups(all: &[CsvSeries]) -> Vec<Group<'_>> {
    let shape = |series: &CsvSeries| series.id.split('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<&str> =
        all.iter().map(|series| series.id.split('/').next().unwrap_or_default()).collect();
    names.sort_unstable();
    names.dedup();
    let mut groups = vec![Group { name: "all", series: all.iter().collect() }];
    for name in names {
        groups.push(Group { name, series: all.iter().filter(|s| shape(s) == name).collect() });
    }
    groups
}

/// Measures encoding.
///
/// # Errors
///
/// Those of [`read_csv`].
pub fn append(plan: Plan, file: &Path) -> Result<()> {
    let all = read_csv(file)?;
    for group in groups(&all) {
        let (mut bytes, mut chunks) = (0, 0);
        group.encode(|chunk| {
            bytes += chunk.bytes().len();
            chunks += 1;
        });
        let samples = group.samples();
        let measured = measure(plan, samples, || {
            group.encode(|chunk| {
                black_box(chunk.bytes());
            });
        });
        let name = format!("xor-append/{}", group.name);
        let fields = json!({"samples": samples, "chunks": chunks});
        emit_time(&measured, &name, "ns/sample", 1.0, fields);
        emit_rate(&measured, &name, "Msamples/s", 1e3, Value::Null);
        emit_allocations(&measured, &name, "sample");
        let fields = json!({ "bytes": bytes });
        emit(&name, bytes as f64 / samples as f64, "bytes/sample", fields);
    }
    Ok(())
}

/// Measures decoding, into columns as a query does; every sample is looked at.
///
/// # Errors
///
/// Those of [`read_csv`].
pub fn iterate(plan: Plan, file: &Path) -> Result<()> {
    let all = read_csv(file)?;
    for group in groups(&all) {
        let mut chunks = Vec::new();
        group.encode(|chunk| chunks.push(chunk.finish()));
        let samples = group.samples();
        let mut columns = Columns::new();
        let measured = measure(plan, samples, || {
            let (mut count, mut times, mut values) = (0, 0_i64, 0_u64);
            for chunk in &chunks {
                columns.clear();
                let mut decoder = XorDecoder::new(chunk).expect("the chunk has a header");
                decoder.read_all(&mut columns).expect("the chunk is whole");
                count += columns.len();
                times = columns.timestamps.iter().fold(times, |sum, &t| sum.wrapping_add(t));
                values = columns.values.iter().fold(values, |sum, v| sum ^ v.to_bits());
            }
            black_box((times, values));
            assert_eq!(count, samples);
        });
        let name = format!("xor-iterate/{}", group.name);
        let fields = json!({"samples": samples, "chunks": chunks.len()});
        emit_time(&measured, &name, "ns/sample", 1.0, fields);
        emit_rate(&measured, &name, "Msamples/s", 1e3, Value::Null);
        emit_allocations(&measured, &name, "sample");
    }
    Ok(())
}
