//! A bank's profile, and the context that works by it.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, OnceLock};

use usbtoken::Result;
use usbtoken::bank::{Bank, Installed, OldCredential, RequestEncoding, RequestForm, Words};
use usbtoken::text::Lang;

use crate::base::args;
use crate::base::boundary;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, usbtoken_context};
use crate::values::format::{
    USBTOKEN_FORMAT_CMS_DER, USBTOKEN_FORMAT_CMS_PEM, USBTOKEN_FORMAT_DER, USBTOKEN_FORMAT_PEM,
};

/// A bank's profile: its tokens, its CA, its rules and its words.
pub struct usbtoken_bank(());

/// usbtoken_bank_text: the name under which the profile is installed.
pub const USBTOKEN_BANK_ID: u32 = 1;
/// usbtoken_bank_text: the bank's name, in English.
pub const USBTOKEN_BANK_NAME: u32 = 2;
/// usbtoken_bank_text: the bank's name, in Japanese.
pub const USBTOKEN_BANK_NAME_JA: u32 = 3;
/// usbtoken_bank_text: whom its customers call, one a line, in English; NULL when the profile names no one.
pub const USBTOKEN_BANK_CONTACTS: u32 = 4;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_CONTACTS_JA: u32 = 5;
/// usbtoken_bank_text: where a customer logs in with the certificate; NULL when the profile does not say.
pub const USBTOKEN_BANK_LOGIN_URL: u32 = 6;
/// usbtoken_bank_text: the origins whose pages may use the enrolment facade, one a line.
pub const USBTOKEN_BANK_ORIGINS: u32 = 7;
/// usbtoken_bank_text: what a customer may override, one a line.
pub const USBTOKEN_BANK_MAY_OVERRIDE: u32 = 8;
/// usbtoken_bank_text: what the PIN is called on the bank's letter, in English, for your PIN dialog; NULL when the profile
/// does not say.
pub const USBTOKEN_BANK_PIN: u32 = 9;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_PIN_JA: u32 = 10;

/// usbtoken_bank_text: what the bank calls its tokens, one a line, in English; NULL when the profile does not say.
pub const USBTOKEN_BANK_TOKEN_NAMES: u32 = 11;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_TOKEN_NAMES_JA: u32 = 12;
/// usbtoken_bank_text: what else is to be done with a new certificate, to be shown after usbtoken_install, in English; NULL when
/// the profile does not say.
pub const USBTOKEN_BANK_AFTER_INSTALLATION: u32 = 13;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_AFTER_INSTALLATION_JA: u32 = 14;
/// usbtoken_bank_text: how the old certificate ends at the bank, in English; NULL when the profile does not say.
pub const USBTOKEN_BANK_OLD_CERTIFICATE: u32 = 15;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_OLD_CERTIFICATE_JA: u32 = 16;
/// usbtoken_bank_text: what is to be done when it is too late to renew, in English; NULL when the profile does not say.
pub const USBTOKEN_BANK_TOO_LATE: u32 = 17;
/// usbtoken_bank_text: the same in Japanese.
pub const USBTOKEN_BANK_TOO_LATE_JA: u32 = 18;
/// usbtoken_bank_text: the program that asks the CA, by its path; NULL when the profile names none.
pub const USBTOKEN_BANK_ISSUER_HELPER: u32 = 19;
/// usbtoken_bank_text: the shell command that asks the CA; NULL when the profile names none.
pub const USBTOKEN_BANK_ISSUER_COMMAND: u32 = 20;
/// usbtoken_bank_text: the proxy through which the CA is asked, as a URL; NULL when the profile names none.
pub const USBTOKEN_BANK_ISSUER_PROXY: u32 = 21;
/// usbtoken_bank_text: on how many days before the expiry date a customer is reminded, one number a line; NULL for none.
pub const USBTOKEN_BANK_REMINDERS: u32 = 22;

/// usbtoken_bank_number: how many days before the expiry the window opens.
pub const USBTOKEN_BANK_WINDOW_DAYS: u32 = 1;
/// usbtoken_bank_number: how many seconds the CA may take; USBTOKEN_UNKNOWN when the profile does not say.
pub const USBTOKEN_BANK_ISSUER_SECONDS: u32 = 2;
/// usbtoken_bank_number: the format that the bank wants of a renewal's request, USBTOKEN_FORMAT_…. A first certificate is asked
/// for with PKCS#10 all the same.
pub const USBTOKEN_BANK_REQUEST_FORMAT: u32 = 3;
/// usbtoken_bank_number: what becomes of the old credential, USBTOKEN_BANK_OLD_….
pub const USBTOKEN_BANK_OLD_CREDENTIAL: u32 = 4;

