//! The arguments of a call that has returned, as they stand in the trace.
//!
//! Two rules stand over the list of what is shown ([`redact`]). What the driver wrote is shown when it says that it
//! succeeded, and where something else stands there than before, or what the trace has shown already. What the application gave is shown in full when the driver
//! took it; what was refused may be anything, and of that only words and numbers that have a meaning are shown.

use crate::call::Call;
use crate::call::redact::{self, Value as Shown, text};
use crate::call::view::{Arg, Asked, LONGEST_VALUE, View, attributes, digest};
use crate::config::Public;
use crate::host::lock_briefly;
use crate::host::memory::{array, buffers, bytes, read};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use usbtoken_pkcs11::names;
use usbtoken_pkcs11::types::*;

/// Arguments in the order of the function's parameters.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// How to show them.
pub(super) struct Describe<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) rv: CK_RV,
    pub(super) public: Public,
    /// Whether the object that the call is about is a certificate.
    pub(super) certificate: bool,
    /// What the driver is known to have written.
    pub(super) seen: &'a Seen,
}

/// Values that the driver wrote, by their digests. A program that asks again into the same buffer finds what is there
/// already, and so would the trace without this memory.
#[derive(Default)]
pub(super) struct Seen(Mutex<BTreeSet<u64>>);

impl Seen {
    const MOST: usize = 4096;

    /// What the driver wrote there, given what stands in the caller's room; `None` where nothing tells that it did.
    fn written(&self, asked: &Asked, room: Vec<u8>, length: CK_ULONG) -> Option<Vec<u8>> {
        let now = asked.now(room, length);
        let mut seen = lock_briefly(&self.0)?;
        let digest = digest(&now.bytes);
        if now.is_new && seen.len() < Self::MOST {
            seen.insert(digest);
        }
        (now.is_new || seen.contains(&digest)).then_some(now.bytes)
    }
}

