//! How the arguments of a call are looked at, and how they are told.
//!
//! Everything here reads memory that the application or the driver owns; only what the specification says must be
//! there is read, and no further than the application's own length.

use crate::call::Call;
use crate::config::Public;
use crate::names;
use crate::record::Fields;
use crate::redact;
use pkcs11_sys::*;
use serde_json::{Map, Value, json};
use std::ffi::CStr;

/// An argument: the specification's name for it, and what it is.
pub(crate) type Arg = (&'static str, View);

/// What an argument is. Lengths are the caller's.
#[derive(Clone, Copy)]
pub(crate) enum View {
    InitArgs(CK_VOID_PTR),
    Session(CK_SESSION_HANDLE),
    Object(CK_OBJECT_HANDLE),
    Slot(CK_SLOT_ID),
    Flags(CK_FLAGS),
    SessionFlags(CK_FLAGS),
    Bool(CK_BBOOL),
    Ulong(CK_ULONG),
    User(CK_USER_TYPE),
    Version(CK_VERSION_PTR),
    FunctionName(CK_UTF8CHAR_PTR),
    TokenLabel(CK_UTF8CHAR_PTR),
    Mechanism(CK_MECHANISM_PTR),
    MechanismType(CK_MECHANISM_TYPE),
    /// Never read, and its length not told.
    Pin(CK_UTF8CHAR_PTR),
    /// Data that goes in, or random bytes that come out: told by length, never read.
    Bytes(CK_BYTE_PTR, CK_ULONG),
    /// The parameter of a message: as `Bytes`.
    Parameter(CK_VOID_PTR, CK_ULONG),
    /// Data that comes out: told by length, never read.
    Output(CK_BYTE_PTR, CK_ULONG_PTR),
    /// Attributes that go in.
    Template(CK_ATTRIBUTE_PTR, CK_ULONG),
    /// Attributes that are asked for.
    Answer(CK_ATTRIBUTE_PTR, CK_ULONG),
    NewSession(CK_SESSION_HANDLE_PTR),
    NewObject(CK_OBJECT_HANDLE_PTR),
    Found(CK_OBJECT_HANDLE_PTR, CK_ULONG, CK_ULONG_PTR),
    SlotList(CK_SLOT_ID_PTR, CK_ULONG_PTR),
    MechanismList(CK_MECHANISM_TYPE_PTR, CK_ULONG_PTR),
    SlotEvent(CK_SLOT_ID_PTR),
    Number(CK_ULONG_PTR),
    LibraryInfo(CK_INFO_PTR),
    SlotInfo(CK_SLOT_INFO_PTR),
    TokenInfo(CK_TOKEN_INFO_PTR),
    MechanismInfo(CK_MECHANISM_INFO_PTR),
    SessionInfo(CK_SESSION_INFO_PTR),
}

/// No template is longer than this; a longer one is a mistake that is left for the driver to find.
const MOST_ATTRIBUTES: CK_ULONG = 1024;
/// No attribute longer than this is looked into.
const LONGEST_VALUE: CK_ULONG = 64 * 1024;

/// Reads what a caller's pointer points to; `None` for null.
pub(crate) fn read<T: Copy>(pointer: *const T) -> Option<T> {
    // SAFETY: not null; the specification says what must be there. Cryptoki's structures are packed on Windows.
    (!pointer.is_null()).then(|| unsafe { pointer.read_unaligned() })
}

/// The attributes of a caller's array, one by one, with their addresses.
pub(crate) fn attributes(
    pointer: CK_ATTRIBUTE_PTR,
    count: CK_ULONG,
) -> impl Iterator<Item = (CK_ATTRIBUTE_PTR, CK_ATTRIBUTE)> {
    let count = if pointer.is_null() || count > MOST_ATTRIBUTES { 0 } else { count as usize };
    (0..count).map(move |i| {
        // SAFETY: within the caller's array.
        let at = unsafe { pointer.add(i) };
        // SAFETY: as above; packed on Windows.
        (at, unsafe { at.read_unaligned() })
    })
}

/// The lengths that the caller wrote and the driver is about to overwrite.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// Of an `Answer`: one for each attribute. Of everything else with a length: that one.
    pub(crate) lengths: Vec<CK_ULONG>,
}

