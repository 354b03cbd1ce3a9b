//! The caller's functions that we call, each with the caller's pointer.
//!
//! They run on the thread of the call that needs them, before it returns.

use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use usbtoken::bank::{Bank, Override};
use usbtoken::driver::{AskPin, PinRequest, PinState};
use usbtoken::error::{Fact, Step, Warning};
use usbtoken::renewal::{Caller, Clock, Installation, Progress};
use usbtoken::text::Lang;
use usbtoken::{Code, Error, Login, Pin, Policy, Result, Run, Token};
use zeroize::Zeroizing;

use crate::base::args::{self, PIN_LIMIT, Sized32};
use crate::base::lock::lock;
use crate::base::orders::Orders;
use crate::base::status::{self, USBTOKEN_OK, usbtoken_status};
use crate::base::text::Text;

/// No flag of the token speaks against the PIN. Drivers may leave flags unset, so this proves nothing.
pub const USBTOKEN_PIN_STATE_USABLE: u32 = 0;
/// A wrong PIN was entered since the last right one.
pub const USBTOKEN_PIN_STATE_COUNT_LOW: u32 = 1;
/// One wrong PIN more locks the token.
pub const USBTOKEN_PIN_STATE_FINAL_TRY: u32 = 2;
/// The token wants its PIN changed.
pub const USBTOKEN_PIN_STATE_TO_BE_CHANGED: u32 = 3;
/// No PIN was ever set.
pub const USBTOKEN_PIN_STATE_NOT_SET: u32 = 4;
/// The PIN is locked.
pub const USBTOKEN_PIN_STATE_LOCKED: u32 = 5;

/// Log: a call failed; the text is the whole report on one line.
pub const USBTOKEN_LOG_ERROR: u32 = 1;
/// Log: a warning.
pub const USBTOKEN_LOG_WARNING: u32 = 2;
/// Log: a step begins.
pub const USBTOKEN_LOG_INFO: u32 = 3;

/// What a PIN dialog needs to know. Valid during the callback only.
#[repr(C)]
pub struct usbtoken_pin_request {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_PIN_STATE_USABLE, USBTOKEN_PIN_STATE_COUNT_LOW, USBTOKEN_PIN_STATE_FINAL_TRY or USBTOKEN_PIN_STATE_TO_BE_CHANGED.
    pub pin_state: u32,
    /// 1: the token states that the PIN is entered at it or its reader, say so; what is written to the reply is sent only when
    /// pin_as_typed is set.
    pub pin_pad: u32,
    /// The shortest PIN in bytes that the token claims to take; a hint.
    pub shortest: u32,
    /// The longest PIN in bytes that the token claims to take; a hint, 0 when it claims nonsense.
    pub longest: u32,
    /// The label of the token.
    pub token_label: *const c_char,
    /// The serial number of the token.
    pub token_serial: *const c_char,
    /// The origin of the page for which the enrolment facade asks; NULL otherwise.
    pub origin: *const c_char,
    /// The label of the token, in UTF-16.
    pub token_label_utf16: *const u16,
    /// The serial number of the token, in UTF-16.
    pub token_serial_utf16: *const u16,
    /// The origin, in UTF-16; NULL otherwise.
    pub origin_utf16: *const u16,
}

/// Where a PIN dialog writes. The library owns the memory and wipes it after use.
#[repr(C)]
pub struct usbtoken_pin_reply {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// Set to 1 when pin_state is USBTOKEN_PIN_STATE_FINAL_TRY, the person was told that a wrong PIN now locks the token,
    /// and said yes. Without it the last try is refused.
    pub accept_final_try: u32,
    /// Where the PIN goes, in UTF-8.
    pub pin: *mut c_char,
    /// How many bytes fit there.
    pub capacity: usize,
    /// How many bytes were written; set it.
    pub length: usize,
    /// Where the PIN goes in UTF-16, in place of `pin`. The token is sent it in UTF-8.
    pub pin_utf16: *mut u16,
    /// How many code units fit there.
    pub capacity_utf16: usize,
    /// How many code units were written; set it when you wrote there.
    pub length_utf16: usize,
    /// Set to 1 when the person wants the PIN sent as it is, although it is shorter than `shortest` or longer than `longest`,
    /// or although the token states a PIN pad. Without it such a PIN is not sent.
    pub pin_as_typed: u32,
}

/// Asks a person for the PIN. Returns USBTOKEN_OK, or USBTOKEN_PIN_CANCELLED when there will be none.
pub type usbtoken_pin_callback = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        request: *const usbtoken_pin_request,
        reply: *mut usbtoken_pin_reply,
    ) -> usbtoken_status,
