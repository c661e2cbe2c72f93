//! Unit tests: what opening, reading and verifying do with bytes that are not what they should be.

use std::collections::BTreeSet;

use skopos_core::{LabelSet, Labels, MatchOp, Matcher, Postings, TimeRange, Timestamp};

use super::*;
use crate::error::ErrorKind;

/// A file of these series.
fn write(series: &[(Labels, Vec<ChunkMeta>)]) -> Vec<u8> {
    let mut symbols = BTreeSet::new();
    for (labels, _) in series {
        symbols.extend(labels.iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]));
    }
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols).unwrap();
    for (labels, chunks) in series {
        writer.add_series(labels, chunks).unwrap();
    }
    writer.finish().unwrap()
}

fn chunk(from: i64, to: i64, reference: u64) -> ChunkMeta {
    let range = TimeRange::new(Timestamp::from_millis(from), Timestamp::from_millis(to));
    ChunkMeta { range, reference }
}

fn example() -> Vec<u8> {
    let series = (0..100_u64).map(|i| {
        let labels = Labels::from_pairs([
            ("__name__", "up".to_owned()),
            ("instance", format!("host-{i:03}")),
            ("job", format!("job-{}", i % 7)),
            ("odd", if i % 2 == 1 { "yes".to_owned() } else { String::new() }),
        ]);
        let time = i.cast_signed();
        (labels, vec![chunk(-time, time, 8 * i), chunk(time + 1, time + 1, 8 * i)])
    });
    write(&series.collect::<Vec<_>>())
}

fn select(index: &BlockIndex<Vec<u8>>, matchers: &[Matcher]) -> Vec<String> {
    let ids = index.select(&Filter::new(matchers).unwrap()).unwrap();
    ids.iter().map(|id| index.series(id).unwrap().value("instance").unwrap().to_owned()).collect()
}

#[test]
fn what_was_written_is_read() {
    let index = BlockIndex::new(example()).unwrap();
    index.verify().unwrap();
    assert_eq!((index.version(), index.all().unwrap().len()), (2, 100));
    let ids: Vec<_> = index.all().unwrap().iter().collect();
    let series = index.series(ids[3]).unwrap();
    assert_eq!(series.chunks(), [chunk(-3, 3, 24), chunk(4, 4, 24)]);
    let text = r#"{__name__="up", instance="host-003", job="job-3", odd="yes"}"#;
    assert_eq!(series.to_labels().to_string(), text);
    let mut postings = index.postings("job", "job-6").unwrap();
    postings.seek(ids[7]);
    assert_eq!(postings.current(), Some(ids[13]));
}

#[test]
fn values_are_found_across_noted_places() {
    let index = BlockIndex::new(example()).unwrap();
    for i in 0..100 {
        let name = format!("host-{i:03}");
        assert_eq!(select(&index, &[Matcher::equal("instance", &*name)]), [name]);
    }
    for absent in ["", "host-", "host-0005", "host-1", "zzz"] {
        assert!(index.postings("instance", absent).unwrap().is_empty(), "{absent}");
    }
    for (pattern, count) in
        [("host-05.", 10), (".*-0.*9", 10), (".*st-09.*", 10), (".*7", 10), ("host-099|x", 1)]
    {
        let matcher = Matcher::new("instance", MatchOp::Regex, pattern);
        assert_eq!(select(&index, &[matcher]).len(), count, "{pattern}");
    }
}

#[test]
fn what_is_not_there_stays_away_however_often_it_is_asked_for() {
    for (file, name) in [(example(), "instance"), (example(), "job"), (version_1(), "instance")] {
        let index = BlockIndex::new(file).unwrap();
        for absent in ["", "a-", "host-", "host-0005", "host-031x", "host-099x", "job-1x", "zzz"] {
            for _ in 0..3 {
                assert!(index.postings(name, absent).unwrap().is_empty(), "{name}={absent}");
            }
        }
        let present = index.label_values(name, &Filter::default(), 0).unwrap();
        assert!(present.iter().all(|value| !index.postings(name, value).unwrap().is_empty()));
    }
}

#[test]
fn more_equalities_than_are_met_at_once_hold() {
    let index = BlockIndex::new(example()).unwrap();
    let job = Matcher::equal("job", "job-3");
    let mut matchers = vec![job; 20];
    let expected = select(&index, &matchers[..1]);
    assert_eq!((expected.len(), select(&index, &matchers)), (14, expected));
    matchers.push(Matcher::equal("job", "job-4"));
    assert!(select(&index, &matchers).is_empty());
}

