//! What this computer keeps of a job: the request as it was sent, and the CA's answer before it is examined.

mod orders;
mod removed;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use base64ct::{Base64, Encoding as _};
use usbtoken::driver::TokenIdentity;
use usbtoken::error::Fact;
use usbtoken::pki::{PublicKey, Request};
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{Confirmation, PendingKey};
use usbtoken::text::Lang;
use usbtoken::{Certificate, Code, Credential, Error, Pending, Response, Result, Session, Token};

use crate::journal::{Journal, JournalEntry};
use crate::words::Words;
use crate::{files, surroundings};

/// The journal of this user, and the place for an answer.
pub struct Keeper {
    /// None where there is no folder for it. What it holds is read even where it takes nothing new; one that cannot be
    /// trusted says so to who reads it.
    journal: Option<Journal>,
    place: Place,
    /// When an earlier run last wrote here.
    passed: Option<SystemTime>,
}

enum Place {
    /// The file that the command line names.
    File(PathBuf),
    Journal,
    /// Where the journal cannot be used.
    TemporaryFolder,
}

/// The option that names the file for an answer.
pub const SAVE_ANSWER: &str = "--save-answer";
/// What names the folder for state.
pub const STATE_VARIABLES: &str = "XDG_STATE_HOME, HOME";
const BEGIN: &str = "-----BEGIN CA ANSWER-----";
const END: &str = "-----END CA ANSWER-----";

/// Where an answer was put.
pub enum Kept {
    File(PathBuf),
    /// No file took it: it is on standard error.
    Shown,
}

impl Kept {
    /// Says with an error where the answer is.
    pub fn name(&self, error: Error, lang: Lang) -> Error {
        match self {
            Kept::File(path) => error.fact(Fact::SavedAnswer, path.display()),
            Kept::Shown => error.fact(Fact::SavedAnswer, Words::OnStandardError.text(lang)),
        }
    }

    /// The file, to install the answer from.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Kept::File(path) => Some(path),
            Kept::Shown => None,
        }
    }
}

/// What the CA says, written down as it comes: whoever ends this program without a word (SIGKILL, a power failure)
/// loses little of it. Removed when it is dropped.
pub struct Incoming<'a> {
    journal: Option<&'a Journal>,
    file: Option<File>,
    path: Option<PathBuf>,
}

impl Incoming<'_> {
    /// Closes the file, which stays until this goes: nothing more comes, and drivers close what is open.
    pub fn close(&mut self) {
        self.file = None;
    }
}

impl Write for Incoming<'_> {
    /// Takes all of it. The answer itself is kept when it is whole, so that nothing depends on what fails here.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            let _ = file.write_all(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        if let (Some(journal), Some(path)) = (self.journal, &self.path) {
            // One that stays is one answer more to examine.
            let _ = journal.remove_file(path);
        }
    }
}

/// The folder for what a user's programs keep between their runs.
pub fn state_folder() -> Option<PathBuf> {
    usbtoken::state::folder(surroundings::variable)
}

/// The folder of the same kind in the home that the system's list of users gives the real user, whatever the environment
/// says: what must hold for every program of the user is kept there. Who has no home has what the environment says.
pub fn own_folder() -> Option<PathBuf> {
    usbtoken::state::own_folder().or_else(state_folder)
}

/// When an earlier run last wrote there: looked up once in a run, for it asks of every token, and of every file there.
fn last_change(journal: &Journal) -> Option<SystemTime> {
    static CHANGED: OnceLock<Option<SystemTime>> = OnceLock::new();
    *CHANGED.get_or_init(|| journal.last_change())
}

impl Keeper {
    /// Decides, before the CA is asked and before a key is made, where its answer will be.
    ///
    /// # Errors
    /// [`Code::FileUnwritable`] for the file that is named; [`Code::JournalUnusable`] when without such a name no
    /// place can be had.
    pub fn prepare(save_answer: Option<&Path>) -> Result<Self> {
        let journal = state_folder().map(Journal::at);
        let passed = journal.as_ref().and_then(last_change);
        let usable = match &journal {
            Some(journal) => journal.prepare(),
            None => Err(Error::new(Code::JournalUnusable).fact(Fact::Expected, STATE_VARIABLES)),
        };
        let place = match (save_answer, &usable) {
            (Some(path), _) => {
                files::check_writable(path, false)
                    .map_err(|error| error.fact(Fact::Expected, SAVE_ANSWER))?;
                Place::File(path.to_owned())
            }
            (None, Ok(())) => Place::Journal,
            (None, Err(_)) => Place::TemporaryFolder,
        };
        if let (Err(error), Place::TemporaryFolder) = (usable, &place)
            && temporary_file().is_err()
        {
            return Err(error.fact(Fact::Expected, SAVE_ANSWER));
        }
        Ok(Keeper { journal, place, passed })
    }

