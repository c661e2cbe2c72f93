//! What Go's `unicode` and `strings` packages and `golang.org/x/text/cases` say of characters, where
//! the standard library of Rust says something else.

use std::sync::OnceLock;

use skopos_regex::Regex;

static LETTERS_AND_DIGITS: OnceLock<Option<Regex>> = OnceLock::new();
static MARKS: OnceLock<Option<Regex>> = OnceLock::new();
static PRINTABLE: OnceLock<Option<Regex>> = OnceLock::new();

/// Whether `c` may stand in an identifier: a letter, a decimal digit or `_`.
pub(crate) fn is_alphanumeric(c: char) -> bool {
    match c {
        '_' | '0'..='9' | 'a'..='z' | 'A'..='Z' => true,
        _ => !c.is_ascii() && class(c, &LETTERS_AND_DIGITS, r"^[\pL\p{Nd}]$"),
    }
}

/// Whether Go's `unicode.IsPrint` holds.
pub(crate) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ => !c.is_ascii() && class(c, &PRINTABLE, r"^[\pL\pM\pN\pP\pS]$"),
    }
}

/// Whether `c` alone matches the pattern of a class, compiled once.
fn class(c: char, cell: &OnceLock<Option<Regex>>, pattern: &str) -> bool {
    let regex = cell.get_or_init(|| Regex::new(pattern).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(c.encode_utf8(&mut [0; 4])))
}

/// `strings.ToUpper`: character by character, so that `ß` stays.
pub(crate) fn to_upper(text: &str) -> String {
    text.chars().map(upper).collect()
}

/// `strings.ToLower`: character by character, so that a final sigma is no exception.
pub(crate) fn to_lower(text: &str) -> String {
    text.chars().map(lower).collect()
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => greek_title(c).unwrap_or(c),
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Greek letters with an iota below have a capital with the iota beside it.
fn greek_title(c: char) -> Option<char> {
    let code = match u32::from(c) {
        code @ (0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7) => code + 8,
        code @ (0x1fb3 | 0x1fc3 | 0x1ff3) => code + 9,
        _ => return None,
    };
    char::from_u32(code)
}

/// Capitalises the first letter of each word and leaves the others, as `cases.Title` with `NoLower`.
///
/// A word goes on over letters, digits and marks, and over one of `.:'` and their like between them.
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    let mut after_middle = false;
    for c in text.chars() {
        let middle = is_middle(c);
        if middle && after_middle {
            in_word = false;
        }
        if is_cased(c) {
            if in_word {
                out.push(c);
            } else {
                push_title(&mut out, c);
            }
            in_word = true;
        } else {
            out.push(c);
            if !middle && !continues_word(c) {
                in_word = false;
            }
        }
        after_middle = middle;
    }
    out
}

fn push_title(out: &mut String, c: char) {
    match u32::from(c) {
        // The digraphs DŽ, LJ, NJ and DZ have a form with the first letter alone capital.
        0x1c4..=0x1c6 => out.push('\u{1c5}'),
        0x1c7..=0x1c9 => out.push('\u{1c8}'),
        0x1ca..=0x1cc => out.push('\u{1cb}'),
        0x1f1..=0x1f3 => out.push('\u{1f2}'),
        // Georgian has capitals for whole words only.
        0x10d0..=0x10ff => out.push(c),
        _ => match greek_title(c) {
            Some(title) => out.push(title),
            None => {
                let mut mapped = c.to_uppercase();
                out.extend(mapped.next());
                out.extend(mapped.flat_map(char::to_lowercase));
            }
        },
    }
}

fn is_cased(c: char) -> bool {
    c.is_lowercase()
        || c.is_uppercase()
        || matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}')
}

/// Whether a word goes on over `c` if it stands between letters.
fn is_middle(c: char) -> bool {
    matches!(
        c,
        '.' | ':'
            | '\''
            | '\u{b7}'
            | '\u{387}'
            | '\u{55f}'
            | '\u{5f4}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{2024}'
            | '\u{2027}'
            | '\u{fe13}'
            | '\u{fe52}'
            | '\u{fe55}'
            | '\u{ff07}'
            | '\u{ff0e}'
            | '\u{ff1a}'
    )
}

/// Whether a word goes on over `c`: letters of alphabets, digits, marks, `_`.
fn continues_word(c: char) -> bool {
    let ideographic = matches!(
        u32::from(c),
        0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3005..=0x3007 | 0x3041..=0x30ff
            | 0x31f0..=0x31ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff
    );
    c == '_' || (is_alphanumeric(c) || is_mark(c)) && !ideographic
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && class(c, &MARKS, r"^[\pM\p{Pc}\p{Cf}]$")
}
