//! Addresses of the bank's pages.

use std::fmt;
use std::net::IpAddr;

use crate::error::Code;

const HTTPS: &str = "https://";
const HTTP: &str = "http://";
const HTTPS_PORT: u16 = 443;

/// The origin of a page (RFC 6454): HTTPS, a host by its DNS name, and the port where it is not 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    /// Reads an origin and nothing more: no path, no user name, no wildcard, no address in numbers.
    pub(super) fn read(text: &str) -> Result<Self, Code> {
        let rest = without_https(text)?;
        let (host, port) = host_and_port(rest).ok_or(Code::ProfileOriginMalformed)?;
        Ok(Origin { host, port })
    }

    /// The origin of a whole address. The rest of it must be plain ASCII without blanks.
    pub(super) fn of_url(url: &str) -> Result<Self, Code> {
        let rest = without_https(url)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&byte));
        let (host, port) = host_and_port(authority).filter(|_| plain).ok_or(Code::ProfileOriginMalformed)?;
        Ok(Origin { host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HTTPS}{}", self.host)?;
        if self.port == HTTPS_PORT { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

fn without_https(text: &str) -> Result<&str, Code> {
    match text.get(..HTTPS.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(HTTPS) => Ok(text.get(HTTPS.len()..).unwrap_or_default()),
        _ if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.contains("://") => {
            Err(Code::ProfileOriginInsecure)
        }
        _ => Err(Code::ProfileOriginMalformed),
    }
}

/// Host and port of an authority (RFC 3986 §3.2): a DNS name in ASCII, in lower case, and 443 where no port stands. User
/// names, escapes and addresses in numbers are none.
pub fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (host, port.parse().ok().filter(|port| digits && *port != 0)?)
        }
        None => (authority, HTTPS_PORT),
    };
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    let plain = host.len() <= 253 && host.split('.').all(label);
    // 0x7f.1 and 127.0.0.1 are addresses; no one allows a bank's page by address.
    let top = host.split('.').next_back()?;
    let named = top.starts_with(|c: char| c.is_ascii_alphabetic());
    (plain && named).then(|| (host.to_ascii_lowercase(), port))
}

/// Host and port of an authority, the host a DNS name or an address in numbers without brackets; the usual port where none
/// stands.
pub(crate) fn authority(authority: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (host, port.parse().ok().filter(|port| digits && *port != 0)?)
        }
        _ => (authority, usual),
    };
    let number = host.strip_prefix('[').map_or(Some(host), |host| host.strip_suffix(']'))?;
    match number.parse::<IpAddr>() {
        // Brackets are for IPv6 and for nothing else (RFC 3986 §3.2.2).
        Ok(address) if address.is_ipv6() == host.starts_with('[') => Some((address.to_string(), port)),
        Ok(_) => None,
        // What is left of a second port is no host.
        Err(_) if host.contains(':') => None,
        Err(_) => host_and_port(host).map(|(host, _)| (host, port)),
    }
}

/// Host and port of a proxy, `http://host:port`, the usual port of which is 80; `None` for one that is spoken to in another
/// way, and for one with a user name.
pub(crate) fn proxy(url: &str) -> Option<(String, u16)> {
    let scheme = url.get(..HTTP.len())?;
    let rest = url.get(HTTP.len()..).filter(|_| scheme.eq_ignore_ascii_case(HTTP))?;
    authority(rest.strip_suffix('/').unwrap_or(rest), 80)
}
