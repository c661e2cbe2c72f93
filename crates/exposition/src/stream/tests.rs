//! What is read in pieces is what is read at once, wherever the pieces end.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;
use skopos_core::LabelSet as _;

use super::*;
use crate::{ClassicHistograms, CreatedLines, PageParser, TextFormat};

const PROMETHEUS: PageFormat = PageFormat::Text(TextFormat::Prometheus);
const OPENMETRICS: PageFormat = PageFormat::Text(TextFormat::OpenMetrics);

/// A source that gives a few bytes at a time.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.1.min(out.len()).min(self.0.len());
        let (now, later) = self.0.split_at(len);
        out[..len].copy_from_slice(now);
        self.0 = later;
        Ok(len)
    }
}

fn shown(entry: Entry<'_, '_>, with_starts: bool) -> String {
    match entry {
        Entry::Series(mut sample) => {
            let (series, value) = (sample.series().to_vec(), sample.value().to_bits());
            let (t, offset, exemplar) = (sample.timestamp(), sample.offset(), sample.exemplar());
            let start = with_starts.then(|| sample.start_timestamp());
            let labels = sample.labels().to_labels();
            format!("{offset} {series:?} {labels} {value:x} {t:?} {exemplar:?} {start:?}")
        }
        Entry::Histogram(mut entry) => {
            let (t, offset, exemplars) = (entry.timestamp(), entry.offset(), entry.exemplars());
            let start = with_starts.then(|| entry.start_timestamp());
            let labels = entry.labels().to_labels();
            format!("{offset} {labels} {:?} {t:?} {exemplars:?} {start:?}", entry.histogram())
        }
        other => format!("{other:?}"),
    }
}

fn whole(format: PageFormat, page: &[u8], options: ParserOptions, starts: bool) -> Vec<String> {
    let mut parser = PageParser::new(format, page, options).unwrap();
    let mut lines = Vec::new();
    loop {
        match parser.next() {
            Ok(None) => return lines,
            Ok(Some(entry)) => lines.push(shown(entry, starts)),
            Err(error) => {
                lines.push(placed(&error));
                return lines;
            }
        }
    }
}

fn placed(error: &Error) -> String {
    format!("{error} at {}:{} {}", error.line(), error.column(), error.offset())
}

fn pieces(
    format: PageFormat,
    page: &[u8],
    options: ParserOptions,
    (drop, limit): (usize, usize),
    starts: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    let reader = PageReader::new(format, Drops(page, drop), options).with_limit(limit);
    let end = reader.for_each(|entry| {
        lines.push(shown(entry, starts));
        ControlFlow::<()>::Continue(())
    });
    if let Err(error) = end {
        lines.push(placed(&error));
    }
    lines
}

#[track_caller]
fn check(format: PageFormat, page: &[u8], limit: usize) {
    for classic in [ClassicHistograms::Series, ClassicHistograms::Native, ClassicHistograms::Both] {
        for created in [CreatedLines::Series, CreatedLines::StartTimestamps] {
            let options = ParserOptions::default()
                .with_classic_histograms(classic)
                .with_created_lines(created)
                .with_type_and_unit_labels(true);
            // In small windows not every start is found.
            let starts = page.len() < limit;
            let expected = whole(format, page, options, starts);
            for drop in [1, 7, 4096] {
                assert_eq!(pieces(format, page, options, (drop, limit), starts), expected);
            }
        }
    }
}

const CLASSIC: &str = "# HELP h \\\\ text\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n\n  \n\
    h_bucket{le=\"+Inf\"} 3\nh_sum 2\nh_count 3\nh_bucket{a=\"b\",le=\"1\"} 1\nh_count{a=\"b\"} 1\n\
    # a comment\nother{x=\"a\nb\n# TYPE x gauge\n\"} 1 1000\n\n\n";

