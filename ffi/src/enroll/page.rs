//! The object that one page works with.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::bank::KeyRule;
use usbtoken::error::{Fact, Step};
use usbtoken::pki::{KeyKind, Window};
use usbtoken::renewal::{PendingKey, PendingState, Progress};
use usbtoken::{Code, Error, Install, Installed, Renewal, Result, Run, Session, Token, TokenUri};

use super::encoding::{self, Encoded};
use super::numbers::*;
use super::which::{Which, chosen, which};
use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::{Unstoppable, busy};
use crate::base::handle;
use crate::base::lock::lock;
use crate::base::text::Text;
use crate::find::context::Shared;
use crate::find::origin::Origin;
use crate::find::token;
use crate::job::installed;
use crate::job::pending::PendingList;
use crate::values::hresult::{
    USBTOKEN_HR_ACCESS_DENIED, USBTOKEN_HR_ALREADY_INITIALIZED, USBTOKEN_HR_BLANK, USBTOKEN_HR_NOT_FOUND,
    USBTOKEN_HR_PROPERTY_EMPTY, USBTOKEN_HR_PROVIDER_UNKNOWN, usbtoken_hresult,
};

/// Why a page is refused: the details for the host, and the HRESULT where the code alone does not say it.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) hresult: Option<usbtoken_hresult>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { error, hresult: None }
    }
}

/// The error of an operation for which the person was not asked, or said no.
fn denied() -> Error {
    Error::new(Code::ConsentDenied)
}

fn refuse(hresult: usbtoken_hresult, detail: &str) -> Refusal {
    let error = Error::new(Code::BadArgument).fact(Fact::Detail, detail);
    Refusal { error, hresult: Some(hresult) }
}

type PageResult<T = ()> = std::result::Result<T, Refusal>;

/// The name by which a page means the only token that is there.
const ANY_TOKEN: &str = "usbtoken";

/// CX509PrivateKey's Length: what a page may ask for, for RSA.
const RSA_LENGTHS: [(u32, KeyKind); 3] =
    [(2048, KeyKind::Rsa2048), (3072, KeyKind::Rsa3072), (4096, KeyKind::Rsa4096)];

/// The bits of X509RequestInheritOptions that say what besides the key is inherited, which we always do.
const INHERIT_MORE: u32 = 0x7f0;

/// The object that one page works with.
pub(crate) struct Page {
    pub(crate) shared: Arc<Shared>,
    origin: Origin,
    consent: Mutex<Consent>,
    waiting: Mutex<Waiting>,
    state: Mutex<PageState>,
}

struct Consent {
    ask: usbtoken_consent_callback,
    user: *mut c_void,
}

// SAFETY: the user's pointer is only handed back to the user's function; the header says that this is called on
// whatever thread calls the library.
unsafe impl Send for Consent {}

/// Asks what is to become of keys that wait.
struct Waiting {
    ask: usbtoken_waiting_callback,
    user: *mut c_void,
}

// SAFETY: as for Consent.
unsafe impl Send for Waiting {}

/// So many keys of one origin may wait: a page that asks again and again would fill the token.
const MOST_WAITING: usize = 4;

#[derive(Default)]
struct PageState {
    start: Option<Start>,
    provider: Option<TokenUri>,
    length: u32,
    algorithm: Algorithm,
    subject: Option<String>,
    created: Option<Vec<u8>>,
    installed: Option<Installed>,
}

/// How the object was initialised.
#[derive(Clone)]
enum Start {
    Blank,
    From { which: Which, default_key: bool },
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Algorithm {
    #[default]
    AsOld,
    Rsa,
    P256,
    P384,
}

impl Page {
    /// The object for a page of this origin, when the context allows it.
    pub(crate) fn new(shared: Arc<Shared>, origin: &str) -> Result<Self> {
        let origin: Origin = origin.parse()?;
        if !shared.allows(&origin) {
            return Err(Error::new(Code::OriginRefused).fact(Fact::Found, origin));
        }
        let consent = Mutex::new(Consent { ask: None, user: ptr::null_mut() });
        let waiting = Mutex::new(Waiting { ask: None, user: ptr::null_mut() });
        Ok(Page { shared, origin, consent, waiting, state: Mutex::default() })
    }

