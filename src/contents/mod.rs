//! What is on a token, read once, and every relation between the objects.
//!
//! [`Contents`] is a value: objects in, relations out. Identifiers, labels, subjects, and the public half that a private
//! key *reports* are hints, good for showing and for choosing what to try first: other programs use our identifiers and
//! labels, and some drivers report the public half of whatever shares the CKA_ID. Only a signature of that very key hides
//! an unfinished job or lets anything be removed.
//!
//! - `belongs`: which certificate, private and public key are one
//! - `credential`: the certificates with their keys
//! - `credentials`: their list, and the choice among them
//! - `left_out`: those that a choice left out, and why
//! - `choice`, `chosen`: how one was chosen before the login, and the same choice after it
//! - `copies`: one certificate in several objects
//! - `pending`, `jobs`: the keys whose certificate is not there, and how they are found
//! - `answers`: whether a job's certificate is there
//! - `answered`: which pending key an answer is for
//! - `apart`: certificates under another identifier than their key
//! - `succession`: which credential takes the place of which, as removals need it
//! - `successor`: the same, as lists show it
//! - `known`: the same by what a program has kept
//! - `one_key`: several certificates for one key
//! - `removable`: what may be destroyed, and why
//! - `gone`: which key a request was for, and whether anything is left of it
//! - `record`: the label by which all of this is known
//! - `held`, `signer`: the objects as they are held here, and who lets keys sign

mod alike;
mod answered;
mod answers;
mod apart;
mod belongs;
mod choice;
mod chosen;
mod copies;
pub(crate) mod credential;
pub(crate) mod credentials;
mod gone;
mod held;
mod jobs;
mod known;
mod left_out;
mod one_key;
mod pending;
mod record;
mod removable;
mod signer;
mod succession;
mod successor;
#[cfg(test)]
mod tests;

pub(crate) use self::answered::{already_installed, make_sure_it_is_meant, no_leaf, not_awaited};
pub(crate) use self::answers::KnownHere;
pub(crate) use self::apart::Apart;
pub(crate) use self::credential::Credential;
pub(crate) use self::credential::{
    Identified, about, already_renewed, closed, expired, not_yet, service_ended,
};
pub use self::credential::{KeyState, Renewable, StoredCopy};
pub(crate) use self::credentials::Credentials;
pub use self::left_out::{Unreadable, WhyUnreadable};
pub(crate) use self::pending::Old;
pub use self::pending::{BegunBy, HalfWritten, PendingKey, PendingState};
pub use self::record::Caller;
pub(crate) use self::record::{Record, text_for};
pub(crate) use self::removable::{Meant, OfCopies};
pub use self::successor::{Renewed, Successor};

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use self::held::{HeldCertificate, HeldKey, HeldPublicKey, Index};
use self::successor::Names;
use crate::driver::{Objects, Present, PublicSession, Session, Signed, StoredCertificate};
use crate::error::{Call, Result};
use crate::pki::{Certificate, Issuers, PublicKey};

/// What a session sees of certificates and keys, each read and parsed once.
pub(crate) struct Contents {
    certificates: Vec<HeldCertificate>,
    private_keys: Vec<HeldKey>,
    public_keys: Vec<HeldPublicKey>,
    unreadable: usize,
    hidden_certificates: usize,
    refusal: Option<Call>,
    logged_in: bool,
    present: Arc<Present>,
    index: Index,
    /// For which key the request of a job was made, by its record, as far as the caller knows it.
    requested: BTreeMap<Vec<u8>, PublicKey>,
    known: Option<Arc<dyn KnownHere>>,
    names: OnceLock<Names>,
    authorities: OnceLock<Vec<usize>>,
}

impl Contents {
    /// Reads the token as the logged-in user sees it.
    ///
    /// # Errors
    /// What the searches and the reading return.
    pub(crate) fn read(session: &Session) -> Result<Self> {
        Ok(Contents::of(session.objects(None)?, true).with_requests(session.token().keys_by_label()))
    }

    /// Reads the token right after this credential was installed in this session. Since the CA has answered its certificate was
    /// read back and its key has signed, by the handles that a search finds now, so neither is asked for that again.
    ///
    /// # Errors
    /// What the searches and the reading return.
    pub(crate) fn read_after(session: &Session, new: &Credential, signed: &Signed) -> Result<Self> {
        let contents = Contents::of(session.objects(Some(new.stored()))?, true);
        let mut contents = contents.with_requests(session.token().keys_by_label());
        contents.take_over(new, signed);
        Ok(contents)
    }

    /// Reads what is to be seen without login.
    ///
    /// # Errors
    /// What the searches and the reading return.
    pub(crate) fn read_public(session: &PublicSession) -> Result<Self> {
        Ok(Contents::of(session.objects()?, false))
    }

    /// The relations between these objects.
    pub(crate) fn of(objects: Objects, logged_in: bool) -> Self {
        let Objects { certificates, private_keys, public_keys, refusal, present, .. } = objects;
        let mut issuers = Issuers::default();
        let hold = |one| HeldCertificate::of(one, &mut issuers);
        let certificates: Vec<HeldCertificate> = certificates.into_iter().map(hold).collect();
        let private_keys: Vec<HeldKey> = private_keys.into_iter().map(HeldKey::from).collect();
        let public_keys: Vec<HeldPublicKey> = public_keys.into_iter().map(HeldPublicKey::from).collect();
        let index = Index::of(&certificates, &private_keys, &public_keys);
        let present = Arc::new(present);
        Contents {
            certificates,
            private_keys,
            public_keys,
            unreadable: objects.unreadable,
            hidden_certificates: objects.hidden_certificates,
            refusal,
            logged_in,
            present,
            index,
            requested: BTreeMap::new(),
            known: None,
            names: OnceLock::new(),
            authorities: OnceLock::new(),
        }
    }

    /// The same, of which it is known for which key the request of each job was made, by the label of its record.
    pub(crate) fn with_requests(self, requested: BTreeMap<Vec<u8>, PublicKey>) -> Self {
        Contents { requested, ..self }
    }

    /// The objects that were there when this was read.
    pub(crate) fn present(&self) -> &Arc<Present> {
        &self.present
    }

    /// The certificate objects, as they are stored.
    pub(crate) fn stored_certificates(&self) -> impl Iterator<Item = &StoredCertificate> {
        self.certificates.iter().map(|held| &*held.stored)
    }

    /// Whether every object gave what was asked of it.
    pub(crate) fn was_read_whole(&self) -> bool {
        self.unreadable == 0 && self.refusal.is_none()
    }

    /// Whether any private key shows.
    pub(crate) fn has_private_keys(&self) -> bool {
        !self.private_keys.is_empty()
    }

    /// Whether more than one private key shows.
    pub(crate) fn has_several_private_keys(&self) -> bool {
        self.private_keys.len() > 1
    }

    /// Whether exactly this certificate is on the token.
    pub(crate) fn is_there(&self, certificate: &Certificate) -> bool {
        self.place_of(certificate).is_some()
    }

    /// The place of a certificate among these, byte for byte.
    fn place_of(&self, certificate: &Certificate) -> Option<usize> {
        let same = |at: &&usize| self.certificate(**at) == Some(certificate);
        self.index.certificates_by_key.get(certificate.public_key())?.iter().find(same).copied()
    }

    fn certificate(&self, at: usize) -> Option<&Certificate> {
        self.certificates.get(at)?.certificate.as_ref()
    }

    /// The certificates for this key.
    fn certificates_for(&self, key: &PublicKey) -> impl Iterator<Item = usize> {
        self.index.certificates_by_key.get(key).into_iter().flatten().copied()
    }
}
