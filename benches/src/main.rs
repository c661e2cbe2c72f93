//! `skopos-bench`: measures the skopos crates on the data of the Go benchmark.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use skopos_bench::commands;
use skopos_bench::measure::Plan;
use skopos_exposition::TextFormat;
use skopos_promql::EngineOptions;

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
    /// XOR chunk encoding, 120 samples a chunk.
    XorAppend {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// XOR chunk decoding.
    XorIterate {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// Every chunk codec: bytes, encoding and decoding of whole chunks.
    Chunks {
        /// Lines of series, milliseconds and value.
        file: PathBuf,
    },
    /// The parser of queries.
    PromqlParse {
        /// One query a line.
        file: PathBuf,
    },
    /// Range queries over a block.
    PromqlRange {
        #[command(flatten)]
        threads: Threads,
        /// A block, or a data directory with one.
        data: PathBuf,
        /// One query a line.
        queries: PathBuf,
        /// Unix seconds.
        start: f64,
        /// Unix seconds.
        end: f64,
        /// Such as `15s`, or seconds.
        step: String,
    },
    /// Instant queries over a block.
    PromqlInstant {
        #[command(flatten)]
        threads: Threads,
        /// A block, or a data directory with one.
        data: PathBuf,
        /// One query a line.
        queries: PathBuf,
        /// Unix seconds.
        time: f64,
    },
    /// Range queries of many series and of long windows, over tables in memory.
    PromqlTable {
        #[command(flatten)]
        threads: Threads,
        /// Names of queries; all where none is given.
        names: Vec<String>,
    },
    /// Selectors to series.
    Index {
        /// Measure the index in memory that holds the block's series.
        #[arg(long)]
        head: bool,
        /// A block, a data directory with one, or (without `--head`) an index file.
        block: PathBuf,
        /// One `name<TAB>selector` a line.
        cases: PathBuf,
    },
    /// The opening of a block's index file, and label values under matchers over it.
    IndexValues {
        /// A block, a data directory with one, or an index file.
        block: PathBuf,
        /// One `name<TAB>label<TAB>selector` a line.
        cases: PathBuf,
    },
    /// Samples into the head.
    Ingest {
        /// Where to make the data directory; not provided yet.
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The log's compression; not provided yet.
        #[arg(long)]
        wal: Option<String>,
        /// How many series.
        series: usize,
        /// How many samples each.
        samples: usize,
    },
    /// A peer's lines and ours as a CSV record.
    Record {
        /// The peer's name and version.
        #[arg(long)]
        peer: String,
        /// The class of machine.
        #[arg(long)]
        machine: String,
        /// What changed and why.
        #[arg(long, default_value = "")]
        note: String,
        /// The peer's lines.
        peer_file: PathBuf,
        /// Our lines.
        our_file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, Args)]
struct Threads {
    /// How many threads work on a query; the Go program has one.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Threads {
    fn options(self) -> EngineOptions {
        EngineOptions::default().with_threads(self.threads)
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Promtext,
    Openmetrics,
    Protobuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = Plan::new(arguments.runs, Duration::from_millis(arguments.min_time_ms));
    match arguments.command {
        Command::Parse { format, files } => {
            let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
            let format = match format {
                Format::Promtext => TextFormat::Prometheus,
                Format::Openmetrics => TextFormat::OpenMetrics,
                Format::Protobuf => return commands::parse_protobuf::run(plan, &files),
            };
            commands::parse::run(plan, format, &files)
        }
        Command::XorAppend { file } => commands::xor::append(plan, &file),
        Command::XorIterate { file } => commands::xor::iterate(plan, &file),
        Command::Chunks { file } => commands::chunks::run(plan, &file),
        Command::PromqlParse { file } => commands::promql::parse_queries(plan, &file),
        Command::PromqlRange { threads, data, queries, start, end, step } => {
            let times = commands::query::Times::range(start, end, &step)?;
            commands::query::run(
                ("promql-range", plan),
                threads.options(),
                (&data, &queries),
                times,
            )
        }
        Command::PromqlInstant { threads, data, queries, time } => {
            let times = commands::query::Times::instant(time);
            commands::query::run(
                ("promql-instant", plan),
                threads.options(),
                (&data, &queries),
                times,
            )
        }
        Command::PromqlTable { threads, names } => {
            commands::promql_table::run(plan, &threads.options(), &names)
        }
        Command::Index { head: true, block, cases } => commands::index::run(plan, &block, &cases),
        Command::Index { head: false, block, cases } => {
            commands::block_index::select(plan, &block, &cases)
        }
        Command::IndexValues { block, cases } => {
            commands::block_index::values(plan, &block, &cases)
        }
        Command::Ingest { dir, wal, series, samples } => {
            commands::ingest::run(plan, wal.as_deref(), dir.as_deref(), series, samples)
        }
        Command::Record { peer, machine, note, peer_file, our_file } => {
            let labels = commands::record::Labels::new(&peer, &machine, &note);
            commands::record::run(&peer_file, &our_file, labels)
        }
    }
}
