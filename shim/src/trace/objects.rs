//! Which objects are certificates, as far as the calls that passed have said.
//!
//! CKA_VALUE holds certificates and secret keys alike, and only the object's class tells which.

use super::describe::class;
use crate::call::Call;
use crate::call::view::{View, attributes};
use crate::functions::Function;
use crate::host::lock_briefly;
use crate::host::memory::{array, read};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use usbtoken_pkcs11::types::*;

/// More than any token holds. What comes beyond is taken for something else.
const MOST: usize = 65_536;

/// The certificates that are known.
#[derive(Default)]
pub(super) struct Certificates(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Sessions that search, and whether for certificates alone.
    searching: BTreeMap<CK_SESSION_HANDLE, bool>,
    /// A handle means something in the session that it was got in; another token may use the same one.
    certificates: BTreeSet<(CK_OBJECT_HANDLE, CK_SESSION_HANDLE)>,
}

impl Certificates {
    /// Learns from a call that has returned, and says whether the object that it is about is a certificate.
    pub(super) fn note(&self, call: &Call, rv: CK_RV) -> bool {
        let Some(mut known) = lock_briefly(&self.0) else { return false };
        if rv == CKR_OK {
            known.learn(call);
        }
        known.is_certificate(call)
    }
}

impl Known {
    fn learn(&mut self, call: &Call) {
        match (call.function, call.args) {
            (Function::C_FindObjectsInit, [(_, View::Session(session)), (_, View::Template(at, count))]) => {
                self.searching.insert(*session, class_in(*at, *count) == Some(CKO_CERTIFICATE));
            }
            (Function::C_FindObjects, [(_, View::Session(session)), (_, View::Found(at, room, count))]) => {
                let certificates = self.searching.get(session).copied().unwrap_or(false);
                let found = read(*count).unwrap_or(0).min(*room).min(MOST as CK_ULONG) as usize;
                for object in array(at.cast_const(), found).unwrap_or_default() {
                    self.set(*session, object, certificates);
                }
            }
            (Function::C_FindObjectsFinal, [(_, View::Session(session))]) => {
                self.searching.remove(session);
            }
            (
                Function::C_GetAttributeValue,
                [(_, View::Session(session)), (_, View::Object(object)), (_, View::Answer(at, count))],
            ) => {
                if let Some(class) = class_in(*at, *count) {
                    self.set(*session, *object, class == CKO_CERTIFICATE);
                }
            }
            (
                Function::C_CreateObject,
                [(_, View::Session(session)), (_, View::Template(at, count)), (_, View::NewObject(new))],
            ) => {
                if let Some(new) = read(*new) {
                    self.forget(new);
                    self.set(*session, new, class_in(*at, *count) == Some(CKO_CERTIFICATE));
                }
            }
            (Function::C_DestroyObject, [_, (_, View::Object(object))]) => self.forget(*object),
            (Function::C_CloseSession, [(_, View::Session(session))]) => {
                self.searching.remove(session);
                self.certificates.retain(|(_, of)| of != session);
            }
            // With the last session or the login objects go, and their handles may come again for others.
            (
                Function::C_Initialize
                | Function::C_Finalize
                | Function::C_InitToken
                | Function::C_CloseAllSessions
                | Function::C_Logout,
                _,
            ) => *self = Self::default(),
            (_, args) => {
                for new in args.iter().filter_map(|(_, view)| match view {
                    View::NewObject(new) => read(*new),
                    _ => None,
                }) {
                    self.forget(new);
                }
            }
        }
    }

    fn set(&mut self, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, certificate: bool) {
        if !certificate {
            self.certificates.remove(&(object, session));
        } else if self.certificates.len() < MOST {
            self.certificates.insert((object, session));
        }
    }

    fn forget(&mut self, object: CK_OBJECT_HANDLE) {
        let sessions: Vec<_> =
            self.certificates.range((object, 0)..=(object, CK_ULONG::MAX)).copied().collect();
        for known in sessions {
            self.certificates.remove(&known);
        }
    }

    fn is_certificate(&self, call: &Call) -> bool {
        matches!(call.args, [(_, View::Session(session)), (_, View::Object(object)), ..]
            if self.certificates.contains(&(*object, *session)))
    }
}

fn class_in(at: CK_ATTRIBUTE_PTR, count: CK_ULONG) -> Option<CK_OBJECT_CLASS> {
    attributes(at, count).find_map(|(_, attribute)| class(attribute))
}
