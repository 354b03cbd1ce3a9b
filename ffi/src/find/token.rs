//! Tokens: finding them, waiting for them, what they say of themselves.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use usbtoken::driver::{ModuleInfo, Reservation};
use usbtoken::error::Step;
use usbtoken::renewal::Progress;
use usbtoken::{Cancel, Code, Credentials, Error, Result, Token, TokenUri};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::{Host, pin_state};
use crate::base::details::Details;
use crate::base::handle::{self, Noun};
use crate::base::lock::lock;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, Shared, usbtoken_context};
use crate::values::error::usbtoken_error;

/// A token, as it was when it was found. It is told by what it says of itself, never by its slot.
pub struct usbtoken_token(());

/// The tokens that the drivers see, and what was passed over.
pub struct usbtoken_tokens(());

/// usbtoken_token_text: the label.
pub const USBTOKEN_TOKEN_LABEL: u32 = 1;
/// usbtoken_token_text: the manufacturer.
pub const USBTOKEN_TOKEN_MANUFACTURER: u32 = 2;
/// usbtoken_token_text: the model.
pub const USBTOKEN_TOKEN_MODEL: u32 = 3;
/// usbtoken_token_text: the serial number.
pub const USBTOKEN_TOKEN_SERIAL: u32 = 4;
/// usbtoken_token_text: a PKCS#11 URI (RFC 7512) that names this token.
pub const USBTOKEN_TOKEN_URI: u32 = 5;
/// usbtoken_token_text: the path of its driver.
pub const USBTOKEN_TOKEN_DRIVER_PATH: u32 = 6;
/// usbtoken_token_text: who made the driver.
pub const USBTOKEN_TOKEN_DRIVER_MANUFACTURER: u32 = 7;
/// usbtoken_token_text: what the driver calls itself.
pub const USBTOKEN_TOKEN_DRIVER_DESCRIPTION: u32 = 8;
/// usbtoken_token_text: all that the token says of itself, as JSON.
pub const USBTOKEN_TOKEN_JSON: u32 = 9;

/// usbtoken_token_number: the state of the PIN, USBTOKEN_PIN_STATE_….
pub const USBTOKEN_TOKEN_PIN_STATE: u32 = 1;
/// usbtoken_token_number: 1 when the PIN is entered at the token or its reader.
pub const USBTOKEN_TOKEN_PIN_PAD: u32 = 2;
/// usbtoken_token_number: 1 when the token refuses every write.
pub const USBTOKEN_TOKEN_WRITE_PROTECTED: u32 = 3;
/// usbtoken_token_number: the shortest PIN in bytes that the token claims to take.
pub const USBTOKEN_TOKEN_PIN_SHORTEST: u32 = 4;
/// usbtoken_token_number: the longest PIN in bytes that the token claims to take.
pub const USBTOKEN_TOKEN_PIN_LONGEST: u32 = 5;
/// usbtoken_token_number: free memory in bytes for public objects, where the token tells.
pub const USBTOKEN_TOKEN_FREE_PUBLIC_MEMORY: u32 = 6;
/// usbtoken_token_number: free memory in bytes for private objects, where the token tells.
pub const USBTOKEN_TOKEN_FREE_PRIVATE_MEMORY: u32 = 7;

/// How often the cancel callback is asked during a wait.
const ATTENTION: Duration = Duration::from_millis(100);

/// A token, and whom to tell.
pub(crate) struct TokenNoun {
    pub(crate) token: Token,
    pub(crate) host: Host,
    pub(crate) reserved: Mutex<Option<Reservation>>,
    driver: OnceLock<Option<ModuleInfo>>,
    texts: OnceLock<Texts>,
}

impl Noun for TokenNoun {
    type Opaque = usbtoken_token;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

/// The outcome of a search.
pub(crate) struct TokenList {
    tokens: Vec<Token>,
    skipped: Vec<Details>,
    host: Host,
}

impl Noun for TokenList {
    type Opaque = usbtoken_tokens;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl TokenNoun {
    fn new(token: Token, host: &Host) -> Self {
        TokenNoun {
            token,
            host: host.clone(),
            reserved: Mutex::default(),
            driver: OnceLock::new(),
            texts: OnceLock::new(),
        }
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let info = self.token.info();
            let identity = &info.identity;
            Texts::default()
                .with(USBTOKEN_TOKEN_LABEL, &*identity.label)
                .with(USBTOKEN_TOKEN_MANUFACTURER, &*identity.manufacturer)
                .with(USBTOKEN_TOKEN_MODEL, &*identity.model)
                .with(USBTOKEN_TOKEN_SERIAL, &*identity.serial)
                .with(USBTOKEN_TOKEN_URI, self.token.uri().to_string())
                .with(USBTOKEN_TOKEN_DRIVER_PATH, self.token.module().path().to_string_lossy())
                .with_some(USBTOKEN_TOKEN_JSON, serde_json::to_string(info).ok())
                .with_some(
                    USBTOKEN_TOKEN_DRIVER_MANUFACTURER,
                    self.driver().map(|driver| driver.manufacturer.as_str()),
                )
                .with_some(
                    USBTOKEN_TOKEN_DRIVER_DESCRIPTION,
                    self.driver().map(|driver| driver.description.as_str()),
                )
        })
    }

