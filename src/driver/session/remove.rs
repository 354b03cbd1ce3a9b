//! The one door through which objects are destroyed.
//!
//! A [`Removal`] names each object and what shows that it is ours. Right before each C_DestroyObject exactly that handle
//! is read again and must be what the plan says; after it, it is searched for. Only what is gone is reported gone, and
//! nothing after an object that is not as planned is touched.

use super::Session;
use super::object::{Changed, Label, Place, Present, StoredCertificate, StoredKey, StoredPublicKey};
use super::read::Object;
use super::sign::Signed;
use super::verify::Verified;
use crate::driver::ckr::During as _;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, PublicKey};
use base16ct::lower::encode_string as hex;
use std::collections::BTreeSet;
use std::sync::Arc;
use usbtoken_pkcs11::types::{CKA_CLASS, CKA_ID, CKO_PRIVATE_KEY, CKR_OBJECT_HANDLE_INVALID};
use usbtoken_pkcs11::{Failure, ObjectHandle, Outcome, Template};

mod alike;
mod leftovers;
#[cfg(test)]
mod on_token;
mod planned;
#[cfg(test)]
mod tests;

/// Objects to be destroyed, in this order.
#[derive(Debug)]
pub(crate) struct Removal {
    step: Step,
    planned: Vec<Planned>,
    /// What was there when the plan was made.
    known: Option<Arc<Present>>,
    /// What has to be there still when a private key goes.
    kept: Vec<Place>,
    /// Whether a private key stays on the token.
    keeps_key: bool,
    /// Whether a person goes on with it although a certificate object cannot be read.
    although_unread: bool,
}

/// One object, and what a fresh read must say of it.
#[derive(Debug)]
struct Planned {
    place: Place,
    is: Is,
    /// What a public key has to verify under another handle too: others tell the same of themselves.
    verifies: Option<Signed>,
}

#[derive(Debug, PartialEq)]
enum Is {
    /// A certificate: exactly these bytes under this identifier and this label.
    Certificate { id: Vec<u8>, label: Label, der: Arc<[u8]> },
    /// What a creation of ours has left of a certificate, empty or not.
    HalfCertificate { id: Vec<u8>, label: Label, der: Arc<[u8]> },
    /// A certificate object that we have created in this session, whatever the token made of its value; but not what was there
    /// before, where that is known.
    CreatedCertificate { id: Vec<u8>, label: Vec<u8>, der: Arc<[u8]>, before: Option<Present> },
    /// What a refused creation of ours has left of a certificate: all of it, or what is none.
    LeftCertificate { id: Vec<u8>, label: Vec<u8>, der: Vec<u8> },
    /// A public key of exactly this value.
    PublicKey { id: Vec<u8>, label: Label, value: PublicKey },
    /// A private key; what it reports of its public half may change with the objects around it, and does not count. What it
    /// has signed for shows it where it has another handle meanwhile.
    PrivateKey { id: Vec<u8>, label: Label, signed_for: Option<PublicKey> },
    /// A public key object that a creation of ours has left without its value.
    HalfPublicKey { id: Vec<u8>, label: Label },
    /// A half of a pair that this session has generated: it carries our label, or else the identifier, which is random.
    GeneratedHalf { id: Vec<u8>, label: Vec<u8> },
}

impl Removal {
    pub(crate) fn new(step: Step) -> Self {
        Removal {
            step,
            planned: Vec::new(),
            known: None,
            kept: Vec::new(),
            keeps_key: false,
            although_unread: false,
        }
    }

    /// Made of what was there then: before a private key goes, it is made sure that no certificate for it has come since.
    pub(crate) fn of(step: Step, present: &Arc<Present>) -> Self {
        Removal { known: Some(Arc::clone(present)), ..Removal::new(step) }
    }

    /// Goes on only while this certificate and its key are there.
    pub(crate) fn while_there(mut self, certificate: &StoredCertificate, key: Option<&StoredKey>) -> Self {
        self.kept.push(certificate.place);
        self.kept.extend(key.map(|key| key.place));
        self.keeps_key |= key.is_some();
        self
    }

