//! Named classes of characters: Perl's, POSIX' and Unicode's, as Go knows them.
//!
//! Perl's and POSIX' classes are ASCII. Of Unicode there are general categories and scripts by
//! their full, exact names; aliases that other languages accept are refused as Go refuses them.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// What Perl's letter after the backslash stands for, before any negation: `d`, `s` or `w`.
pub(crate) fn perl(letter: char) -> Option<ClassUnicode> {
    Some(match letter {
        'd' => class(&[('0', '9')]),
        's' => class(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
        'w' => class(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    })
}

/// What a POSIX name, as in `[[:alpha:]]`, stands for.
pub(crate) fn posix(name: &str) -> Option<ClassUnicode> {
    Some(match name {
        "alnum" => class(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "alpha" => class(&[('A', 'Z'), ('a', 'z')]),
        "ascii" => class(&[('\0', '\x7f')]),
        "blank" => class(&[('\t', '\t'), (' ', ' ')]),
        "cntrl" => class(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        "digit" => class(&[('0', '9')]),
        "graph" => class(&[('!', '~')]),
        "lower" => class(&[('a', 'z')]),
        "print" => class(&[(' ', '~')]),
        "punct" => class(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "space" => class(&[('\t', '\r'), (' ', ' ')]),
        "upper" => class(&[('A', 'Z')]),
        "word" => class(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        "xdigit" => class(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

/// What a name in `\p{…}` stands for.
pub(crate) fn property(name: &str) -> Option<ClassUnicode> {
    match name {
        "Any" => return Some(class(&[('\0', char::MAX)])),
        // Surrogates are no characters of any valid text.
        "Cs" => return Some(ClassUnicode::empty()),
        _ => {}
    }
    let query = if CATEGORIES.contains(&name) {
        format!(r"\p{{gc={name}}}")
    } else if SCRIPTS.binary_search(&name).is_ok() {
        format!(r"\p{{sc={name}}}")
    } else {
        return None;
    };
    match regex_syntax::parse(&query).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

/// Whether Go's `unicode.IsLetter` or `unicode.IsDigit` holds.
pub(crate) fn is_letter_or_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    // The standard library's notions are wider, so they rule out at once what cannot be either.
    c.is_alphanumeric() && ["L", "Nd"].iter().filter_map(|n| property(n)).any(|k| contains(&k, c))
}

/// Whether the class has the character.
pub(crate) fn contains(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

/// The class with everything that differs from its members in case only.
pub(crate) fn folded(mut class: ClassUnicode) -> ClassUnicode {
    // The tables of case folding are a feature that the manifest asks for.
    let _ = class.try_case_fold_simple();
    class
}

/// The characters that are equal to `c` under simple case folding, `c` among them, ascending.
pub(crate) fn orbit(c: char) -> ClassUnicode {
    folded(ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
}

fn class(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(start, end)| ClassUnicodeRange::new(start, end)))
}

const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Cn", "Co", "L", "LC", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn",
    "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm",
    "So", "Z", "Zl", "Zp", "Zs",
];

/// Ascending.
#[rustfmt::skip]
const SCRIPTS: [&str; 170] = [
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum",
    "Bassa_Vah", "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese",
    "Buhid", "Canadian_Aboriginal", "Carian", "Caucasian_Albanian", "Chakma", "Cham", "Cherokee",
    "Chorasmian", "Common", "Coptic", "Cuneiform", "Cypriot", "Cypro_Minoan", "Cyrillic", "Deseret",
    "Devanagari", "Dives_Akuru", "Dogra", "Duployan", "Egyptian_Hieroglyphs", "Elbasan", "Elymaic",
    "Ethiopic", "Garay", "Georgian", "Glagolitic", "Gothic", "Grantha", "Greek", "Gujarati",
    "Gunjala_Gondi", "Gurmukhi", "Gurung_Khema", "Han", "Hangul", "Hanifi_Rohingya", "Hanunoo",
    "Hatran", "Hebrew", "Hiragana", "Imperial_Aramaic", "Inherited", "Inscriptional_Pahlavi",
    "Inscriptional_Parthian", "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li",
    "Kharoshthi", "Khitan_Small_Script", "Khmer", "Khojki", "Khudawadi", "Kirat_Rai", "Lao",
    "Latin", "Lepcha", "Limbu", "Linear_A", "Linear_B", "Lisu", "Lycian", "Lydian", "Mahajani",
    "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Masaram_Gondi", "Medefaidrin",
    "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Modi",
    "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean", "Nag_Mundari", "Nandinagari",
    "New_Tai_Lue", "Newa", "Nko", "Nushu", "Nyiakeng_Puachue_Hmong", "Ogham", "Ol_Chiki", "Ol_Onal",
    "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic", "Old_Persian", "Old_Sogdian",
    "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya", "Osage", "Osmanya", "Pahawh_Hmong",
    "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician", "Psalter_Pahlavi", "Rejang", "Runic",
    "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham", "SignWriting", "Sinhala", "Sogdian",
    "Sora_Sompeng", "Soyombo", "Sundanese", "Sunuwar", "Syloti_Nagri", "Syriac", "Tagalog",
    "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet", "Takri", "Tamil", "Tangsa", "Tangut", "Telugu",
    "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta", "Todhri", "Toto", "Tulu_Tigalari",
    "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi", "Zanabazar_Square",
];
