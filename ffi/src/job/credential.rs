//! Credentials: certificates on the token, each with its private key where that can be seen.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use base16ct::lower::encode_string as hex;
use usbtoken::bank::Override;
use usbtoken::error::{Fact, Step};
use usbtoken::pki::{Window, has_no_end};
use usbtoken::renewal::{KeyState, Progress as _, Renewable, Unreadable};
use usbtoken::text::Lang;
use usbtoken::{Credential, Credentials, Result, Run};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::token::{TokenNoun, usbtoken_token};
use crate::values::buffer::{Buffer, usbtoken_buffer};

/// A certificate on a token, with its private key where that can be seen.
pub struct usbtoken_credential(());

/// The credentials of a token, CA certificates left out.
pub struct usbtoken_credentials(());

/// usbtoken_credential_text: the whole subject (RFC 4514).
pub const USBTOKEN_CREDENTIAL_SUBJECT: u32 = 1;
/// usbtoken_credential_text: the common name.
pub const USBTOKEN_CREDENTIAL_COMMON_NAME: u32 = 2;
/// usbtoken_credential_text: the organizations, one a line.
pub const USBTOKEN_CREDENTIAL_ORGANIZATIONS: u32 = 3;
/// usbtoken_credential_text: the organizational units, one a line.
pub const USBTOKEN_CREDENTIAL_ORGANIZATIONAL_UNITS: u32 = 4;
/// usbtoken_credential_text: the whole issuer (RFC 4514).
pub const USBTOKEN_CREDENTIAL_ISSUER: u32 = 5;
/// usbtoken_credential_text: the serial number, in lower-case hexadecimal.
pub const USBTOKEN_CREDENTIAL_SERIAL: u32 = 6;
/// usbtoken_credential_text: CKA_ID, in lower-case hexadecimal.
pub const USBTOKEN_CREDENTIAL_ID: u32 = 7;
/// usbtoken_credential_text: CKA_LABEL.
pub const USBTOKEN_CREDENTIAL_LABEL: u32 = 8;
/// usbtoken_credential_text: the kind of key, such as "RSA 2048" or "P-256".
pub const USBTOKEN_CREDENTIAL_KEY_ALGORITHM: u32 = 9;
/// usbtoken_credential_text: Organization, Organization Unit, Common Name and serial number, one a line, as the
/// bank's own screen shows them after a renewal.
pub const USBTOKEN_CREDENTIAL_SUMMARY: u32 = 10;
/// usbtoken_credential_text: SHA-1 over the certificate, in hexadecimal: what Windows calls its thumbprint.
pub const USBTOKEN_CREDENTIAL_THUMBPRINT: u32 = 11;

/// usbtoken_credential_text: the extensions of the certificate that cannot be read, by name or in dotted form, one a
/// line; empty when all can be read.
pub const USBTOKEN_CREDENTIAL_UNREADABLE_EXTENSIONS: u32 = 12;

/// usbtoken_credential_text: CKA_ID of the credential that takes this one's place, in lower-case hexadecimal; NULL when
/// none is known.
pub const USBTOKEN_CREDENTIAL_SUCCESSOR_ID: u32 = 13;
/// usbtoken_credential_text: the serial number of that credential's certificate, in lower-case hexadecimal.
pub const USBTOKEN_CREDENTIAL_SUCCESSOR_SERIAL: u32 = 14;
/// usbtoken_credential_text: the day in Japan from which the one in use can be renewed, in the window of 40 days:
/// "2027-01-24".
pub const USBTOKEN_CREDENTIAL_SUCCESSOR_RENEWABLE_FROM: u32 = 15;

/// usbtoken_credentials_unreadable_text: CKA_ID, in lower-case hexadecimal.
pub const USBTOKEN_UNREADABLE_ID: u32 = 1;
/// usbtoken_credentials_unreadable_text: CKA_LABEL.
pub const USBTOKEN_UNREADABLE_LABEL: u32 = 2;
/// usbtoken_credentials_unreadable_text: the length of CKA_VALUE in bytes, in decimal.
pub const USBTOKEN_UNREADABLE_SIZE: u32 = 3;
/// usbtoken_credentials_unreadable_text: why it cannot be read, in English.
pub const USBTOKEN_UNREADABLE_REASON: u32 = 4;
/// usbtoken_credentials_unreadable_text: why it cannot be read, in Japanese.
pub const USBTOKEN_UNREADABLE_REASON_JA: u32 = 5;

