//! How a target is reached: TLS, credentials, proxies, headers.
//!
//! What is checked here needs no file; files are read when a client is made of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;

/// A text that is not printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, to be sent and not shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// A file, read at each use, without the white space around its text.
    File(PathBuf),
    /// The configuration itself.
    Inline(Secret),
}

/// Who asks, as targets are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// The header `Authorization` with a scheme and a token.
    Authorization {
        /// The scheme: `Bearer`, unless told otherwise.
        scheme: String,
        /// The token; without one the header is not sent.
        token: Option<SecretSource>,
    },
    /// A name and a password.
    Basic {
        /// The name.
        username: Option<SecretSource>,
        /// The password.
        password: Option<SecretSource>,
    },
}

/// TLS settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The certificates of authorities to trust in place of the system's.
    pub ca: Option<SecretSource>,
    /// The client's certificate chain.
    pub cert: Option<SecretSource>,
    /// The client's key.
    pub key: Option<SecretSource>,
    /// The name that the server's certificate must have, in place of the address.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// TLS settings.
    pub tls: TlsConfig,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub enable_http2: bool,
    /// The proxy's URL.
    pub proxy_url: Option<String>,
    /// Addresses that are reached without the proxy: hosts, domains, networks, separated by commas.
    pub no_proxy: Option<String>,
    /// Further headers with their values.
    pub headers: BTreeMap<String, Vec<SecretSource>>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            credentials: None,
            tls: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy_url: None,
            no_proxy: None,
            headers: BTreeMap::new(),
        }
    }
}

/// `basic_auth` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawBasicAuth {
    username: Option<String>,
    username_file: Option<String>,
    username_ref: Option<String>,
    password: Option<Secret>,
    password_file: Option<String>,
    password_ref: Option<String>,
}

/// `authorization` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuthorization {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<String>,
    credentials_ref: Option<String>,
}

/// `tls_config` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTls {
    ca: Option<String>,
    ca_file: Option<String>,
    ca_ref: Option<String>,
    cert: Option<String>,
    cert_file: Option<String>,
    cert_ref: Option<String>,
    key: Option<Secret>,
    key_file: Option<String>,
    key_ref: Option<String>,
    server_name: Option<String>,
    insecure_skip_verify: Option<bool>,
    min_version: Option<String>,
    max_version: Option<String>,
}

/// One of `http_headers` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawHeader {
    values: Option<Vec<String>>,
    secrets: Option<Vec<Secret>>,
    files: Option<Vec<String>>,
}

/// The client's keys of a scrape config, as they are written there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RawHttp {
    pub(super) basic_auth: Option<RawBasicAuth>,
    pub(super) authorization: Option<RawAuthorization>,
    pub(super) bearer_token: Option<Secret>,
    pub(super) bearer_token_file: Option<String>,
    pub(super) tls: Option<RawTls>,
    pub(super) follow_redirects: Option<bool>,
    pub(super) enable_http2: Option<bool>,
    pub(super) proxy_url: Option<String>,
    pub(super) no_proxy: Option<String>,
    pub(super) headers: Option<BTreeMap<String, Option<RawHeader>>>,
}

impl RawHttp {
    /// Checks what is written and finds files relative to `directory`.
    pub(super) fn resolve(&self, job: &str, directory: &Path) -> Result<HttpConfig, Error> {
        if self.no_proxy.is_some() && self.proxy_url.is_none() {
            return Err(Error::config(
                "if no_proxy is configured, proxy_url must also be configured",
            ));
        }
        let tls = self.tls.clone().unwrap_or_default().resolve(job, directory)?;
        Ok(HttpConfig {
            credentials: self.credentials(job, directory)?,
            tls,
            follow_redirects: self.follow_redirects.unwrap_or(true),
            enable_http2: self.enable_http2.unwrap_or(true),
            proxy_url: non_empty(self.proxy_url.clone()),
            no_proxy: non_empty(self.no_proxy.clone()),
            headers: self.resolve_headers(directory)?,
        })
    }

    fn credentials(&self, job: &str, directory: &Path) -> Result<Option<Credentials>, Error> {
        let token = self.bearer_token.clone().filter(|token| !token.0.is_empty());
        let token_file = non_empty(self.bearer_token_file.clone());
        let has_bearer = token.is_some() || token_file.is_some();
        if token.is_some() && token_file.is_some() {
            return Err(Error::config(
                "at most one of bearer_token & bearer_token_file must be configured",
            ));
        }
        if self.basic_auth.is_some() && has_bearer {
            return Err(Error::config(
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
            ));
        }
        if self.authorization.is_some() && has_bearer {
            return Err(Error::config(
                "authorization is not compatible with bearer_token & bearer_token_file",
            ));
        }
        if self.authorization.is_some() && self.basic_auth.is_some() {
            return Err(Error::config(
                "at most one of basic_auth, oauth2 & authorization must be configured",
            ));
        }
        if let Some(basic) = &self.basic_auth {
            return basic.resolve(job, directory).map(Some);
        }
        if let Some(authorization) = &self.authorization {
            return authorization.resolve(job, directory).map(Some);
        }
        let token = source(token, token_file, directory);
        Ok(token.map(|token| Credentials::Authorization {
            scheme: "Bearer".into(),
            token: Some(token),
        }))
    }

