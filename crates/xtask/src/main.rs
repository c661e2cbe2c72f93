//! The chores of the workspace: `cargo xtask <verb>`.
//!
//! * `tidy`: what no compiler checks, such as the table of allowed edges between crates.
//! * `ci`: everything that must pass before a change lands.
//! * `bench-check`: the benches' answers, and that no published figure lacks its record.

mod bench_check;
mod ci;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
The chores of the workspace.

Usage: cargo xtask <verb>

Verbs:
  tidy                  check the layers, module docs, sizes, suppressions and lists
  ci                    run everything that must pass before a change lands
  bench-check [--bless] run the benches in test mode and hold docs/benchmarks.md
                        against benches/record (--bless rewrites the table)

Example: cargo xtask tidy
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verb: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match verb.as_slice() {
        ["tidy"] => tidy::run(),
        ["ci"] => ci::run(),
        ["bench-check"] => bench_check::run(false),
        ["bench-check", "--bless"] => bench_check::run(true),
        ["--help" | "-h" | "help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
