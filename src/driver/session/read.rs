//! Finding, reading, relabelling and removing objects.

use super::evidence::Evidence;
use super::object::{Place, StoredCertificate, StoredKey, StoredPublicKey};
use super::{Open, PublicSession, Session};
use crate::driver::raw::{Attributes, ObjectHandle, Template, Wanted};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, PublicKey};
use pkcs11_sys::*;

const CERTIFICATE: &[Wanted] = &[Wanted::long(CKA_VALUE), Wanted::short(CKA_ID), Wanted::short(CKA_LABEL)];

const KEY_MATERIAL: [Wanted; 7] = [
    Wanted::short(CKA_ID),
    Wanted::short(CKA_LABEL),
    Wanted::number(CKA_KEY_TYPE),
    Wanted::short(CKA_MODULUS),
    Wanted::short(CKA_PUBLIC_EXPONENT),
    Wanted::short(CKA_EC_PARAMS),
    Wanted::short(CKA_EC_POINT),
];

const PRIVATE_KEY: [Wanted; 7] = [
    Wanted::flag(CKA_SENSITIVE),
    Wanted::flag(CKA_EXTRACTABLE),
    Wanted::flag(CKA_ALWAYS_SENSITIVE),
    Wanted::flag(CKA_NEVER_EXTRACTABLE),
    Wanted::flag(CKA_LOCAL),
    Wanted::number(CKA_KEY_GEN_MECHANISM),
    Wanted::flag(CKA_ALWAYS_AUTHENTICATE),
];

impl Open {
    pub(super) fn certificates(&self) -> Result<Vec<StoredCertificate>> {
        let x509 = Template::new().number(CKA_CLASS, CKO_CERTIFICATE).number(CKA_CERTIFICATE_TYPE, CKC_X_509);
        let certificates: Vec<StoredCertificate> = self
            .find(x509)?
            .into_iter()
            .map(|handle| self.read_listed_certificate(handle))
            .collect::<Result<_>>()?;
        let blank = certificates.iter().filter(|certificate| certificate.is_blank()).count();
        self.token().remember_blank_certificates(blank);
        Ok(certificates)
    }

    /// Half a value is asked for once more: passed over as somebody's broken object, the certificate would be missing
    /// where it matters that it is there.
    fn read_listed_certificate(&self, handle: ObjectHandle) -> Result<StoredCertificate> {
        let read = self.read_certificate(handle)?;
        if Certificate::is_cut_short(&read.der) { self.read_certificate(handle) } else { Ok(read) }
    }

    pub(super) fn read_certificate(&self, handle: ObjectHandle) -> Result<StoredCertificate> {
        let attributes = self.attributes(handle, CERTIFICATE)?;
        let value = attributes.bytes(CKA_VALUE).unwrap_or_default();
        Ok(StoredCertificate {
            place: self.place(handle),
            id: bytes(&attributes, CKA_ID),
            label: label(&attributes),
            // Cards whose files have a fixed size fill them up behind the certificate.
            der: Certificate::without_padding(value).to_vec(),
        })
    }

    pub(super) fn public_keys(&self) -> Result<Vec<StoredPublicKey>> {
        let keys = self.find(Template::new().number(CKA_CLASS, CKO_PUBLIC_KEY))?;
        keys.into_iter().map(|handle| self.read_public_key(handle).map(|(key, _)| key)).collect()
    }

    pub(super) fn read_private_key(&self, handle: ObjectHandle) -> Result<StoredKey> {
        let attributes = self.attributes(handle, &[&KEY_MATERIAL[..], &PRIVATE_KEY[..]].concat())?;
        Ok(StoredKey {
            place: self.place(handle),
            id: bytes(&attributes, CKA_ID),
            label: label(&attributes),
            public_key: public_half(&attributes).ok().flatten(),
            always_authenticate: attributes.flag(CKA_ALWAYS_AUTHENTICATE) == Some(true),
            evidence: Evidence::of(&attributes),
        })
    }

    /// A public key whose value cannot be understood is an error only for whom needs it.
    pub(super) fn read_public_key(&self, handle: ObjectHandle) -> Result<(StoredPublicKey, Option<Error>)> {
        let attributes = self.attributes(handle, &KEY_MATERIAL)?;
        let (public_key, error) = match public_half(&attributes) {
            Ok(key) => (key, None),
            Err(error) => (None, Some(error)),
        };
        let id = bytes(&attributes, CKA_ID);
        Ok((StoredPublicKey { place: self.place(handle), id, label: label(&attributes), public_key }, error))
    }

    pub(super) fn find(&self, template: Template) -> Result<Vec<ObjectHandle>> {
        self.functions().find(self.handle(), template).map_err(|failure| failure.during(Step::ReadObjects))
    }

    fn attributes(&self, handle: ObjectHandle, wanted: &[Wanted]) -> Result<Attributes> {
        self.functions()
            .attributes(self.handle(), handle, wanted)
            .map_err(|failure| failure.during(Step::ReadObjects))
    }

    pub(super) fn place(&self, handle: ObjectHandle) -> Place {
        Place { handle, owner: self.owner() }
    }

    /// The handle of an object, if it was read in this session.
    pub(super) fn handle_of(&self, place: Place) -> Result<ObjectHandle> {
        if place.owner == self.owner() {
            return Ok(place.handle);
        }
        Err(Error::new(Code::SessionLost).fact(Fact::Detail, "the object was read in another session"))
    }

    pub(super) fn destroy(&self, place: Place, step: Step) -> Result<()> {
        let handle = self.handle_of(place)?;
        self.functions().destroy_object(self.handle(), handle).map_err(|failure| failure.during(step))
    }

