//! Finding and reading objects.

mod failed;
#[cfg(test)]
mod on_token;
mod unsaid;
mod values;

use self::failed::{is_about_the_object, refusal, twice};
pub(super) use self::values::private_value_of;
use self::values::{algorithm, bytes, label, may_be_of_key, public_half};
use super::evidence::Evidence;
use super::object::{Label, Objects, Place, Present, StoredCertificate, StoredKey, StoredPublicKey, Unread};
use super::open::Open;
use super::{PublicSession, Session};
use crate::driver::ckr::During as _;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, SignatureAlgorithm};
use std::collections::BTreeSet;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Ahead, Attributes, ObjectHandle, Outcome, Template, Wanted};

/// On a token with more objects than this the certificates are searched for by their class too, unless they were before: one
/// search more saves a second read of each.
const FEW: usize = 16;

/// So many objects of other classes among many objects, and those of ours are searched for: Kryoptic shows an object for each
/// mechanism.
const SOME_OTHERS: usize = 2;

const CLASS: Wanted = Wanted::number(CKA_CLASS);

const CERTIFICATE: &[Wanted] = &[
    CLASS,
    Wanted::short(CKA_ID),
    Wanted::short(CKA_LABEL),
    Wanted::number(CKA_CERTIFICATE_TYPE),
    Wanted::long(CKA_VALUE),
];

