//! What a command says: for people, or as JSON for programs.

pub mod json;
pub mod progress;
mod said;
pub mod stdout;
pub mod view;

use std::fmt::Display;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use usbtoken::bank::{Bank, Override};
use usbtoken::error::{Fact, Family, Notice, Step, Warning};
use usbtoken::text::{Lang, Report, printable};
use usbtoken::{Code, Error};

use self::said::{expects, is_because, is_stated, is_there_already};
use crate::args::withhold;
use crate::process::surroundings;
use crate::words::{Tongue, Words};

/// A result that may be long: it is written while it is made, and never stands in memory as a whole.
pub trait Pieces {
    /// Writes it for people, with the last line end.
    ///
    /// # Errors
    /// What writing returns.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Writes it for programs, without the last line end.
    ///
    /// # Errors
    /// What writing returns.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// What a command has to say when it is done.
pub struct Outcome {
    /// For people, without the last line end.
    pub text: String,
    /// For programs; nothing where a person reads.
    pub json: Value,
    /// A request that goes to standard output instead of both.
    pub raw: Option<Vec<u8>>,
    /// What is long goes there instead of both, piece by piece.
    pub pieces: Option<Box<dyn Pieces>>,
    /// The exit code, when the command did its work and the news is bad.
    pub exit: Option<Family>,
    /// What failed after the work was done.
    pub afterwards: Option<Error>,
    /// What it means when this cannot be printed, where the token was changed.
    pub if_unprinted: Option<Error>,
    /// What is done once it was printed.
    pub when_printed: Option<Box<dyn FnOnce()>>,
}

impl Outcome {
    /// Something that succeeded.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Outcome {
            text: text.into(),
            json,
            raw: None,
            pieces: None,
            exit: None,
            afterwards: None,
            if_unprinted: None,
            when_printed: None,
        }
    }

    /// Something long that succeeded.
    pub fn in_pieces(pieces: impl Pieces + 'static) -> Self {
        Outcome { pieces: Some(Box::new(pieces)), ..Outcome::new("", Value::Null) }
    }

    /// The same of something that changed the token, with the certificate or key that it was about.
    pub fn changed(text: impl Into<String>, json: Value, fact: Fact, value: impl Display) -> Self {
        let unprinted = Error::new(Code::ResultNotPrinted).fact(fact, value);
        Outcome { if_unprinted: Some(unprinted), ..Outcome::new(text, json) }
    }

    /// The same, with what is done once it was printed.
    #[must_use]
    pub fn then(self, work: impl FnOnce() + 'static) -> Self {
        Outcome { when_printed: Some(Box::new(work)), ..self }
    }

    /// Sets a field of a result that has fields.
    pub fn note(&mut self, field: &str, value: impl FnOnce() -> Value) {
        if let Some(fields) = self.json.as_object_mut() {
            fields.insert(field.to_owned(), value());
        }
    }

    /// Adds warnings for programs to a result that has fields; people were told.
    pub fn remark(&mut self, remarks: Vec<Value>) {
        let Some(fields) = self.json.as_object_mut().filter(|_| !remarks.is_empty()) else { return };
        if let Value::Array(notices) = fields.entry("notices").or_insert_with(|| json!([])) {
            notices.extend(remarks);
        }
    }

    /// Writes it to standard output.
    ///
    /// # Errors
    /// What `if_unprinted` says. Where nothing was changed [`Code::FileUnwritable`], except when the reader went away:
    /// that is the reader's choice.
    pub fn print(&mut self, as_json: bool) -> Result<(), Error> {
        let Err(error) = self.write(as_json) else {
            self.when_printed.take().into_iter().for_each(|then| then());
            return Ok(());
        };
        match self.if_unprinted.take() {
            Some(unprinted) => {
                Err(unprinted.fact(Fact::Path, "stdout").fact(Fact::Detail, &error).caused_by(error))
            }
            None if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            None => Err(Error::new(Code::FileUnwritable).fact(Fact::Path, "stdout").caused_by(error)),
        }
    }

    fn write(&self, as_json: bool) -> io::Result<()> {
        if stdout::was_closed() {
            return Err(io::Error::other("standard output is closed"));
        }
        surroundings::on_stdout(|stdout| {
            // Standard output would be written line by line.
            let mut stdout = io::BufWriter::with_capacity(1 << 16, stdout);
            match (&self.raw, &self.pieces) {
                (Some(raw), _) => stdout.write_all(raw),
                (None, Some(pieces)) if as_json => {
                    pieces.write_json(&mut stdout).and_then(|()| writeln!(stdout))
                }
                (None, Some(pieces)) => pieces.write_text(&mut stdout),
                (None, None) if as_json => writeln!(stdout, "{}", json::pretty(&self.json)),
                (None, None) => writeln!(stdout, "{}", self.text),
            }?;
            stdout.flush()
        })
    }

    /// Writes to standard error what standard output did not take, with the reason.
    pub fn print_unprinted(&self, error: &Error, lang: Lang, bank: Option<&Bank>, as_json: bool) {
        // What is long changed nothing, and can be had again.
        let text = if self.pieces.is_some() && as_json {
            json::pretty(&error_json(error, lang, bank))
        } else if as_json {
            let mut value = error_json(error, lang, bank);
            if let Some(fields) = value["error"].as_object_mut() {
                fields.insert("result".to_owned(), self.json.clone());
            }
            json::pretty(&value)
        } else if self.raw.is_some() || self.pieces.is_some() {
            error_text(error, lang, bank)
        } else {
            format!("{}\n\n{}", self.text, error_text(error, lang, bank))
        };
        surroundings::say(&text);
    }
}

