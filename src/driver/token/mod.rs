//! A token: what it says of itself, and how it is told from others.

mod beside;
mod identity;
mod info;
mod mechanisms;
pub(super) mod quirks;
#[cfg(test)]
mod stating;
pub(super) mod template_set;

pub use self::identity::TokenIdentity;
pub(crate) use self::info::InUse;
pub use self::info::{PinState, TokenInfo};
use self::mechanisms::Mechanisms;
use self::quirks::Quirks;
use crate::driver::ckr::{self, During as _};
use crate::driver::module::Module;
use crate::driver::mutex::lock;
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{KeyKind, PublicKey};
use crate::uri::TokenUri;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use usbtoken_pkcs11::SlotId;
use usbtoken_pkcs11::text::unpadded;
use usbtoken_pkcs11::types::*;

/// A token in a slot, as it was when it was found.
///
/// The slot's number stays inside: it may change at any time, so every login first makes sure that the same token
/// still answers.
#[derive(Clone, Debug)]
pub struct Token {
    module: Module,
    slot: SlotId,
    info: TokenInfo,
    read: Read,
    found_by: Arc<TokenUri>,
    mechanisms: Arc<Mechanisms>,
    quirks: Arc<OnceLock<Quirks>>,
    labels: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    job_labels: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    job_keys: Arc<BTreeMap<Vec<u8>, PublicKey>>,
    beside: Arc<[TokenIdentity]>,
}

/// What a token has shown of a mechanism, through one driver.
type Known = (PathBuf, TokenIdentity, CK_MECHANISM_TYPE);

/// Those that are listed and refused, or sign wrong.
static REFUSED: Mutex<BTreeSet<Known>> = Mutex::new(BTreeSet::new());
/// Those by which a signature came that verified.
static SIGNED: Mutex<BTreeSet<Known>> = Mutex::new(BTreeSet::new());

/// When a token said of itself what is known of it.
#[derive(Clone, Copy, Debug)]
struct Read {
    at: Instant,
    /// How many logins had been tried through its driver by then.
    logins: u64,
}

/// How long what a token says of its PIN is believed: shorter than a person takes to be asked for one.
const BELIEVED: Duration = Duration::from_secs(3);

impl Module {
    /// The tokens of the driver in the slots that are wanted, and why slots were passed over. Where none of them is in use and
    /// meant, the slots count too that the driver does not list among those with a token: some leave that flag unset.
    pub(crate) fn tokens(
        &self,
        anew: bool,
        is_wanted: impl Fn(u64) -> bool,
        is_meant: impl Fn(&Token) -> bool,
    ) -> Result<(Vec<Token>, Vec<Error>)> {
        let functions = self.functions();
        let slots = if anew { functions.slots_anew(true) } else { functions.slots(true) };
        let listed = slots.as_deref().unwrap_or_default();
        let wanted = |slot: &SlotId| is_wanted(ckr::number(slot.0));
        let (mut tokens, mut skipped) = (Vec::new(), Vec::new());
        for &slot in listed.iter().filter(|slot| wanted(slot)) {
            match Token::read(self, slot) {
                Ok(token) => tokens.push(token),
                Err(error) => {
                    skipped.push(error.fact(Fact::Driver, self.path().display()));
                    // One that has ended would be told of once for each slot that is left.
                    if functions.has_ended() {
                        break;
                    }
                }
            }
        }
        if !tokens.iter().any(|token| token.info().in_use() > InUse::Blank && is_meant(token)) {
            let unlisted = functions.slots(false).unwrap_or_default().into_iter();
            let unlisted = unlisted.filter(|slot| wanted(slot) && !listed.contains(slot));
            // What does not answer is an empty slot.
            tokens.extend(unlisted.filter_map(|slot| Token::read(self, slot).ok()));
        }
        match slots {
            Err(failure) if tokens.is_empty() => {
                Err(failure.during(Step::FindToken).fact(Fact::Driver, self.path().display()))
            }
            _ => Ok((tokens, skipped)),
        }
    }
}

