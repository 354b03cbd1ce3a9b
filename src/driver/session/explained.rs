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
    use super::super::fresh::Fresh;
    use super::super::object::Unread;
    use super::*;
    use crate::error::{Call, Step};

    const ANSWER: Call = Call { function: "C_Sign", rv: 5, name: "CKR_GENERAL_ERROR" };

    fn explained(session: &Session, error: Error) -> Error {
        session.explained(Err::<(), _>(error)).unwrap_err()
    }

    fn facts(error: &Error) -> Vec<(Fact, String)> {
        error.facts().map(|(fact, value)| (fact, value.to_owned())).collect()
    }

    /// A foreign object that cannot be read says nothing of what was read.
    #[test]
    fn what_is_known_of_what_was_read_stays() {
        for code in [Code::RetireNotBegun, Code::NotPending, Code::CredentialAmbiguous, Code::Expired] {
            assert!(!is_missing(code), "{code:?}");
        }
    }

    /// What is missing after a logout is missing by that; what is known without the token is not.
    #[test]
    fn a_lost_login_explains_what_is_missing() {
        let fresh = Fresh::token();
        let session = &fresh.session;
        let becomes = |code| explained(session, Error::new(code)).code();
        let missing = [Code::KeyMissing, Code::WriteProtected, Code::RetireNotBegun, Code::SignatureInvalid];
        let others = [Code::Expired, Code::CredentialAmbiguous, Code::PinRequired, Code::Busy];
        let all = || missing.into_iter().chain(others);
        all().for_each(|code| assert_eq!(becomes(code), code));
        assert!(session.is_logged_in() && session.check_login_kept().is_ok());
        // The PIN was given.
        let refused = explained(session, Error::new(Code::PinRequired).call(ANSWER));
        assert_eq!(refused.code(), Code::LoginLost);
        session.remove_logged_in(&Removal::new(Step::WriteCertificate)).unwrap();
        let open = session.open_session();
        open.functions().logout(open.handle()).unwrap();
        missing.into_iter().for_each(|code| assert_eq!(becomes(code), Code::LoginLost));
        others.into_iter().for_each(|code| assert_eq!(becomes(code), code));
        assert!(!session.is_logged_in());
        let lost = |done: Result<()>| assert_eq!(done.unwrap_err().code(), Code::LoginLost);
        lost(session.check_login_kept());
        lost(session.remove_logged_in(&Removal::new(Step::WriteCertificate)));
    }

    /// By the object that could not be read, or by what the driver answered.
    #[test]
    fn what_could_not_be_read_explains_what_is_missing() {
        let fresh = Fresh::token();
        let session = &fresh.session;
        let is = |code, becomes, call| {
            let error = explained(session, Error::new(code));
            assert_eq!((error.code(), error.pkcs11_call()), (becomes, call), "{code:?}");
        };
        let unaffected = |code| is(code, code, None);
        for code in [Code::KeyMissing, Code::NotPending, Code::Expired] {
            unaffected(code);
        }
        for answer in [Some(ANSWER), None] {
            session.unread.set(Some(Unread(answer)));
            for code in [Code::KeyMissing, Code::CredentialNotFound, Code::PendingNotFound] {
                is(code, Code::ObjectUnreadable, answer);
            }
            is(Code::RetireNotOurs, Code::RetireNotOurs, answer);
            is(Code::KeyMismatch, Code::KeyMismatch, answer);
            unaffected(Code::Expired);
        }
        session.unread.set(None);
        session.unsigned.set(Some(ANSWER));
        is(Code::NotPending, Code::NotPending, Some(ANSWER));
        unaffected(Code::KeyMissing);
        unaffected(Code::SignatureInvalid);
    }

    /// What a driver that ended, or another program that has the lock now, leaves on the token.
    #[test]
    fn after_an_end_it_is_said_what_is_on_the_token() {
        let fresh = Fresh::token();
        let session = &fresh.session;
        let error = || Error::new(Code::LockLost);
        let reason = |value: &str| (Fact::Reason, value.to_owned());
        let id = (Fact::Id, "6964".to_owned());
        assert_eq!(facts(&explained(session, error())), [reason("nothing_changed")]);
        let ended = Error::new(Code::DriverCrashed).fact(Fact::Function, "C_Sign");
        assert_eq!(facts(&explained(session, ended)).last(), Some(&reason("nothing_changed")));
        assert_eq!(facts(&explained(session, Error::new(Code::Expired))), []);
        session.has_changed(Changed::KeyMade(b"id".to_vec()));
        assert_eq!(facts(&explained(session, error())), [reason("new_key_stays"), id.clone()]);
        session.has_changed(Changed::CertificateWritten(b"id".to_vec()));
        assert_eq!(facts(&explained(session, error())), [reason("new_certificate_stays"), id.clone()]);
        // What is said already stays, and is not said twice.
        let said = error().fact(Fact::Reason, "said");
        assert_eq!(facts(&explained(session, said)), [reason("said")]);
        let with_id = explained(session, error().fact(Fact::Id, "07"));
        assert_eq!(facts(&with_id), [(Fact::Id, "07".to_owned()), reason("new_certificate_stays")]);
        // The function in which it was may have done its work.
        for (function, becomes) in [
            ("C_GenerateKeyPair", "key_may_be_there"),
            ("C_CreateObject", "certificate_may_be_there"),
            ("C_DestroyObject", "object_may_be_gone"),
            ("C_Sign", "new_certificate_stays"),
        ] {
            let after = explained(session, error().fact(Fact::Function, function));
            assert!(facts(&after).contains(&reason(becomes)), "{function}");
        }
        session.has_changed(Changed::ObjectRemoved);
        assert_eq!(facts(&explained(session, error())), [reason("object_may_be_gone")]);
    }
}
