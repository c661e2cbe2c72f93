//! Lints a page from standard input, as `promtool check metrics` does.
//!
//! `curl -s localhost:9100/metrics | cargo run -p skopos-exposition --example check_metrics`

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let mut page = Vec::new();
    io::stdin().lock().read_to_end(&mut page)?;
    let mut out = io::stdout().lock();
    match skopos_exposition::lint(&page) {
        Err(error) => {
            writeln!(out, "{}:{}: {error}", error.line(), error.column())?;
            Ok(ExitCode::from(1))
        }
        Ok(problems) => {
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            Ok(ExitCode::from(if problems.is_empty() { 0 } else { 3 }))
        }
    }
}