    pub(crate) fn set_waiting(&self, ask: usbtoken_waiting_callback, user: *mut c_void) {
        *lock(&self.waiting) = Waiting { ask, user };
    }

    pub(crate) fn set_consent(&self, ask: usbtoken_consent_callback, user: *mut c_void) {
        *lock(&self.consent) = Consent { ask, user };
    }

    pub(crate) fn provider_name(&self, index: usize) -> Option<String> {
        match index.checked_sub(1) {
            None => Some(ANY_TOKEN.to_owned()),
            Some(index) => self.shared.provider_name(index),
        }
    }

    /// Three bits, and nothing else that could be learnt from the difference between errors.
    pub(crate) fn probe(&self) -> PageResult<u32> {
        let uri = self.state()?.provider.clone().unwrap_or_default();
        let token = match token::find(&self.shared, &uri) {
            Ok(token) => token,
            Err(error) if error.code() == Code::TokenAmbiguous => return Ok(USBTOKEN_PROBE_TOKEN),
            Err(_) => return Ok(0),
        };
        let all = token.credentials().unwrap_or_default();
        let renewed = all.iter().any(|one| one.successor().is_some());
        let renewable = !all.renewable(Window::default(), SystemTime::now()).without_successor().is_empty();
        Ok(USBTOKEN_PROBE_TOKEN
            | if renewable { USBTOKEN_PROBE_RENEWABLE } else { 0 }
            | if renewed { USBTOKEN_PROBE_RENEWED } else { 0 })
    }

    pub(crate) fn set_number(&self, property: u32, value: i64) -> PageResult {
        let allowed = match property {
            USBTOKEN_ENROLL_KEY_SPEC | USBTOKEN_ENROLL_KEY_PROTECTION => (0..=2).contains(&value),
            USBTOKEN_ENROLL_KEY_USAGE | USBTOKEN_ENROLL_PROVIDER_TYPE => u32::try_from(value).is_ok(),
            USBTOKEN_ENROLL_EXPORT_POLICY if value != 0 => {
                return Err(refuse(
                    USBTOKEN_HR_ACCESS_DENIED,
                    "ExportPolicy: a key on a token is never exportable",
                ));
            }
            USBTOKEN_ENROLL_MACHINE_CONTEXT if value != 0 => {
                return Err(refuse(USBTOKEN_HR_ACCESS_DENIED, "MachineContext: a page acts for the user"));
            }
            USBTOKEN_ENROLL_EXPORT_POLICY | USBTOKEN_ENROLL_MACHINE_CONTEXT => true,
            USBTOKEN_ENROLL_LENGTH => {
                let length = u32::try_from(value).unwrap_or(u32::MAX);
                let known =
                    [0, 256, 384].contains(&length) || RSA_LENGTHS.iter().any(|(bits, _)| *bits == length);
                if known {
                    self.state()?.length = length;
                }
                known
            }
            _ => false,
        };
        if allowed { Ok(()) } else { Err(args::bad("property", "unknown_property").into()) }
    }

