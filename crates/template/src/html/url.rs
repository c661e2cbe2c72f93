//! Filtering and escaping for URLs and for lists of images.

use super::escaper::FAILSAFE;

/// Whether following a link there does nothing that cannot be undone: no scheme, or one that is known.
pub(super) fn is_safe(url: &[u8]) -> bool {
    let scheme = match url.iter().position(|byte| *byte == b':') {
        Some(end) => &url[..end],
        None => return true,
    };
    let known: [&[u8]; 3] = [b"http", b"https", b"mailto"];
    scheme.contains(&b'/') || known.iter().any(|known| is_fold(scheme, known))
}

/// Whether two words are the same but for their case, in which the long s is an s.
fn is_fold(word: &[u8], known: &[u8]) -> bool {
    let word = String::from_utf8_lossy(word).replace('\u{17f}', "s");
    word.as_bytes().eq_ignore_ascii_case(known)
}

/// The URL with percent escapes; when normalizing, what has a meaning in URLs stays.
pub(super) fn percent_encoded(url: &[u8], normalizes: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(url.len() + 16);
    for (at, byte) in url.iter().enumerate() {
        let stays = match byte {
            b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?'
            | b'@' | b'[' | b']' => normalizes,
            b'%' => {
                let digits = url.get(at + 1..at + 3);
                let is_escape = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
                normalizes && digits.is_some_and(is_escape)
            }
            b'-' | b'.' | b'_' | b'~' => true,
            byte => byte.is_ascii_alphanumeric(),
        };
        if stays {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02x}").as_bytes());
        }
    }
    out
}

/// A list of images with their sizes: each URL filtered and normalized.
pub(super) fn srcset(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for (i, element) in text.split(|byte| *byte == b',').enumerate() {
        if 0 < i {
            out.push(b',');
        }
        image(element, &mut out);
    }
    out
}

fn image(element: &[u8], out: &mut Vec<u8>) {
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
    let start = element.iter().position(|byte| !is_space(byte)).unwrap_or(element.len());
    let (space, rest) = element.split_at(start);
    let (url, size) = rest.split_at(rest.iter().position(is_space).unwrap_or(rest.len()));
    if is_safe(url) && size.iter().all(|byte| is_space(byte) || byte.is_ascii_alphanumeric()) {
        out.extend_from_slice(space);
        out.extend_from_slice(&percent_encoded(url, true));
        out.extend_from_slice(size);
    } else {
        out.extend_from_slice(format!("#{FAILSAFE}").as_bytes());
    }
}
