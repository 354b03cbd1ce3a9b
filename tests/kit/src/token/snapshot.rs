//! What is on a token, as a value that can be compared.

use std::collections::BTreeMap;
use std::fmt;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use serde::{Deserialize, Serialize};

/// Every object on a token, sorted; equal when the tokens hold the same objects with the same attributes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    objects: Vec<Object>,
}

/// One object: its attributes by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// The class, for example `CKO_PRIVATE_KEY`.
    pub class: String,
    /// CKA_ID; empty when the object has none.
    pub id: Vec<u8>,
    /// CKA_LABEL; empty when the object has none.
    pub label: String,
    /// Every attribute that the token knows for this object.
    pub attributes: BTreeMap<String, Reading>,
}

/// What reading one attribute gave.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reading {
    /// Its bytes; a boolean is one byte.
    Bytes(Vec<u8>),
    /// A value that cryptoki has a name for.
    Named(String),
    /// The token refused to read it, with this return value.
    Refused(String),
}

/// Every attribute that an object of a client's token may have. CKA_VALUE and the private parts are among them:
/// that they stay unreadable is part of what is compared.
const ATTRIBUTES: &[AttributeType] = &[
    AttributeType::AllowedMechanisms,
    AttributeType::AlwaysAuthenticate,
    AttributeType::AlwaysSensitive,
    AttributeType::Application,
    AttributeType::CertificateType,
    AttributeType::CheckValue,
    AttributeType::Class,
    AttributeType::Coefficient,
    AttributeType::Copyable,
    AttributeType::Decrypt,
    AttributeType::Derive,
    AttributeType::Destroyable,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::Encrypt,
    AttributeType::EndDate,
    AttributeType::Exponent1,
    AttributeType::Exponent2,
    AttributeType::Extractable,
    AttributeType::HashOfIssuerPublicKey,
    AttributeType::HashOfSubjectPublicKey,
    AttributeType::Id,
    AttributeType::Issuer,
    AttributeType::KeyGenMechanism,
    AttributeType::KeyType,
    AttributeType::Label,
    AttributeType::Local,
    AttributeType::Modifiable,
    AttributeType::Modulus,
    AttributeType::ModulusBits,
    AttributeType::NeverExtractable,
    AttributeType::ObjectId,
    AttributeType::Prime1,
    AttributeType::Prime2,
    AttributeType::Private,
    AttributeType::PrivateExponent,
    AttributeType::PublicExponent,
    AttributeType::PublicKeyInfo,
    AttributeType::Sensitive,
    AttributeType::SerialNumber,
    AttributeType::Sign,
    AttributeType::SignRecover,
    AttributeType::StartDate,
    AttributeType::Subject,
    AttributeType::Token,
    AttributeType::Trusted,
    AttributeType::Unwrap,
    AttributeType::Url,
    AttributeType::Value,
    AttributeType::Verify,
    AttributeType::VerifyRecover,
    AttributeType::Wrap,
    AttributeType::WrapWithTrusted,
];

impl Snapshot {
    pub(crate) fn take(session: &Session) -> Snapshot {
        let handles = session.find_objects(&[]).expect("C_FindObjects");
        let mut objects: Vec<Object> = handles.into_iter().map(|handle| read(session, handle)).collect();
        objects.sort();
        Snapshot { objects }
    }

    /// Every object.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The objects of a class: `CKO_CERTIFICATE`, `CKO_PRIVATE_KEY`, `CKO_PUBLIC_KEY`, `CKO_DATA`.
    pub fn of_class<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(move |object| object.class == class)
    }

    /// The objects with this CKA_ID.
    pub fn with_id<'a>(&'a self, id: &'a [u8]) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(move |object| object.id == id)
    }

    /// These objects alone.
    pub fn only(&self, wanted: impl Fn(&Object) -> bool) -> Snapshot {
        Snapshot { objects: self.objects.iter().filter(|object| wanted(object)).cloned().collect() }
    }

    /// The objects that are here and were not in `before`, or have changed since.
    pub fn added_since(&self, before: &Snapshot) -> Vec<&Object> {
        missing_from(&before.objects, &self.objects)
    }

    /// Panics with a list of the differences unless both hold the same objects, attribute by attribute.
    #[track_caller]
    pub fn assert_same_as(&self, before: &Snapshot) {
        if self != before {
            panic!("the token does not hold exactly what it held before:\n{}", self.difference(before));
        }
    }

    /// Panics unless every object of `before` is still there unchanged; others may have come.
    #[track_caller]
    pub fn assert_keeps(&self, before: &Snapshot) {
        let lost = missing_from(&self.objects, &before.objects);
        if !lost.is_empty() {
            panic!("the token lost or changed objects:\n{}", self.difference(before));
        }
    }

    /// The differences, one line each: `-` only before, `+` only now, `~` changed.
    pub fn difference(&self, before: &Snapshot) -> String {
        let mut gone = missing_from(&self.objects, &before.objects);
        let mut lines = Vec::new();
        for new in missing_from(&before.objects, &self.objects) {
            let twin = gone.iter().position(|old| old.class == new.class && old.id == new.id);
            match twin.map(|at| gone.remove(at)) {
                Some(old) => lines.push(changes(old, new)),
                None => lines.push(format!("+ {new}")),
            }
        }
        lines.extend(gone.iter().map(|old| format!("- {old}")));
        lines.join("\n")
    }
}

