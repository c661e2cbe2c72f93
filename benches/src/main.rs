//! `skopos-bench`: measures the skopos crates on the data of the Go benchmark.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use skopos_bench::commands;
use skopos_bench::measure::Plan;
use skopos_exposition::TextFormat;

/// Measures the skopos crates; every figure is a JSON object on a line of its own.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Timed runs of each measurement; the median is reported.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Repeat the body until one run lasts so many milliseconds.
    #[arg(long, default_value_t = 300)]
    min_time_ms: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The exposition parser, with and without labels.
    Parse {
        /// The pages' format.
        format: Format,
        /// Pages.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Promtext,
    Openmetrics,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = Plan::new(arguments.runs, Duration::from_millis(arguments.min_time_ms));
    match arguments.command {
        Command::Parse { format, files } => {
            let format = match format {
                Format::Promtext => TextFormat::Prometheus,
                Format::Openmetrics => TextFormat::OpenMetrics,
            };
            let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
            commands::parse::run(plan, format, &files)
        }
    }
}
