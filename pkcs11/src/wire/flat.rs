//! The structures of PKCS#11 in a message: their texts and their numbers, field by field. A host of another bitness has another
//! layout, so that none travels as it lies in memory.

use super::bytes::Bytes;
use crate::types::*;
use serde::{Deserialize, Serialize};

/// The fields of one structure.
#[derive(Serialize, Deserialize)]
pub(crate) struct Fields<'a> {
    #[serde(borrow)]
    bytes: Bytes<'a>,
    numbers: Vec<u64>,
}

/// A number of a structure, or a length, with the 64 bits that it has in a message.
#[allow(clippy::useless_conversion, reason = "CK_ULONG has 32 bits too")]
fn wide(number: CK_ULONG) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What does not fit into this side's numbers is told as CK_UNAVAILABLE_INFORMATION, which it mostly is.
#[allow(clippy::useless_conversion, reason = "CK_ULONG has 32 bits too")]
fn own(number: u64) -> CK_ULONG {
    CK_ULONG::try_from(number).unwrap_or(CK_UNAVAILABLE_INFORMATION)
}

/// A length in a message (`serde(with)`).
pub(crate) mod length {
    use super::{CK_ULONG, own, wide};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(crate) fn serialize<S: Serializer>(length: &CK_ULONG, serializer: S) -> Result<S::Ok, S::Error> {
        wide(*length).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CK_ULONG, D::Error> {
        u64::deserialize(deserializer).map(own)
    }
}

/// A structure that can be taken apart and put together.
pub(crate) trait Flat: Sized {
    fn fields(&self) -> Fields<'static>;
    /// `None` where there are other fields.
    fn of(fields: &Fields<'_>) -> Option<Self>;
}

/// A structure in a message.
#[derive(Clone, Copy)]
pub(crate) struct Structure<T>(pub(crate) T);

impl<T: Flat> Serialize for Structure<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fields().serialize(serializer)
    }
}

impl<'de, T: Flat> Deserialize<'de> for Structure<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        T::of(&fields).map(Structure).ok_or_else(|| serde::de::Error::custom("other fields"))
    }
}

/// Says in which order the fields of a structure stand: texts, versions, numbers.
macro_rules! flat {
    ($name:ident { $($text:ident),* ; $($version:ident),* ; $($number:ident),* }) => {
        impl Flat for $name {
            fn fields(&self) -> Fields<'static> {
                let texts: &[&[u8]] = &[$(&{ self.$text }),*];
                let versions: &[[u8; 2]] = &[$([self.$version.major, self.$version.minor]),*];
                let bytes = [texts.concat(), versions.concat()].concat();
                Fields { bytes: bytes.into(), numbers: vec![$(wide(self.$number)),*] }
            }

            #[allow(unused_mut, unused_variables, unused_assignments, reason = "not every structure has all kinds of fields")]
            fn of(fields: &Fields<'_>) -> Option<Self> {
                let mut structure = $name::default();
                let mut rest: &[u8] = &fields.bytes.0;
                $(
                    let (text, after) = rest.split_first_chunk()?;
                    (structure.$text, rest) = (*text, after);
                )*
                $(
                    let ([major, minor], after) = rest.split_first_chunk()?;
                    (structure.$version, rest) = (CK_VERSION { major: *major, minor: *minor }, after);
                )*
                let mut numbers = fields.numbers.iter().copied();
                $(structure.$number = own(numbers.next()?);)*
                (rest.is_empty() && numbers.next().is_none()).then_some(structure)
            }
        }
    };
}

flat!(CK_INFO { manufacturerID, libraryDescription; cryptokiVersion, libraryVersion; flags });
flat!(CK_SLOT_INFO { slotDescription, manufacturerID; hardwareVersion, firmwareVersion; flags });
flat!(CK_TOKEN_INFO {
    label, manufacturerID, model, serialNumber, utcTime;
    hardwareVersion, firmwareVersion;
    flags, ulMaxSessionCount, ulSessionCount, ulMaxRwSessionCount, ulRwSessionCount, ulMaxPinLen, ulMinPinLen,
    ulTotalPublicMemory, ulFreePublicMemory, ulTotalPrivateMemory, ulFreePrivateMemory
});
flat!(CK_SESSION_INFO { ; ; slotID, state, flags, ulDeviceError });
flat!(CK_MECHANISM_INFO { ; ; ulMinKeySize, ulMaxKeySize, flags });
