//! Why something is missing: the login ended in the middle of a job, for another program reset the card or logged out; or the driver
//! did not give an object.
//!
//! Some drivers say so (CKR_USER_NOT_LOGGED_IN); others do not know the private objects any more, or show none. So where
//! something fails or is missing in a way that this explains, the session is asked for its state.

use super::Session;
use super::object::Changed;
use super::remove::Removal;
use crate::error::{Code, Error, Fact, Result};
use base16ct::lower::encode_string as hex;
use usbtoken_pkcs11::types::{
    CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKS_RO_PUBLIC_SESSION,
    CKS_RO_USER_FUNCTIONS, CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS,
};

impl Session {
    /// The result; an error that a lost login explains, or an object that could not be read, says that instead. The library's own
    /// calls do so by themselves: this is for whoever chooses among what they gave and finds that something is missing. One of a driver
    /// whose process has ended, or of a lock that was lost, says what is on the token, as far as that is known ([`Fact::Reason`]).
    ///
    /// # Errors
    /// That of the result; in its place [`Code::LoginLost`] or [`Code::ObjectUnreadable`].
    pub fn explained<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error.code() {
            // The PIN was given.
            Code::PinRequired if error.pkcs11_call().is_some() => error.with_code(Code::LoginLost),
            code if is_explained(code) && self.is_logged_out() => error.with_code(Code::LoginLost),
            code if is_missing(code) => match self.unread.get() {
                Some(unread) => error.with_code(Code::ObjectUnreadable).or_call(unread.0),
                None => error,
            },
            code if is_not_shown(code) => {
                error.or_call(self.unread.get().and_then(|unread| unread.0).or(self.unsigned.get()))
            }
            _ if error.is_of_ended_driver() || error.code() == Code::LockLost => {
                self.with_what_is_there(error)
            }
            _ => error,
        })
    }

    pub(super) fn has_changed(&self, what: Changed) {
        self.changed.replace(what);
    }

    /// What the function may have done in which the driver ended, or what was done before.
    fn with_what_is_there(&self, error: Error) -> Error {
        if error.facts().any(|(fact, _)| fact == Fact::Reason) {
            return error;
        }
        let function = error.facts().find(|(fact, _)| *fact == Fact::Function).map(|(_, function)| function);
        let reason = match (function, &*self.changed.borrow()) {
            (Some("C_GenerateKeyPair"), _) => "key_may_be_there",
            (Some("C_CreateObject"), _) => "certificate_may_be_there",
            (Some("C_DestroyObject"), _) | (_, Changed::ObjectRemoved) => "object_may_be_gone",
            (_, Changed::KeyMade(_)) => "new_key_stays",
            (_, Changed::CertificateWritten(_)) => "new_certificate_stays",
            (_, Changed::Nothing) => "nothing_changed",
        };
        let error = error.fact(Fact::Reason, reason);
        let has_id = error.facts().any(|(fact, _)| fact == Fact::Id);
        match &*self.changed.borrow() {
            Changed::KeyMade(id) | Changed::CertificateWritten(id) if !has_id => {
                error.fact(Fact::Id, hex(id))
            }
            _ => error,
        }
    }

    /// Whether the driver says that no one is logged in (PKCS#11 v3.1 §5.6.5), by the state or by refusing to tell it. One
    /// that cannot tell has not said so.
    pub(super) fn is_logged_out(&self) -> bool {
        let open = self.open_session();
        match open.functions().session_info(open.handle()) {
            Ok(info) => matches!(info.state, CKS_RO_PUBLIC_SESSION | CKS_RW_PUBLIC_SESSION),
            Err(failure) => matches!(
                failure.rv(),
                Some(CKR_USER_NOT_LOGGED_IN | CKR_SESSION_CLOSED | CKR_SESSION_HANDLE_INVALID)
            ),
        }
    }

    /// Whether the driver says that the user is logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        let open = self.open_session();
        let info = open.functions().session_info(open.handle());
        info.is_ok_and(|info| matches!(info.state, CKS_RO_USER_FUNCTIONS | CKS_RW_USER_FUNCTIONS))
    }

    /// Removes a pair that was just made, unless the login is lost: then the public half alone would go.
    pub(crate) fn remove_logged_in(&self, removal: &Removal) -> Result<()> {
        self.check_login_kept()?;
        self.remove(removal)
    }

    /// That the login ended, where the driver says so.
    pub(super) fn check_login_kept(&self) -> Result<()> {
        if self.is_logged_out() { Err(Error::new(Code::LoginLost)) } else { Ok(()) }
    }
}

/// Whether this is what is said of objects that a token shows no more, or does not let be used.
const fn is_explained(code: Code) -> bool {
    matches!(
        code,
        Code::SessionLost
            | Code::DeviceFault
            | Code::TokenRefused
            | Code::WriteProtected
            | Code::KeyMissing
            | Code::CredentialNotFound
            | Code::PendingNotFound
            | Code::NotPending
            | Code::KeyMismatch
            | Code::AnswerNoLeaf
            | Code::SignatureInvalid
            | Code::RemovalDoubtful
            | Code::DestroyFailed
            | Code::RetireNotProven
            | Code::RetireNotBegun
    )
}

/// Whether this says that something is not there, which an object may be that could not be read.
const fn is_missing(code: Code) -> bool {
    matches!(code, Code::KeyMissing | Code::CredentialNotFound | Code::PendingNotFound)
}

/// Whether this says that something is not shown to be so, as an answer of the driver's may be why.
const fn is_not_shown(code: Code) -> bool {
    matches!(
        code,
        Code::NotPending
            | Code::RetireNotOurs
            | Code::RetireNoSuccessor
            | Code::RetireNotProven
            | Code::RetireOnlyCredential
            | Code::RemovalDoubtful
            | Code::KeyMismatch
            | Code::AnswerNoLeaf
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A foreign object that cannot be read says nothing of what was read.
    #[test]
    fn what_is_known_of_what_was_read_stays() {
        for code in [Code::RetireNotBegun, Code::NotPending, Code::CredentialAmbiguous, Code::Expired] {
            assert!(!is_missing(code), "{code:?}");
        }
    }
}
