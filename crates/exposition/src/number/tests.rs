//! Numbers by table, and the fast path against the standard library.

use alloc::format;
use alloc::string::String;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_value(token: &str, expected: Result<f64, NumberError>) {
    let value = parse_value(token.as_bytes());
    assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits), "{token}");
}

#[test]
fn values_follow_the_grammar_of_old_floats() {
    check_value("1", Ok(1.0));
    check_value("+1.", Ok(1.0));
    check_value(".5e1", Ok(5.0));
    check_value("infinity", Ok(f64::INFINITY));
    check_value("-INF", Ok(f64::NEG_INFINITY));
    check_value("nAn", Ok(f64::from_bits(NORMAL_NAN)));
    check_value("1e-999", Ok(0.0));
    check_value("+NaN", Err(NumberError::Syntax));
    check_value("1e999", Err(NumberError::Range));
    check_value(&"1".repeat(310), Err(NumberError::Range));
    check_value(&"0".repeat(310), Ok(0.0));
    check_value(&"1".repeat(309), Ok("1".repeat(309).parse().unwrap()));
    check_value("0x10", Err(NumberError::Syntax));
    check_value("1_0", Err(NumberError::Unsupported));
    check_value("", Err(NumberError::Syntax));
    check_value(".", Err(NumberError::Syntax));
}

#[track_caller]
fn check_label(text: &str, expected: &str) {
    let mut out = String::new();
    let written = canonical_label_float(text, &mut out);
    assert_eq!(if written { out.as_str() } else { text }, expected);
}

#[test]
fn label_floats_have_one_form() {
    check_label("1", "1.0");
    check_label("1e5", "100000.0");
    check_label("1e6", "1e+06");
    check_label("999999", "999999.0");
    check_label("1000000", "1e+06");
    check_label("007", "7.0");
    check_label("+inf", "+Inf");
    check_label("Inf", "+Inf");
    check_label("0", "0.0");
    check_label("-0", "-0.0");
    check_label("00.10", "0.1");
    check_label("0.0001", "0.0001");
    check_label("0.00001", "1e-05");
    check_label("1_000", "1000.0");
    check_label("1__0", "1__0");
    check_label("0x1p4", "16.0");
    check_label("0x_1.8p1", "3.0");
    check_label("0x1", "0x1");
    check_label("0x1p-1074", "5e-324");
    check_label("0x1p1024", "0x1p1024");
    check_label("x", "x");
}

#[test]
fn usual_label_floats_are_told_by_a_word() {
    let check = |text: &str, expected| {
        let mut word = [0; 8];
        word[..text.len()].copy_from_slice(text.as_bytes());
        assert_eq!(wants_point(u64::from_le_bytes(word), text.len()), expected, "{text}");
    };
    for text in ["0.005", "2.5", "10.0", "0.0", "+Inf", "0.9999", "123456.7"] {
        check(text, Some(false));
    }
    for text in ["0", "1", "10", "999999"] {
        check(text, Some(true));
    }
    for text in ["", "1000000", "00", "01.5", "1.50", "1.", ".5", "1.2.3", "0.00001", "1e3", "-1"] {
        check(text, None);
    }
}

#[test]
fn usual_tokens_are_read_by_words() {
    for text in [
        "0",
        "-17",
        "12345678",
        "1234567890123456",
        "0.25",
        "1.26497757e+06",
        "-5e-09",
        "16561.348133776486",
        "-0.123456789012345678",
        "9007199254740993",
        "180143.98509481985e+05",
    ] {
        let page = format!("some_metric_name {text}");
        let value = read_token(page.as_bytes(), page.len() - text.len(), page.len());
        assert_eq!(value, text.parse().ok(), "{text}");
    }
}

#[test]
fn millis_are_truncated_and_held_as_go_holds_them() {
    assert_eq!(millis_from_seconds(1.0009), 1000);
    assert_eq!(millis_from_seconds(-1.0009), -1000);
    assert_eq!(millis_from_seconds(f64::NAN), i64::MIN);
    assert_eq!(millis_from_seconds(1e30), i64::MIN);
}

