//! Keys as openssl makes them and as tokens report them.

use der::Encode;
use der::asn1::OctetStringRef;
use spki::AlgorithmIdentifierRef;

use super::*;
use crate::pki::openssl::OpenSsl;

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code()
}

/// The curve's parameters and the bare point of an EC key.
fn ec_parts(spki: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let info = SubjectPublicKeyInfoRef::from_der(spki).unwrap();
    let params = info.algorithm.parameters.unwrap().to_der().unwrap();
    (params, info.subject_public_key.as_bytes().unwrap().to_vec())
}

fn octets(point: &[u8]) -> Vec<u8> {
    OctetStringRef::new(point).unwrap().to_der().unwrap()
}

#[test]
fn an_rsa_key_from_a_token_is_the_one_in_the_certificate() {
    let openssl = OpenSsl::new();
    let key = openssl.key("k", "rsa");
    let said = openssl.run("rsa -in k.key -modulus -noout");
    let digits = said.lines().find_map(|line| line.strip_prefix("Modulus=")).unwrap();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let modulus: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    assert_eq!(PublicKey::from_rsa(&modulus, &[1, 0, 1]).unwrap(), key);
    assert_eq!(PublicKey::from_rsa(&[&[0, 0], &modulus[..]].concat(), &[0, 1, 0, 1]).unwrap(), key);
    assert_eq!(key.spki_der(), openssl.spki("k"));
    assert_eq!(key.algorithm(), KeyAlgorithm::Rsa { bits: 2048 });

    assert_eq!(code(PublicKey::from_rsa(&modulus[..255], &[2])), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_rsa(&modulus[..100], &[1, 0, 1])), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_rsa(&[], &[1, 0, 1])), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_rsa(&modulus, &[])), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_rsa(&[0xff; 100_000], &[1, 0, 1])), Code::PublicKeyInvalid);
}

#[test]
fn an_rsa_key_without_null_is_the_same_key() {
    let openssl = OpenSsl::new();
    let key = openssl.key("k", "rsa");
    let mut other = SubjectPublicKeyInfoRef::from_der(key.spki_der()).unwrap();
    other.algorithm = AlgorithmIdentifierRef { oid: oid::RSA_ENCRYPTION, parameters: None };
    let other = other.to_der().unwrap();
    assert_ne!(other, key.spki_der());
    assert_eq!(PublicKey::from_spki_der(&other).unwrap(), key);
}

#[test]
fn an_ec_point_comes_in_many_forms() {
    let openssl = OpenSsl::new();
    for curve in ["P-256", "P-384"] {
        let key = openssl.key("k", curve);
        let (params, point) = ec_parts(&openssl.spki("k"));
        let bits = BitStringRef::from_bytes(&point).unwrap().to_der().unwrap();
        let half = (point.len() - 1) / 2;
        let compressed = [&[2 + (point[2 * half] & 1)], &point[1..=half]].concat();
        let twice = octets(&octets(&point));
        let hybrid = [&[6 + (point[2 * half] & 1)], &point[1..]].concat();
        let hybrid_bits = BitStringRef::from_bytes(&hybrid).unwrap().to_der().unwrap();
        let alone = point[1..].to_vec();
        let plain = [point.clone(), octets(&point), bits, octets(&compressed), compressed, twice];
        let more = [octets(&hybrid), hybrid, hybrid_bits, octets(&alone), alone, openssl.spki("k")];
        for form in plain.into_iter().chain(more) {
            assert_eq!(PublicKey::from_ec(&params, &form).unwrap(), key, "{curve}");
        }
        assert_eq!(key.algorithm().to_string(), curve);
        assert_eq!(key.spki_der(), openssl.spki("k"));
    }
}

