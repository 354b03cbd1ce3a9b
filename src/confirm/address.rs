//! Addresses: of the login, of a redirection, of the proxy.

use std::fmt;

mod normal;

use self::normal::{decoded, encoded, without_dots};
use crate::bank;

const HTTPS: &str = "https://";
const HTTP: &str = "http://";

/// An address of a page: HTTPS, a host, a port, and what is asked for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A DNS name in lower case, or an address in numbers without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, as they are asked for: without segments of dots.
    pub(super) target: String,
}

/// Host and port of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads a whole address; `None` for one that is not HTTPS, has a user name, or is not plain ASCII.
    pub(super) fn read(url: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&byte);
        if url.len() > 4096 || !url.bytes().all(plain) {
            return None;
        }
        let scheme = url.get(..HTTPS.len())?;
        let rest = url.get(HTTPS.len()..).filter(|_| scheme.eq_ignore_ascii_case(HTTPS))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = bank::authority(&decoded(authority), 443)?;
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        Some(Address { host, port, target: format!("{}{query}", without_dots(path)) })
    }

    /// Where a Location (RFC 9110 §10.2.2) points from here (RFC 3986 §5.2.2). `None` for what is no address, or not HTTPS.
    pub(super) fn follow(&self, location: &[u8]) -> Option<Self> {
        let location = encoded(location.trim_ascii());
        let location = location.split('#').next().unwrap_or_default();
        let target = if let Some(rest) = location.strip_prefix("//") {
            return Address::read(&format!("{HTTPS}{rest}"));
        } else if location.is_empty() {
            self.target.clone()
        } else if location.starts_with('/') {
            location.to_owned()
        } else if location.starts_with('?') {
            format!("{}{location}", self.path())
        } else if has_scheme(location) {
            return Address::read(location);
        } else {
            let folder = self.path().rfind('/').map_or("/", |end| &self.path()[..=end]);
            format!("{folder}{location}")
        };
        Address::read(&format!("{}{target}", self.origin()))
    }

    /// Whether a Location points to another server. What is no address does not, nor what names this host in another way.
    pub(super) fn leads_away(&self, location: &[u8]) -> bool {
        let plain = |host: &str| host.trim_end_matches('.').to_owned();
        if let Some(to) = self.follow(location) {
            return plain(&to.host) != plain(&self.host) || to.port != self.port;
        }
        // Without TLS it has another port at any rate.
        let scheme = location.trim_ascii().get(..HTTP.len());
        let is_http = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(HTTP.as_bytes()));
        let rest = location.trim_ascii().get(HTTP.len()..).filter(|_| is_http);
        let to = rest.and_then(|rest| self.follow(&[b"//", rest].concat()));
        to.is_some_and(|to| plain(&to.host) != plain(&self.host))
    }

    /// Whether both are one server (RFC 6454 §5).
    pub(super) fn is_at(&self, other: &Address) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }

    /// Whether both are one page, whatever session or query the addresses carry: those say nothing of who is let in.
    pub(super) fn is_same_page(&self, other: &Address) -> bool {
        self.is_at(other) && self.segments().eq(other.segments())
    }

    /// Whether both are one address, however its escapes are written.
    pub(super) fn is_same(&self, other: &Address) -> bool {
        self.is_at(other) && decoded(&self.target) == decoded(&other.target)
    }

    /// Whether the other is this page, and has the query of this one where it has one.
    pub(super) fn names(&self, other: &Address) -> bool {
        let query = |address: &Address| address.target.split_once('?').map(|(_, query)| decoded(query));
        self.is_same_page(other) && query(self).is_none_or(|wanted| query(other) == Some(wanted))
    }

    /// The segments of the path, however their escapes are written, without the parameters (RFC 3986 §3.3) that are a session's.
    fn segments(&self) -> impl Iterator<Item = String> {
        let without_session = |segment: &str| {
            let parts: Vec<&str> = segment.split(';').filter(|part| !is_session(part)).collect();
            decoded(&parts.join(";"))
        };
        self.path().split('/').map(without_session)
    }

    /// Host and port as HTTP writes them, the port only where it is not 443.
    pub(super) fn authority(&self) -> String {
        let host = bracketed(&self.host);
        if self.port == 443 { host } else { format!("{host}:{}", self.port) }
    }

    fn origin(&self) -> String {
        format!("{HTTPS}{}", self.authority())
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

impl Proxy {
    /// Reads `http://host:port`, the usual port of which is 80; `None` for one that is spoken to in another way.
    pub(super) fn read(url: &str) -> Option<Self> {
        let (host, port) = bank::proxy(url)?;
        Some(Proxy { host, port })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HTTP}{}:{}", bracketed(&self.host), self.port)
    }
}

/// Whether a parameter of a path is the number of a session, as servers write it for browsers without cookies; another one may be what
/// tells the page of an error.
fn is_session(parameter: &str) -> bool {
    let name = parameter.split_once('=').map(|(name, _)| name.to_ascii_lowercase());
    name.is_some_and(|name| ["sessionid", "sessid", "sid"].iter().any(|end| name.ends_with(end)))
}

pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Whether it begins with a scheme (RFC 3986 §3.1).
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Option<String> {
        Address::read(url).map(|address| address.to_string())
    }

    #[test]
    fn what_is_no_address_leads_nowhere_else() {
        let here = Address::read("https://bank.example:8443/app/login").unwrap();
        for away in [
            "https://www.bank.example/error",
            "//other.example/",
            "https://bank.example/app/login",
            "http://other.example/error",
        ] {
            assert!(here.leads_away(away.as_bytes()), "{away}");
        }
        for not in [
            "/app\\login",
            "//bank.example:8443\\app/login",
            "https://user@bank.example:8443/app/login",
            "https://bank.example.:8443/app/login",
            "http://bank.example:8443/app/login",
            "HTTP://bank.example/app/login",
            "https://bank.example:80:8443/",
            "https://",
            "http:///app",
            "mailto:login@bank.example",
            "javascript:void(0)",
            "/menu",
        ] {
            assert!(!here.leads_away(not.as_bytes()), "{not}");
        }
    }

    #[test]
    fn an_address_is_read_as_it_will_be_asked_for() {
        for (url, is) in [
            ("https://www.bank.example.jp", "https://www.bank.example.jp/"),
            ("HTTPS://WWW.Bank.example:443/Login?a=b#top", "https://www.bank.example/Login?a=b"),
            ("https://bank.example:8443?a", "https://bank.example:8443/?a"),
            ("https://127.0.0.1:8443/x", "https://127.0.0.1:8443/x"),
            ("https://[::1]/x", "https://[::1]/x"),
            ("https://b%61nk.example/a/../%6dx?a=/../b", "https://bank.example/%6dx?a=/../b"),
        ] {
            assert_eq!(read(url).as_deref(), Some(is));
        }
        for url in [
            "",
            "http://bank.example/",
            "bank.example",
            "https://",
            "https:///x",
            "https://u:p@bank.example/",
            "https://bank.example:0/",
            "https://bank.example:443:443/",
            "https://bank.example:80:443/",
            "https://bank.example:99999/",
            "https://bank.example/a b",
            "https://bank.example/\r\nX: y",
            "https://銀行.example/",
            "https://[bank.example]/",
            "https://::1/",
            "https://0x7f.1/",
            "https://bank.example:/",
        ] {
            assert_eq!(read(url), None, "{url:?}");
        }
    }

    #[test]
    fn a_redirection_is_followed_from_where_it_stands() {
        let here = Address::read("https://bank.example:8443/a/login?x=1").unwrap();
        for (location, is) in [
            ("/menu", Some("https://bank.example:8443/menu")),
            ("menu?y", Some("https://bank.example:8443/a/menu?y")),
            ("?y", Some("https://bank.example:8443/a/login?y")),
            ("https://other.example/", Some("https://other.example/")),
            ("//other.example/z", Some("https://other.example/z")),
            ("//b%61nk.example:8443/z", Some("https://bank.example:8443/z")),
            ("../menu", Some("https://bank.example:8443/menu")),
            ("./../%2e%2E/menu#top", Some("https://bank.example:8443/menu")),
            ("", Some("https://bank.example:8443/a/login?x=1")),
            ("#top", Some("https://bank.example:8443/a/login?x=1")),
            ("?y#top", Some("https://bank.example:8443/a/login?y")),
            ("/メニュー", Some("https://bank.example:8443/%E3%83%A1%E3%83%8B%E3%83%A5%E3%83%BC")),
            ("/\\other.example/menu", None),
            ("http://bank.example:8443/menu", None),
            ("javascript:alert(1)", None),
        ] {
            let to = here.follow(location.as_bytes()).map(|to| to.to_string());
            assert_eq!(to.as_deref(), is, "{location}");
        }
        assert!(here.is_at(&here.follow(b"/menu").unwrap()));
        assert!(
            !here.is_at(&here.follow(b"https://bank.example/").unwrap()),
            "another port is another server"
        );
    }

    #[test]
    fn a_page_is_one_whatever_session_its_address_carries() {
        let at = |target| Address::read(&format!("https://bank.example{target}")).unwrap();
        for (one, other, same, named) in [
            ("/menu", "/menu;jsessionid=1f", true, true),
            ("/menu;jsessionid=2a", "/menu?t=7", true, true),
            ("/a;v=1/menu", "/a;v=2/menu", false, false),
            ("/menu", "/menu;error=1", false, false),
            ("/menu", "/menu;error=1;jsessionid=2a", false, false),
            ("/menu", "/menu;JSESSIONID=2a", true, true),
            ("/a;PHPSESSID=1/menu", "/a;sid=2/menu", true, true),
            ("/index?page=menu", "/index?page=menu", true, true),
            ("/index?page=menu", "/index?page=error", true, false),
            ("/index?page=menu", "/index", true, false),
            ("/menu", "/error", false, false),
            ("/menu", "/menu/", false, false),
            ("/app/menu", "/app/login/../%6denu?y", true, true),
            ("/%6Denu?p=%7e", "/menu?p=~", true, true),
            ("/a/b", "/a%2Fb", false, false),
            ("/a%2fb", "/a%2Fb", true, true),
            ("/a;b", "/a%3Bb", false, false),
            ("/menu", "/Menu", false, false),
            ("/app/menu", "/app//menu", false, false),
        ] {
            assert_eq!(at(one).is_same_page(&at(other)), same, "{one} {other}");
            assert_eq!(at(one).names(&at(other)), named, "{one} {other}");
        }
        assert!(!at("/menu").names(&Address::read("https://bank.example:8443/menu").unwrap()));
    }

    #[test]
    fn a_proxy_is_plain_http() {
        let read = |url| Proxy::read(url).map(|proxy| proxy.to_string());
        assert_eq!(
            read("http://proxy.example.co.jp:8080").as_deref(),
            Some("http://proxy.example.co.jp:8080")
        );
        assert_eq!(read("http://10.0.0.1/").as_deref(), Some("http://10.0.0.1:80"));
        for url in [
            "http://proxy:8080:8080",
            "https://proxy:8080",
            "proxy:8080",
            "socks5://proxy:1",
            "http://u:p@proxy:1",
            "http://",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
