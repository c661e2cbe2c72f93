//! The vectors against their twin.

use alloc::string::String;

use proptest::prelude::*;

use super::super::{AHEAD, Scanner, WINDOW};
use super::*;
use crate::number::parse_value;

/// A window, and how many blocks a page has.
fn window(page: &str) -> (Window, usize) {
    let mut window = [0; WINDOW + AHEAD];
    window.iter_mut().zip(page.as_bytes()).for_each(|(to, byte)| *to = *byte);
    (window, page.len().div_ceil(BLOCK))
}

/// The masks of a window, and whether the vectors marked all of it.
fn marked((window, blocks): (&Window, usize), one_pair: u64) -> Option<(Vec<Masks>, bool)> {
    Avx512::detect()?;
    let mut groups = alloc::vec![Masks::default(); blocks.div_ceil(LANES)];
    // SAFETY: the CPU has all that is needed, or this would not be reached.
    let done = unsafe {
        classify(&mut groups, window, blocks);
        mark(&mut groups, one_pair)
    };
    Some((groups, done))
}

#[track_caller]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
fn check(page: &str, one_pair: u64) -> Option<bool> {
    let (window, blocks) = window(page);
    let (groups, done) = marked((&window, blocks), one_pair)?;
    let mut by_words = groups.clone();
    mark_words(&mut by_words, one_pair);
    if done {
        assert_eq!(groups, by_words, "{page}");
    }
    let bit = |words: &dyn Fn(&Masks) -> [u64; LANES], at: usize| {
        let group = &groups[at / (LANES * BLOCK)];
        words(group)[at / BLOCK % LANES] >> (at % BLOCK) & 1 != 0
    };
    for (at, byte) in page.bytes().enumerate() {
        assert_eq!(bit(&|group| group.newline, at), byte == b'\n');
        assert_eq!(bit(&|group| group.quote, at), byte == b'"');
        assert_eq!(bit(&|group| group.rare, at), matches!(byte, b'\\' | 0));
        assert_eq!(bit(&|group| group.brace, at), matches!(byte, b'{' | b'}'));
        assert_eq!(bit(&|group| group.space, at), byte == b' ');
        let in_name = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
        assert_eq!(bit(&|group| group.name, at), in_name);
    }
    Some(done)
}

#[test]
fn closed_lines_are_marked_by_vectors() {
    let line = "a_name{b=\"c d\",e=\"{\"} 1\n";
    for lines in [1, 3, 20, 60] {
        assert_ne!(check(&line.repeat(lines), !0), Some(false));
    }
    assert_ne!(check(&"n".repeat(3000), 0), Some(false));
    assert_ne!(check("a{b=\"c\n", 0), Some(true));
    assert_ne!(check("a{b=\"c\"\n", 0), Some(true));
}

/// Checks what is read of tokens on lines of their own.
#[track_caller]
fn check_values(tokens: &[String], rest: &str) {
    let page: String =
        tokens.iter().map(|token| alloc::format!("a{{b=\"c\"}} {token}{rest}\n")).collect();
    let mut index = Index::new(Scanner::new(), TextFormat::Prometheus, page.len());
    let mut pos = 0;
    for token in tokens {
        let Some(line) = index.any_line_at(page.as_bytes(), pos) else { return };
        pos = line.base + usize::from(*line.marks.last().unwrap()) + 1;
        if !line.value.is_nan() {
            let right = parse_value(token.as_bytes()).map(f64::to_bits);
            assert_eq!(Ok(line.value.to_bits()), right, "{token}");
        } else if let Some(right) = is_usual(token) {
            assert!(pos < token.len() + 20, "{token} is {right}");
        }
    }
}

/// The number that a token is if it is one that the steps read.
fn is_usual(token: &str) -> Option<f64> {
    let mantissa = token.split_once('e').map_or(token, |(mantissa, _)| mantissa);
    let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = is_digits(whole) && is_digits(fraction) && digits.len() <= 16;
    let exponent = &token[mantissa.len()..];
    let is_exponent = matches!(exponent.as_bytes(), [] | [b'e', b'+' | b'-', b'0', b'0'..=b'6']);
    (is_mantissa && is_exponent).then(|| token.parse().ok()).flatten()
}

#[test]
fn values_are_read_in_advance() {
    let tokens = [
        "0",
        "-0",
        "7",
        "12345678",
        "123456789012345",
        "0.25",
        "-17.5",
        "1.26497757e+06",
        "5e-06",
        "16561.348133776486",
        "9007199254740993",
        "9007199254740992",
        "-1.2345678901234567e+09",
        "",
        "-",
        ".",
        "1.",
        ".5",
        "1..2",
        "1.2.3",
        "+1",
        "1-",
        "e+05",
        "1e5",
        "1e+5",
        "1e+.5",
        "1.e+05",
        "1e+05e+05",
        "Inf",
        "NaN",
        "12345678901234567890",
        "1e+99",
        "1e-99",
        "1234567890123456789012345678901234567890",
        "0.000000000000000000000000000000001",
    ];
    let tokens: Vec<_> = tokens.iter().map(|token| String::from(*token)).collect();
    check_values(&tokens, "");
    check_values(&tokens, " 1700000000000");
    let many: Vec<_> = tokens.iter().cycle().take(3000).cloned().collect();
    check_values(&many, "");
}

proptest! {
    #[test]
    fn values_agree_with_the_standard_library(
        tokens in prop::collection::vec(
            "-?[0-9]{1,12}(\\.[0-9]{1,9})?(e[+-]0[0-9])?|-?[0-9]{0,18}(\\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?|[-+.e0-9]{0,40}",
            1..80,
        ),
        rest in prop_oneof![Just(""), Just(" 1700000000000")],
    ) {
        check_values(&tokens, rest);
    }

    #[test]
    fn vectors_mark_what_words_do(
        pieces in prop::collection::vec(
            prop_oneof![
                "[a-z_:0-9]{1,90}",
                "[a-z]{1,5}\\{[a-z]{1,4}=\"[ -~&&[^\"\\\\]]{0,40}\"\\} [0-9.]{1,9}\n",
                "[a-z]{1,5} [0-9]{1,3}\n",
                "[ \"{}\n\\\\,=\u{0}a-c]{1,12}",
                "\n{1,130}",
            ],
            0..30,
        ),
        one_pair in prop_oneof![Just(0), Just(!0)],
    ) {
        check(&pieces.concat(), one_pair);
    }
}
