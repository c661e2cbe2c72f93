//! Bytes in double quotes, as Go's `%q` writes them in Prometheus' error texts.
//!
//! `skopos_core::text::Quoted` does it for UTF-8; pages may hold anything.

use alloc::string::ToString as _;
use core::fmt::{self, Write as _};
use core::str;

use skopos_core::text::Quoted;

/// Bytes in double quotes; what is not UTF-8 is written as `\xff`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedBytes<'a>(pub(crate) &'a [u8]);

impl fmt::Display for QuotedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        match simdutf8::basic::from_utf8(self.0) {
            Ok(text) => write_text(f, text)?,
            Err(_) => write_chunks(f, self.0)?,
        }
        f.write_char('"')
    }
}

fn write_chunks(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        write_text(f, chunk.valid())?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// Writes text as in quotes, in pieces: what is quoted may be most of a page.
fn write_text(f: &mut fmt::Formatter<'_>, mut rest: &str) -> fmt::Result {
    let mut piece = [0; PIECE];
    while !rest.is_empty() {
        let (plain, behind) = rest.split_at(plain_len(rest.as_bytes()));
        if !plain.is_empty() {
            f.write_str(plain)?;
        }
        rest = behind;
        let (read, len) = escape_ascii(rest.as_bytes(), &mut piece);
        let escaped = piece.get(..len).and_then(|piece| str::from_utf8(piece).ok());
        f.write_str(escaped.unwrap_or_default())?;
        rest = rest.get(read..).unwrap_or_default();
        let odd = rest.bytes().position(|byte| escape(byte) != ODD).unwrap_or(rest.len());
        if odd != 0 {
            let (odd, next) = rest.split_at(odd);
            let quoted = Quoted(odd).to_string();
            f.write_str(quoted.get(1..quoted.len() - 1).unwrap_or_default())?;
            rest = next;
        }
    }
    Ok(())
}

/// How many bytes at least are written as they are: a number of blocks.
fn plain_len(bytes: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let is_plain = |block: &[u8; BLOCK]| {
        block.iter().fold(true, |all, &byte| {
            all & byte.wrapping_sub(b' ').lt(&95) & (byte != b'"') & (byte != b'\\')
        })
    };
    BLOCK * bytes.as_chunks().0.iter().take_while(|block| is_plain(block)).count()
}

/// Writes the bytes before the first odd one, as many as fit; gives how many there were, and how many
/// they became.
fn escape_ascii(bytes: &[u8], piece: &mut [u8; PIECE]) -> (usize, usize) {
    let (mut read, mut len) = (0, 0);
    while let (Some(&byte), Some([first, second])) =
        (bytes.get(read), piece.get_mut(len..).and_then(<[u8]>::first_chunk_mut))
    {
        let escape = escape(byte);
        if escape == ODD {
            break;
        }
        (*first, *second) = (if escape == PLAIN { byte } else { b'\\' }, escape);
        len += 1 + usize::from(escape != PLAIN);
        read += 1;
    }
    (read, len)
}

/// What stands behind the backslash for a byte.
fn escape(byte: u8) -> u8 {
    ESCAPES.get(usize::from(byte)).copied().unwrap_or(ODD)
}

/// A byte that is written as it is.
const PLAIN: u8 = 0;
/// One that needs a thought.
const ODD: u8 = 1;

const ESCAPES: [u8; 128] = {
    let mut table = [ODD; 128];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = PLAIN;
        byte += 1;
    }
    table[b'\n' as usize] = b'n';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

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