/// Writes an error to standard error, with what the bank has to say to it.
pub fn print_error(error: &Error, lang: Lang, bank: Option<&Bank>, as_json: bool) {
    let text =
        if as_json { json::pretty(&error_json(error, lang, bank)) } else { error_text(error, lang, bank) };
    surroundings::say(&text);
}

/// Writes to standard error what failed after a certificate was installed.
pub fn print_afterwards(error: &Error, lang: Lang, bank: Option<&Bank>, as_json: bool) {
    let installed = Some(Words::HintInstalled);
    let text = if as_json {
        json::pretty(&error_json_with(error, installed, lang, bank))
    } else {
        error_text_with(error, installed, lang, bank)
    };
    surroundings::say(&text);
}

/// The error as people see it.
pub fn error_text(error: &Error, lang: Lang, bank: Option<&Bank>) -> String {
    error_text_with(error, hint(error, bank), lang, bank)
}

fn error_text_with(error: &Error, hint: Option<Words<'_>>, lang: Lang, bank: Option<&Bank>) -> String {
    let report = report(error, lang, bank).to_string();
    let report = withhold(&report);
    let tongue = Tongue { lang, bank };
    match hint {
        // The last line is for support; the hint belongs to what the person should do.
        Some(hint) => match report.rsplit_once('\n') {
            Some((before, support)) => format!("{before}\n{}\n{support}", tongue.text(hint)),
            None => report.into_owned(),
        },
        None => report.into_owned(),
    }
}

/// The error as programs see it.
pub fn error_json(error: &Error, lang: Lang, bank: Option<&Bank>) -> Value {
    error_json_with(error, hint(error, bank), lang, bank)
}

fn report(error: &Error, lang: Lang, bank: Option<&Bank>) -> Report {
    bank.map_or_else(|| error.report(lang), |bank| bank.report(error, lang))
}

fn error_json_with(error: &Error, hint: Option<Words<'_>>, lang: Lang, bank: Option<&Bank>) -> Value {
    let report = report(error, lang, bank);
    let call = error.pkcs11_call();
    json!({"error": {
        "code": error.code().number(),
        "name": error.code().name(),
        "family": family_name(error.code().family()),
        "exit_code": error.code().family() as u8,
        "step": error.step().map(usbtoken::error::Step::name),
        "function": call.map(|call| call.function).or_else(|| function_of(error)),
        "ckr": call.map(|call| call.name),
        "ckr_value": call.map(|call| call.rv),
        "sentence": report.sentence,
        "next": report.next_action,
        "contacts": report.contacts,
        "hint": hint.map(|hint| Tongue { lang, bank }.text(hint)),
        "facts": facts_json(error.facts()),
    }})
}

/// The function in which a driver ended or is, which has returned nothing.
fn function_of(error: &Error) -> Option<&str> {
    error.facts().find(|(fact, _)| *fact == Fact::Function).map(|(_, function)| function)
}