impl Object {
    /// The bytes of an attribute, by the name that [`fmt::Debug`] shows, for example `Value`.
    pub fn bytes(&self, attribute: &str) -> Option<&[u8]> {
        match self.attributes.get(attribute) {
            Some(Reading::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// A boolean attribute.
    pub fn flag(&self, attribute: &str) -> Option<bool> {
        self.bytes(attribute).map(|bytes| bytes == [1])
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id={} label={:?}", self.class, hex(&self.id), self.label)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.objects.iter().map(|object| object.to_string())).finish()
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reading::Bytes(bytes) => f.write_str(&hex(bytes)),
            Reading::Named(name) => f.write_str(name),
            Reading::Refused(rv) => write!(f, "refused: {rv}"),
        }
    }
}

/// The objects of `these` that have no equal in `others`, each counted as often as it stands there.
fn missing_from<'a>(others: &[Object], these: &'a [Object]) -> Vec<&'a Object> {
    let mut left: Vec<&Object> = others.iter().collect();
    let mut missing = Vec::new();
    for object in these {
        match left.iter().position(|other| *other == object) {
            Some(at) => drop(left.remove(at)),
            None => missing.push(object),
        }
    }
    missing
}

fn changes(old: &Object, new: &Object) -> String {
    let mut line = format!("~ {new}");
    let names: std::collections::BTreeSet<_> = old.attributes.keys().chain(new.attributes.keys()).collect();
    for name in names {
        let (was, is) = (old.attributes.get(name), new.attributes.get(name));
        if was != is {
            let show = |reading: Option<&Reading>| {
                reading.map_or("absent".to_owned(), |reading| reading.to_string())
            };
            line.push_str(&format!("\n    {name}: {} -> {}", show(was), show(is)));
        }
    }
    line
}

fn read(session: &Session, handle: ObjectHandle) -> Object {
    let mut attributes = BTreeMap::new();
    for kind in ATTRIBUTES {
        if let Some(reading) = read_one(session, handle, *kind) {
            attributes.insert(format!("{kind:?}"), reading);
        }
    }
    let bytes = |name: &str| match attributes.get(name) {
        Some(Reading::Bytes(bytes)) => bytes.clone(),
        _ => Vec::new(),
    };
    let class = attributes.get("Class").map_or(String::new(), |reading| reading.to_string());
    let label = String::from_utf8_lossy(&bytes("Label")).into_owned();
    Object { class, id: bytes("Id"), label, attributes }
}

/// One attribute at a time: what a driver answers for one must not hide what it answers for the others.
fn read_one(session: &Session, handle: ObjectHandle, kind: AttributeType) -> Option<Reading> {
    let info = match session.get_attribute_info(handle, &[kind]) {
        Ok(info) => info[0],
        Err(Error::Pkcs11(rv, _)) => return Some(Reading::Refused(format!("{rv:?}"))),
        Err(error) => panic!("C_GetAttributeValue: {error}"),
    };
    match info {
        AttributeInfo::TypeInvalid | AttributeInfo::Unavailable => return None,
        AttributeInfo::Sensitive => {
            return Some(Reading::Refused(format!("{:?}", RvError::AttributeSensitive)));
        }
        AttributeInfo::Available(0) => return Some(Reading::Bytes(Vec::new())),
        AttributeInfo::Available(_) => {}
    }
    match session.get_attributes(handle, &[kind]) {
        Ok(values) => values.into_iter().next().map(reading_of),
        Err(Error::Pkcs11(rv, _)) => Some(Reading::Refused(format!("{rv:?}"))),
        // A value that cryptoki has no type for, such as a mechanism of the vendor's.
        Err(error) => Some(Reading::Named(error.to_string())),
    }
}

fn reading_of(attribute: Attribute) -> Reading {
    use Attribute as A;
    match attribute {
        A::Application(b) | A::CheckValue(b) | A::Coefficient(b) | A::EcParams(b) | A::EcPoint(b) => {
            Reading::Bytes(b)
        }
        A::Exponent1(b) | A::Exponent2(b) | A::Id(b) | A::Issuer(b) | A::Label(b) | A::Modulus(b) => {
            Reading::Bytes(b)
        }
        A::HashOfIssuerPublicKey(b) | A::HashOfSubjectPublicKey(b) | A::ObjectId(b) | A::Prime1(b) => {
            Reading::Bytes(b)
        }
        A::Prime2(b) | A::PrivateExponent(b) | A::PublicExponent(b) | A::PublicKeyInfo(b) => {
            Reading::Bytes(b)
        }
        A::SerialNumber(b) | A::Subject(b) | A::Url(b) | A::Value(b) => Reading::Bytes(b),
        A::AlwaysAuthenticate(b) | A::AlwaysSensitive(b) | A::Copyable(b) | A::Decrypt(b) | A::Derive(b) => {
            flag(b)
        }
        A::Destroyable(b) | A::Encrypt(b) | A::Extractable(b) | A::Local(b) | A::Modifiable(b) => flag(b),
        A::NeverExtractable(b) | A::Private(b) | A::Sensitive(b) | A::Sign(b) | A::SignRecover(b) => flag(b),
        A::Token(b) | A::Trusted(b) | A::Unwrap(b) | A::Verify(b) | A::VerifyRecover(b) => flag(b),
        A::Wrap(b) | A::WrapWithTrusted(b) => flag(b),
        // CK_DATE: eight digits.
        A::StartDate(date) | A::EndDate(date) => {
            Reading::Bytes([&date.year[..], &date.month, &date.day].concat())
        }
        A::Class(class) => Reading::Named(class_name(class)),
        other => Reading::Named(format!("{other:?}")),
    }
}

fn flag(value: bool) -> Reading {
    Reading::Bytes(vec![u8::from(value)])
}

fn class_name(class: ObjectClass) -> String {
    class.to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
