//! Running the program.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in a folder with something on its standard input.
#[track_caller]
pub(crate) fn skopos(folder: &Path, arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_skopos"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read its input may end before all is written.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A folder with these files.
#[track_caller]
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

#[test]
fn without_a_command_help_is_shown_as_an_error() {
    let run = skopos(Path::new("."), &[], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("Usage: skopos <COMMAND>"), "{run:?}");
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        vec![],
        vec!["check"],
        vec!["check", "config"],
        vec!["check", "metrics"],
        vec!["check", "rules"],
        vec!["query"],
        vec!["query", "instant"],
        vec!["query", "range"],
        vec!["rules"],
        vec!["rules", "backtest"],
        vec!["rules", "why"],
        vec!["rules", "export"],
        vec!["serve"],
        vec!["test"],
        vec!["test", "promql"],
        vec!["test", "rules"],
    ] {
        let arguments: Vec<&str> = command.into_iter().chain(["--help"]).collect();
        let run = skopos(Path::new("."), &arguments, "");
        assert_eq!(run.code, Some(0), "{arguments:?}");
        assert!(run.stdout.contains("Example"), "{arguments:?}: {}", run.stdout);
        assert!(!run.stdout.contains('\x1b'), "no colors into a pipe: {arguments:?}");
    }
}

#[test]
fn mistakes_on_the_command_line_are_errors() {
    for arguments in [
        vec!["nonsense"],
        vec!["query", "instant", "up"],
        vec!["query", "instant", "--file", "a", "--url", "http://b", "up"],
        vec!["query", "range", "--file", "-", "--step", "0", "up"],
        vec!["query", "instant", "--file", "-", "--time", "yesterday", "up"],
    ] {
        let run = skopos(Path::new("."), &arguments, "");
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {}", run.stderr);
    }
}