const KEY_MATERIAL: [Wanted; 8] = [
    CLASS,
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

/// An object as it was read.
#[derive(Debug)]
pub(super) enum Object {
    Certificate(StoredCertificate),
    PrivateKey(StoredKey),
    PublicKey(StoredPublicKey),
    /// A certificate of another type than X.509, in whatever form.
    OtherCertificate,
    /// Of a class that no renewal is about.
    Other,
    /// It does not say what it is: half made, or hidden.
    Unknown,
}

impl Open {
    /// Every certificate and key that the session sees. One object that cannot be read spoils nothing: it is counted.
    fn objects(&self, known: Option<&StoredCertificate>) -> Result<Objects> {
        let handles = self.find(Template::new())?;
        let mut certificates = self.certificates.take();
        if certificates.is_empty() && handles.len() > FEW {
            certificates.extend(self.find(Template::new().number(CKA_CLASS, CKO_CERTIFICATE))?);
        }
        let mut objects = Objects {
            certificates: Vec::new(),
            private_keys: Vec::new(),
            public_keys: Vec::new(),
            unreadable: 0,
            hidden_certificates: 0,
            refusal: None,
            silent: false,
            present: Present {
                owner: self.owner(),
                handles: handles.iter().copied().collect(),
                ..Present::default()
            },
        };
        let (mut read, mut others, mut failed) = (0_usize, 0_usize, None);
        let (many, mut wanted) = (handles.len() > FEW, None);
        let mut hidden = Vec::new();
        let mut ahead = self.functions().ahead(self.handle(), CERTIFICATE);
        for (at, &handle) in handles.iter().enumerate() {
            if others == SOME_OTHERS && many && wanted.is_none() {
                wanted = Some(self.worth_reading(&certificates)?).filter(|found| !found.is_empty());
                others += 1;
            }
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&handle)) {
                continue;
            }
            let object = match known.filter(|known| known.place == self.place(handle)) {
                Some(known) => Ok(Object::Certificate(known.clone())),
                None => twice(|| match certificates.contains(&handle) {
                    true => self.read_by_class(handle, &mut ahead, || {
                        let is_next = |next: &&ObjectHandle| {
                            certificates.contains(next)
                                && known.is_none_or(|known| known.place != self.place(**next))
                                && wanted.as_ref().is_none_or(|wanted| wanted.contains(next))
                        };
                        let rest = handles.get(at..).unwrap_or_default();
                        rest.get(..rest.iter().take_while(is_next).count()).unwrap_or_default()
                    }),
                    false => self.read_object(handle),
                }),
            };
            read += usize::from(object.is_ok());
            match object {
                Ok(Object::Certificate(one)) => objects.certificates.push(one),
                Ok(Object::PrivateKey(one)) => objects.private_keys.push(one),
                Ok(Object::PublicKey(one)) => objects.public_keys.push(one),
                // For which key it is nobody here can tell.
                Ok(Object::OtherCertificate) => objects.hidden_certificates += 1,
                Ok(Object::Other) => others += 1,
                // Half made, and then there is nothing to be said of it; or hidden, and then it may be what is missing.
                Ok(Object::Unknown) => {
                    objects.silent = true;
                    hidden.push(handle);
                }
                Err(failure) if is_about_the_object(&failure) => {
                    match self.read_without_value(handle) {
                        Some(certificate) => objects.certificates.push(certificate),
                        None => {
                            objects.unreadable += 1;
                            hidden.push(handle);
                        }
                    }
                    failed.get_or_insert(failure);
                }
                Err(failure) => return Err(failure.during(Step::ReadObjects)),
            }
        }
        self.make_sure_they_are_empty(&mut objects.certificates)?;
        self.label_jobs(&mut objects.private_keys);
        let ids = objects.private_keys.iter().map(|key| &key.id);
        let ids = ids.chain(objects.public_keys.iter().map(|key| &key.id)).cloned();
        objects.present.key_ids = ids.collect();
        objects.present.certificates = objects.certificates.iter().map(|one| one.der.clone()).collect();
        objects.hidden_certificates += self.certificates_among(&hidden);
        certificates.extend(objects.certificates.iter().map(|one| one.place.handle));
        self.certificates.replace(certificates);
        match failed {
            // Where nothing can be read, it is not the objects.
            Some(failure) if read == 0 => Err(failure.during(Step::ReadObjects)),
            Some(failure) => Ok(Objects { refusal: refusal(failure), ..objects }),
            None => Ok(objects),
        }
    }

    /// A certificate of which the driver gives everything but the value: whose it is can be told by the rest.
    fn read_without_value(&self, handle: ObjectHandle) -> Option<StoredCertificate> {
        let wanted = [CLASS, Wanted::short(CKA_ID), Wanted::short(CKA_LABEL)];
        let attributes = self.attributes_where(handle, &wanted, |_, _| true).ok()?;
        let is_certificate = attributes.number(CKA_CLASS) == Some(CKO_CERTIFICATE);
        is_certificate.then(|| self.certificate(handle, &attributes)).flatten()
    }

    /// How many of these objects, none of which says what it is, are certificates by a search. Where that fails, each may be.
    fn certificates_among(&self, hidden: &[ObjectHandle]) -> usize {
        if hidden.is_empty() {
            return 0;
        }
        let found = self.find(Template::new().number(CKA_CLASS, CKO_CERTIFICATE));
        let is_one = |handle: &&ObjectHandle| found.as_ref().map_or(true, |found| found.contains(handle));
        hidden.iter().filter(is_one).count()
    }

    /// Certificates and keys, by as few searches as will do. What is no storage object (PKCS#11 v3.1 §4.1: features, mechanisms,
    /// profiles) has no CKA_TOKEN, so one is enough where the driver finds by that what is known to be a certificate, and more; else
    /// one for each class.
    fn worth_reading(&self, certificates: &BTreeSet<ObjectHandle>) -> Result<BTreeSet<ObjectHandle>> {
        let stored = self.find(Template::new().flag(CKA_TOKEN, true)).unwrap_or_default();
        let stored: BTreeSet<ObjectHandle> = stored.into_iter().collect();
        let finds_certificates = !certificates.is_empty() && certificates.is_subset(&stored);
        if finds_certificates && certificates.len() < stored.len() {
            return Ok(stored);
        }
        let mut found = BTreeSet::new();
        for class in [CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            found.extend(self.find(Template::new().number(CKA_CLASS, class))?);
        }
        Ok(found)
    }

    /// The X.509 certificates alone.
    fn certificates(&self) -> Result<Objects> {
        let handles = self.find(Template::new().number(CKA_CLASS, CKO_CERTIFICATE))?;
        let (mut certificates, mut failures) = (Vec::with_capacity(handles.len()), Vec::new());
        self.certificates.borrow_mut().extend(&handles);
        let mut ahead = self.functions().ahead(self.handle(), CERTIFICATE);
        for (at, handle) in handles.iter().enumerate() {
            let next = || handles.get(at..).unwrap_or_default();
            match twice(|| self.certificate_read(*handle, ahead.attributes(*handle, next))) {
                Ok(Some(certificate)) => certificates.push(certificate),
                Ok(None) => {}
                Err(failure) if is_about_the_object(&failure) => failures.push(failure),
                Err(failure) => return Err(failure.during(Step::ReadObjects)),
            }
        }
        let unreadable = failures.len();
        match failures.pop() {
            Some(failure) if certificates.is_empty() => Err(failure.during(Step::ReadObjects)),
            failure => {
                let refusal = failure.and_then(refusal);
                Ok(Objects { certificates, unreadable, refusal, ..Objects::default() })
            }
        }
    }

    /// Reads one object of any class. The value of a certificate is asked for apart: under the same name, keys have
    /// what is not to be asked for.
    pub(super) fn read_object(&self, handle: ObjectHandle) -> Outcome<Object> {
        let wanted = [&KEY_MATERIAL[..], &PRIVATE_KEY[..]].concat();
        let read = || {
            self.attributes_where(handle, &wanted, |known, kind| match known.number(CKA_CLASS) {
                None => kind == CKA_CLASS,
                Some(CKO_PRIVATE_KEY | CKO_PUBLIC_KEY) => may_be_of_key(known, kind),
                Some(_) => matches!(kind, CKA_ID | CKA_LABEL),
            })
        };
        let mut attributes = read()?;
        // Half an answer is asked for once more: passed over, the object would be missing where it matters.
        if attributes.number(CKA_CLASS).is_none() {
            attributes = read()?;
        }
        match attributes.number(CKA_CLASS) {
            Some(CKO_CERTIFICATE) => {
                let read = self.certificate_read(handle, self.certificate_attributes(handle))?;
                Ok(read.map_or(Object::OtherCertificate, Object::Certificate))
            }
            Some(CKO_PRIVATE_KEY) => Ok(Object::PrivateKey(self.private_key(handle, &attributes))),
            Some(CKO_PUBLIC_KEY) => {
                // Half a value is asked for once more: passed over as a stranger's, a removal would leave the object.
                let key = match self.public_key(handle, &attributes) {
                    (_, Some(_)) => self.public_key(handle, &read()?),
                    key => key,
                };
                Ok(Object::PublicKey(key.0))
            }
            Some(_) => Ok(Object::Other),
            None => Ok(Object::Unknown),
        }
    }

    /// Reads what was found as a certificate, ahead of those that are next; what says that it is something else is read as that.
    fn read_by_class<'o>(
        &self,
        handle: ObjectHandle,
        ahead: &mut Ahead<'_>,
        next: impl FnOnce() -> &'o [ObjectHandle],
    ) -> Outcome<Object> {
        match self.certificate_read(handle, ahead.attributes(handle, next))? {
            Some(certificate) => Ok(Object::Certificate(certificate)),
            None => self.read_object(handle),
        }
    }

    /// Reads once what should be a certificate; what says that it is something else is that.
    pub(super) fn read_as_certificate(&self, handle: ObjectHandle) -> Outcome<Object> {
        let read = self.certificate(handle, &self.certificate_attributes(handle)?);
        Ok(read.map_or(Object::Other, Object::Certificate))
    }

    /// Reads by what a private key is known again. Its public values are no part of that: OpenSC takes them from the public
    /// key's object, and crashes when that has just gone.
    pub(super) fn read_as_private_key(&self, handle: ObjectHandle) -> Outcome<Object> {
        let wanted = [CLASS, Wanted::short(CKA_ID), Wanted::short(CKA_LABEL)];
        let read = || self.attributes_where(handle, &wanted, |_, _| true);
        let mut attributes = read()?;
        if attributes.number(CKA_CLASS).is_none() {
            attributes = read()?;
        }
        Ok(match attributes.number(CKA_CLASS) {
            Some(CKO_PRIVATE_KEY) => {
                Object::PrivateKey(self.labelled_as_known(self.private_key(handle, &attributes)))
            }
            Some(_) => Object::Other,
            None => Object::Unknown,
        })
    }

    /// A certificate that was read, unless it says that it is something else. Half a value is asked for once more: passed over as
    /// somebody's broken object, the certificate would be missing where it matters that it is there.
    fn certificate_read(
        &self,
        handle: ObjectHandle,
        attributes: Outcome<Attributes>,
    ) -> Outcome<Option<StoredCertificate>> {
        let read = self.certificate(handle, &attributes?);
        match &read {
            Some(one) if Certificate::is_cut_short(&one.der) || one.der.is_empty() && one.given => {
                Ok(self.certificate(handle, &self.certificate_attributes(handle)?))
            }
            _ => Ok(read),
        }
    }

    fn certificate_attributes(&self, handle: ObjectHandle) -> Outcome<Attributes> {
        self.attributes_where(handle, CERTIFICATE, |_, _| true)
    }

    fn certificate(&self, handle: ObjectHandle, attributes: &Attributes) -> Option<StoredCertificate> {
        let is = |kind, value| attributes.number(kind).is_none_or(|found| found == value);
        // Cards whose files have a fixed size fill them up behind the certificate.
        let der = Certificate::without_padding(attributes.bytes(CKA_VALUE).unwrap_or_default());
        // What is one is one, whatever the token states of its type.
        let is_x509 = || is(CKA_CERTIFICATE_TYPE, CKC_X_509) || Certificate::from_der(der).is_ok();
        let wanted = is(CKA_CLASS, CKO_CERTIFICATE) && is_x509();
        wanted.then(|| StoredCertificate {
            place: self.place(handle),
            id: bytes(attributes, CKA_ID),
            label: label(attributes),
            der: der.into(),
            given: attributes.bytes(CKA_VALUE).is_some(),
        })
    }

    /// Reads what was just written, and whether the token made it private.
    pub(super) fn read_written(&self, handle: ObjectHandle) -> Result<(StoredCertificate, bool)> {
        let wanted = [CERTIFICATE, &[Wanted::flag(CKA_PRIVATE)]].concat();
        let attributes = self.attributes_where(handle, &wanted, |_, _| true);
        let attributes = attributes.map_err(|failure| failure.during(Step::ReadBack))?;
        let read = self.certificate(handle, &attributes).ok_or_else(|| {
            let error = Error::new(Code::ReadBackDiffers).during(Step::ReadBack);
            error.fact(Fact::Detail, "CKA_CLASS")
        })?;
        Ok((read, attributes.flag(CKA_PRIVATE) == Some(true)))
    }

    pub(super) fn read_private_key(&self, handle: ObjectHandle) -> Result<StoredKey> {
        let wanted = [&KEY_MATERIAL[..], &PRIVATE_KEY[..]].concat();
        let attributes = self.attributes_where(handle, &wanted, may_be_of_key);
        let attributes = attributes.map_err(|failure| failure.during(Step::ReadObjects))?;
        check_class(&attributes, CKO_PRIVATE_KEY)?;
        Ok(self.private_key(handle, &attributes))
    }

    /// A flag of an object, where the token tells it.
    pub(super) fn read_flag(&self, handle: ObjectHandle, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<bool>> {
        let attributes = self.attributes_where(handle, &[Wanted::flag(kind)], |_, _| true);
        Ok(attributes.map_err(|failure| failure.during(Step::ReadObjects))?.flag(kind))
    }

    /// A private key that was just generated, and in the same call the attempt to read its private value. A driver whose answer
    /// is not clear is asked apart.
    pub(super) fn read_new_private_key(
        &self,
        handle: ObjectHandle,
        algorithm: Option<SignatureAlgorithm>,
    ) -> Result<StoredKey> {
        let wanted = [&[CLASS, Wanted::short(CKA_ID), Wanted::short(CKA_LABEL)], &PRIVATE_KEY[..]].concat();
        let value = private_value_of(algorithm);
        let read = self.functions().attributes_and_refusal(self.handle(), handle, &wanted, value);
        match read.map_err(|failure| failure.during(Step::ReadObjects))? {
            Some((attributes, value_refused)) => {
                check_class(&attributes, CKO_PRIVATE_KEY)?;
                Ok(StoredKey { algorithm, value_refused, ..self.private_key(handle, &attributes) })
            }
            None => Ok(StoredKey { algorithm, ..self.read_private_key(handle)? }),
        }
    }

    fn private_key(&self, handle: ObjectHandle, attributes: &Attributes) -> StoredKey {
        StoredKey {
            place: self.place(handle),
            id: bytes(attributes, CKA_ID),
            label: self.label_of_key(attributes),
            public_key: public_half(attributes).ok().flatten(),
            always_authenticate: attributes.flag(CKA_ALWAYS_AUTHENTICATE) == Some(true),
            algorithm: algorithm(attributes),
            evidence: Evidence::of(attributes),
            value_refused: false,
        }
    }

    /// A public key whose value cannot be understood is an error only for whom needs it.
    ///
    /// # Errors
    /// [`Code::DriverMisbehaved`] for what says that it is something else; what the driver returns.
    pub(super) fn read_public_key(&self, handle: ObjectHandle) -> Result<(StoredPublicKey, Option<Error>)> {
        let attributes = self.attributes_where(handle, &KEY_MATERIAL, may_be_of_key);
        let attributes = attributes.map_err(|failure| failure.during(Step::ReadObjects))?;
        check_class(&attributes, CKO_PUBLIC_KEY)?;
        Ok(self.public_key(handle, &attributes))
    }

    fn public_key(&self, handle: ObjectHandle, attributes: &Attributes) -> (StoredPublicKey, Option<Error>) {
        let (public_key, error) = match public_half(attributes) {
            Ok(key) => (key, None),
            Err(error) => (None, Some(error)),
        };
        let (place, id) = (self.place(handle), bytes(attributes, CKA_ID));
        (StoredPublicKey { place, id, label: self.label_of_key(attributes), public_key }, error)
    }

    /// The label of a key; of one that the token has labelled by itself the one that it was to have.
    fn label_of_key(&self, attributes: &Attributes) -> Label {
        match attributes.bytes(CKA_ID).and_then(|id| self.token().label_of(id)) {
            Some(known) => Label::new(known.to_vec()),
            None => label(attributes),
        }
    }

    pub(super) fn find(&self, template: Template) -> Result<Vec<ObjectHandle>> {
        self.functions().find(self.handle(), template).map_err(|failure| failure.during(Step::ReadObjects))
    }

    fn attributes_where(
        &self,
        handle: ObjectHandle,
        wanted: &[Wanted],
        makes_sense: impl Fn(&Attributes, CK_ATTRIBUTE_TYPE) -> bool,
    ) -> Outcome<Attributes> {
        self.functions().attributes_where(self.handle(), handle, wanted, makes_sense)
    }

    pub(super) fn place(&self, handle: ObjectHandle) -> Place {
        Place { handle, owner: self.owner() }
    }

    /// The handle of an object, if it was read in this session.
    pub(super) fn handle_of(&self, place: Place) -> Result<ObjectHandle> {
        if place.owner == self.owner() {
            return Ok(place.handle);
        }
        Err(Error::new(Code::SessionLost).fact(Fact::Reason, "another_session"))
    }
}

