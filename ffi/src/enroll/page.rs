//! The object that one page works with.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::bank::{KeyRule, Override};
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::pki::Name;
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{PendingKey, PendingState, Progress};
use usbtoken::{
    Code, Credential, Credentials, Error, Install, Installed, Pending, Renewal, Response, Result, Run,
    Session, Token, TokenUri,
};

use super::elsewhere;
use super::encoding::{self, Encoded};
use super::key::KeyWish;
use super::numbers::*;
use super::person::Person;
use super::refusal::{PageResult, Refusal, refuse};
use super::which::{Beside, Which, chosen, which};
use crate::base::args;
use crate::base::callbacks::busy;
use crate::find::context::Shared;
use crate::find::origin::Origin;
use crate::find::token;
use crate::job::installed;
use crate::values::hresult::{
    USBTOKEN_HR_ACCESS_DENIED, USBTOKEN_HR_ALREADY_INITIALIZED, USBTOKEN_HR_BLANK,
    USBTOKEN_HR_INVALID_ARGUMENT, USBTOKEN_HR_NOT_FOUND, USBTOKEN_HR_PROPERTY_EMPTY,
    USBTOKEN_HR_PROVIDER_UNKNOWN,
};

/// The name by which a page means the only token that is there.
const ANY_TOKEN: &str = "usbtoken";

/// The bits of X509RequestInheritOptions that say what besides the key is inherited, which we always do.
const INHERIT_MORE: u32 = 0x7e0;

/// InheritNone, which is not what happens.
const INHERIT_NONE: u32 = 0x10;

/// The object that one page works with.
pub(crate) struct Page {
    pub(crate) shared: Arc<Shared>,
    pub(super) origin: Origin,
    pub(crate) person: Person,
    state: Mutex<PageState>,
}

/// So many keys of one origin may wait: a page that asks again and again would fill the token.
const MOST_WAITING: usize = 4;

#[derive(Default)]
pub(super) struct PageState {
    start: Option<Start>,
    provider: Option<TokenUri>,
    key: KeyWish,
    subject: Option<Name>,
    pub(super) created: Option<Vec<u8>>,
    /// The old certificate of that, where it is not on the token.
    old: Option<OldCertificate>,
    installed: Option<Installed>,
}

/// How the object was initialised.
#[derive(Clone)]
enum Start {
    Blank,
    From { which: Which, default_key: bool },
}

impl Page {
    /// The object for a page of this origin, when the context allows it.
    pub(crate) fn new(shared: Arc<Shared>, origin: &str) -> Result<Self> {
        let origin: Origin = origin.parse()?;
        if !shared.allows(&origin) {
            return Err(Error::new(Code::OriginRefused).fact(Fact::Found, origin));
        }
        Ok(Page { shared, origin, person: Person::default(), state: Mutex::default() })
    }

    pub(crate) fn provider_name(&self, index: usize) -> Option<String> {
        match index.checked_sub(1) {
            None => Some(ANY_TOKEN.to_owned()),
            Some(index) => self.shared.provider_name(index),
        }
    }

    /// Three bits, and nothing else that could be learnt from the difference between errors. Places beyond the token are read for the
    /// bank's own tokens alone.
    pub(crate) fn probe(&self) -> PageResult<u32> {
        let uri = self.state()?.provider.clone().unwrap_or_default();
        let token = match token::find(&self.shared, &uri) {
            Ok(token) => token,
            Err(error) if error.code() == Code::TokenAmbiguous => return Ok(USBTOKEN_PROBE_TOKEN),
            Err(_) => return Ok(0),
        };
        let known = self.shared.host.knowing_installations(Run::default());
        let all = token.credentials().unwrap_or_default().known_to(&known);
        let window = self.shared.host.policy().window;
        let renewed = all.iter().any(|one| one.successor().is_some());
        let which = match &self.state()?.start {
            Some(Start::From { which, .. }) => Some(which.clone()),
            Some(Start::Blank) | None => None,
        };
        let may_be_elsewhere = which.as_ref().is_none_or(|which| !which.is_among(&all));
        let renewable = all.clone().renewable(window, SystemTime::now()).without_successor();
        let here = elsewhere::bits(!renewable.is_empty(), renewed);
        let is_banks = self.shared.host.bank().is_some_and(|bank| bank.owns(&token));
        let bits = match (is_banks && may_be_elsewhere, &which) {
            (true, Some(Which::Certificate(_) | Which::Number(_))) => {
                elsewhere::probe(&self.shared, &token, &all, which.as_ref())
            }
            (true, _) if renewable.is_empty() => here | elsewhere::probe(&self.shared, &token, &all, None),
            _ => here,
        };
        Ok(USBTOKEN_PROBE_TOKEN | bits)
    }

