//! Chains with and without their intermediate, in any order, and those that must not pass.

use std::time::Duration;

use super::*;
use crate::pki::Response;
use crate::pki::openssl::{LEAF, OpenSsl, SUBJECT};

struct Pki {
    openssl: OpenSsl,
    root: Certificate,
    sub: Certificate,
    leaf: Certificate,
    now: SystemTime,
}

fn pki(kind: &str) -> Pki {
    let openssl = OpenSsl::new();
    let root = openssl.ca("root");
    openssl.key("sub", kind);
    let sub = openssl.issue("sub", "root", "/CN=sub", "basicConstraints=critical,CA:TRUE\n", "-days 3000");
    openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "sub");
    let now = leaf.not_before() + Duration::from_secs(60);
    Pki { openssl, root, sub, leaf, now }
}

#[track_caller]
fn untrusted(result: Result<()>) -> String {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.step()), (Code::ChainUntrusted, Some(Step::CheckCertificate)));
    error.facts().find(|(fact, _)| *fact == Fact::Detail).unwrap().1.to_owned()
}

#[test]
fn a_chain_in_any_order_passes() {
    for kind in ["P-256", "P-384", "rsa"] {
        let Pki { root, sub, leaf, now, .. } = pki(kind);
        for answer in [
            vec![leaf.clone(), sub.clone(), root.clone()],
            vec![root.clone(), sub.clone(), leaf.clone()],
            vec![sub.clone()],
        ] {
            check_chain(&leaf, &answer, &[root.der()], now).unwrap();
        }
        check_chain(&leaf, &[], &[sub.der()], now).unwrap();
        check_chain(&leaf, std::slice::from_ref(&sub), &[leaf.der(), root.der()], now).unwrap();
    }
}

#[test]
fn without_the_intermediate_or_the_right_anchor_it_fails() {
    let Pki { openssl, root, sub, leaf, now } = pki("P-256");
    assert_eq!(untrusted(check_chain(&leaf, &[], &[root.der()], now)), "UnknownIssuer");
    // Another CA of the same name has not signed it.
    let impostor = openssl.ca("root");
    assert_ne!(impostor.public_key(), root.public_key());
    let detail = untrusted(check_chain(&leaf, std::slice::from_ref(&sub), &[impostor.der()], now));
    assert!(detail.contains("InvalidSignature") || detail.contains("UnknownIssuer"), "{detail}");
}

#[test]
fn outside_its_validity_it_fails() {
    let Pki { root, sub, leaf, .. } = pki("P-256");
    let answer = [sub];
    let late = leaf.not_after() + Duration::from_secs(1);
    assert!(untrusted(check_chain(&leaf, &answer, &[root.der()], late)).starts_with("CertExpired"));
    let early = leaf.not_before() - Duration::from_secs(1);
    assert!(untrusted(check_chain(&leaf, &answer, &[root.der()], early)).starts_with("CertNotValidYet"));
}

#[test]
fn for_another_purpose_it_fails() {
    let Pki { openssl, root, sub, now, .. } = pki("P-256");
    let leaf = openssl.issue("leaf", "sub", SUBJECT, &LEAF.replace("clientAuth", "serverAuth"), "-days 365");
    let later = now + Duration::from_secs(60);
    let detail = untrusted(check_chain(&leaf, &[sub], &[root.der()], later));
    assert!(detail.contains("RequiredEku"), "{detail}");
}

#[test]
fn a_certificate_that_was_changed_fails() {
    let Pki { root, sub, leaf, now, .. } = pki("P-256");
    let mut der = leaf.der().to_vec();
    let at = der.windows(4).position(|bytes| bytes == b"TARO").unwrap();
    der[at] = b'J';
    let answer = Response::parse(&der).unwrap();
    let detail = untrusted(check_chain(&answer.certificates()[0], &[sub], &[root.der()], now));
    assert!(detail.contains("InvalidSignature") || detail.contains("UnknownIssuer"), "{detail}");
}

#[test]
fn an_intermediate_that_is_no_ca_fails() {
    let Pki { openssl, root, leaf, now, .. } = pki("P-256");
    let sub = openssl.issue("sub", "root", "/CN=sub", "basicConstraints=critical,CA:FALSE\n", "-days 3000");
    let detail = untrusted(check_chain(&leaf, &[sub], &[root.der()], now + Duration::from_secs(60)));
    assert!(detail.contains("EndEntityUsedAsCa") || detail.contains("UnknownIssuer"), "{detail}");
}

#[test]
fn anchors_must_be_there_and_be_certificates() {
    let Pki { leaf, now, .. } = pki("P-256");
    let none: [&[u8]; 0] = [];
    assert_eq!(check_chain(&leaf, &[], &none, now).unwrap_err().code(), Code::BadArgument);
    let bad = check_chain(&leaf, &[], &[b"garbage"], now).unwrap_err();
    assert_eq!(bad.code(), Code::CertificateUnreadable);
}
