//! One certificate, with everything about it open to be wrong.

use std::time::{Duration, SystemTime};

use der::asn1::{Any, BitString, Int, OctetString};
use der::flagset::FlagSet;
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierOwned, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::time::Time;

use super::behaviour::Begin;
use crate::key::SoftKey;

/// The certificate's outer shape. x509-cert's own type keeps its fields to itself, and a test CA has to make what
/// no builder would.
#[derive(Sequence)]
struct Certificate {
    tbs: Tbs,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: Int,
    algorithm: AlgorithmIdentifierOwned,
    issuer: Any,
    validity: Validity,
    subject: Any,
    public_key: Any,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Validity {
    not_before: Time,
    not_after: Time,
}

/// A certificate about to be issued: a year, a random serial number, for client authentication, unless said
/// otherwise.
#[must_use]
pub struct Issue<'a> {
    signer: &'a SoftKey,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    serial: Vec<u8>,
    not_before: SystemTime,
    not_after: SystemTime,
    ca: Option<bool>,
    usage: Option<FlagSet<KeyUsages>>,
    purposes: Vec<ObjectIdentifier>,
    more: Vec<Extension>,
    spoil: bool,
}

impl<'a> Issue<'a> {
    pub(crate) fn new(signer: &'a SoftKey, issuer: &[u8], subject: &[u8], spki: &[u8]) -> Issue<'a> {
        let now = SystemTime::now();
        Issue {
            signer,
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            spki: spki.to_vec(),
            serial: random_serial(),
            not_before: Begin::default().moment(),
            not_after: now + Duration::from_secs(365 * 24 * 60 * 60),
            ca: Some(false),
            usage: Some(KeyUsages::DigitalSignature.into()),
            purposes: vec![CLIENT_AUTH],
            more: Vec::new(),
            spoil: false,
        }
    }

    /// The first moment of validity.
    pub fn not_before(mut self, time: SystemTime) -> Self {
        self.not_before = time;
        self
    }

    /// The last moment of validity.
    pub fn not_after(mut self, time: SystemTime) -> Self {
        self.not_after = time;
        self
    }

    /// Another subject, in DER.
    pub fn subject(mut self, der: &[u8]) -> Self {
        self.subject = der.to_vec();
        self
    }

    /// Another issuer's name, in DER.
    pub fn issuer(mut self, der: &[u8]) -> Self {
        self.issuer = der.to_vec();
        self
    }

    /// Another public key: SubjectPublicKeyInfo, DER.
    pub fn public_key(mut self, spki: &[u8]) -> Self {
        self.spki = spki.to_vec();
        self
    }

    /// The serial number: the content of the INTEGER, big-endian two's complement.
    pub fn serial(mut self, bytes: &[u8]) -> Self {
        self.serial = bytes.to_vec();
        self
    }

    /// BasicConstraints: whether it is a CA's certificate; `None` leaves the extension out.
    pub fn ca(mut self, ca: impl Into<Option<bool>>) -> Self {
        self.ca = ca.into();
        if self.ca == Some(true) {
            self.usage = Some(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
            self.purposes.clear();
        }
        self
    }

    /// The key usage; `None` leaves the extension out.
    pub fn usage(mut self, usage: impl Into<Option<FlagSet<KeyUsages>>>) -> Self {
        self.usage = usage.into();
        self
    }

    /// Key usage without signing, which makes the certificate useless for logging in.
    pub fn usage_without_signing(self) -> Self {
        self.usage(FlagSet::from(KeyUsages::KeyEncipherment))
    }

    /// The extended key usages, by object identifier; none leaves the extension out.
    pub fn purposes(mut self, oids: &[&str]) -> Self {
        let parse = |oid: &&str| ObjectIdentifier::new(oid).expect("an object identifier");
        self.purposes = oids.iter().map(parse).collect();
        self
    }

    /// Only for servers.
    pub fn server_only(self) -> Self {
        self.purposes(&["1.3.6.1.5.5.7.3.1"])
    }

    /// One more extension: identifier and the DER of its value.
    pub fn extension(mut self, oid: &str, critical: bool, value: &[u8]) -> Self {
        let extn_id = ObjectIdentifier::new(oid).expect("an object identifier");
        let extn_value = OctetString::new(value).expect("an octet string");
        self.more.push(Extension { extn_id, critical, extn_value });
        self
    }

    /// Turns a bit of the signature round.
    pub fn spoil_signature(mut self) -> Self {
        self.spoil = true;
        self
    }

    /// The certificate, in DER.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = self.signer.signature_algorithm();
        let any = |der: &[u8]| Any::from_der(der).expect("DER");
        let time = |time: SystemTime| Time::try_from(time).expect("a time that certificates can express");
        let extensions = self.extensions();
        let tbs = Tbs {
            version: 2,
            serial: Int::new(&self.serial).expect("a serial number"),
            algorithm: algorithm.clone(),
            issuer: any(&self.issuer),
            validity: Validity { not_before: time(self.not_before), not_after: time(self.not_after) },
            subject: any(&self.subject),
            public_key: any(&self.spki),
            extensions: (!extensions.is_empty()).then_some(extensions),
        };
        let mut signature = self.signer.sign(&tbs.to_der().expect("DER"));
        if self.spoil {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let signature = BitString::from_bytes(&signature).expect("a bit string");
        Certificate { tbs, algorithm, signature }.to_der().expect("DER")
    }

    fn extensions(&self) -> Vec<Extension> {
        let mut all = Vec::new();
        let mut push = |oid: &str, critical: bool, value: Vec<u8>| {
            let extn_id = ObjectIdentifier::new(oid).expect("an object identifier");
            all.push(Extension { extn_id, critical, extn_value: OctetString::new(value).expect("DER") });
        };
        if let Some(ca) = self.ca {
            let value = BasicConstraints { ca, path_len_constraint: None };
            push("2.5.29.19", true, value.to_der().expect("DER"));
        }
        if let Some(usage) = self.usage {
            push("2.5.29.15", true, KeyUsage(usage).to_der().expect("DER"));
        }
        if !self.purposes.is_empty() {
            push("2.5.29.37", false, ExtendedKeyUsage(self.purposes.clone()).to_der().expect("DER"));
        }
        let own = SubjectKeyIdentifier(key_identifier(&self.spki));
        push("2.5.29.14", false, own.to_der().expect("DER"));
        let of_signer = Some(key_identifier(&self.signer.spki()));
        let signer = AuthorityKeyIdentifier { key_identifier: of_signer, ..Default::default() };
        push("2.5.29.35", false, signer.to_der().expect("DER"));
        all.extend(self.more.iter().cloned());
        all
    }
}

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// RFC 7093 §2 (4): a hash of the SubjectPublicKeyInfo, here its first 20 bytes.
fn key_identifier(spki: &[u8]) -> OctetString {
    OctetString::new(&Sha256::digest(spki)[..20]).expect("DER")
}

/// 17 random bytes, positive, never with a leading zero: as long as the serial number in the bank's manual.
fn random_serial() -> Vec<u8> {
    let mut bytes = vec![0; 17];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}