    pub(crate) fn set_number(&self, property: u32, value: i64) -> PageResult {
        let allowed = match property {
            USBTOKEN_ENROLL_KEY_SPEC | USBTOKEN_ENROLL_KEY_PROTECTION => (0..=2).contains(&value),
            USBTOKEN_ENROLL_KEY_USAGE => u32::try_from(value).is_ok(),
            USBTOKEN_ENROLL_PROVIDER_TYPE => match u32::try_from(value) {
                Ok(number) => {
                    self.state()?.key.provider_type = number;
                    true
                }
                Err(_) => false,
            },
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
            USBTOKEN_ENROLL_LENGTH => match u32::try_from(value) {
                Ok(length) => self.state()?.key.set_length(length),
                Err(_) => false,
            },
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
                self.state()?.key.algorithm = text.parse()?;
            }
            USBTOKEN_ENROLL_SUBJECT => {
                let subject = super::subject::parse(text)?;
                let mut state = self.state()?;
                if matches!(state.start, Some(Start::From { .. })) {
                    return Err(subject_inherited());
                }
                state.subject = Some(subject);
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
        if inherit & INHERIT_NONE != 0 {
            return Err(args::bad("InheritOptions", "unknown_value").into());
        }
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
        if matches!(start, Start::From { .. }) && state.subject.is_some() {
            return Err(subject_inherited());
        }
        state.start = Some(start);
        Ok(())
    }

    /// Everything that can be refused without the person is refused before the person is asked.
    pub(crate) fn create_request(&self, encoding: u32) -> PageResult<Encoded> {
        let mut state = self.state()?;
        let start = started(&state)?;
        encoding::encode(&[], encoding)?;
        let kind = state.key.kind(!matches!(start, Start::From { default_key: false, .. }))?;
        let not_set = || refuse(USBTOKEN_HR_PROPERTY_EMPTY, "Subject: not set");
        if matches!((&start, &state.subject), (Start::Blank, None)) {
            return Err(not_set());
        }
        self.ask(USBTOKEN_ENROLL_CREATE_REQUEST)?;
        let session = self.login(&state)?;
        let (mut waiting, credentials) = self.waiting(&session)?;
        waiting.retain(|key| key.state() == PendingState::AwaitingAnswer);
        let mut policy = self.shared.host.policy();
        // What a page asks for is a wish; the bank's own word is stronger, unless the bank leaves the key to others.
        let may_choose = self.shared.host.check_override(true, Override::Key).is_ok();
        policy.key = kind.filter(|_| may_choose).map_or(policy.key, KeyRule::Kind);
        let renewal = self.asked(&state, &session, credentials)?.ok_or_else(not_set)?.policy(&policy);
        if let Some(old) = renewal.old().filter(|old| old.on_token().is_none()) {
            let bank = self.shared.host.bank().map(AsRef::as_ref);
            elsewhere::check_token(bank, state.provider.as_ref(), session.token())?;
            state.old = Some(old.clone());
        }
        let is_wanted_for = |key: &&PendingKey| renewal.is_of(key) && !key.is_request_of_another();
        let mut same: Vec<PendingKey> = waiting.iter().filter(is_wanted_for).cloned().collect();
        // Another private key has its record: which of them a page has asked for nothing tells, and none is offered.
        if same.iter().any(PendingKey::is_same_record) {
            let old = renewal.old().and_then(OldCertificate::on_token).and_then(Credential::successor);
            if !old.is_some_and(|by| by.proven) {
                return Err(same_record().into());
            }
            same.clear();
        }
        let is_wanted = |key: &PendingKey| match policy.key {
            KeyRule::Kind(kind) => key.public_key().map(|public| public.algorithm()) == Some(kind.into()),
            _ => true,
        };
        let same = same.into_iter().filter(is_wanted).collect();
        let pending = match self.chosen_key(same)? {
            Some(key) => renewal.resume(&session, &key, &self.run())?,
            None if waiting.len() >= MOST_WAITING => return Err(too_many(&waiting).into()),
            // The others wait on.
            None => self.begin(&renewal.beside_pending(), &session)?,
        };
        self.shared.host.warn(pending.notices());
        state.created = Some(pending.key_id().to_vec());
        let request = pending.renewal_request().map_or(pending.request().to_der(), |cms| cms.to_der());
        Ok(encoding::encode(request, encoding)?)
    }

    /// Begins it; where what takes its place is doubtful, when the person wants that all the same.
    fn begin(&self, renewal: &Renewal, session: &Session) -> PageResult<Pending> {
        let error = match renewal.begin(session, &self.run()) {
            Err(error) if error.code() == Code::SuccessorDoubtful => error,
            Err(error) if error.code() == Code::RenewedForAnother => error,
            begun => return Ok(begun?),
        };
        let told = error
            .facts()
            .fold(Warning::from(Notice::SuccessorDoubtful), |told, (fact, value)| told.fact(fact, value));
        self.shared.host.warn(&[told]);
        // Without a yes the page learns why, as it did before the person could be asked.
        self.ask(USBTOKEN_ENROLL_RENEW_DOUBTFUL).map_err(|_| Refusal::from(error))?;
        Ok(renewal.clone().although_renewed().begin(session, &self.run())?)
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
        // Those of a bank hold in any case, unless the program has named others and may.
        let named = self.shared.anchors();
        match self.shared.host.bank() {
            None if restrictions == USBTOKEN_ALLOW_NONE => policy.anchors = named,
            Some(_) if !named.is_empty() => policy.anchors = named,
            _ => {}
        }
        let (of_page, token) = (&*state, session.token().clone());
        let find_old = |key: &PendingKey| self.old_of(key, of_page, &token);
        let asked = self.asked_of_several(&response, &state, &session)?;
        let is_meant = |key: &PendingKey| match &of_page.created {
            Some(id) => key.id() == *id,
            None => asked.as_ref().is_some_and(|asked| asked.is_of(key)),
        };
        let install = Install::new(&response).policy(&policy).find_old(&find_old).meant(&is_meant);
        let installed = install.run(&session, &self.run())?;
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

    /// The keys of this origin whose jobs are not finished, and the credentials.
    pub(super) fn waiting(&self, session: &Session) -> Result<(Vec<PendingKey>, Credentials)> {
        let run = self.shared.host.knowing_installations(Run::default());
        let (waiting, credentials) = session.pending_and_credentials(&run)?;
        let mut waiting = run.judged(waiting);
        waiting.retain(|key| key.is_by(&self.origin.caller()));
        Ok((waiting, credentials))
    }

    /// What the page has said that it wants; `None`: nothing yet.
    pub(super) fn asked(
        &self,
        state: &PageState,
        session: &Session,
        credentials: Credentials,
    ) -> Result<Option<Renewal>> {
        let (policy, bank) = (self.shared.host.policy(), self.shared.host.bank());
        Ok(match (&state.start, &state.subject) {
            (Some(Start::From { which, .. }), _) => {
                // Without a bank's profile no one says which of the certificates on this computer are the bank's.
                let all = || match (which, bank) {
                    (Which::TheRenewableOne, None) => Beside::default(),
                    _ => elsewhere::beside(&self.shared, session.token()),
                };
                Some(Renewal::of(&chosen(credentials, which, policy.window, all)?).policy(&policy))
            }
            (Some(Start::Blank), Some(subject)) => {
                Some(Renewal::for_name(subject.clone(), &credentials, &policy, SystemTime::now()))
            }
            (Some(Start::Blank) | None, _) => None,
        })
    }

    /// What the page has said that it wants, where a response holds certificates for several users and it has made no key itself.
    fn asked_of_several(
        &self,
        response: &Response,
        state: &PageState,
        session: &Session,
    ) -> Result<Option<Renewal>> {
        let leaves = response.certificates().iter().filter(|one| !one.is_ca()).count();
        if leaves < 2 || state.created.is_some() {
            return Ok(None);
        }
        let (_, credentials) = self.waiting(session)?;
        // What is not there any more chooses nothing, and the installation says why it fails.
        Ok(self.asked(state, session, credentials).unwrap_or_default())
    }

    /// The certificate that this key's job renews and that is not on the token, found again: what the page has named, or where it was.
    fn old_of(&self, key: &PendingKey, state: &PageState, token: &Token) -> Option<OldCertificate> {
        let named = match &state.start {
            Some(Start::From { which: Which::Certificate(der), .. }) => OldCertificate::given(der).ok(),
            _ => None,
        };
        let known = state.old.iter().chain(&named).find(|old| key.renews(old.certificate())).cloned();
        known.or_else(|| elsewhere::of_job(&elsewhere::beside(&self.shared, token).list, key))
    }

    /// One call of the page at a time; a callback that calls back must not wait for itself.
    pub(super) fn state(&self) -> Result<MutexGuard<'_, PageState>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy("page")),
        }
    }

