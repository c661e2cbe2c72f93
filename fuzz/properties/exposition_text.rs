//! Pages of Prometheus text and OpenMetrics: whatever they hold, they are read or refused.
//!
//! The first byte chooses the format and the options, the rest is the page. Beside that nothing
//! panics: the fast and the careful path of the parser agree, samples stay inside of the page, what is
//! read in pieces, with recovery or by the layout of another page is the same, and what is written from
//! a page that was read reads back the same, as text and as protobuf.

use std::ops::ControlFlow;

use skopos_core::LabelSet as _;
use skopos_exposition::{
    ClassicHistograms, CreatedLines, Entry, ErrorKind, EscapingScheme, Family, FamilySample,
    Layout, OutputFormat, PageFormat, PageReader, Parser, ParserOptions, RecoveringParser,
    TextFormat, choose_format, choose_output, choose_page_output, encode, encode_protobuf,
    families, lint, protobuf_families,
};

use crate::owned_labels;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Some((&choice, page)) = data.split_first() else { return };
    let format = if choice & 1 == 0 { TextFormat::Prometheus } else { TextFormat::OpenMetrics };
    let created =
        if choice & 2 == 0 { CreatedLines::Series } else { CreatedLines::StartTimestamps };
    let classic = if choice & 8 == 0 { ClassicHistograms::Series } else { ClassicHistograms::Both };
    let options = ParserOptions::default()
        .with_classic_histograms(classic)
        .with_type_and_unit_labels(choice & 4 != 0)
        .with_created_lines(created);
    let entries = read(format, page, options);
    if format == TextFormat::Prometheus {
        check_careful_path(page, options, &entries);
    }
    owned_labels::check(PageFormat::Text(format), page, options);
    check_layout(format, page, options, &entries);
    check_recovery(format, page, options, &entries);
    check_pieces(format, page, options, usize::from(choice >> 4) * 32 + 64);
    if let Ok(families) = families(format, page) {
        check_protobuf(&families);
        check_round_trip(format, families);
    }
    let _ = lint(page);
    if let Ok(header) = std::str::from_utf8(page) {
        let _ = choose_format(header, None);
        let _ = choose_output(header);
        let _ = choose_page_output(header);
    }
}

/// A page's entries as text, or the error's.
type Entries = (Vec<String>, Option<String>);

fn read(format: TextFormat, page: &[u8], options: ParserOptions) -> Entries {
    read_all(Parser::new(format, page, options), page)
}

fn read_all(mut parser: Parser<'_>, page: &[u8]) -> Entries {
    let mut entries = Vec::new();
    loop {
        match parser.next() {
            Ok(None) => return (entries, None),
            Ok(Some(entry)) => entries.push(show(entry)),
            Err(error) => {
                assert!(error.offset() <= page.len());
                assert!(1 <= error.line() && 1 <= error.column());
                assert!(matches!(parser.next(), Ok(None)));
                return (entries, Some(error.to_string()));
            }
        }
    }
}

fn show(entry: Entry<'_, '_>) -> String {
    let mut sample = match entry {
        Entry::Series(sample) => sample,
        Entry::Histogram(mut entry) => {
            let labels = entry.labels().to_labels();
            return format!("{labels} {:?} {:?}", entry.histogram(), entry.exemplars());
        }
        other => return format!("{other:?}"),
    };
    let series = sample.series().to_vec();
    let (value, time) = (sample.value().to_bits(), sample.timestamp());
    let (exemplar, start) = (sample.exemplar(), sample.start_timestamp());
    let labels = sample.labels();
    let pairs: Vec<_> = labels.iter().collect();
    assert!(pairs.is_sorted_by(|a, b| a.0 <= b.0));
    let owned = labels.to_labels();
    assert!(owned.len() <= pairs.len());
    let pairs = format!("{pairs:?}");
    assert_eq!(sample.owned_labels(), owned);
    // NaN is not equal to itself, but its text is.
    format!("{series:?} {value:x} {time:?} {exemplar:?} {start:?} {pairs} {owned}")
}

/// A page reads the same whatever page its parser read before: a part of it, itself, one without its
/// first line, one with other values.
fn check_layout(format: TextFormat, page: &[u8], options: ParserOptions, expected: &Entries) {
    let mut layout = Layout::new();
    let first = page.split(|&byte| byte == b'\n').next().map_or(0, <[u8]>::len);
    let half = page.get(..page.len() / 2).unwrap_or_default();
    let rest = page.get(first + 1..).unwrap_or_default();
    let other = with_other_values(page);
    for before in [half, page, rest, &other, page] {
        read_all(Parser::with_layout(format, before, options, &mut layout), before);
        let entries = read_all(Parser::with_layout(format, page, options, &mut layout), page);
        assert_eq!(&entries, expected);
    }
}

/// The page with other digits behind each line's last space.
fn with_other_values(page: &[u8]) -> Vec<u8> {
    let mut other = page.to_vec();
    for line in other.split_mut(|&byte| byte == b'\n') {
        let values = line.iter_mut().rev().take_while(|byte| **byte != b' ');
        for digit in values.filter(|byte| byte.is_ascii_digit()) {
            *digit = b'0' + (*digit - b'0' + 1) % 10;
        }
    }
    other
}

