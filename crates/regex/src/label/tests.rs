use super::*;

/// How a pattern is matched, in a word.
fn strategy(pattern: &str) -> &'static str {
    match &LabelRegex::new(pattern).expect("a valid pattern").0.strategy {
        Strategy::Set(_) => "set",
        Strategy::FoldedSet(_) => "folded set",
        Strategy::Globs(_) => "globs",
        Strategy::Engine(_) => "engine",
    }
}

#[test]
fn literals_decide_where_they_can() {
    for (pattern, expected) in [
        ("a|b", "set"),
        ("(?i)a|(?i:B)", "folded set"),
        (".*", "globs"),
        ("a.*|b.*c.+", "globs"),
        ("(a|b).*", "globs"),
        ("a.b", "engine"),
        ("(?i)a.*", "engine"),
        (r"\d+", "engine"),
    ] {
        assert_eq!(strategy(pattern), expected, "{pattern}");
    }
}

#[track_caller]
fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    let regex = LabelRegex::new(pattern).expect("a valid pattern");
    for text in matching {
        assert!(regex.is_match(text), "{pattern:?} on {text:?}");
    }
    for text in others {
        assert!(!regex.is_match(text), "{pattern:?} on {text:?}");
    }
}

#[test]
fn gaps_count_characters_and_do_not_overlap() {
    check("ab.*ba", &["abba", "ab\nba"], &["aba", "ab", "ba"]);
    check("a.+b", &["aéb", "abb"], &["ab", "a", ""]);
    check("a.{2,}", &["aéé", "axyz"], &["aé", "a"]);
    check(".*a.*a.*", &["aa", "xaya"], &["a", "xay"]);
    check(".*a.+a", &["aaa", "xaba"], &["aa", "aab"]);
}

#[test]
fn case_folding_is_unicodes_simple_one() {
    check("(?i)k", &["k", "K", "\u{212a}"], &["", "kk"]);
    check("(?i)straße", &["STRAßE", "ſtraẞe"], &["STRASSE"]);
    let many = format!("(?i){}", (0..40).map(|i| format!("Ks{i}")).collect::<Vec<_>>().join("|"));
    check(&many, &["kS39", "\u{212a}ſ7"], &["ks40", "ks"]);
}

/// Prometheus' fast paths compare as many bytes as the literal has, and miss these.
#[test]
fn folding_may_change_the_length() {
    check("(?i:k).*", &["\u{212a}", "\u{212a}x"], &["x"]);
    check(".+(?i:s)", &["0ſ", "0S"], &["ſ", "0"]);
    check("()(?i:k)", &["\u{212a}"], &["\u{212a}k"]);
}

#[test]
fn sets_of_all_sizes_answer_alike() {
    for count in [1, 15, 16, 300] {
        let texts: Vec<String> = (0..count).map(|i| format!("v{i}")).collect();
        let regex = LabelRegex::new(&texts.join("|")).expect("a valid pattern");
        assert!(texts.iter().all(|text| regex.is_match(text)));
        assert!(!regex.is_match(&format!("v{count}")));
        assert_eq!(regex.set_matches().map(<[_]>::len), Some(count));
    }
}