/// usbtoken_credential_number: the first second of validity, counted from 1970-01-01 00:00:00 UTC.
pub const USBTOKEN_CREDENTIAL_NOT_BEFORE: u32 = 1;
/// usbtoken_credential_number: the last second of validity, counted from 1970-01-01 00:00:00 UTC.
pub const USBTOKEN_CREDENTIAL_NOT_AFTER: u32 = 2;
/// usbtoken_credential_number: USBTOKEN_PRIVATE_KEY_….
pub const USBTOKEN_CREDENTIAL_PRIVATE_KEY: u32 = 3;
/// usbtoken_credential_number: how many other certificates on the token have the same subject; copies of this one are none.
pub const USBTOKEN_CREDENTIAL_TWINS: u32 = 4;
/// usbtoken_credential_number: how many other objects on the token hold this very certificate, as far as they show. Copies count as one
/// credential; those with another CKA_ID or CKA_LABEL have an entry of their own in the list.
pub const USBTOKEN_CREDENTIAL_COPIES: u32 = 8;
/// usbtoken_credential_number: USBTOKEN_RENEWED_….
pub const USBTOKEN_CREDENTIAL_RENEWED: u32 = 5;
/// usbtoken_credential_number: the last second of validity of the credential that takes this one's place, counted from
/// 1970-01-01 00:00:00 UTC.
pub const USBTOKEN_CREDENTIAL_SUCCESSOR_NOT_AFTER: u32 = 6;
/// usbtoken_credential_number: 1 when a key waits for the certificate that is to take this one's place, as far as that is
/// seen: in a list of a session.
pub const USBTOKEN_CREDENTIAL_RENEWAL_PENDING: u32 = 7;

/// No credential on the token is known to take the place of this one.
pub const USBTOKEN_RENEWED_NO: u32 = 0;
/// Public objects say that one does, which anybody can write on some tokens, or the record on the key of a certificate with
/// another subject. A renewal asks the private key.
pub const USBTOKEN_RENEWED_SAID: u32 = 1;
/// One does: the record on its private key says so, that key has signed, and both certificates have one subject.
pub const USBTOKEN_RENEWED_PROVEN: u32 = 2;

/// No one logged in, so private keys cannot be seen.
pub const USBTOKEN_PRIVATE_KEY_NOT_LOOKED_FOR: u32 = 0;
/// The private key is on the token.
pub const USBTOKEN_PRIVATE_KEY_PRESENT: u32 = 1;
/// The private key is not on the token.
pub const USBTOKEN_PRIVATE_KEY_MISSING: u32 = 2;

/// usbtoken_credential_renewable: it cannot be said; the handle is not a living one, or the time makes no sense.
pub const USBTOKEN_RENEWABLE_UNKNOWN: u32 = 0;
/// usbtoken_credential_renewable: it can be renewed now.
pub const USBTOKEN_RENEWABLE_YES: u32 = 1;
/// usbtoken_credential_renewable: the window is not open yet.
pub const USBTOKEN_RENEWABLE_NOT_YET: u32 = 2;
/// usbtoken_credential_renewable: it has expired; it has to be issued anew.
pub const USBTOKEN_RENEWABLE_EXPIRED: u32 = 3;
/// usbtoken_credential_renewable: its private key is not on the token.
pub const USBTOKEN_RENEWABLE_KEY_MISSING: u32 = 4;
/// usbtoken_credential_renewable: it is renewed; see USBTOKEN_CREDENTIAL_SUCCESSOR_ID.
pub const USBTOKEN_RENEWABLE_RENEWED: u32 = 5;
/// usbtoken_credential_renewable: public objects say that it is renewed. Whether it is, usbtoken_renewal_begin asks.
pub const USBTOKEN_RENEWABLE_SAID_RENEWED: u32 = 6;
/// usbtoken_credential_renewable: it works still, and the bank renews it no more.
pub const USBTOKEN_RENEWABLE_CLOSED: u32 = 7;

/// The credentials, and whom to tell.
pub(crate) struct CredentialList {
    pub(crate) credentials: Credentials,
    pub(crate) host: Host,
    unreadable: OnceLock<Vec<Texts>>,
}

