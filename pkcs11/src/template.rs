//! Templates: attributes with values that we own, lent to the driver for one call.

use crate::types::{CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_TRUE, CK_ULONG};
use serde::{Deserialize, Serialize};

/// A list of attributes with their values (PKCS#11 v3.1 §4.1).
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Template(Vec<(CK_ATTRIBUTE_TYPE, Value)>);

/// A value. A number stays one until the driver is called: how long it is, is that process's matter.
#[derive(Clone, Serialize, Deserialize)]
enum Value {
    Number(CK_ULONG),
    Bytes(Vec<u8>),
}

impl Template {
    /// An empty one, which every object matches.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a CK_BBOOL.
    pub fn flag(self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        let value: CK_BBOOL = if value { CK_TRUE } else { CK_FALSE };
        self.bytes(kind, &[value])
    }

    /// With a CK_ULONG.
    pub fn number(mut self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.0.push((kind, Value::Number(value)));
        self
    }

    /// With these bytes.
    pub fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, Value::Bytes(value.to_vec())));
        self
    }

    /// The C form; it points into `self` and must not outlive it, which the borrow says.
    pub(crate) fn lend(&mut self) -> Vec<CK_ATTRIBUTE> {
        let lend = |(kind, value): &mut (CK_ATTRIBUTE_TYPE, Value)| {
            let (place, length) = match value {
                // No length that a CK_ULONG has not.
                Value::Number(number) => {
                    (std::ptr::from_mut(number).cast(), size_of::<CK_ULONG>() as CK_ULONG)
                }
                Value::Bytes(bytes) => (bytes.as_mut_ptr().cast(), length(bytes)),
            };
            CK_ATTRIBUTE { type_: *kind, pValue: place, ulValueLen: length }
        };
        self.0.iter_mut().map(lend).collect()
    }
}

/// A length as PKCS#11 counts it. CK_ULONG is 32 bits on Windows; our buffers are far below that.
pub(crate) fn length<T>(slice: &[T]) -> CK_ULONG {
    CK_ULONG::try_from(slice.len()).unwrap_or(CK_ULONG::MAX)
}
