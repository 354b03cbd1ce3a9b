//! Which page asks: origins, and the patterns that allow them.

use std::fmt;
use std::str::FromStr;

use usbtoken::bank::host_and_port;
use usbtoken::error::Fact;
use usbtoken::renewal::Caller;
use usbtoken::{Code, Error};

/// The origin of a page (RFC 6454), HTTPS only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    host: String,
    port: u16,
}

/// What allows origins: one host, or every host beneath a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The host, or the domain with its leading dot.
    host: String,
    beneath: bool,
    port: u16,
}

const HTTPS: &str = "https://";
const HTTPS_PORT: u16 = 443;

impl Pattern {
    pub(crate) fn matches(&self, origin: &Origin) -> bool {
        let host = if self.beneath { origin.host.ends_with(&self.host) } else { origin.host == self.host };
        host && origin.port == self.port
    }
}

impl FromStr for Origin {
    type Err = Error;

    /// Reads an origin, or the address of a page, of which only the origin is kept.
    ///
    /// What is read here must be what a browser reads, so everything unusual is refused: user names, escapes,
    /// hosts that are not plain DNS names in ASCII, and the backslash, which browsers take for a slash.
    fn from_str(text: &str) -> Result<Self, Error> {
        let rest = strip_https(text).ok_or_else(|| refused(text))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = host_and_port(authority).ok_or_else(|| refused(text))?;
        Ok(Origin { host, port })
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::new(Code::BadArgument).fact(Fact::Detail, format!("origin: {text}"));
        let rest = strip_https(text).ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (beneath, rest) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        let (host, port) = host_and_port(rest).ok_or_else(bad)?;
        // "*.jp" would allow everyone there.
        if beneath && !host.contains('.') {
            return Err(bad());
        }
        Ok(Pattern { host: if beneath { format!(".{host}") } else { host }, beneath, port })
    }
}

impl Origin {
    /// The page as one who begins jobs: its serialized origin, the port always written.
    pub(crate) fn caller(&self) -> Caller {
        Caller::Page(format!("{HTTPS}{}:{}", self.host, self.port))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HTTPS}{}", self.host)?;
        if self.port == HTTPS_PORT { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

fn strip_https(text: &str) -> Option<&str> {
    let scheme = text.get(..HTTPS.len())?;
    scheme.eq_ignore_ascii_case(HTTPS).then(|| text.get(HTTPS.len()..).unwrap_or_default())
}

fn refused(text: &str) -> Error {
    Error::new(Code::OriginRefused).fact(Fact::Found, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, origin: &str) -> bool {
        origin.parse().is_ok_and(|origin| pattern.parse::<Pattern>().unwrap().matches(&origin))
    }

    #[test]
    fn the_exact_host_and_nothing_beside_it() {
        let bank = "https://www.bank.example";
        assert!(allows(bank, "https://www.bank.example"));
        assert!(allows(bank, "HTTPS://WWW.Bank.Example:443/BSMS002?x=1#y"));
        for other in [
            "http://www.bank.example",
            "https://bank.example",
            "https://www.bank.example.evil.example",
            "https://xwww.bank.example",
            "https://www.bank.example:8443",
            "https://www.bank.example:0443x",
            "https://www.bank.example@evil.example",
            "https://evil.example\\@www.bank.example",
            "https://evil.example/https://www.bank.example",
            "https://www.bank.example.",
            "https://www.bank.example%2eevil.example",
            "https:///www.bank.example",
            "https://",
            " https://www.bank.example",
            "https://www.bank.example\n",
            "https://ｗｗｗ.bank.example",
            "file:///c:/page.html",
            "null",
            "",
        ] {
            assert!(!allows(bank, other), "{other}");
        }
    }

    #[test]
    fn a_pattern_is_for_hosts_beneath_not_for_the_domain_or_its_namesakes() {
        let beneath = "https://*.bank.example";
        assert!(allows(beneath, "https://www.bank.example"));
        assert!(allows(beneath, "https://a.b.bank.example"));
        assert!(!allows(beneath, "https://bank.example"));
        assert!(!allows(beneath, "https://evilbank.example"));
        assert!(!allows(beneath, "https://www.bank.example:444"));
        assert!(allows("https://*.bank.example:444", "https://www.bank.example:444"));
    }

    #[test]
    fn patterns_that_would_allow_too_much_are_refused() {
        for pattern in [
            "*",
            "https://*",
            "https://*.jp",
            "http://*.bank.example",
            "https://a.*.example",
            "https://*.",
            "",
            "https://x.example/path",
        ] {
            assert!(pattern.parse::<Pattern>().is_err(), "{pattern}");
        }
    }

    #[test]
    fn it_is_shown_without_the_usual_port() {
        let shown = |text: &str| text.parse::<Origin>().unwrap().to_string();
        assert_eq!(shown("https://WWW.bank.example:443/x"), "https://www.bank.example");
        assert_eq!(shown("https://www.bank.example:8443/x"), "https://www.bank.example:8443");
    }
}
