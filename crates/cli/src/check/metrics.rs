//! `skopos check metrics`: advice on the names, types, units and help texts of a page.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use skopos_exposition::{Error, Family, Problem, TextFormat, families, lint};

use super::Output;
use crate::outcome::Outcome;
use crate::query::read_input;

/// Lint pages of Prometheus text.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  curl -s localhost:9100/metrics | skopos check metrics --extended")]
pub(super) struct Arguments {
    /// Pages; without any, and for -, standard input
    files: Vec<PathBuf>,
    /// Also print how many series each metric has
    #[arg(long)]
    extended: bool,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(mut self) -> anyhow::Result<Outcome> {
        if self.files.is_empty() {
            self.files.push("-".into());
        }
        let mut worst = Outcome::Fine;
        for path in &self.files {
            let page = read_input(path)?;
            let checked = lint(&page);
            let outcome = match &checked {
                Err(_) => Outcome::Failed,
                Ok(problems) if problems.is_empty() => Outcome::Fine,
                Ok(_) => Outcome::Lint,
            };
            match self.output {
                Output::Json => print_json(path, &checked)?,
                Output::Text => self.print_text(path, &checked)?,
            }
            // As `promtool`: a page that has something wrong is not counted.
            if self.extended && self.output == Output::Text && outcome == Outcome::Fine {
                print_cardinality(&families(TextFormat::Prometheus, &page)?)?;
            }
            worst = worst.max(outcome);
        }
        Ok(worst)
    }

    fn print_text(&self, path: &Path, checked: &Result<Vec<Problem>, Error>) -> io::Result<()> {
        let mut err = io::stderr().lock();
        let is_stdin = path == Path::new("-");
        match checked {
            Err(error) if is_stdin => writeln!(err, "error while linting: {error}"),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                writeln!(err, "{}:{line}:{column}: error while linting: {error}", path.display())
            }
            Ok(problems) => problems.iter().try_for_each(|problem| {
                if is_stdin {
                    return writeln!(err, "{problem}");
                }
                writeln!(err, "{}:{}: {problem}", path.display(), problem.line)
            }),
        }
    }
}

fn print_json(path: &Path, checked: &Result<Vec<Problem>, Error>) -> io::Result<()> {
    let file = path.display().to_string();
    let object = match checked {
        Err(error) => json!({
            "file": file,
            "error": {"line": error.line(), "column": error.column(), "message": error.to_string()},
        }),
        Ok(problems) => {
            let problem =
                |p: &Problem| json!({"line": p.line, "metric": p.metric, "message": p.text});
            json!({"file": file, "problems": problems.iter().map(problem).collect::<Vec<_>>()})
        }
    };
    writeln!(io::stdout(), "{object}")
}

/// The number of series of each metric, the largest first.
fn print_cardinality(families: &[Family]) -> io::Result<()> {
    let mut counts: Vec<(&str, usize)> =
        families.iter().map(|f| (f.name.as_str(), f.samples.len())).collect();
    counts.retain(|(_, count)| 0 < *count);
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let rows = counts.iter().map(|(name, count)| {
        let share = *count as f64 / total.max(1) as f64 * 100.0;
        [(*name).into(), count.to_string(), format!("{share:.2}%")]
    });
    let header = ["Metric", "Cardinality", "Percentage"].map(String::from);
    let last = ["total".into(), total.to_string(), "100%".into()];
    let rows: Vec<[String; 3]> = [header].into_iter().chain(rows).chain([last]).collect();
    let widths: [usize; 2] =
        [0, 1].map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 4);
    let mut out = io::stdout().lock();
    rows.iter().try_for_each(|[name, count, share]| {
        writeln!(out, "{name:<0$}{count:<1$}{share:<14}", widths[0], widths[1])
    })
}
