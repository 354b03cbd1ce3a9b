//! Sessions: a public one that reads, and one that is logged in and may write.

mod anew;
mod change;
mod evidence;
mod explained;
#[cfg(test)]
mod fresh;
mod keygen;
mod login;
mod object;
mod open;
mod pin;
mod prompt;
mod proof;
mod read;
mod remove;
mod sign;
mod store;
mod verify;

pub use self::change::PinChange;
pub use self::evidence::Evidence;
pub(crate) use self::keygen::{LabelIs, NewKeyPair};
pub use self::login::Login;
use self::login::{SharedLogin, check_login, refused_on};
#[cfg(test)]
pub(crate) use self::object::made_up;
use self::object::{Changed, Unread};
pub(crate) use self::object::{Label, StoredCertificate, StoredKey, StoredPublicKey};
pub(crate) use self::object::{Objects, Present};
use self::open::{Access, Open};
use self::pin::KeptPin;
pub use self::pin::{Pin, PinDoubt};
pub use self::prompt::{AskPin, PinRequest};
pub use self::proof::Proof;
pub(crate) use self::remove::{Removal, doubt};
pub(crate) use self::sign::Signed;
pub(crate) use self::store::Category;
pub(crate) use self::verify::Verified;
use crate::driver::lock::TokenLock;
use crate::driver::token::Token;
use crate::error::{Call, Code, Error, Result, Step};
use std::cell::{Cell, OnceCell, RefCell};
use usbtoken_pkcs11::Functions;
use usbtoken_pkcs11::types::*;

impl Token {
    /// Opens a read-only session without login: certificates can be seen, private keys cannot.
    ///
    /// # Errors
    /// What C_OpenSession returns, mostly that the token is gone.
    pub fn open_public_session(&self) -> Result<PublicSession> {
        PublicSession::open(self)
    }

    /// Opens a read-write session and logs in, with one C_Login and never a second.
    ///
    /// The token is asked for its state first: a PIN that it states to be locked and the final try are tried only if the
    /// caller accepts that, one of another length than it states only as typed, and a token that was swapped is noticed
    /// before the PIN is sent.
    ///
    /// # Errors
    /// The PIN family; [`Code::TokenChanged`], [`Code::TokenRemoved`] and their kin.
    pub fn login(&self, login: impl Into<Login>) -> Result<Session> {
        Session::log_in(self, None, login.into(), None)
    }
}

/// A session without login (R/O or R/W Public Session, PKCS#11 v3.1 §5.6).
#[derive(Debug)]
pub struct PublicSession(Open);

/// A read-write session of the logged-in user (R/W User Functions, PKCS#11 v3.1 §5.6).
///
/// It belongs to one thread at a time: it may be sent to another, not shared.
pub struct Session {
    open: Open,
    /// The one that took its place when the driver was started anew.
    reopened: OnceCell<Box<Open>>,
    pin: KeptPin,
    pin_was_checked: bool,
    /// That an object could not be read when the token was read last.
    unread: Cell<Option<Unread>>,
    /// What the driver answered where a key was to show by a signature whose it is.
    unsigned: Cell<Option<Call>>,
    /// Whether this session has written a certificate.
    written: Cell<bool>,
    /// What this session has changed on the token last.
    changed: RefCell<Changed>,
    /// Held by every session of ours on this token as long as the login is ours.
    login: Option<SharedLogin>,
    reserved: OnceCell<TokenLock>,
}

impl PublicSession {
    pub(super) fn open_session(&self) -> &Open {
        &self.0
    }

    pub(super) fn open(token: &Token) -> Result<Self> {
        Open::new(token, Access::Read).map(PublicSession)
    }

    /// One that can be logged in later. A token that takes no writing session can be read all the same.
    pub(super) fn open_to_log_in(token: &Token) -> Result<Self> {
        Open::to_write(token).map(PublicSession)
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.0.token
    }
}

impl Session {
    /// Logs in, in the session that is open where that can write. What is older than a moment is asked for again, and not
    /// relied on: a person may have pulled the token meanwhile and put it back.
    pub(super) fn log_in(
        token: &Token,
        open: Option<PublicSession>,
        login: Login,
        lock: Option<TokenLock>,
    ) -> Result<Self> {
        let fresh = token.is_fresh();
        let token = if fresh { token.clone() } else { token.refreshed()? };
        let Login { pin, consent } = login;
        let is_sent = check_login(&token, pin.as_ref(), consent, Step::LogIn)?;
        let pin = pin.filter(|_| is_sent);
        let open = match open {
            Some(PublicSession(open)) if fresh && open.access == Access::Write => open,
            _ => Open::to_write(&token)?,
        };
        let mut pin_was_checked = false;
        let login = SharedLogin::share(&token, || {
            pin_was_checked = open.login(pin.as_ref().map(Pin::bytes))?;
            Ok(pin_was_checked)
        });
        let login = login?;
        if login.is_none() {
            open.check_others_login(pin.is_some())?;
        }
        let reserved = lock.map_or_else(OnceCell::new, OnceCell::from);
        let pin = KeptPin::new(pin);
        let reopened = OnceCell::new();
        let (unread, unsigned) = (Cell::new(None), Cell::new(None));
        let (written, changed) = (Cell::new(false), RefCell::default());
        Ok(Session {
            open,
            reopened,
            pin,
            pin_was_checked,
            unread,
            unsigned,
            written,
            changed,
            login,
            reserved,
        })
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.open_session().token
    }

