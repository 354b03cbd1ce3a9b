//! The second half of every renewal: the answer is installed, and the old credential goes if that is wanted.

use std::path::PathBuf;

use base16ct::lower::encode_string as hex;
use serde_json::json;
use usbtoken::bank::{Begins, KeyRule, OldCredential, Override};
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::pki::{SubjectRule, jst_date, read_anchors};
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{Retire, Retired};
use usbtoken::text::printable;
use usbtoken::{Certificate, Code, Credential, Error, Install, Installed, Policy, Response, Result, Session};

use super::removed;
use super::ways_on::{Said, name_retire, name_successor, reason};
use crate::args::CheckArgs;
use crate::commands::{from, select};
use crate::journal::JournalEntry;
use crate::kept::{Keeper, Kept};
use crate::next_command::CommandLine;
use crate::output::view;
use crate::output::{Outcome, notices_json, notices_text};
use crate::reference::Reference;
use crate::run::Run;
use crate::words::Words;
use crate::{files, pin};

/// What the command line demands of a renewal, and how it said so.
pub struct Checks<'a> {
    args: &'a CheckArgs,
    /// What the command line says of the subject and of the old credential, for the command that goes on.
    subject: Option<SubjectRule>,
    retire_old: bool,
    /// Whether the old credential was named by its identifier.
    by_id: bool,
    pub policy: Policy,
}

impl<'a> Checks<'a> {
    /// What the command line demands, and the bank where it says nothing. Reads the trust anchors: a wrong file is noticed before anything else happens.
    ///
    /// # Errors
    /// [`usbtoken::Code::FileUnreadable`]; [`usbtoken::Code::AnchorUnusable`] when a file holds none.
    pub fn read(
        run: &Run,
        args: &'a CheckArgs,
        subject: Option<SubjectRule>,
        key: Option<KeyRule>,
        retire_old: bool,
    ) -> Result<Self> {
        let mut policy = run.policy();
        policy.key = key.unwrap_or(policy.key);
        policy.proof = select::level(args.require_proof).unwrap_or(policy.proof);
        subject.into_iter().for_each(|rule| policy.demand_subject(rule));
        if !args.relax.is_empty() {
            policy.relax = args.relax.iter().copied().collect();
        }
        if !args.trust_anchor.is_empty() {
            policy.anchors = anchors(&args.trust_anchor)?;
        }
        policy.write_ca_certificates |= args.write_chain;
        if retire_old {
            policy.old = OldCredential::Remove;
        }
        Ok(Checks { args, subject, retire_old, by_id: false, policy })
    }

    /// The same where the old credential was named by its identifier.
    pub fn by_id(self, by_id: bool) -> Self {
        Checks { by_id, ..self }
    }

    /// The policy of a job that waits: what its beginning demanded, where this computer knows it, and what the command line
    /// says. The proof may only be raised; the rest of what was demanded holds unless the command line names another.
    pub fn policy_of_job(&self, kept: Option<&JournalEntry>) -> Policy {
        let mut policy = self.policy.clone();
        let Some(demanded) = kept.map(|entry| &entry.demands) else { return policy };
        policy.proof = policy.proof.max(demanded.proof);
        if demanded.key == KeyRule::OldAgain {
            policy.key = KeyRule::OldAgain;
        }
        if self.subject.is_none() && demanded.subject == SubjectRule::Exact {
            policy.demand_subject(SubjectRule::Exact);
        }
        policy.common_name_changes |= self.subject.is_none() && demanded.common_name_changes;
        if policy.anchors.is_empty() {
            policy.anchors.clone_from(&demanded.anchors);
        }
        if policy.issuers.is_empty() {
            policy.issuers.clone_from(&demanded.issuers);
        }
        let usages = &mut policy.extended_key_usage;
        usages.extend(demanded.extended_key_usage.iter().cloned());
        usages.sort_unstable();
        usages.dedup();
        policy
    }

