//! Keys are compared, not names; openssl issues.

use base16ct::lower::encode_string as hex;

use super::*;
use crate::pki::openssl::{LEAF, OpenSsl, SUBJECT};

const NAMING: &str = "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\nauthorityKeyIdentifier=keyid\n";

struct Case {
    openssl: OpenSsl,
    ca: Certificate,
    old: Certificate,
}

fn case() -> Case {
    let openssl = OpenSsl::new();
    let ca = openssl.ca("ca");
    for key in ["old", "new"] {
        openssl.key(key, "P-256");
    }
    let old = openssl.issue("old", "ca", SUBJECT, LEAF, "-days 11");
    Case { openssl, ca, old }
}

impl Case {
    fn issue(&self, by: &str, extensions: &str) -> Certificate {
        self.openssl.issue("new", by, SUBJECT, extensions, "-days 365")
    }

    fn told(&self, new: &Certificate, at_hand: &[&Certificate]) -> IssuerContinuity {
        issuer_continuity(new, Some(&self.old), at_hand.iter().copied()).unwrap()
    }
}

#[test]
fn one_key_for_both_is_the_same_issuer() {
    let case = case();
    let other = case.openssl.ca("other");
    let new = case.issue("ca", LEAF);
    assert_eq!(case.told(&new, &[&other, &case.ca]), IssuerContinuity::SameIssuer);
    // Without the CA's certificate nothing is known, whatever the names say.
    assert_eq!(case.told(&new, &[&other, &new, &case.old]), IssuerContinuity::NotChecked);
    let first = issuer_continuity(&new, None, [&case.ca]).unwrap();
    assert_eq!(first, IssuerContinuity::NotChecked);
    let named = case.issue("ca", NAMING);
    assert_eq!(case.told(&named, &[&case.ca]), IssuerContinuity::SameIssuer);
}

#[test]
fn rsa_and_p384_are_compared_too() {
    for kind in ["rsa", "P-384"] {
        let case = case();
        case.openssl.key("big", kind);
        case.openssl.run("req -x509 -new -key big.key -out big.pem -days 99 -subj /CN=big");
        let ca = case.openssl.certificate("big");
        let old = case.openssl.issue("old", "big", SUBJECT, LEAF, "-days 11 -sha256");
        let new = case.issue("big", LEAF);
        assert_eq!(issuer_continuity(&new, Some(&old), [&ca]).unwrap(), IssuerContinuity::SameIssuer);
    }
}

#[test]
fn another_name_with_another_key_is_another_issuer() {
    let case = case();
    let other = case.openssl.ca("other");
    let new = case.issue("other", LEAF);
    for at_hand in [&[][..], &[&case.ca], &[&case.ca, &other]] {
        assert_eq!(case.told(&new, at_hand), IssuerContinuity::AnotherIssuer);
    }
}

/// A CA may have a new key under its old name. Only where the new one names a key that is at hand, and that did not
/// sign it, something is wrong.
#[test]
fn the_old_name_with_a_new_key_is_not_checked_unless_it_names_a_key_that_did_not_sign() {
    let case = case();
    case.openssl.key("again", "P-256");
    let words = ["req", "-x509", "-new", "-key", "again.key", "-out", "again.pem", "-days", "99"];
    case.openssl.run_with(&[&words[..], &["-subj", "/C=JP/O=Test CA/CN=ca"]].concat());
    let again = case.openssl.certificate("again");
    assert!(again.subject().matches(case.ca.subject()));
    let new = case.issue("again", NAMING);
    for at_hand in [&[&case.ca][..], &[&again], &[&case.ca, &again]] {
        assert_eq!(case.told(&new, at_hand), IssuerContinuity::NotChecked);
    }

    // The identifier of the CA's key over a signature by another key of that name.
    let key_id = hex(case.ca.subject_key_id().unwrap());
    let forged = case.issue("again", &format!("2.5.29.35=DER:30168014{key_id}\n"));
    assert_eq!(forged.authority_key_id(), case.ca.subject_key_id());
    let error = issuer_continuity(&forged, Some(&case.old), [&case.ca]).unwrap_err();
    assert_eq!(error.code(), Code::IssuerSignatureInvalid);
    let error = issuer_continuity(&forged, None, [&again, &case.ca]).unwrap_err();
    assert_eq!(error.code(), Code::IssuerSignatureInvalid);
    // Not at hand: not known.
    assert_eq!(case.told(&forged, &[&again]), IssuerContinuity::NotChecked);
}

#[test]
fn names_are_stable() {
    let names: Vec<String> = IssuerContinuity::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["verified_by_anchor", "same_issuer", "not_checked", "another_issuer"]);
}
