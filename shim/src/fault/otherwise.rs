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
    /// Another program has changed the CKA_LABEL of the object that is read or used; only objects with a record of
    /// `usbtoken` are changed.
    Changed,
}

/// The label that another program gives.
const CHANGED: &[u8] = b"changed by another program";
/// How the records of `usbtoken` begin.
const RECORD: &[u8] = b"ut2";

impl Otherwise {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "search-all" => Self::SearchAll,
            "id-ignored" => Self::IdIgnored,
            "id-refused" => Self::IdRefused,
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
    if !names_an_id(call) {
        return None;
    }
    let rest = |pointer, count| -> Vec<CK_ATTRIBUTE> {
        let all = attributes(pointer, count).map(|(_, attribute)| attribute);
        all.filter(|attribute| attribute.type_ != CKA_ID).collect()
    };
    let (mut public, mut private) = (rest(public, public_count), rest(private, private_count));
    let generate = { functions.C_GenerateKeyPair }?;
    // SAFETY: the caller's arguments, but for the templates: copies that outlive the call, whose values are the caller's.
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