    pub(crate) fn set_text(&self, property: u32, text: &str) -> PageResult {
        match property {
            USBTOKEN_ENROLL_PROVIDER_NAME => {
                let any = text.is_empty() || text.eq_ignore_ascii_case(ANY_TOKEN);
                let uri = if any { Some(TokenUri::default()) } else { self.shared.provider(text) };
                let unknown = || refuse(USBTOKEN_HR_PROVIDER_UNKNOWN, "ProviderName: not one of the listed");
                self.state()?.provider = Some(uri.ok_or_else(unknown)?);
            }
            USBTOKEN_ENROLL_ALGORITHM => {
                self.state()?.algorithm = match text {
                    "" => Algorithm::AsOld,
                    "RSA" | "1.2.840.113549.1.1.1" => Algorithm::Rsa,
                    "ECDSA_P256" => Algorithm::P256,
                    "ECDSA_P384" => Algorithm::P384,
                    _ => return Err(args::bad("Algorithm", "unknown_value").into()),
                };
            }
            USBTOKEN_ENROLL_SUBJECT => {
                super::subject::parse(text)?;
                self.state()?.subject = Some(text.to_owned());
            }
            _ => return Err(args::bad("property", "unknown_value").into()),
        }
        Ok(())
    }

    pub(crate) fn initialize(&self, context: u32) -> PageResult {
        self.start(context, Start::Blank)
    }

    pub(crate) fn initialize_from_certificate(
        &self,
        context: u32,
        certificate: &[u8],
        encoding: u32,
        inherit: u32,
    ) -> PageResult {
        let key = inherit & !INHERIT_MORE;
        if ![0, USBTOKEN_INHERIT_NEW_DEFAULT_KEY, USBTOKEN_INHERIT_NEW_SIMILAR_KEY].contains(&key) {
            return Err(args::bad("InheritOptions", "key_must_be_new").into());
        }
        let which = which(certificate, encoding)?;
        self.start(context, Start::From { which, default_key: key == USBTOKEN_INHERIT_NEW_DEFAULT_KEY })
    }

    fn start(&self, context: u32, start: Start) -> PageResult {
        if context != USBTOKEN_ENROLL_CONTEXT_USER {
            return Err(refuse(USBTOKEN_HR_ACCESS_DENIED, "Context: a page acts for the user"));
        }
        let mut state = self.state()?;
        if state.start.is_some() {
            return Err(refuse(USBTOKEN_HR_ALREADY_INITIALIZED, "the object is initialised already"));
        }
        state.start = Some(start);
        Ok(())
    }

    /// Everything that can be refused without the person is refused before the person is asked.
    pub(crate) fn create_request(&self, encoding: u32) -> PageResult<Encoded> {
        let mut state = self.state()?;
        let start = started(&state)?;
        encoding::encode(&[], encoding)?;
        let kind = state.kind()?;
        let subject = match (&start, &state.subject) {
            (Start::From { .. }, _) => None,
            (Start::Blank, Some(subject)) => Some(super::subject::parse(subject)?),
            (Start::Blank, None) => return Err(refuse(USBTOKEN_HR_PROPERTY_EMPTY, "Subject: not set")),
        };
        self.ask(USBTOKEN_ENROLL_CREATE_REQUEST)?;
        let session = self.login(&state)?;
        let (mut waiting, credentials) = session.pending_and_credentials()?;
        let caller = self.origin.caller();
        waiting.retain(|key| key.is_by(&caller) && key.state() == PendingState::AwaitingAnswer);
        let old = match &start {
            Start::From { which, .. } => Some(chosen(credentials, which)?),
            Start::Blank => None,
        };
        let same = |key: &&PendingKey| match (&old, &subject) {
            (Some(old), _) => key.renews(old.certificate()),
            (None, Some(subject)) => key.may_be_for(subject),
            (None, None) => false,
        };
        let same: Vec<PendingKey> = waiting.iter().filter(same).cloned().collect();
        let renewal = match (&old, subject) {
            (Some(old), _) => Renewal::of(old),
            (None, Some(subject)) => Renewal::first(subject),
            (None, None) => return Err(refuse(USBTOKEN_HR_PROPERTY_EMPTY, "Subject: not set")),
        };
        let kind = match start {
            Start::From { default_key: true, .. } => Some(kind.unwrap_or(KeyKind::Rsa2048)),
            _ => kind,
        };
        let mut policy = self.shared.host.policy();
        // What a page asks for is a wish; the bank's own word is stronger.
        policy.key = match (self.shared.host.bank(), kind) {
            (None, Some(kind)) => KeyRule::Kind(kind),
            _ => policy.key,
        };
        let is_wanted = |key: &PendingKey| match policy.key {
            KeyRule::Kind(kind) => key.public_key().map(|public| public.algorithm()) == Some(kind.into()),
            _ => true,
        };
        let same = same.into_iter().filter(is_wanted).collect();
        let renewal = renewal.policy(&policy);
        let pending = match self.chosen_key(same)? {
            Some(key) => renewal.resume(&session, &key, &self.run())?,
            None if waiting.len() >= MOST_WAITING => return Err(too_many(&waiting).into()),
            // The others wait on.
            None => renewal.beside_pending().begin(&session, &self.run())?,
        };
        self.shared.host.warn(pending.notices());
        state.created = Some(pending.key_id().to_vec());
        Ok(encoding::encode(pending.request().to_der(), encoding)?)
    }

