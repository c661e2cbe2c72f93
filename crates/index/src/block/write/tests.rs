//! Unit tests: what the writer refuses, in which words.

use skopos_core::{TimeRange, Timestamp};

use super::*;
use crate::error::ErrorKind;

fn chunk(from: i64, to: i64, reference: u64) -> ChunkMeta {
    let range = TimeRange::new(Timestamp::from_millis(from), Timestamp::from_millis(to));
    ChunkMeta { range, reference }
}

fn writer() -> BlockIndexWriter<Vec<u8>> {
    let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "b", "x", "y", "z"]).unwrap();
    writer.add_series(&[("a", "x"), ("b", "y")], &[chunk(0, 9, 100)]).unwrap();
    writer
}

#[track_caller]
fn check(labels: &[(&str, &str)], chunks: &[ChunkMeta], expected: &str) {
    let mut writer = writer();
    let error = writer.add_series(labels, chunks).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Refused, expected));
    // What was refused left no trace.
    writer.add_series(&[("a", "z")], &[chunk(0, 0, 100)]).unwrap();
    let mut plain = self::writer();
    plain.add_series(&[("a", "z")], &[chunk(0, 0, 100)]).unwrap();
    assert_eq!(writer.finish().unwrap(), plain.finish().unwrap());
}

#[test]
fn series_and_chunks_out_of_order_are_refused() {
    let text = |added: &str| {
        format!(
            "out-of-order series added with label set {}, last label set {}",
            Quoted(added),
            Quoted(r#"{a="x", b="y"}"#)
        )
    };
    check(&[("a", "x"), ("b", "y")], &[], &text(r#"{a="x", b="y"}"#));
    check(&[("a", "x")], &[], &text(r#"{a="x"}"#));
    check(&[], &[], &text("{}"));
    check(&[("a", "y")], &[chunk(0, 9, 99)], "unsorted chunk reference: 99, previous: 100");
    let overlapping = [chunk(0, 9, 100), chunk(9, 10, 101)];
    check(&[("a", "y")], &overlapping, "chunk minT 9 is not higher than previous chunk maxT 9");
    check(&[("a", "y")], &[chunk(9, 8, 100)], "chunk maxT 8 is less than minT 9");
    check(&[("a", "nosuch")], &[], r#"symbol entry for "nosuch" does not exist"#);
    check(&[("nosuch", "a")], &[], r#"symbol entry for "nosuch" does not exist"#);
    check(&[("b", "x"), ("a", "x")], &[], r#"label name "a" is out of order"#);
}

#[test]
fn symbols_out_of_order_are_refused() {
    for symbols in [["b", "a"], ["a", "a"]] {
        let error = BlockIndexWriter::new(Vec::new(), symbols).unwrap_err();
        assert_eq!(error.to_string(), r#"symbol "a" out-of-order"#);
    }
}

#[test]
fn a_label_set_that_is_empty_is_no_series() {
    let mut writer = BlockIndexWriter::new(Vec::new(), ["a"]).unwrap();
    assert!(writer.add_series(&[], &[]).is_err());
}

/// A sink that takes so many bytes.
#[derive(Debug)]
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_the_sink_is_reported() {
    let mut writer = BlockIndexWriter::new(Full(10), ["a", "b"]).unwrap();
    writer.add_series(&[("a", "b")], &[]).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(std::error::Error::source(&error).is_some());
}

/// The worked example of `docs/formats/index.md`.
#[test]
fn the_documents_example_has_these_bytes() {
    let mut writer = BlockIndexWriter::new(Vec::new(), ["a", "b", "job"]).unwrap();
    writer.add_series(&[("job", "a")], &[]).unwrap();
    writer.add_series(&[("job", "b")], &[chunk(1000, 61_000, 8)]).unwrap();
    let file = writer.finish().unwrap();
    let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "baaad700020000000c0000000301610162036a6f6233d255b600000000000000\
        0401020000da4db372000000000000000a01020101d00fe0d403086917859900\
        0000000c000000020000000200000003a5834390000000080000000100000002\
        5502add1000000080000000100000003a7692ed2000000180000000302000040\
        02036a6f6201615402036a6f62016264f6c2b041000000000000000500000000\
        00000019000000000000003f0000000000000074000000000000003f00000000\
        000000746db24cbc";
    assert_eq!(hex, expected);
}
