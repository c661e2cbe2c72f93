//! The laws of the traits that the crate implements.

use skopos_core::Labels;
use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
use skopos_testkit::conformance;

#[test]
fn the_labels_of_a_series_are_a_label_set() {
    let page = b"plain 1\na{z=\"1\",b=\"x\\ny\",empty=\"\"} 2\n{\"utf.8\",\"l.1\"=\"v\"} 3\n";
    let expected = [
        Labels::from_pairs([("__name__", "plain")]),
        Labels::from_pairs([("__name__", "a"), ("b", "x\ny"), ("z", "1")]),
        Labels::from_pairs([("__name__", "utf.8"), ("l.1", "v")]),
    ];
    let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
    let mut n = 0;
    while let Some(entry) = parser.next().unwrap() {
        let Entry::Series(mut series) = entry else { continue };
        conformance::label_set(&series.labels(), &expected[n]);
        n += 1;
    }
    assert_eq!(n, expected.len());
}