    /// Goes on although a certificate object that cannot be read may be for the key: a person has named that.
    pub(crate) fn although_unread(mut self) -> Self {
        self.although_unread = true;
        self
    }

    /// Made where other private keys stay: while none of them shows, what does not show is not gone.
    pub(crate) fn beside_other_keys(mut self, are_there: bool) -> Self {
        self.keeps_key |= are_there;
        self
    }

    /// A public key; one that does not report its value cannot be known again, and stops the removal.
    pub(crate) fn public_key(self, key: &StoredPublicKey) -> Result<Self> {
        let Some(value) = key.public_key.clone() else {
            return Err(doubt(self.step, &key.id, "public_key_unreadable"));
        };
        let is = Is::PublicKey { id: key.id.clone(), label: key.label.clone(), value };
        Ok(self.and(key.place, is))
    }

    /// A public key that has verified this signature, where its attributes alone do not show it.
    pub(crate) fn public_key_that_verifies(self, key: &StoredPublicKey, signed: &Signed) -> Result<Self> {
        let mut removal = self.public_key(key)?;
        if let Some(planned) = removal.planned.last_mut() {
            planned.verifies = Some(signed.clone());
        }
        Ok(removal)
    }

    /// A private key that has signed, by that very handle.
    pub(crate) fn private_key(self, key: &StoredKey, signed: &Signed) -> Result<Self> {
        if !signed.is_by(key) {
            return Err(doubt(self.step, &key.id, "another_key_signed"));
        }
        let (id, label) = (key.id.clone(), key.label.clone());
        let is = Is::PrivateKey { id, label, signed_for: signed.public_key().cloned() };
        Ok(self.and(key.place, is))
    }

    /// A private key that a person has named by its identifier, having seen what is odd about it.
    pub(crate) fn named_private_key(self, key: &StoredKey) -> Self {
        let is = Is::PrivateKey { id: key.id.clone(), label: key.label.clone(), signed_for: None };
        self.and(key.place, is)
    }

    /// A public key object of a job of ours whose value was never written: it carries the job's record and identifier.
    pub(crate) fn half_public_key(self, key: &StoredPublicKey) -> Self {
        self.and(key.place, Is::HalfPublicKey { id: key.id.clone(), label: key.label.clone() })
    }

    /// A certificate object of a job of ours whose value was never wholly written: it carries the job's record and
    /// identifier, and what cannot be read as a certificate.
    pub(crate) fn half_certificate(self, certificate: &StoredCertificate) -> Self {
        let StoredCertificate { id, label, der, .. } = certificate;
        let is = Is::HalfCertificate { id: id.clone(), label: label.clone(), der: der.clone() };
        self.and(certificate.place, is)
    }

    /// A certificate.
    pub(crate) fn certificate(self, certificate: &StoredCertificate) -> Self {
        let StoredCertificate { id, label, der, .. } = certificate;
        let is = Is::Certificate { id: id.clone(), label: label.clone(), der: der.clone() };
        self.and(certificate.place, is)
    }

    /// A certificate that C_CreateObject has just made for us, and what was there before. Not every driver gives the handle of
    /// what it has made.
    pub(super) fn created_certificate(
        self,
        certificate: &StoredCertificate,
        before: Option<&Present>,
    ) -> Self {
        let (id, label) = (certificate.id.clone(), certificate.label.bytes().to_vec());
        let (der, before) = (Arc::clone(&certificate.der), before.cloned());
        self.and(certificate.place, Is::CreatedCertificate { id, label, der, before })
    }

    /// A half of the pair that C_GenerateKeyPair has just made for us.
    pub(super) fn generated_half(self, place: Place, id: &[u8], label: &[u8]) -> Self {
        self.and(place, Is::GeneratedHalf { id: id.to_vec(), label: label.to_vec() })
    }

