//! Go's time layouts: a text that shows the reference time, Monday 2 January 2006 15:04:05.

use super::{Civil, MONTHS, WEEKDAYS};

/// What the pieces of a layout stand for, longer ones before their prefixes.
const PIECES: [&str; 38] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "_2006",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "-07:00:00",
    "-07:00",
    "-070000",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z07:00",
    "Z070000",
    "Z0700",
    "Z07",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".0",
    ",0",
    ".9",
    ",9",
];

/// `civil` as `layout` says.
pub(super) fn format(civil: Civil, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 16);
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        match piece(rest) {
            Some(piece) => {
                rest = &rest[piece.len()..];
                write(&mut out, civil, piece);
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// The piece that the text starts with, if it starts with one.
fn piece(text: &str) -> Option<&str> {
    let known = PIECES.iter().find(|piece| text.starts_with(**piece))?;
    match *known {
        // "Januaryish" is no month's name, but "Jan" is one wherever a small letter does not follow.
        "Jan" | "Mon" if text[3..].starts_with(|c: char| c.is_ascii_lowercase()) => None,
        // Only the year of it is meant.
        "_2006" => None,
        ".0" | ",0" | ".9" | ",9" => fraction(text),
        known => Some(&text[..known.len()]),
    }
}

/// A point or a comma and zeros or nines, if no other digit follows.
fn fraction(text: &str) -> Option<&str> {
    let digit = text[1..].chars().next()?;
    let run = text[1..].len() - text[1..].trim_start_matches(digit).len();
    let after = &text[1 + run..];
    (!after.starts_with(|c: char| c.is_ascii_digit())).then(|| &text[..1 + run])
}

fn write(out: &mut String, civil: Civil, piece: &str) {
    let month = MONTHS.get(civil.month - 1).copied().unwrap_or_default();
    let weekday = WEEKDAYS.get(civil.weekday).copied().unwrap_or_default();
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    let text = match piece {
        "January" => month.to_owned(),
        "Jan" => month[..3].to_owned(),
        "Monday" => weekday.to_owned(),
        "Mon" => weekday[..3].to_owned(),
        "MST" => "UTC".to_owned(),
        "2006" if civil.year < 0 => format!("-{:04}", -civil.year),
        "2006" => format!("{:04}", civil.year),
        "06" => format!("{:02}", civil.year.rem_euclid(100)),
        "1" => civil.month.to_string(),
        "01" => format!("{:02}", civil.month),
        "2" => civil.day.to_string(),
        "_2" => format!("{:2}", civil.day),
        "02" => format!("{:02}", civil.day),
        "__2" => format!("{:3}", civil.year_day),
        "002" => format!("{:03}", civil.year_day),
        "15" => format!("{:02}", civil.hour),
        "3" => hour12.to_string(),
        "03" => format!("{hour12:02}"),
        "4" => civil.minute.to_string(),
        "04" => format!("{:02}", civil.minute),
        "5" => civil.second.to_string(),
        "05" => format!("{:02}", civil.second),
        "PM" => if civil.hour < 12 { "AM" } else { "PM" }.to_owned(),
        "pm" => if civil.hour < 12 { "am" } else { "pm" }.to_owned(),
        _ if piece.starts_with('Z') => "Z".to_owned(),
        _ if piece.starts_with('-') => piece.replace('-', "+").replace('7', "0"),
        _ => fraction_text(civil.nanos, piece),
    };
    out.push_str(&text);
}

/// As many digits as the piece has; with nines, without trailing zeros.
fn fraction_text(nanos: i64, piece: &str) -> String {
    let (point, digits) = piece.split_at(1);
    let all = format!("{nanos:09}");
    let padded = format!("{all}{}", "0".repeat(digits.len().saturating_sub(9)));
    let shown = &padded[..digits.len()];
    if digits.starts_with('0') {
        return format!("{point}{shown}");
    }
    match shown.trim_end_matches('0') {
        "" => String::new(),
        shown => format!("{point}{shown}"),
    }
}
