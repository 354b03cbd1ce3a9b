//! A bank's profile, and the context that works by it.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, OnceLock};

use usbtoken::Result;
use usbtoken::bank::{Bank, Installed};
use usbtoken::text::Lang;

use crate::base::args;
use crate::base::boundary;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, usbtoken_context};

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

/// usbtoken_bank_number: how many days before the expiry the window opens.
pub const USBTOKEN_BANK_WINDOW_DAYS: u32 = 1;

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
            Bank::open(Path::new(name))?
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
            Texts::default()
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
/// USBTOKEN_OVERRIDE_REFUSED unless the profile lists it. To be called once, before a token is looked for.
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

/// A number about the bank: `field` is USBTOKEN_BANK_WINDOW_DAYS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_number(bank: *const usbtoken_bank, field: u32) -> i64 {
    boundary::read::<BankNoun, _>(bank, UNKNOWN, |one| {
        (field == USBTOKEN_BANK_WINDOW_DAYS).then(|| one.bank.window().days.into())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL. A context that uses the bank goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_bank_free(bank: Option<&mut *mut usbtoken_bank>) {
    boundary::free::<BankNoun>(bank);
}