    /// Whether it is one of the certificates that are to go.
    fn plans(&self, object: &Object) -> bool {
        self.planned.iter().any(|planned| planned.is.agrees_with(object))
    }

    fn certificates(&self) -> usize {
        self.planned.iter().filter(|planned| matches!(planned.is, Is::Certificate { .. })).count()
    }

    fn and(mut self, place: Place, is: Is) -> Self {
        self.planned.push(Planned { place, is, verifies: None });
        self
    }
}

impl Session {
    /// Destroys what the plan names, one after the other.
    ///
    /// # Errors
    /// [`Code::RemovalDoubtful`] when an object is not what the plan says, or cannot be read: it and all after it stay;
    /// [`Code::DestroyFailed`] when the token keeps an object although it says that it removed it; what C_DestroyObject
    /// returns.
    pub(crate) fn remove(&self, removal: &Removal) -> Result<()> {
        if matches!(removal.step, Step::Abandon | Step::Retire) {
            self.pin.drop_unless_wanted();
        }
        removal.planned.iter().try_for_each(|planned| self.make_sure_alike_are_found(planned, removal))?;
        // Before the first of them goes: SoftHSM forgets of what other programs have written when it writes itself.
        removal.planned.iter().try_for_each(|planned| self.make_sure_nothing_came(planned, removal))?;
        removal.planned.iter().try_for_each(|planned| self.remove_one(planned, removal))
    }

    /// Before a private key goes: no certificate for it is there that was not there when the plan was made, and what has to
    /// stay is there. One search says both.
    fn make_sure_nothing_came(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        match (&planned.is, &removal.known) {
            (Is::PrivateKey { signed_for: Some(public), .. }, Some(known)) => {
                let found = self.open_session().find(Template::new())?;
                self.make_sure_none_came(found, (planned, public), removal, known)
            }
            _ => Ok(()),
        }
    }

    /// The same of what a search has found; what has gone since then has not come.
    fn make_sure_none_came(
        &self,
        all: Vec<ObjectHandle>,
        (planned, public): (&Planned, &PublicKey),
        removal: &Removal,
        known: &Present,
    ) -> Result<()> {
        let changed = |reason| Err(doubt(removal.step, planned.is.id(), reason));
        let open = self.open_session();
        let (mut found, mut moved, mut planned_here) = (BTreeSet::new(), 0, 0);
        for handle in all {
            found.insert(handle);
            let is_known = known.owner == open.place(handle).owner && known.handles.contains(&handle);
            if is_known {
                continue;
            }
            moved += 1;
            match open.read_object(handle) {
                // Known, under a number that some drivers give anew with each search: as often as it is to go.
                Ok(object @ Object::Certificate(_))
                    if removal.plans(&object) && planned_here < removal.certificates() =>
                {
                    planned_here += 1;
                }
                Ok(Object::Certificate(one)) if may_be_for(&one.der, public, removal) => {
                    return changed("certificate_came");
                }
                Ok(Object::OtherCertificate | Object::Unknown) if !removal.although_unread => {
                    return changed("certificate_came");
                }
                Ok(_) => {}
                Err(failure) if failure.rv() == Some(CKR_OBJECT_HANDLE_INVALID) => {}
                Err(failure) => return Err(unreadable(failure, planned, removal.step)),
            }
        }
        // Some drivers number their objects anew when one goes.
        let stays = |place: &Place| found.contains(&place.handle) || moved > 0;
        if removal.kept.iter().all(stays) { Ok(()) } else { changed("successor_went") }
    }

