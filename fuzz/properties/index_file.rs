//! Bytes as the index file of a block, or as changes to a sound one: whatever they are, it opens or not
//! and answers or not; where all of it verifies, it answers as brute force over its series does.

use skopos_core::{Labels, MatchOp, Matcher, SeriesId, TimeRange, Timestamp};
use skopos_index::{BlockIndex, BlockIndexWriter, BlockSeries, ChunkMeta, Filter};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else { return };
    let mut bytes = if mode & 1 == 0 { rest.to_vec() } else { changed(rest) };
    if mode & 2 != 0 {
        seal(&mut bytes);
    }
    let Ok(index) = BlockIndex::new(bytes) else { return };
    ask(&index);
    if index.verify().is_ok() {
        compare(&index);
    }
}

/// A sound file after changes of three bytes each: the place and what stands there then.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut bytes = sound().expect("these series are in order");
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] = change[2];
    }
    bytes
}

fn sound() -> Result<Vec<u8>, skopos_index::Error> {
    let symbols = ["", "__name__", "a", "b", "job", "up", "zone"];
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols)?;
    let range = TimeRange::new(Timestamp::from_millis(-5), Timestamp::from_millis(5));
    let chunk = ChunkMeta { range, reference: 8 };
    writer.add_series(&[("__name__", "up"), ("job", "a")], &[])?;
    writer.add_series(&[("__name__", "up"), ("job", "a"), ("zone", "b")], &[chunk])?;
    writer.add_series(&[("job", "b")], &[chunk])?;
    writer.finish()
}

/// Makes the checksums of the table of contents, the symbols and the postings offset table right, so
/// that what they guard is reached.
fn seal(bytes: &mut [u8]) {
    let Some(toc) = bytes.len().checked_sub(52) else { return };
    let field = |bytes: &[u8], at: usize| {
        let field = bytes.get(at..)?.first_chunk()?;
        usize::try_from(u64::from_be_bytes(*field)).ok()
    };
    for at in [field(bytes, toc), field(bytes, toc + 40)] {
        let Some(at) = at else { continue };
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { continue };
        let length = u32::from_be_bytes(*length) as usize;
        if let Some((contents, rest)) = bytes[at + 4..].split_at_mut_checked(length)
            && let Some(checksum) = rest.first_chunk_mut()
        {
            *checksum = crc32c::crc32c(contents).to_be_bytes();
        }
    }
    let checksum = crc32c::crc32c(&bytes[toc..toc + 48]);
    bytes[toc + 48..].copy_from_slice(&checksum.to_be_bytes());
}

fn questions() -> Vec<Filter> {
    let matchers = [
        ("job", MatchOp::Equal, "a"),
        ("zone", MatchOp::NotEqual, "b"),
        ("zone", MatchOp::Equal, ""),
        ("job", MatchOp::Regex, ".+"),
        ("job", MatchOp::Regex, "a.*"),
        ("__name__", MatchOp::Regex, ".*p.*"),
        ("job", MatchOp::NotRegex, "[a-z]{1,2}b"),
        ("zone", MatchOp::Regex, ".*"),
        ("job", MatchOp::Regex, "a|b"),
        ("job", MatchOp::Equal, "c"),
    ];
    let matchers = matchers.map(|(name, op, value)| Matcher::new(name, op, value));
    let single = matchers.iter().map(std::slice::from_ref);
    let groups = single.chain([&matchers[..0], &matchers[..2], &matchers[3..6], &matchers[6..9]]);
    groups.map(|group| Filter::new(group).expect("the patterns compile")).collect()
}

/// Asks all there is to ask; the answers do not matter.
fn ask(index: &BlockIndex<Vec<u8>>) {
    let mut series = BlockSeries::default();
    for filter in questions() {
        if let Ok(ids) = index.select(&filter) {
            for id in ids.iter().take(100) {
                let _ = index.read_series(id, &mut series);
            }
        }
        let _ = index.label_names(&filter, 10);
        let _ = index.label_values("job", &filter, 10);
    }
    let _ = index.label_value_counts("job");
    let _ = index.postings("zone", "b").map(|postings| postings.iter().count());
    let _ = index.symbols().map(|symbols| symbols.take(1000).filter(Result::is_ok).count());
    for id in [0, 1, 5, u32::MAX] {
        let _ = index.series(SeriesId(id));
    }
}

fn compare(index: &BlockIndex<Vec<u8>>) {
    let all = index.all().expect("it was verified");
    let series: Vec<(SeriesId, Labels)> = all
        .iter()
        .map(|id| {
            let series = index.series(id).expect("it was verified");
            (id, Labels::from_pairs(series.labels().iter().copied()))
        })
        .collect();
    for filter in questions() {
        let holding = series.iter().filter(|(_, labels)| filter.matches(labels));
        let holding: Vec<SeriesId> = holding.map(|(id, _)| *id).collect();
        // The second time much is remembered.
        for _ in 0..2 {
            let selected = index.select(&filter).expect("it was verified");
            assert_eq!(selected.iter().collect::<Vec<_>>(), holding);
        }
    }
}