/// USBTOKEN_BANK_OLD_CREDENTIAL: it stays. usbtoken_session_retire is refused unless the profile lets it be overridden.
pub const USBTOKEN_BANK_OLD_KEEP: u32 = 0;
/// USBTOKEN_BANK_OLD_CREDENTIAL: the person is asked.
pub const USBTOKEN_BANK_OLD_ASK: u32 = 1;
/// USBTOKEN_BANK_OLD_CREDENTIAL: it goes once the new one is installed.
pub const USBTOKEN_BANK_OLD_REMOVE: u32 = 2;
/// USBTOKEN_BANK_OLD_CREDENTIAL: it goes after a login with the new one (usbtoken_confirm, usbtoken_session_retire_with).
pub const USBTOKEN_BANK_OLD_REMOVE_AFTER_CONFIRMATION: u32 = 3;

pub(crate) struct BankNoun {
    bank: Arc<Bank>,
    texts: OnceLock<Texts>,
}

impl Noun for BankNoun {
    type Opaque = usbtoken_bank;
}

impl BankNoun {
    fn open(name: &str) -> Result<Self> {
        let bank = if name.is_empty() {
            match Installed::on_this_computer().only()? {
                Some(bank) => bank,
                None => Installed::on_this_computer().named("")?,
            }
        } else if name.contains(['/', '\\']) {
            let bank = Bank::open(Path::new(name))?;
            Installed::on_this_computer().admit(&bank)?;
            bank
        } else {
            Installed::on_this_computer().named(name)?
        };
        Ok(BankNoun { bank: Arc::new(bank), texts: OnceLock::new() })
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let bank = &self.bank;
            let lines = |all: Vec<String>| (!all.is_empty()).then(|| all.join("\n"));
            let contacts = |lang| lines(bank.contacts.iter().map(|one| one.line(lang)).collect());
            let own = |words: &Option<Words>, lang| words.as_ref().map(|words| words.text(lang).to_owned());
            let names = |lang| lines(bank.tokens.iter().filter_map(|token| own(&token.name, lang)).collect());
            let too_late = |lang| bank.too_late.as_ref().map(|late| late.text(lang));
            let issuer = bank.issuer.as_ref();
            let helper = issuer.and_then(|issuer| issuer.helper.as_ref());
            Texts::default()
                .with_some(USBTOKEN_BANK_TOKEN_NAMES, names(Lang::En))
                .with_some(USBTOKEN_BANK_TOKEN_NAMES_JA, names(Lang::Ja))
                .with_some(USBTOKEN_BANK_AFTER_INSTALLATION, own(&bank.after_installation, Lang::En))
                .with_some(USBTOKEN_BANK_AFTER_INSTALLATION_JA, own(&bank.after_installation, Lang::Ja))
                .with_some(USBTOKEN_BANK_OLD_CERTIFICATE, own(&bank.old_certificate, Lang::En))
                .with_some(USBTOKEN_BANK_OLD_CERTIFICATE_JA, own(&bank.old_certificate, Lang::Ja))
                .with_some(USBTOKEN_BANK_TOO_LATE, too_late(Lang::En))
                .with_some(USBTOKEN_BANK_TOO_LATE_JA, too_late(Lang::Ja))
                .with_some(USBTOKEN_BANK_ISSUER_HELPER, helper.map(|path| path.display().to_string()))
                .with_some(USBTOKEN_BANK_ISSUER_COMMAND, issuer.and_then(|issuer| issuer.command.clone()))
                .with_some(USBTOKEN_BANK_ISSUER_PROXY, issuer.and_then(|issuer| issuer.proxy.clone()))
                .with_some(
                    USBTOKEN_BANK_REMINDERS,
                    lines(bank.reminders.iter().map(ToString::to_string).collect()),
                )
                .with(USBTOKEN_BANK_ID, bank.id.clone())
                .with(USBTOKEN_BANK_NAME, bank.name.text(Lang::En))
                .with(USBTOKEN_BANK_NAME_JA, bank.name.text(Lang::Ja))
                .with_some(USBTOKEN_BANK_CONTACTS, contacts(Lang::En))
                .with_some(USBTOKEN_BANK_CONTACTS_JA, contacts(Lang::Ja))
                .with_some(USBTOKEN_BANK_PIN, bank.pin.as_ref().map(|pin| pin.text(Lang::En)))
                .with_some(USBTOKEN_BANK_PIN_JA, bank.pin.as_ref().map(|pin| pin.text(Lang::Ja)))
                .with_some(USBTOKEN_BANK_LOGIN_URL, bank.login_url.clone())
                .with_some(
                    USBTOKEN_BANK_ORIGINS,
                    lines(bank.origins.iter().map(ToString::to_string).collect()),
                )
                .with_some(
                    USBTOKEN_BANK_MAY_OVERRIDE,
                    lines(bank.may_override().iter().map(|one| one.to_string()).collect()),
                )
        })
    }

    fn number(&self, field: u32) -> Option<i64> {
        let bank = &self.bank;
        match field {
            USBTOKEN_BANK_WINDOW_DAYS => Some(bank.window().days.into()),
            USBTOKEN_BANK_ISSUER_SECONDS => bank.issuer.as_ref()?.timeout_seconds.map(i64::from),
            USBTOKEN_BANK_REQUEST_FORMAT => Some(format(bank.request, bank.request_encoding).into()),
            USBTOKEN_BANK_OLD_CREDENTIAL => Some(old(bank.old)?.into()),
            _ => None,
        }
    }
}