    /// Whether the token has checked the PIN at this login. Where this process was logged in already
    /// (CKR_USER_ALREADY_LOGGED_IN, PKCS#11 v3.1 §5.6.8) it has not, and a wrong PIN is not noticed:
    /// [`Notice::PinNotChecked`](crate::error::Notice::PinNotChecked).
    pub fn pin_was_checked(&self) -> bool {
        self.pin_was_checked
    }

    /// Does the work of others, such as a program that asks the CA, while the PIN is in no memory of this process. A session keeps
    /// it after the login for keys that want it with each signature (CKA_ALWAYS_AUTHENTICATE), and a key that is made later may be
    /// one; meanwhile the system keeps it in a pipe. Nothing is done on the token in `work`. Where there is no pipe (Windows, no
    /// descriptor left) the PIN stays.
    pub fn with_pin_aside<R>(&self, work: impl FnOnce() -> R) -> R {
        self.pin.aside(work)
    }

    pub(super) fn open_session(&self) -> &Open {
        self.reopened.get().map_or(&self.open, Box::as_ref)
    }

    /// Takes the token for a job that writes, until the session ends: no other process or thread of this user
    /// that asks the same gets it meanwhile. Asking again costs the token nothing.
    ///
    /// # Errors
    /// [`Code::Busy`]; [`Code::LockUnusable`]; [`Code::LockLost`] where it was taken and is not kept from others any more;
    /// [`Code::Forked`] in a child of the process that the session is of.
    pub fn reserve(&self) -> Result<()> {
        if let Some(lock) = self.reserved.get() {
            return lock.check(self.token()).map_err(|error| error.during(Step::Preflight));
        }
        let lock = TokenLock::take(self.token())?;
        // No one else can have set it: the session belongs to this thread.
        let _ = self.reserved.set(lock);
        Ok(())
    }

    /// The driver's functions, to change something on the token with; none where the lock of this job was lost.
    pub(super) fn to_write(&self, step: Step) -> Result<&'static Functions> {
        let lock = self.reserved.get().map_or(Ok(()), |lock| lock.check(self.token()));
        lock.map_err(|error| error.during(step))?;
        Ok(self.open_session().functions())
    }

    /// Logs in for one operation, between C_SignInit and C_Sign (CKU_CONTEXT_SPECIFIC).
    pub(super) fn login_for_operation(&self, step: Step) -> Result<()> {
        let open = self.open_session();
        let pin_pad = open.token.info().pin_pad;
        let log_in = |pin: Option<&[u8]>| {
            let done = match open.functions().login(open.handle(), CKU_CONTEXT_SPECIFIC, pin) {
                // A driver that has no such login examines no PIN; whether the key signs without, C_Sign says.
                Err(failure) if failure.rv() == Some(CKR_USER_TYPE_INVALID) => Ok(()),
                done => done,
            };
            done.map_err(|failure| refused_on(&open.token, failure, pin.is_some(), step))
        };
        self.pin.with(|pin| match pin {
            Some(pin) => log_in(Some(pin)),
            None if pin_pad => log_in(None),
            None => Err(Error::new(Code::PinRequired).during(step)),
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closing the last session would log out too; a host may have others open. A login that was there
        // before us stays.
        if let Some(login) = self.login.take() {
            login.leave(|| {
                let open = self.open_session();
                let _ = open.functions().logout(open.handle());
            });
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(self.token().identity()).finish()
    }
}

/// A token taken for a job that writes: until this and the session that comes of it go, no other process or thread of this
/// user that asks the same gets it.
///
/// What is read before the login is read in the session that is logged in then, so that a job opens one session and not two,
/// and so that nothing changes in between.
#[derive(Debug)]
pub struct Reservation {
    token: Token,
    lock: TokenLock,
    session: OnceCell<PublicSession>,
}

impl Token {
    /// Takes the token for a job that writes.
    ///
    /// # Errors
    /// [`Code::Busy`] when another has it; [`Code::LockUnusable`]; [`Code::Forked`] in a child of the process that the token was
    /// found in.
    pub fn reserve(&self) -> Result<Reservation> {
        let lock = TokenLock::take(self)?;
        Ok(Reservation { token: self.clone(), lock, session: OnceCell::new() })
    }
}

impl Reservation {
    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// That the token is still taken, by this process, and kept from others.
    ///
    /// # Errors
    /// [`Code::LockLost`]; [`Code::Forked`].
    pub fn check(&self) -> Result<()> {
        self.lock.check(&self.token).map_err(|error| error.during(Step::Preflight))
    }

    /// The session without login, opened when it is asked for first.
    ///
    /// # Errors
    /// What C_OpenSession returns, mostly that the token is gone.
    pub fn public_session(&self) -> Result<&PublicSession> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let session = PublicSession::open_to_log_in(&self.token)?;
        Ok(self.session.get_or_init(|| session))
    }

    /// Logs in, as [`Token::login`] does.
    ///
    /// # Errors
    /// As [`Token::login`].
    pub fn login(self, login: impl Into<Login>) -> Result<Session> {
        let Reservation { token, lock, session } = self;
        Session::log_in(&token, session.into_inner(), login.into(), Some(lock))
    }
}
