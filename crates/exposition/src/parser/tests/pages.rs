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
    // Labels of as many names, in an order without any.
    let names = |len: usize| {
        let labels = (0..len / 13).map(|i| alloc::format!("l{:06}=\"c\",", i * 7_919 % 999_983));
        alloc::format!("a{{{}}} 1\n", labels.collect::<String>())
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
        ("long exemplars", repeat(&alloc::format!("a 1 # {{b=\"{}\"}} 1\n", "v".repeat(5_000)))),
        ("open exemplars", repeat("a 1 # {\n")),
        ("short lines", repeat("a 1\n")),
        ("names alone", repeat("a\n")),
        ("words", repeat("a b\n")),
        ("signs", repeat("=\n")),
        ("empty braces", repeat("a{} 1\n")),
        ("empty values", repeat("a{b=\"\"} 1\n")),
        ("commas", repeat("a{b=\"c\",} 1\n")),
        ("timestamps", repeat("a 1 1704067200123\n")),
        ("tabs", repeat("a\t{\tb\t=\t\"c\"\t,\td\t=\t\"e\"\t}\t1\t2\t\n")),
        ("quoted names", repeat("{\"a.b\"} 1\n")),
        ("quoted labels", repeat("{\"a.b\",\"c.d\"=\"e\"} 1\n")),
        ("escaped names", repeat("{\"a\\\"b\"} 1\n")),
        ("two pairs of braces", repeat("a{b=\"c\"}{d=\"e\"} 1\n")),
        ("help in quotes", repeat("# HELP \"a\\\\b\" c\\nd\n")),
        ("types", repeat("# TYPE a counter\n# TYPE b gauge\n")),
        ("empty texts", repeat("# HELP a\n")),
        ("ends", repeat("# EOF\n")),
        ("not UTF-8", b"a{b=\"\xff\"} 1\n".repeat(len / 12),),
        (
            "not UTF-8 at first",
            [
                b"a{b=\"\xff\"} 1\n".to_vec(),
                repeat("a_metric{label=\"value\",other=\"x\"} 12345.5\n")
            ]
            .concat(),
        ),
        (
            "created alone",
            [b"# TYPE a counter\n".to_vec(), numbered("a_created{b=\"", "\"} 1\n")].concat()
        ),
        (
            "one bucket",
            [b"# TYPE a histogram\n".to_vec(), numbered("a_bucket{le=\"1\",b=\"", "\"} 1\n")]
                .concat()
        ),
        (
            "buckets",
            [b"# TYPE a histogram\n".to_vec(), numbered("a_bucket{le=\"", "\"} 1\n")].concat()
        ),
        ("bounds", [b"# TYPE a histogram\n".to_vec(), repeat("a_bucket{le=\"x\"} 1\n")].concat()),
        ("twenty digits", repeat("a 12345678901234567890\n")),
        ("many digits", repeat(&alloc::format!("a 0.{}\n", "123456789".repeat(33)))),
        (
            "between floats",
            repeat(&alloc::format!(
                "a 1.00000000000000011102230246251565404{}1\n",
                "0".repeat(700)
            ))
        ),
        ("small numbers", repeat("a 4.9e-324\n")),
        ("great numbers", repeat("a 1.7976931348623157e+308\n")),
        ("beyond numbers", repeat("a 1e999\n")),
        ("names in disorder", names(len).into_bytes()),
        (
            "sets of names",
            [names(len / 100), names(len / 101), names(len / 102)].concat().repeat(33).into_bytes()
        ),
    ]
}