    /// Ends the removal of a credential that is renewed, where it is to go. `chosen`: a person has named the very object.
    pub fn retire_again(&self, run: &Run, session: &Session, old: &Credential, named: Named) -> Again {
        if self.policy.old != OldCredential::Remove {
            return Again::Nothing;
        }
        let removal = Retire::of(old, &self.policy);
        let removal = match named {
            Named::ById => removal,
            Named::BySerial => removal.unless_copy(),
            Named::Not => removal.unless_copy().unless_renewed_by_another(),
        };
        let keeper = Keeper::of_user();
        match run.job(|call| removal.run(session, &call)) {
            Ok(done) => {
                keeper.note_removed(session, old, &done);
                Again::Removed(done.key_removed, what_stays(old, &done))
            }
            Err(error) => match error.code() {
                Code::NotInUseYet | Code::RetireBeforeWindow | Code::RetireNotBegun => Again::Nothing,
                Code::OldIsCopy => Again::Kept(copy_kept(&error)),
                Code::RenewedByAnother => {
                    let error = name_retire(error, run, old, self.said());
                    Again::Kept(old_still_kept(&error, "renewed_by_another_program"))
                }
                _ => {
                    let error = name_retire(error, run, old, self.said());
                    match still_kept(&error).filter(|_| keeper.was_told(session, old, error.code())) {
                        Some(kept) => Again::Kept(kept),
                        None => {
                            told(&keeper, session, old, &error);
                            Again::Failed(error)
                        }
                    }
                }
            },
        }
    }

    /// Names the command that removes the old certificate, where that was asked for and what took its place has another user's
    /// name.
    pub fn name_other(&self, error: Error, run: &Run, old: &OldCertificate) -> Error {
        match old.on_token().filter(|_| self.policy.old == OldCredential::Remove) {
            Some(old) => name_successor(error, run, old, self.said()).unwrap_or_else(|error| error),
            None => error,
        }
    }

    /// Adds what was asked for to a command line that goes on.
    pub fn on(&self, line: CommandLine) -> CommandLine {
        line.checks(self.args, self.retire_old).value("--subject", self.rule().as_deref())
    }

    fn said(&self) -> Said<'_> {
        Said { anchors: &self.args.trust_anchor, subject: self.subject, by_id: self.by_id, ..Said::default() }
    }

    /// The rule for the subject, where the command line has another than the usual one.
    fn rule(&self) -> Option<String> {
        self.said().rule()
    }
}

/// How a person has named the old credential.
#[derive(Clone, Copy)]
pub enum Named {
    /// By its identifier, or by a URI that names objects.
    ById,
    BySerial,
    /// Not at all: it is the one that was found.
    Not,
}

/// What came of the removal of a credential that is renewed.
pub enum Again {
    /// It stays, or waits until the bank takes the new one, that is valid, or this one has ended.
    Nothing,
    /// It has gone; whether its key went with it, and that it stays, where a person would not expect that.
    Removed(bool, Vec<Warning>),
    /// It stays, and a person was told so before.
    Kept(Warning),
    Failed(Error),
}

/// The certificates in files of trust anchors.
///
/// # Errors
/// [`usbtoken::Code::FileUnreadable`]; [`usbtoken::Code::AnchorUnusable`] when a file holds none.
pub fn anchors(paths: &[PathBuf]) -> Result<Vec<Certificate>> {
    let mut anchors = Vec::new();
    for path in paths {
        let read = read_anchors(&files::read(path)?);
        anchors.extend(read.map_err(|error| error.fact(Fact::Path, path.display()))?);
    }
    Ok(anchors)
}

/// What this computer kept of a job that is done now.
pub struct Job<'a> {
    pub keeper: &'a Keeper,
    /// The answer.
    pub received: Option<&'a Kept>,
    /// The order's reference number, where one is known.
    pub order: Option<Reference>,
}

/// Writes a certificate that another program has put on the token under another identifier than its key's beside that key too; None where
/// nothing was written.
///
/// # Errors
/// As [`Install::run`].
pub fn put_beside(
    run: &Run,
    session: &Session,
    keeper: &Keeper,
    checks: &Checks<'_>,
    certificate: &Certificate,
) -> Result<Option<Outcome>> {
    let response = Response::parse(certificate.der())?;
    let jobs = keeper.jobs_of(&response)?;
    let policy = checks.policy_of_job(jobs.first());
    let install = Install::new(&response).policy(&policy).written_by_another();
    let elsewhere = jobs.first().and_then(|job| job.old.as_ref());
    let install = elsewhere.iter().fold(install, |install, old| install.old(old));
    let installed = run.job(|call| install.run(session, &call))?;
    if installed.was_there {
        return Ok(None);
    }
    let order = keeper.reference(session, installed.credential.id());
    let job = Job { keeper, received: None, order };
    Ok(Some(finish(run, session, &installed, &job, checks)))
}