impl PublicSession {
    /// The X.509 certificates that are visible without login.
    ///
    /// # Errors
    /// What the search or the reading returns; [`Code::DriverMisbehaved`].
    pub(crate) fn certificates(&self) -> Result<Objects> {
        or_nothing(self.open_session().certificates())
    }

    /// What is visible without login.
    pub(crate) fn objects(&self) -> Result<Objects> {
        or_nothing(self.open_session().objects(None))
    }
}

/// What the driver gave as the new pair is something else.
pub(super) fn handle_of_another() -> Error {
    let error = Error::new(Code::DriverMisbehaved).during(Step::GenerateKeyPair);
    error.fact(Fact::Reason, "handle_of_another_object")
}

/// That what the driver gave as a half of a new pair does not say that it is something else.
fn check_class(attributes: &Attributes, class: CK_OBJECT_CLASS) -> Result<()> {
    match attributes.number(CKA_CLASS) {
        Some(other) if other != class => Err(handle_of_another()),
        _ => Ok(()),
    }
}

/// A token that lets nobody search or read before the login shows nothing before it, as one does whose objects are private.
fn or_nothing(read: Result<Objects>) -> Result<Objects> {
    match read {
        Err(error) if error.code() == Code::PinRequired => Ok(Objects::default()),
        read => read,
    }
}

impl Session {
    /// Every certificate and key that the session sees, each read once. One that is known was read a moment ago in this session,
    /// and is not read again where the search finds it.
    pub(crate) fn objects(&self, known: Option<&StoredCertificate>) -> Result<Objects> {
        let mut objects = self.explained(self.open_session().objects(known))?;
        self.take_labels_from_strangers(&mut objects)?;
        // Without a login nothing private shows, and what was read of it is not known any more.
        if objects.private_keys.is_empty() && !objects.present.handles.is_empty() || objects.unreadable > 0 {
            self.check_login_kept().map_err(|error| error.during(Step::ReadObjects))?;
        }
        objects.private_keys.iter().for_each(|key| self.pin.see(key));
        let unread = objects.unreadable > 0 || objects.silent;
        self.unread.set(unread.then_some(Unread(objects.refusal)));
        Ok(objects)
    }
}
