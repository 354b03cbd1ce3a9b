//! A visit: the page that was asked for, and where the same server hands on to.

use std::sync::Arc;

mod refresh;

use rustls::ProtocolVersion;
use rustls::sign::CertifiedKey;

use super::address::Address;
use super::attempt::{Asked, Attempt, BOTH, Client, TLS12};
use super::cookies::Cookies;
use super::http::Head;
use super::trouble::Trouble;
use crate::error::{Code, Error, Fact};

/// How much is shown of where it points to.
const SHOWN: usize = 1000;

/// How many times a server may hand on.
const REDIRECTIONS: usize = 5;

/// What came of a visit.
pub(super) struct Visit {
    /// Where it ended.
    pub(super) at: Address,
    /// Where it went, beginning with the first redirection.
    pub(super) redirections: Vec<String>,
    /// Where it was pointed to and did not follow.
    pub(super) elsewhere: Option<Elsewhere>,
    /// What the server said as it asked for a certificate, at the last connection.
    pub(super) asked: Option<Asked>,
    pub(super) version: Option<ProtocolVersion>,
    connected: bool,
    /// Whether TLS 1.3 was tried and the key cannot sign for it.
    pub(super) only_tls12: bool,
    pub(super) answer: Result<Head, Trouble>,
    proxy: String,
}

/// What is no page of this server: another server's, or no address at all.
pub(super) struct Elsewhere {
    /// As it stands in the answer.
    pub(super) location: String,
    /// Whether it is another server's.
    pub(super) is_other_server: bool,
}

impl Visit {
    /// Asks for a page and follows the server, with a certificate or without. Where it is led to is the last page, also where it
    /// refreshes itself.
    pub(super) fn make(
        client: &Client,
        start: &Address,
        last: Option<&Address>,
        identity: Option<&Arc<CertifiedKey>>,
    ) -> Self {
        let (mut cookies, mut redirections) = (Cookies::default(), Vec::new());
        let (mut at, mut only_tls12) = (start.clone(), false);
        let proxy = client.proxy.as_ref().map(ToString::to_string).unwrap_or_default();
        loop {
            let mut attempt = client.ask(&at, if only_tls12 { TLS12 } else { BOTH }, identity, &cookies);
            if !only_tls12 && identity.is_some() && cannot_sign_tls13(&attempt) {
                only_tls12 = true;
                attempt = earlier(client.ask(&at, TLS12, identity, &cookies), attempt);
            }
            let Attempt { asked, version, connected, answer } = attempt;
            let end = |at, redirections, elsewhere, asked, answer| Visit {
                at,
                redirections,
                elsewhere,
                asked,
                version,
                connected,
                only_tls12,
                answer,
                proxy: proxy.clone(),
            };
            let is_last = last.is_some_and(|page| page.names(&at));
            let to = answer.as_ref().ok().and_then(|head| {
                location(head).or_else(|| refresh::leads_to(head, &at).filter(|_| !is_last))
            });
            let Some(location) = to else {
                return end(at, redirections, None, asked, answer);
            };
            match at.follow(&location).filter(|next| next.is_at(start)) {
                Some(next) if redirections.len() < REDIRECTIONS => {
                    if let Ok(head) = &answer {
                        cookies.take(head);
                    }
                    redirections.push(next.to_string());
                    at = next;
                }
                Some(_) => return end(at, redirections, None, asked, answer),
                None => {
                    let elsewhere = Elsewhere {
                        is_other_server: start.leads_away(&location),
                        location: String::from_utf8_lossy(&location).chars().take(SHOWN).collect(),
                    };
                    return end(at, redirections, Some(elsewhere), asked, answer);
                }
            }
        }
    }

    /// Why there is no answer, as an error.
    pub(super) fn told(&self, trouble: &Trouble) -> Error {
        match (&self.asked, trouble) {
            // It wanted to negotiate anew (RFC 5246 §7.4.1.1), which no one does here.
            (None, Trouble::Tls(error)) if self.connected => {
                Error::new(Code::LoginAskedLater).fact(Fact::Detail, error)
            }
            (asked, _) => trouble.told(asked.is_some(), &self.proxy),
        }
    }
}

/// Whether the key has no signature that TLS 1.3 takes, as its mechanisms say or as it turned out.
fn cannot_sign_tls13(attempt: &Attempt) -> bool {
    let tls13 = attempt.version == Some(ProtocolVersion::TLSv1_3);
    let refused = attempt.answer.as_ref().err().and_then(Trouble::of_token);
    let refused = refused.is_some_and(|error| error.code() == Code::MechanismUnsupported);
    tls13 && (refused || attempt.asked.as_ref().is_some_and(|asked| !asked.shown))
}

/// Of the second attempt, by TLS 1.2, and the first: where the server has no TLS 1.2, the first says more.
fn earlier(second: Attempt, first: Attempt) -> Attempt {
    let no_tls12 = second.version.is_none() && matches!(second.answer, Err(Trouble::Tls(_)));
    if no_tls12 { first } else { second }
}

/// Where a response points to (RFC 9110 §15.4).
fn location(head: &Head) -> Option<Vec<u8>> {
    let redirects = matches!(head.status, 301 | 302 | 303 | 307 | 308);
    head.values("Location").next().filter(|_| redirects).map(<[u8]>::to_vec)
}
