//! The driver is called, and not as the application asked: what it then does, some driver has been seen to do, or another
//! program has done meanwhile.

use crate::call::Call;
use crate::call::view::{View, attributes};
use crate::functions::{Function, FunctionList};
use usbtoken_pkcs11::types::*;

/// How the driver is called otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// C_FindObjectsInit finds everything, whatever was searched for.
    SearchAll,
    /// C_GenerateKeyPair makes the pair without the CKA_ID that was given.
    IdIgnored,
    /// C_GenerateKeyPair takes no template with a CKA_ID.
    IdRefused,
    /// C_GenerateKeyPair gives both halves a label of the token's own choice.
    LabelsChosen,
    /// C_CreateObject makes every object private.
    CreatedPrivate,
    /// Every descriptor from 3 on is closed before the call, as by closefrom(3).
    ClosesDescriptors,
    /// Another program has reset the card: no one is logged in any more.
    LoggedOut,
    /// Another program has changed the CKA_LABEL of the object that is read or used; only objects with a record of
    /// `usbtoken` are changed.
    Changed,
}

/// The label that another program gives.
const CHANGED: &[u8] = b"changed by another program";
/// The label that a token gives every key that it makes.
const OWN_LABEL: &[u8] = b"Key 1";
/// How the records of `usbtoken` begin.
const RECORD: &[u8] = b"ut2";

impl Otherwise {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "search-all" => Self::SearchAll,
            "id-ignored" => Self::IdIgnored,
            "id-refused" => Self::IdRefused,
            "labels-chosen" => Self::LabelsChosen,
            "created-private" => Self::CreatedPrivate,
            "closes-descriptors" => Self::ClosesDescriptors,
            "logged-out" => Self::LoggedOut,
            "changed" => Self::Changed,
            _ => return None,
        })
    }

    /// The answer in the place of the driver's to what was asked, where there is one; whether it had an effect.
    pub(super) fn call(self, call: &Call, functions: &FunctionList) -> (Option<CK_RV>, bool) {
        let answer = match self {
            Self::SearchAll => search_all(call, functions),
            Self::IdIgnored => without_id(call, functions),
            Self::IdRefused => names_an_id(call).then_some(CKR_ATTRIBUTE_READ_ONLY),
            Self::LabelsChosen => with_own_labels(call, functions),
            Self::CreatedPrivate => created_private(call, functions),
            Self::ClosesDescriptors => return (None, close_descriptors()),
            Self::LoggedOut => return (None, log_out(call, functions).is_some()),
            Self::Changed => return (None, change(call, functions).is_some()),
        };
        (answer, answer.is_some())
    }
}

fn search_all(call: &Call, functions: &FunctionList) -> Option<CK_RV> {
    let (Function::C_FindObjectsInit, [(_, View::Session(session)), ..]) = (call.function, call.args) else {
        return None;
    };
    let search = { functions.C_FindObjectsInit }?;
    // SAFETY: the caller's session; a template without attributes is not read (PKCS#11 v3.1 §5.7.7).
    Some(unsafe { search(*session, std::ptr::null_mut(), 0) })
}

fn names_an_id(call: &Call) -> bool {
    call.function == Function::C_GenerateKeyPair
        && call.args.iter().any(|(_, view)| match *view {
            View::Template(pointer, count) => {
                attributes(pointer, count).any(|(_, attribute)| attribute.type_ == CKA_ID)
            }
            _ => false,
        })
}

fn without_id(call: &Call, functions: &FunctionList) -> Option<CK_RV> {
    if !names_an_id(call) {
        return None;
    }
    generate(call, functions, |template| template.retain(|attribute| attribute.type_ != CKA_ID))
}

fn with_own_labels(call: &Call, functions: &FunctionList) -> Option<CK_RV> {
    let mut own = OWN_LABEL.to_vec();
    generate(call, functions, |template| {
        for attribute in template.iter_mut().filter(|attribute| attribute.type_ == CKA_LABEL) {
            (attribute.pValue, attribute.ulValueLen) = (own.as_mut_ptr().cast(), own.len() as CK_ULONG);
        }
    })
}