/// Reads what the CA has sent, once for all that is done with it.
///
/// # Errors
/// As [`Response::parse`].
pub fn read(run: &Run, answer: &[u8]) -> Result<Response> {
    run.progress.step(Step::ReadAnswer);
    Response::parse(answer)
}

/// Forgets what was kept of the job, removes the old credential if that is wanted, and tells the result.
///
/// A removal that fails does not undo the renewal: the result is shown, then the error.
pub fn finish(
    run: &Run,
    session: &Session,
    installed: &Installed,
    job: &Job<'_>,
    checks: &Checks<'_>,
) -> Outcome {
    job.keeper.forget(session, installed.credential.id(), job.received);
    let mut notices = run.noted();
    if checks.policy.begins_to_work == Begins::NextBusinessDay && job.keeper.folder().is_none() {
        notices.push(Notice::InstallationNotKept.into());
    }
    notices.extend(installed.notices.iter().cloned());
    let mut failed = None;
    let mut retired: Option<Retired> = None;
    let mut kept_by_bank = false;
    let elsewhere = installed.old_elsewhere.as_ref();
    let works_from = installed.works_from(run.now());
    notices.extend(works_from.as_ref().map(|date| Warning::from(Notice::WorksLater).fact(Fact::Date, date)));
    match replaced_by(run, session, installed, &checks.policy) {
        // Until the new one works at the bank, the old one is needed.
        Ok(Some((removal, old))) if works_from.is_none() && removes_old(run, checks.policy.old) => {
            match remove(run, session, &removal, installed.credential.certificate()) {
                Ok(done) => {
                    job.keeper.note_removed(session, &old, &done);
                    notices.extend(what_stays(&old, &done));
                    retired = Some(done);
                }
                // What was to go has gone before, and a copy is another program's.
                Err(error) if error.code() == Code::OldIsCopy => notices.push(copy_kept(&error)),
                Err(error) => {
                    let error = name_retire(error, run, &old, checks.said());
                    told(job.keeper, session, &old, &error);
                    failed = Some(error);
                }
            }
        }
        Ok(Some(_)) if is_kept_by_bank(run) => kept_by_bank = true,
        Ok(Some(_)) => notices.push(Notice::OldKept.into()),
        // What stopped when nothing was left to remove is done.
        Ok(None) if checks.policy.old == OldCredential::Remove => {
            let ended = removed::end_all(run, session, installed.credential.certificate());
            retired = ended.into_iter().next().map(|(_, done)| done);
        }
        Ok(None) => {}
        Err(error) => failed = Some(error),
    }
    notices.extend(elsewhere.map(|old| stays(run, old)));
    let notices: Vec<Warning> =
        notices.into_iter().map(|notice| name_way_of_id(notice, run, session, installed, checks)).collect();
    let token = session.token().identity();
    let level = Some(installed.proof.level);
    let credential = view::Credential::of(token, &installed.credential, level, run.when());
    let replaced = installed.replaced.as_ref().map(|old| view::Credential::of(token, old, None, run.when()));

    // Programs that name a credential by its label need this from now on: the new one has a label of its own.
    let uri = session.token().uri().of_label_and_serial().with_id(installed.credential.id());

    let mut text = credential.result(run.lang);
    text.push_str(&format!("\n  {} = {uri}", Fact::Uri.label(run.lang)));
    if let Some(order) = &job.order {
        text.push_str(&format!("\n  {} = {order}", Fact::Reference.label(run.lang)));
    }
    text.push_str(&format!("\n{}", Words::RestartBrowsers.text(run.lang)));
    if retired.is_some() {
        text.push_str(&format!("\n{}", Words::Retired.text(run.lang)));
    }
    if kept_by_bank {
        text.push_str(&format!("\n{}", Words::KeptByBank.text(run.lang)));
    }
    let own = bank_words(run, retired.is_some() || installed.replaced.is_none() && elsewhere.is_none());
    text.extend(own.iter().map(|words| format!("\n{}", printable(words))));
    if run.bank().is_some_and(|bank| bank.login_url.is_some()) {
        let line = CommandLine::new("confirm", &run.global).end();
        text.push_str(&format!("\n{}", Words::HowToConfirm(&line).text(run.lang)));
    }
    text.push_str(&notices_text(&run.untold(&notices), run.tongue()));
    let json = run.for_programs(|| {
        json!({
            "credential": credential,
            "uri": uri.to_string(),
            "reference": job.order,
            "replaced": replaced,
            "from": elsewhere.map(|old| view::Elsewhere::of(old, run.when())),
            "retired": retired.is_some(),
            "key_removed": retired.is_some_and(|done| done.key_removed),
            "already_installed": installed.was_there,
            "issuer_continuity": installed.issuer,
            "key_reused": installed.key_reused,
            "proof": installed.proof,
            "bank_words": own,
            "notices": notices_json(&notices, run.tongue()),
        })
    });
    let serial = installed.credential.certificate().serial();
    let mut outcome = Outcome::changed(text, json, Fact::Serial, serial);
    outcome.exit = failed.as_ref().map(|error| error.code().family());
    outcome.afterwards = failed;
    outcome
}

