//! What is asked of a new certificate before it is written: by its own words, and by who issued it.

use crate::bank::Policy;
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{
    Certificate, Expectation, IssuerContinuity, Name, PublicKey, Response, another_key_issued, check_chain,
    issuer_continuity, jst_date,
};
use crate::places::OldCertificate;
use crate::renewal::clock;
use crate::renewal::pending::RequestedKey;
use crate::renewal::run::Run;

/// The checks of the certificates of one response.
pub(super) struct Checks<'a> {
    pub(super) policy: &'a Policy,
    pub(super) response: &'a Response,
    pub(super) run: &'a Run<'a>,
}

/// What a certificate is compared with.
pub(super) struct Asked<'k> {
    pub(super) key: &'k RequestedKey,
    pub(super) old: Option<&'k OldCertificate>,
    /// The subject that was asked for, where this process made the request.
    pub(super) subject: Option<&'k Name>,
}

impl Checks<'_> {
    /// Whether the response came in one of the forms in which the bank's CA answers.
    ///
    /// # Errors
    /// [`Code::AnswerFormUnexpected`].
    pub(super) fn form(&self) -> Result<()> {
        let wanted = &self.policy.answers;
        if wanted.is_empty() || self.response.forms().any(|form| wanted.contains(&form)) {
            return Ok(());
        }
        let error = Error::new(Code::AnswerFormUnexpected).during(Step::CheckCertificate);
        let error = self.response.forms().fold(error, |error, form| error.fact(Fact::Found, form));
        Err(wanted.iter().fold(error, |error, form| error.fact(Fact::Expected, form)))
    }

    /// Of the certificates for a key the one that passes; of several that pass, the one that ends last. With it come its
    /// issuer and what a person should know. None passes: what is wrong with the likeliest.
    pub(super) fn choose(
        &self,
        found: Certificate,
        public: &PublicKey,
        asked: &Asked<'_>,
    ) -> Result<(Certificate, IssuerContinuity, Vec<Warning>)> {
        let check = |leaf: &Certificate| {
            let mut warnings = self.leaf(leaf, public, asked)?;
            let issuer = self.issuer(leaf, asked.old)?;
            warnings.extend(issuer_warning(issuer, leaf, asked.old));
            warnings.extend(self.anchored_elsewhere(leaf, asked.old));
            Ok((leaf.clone(), issuer, warnings))
        };
        let mut first_error = None;
        for leaf in self.response.leaves_for(public) {
            match check(leaf) {
                Ok(checked) => return Ok(checked),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or_else(|| check(&found), Err)
    }

    /// What is asked of the certificate itself, without its issuer; returns what a person should know of it.
    fn leaf(&self, leaf: &Certificate, public: &PublicKey, asked: &Asked<'_>) -> Result<Vec<Warning>> {
        let now = self.run.now();
        let expectation = Expectation {
            public_key: public,
            // A first request leaves its subject in no place but its own: days later there is none to compare with.
            subject: asked.old.map(OldCertificate::subject).or(asked.subject),
            subject_rule: self.policy.subject,
            old: asked.old.map(OldCertificate::certificate),
            now,
        };
        expectation.check(leaf, self.policy.relax).map_err(|error| {
            // No CA issues what has ended before its key was made.
            let end = jst_date(leaf.not_after());
            let tolerance = i64::from(self.policy.clock_tolerance_days);
            let ended_before =
                asked.key.made_on().is_some_and(|day| i64::from((day - end).get_days()) > tolerance);
            match error.code() {
                Code::CertificateExpired if ended_before || clock::is_long_past(now, leaf.not_after()) => {
                    clock::implausible(now, format_args!("≤ {end}")).during(Step::CheckCertificate)
                }
                _ => error,
            }
        })?;
        self.bank_demands(leaf).map_err(|error| error.during(Step::CheckCertificate))?;
        let mut warnings = expectation.warnings(leaf, self.policy.relax);
        if !warnings.iter().any(|warning| *warning == Notice::SubjectChanged) {
            warnings.extend(asked.old.and_then(|old| self.name_of_another_user(leaf, old)));
        }
        if clock::is_too_early(now) {
            warnings.retain(|warning| *warning != Notice::NotYetValid);
            warnings.push(clock::doubtful(now, leaf.not_before()));
        }
        Ok(warnings)
    }

    /// The common name may change, but not to that of another user on the token unseen.
    fn name_of_another_user(&self, leaf: &Certificate, old: &OldCertificate) -> Option<Warning> {
        let mut others = old.on_token()?.of_other_users(self.run.now());
        others.any(|other| other != leaf && other.subject().has_same_attributes(leaf.subject())).then(|| {
            Warning::from(Notice::SubjectChanged)
                .fact(Fact::Expected, old.subject())
                .fact(Fact::Found, leaf.subject())
        })
    }

    /// What a bank asks for besides: its own CAs, and usages that its server searches for.
    fn bank_demands(&self, leaf: &Certificate) -> Result<()> {
        let Policy { issuers, extended_key_usage, .. } = self.policy;
        if !issuers.is_empty() && !issuers.iter().any(|issuer| issuer.matches(leaf.issuer())) {
            let unexpected = Error::new(Code::IssuerUnexpected).fact(Fact::Found, leaf.issuer());
            return Err(issuers.iter().fold(unexpected, |error, issuer| error.fact(Fact::Expected, issuer)));
        }
        let has = leaf.extended_key_usage().unwrap_or_default();
        match extended_key_usage.iter().find(|usage| !has.contains(usage)) {
            Some(missing) => {
                let found = has.join(", ");
                Err(Error::new(Code::PurposeMissing).fact(Fact::Expected, missing).fact(Fact::Found, found))
            }
            None => Ok(()),
        }
    }

    /// Follows the chain to an anchor, where some were given, else compares the CA keys. A certificate that begins
    /// later than the clock says is followed at its beginning.
    pub(super) fn issuer(
        &self,
        leaf: &Certificate,
        old: Option<&OldCertificate>,
    ) -> Result<IssuerContinuity> {
        if !self.policy.anchors.is_empty() {
            let moment = self.run.now().max(leaf.not_before()).min(leaf.not_after());
            check_chain(leaf, self.response.certificates(), &self.policy.anchors, moment)?;
            return Ok(IssuerContinuity::VerifiedByAnchor);
        }
        let on_token = old.map(OldCertificate::authorities).unwrap_or_default();
        let at_hand = self.response.certificates().iter().chain(on_token);
        issuer_continuity(leaf, old.map(OldCertificate::certificate), at_hand)
    }

    /// The warning that the anchors which verify the new certificate are not the CA that issued the old one, where that
    /// is known.
    fn anchored_elsewhere(&self, leaf: &Certificate, old: Option<&OldCertificate>) -> Option<Warning> {
        let old = old.filter(|_| !self.policy.anchors.is_empty())?;
        let certificates = self.response.certificates().iter();
        let at_hand = certificates.chain(old.authorities()).chain(&self.policy.anchors);
        another_key_issued(leaf, old.certificate(), at_hand).then(|| another_issuer(old.certificate(), leaf))
    }
}

/// What a person should know of the issuer; of one that is shown to be the old one's, nothing.
fn issuer_warning(
    issuer: IssuerContinuity,
    leaf: &Certificate,
    old: Option<&OldCertificate>,
) -> Option<Warning> {
    match (issuer, old) {
        (IssuerContinuity::VerifiedByAnchor | IssuerContinuity::SameIssuer, _) => None,
        (IssuerContinuity::AnotherIssuer, Some(old)) => Some(another_issuer(old.certificate(), leaf)),
        (IssuerContinuity::AnotherIssuer | IssuerContinuity::NotChecked, _) => {
            Some(Notice::ChainNotChecked.into())
        }
    }
}

fn another_issuer(old: &Certificate, new: &Certificate) -> Warning {
    Warning::from(Notice::AnotherIssuer)
        .fact(Fact::Expected, old.issuer_and_key())
        .fact(Fact::Found, new.issuer_and_key())
}

#[cfg(test)]
mod tests;
