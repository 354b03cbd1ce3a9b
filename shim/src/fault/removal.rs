//! A token that is pulled out, and perhaps put back.

use crate::call::Call;
use crate::call::view::View;
use crate::functions::{Function, FunctionList};
use crate::host::memory::read;
use std::collections::BTreeMap;
use usbtoken_pkcs11::types::*;

/// Whether the tokens are there, and which sessions were open when they were not.
#[derive(Debug, Default)]
pub(super) struct Removal {
    state: Presence,
    /// Open in the driver, with their slots.
    open: BTreeMap<CK_SESSION_HANDLE, CK_SLOT_ID>,
    /// Dead, whatever the driver may think when it uses a number again for something else.
    dead: Vec<CK_SESSION_HANDLE>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Presence {
    #[default]
    In,
    Out {
        since: u64,
        back_at: Option<u64>,
    },
}

impl Removal {
    /// Pulls the token out at this call. Returns the sessions that the driver has to be made to forget.
    pub(super) fn begin(&mut self, call: u64, back: Option<u64>) -> Vec<CK_SESSION_HANDLE> {
        if matches!(self.state, Presence::Out { .. }) {
            return Vec::new();
        }
        self.state = Presence::Out {
            since: call,
            back_at: back.map(|back| call.saturating_add(back).saturating_add(1)),
        };
        let sessions: Vec<_> = std::mem::take(&mut self.open).into_keys().collect();
        self.dead.extend(&sessions);
        sessions
    }

    pub(super) fn is_out(&self) -> bool {
        self.state != Presence::In
    }

    /// What a call is answered without the driver; `None` when the driver may answer.
    pub(super) fn answer(&mut self, call: &Call) -> Option<CK_RV> {
        let number = call.ordinal.call;
        if let Presence::Out { back_at: Some(back_at), .. } = self.state
            && number >= back_at
        {
            self.state = Presence::In;
        }
        let session = call.args.iter().find_map(|(_, view)| match view {
            View::Session(session) => Some(*session),
            _ => None,
        });
        match (&self.state, session) {
            (Presence::In, Some(session)) if self.dead.contains(&session) => Some(CKR_SESSION_HANDLE_INVALID),
            (Presence::In, _) => None,
            // The call during which it is pulled out fails with the reason; later ones only find no session.
            (Presence::Out { since, .. }, Some(_)) if *since == number => Some(CKR_DEVICE_REMOVED),
            (Presence::Out { .. }, Some(_)) => Some(CKR_SESSION_HANDLE_INVALID),
            (Presence::Out { .. }, None) => without_token(call),
        }
    }

    /// Follows the driver's sessions.
    pub(super) fn note(&mut self, call: &Call, rv: CK_RV) {
        if rv != CKR_OK {
            return;
        }
        match (call.function, call.args) {
            (Function::C_OpenSession, [(_, View::Slot(slot)), .., (_, View::NewSession(new))]) => {
                if let Some(new) = read(*new) {
                    self.open.insert(new, *slot);
                    self.dead.retain(|dead| *dead != new);
                }
            }
            (Function::C_CloseSession, [(_, View::Session(session))]) => {
                self.open.remove(session);
            }
            (Function::C_CloseAllSessions, [(_, View::Slot(slot))]) => self.open.retain(|_, of| of != slot),
            (Function::C_Finalize, _) => {
                self.open.clear();
                self.dead.clear();
            }
            _ => {}
        }
    }
}

/// Calls that name a slot or none, while every slot is empty.
fn without_token(call: &Call) -> Option<CK_RV> {
    match (call.function, call.args) {
        (Function::C_GetSlotList, [(_, View::Bool(present)), (_, View::SlotList(_, count))]) => {
            if *present == 0 || count.is_null() {
                return None;
            }
            // SAFETY: not null; the caller's number.
            unsafe { count.write_unaligned(0) };
            Some(CKR_OK)
        }
        (
            Function::C_GetTokenInfo
            | Function::C_GetMechanismList
            | Function::C_GetMechanismInfo
            | Function::C_InitToken
            | Function::C_OpenSession
            | Function::C_CloseAllSessions,
            _,
        ) => Some(CKR_TOKEN_NOT_PRESENT),
        _ => None,
    }
}

/// Makes the driver forget what was open: with the last session goes the login, as with a token pulled out.
pub(super) fn close(functions: &FunctionList, sessions: &[CK_SESSION_HANDLE]) {
    if let Some(close) = { functions.C_CloseSession } {
        for session in sessions {
            // SAFETY: a session of the driver's; that one is refused changes nothing.
            unsafe { close(*session) };
        }
    }
}