>;

/// Receives each step as it begins: its number USBTOKEN_STEP_… and a sentence in the context's language.
pub type usbtoken_progress_callback =
    Option<unsafe extern "C" fn(user: *mut c_void, step: u32, sentence: *const c_char)>;

/// Is asked before each step of a renewal that begins, resumes or installs, from a page too, and while usbtoken_wait
/// waits; anything but 0 stops the job with USBTOKEN_CANCELLED. Other calls do not ask, so that what was stopped can be
/// examined and abandoned. It is asked too, ten times a second, while a call of such a step or of a login into a driver that
/// runs in a process of its own has not returned (a PIN pad, a driver that hangs); one that does not return within two
/// seconds is ended then, with the driver. In this process a driver is not interrupted.
pub type usbtoken_cancel_callback = Option<unsafe extern "C" fn(user: *mut c_void) -> i32>;

/// Is given one line for a log, without PIN or key material: its level USBTOKEN_LOG_… and the text.
pub type usbtoken_log_callback =
    Option<unsafe extern "C" fn(user: *mut c_void, level: u32, line: *const c_char)>;

/// The functions of a program that the library calls, on the thread of the call that needs them. They must
/// return: no exception and no longjmp may leave them. They may call the library, but not with the handle whose
/// call is under way: a session answers USBTOKEN_BUSY then.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_callbacks {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// Handed to each of them. May be NULL.
    pub user: *mut c_void,
    /// Asks for the PIN. May be NULL.
    pub pin: usbtoken_pin_callback,
    /// Receives each step. May be NULL.
    pub progress: usbtoken_progress_callback,
    /// Is asked whether to stop. May be NULL.
    pub cancel: usbtoken_cancel_callback,
    /// Is given lines for a log. May be NULL.
    pub log: usbtoken_log_callback,
}

// SAFETY: repr(C), begins with its size; integers, pointers and optional functions may all be 0.
unsafe impl Sized32 for usbtoken_callbacks {}

// SAFETY: the user's pointer is only handed back to the user's functions; the header says that these are called on
// whatever thread calls the library.
unsafe impl Send for usbtoken_callbacks {}

impl usbtoken_callbacks {
    const NONE: usbtoken_callbacks = usbtoken_callbacks {
        struct_size: 0,
        user: ptr::null_mut(),
        pin: None,
        progress: None,
        cancel: None,
        log: None,
    };
}

/// How much a line in the log matters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Error = 1,
    Warning = 2,
    Info = 3,
}

/// Whom to tell what goes on: language and callbacks of a context, shared by all that came from it.
#[derive(Clone)]
pub(crate) struct Host {
    lang: Lang,
    callbacks: Arc<Mutex<usbtoken_callbacks>>,
    bank: Arc<OnceLock<Arc<Bank>>>,
    caller: Arc<Mutex<HostCaller>>,
    orders: Arc<Orders>,
    installations: Arc<Mutex<Vec<Installation>>>,
    /// Where the command searches for installations too.
    state: Option<Arc<Path>>,
}

/// For whom jobs are begun, and on whose the calls act.
struct HostCaller {
    program: String,
    any: bool,
}

impl Host {
    pub(crate) fn new(lang: Lang) -> Self {
        let caller = HostCaller { program: program_name(), any: false };
        Host {
            lang,
            callbacks: Arc::new(Mutex::new(usbtoken_callbacks::NONE)),
            bank: Arc::default(),
            caller: Arc::new(Mutex::new(caller)),
            orders: Arc::default(),
            installations: Arc::default(),
            state: usbtoken::state::folder(|name| std::env::var_os(name)).map(Arc::from),
        }
    }

    /// The reference numbers of orders.
    pub(crate) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Remembers on which day a certificate was installed, for all that comes from this context.
    pub(crate) fn note_installation(&self, record: Option<Installation>) {
        let mut known = lock(&self.installations);
        if let Some(record) = record.filter(|record| !known.contains(record)) {
            known.push(record);
        }
    }