    fn remove_one(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        let (open, step) = (self.open_session(), removal.step);
        let Some(handle) = self.standing(planned, removal)? else { return Ok(()) };
        match self.to_write(step)?.destroy_object(open.handle(), handle) {
            Ok(()) => self.has_changed(Changed::ObjectRemoved),
            // What went before has taken it along, or its handle has changed.
            Err(failure) if failure.rv() == Some(CKR_OBJECT_HANDLE_INVALID) => {
                self.check_not_hidden(planned, removal)?;
                let Some(moved) = self.search_again(planned, step)? else { return Ok(()) };
                let destroyed = self.to_write(step)?.destroy_object(open.handle(), moved);
                destroyed.map_err(|failure| not_destroyed(planned, step).because_of(failure.during(step)))?;
                return self.make_sure_it_went(moved, planned, step);
            }
            // Some drivers do it, and answer that they failed.
            Err(Failure::Returned { .. }) if self.has_gone(handle, planned, removal) => {
                self.has_changed(Changed::ObjectRemoved);
                return Ok(());
            }
            Err(failure) => return Err(failure.during(step)),
        }
        self.make_sure_it_went(handle, planned, step)
    }

    /// Whether an object is shown to be gone after a call that is said to have failed: what does not answer shows nothing.
    fn has_gone(&self, handle: ObjectHandle, planned: &Planned, removal: &Removal) -> bool {
        let is_nowhere = || {
            let shows = self.check_not_hidden(planned, removal).is_ok();
            shows && matches!(self.search_again(planned, removal.step), Ok(None))
        };
        match self.read_again(handle, &planned.is) {
            Again::There(object) if planned.is.agrees_with(&object) => false,
            Again::There(_) | Again::Gone => is_nowhere(),
            Again::Unreadable(_) => self.is_found(handle).is_ok_and(|found| !found) && is_nowhere(),
        }
    }

    /// The handle under which the object stands now, exactly as planned; `None`: it is gone.
    fn standing(&self, planned: &Planned, removal: &Removal) -> Result<Option<ObjectHandle>> {
        let step = removal.step;
        let handle = self.open_session().handle_of(planned.place)?;
        match self.read_again(handle, &planned.is) {
            Again::Gone => {
                self.check_not_hidden(planned, removal)?;
                self.search_again(planned, step)
            }
            Again::There(object) if planned.is.agrees_with(&object) => Ok(Some(handle)),
            Again::There(_) => Err(doubt(step, planned.is.id(), "object_changed")),
            Again::Unreadable(failure) => Err(unreadable(failure, planned, step)),
        }
    }

    /// That an object which does not show is gone: a token that is logged out shows no private ones, and one that does not say
    /// that somebody is logged in may be so; nor does one that says so and shows no private key, where one stays.
    fn check_not_hidden(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        let is_private = matches!(planned.is, Is::PrivateKey { .. } | Is::GeneratedHalf { .. });
        let shows_private = || {
            let keys = Template::new().number(CKA_CLASS, CKO_PRIVATE_KEY);
            Ok::<_, Error>(!removal.keeps_key || !self.open_session().find(keys)?.is_empty())
        };
        let may_be_hidden =
            self.is_logged_out() || (is_private && !(self.is_logged_in() && shows_private()?));
        if may_be_hidden { Err(Error::new(Code::LoginLost).during(removal.step)) } else { Ok(()) }
    }

