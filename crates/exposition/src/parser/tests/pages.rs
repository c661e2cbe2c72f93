//! Pages that want to make the parser slow, for tests and for the example that measures them.

use alloc::string::String;
use alloc::vec::Vec;

/// Pages that want to be read again and again, each of about `len` bytes.
pub(super) fn hostile_pages(len: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeat = |piece: &str| piece.repeat(len / piece.len()).into_bytes();
    let line = |start: &str, piece: &str, end: &str| {
        alloc::format!("{start}{}{end}", piece.repeat(len / piece.len())).into_bytes()
    };
    let numbered = |start: &str, end: &str| {
        let lines =
            (0..len / (start.len() + end.len() + 6)).map(|i| alloc::format!("{start}{i:06}{end}"));
        lines.collect::<String>().into_bytes()
    };
    alloc::vec![
        ("usual", repeat("a_metric{label=\"value\",other=\"x\"} 12345.5\n")),
        ("a long value", line("a{b=\"", "value ", "\"} 1\n")),
        ("long values", repeat(&alloc::format!("a{{b=\"{}\"}} 1\n", "v".repeat(5_000)))),
        ("many labels", line("a{", "b=\"c\",", "} 1\n")),
        ("long names", line("a", "bc", " 1\n")),
        ("long numbers", repeat(&alloc::format!("a {}\n", "1".repeat(3_000)))),
        ("escapes", line("a{b=\"", "\\n\\\"", "\"} 1\n")),
        ("escaped lines", repeat("a{b=\"\\n\"} 1\n")),
        ("line feeds in strings", repeat("a{b=\"\n\"} 1\n")),
        ("carriage returns", repeat("a{b=\"c\"} 1\r\n")),
        ("NUL", repeat("a{b=\"\0\"} 1\n")),
        ("NUL alone", repeat("\0")),
        ("braces", repeat("{")),
        ("open braces", repeat("a{\n")),
        ("open strings", repeat("a{b=\"\n")),
        ("a string to the end", line("a{b=\"", "c 1\n", "")),
        ("quotes", repeat("\"")),
        ("one quote a line", repeat("# HELP a \"\n")),
        ("comments", repeat("# \n")),
        ("line feeds", repeat("\n")),
        ("blanks", repeat(" ")),
        ("backslashes", repeat("\\")),
        ("metadata", repeat("# TYPE a counter\n")),
        (
            "counters",
            [b"# TYPE a counter\n".to_vec(), numbered("a_total{b=\"", "\"} 1\n")].concat()
        ),
        (
            "created last",
            [
                b"# TYPE a counter\n".to_vec(),
                numbered("a_total{b=\"", "\"} 1\n"),
                numbered("a_created{b=\"", "\"} 1\n"),
            ]
            .concat()
        ),
        ("exemplars", repeat("a_total 1 # {a=\"b\"} 1 1\n")),
    ]
}
