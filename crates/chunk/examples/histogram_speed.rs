//! Measures the encodings of histograms on series that are made on the spot.
//!
//! `benches/go/histogram.go` makes the same series for Prometheus' encodings and prints figures of
//! the same names: one JSON object a line, with the least time in ns a sample of several rounds over
//! all series, in chunks of 120 samples. What is read are float histograms, as queries take them:
//! `iterate` into the memory of one, `columns` each into memory of its own.
//!
//! ```text
//! cargo run --release -p skopos-chunk --example histogram_speed
//! ```

use std::hint::black_box;
use std::time::Instant;

use skopos_chunk::{Error, HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome};
use skopos_core::{Columns, FloatHistogram, Histogram, ResetHint, Span};

const SERIES: u64 = 20;
const SAMPLES: i64 = 120;
const ROUNDS: usize = 200;

/// How histograms of a series look.
struct Shape {
    name: &'static str,
    schema: i32,
    /// How many buckets, in two spans.
    buckets: u32,
    /// How many observations an interval.
    observations: u64,
    gauge: bool,
}

const SHAPES: [Shape; 4] = [
    Shape { name: "latency", schema: 3, buckets: 24, observations: 200, gauge: false },
    Shape { name: "sparse", schema: 3, buckets: 24, observations: 3, gauge: false },
    Shape { name: "wide", schema: 8, buckets: 160, observations: 400, gauge: false },
    Shape { name: "gauge", schema: 3, buckets: 24, observations: 50, gauge: true },
];

type Series<H> = Vec<(i64, H)>;

fn main() -> Result<(), Error> {
    for shape in &SHAPES {
        let integers: Vec<Series<Histogram>> = (0..SERIES).map(|seed| shape.series(seed)).collect();
        let float = |series: &Series<Histogram>| {
            series.iter().map(|(t, h)| (*t, h.to_float())).collect::<Series<FloatHistogram>>()
        };
        let floats: Vec<_> = integers.iter().map(float).collect();
        measure("histogram", shape.name, &integers)?;
        measure("float-histogram", shape.name, &floats)?;
    }
    Ok(())
}

impl Shape {
    /// The samples of one chunk.
    fn series(&self, seed: u64) -> Series<Histogram> {
        let mut random = SplitMix(seed);
        let mut counts = vec![0_i64; self.buckets as usize];
        let (mut zero, mut sum) = (0, 0);
        let mut samples = Vec::new();
        for i in 0..SAMPLES {
            if self.gauge {
                counts.fill(0);
                (zero, sum) = (0, 0);
            }
            for _ in 0..random.below(2 * self.observations) {
                let third: u64 = (0..3).map(|_| random.below(u64::from(self.buckets))).sum();
                counts[third as usize / 3] += 1;
                sum += third;
            }
            zero += random.below(2);
            let half = self.buckets / 2;
            let mut before = 0;
            let delta = |count: &i64| count - std::mem::replace(&mut before, *count);
            let histogram = Histogram {
                reset_hint: if self.gauge { ResetHint::Gauge } else { ResetHint::Unknown },
                schema: self.schema,
                zero_threshold: f64::from_bits(0x37f0_0000_0000_0000),
                zero_count: zero,
                count: zero + counts.iter().sum::<i64>() as u64,
                sum: sum as f64 / 64.0,
                positive_spans: vec![
                    Span { offset: -4, length: half },
                    Span { offset: 1, length: self.buckets - half },
                ],
                positive_buckets: counts.iter().map(delta).collect(),
                ..Histogram::default()
            };
            samples.push((1_700_000_000_000 + i * 15_000 + random.below(20) as i64, histogram));
        }
        samples
    }
}

/// SplitMix64.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn measure<H: NativeHistogram>(name: &str, shape: &str, series: &[Series<H>]) -> Result<(), Error> {
    let chunks = series.iter().map(|samples| append(samples)).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let samples: usize = series.iter().map(Vec::len).sum();
    let bench = |what: &str| format!("{name}-{what}/{shape}");
    let density = bytes as f64 / samples as f64;
    println!(r#"{{"bench":"{}","value":{density:.3},"unit":"bytes/sample"}}"#, bench("append"));
    let append =
        || series.iter().try_for_each(|samples| append(samples).map(|c| drop(black_box(c))));
    print(&bench("append"), samples, append)?;
    let mut one = FloatHistogram::default();
    print(&bench("iterate"), samples, || {
        for chunk in &chunks {
            let mut decoder = HistogramDecoder::<H>::new(chunk)?;
            while let Some(sample) = decoder.next_sample()? {
                sample.write_float_to(&mut one);
                black_box(one.count);
            }
        }
        Ok(())
    })?;
    let mut columns = Columns::new();
    print(&bench("columns"), samples, || {
        for chunk in &chunks {
            columns.clear();
            HistogramDecoder::<H>::new(chunk)?.read_all(&mut columns)?;
            black_box(columns.histograms.last());
        }
        Ok(())
    })
}

fn append<H: NativeHistogram>(samples: &Series<H>) -> Result<Vec<u8>, Error> {
    let mut encoder = HistogramEncoder::new();
    for (t, histogram) in samples {
        assert_eq!(encoder.push(*t, histogram)?, Outcome::Appended, "a sample does not fit");
    }
    Ok(encoder.finish())
}

fn print(
    bench: &str,
    samples: usize,
    mut body: impl FnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        #[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
        let start = Instant::now();
        body()?;
        least = least.min(start.elapsed().as_nanos() as f64 / samples as f64);
    }
    println!(r#"{{"bench":"{bench}","value":{least:.2},"unit":"ns/sample"}}"#);
    Ok(())
}
