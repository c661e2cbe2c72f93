//! The vectors against their twin.

use proptest::prelude::*;

use super::*;

/// A window of whole blocks, and what comes behind it.
fn window(page: &str) -> Vec<u8> {
    let mut window = page.as_bytes().to_vec();
    window.resize(page.len().next_multiple_of(BLOCK) + AHEAD, 0);
    window
}

/// The masks of a window, and whether the vectors marked all of it.
fn marked(window: &[u8], one_pair: u64) -> Option<(Vec<Masks>, bool)> {
    Avx512::detect()?;
    let blocks = (window.len() - AHEAD) / BLOCK;
    let mut groups = alloc::vec![Masks::default(); blocks.div_ceil(LANES)];
    // SAFETY: the CPU has all that is needed, or this would not be reached.
    let done = unsafe {
        classify(&mut groups, window);
        mark(&mut groups, one_pair)
    };
    Some((groups, done))
}

#[track_caller]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
fn check(page: &str, one_pair: u64) -> Option<bool> {
    let window = window(page);
    let (groups, done) = marked(&window, one_pair)?;
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

proptest! {
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