impl Before {
    pub(crate) fn look(args: &[Arg]) -> Self {
        let mut lengths = Vec::new();
        for (_, view) in args {
            match *view {
                View::Answer(pointer, count) => {
                    lengths.extend(attributes(pointer, count).map(|(_, a)| a.ulValueLen))
                }
                View::Output(_, length) | View::SlotList(_, length) | View::MechanismList(_, length) => {
                    lengths.extend(read(length));
                }
                _ => {}
            }
        }
        Self { lengths }
    }

    fn only(&self) -> CK_ULONG {
        self.lengths.first().copied().unwrap_or(0)
    }
}

/// The arguments of a call that has returned, as they stand in the trace.
pub(crate) fn describe(call: &Call, rv: CK_RV, public: Public) -> Fields {
    let describe = |(name, view): &Arg| {
        let told = describe_in(view, public).or_else(|| describe_out(view, &call.before, rv, public));
        told.map(|value| (name.trim_end_matches('_'), value))
    };
    call.args.iter().filter_map(describe).collect()
}

/// What went in.
fn describe_in(view: &View, public: Public) -> Option<Value> {
    Some(match *view {
        View::InitArgs(pointer) => match read(pointer.cast::<CK_C_INITIALIZE_ARGS>()) {
            None => Value::Null,
            Some(args) => {
                let (flags, mutex, reserved) = (args.flags, args.CreateMutex, args.pReserved);
                json!({
                    "flags": flag_names(flags, INITIALIZE_FLAGS),
                    "mutexes": mutex.is_some(),
                    "pReserved": !reserved.is_null(),
                })
            }
        },
        View::Session(handle) | View::Object(handle) => handle.into(),
        View::Slot(id) => id.into(),
        View::Flags(flags) => format!("{flags:#x}").into(),
        View::SessionFlags(flags) => flag_names(flags, SESSION_FLAGS),
        View::Bool(value) => (value != 0).into(),
        View::Ulong(number) => number.into(),
        View::User(user) => names::name_or_hex(names::user(user), user).into(),
        View::Version(pointer) => read(pointer).map(|v| format!("{}.{}", v.major, v.minor)).into(),
        // SAFETY: not null, and the specification wants these null-terminated.
        View::FunctionName(pointer) => (!pointer.is_null())
            .then(|| unsafe { CStr::from_ptr(pointer.cast()) }.to_string_lossy().into_owned())
            .into(),
        View::TokenLabel(pointer) => read(pointer.cast::<[u8; 32]>()).map(|label| text(&label)).into(),
        View::Mechanism(pointer) => read(pointer).map(mechanism).into(),
        View::MechanismType(number) => names::name_or_hex(names::mechanism(number), number).into(),
        // Not even the length: it is a part of what is to be guessed.
        View::Pin(pointer) => {
            if pointer.is_null() {
                Value::Null
            } else {
                "withheld".into()
            }
        }
        View::Bytes(pointer, length) => in_bytes(pointer.is_null(), length),
        View::Parameter(pointer, length) => in_bytes(pointer.is_null(), length),
        View::Template(pointer, count) => {
            attributes(pointer, count).map(|(_, attribute)| in_template(attribute, public)).collect()
        }
        _ => return None,
    })
}

