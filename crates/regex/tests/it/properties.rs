//! Properties: fast paths agree with the plain engine, and what is required is necessary.

use proptest::prelude::*;
use skopos_regex::{LabelRegex, Regex};

/// Patterns made of what literal analysis looks at, and of what it must not be fooled by.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "ab", "foo", "k", "s", "é", "-"]).prop_map(String::from),
        3 => prop::sample::select(vec![".*", ".+", ".", ".?", ".{2,}", "(?-s:.*)"]).prop_map(String::from),
        2 => prop::sample::select(vec!["[ab]", "[^a]", r"\d", "[fF]", "(?i:k)", "(?i:ab)", r"\."])
            .prop_map(String::from),
        1 => prop::sample::select(vec!["^", "$", r"\b", "()", "(?m:$)", "(?i)", r"\Qa.b\E"])
            .prop_map(String::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("({})", parts.join("|"))),
            (
                inner.clone(),
                prop::sample::select(vec!["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])
            )
                .prop_map(|(part, op)| format!("(?:{part}){op}")),
            prop::collection::vec(inner, 1..3).prop_map(|parts| format!("(?i:{})", parts.concat())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "a", "b", "A", "foo", "F", "k", "K", "\u{212a}", "s", "ſ", "é", "É", "-", ".", "\n", "1",
        "a.b",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn literals_agree_with_the_engine(pattern in pattern(), texts in prop::collection::vec(text(), 1..20)) {
        let fast = LabelRegex::new(&pattern);
        let plain = Regex::anchored(&pattern);
        prop_assert_eq!(fast.is_ok(), plain.is_ok());
        let (Ok(fast), Ok(plain)) = (fast, plain) else { return Ok(()) };
        let set = fast.set_matches().unwrap_or_default();
        for text in texts.iter().chain(set) {
            let is_match = plain.is_match(text);
            prop_assert_eq!(fast.is_match(text), is_match, "{:?} on {:?}", pattern, text);
            if is_match {
                prop_assert!(text.starts_with(fast.prefix()), "{:?} on {:?}", pattern, text);
                prop_assert!(text.ends_with(fast.suffix()), "{:?} on {:?}", pattern, text);
                let begin = fast.prefixes().filter(|prefix| text.starts_with(prefix)).count();
                prop_assert_eq!(begin, fast.prefixes().len().min(1), "{:?} on {:?}", pattern, text);
                prop_assert!(fast.contains().iter().all(|c| text.contains(c)), "{:?} on {:?}", pattern, text);
            }
        }
        prop_assert!(set.iter().all(|text| plain.is_match(text)));
        if fast.matches_everything() {
            prop_assert!(texts.iter().all(|text| plain.is_match(text)));
        }
        if fast.matches_everything_but_empty() {
            prop_assert!(texts.iter().all(|text| plain.is_match(text) != text.is_empty()));
        }
    }

    #[test]
    fn any_text_is_an_expression_or_an_error(pattern in r"[\[\](){}*+?|^$.\\a-zP:<>0-9,-]{0,24}") {
        match (Regex::new(&pattern), LabelRegex::new(&pattern)) {
            (Ok(regex), Ok(label)) => {
                let _ = (regex.replace_all("aab\né", "<$0>"), label.is_match("aab\né"));
            }
            (regex, label) => prop_assert_eq!(regex.err(), label.err()),
        }
    }
}