impl Noun for CredentialList {
    type Opaque = usbtoken_credentials;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl CredentialList {
    pub(crate) fn new(credentials: Credentials, host: Host) -> Self {
        CredentialList { credentials, host, unreadable: OnceLock::new() }
    }

    fn unreadable(&self, index: usize) -> Option<&Texts> {
        let texts = |one: &Unreadable| {
            Texts::default()
                .with(USBTOKEN_UNREADABLE_ID, hex(&one.id))
                .with(USBTOKEN_UNREADABLE_LABEL, one.label.clone())
                .with(USBTOKEN_UNREADABLE_SIZE, one.size.to_string())
                .with(USBTOKEN_UNREADABLE_REASON, Fact::Reason.words(&one.reason.to_string(), Lang::En))
                .with(USBTOKEN_UNREADABLE_REASON_JA, Fact::Reason.words(&one.reason.to_string(), Lang::Ja))
        };
        let all = || self.credentials.unreadable().iter().map(texts).collect();
        self.unreadable.get_or_init(all).get(index)
    }

    fn by_serial(&self, serial: &str) -> usbtoken::Result<CredentialNoun> {
        Ok(CredentialNoun::new(self.credentials.only_with_serial(serial)?, &self.host))
    }
}

/// One credential.
pub(crate) struct CredentialNoun {
    pub(crate) credential: Credential,
    host: Host,
    texts: OnceLock<Texts>,
}

impl Noun for CredentialNoun {
    type Opaque = usbtoken_credential;
}

impl CredentialNoun {
    pub(crate) fn new(credential: Credential, host: &Host) -> Self {
        CredentialNoun { credential, host: host.clone(), texts: OnceLock::new() }
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let credential = &self.credential;
            let (certificate, subject) = (credential.certificate(), credential.subject());
            let values = |kind| subject.values(kind).collect::<Vec<_>>();
            let (organizations, units) = (values("O"), values("OU"));
            let serial = certificate.serial().to_string();
            let name = subject.common_name();
            let successor = credential.successor();
            let by_serial = successor.map(|by| by.certificate.serial().to_string());
            let from = successor.map(|by| by.renewable_from(&self.host.policy().window).to_string());
            let summary = [organizations.join(" / "), units.join(" / "), name.unwrap_or_default().into()];
            Texts::default()
                .with(USBTOKEN_CREDENTIAL_SUBJECT, subject.to_string())
                .with_some(USBTOKEN_CREDENTIAL_COMMON_NAME, name)
                .with(USBTOKEN_CREDENTIAL_ORGANIZATIONS, organizations.join("\n"))
                .with(USBTOKEN_CREDENTIAL_ORGANIZATIONAL_UNITS, units.join("\n"))
                .with(USBTOKEN_CREDENTIAL_ISSUER, certificate.issuer().to_string())
                .with(USBTOKEN_CREDENTIAL_SUMMARY, format!("{}\n{serial}", summary.join("\n")))
                .with(USBTOKEN_CREDENTIAL_SERIAL, serial)
                .with(USBTOKEN_CREDENTIAL_THUMBPRINT, hex(&certificate.thumbprint()))
                .with(USBTOKEN_CREDENTIAL_ID, hex(credential.id()))
                .with(USBTOKEN_CREDENTIAL_LABEL, credential.label())
                .with(USBTOKEN_CREDENTIAL_KEY_ALGORITHM, credential.key_algorithm().to_string())
                .with_some(USBTOKEN_CREDENTIAL_SUCCESSOR_ID, successor.map(|by| hex(&by.id)))
                .with_some(USBTOKEN_CREDENTIAL_SUCCESSOR_SERIAL, by_serial)
                .with_some(USBTOKEN_CREDENTIAL_SUCCESSOR_RENEWABLE_FROM, from)
                .with(
                    USBTOKEN_CREDENTIAL_UNREADABLE_EXTENSIONS,
                    certificate.unreadable_extensions().join("\n"),
                )
        })
    }

    fn number(&self, field: u32) -> Option<i64> {
        let certificate = self.credential.certificate();
        match field {
            USBTOKEN_CREDENTIAL_NOT_BEFORE => args::seconds(certificate.not_before()),
            USBTOKEN_CREDENTIAL_NOT_AFTER => args::seconds(certificate.not_after()),
            USBTOKEN_CREDENTIAL_PRIVATE_KEY => Some(match self.credential.key() {
                KeyState::NotLookedFor => USBTOKEN_PRIVATE_KEY_NOT_LOOKED_FOR.into(),
                KeyState::Present => USBTOKEN_PRIVATE_KEY_PRESENT.into(),
                KeyState::Missing => USBTOKEN_PRIVATE_KEY_MISSING.into(),
            }),
            USBTOKEN_CREDENTIAL_TWINS => i64::try_from(self.credential.same_subject()).ok(),
            USBTOKEN_CREDENTIAL_COPIES => {
                i64::try_from(self.credential.stored_as().len().saturating_sub(1)).ok()
            }
            USBTOKEN_CREDENTIAL_RENEWED => Some(match self.credential.successor() {
                None => USBTOKEN_RENEWED_NO.into(),
                Some(by) if by.proven => USBTOKEN_RENEWED_PROVEN.into(),
                Some(_) => USBTOKEN_RENEWED_SAID.into(),
            }),
            USBTOKEN_CREDENTIAL_SUCCESSOR_NOT_AFTER => {
                args::seconds(self.credential.successor()?.certificate.not_after())
            }
            USBTOKEN_CREDENTIAL_RENEWAL_PENDING => Some(self.credential.has_pending_renewal().into()),
            _ => None,
        }
    }
}

