//! Bodies that fit, that do not, and that are damaged.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Receiver;
use crate::error::ErrorKind;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[track_caller]
fn check(body: &[u8], is_gzip: bool, limit: u64, expected: Result<&[u8], ErrorKind>) {
    let mut receiver = Receiver::new(is_gzip, limit);
    let pushed: Result<(), _> = body.chunks(3).try_for_each(|piece| receiver.push(piece));
    let result = pushed.and_then(|()| receiver.finish());
    assert_eq!(result.map_err(|e| e.kind()), expected.map(<[u8]>::to_vec));
}

#[test]
fn a_body_is_shorter_than_its_limit() {
    check(b"0123456789", false, 0, Ok(b"0123456789"));
    check(b"0123456789", false, 11, Ok(b"0123456789"));
    check(b"0123456789", false, 10, Err(ErrorKind::Limit));
    check(b"", false, 1, Ok(b""));
}

#[test]
fn a_compressed_body_is_measured_uncompressed() {
    let text = [b'x'; 100_000];
    check(&gzip(&text), true, 0, Ok(&text));
    check(&gzip(&text), true, 100_001, Ok(&text));
    check(&gzip(&text), true, 100_000, Err(ErrorKind::Limit));
}

#[test]
fn a_damaged_body_is_an_error() {
    let mut body = gzip(b"up 1\n");
    check(&body[..body.len() - 4], true, 0, Err(ErrorKind::Fetch));
    body[0] = 0;
    check(&body, true, 0, Err(ErrorKind::Fetch));
}