impl Read {
    /// Before the token is asked: what happens meanwhile makes it old.
    fn now(module: &Module) -> Self {
        Read { at: Instant::now(), logins: module.logins() }
    }
}

impl Token {
    fn read(module: &Module, slot: SlotId) -> Result<Self> {
        let (read, info) = (Read::now(module), read_info(module, slot)?);
        let (found_by, mechanisms, quirks) = (Arc::default(), Arc::default(), Arc::default());
        let (labels, job_labels, job_keys, beside) = Default::default();
        let module = module.clone();
        Ok(Token {
            module,
            slot,
            info,
            read,
            found_by,
            mechanisms,
            quirks,
            labels,
            job_labels,
            job_keys,
            beside,
        })
    }

    /// What the token said of itself when it was found.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// What the driver calls the slot (CK_SLOT_INFO); for a smart-card interface it begins with the device's name.
    ///
    /// # Errors
    /// What C_GetSlotInfo returns.
    pub(crate) fn slot_description(&self) -> Result<String> {
        self.slot_texts().map(|(description, _)| description)
    }

    /// The description and the manufacturer of the slot.
    pub(crate) fn slot_texts(&self) -> Result<(String, String)> {
        let info = self.module.functions().slot_info(self.slot);
        let info = info.map_err(|failure| failure.during(Step::FindToken))?;
        Ok((unpadded(&info.slotDescription), unpadded(&info.manufacturerID)))
    }

    /// Label, manufacturer, model and serial number.
    pub fn identity(&self) -> &TokenIdentity {
        &self.info.identity
    }

    /// The URI that means it (RFC 7512), by the bytes of its driver: p11tool and pkcs11-tool compare those, whatever alphabet and
    /// padding they are in. What may change from call to call is left out.
    pub fn uri(&self) -> TokenUri {
        TokenUri::clone(&self.info.uri)
    }

    /// The driver through which the token was found.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The URI by which it was found: where that names an object too, it is the one credential that is meant.
    pub fn found_by(&self) -> &TokenUri {
        &self.found_by
    }

    /// The same token with all that is on it, where the URI by which it was found names an object.
    #[must_use]
    pub fn with_all_objects(self) -> Self {
        let TokenIdentity { label, manufacturer, model, serial } = &self.info.identity;
        let whole = TokenUri::of_token(label, manufacturer, model, serial);
        self.with_uri(&whole)
    }

    /// The same token, found by this URI.
    pub(crate) fn with_uri(self, uri: &TokenUri) -> Self {
        Token { found_by: Arc::new(uri.clone()), ..self }
    }

    /// The same token, of whose keys labels are known that it did not take, by CKA_ID: a token that chooses labels by itself has
    /// no place for the record of a job, so that a program keeps it
    /// ([`Pending::label_not_taken`](crate::Pending::label_not_taken)). Keys with these identifiers are taken for labelled so.
    #[must_use]
    pub fn with_labels(self, labels: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        Token { labels: Arc::new(labels), ..self }
    }

    /// The same token, of whose keys labels are known that it did take, by CKA_ID
    /// ([`Pending::label`](crate::Pending::label)). Where its driver gives no label of a private key with such an identifier, and no
    /// other one has that label, the key is taken for labelled so: a job whose label cannot be read for a moment is a job all the same.
    #[must_use]
    pub fn with_labels_of_jobs(self, labels: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        Token { job_labels: Arc::new(labels), ..self }
    }

    /// The same token, of whose keys with [known](Token::with_labels) [labels](Token::with_labels_of_jobs) the public keys are known too, by
    /// CKA_ID ([`Pending::request`](crate::Pending::request)): of several private keys that have the identifier, and the label where the
    /// token has taken it, only the one that signs for this counts as labelled so.
    #[must_use]
    pub fn with_keys_of_jobs(self, keys: BTreeMap<Vec<u8>, PublicKey>) -> Self {
        Token { job_keys: Arc::new(keys), ..self }
    }

