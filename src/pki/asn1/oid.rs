//! Object identifiers, as the encoded OBJECT IDENTIFIER contents that stand in the certificate or message.

use der::asn1::ObjectIdentifier;

pub(in crate::pki) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(in crate::pki) const SHA256_WITH_RSA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
pub(in crate::pki) const SHA1_WITH_RSA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
pub(in crate::pki) const SHA224_WITH_RSA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14");
pub(in crate::pki) const SHA384_WITH_RSA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
pub(in crate::pki) const SHA512_WITH_RSA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
pub(in crate::pki) const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
pub(in crate::pki) const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
pub(in crate::pki) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(in crate::pki) const ECDSA_WITH_SHA256: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
pub(in crate::pki) const ECDSA_WITH_SHA384: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
pub(in crate::pki) const ECDSA_WITH_SHA1: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
pub(in crate::pki) const ECDSA_WITH_SHA224: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1");
pub(in crate::pki) const ECDSA_WITH_SHA512: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
pub(in crate::pki) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub(in crate::pki) const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
pub(in crate::pki) const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
pub(in crate::pki) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(in crate::pki) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(in crate::pki) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(in crate::pki) const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
pub(in crate::pki) const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
pub(in crate::pki) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(in crate::pki) const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");

pub(in crate::pki) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
pub(in crate::pki) const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub(in crate::pki) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(in crate::pki) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
pub(in crate::pki) const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
pub(in crate::pki) const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
pub(in crate::pki) const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");
pub(in crate::pki) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.35");
pub(in crate::pki) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.31");
/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
pub(in crate::pki) const OCSP_NO_CHECK: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
/// netscape-cert-type.
pub(in crate::pki) const NETSCAPE_CERT_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113730.1.1");
pub(in crate::pki) const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
pub(in crate::pki) const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
pub(in crate::pki) const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
pub(in crate::pki) const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.37.0");
pub(in crate::pki) const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// PKCS#9 extensionRequest (RFC 2985 §5.4.2).
pub(in crate::pki) const EXTENSION_REQUEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// szOID_RENEWAL_CERTIFICATE (MS-WCCE §2.2.2.7.3).
pub(in crate::pki) const RENEWAL_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.13.1");

pub(in crate::pki) const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(in crate::pki) const ID_SIGNED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(in crate::pki) const ID_ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
pub(in crate::pki) const ID_ENCRYPTED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
pub(in crate::pki) const ID_AUTH_ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");
pub(in crate::pki) const NETSCAPE_CERT_SEQUENCE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113730.2.5");
/// The authenticated attributes of SCEP (RFC 8894 §3.2.1).
pub(in crate::pki) const SCEP_MESSAGE_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.2");
pub(in crate::pki) const SCEP_PKI_STATUS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.3");
pub(in crate::pki) const SCEP_FAIL_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.4");
pub(in crate::pki) const CONTENT_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(in crate::pki) const MESSAGE_DIGEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-cct-PKIResponse (RFC 5272 §3.2.2).
pub(in crate::pki) const PKI_RESPONSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.12.3");
/// id-cmc-statusInfo (RFC 5272 §6.1.2).
pub(in crate::pki) const CMC_STATUS_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.1");
/// id-cmc-statusInfoV2 (RFC 5272 §6.1.1).
pub(in crate::pki) const CMC_STATUS_INFO_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.25");

/// The whole OBJECT IDENTIFIER element.
pub(in crate::pki) fn encode(oid: ObjectIdentifier) -> Vec<u8> {
    super::tlv::encode(super::tlv::OID, &[oid.as_bytes()])
}

/// The dotted form of the contents of an OBJECT IDENTIFIER, numbers as large as a UUID included (X.667 §6.3); in
/// hexadecimal, and cut, what is not a valid one.
pub(in crate::pki) fn dotted(contents: &[u8]) -> String {
    arcs(contents).unwrap_or_else(|| {
        let (shown, more) = contents.split_at(contents.len().min(LONGEST));
        base16ct::lower::encode_string(shown) + if more.is_empty() { "" } else { "…" }
    })
}

/// How many bytes of an identifier are examined: X.660 sets no limit, none in use comes near.
const LONGEST: usize = 64;

/// X.690 §8.19: base 128, the first two numbers in one.
fn arcs(contents: &[u8]) -> Option<String> {
    if contents.is_empty() || contents.len() > LONGEST || contents.last()? & 0x80 != 0 {
        return None;
    }
    let mut dotted = String::new();
    for arc in contents.split_inclusive(|byte| byte & 0x80 == 0) {
        if arc.first() == Some(&0x80) {
            return None;
        }
        let number = arc.iter().try_fold(0u128, |number, byte| {
            (number <= u128::MAX >> 7).then(|| number << 7 | u128::from(byte & 0x7f))
        })?;
        match (dotted.is_empty(), number) {
            (true, 0..40) => dotted = format!("0.{number}"),
            (true, 40..80) => dotted = format!("1.{}", number - 40),
            (true, _) => dotted = format!("2.{}", number - 80),
            (false, _) => dotted.push_str(&format!(".{number}")),
        }
    }
    Some(dotted)
}