/// Each kind of fact is an array, since some stand several times.
fn facts_json<'a>(facts: impl Iterator<Item = (Fact, &'a str)>) -> Map<String, Value> {
    let mut all = Map::new();
    for (fact, value) in facts {
        if let Value::Array(values) = all.entry(fact.name()).or_insert_with(|| json!([])) {
            values.push(withhold(value).into());
        }
    }
    all
}

/// Several warnings as people see them.
pub fn notices_text(notices: &[Warning], tongue: Tongue<'_>) -> String {
    notices.iter().map(|notice| format!("\n{}", notice_text(notice, tongue))).collect()
}

/// Several warnings as programs see them.
pub fn notices_json(notices: &[Warning], tongue: Tongue<'_>) -> Vec<Value> {
    notices.iter().map(|notice| notice_json(notice, tongue)).collect()
}

/// Writes what was passed over to standard error.
pub fn print_warning(error: &Error, lang: Lang, bank: Option<&Bank>, as_json: bool) {
    let text = if as_json {
        let mut value = error_json(error, lang, bank);
        json::line(&json!({"warning": value["error"].take()}))
    } else {
        withhold(&report(error, lang, bank).to_string()).into_owned()
    };
    surroundings::say(&text);
}

/// Writes for programs to standard error what the result has no place for.
pub fn print_notice(warning: &Warning, tongue: Tongue<'_>) {
    surroundings::say(&json::line(&json!({"warning": notice_json(warning, tongue)})));
}

/// A warning as programs see it.
pub fn notice_json(warning: &Warning, tongue: Tongue<'_>) -> Value {
    let notice = warning.notice;
    let message = notice.message(tongue.lang);
    json!({
        "number": notice.number(),
        "name": notice.name(),
        "sentence": tongue.say(message.sentence),
        "next": tongue.say(message.next_action),
        "facts": facts_json(warning.facts()),
    })
}

/// A warning as people see it: the sentence, its values, and what to do next.
pub fn notice_text(warning: &Warning, tongue: Tongue<'_>) -> String {
    let message = warning.notice.message(tongue.lang);
    let values = warning.facts().map(|(fact, value)| format!("\n    {}", fact_text(fact, value, tongue)));
    let hint = notice_hint(warning.notice);
    let hint = hint.map(|hint| format!("\n  {}", tongue.text(hint))).unwrap_or_default();
    let (sentence, next) = (tongue.say(message.sentence), tongue.say(message.next_action));
    format!("* {sentence}{}\n  {next}{hint}", values.collect::<String>())
}

/// A value with its label. One that has words of ours has the bank's word for the PIN in them; what comes from outside stays.
pub fn fact_text(fact: Fact, value: &str, tongue: Tongue<'_>) -> String {
    let words = fact.words(value, tongue.lang);
    let words = if words == value { words } else { tongue.say(&words) };
    format!("{}: {}", fact.label(tongue.lang), withhold(&printable(&words)))
}

/// Which of the command's own options helps.
pub const fn notice_hint(notice: Notice) -> Option<Words<'static>> {
    match notice {
        Notice::KeyKindChanges | Notice::MechanismNotListed | Notice::KeySizeNotStated => {
            Some(Words::HintKey)
        }
        Notice::RenewedOnOtherToken => Some(Words::HintAgain),
        Notice::OldNotCompared => Some(Words::HintFrom),
        Notice::PinPadStated | Notice::PinLengthStated => Some(Words::HintPinAsTyped),
        Notice::MoreAfterLogin | Notice::BegunBefore => Some(Words::HintPin),
        Notice::PinToBeChanged | Notice::InitialPin => Some(Words::HintPinChange),
        _ => None,
    }
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Usage => "usage",
        Family::NotFound => "not_found",
        Family::Pin => "pin",
        Family::Refused => "refused",
        Family::Answer => "answer",
        Family::Gone => "gone",
        Family::Internal => "internal",
        Family::Rule => "rule",
        Family::NotYet => "not_yet",
        Family::Unprinted => "unprinted",
        Family::Login => "login",
    }
}

/// Which of the command's own options helps. The library's sentences know nothing of options. One that the bank does not
/// let a customer use is no help.
pub fn hint(error: &Error, bank: Option<&Bank>) -> Option<Words<'static>> {
    let refused = |what| bank.is_some_and(|bank| bank.check_override(what).is_err());
    usual_hint(error).filter(|hint| match hint {
        Words::HintForce => !refused(Override::Window),
        Words::HintModule => !refused(Override::Drivers),
        Words::HintAnchor => !refused(Override::Anchors),
        Words::HintAfterLogin => !refused(Override::Origins),
        _ => true,
    })
}