    /// Searches for an object whose handle became invalid by what it was: some drivers number their objects anew when one goes,
    /// and some tokens take two along with one call.
    fn search_again(&self, planned: &Planned, step: Step) -> Result<Option<ObjectHandle>> {
        let open = self.open_session();
        if matches!(&planned.is, Is::GeneratedHalf { id, label } if id.is_empty() && label.is_empty()) {
            return Err(doubt(step, &[], "object_changed"));
        }
        let template = match planned.is.id() {
            [] => Template::new(),
            id => Template::new().bytes(CKA_ID, id),
        };
        let mut found = Vec::new();
        for handle in open.find(template)? {
            if let Ok(object) = self.read_whole(handle, &planned.is)
                && planned.is.is_shown_by(&object)
                && self.has_signed(&planned.is, object)?
                && self.still_verifies(planned, handle)?
            {
                found.push(handle);
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [handle] => Ok(Some(*handle)),
            [..] => Err(doubt(step, planned.is.id(), "object_changed")),
        }
    }

    /// Whether a private key under another handle signs for what the planned one has signed for; other objects are known by
    /// their values.
    fn has_signed(&self, is: &Is, object: Object) -> Result<bool> {
        match (is, object) {
            (Is::PrivateKey { signed_for: Some(public), .. }, Object::PrivateKey(key)) => {
                Ok(self.challenge(&key, [public])?.public_key().is_some())
            }
            _ => Ok(true),
        }
    }

    /// Whether what stands under another handle verifies what the planned public key has verified, where it had to.
    fn still_verifies(&self, planned: &Planned, handle: ObjectHandle) -> Result<bool> {
        match &planned.verifies {
            Some(signed) => Ok(self.verified_by(handle, signed)? == Verified::Yes),
            None => Ok(true),
        }
    }

    fn make_sure_it_went(&self, handle: ObjectHandle, planned: &Planned, step: Step) -> Result<()> {
        match self.read_again(handle, &planned.is) {
            Again::There(object) if planned.is.agrees_with(&object) => Err(not_destroyed(planned, step)),
            Again::Gone | Again::There(_) => Ok(()),
            // Whether it is gone, the search says.
            Again::Unreadable(_) if !self.is_found(handle)? => Ok(()),
            Again::Unreadable(failure) => Err(not_destroyed(planned, step).because_of(failure.during(step))),
        }
    }

    fn read_again(&self, handle: ObjectHandle, as_what: &Is) -> Again {
        let read = match as_what {
            Is::PrivateKey { .. } => self.open_session().read_as_private_key(handle),
            _ => self.read_whole(handle, as_what),
        };
        match read {
            Ok(object) => Again::There(object),
            Err(failure) if failure.rv() == Some(CKR_OBJECT_HANDLE_INVALID) => Again::Gone,
            Err(failure) => Again::Unreadable(failure),
        }
    }

    fn read_whole(&self, handle: ObjectHandle, as_what: &Is) -> Outcome<Object> {
        let open = self.open_session();
        match as_what {
            Is::Certificate { .. }
            | Is::HalfCertificate { .. }
            | Is::CreatedCertificate { .. }
            | Is::LeftCertificate { .. } => open.read_as_certificate(handle),
            Is::PublicKey { .. }
            | Is::PrivateKey { .. }
            | Is::HalfPublicKey { .. }
            | Is::GeneratedHalf { .. } => open.read_object(handle),
        }
    }

    fn is_found(&self, handle: ObjectHandle) -> Result<bool> {
        let found = self.open_session().find(Template::new())?;
        Ok(found.contains(&handle))
    }
}

/// Whether a certificate object is for this key; of what is not read as a certificate, nobody here can tell.
fn may_be_for(der: &[u8], key: &PublicKey, removal: &Removal) -> bool {
    is_for(der, key) || !removal.although_unread && Certificate::from_der(der).is_err()
}

fn is_for(der: &[u8], key: &PublicKey) -> bool {
    Certificate::from_der(der).is_ok_and(|certificate| certificate.public_key() == key)
}

/// What a fresh read of a handle says.
enum Again {
    There(Object),
    Gone,
    Unreadable(Failure),
}

/// The token keeps what it was told to remove.
fn not_destroyed(planned: &Planned, step: Step) -> Error {
    Error::new(Code::DestroyFailed).during(step).fact(Fact::Id, hex(planned.is.id()))
}

/// The object cannot be read; where the driver's process has ended, that is what happened.
fn unreadable(failure: Failure, planned: &Planned, step: Step) -> Error {
    let has_answered = matches!(failure, Failure::Returned { .. } | Failure::Misbehaved { .. });
    let error = failure.during(step);
    if has_answered { doubt(step, planned.is.id(), "object_unreadable").because_of(error) } else { error }
}

/// Something does not agree: nothing is removed. The reason is a stable name, for which `text/` has the words.
pub(crate) fn doubt(step: Step, id: &[u8], reason: &str) -> Error {
    Error::new(Code::RemovalDoubtful).during(step).fact(Fact::Id, hex(id)).fact(Fact::Reason, reason)
}