    fn resolve_headers(
        &self,
        directory: &Path,
    ) -> Result<BTreeMap<String, Vec<SecretSource>>, Error> {
        let mut headers = BTreeMap::new();
        for (name, header) in self.headers.iter().flatten() {
            let canonical = canonical_header(name);
            if RESERVED_HEADERS.contains(&canonical.as_str()) {
                return Err(Error::config(format!(
                    "setting header \"{canonical}\" is not allowed"
                )));
            }
            let header = header.clone().unwrap_or_default();
            let values = header.values.into_iter().flatten().map(Secret);
            let inline = values.chain(header.secrets.into_iter().flatten());
            let files = header.files.into_iter().flatten();
            let sources = inline
                .map(SecretSource::Inline)
                .chain(files.map(|file| SecretSource::File(directory.join(file))));
            headers.insert(canonical, sources.collect());
        }
        Ok(headers)
    }
}

impl RawBasicAuth {
    fn resolve(&self, job: &str, directory: &Path) -> Result<Credentials, Error> {
        let raw = self.clone();
        if raw.username_ref.is_some() {
            return Err(Error::unsupported(job, "basic_auth username_ref"));
        }
        if raw.password_ref.is_some() {
            return Err(Error::unsupported(job, "basic_auth password_ref"));
        }
        let (username, username_file) = (non_empty(raw.username), non_empty(raw.username_file));
        let (password, password_file) =
            (non_empty_secret(raw.password), non_empty(raw.password_file));
        if username.is_some() && username_file.is_some() {
            return Err(Error::config(
                "at most one of basic_auth username, username_file & username_ref must be configured",
            ));
        }
        if password.is_some() && password_file.is_some() {
            return Err(Error::config(
                "at most one of basic_auth password, password_file & password_ref must be configured",
            ));
        }
        Ok(Credentials::Basic {
            username: source(username.map(Secret), username_file, directory),
            password: source(password, password_file, directory),
        })
    }
}

impl RawAuthorization {
    fn resolve(&self, job: &str, directory: &Path) -> Result<Credentials, Error> {
        if self.credentials_ref.is_some() {
            return Err(Error::unsupported(job, "authorization credentials_ref"));
        }
        let token = non_empty_secret(self.credentials.clone());
        let file = non_empty(self.credentials_file.clone());
        if token.is_some() && file.is_some() {
            return Err(Error::config(
                "at most one of authorization credentials & credentials_file must be configured",
            ));
        }
        let scheme = match self.scheme.as_deref().unwrap_or_default().trim() {
            "" => "Bearer",
            scheme if scheme.eq_ignore_ascii_case("basic") => {
                return Err(Error::config(
                    r#"authorization type cannot be set to "basic", use "basic_auth" instead"#,
                ));
            }
            scheme => scheme,
        };
        Ok(Credentials::Authorization {
            scheme: scheme.into(),
            token: source(token, file, directory),
        })
    }
}

impl RawTls {
    fn resolve(self, job: &str, directory: &Path) -> Result<TlsConfig, Error> {
        let unsupported = [
            ("ca_ref", &self.ca_ref),
            ("cert_ref", &self.cert_ref),
            ("key_ref", &self.key_ref),
            ("min_version", &self.min_version),
            ("max_version", &self.max_version),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, value)| value.is_some()) {
            return Err(Error::unsupported(job, format_args!("tls_config {name}")));
        }
        let text = |text: Option<String>| non_empty(text).map(Secret);
        let parts = [
            ("ca", text(self.ca), non_empty(self.ca_file)),
            ("cert", text(self.cert), non_empty(self.cert_file)),
            ("key", non_empty_secret(self.key), non_empty(self.key_file)),
        ];
        for (name, inline, file) in &parts {
            if inline.is_some() && file.is_some() {
                return Err(Error::config(format!(
                    "at most one of {name}, {name}_file & {name}_ref must be configured"
                )));
            }
        }
        let [ca, cert, key] = parts.map(|(_, inline, file)| source(inline, file, directory));
        match (&cert, &key) {
            (Some(_), None) => Err(Error::config(
                "exactly one of key or key_file must be configured when a client certificate is configured",
            )),
            (None, Some(_)) => Err(Error::config(
                "exactly one of cert or cert_file must be configured when a client key is configured",
            )),
            _ => Ok(TlsConfig {
                ca,
                cert,
                key,
                server_name: non_empty(self.server_name),
                insecure_skip_verify: self.insecure_skip_verify.unwrap_or(false),
            }),
        }
    }
}

/// Headers that only the client itself sets, in canonical spelling.
const RESERVED_HEADERS: [&str; 18] = [
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Host",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "User-Agent",
    "Www-Authenticate",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
];

/// Each word of a header's name with a capital and small letters behind it, as Go spells them.
fn canonical_header(name: &str) -> String {
    let mut at_start = true;
    let spell = |c: char| {
        let spelled = if at_start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        at_start = c == '-';
        spelled
    };
    name.chars().map(spell).collect()
}

fn source(inline: Option<Secret>, file: Option<String>, directory: &Path) -> Option<SecretSource> {
    let file = file.map(|file| SecretSource::File(directory.join(file)));
    inline.map(SecretSource::Inline).or(file)
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn non_empty_secret(secret: Option<Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.0.is_empty())
}
