//! One chain by RFC 5280 §6.1, through the crate `certval`.

use std::time::{SystemTime, UNIX_EPOCH};

use certval::{
    CertificationPath, CertificationPathResults, CertificationPathSettings, Error, ExtensionProcessing,
    PDVExtension, PathValidationStatus, PkiEnvironment, TimeOfInterest, check_critical_extensions,
    check_extended_key_usage, enforce_trust_anchor_constraints, validate_path_rfc5280, verify_signatures,
};
use der::asn1::BitString;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::failure::{Failure, Rule};
use super::link::{Anchor, Ca};
use crate::pki::asn1::oid;
use crate::pki::certificate::Certificate;

/// Judges a chain that begins with the leaf. Its signatures are verified already: each link's with the key of the next,
/// the last's with that of the anchor.
pub(super) fn chain(chain: &[&Ca<'_>], anchor: &Anchor<'_>, now: SystemTime) -> Result<(), Failure> {
    let Some((leaf, cas)) = chain.split_first() else { return Err(Failure::Unreadable) };
    may_sign_certificates(anchor.certificate)?;
    for ca in cas {
        may_sign_certificates(ca.certificate)?;
    }
    let links = chain.iter().map(|link| link.certificate);
    links.clone().try_for_each(has_each_extension_once)?;

    // From the anchor downwards, as the standard counts.
    let intermediates: Vec<_> = cas.iter().rev().map(|ca| ca.decoded.clone()).collect();
    let path = CertificationPath::new(anchor.decoded.clone(), intermediates, leaf.decoded.clone());
    let mut results = CertificationPathResults::new();
    standard(&path, now, &mut results).map_err(|error| {
        let downwards: Vec<&Certificate> = [anchor.certificate].into_iter().chain(links.rev()).collect();
        let at = results.get_failure_index().and_then(|index| downwards.get(usize::try_from(index).ok()?));
        let broken = Rule::of(status(error));
        match demanding_policies(chain).filter(|_| broken == Rule::PolicyDemanded) {
            Some(demanding) => broken.broken_by(demanding),
            None => rule(at.copied().unwrap_or(leaf.certificate), broken),
        }
    })
}

fn standard(
    path: &CertificationPath,
    now: SystemTime,
    results: &mut CertificationPathResults,
) -> Result<(), Error> {
    let mut environment = PkiEnvironment::new();
    environment.add_verify_signature_message_callback(verified_before);

    let mut settings = CertificationPathSettings::new();
    settings.set_time_of_interest(time(now)?);
    // The anchor is the one that this path was built to.
    settings.set_require_ta_store(false);
    settings.set_enforce_trust_anchor_constraints(true);
    let settings = enforce_trust_anchor_constraints(&settings, &path.trust_anchor)?;

    match validate_path_rfc5280(&environment, &settings, path, results) {
        // certval also refuses a CA without a key usage, which §6.1.4 (n) does not, and stops there. That each key
        // usage that is there allows it was seen before: what is left of the checks follows.
        Err(Error::PathValidation(PathValidationStatus::InvalidKeyUsage)) => {
            check_extended_key_usage(&environment, &settings, path, results)?;
            check_critical_extensions(&environment, &settings, path, results)?;
            verify_signatures(&environment, &settings, path, results)
        }
        judged => judged,
    }
}

fn time(now: SystemTime) -> Result<TimeOfInterest, Error> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // Zero would switch the check off.
    TimeOfInterest::from_unix_secs(seconds.max(1)).map_err(Error::from)
}

const fn status(error: Error) -> PathValidationStatus {
    match error {
        Error::PathValidation(status) => status,
        _ => PathValidationStatus::EncodingError,
    }
}

fn rule(certificate: &Certificate, rule: Rule) -> Failure {
    match rule {
        Rule::ExtensionUnknown => rule.broken_with(certificate, certificate.unknown_critical_extensions()),
        _ => rule.broken_by(certificate),
    }
}

/// The uppermost certificate that demands an explicit policy (RFC 5280 §4.2.1.11).
fn demanding_policies<'a>(chain: &[&Ca<'a>]) -> Option<&'a Certificate> {
    let demands = |link: &&&Ca<'_>| {
        let constraints = link.decoded.get_extension(&oid::POLICY_CONSTRAINTS);
        matches!(constraints, Ok(Some(PDVExtension::PolicyConstraints(constraints)))
            if constraints.require_explicit_policy.is_some())
    };
    chain.iter().rev().find(demands).map(|link| link.certificate)
}

/// What holds for anchors as for the CAs below: they may sign certificates (RFC 5280 §4.2.1.3), for this purpose
/// (§4.2.1.12, as it is read for CAs), and nothing critical in them is unknown. certval examines no usages of an anchor,
/// and takes anyExtendedKeyUsage of a CA for nothing.
fn may_sign_certificates(ca: &Certificate) -> Result<(), Failure> {
    if ca.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(Rule::UsageNotCertificates.broken_by(ca));
    }
    if !ca.may_be_a_ca() {
        return Err(Rule::NotCa.broken_by(ca));
    }
    if !ca.allows_client_auth() {
        return Err(Rule::PurposeNotClient.broken_by(ca));
    }
    if !ca.unknown_critical_extensions().is_empty() {
        return Err(rule(ca, Rule::ExtensionUnknown));
    }
    Ok(())
}

/// certval looks only at critical ones.
fn has_each_extension_once(certificate: &Certificate) -> Result<(), Failure> {
    let repeated = certificate.repeated_extensions();
    if repeated.is_empty() {
        return Ok(());
    }
    Err(Rule::ExtensionRepeated.broken_with(certificate, &repeated))
}

/// Signatures were verified when the chain was put together, over the certificates as they came; what certval sees was
/// written anew.
fn verified_before(
    _: &PkiEnvironment,
    _message: &[u8],
    _signature: &BitString,
    _algorithm: &AlgorithmIdentifierOwned,
    _key: &SubjectPublicKeyInfoOwned,
) -> certval::Result<()> {
    Ok(())
}