const fn format(form: RequestForm, encoding: RequestEncoding) -> u32 {
    match (form, encoding) {
        (RequestForm::SignedByOldKey, RequestEncoding::Der) => USBTOKEN_FORMAT_CMS_DER,
        (RequestForm::SignedByOldKey, _) => USBTOKEN_FORMAT_CMS_PEM,
        (_, RequestEncoding::Der) => USBTOKEN_FORMAT_DER,
        _ => USBTOKEN_FORMAT_PEM,
    }
}

const fn old(old: OldCredential) -> Option<u32> {
    match old {
        OldCredential::Keep => Some(USBTOKEN_BANK_OLD_KEEP),
        OldCredential::Ask => Some(USBTOKEN_BANK_OLD_ASK),
        OldCredential::Remove => Some(USBTOKEN_BANK_OLD_REMOVE),
        OldCredential::RemoveAfterConfirmation => Some(USBTOKEN_BANK_OLD_REMOVE_AFTER_CONFIRMATION),
        _ => None,
    }
}

/// Opens a bank's profile: by the name under which it is installed, by the path of its file when there is a slash or a
/// backslash in it, or, when it is empty, the only one that is installed. A file that others can write is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_open(
    context: *const usbtoken_context,
    name: *const c_char,
    name_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_bank>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |_context| {
        // SAFETY: rule 4 of the header.
        let name = unsafe { args::text("name", name, name_length) }?;
        boundary::give::<BankNoun>(out, || BankNoun::open(name))
    })
}

/// As usbtoken_bank_open, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_open_utf16(
    context: *const usbtoken_context,
    name: *const u16,
    name_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_bank>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |_context| {
        // SAFETY: rule 4 of the header.
        let name = unsafe { args::wide("name", name, name_length) }?;
        boundary::give::<BankNoun>(out, || BankNoun::open(&name))
    })
}

/// Has everything that is made from this context go by the bank's rules: its drivers and tokens, its window, kind of key,
/// proof, subject and anchors, its pages' origins, and its words in errors. What a call asks for besides is refused with
/// USBTOKEN_OVERRIDE_REFUSED unless the profile lists it. To be called once, before a token is searched for. A context that was not given
/// a bank goes by no bank's rules, also on a token that an installed profile claims.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_use_bank(
    context: *const usbtoken_context,
    bank: *const usbtoken_bank,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        let bank: Arc<BankNoun> = boundary::also("bank", bank)?;
        context.0.use_bank(&bank.bank)
    })
}

/// A text about the bank: `field` is USBTOKEN_BANK_ID …. NULL for what the profile does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_text(bank: *const usbtoken_bank, field: u32) -> *const c_char {
    boundary::read::<BankNoun, _>(bank, ptr::null(), |one| Some(one.texts().utf8(field)))
}

/// As usbtoken_bank_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_text_utf16(bank: *const usbtoken_bank, field: u32) -> *const u16 {
    boundary::read::<BankNoun, _>(bank, ptr::null(), |one| Some(one.texts().utf16(field)))
}

/// A number about the bank: `field` is USBTOKEN_BANK_WINDOW_DAYS ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_number(bank: *const usbtoken_bank, field: u32) -> i64 {
    boundary::read::<BankNoun, _>(bank, UNKNOWN, |one| one.number(field))
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL. A context that uses the bank goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_free(bank: Option<&mut *mut usbtoken_bank>) {
    boundary::free::<BankNoun>(bank);
}