    /// The same token, of which more labels and public keys of jobs are known, by CKA_ID; what is known already stays.
    #[must_use]
    pub(crate) fn with_more_jobs(
        mut self,
        labels: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
        keys: impl IntoIterator<Item = (Vec<u8>, PublicKey)>,
    ) -> Self {
        let (mut labels, mut keys) = (labels.into_iter().peekable(), keys.into_iter().peekable());
        if labels.peek().is_some() {
            let known = Arc::make_mut(&mut self.job_labels);
            for (id, label) in labels.filter(|(id, _)| !self.labels.contains_key(id)) {
                known.entry(id).or_insert(label);
            }
        }
        if keys.peek().is_some() {
            let known = Arc::make_mut(&mut self.job_keys);
            for (id, key) in keys {
                known.entry(id).or_insert(key);
            }
        }
        self
    }

    /// The identifier and the public key of the job with this record.
    pub(crate) fn job_with(&self, record: &[u8]) -> Option<(&[u8], &PublicKey)> {
        let (id, _) = self.job_labels.iter().chain(self.labels.iter()).find(|(_, label)| *label == record)?;
        Some((id, self.job_keys.get(id)?))
    }

    /// The public keys of jobs that are known, by the label that each was to have.
    pub(crate) fn keys_by_label(&self) -> BTreeMap<Vec<u8>, PublicKey> {
        let label = |id| self.job_labels.get(id).or_else(|| self.labels.get(id)).cloned();
        self.job_keys.iter().filter_map(|(id, key)| Some((label(id)?, key.clone()))).collect()
    }

    /// The public keys of jobs that are known, by CKA_ID.
    pub(in crate::driver) fn keys_of_jobs(&self) -> &BTreeMap<Vec<u8>, PublicKey> {
        &self.job_keys
    }

    /// The labels of jobs that are known, by CKA_ID.
    pub(in crate::driver) fn labels_of_jobs(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.job_labels
    }

    /// The label that the key with this CKA_ID was to have, where that is known.
    pub(in crate::driver) fn label_of(&self, id: &[u8]) -> Option<&[u8]> {
        self.labels.get(id).map(Vec::as_slice)
    }

    /// The same token, asked anew what it says of itself.
    ///
    /// # Errors
    /// [`Code::TokenChanged`] when another token is in the slot; what C_GetTokenInfo returns.
    pub fn refreshed(&self) -> Result<Self> {
        let (read, info) = (Read::now(&self.module), read_info(&self.module, self.slot)?);
        if info.identity == self.info.identity {
            return Ok(Token { info, read, ..self.clone() });
        }
        Err(Error::new(Code::TokenChanged)
            .during(Step::FindToken)
            .fact(Fact::Expected, &self.info.identity)
            .fact(Fact::Found, &info.identity))
    }

    /// The same token, in the slot in which it was found again after its driver was started anew.
    pub(in crate::driver) fn moved_to(&self, found: Token) -> Self {
        Token { slot: found.slot, info: found.info, read: found.read, ..self.clone() }
    }

    /// Whether it said of itself what is known of it a moment ago, and no login was tried since.
    pub(in crate::driver) fn is_fresh(&self) -> bool {
        self.read.at.elapsed() < BELIEVED && self.read.logins == self.module.logins()
    }

    /// Whether the token states that it makes keys of this kind and signs with them. A hint: drivers list what they cannot do
    /// and leave out what they can.
    ///
    /// `Ok(false)`: the token does not tell, so it cannot be known before it is tried.
    ///
    /// # Errors
    /// [`Code::MechanismUnsupported`], [`Code::KeySizeUnsupported`]: what it lists says otherwise.
    pub fn supports(&self, kind: KeyKind) -> Result<bool> {
        self.mechanisms.support(self.module.functions(), self.slot, self.identity(), kind)
    }

    /// The name of the quirk profile by which this token is treated, `generic` for most.
    pub(crate) fn profile_name(&self) -> &str {
        &self.quirks().name
    }