    fn driver(&self) -> Option<&ModuleInfo> {
        self.driver.get_or_init(|| self.token.module().info().ok()).as_ref()
    }

    fn number(&self, field: u32) -> Option<i64> {
        let info = self.token.info();
        let wide = |number: u64| i64::try_from(number).ok();
        match field {
            USBTOKEN_TOKEN_PIN_STATE => Some(pin_state(info.pin_state).into()),
            USBTOKEN_TOKEN_PIN_PAD => Some(info.pin_pad.into()),
            USBTOKEN_TOKEN_WRITE_PROTECTED => Some(info.write_protected.into()),
            USBTOKEN_TOKEN_PIN_SHORTEST => wide(info.pin_length.0),
            USBTOKEN_TOKEN_PIN_LONGEST => wide(info.pin_length.1),
            USBTOKEN_TOKEN_FREE_PUBLIC_MEMORY => info.free_public_memory.and_then(wide),
            USBTOKEN_TOKEN_FREE_PRIVATE_MEMORY => info.free_private_memory.and_then(wide),
            _ => None,
        }
    }

    /// Where the token is reserved, what is read now is read in the session that is logged in later.
    pub(crate) fn credentials(&self) -> Result<Credentials> {
        match &*lock(&self.reserved) {
            Some(reserved) => reserved.credentials(),
            None => self.token.credentials(),
        }
    }
}

/// Searches for the one token that matches.
pub(crate) fn find(shared: &Shared, uri: &TokenUri) -> Result<Token> {
    shared.host.step(Step::FindToken);
    match shared.host.bank() {
        Some(bank) => bank.find(&shared.finder(), uri),
        None => shared.finder().find(uri),
    }
}

/// The PKCS#11 URI of the caller; nothing is every token.
///
/// # Safety
/// As [`args::text`].
unsafe fn uri(text: *const c_char, length: usize) -> Result<TokenUri> {
    // SAFETY: the same contract.
    match unsafe { args::optional_text("uri", text, length) }? {
        Some(text) => text.parse(),
        None => Ok(TokenUri::default()),
    }
}

/// Finds the one token that a PKCS#11 URI (RFC 7512) names, such as "pkcs11:token=BANK". NULL is any token,
/// provided there is only one. Several that match are an error, which lists them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_find(
    context: *const usbtoken_context,
    uri_text: *const c_char,
    uri_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let uri = unsafe { uri(uri_text, uri_length) }?;
        boundary::give::<TokenNoun>(out, || Ok(TokenNoun::new(find(&context.0, &uri)?, &context.0.host)))
    })
}

/// As usbtoken_find, with the URI in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_find_utf16(
    context: *const usbtoken_context,
    uri_text: *const u16,
    uri_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let uri: TokenUri = unsafe { args::wide("uri", uri_text, uri_length) }?.parse()?;
        boundary::give::<TokenNoun>(out, || Ok(TokenNoun::new(find(&context.0, &uri)?, &context.0.host)))
    })
}

/// Waits until the token that the URI names is there, at most so many milliseconds. The cancel callback is asked
/// meanwhile, on this thread. A token that was pulled is waited for with its own URI, USBTOKEN_TOKEN_URI; what was
/// made from it before is dead, log in anew. When no driver can be used at the beginning, the driver's error is
/// returned at once: waiting would not help.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_wait(
    context: *const usbtoken_context,
    uri_text: *const c_char,
    uri_length: usize,
    milliseconds: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let uri = unsafe { uri(uri_text, uri_length) }?;
        boundary::give::<TokenNoun>(out, || {
            Ok(TokenNoun::new(wait(&context.0, &uri, milliseconds)?, &context.0.host))
        })
    })
}

/// As usbtoken_wait, with the URI in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_wait_utf16(
    context: *const usbtoken_context,
    uri_text: *const u16,
    uri_length: usize,
    milliseconds: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let uri: TokenUri = unsafe { args::wide("uri", uri_text, uri_length) }?.parse()?;
        boundary::give::<TokenNoun>(out, || {
            Ok(TokenNoun::new(wait(&context.0, &uri, milliseconds)?, &context.0.host))
        })
    })
}

/// The library waits in a thread of its own, so that the caller's callback can be asked on the caller's.
fn wait(shared: &Shared, uri: &TokenUri, milliseconds: u32) -> Result<Token> {
    shared.host.step(Step::WaitForToken);
    let (finder, cancel) = (&shared.finder(), &Cancel::new());
    let bank = shared.host.bank().cloned();
    let deadline = Instant::now() + Duration::from_millis(milliseconds.into());
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        // It is listened to until it has told.
        let work = move || {
            drop(tell.send(match &bank {
                Some(bank) => bank.wait(finder, uri, deadline, cancel),
                None => finder.wait(uri, deadline, cancel),
            }))
        };
        let waiting = thread::Builder::new().name("usbtoken-wait".into()).spawn_scoped(scope, work);
        let waiting = waiting.map_err(|error| Error::out_of_threads(Step::WaitForToken, error))?;
        loop {
            match told.recv_timeout(ATTENTION) {
                Ok(result) => break result,
                Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() && shared.host.is_cancelled() => {
                    cancel.cancel();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => match waiting.join() {
                    Ok(()) => break Err(Error::new(Code::Internal).during(Step::WaitForToken)),
                    Err(panic) => std::panic::resume_unwind(panic),
                },
            }
        }
    })
}

