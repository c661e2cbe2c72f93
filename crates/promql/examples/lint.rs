//! Lints queries, one a line of a file, and tells how many a second are parsed and linted.
//!
//! `cargo run --release -p skopos-promql --example lint -- FILE`
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::time::Instant;

use skopos_promql::lint::{LintOptions, lint};
use skopos_promql::{ParseOptions, parse};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file of queries, one a line")?;
    let text = std::fs::read_to_string(path)?;
    let queries: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let (parse_options, options) = (ParseOptions::all(), LintOptions::default());
    let mut trees = Vec::new();
    for query in &queries {
        match parse(query, &parse_options) {
            Ok(tree) => {
                for advice in lint(&tree, &options) {
                    println!("{query}\n  {advice}");
                }
                trees.push(tree);
            }
            Err(error) => println!("{query}\n  {error}"),
        }
    }
    let rounds = 100;
    let start = Instant::now();
    let found: usize =
        (0..rounds).flat_map(|_| &trees).map(|tree| lint(tree, &options).len()).sum();
    let seconds = start.elapsed().as_secs_f64();
    let linted = trees.len() * rounds;
    println!("{linted} trees, {found} findings, {:.0} a second", linted as f64 / seconds);
    Ok(())
}
