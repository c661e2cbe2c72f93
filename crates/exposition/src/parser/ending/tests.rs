//! Forms against the whole grammar, and the readers of numbers against each other.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;
use skopos_core::Timestamp;

use super::*;

/// What stands behind a series, with enough behind it to be loaded.
fn padded(end: &str) -> Vec<u8> {
    format!("{end}\n{}", " ".repeat(2 * CHUNK)).into_bytes()
}

/// Whether the form of one number takes another, which every reader of forms must read right.
#[track_caller]
fn takes(learned: &str, read: &str) -> bool {
    let (first, second) = (padded(learned), padded(read));
    let form = Number::learn(&first, 0).expect("it is a number");
    let mut scaled = Scaled::default();
    let found = form.read(&second, 0, &mut scaled).then(|| scaled.value());
    let right = number::parse_value(read.as_bytes()).ok();
    assert!(found.is_none() || found.map(f64::to_bits) == right.map(f64::to_bits), "{read}");
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(avx512) = number::avx512::Avx512::detect() {
        let fast = x86::read_by(avx512, &form, &second, 0, &mut scaled).then(|| scaled.value());
        assert_eq!(fast.map(f64::to_bits), found.map(f64::to_bits), "{learned} {read}");
    }
    found.is_some()
}

#[test]
fn a_form_takes_numbers_that_differ_in_digits_alone() {
    for (learned, read) in [
        ("0", "7"),
        ("12345", "99999"),
        ("-1", "-0"),
        ("0.25", "9.75"),
        ("1.26497757e+06", "3.10000001e+06"),
        ("1e-07", "9e-07"),
        ("16561.348133776486", "26561.348133776487"),
        ("1234567890123456789", "9007199254740993000"),
        ("1e+23", "7e+23"),
        ("NaN", "NaN"),
        ("+Inf", "+Inf"),
        ("-Inf", "-Inf"),
        ("1e5", "1e5"),
        ("+5", "+5"),
    ] {
        assert!(takes(learned, read), "{learned} {read}");
    }
    for (learned, read) in [
        ("0", "10"),
        ("12345", "1234"),
        ("0.25", "02.5"),
        ("1", "-1"),
        ("1.5e+06", "1.5e+07"),
        ("1.5e+06", "1.5e-06"),
        ("NaN", "+Inf"),
        ("1e5", "1e6"),
        ("123", "12a"),
        ("123", "12 "),
        ("123", "12\n"),
        ("1.5", "1_5"),
    ] {
        assert!(!takes(learned, read), "{learned} {read}");
    }
}

/// Ends of lines, as exporters and others write them.
fn ends() -> impl Strategy<Value = String> {
    let number = "(-|\\+)?(0|[1-9][0-9]{0,18})?(\\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?";
    let other = proptest::sample::select(&["NaN", "+Inf", "-Inf", "Inf", "x", "1_0", "0x1p3"][..]);
    let number = prop_oneof![8 => number.prop_map(String::from), 1 => other.prop_map(String::from)];
    let labels = proptest::sample::select(
        &[
            "{}",
            "{a=\"b\"}",
            "{a=\"c\"}",
            "{a=\"\\n\"}",
            "{a=\"ä\"}",
            "{trace_id=\"0123456789\",b=\"x\"}",
        ][..],
    );
    let time = proptest::option::of(prop_oneof![
        "[0-9]{1,17}".prop_map(String::from),
        "1[0-9]{9}\\.[0-9]{1,3}".prop_map(String::from),
        number.clone(),
    ]);
    let exemplar = proptest::option::of((labels, number.clone(), time.clone()));
    (number, time, exemplar).prop_map(|(value, time, exemplar)| {
        let spaced = |time: Option<String>| time.map_or(String::new(), |time| format!(" {time}"));
        let exemplar = exemplar.map_or(String::new(), |(labels, value, time)| {
            format!(" # {labels} {value}{}", spaced(time))
        });
        format!("{value}{}{exemplar}", spaced(time))
    })
}

/// The ends of lines of one page after the other, by forms that are learned on the way.
#[derive(Default)]
struct Learned(Endings);

impl Learned {
    fn read(&mut self, format: TextFormat, text: &str) -> Option<(f64, usize, Option<Behind>)> {
        let page = padded(text);
        self.0.grant(MOST_ALIKE);
        let number = self.0.find(format, &page, 0)?;
        let (mut value, mut behind) = (Scaled::default(), Behind::default());
        let ending = self.0.get(number)?;
        let mut has_behind = false;
        let mut end = End { value: &mut value, behind: &mut behind, has_behind: &mut has_behind };
        let next = ending.read(&page, 0, &mut end, &Number::read, &BehindForm::read)?;
        Some((value.value(), next, Some(behind).filter(|_| has_behind)))
    }
}

proptest! {
    #[test]
    fn forms_read_what_the_grammar_says(ends in proptest::collection::vec(ends(), 1..12)) {
        for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
            let mut learned = Learned::default();
            for end in ends.iter().chain(&ends) {
                let Some((value, next, behind)) = learned.read(format, end) else { continue };
                prop_assert_eq!(next, end.len() + 1);
                // The first line is not known yet.
                let page = format!("m {end}\n# EOF\n");
                let options = crate::ParserOptions::default();
                let mut parser = crate::Parser::new(format, page.as_bytes(), options);
                let Ok(Some(crate::Entry::Series(sample))) = parser.next() else {
                    panic!("{end}: forms take what the parser does not")
                };
                prop_assert_eq!(value.to_bits(), sample.value().to_bits());
                let behind = behind.unwrap_or_default();
                let timestamp = sample.timestamp().map(Timestamp::as_millis);
                prop_assert_eq!(behind.timestamp, timestamp);
                let exemplar = sample.exemplar();
                let right = exemplar.as_ref().map(|right| {
                    (right.value.to_bits(), right.timestamp.map(Timestamp::as_millis))
                });
                let found = behind.exemplar.map(|found| (found.value.to_bits(), found.timestamp));
                prop_assert_eq!(found, right);
                prop_assert_eq!(behind.labels.0, exemplar.map_or(0, |right| right.labels.len()));
            }
        }
    }

    #[test]
    fn forms_of_numbers_agree(learned in "-?[0-9]{1,17}(\\.[0-9]{1,17})?([eE][-+][0-9]{2})?", digits in "[0-9]{40}") {
        prop_assume!(number::parse_value(learned.as_bytes()).is_ok() && learned.len() < CHUNK);
        // The same form with other digits, but for the exponent's.
        let exponent = learned.find(['e', 'E']).unwrap_or(learned.len());
        let mut digits = digits.chars();
        let other: String = learned
            .char_indices()
            .map(|(at, char)| match char {
                '0'..='9' if at < exponent => digits.next().unwrap_or('0'),
                other => other,
            })
            .collect();
        prop_assert!(takes(&learned, &other) || number::parse_value(other.as_bytes()).is_err());
    }
}

#[test]
fn forms_are_bounded() {
    let mut endings = Endings::default();
    for number in 0..5_000 {
        // Each is a form by itself.
        let page = padded(&format!("{number}e5"));
        endings.grant(MOST_ALIKE);
        let _ = endings.find(TextFormat::Prometheus, &page, 0);
    }
    assert!(endings.list.len() <= 4 * MOST_ALIKE);
    let long = padded(&format!("1 # {{a=\"{}\"}} 1", "b".repeat(LONGEST)));
    assert_eq!(endings.find(TextFormat::OpenMetrics, &long, 0), None);
}
