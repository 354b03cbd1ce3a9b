//! Renewal requests as openssl judges them.

use super::*;
use crate::pki::openssl::OpenSsl;
use crate::pki::request::pkcs10::RequestInfo;
use crate::pki::{PublicKey, RequestDraft};

fn draft(draft: Result<RequestDraft>, key: &PublicKey) -> RequestInfo {
    draft.unwrap().with_key(key).unwrap()
}

fn new_request(openssl: &OpenSsl, info: &RequestInfo) -> Request {
    let signature = openssl.sign("new", SignatureAlgorithm::EcdsaSha256, info.to_be_signed());
    info.assemble(SignatureAlgorithm::EcdsaSha256, &signature).unwrap()
}

fn prepared(kind: &str) -> (OpenSsl, Certificate, PublicKey) {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("old", kind);
    let old = openssl.leaf("old", "ca");
    let new = openssl.key("new", "P-256");
    (openssl, old, new)
}

#[test]
fn the_message_and_the_request_inside_verify() {
    for kind in ["rsa", "P-256", "P-384"] {
        let (openssl, old, new) = prepared(kind);
        let request =
            new_request(&openssl, &draft(RequestDraft::for_renewal_by_old_key(&old, &new.algorithm()), &new));
        let info = RenewalInfo::new(request.clone(), &old).unwrap();
        let signature = openssl.sign("old", info.algorithm(), info.to_be_signed());
        let renewal = info.assemble(&signature).unwrap();

        openssl.write("renewal.der", renewal.to_der());
        let said = openssl
            .run("cms -verify -noverify -inform DER -in renewal.der -out inner.der -signer signer.pem");
        assert!(said.to_lowercase().contains("verification successful"), "{said}");
        assert_eq!(openssl.read("inner.der"), request.to_der());
        assert_eq!(openssl.certificate("signer"), old);
        let said = openssl.run("req -verify -inform DER -in inner.der -noout -text");
        assert!(said.contains("verify OK") & said.contains("1.3.6.1.4.1.311.13.1"), "{said}");
        assert!(said.contains("TLS Web Client Authentication"), "{said}");

        openssl.write("renewal.pem", renewal.to_pem());
        openssl.run("cms -verify -inform PEM -in renewal.pem -CAfile ca.pem -purpose any -out inner.der");
        openssl.run("pkcs7 -in renewal.pem -print_certs -noout");
    }
}

#[test]
fn a_request_without_the_old_certificate_is_refused() {
    let (openssl, old, new) = prepared("P-256");
    let request = new_request(&openssl, &draft(RequestDraft::for_renewal(&old, &new.algorithm()), &new));
    assert_eq!(RenewalInfo::new(request, &old).unwrap_err().code(), Code::BadArgument);
}

#[test]
fn an_old_key_of_another_kind_is_refused() {
    let (openssl, old, new) = prepared("ed25519");
    let request =
        new_request(&openssl, &draft(RequestDraft::for_renewal_by_old_key(&old, &new.algorithm()), &new));
    assert_eq!(RenewalInfo::new(request, &old).unwrap_err().code(), Code::BadArgument);
}