#[test]
fn prometheus_text_in_pieces_is_the_same() {
    for limit in [80, 100, 200, 100_000] {
        check(PROMETHEUS, CLASSIC.as_bytes(), limit);
        let repeated = CLASSIC.repeat(12);
        check(PROMETHEUS, repeated.as_bytes(), limit);
        check(PROMETHEUS, format!("{repeated}wrong{{\nlast 1\n").as_bytes(), limit);
        check(PROMETHEUS, format!("{repeated}wrong one\nlast 1\n\n").as_bytes(), limit);
        check(PROMETHEUS, format!("{repeated}unfinished").as_bytes(), limit);
        check(PROMETHEUS, format!("{repeated}\n\0\na 1\n").as_bytes(), limit);
    }
    check(PROMETHEUS, b"", 10);
    check(PROMETHEUS, "\n".repeat(10_000).as_bytes(), 100);
}

/// Error texts quote the NULs behind a token, wherever a piece ends among them.
#[test]
fn errors_before_many_nuls_are_the_same_in_pieces() {
    let page = [&b"# comment\nm{a=\"1\n2\x85\""[..], &[0; 40], b"1\"} 1\nb 2\n"].concat();
    for limit in [64, 80, 100] {
        check(PROMETHEUS, &page, limit);
    }
}

const METRICS: &str = "# TYPE c counter\n# UNIT c \n# HELP c x\nc_total{a=\"1\"} 1 # {t=\"x\"} 1\n\
    c_created{a=\"1\"} 12.5\nc_total{a=\"2\"} 2\nc_created{a=\"2\"} 13\n# TYPE h_seconds histogram\n\
    # UNIT h_seconds seconds\nh_seconds_bucket{le=\"1.0\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\n\
    h_seconds_count 2\nh_seconds_sum 1\nh_seconds_created 7\n";

#[test]
fn nul_at_the_beginning_of_a_piece_is_no_part_of_a_text() {
    let page =
        b"# TYPE s summary\ns_count 2\ns_sum 3\ns_created 11\n\0# HELP s x\ns_count 1\n# EOF\n";
    for limit in 20..80 {
        check(OPENMETRICS, page, limit);
        check(PROMETHEUS, page, limit);
    }
}

#[test]
fn what_is_no_text_behind_a_piece_is_wrong_before_a_name_is() {
    let page =
        b"# HELP \"} 2\n_ms_ counter`hits:tot\xc6l{code=\"200\",path=\"/af\"}\"+Inf\"} 1\xf6\x9b\n";
    let mut reader = PageReader::new(PROMETHEUS, &page[..], ParserOptions::default());
    let whole = reader.for_each(|_| ControlFlow::<()>::Continue(())).unwrap_err();
    for limit in 64..80 {
        reader = PageReader::new(PROMETHEUS, &page[..], ParserOptions::default());
        let end = reader.with_limit(limit).for_each(|_| ControlFlow::<()>::Continue(()));
        let error = end.unwrap_err();
        assert!(error.kind() == ErrorKind::Limit || placed(&error) == placed(&whole), "{error}");
    }
}

#[test]
fn openmetrics_in_pieces_is_the_same() {
    for limit in [80, 100, 500, 100_000] {
        let repeated = METRICS.repeat(12);
        check(OPENMETRICS, format!("{repeated}# EOF\n").as_bytes(), limit);
        check(OPENMETRICS, format!("{repeated}# EOF").as_bytes(), limit);
        check(OPENMETRICS, repeated.as_bytes(), limit);
        check(OPENMETRICS, format!("{repeated}# EOF\n{repeated}").as_bytes(), limit);
        check(OPENMETRICS, format!("{repeated}a 1 \nb 1\n# EOF\n").as_bytes(), limit);
        check(OPENMETRICS, format!("{repeated}a\nb 1\n# EOF\n").as_bytes(), limit);
    }
    check(OPENMETRICS, b"", 10);
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf_in_pieces_is_the_same() {
    let family = b"\x1b\x0a\x01a\x18\x00\x22\x14\x0a\x07\x0a\x01b\x12\x02\xc3\xa9\x1a\x09\x09\0\0\0\0\0\0\x08\x40";
    let page = family.repeat(500);
    for limit in [30, 100, 20_000] {
        check(PageFormat::Protobuf, &page, limit);
        check(PageFormat::Protobuf, &page[..page.len() - 3], limit);
        check(PageFormat::Protobuf, &[&page[..], b"\xff\xff\xff\xff\xff\xff"].concat(), limit);
        check(PageFormat::Protobuf, &[&page[..], b"\x02\x0b\x00", &page].concat(), limit);
    }
    let options = ParserOptions::default();
    let lines = pieces(PageFormat::Protobuf, family, options, (9, 20), false);
    assert_eq!(lines, ["entry is longer than the limit of 20 bytes at 0:0 0"]);
}

#[test]
fn an_entry_that_is_too_long_is_refused_with_its_place() {
    let page = format!("a 1\nb{{c=\"{}\"}} 1\n", "x".repeat(1_000));
    let lines = pieces(PROMETHEUS, page.as_bytes(), ParserOptions::default(), (64, 128), false);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], "entry is longer than the limit of 128 bytes at 0:0 4");
}

