//! Pages of delimited protobuf messages: whatever they hold, they are read or refused.
//!
//! The first byte chooses the options, the rest is the page. Beside that nothing panics: errors lie
//! within the page, what is written from a page that was read reads back the same, and so does what is
//! read in pieces.

use std::ops::ControlFlow;

use skopos_core::LabelSet as _;
use skopos_exposition::{
    ClassicHistograms, Entry, ErrorKind, EscapingScheme, Family, NativeHistograms, OutputFormat,
    PageFormat, PageReader, ParserOptions, ProtobufParser, TextFormat, encode, encode_protobuf,
    families, protobuf_families,
};

use crate::owned_labels;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Some((&choice, page)) = data.split_first() else { return };
    let classic = match choice & 3 {
        0 => ClassicHistograms::Series,
        1 => ClassicHistograms::Native,
        _ => ClassicHistograms::Both,
    };
    let native = match choice >> 2 & 3 {
        0 => NativeHistograms::Alone,
        1 => NativeHistograms::Ignored,
        _ => NativeHistograms::WithClassic,
    };
    let options = ParserOptions::default()
        .with_classic_histograms(classic)
        .with_native_histograms(native)
        .with_type_and_unit_labels(choice & 16 != 0);
    let entries = read(page, options);
    owned_labels::check(PageFormat::Protobuf, page, options);
    check_pieces(page, options, usize::from(choice >> 5) * 64 + 64, &entries);
    if let Ok(families) = protobuf_families(page) {
        check_round_trip(families);
    }
}

/// A page's entries as text, and the error's.
fn read(page: &[u8], options: ParserOptions) -> Vec<String> {
    let mut parser = ProtobufParser::new(page, options);
    let mut entries = Vec::new();
    loop {
        match parser.next() {
            Ok(None) => return entries,
            Ok(Some(entry)) => entries.push(show(entry)),
            Err(error) => {
                assert!(error.offset() <= page.len() && error.line() == 0);
                assert!(matches!(parser.next(), Ok(None)));
                entries.push(format!("{error} at {}", error.offset()));
                return entries;
            }
        }
    }
}

fn show(entry: Entry<'_, '_>) -> String {
    match entry {
        Entry::Series(mut sample) => {
            let series = sample.series().to_vec();
            let (value, time, offset) =
                (sample.value().to_bits(), sample.timestamp(), sample.offset());
            let (exemplar, start) = (sample.exemplar(), sample.start_timestamp());
            let labels = sample.labels();
            let pairs: Vec<_> = labels.iter().collect();
            assert!(pairs.is_sorted_by(|a, b| a.0 <= b.0));
            let owned = labels.to_labels();
            let pairs = format!("{pairs:?}");
            assert_eq!(sample.owned_labels(), owned);
            format!("{offset} {series:?} {value:x} {time:?} {exemplar:?} {start:?} {pairs} {owned}")
        }
        Entry::Histogram(mut entry) => {
            let (time, start, exemplars) =
                (entry.timestamp(), entry.start_timestamp(), entry.exemplars());
            let owned = entry.labels().to_labels();
            assert_eq!(entry.owned_labels(), owned);
            format!(
                "{} {owned} {:?} {time:?} {start:?} {exemplars:?}",
                entry.offset(),
                entry.histogram()
            )
        }
        other => format!("{other:?}"),
    }
}

fn check_pieces(page: &[u8], options: ParserOptions, limit: usize, expected: &[String]) {
    let mut entries = Vec::new();
    let reader = PageReader::new(PageFormat::Protobuf, page, options).with_limit(limit);
    let end = reader.for_each(|entry| {
        entries.push(show(entry));
        ControlFlow::<()>::Continue(())
    });
    match end {
        Err(error) if error.kind() == ErrorKind::Limit => {
            assert!(expected.starts_with(&entries));
            return;
        }
        Err(error) => entries.push(format!("{error} at {}", error.offset())),
        Ok(_) => {}
    }
    assert_eq!(entries, expected);
}

fn samples(families: &[Family]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for family in families {
        let floats = family.samples.iter().map(|s| {
            let (bits, t, start) = (s.value.to_bits(), s.timestamp, s.start_timestamp);
            format!("{} {bits:x} {t:?} {start:?}", s.labels)
        });
        shown.extend(floats);
        shown.extend(family.histograms.iter().map(|h| {
            format!("{} {:?} {:?} {:?}", h.labels, h.histogram, h.timestamp, h.start_timestamp)
        }));
    }
    shown.sort();
    shown
}

fn check_round_trip(read: Vec<Family>) {
    // Labels may have hidden the name of a sample; such ones are refused.
    let writable = |family: &&Family| {
        let names = family.samples.iter().map(|sample| &sample.labels);
        let mut names = names.chain(family.histograms.iter().map(|histogram| &histogram.labels));
        let has_own_histograms =
            family.histograms.iter().all(|h| h.labels.metric_name() == Some(&*family.name));
        has_own_histograms
            && names.all(|labels| labels.metric_name().is_some_and(|name| !name.is_empty()))
    };
    let families_read: Vec<Family> = read.iter().filter(writable).cloned().collect();
    let mut page = Vec::new();
    // A family of one type may have taken in a native histogram of another one with its name.
    if encode_protobuf(EscapingScheme::AllowUtf8, &families_read, &mut page).is_err() {
        return;
    }
    let again = protobuf_families(&page);
    assert_eq!(samples(&again.unwrap_or_default()), samples(&families_read));
    let output = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
    let mut text = String::new();
    let written = encode(output, &families_read, &mut text);
    // Text has no family with a NUL in its name.
    assert_eq!(written.is_err(), families_read.iter().any(|family| family.name.contains('\0')));
    if written.is_err() {
        return;
    }
    let again = families(TextFormat::OpenMetrics, text.as_bytes());
    // Text has no NUL in names.
    assert!(again.is_ok() || text.contains('\0'), "{again:?} for {text:?}");
}