/// The window of that many days; 0 is the bank's, or the usual one. Another than the bank's is refused unless that lets it.
fn window(host: &Host, days: u32) -> Result<Window> {
    let mut window = host.policy().window;
    host.check_override(days != 0 && days != window.days, Override::Window)?;
    if days != 0 {
        window.days = days;
    }
    Ok(window)
}

/// How many credentials the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_count(credentials: *const usbtoken_credentials) -> usize {
    boundary::read::<CredentialList, _>(credentials, 0, |list| Some(list.credentials.iter().len()))
}

/// The credential at this place of the list, from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_at(
    credentials: *const usbtoken_credentials,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<CredentialList>(credentials, |list| {
        boundary::give::<CredentialNoun>(out, || {
            let credential =
                list.credentials.iter().nth(index).ok_or_else(|| args::bad("index", "after_last"))?;
            Ok(CredentialNoun::new(credential.clone(), &list.host))
        })
    })
}

/// The one credential that can be renewed now. `window_days` 0 is 40 days; `now` is in seconds since 1970, 0 is
/// the clock's time. Several are an error that lists them; none is USBTOKEN_ALREADY_RENEWED, USBTOKEN_NOT_YET_RENEWABLE,
/// USBTOKEN_EXPIRED or USBTOKEN_KEY_MISSING, or USBTOKEN_CREDENTIAL_NOT_FOUND where there is nothing at all. Some tokens show
/// certificates after the login only: from a list that was read before it none is USBTOKEN_CREDENTIAL_NOT_SEEN, every error
/// has the fact USBTOKEN_FACT_SEEN, and a list of the session may have one; of one that was chosen before the login
/// usbtoken_renewal_begin makes sure that there is no second (USBTOKEN_CREDENTIAL_AMBIGUOUS).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_renewable(
    credentials: *const usbtoken_credentials,
    window_days: u32,
    now: i64,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<CredentialList>(credentials, |list| {
        let now = args::moment(now)?;
        boundary::give::<CredentialNoun>(out, || {
            let window = window(&list.host, window_days)?;
            Ok(CredentialNoun::new(list.credentials.only_renewable(window, now)?, &list.host))
        })
    })
}

/// The one credential with this CKA_ID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_by_id(
    credentials: *const usbtoken_credentials,
    id: *const u8,
    id_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<CredentialList>(credentials, |list| {
        // SAFETY: rule 4 of the header.
        let id = unsafe { args::bytes("id", id, id_length, 1024) }?;
        boundary::give::<CredentialNoun>(out, || {
            Ok(CredentialNoun::new(list.credentials.only_with_id(id)?, &list.host))
        })
    })
}

/// The one credential whose certificate has this serial number, in hexadecimal; letter case, colons and leading zeros do
/// not matter. "sha256:" and the fingerprint in hexadecimal names one of several with the same number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_by_serial(
    credentials: *const usbtoken_credentials,
    serial: *const c_char,
    serial_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<CredentialList>(credentials, |list| {
        // SAFETY: rule 4 of the header.
        let serial = unsafe { args::text("serial", serial, serial_length) }?;
        boundary::give::<CredentialNoun>(out, || list.by_serial(serial))
    })
}

/// As usbtoken_credentials_by_serial, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_by_serial_utf16(
    credentials: *const usbtoken_credentials,
    serial: *const u16,
    serial_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<CredentialList>(credentials, |list| {
        // SAFETY: rule 4 of the header.
        let serial = unsafe { args::wide("serial", serial, serial_length) }?;
        boundary::give::<CredentialNoun>(out, || list.by_serial(&serial))
    })
}

/// How many certificate objects on the token cannot be read as a certificate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_unreadable(credentials: *const usbtoken_credentials) -> usize {
    boundary::read::<CredentialList, _>(credentials, 0, |list| Some(list.credentials.unreadable().len()))
}