    /// The same run, which knows and keeps on which days certificates were installed.
    pub(crate) fn knowing_installations<'a>(&self, run: Run<'a>) -> Run<'a> {
        let run = run.installations(lock(&self.installations).clone());
        self.state.iter().fold(run, |run, folder| run.installations_in(&**folder))
    }

    /// The same token, with what this computer keeps of the requests for its keys.
    pub(crate) fn knowing_requests(&self, token: Token) -> Token {
        self.knowing_installations(Run::default()).knowing_requests(token)
    }

    /// The bank by whose rules everything goes; `false` when there is one already.
    pub(crate) fn set_bank(&self, bank: &Arc<Bank>) -> bool {
        self.bank.set(Arc::clone(bank)).is_ok()
    }

    pub(crate) fn bank(&self) -> Option<&Arc<Bank>> {
        self.bank.get()
    }

    /// The rules of a renewal: the bank's, or the usual ones.
    pub(crate) fn policy(&self) -> Policy {
        self.bank().map_or_else(Policy::default, |bank| bank.policy())
    }

    /// Refuses what the bank does not let a caller have otherwise.
    pub(crate) fn check_override(&self, is_given: bool, what: Override) -> Result<()> {
        match self.bank() {
            Some(bank) if is_given => bank.check_override(what),
            _ => Ok(()),
        }
    }

    /// Refuses a policy that differs from the bank's where that does not let it.
    pub(crate) fn check_policy(&self, wished: &Policy) -> Result<()> {
        self.bank().map_or(Ok(()), |bank| bank.check_policy(wished))
    }

    /// The clock of a caller, in seconds since 1970; 0 is the computer's. Another time would open a window that the bank
    /// has closed.
    pub(crate) fn clock(&self, seconds: i64) -> Result<Clock> {
        let clock = args::clock(seconds)?;
        if seconds != 0
            && let Some(bank) = self.bank()
        {
            let days = u64::from(bank.policy().clock_tolerance_days);
            let (own, given) = (SystemTime::now(), clock.now());
            let apart = own.duration_since(given).unwrap_or_else(|error| error.duration());
            self.check_override(apart > Duration::from_secs(days * 24 * 60 * 60), Override::Window)?;
        }
        Ok(clock)
    }

    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// A sentence of ours with the bank's word for the PIN.
    pub(crate) fn in_words<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.bank().map_or(text.into(), |bank| bank.in_its_words(text, self.lang))
    }

    pub(crate) fn set(&self, callbacks: Option<usbtoken_callbacks>) {
        *lock(&self.callbacks) = callbacks.unwrap_or(usbtoken_callbacks::NONE);
    }

    /// A copy, so that no lock is held while the caller's code runs.
    fn callbacks(&self) -> usbtoken_callbacks {
        *lock(&self.callbacks)
    }

    pub(crate) fn log(&self, level: Level, line: impl FnOnce() -> String) {
        let callbacks = self.callbacks();
        if let Some(log) = callbacks.log {
            let line = Text::new(line());
            // SAFETY: the caller promised a function of this type; the text lives until it returns.
            unsafe { log(callbacks.user, level as u32, line.utf8()) };
        }
    }

    pub(crate) fn warn(&self, warnings: &[Warning]) {
        for warning in warnings {
            let notice = warning.notice;
            self.log(Level::Warning, || {
                format!("{} [{}]", self.in_words(notice.message(self.lang).sentence), notice.name())
            });
        }
    }

    /// How a call of the library runs: the caller's functions are told of its steps, may stop it, and ask for the PIN.
    pub(crate) fn run(&self) -> Run<'_> {
        let caller = lock(&self.caller);
        let run = Run::default().progress(self).pin(self).by(Caller::Program(caller.program.clone()));
        let run = self.knowing_installations(run);
        if caller.any { run.any_caller() } else { run }
    }

    pub(crate) fn set_program(&self, name: &str) {
        lock(&self.caller).program = name.to_owned();
    }

    pub(crate) fn set_any_caller(&self, any: bool) {
        lock(&self.caller).any = any;
    }
}