impl Describe<'_> {
    pub(super) fn fields(&self) -> Fields {
        let field = |(name, view): &Arg| {
            let shown = self.what_went_in(view).or_else(|| self.what_came_out(view));
            shown.map(|value| (name.trim_end_matches('_'), value))
        };
        self.call.args.iter().filter_map(field).collect()
    }

    fn ok(&self) -> bool {
        self.rv == CKR_OK
    }

    fn what_went_in(&self, view: &View) -> Option<Value> {
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
            View::Version(pointer) => read(pointer).map(version).into(),
            View::FunctionName(pointer) => self.name(pointer).into(),
            View::TokenLabel(pointer) => {
                let label = read(pointer.cast::<[u8; 32]>()).filter(|_| self.ok());
                label.map(|label| text(&label)).into()
            }
            View::Mechanism(pointer) => read(pointer).map(|mechanism| self.mechanism(mechanism)).into(),
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
                let template: Vec<_> = attributes(pointer, count).map(|(_, attribute)| attribute).collect();
                let class = template.iter().find_map(|attribute| class(*attribute));
                let certificate = class.map_or(self.certificate, |class| class == CKO_CERTIFICATE);
                template.into_iter().map(|attribute| self.given(attribute, certificate)).collect()
            }
            _ => return None,
        })
    }

    fn what_came_out(&self, view: &View) -> Option<Value> {
        let has_length = self.ok() || self.rv == CKR_BUFFER_TOO_SMALL;
        let room = self.call.before.room();
        Some(match *view {
            View::Answer(pointer, count) => self.answers(pointer, count),
            View::Output(pointer, length) => json!({
                "room": if pointer.is_null() { Value::Null } else { room.into() },
                "len": if has_length { read(length) } else { None },
            }),
            View::NewSession(pointer) | View::NewObject(pointer) => {
                read(pointer).filter(|_| self.ok()).into()
            }
            View::Found(pointer, room, count) => {
                let found = read(count).filter(|_| self.ok());
                json!({"room": room, "found": found, "handles": list(pointer, found, room)})
            }
            View::SlotList(pointer, count) => {
                let found = read(count).filter(|_| has_length);
                json!({"count": found, "ids": list(pointer, found.filter(|_| self.ok()), room)})
            }
            View::MechanismList(pointer, count) => json!({
                "room": if pointer.is_null() { Value::Null } else { room.into() },
                "count": read(count).filter(|_| has_length),
            }),
            View::SlotEvent(pointer) | View::Number(pointer) => read(pointer).filter(|_| self.ok()).into(),
            View::LibraryInfo(pointer) => self.structure(pointer, Self::library_info),
            View::SlotInfo(pointer) => self.structure(pointer, Self::slot_info),
            View::TokenInfo(pointer) => self.structure(pointer, Self::token_info),
            View::MechanismInfo(pointer) => self.structure(pointer, |_, info| mechanism_info(info)),
            View::SessionInfo(pointer) => self.structure(pointer, |_, info| session_info(info)),
            _ => return None,
        })
    }

    fn structure<T: Copy>(&self, pointer: *const T, show: impl Fn(&Self, T) -> Value) -> Value {
        let info = if self.ok() { read(pointer) } else { None };
        info.map(|info| show(self, info)).into()
    }

    /// An attribute that the application gave.
    fn given(&self, attribute: CK_ATTRIBUTE, certificate: bool) -> Value {
        let (kind, pointer, length) = (attribute.type_, attribute.pValue, attribute.ulValueLen);
        let mut fields = self.named(kind);
        fields.insert("len".to_owned(), length.into());
        let taken = self.ok() || !redact::has_free_length(kind);
        if taken && length <= LONGEST_VALUE && redact::is_shown(kind, certificate) {
            let value = bytes(pointer.cast_const().cast(), length as usize);
            self.show(&mut fields, kind, value.as_deref(), self.ok(), certificate);
        }
        Value::Object(fields)
    }

    /// The attributes that were asked for. What the driver claims beyond the room that it was given was not written, and
    /// is not read; after an error nothing tells which values it came to write at all.
    fn answers(&self, pointer: CK_ATTRIBUTE_PTR, count: CK_ULONG) -> Value {
        let asked = self.call.before.asked();
        let attributes: Vec<_> = attributes(pointer, count).map(|(_, attribute)| attribute).collect();
        let is_read = |(attribute, asked): &(&CK_ATTRIBUTE, &Asked)| {
            self.ok()
                && redact::is_shown(attribute.type_, self.certificate)
                && attribute.ulValueLen <= asked.room.min(LONGEST_VALUE)
                && asked.room <= LONGEST_VALUE
                && !asked.at.is_null()
        };
        let read: Vec<_> = attributes.iter().zip(asked).map(|pair| is_read(&pair)).collect();
        let wanted = asked.iter().zip(&read).filter(|(_, read)| **read);
        let wanted: Vec<_> = wanted.map(|(asked, _)| (asked.at, asked.room as usize)).collect();
        let mut rooms = buffers(&wanted).into_iter();
        let answer = |(place, attribute): (usize, CK_ATTRIBUTE)| {
            let is_read = read.get(place).copied().unwrap_or(false);
            let room = if is_read { rooms.next().flatten() } else { None };
            // One that is not followed has a room that is not known.
            self.answer(attribute, asked.get(place), room)
        };
        attributes.into_iter().enumerate().map(answer).collect()
    }

    fn answer(&self, attribute: CK_ATTRIBUTE, asked: Option<&Asked>, room: Option<Vec<u8>>) -> Value {
        let (kind, length) = (attribute.type_, attribute.ulValueLen);
        let mut fields = self.named(kind);
        let size = asked.filter(|asked| !asked.at.is_null()).map(|asked| asked.room);
        fields.insert("room".to_owned(), size.into());
        let in_part = matches!(
            self.rv,
            CKR_OK | CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID | CKR_BUFFER_TOO_SMALL
        );
        if in_part {
            let unavailable = length == CK_UNAVAILABLE_INFORMATION;
            fields.insert("len".to_owned(), if unavailable { "unavailable".into() } else { length.into() });
        }
        if let (Some(asked), Some(mut room)) = (asked, room) {
            let value = if redact::has_free_length(kind) && length > 0 {
                self.seen.written(asked, room, length)
            } else {
                room.truncate(length as usize);
                Some(room)
            };
            self.show(&mut fields, kind, value.as_deref(), false, self.certificate);
        }
        Value::Object(fields)
    }

    fn show(
        &self,
        fields: &mut Map<String, Value>,
        kind: CK_ATTRIBUTE_TYPE,
        value: Option<&[u8]>,
        sure: bool,
        certificate: bool,
    ) {
        if let Some(bytes) = value {
            redact::show(fields, kind, Shown { bytes, sure, certificate }, self.public);
        }
    }

    fn named(&self, kind: CK_ATTRIBUTE_TYPE) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), number(names::attribute(kind), kind, self.ok()));
        fields
    }

    fn mechanism(&self, mechanism: CK_MECHANISM) -> Value {
        let (kind, length) = (mechanism.mechanism, mechanism.ulParameterLen);
        // The parameter by length alone: those of password-based mechanisms hold the password.
        json!({"type": number(names::mechanism(kind), kind, self.ok()), "parameter": length})
    }

    /// A null-terminated name. One that the driver did not take may be anything but what the standard calls its own.
    fn name(&self, pointer: CK_UTF8CHAR_PTR) -> Option<String> {
        const STANDARD: &str = "PKCS 11";
        const LONGEST: usize = 64;
        // Byte by byte up to the end: what comes after it need not be there.
        let bytes: Vec<u8> = (0..LONGEST)
            .map_while(|at| read(pointer.wrapping_add(at).cast_const()).filter(|byte| *byte != 0))
            .collect();
        let name = (!pointer.is_null()).then(|| text(&bytes))?;
        (self.ok() || name == STANDARD).then_some(name)
    }

    /// A text field of a structure, by its place among those; none where the driver left what was there.
    fn field(&self, place: usize, field: &[u8]) -> Option<String> {
        let asked = self.call.before.asked().get(place)?;
        self.seen.written(asked, field.to_vec(), asked.room).map(|field| text(&field))
    }

    fn library_info(&self, info: CK_INFO) -> Value {
        json!({
            "cryptokiVersion": version(info.cryptokiVersion),
            "manufacturerID": self.field(0, &info.manufacturerID),
            "libraryDescription": self.field(1, &info.libraryDescription),
            "libraryVersion": version(info.libraryVersion),
        })
    }

    fn slot_info(&self, info: CK_SLOT_INFO) -> Value {
        json!({
            "slotDescription": self.field(0, &info.slotDescription),
            "manufacturerID": self.field(1, &info.manufacturerID),
            "flags": flag_names(info.flags, SLOT_FLAGS),
        })
    }

    fn token_info(&self, info: CK_TOKEN_INFO) -> Value {
        let (public, private) = (info.ulFreePublicMemory, info.ulFreePrivateMemory);
        let (most, least) = (info.ulMaxPinLen, info.ulMinPinLen);
        let known = |number| {
            if number == CK_UNAVAILABLE_INFORMATION { "unavailable".into() } else { Value::from(number) }
        };
        json!({
            "label": self.field(0, &info.label),
            "manufacturerID": self.field(1, &info.manufacturerID),
            "model": self.field(2, &info.model),
            "serialNumber": self.field(3, &info.serialNumber),
            "flags": flag_names(info.flags, TOKEN_FLAGS),
            "ulMaxPinLen": most,
            "ulMinPinLen": least,
            "ulFreePublicMemory": known(public),
            "ulFreePrivateMemory": known(private),
        })
    }
}