/// What came out, where the return value says that something did.
fn describe_out(view: &View, before: &Before, rv: CK_RV, public: Public) -> Option<Value> {
    let told = matches!(rv, CKR_OK | CKR_BUFFER_TOO_SMALL);
    let ok = rv == CKR_OK;
    Some(match *view {
        View::Answer(pointer, count) => attributes(pointer, count)
            .zip(&before.lengths)
            .map(|((_, attribute), asked)| answer(attribute, *asked, rv, public))
            .collect(),
        View::Output(pointer, length) => json!({
            "room": if pointer.is_null() { Value::Null } else { before.only().into() },
            "len": if told { read(length) } else { None },
        }),
        View::NewSession(pointer) | View::NewObject(pointer) => read(pointer).filter(|_| ok).into(),
        View::Found(pointer, room, count) => {
            let found = read(count).filter(|_| ok);
            json!({"room": room, "found": found, "handles": list(pointer, found, room)})
        }
        View::SlotList(pointer, count) => {
            let found = read(count).filter(|_| told);
            json!({"count": found, "ids": list(pointer, found.filter(|_| ok), before.only())})
        }
        View::MechanismList(pointer, count) => json!({
            "room": if pointer.is_null() { Value::Null } else { before.only().into() },
            "count": read(count).filter(|_| told),
        }),
        View::SlotEvent(pointer) | View::Number(pointer) => read(pointer).filter(|_| told).into(),
        View::LibraryInfo(pointer) => read(pointer).filter(|_| ok).map(library_info).into(),
        View::SlotInfo(pointer) => read(pointer).filter(|_| ok).map(slot_info).into(),
        View::TokenInfo(pointer) => read(pointer).filter(|_| ok).map(token_info).into(),
        View::MechanismInfo(pointer) => read(pointer).filter(|_| ok).map(mechanism_info).into(),
        View::SessionInfo(pointer) => read(pointer).filter(|_| ok).map(session_info).into(),
        _ => return None,
    })
}

fn in_bytes(null: bool, length: CK_ULONG) -> Value {
    json!({"len": if null { Value::Null } else { length.into() }})
}

fn in_template(attribute: CK_ATTRIBUTE, public: Public) -> Value {
    let (kind, pointer, length) = (attribute.type_, attribute.pValue, attribute.ulValueLen);
    let mut fields = named(kind);
    fields.insert("len".to_owned(), length.into());
    show_value(&mut fields, kind, pointer, length, public);
    Value::Object(fields)
}

/// `asked` is the room that the caller gave; what the driver claims beyond it was not written, and is not read.
fn answer(attribute: CK_ATTRIBUTE, asked: CK_ULONG, rv: CK_RV, public: Public) -> Value {
    let (kind, pointer, length) = (attribute.type_, attribute.pValue, attribute.ulValueLen);
    let mut fields = named(kind);
    fields.insert("room".to_owned(), if pointer.is_null() { Value::Null } else { asked.into() });
    if matches!(rv, CKR_OK | CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID | CKR_BUFFER_TOO_SMALL) {
        let unavailable = length == CK_UNAVAILABLE;
        fields.insert("len".to_owned(), if unavailable { "unavailable".into() } else { length.into() });
        if !unavailable && length <= asked {
            show_value(&mut fields, kind, pointer, length, public);
        }
    }
    Value::Object(fields)
}

/// CK_UNAVAILABLE_INFORMATION, which pkcs11-sys types differently on each system.
pub(crate) const CK_UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

fn named(kind: CK_ATTRIBUTE_TYPE) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("type".to_owned(), names::name_or_hex(names::attribute(kind), kind).into());
    fields
}

fn show_value(
    fields: &mut Map<String, Value>,
    kind: CK_ATTRIBUTE_TYPE,
    pointer: CK_VOID_PTR,
    length: CK_ULONG,
    public: Public,
) {
    if !pointer.is_null() && length <= LONGEST_VALUE {
        // SAFETY: not null, and `length` bytes by the caller's word (in a template) or within its room (in an answer).
        let value = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length as usize) };
        redact::show(fields, kind, value, public);
    }
}

fn mechanism(mechanism: CK_MECHANISM) -> Value {
    let (number, length) = (mechanism.mechanism, mechanism.ulParameterLen);
    // The parameter by length alone: those of password-based mechanisms hold the password.
    json!({"type": names::name_or_hex(names::mechanism(number), number), "parameter": length})
}

/// Numbers that the driver wrote into the caller's array.
fn list(pointer: *const CK_ULONG, found: Option<CK_ULONG>, room: CK_ULONG) -> Value {
    let Some(found) = found.filter(|_| !pointer.is_null()) else { return Value::Null };
    // SAFETY: within the caller's array, whatever the driver claims to have found.
    (0..found.min(room) as usize)
        .map(|i| unsafe { pointer.add(i).read_unaligned() })
        .map(Value::from)
        .collect()
}

