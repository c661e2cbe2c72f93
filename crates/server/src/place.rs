//! Where the server is reached: its own address and the one that people use.

use url::Url;

use crate::error::{Error, ErrorKind};

/// The address that people use, and the port that is listened on.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    external: Url,
    port: u16,
}

impl Place {
    /// The place with the given external URL; without one, made of the host's name and the port.
    pub(crate) fn new(external: Option<&str>, host: &str, port: u16) -> Result<Self, Error> {
        let made = format!("http://{host}:{port}/");
        let text = external.filter(|text| !text.is_empty()).unwrap_or(&made);
        let refuse = |why: String| {
            let problem = format!("parse external URL '{text}': {why}");
            Err(Error::new(ErrorKind::Option, problem))
        };
        // A path alone is enough: it is what reverse proxies add.
        let absolute =
            if text.starts_with('/') { format!("http://{host}:{port}{text}") } else { text.into() };
        match Url::parse(&absolute) {
            Err(error) => refuse(error.to_string()),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                refuse(format!("the scheme must be http or https and not {}", url.scheme()))
            }
            Ok(mut external) => {
                let path = external.path().trim_end_matches('/').to_owned();
                external.set_path(&path);
                Ok(Self { external, port })
            }
        }
    }

    /// The external URL, without a slash at the end.
    pub(crate) fn external_url(&self) -> &str {
        self.external.as_str().trim_end_matches('/')
    }

    /// The external URL's path, without a slash at the end.
    pub(crate) fn path(&self) -> &str {
        self.external.path().trim_end_matches('/')
    }

    /// The URL of a target as others can reach it: this host's own names are replaced.
    pub(crate) fn global_url(&self, target: &str) -> String {
        let Ok(mut url) = Url::parse(target) else { return target.to_owned() };
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !local {
            return target.to_owned();
        }
        let (scheme, host) = (self.external.scheme(), self.external.host_str());
        let own = url.port_or_known_default() == Some(self.port);
        // Setting what was parsed from another URL cannot fail.
        let done = if own {
            url.set_scheme(scheme).is_ok() && url.set_port(self.external.port()).is_ok()
        } else {
            true
        };
        if done && url.set_host(host).is_ok() { url.into() } else { target.to_owned() }
    }
}

/// The name of this host, as the system knows it.
pub(crate) fn host_name() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = read.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn external_urls_have_no_slash_at_the_end() {
        for (external, url, path) in [
            (None, "http://box:9090", ""),
            (Some("https://mon.example/prom/"), "https://mon.example/prom", "/prom"),
            (Some("/prom"), "http://box:9090/prom", "/prom"),
        ] {
            let place = Place::new(external, "box", 9090).unwrap();
            assert_eq!(place.external_url(), url);
            assert_eq!(place.path(), path);
        }
        assert!(Place::new(Some("ftp://x"), "box", 1).is_err());
        assert!(Place::new(Some("mon.example"), "box", 1).is_err());
    }

    #[test]
    fn own_names_are_replaced_for_others() {
        let place = Place::new(Some("https://mon.example/prom"), "box", 9090).unwrap();
        for (target, expected) in [
            ("http://localhost:9090/metrics", "https://mon.example/metrics"),
            ("http://127.0.0.1:9100/metrics?a=b", "http://mon.example:9100/metrics?a=b"),
            ("http://[::1]:9100/metrics", "http://mon.example:9100/metrics"),
            ("http://other:9090/metrics", "http://other:9090/metrics"),
        ] {
            assert_eq!(place.global_url(target), expected);
        }
    }
}
