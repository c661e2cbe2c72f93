//! Bytes in double quotes, as Go's `%q` writes them in Prometheus' error texts.
//!
//! `skopos_core::text::Quoted` does it for UTF-8; pages may hold anything.

use core::fmt::{self, Write as _};

use alloc::string::ToString as _;
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

/// Writes text as in quotes: runs of plain characters whole, as most are.
fn write_text(f: &mut fmt::Formatter<'_>, mut rest: &str) -> fmt::Result {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    loop {
        let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        let (run, other) = rest.split_at(plain);
        f.write_str(run)?;
        let Some(c) = other.chars().next() else { return Ok(()) };
        match c {
            '\n' => f.write_str("\\n")?,
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            _ => {
                let odd = other.bytes().position(is_plain).unwrap_or(other.len());
                let (odd, next) = other.split_at(odd);
                let quoted = Quoted(odd).to_string();
                f.write_str(quoted.get(1..quoted.len() - 1).unwrap_or_default())?;
                rest = next;
                continue;
            }
        }
        rest = other.split_at(1).1;
    }
}

#[cfg(test)]
mod tests {
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
}