proptest! {
    #[test]
    fn digits_agree_with_the_standard_library(text in "[0-9]{0,9}", rest in "[\n .e-]{8}") {
        let page = format!("{text}{rest}");
        let read = read_digits(page.as_bytes(), 0);
        let is_short = (1..=7).contains(&text.len());
        prop_assert_eq!(read, is_short.then(|| (text.parse().unwrap(), text.len())));
    }

    #[test]
    fn tokens_agree_with_the_standard_library(
        text in "-?[0-9]{0,18}(\\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?|[-+.e0-9]{1,21}"
    ) {
        let page = format!("metric{{label=\"value\"}} {text}\n");
        let end = page.len() - 1;
        if let Some(value) = read_token(page.as_bytes(), end - text.len(), end) {
            prop_assert_eq!(Ok(value.to_bits()), parse_value(text.as_bytes()).map(f64::to_bits));
        }
    }

    #[test]
    fn canonical_label_floats_are_written_as_they_are(whole in 0u32..2_000_000, fraction in "[0-9]{1,9}") {
        let text = format!("{whole}.{fraction}");
        if is_canonical(text.as_bytes()) {
            let mut out = String::new();
            write_label_float(text.parse().unwrap(), &mut out);
            prop_assert_eq!(out, text);
        }
    }

    #[test]
    fn short_label_floats_are_canonical_by_their_word(
        text in "[0-9]{0,7}\\.[0-9]{0,7}|0\\.0{0,5}[0-9]?|[0-9]{0,8}|[+-]?[Ii]nf|[-+.e0-9]{0,8}"
    ) {
        let mut word = [0; 8];
        if let Some(word) = word.get_mut(..text.len()) {
            word.copy_from_slice(text.as_bytes());
        }
        if let Some(wants_point) = wants_point(u64::from_le_bytes(word), text.len()) {
            let mut written = String::new();
            write_label_float(text.parse().unwrap(), &mut written);
            prop_assert_eq!(if wants_point { format!("{text}.0") } else { text }, written);
        }
    }

    #[test]
    fn plain_integers_get_a_point_and_a_zero(text in "[0-9]{1,8}") {
        let mut canonical = String::new();
        prop_assert!(canonical_label_float(&text, &mut canonical));
        let mut written = String::new();
        write_label_float(text.parse().unwrap(), &mut written);
        prop_assert_eq!(canonical, written);
    }

    #[test]
    fn hexadecimal_floats_are_scaled_exactly(mantissa in 1u64..1 << 53, exponent in -1000i64..900) {
        let expected = mantissa as f64 * 2f64.powi(exponent as i32);
        prop_assert_eq!(scale(mantissa, exponent), Ok(expected));
    }
}

#[test]
fn a_timestamp_has_fifteen_digits_at_most() {
    assert_eq!(read_integer(b"1704067200770\n", 0), Some((1_704_067_200_770, 13)));
    assert_eq!(read_integer(b"1234567890123456\n", 0), None);
}

/// What AVX-512 reads, if it is there, is what the standard library and the word by word functions read,
/// and what it refuses is not a usual number.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod vectors {
    use super::super::avx512::{Avx512, CHUNK};
    use super::*;

    #[track_caller]
    fn check(text: &str, rest: &str) -> Option<f64> {
        let cpu = Avx512::detect()?;
        let mut chunk = [b'7'; CHUNK];
        let bytes = [text.as_bytes(), rest.as_bytes()].concat();
        let len = bytes.len().min(CHUNK);
        chunk[..len].copy_from_slice(&bytes[..len]);
        let value = cpu.number(&chunk, text.len());
        let padded = alloc::format!("        {text}");
        let by_words = read_token(padded.as_bytes(), 8, padded.len());
        if let Some(value) = value {
            let right = parse_value(text.as_bytes()).map(f64::to_bits);
            assert_eq!(Ok(value.to_bits()), right, "{text}");
            let by_words = by_words.unwrap_or(value);
            assert_eq!(value.to_bits(), by_words.to_bits(), "{text}");
        } else if text.len() < CHUNK {
            // Leading zeros are not counted as digits there.
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            assert!(by_words.is_none() || 19 < digits, "{text}");
        }
        value
    }

    #[test]
    fn usual_numbers_are_read() {
        if Avx512::detect().is_none() {
            return;
        }
        for text in [
            "0",
            "7",
            "-0",
            "-17",
            "12345678",
            "0.25",
            "1.26497757e+06",
            "-5e-09",
            "1E+22",
            "1234567890123456",
            "9007199254740992",
            "9007199254740993",
            "16561.348133776486",
            "-0.000123456789012345",
            "-1234567890.12345678e-05",
            "1234567890123456789",
        ] {
            assert_eq!(check(text, "\n"), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn others_are_left_alone() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "-.5",
            "1..2",
            "1.2.3",
            "+1",
            "--1",
            "1-",
            "e+05",
            "-e+05",
            "1e5",
            "1e+5",
            "1e+",
            "1e",
            "1e+005",
            "1e+.5",
            "1.e+05",
            "1e++1",
            "1ee+01",
            "1e+01e+01",
            "1_0",
            "0x1p4",
            "Inf",
            "NaN",
            "1\t",
            "1e+99",
            "1e-99",
            "12345678901234567890",
            "1234567890123456789012345678901",
            "12345678901234567890123456789012",
        ] {
            assert_eq!(check(text, "\n"), None, "{text}");
            assert_eq!(check(text, "+05\n"), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn they_agree_with_the_standard_library(
            text in "-?[0-9]{0,18}(\\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?|[-+.e0-9]{0,33}|-?[0-9]{1,5}\\.[0-9]{10,12}",
            rest in "[ \n][-+.e0-9 \n]{0,8}",
        ) {
            check(&text, &rest);
        }
    }
}
