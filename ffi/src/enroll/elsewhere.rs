//! Certificates that are not on the token of the page: on the others that are plugged in, and on this computer.

use std::time::SystemTime;

use usbtoken::bank::Bank;
use usbtoken::error::{Fact, Step};
use usbtoken::overview::{Listed, Overview};
use usbtoken::places::{OldCertificate, Place};
use usbtoken::renewal::PendingKey;
use usbtoken::{Code, Credentials, Error, Result, Token, TokenUri};

use super::numbers::{USBTOKEN_PROBE_RENEWABLE, USBTOKEN_PROBE_RENEWED};
use super::which::{Beside, Which};
use crate::find::context::Shared;

/// Everything that is not on this token.
pub(super) fn beside(shared: &Shared, token: &Token) -> Beside {
    let finder = shared.finder();
    let tokens = finder.tokens().map(|found| found.tokens).unwrap_or_default();
    let (policy, now) = (shared.host.policy(), SystemTime::now());
    let own = Place::OtherToken(Box::new(token.uri()));
    let read = Overview::read(tokens, &[], finder.loading(), &policy, now);
    let Ok(Overview { mut list, skipped, .. }) = read else { return Beside::default() };
    list.retain(|one| *one.old().place() != own);
    // What is wrong with another token is none of the page's.
    let of_place = |error: &Error| error.facts().any(|(fact, _)| fact == Fact::Place);
    Beside { list, unread: skipped.into_iter().find(of_place) }
}

/// The bits of the probe for a certificate that is not on the token: the one that the page has named, or any of the bank's.
pub(super) fn probe(shared: &Shared, token: &Token, on_token: &Credentials, which: Option<&Which>) -> u32 {
    if let Some(Which::Certificate(der)) = which {
        return given(shared, on_token, der).unwrap_or_default();
    }
    let is_meant = |one: &&Listed| match which {
        Some(number @ Which::Number(_)) => number.means(one),
        _ => one.may_be_banks(),
    };
    let all = beside(shared, token).list;
    let is_open = |one: &Listed| one.not_renewable_because().is_none();
    let is_taken = |one: &Listed| one.renewed_by().is_some_and(|(by, _)| by == token.identity());
    let renewable = all.iter().filter(is_meant).any(is_open);
    let renewed = all.iter().filter(is_meant).any(is_taken);
    bits(renewable, renewed)
}

/// The same for the certificate itself, in DER.
fn given(shared: &Shared, on_token: &Credentials, der: &[u8]) -> Option<u32> {
    let old = OldCertificate::given(der).ok()?;
    let taken = on_token.said_to_replace(old.certificate()).is_some();
    let because = old.not_renewable_because(&shared.host.policy().window, SystemTime::now());
    Some(bits(because.is_none() && !taken, taken))
}

pub(super) fn bits(renewable: bool, renewed: bool) -> u32 {
    (if renewable { USBTOKEN_PROBE_RENEWABLE } else { 0 })
        | (if renewed { USBTOKEN_PROBE_RENEWED } else { 0 })
}

/// Refuses a token that no bank calls its own and no one has named: a page does not choose where a certificate from elsewhere goes.
///
/// # Errors
/// [`Code::TokenNotNamed`].
pub(super) fn check_token(bank: Option<&Bank>, provider: Option<&TokenUri>, token: &Token) -> Result<()> {
    let is_named = provider.is_some_and(|uri| *uri != TokenUri::default());
    if is_named || bank.is_some_and(|bank| bank.owns(token)) {
        return Ok(());
    }
    Err(Error::new(Code::TokenNotNamed).during(Step::FindToken).fact(Fact::Candidate, token.identity()))
}

/// The certificate that this key's job renews, where it is found again.
pub(super) fn of_job(all: &[Listed], key: &PendingKey) -> Option<OldCertificate> {
    all.iter().map(Listed::old).find(|old| key.renews(old.certificate())).cloned()
}