/// Lists every initialised token that the drivers see.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_list_tokens(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<*mut usbtoken_tokens>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<TokenList>(out, || {
            let mut found = context.0.finder().tokens()?;
            if let Some(bank) = context.0.host.bank() {
                found.tokens.retain(|token| bank.owns(token));
            }
            let skipped = found.skipped.into_iter().map(Details::new).collect();
            Ok(TokenList { tokens: found.tokens, skipped, host: context.0.host.clone() })
        })
    })
}

/// How many tokens the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_tokens_count(tokens: *const usbtoken_tokens) -> usize {
    boundary::read::<TokenList, _>(tokens, 0, |list| Some(list.tokens.len()))
}

/// The token at this place of the list, from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_tokens_at(
    tokens: *const usbtoken_tokens,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<TokenList>(tokens, |list| {
        boundary::give::<TokenNoun>(out, || {
            let token = list.tokens.get(index).ok_or_else(|| args::bad("index", "after_last"))?;
            Ok(TokenNoun::new(token.clone(), &list.host))
        })
    })
}

/// Why a driver or a slot was passed over, from 0; writes NULL after the last. One bad neighbour does not spoil
/// the search.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_tokens_passed_over(
    tokens: *const usbtoken_tokens,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_error>>,
) -> usbtoken_status {
    boundary::on::<TokenList>(tokens, |list| {
        let out = args::required("out", out)?;
        let error = list.skipped.get(index).cloned();
        out.write(error.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_tokens_free(tokens: Option<&mut *mut usbtoken_tokens>) {
    boundary::free::<TokenList>(tokens);
}

/// A text about the token: `field` is USBTOKEN_TOKEN_LABEL …. NULL for what it does not tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_text(token: *const usbtoken_token, field: u32) -> *const c_char {
    boundary::read::<TokenNoun, _>(token, ptr::null(), |token| Some(token.texts().utf8(field)))
}

/// As usbtoken_token_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_text_utf16(token: *const usbtoken_token, field: u32) -> *const u16 {
    boundary::read::<TokenNoun, _>(token, ptr::null(), |token| Some(token.texts().utf16(field)))
}

/// A number about the token: `field` is USBTOKEN_TOKEN_PIN_STATE …. USBTOKEN_UNKNOWN for what it does not tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_number(token: *const usbtoken_token, field: u32) -> i64 {
    boundary::read::<TokenNoun, _>(token, UNKNOWN, |token| token.number(field))
}

/// Asks the token anew what it says of itself, and gives that as one more handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_refresh(
    token: *const usbtoken_token,
    out: Option<&mut MaybeUninit<*mut usbtoken_token>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        boundary::give::<TokenNoun>(out, || Ok(TokenNoun::new(token.token.refreshed()?, &token.host)))
    })
}

/// Whether the token can make keys of this kind (USBTOKEN_KEY_…) and sign with them. Writes 1, or 0 when the
/// token does not tell; USBTOKEN_MECHANISM_UNSUPPORTED or USBTOKEN_KEY_SIZE_UNSUPPORTED when it cannot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_supports(
    token: *const usbtoken_token,
    key_kind: u32,
    out: Option<&mut MaybeUninit<i32>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        let out = args::required("out", out)?;
        let kind = crate::values::key_kind::key_kind(key_kind)?
            .ok_or_else(|| args::bad("key_kind", "not_zero_allowed"))?;
        out.write(i32::from(token.token.supports(kind)?));
        Ok(())
    })
}

/// Takes the token for a job that writes, before its certificates are read, so that no other program of this person
/// that asks the same renews what is about to be renewed here; USBTOKEN_BUSY when another has it. The next login on
/// this handle takes it over for its session; when that login fails, and when this handle is freed, the token is free
/// again. Asked once more on the same handle it says whether the token is still kept from others: USBTOKEN_LOCK_LOST
/// where its file was removed. A renewal reserves the token anyway, and then reads the certificates once more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_reserve(token: *const usbtoken_token) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        let mut reserved = lock(&token.reserved);
        match &*reserved {
            Some(reserved) => reserved.check()?,
            None => *reserved = Some(token.host.knowing_requests(token.token.clone()).reserve()?),
        }
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL. When no handle from a driver is left, the driver
/// is finalised, if it was this library that initialised it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_token_free(token: Option<&mut *mut usbtoken_token>) {
    boundary::free::<TokenNoun>(token);
}