impl AskPin for Host {
    fn ask(&self, request: &PinRequest<'_>) -> Result<Login> {
        let (info, origin) = (request.token, request.origin);
        let callbacks = self.callbacks();
        let Some(ask) = callbacks.pin else {
            // A PIN pad asks by itself.
            return Ok(Login::on_pin_pad());
        };
        let (label, serial) = (Text::new(&*info.identity.label), Text::new(&*info.identity.serial));
        let origin = origin.map(Text::new);
        let (shortest, longest) = hint(info.pin_length);
        let request = usbtoken_pin_request {
            struct_size: size::<usbtoken_pin_request>(),
            pin_state: pin_state(info.pin_state),
            pin_pad: u32::from(info.pin_pad),
            shortest,
            longest,
            token_label: label.utf8(),
            token_serial: serial.utf8(),
            origin: origin.as_ref().map_or(ptr::null(), Text::utf8),
            token_label_utf16: label.utf16(),
            token_serial_utf16: serial.utf16(),
            origin_utf16: origin.as_ref().map_or(ptr::null(), Text::utf16),
        };
        let mut room = Zeroizing::new([0_u8; PIN_LIMIT]);
        let mut wide_room = Zeroizing::new([0_u16; PIN_LIMIT]);
        let mut reply = usbtoken_pin_reply {
            struct_size: size::<usbtoken_pin_reply>(),
            accept_final_try: 0,
            pin: room.as_mut_ptr().cast(),
            capacity: PIN_LIMIT,
            length: 0,
            pin_utf16: wide_room.as_mut_ptr(),
            capacity_utf16: PIN_LIMIT,
            length_utf16: 0,
            pin_as_typed: 0,
        };
        // SAFETY: the caller promised a function of this type; request, reply and room live until it returns.
        let status = unsafe { ask(callbacks.user, &raw const request, &raw mut reply) };
        if status != USBTOKEN_OK {
            return Err(Error::new(status::code(status).unwrap_or(Code::PinCancelled)).during(Step::LogIn));
        }
        let as_typed = reply.pin_as_typed == 1;
        let login = if info.pin_pad && !as_typed {
            Login::on_pin_pad()
        } else {
            Login::with_pin(Pin::new(written(&reply, &room[..], &wide_room[..])?))
        };
        let login = if as_typed { login.pin_as_typed() } else { login };
        Ok(if reply.accept_final_try == 1 { login.accept_final_try() } else { login })
    }
}

impl Progress for Host {
    fn step(&self, step: Step) {
        self.log(Level::Info, || self.in_words(step.sentence(self.lang)).into_owned());
        let callbacks = self.callbacks();
        if let Some(progress) = callbacks.progress {
            let sentence = Text::new(self.in_words(step.sentence(self.lang)));
            // SAFETY: the caller promised a function of this type; the text lives until it returns.
            unsafe { progress(callbacks.user, u32::from(step.number()), sentence.utf8()) };
        }
    }

    fn is_cancelled(&self) -> bool {
        let callbacks = self.callbacks();
        // SAFETY: the caller promised a function of this type.
        callbacks.cancel.is_some_and(|cancel| unsafe { cancel(callbacks.user) } != 0)
    }
}

/// The caller's functions for a call that is not to be stopped: only told of its steps.
pub(crate) struct Unstoppable<'h>(pub(crate) &'h Host);

impl Progress for Unstoppable<'_> {
    fn step(&self, step: Step) {
        self.0.step(step);
    }
}

/// The name of the program that has loaded us, as its file is called.
fn program_name() -> String {
    let file = std::env::current_exe().ok();
    let name = file.as_deref().and_then(|path| path.file_stem());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The number of a PIN's state.
pub(crate) fn pin_state(state: PinState) -> u32 {
    match state {
        PinState::Usable => USBTOKEN_PIN_STATE_USABLE,
        PinState::CountLow => USBTOKEN_PIN_STATE_COUNT_LOW,
        PinState::FinalTry => USBTOKEN_PIN_STATE_FINAL_TRY,
        PinState::ToBeChanged => USBTOKEN_PIN_STATE_TO_BE_CHANGED,
        PinState::NotSet => USBTOKEN_PIN_STATE_NOT_SET,
        PinState::Locked => USBTOKEN_PIN_STATE_LOCKED,
    }
}

/// The error when somebody else's call is under way on the same handle.
pub(crate) fn busy(what: &str) -> Error {
    Error::new(Code::Busy).fact(Fact::Detail, what).fact(Fact::Reason, "call_under_way")
}

/// The PIN that a dialog wrote, in the one encoding or the other.
fn written(reply: &usbtoken_pin_reply, room: &[u8], wide_room: &[u16]) -> Result<Vec<u8>> {
    let too_long = || args::bad("reply.length", "too_long");
    match (reply.length, reply.length_utf16) {
        (length, 0) => Ok(room.get(..length).ok_or_else(too_long)?.to_vec()),
        (0, length) => {
            let units = wide_room.get(..length).ok_or_else(too_long)?;
            let pin = args::from_wide("reply.pin_utf16", units)?;
            Ok(pin.as_bytes().to_vec())
        }
        _ => Err(args::bad("reply.length", "both_encodings")),
    }
}

fn hint((shortest, longest): (u64, u64)) -> (u32, u32) {
    match (u32::try_from(shortest), u32::try_from(longest)) {
        (Ok(shortest), Ok(longest)) if shortest <= longest => (shortest, longest),
        _ => (0, 0),
    }
}

fn size<T>() -> u32 {
    // Structs of a few dozen bytes.
    u32::try_from(size_of::<T>()).unwrap_or(0)
}
