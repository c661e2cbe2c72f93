//! Access to the golden vectors of chunks.

use std::path::PathBuf;

use serde_json::Value;

/// The vectors in a file; `None` where none were asked for.
pub(crate) fn read(file: &str) -> Option<Value> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test data's place is told in the environment"
    )]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        println!("skipped: SKOPOS_CONFORMANCE does not name the folder of golden vectors");
        return None;
    };
    let path = PathBuf::from(root).join("vectors/chunks").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

pub(crate) fn list(json: &Value) -> &[Value] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn unhex(json: &Value) -> Vec<u8> {
    let digits = json.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

/// A float from its bits.
pub(crate) fn float(json: &Value) -> f64 {
    f64::from_bits(u64::from_str_radix(json.as_str().unwrap(), 16).unwrap())
}

/// The start timestamp of a sample, 0 where it has none.
pub(crate) fn start(json: &Value) -> i64 {
    json.get("st").map_or(0, |st| st.as_i64().unwrap())
}
