//! Bytes in double quotes, as Go's `%q` writes them in Prometheus' error texts.
//!
//! `skopos_core::text::Quoted` does it for UTF-8; pages may hold anything.

use core::fmt::{self, Write as _};

use alloc::string::{String, ToString as _};
use skopos_core::text::Quoted;

/// Bytes in double quotes; what is not UTF-8 is written as `\xff`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedBytes<'a>(pub(crate) &'a [u8]);

impl fmt::Display for QuotedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            write_text(f, chunk.valid())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}

/// Writes text as in quotes, in pieces: what is quoted may be most of a page.
fn write_text(f: &mut fmt::Formatter<'_>, mut rest: &str) -> fmt::Result {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let mut piece = String::with_capacity(rest.len().min(PIECE + 1));
    loop {
        let mut read = 0;
        for &byte in rest.as_bytes() {
            match byte {
                _ if PIECE <= piece.len() => break,
                b'\n' => piece.push_str("\\n"),
                b'"' => piece.push_str("\\\""),
                b'\\' => piece.push_str("\\\\"),
                _ if is_plain(byte) => piece.push(char::from(byte)),
                _ => break,
            }
            read += 1;
        }
        rest = rest.get(read..).unwrap_or_default();
        f.write_str(&piece)?;
        if rest.is_empty() {
            return Ok(());
        }
        if piece.len() < PIECE {
            let odd = rest.bytes().position(is_plain).unwrap_or(rest.len());
            let (odd, next) = rest.split_at(odd);
            let quoted = Quoted(odd).to_string();
            f.write_str(quoted.get(1..quoted.len() - 1).unwrap_or_default())?;
            rest = next;
        }
        piece.clear();
    }
}

/// How many bytes are written at a time.
const PIECE: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(QuotedBytes(bytes).to_string(), expected);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_written_in_hex() {
        check(b"a\xff\"b\n", r#""a\xff\"b\n""#);
        check(b"\xc3(", r#""\xc3(""#);
        check("é\u{0}".as_bytes(), r#""é\x00""#);
        check(b"", r#""""#);
    }

    #[test]
    fn long_texts_are_written_in_pieces() {
        for len in PIECE - 3..PIECE + 3 {
            let text = "a".repeat(len);
            check(
                format!("{text}\n\u{1}é\n{text}").as_bytes(),
                &format!("\"{text}\\n\\x01é\\n{text}\""),
            );
        }
    }
}
