//! Making a key pair on the token that cannot leave it.

use super::Session;
use super::object::{StoredKey, StoredPublicKey};
use crate::driver::ckr;
use crate::driver::raw::{Failure, ObjectHandle, Template};
use crate::driver::token::quirks::{Profile, Rung};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{KeyKind, PublicKey};
use pkcs11_sys::*;

/// A key pair that was just made.
#[derive(Clone, Debug)]
pub struct NewKeyPair {
    /// The private key.
    pub private: StoredKey,
    /// The public key object.
    pub public: StoredPublicKey,
    /// The public key as a value.
    pub public_key: PublicKey,
}

impl Session {
    /// Generates a key pair with this label and an identifier of its own.
    ///
    /// CKA_ID is random at first, so that no other pair is touched, and then derived from the public key where
    /// the token lets it be set. Whether the key is really not exportable is for [`Session::prove`] to say.
    ///
    /// # Errors
    /// [`Code::TemplateRefused`] when the token refuses every template, [`Code::TokenFull`],
    /// [`Code::MechanismUnsupported`], [`Code::PublicKeyInvalid`] and what the token returns. Whatever was left
    /// on the token by a failed attempt is removed; what cannot be removed stands in the error.
    pub fn generate_key_pair(&self, kind: KeyKind, label: &str) -> Result<NewKeyPair> {
        let profile = self.token().profile();
        let id = random_id()?;
        let (public, private) = self.climb(profile, kind, &id, label)?;
        let made = self.inspect(profile, public, private);
        made.map_err(|error| self.undo(&[private, public], error))
    }

    /// Tries the templates one after the other, until one is taken or the refusal is not about the template.
    fn climb(
        &self,
        profile: &Profile,
        kind: KeyKind,
        id: &[u8],
        label: &str,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let open = self.open_session();
        let mut refusals = Vec::new();
        for rung in &profile.ladder {
            let (public, private) = templates(*rung, kind, id, label);
            let made = open.functions().generate_key_pair(open.handle(), generator(kind), public, private);
            let failure = match made {
                Ok(pair) => return Ok(pair),
                Err(failure) => failure,
            };
            let swept = self.sweep_ghosts(id);
            match failure.rv() {
                Some(rv) if ckr::is_template_refusal(rv) => {
                    swept?;
                    refusals.push(failure);
                }
                _ => return Err(failure.during(Step::GenerateKeyPair).after_clean_up(swept)),
            }
        }
        Err(none_taken(refusals))
    }

    /// Removes what a refused generation left behind. The identifier is fresh, so nothing else has it.
    fn sweep_ghosts(&self, id: &[u8]) -> Result<()> {
        let open = self.open_session();
        for class in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            for ghost in open.find(Template::new().number(CKA_CLASS, class).bytes(CKA_ID, id))? {
                open.destroy(open.place(ghost), Step::GenerateKeyPair)?;
            }
        }
        Ok(())
    }

    /// Reads the public key first (some tokens lose it later), gives the pair its final identifier, and reads the
    /// private key with the identifier that the token then reports.
    fn inspect(&self, profile: &Profile, public: ObjectHandle, private: ObjectHandle) -> Result<NewKeyPair> {
        let open = self.open_session();
        let (mut public, unreadable) = open.read_public_key(public)?;
        let public_key = match (public.public_key.clone(), unreadable) {
            (Some(key), _) => key,
            (None, Some(error)) => return Err(error.during(Step::ReadPublicKey)),
            (None, None) => return Err(Error::new(Code::PublicKeyInvalid).during(Step::ReadPublicKey)),
        };
        if profile.id_is_settable {
            let id = || Template::new().bytes(CKA_ID, &public_key.key_id());
            let renamed = open
                .set(open.place(private), id(), Step::GenerateKeyPair)
                .and_then(|()| open.set(public.place, id(), Step::GenerateKeyPair));
            match renamed {
                Ok(()) => public.id = public_key.key_id().to_vec(),
                // The pair is as good with the identifier that it has.
                Err(error) if error.is_refusal() => {}
                Err(error) => return Err(error),
            }
        }
        let mut private = open.read_private_key(private)?;
        private.public_key = Some(public_key.clone());
        Ok(NewKeyPair { private, public, public_key })
    }

    /// Removes a pair that must not stay, and adds to the error what could not be removed.
    fn undo(&self, pair: &[ObjectHandle], error: Error) -> Error {
        let open = self.open_session();
        pair.iter().fold(error, |error, handle| {
            error.after_clean_up(open.destroy(open.place(*handle), Step::GenerateKeyPair))
        })
    }

    /// Removes a key pair that was just made, for example because its proof was refused.
    ///
    /// # Errors
    /// [`Code::DestroyFailed`] when one of the two is still there.
    pub fn destroy_key_pair(&self, pair: &NewKeyPair) -> Result<()> {
        let private = self.destroy_private_key(&pair.private, Step::Abandon);
        let public = self.destroy_public_key(&pair.public, Step::Abandon);
        private.and(public).map_err(|error| {
            let id = crate::hex(&pair.private.id);
            Error::new(Code::DestroyFailed).fact(Fact::Id, id).because_of(error)
        })
    }
}

fn none_taken(refusals: Vec<Failure>) -> Error {
    let refused = Error::new(Code::TemplateRefused).during(Step::GenerateKeyPair);
    let detailed = refusals
        .iter()
        .filter_map(Failure::rv)
        .fold(refused, |error, rv| error.fact(Fact::Detail, ckr::name(rv)));
    match refusals.into_iter().last() {
        Some(last) => detailed.because_of(last.during(Step::GenerateKeyPair)),
        None => detailed,
    }
}

fn random_id() -> Result<[u8; 20]> {
    let mut id = [0; 20];
    getrandom::fill(&mut id)
        .map_err(|error| Error::new(Code::Internal).during(Step::GenerateKeyPair).caused_by(error))?;
    Ok(id)
}

fn generator(kind: KeyKind) -> CK_MECHANISM_TYPE {
    match kind {
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => CKM_RSA_PKCS_KEY_PAIR_GEN,
        KeyKind::P256 | KeyKind::P384 => CKM_EC_KEY_PAIR_GEN,
    }
}

/// The templates of one rung: public, private (PKCS#11 v3.1 §4.8, §4.9, §6.1.4, §6.3.5).
fn templates(rung: Rung, kind: KeyKind, id: &[u8], label: &str) -> (Template, Template) {
    let usage = rung == Rung::SignOnly;
    let with_id = rung != Rung::NoId;
    let public_stays = rung != Rung::PublicKeyInSession;

    let mut public = Template::new().flag(CKA_TOKEN, public_stays).bytes(CKA_LABEL, label.as_bytes());
    public = match kind.curve_der() {
        Some(curve) => public.bytes(CKA_EC_PARAMS, &curve),
        None => public
            .number(CKA_MODULUS_BITS, kind.bits().into())
            .bytes(CKA_PUBLIC_EXPONENT, &[0x01, 0x00, 0x01]),
    };
    let mut private = Template::new()
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_EXTRACTABLE, false)
        .bytes(CKA_LABEL, label.as_bytes());
    if usage {
        public = public.flag(CKA_VERIFY, true);
        private = private.flag(CKA_SIGN, true);
    }
    if with_id {
        public = public.bytes(CKA_ID, id);
        private = private.bytes(CKA_ID, id);
    }
    (public, private)
}