/// The whole OBJECT IDENTIFIER element for a dotted form, numbers as large as a UUID included; `None` when it is none.
pub(in crate::pki) fn encode_dotted(text: &str) -> Option<Vec<u8>> {
    let is_number = |arc: &&str| {
        arc.bytes().all(|digit| digit.is_ascii_digit()) && (arc.len() == 1 || !arc.starts_with('0'))
    };
    let arcs: Option<Vec<u128>> =
        text.split('.').map(|arc| Some(arc).filter(is_number)?.parse::<u128>().ok()).collect();
    let arcs = arcs?;
    let (first, second, rest) = match arcs.as_slice() {
        [first @ (0 | 1), second @ 0..40, rest @ ..] => (first, second, rest),
        [first @ 2, second, rest @ ..] => (first, second, rest),
        _ => return None,
    };
    let head = (first * 40).checked_add(*second)?;
    let contents: Vec<u8> = std::iter::once(head).chain(rest.iter().copied()).flat_map(base_128).collect();
    // What is shown again is what was written.
    (dotted(&contents) == text).then(|| super::tlv::encode(super::tlv::OID, &[&contents]))
}

/// A number in groups of seven bits, each but the last marked (X.690 §8.19.2).
fn base_128(number: u128) -> Vec<u8> {
    let mut groups = vec![(number & 0x7f) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        groups.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    groups.reverse();
    groups
}

/// The names by which openssl and the standards know what keys, signatures and extensions are made of.
const NAMES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.10040.4.3", "dsa-with-SHA1"),
    ("2.16.840.1.101.3.4.3.1", "dsa-with-SHA224"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"),
    ("1.2.840.10045.2.1", "EC"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("2.16.840.1.101.3.4.3.3", "dsa-with-SHA384"),
    ("2.16.840.1.101.3.4.3.4", "dsa-with-SHA512"),
    ("2.16.840.1.101.3.4.3.9", "ecdsa-with-SHA3-224"),
    ("2.16.840.1.101.3.4.3.10", "ecdsa-with-SHA3-256"),
    ("2.16.840.1.101.3.4.3.11", "ecdsa-with-SHA3-384"),
    ("2.16.840.1.101.3.4.3.12", "ecdsa-with-SHA3-512"),
    ("2.16.840.1.101.3.4.3.13", "RSA-SHA3-224"),
    ("2.16.840.1.101.3.4.3.14", "RSA-SHA3-256"),
    ("2.16.840.1.101.3.4.3.15", "RSA-SHA3-384"),
    ("2.16.840.1.101.3.4.3.16", "RSA-SHA3-512"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.9", "secp160k1"),
    ("1.3.132.0.8", "secp160r1"),
    ("1.3.132.0.30", "secp160r2"),
    ("1.3.132.0.31", "secp192k1"),
    ("1.3.132.0.32", "secp224k1"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1"),
    ("1.3.36.3.3.2.8.1.1.2", "brainpoolP160t1"),
    ("1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1"),
    ("1.3.36.3.3.2.8.1.1.4", "brainpoolP192t1"),
    ("1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1"),
    ("1.3.36.3.3.2.8.1.1.6", "brainpoolP224t1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1"),
    ("1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1"),
    ("1.3.36.3.3.2.8.1.1.10", "brainpoolP320t1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1"),
    ("1.2.156.10197.1.301", "SM2"),
    ("1.2.156.10197.1.501", "SM2-with-SM3"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.18", "issuerAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.33", "policyMappings"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.37", "extendedKeyUsage"),
    ("2.5.29.54", "inhibitAnyPolicy"),
    ("2.16.840.1.113730.1.1", "nsCertType"),
];

/// The name of an algorithm, a curve or an extension; the dotted form of one that has none here.
pub(in crate::pki) fn name(oid: ObjectIdentifier) -> String {
    let dotted = oid.to_string();
    match NAMES.iter().find(|(known, _)| *known == dotted) {
        Some((_, name)) => (*name).to_owned(),
        None => dotted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_dotted() {
        for oid in
            ["0.9.2342.19200300.100.1.25", "1.2.840.113549.1.1.1", "2.5.29.37.0", "2.16.840.1.101.3.4.2.1"]
        {
            assert_eq!(dotted(ObjectIdentifier::new(oid).unwrap().as_bytes()), oid);
        }
        // 2.25 and the UUID f81d4fae-7dec-11d0-a765-00a0c91e6bf6 (X.667 §6.3).
        let uuid = base16ct::lower::decode_vec("6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776").unwrap();
        assert_eq!(dotted(&uuid), "2.25.329800735698586629295641978511506172918");
    }

    #[test]
    fn dotted_forms_are_read_back() {
        for text in [
            "0.9.2342.19200300.100.1.25",
            "1.2.840.113549.1.1.1",
            "2.999.3",
            "2.25.329800735698586629295641978511506172918",
        ] {
            let element = encode_dotted(text).unwrap();
            assert_eq!(dotted(&element[2..]), text);
        }
        assert_eq!(encode_dotted("2.5.4.3").unwrap(), [6, 3, 0x55, 4, 3]);
        let too_large = "2.25.340282366920938463463374607431768211456";
        for bad in ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.2.x", "-1.2", "+1.2", too_large] {
            assert_eq!(encode_dotted(bad), None, "{bad}");
        }
        assert_eq!(encode_dotted(&["2.5"; 60].join(".")), None, "too long to be shown again");
    }

    #[test]
    fn what_is_no_identifier_is_cut() {
        assert_eq!(dotted(&[0x2a, 0x80, 1]), "2a8001");
        assert_eq!(dotted(&[0x2a, 0x86]), "2a86");
        assert_eq!(dotted(&[]), "");
        let endless = dotted(&[0xff; 900_000]);
        assert!(endless.ends_with('…') && endless.len() < 200, "{}", endless.len());
        assert!(!dotted(&[0xff; 30]).contains('.'));
    }
}
