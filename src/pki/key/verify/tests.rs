//! Signatures that openssl made, in all the forms that CAs use; and the same, spoilt.

use der::Decode;
use der::asn1::AnyRef;

use super::*;
use crate::pki::openssl::OpenSsl;

/// Makes a self-signed certificate with this key and these options; gives key, algorithm, message and signature.
fn verified(openssl: &OpenSsl, options: &str) -> Result<(), Unverified> {
    openssl.run(&format!("req -x509 -new -key k.key -subj /CN=x -days 30 -out k.pem {options}"));
    let certificate = openssl.certificate("k");
    let signed = certificate.signed().expect("a signature");
    let key = certificate.public_key().spki_der();
    let key = SubjectPublicKeyInfoRef::from_der(key).expect("a key");
    let result = verify(&key, &signed.algorithm, signed.message, signed.signature);
    if result.is_ok() {
        let mut changed = signed.message.to_vec();
        changed[20] ^= 1;
        assert_eq!(verify(&key, &signed.algorithm, &changed, signed.signature), Err(Unverified::Invalid));
        for at in [0, signed.signature.len() / 2, signed.signature.len() - 1] {
            let mut changed = signed.signature.to_vec();
            changed[at] ^= 1;
            assert_eq!(verify(&key, &signed.algorithm, signed.message, &changed), Err(Unverified::Invalid));
        }
    }
    result
}

fn key(openssl: &OpenSsl, algorithm: &str) {
    openssl.run(&format!("genpkey -out k.key -algorithm {algorithm}"));
}

#[test]
fn rsa_with_every_hash_and_salt() {
    let openssl = OpenSsl::new();
    key(&openssl, "RSA -pkeyopt rsa_keygen_bits:2048");
    for hash in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
        assert_eq!(verified(&openssl, &format!("-{hash}")), Ok(()), "{hash}");
        for salt in ["0", "20", "-1", "-2"] {
            let options = format!("-{hash} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt}");
            assert_eq!(verified(&openssl, &options), Ok(()), "{hash}, salt {salt}");
        }
    }
    assert_eq!(verified(&openssl, "-md5"), Err(Unverified::Unsupported("md5WithRSAEncryption".to_owned())));
}

#[test]
fn a_mask_of_another_hash() {
    let openssl = OpenSsl::new();
    for bits in [1024, 2047, 2048, 2049] {
        key(&openssl, &format!("RSA -pkeyopt rsa_keygen_bits:{bits}"));
        for (hash, mask, salt) in [
            ("sha256", "sha1", "20"),
            ("sha256", "sha1", "-1"),
            ("sha1", "sha256", "0"),
            ("sha384", "sha256", "-2"),
        ] {
            let options = format!(
                "-{hash} -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:{mask} -sigopt rsa_pss_saltlen:{salt}"
            );
            assert_eq!(verified(&openssl, &options), Ok(()), "{bits}, {options}");
        }
    }
}

#[test]
fn rsa_of_other_sizes() {
    let openssl = OpenSsl::new();
    for bits in [1024, 2047, 4096] {
        key(&openssl, &format!("RSA -pkeyopt rsa_keygen_bits:{bits}"));
        assert_eq!(verified(&openssl, "-sha256"), Ok(()), "{bits}");
        assert_eq!(
            verified(&openssl, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-2"),
            Ok(())
        );
    }
    key(&openssl, "RSA -pkeyopt rsa_keygen_bits:768");
    assert_eq!(verified(&openssl, "-sha256"), Err(Unverified::Unsupported("RSA 768".to_owned())));
}

#[test]
fn keys_for_pss_only() {
    let openssl = OpenSsl::new();
    key(&openssl, "RSA-PSS -pkeyopt rsa_keygen_bits:2048");
    assert_eq!(verified(&openssl, "-sha384"), Ok(()));
    key(
        &openssl,
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
         -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:40",
    );
    assert_eq!(verified(&openssl, "-sha256 -sigopt rsa_pss_saltlen:50"), Ok(()));
}

#[test]
fn curves_with_every_hash() {
    let openssl = OpenSsl::new();
    for curve in ["P-256", "P-384", "P-521"] {
        key(&openssl, &format!("EC -pkeyopt ec_paramgen_curve:{curve}"));
        for hash in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
            assert_eq!(verified(&openssl, &format!("-{hash}")), Ok(()), "{curve} {hash}");
        }
    }
    key(&openssl, "ED25519");
    assert_eq!(verified(&openssl, ""), Ok(()));
}

#[test]
fn what_is_not_known_is_named() {
    let openssl = OpenSsl::new();
    for (algorithm, name) in [
        ("EC -pkeyopt ec_paramgen_curve:secp256k1", "ecdsa-with-SHA256 (secp256k1)"),
        ("EC -pkeyopt ec_paramgen_curve:P-224", "ecdsa-with-SHA256 (P-224)"),
        ("EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", "ecdsa-with-SHA256 (brainpoolP256r1)"),
        ("ED448", "Ed448"),
    ] {
        key(&openssl, algorithm);
        assert_eq!(verified(&openssl, ""), Err(Unverified::Unsupported(name.to_owned())));
    }
}

#[test]
fn the_algorithm_of_another_kind_of_key_is_no_signature() {
    let openssl = OpenSsl::new();
    let (rsa, ec) = (openssl.key("rsa", "rsa"), openssl.key("ec", "P-256"));
    let ecdsa = AlgorithmIdentifierRef { oid: oid::ECDSA_WITH_SHA256, parameters: None };
    let pkcs1 = AlgorithmIdentifierRef { oid: oid::SHA256_WITH_RSA, parameters: Some(AnyRef::NULL) };
    assert_eq!(
        rsa.verify_by(&AlgorithmIdentifierRef { oid: oid::ED25519, parameters: None }, b"", &[0; 64]),
        Err(Unverified::Invalid)
    );
    assert_eq!(ec.verify_by(&pkcs1, b"", &[0; 256]), Err(Unverified::Invalid));
    assert!(rsa.verify_by(&ecdsa, b"", &[0; 64]).is_err());
}
