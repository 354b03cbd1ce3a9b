//! Making a key pair on the token that cannot leave it.

use super::Session;
use super::object::{Label, Present, StoredKey, StoredPublicKey};
use super::read::Object;
use super::remove::Removal;
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::driver::token::quirks::TemplateSet;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{KeyKind, PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, ObjectHandle, Template};

/// A key pair that was just made.
#[derive(Clone, Debug)]
pub(crate) struct NewKeyPair {
    /// The private key.
    pub private: StoredKey,
    /// The public key object, where it is on the token.
    pub public: Option<StoredPublicKey>,
    /// The public key as a value.
    pub public_key: PublicKey,
    /// Whether both halves have the label that was asked for.
    pub labelled: bool,
}

/// What a label means to who asks for a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelIs {
    /// There is another label to ask for, where the token does not take this one.
    OneOfSeveral,
    /// A pair without it is better than none.
    Wished,
}

impl Session {
    /// Generates a key pair with this label, on both halves, and a random CKA_ID of its own. Neither is changed later; only a
    /// token that chooses labels by itself, or takes none with the pair, is asked once to take ours.
    ///
    /// Whether the key is really not exportable is for [`Session::prove`] to say.
    ///
    /// # Errors
    /// [`Code::TemplateRefused`] when the token refuses every template, [`Code::TokenFull`],
    /// [`Code::MechanismUnsupported`], [`Code::PublicKeyInvalid`] and what the token returns. Whatever was left
    /// on the token by a failed attempt is removed; what cannot be removed stands in the error.
    pub(crate) fn generate_key_pair(
        &self,
        kind: KeyKind,
        (label, label_is): (&[u8], LabelIs),
        before: &Present,
    ) -> Result<NewKeyPair> {
        let id = random_id()?;
        let (public, private) = self.try_templates(kind, &id, (label, label_is), before)?;
        let made = self.read_pair(public, private).and_then(|pair| self.labelled(pair, label));
        made.map_err(|error| {
            let open = self.open_session();
            let halves = [open.place(public), open.place(private)].into_iter();
            let removal = halves.fold(Removal::new(Step::GenerateKeyPair), |removal, half| {
                removal.generated_half(half, &id, label)
            });
            error.after_clean_up(self.remove_logged_in(&removal))
        })
    }

    /// Tries the templates one after the other, until one is taken or the refusal is not about the template.
    fn try_templates(
        &self,
        kind: KeyKind,
        id: &[u8],
        (label, label_is): (&[u8], LabelIs),
        before: &Present,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let open = self.open_session();
        let mut refusals = Vec::new();
        let last = TemplateSet::LAST.iter().filter(|set| match kind.curve_der() {
            Some(_) => set.has_exponent() || **set == TemplateSet::Fewest,
            None => true,
        });
        let last = last.filter(|set| set.has_label() || label_is == LabelIs::Wished);
        for set in self.token().quirks().template_sets.iter().chain(last) {
            let (public, private) = templates(*set, kind, id, label);
            let made = open.functions().generate_key_pair(open.handle(), generator(kind), public, private);
            let failure = match made {
                Ok(pair) => return Ok(pair),
                Err(failure) => failure,
            };
            let cleaned = self.remove_leftover_keys(id, label, before);
            match failure.rv() {
                Some(rv) if ckr::is_template_refusal(rv) => {
                    cleaned?;
                    refusals.push(failure);
                }
                _ => return Err(failure.during(Step::GenerateKeyPair).after_clean_up(cleaned)),
            }
        }
        Err(none_taken(refusals))
    }

    /// Reads the public key first: some tokens lose it later.
    fn read_pair(&self, public: ObjectHandle, private: ObjectHandle) -> Result<NewKeyPair> {
        let open = self.open_session();
        let (public, unreadable) = open.read_public_key(public)?;
        let public_key = match (public.public_key.clone(), unreadable) {
            (Some(key), _) => key,
            (None, Some(error)) => return Err(error.during(Step::ReadPublicKey)),
            (None, None) => return Err(Error::new(Code::PublicKeyInvalid).during(Step::ReadPublicKey)),
        };
        let algorithm = SignatureAlgorithm::for_key(&public_key.algorithm());
        let mut private = open.read_new_private_key(private, algorithm)?;
        private.public_key = Some(public_key.clone());
        self.pin.see(&private);
        Ok(NewKeyPair { private, public: Some(public), public_key, labelled: true })
    }

