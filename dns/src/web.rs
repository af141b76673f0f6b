//! Requests to web interfaces, as plain data: agents make and read them, drivers carry them.
//!
//! Owns the shape of a request and an answer, and that a secret is never shown. Knows no interface.

use std::{fmt, net::IpAddr};

/// What must not be shown: a token, a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for a driver, or for whoever checks it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is to be done (RFC 9110 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Change what is named, and nothing else (RFC 5789).
    Patch,
}

impl Method {
    /// As in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Patch => "PATCH",
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// To what: absolute, `https`, or `http` to a loopback address.
    pub url: String,
    /// The field of that name.
    pub authorization: Secret,
    /// JSON; empty: none.
    pub body: String,
    /// The only certificates that are trusted, in PEM; `None`: those of the public authorities.
    pub ca: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of it (RFC 9110 §15).
    pub status: u16,
    /// The fields; names in small letters.
    pub fields: Vec<(String, String)>,
    /// The body; what is no text is replaced.
    pub body: String,
}

impl Answer {
    /// An answer without fields.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: body.into(),
        }
    }

    /// The field of this name, which is given in small letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The parts of a URL that a driver needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// `https`, else `http`.
    pub is_tls: bool,
    /// A name or an address, without brackets.
    pub host: &'a str,
    /// As written, or that of the scheme.
    pub port: u16,
    /// Host and port as written.
    pub authority: &'a str,
    /// Path and query, from the first slash on.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// Reads a URL, or says what is wrong with it. A secret that is sent to it must stay one: what is
    /// not `https` goes to a loopback address or nowhere.
    pub fn parse(url: &'a str) -> Result<Self, &'static str> {
        let (is_tls, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err("it begins neither with https:// nor with http://"),
        };
        let cut = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(cut);
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
        if authority.contains('@') || !url.chars().all(is_plain) {
            return Err("it has characters that do not belong into it");
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
            Some((host, port)) => (host, port),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| "its port is no number")?,
            None if port.is_empty() => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
            None => return Err("its host cannot be read"),
        };
        let is_loopback = || {
            host.parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
        };
        match (host.is_empty(), is_tls || is_loopback()) {
            (true, _) => Err("it names no host"),
            (_, false) => Err("without TLS (https://) the secret goes to 127.0.0.0/8 and ::1 only"),
            _ => Ok(Self {
                is_tls,
                host,
                port,
                authority,
                path: if path.is_empty() { "/" } else { path },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        let parsed = Url::parse("https://desec.io/api/v1").unwrap();
        assert_eq!(
            (parsed.host, parsed.port, parsed.path),
            ("desec.io", 443, "/api/v1")
        );
        let parsed = Url::parse("http://[::1]:8053").unwrap();
        assert_eq!((parsed.host, parsed.port, parsed.path), ("::1", 8053, "/"));
        assert!(Url::parse("http://127.66.1.250/api").is_ok());
        for bad in [
            "http://desec.io/",
            "http://192.0.2.1/",
            "http://localhost/",
            "http://127.0.0.1@192.0.2.1/",
            "https://desec.io/a b",
            "https:///",
            "https://desec.io:http/",
            "ftp://desec.io/",
            "desec.io",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let request = Request {
            method: Method::Get,
            url: "https://desec.io/".into(),
            authorization: Secret::new("Token planted"),
            body: String::new(),
            ca: None,
        };
        assert!(!format!("{request:?}").contains("planted"));
    }
}