#[test]
fn names_and_values_of_few_and_of_many_series() {
    let index = BlockIndex::new(example()).unwrap();
    let filter = |matchers: &[Matcher]| Filter::new(matchers).unwrap();
    let even = filter(&[Matcher::equal("odd", "")]);
    assert_eq!(index.label_names(&even, 0).unwrap(), ["__name__", "instance", "job"]);
    assert_eq!(index.label_names(&even, 2).unwrap(), ["__name__", "instance"]);
    assert_eq!(index.label_values("instance", &even, 0).unwrap().len(), 50);
    assert_eq!(index.label_values("job", &even, 2).unwrap(), ["job-0", "job-1"]);
    let one = filter(&[Matcher::equal("instance", "host-009")]);
    assert_eq!(index.label_names(&one, 0).unwrap(), ["__name__", "instance", "job", "odd"]);
    assert_eq!(index.label_values("job", &one, 0).unwrap(), ["job-2"]);
    assert!(index.label_values("nosuch", &one, 0).unwrap().is_empty());
    assert_eq!(index.label_value_counts("odd").unwrap(), [("yes", 50)]);
}

#[test]
fn an_index_without_series_is_an_index() {
    let index = BlockIndex::new(write(&[])).unwrap();
    index.verify().unwrap();
    assert!(index.all().unwrap().is_empty());
    assert!(index.select(&Filter::default()).unwrap().is_empty());
    assert!(index.label_names(&Filter::default(), 0).unwrap().is_empty());
    assert!(index.series(SeriesId(1)).is_err());
}

#[test]
fn every_cut_and_every_changed_byte_is_found() {
    let bytes = example();
    for length in 0..bytes.len() {
        let opened = BlockIndex::new(&bytes[..length]);
        assert!(opened.and_then(|index| index.verify()).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x11;
        let opened = BlockIndex::new(bytes);
        let Err(error) = opened.and_then(|index| index.verify()) else {
            panic!("byte {at} does not matter")
        };
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::Corrupt | ErrorKind::Unsupported), "{at}: {error}");
    }
}

#[track_caller]
fn check(bytes: &[u8], kind: ErrorKind, section: Section, text: &str) {
    let error = BlockIndex::new(bytes).and_then(|index| index.verify()).unwrap_err();
    assert_eq!((error.kind(), error.section()), (kind, Some(section)), "{error}");
    assert_eq!(error.to_string(), text);
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let good = example();
    check(&good[..3], ErrorKind::Truncated, Section::Header, "invalid size");
    check(&good[..40], ErrorKind::Truncated, Section::Toc, "read TOC: invalid size (at offset 0)");
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let text = "invalid magic number bbaad700";
    check(&changed(0, 0xbb), ErrorKind::Corrupt, Section::Header, text);
    let text = "unknown index file version 4";
    check(&changed(4, 4), ErrorKind::Unsupported, Section::Header, text);
    let toc = good.len() - 52;
    let text = format!("read TOC: invalid checksum (at offset {toc})");
    check(&changed(toc + 3, 9), ErrorKind::Corrupt, Section::Toc, &text);
    let text = "read symbols: invalid checksum (at offset 5)";
    check(&changed(14, b'~'), ErrorKind::Corrupt, Section::Symbols, text);
    let toc = Toc::read(&good).unwrap();
    let series = toc.series.next_multiple_of(16);
    let text = format!("read series: invalid checksum (at offset {series})");
    check(&changed(series as usize + 3, 0x7f), ErrorKind::Corrupt, Section::Series, &text);
    let list = toc.postings.next_multiple_of(4);
    let text = format!("read postings: invalid checksum (at offset {list})");
    check(&changed(list as usize + 9, 0xee), ErrorKind::Corrupt, Section::Postings, &text);
    let text = format!("read postings table: invalid checksum (at offset {})", toc.postings_table);
    let at = toc.postings_table as usize + 12;
    check(&changed(at, b'~'), ErrorKind::Corrupt, Section::PostingsTable, &text);
}

#[test]
fn a_damaged_list_fails_where_it_is_read_and_nowhere_else() {
    let mut bytes = example();
    let index = BlockIndex::new(bytes.clone()).unwrap();
    let view = index.view();
    let table = view.table().unwrap();
    let entry = table.find(table.name("job").unwrap(), "job-3").unwrap().unwrap();
    bytes[entry.place.offset as usize + 9] ^= 1;
    let index = BlockIndex::new(bytes).unwrap();
    let error = index.postings("job", "job-3").unwrap_err();
    assert_eq!(
        (error.section(), error.offset()),
        (Some(Section::Postings), Some(entry.place.offset))
    );
    assert_eq!(select(&index, &[Matcher::equal("job", "job-4")]).len(), 14);
}

