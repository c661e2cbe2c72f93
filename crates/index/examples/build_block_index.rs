//! Writes the index file of a block with many series, to measure readers on.
//!
//! ```text
//! cargo run --release -p skopos-index --example build_block_index -- FILE [SERIES]
//! ```
//!
//! The labels have the shape of a large installation: 20 metrics of many instances, and a label
//! whose value is another one in each series.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs::File;

use skopos_core::{Labels, TimeRange, Timestamp};
use skopos_index::{BlockIndexWriter, ChunkMeta};
use skopos_testkit::random::Random;

const ENVIRONMENTS: [&str; 5] = ["prod", "prod", "prod", "staging", "dev"];
const REGIONS: [&str; 5] = ["eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"];
const PATHS: [&str; 10] = [
    "users",
    "orders",
    "carts",
    "items",
    "payments",
    "shipments",
    "sessions",
    "search",
    "login",
    "admin",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which file? give a path")?;
    let count: usize = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;

    let mut random = Random::new(5);
    let mut series: Vec<Labels> = (0..count).map(|i| labels(i, &mut random)).collect();
    series.sort_unstable();
    let texts = series.iter().flatten().flat_map(|(name, value)| [name, value]);
    let symbols: BTreeSet<&str> = texts.collect();

    let mut writer = BlockIndexWriter::new(File::create(&path)?, symbols)?;
    let range = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(7_199_999));
    for (labels, reference) in series.iter().zip((8..).step_by(22)) {
        writer.add_series(labels, &[ChunkMeta { range, reference }])?;
    }
    let bytes = writer.finish()?.metadata()?.len();
    println!("{path}: {count} series, {bytes} bytes");
    Ok(())
}

fn labels(i: usize, random: &mut Random) -> Labels {
    let instance = i / 200;
    let code =
        if i.is_multiple_of(2) { ["200", "201", "404", "500", "503"][i / 40 % 5] } else { "" };
    let (block, machine) = (instance / 256 % 256, instance % 256);
    Labels::from_pairs([
        ("__name__", format!("idx_metric_{:02}", i % 20).as_str()),
        ("code", code),
        ("env", ENVIRONMENTS[instance % 5]),
        ("instance", &format!("10.{}.{block}.{machine}:9100", instance % 4)),
        ("job", &format!("job-{:02}", instance % 30)),
        ("path", &format!("/api/v{}/{}", i / 20 % 3 + 1, PATHS[i / 20 % 10])),
        ("region", REGIONS[instance / 7 % 5]),
        ("uid", &format!("{:016x}", random.next_u64())),
    ])
}