/// Whether a driver that has ended may have left a job on the token.
fn is_left(error: &Error) -> bool {
    let left = ["key_may_be_there", "certificate_may_be_there", "new_key_stays", "new_certificate_stays"];
    left.into_iter().any(|reason| is_because(error, reason))
}

/// Whether the certificate was named by its number in the list.
fn is_by_number(error: &Error) -> bool {
    error.facts().any(|(fact, value)| fact == Fact::Found && value.starts_with("--nth"))
}

fn usual_hint(error: &Error) -> Option<Words<'static>> {
    Some(match error.code() {
        _ if is_stated(error, "CKF_PROTECTED_AUTHENTICATION_PATH") => Words::HintPinPad,
        Code::DriverMissing | Code::DriverPathRelative => Words::HintModule,
        Code::DriverHostUnusable | Code::DriverAsksAtTerminal => Words::HintInProcess,
        Code::DriverTimeout if !is_because(error, "pin_may_have_counted") => Words::HintDriverLimit,
        _ if is_because(error, "pin_may_have_counted") => Words::HintPinCorrected,
        Code::TokenAmbiguous | Code::TokenNotFound | Code::TokenNotNamed => Words::HintToken,
        Code::CredentialNotFound if is_because(error, "delivered_empty") => Words::HintFrom,
        Code::CredentialNotFound | Code::OldAmbiguous if is_by_number(error) => Words::HintNth,
        Code::CredentialNotFound | Code::CredentialNotSeen => Words::HintCredentialOrFrom,
        Code::CredentialAmbiguous => Words::HintCredential,
        Code::OldNotOfJob if is_because(error, "first_issue") => Words::HintWithoutFrom,
        Code::OldNotFound | Code::OldAmbiguous | Code::OldNotOfJob | Code::PlaceUnsupported => {
            Words::HintFrom
        }
        Code::Pkcs12PasswordNeeded | Code::Pkcs12PasswordWrong => Words::HintFromPassword,
        // A command for each of them is named.
        Code::PendingAmbiguous if error.facts().any(|(fact, _)| fact == Fact::GoOn) => return None,
        Code::PendingExists | Code::PendingAmbiguous | Code::PendingNotFound => Words::HintPending,
        Code::SuccessorDue => Words::HintSuccessorDue,
        Code::NotYetRenewable => Words::HintForce,
        Code::Expired => Words::HintBegun,
        Code::RetireIssuerNotShown => Words::HintAnchor,
        Code::RetireNotConfirmed => Words::HintConfirm,
        // One that the rule for the subject forbids is named in vain.
        Code::RetireNoSuccessor
            if ["subject_differs", "successor_ends_earlier", "successor_is_the_old_one"]
                .iter()
                .any(|reason| is_because(error, reason)) =>
        {
            return None;
        }
        Code::LoginLedOn => Words::HintAfterLogin,
        Code::RetireNoSuccessor | Code::SuccessorNotBesideKey => Words::HintSuccessor,
        Code::SuccessorDoubtful => Words::HintSuccessorDoubtful,
        Code::RetireDoubtful | Code::RetireOlderFirst => Words::HintRetire,
        Code::RemovalDoubtful if crate::args::NOT_SHOWN.iter().any(|why| is_because(error, why)) => {
            Words::HintKeyGone
        }
        Code::KeyNotShown if is_because(error, "key_of_renewed") => Words::HintAgain,
        Code::KeyNotShown => Words::HintKeyGone,
        Code::RemovalDoubtful
            if is_because(error, "object_changed") || is_because(error, "certificates_alike") =>
        {
            Words::HintReadAgain
        }
        Code::OldKeyElsewhere => Words::HintOldKeyElsewhere,
        Code::RequestFinished => Words::HintReuseKey,
        Code::KeyKindNotMade => Words::HintKey,
        Code::ProfileAmbiguous | Code::TokenOfOtherBank | Code::TokenNotTheBanks => Words::HintBank,
        Code::PinFinalTry => Words::HintFinalTry,
        Code::PinLocked if is_stated(error, "CKF_USER_PIN_LOCKED") => Words::HintStatedLocked,
        Code::PinLength if error.pkcs11_call().is_none() => Words::HintPinAsTyped,
        Code::PinDoubtful | Code::NewPinDoubtful | Code::NewPinLength => Words::HintPinAsTyped,
        Code::PinExpired => Words::HintPinChange,
        Code::PinChangeUncertain => Words::HintPinHolds,
        Code::DriverUntrusted => Words::HintTrustDriver,
        Code::PinWrongBefore if is_because(error, "pin_change_interrupted") => Words::HintPinHolds,
        Code::PinWrongBefore => Words::HintPinCorrected,
        Code::PendingOfOther => Words::HintAnyCaller,
        Code::PinRequired => Words::HintPin,
        Code::FileUnwritable if expects(error, crate::kept::SAVE_ANSWER) => Words::HintOtherFile,
        Code::FileUnwritable if is_there_already(error) => Words::HintOverwrite,
        Code::BadArgument if expects(error, crate::args::YES) => Words::HintYes,
        Code::RequestWouldDiffer => Words::HintSignAgain,
        Code::JournalUnusable if error.step() == Some(Step::LogIn) => Words::HintPinPlace,
        Code::JournalUnusable if expects(error, crate::kept::SAVE_ANSWER) => Words::HintSaveAnswer,
        Code::JournalUnusable => Words::HintStatePlace,
        Code::AlreadyInstalled | Code::AuthorisationRejected => return None,
        // The command that goes on is named.
        _ if error.facts().any(|(fact, _)| fact == Fact::GoOn) => return None,
        Code::RemovalDoubtful | Code::LoginLost => Words::HintSee,
        _ if is_left(error) => Words::HintPending,
        _ if is_because(error, "object_may_be_gone") => Words::HintSee,
        // An answer that was refused leaves the key pending.
        code if code.family() == Family::Answer => Words::HintPending,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use usbtoken::error::Call;

    #[test]
    fn only_a_file_that_is_there_may_be_overwritten() {
        let unwritable = |kind| {
            let error = Error::new(Code::FileUnwritable).caused_by(io::Error::from(kind));
            error_json(&error, Lang::En, None)["error"]["hint"].is_string()
        };
        assert!(unwritable(io::ErrorKind::AlreadyExists));
        assert!(!unwritable(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn who_may_wait_longer_is_told_how() {
        let hint = |error: Error| error_json(&error, Lang::En, None)["error"]["hint"].to_string();
        let late = || Error::new(Code::DriverTimeout).fact(Fact::Function, "C_FindObjectsInit");
        assert!(hint(late()).contains("--driver-limit"));
        assert!(!hint(late().fact(Fact::Reason, "pin_may_have_counted")).contains("--driver-limit"));
    }

    fn ambiguous() -> Error {
        Error::new(Code::TokenAmbiguous)
            .during(Step::FindToken)
            .fact(Fact::Candidate, "BANK (serial 1)")
            .fact(Fact::Candidate, "BANK (serial 2)")
    }

    #[test]
    fn an_error_as_json_has_the_stable_names() {
        let locked = Error::new(Code::PinLocked).during(Step::LogIn).call(Call {
            function: "C_Login",
            rv: 0xa4,
            name: "CKR_PIN_LOCKED",
        });
        let value = error_json(&locked, Lang::En, None);
        let error = &value["error"];
        assert_eq!((&error["code"], &error["name"]), (&json!(302), &json!("pin_locked")));
        assert_eq!((&error["family"], &error["exit_code"]), (&json!("pin"), &json!(4)));
        assert_eq!((&error["step"], &error["function"]), (&json!("log_in"), &json!("C_Login")));
        assert_eq!((&error["ckr"], &error["ckr_value"]), (&json!("CKR_PIN_LOCKED"), &json!(0xa4)));
        assert_eq!(error["facts"], json!({}));
        let candidates = &error_json(&ambiguous(), Lang::Ja, None)["error"]["facts"]["candidate"];
        assert_eq!(*candidates, json!(["BANK (serial 1)", "BANK (serial 2)"]));
    }

    #[test]
    fn the_hint_stands_before_the_line_for_support() {
        let text = error_text(&ambiguous(), Lang::En, None);
        let lines: Vec<_> = text.lines().rev().collect();
        assert_eq!(lines[0], "[224 token_ambiguous; find_token]");
        assert!(lines[1].contains("--token"), "{text}");
    }
}
