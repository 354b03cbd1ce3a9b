//! An open session, with login or without.

use super::login::{explain_refusal, refused_on};
use super::object::Owner;
use crate::driver::ckr::During as _;
use crate::driver::module::OpenSession;
use crate::driver::token::Token;
use crate::error::{Code, Result, Step};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, Functions, ObjectHandle, SessionHandle};

/// An open session, closed when it goes.
#[derive(Debug)]
pub(in crate::driver) struct Open {
    pub(super) token: Token,
    session: OpenSession,
    pub(super) access: Access,
    owner: Owner,
    /// The objects that showed themselves as certificates in this session.
    pub(super) certificates: RefCell<BTreeSet<ObjectHandle>>,
    /// PKCS#11 allows a session one operation at a time, so it is not shared between threads.
    _one_thread: PhantomData<Cell<()>>,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Open {
    pub(super) fn new(token: &Token, access: Access) -> Result<Self> {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        let session = token
            .module()
            .open(token.slot(), access == Access::Write)
            .map_err(|failure| failure.during(Step::OpenSession))?;
        let owner = Owner(SESSIONS.fetch_add(1, Ordering::Relaxed));
        let (token, certificates) = (token.clone(), RefCell::default());
        Ok(Open { token, session, access, owner, certificates, _one_thread: PhantomData })
    }

    /// One that can write where the token takes such a session, else one that reads: what is to be written, the call decides then.
    pub(super) fn to_write(token: &Token) -> Result<Self> {
        match Self::new(token, Access::Write) {
            Err(error) if error.code() == Code::WriteProtected => Self::new(token, Access::Read),
            opened => opened,
        }
    }

    /// That somebody else is logged in, as C_Login has answered; where the driver says beside it that no one is, that was no answer to
    /// the PIN that we know.
    pub(super) fn check_others_login(&self, pin_was_sent: bool) -> Result<()> {
        let state = self.functions().session_info(self.handle()).map(|info| info.state);
        if !matches!(state, Ok(CKS_RO_PUBLIC_SESSION | CKS_RW_PUBLIC_SESSION)) {
            return Ok(());
        }
        let answer = Failure::Returned { function: "C_Login", rv: CKR_USER_ALREADY_LOGGED_IN };
        Err(refused_on(&self.token, answer, pin_was_sent, Step::LogIn))
    }

    /// One C_Login. Returns whether the login is ours: somebody in this process may have logged in before.
    pub(super) fn login(&self, pin: Option<&[u8]>) -> Result<bool> {
        self.token.module().note_login();
        match self.functions().login(self.handle(), CKU_USER, pin) {
            Ok(()) => Ok(true),
            Err(failure) if failure.rv() == Some(CKR_USER_ALREADY_LOGGED_IN) => Ok(false),
            Err(failure) => {
                let error = refused_on(&self.token, failure, pin.is_some(), Step::LogIn);
                // The flags may say now that the PIN is locked, or nearly.
                let may_be_counted =
                    matches!(error.code(), Code::PinIncorrect | Code::PinUncertain | Code::PinFormRefused);
                let now = may_be_counted.then(|| self.token.refreshed().ok()).flatten();
                Err(explain_refusal(
                    error,
                    self.token.info().pin_state,
                    now.map(|token| token.info().pin_state),
                ))
            }
        }
    }

    pub(in crate::driver) fn functions(&self) -> &'static Functions {
        self.token.module().functions()
    }

    pub(in crate::driver) fn handle(&self) -> SessionHandle {
        self.session.handle
    }

    pub(in crate::driver) fn token(&self) -> &Token {
        &self.token
    }

    pub(super) fn owner(&self) -> Owner {
        self.owner
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.token.module().close(self.session);
    }
}
