//! Receiving a body: uncompressed on the way, and never longer than allowed.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::error::{Error, ErrorKind};

#[cfg(test)]
mod tests;

/// No page is longer, limit or not: it has to be held in memory.
const MAX_BODY: usize = 1 << 30;

/// Takes the pieces of a body.
pub(super) enum Receiver {
    Gzip(Box<MultiGzDecoder<Limited>>),
    Plain(Limited),
}

/// Bytes, up to a limit.
#[derive(Debug)]
pub(super) struct Limited {
    bytes: Vec<u8>,
    /// A body of this length is too long.
    limit: usize,
    is_exceeded: bool,
}

impl Receiver {
    /// For a body that must be shorter than `limit`, unless that is 0.
    pub(super) fn new(is_gzip: bool, limit: u64) -> Self {
        let limit = match usize::try_from(limit) {
            Ok(0) | Err(_) => MAX_BODY,
            Ok(limit) => limit.min(MAX_BODY),
        };
        let limited = Limited { bytes: Vec::new(), limit, is_exceeded: false };
        if is_gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(limited)))
        } else {
            Self::Plain(limited)
        }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Error> {
        let written = match self {
            Self::Gzip(decoder) => decoder.write_all(piece),
            Self::Plain(limited) => limited.write_all(piece),
        };
        let is_exceeded = match self {
            Self::Gzip(decoder) => decoder.get_ref().is_exceeded,
            Self::Plain(limited) => limited.is_exceeded,
        };
        if is_exceeded {
            return Err(Error::new(ErrorKind::Limit, "body size limit exceeded"));
        }
        written.map_err(gzip_error)
    }

    /// The whole body.
    pub(super) fn finish(self) -> Result<Vec<u8>, Error> {
        let limited = match self {
            Self::Gzip(decoder) => decoder.finish().map_err(gzip_error)?,
            Self::Plain(limited) => limited,
        };
        if limited.is_exceeded || limited.bytes.len() >= limited.limit {
            return Err(Error::new(ErrorKind::Limit, "body size limit exceeded"));
        }
        Ok(limited.bytes)
    }
}

impl Write for Limited {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.limit <= self.bytes.len() + piece.len() {
            self.is_exceeded = true;
            return Err(io::Error::other("body size limit exceeded"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In Go's words.
fn gzip_error(error: io::Error) -> Error {
    let message = match error.kind() {
        io::ErrorKind::InvalidInput if error.to_string().contains("header") => {
            "gzip: invalid header".into()
        }
        io::ErrorKind::InvalidInput => "gzip: invalid checksum".into(),
        io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
        _ => format!("gzip: {error}"),
    };
    Error::caused(ErrorKind::Fetch, message, error)
}
