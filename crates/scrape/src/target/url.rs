//! A target's URL, spelled as Go spells it.

use std::collections::BTreeMap;

use skopos_core::Labels;

use super::{ADDRESS, METRICS_PATH, PARAM_PREFIX, SCHEME};
use crate::config::Job;

/// `scheme://address/path?params`; labels of parameters replace the first value of each.
pub(super) fn of_target(job: &Job, labels: &Labels) -> String {
    let mut params: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, values) in &job.params {
        params.insert(name, values.iter().map(String::as_str).collect());
    }
    for (name, value) in labels {
        let Some(name) = name.strip_prefix(PARAM_PREFIX) else { continue };
        let values = params.entry(name).or_default();
        match values.first_mut() {
            Some(first) => *first = value,
            None => values.push(value),
        }
    }
    let mut url = String::new();
    let scheme = labels.get(SCHEME).unwrap_or_default();
    if !scheme.is_empty() {
        url.push_str(scheme);
        url.push(':');
    }
    url.push_str("//");
    escape(&mut url, labels.get(ADDRESS).unwrap_or_default(), b"!$&'()*+,;=:[]<>\"-_.~");
    let path = labels.get(METRICS_PATH).unwrap_or_default();
    if !path.is_empty() && !path.starts_with('/') {
        url.push('/');
    }
    escape(&mut url, path, b"$&+,/:;=@-_.~");
    let mut separator = '?';
    for (name, value) in params.iter().flat_map(|(n, vs)| vs.iter().map(move |v| (n, v))) {
        url.push(separator);
        escape_query(&mut url, name);
        url.push('=');
        escape_query(&mut url, value);
        separator = '&';
    }
    url
}

fn escape_query(url: &mut String, text: &str) {
    for (i, word) in text.split(' ').enumerate() {
        if 0 < i {
            url.push('+');
        }
        escape(url, word, b"-_.~");
    }
}

/// Appends `text`, letters, digits and `plain` as they are and other bytes by their numbers.
fn escape(url: &mut String, text: &str, plain: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
}
