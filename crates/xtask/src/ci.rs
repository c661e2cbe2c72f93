//! Everything that must pass before a change lands, in the order of how fast it fails.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A step: why it is there, the command, and a variable that it needs.
struct Step {
    why: &'static str,
    command: &'static [&'static str],
    variable: Option<(&'static str, &'static str)>,
}

const STEPS: &[Step] = &[
    step(
        "one layout of code, so that a change shows only what it changes",
        &["cargo", "fmt", "--all", "--check"],
    ),
    step(
        "the lints of the workspace, none of them optional",
        &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    ),
    step("the layers, lists and sizes that no compiler checks", &["cargo", "xtask", "tidy"]),
    step("what the README tells people to run", &["cargo", "test", "--workspace"]),
    step(
        "features that no other crate of the workspace turns on",
        &[
            "cargo",
            "test",
            "--package",
            "skopos-exposition",
            "--package",
            "skopos-index",
            "--all-features",
        ],
    ),
    Step {
        why: "documentation that links and renders",
        command: &["cargo", "doc", "--workspace", "--no-deps"],
        variable: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
    step("the benches' answers, and a record for every figure", &["cargo", "xtask", "bench-check"]),
    step(
        "core and the formats without the standard library",
        &[
            "cargo",
            "check",
            "--package",
            "skopos-core",
            "--package",
            "skopos-chunk",
            "--package",
            "skopos-exposition",
            "--no-default-features",
            "--features",
            "skopos-exposition/protobuf,skopos-exposition/serde",
        ],
    ),
];

const fn step(why: &'static str, command: &'static [&'static str]) -> Step {
    Step { why, command, variable: None }
}

/// Runs all steps, and those of optional tools where they are installed.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    for step in STEPS {
        run_step(&root, step)?;
    }
    let deny = Command::new("cargo").args(["deny", "--version"]).output();
    if deny.is_ok_and(|output| output.status.success()) {
        run_step(
            &root,
            &step(
                "licences, bans, sources",
                &["cargo", "deny", "check", "licenses", "bans", "sources"],
            ),
        )?;
    } else {
        println!("== skipped: cargo-deny is not installed (licences, bans and sources)");
    }
    println!("== all steps passed");
    Ok(())
}

fn run_step(root: &Path, step: &Step) -> Result<()> {
    println!("== {}: {}", step.command.join(" "), step.why);
    let (program, args) = step.command.split_first().context("a step has a command")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(root);
    if let Some((name, value)) = step.variable {
        command.env(name, value);
    }
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{} failed ({status})", step.command.join(" "));
    }
    Ok(())
}