    pub(in crate::driver) fn quirks(&self) -> &Quirks {
        self.quirks.get_or_init(|| Quirks::of(&self.module, self.identity()))
    }

    /// The shortest and the longest PIN in bytes, as the token states; `None` where that makes no sense. A hint: limits for a new PIN are none for one that was set long ago.
    pub fn stated_pin_length(&self) -> Option<(u64, u64)> {
        let (shortest, longest) = self.info.pin_length;
        (shortest <= longest && longest > 0).then_some((shortest, longest))
    }

    /// That a PIN has, or may have, another length than the token states.
    pub(crate) fn stated_lengths(&self) -> Warning {
        let (shortest, longest) = self.info.pin_length;
        Warning::from(Notice::PinLengthStated).fact(Fact::Stated, format_args!("{shortest}–{longest}"))
    }

    /// The warning for a PIN of this many bytes, where the token states other lengths.
    pub fn doubts_pin_length(&self, bytes: usize) -> Option<Warning> {
        (!self.states_pin_length(bytes)).then(|| self.stated_lengths().fact(Fact::Found, bytes))
    }

    /// Whether a PIN of this many bytes is within what the token states.
    pub fn states_pin_length(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.stated_pin_length().is_none_or(|(shortest, longest)| (shortest..=longest).contains(&bytes))
    }

    /// The names of the mechanisms that a renewal may use and that the token lists; `None` when it lists none.
    pub(crate) fn mechanism_names(&self) -> Option<Vec<&'static str>> {
        self.mechanisms.used_names(self.module.functions(), self.slot)
    }

    /// Notes that a listed mechanism does not sign: in this process it is not tried first again.
    pub(in crate::driver) fn note_refused(&self, mechanism: CK_MECHANISM_TYPE) {
        lock(&REFUSED).insert(self.known(mechanism));
    }

    pub(in crate::driver) fn has_refused(&self, mechanism: CK_MECHANISM_TYPE) -> bool {
        lock(&REFUSED).contains(&self.known(mechanism))
    }

    /// Notes that a signature by this mechanism verified.
    pub(in crate::driver) fn note_signed(&self, mechanism: CK_MECHANISM_TYPE) {
        lock(&SIGNED).insert(self.known(mechanism));
    }

    pub(in crate::driver) fn has_signed(&self, mechanism: CK_MECHANISM_TYPE) -> bool {
        lock(&SIGNED).contains(&self.known(mechanism))
    }

    fn known(&self, mechanism: CK_MECHANISM_TYPE) -> Known {
        (self.module.path().to_owned(), self.identity().clone(), mechanism)
    }

    /// The same token, as if it listed these.
    #[cfg(test)]
    pub(in crate::driver) fn listing(self, mechanisms: Option<Vec<CK_MECHANISM_TYPE>>) -> Self {
        Token { mechanisms: Mechanisms::made_up(mechanisms).into(), ..self }
    }

    /// The same token, as if it stated a PIN pad.
    #[cfg(test)]
    pub(in crate::driver) fn with_pad(mut self) -> Self {
        self.info.pin_pad = true;
        self
    }

    pub(in crate::driver) fn mechanisms(&self) -> Option<&[CK_MECHANISM_TYPE]> {
        self.mechanisms.listed(self.module.functions(), self.slot)
    }

    pub(in crate::driver) fn slot(&self) -> SlotId {
        self.slot
    }

    pub(crate) fn slot_number(&self) -> u64 {
        ckr::number(self.slot.0)
    }
}

fn read_info(module: &Module, slot: SlotId) -> Result<TokenInfo> {
    let ask = || module.functions().token_info(slot);
    let raw = match ask() {
        // SoftHSM says so while another process logs in, and its file of the token is half written.
        Err(failure) if failure.rv() == Some(CKR_GENERAL_ERROR) => {
            std::thread::sleep(Duration::from_millis(50));
            ask()
        }
        answer => answer,
    };
    let raw = raw.map_err(|failure| failure.during(Step::FindToken))?;
    Ok(TokenInfo::from_raw(&raw))
}
