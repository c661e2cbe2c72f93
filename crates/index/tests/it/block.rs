//! The index file of a block: against brute force, against golden vectors, and under Prometheus' own
//! tools.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use serde_json::Value;
use skopos_core::{Labels, MatchOp, Matcher, SeriesId, TimeRange, Timestamp};
use skopos_index::{
    BlockIndex, BlockIndexWriter, BlockPostings, BlockSeries, ChunkMeta, Error, Filter,
};
use skopos_testkit::matching::matches_all;
use skopos_testkit::{conformance, vectors};

use crate::{labels, matcher};

/// A file of these series, without chunks, and their ids.
fn build(all: &BTreeSet<Labels>) -> (BlockIndex<Vec<u8>>, Vec<(SeriesId, Labels)>) {
    let texts = all.iter().flatten().flat_map(|(name, value)| [name, value]);
    let symbols: BTreeSet<&str> = texts.collect();
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols).expect("symbols are sorted");
    let series = all
        .iter()
        .map(|labels| (writer.add_series(labels, &[]).expect("series are sorted"), labels.clone()));
    let series = series.collect();
    let index = BlockIndex::new(writer.finish().expect("a vector takes all"));
    (index.expect("what was written is read"), series)
}

proptest! {
    #[test]
    fn a_file_equals_brute_force(
        all in proptest::collection::btree_set(labels(), 0..150),
        matchers in proptest::collection::vec(matcher(), 0..4),
        limit in 0..4_usize,
    ) {
        let all = all.into_iter().filter(|labels| !labels.is_empty()).collect();
        let (index, series) = build(&all);
        index.verify().unwrap();
        let filter = Filter::new(&matchers).unwrap();
        let holding: Vec<&(SeriesId, Labels)> =
            series.iter().filter(|(_, labels)| matches_all(&matchers, labels).unwrap()).collect();

        let expected: Vec<SeriesId> = holding.iter().map(|(id, _)| *id).collect();
        let selected = index.select(&filter).unwrap();
        prop_assert_eq!(selected.iter().collect::<Vec<_>>(), &*expected);
        prop_assert_eq!(index.explain(&filter).unwrap().series(), expected.len() as u64);
        for (id, labels) in &holding {
            let read = index.series(*id).unwrap();
            conformance::label_set(&read, labels);
        }

        let cut = |texts: BTreeSet<&str>| -> Vec<String> {
            let count = if limit == 0 { usize::MAX } else { limit };
            texts.into_iter().take(count).map(str::to_owned).collect()
        };
        let names = holding.iter().flat_map(|(_, labels)| labels.iter().map(|(name, _)| name));
        prop_assert_eq!(index.label_names(&filter, limit).unwrap(), cut(names.collect()));
        for name in ["a", "b", "c", "never"] {
            let values = holding.iter().filter_map(|(_, labels)| labels.get(name));
            let expected = cut(values.collect());
            prop_assert_eq!(index.label_values(name, &filter, limit).unwrap(), expected);
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for value in series.iter().filter_map(|(_, labels)| labels.get(name)) {
                *counts.entry(value).or_default() += 1;
                let found: Vec<SeriesId> = index.postings(name, value).unwrap().iter().collect();
                let having = series.iter().filter(|(_, labels)| labels.get(name) == Some(value));
                prop_assert_eq!(found, having.map(|(id, _)| *id).collect::<Vec<_>>());
            }
            prop_assert_eq!(
                index.label_value_counts(name).unwrap(),
                counts.into_iter().collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_changed_byte_is_an_error_or_harmless(
        all in proptest::collection::btree_set(labels(), 1..30),
        matchers in proptest::collection::vec(matcher(), 0..3),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let all = all.into_iter().filter(|labels| !labels.is_empty()).collect();
        let (index, _) = build(&all);
        let mut bytes = index.bytes().clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        // What comes out is not asked: only that something does.
        let Ok(index) = BlockIndex::new(bytes) else { return Ok(()) };
        let filter = Filter::new(&matchers).unwrap();
        if let Ok(ids) = index.select(&filter) {
            let mut series = BlockSeries::default();
            let read = ids.iter().filter(|id| index.read_series(*id, &mut series).is_ok()).count();
            prop_assert!(read <= ids.len());
        }
        let names = index.label_names(&filter, 0).map_or(0, |names| names.len());
        prop_assert!(names <= 4);
    }
}

const OPS: [MatchOp; 4] = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];

const EXPRESSIONS: [&str; 8] = ["", "0-", "1-0001", "3-00", "[0-9a-f]", ".*1", ".*-0", "."];

/// Series that differ in `id`, of which every `step`-th is in the group `rare`.
fn many(count: usize, step: usize) -> BTreeSet<Labels> {
    let series = (0..count).map(|i| {
        let group = if i.is_multiple_of(step) { "rare" } else { "common" };
        let id = format!("{:x}-{i:05}", i * 7 % 16);
        let odd = if i % 2 == 1 { "yes" } else { "" };
        Labels::from_pairs([("group", group), ("id", id.as_str()), ("odd", odd)])
    });
    series.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Long lists meet short and long ones, and few series left are tested by their own labels.
    #[test]
    fn a_file_of_long_lists_equals_brute_force(
        count in 1..3000_usize,
        step in 1..600_usize,
        expression in prop::sample::select(EXPRESSIONS.to_vec()),
        tail in prop::sample::select(vec!["", ".*", ".+", "[0-5]", "(1|2).*"]),
        other in prop::sample::select(vec!["", "yes", "no"]),
        ops in prop::array::uniform2(prop::sample::select(OPS.to_vec())),
    ) {
        let all = many(count, step);
        let (index, series) = build(&all);
        let matchers = [
            Matcher::equal("group", "rare"),
            Matcher::new("id", ops[0], format!("{expression}{tail}")),
            Matcher::new("odd", ops[1], other),
        ];
        let outer = [matchers[0].clone(), matchers[2].clone()];
        for matchers in [&matchers[..], &matchers[..2], &matchers[1..], &outer] {
            let filter = Filter::new(matchers).unwrap();
            let holding = series.iter().filter(|(_, labels)| filter.matches(labels));
            let expected: Vec<SeriesId> = holding.map(|(id, _)| *id).collect();
            // The second time much is remembered.
            for _ in 0..2 {
                let selected = index.select(&filter).unwrap();
                prop_assert_eq!(selected.iter().collect::<Vec<_>>(), &*expected);
            }
            prop_assert_eq!(index.explain(&filter).unwrap().series(), expected.len() as u64);
        }
    }
}

#[test]
fn few_series_are_tested_by_their_labels() {
    let (index, _) = build(&many(2000, 100));
    let explain = |op| {
        let matchers = [Matcher::equal("group", "rare"), Matcher::new("id", op, "[0-4].*")];
        index.explain(&Filter::new(&matchers).unwrap()).unwrap().to_string()
    };
    let by_labels = "id=~\"[0-4].*\": labels \"0\" \"1\" \"2\" \"3\" \"4\"";
    let text = explain(MatchOp::Regex);
    assert!(text.contains(by_labels) && text.contains(" of 20 series"), "{text}");
    assert!(explain(MatchOp::NotRegex).contains(": labels"), "both ways");
}

/// The file as bytes.
#[expect(unsafe_code, reason = "who made the file can promise that it does not change")]
fn map(file: &fs::File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the file stands in a folder of this test, which does not write it any more.
    unsafe { memmap2::Mmap::map(file) }
}

#[test]
fn a_mapped_file_answers_as_one_in_memory() {
    let (in_memory, series) = build(&many(3000, 7));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    fs::write(&path, in_memory.bytes()).unwrap();
    let mapped = BlockIndex::new(map(&fs::File::open(&path).unwrap()).unwrap()).unwrap();
    // The name may go: the map holds the file.
    fs::remove_file(&path).unwrap();
    mapped.verify().unwrap();
    let matchers = [Matcher::equal("group", "rare"), Matcher::new("id", MatchOp::Regex, "3.*")];
    let filter = Filter::new(&matchers).unwrap();
    let selected = mapped.select(&filter).unwrap();
    assert_eq!(selected, in_memory.select(&filter).unwrap());
    assert!(!selected.is_empty() && selected.len() < series.len());
    for (id, labels) in &series {
        conformance::label_set(&mapped.series(*id).unwrap(), labels);
    }
}

#[test]
fn cursors_over_lists_keep_their_laws() {
    let all =
        (0..300_u32).map(|i| Labels::from_pairs([("a", format!("{i:03}")), ("b", "x".into())]));
    let (index, series) = build(&all.collect());
    let ids: Vec<SeriesId> = series.iter().map(|(id, _)| *id).collect();
    conformance::postings(|| index.postings("b", "x").unwrap(), &ids);
    conformance::postings(BlockPostings::default, &[]);
}

/// What an index holds, to be written again.
#[derive(Debug, PartialEq)]
struct Contents {
    symbols: Vec<String>,
    series: Vec<(SeriesId, Labels, Vec<ChunkMeta>)>,
}

fn contents(index: &BlockIndex<Vec<u8>>) -> Result<Contents, Error> {
    let symbols = index.symbols()?.map(|text| text.map(str::to_owned)).collect::<Result<_, _>>()?;
    let mut series = Vec::new();
    for id in index.all()?.iter() {
        let one = index.series(id)?;
        series.push((id, Labels::from_pairs(one.labels().iter().copied()), one.chunks().to_vec()));
    }
    Ok(Contents { symbols, series })
}

fn rewrite(contents: &Contents) -> Vec<u8> {
    let mut writer = BlockIndexWriter::new(Vec::new(), &contents.symbols).unwrap();
    for (id, labels, chunks) in &contents.series {
        assert_eq!(writer.add_series(labels, chunks).unwrap(), *id);
    }
    writer.finish().unwrap()
}

/// The blocks among the vectors: the description's path and the block's folder.
fn vector_blocks() -> Vec<(PathBuf, PathBuf)> {
    let Some(folder) = vectors::path("vectors/tsdb") else { return Vec::new() };
    let mut blocks = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some((data, block)) =
            name.strip_suffix(".json").and_then(|name| name.split_once(".block."))
        {
            blocks.push((path, folder.join(data).join(block)));
        }
    }
    assert!(!blocks.is_empty(), "no blocks in {}", folder.display());
    blocks
}

#[test]
fn the_indices_of_the_vectors_read_as_described() {
    for (description, block) in vector_blocks() {
        let description: Value =
            serde_json::from_str(&fs::read_to_string(description).unwrap()).unwrap();
        let index = BlockIndex::new(fs::read(block.join("index")).unwrap()).unwrap();
        index.verify().unwrap();
        assert_eq!(description["index_version"], index.version());
        let read = contents(&index).unwrap();
        assert_eq!(description["symbols"], serde_json::to_value(&read.symbols).unwrap());
        check_toc(&index, &description["toc"]);
        check_series(&read, &description["series"]);
        check_postings(&index, &description["postings"]);
    }
}

/// The table of contents at the end of the file, read by hand.
fn check_toc(index: &BlockIndex<Vec<u8>>, described: &Value) {
    let toc = index.bytes().len() - 52;
    let fields = index.bytes()[toc..toc + 48].chunks(8);
    let offsets: Vec<u64> =
        fields.map(|field| u64::from_be_bytes(field.try_into().unwrap())).collect();
    let names =
        ["symbols", "series", "label_indices", "label_indices_table", "postings", "postings_table"];
    for (name, offset) in names.into_iter().zip(offsets) {
        assert_eq!(described[name], offset, "{name}");
    }
}

fn check_series(read: &Contents, described: &Value) {
    let described = described.as_array().unwrap();
    assert_eq!(read.series.len(), described.len());
    for ((id, labels, chunks), described) in read.series.iter().zip(described) {
        assert_eq!(described["series_ref"], id.0);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(described["labels"], serde_json::to_value(pairs).unwrap());
        let expected = described["chunks"].as_array().unwrap();
        assert_eq!(chunks.len(), expected.len());
        for (chunk, expected) in chunks.iter().zip(expected) {
            assert_eq!(expected["ref"], chunk.reference);
            assert_eq!(expected["mint"], chunk.range.start.as_millis());
            assert_eq!(expected["maxt"], chunk.range.end.as_millis());
        }
    }
}

fn check_postings(index: &BlockIndex<Vec<u8>>, described: &Value) {
    let described = described.as_array().unwrap();
    assert!(!described.is_empty());
    for list in described {
        let (name, value) = (list["name"].as_str().unwrap(), list["value"].as_str().unwrap());
        let ids: Vec<u32> = index.postings(name, value).unwrap().iter().map(|id| id.0).collect();
        assert_eq!(list["refs"], serde_json::to_value(ids).unwrap(), "{name}={value}");
    }
    let names = index.label_names(&Filter::default(), 0).unwrap();
    let counts = names.iter().map(|name| index.label_value_counts(name).unwrap().len());
    let all = described.iter().filter(|list| list["name"] == "").count();
    assert_eq!(counts.sum::<usize>() + all, described.len());
}

#[test]
fn what_is_written_again_has_the_same_bytes() {
    for (_, block) in vector_blocks() {
        let index = BlockIndex::new(fs::read(block.join("index")).unwrap()).unwrap();
        assert!(rewrite(&contents(&index).unwrap()) == *index.bytes(), "{}", block.display());
    }
}

/// Prometheus' own tool, if the peers are there.
#[expect(clippy::disallowed_methods, reason = "peers are named by the environment")]
fn promtool() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("SKOPOS_PEERS") else {
        eprintln!("skipped: SKOPOS_PEERS is not set, so promtool was not asked");
        return None;
    };
    let path = PathBuf::from(folder).join("promtool");
    assert!(path.is_file(), "SKOPOS_PEERS is set, but {} is missing", path.display());
    Some(path)
}

fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A data directory with one block that promtool made of generated samples.
fn generated(promtool: &Path, folder: &Path) -> PathBuf {
    let mut page = String::from("# TYPE generated gauge\n");
    for i in 0..2000 {
        let (job, pod) = (i % 13, i * 7919 % 2000);
        for t in [1_700_000_000, 1_700_000_060] {
            page += &format!("generated{{job=\"job-{job}\",pod=\"pod-{pod:04}\"}} {i} {t}\n");
        }
    }
    page += "# EOF\n";
    let source = folder.join("page.om");
    fs::write(&source, page).unwrap();
    let data = folder.join("data");
    let arguments = [
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        source.to_str().unwrap(),
        data.to_str().unwrap(),
    ];
    run(promtool, &arguments);
    // Without a log the directory is not one that a server has used.
    fs::create_dir(data.join("wal")).unwrap();
    data
}

fn only_block(data: &Path) -> PathBuf {
    let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let mut blocks: Vec<PathBuf> = entries.filter(|path| path.join("meta.json").exists()).collect();
    assert_eq!(blocks.len(), 1);
    blocks.remove(0)
}

fn uvarint(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

/// A file of an older writer as the current one writes it: without the label indices between series
/// and postings, and without their table.
fn without_label_indices(bytes: &[u8]) -> Vec<u8> {
    let field = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let toc = bytes.len() - 52;
    let [symbols, series, label_indices, label_table, postings, table] =
        [0, 8, 16, 24, 32, 40].map(|at| field(toc + at));
    let first_list = postings.next_multiple_of(4);
    let mut file = bytes[..label_indices].to_vec();
    let start = label_indices.next_multiple_of(4);
    file.resize(start, 0);
    file.extend(&bytes[first_list..label_table]);
    let new_table = file.len();
    let end = table + 4 + u32::from_be_bytes(bytes[table..table + 4].try_into().unwrap()) as usize;
    let mut entries = bytes[table + 4..table + 8].to_vec();
    let mut at = table + 8;
    while at < end {
        let from = at;
        at += 1;
        for _ in 0..2 {
            at += uvarint(bytes, &mut at) as usize;
        }
        entries.extend(&bytes[from..at]);
        let mut offset = uvarint(bytes, &mut at) as usize - first_list + start;
        while 0x80 <= offset {
            entries.push(offset as u8 | 0x80);
            offset >>= 7;
        }
        entries.push(offset as u8);
    }
    file.extend((entries.len() as u32).to_be_bytes());
    file.extend(&entries);
    file.extend(crc32c::crc32c(&entries).to_be_bytes());
    let fields = [symbols, series, label_indices, new_table, label_indices, new_table];
    let fields: Vec<u8> = fields.iter().flat_map(|offset| (*offset as u64).to_be_bytes()).collect();
    file.extend(&fields);
    file.extend(crc32c::crc32c(&fields).to_be_bytes());
    file
}

#[test]
fn promtool_accepts_what_is_written() {
    let Some(promtool) = promtool() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = generated(&promtool, folder.path());
    let block = only_block(&data);
    let data = data.to_str().unwrap();
    let ulid = block.file_name().unwrap().to_str().unwrap();
    let ask = || {
        let list = run(&promtool, &["tsdb", "list", data]);
        // Below the totals there are rankings, in which ties come in any order.
        let analysis = run(&promtool, &["tsdb", "analyze", data, ulid]);
        let analysis: Vec<String> =
            analysis.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect();
        let all = run(&promtool, &["tsdb", "dump", data]);
        let some = ["tsdb", "dump", "--match={job=~\"job-1.*\",pod!~\".*7\"}", data];
        // A block's size is printed, and differs.
        (list.lines().count(), analysis, all, run(&promtool, &some))
    };
    let before = ask();
    let index = BlockIndex::new(fs::read(block.join("index")).unwrap()).unwrap();
    index.verify().unwrap();
    let kept = contents(&index).unwrap();
    assert_eq!(kept.series.len(), 2000);
    let ours = rewrite(&kept);
    assert!(ours == without_label_indices(index.bytes()), "the same series give other bytes");
    fs::write(block.join("index"), ours).unwrap();
    let after = ask();
    assert_eq!(before.0, after.0);
    assert_eq!(before.1, after.1);
    assert!(after.1.iter().any(|line| line == "Total Series: 2000"), "{:?}", after.1);
    assert!(before.2 == after.2 && before.3 == after.3, "what is dumped differs");
    assert_eq!(after.2.lines().count(), 4000);
}

#[test]
fn lists_of_many_series_survive_the_sinks_pieces() {
    let range = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(1));
    let values: Vec<String> = (0..40_000).map(|i| format!("{i:05}")).collect();
    let symbols = values.iter().map(String::as_str).chain(["a", "b", "x"]);
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols).unwrap();
    for (reference, value) in (0_u64..).zip(&values) {
        let labels = [("a", value.as_str()), ("b", "x")];
        writer.add_series(&labels, &[ChunkMeta { range, reference }]).unwrap();
    }
    let index = BlockIndex::new(writer.finish().unwrap()).unwrap();
    index.verify().unwrap();
    assert_eq!(index.postings("b", "x").unwrap().len(), 40_000);
}
