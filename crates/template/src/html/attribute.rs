//! What the values of attributes are, by the attributes' names.

/// What a value is; where names leave it open, the more dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Css,
    Html,
    Js,
    Plain,
    Srcset,
    /// What changes how content or messages are understood.
    Unsafe,
    Url,
}

const URLS: [&str; 17] = [
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xmlns",
];

const UNSAFE: [&str; 22] = [
    "accept-charset",
    "async",
    "challenge",
    "charset",
    "content",
    "crossorigin",
    "defer",
    "enctype",
    "form",
    "formenctype",
    "formmethod",
    "formnovalidate",
    "http-equiv",
    "keytype",
    "language",
    "method",
    "novalidate",
    "pattern",
    "rel",
    "sandbox",
    "type",
    "value",
];

/// What the value of the attribute `name`, in lower case, is.
pub(super) fn kind_of(name: &str) -> Kind {
    // What is meant for scripts or has a namespace is judged by the rest of its name.
    let name = match (name.strip_prefix("data-"), name.split_once(':')) {
        (Some(name), _) => name,
        (None, Some(("xmlns", _))) => return Kind::Url,
        (None, Some((_, name))) => name,
        (None, None) => name,
    };
    match name {
        "srcdoc" => Kind::Html,
        "srclang" => Kind::Plain,
        "srcset" => Kind::Srcset,
        "style" => Kind::Css,
        _ if URLS.contains(&name) => Kind::Url,
        _ if UNSAFE.contains(&name) => Kind::Unsafe,
        _ if name.starts_with("on") => Kind::Js,
        _ if ["src", "uri", "url"].iter().any(|part| name.contains(part)) => Kind::Url,
        _ => Kind::Plain,
    }
}