#[test]
fn a_source_that_fails_is_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let reader = PageReader::new(PROMETHEUS, Broken, ParserOptions::default());
    let error = reader.for_each(|_| ControlFlow::<()>::Continue(())).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Io, "cannot read the page: gone")
    );
    assert!(core::error::Error::source(&error).is_some());
}

#[test]
fn a_visitor_may_break_off() {
    let reader = PageReader::new(PROMETHEUS, &b"a 1\nb 2\nwrong"[..], ParserOptions::default());
    let end = reader.for_each(|entry| match entry {
        Entry::Series(sample) if sample.value() == 2.0 => ControlFlow::Break("b"),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(end, Ok(ControlFlow::Break("b")));
}

proptest! {
    #[test]
    fn any_lines_in_pieces_are_the_same(
        lines in proptest::collection::vec(
            "(h_bucket\\{le=\"1\"\\} 1|h_count 2|# TYPE h histogram|# TYPE x counter|# HELP y t|x_total 1|\
              x_created 5|a\\{b=\"|\"\\} 1|#|  |a 1 |a 1  5|\\{|# EOF|# UNIT x |z\\{\"q\",w=\"\\\\n\"\\} 3|[ -~]{0,6})",
            0..24,
        ),
        drop in 1..40usize,
        is_open in any::<bool>(),
        is_ended in any::<bool>(),
    ) {
        let format = if is_open { OPENMETRICS } else { PROMETHEUS };
        let mut page = lines.join("\n");
        if is_ended {
            page.push_str("\n# EOF\n");
        }
        let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Both);
        let expected = whole(format, page.as_bytes(), options, true);
        for limit in [page.len().max(64), 1 << 20] {
            let read = pieces(format, page.as_bytes(), options, (drop, limit), true);
            prop_assert_eq!(&read, &expected);
        }
    }
}

#[test]
fn a_number_that_the_limit_cuts_is_no_shorter_number() {
    let page = b"a{b=\"\n0123456789012345678901234567890123456789012345678\"} 1234567 1000\nc 1\n";
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        for classic in [ClassicHistograms::Series, ClassicHistograms::Native] {
            let options = ParserOptions::default().with_classic_histograms(classic);
            for limit in 1..page.len() {
                let mut seen = Vec::new();
                let reader = PageReader::new(PageFormat::Text(format), &page[..], options);
                let _ = reader.with_limit(limit).for_each(|entry| {
                    if let Entry::Series(sample) = entry {
                        seen.push((
                            sample.value(),
                            sample.timestamp().map(skopos_core::Timestamp::as_millis),
                        ));
                    }
                    ControlFlow::<()>::Continue(())
                });
                assert!([(1234567.0, Some(1000)), (1.0, None)].starts_with(&seen), "{seen:?}");
            }
        }
    }
}

#[test]
fn metadata_that_the_limit_cuts_is_not_given() {
    let page =
        b"# HELP \"over\nlines\" and a text that is longer\n# TYPE \"over\nlines\" counter\nc 1\n";
    let mut whole = Vec::new();
    for limit in (1..=page.len()).rev() {
        let lines = pieces(PROMETHEUS, page, ParserOptions::default(), (7, limit), false);
        if whole.is_empty() {
            whole = lines;
            assert_eq!(whole.len(), 3, "{whole:?}");
            continue;
        }
        let (last, given) = lines.split_last().unwrap();
        let is_refused = last.starts_with("entry is longer than the limit");
        assert!(lines == whole || (is_refused && whole.starts_with(given)), "{limit}: {lines:?}");
    }
}