    pub(crate) fn install_response(
        &self,
        restrictions: u32,
        response: &[u8],
        encoding: u32,
        password: &str,
    ) -> PageResult {
        let mut state = self.state()?;
        started(&state)?;
        if ![USBTOKEN_ALLOW_NONE, USBTOKEN_ALLOW_UNTRUSTED_ROOT].contains(&restrictions) {
            return Err(refuse(USBTOKEN_HR_ACCESS_DENIED, "Restrictions: a page may set only 0 or 4"));
        }
        if !password.is_empty() {
            return Err(Error::new(Code::AnswerIsPfx).during(Step::ReadAnswer).into());
        }
        let response = encoding::decode(response, encoding)?;
        // No one is asked for a PIN for something that cannot be read.
        let response = installed::read(&self.shared.host, &response)?;
        self.ask(USBTOKEN_ENROLL_INSTALL_RESPONSE)?;
        let session = self.login(&state)?;
        let mut policy = self.shared.host.policy();
        if restrictions == USBTOKEN_ALLOW_NONE && self.shared.host.bank().is_none() {
            policy.anchors = self.shared.anchors();
        }
        let installed = Install::new(&response).policy(&policy).run(&session, &self.run())?;
        if installed.was_there {
            // As CertEnroll, whose pending request is gone after the first time.
            let certificate = installed.credential.certificate();
            let error = Error::new(Code::AlreadyInstalled)
                .during(Step::CheckCertificate)
                .fact(Fact::Subject, certificate.subject())
                .fact(Fact::Serial, certificate.serial());
            return Err(Refusal { error, hresult: Some(USBTOKEN_HR_NOT_FOUND) });
        }
        state.installed = Some(installed);
        Ok(())
    }

    pub(crate) fn installed(&self) -> PageResult<Installed> {
        let installed = self.state()?.installed.clone();
        installed.ok_or_else(|| refuse(USBTOKEN_HR_BLANK, "nothing was installed"))
    }

    pub(crate) fn abandon(&self) -> PageResult {
        let mut state = self.state()?;
        self.ask(USBTOKEN_ENROLL_ABANDON)?;
        let session = self.login(&state)?;
        let mut waiting: Vec<PendingKey> = session.pending()?;
        waiting.retain(|key| key.is_by(&self.origin.caller()));
        waiting.retain(|key| match &state.created {
            Some(id) => key.id() == *id,
            None => key.state() == PendingState::AwaitingAnswer,
        });
        let error = |code| Error::new(code).during(Step::Abandon);
        match (waiting.pop(), waiting.is_empty()) {
            (Some(key), true) => {
                let steps = Unstoppable(&self.shared.host);
                session.abandon(&key, &Run::default().progress(&steps).by(self.origin.caller()))?;
            }
            (Some(_), false) => return Err(error(Code::PendingAmbiguous).into()),
            (None, _) => return Err(error(Code::PendingNotFound).into()),
        }
        state.created = None;
        Ok(())
    }