    /// 「Webアクセスの確認」.
    pub(super) fn ask(&self, operation: u32) -> PageResult {
        self.person.agrees(&self.origin.to_string(), operation)
    }

    /// The key that a person goes on with, of those that wait for what is asked for; `None`: a new one.
    fn chosen_key(&self, same: Vec<PendingKey>) -> Result<Option<PendingKey>> {
        self.person.chooses(&self.origin.to_string(), &self.shared.host, same)
    }

    /// How the library's calls run: for this page.
    fn run(&self) -> Run<'_> {
        self.shared.host.run().by(self.origin.caller())
    }

    pub(super) fn login(&self, state: &PageState) -> Result<Session> {
        let uri = state.provider.clone().unwrap_or_default();
        let token: Token = self.shared.host.knowing_requests(token::find(&self.shared, &uri)?);
        self.shared.host.step(Step::LogIn);
        // Where another job is at work on it, what waits is not known yet.
        let reserved = token.reserve()?;
        let login = self.run().ask_pin(token.info())?;
        self.run().watch(|| reserved.login(login))
    }
}

/// A subject would have no effect.
fn subject_inherited() -> Refusal {
    refuse(USBTOKEN_HR_INVALID_ARGUMENT, "Subject: inherited from the certificate")
}

fn started(state: &PageState) -> PageResult<Start> {
    state.start.clone().ok_or_else(|| refuse(USBTOKEN_HR_BLANK, "the object is not initialised"))
}

fn same_record() -> Error {
    Error::new(Code::PendingAmbiguous).during(Step::Preflight).fact(Fact::Reason, "same_record")
}

/// As many keys of this origin wait as may; which these are.
fn too_many(waiting: &[PendingKey]) -> Error {
    let error = Error::new(Code::TooManyPending).during(Step::Preflight).fact(Fact::Limit, MOST_WAITING);
    waiting.iter().fold(error, |error, key| {
        let whom = key.for_whom().unwrap_or_default();
        error.fact(Fact::Candidate, format!("{} ({}) {whom}", hex(key.id()), key.since()))
    })
}