/// Removes it; where the new one is in another common name, when a person says that it is meant.
fn remove(run: &Run, session: &Session, removal: &Retire, new: &Certificate) -> Result<Retired> {
    let error = match run.job(|call| removal.run(session, &call)) {
        Err(error) if error.code() == Code::SuccessorDoubtful => error,
        done => return done,
    };
    let fact = |wanted| error.facts().find(|(fact, _)| *fact == wanted).map(|(_, value)| printable(value));
    let (Some(old), Some(new_name)) = (fact(Fact::Expected), fact(Fact::Found)) else { return Err(error) };
    let question = Words::ConfirmNewName { old: &old, new: &new_name }.text(run.lang);
    match !run.global.json && pin::is_terminal() && pin::confirmed(&question) {
        true => run.job(|call| removal.clone().successor(new).run(session, &call)),
        false => Err(error),
    }
}

/// That the old one is still kept, where nothing is wrong, and a person can say that it is to go.
fn still_kept(error: &Error) -> Option<Warning> {
    let why = match (error.code(), reason(error)) {
        (Code::RetireIssuerNotShown, _) => "issuer_not_shown",
        (Code::SuccessorNotBesideKey, _) => "not_beside_its_key",
        (Code::SuccessorDoubtful, Some("common_name_changed")) => "common_name_changed",
        _ => return None,
    };
    Some(old_still_kept(error, why))
}

fn old_still_kept(error: &Error, why: &str) -> Warning {
    let shown = [Fact::Serial, Fact::Expected, Fact::Found, Fact::GoOn];
    let facts = error.facts().filter(|(fact, _)| shown.contains(fact));
    let notice = Warning::from(Notice::OldStillKept).fact(Fact::Reason, why);
    facts.fold(notice, |notice, (fact, value)| notice.fact(fact, value))
}

/// Notes that this was said, so that a run every day says it once.
fn told(keeper: &Keeper, session: &Session, old: &Credential, error: &Error) {
    if still_kept(error).is_some() {
        keeper.note_told(session, old, error.code());
    }
}

/// That the old key stays though the new certificate has a key of its own, since another certificate is for it, or may be; and that copies
/// of the old certificate do, which other programs have written, and public keys that may be another program's.
pub fn what_stays(old: &Credential, done: &Retired) -> Vec<Warning> {
    let shares = done.successor.certificate().public_key() == old.certificate().public_key();
    let of = |notice: Notice, id: &Vec<u8>| Warning::from(notice).fact(Fact::Id, hex(id));
    let of_old = |notice, id| of(notice, id).fact(Fact::Serial, old.certificate().serial());
    let key = (done.key_stays && !shares).then(|| of_old(Notice::OldKeyStays, &done.id));
    let copies = done.copies.iter().map(|id| of_old(Notice::CopyKept, id));
    let public_keys = done.public_keys_kept.iter().map(|id| of(Notice::PublicKeyKept, id));
    key.into_iter().chain(copies).chain(public_keys).collect()
}

