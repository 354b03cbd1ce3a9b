//! Puts objects on a token the way a bank, or somebody else, would have, and signs with them.

use std::time::SystemTime;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::types::Ulong;
use der::asn1::{OctetString, Uint};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256, Sha384};

use super::folder::SoftToken;
use super::inspector::Inspector;
use super::snapshot::Snapshot;
use crate::ca::TestCa;
use crate::ca::manual_subject;
use crate::key::{self, Kind};

/// A key pair with its certificate on a token.
#[derive(Clone, Debug)]
pub struct Provisioned {
    /// CKA_ID of the pair and the certificate.
    pub id: Vec<u8>,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// The subject, DER.
    pub subject: Vec<u8>,
}

impl SoftToken {
    /// The credential that the customer got from the bank: a key pair made on the token and a certificate of this
    /// CA, shaped like the manual's, with CKA_ID `01`.
    pub fn first_credential(&self, ca: &TestCa, kind: Kind, not_after: SystemTime) -> Provisioned {
        self.credential(ca, kind, &[1], &manual_subject().to_der(), not_after)
    }

    /// A credential with this CKA_ID and subject; it was valid for a year.
    pub fn credential(
        &self,
        ca: &TestCa,
        kind: Kind,
        id: &[u8],
        subject: &[u8],
        not_after: SystemTime,
    ) -> Provisioned {
        let spki = self.inspect(|inspector| inspector.generate_pair(kind, id, "bank"));
        self.certified(ca, spki, id, subject, not_after)
    }

    /// As [`SoftToken::first_credential`], with a private key that demands the PIN for each signature.
    pub fn credential_that_asks(&self, ca: &TestCa, kind: Kind, not_after: SystemTime) -> Provisioned {
        let spki = self.inspect(|inspector| inspector.generate_pair_that_asks(kind, &[1], "bank"));
        self.certified(ca, spki, &[1], &manual_subject().to_der(), not_after)
    }

    fn certified(
        &self,
        ca: &TestCa,
        spki: Vec<u8>,
        id: &[u8],
        subject: &[u8],
        not_after: SystemTime,
    ) -> Provisioned {
        let year = std::time::Duration::from_secs(365 * 24 * 60 * 60);
        let issue = ca.issue(subject, &spki).not_before(not_after - year).not_after(not_after);
        let certificate = issue.der();
        self.inspect(|inspector| inspector.write_certificate(&certificate, id, "bank"));
        Provisioned { id: id.to_vec(), certificate, spki, subject: subject.to_vec() }
    }

    /// Objects of somebody else: a pair without certificate, a certificate without key, a data object.
    pub fn foreign_objects(&self) {
        let stranger = TestCa::new();
        let subject = crate::ca::NameDer::new().common(crate::ca::Text::Utf8, "a stranger").to_der();
        let spki = key::SoftKey::generate(Kind::P256).spki();
        let certificate = stranger.issue(&subject, &spki).der();
        self.inspect(|inspector| {
            inspector.generate_pair(Kind::P256, &[0xf0], "somebody else's key");
            inspector.write_certificate(&certificate, &[0xf1], "somebody else's certificate");
            inspector.write_data("somebody else's notes", b"not ours");
        });
    }

    /// Everything on the token.
    pub fn snapshot(&self) -> Snapshot {
        self.inspect(Inspector::snapshot)
    }

    /// Signs with the private key that has this CKA_ID; see [`Inspector::sign`].
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Vec<u8> {
        self.inspect(|inspector| inspector.sign(id, message))
    }
}

impl Inspector {
    /// Makes a key pair on the token, sensitive and not extractable; returns SubjectPublicKeyInfo.
    pub fn generate_pair(&self, kind: Kind, id: &[u8], label: &str) -> Vec<u8> {
        self.make_pair(kind, id, label, None);
        self.public_key(id)
    }

    /// The same, with a private key that demands the PIN for each signature.
    pub fn generate_pair_that_asks(&self, kind: Kind, id: &[u8], label: &str) -> Vec<u8> {
        self.make_pair(kind, id, label, Some(Attribute::AlwaysAuthenticate(true)));
        self.public_key(id)
    }

    /// The same, under an identifier that another pair may have.
    pub fn generate_pair_beside(&self, kind: Kind, id: &[u8], label: &str) {
        self.make_pair(kind, id, label, None);
    }