/// The class that a template or an answer gives.
pub(super) fn class(attribute: CK_ATTRIBUTE) -> Option<CK_OBJECT_CLASS> {
    let is_class = attribute.type_ == CKA_CLASS && attribute.ulValueLen == size_of::<CK_ULONG>() as CK_ULONG;
    if is_class { read(attribute.pValue.cast_const().cast()) } else { None }
}

fn in_bytes(null: bool, length: CK_ULONG) -> Value {
    json!({"len": if null { Value::Null } else { length.into() }})
}

/// A number by its name. One without a name that the driver refused may be no number at all.
fn number(name: Option<&'static str>, number: CK_ULONG, ok: bool) -> Value {
    if ok || redact::is_a_number(name, number) {
        names::name_or_hex(name, number).into()
    } else {
        Value::Null
    }
}

/// No more numbers than this are shown of a list.
const MOST_NUMBERS: CK_ULONG = 65_536;

/// Numbers that the driver wrote into the caller's array.
fn list(pointer: *const CK_ULONG, found: Option<CK_ULONG>, room: CK_ULONG) -> Value {
    let Some(found) = found.filter(|_| !pointer.is_null()) else { return Value::Null };
    // Within the caller's array, whatever the driver claims to have found.
    array(pointer, found.min(room).min(MOST_NUMBERS) as usize).into()
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