/// Calls C_GenerateKeyPair with templates that were changed.
fn generate(
    call: &Call,
    functions: &FunctionList,
    mut change: impl FnMut(&mut Vec<CK_ATTRIBUTE>),
) -> Option<CK_RV> {
    let [
        (_, View::Session(session)),
        (_, View::Mechanism(mechanism)),
        (_, View::Template(public, public_count)),
        (_, View::Template(private, private_count)),
        (_, View::NewObject(new_public)),
        (_, View::NewObject(new_private)),
    ] = *call.args
    else {
        return None;
    };
    let mut changed = |pointer, count| -> Vec<CK_ATTRIBUTE> {
        let mut template = attributes(pointer, count).map(|(_, attribute)| attribute).collect();
        change(&mut template);
        template
    };
    let (mut public, mut private) = (changed(public, public_count), changed(private, private_count));
    let generate = { functions.C_GenerateKeyPair }?;
    // SAFETY: the caller's arguments, but for the templates: copies that outlive the call, whose values are the caller's or
    // memory of our own that outlives it too.
    let rv = unsafe {
        let (public_count, private_count) = (public.len() as CK_ULONG, private.len() as CK_ULONG);
        generate(
            session,
            mechanism,
            public.as_mut_ptr(),
            public_count,
            private.as_mut_ptr(),
            private_count,
            new_public,
            new_private,
        )
    };
    Some(rv)
}

fn created_private(call: &Call, functions: &FunctionList) -> Option<CK_RV> {
    let (
        Function::C_CreateObject,
        [(_, View::Session(session)), (_, View::Template(pointer, count)), (_, View::NewObject(object))],
    ) = (call.function, call.args)
    else {
        return None;
    };
    let mut yes = CK_TRUE;
    let all = attributes(*pointer, *count).map(|(_, attribute)| attribute);
    let mut template: Vec<_> = all.filter(|attribute| attribute.type_ != CKA_PRIVATE).collect();
    template.push(CK_ATTRIBUTE { type_: CKA_PRIVATE, pValue: (&raw mut yes).cast(), ulValueLen: 1 });
    let create = { functions.C_CreateObject }?;
    // SAFETY: the caller's arguments, but for the template: a copy that outlives the call, whose values are the caller's and
    // one of our own.
    Some(unsafe { create(*session, template.as_mut_ptr(), template.len() as CK_ULONG, *object) })
}

/// Whether that can be done here.
#[cfg(target_os = "linux")]
fn close_descriptors() -> bool {
    // SAFETY: a system call that reads no memory. Whose descriptors these are is not asked: that is the fault.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn close_descriptors() -> bool {
    false
}

fn log_out(call: &Call, functions: &FunctionList) -> Option<()> {
    let session = call.args.iter().find_map(|(_, view)| match view {
        View::Session(session) => Some(*session),
        _ => None,
    })?;
    let log_out = { functions.C_Logout }?;
    // SAFETY: the caller's session.
    (unsafe { log_out(session) } == CKR_OK).then_some(())
}

/// Changes the label of the object that the call is about, when it carries a record.
fn change(call: &Call, functions: &FunctionList) -> Option<()> {
    let session = call.args.iter().find_map(|(_, view)| match view {
        View::Session(session) => Some(*session),
        _ => None,
    })?;
    let object = call.args.iter().find_map(|(_, view)| match view {
        View::Object(object) => Some(*object),
        _ => None,
    })?;
    let (get, set) = ({ functions.C_GetAttributeValue }?, { functions.C_SetAttributeValue }?);
    let mut label = [0_u8; 64];
    let mut attribute = CK_ATTRIBUTE {
        type_: CKA_LABEL,
        pValue: label.as_mut_ptr().cast(),
        ulValueLen: label.len() as CK_ULONG,
    };
    // SAFETY: the caller's session and object, and memory of our own that outlives the calls.
    let read = unsafe { get(session, object, &raw mut attribute, 1) };
    if read != CKR_OK || !label.starts_with(RECORD) {
        return None;
    }
    let mut other = CHANGED.to_vec();
    let mut attribute = CK_ATTRIBUTE {
        type_: CKA_LABEL,
        pValue: other.as_mut_ptr().cast(),
        ulValueLen: other.len() as CK_ULONG,
    };
    // SAFETY: as above.
    (unsafe { set(session, object, &raw mut attribute, 1) } == CKR_OK).then_some(())
}