    fn make_pair(&self, kind: Kind, id: &[u8], label: &str, more: Option<Attribute>) {
        let label = Attribute::Label(label.as_bytes().to_vec());
        let common = [Attribute::Token(true), Attribute::Id(id.to_vec()), label];
        let mut private = common.to_vec();
        private.extend([Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(false)]);
        private.push(Attribute::Sign(true));
        private.extend(more);
        let mut public = common.to_vec();
        public.push(Attribute::Verify(true));
        let mechanism = match kind.rsa_bits() {
            Some(bits) => {
                public.push(Attribute::ModulusBits(Ulong::try_from(bits).expect("a few thousand")));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                Mechanism::RsaPkcsKeyPairGen
            }
            None => {
                let curve = if kind == Kind::P384 { key::P384 } else { key::P256 };
                public.push(Attribute::EcParams(curve.to_der().expect("DER")));
                Mechanism::EccKeyPairGen
            }
        };
        self.session.generate_key_pair(&mechanism, &public, &private).expect("C_GenerateKeyPair");
    }

    /// The public key with this CKA_ID as SubjectPublicKeyInfo.
    pub fn public_key(&self, id: &[u8]) -> Vec<u8> {
        let handle = self.object(ObjectClass::PUBLIC_KEY, id);
        let read = |kinds: &[AttributeType]| {
            self.session.get_attributes(handle, kinds).expect("C_GetAttributeValue").into_iter()
        };
        let numbers: Vec<Vec<u8>> = read(&[AttributeType::Modulus, AttributeType::PublicExponent])
            .filter_map(|attribute| match attribute {
                Attribute::Modulus(bytes) | Attribute::PublicExponent(bytes) => Some(bytes),
                _ => None,
            })
            .collect();
        if let [modulus, exponent] = numbers.as_slice() {
            return key::rsa_spki(modulus, exponent);
        }
        let parts: Vec<Vec<u8>> = read(&[AttributeType::EcParams, AttributeType::EcPoint])
            .filter_map(|attribute| match attribute {
                Attribute::EcParams(bytes) | Attribute::EcPoint(bytes) => Some(bytes),
                _ => None,
            })
            .collect();
        let [curve, point] = parts.as_slice() else { panic!("a public key that is neither RSA nor EC") };
        let curve = spki::ObjectIdentifier::from_der(curve).expect("a named curve");
        let point = OctetString::from_der(point).expect("an OCTET STRING").into_bytes();
        key::ec_spki(curve, &point)
    }

    /// Writes a certificate with the attributes of PKCS#11 v3.1 §4.6.3.
    pub fn write_certificate(&self, der: &[u8], id: &[u8], label: &str) {
        self.write_certificate_for(false, der, id, label);
    }

    /// The same as a private object, which shows after the login only.
    pub fn write_private_certificate(&self, der: &[u8], id: &[u8], label: &str) {
        self.write_certificate_for(true, der, id, label);
    }

    fn write_certificate_for(&self, private: bool, der: &[u8], id: &[u8], label: &str) {
        let certificate = x509_cert::Certificate::from_der(der).expect("a certificate");
        let tbs = certificate.tbs_certificate();
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(private),
            Attribute::Id(id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Subject(tbs.subject().to_der().expect("DER")),
            Attribute::Issuer(tbs.issuer().to_der().expect("DER")),
            Attribute::SerialNumber(tbs.serial_number().to_der().expect("DER")),
            Attribute::Value(der.to_vec()),
        ];
        self.session.create_object(&template).expect("C_CreateObject of a certificate");
    }

    /// Writes a certificate object that holds these bytes, whatever they are.
    pub fn write_as_certificate(&self, value: &[u8], id: &[u8], label: &str) {
        let empty_name = vec![0x30, 0];
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Id(id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Subject(empty_name),
            Attribute::Value(value.to_vec()),
        ];
        self.session.create_object(&template).expect("C_CreateObject of a certificate");
    }

    /// Writes a public data object.
    pub fn write_data(&self, label: &str, value: &[u8]) {
        let template = [
            Attribute::Class(ObjectClass::DATA),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Value(value.to_vec()),
        ];
        self.session.create_object(&template).expect("C_CreateObject of data");
    }

    /// Gives every object with this CKA_ID this CKA_LABEL, whatever bytes it is.
    pub fn relabel(&self, id: &[u8], label: &[u8]) {
        for handle in self.session.find_objects(&[Attribute::Id(id.to_vec())]).expect("C_FindObjects") {
            let label = [Attribute::Label(label.to_vec())];
            self.session.update_attributes(handle, &label).expect("C_SetAttributeValue");
        }
    }

    /// Gives every object with this CKA_ID another one.
    pub fn change_id(&self, id: &[u8], other: &[u8]) {
        for handle in self.session.find_objects(&[Attribute::Id(id.to_vec())]).expect("C_FindObjects") {
            let other = [Attribute::Id(other.to_vec())];
            self.session.update_attributes(handle, &other).expect("C_SetAttributeValue");
        }
    }