fn library_info(info: CK_INFO) -> Value {
    json!({
        "cryptokiVersion": version(info.cryptokiVersion),
        "manufacturerID": text(&info.manufacturerID),
        "libraryDescription": text(&info.libraryDescription),
        "libraryVersion": version(info.libraryVersion),
    })
}

fn slot_info(info: CK_SLOT_INFO) -> Value {
    json!({
        "slotDescription": text(&info.slotDescription),
        "manufacturerID": text(&info.manufacturerID),
        "flags": flag_names(info.flags, SLOT_FLAGS),
    })
}

fn token_info(info: CK_TOKEN_INFO) -> Value {
    let (public, private) = (info.ulFreePublicMemory, info.ulFreePrivateMemory);
    let (most, least) = (info.ulMaxPinLen, info.ulMinPinLen);
    json!({
        "label": text(&info.label),
        "manufacturerID": text(&info.manufacturerID),
        "model": text(&info.model),
        "serialNumber": text(&info.serialNumber),
        "flags": flag_names(info.flags, TOKEN_FLAGS),
        "ulMaxPinLen": most,
        "ulMinPinLen": least,
        "ulFreePublicMemory": if public == CK_UNAVAILABLE { "unavailable".into() } else { Value::from(public) },
        "ulFreePrivateMemory": if private == CK_UNAVAILABLE { "unavailable".into() } else { Value::from(private) },
    })
}

fn mechanism_info(info: CK_MECHANISM_INFO) -> Value {
    let (least, most, flags) = (info.ulMinKeySize, info.ulMaxKeySize, info.flags);
    json!({
        "ulMinKeySize": least,
        "ulMaxKeySize": most,
        "flags": format!("{flags:#x}"),
    })
}

fn session_info(info: CK_SESSION_INFO) -> Value {
    let (slot, state, device_error) = (info.slotID, info.state, info.ulDeviceError);
    json!({
        "slotID": slot,
        "state": names::name_or_hex(names::state(state), state),
        "flags": flag_names(info.flags, SESSION_FLAGS),
        "ulDeviceError": device_error,
    })
}

fn version(version: CK_VERSION) -> String {
    format!("{}.{}", version.major, version.minor)
}

/// A padded field, without its padding.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

macro_rules! flags {
    ($table:ident: $($name:ident),*) => { const $table: &[(CK_FLAGS, &str)] = &[$(($name, stringify!($name))),*]; };
}

flags!(INITIALIZE_FLAGS: CKF_LIBRARY_CANT_CREATE_OS_THREADS, CKF_OS_LOCKING_OK);
flags!(SESSION_FLAGS: CKF_RW_SESSION, CKF_SERIAL_SESSION);
flags!(SLOT_FLAGS: CKF_TOKEN_PRESENT, CKF_REMOVABLE_DEVICE, CKF_HW_SLOT);
flags!(TOKEN_FLAGS:
    CKF_RNG, CKF_WRITE_PROTECTED, CKF_LOGIN_REQUIRED, CKF_USER_PIN_INITIALIZED, CKF_RESTORE_KEY_NOT_NEEDED,
    CKF_CLOCK_ON_TOKEN, CKF_PROTECTED_AUTHENTICATION_PATH, CKF_DUAL_CRYPTO_OPERATIONS, CKF_TOKEN_INITIALIZED,
    CKF_SECONDARY_AUTHENTICATION, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED,
    CKF_USER_PIN_TO_BE_CHANGED, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED,
    CKF_SO_PIN_TO_BE_CHANGED, CKF_ERROR_STATE
);

/// The names of the flags that are set; those without a name together, in hex.
fn flag_names(flags: CK_FLAGS, table: &[(CK_FLAGS, &str)]) -> Value {
    let mut names: Vec<String> =
        table.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| (*name).to_owned()).collect();
    let rest = table.iter().fold(flags, |rest, (flag, _)| rest & !flag);
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names.into()
}