/// Where the driver keeps no identifier, a person who has tried the new one names it when the old one is removed.
fn name_way_of_id(
    notice: Warning,
    run: &Run,
    session: &Session,
    installed: &Installed,
    checks: &Checks<'_>,
) -> Warning {
    if notice != Notice::IdDiffers {
        return notice;
    }
    let new = installed.credential.certificate();
    let listed = || session.credentials().ok()?.replaced_by(new).pop();
    match installed.replaced.clone().or_else(listed) {
        Some(old) => {
            let successor = old.naming(new);
            let said = Said { successor: Some(&successor), ..checks.said() };
            notice.fact(Fact::GoOn, said.retire(run, &old))
        }
        None => notice,
    }
}

/// That another program's copy of the old certificate stays.
fn copy_kept(error: &Error) -> Warning {
    let which = error.facts().filter(|(fact, _)| matches!(fact, Fact::Id | Fact::Serial));
    which.fold(Notice::CopyKept.into(), |notice: Warning, (fact, value)| notice.fact(fact, value))
}

/// Whether the old certificate is where it was, and until when it is valid.
fn stays(run: &Run, old: &OldCertificate) -> Warning {
    let certificate = old.certificate();
    let notice = match from::is_there(run, old) {
        Some(true) => Notice::OldStaysElsewhere,
        Some(false) => Notice::OldNotWhereItWas,
        None => Notice::OldNotSeen,
    };
    Warning::from(notice)
        .fact(Fact::Place, old.place())
        .fact(Fact::Serial, certificate.serial())
        .fact(Fact::Date, jst_date(certificate.not_after()))
}

/// The removal of what the new credential replaces. Where the answer was there before, or the record of its job alone does not tell which
/// one it renews, as those of the previous release may not, what the token tells now counts.
fn replaced_by(
    run: &Run,
    session: &Session,
    installed: &Installed,
    policy: &Policy,
) -> Result<Option<(Retire, Credential)>> {
    if let (Some(removal), Some(old)) = (Retire::replaced_by(installed), &installed.replaced) {
        return Ok(Some((removal, old.clone())));
    }
    if policy.old != OldCredential::Remove || installed.old_elsewhere.is_some() {
        return Ok(None);
    }
    let new = installed.credential.certificate();
    let all = session.credentials()?;
    let call = run.call();
    let is_told = |one: &&Credential| one.successor().is_some_and(|by| by.certificate == *new);
    // What carries the same record, as other programs' copies do, hides what follows it.
    let is_known = |one: &&Credential| call.has_replaced(one.certificate(), new);
    let old = all.iter().find(is_told).or_else(|| all.iter().find(is_known));
    let removal = |old| Retire::of(old, policy).unless_copy().certificates(installed.certificates().to_vec());
    Ok(old.map(|old| (removal(old), old.clone())))
}

/// Asks a person, where there is one, before a certificate is written under the identifier of another: some tokens hold one
/// certificate for a key, and that cannot be seen beforehand.
///
/// # Errors
/// [`Code::Cancelled`].
pub fn confirm_shared_id(run: &Run, policy: &Policy) -> Result<()> {
    let asks = policy.key == KeyRule::OldAgain && !run.global.json && pin::is_terminal();
    match asks && !pin::confirmed(&Words::ConfirmSharedId.text(run.lang)) {
        true => Err(Error::new(Code::Cancelled)),
        false => Ok(()),
    }
}

/// Whether the bank keeps old certificates and lets no customer remove one: then there is nothing to do with it.
fn is_kept_by_bank(run: &Run) -> bool {
    run.bank()
        .is_some_and(|bank| bank.old == OldCredential::Keep && bank.check_override(Override::Old).is_err())
}

/// Whether the old credential goes now, by the policy or by what the person answers.
fn removes_old(run: &Run, old: OldCredential) -> bool {
    match old {
        OldCredential::Remove => true,
        OldCredential::Ask => {
            !run.global.json && pin::is_terminal() && pin::confirmed(&Words::ConfirmRemoval.text(run.lang))
        }
        _ => false,
    }
}

/// What the bank has to say after a new certificate, and of the old one where it stays.
fn bank_words(run: &Run, retired: bool) -> Vec<&str> {
    let Some(bank) = run.bank() else { return Vec::new() };
    let old = bank.old_certificate.as_ref().filter(|_| !retired);
    bank.after_installation.iter().chain(old).map(|words| words.text(run.lang)).collect()
}