    /// The journal alone, for commands that receive no answer.
    pub fn of_user() -> Self {
        let journal = state_folder().map(Journal::at);
        let passed = journal.as_ref().and_then(last_change);
        Keeper { journal, place: Place::Journal, passed }
    }

    /// The folder for state, where there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.journal.as_ref().map(Journal::folder)
    }

    /// When an earlier run last wrote what is kept: a clock that is well behind it is wrong.
    pub fn passed(&self) -> Option<SystemTime> {
        self.passed
    }

    /// Notes that a key is about to be made: until its request is kept it is known as never sent.
    pub fn note_begin(&self, token: &TokenIdentity, old: Option<&OldCertificate>, now: SystemTime) {
        if let Some(journal) = &self.journal {
            // Without the note a person is asked some day whether the request may be signed anew; that is all.
            let _ = journal.note_begin(token, old, now);
        }
    }

    /// Takes the note back: the request is kept, or there is no key.
    pub fn forget_begin(&self, token: &TokenIdentity, old: Option<&Certificate>) {
        if let Some(journal) = &self.journal {
            let _ = journal.forget_begin(token, old);
        }
    }

    /// Whether this key was made here by a run that did not come to keep its request, and so sent none.
    pub fn was_never_sent(&self, session: &Session, key: &PendingKey) -> bool {
        let token = session.token().identity();
        self.journal.as_ref().is_some_and(|journal| journal.was_never_sent(token, key))
    }

    /// Keeps a request that was just made, or what is new of its job.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn update(&self, entry: &JournalEntry) -> Result<()> {
        match &self.journal {
            Some(journal) => journal.keep(entry),
            None => Err(Error::new(Code::JournalUnusable).fact(Fact::Expected, STATE_VARIABLES)),
        }
    }

    /// Keeps the label of a new key: where the token did not take it, or its driver does not give it, another run does not find the
    /// key without.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_label(&self, token: &TokenIdentity, pending: &Pending) -> Result<()> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.keep_label(token, pending))
    }

    /// The same token, of whose keys the labels are known that they were to have.
    pub fn knowing_labels(&self, token: Token) -> Token {
        let Some(journal) = &self.journal else { return token };
        let labels = |taken| journal.labels(token.identity(), taken);
        let (not_taken, taken) = (labels(false), labels(true));
        let keys = journal.keys_of_labels(token.identity());
        let token = token.with_labels(not_taken).with_labels_of_jobs(taken).with_keys_of_jobs(keys);
        // What pages and programs have requested.
        usbtoken::Run::default().installations_in(journal.folder()).knowing_requests(token)
    }

    /// What is kept of the job of this key.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when it is damaged.
    pub fn entry(&self, session: &Session, key_id: &[u8]) -> Result<Option<JournalEntry>> {
        let token = session.token().identity();
        self.journal.as_ref().map_or(Ok(None), |journal| journal.entry(token, key_id))
    }

    /// The old certificate that the job of this key renews, where that is not on the token and this computer kept it.
    pub fn old_elsewhere(&self, session: &Session, key: &PendingKey) -> Option<OldCertificate> {
        match self.entry(session, key.id()).ok()? {
            Some(entry) => entry.old,
            None => self.journal.as_ref()?.begun_for(session.token().identity(), key),
        }
    }

    /// A pending key with what this computer knows of the certificate that it renews.
    pub fn known(&self, session: &Session, key: PendingKey) -> PendingKey {
        match self.old_elsewhere(session, &key) {
            Some(old) if key.is_from_elsewhere() => key.renewing(old.certificate()),
            _ => key,
        }
    }

    /// An order for the key that this certificate has: no key of its own waits, so this computer alone knows of it.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when what is kept of it is damaged.
    pub fn order_for_key_of(&self, token: &TokenIdentity, old: &Credential) -> Result<Option<JournalEntry>> {
        let kept = self.journal.as_ref().map_or(Ok(None), |journal| journal.entry(token, old.id()))?;
        Ok(kept.filter(|entry| entry.is_for_key_of(old)))
    }

    /// The orders for keys of this token that are in use.
    pub fn orders_for_keys_in_use(&self, token: &TokenIdentity) -> Vec<JournalEntry> {
        self.journal.as_ref().map(|journal| journal.orders_for_keys_in_use(token)).unwrap_or_default()
    }

    /// Whether an answer was kept that has a certificate for this key of the token.
    pub fn has_answer(&self, token: &TokenIdentity, key_id: &[u8], key: &PublicKey) -> bool {
        let answers = self.journal.as_ref().and_then(|journal| journal.answers(token, key_id).ok());
        answers.into_iter().flatten().any(|(_, answer)| {
            Response::parse(&answer).is_ok_and(|response| response.leaf_for(key).is_some())
        })
    }

    /// The public key of the request that was sent, for a pending key of which the token tells none.
    pub fn requested_key(&self, session: &Session, key: &PendingKey) -> Option<PublicKey> {
        if key.public_key().is_some() { None } else { self.request_key(session, key) }
    }

    /// The public key of the request that was made here for this pending key.
    pub fn request_key(&self, session: &Session, key: &PendingKey) -> Option<PublicKey> {
        let entry = self.entry(session, key.id()).ok()??;
        let told = key.public_key().filter(|public| entry.is_for(public)).cloned();
        told.or_else(|| Some(Request::from_der(&entry.request_der().ok()?).ok()?.public_key().clone()))
    }

    /// Whether the request that was made here for a key with this identifier is for this very key, as far as the token tells it.
    pub fn has_requested(&self, session: &Session, key: &PendingKey) -> bool {
        let requested = self.request_key(session, key);
        requested.is_some_and(|requested| key.public_key().is_none_or(|public| *public == requested))
    }

    /// A place for what the CA is about to say about this key.
    pub fn incoming(&self, token: &TokenIdentity, key_id: &[u8]) -> Incoming<'_> {
        let journal = self.journal.as_ref();
        let (file, path) = journal.and_then(|journal| journal.receive(token, key_id).ok()).unzip();
        Incoming { journal, file, path }
    }

    /// Keeps an answer, as it came, before it is examined. It cannot fail: a CA answers once.
    pub fn answer(&self, run: Option<(&TokenIdentity, &[u8])>, answer: &[u8]) -> Kept {
        let in_journal = || {
            let journal = self.journal.as_ref()?;
            let kept = match run {
                Some((token, key_id)) => journal.keep_answer(token, key_id, answer),
                None => journal.keep_unassigned_answer(answer),
            };
            kept.ok()
        };
        let in_file = || match &self.place {
            Place::File(path) => files::write_private(path, answer).ok().map(|()| path.clone()),
            Place::Journal | Place::TemporaryFolder => None,
        };
        let elsewhere = || temporary_file().and_then(|file| keep_temporary(file, answer)).ok();
        if let Some(path) = in_file().or_else(in_journal).or_else(elsewhere) {
            return Kept::File(path);
        }
        // The last place there is.
        surroundings::say(&shown(answer));
        Kept::Shown
    }

    /// Puts an answer that was kept without a job under the one whose key it holds, so that this job is not asked for
    /// again.
    pub fn assign(&self, kept: Kept, response: &Response) -> Kept {
        let assigned = |path: &Path| {
            let journal = self.journal.as_ref().filter(|journal| path.parent() == Some(journal.folder()))?;
            journal.assign(path, &self.job_of(response)?).ok()
        };
        match kept.file().and_then(assigned) {
            Some(path) => Kept::File(path),
            None => kept,
        }
    }

    /// Answers that came for this key in an earlier run.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn answers(&self, session: &Session, key_id: &[u8]) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let token = session.token().identity();
        self.journal.as_ref().map_or(Ok(Vec::new()), |journal| journal.answers(token, key_id))
    }

    /// The file with an answer that holds a certificate for this key, to be named to the person: one that cannot be
    /// read is left to who installs it.
    pub fn answer_file(&self, session: &Session, key: &PendingKey) -> Option<PathBuf> {
        self.answer_for(session, key.id(), key.public_key()?)
    }

    /// The same for the public key that is given.
    pub fn answer_for(&self, session: &Session, key_id: &[u8], public: &PublicKey) -> Option<PathBuf> {
        let answers = self.answers(session, key_id).unwrap_or_default();
        let is_for_key =
            |answer: &[u8]| Response::parse(answer).is_ok_and(|it| it.leaf_for(public).is_some());
        answers.into_iter().find(|(_, answer)| is_for_key(answer)).map(|(path, _)| path)
    }

    /// Forgets a job that is over. The file that the person named stays; so does what cannot be removed, which
    /// harms no one.
    pub fn forget(&self, session: &Session, key_id: &[u8], received: Option<&Kept>) {
        let Some(journal) = &self.journal else { return };
        let _ = journal.remove(session.token().identity(), key_id);
        let ours = |path: &&Path| path.parent() == Some(journal.folder());
        if let Some(path) = received.and_then(Kept::file).filter(ours) {
            let _ = journal.remove_file(path);
        }
    }

    /// Forgets an order for a key that is in use, which is known here alone.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] where it stays.
    pub fn forget_order(&self, order: &JournalEntry) -> Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let id = base16ct::lower::decode_vec(&order.key_id).unwrap_or_default();
        journal.remove(&order.token, &id)
    }

    /// The job of another token that an answer is for, where this computer knows it and this is why it was refused.
    pub fn other_token(&self, error: &Error, session: &Session, response: &Response) -> Option<JournalEntry> {
        let no_match = [Code::PendingNotFound, Code::KeyMismatch, Code::AnswerNoLeaf];
        let entry = no_match.contains(&error.code()).then(|| self.job_of(response))?;
        entry.filter(|entry| !entry.token.is_same_token(session.token().identity()))
    }

    /// Keeps the record of a login.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_confirmation(&self, record: &Confirmation) -> Result<()> {
        match &self.journal {
            Some(journal) => journal.keep_confirmation(record),
            None => Err(Error::new(Code::JournalUnusable).fact(Fact::Expected, STATE_VARIABLES)),
        }
    }

    /// Forgets that a login with this certificate worked: the server takes it no more.
    pub fn forget_confirmation(&self, token: &TokenIdentity, certificate: &Certificate) {
        if let Some(journal) = &self.journal {
            // One that stays counts for 30 days at most.
            let _ = journal.forget_confirmation(token, certificate);
        }
    }

    /// The records of logins with keys of this token; none where they cannot be trusted.
    pub fn confirmations(&self, token: &TokenIdentity) -> Vec<Confirmation> {
        let all = self.journal.as_ref().and_then(|journal| journal.confirmations(token).ok());
        all.unwrap_or_default()
    }

    /// The job that an answer is for, where this computer knows it.
    pub fn job_of(&self, response: &Response) -> Option<JournalEntry> {
        self.jobs_of(response).ok()?.into_iter().next()
    }

    /// The jobs that an answer is for, as far as this computer knows them.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] where none is found, and what may be its record is damaged.
    pub fn jobs_of(&self, response: &Response) -> Result<Vec<JournalEntry>> {
        let keys: Vec<&PublicKey> = response.certificates().iter().map(Certificate::public_key).collect();
        self.journal.as_ref().map_or(Ok(Vec::new()), |journal| journal.entries_for(&keys))
    }
}

/// An answer as it is shown where no file takes it.
fn shown(answer: &[u8]) -> String {
    let text = Base64::encode_string(answer);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("{BEGIN}\n{}\n{END}", lines.join("\n"))
}

/// The answer in what was copied from standard error, also with other lines around it; anything else as it is.
pub fn read_shown(bytes: Vec<u8>) -> Vec<u8> {
    let answer = || {
        let text = std::str::from_utf8(&bytes).ok()?;
        let (_, block) = text.split_once(BEGIN)?;
        let (body, _) = block.split_once(END)?;
        let body: String = body.split_whitespace().collect();
        Base64::decode_vec(&body).ok()
    };
    answer().unwrap_or(bytes)
}

/// The crate makes it private (0600) and under a name that no one can know beforehand.
fn temporary_file() -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix("usbtoken-answer-").tempfile()
}

fn keep_temporary(mut file: tempfile::NamedTempFile, answer: &[u8]) -> io::Result<PathBuf> {
    file.write_all(answer)?;
    file.as_file().sync_all()?;
    file.keep().map(|(_, path)| path).map_err(io::Error::from)
}
