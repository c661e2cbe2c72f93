//! Hosts, ports and paths out of addresses and URLs.

use std::net::IpAddr;

/// The host of `host:port`; anything else as it is.
pub(super) fn strip_port(address: &str) -> String {
    split(address).map_or(address, |(host, _)| host).to_owned()
}

/// The first part of a host's name, with the port; numeric addresses as they are.
pub(super) fn strip_domain(address: &str) -> String {
    let (host, port) = split(address).unwrap_or((address, ""));
    if host.parse::<IpAddr>().is_ok() {
        return address.to_owned();
    }
    let name = host.split('.').next().unwrap_or_default();
    match (port, name.contains(':')) {
        ("", _) => name.to_owned(),
        (port, true) => format!("[{name}]:{port}"),
        (port, false) => format!("{name}:{port}"),
    }
}

/// `net.SplitHostPort`: host and port, the host in brackets if it has colons.
fn split(address: &str) -> Option<(&str, &str)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':')?)
        }
        None => {
            let (host, port) = address.rsplit_once(':')?;
            if host.contains(':') {
                return None;
            }
            (host, port)
        }
    };
    let stray = |text: &str| text.contains(['[', ']']);
    (!stray(host) && !stray(port) && !port.contains(':')).then_some((host, port))
}

/// The path of a URL, its escapes resolved.
pub(super) fn url_path(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = match after_scheme.find('/') {
        Some(at) => &after_scheme[at..],
        None => "",
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    unescape(path)
}

fn unescape(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'%').then(|| bytes.as_slice_hex()).flatten();
        match escaped {
            Some(value) => {
                out.push(value);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Looks at two hexadecimal digits without taking them.
trait HexAhead {
    fn as_slice_hex(&self) -> Option<u8>;
}

impl HexAhead for std::str::Bytes<'_> {
    fn as_slice_hex(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let (high, low) = (char::from(ahead.next()?), char::from(ahead.next()?));
        u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()
    }
}
