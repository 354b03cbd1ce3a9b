//! Making a key pair on the token that cannot leave it.

use super::Session;
use super::object::{Changed, Label, Place, Present, StoredKey, StoredPublicKey};
use super::read::{Object, handle_of_another};
use super::remove::Removal;
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::driver::token::template_set::{Part, TemplateSet};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{KeyKind, PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use std::time::{Duration, Instant};
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, ObjectHandle, Template};

#[cfg(test)]
mod on_token;
#[cfg(test)]
mod tests;

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

/// Where the halves of a pair that was just made are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Halves {
    public: ObjectHandle,
    private: ObjectHandle,
}

/// What a new pair is to be known by.
#[derive(Clone, Copy, Debug)]
struct Wanted<'a> {
    id: &'a [u8],
    label: &'a [u8],
    before: &'a Present,
}

impl Wanted<'_> {
    /// Whether a half under a handle that the driver gave for a new one is that: it has a name that no other object has, or was
    /// surely not there before.
    fn is_new(&self, place: Place, id: &[u8], label: &Label) -> bool {
        id == self.id || is_kept(self.label, label) || !self.before.may_have(place, id)
    }
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
    /// token that chooses names by itself, or takes none with the pair, is asked once to take ours.
    ///
    /// Whether the key is really not exportable is for [`Session::prove`] to say; that it stays on the token and is private is
    /// read here, where the token did not let that be said.
    ///
    /// # Errors
    /// [`Code::TemplateRefused`] when the token refuses every template, [`Code::KeyUnfit`] when it takes one that does not say
    /// what the key has to be, and it is not so; [`Code::TokenFull`],
    /// [`Code::MechanismUnsupported`], [`Code::PublicKeyInvalid`] and what the token returns. Whatever was left
    /// on the token by a failed attempt is removed; what cannot be removed stands in the error.
    pub(crate) fn generate_key_pair(
        &self,
        kind: KeyKind,
        (label, label_is): (&[u8], LabelIs),
        before: &Present,
    ) -> Result<NewKeyPair> {
        let id = random_id()?;
        let (set, mut halves) = self.try_templates(kind, &id, (label, label_is), before)?;
        let wanted = Wanted { id: &id, label, before };
        let mut made = self.made(set, halves, wanted);
        // A driver may give handles that are not those of what it has made.
        if made.is_err()
            && let Some(named) = self.halves_named(&id, label).filter(|named| *named != halves)
        {
            halves = named;
            made = self.made(set, halves, wanted);
        }
        made.map_err(|error| error.after_clean_up(self.remove_halves(halves, wanted)))
    }

    /// The halves of the pair that was just made, by the names that no other object has; `None` where they are not there once each.
    fn halves_named(&self, id: &[u8], label: &[u8]) -> Option<Halves> {
        let open = self.open_session();
        let (mut public, mut private) = (Vec::new(), Vec::new());
        for handle in open.find(Template::new().bytes(CKA_ID, id).bytes(CKA_LABEL, label)).ok()? {
            match open.read_object(handle).ok()? {
                Object::PublicKey(key) if key.id == id => public.push(handle),
                Object::PrivateKey(key) if key.id == id => private.push(handle),
                _ => {}
            }
        }
        match (public.as_slice(), private.as_slice()) {
            (&[public], &[private]) => Some(Halves { public, private }),
            _ => None,
        }
    }

    fn made(&self, set: TemplateSet, halves: Halves, wanted: Wanted<'_>) -> Result<NewKeyPair> {
        let pair = self.read_pair(halves)?;
        // An identifier that was read wrongly once is not to be given to the other half.
        let pair = if pair.has_id(wanted.id) { pair } else { self.read_pair(halves)? };
        if !pair.is_new(wanted) {
            return Err(handle_of_another());
        }
        self.check_left_out(set, halves.private)?;
        self.named(pair, wanted.id, wanted.label)
    }

    /// Tries the templates one after the other, until one is taken or the refusal is not about the template.
    fn try_templates(
        &self,
        kind: KeyKind,
        id: &[u8],
        (label, label_is): (&[u8], LabelIs),
        before: &Present,
    ) -> Result<(TemplateSet, Halves)> {
        /// So fast a token refuses what it reads; what takes longer was begun.
        const AT_ONCE: Duration = Duration::from_secs(2);
        let open = self.open_session();
        let (mut refusals, mut has_left) = (Vec::new(), false);
        for set in self.template_sets(kind, label_is) {
            // What is left behind without a name of ours is not known again, so a token that leaves things is not asked for it.
            if has_left && !set.has_name() {
                continue;
            }
            let present = (!set.has_name()).then(|| self.present()).transpose()?;
            let (public, private) = templates(set, kind, id, label);
            let begun = Instant::now();
            let functions = self.to_write(Step::GenerateKeyPair)?;
            let made = functions.generate_key_pair(open.handle(), generator(kind), public, private);
            let failure = match made {
                Ok((public, private)) => {
                    self.has_changed(Changed::KeyMade(id.to_vec()));
                    return Ok((set, Halves { public, private }));
                }
                Err(failure) => failure,
            };
            let took = begun.elapsed();
            let cleaned = self.remove_leftover_keys(id, label, before);
            let is_of_template = failure.rv().is_some_and(|rv| {
                ckr::is_template_refusal(rv) || (ckr::may_be_template_refusal(rv) && took < AT_ONCE)
            });
            let has_left_nameless = match present {
                Some(present) => self.present()?.has_more_than(&present),
                None => false,
            };
            if has_left_nameless || !is_of_template {
                return Err(failure.during(Step::GenerateKeyPair).after_clean_up(cleaned.map(drop)));
            }
            has_left |= cleaned?;
            refusals.push(failure);
        }
        Err(none_taken(refusals))
    }

    /// The sets to try, each once. While there is another label to ask for, nothing is left out for which that has to go.
    fn template_sets(&self, kind: KeyKind, label_is: LabelIs) -> Vec<TemplateSet> {
        let wanted =
            |set: &TemplateSet| label_is == LabelIs::Wished || (set.has(Part::Label) && set.has_protection());
        let mut sets: Vec<TemplateSet> = Vec::new();
        for set in self.token().quirks().template_sets.into_iter().chain(TemplateSet::LAST).filter(wanted) {
            let set = if kind.curve_der().is_some() { set.for_ec() } else { set };
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        sets
    }

    /// What the template could not say of the private key has to be so all the same: it stays on the token, and shows after the
    /// login only.
    fn check_left_out(&self, set: TemplateSet, private: ObjectHandle) -> Result<()> {
        let needed = [(Part::Token, CKA_TOKEN, "CKA_TOKEN"), (Part::Private, CKA_PRIVATE, "CKA_PRIVATE")];
        for (_, attribute, name) in needed.into_iter().filter(|(part, ..)| !set.has(*part)) {
            if self.open_session().read_flag(private, attribute)? != Some(true) {
                return Err(unfit(name));
            }
        }
        Ok(())
    }

    /// Removes the halves of a pair that cannot be used, by the names that they have now. What was there before stays, whatever
    /// handle the driver gave; what has the names of the new pair goes then.
    fn remove_halves(&self, halves: Halves, wanted: Wanted<'_>) -> Result<()> {
        let open = self.open_session();
        let (mut removal, mut is_of_others) = (Removal::new(Step::GenerateKeyPair), false);
        for half in [halves.public, halves.private] {
            let place = open.place(half);
            let (id, label) = match open.read_object(half) {
                Ok(Object::PrivateKey(key)) => (key.id, key.label),
                Ok(Object::PublicKey(key)) => (key.id, key.label),
                _ => (wanted.id.to_vec(), Label::new(wanted.label.to_vec())),
            };
            if wanted.is_new(place, &id, &label) {
                removal = removal.generated_half(place, &id, label.bytes());
            } else {
                is_of_others = true;
            }
        }
        self.remove_logged_in(&removal)?;
        if is_of_others {
            self.remove_leftover_keys(wanted.id, wanted.label, wanted.before)?;
        }
        Ok(())
    }

    /// Reads the public key first: some tokens lose it later.
    fn read_pair(&self, halves: Halves) -> Result<NewKeyPair> {
        let open = self.open_session();
        let (public, unreadable) = open.read_public_key(halves.public)?;
        let public_key = match (public.public_key.clone(), unreadable) {
            (Some(key), _) => key,
            (None, Some(error)) => return Err(error.during(Step::ReadPublicKey)),
            (None, None) => return Err(Error::new(Code::PublicKeyInvalid).during(Step::ReadPublicKey)),
        };
        let algorithm = SignatureAlgorithm::for_key(&public_key.algorithm());
        let mut private = open.read_new_private_key(halves.private, algorithm)?;
        private.public_key = Some(public_key.clone());
        self.pin.see(&private);
        Ok(NewKeyPair { private, public: Some(public), public_key, labelled: true })
    }

    /// A token that gave the pair a label of its own choice, or no identifier, may take ours afterwards. An identifier that it
    /// chose stays, on both halves; without one the certificate would not belong to its key for any program. Where the private key is
    /// found under the one that it was given, and reads as under another, nothing was chosen.
    fn named(&self, pair: NewKeyPair, id: &[u8], label: &[u8]) -> Result<NewKeyPair> {
        let Some(public) = &pair.public else { return Ok(NewKeyPair { labelled: false, ..pair }) };
        let is_misread = public.id == id && self.is_misread(&pair.private, id)?;
        let has_its_id = |id: &[u8]| is_misread || pair.has_id(id);
        let id = if pair.private.id.is_empty() { id } else { &pair.private.id };
        if has_its_id(id) && pair.has_label(label) {
            return Ok(pair);
        }
        let open = self.open_session();
        let halves =
            Halves { public: open.handle_of(public.place)?, private: open.handle_of(pair.private.place)? };
        for (half, has) in [(halves.public, &public.id), (halves.private, &pair.private.id)] {
            // Each for itself, since either may be refused. Whether it was taken, the reading says.
            if *has != id && !is_misread {
                let functions = self.to_write(Step::GenerateKeyPair)?;
                let _ = functions.set_attributes(open.handle(), half, Template::new().bytes(CKA_ID, id));
            }
            if !pair.has_label(label) {
                let functions = self.to_write(Step::GenerateKeyPair)?;
                let _ =
                    functions.set_attributes(open.handle(), half, Template::new().bytes(CKA_LABEL, label));
            }
        }
        let again = self.read_pair(halves)?;
        if again.private.id.is_empty() {
            return Err(unfit("CKA_ID"));
        }
        Ok(NewKeyPair { labelled: again.has_label(label), ..again })
    }

    /// Whether a private key stands under this CKA_ID, by which programs find it, although another one is read of it.
    ///
    /// # Errors
    /// What the search returns.
    pub(crate) fn is_misread(&self, key: &StoredKey, id: &[u8]) -> Result<bool> {
        if key.id.is_empty() || key.id == id || id.is_empty() {
            return Ok(false);
        }
        let open = self.open_session();
        let found = open.find(Template::new().number(CKA_CLASS, CKO_PRIVATE_KEY).bytes(CKA_ID, id))?;
        Ok(found.contains(&open.handle_of(key.place)?))
    }

    /// Whether a key has this label on the token, and not one that the token has chosen.
    pub(crate) fn has_taken_label(&self, key: &StoredKey, label: &[u8]) -> bool {
        self.token().label_of(&key.id).is_none() && key.label.bytes().starts_with(label)
    }

    /// The pair in the session that took the place of the one in which it was made, and what stands under its identifier there: that
    /// no certificate of it does.
    ///
    /// # Errors
    /// [`Code::KeyMissing`] when its private key is not there, or is there twice; what the search and the reading return.
    pub(crate) fn found_again(&self, pair: &NewKeyPair) -> Result<(NewKeyPair, Present)> {
        let (open, made) = (self.open_session(), &pair.private);
        let (mut private, mut public) = (Vec::new(), None);
        let found = open.find(Template::new().bytes(CKA_ID, &made.id))?;
        for &handle in &found {
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
                let (owner, handles) = (open.owner(), found.into_iter().collect());
                let present = Present { owner, handles, ..Present::default() };
                Ok((NewKeyPair { private, public, public_key, labelled: pair.labelled }, present))
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
    /// Whether both halves have this CKA_ID.
    fn has_id(&self, id: &[u8]) -> bool {
        self.private.id == id && self.public.iter().all(|public| public.id == id)
    }

    /// Whether both halves kept this label, by which they are known again.
    fn has_label(&self, label: &[u8]) -> bool {
        is_kept(label, &self.private.label) && self.public.iter().all(|public| is_kept(label, &public.label))
    }

    /// Whether both halves are what was just made.
    fn is_new(&self, wanted: Wanted<'_>) -> bool {
        let private = &self.private;
        wanted.is_new(private.place, &private.id, &private.label)
            && self.public.iter().all(|public| wanted.is_new(public.place, &public.id, &public.label))
    }
}

/// Whether a half kept this label, but for padding.
fn is_kept(label: &[u8], half: &Label) -> bool {
    let padding = |byte: &u8| matches!(byte, 0 | b' ');
    half.bytes().strip_prefix(label).is_some_and(|rest| rest.iter().all(padding))
}

/// The first refusal is that of the usual template: what it says of another cause is more than that the others were refused too.
fn none_taken(refusals: Vec<Failure>) -> Error {
    let step = Step::GenerateKeyPair;
    let refused = Error::new(Code::TemplateRefused).during(step);
    let detailed = refusals
        .iter()
        .filter_map(Failure::rv)
        .map(ckr::name)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .fold(refused, |error, name| error.fact(Fact::Detail, name));
    let unclear = |failure: &Failure| !failure.rv().is_some_and(ckr::is_template_refusal);
    match refusals.first() {
        Some(first) if unclear(first) => first.clone().during(step),
        Some(_) => match refusals.into_iter().last() {
            Some(last) => detailed.because_of(last.during(step)),
            None => detailed,
        },
        None => detailed,
    }
}

/// The token does not let this be said, and did not make it so.
fn unfit(attribute: &str) -> Error {
    Error::new(Code::KeyUnfit).during(Step::GenerateKeyPair).fact(Fact::Detail, attribute)
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
    let mut public = match set.has(Part::PublicToken) {
        true => Template::new().flag(CKA_TOKEN, set.has(Part::PublicStored)),
        false => Template::new(),
    };
    public = match kind.curve_der() {
        Some(curve) => public.bytes(CKA_EC_PARAMS, &curve),
        None => public.number(CKA_MODULUS_BITS, kind.bits().into()),
    };
    if set.has(Part::Exponent) && kind.curve_der().is_none() {
        public = public.bytes(CKA_PUBLIC_EXPONENT, &[0x01, 0x00, 0x01]);
    }
    let protection = [
        (Part::Token, CKA_TOKEN, true),
        (Part::Private, CKA_PRIVATE, true),
        (Part::Sensitive, CKA_SENSITIVE, true),
        (Part::Extractable, CKA_EXTRACTABLE, false),
    ];
    let said = protection.into_iter().filter(|(part, ..)| set.has(*part));
    let mut private = said.fold(Template::new(), |private, (_, kind, value)| private.flag(kind, value));
    if set.has(Part::Label) {
        public = public.bytes(CKA_LABEL, label);
        private = private.bytes(CKA_LABEL, label);
    }
    if set.has(Part::Usage) {
        public = public.flag(CKA_VERIFY, true);
        private = private.flag(CKA_SIGN, true);
    }
    if set.has(Part::Id) {
        public = public.bytes(CKA_ID, id);
        private = private.bytes(CKA_ID, id);
    }
    (public, private)
}