    /// Gives the private key with this CKA_ID another one, or what else has it.
    pub fn move_apart(&self, id: &[u8], other: &[u8], private: bool) {
        let private_key = self.object(ObjectClass::PRIVATE_KEY, id);
        for handle in self.session.find_objects(&[Attribute::Id(id.to_vec())]).expect("C_FindObjects") {
            if (handle == private_key) == private {
                let other = [Attribute::Id(other.to_vec())];
                self.session.update_attributes(handle, &other).expect("C_SetAttributeValue");
            }
        }
    }

    /// Removes every object with this CKA_ID. A token may take others away with an object, so the rest is searched for each time.
    pub fn destroy(&self, id: &[u8]) {
        let with_id = || self.session.find_objects(&[Attribute::Id(id.to_vec())]).expect("C_FindObjects");
        let mut found = with_id();
        while let Some(handle) = found.pop() {
            self.session.destroy_object(handle).expect("C_DestroyObject");
            let rest = with_id();
            assert!(!rest.contains(&handle), "C_DestroyObject did nothing");
            found = rest;
        }
    }

    /// Stores the public key with this CKA_ID once more, under another identifier and label.
    pub fn copy_public_key(&self, id: &[u8], other_id: &[u8], label: &str) {
        self.try_copy_public_key(id, other_id, label).expect("C_CreateObject of a public key");
    }

    /// The same, where the token may refuse it.
    ///
    /// # Errors
    /// What C_CreateObject returned.
    pub fn try_copy_public_key(&self, id: &[u8], other_id: &[u8], label: &str) -> Result<(), String> {
        let handle = self.object(ObjectClass::PUBLIC_KEY, id);
        let rsa = [AttributeType::KeyType, AttributeType::Modulus, AttributeType::PublicExponent];
        let ec = [AttributeType::KeyType, AttributeType::EcParams, AttributeType::EcPoint];
        let kind =
            self.session.get_attributes(handle, &[AttributeType::KeyType]).expect("C_GetAttributeValue");
        let value = if kind.contains(&Attribute::KeyType(KeyType::RSA)) { rsa } else { ec };
        let mut template = self.session.get_attributes(handle, &value).expect("C_GetAttributeValue");
        template.extend([
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Token(true),
            Attribute::Id(other_id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
        ]);
        self.session.create_object(&template).map(drop).map_err(|error| error.to_string())
    }

    /// Copies the private key with this CKA_ID to another identifier and label.
    pub fn copy_private_key(&self, id: &[u8], other_id: &[u8], label: &str) {
        let handle = self.object(ObjectClass::PRIVATE_KEY, id);
        let other = [Attribute::Id(other_id.to_vec()), Attribute::Label(label.as_bytes().to_vec())];
        self.session.copy_object(handle, &other).expect("C_CopyObject of a private key");
    }

    /// Signs with the private key that has this CKA_ID: RSA PKCS#1 v1.5 with SHA-256, hashed here; ECDSA with SHA-256 on P-256
    /// and SHA-384 on P-384, in DER.
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Vec<u8> {
        self.sign_with(self.object(ObjectClass::PRIVATE_KEY, id), message)
    }

    /// The same with each of the private keys that have this CKA_ID.
    pub fn sign_with_each(&self, id: &[u8], message: &[u8]) -> Vec<Vec<u8>> {
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
        let keys = self.session.find_objects(&template).expect("C_FindObjects");
        keys.into_iter().map(|key| self.sign_with(key, message)).collect()
    }

    fn sign_with(&self, handle: ObjectHandle, message: &[u8]) -> Vec<u8> {
        let curve = self.session.get_attributes(handle, &[AttributeType::EcParams]).unwrap_or_default();
        let sign = |mechanism: &Mechanism, data: &[u8]| {
            self.session.sign(mechanism, handle, data).expect("C_Sign with the key on the token")
        };
        let Some(Attribute::EcParams(curve)) = curve.first() else {
            return sign(&Mechanism::RsaPkcs, &digest_info(message));
        };
        let curve = spki::ObjectIdentifier::from_der(curve).expect("a named curve");
        let hash = match curve == key::P384 {
            true => Sha384::digest(message).to_vec(),
            false => Sha256::digest(message).to_vec(),
        };
        ecdsa_der(&sign(&Mechanism::Ecdsa, &hash))
    }
}

/// DigestInfo with SHA-256 (RFC 8017 §9.2): not every token hashes.
fn digest_info(message: &[u8]) -> Vec<u8> {
    let head = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    [&head[..], &Sha256::digest(message)].concat()
}

/// r‖s of PKCS#11 as the SEQUENCE that everyone else uses.
fn ecdsa_der(raw: &[u8]) -> Vec<u8> {
    #[derive(Sequence)]
    struct Signature {
        r: Uint,
        s: Uint,
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    let uint = |bytes: &[u8]| Uint::new(bytes).expect("a number");
    Signature { r: uint(r), s: uint(s) }.to_der().expect("DER")
}
