//! Which web pages may read answers: the headers that browsers ask for.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use skopos_regex::LabelRegex;

use crate::error::{Error, ErrorKind};

/// The origins that may read answers.
#[derive(Debug)]
pub(crate) struct Origins {
    allowed: LabelRegex,
}

impl Origins {
    /// The origins that `pattern` matches from the first character to the last.
    pub(crate) fn new(pattern: &str) -> Result<Self, Error> {
        match LabelRegex::new(pattern) {
            Ok(allowed) => Ok(Self { allowed }),
            Err(error) => {
                let problem = format!("could not compile CORS regex string '{pattern}': {error}");
                Err(Error::new(ErrorKind::Option, problem))
            }
        }
    }

    /// The same response with the headers for the origin of the request, if it has one.
    pub(crate) fn allow(&self, request: &HeaderMap, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(header::ORIGIN) else { return response };
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if origin.to_str().is_ok_and(|text| self.allowed.is_match(text)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};
    use axum::response::Response;

    use super::Origins;

    #[track_caller]
    fn check(pattern: &str, origin: Option<&'static str>, expected: Option<&str>) {
        let mut request = HeaderMap::new();
        if let Some(origin) = origin {
            request.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let response = Origins::new(pattern).unwrap().allow(&request, Response::default());
        let headers = response.headers();
        assert_eq!(headers[header::VARY], "Origin");
        let allowed = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed.map(|v| v.to_str().unwrap()), expected);
        let methods = headers.contains_key(header::ACCESS_CONTROL_ALLOW_METHODS);
        assert_eq!(methods, origin.is_some());
    }

    #[test]
    fn origins_are_matched_whole() {
        check(".*", Some("https://a.example"), Some("https://a.example"));
        check(".*", None, None);
        let pattern = "https?://(a|b).example";
        check(pattern, Some("https://a.example"), Some("https://a.example"));
        check(pattern, Some("https://a.example.evil"), None);
    }
}