/// A page without mistakes reads the same where mistakes would not end it.
fn check_recovery(format: TextFormat, page: &[u8], options: ParserOptions, expected: &Entries) {
    let mut parser = RecoveringParser::new(format, page, options);
    let mut entries = Vec::new();
    while let Some(entry) = parser.next() {
        entries.push(show(entry));
    }
    assert_eq!(parser.errors().is_empty(), expected.1.is_none());
    if expected.1.is_none() {
        assert_eq!(entries, expected.0);
    }
}

/// What is read in pieces is what is read at once; start timestamps aside, which need large pieces.
fn check_pieces(format: TextFormat, page: &[u8], options: ParserOptions, limit: usize) {
    let plain = |entry: Entry<'_, '_>| match entry {
        Entry::Series(mut sample) => {
            let labels = sample.labels().to_labels();
            let (value, offset) = (sample.value().to_bits(), sample.offset());
            format!("{offset} {labels} {value:x} {:?} {:?}", sample.timestamp(), sample.exemplar())
        }
        Entry::Histogram(mut entry) => {
            let labels = entry.labels().to_labels();
            format!("{} {labels} {:?} {:?}", entry.offset(), entry.histogram(), entry.exemplars())
        }
        other => format!("{other:?}"),
    };
    let placed = |error: &skopos_exposition::Error| {
        format!("{error} at {} {}:{}", error.offset(), error.line(), error.column())
    };
    let mut expected = Vec::new();
    let mut parser = Parser::new(format, page, options);
    loop {
        match parser.next() {
            Ok(None) => break,
            Ok(Some(entry)) => expected.push(plain(entry)),
            Err(error) => {
                expected.push(placed(&error));
                break;
            }
        }
    }
    let mut entries = Vec::new();
    let format = PageFormat::Text(format);
    let end = PageReader::new(format, page, options).with_limit(limit).for_each(|entry| {
        entries.push(plain(entry));
        ControlFlow::<()>::Continue(())
    });
    match end {
        Err(error) if error.kind() == ErrorKind::Limit => {
            assert!(expected.starts_with(&entries));
            return;
        }
        Err(error) => entries.push(placed(&error)),
        Ok(_) => {}
    }
    assert_eq!(entries, expected);
}

/// As protobuf, every sample is there with its value, if not with its name: gauge histograms change it.
fn check_protobuf(families: &[Family]) {
    let is_named = |family: &&Family| {
        let mut names = family.samples.iter().map(|sample| sample.labels.metric_name());
        let has_names = |sample: &FamilySample| sample.labels.get("").is_none();
        !family.name.is_empty()
            && !family.samples.is_empty()
            && names.all(|name| name.is_some())
            && family.samples.iter().all(has_names)
    };
    let families: Vec<&Family> = families.iter().filter(is_named).collect();
    let mut page = Vec::new();
    let written = encode_protobuf(EscapingScheme::AllowUtf8, families.iter().copied(), &mut page);
    assert!(written.is_ok(), "{written:?}");
    let again = protobuf_families(&page);
    assert!(again.is_ok(), "{again:?} for {families:?}");
    let values = |samples: &mut dyn Iterator<Item = &FamilySample>| {
        let mut values: Vec<u64> = samples.map(|sample| sample.value.to_bits()).collect();
        values.sort_unstable();
        values
    };
    let again = again.unwrap_or_default();
    let read = values(&mut again.iter().flat_map(|family| &family.samples));
    assert_eq!(read, values(&mut families.iter().flat_map(|family| &family.samples)));
}

/// A first line that is not UTF-8 turns the fast path off.
fn check_careful_path(page: &[u8], options: ParserOptions, expected: &Entries) {
    let mut careful = b"#\xff\n".to_vec();
    careful.extend_from_slice(page);
    let (mut entries, error) = read(TextFormat::Prometheus, &careful, options);
    assert!(entries.remove(0).starts_with("Comment"));
    assert_eq!((&entries, &error), (&expected.0, &expected.1));
}

/// The second writing is the same as the first.
fn check_round_trip(format: TextFormat, families_read: Vec<Family>) {
    let output = OutputFormat::new(format, EscapingScheme::AllowUtf8);
    let first = write(output, &families_read);
    // A name with escapes in a metadata line is not the name of its samples, and names and labels
    // may be such as cannot be told from the outside; what is written must be readable all the same.
    let again = families(format, first.as_bytes());
    assert!(again.is_ok(), "{again:?} for {first:?}");
    let samples = |families: &[Family]| {
        let samples = families.iter().filter(is_writable).flat_map(|family| &family.samples);
        let mut shown: Vec<String> = samples
            .map(|s| format!("{} {:x} {:?}", s.labels, s.value.to_bits(), s.timestamp))
            .collect();
        shown.sort();
        shown
    };
    assert_eq!(samples(&again.unwrap_or_default()), samples(&families_read), "{first:?}");
}

fn write(output: OutputFormat, families: &[Family]) -> String {
    let mut page = String::new();
    for family in families.iter().filter(is_writable).filter(|family| !family.samples.is_empty()) {
        let mut text = String::new();
        let written = encode(output, [family], &mut text);
        assert!(written.is_ok(), "{written:?}");
        page.push_str(text.strip_suffix("# EOF\n").unwrap_or(&text));
    }
    if output.format == TextFormat::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

/// Whether a family has a name to be written with, and its samples do: an empty one in quotes is read, but
/// is none, and one with a NUL is refused.
fn is_writable(family: &&Family) -> bool {
    !family.name.is_empty()
        && !family.name.contains('\0')
        && family.samples.iter().all(|s| s.labels.metric_name().is_some())
}