    pub(super) fn set(&self, place: Place, template: Template, step: Step) -> Result<()> {
        let handle = self.handle_of(place)?;
        self.functions()
            .set_attributes(self.handle(), handle, template)
            .map_err(|failure| failure.during(step))
    }
}

impl PublicSession {
    /// The X.509 certificates on the token that are visible without login.
    ///
    /// # Errors
    /// What the search or the reading returns; [`Code::DriverMisbehaved`].
    pub fn certificates(&self) -> Result<Vec<StoredCertificate>> {
        self.open_session().certificates()
    }

    /// The public keys on the token that are visible without login.
    ///
    /// # Errors
    /// As [`PublicSession::certificates`].
    pub fn public_keys(&self) -> Result<Vec<StoredPublicKey>> {
        self.open_session().public_keys()
    }
}

impl Session {
    /// The X.509 certificates on the token.
    ///
    /// # Errors
    /// What the search or the reading returns; [`Code::DriverMisbehaved`].
    pub fn certificates(&self) -> Result<Vec<StoredCertificate>> {
        self.open_session().certificates()
    }

    /// The private keys on the token.
    ///
    /// # Errors
    /// What the search or the reading returns; [`Code::DriverMisbehaved`].
    pub fn private_keys(&self) -> Result<Vec<StoredKey>> {
        let open = self.open_session();
        let keys = open.find(Template::new().number(CKA_CLASS, CKO_PRIVATE_KEY))?;
        keys.into_iter().map(|handle| open.read_private_key(handle)).collect()
    }

    /// The private keys with this CKA_ID.
    ///
    /// # Errors
    /// As [`Session::private_keys`].
    pub fn private_keys_with_id(&self, id: &[u8]) -> Result<Vec<StoredKey>> {
        let open = self.open_session();
        let keys = open.find(Template::new().number(CKA_CLASS, CKO_PRIVATE_KEY).bytes(CKA_ID, id))?;
        keys.into_iter().map(|handle| open.read_private_key(handle)).collect()
    }

    /// The public keys on the token.
    ///
    /// # Errors
    /// As [`Session::private_keys`].
    pub fn public_keys(&self) -> Result<Vec<StoredPublicKey>> {
        self.open_session().public_keys()
    }

    /// The certificates with this CKA_ID.
    ///
    /// # Errors
    /// As [`Session::private_keys`].
    pub fn certificates_with_id(&self, id: &[u8]) -> Result<Vec<StoredCertificate>> {
        let open = self.open_session();
        let certificates = open.find(Template::new().number(CKA_CLASS, CKO_CERTIFICATE).bytes(CKA_ID, id))?;
        certificates.into_iter().map(|handle| open.read_certificate(handle)).collect()
    }

    /// Removes a certificate object.
    ///
    /// # Errors
    /// What C_DestroyObject returns.
    pub fn destroy_certificate(&self, certificate: &StoredCertificate, step: Step) -> Result<()> {
        self.open_session().destroy(certificate.place, step)
    }

    /// Removes a private key object.
    ///
    /// # Errors
    /// What C_DestroyObject returns.
    pub fn destroy_private_key(&self, key: &StoredKey, step: Step) -> Result<()> {
        self.open_session().destroy(key.place, step)
    }

    /// Removes a public key object.
    ///
    /// # Errors
    /// What C_DestroyObject returns.
    pub fn destroy_public_key(&self, key: &StoredPublicKey, step: Step) -> Result<()> {
        self.open_session().destroy(key.place, step)
    }

    /// Gives a private key another label.
    ///
    /// # Errors
    /// What C_SetAttributeValue returns; tokens exist that refuse.
    pub fn relabel_private_key(&self, key: &StoredKey, label: &str) -> Result<()> {
        let template = Template::new().bytes(CKA_LABEL, label.as_bytes());
        self.open_session().set(key.place, template, Step::Complete)
    }

    /// Gives a public key another label.
    ///
    /// # Errors
    /// What C_SetAttributeValue returns; tokens exist that refuse.
    pub fn relabel_public_key(&self, key: &StoredPublicKey, label: &str) -> Result<()> {
        let template = Template::new().bytes(CKA_LABEL, label.as_bytes());
        self.open_session().set(key.place, template, Step::Complete)
    }

    /// Gives a public key another identifier.
    ///
    /// # Errors
    /// What C_SetAttributeValue returns; tokens exist that refuse.
    pub fn set_public_key_id(&self, key: &StoredPublicKey, id: &[u8]) -> Result<()> {
        self.open_session().set(key.place, Template::new().bytes(CKA_ID, id), Step::Complete)
    }
}

/// The public key from the attributes of either half; `None` when the object does not tell it.
fn public_half(attributes: &Attributes) -> Result<Option<PublicKey>> {
    let all = |first, second| Some((attributes.bytes(first)?, attributes.bytes(second)?));
    let filled = |pair: &(&[u8], &[u8])| !pair.0.is_empty() && !pair.1.is_empty();
    match attributes.number(CKA_KEY_TYPE) {
        Some(CKK_RSA) => all(CKA_MODULUS, CKA_PUBLIC_EXPONENT)
            .filter(filled)
            .map(|(modulus, exponent)| PublicKey::from_rsa(modulus, exponent))
            .transpose(),
        Some(CKK_EC) => all(CKA_EC_PARAMS, CKA_EC_POINT)
            .filter(filled)
            .map(|(curve, point)| PublicKey::from_ec(curve, point))
            .transpose(),
        _ => Ok(None),
    }
}

fn bytes(attributes: &Attributes, kind: CK_ATTRIBUTE_TYPE) -> Vec<u8> {
    attributes.bytes(kind).unwrap_or_default().to_vec()
}

fn label(attributes: &Attributes) -> String {
    String::from_utf8_lossy(attributes.bytes(CKA_LABEL).unwrap_or_default()).into_owned()
}
