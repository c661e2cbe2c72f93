//! The benches' answers, and that no published figure lacks its record.
//!
//! Records are `benches/record/<machine class>/<date>_<revision>.csv` with the columns of
//! [`COLUMNS`]. `docs/benchmarks.md` holds a table between two markers that is made from the newest
//! record of each bench, unit and peer; this chore fails where the two differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

const COLUMNS: &str = "bench,unit,ours,peer,peer_name,ratio,machine,note";
const BEGIN: &str = "<!-- made by `cargo xtask bench-check --bless` -->";
const END: &str = "<!-- end of the made part -->";

/// Runs the benches in test mode and compares the table with the records; `bless` rewrites it.
pub(crate) fn run(bless: bool) -> Result<()> {
    let root = workspace::root()?;
    check_answers(&root)?;
    let table = table(&root.join("benches/record"))?;
    let path = root.join("docs/benchmarks.md");
    let text = fs::read_to_string(&path).context("cannot read docs/benchmarks.md")?;
    let expected = with_table(&text, &table)?;
    if text == expected {
        println!("bench-check: docs/benchmarks.md agrees with the records");
        return Ok(());
    }
    if !bless {
        bail!(
            "docs/benchmarks.md differs from benches/record; run `cargo xtask bench-check --bless`"
        );
    }
    fs::write(&path, expected)?;
    println!("bench-check: rewrote the table of docs/benchmarks.md");
    Ok(())
}

fn check_answers(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["test", "--package", "skopos-bench", "--benches"])
        .current_dir(root)
        .status()
        .context("cannot run the benches in test mode")?;
    if !status.success() {
        bail!("a bench gave a wrong answer");
    }
    Ok(())
}

/// One recorded row.
#[derive(Debug, PartialEq)]
struct Row {
    cells: Vec<String>,
    file: String,
}

fn table(folder: &Path) -> Result<String> {
    let mut newest: BTreeMap<[String; 3], Row> = BTreeMap::new();
    for (file, text) in records(folder)? {
        for row in rows(&file, &text)? {
            // Files come in the order of their dates, so the last one wins.
            newest.insert([0, 1, 4].map(|cell| row.cells[cell].clone()), row);
        }
    }
    let mut table = String::from(
        "| bench | unit | ours | peer | peer's name | ours / peer | record |\n|---|---|---|---|---|---|---|\n",
    );
    for row in newest.values() {
        table.push_str(&format!("| {} | {} |\n", row.cells[..6].join(" | "), row.file));
    }
    Ok(table)
}

/// The records' names and texts, oldest first.
fn records(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut records = Vec::new();
    for class in fs::read_dir(folder).context("cannot read benches/record")? {
        let class = class?.path();
        if !class.is_dir() {
            continue;
        }
        for file in fs::read_dir(&class)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "csv") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                records.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    records.sort();
    Ok(records)
}

fn rows(file: &str, text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    if lines.next() != Some(COLUMNS) {
        bail!("{file}: the first line must be {COLUMNS}");
    }
    let mut rows = Vec::new();
    for line in lines {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if cells.len() != COLUMNS.split(',').count() {
            bail!("{file}: not {} cells: {line}", COLUMNS.split(',').count());
        }
        for number in [&cells[2], &cells[3], &cells[5]] {
            number
                .parse::<f64>()
                .with_context(|| format!("{file}: {number} is no number: {line}"))?;
        }
        rows.push(Row { cells, file: file.to_owned() });
    }
    Ok(rows)
}

fn with_table(text: &str, table: &str) -> Result<String> {
    let (before, rest) =
        text.split_once(BEGIN).context("docs/benchmarks.md has no begin marker")?;
    let (_, after) = rest.split_once(END).context("docs/benchmarks.md has no end marker")?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_checked() {
        let good = format!("# rustc 1.95\n{COLUMNS}\nxor,ns/sample,5,15,go,0.33,class,\n");
        assert_eq!(rows("a.csv", &good).unwrap().len(), 1);
        let bad = format!("{COLUMNS}\nxor,ns/sample,fast,15,go,0.33,class,\n");
        let error = rows("a.csv", &bad).unwrap_err().to_string();
        assert_eq!(error, "a.csv: fast is no number: xor,ns/sample,fast,15,go,0.33,class,");
        assert!(rows("a.csv", "x\n").is_err());
    }

    #[test]
    fn the_table_is_replaced_between_the_markers() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(with_table(&text, "new\n").unwrap(), expected);
        assert!(with_table("no markers", "new\n").is_err());
    }
}