#[test]
fn version_3_reads_as_version_2() {
    let mut bytes = example();
    bytes[4] = 3;
    let index = BlockIndex::new(bytes).unwrap();
    index.verify().unwrap();
    assert_eq!(index.version(), 3);
    assert_eq!(select(&index, &[Matcher::equal("instance", "host-042")]), ["host-042"]);
}

/// A file of version 1: references are offsets, entries of the table are in any order.
fn version_1() -> Vec<u8> {
    fn framed(contents: &[u8]) -> Vec<u8> {
        let mut bytes = (contents.len() as u32).to_be_bytes().to_vec();
        bytes.extend(contents);
        bytes.extend(crc32c::crc32c(contents).to_be_bytes());
        bytes
    }
    let mut file = vec![0xba, 0xaa, 0xd7, 0x00, 1];
    let mut symbols = vec![0, 0, 0, 4];
    let mut places = Vec::new();
    for text in ["a", "b", "instance", "job"] {
        places.push(5 + 4 + symbols.len() as u8);
        symbols.push(text.len() as u8);
        symbols.extend(text.as_bytes());
    }
    let (a, b, instance, job) = (places[0], places[1], places[2], places[3]);
    let mut toc = Toc { symbols: 5, ..Toc::default() };
    file.extend(framed(&symbols));
    toc.series = file.len() as u64;
    let mut ids = Vec::new();
    for instance_value in [a, b] {
        ids.push(file.len() as u32);
        let body = [2, instance, instance_value, job, a, 1, 2, 2, 9];
        file.push(body.len() as u8);
        file.extend(body);
        file.extend(crc32c::crc32c(&body).to_be_bytes());
    }
    toc.postings = file.len() as u64;
    let mut table = vec![0, 0, 0, 4];
    for (name, value, list) in [
        ("job", "a", &ids[..]),
        ("instance", "b", &ids[1..]),
        ("", "", &ids),
        ("instance", "a", &ids[..1]),
    ] {
        table.push(2);
        for text in [name, value] {
            table.push(text.len() as u8);
            table.extend(text.as_bytes());
        }
        table.extend([file.len() as u8 | 0x80, (file.len() >> 7) as u8]);
        let mut contents = (list.len() as u32).to_be_bytes().to_vec();
        contents.extend(list.iter().flat_map(|id| id.to_be_bytes()));
        file.extend(framed(&contents));
    }
    toc.postings_table = file.len() as u64;
    file.extend(framed(&table));
    file.extend(toc.encode());
    file
}

#[test]
fn version_1_is_read() {
    let index = BlockIndex::new(version_1()).unwrap();
    index.verify().unwrap();
    assert_eq!(index.label_names(&Filter::default(), 0).unwrap(), ["instance", "job"]);
    assert_eq!(index.label_values("instance", &Filter::default(), 0).unwrap(), ["a", "b"]);
    assert_eq!(select(&index, &[Matcher::equal("job", "a")]), ["a", "b"]);
    let b = [Matcher::new("instance", MatchOp::NotRegex, "a.*")];
    assert_eq!(select(&index, &b), ["b"]);
    let filter = Filter::new(&b).unwrap();
    assert_eq!(index.label_values("job", &filter, 0).unwrap(), ["a"]);
    let id = index.all().unwrap().current().unwrap();
    assert_eq!(index.series(id).unwrap().chunks(), [chunk(1, 3, 9)]);
}

#[test]
fn a_regex_that_contains_a_text_finds_it_in_values_alone() {
    // The text stands in names, in lengths and across entries as well.
    let values = ["jo", "job", "b\u{2}\u{3}job", "xjobx", "ob", "\u{3}"];
    let mut series: Vec<_> = values.iter().map(|v| Labels::from_pairs([("job", *v)])).collect();
    series.sort();
    let file = write(&series.iter().map(|labels| (labels.clone(), Vec::new())).collect::<Vec<_>>());
    let index = BlockIndex::new(file).unwrap();
    for text in ["job", "o", "b", "\u{2}", "\u{3}", "\u{3}job", "zz"] {
        let matcher = Matcher::new("job", MatchOp::Regex, format!(".*{text}.*"));
        let filter = Filter::new(&[matcher]).unwrap();
        let found = index.label_values("job", &filter, 0).unwrap();
        let mut expected: Vec<_> = values.iter().filter(|v| v.contains(text)).copied().collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(index.select(&filter).unwrap().len(), expected.len(), "{text:?}");
    }
}
