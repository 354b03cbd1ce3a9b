//! Requests as openssl judges them.

use super::*;
use crate::pki::KeyKind;
use crate::pki::asn1::tlv;
use crate::pki::openssl::{LEAF, OpenSsl, SUBJECT};

fn signed(openssl: &OpenSsl, info: &RequestInfo, name: &str, kind: KeyKind) -> Request {
    let algorithm = SignatureAlgorithm::for_key(&kind.algorithm()).unwrap();
    let signature = openssl.sign(name, algorithm, info.to_be_signed());
    info.assemble(algorithm, &signature).unwrap()
}

fn for_renewal(old: &Certificate, key: &PublicKey) -> RequestInfo {
    RequestDraft::for_renewal(old, &key.algorithm()).unwrap().with_key(key).unwrap()
}

fn first(subject: &Name, key: &PublicKey) -> RequestInfo {
    RequestDraft::first(subject).unwrap().with_key(key).unwrap()
}

fn verified_text(openssl: &OpenSsl, request: &Request) -> String {
    openssl.write("request.pem", request.to_pem());
    let said = openssl.run("req -verify -in request.pem -noout -text");
    assert!(said.contains("verify OK"), "{said}");
    said
}

#[test]
fn every_kind_of_key_makes_a_request_that_verifies() {
    let openssl = OpenSsl::new();
    let subject: Name = "CN=山田 太郎,OU=b,OU=a,O=(9936)NTT DATA CORPORATION".parse().unwrap();
    for (kind, name) in [(KeyKind::Rsa2048, "rsa"), (KeyKind::P256, "P-256"), (KeyKind::P384, "P-384")] {
        let key = openssl.key("k", name);
        assert_eq!(key.algorithm(), kind.algorithm());
        let request = signed(&openssl, &first(&subject, &key), "k", kind);
        let said = verified_text(&openssl, &request);
        assert!(
            said.contains("TLS Web Client Authentication") && said.contains("Digital Signature"),
            "{said}"
        );
        assert_eq!(Request::read(request.to_der()).unwrap(), request);
        assert_eq!((request.public_key(), request.subject()), (&key, &subject));
    }
}

#[test]
fn a_renewal_copies_the_subject_byte_for_byte() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    let new = openssl.key("new", "rsa");
    openssl.key("old", "rsa");
    // openssl writes the same subject in different string types; each is copied as it is.
    for types in ["nombstr", "pkix", "utf8only"] {
        openssl.write("types.cnf", format!("[req]\nstring_mask={types}\ndistinguished_name=dn\n[dn]\n"));
        openssl.run_with(&[
            "req",
            "-new",
            "-config",
            "types.cnf",
            "-key",
            "old.key",
            "-out",
            "old.csr",
            "-subj",
            SUBJECT,
        ]);
        openssl.write("extensions", LEAF);
        openssl.run("x509 -req -in old.csr -CA ca.pem -CAkey ca.key -out old.pem -extfile extensions");
        let old = openssl.certificate("old");
        let request = signed(&openssl, &for_renewal(&old, &new), "new", KeyKind::Rsa2048);
        assert_eq!(request.subject().der(), old.subject().der());
        let said = verified_text(&openssl, &request);
        assert!(said.contains("email:taro@example.co.jp"), "{said}");
        assert!(said.contains("Digital Signature, Key Encipherment"), "{said}");
        assert_eq!(said.matches("X509v3").count(), 3, "{said}");
    }
}

#[test]
fn teletex_and_unsorted_names_are_not_repaired() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("old", "P-256");
    let old = openssl.leaf("old", "ca");
    // The same certificate with a common name in TeletexString and bytes that are no T.61.
    let mut der = old.der().to_vec();
    let at = der.windows(16).position(|bytes| bytes == b"TARO YAMADA 0001").unwrap();
    der[at - 2] = tlv::TELETEX_STRING;
    der[at] = 0xff;
    let old = Certificate::from_der(&der).unwrap();
    let request = signed(&openssl, &for_renewal(&old, old.public_key()), "old", KeyKind::P256);
    assert_eq!(request.subject().der(), old.subject().der());
    assert!(request.to_der().windows(3).any(|bytes| bytes == [tlv::TELETEX_STRING, 16, 0xff]));
}

#[test]
fn what_the_old_certificate_lacks_is_asked_for() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    let key = openssl.key("old", "P-256");
    let old =
        openssl.issue("old", "ca", SUBJECT, "keyUsage=keyEncipherment\nextendedKeyUsage=serverAuth", "");
    let said = verified_text(&openssl, &signed(&openssl, &for_renewal(&old, &key), "old", KeyKind::P256));
    assert!(said.contains("Digital Signature\n") && said.contains("TLS Web Client Authentication"), "{said}");
    assert!(!said.contains("Encipherment") && !said.contains("Alternative"), "{said}");

    let old = openssl.issue("old", "ca", SUBJECT, "extendedKeyUsage=emailProtection,clientAuth", "");
    let said = verified_text(&openssl, &signed(&openssl, &for_renewal(&old, &key), "old", KeyKind::P256));
    assert!(said.contains("E-mail Protection, TLS Web Client Authentication"), "{said}");
    assert!(said.contains("Digital Signature\n"), "{said}");
}

#[test]
fn what_is_no_request_is_refused() {
    let openssl = OpenSsl::new();
    let certificate = openssl.ca("ca");
    assert!(Request::read(certificate.der()).is_err());
    for bytes in [&b""[..], b"x", b"\x30\x00"] {
        assert!(Request::read(bytes).is_err());
    }
}
