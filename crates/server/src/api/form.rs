//! The parameters of a request, from its URL and from its body.
//!
//! Decoding follows Go's `net/url`: pairs that cannot be decoded are left out, and whoever must know
//! is told. Multipart bodies are not read.

/// Name-value pairs in the order in which they count: the body's before the URL's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
    /// The first pair that could not be decoded.
    error: Option<String>,
}

impl Form {
    /// The parameters in a URL's query.
    pub(crate) fn from_query(query: &str) -> Self {
        let mut form = Self::default();
        form.extend(query);
        form
    }

    /// Appends the parameters in `encoded`.
    pub(crate) fn extend(&mut self, encoded: &str) {
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            if pair.contains(';') {
                self.note("invalid semicolon separator in query".into());
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (unescape(name), unescape(value)) {
                (Ok(name), Ok(value)) => self.pairs.push((name, value)),
                (Err(escape), _) | (_, Err(escape)) => {
                    let quoted = skopos_core::text::Quoted(&escape);
                    self.note(format!("invalid URL escape {quoted}"));
                }
            }
        }
    }

    /// Appends the parameters of another form.
    pub(crate) fn append(&mut self, other: &Self) {
        self.pairs.extend(other.pairs.iter().cloned());
        if let Some(error) = &other.error {
            self.note(error.clone());
        }
    }

    /// The first value of `name`, or `""`.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// All values of `name`.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// What could not be decoded, if anything.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn note(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}

/// Decodes `%xx` and `+`; an invalid escape is returned as it stands.
fn unescape(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = bytes.get(at + 1).zip(bytes.get(at + 2));
                let code = digits.and_then(|(&a, &b)| Some(hex(a)? << 4 | hex(b)?));
                let Some(code) = code else {
                    let end = bytes.len().min(at + 3);
                    return Err(String::from_utf8_lossy(&bytes[at..end]).into_owned());
                };
                out.push(code);
                at += 2;
            }
            _ => out.push(byte),
        }
        at += 1;
    }
    Ok(String::from_utf8(out)
        .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn values_are_decoded_in_order() {
        let mut form = Form::from_query("query=a%2Bb+c&match[]=x&&match%5B%5D=y&flag");
        form.extend("query=late");
        assert_eq!(form.value("query"), "a+b c");
        assert_eq!(form.values("match[]").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(form.value("flag"), "");
        assert_eq!(form.value("absent"), "");
        assert_eq!(form.error(), None);
    }

    #[test]
    fn broken_pairs_are_left_out_and_told() {
        let form = Form::from_query("a=1%zz&b=2;c=3&d=%f0%9f%98%80&e=%ff%4");
        assert_eq!(form.value("a"), "");
        assert_eq!(form.value("b"), "");
        assert_eq!(form.value("d"), "😀");
        assert_eq!(form.error(), Some("invalid URL escape \"%zz\""));
    }
}