/// A text about the certificate object at this place, from 0, of those that cannot be read: `field` is
/// USBTOKEN_UNREADABLE_ID …. NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_unreadable_text(
    credentials: *const usbtoken_credentials,
    index: usize,
    field: u32,
) -> *const c_char {
    boundary::read::<CredentialList, _>(credentials, ptr::null(), |list| {
        list.unreadable(index).map(|texts| texts.utf8(field))
    })
}

/// As usbtoken_credentials_unreadable_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_unreadable_text_utf16(
    credentials: *const usbtoken_credentials,
    index: usize,
    field: u32,
) -> *const u16 {
    boundary::read::<CredentialList, _>(credentials, ptr::null(), |list| {
        list.unreadable(index).map(|texts| texts.utf16(field))
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credentials_free(credentials: Option<&mut *mut usbtoken_credentials>) {
    boundary::free::<CredentialList>(credentials);
}

/// A text about the credential: `field` is USBTOKEN_CREDENTIAL_SUBJECT …. NULL for what it does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_text(
    credential: *const usbtoken_credential,
    field: u32,
) -> *const c_char {
    boundary::read::<CredentialNoun, _>(credential, ptr::null(), |one| Some(one.texts().utf8(field)))
}

/// As usbtoken_credential_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_text_utf16(
    credential: *const usbtoken_credential,
    field: u32,
) -> *const u16 {
    boundary::read::<CredentialNoun, _>(credential, ptr::null(), |one| Some(one.texts().utf16(field)))
}

/// A number about the credential: `field` is USBTOKEN_CREDENTIAL_NOT_BEFORE ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_number(
    credential: *const usbtoken_credential,
    field: u32,
) -> i64 {
    boundary::read::<CredentialNoun, _>(credential, UNKNOWN, |one| one.number(field))
}

/// The days until the certificate expires, counted by calendar date in Japan; negative after it, INT64_MAX for a
/// certificate without an end (99991231235959Z). `now` is in seconds since 1970, 0 is the clock's time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_days_left(
    credential: *const usbtoken_credential,
    now: i64,
) -> i64 {
    boundary::read::<CredentialNoun, _>(credential, UNKNOWN, |one| {
        let now = args::moment(now).ok()?;
        let ends = !has_no_end(one.credential.certificate().not_after());
        Some(if ends { one.credential.days_left(now) } else { i64::MAX })
    })
}

/// Whether the credential can be renewed: USBTOKEN_RENEWABLE_…. `window_days` 0 is the bank's window, or 40 days; `now` is in seconds
/// since 1970, 0 is the clock's time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_renewable(
    credential: *const usbtoken_credential,
    window_days: u32,
    now: i64,
) -> u32 {
    boundary::read::<CredentialNoun, _>(credential, USBTOKEN_RENEWABLE_UNKNOWN, |one| {
        let window = window(&one.host, window_days).ok()?;
        Some(match one.credential.renewable(window, args::moment(now).ok()?) {
            Renewable::Yes => USBTOKEN_RENEWABLE_YES,
            Renewable::NotYet => USBTOKEN_RENEWABLE_NOT_YET,
            Renewable::Expired => USBTOKEN_RENEWABLE_EXPIRED,
            Renewable::Closed => USBTOKEN_RENEWABLE_CLOSED,
            Renewable::KeyMissing => USBTOKEN_RENEWABLE_KEY_MISSING,
            Renewable::Renewed => USBTOKEN_RENEWABLE_RENEWED,
            Renewable::SaidRenewed => USBTOKEN_RENEWABLE_SAID_RENEWED,
        })
    })
}

/// The certificate, in DER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_certificate(
    credential: *const usbtoken_credential,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_status {
    boundary::on::<CredentialNoun>(credential, |one| {
        boundary::give::<Buffer>(out, || Ok(Buffer::Bytes(one.credential.certificate().der().to_vec())))
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_credential_free(credential: Option<&mut *mut usbtoken_credential>) {
    boundary::free::<CredentialNoun>(credential);
}

/// Lists the credentials on the token without a PIN: certificates are public, their keys cannot be seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_credentials(
    token: *const usbtoken_token,
    out: Option<&mut MaybeUninit<*mut usbtoken_credentials>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        boundary::give::<CredentialList>(out, || {
            token.host.step(Step::ReadObjects);
            let known = token.host.knowing_installations(Run::default());
            Ok(CredentialList::new(token.credentials()?.known_to(&known), token.host.clone()))
        })
    })
}
