//! Variables of the environment in the values of external labels.
//!
//! The rules are those of Go's `os.Expand`: `$NAME`, `${NAME}`, and `$$` for a dollar sign.

/// Replaces the variables in `text` by what `lookup` knows of them; what is unknown becomes empty
/// and is added to `missing`.
pub(super) fn expand(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
    missing: &mut Vec<String>,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, width) = variable(rest);
        match name {
            "" if width == 0 => out.push('$'),
            // `${` without an end, and `${}`, vanish.
            "" => {}
            "$" => out.push('$'),
            name => match lookup(name).filter(|value| !value.is_empty()) {
                Some(value) => out.push_str(&value),
                None => missing.push(name.to_owned()),
            },
        }
        rest = &rest[width..];
    }
    out.push_str(rest);
    out
}

/// The name that starts after a dollar sign, and how many bytes it takes with its braces.
fn variable(rest: &str) -> (&str, usize) {
    let bytes = rest.as_bytes();
    match bytes.first() {
        None => ("", 0),
        Some(b'{') => {
            if 2 < bytes.len() && is_special(bytes[1]) && bytes[2] == b'}' {
                return (&rest[1..2], 3);
            }
            match rest.find('}') {
                None => ("", 1),
                Some(end) => (&rest[1..end], end + 1),
            }
        }
        Some(&special) if is_special(special) => (&rest[..1], 1),
        Some(_) => {
            let is_part = |b: &u8| *b == b'_' || b.is_ascii_alphanumeric();
            let width = bytes.iter().take_while(|b| is_part(b)).count();
            (&rest[..width], width)
        }
    }
}

/// Names of one character, as shells have them.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9')
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_are_replaced_as_go_does() {
        let lookup = |name: &str| match name {
            "HOME" => Some("/root".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("plain", "plain"),
            ("$HOME/x", "/root/x"),
            ("${HOME}x", "/rootx"),
            ("$$HOME", "$HOME"),
            ("${$}", "$"),
            ("a$", "a$"),
            ("a$ b", "a$ b"),
            ("${HOME", "HOME"),
            ("${}x", "x"),
            ("<$NONE><$EMPTY>", "<><>"),
            ("é$HOMEé", "é/rooté"),
        ] {
            assert_eq!(expand(text, lookup, &mut Vec::new()), expected, "{text}");
        }
        let mut missing = Vec::new();
        expand("$A $EMPTY $HOME", lookup, &mut missing);
        assert_eq!(missing, ["A", "EMPTY"]);
    }
}
