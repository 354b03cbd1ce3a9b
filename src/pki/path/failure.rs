//! Why no chain was found, in words for people.

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
    /// A rule is broken: whose certificate, and which rule.
    Rule(String, String),
    /// A signature cannot be verified here: whose certificate, and the algorithm.
    Unsupported(String, String),
    /// The certificate is written in a way that cannot be checked.
    Unreadable,
}

impl Failure {
    /// What a person learns most from comes last: a chain that breaks one rule says more than one that was never there.
    const fn weight(&self) -> u8 {
        match self {
            Failure::NoIssuer(_) => 0,
            Failure::Signature(_) => 1,
            Failure::TooMany => 2,
            Failure::Unsupported(..) => 3,
            Failure::Rule(..) | Failure::Unreadable => 4,
        }
    }

    /// The one of two to report; of equal ones the first.
    pub fn or(self, other: Failure) -> Failure {
        if other.weight() > self.weight() { other } else { self }
    }

    pub fn into_error(self, leaf: &Certificate) -> Error {
        let code = match self {
            Failure::Unsupported(..) => Code::ChainAlgorithmUnsupported,
            _ => Code::ChainUntrusted,
        };
        let error = Error::new(code).fact(Fact::Subject, leaf.subject());
        match self {
            Failure::Unsupported(subject, algorithm) => {
                error.fact(Fact::Algorithm, algorithm).fact(Fact::Candidate, subject)
            }
            Failure::NoIssuer(issuer) => error
                .fact(Fact::Candidate, &issuer)
                .fact(Fact::Detail, format_args!("the certificate of this CA is missing: {issuer}")),
            Failure::TooMany => error.fact(Fact::Detail, "the certificates can be combined in too many ways"),
            Failure::Signature(subject) => error.fact(Fact::Candidate, leaf.issuer()).fact(
                Fact::Detail,
                format_args!("{subject}: the signature is not from the CA that the certificate names"),
            ),
            Failure::Rule(subject, rule) => error
                .fact(Fact::Candidate, leaf.issuer())
                .fact(Fact::Detail, format_args!("{subject}: {rule}")),
            Failure::Unreadable => error.fact(Fact::Candidate, leaf.issuer()).fact(
                Fact::Detail,
                "the certificate is not written by the rules of DER, so that no chain can be checked",
            ),
        }
    }
}

/// The words for what a rule of RFC 5280 §6.1 found.
pub(super) fn words(status: PathValidationStatus) -> &'static str {
    use PathValidationStatus as Status;
    match status {
        Status::NameChainingFailure => "its issuer is not the CA above it",
        Status::SignatureVerificationFailure => "its signature does not verify",
        Status::InvalidNotBeforeDate => "it is not valid yet",
        Status::InvalidNotAfterDate => "it has expired",
        Status::MissingBasicConstraints | Status::InvalidBasicConstraints => {
            "it is not a CA's: basicConstraints do not say so"
        }
        Status::InvalidPathLength => "a CA above it allows fewer CAs below (pathLenConstraint)",
        Status::InvalidKeyUsage => "its key usage does not allow signing certificates",
        Status::NullPolicySet => "no certificate policy holds for the whole chain, and a CA demands one",
        Status::InvalidPolicyMapping => "it maps the policy anyPolicy",
        Status::NameConstraintsViolation => {
            "its names are not those that a CA above it may certify (nameConstraints)"
        }
        Status::UnprocessedCriticalExtension => "it has a critical extension that is not known",
        Status::EncodingError => "it is not written by the rules: an extension cannot be read",
        Status::MissingTrustAnchorName => "the trust anchor has no name",
        Status::ProcessingLimitExceeded => "its policies are too many",
        _ => "it breaks a rule of RFC 5280 section 6.1",
    }
}
