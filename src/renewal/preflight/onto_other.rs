//! What was renewed onto another token before, by what this computer keeps: that token need not be plugged in.

use crate::contents::{Credential, about};
use crate::driver::TokenIdentity;
use crate::error::{Code, Error, Fact, Notice, Step, Warning};
use crate::pki::Certificate;
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;

/// Before the login.
pub(super) fn warning(
    renewal: &Renewal,
    old: &Credential,
    token: &TokenIdentity,
    run: &Run<'_>,
) -> Option<Warning> {
    let (other, _) = taken(renewal, old, token, run)?;
    Some(Warning::from(Notice::RenewedOnOtherToken).fact(Fact::Token, other))
}

/// Before a second certificate is asked for.
pub(super) fn refusal(
    renewal: &Renewal,
    old: &Credential,
    token: &TokenIdentity,
    run: &Run<'_>,
) -> Option<Error> {
    let (other, by) = taken(renewal, old, token, run)?;
    let error = about(Error::new(Code::AlreadyRenewed).during(Step::Preflight), old);
    let error = error.fact(Fact::Token, other);
    let error = error.fact(Fact::Candidate, format_args!("{} (serial {})", by.subject(), by.serial()));
    Some(error.fact(Fact::Date, renewal.policy.window.opens_on(by.not_after())))
}

/// The other token, and what took the old one's place there; none where a person wants it renewed all the same.
fn taken(
    renewal: &Renewal,
    old: &Credential,
    token: &TokenIdentity,
    run: &Run<'_>,
) -> Option<(TokenIdentity, Certificate)> {
    run.renewed_onto(old.certificate()).filter(|(other, _)| !renewal.although_renewed && other != token)
}
