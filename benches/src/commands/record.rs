//! `record`: a peer's lines and ours, as a CSV file to be committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The columns that `cargo xtask bench-check` reads.
const COLUMNS: &str = "bench,unit,ours,peer,peer_name,ratio,machine,note";

/// Units of which more is better; each has its time beside it, which is recorded in its place.
const RATES: [&str; 5] = ["MB/s", "Msamples/s", "samples/s", "series/s", "queries/s"];

/// What stands beside every figure.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Labels<'a> {
    /// The peer's name and version.
    pub peer: &'a str,
    /// The class of machine, never a host's name.
    pub machine: &'a str,
    /// What changed and why.
    pub note: &'a str,
}

impl<'a> Labels<'a> {
    /// A peer, a class of machine and a note.
    #[must_use]
    pub fn new(peer: &'a str, machine: &'a str, note: &'a str) -> Self {
        Self { peer, machine, note }
    }
}

/// The record of what both sides measured: times alone, by CPU time where both have it.
///
/// ```
/// use skopos_bench::commands::record::{Labels, table};
///
/// let peer = r#"{"bench":"parse/x","unit":"ns/sample","value":300,"cpu_min":200}"#;
/// let ours = r#"{"bench":"parse/x","unit":"ns/sample","value":70,"cpu_min":50}"#;
/// let csv = table(peer, ours, Labels::new("Prometheus 3.5.3", "x86-64-v4", ""))?;
/// let row = csv.lines().nth(1).unwrap();
/// assert_eq!(row, "parse/x,ns/sample,50,200,Prometheus 3.5.3,0.25,x86-64-v4,");
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
///
/// Where a line is not JSON, a text would break a line of CSV, or no bench is on both sides.
pub fn table(peer: &str, ours: &str, labels: Labels<'_>) -> Result<String> {
    let texts = [labels.peer, labels.machine, labels.note];
    ensure!(
        texts.iter().all(|text| !text.contains([',', '"', '\n'])),
        "names and notes must not hold commas, quotes and line feeds"
    );
    let (peer, ours) = (figures(peer)?, figures(ours)?);
    let mut csv = format!("{COLUMNS}\n");
    for ((bench, unit), our) in &ours {
        let Some(their) = peer.get(&(bench.clone(), unit.clone())) else { continue };
        if RATES.contains(&unit.as_str()) {
            continue;
        }
        let (our, their) = match (our.cpu, their.cpu) {
            (Some(our), Some(their)) => (our, their),
            _ => (our.wall, their.wall),
        };
        let ratio = (our / their * 1000.0).round() / 1000.0;
        let Labels { peer, machine, note } = labels;
        writeln!(csv, "{bench},{unit},{our},{their},{peer},{ratio},{machine},{note}")?;
    }
    ensure!(csv.lines().nth(1).is_some(), "no bench was measured on both sides");
    Ok(csv)
}

/// Prints the record of two files.
///
/// # Errors
///
/// Those of [`table`], and where a file cannot be read.
pub fn run(peer: &Path, ours: &Path, labels: Labels<'_>) -> Result<()> {
    let read = |path: &Path| fs::read_to_string(path).with_context(|| path.display().to_string());
    print!("{}", table(&read(peer)?, &read(ours)?, labels)?);
    Ok(())
}

struct Figure {
    wall: f64,
    cpu: Option<f64>,
}

fn figures(lines: &str) -> Result<BTreeMap<(String, String), Figure>> {
    let mut figures = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let (Some(bench), Some(unit)) = (line["bench"].as_str(), line["unit"].as_str()) else {
            continue;
        };
        let Some(wall) = line["value"].as_f64() else { continue };
        let cpu = line["cpu_min"].as_f64().or(line["cpu"].as_f64());
        figures.insert((bench.to_owned(), unit.to_owned()), Figure { wall, cpu });
    }
    Ok(figures)
}
