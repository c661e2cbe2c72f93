//! Lines of matchers, an empty line, lines of label sets: a selection equals asking each label set, from an
//! index in memory and from a file of the same series.

use std::collections::BTreeSet;

use skopos_core::{Labels, MatchOp, Matcher, SeriesId};
use skopos_index::{BlockIndex, BlockIndexWriter, Filter, MemoryIndex};
use skopos_regex::Regex;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (matchers, series) = text.split_once("\n\n").unwrap_or((text, ""));
    let matchers: Vec<Matcher> = matchers.lines().take(8).filter_map(matcher).collect();
    let series: Vec<Labels> = series.lines().take(500).map(labels).collect();
    let Ok(filter) = Filter::new(&matchers) else { return };
    let Some(expressions) = expressions(&matchers) else { return };

    let hold = |labels: &Labels| {
        matchers.iter().zip(&expressions).all(|(matcher, regex)| {
            let value = labels.get(matcher.name()).unwrap_or_default();
            let is_in = match regex {
                Some(regex) => regex.is_match(value),
                None => value == matcher.value(),
            };
            is_in != matcher.op().is_negative()
        })
    };
    in_memory(&series, &filter, &hold);
    in_a_file(&series, &filter, &hold);
}

fn in_memory(series: &[Labels], filter: &Filter, hold: &impl Fn(&Labels) -> bool) {
    let mut index = MemoryIndex::new();
    let mut expected = Vec::new();
    for labels in series {
        let id = index.insert(labels).expect("there is room");
        if hold(labels) {
            expected.push(id);
        }
    }
    let selected: Vec<SeriesId> = index.select(filter).iter().collect();
    assert_eq!(selected, expected, "{}", index.explain(filter));
    assert_eq!(index.explain(filter).series(), expected.len() as u64);
    index.seal();
    assert!(index.select(filter).iter().eq(expected));
    for (id, labels) in (0..).zip(series) {
        assert!(index.remove(SeriesId(id), labels));
    }
    assert!(index.is_empty() && index.label_names(&Filter::default(), 0).is_empty());
}

fn in_a_file(series: &[Labels], filter: &Filter, hold: &impl Fn(&Labels) -> bool) {
    // The empty name is the key of all series.
    let is_written = |labels: &&Labels| !labels.is_empty() && labels.get("").is_none();
    let series: BTreeSet<&Labels> = series.iter().filter(is_written).collect();
    let texts = series.iter().flat_map(|labels| labels.iter());
    let symbols: BTreeSet<&str> = texts.flat_map(|(name, value)| [name, value]).collect();
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols).expect("symbols are in order");
    let mut expected = Vec::new();
    for labels in series {
        let id = writer.add_series(labels, &[]).expect("series are in order");
        if hold(labels) {
            expected.push(id);
        }
    }
    let index = BlockIndex::new(writer.finish().expect("a vector takes all"));
    let index = index.expect("what was written is read");
    index.verify().expect("what was written is sound");
    // The second time much is remembered.
    for _ in 0..2 {
        let selected = index.select(filter).expect("it was verified");
        assert!(selected.iter().eq(expected.iter().copied()));
    }
    let explanation = index.explain(filter).expect("it was verified");
    assert_eq!(explanation.series(), expected.len() as u64, "{explanation}");
}

/// The general engine for each regular expression; `None` where it refuses one.
fn expressions(matchers: &[Matcher]) -> Option<Vec<Option<Regex>>> {
    let compile = |matcher: &Matcher| {
        // Dots of label matchers match line feeds, so the engine is asked for the same.
        let pattern = format!("(?s:{})", matcher.value());
        if matcher.op().is_regex() { Regex::anchored(&pattern).ok().map(Some) } else { Some(None) }
    };
    matchers.iter().map(compile).collect()
}

fn matcher(line: &str) -> Option<Matcher> {
    let (at, op) = line.char_indices().find(|(_, c)| matches!(c, '=' | '!'))?;
    let (name, rest) = line.split_at(at);
    let (op, len) = match (op, rest.as_bytes().get(1)) {
        ('=', Some(b'~')) => (MatchOp::Regex, 2),
        ('=', _) => (MatchOp::Equal, 1),
        (_, Some(b'~')) => (MatchOp::NotRegex, 2),
        (_, Some(b'=')) => (MatchOp::NotEqual, 2),
        _ => return None,
    };
    Some(Matcher::new(name, op, &rest[len..]))
}

fn labels(line: &str) -> Labels {
    Labels::from_pairs(line.split('\t').filter_map(|pair| pair.split_once('=')))
}
