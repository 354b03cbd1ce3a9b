//! The old certificate that is not on the token: read from its place, and the token that the renewal goes onto.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use usbtoken::driver::TokenIdentity;
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::pki::jst_date;
use usbtoken::places::{self, InPlace, OldCertificate, Password, Place};
use usbtoken::text::printable;
use usbtoken::{Certificate, Code, Credentials, Error, Result, Token};
use zeroize::Zeroizing;

use crate::args::{AgainArgs, FromArgs, KeyArgs, Which, is_some_place};
use crate::kept::Keeper;
use crate::pin::prompt::{self, Typed};
use crate::run::Run;
use crate::words::Words;
use crate::{files, pin};

/// No password is longer.
const LONGEST_PASSWORD: usize = 4096;

/// The old certificate in the place that the command line names: read before a token is searched for, so that a wrong file or
/// password costs nothing.
///
/// # Errors
/// What reading the place returns; [`Code::BadArgument`] for an identifier, which only a token has.
pub fn old(run: &Run, args: &FromArgs, which: &Which) -> Result<Option<OldCertificate>> {
    let Some(place) = &args.from else { return Ok(None) };
    if which.id.is_some() {
        let detail = "--id names a certificate on the token; with --from it is --serial";
        return Err(Error::new(Code::BadArgument).fact(Fact::Detail, detail));
    }
    run.progress.step(Step::ReadPlace);
    let found = read(run, place, args)?;
    match &which.serial {
        Some(serial) => found.by_serial(serial)?.only(),
        None => found.renewable(&run.policy().window, run.now()).only(),
    }
    .map(Some)
}

/// The old certificate that was given when the request was made, where the command line names it again.
///
/// # Errors
/// As [`old`].
pub fn again(run: &Run, args: &AgainArgs) -> Result<Option<OldCertificate>> {
    old(run, &args.place, &Which { serial: args.serial.clone(), ..Which::default() })
}

/// Whether the old certificate is where it was; `None` where that cannot be seen now.
pub fn is_there(run: &Run, old: &OldCertificate) -> Option<bool> {
    let Place::OtherToken(uri) = old.place() else { return places::is_there(old, &run.loading()) };
    let found = places::read_token(&run.finder().ok()?.find(uri).ok()?).ok()?;
    Some(found.iter().any(|one| one.certificate() == old.certificate()))
}

fn read(run: &Run, place: &Place, args: &FromArgs) -> Result<InPlace> {
    let path = match place {
        Place::File(path) => path,
        Place::OtherToken(uri) => return places::read_token(&run.finder()?.find(uri)?),
        other => return places::read(other, None, &run.loading()),
    };
    let given = match &args.from_password {
        Some(file) => Some(password_from(run, file)?),
        None => None,
    };
    match places::read_file(path, given.as_ref()) {
        Err(error) if error.code() == Code::Pkcs12PasswordNeeded && given.is_none() => {
            let Some(typed) = ask(run, path)? else { return Err(error) };
            places::read_file(path, Some(&typed))
        }
        read => read,
    }
}

/// Asks a person; `None` where there is none.
///
/// # Errors
/// [`Code::Cancelled`].
fn ask(run: &Run, path: &Path) -> Result<Option<Password>> {
    if !pin::is_terminal() {
        return Ok(None);
    }
    let cancelled = || Error::new(Code::Cancelled).during(Step::ReadPlace);
    let question = Words::FilePassword(&printable(&path.display().to_string())).text(run.lang);
    match prompt::read(&question, &pin::Asides::of(|words| words.text(run.lang))) {
        Ok(Typed::Line(typed)) => {
            let text = std::str::from_utf8(&typed).map_err(|_| cancelled())?;
            Ok(Some(Password::new(text)))
        }
        Ok(Typed::Cancelled) => Err(cancelled()),
        Err(error) => Err(cancelled().caused_by(error)),
    }
}