#[test]
fn a_point_that_is_no_point_is_refused() {
    let openssl = OpenSsl::new();
    openssl.key("k", "P-256");
    let (params, point) = ec_parts(&openssl.spki("k"));
    let mut off_curve = point.clone();
    off_curve[64] ^= 1;
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let mut not_on_curve = compressed.clone();
    while PublicKey::from_ec(&params, &not_on_curve).is_ok() {
        not_on_curve[32] = not_on_curve[32].wrapping_add(1);
    }
    let wrong_hybrid = [&[6 + (1 ^ point[64] & 1)], &point[1..]].concat();
    for bad in [&off_curve[..], &not_on_curve, &compressed[..32], &point[..64], &wrong_hybrid, &[], &[0]] {
        assert_eq!(code(PublicKey::from_ec(&params, bad)), Code::PublicKeyInvalid, "{bad:02x?}");
    }
    assert_eq!(code(PublicKey::from_ec(&oid::P384.to_der().unwrap(), &point)), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_ec(&[6, 5, 0x2b, 0x81, 4, 0, 0x23], &point)), Code::PublicKeyInvalid);
    assert_eq!(code(PublicKey::from_ec(&[], &point)), Code::PublicKeyInvalid);
}

#[test]
fn other_keys_are_carried_along() {
    let openssl = OpenSsl::new();
    let named = |algorithm: &str| {
        openssl.run(&format!("genpkey -out k.key {algorithm}"));
        PublicKey::from_spki_der(&openssl.spki("k")).unwrap().algorithm().to_string()
    };
    assert_eq!(named("-algorithm ED25519"), "Ed25519");
    assert_eq!(named("-algorithm ED448"), "Ed448");
    for curve in ["P-224", "P-521", "secp256k1", "brainpoolP384r1"] {
        assert_eq!(named(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}")), curve);
    }
    assert_eq!(named("-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"), "RSA-PSS 2048");
    assert_eq!(named("-algorithm RSA -pkeyopt rsa_keygen_bits:1025"), "RSA 1025");
    // DSA-2048 has p of 2048 bits and q of 224.
    openssl.run("genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.params");
    assert_eq!(named("-paramfile dsa.params"), "DSA 1024");
}

#[test]
fn an_rsa_key_that_is_too_short_is_carried_along_by_its_name() {
    let openssl = OpenSsl::new();
    openssl.run("req -x509 -newkey rsa:512 -nodes -keyout k.key -subj /CN=x -out k.pem");
    assert_eq!(openssl.certificate("k").public_key().algorithm().to_string(), "RSA 512");
}

#[test]
fn signatures_of_openssl_verify() {
    let openssl = OpenSsl::new();
    for (kind, algorithm) in [
        ("rsa", SignatureAlgorithm::RsaPkcs1Sha256),
        ("P-256", SignatureAlgorithm::EcdsaSha256),
        ("P-384", SignatureAlgorithm::EcdsaSha384),
    ] {
        let key = openssl.key("k", kind);
        let mut signature = openssl.sign("k", algorithm, b"message");
        key.verify(algorithm, b"message", &signature).unwrap();
        assert_eq!(code(key.verify(algorithm, b"messagE", &signature)), Code::SignatureInvalid);
        assert_eq!(code(key.verify(algorithm, b"message", &[])), Code::SignatureInvalid);
        let other = openssl.key("other", kind);
        assert_eq!(code(other.verify(algorithm, b"message", &signature)), Code::SignatureInvalid);
        *signature.last_mut().unwrap() ^= 1;
        assert_eq!(code(key.verify(algorithm, b"message", &signature)), Code::SignatureInvalid);
    }
}

#[test]
fn an_algorithm_for_another_key_is_refused() {
    let openssl = OpenSsl::new();
    let key = openssl.key("k", "P-256");
    let signature = openssl.sign("k", SignatureAlgorithm::EcdsaSha256, b"message");
    assert_eq!(
        code(key.verify(SignatureAlgorithm::EcdsaSha384, b"message", &signature)),
        Code::SignatureInvalid
    );
    assert_eq!(
        code(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, b"message", &signature)),
        Code::SignatureInvalid
    );
}

#[test]
fn the_key_identifier_is_the_one_in_certificates() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    for kind in ["rsa", "P-384"] {
        let key = openssl.key("leaf", kind);
        let certificate = openssl.leaf("leaf", "ca");
        let identifier = [&[4, 20], &key.key_id()[..]].concat();
        assert!(certificate.der().windows(22).any(|bytes| bytes == identifier));
        assert_eq!(certificate.public_key(), &key);
    }
}