    /// One call of the page at a time; a callback that calls back must not wait for itself.
    fn state(&self) -> Result<MutexGuard<'_, PageState>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy("page")),
        }
    }

    /// 「Webアクセスの確認」. No one who could be asked means no.
    fn ask(&self, operation: u32) -> PageResult {
        let (ask, user) = {
            let consent = lock(&self.consent);
            (consent.ask, consent.user)
        };
        let Some(ask) = ask else {
            return Err(Refusal { error: denied(), hresult: Some(USBTOKEN_HR_ACCESS_DENIED) });
        };
        let origin = Text::new(self.origin.to_string());
        // SAFETY: the caller promised a function of this type; the text lives until it returns.
        let yes = unsafe { ask(user, origin.utf8(), operation) } == 1;
        if yes { Ok(()) } else { Err(denied().into()) }
    }

    /// The key that a person goes on with, of those that wait for what is asked for; `None`: a new one.
    fn chosen_key(&self, same: Vec<PendingKey>) -> Result<Option<PendingKey>> {
        let (ask, user) = {
            let waiting = lock(&self.waiting);
            (waiting.ask, waiting.user)
        };
        let Some(ask) = ask.filter(|_| !same.is_empty()) else { return Ok(None) };
        let origin = Text::new(self.origin.to_string());
        let mut list = handle::give(PendingList { pending: same.clone(), host: self.shared.host.clone() })?;
        // SAFETY: the caller promised a function of this type; text and list live until it returns.
        let chosen = unsafe { ask(user, origin.utf8(), list) };
        boundary::free::<PendingList>(Some(&mut list));
        match usize::try_from(chosen).ok().and_then(|at| same.into_iter().nth(at)) {
            Some(key) => Ok(Some(key)),
            None if chosen == USBTOKEN_WAITING_NEW_KEY => Ok(None),
            None => Err(denied()),
        }
    }

    /// How the library's calls run: for this page.
    fn run(&self) -> Run<'_> {
        self.shared.host.run().by(self.origin.caller())
    }

    fn login(&self, state: &PageState) -> Result<Session> {
        let uri = state.provider.clone().unwrap_or_default();
        let token: Token = token::find(&self.shared, &uri)?;
        self.shared.host.step(Step::LogIn);
        token.login(self.run().ask_pin(token.info())?)
    }
}

impl PageState {
    /// The kind of key that the page wants; `None`: as the old one.
    fn kind(&self) -> Result<Option<KeyKind>> {
        let rsa = |length| RSA_LENGTHS.iter().find(|(bits, _)| *bits == length).map(|(_, kind)| *kind);
        match (self.algorithm, self.length) {
            (Algorithm::AsOld, 0) => Ok(None),
            (Algorithm::Rsa, 0) => Ok(Some(KeyKind::Rsa2048)),
            (Algorithm::AsOld | Algorithm::P256, 256) | (Algorithm::P256, 0) => Ok(Some(KeyKind::P256)),
            (Algorithm::AsOld | Algorithm::P384, 384) | (Algorithm::P384, 0) => Ok(Some(KeyKind::P384)),
            (Algorithm::AsOld | Algorithm::Rsa, length) if rsa(length).is_some() => Ok(rsa(length)),
            _ => Err(args::bad("Length", "not_of_algorithm")),
        }
    }
}

fn started(state: &PageState) -> PageResult<Start> {
    state.start.clone().ok_or_else(|| refuse(USBTOKEN_HR_BLANK, "the object is not initialised"))
}

/// As many keys of this origin wait as may; which these are.
fn too_many(waiting: &[PendingKey]) -> Error {
    let error = Error::new(Code::TooManyPending).during(Step::Preflight).fact(Fact::Limit, MOST_WAITING);
    waiting.iter().fold(error, |error, key| {
        let whom = key.for_whom().unwrap_or_default();
        error.fact(Fact::Candidate, format!("{} ({}) {whom}", hex(key.id()), key.since()))
    })
}