/// The first line of a file, as it stands there but for a byte order mark and the line end.
fn password_from(run: &Run, path: &Path) -> Result<Password> {
    run.check_input(path)?;
    let unreadable = |error: io::Error| {
        let place = Error::new(Code::FileUnreadable).during(Step::ReadPlace);
        // What is no path may be the password itself.
        let place = match is_some_place(path) || files::is_standard(path) {
            true => place.fact(Fact::Path, path.display()),
            false => place.fact(Fact::Reason, "file_not_there"),
        };
        place.fact(Fact::Detail, &error).caused_by(error)
    };
    // The capacity is given beforehand: a buffer that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_PASSWORD + 1));
    let take =
        |from: &mut dyn Read, bytes: &mut Vec<u8>| from.take(LONGEST_PASSWORD as u64 + 1).read_to_end(bytes);
    match files::is_standard(path) {
        true => take(&mut io::stdin().lock(), &mut bytes),
        false => File::open(path).and_then(|mut file| take(&mut file, &mut bytes)),
    }
    .map_err(unreadable)?;
    let unusable = |reason| unreadable(io::ErrorKind::InvalidData.into()).fact(Fact::Reason, reason);
    if bytes.len() > LONGEST_PASSWORD {
        return Err(unusable("password_too_long"));
    }
    if is_certificate_file(&bytes) {
        return Err(unusable("password_file_itself"));
    }
    if is_utf16(&bytes) {
        return Err(unusable("password_utf16"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable("password_not_utf8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(Password::new(text.split(['\n', '\r']).next().unwrap_or_default()))
}

/// Whether it is a file with a certificate or a key, perhaps the one that the password is for: PEM, or the SEQUENCE that DER and BER
/// begin with.
fn is_certificate_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN ") || matches!(bytes, [0x30, 0x80..=0x84, ..])
}

/// Whether it is a text in UTF-16: with a byte order mark, or with letters of ASCII that are two bytes.
fn is_utf16(bytes: &[u8]) -> bool {
    let is_text = |unit: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.as_chunks();
        let units = units.iter().map(|bytes| unit(*bytes));
        rest.is_empty()
            && char::decode_utf16(units)
                .all(|letter| letter.is_ok_and(|letter| !letter.is_control() || "\r\n".contains(letter)))
    };
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.contains(&0) && (is_text(u16::from_le_bytes) || is_text(u16::from_be_bytes))
}

/// The token that the renewal of this certificate from elsewhere goes onto, with what is odd about that.
///
/// # Errors
/// As [`named_or_banks`].
pub fn onto(run: &Run, old: &OldCertificate) -> Result<Token> {
    let token = named_or_banks(run)?;
    if old.certificate().not_before() > run.now() {
        let begins = jst_date(old.certificate().not_before());
        run.note(Warning::from(Notice::OldNotYetValid).fact(Fact::Begins, begins));
    }
    let kept = || Keeper::of_user().renewed_beside(Some(token.identity()), old.certificate());
    let elsewhere = renewed_beside(run, &token, old).or_else(|| Some(kept()?.0));
    elsewhere.into_iter().for_each(|other| {
        run.note(Warning::from(Notice::RenewedOnOtherToken).fact(Fact::Token, other));
    });
    let others = Keeper::of_user().ordered_beside(token.identity(), old.certificate());
    if let Some(other) = others.first() {
        run.note(Warning::from(Notice::OrderedOnOtherToken).fact(Fact::Token, other));
    }
    Ok(token)
}

/// The other token that this certificate of this token was renewed onto, and by what: by this computer, or as a token that is plugged
/// in says; of which the person is told. None where it is to be renewed all the same.
pub fn renewed_onto_other(
    run: &Run,
    token: &Token,
    old: &OldCertificate,
    key: &KeyArgs,
) -> Option<(TokenIdentity, Certificate)> {
    let (other, by) = seen_on_other(run, token, old, key)?;
    run.note(Warning::from(Notice::RenewedOnOtherToken).fact(Fact::Token, &other));
    Some((other, by))
}

/// The same, of which no one is told yet; only that it is there no more is said. The other tokens are not asked where nothing is kept
/// and none was seen beside this one.
pub fn seen_on_other(
    run: &Run,
    token: &Token,
    old: &OldCertificate,
    key: &KeyArgs,
) -> Option<(TokenIdentity, Certificate)> {
    let credential = old.on_token().filter(|_| !key.force && !key.although_renewed)?;
    let old = old.certificate();
    let keeper = Keeper::of_user();
    let kept = keeper.renewed_beside(Some(token.identity()), old);
    // What follows on the very token is asked there.
    let is_asked = credential.successor().is_none() && !token.seen_beside().is_empty();
    if kept.is_none() && !is_asked {
        return None;
    }
    let others = others(run, token);
    if let Some((onto, by)) = kept {
        let is_gone = |(other, all): &(TokenIdentity, Credentials)| {
            *other == onto && keeper.renewal_is_gone(old, other, all)
        };
        if !others.iter().any(is_gone) {
            return Some((onto, by));
        }
        run.note(Warning::from(Notice::RenewalGone).fact(Fact::Token, &onto));
        run.renewal_is_gone(old);
    }
    let by = |all: &Credentials| all.said_to_replace(old).map(|by| by.certificate().clone());
    others.into_iter().filter(|_| is_asked).find_map(|(other, all)| Some((other, by(&all)?)))
}

/// The other token that is plugged in and has what is said to take this certificate's place.
fn renewed_beside(run: &Run, token: &Token, old: &OldCertificate) -> Option<TokenIdentity> {
    let takes = |all: &Credentials| all.said_to_replace(old.certificate()).is_some();
    others(run, token).into_iter().find(|(_, all)| takes(all)).map(|(other, _)| other)
}

/// The other tokens that are plugged in, with what they show without a PIN. What cannot be read is not there.
fn others(run: &Run, token: &Token) -> Vec<(TokenIdentity, Credentials)> {
    let found = run.finder().and_then(|finder| finder.tokens()).map(|found| found.tokens);
    let others = found.into_iter().flatten().filter(|other| other.identity() != token.identity());
    others.filter_map(|other| Some((other.identity().clone(), other.credentials().ok()?))).collect()
}

/// The bank's token, or the one that is named. One that no one has named and no bank calls its own is not written to.
///
/// # Errors
/// [`Code::TokenNotNamed`], which lists those that are there; what finding it returns.
fn named_or_banks(run: &Run) -> Result<Token> {
    if run.names_token()? {
        return run.named_token();
    }
    if run.bank().is_some() {
        return run.token();
    }
    let (tokens, _) = run.tokens()?;
    let error = Error::new(Code::TokenNotNamed).during(Step::FindToken);
    Err(tokens.iter().fold(error, |error, token| error.fact(Fact::Candidate, token.identity())))
}
