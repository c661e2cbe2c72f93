//! How long the protobuf parser takes for a page with native histograms, of its own making.
//!
//! `protobuf_speed` measures; `protobuf_speed FILE` writes the page, for other parsers to read.

use std::hint::black_box;
use std::time::{Duration, Instant};

use skopos_core::{
    Exemplar, Histogram, HistogramSample, LabelSet as _, Labels, MetricType, Span, Timestamp,
};
use skopos_exposition::{
    Entry, Error, EscapingScheme, Family, FamilyHistogram, FamilySample, ParserOptions,
    ProtobufParser, encode_protobuf,
};

const METRICS: usize = 200;
const FAMILIES: usize = 20;
const ROUNDS: usize = 60;

/// How much is asked of each entry.
#[derive(Clone, Copy)]
enum Ask {
    Series,
    Labels,
    Owned,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = page()?;
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(file, &page)?;
        return Ok(());
    }
    for (name, ask) in [("series", Ask::Series), ("labels", Ask::Labels), ("owned", Ask::Owned)] {
        let mut least = Duration::MAX;
        let mut entries = 0;
        for _ in 0..ROUNDS {
            #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
            let start = Instant::now();
            entries = read(&page, ask)?;
            least = least.min(start.elapsed());
        }
        let each = least.as_nanos() as f64 / entries as f64;
        let rate = page.len() as f64 / least.as_secs_f64() / 1e6;
        println!("{name}: {each:.1} ns for each of {entries} entries, {rate:.0} MB/s");
    }
    Ok(())
}

fn read(page: &[u8], ask: Ask) -> Result<u64, Error> {
    let mut parser = ProtobufParser::new(page, ParserOptions::default());
    let mut count = 0;
    while let Some(entry) = parser.next()? {
        match entry {
            Entry::Series(mut sample) => {
                count += 1;
                black_box((sample.series(), sample.value(), sample.timestamp()));
                match ask {
                    Ask::Series => {}
                    Ask::Labels => sample.labels().visit(&mut |name, value| {
                        black_box((name, value));
                    }),
                    Ask::Owned => {
                        black_box((sample.owned_labels(), sample.exemplar()));
                    }
                }
            }
            Entry::Histogram(mut entry) => {
                count += 1;
                black_box((entry.series(), entry.histogram(), entry.timestamp()));
                match ask {
                    Ask::Series => {}
                    Ask::Labels => entry.labels().visit(&mut |name, value| {
                        black_box((name, value));
                    }),
                    Ask::Owned => {
                        black_box((entry.labels().to_labels(), entry.exemplars()));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(count)
}

/// Counters with exemplars, gauges, classic histograms, and as many native ones.
fn page() -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    for index in 0..FAMILIES {
        let family = match index % 4 {
            0 => counters(&format!("http_requests_{index}_total")),
            1 => gauges(&format!("process_resident_memory_{index}_bytes")),
            2 => classic(&format!("http_request_duration_{index}_seconds")),
            _ => native(&format!("rpc_request_duration_{index}_seconds")),
        };
        encode_protobuf(EscapingScheme::AllowUtf8, [&family], &mut page)?;
    }
    Ok(page)
}

fn labels(name: &str, index: usize, extra: &[(&str, &str)]) -> Labels {
    let instance = format!("10.0.{}.{}:9090", index / 50, index % 50);
    let path = format!("/api/v1/resource/{}", index % 17);
    let own = [
        ("__name__", name),
        ("code", if index.is_multiple_of(3) { "200" } else { "404" }),
        ("handler", &path),
        ("instance", &instance),
        ("method", if index.is_multiple_of(2) { "GET" } else { "POST" }),
    ];
    Labels::from_pairs(own.iter().chain(extra).copied())
}

fn exemplar(index: usize) -> Exemplar {
    let id = format!("{:032x}", index * 0x9e37_79b9);
    Exemplar {
        labels: Labels::from_pairs([("trace_id", id)]),
        value: index as f64 / 7.0,
        timestamp: Some(Timestamp::from_millis(1_700_000_000_000 + index as i64)),
    }
}

fn counters(name: &str) -> Family {
    let mut family = Family::new(name, MetricType::Counter).with_help("Requests served.");
    for index in 0..METRICS {
        let mut sample = FamilySample::new(labels(name, index, &[]), (index * 1_237) as f64);
        sample.exemplar = index.is_multiple_of(4).then(|| exemplar(index));
        sample.start_timestamp = Some(Timestamp::from_millis(1_700_000_000_000));
        family.samples.push(sample);
    }
    family
}

fn gauges(name: &str) -> Family {
    let mut family = Family::new(name, MetricType::Gauge).with_help("Memory in use.");
    for index in 0..METRICS {
        family.samples.push(FamilySample::new(labels(name, index, &[]), index as f64 * 1.25e6));
    }
    family
}

fn classic(name: &str) -> Family {
    let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf"];
    let mut family = Family::new(name, MetricType::Histogram).with_help("Time of requests.");
    for index in 0..METRICS {
        for (at, bound) in bounds.into_iter().enumerate() {
            let labels = labels(&format!("{name}_bucket"), index, &[("le", bound)]);
            family.samples.push(FamilySample::new(labels, (at * index) as f64));
        }
        let sum = FamilySample::new(labels(&format!("{name}_sum"), index, &[]), index as f64 / 3.0);
        let count = (9 * index) as f64;
        let count = FamilySample::new(labels(&format!("{name}_count"), index, &[]), count);
        family.samples.extend([sum, count]);
    }
    family
}

fn native(name: &str) -> Family {
    let mut family = Family::new(name, MetricType::Histogram).with_help("Time of requests.");
    for index in 0..METRICS {
        let mut histogram = Histogram {
            schema: 3,
            zero_threshold: 1e-128,
            zero_count: 2,
            count: 2,
            sum: index as f64 / 3.0,
            ..Histogram::default()
        };
        let mut before = 0;
        for span in 0..4 {
            let length = 5 + span + (index % 7) as u32;
            histogram.positive_spans.push(Span { offset: if span == 0 { -12 } else { 2 }, length });
            for bucket in 0..length {
                let count = 1 + i64::from(bucket * 37 % 91) * (index as i64 + 1);
                histogram.positive_buckets.push(count - before);
                histogram.count += count.unsigned_abs();
                before = count;
            }
        }
        let histogram = HistogramSample::Integer(histogram);
        let mut histogram = FamilyHistogram::new(labels(name, index, &[]), histogram);
        histogram.exemplars = vec![exemplar(index), exemplar(index + 1)];
        family.histograms.push(histogram);
    }
    family
}
