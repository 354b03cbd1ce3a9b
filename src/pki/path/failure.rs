//! Why no chain was found.

use certval::PathValidationStatus;

use crate::error::{Code, Error, Fact};
use crate::pki::certificate::Certificate;

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No certificate of a CA of this name is at hand.
    NoIssuer(String),
    /// There are more ways through the certificates than are tried.
    TooMany,
    /// The signature of a certificate is not from the CA that it names.
    Signature(String),
    /// A rule is broken.
    Rule(Broken),
    /// A signature cannot be verified here: whose certificate, and the algorithm.
    Unsupported(String, String),
    /// The certificate is written in a way that cannot be checked.
    Unreadable,
}

/// A rule that is broken, by which certificate, and by which of its extensions where there may be several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub rule: Rule,
    pub certificate: String,
    pub extensions: Vec<String>,
}

/// A rule of RFC 5280 §6.1, or of putting a chain together. `text` has words for the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    NotYetValid,
    Expired,
    NotCa,
    TooLong,
    UsageNotCertificates,
    PurposeNotClient,
    PolicyDemanded,
    PolicyMapping,
    TooManyPolicies,
    NameNotPermitted,
    ExtensionUnknown,
    ExtensionRepeated,
    Malformed,
    Other,
}

impl Rule {
    /// The stable name.
    const fn name(self) -> &'static str {
        match self {
            Rule::NotYetValid => "not_yet_valid",
            Rule::Expired => "expired",
            Rule::NotCa => "not_ca",
            Rule::TooLong => "too_many_cas_below",
            Rule::UsageNotCertificates => "usage_not_certificates",
            Rule::PurposeNotClient => "purpose_not_client",
            Rule::PolicyDemanded => "policy_demanded",
            Rule::PolicyMapping => "policy_mapping",
            Rule::TooManyPolicies => "too_many_policies",
            Rule::NameNotPermitted => "name_not_permitted",
            Rule::ExtensionUnknown => "extension_unknown",
            Rule::ExtensionRepeated => "extension_repeated",
            Rule::Malformed => "malformed",
            Rule::Other => "rule_broken",
        }
    }

    pub(super) const fn of(status: PathValidationStatus) -> Self {
        use PathValidationStatus as Status;
        match status {
            Status::InvalidNotBeforeDate => Rule::NotYetValid,
            Status::InvalidNotAfterDate => Rule::Expired,
            Status::MissingBasicConstraints | Status::InvalidBasicConstraints => Rule::NotCa,
            Status::InvalidPathLength => Rule::TooLong,
            Status::InvalidKeyUsage => Rule::UsageNotCertificates,
            Status::NullPolicySet => Rule::PolicyDemanded,
            Status::InvalidPolicyMapping => Rule::PolicyMapping,
            Status::ProcessingLimitExceeded => Rule::TooManyPolicies,
            Status::NameConstraintsViolation => Rule::NameNotPermitted,
            Status::UnprocessedCriticalExtension => Rule::ExtensionUnknown,
            Status::EncodingError => Rule::Malformed,
            _ => Rule::Other,
        }
    }

    /// That a certificate breaks it.
    pub(super) fn broken_by(self, certificate: &Certificate) -> Failure {
        self.broken_with(certificate, &[] as &[&str])
    }

    /// That these extensions of a certificate break it.
    pub(super) fn broken_with(self, certificate: &Certificate, extensions: &[impl ToString]) -> Failure {
        Failure::Rule(Broken {
            rule: self,
            certificate: certificate.subject().to_string(),
            extensions: extensions.iter().map(ToString::to_string).collect(),
        })
    }
}

impl Failure {
    /// What a person learns most from comes last: a chain that breaks one rule says more than one that was never there.
    const fn weight(&self) -> u8 {
        match self {
            Failure::NoIssuer(_) => 0,
            Failure::Signature(_) => 1,
            Failure::TooMany => 2,
            Failure::Unsupported(..) => 3,
            Failure::Rule(_) | Failure::Unreadable => 4,
        }
    }

    /// The one of two to report; of equal ones the first.
    pub(super) fn or(self, other: Failure) -> Failure {
        if other.weight() > self.weight() { other } else { self }
    }

    /// `Subject` is the leaf, `Certificate` the one that it is about, which may be a CA's that is missing.
    pub(super) fn into_error(self, leaf: &Certificate) -> Error {
        let untrusted = |certificate: &str, reason: &str| {
            let error = Error::new(Code::ChainUntrusted).fact(Fact::Subject, leaf.subject());
            error.fact(Fact::Certificate, certificate).fact(Fact::Reason, reason)
        };
        let own = leaf.subject().to_string();
        match self {
            Failure::Unsupported(subject, algorithm) => Error::new(Code::ChainAlgorithmUnsupported)
                .fact(Fact::Subject, leaf.subject())
                .fact(Fact::Algorithm, algorithm)
                .fact(Fact::Certificate, subject),
            Failure::NoIssuer(issuer) => untrusted(&issuer, "ca_missing"),
            Failure::TooMany => untrusted(&own, "too_many_ways"),
            Failure::Signature(subject) => untrusted(&subject, "signature_not_from_ca"),
            Failure::Rule(Broken { rule, certificate, extensions }) => {
                let error = untrusted(&certificate, rule.name());
                extensions.into_iter().fold(error, |error, name| error.fact(Fact::Found, name))
            }
            Failure::Unreadable => untrusted(&own, "not_der"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::openssl::OpenSsl;

    #[test]
    fn every_reason_has_words_in_both_languages() {
        let leaf = OpenSsl::new().ca("x");
        let rules = [
            Rule::NotYetValid,
            Rule::Expired,
            Rule::NotCa,
            Rule::TooLong,
            Rule::UsageNotCertificates,
            Rule::PurposeNotClient,
            Rule::PolicyDemanded,
            Rule::PolicyMapping,
            Rule::TooManyPolicies,
            Rule::NameNotPermitted,
            Rule::ExtensionUnknown,
            Rule::ExtensionRepeated,
            Rule::Malformed,
            Rule::Other,
        ];
        let others = [
            Failure::NoIssuer("CN=ca".to_owned()),
            Failure::TooMany,
            Failure::Signature("CN=ca".to_owned()),
            Failure::Unreadable,
        ];
        for failure in rules.map(|rule| rule.broken_by(&leaf)).into_iter().chain(others) {
            let error = failure.into_error(&leaf);
            let name = error.facts().find(|(fact, _)| *fact == Fact::Reason).unwrap().1.to_owned();
            for lang in crate::text::Lang::ALL {
                let report = error.report(lang);
                assert!(
                    report.facts.iter().all(|(_, value)| *value != name),
                    "{lang:?}: no words for {name}"
                );
            }
        }
    }
}