    /// A token that gave the pair a label of its own choice may take ours afterwards.
    fn labelled(&self, pair: NewKeyPair, label: &[u8]) -> Result<NewKeyPair> {
        if pair.has_label(label) {
            return Ok(pair);
        }
        let open = self.open_session();
        let public = pair.public.as_ref().map(|public| public.place);
        for half in public.into_iter().chain([pair.private.place]) {
            let template = Template::new().bytes(CKA_LABEL, label);
            // Whether it did, the reading says.
            let _ = open.functions().set_attributes(open.handle(), open.handle_of(half)?, template);
        }
        let Some(public) = public else { return Ok(NewKeyPair { labelled: false, ..pair }) };
        let again = self.read_pair(open.handle_of(public)?, open.handle_of(pair.private.place)?)?;
        Ok(NewKeyPair { labelled: again.has_label(label), ..again })
    }

    /// The pair in the session that took the place of the one in which it was made.
    ///
    /// # Errors
    /// [`Code::KeyMissing`] when its private key is not there, or is there twice; what the search and the reading return.
    pub(crate) fn found_again(&self, pair: &NewKeyPair) -> Result<NewKeyPair> {
        let (open, made) = (self.open_session(), &pair.private);
        let (mut private, mut public) = (Vec::new(), None);
        for handle in open.find(Template::new().bytes(CKA_ID, &made.id))? {
            let read = open.read_object(handle).map_err(|failure| failure.during(Step::ReadObjects))?;
            match read {
                Object::PrivateKey(key) if key.id == made.id && key.label == made.label => private.push(key),
                Object::PublicKey(key) if key.id == made.id && key.label == made.label => public = Some(key),
                _ => {}
            }
        }
        match (private.pop(), private.is_empty()) {
            (Some(key), true) => {
                let (algorithm, public_key) = (made.algorithm, pair.public_key.clone());
                let private = StoredKey { algorithm, public_key: Some(public_key.clone()), ..key };
                Ok(NewKeyPair { private, public, public_key, labelled: pair.labelled })
            }
            _ => {
                let error = Error::new(Code::KeyMissing).during(Step::ReadObjects);
                Err(error.fact(Fact::Id, hex(&made.id)))
            }
        }
    }

    /// Removes a key pair that was just made, for example because its proof was refused.
    ///
    /// # Errors
    /// [`Code::DestroyFailed`] when one of the two is still there.
    pub(crate) fn remove_new_pair(&self, pair: &NewKeyPair) -> Result<()> {
        let removal = pair.public.iter().fold(Removal::new(Step::Abandon), |removal, public| {
            removal.generated_half(public.place, &public.id, public.label.bytes())
        });
        let private = &pair.private;
        let removal = removal.generated_half(private.place, &private.id, private.label.bytes());
        self.remove_logged_in(&removal).map_err(|error| {
            let id = hex(&pair.private.id);
            Error::new(Code::DestroyFailed).fact(Fact::Id, id).because_of(error)
        })
    }
}

impl NewKeyPair {
    /// Whether both halves kept this label, by which they are known again.
    fn has_label(&self, label: &[u8]) -> bool {
        let padding = |byte: &u8| matches!(byte, 0 | b' ');
        let kept =
            |half: &Label| half.bytes().strip_prefix(label).is_some_and(|rest| rest.iter().all(padding));
        kept(&self.private.label) && self.public.iter().all(|public| kept(&public.label))
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

/// The templates of one set: public, private (PKCS#11 v3.1 §4.8, §4.9, §6.1.4, §6.3.5).
fn templates(set: TemplateSet, kind: KeyKind, id: &[u8], label: &[u8]) -> (Template, Template) {
    let usage = matches!(set, TemplateSet::SignOnly | TemplateSet::NoExponent | TemplateSet::NoLabel);
    let with_id = !matches!(set, TemplateSet::NoId | TemplateSet::NoIdInSession);
    let public_stays = !matches!(set, TemplateSet::PublicKeyInSession | TemplateSet::NoIdInSession);

    let mut public = Template::new().flag(CKA_TOKEN, public_stays);
    public = match kind.curve_der() {
        Some(curve) => public.bytes(CKA_EC_PARAMS, &curve),
        None => public.number(CKA_MODULUS_BITS, kind.bits().into()),
    };
    if set.has_exponent() && kind.curve_der().is_none() {
        public = public.bytes(CKA_PUBLIC_EXPONENT, &[0x01, 0x00, 0x01]);
    }
    let mut private = Template::new()
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_EXTRACTABLE, false);
    if set.has_label() {
        public = public.bytes(CKA_LABEL, label);
        private = private.bytes(CKA_LABEL, label);
    }
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
