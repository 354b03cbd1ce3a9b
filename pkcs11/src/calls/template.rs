//! Templates: attributes with values that we own, lent to the driver for one call.

use crate::types::{CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_TRUE, CK_ULONG};

/// A list of attributes with their values (PKCS#11 v3.1 §4.1).
#[derive(Clone, Default)]
pub struct Template(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

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
    pub fn number(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// With these bytes.
    pub fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, value.to_vec()));
        self
    }

    /// The C form; it points into `self` and must not outlive it, which the borrow says.
    pub(super) fn lend(&mut self) -> Vec<CK_ATTRIBUTE> {
        self.0
            .iter_mut()
            .map(|(kind, value)| CK_ATTRIBUTE {
                type_: *kind,
                pValue: value.as_mut_ptr().cast(),
                ulValueLen: length(value),
            })
            .collect()
    }
}

/// A length as PKCS#11 counts it. CK_ULONG is 32 bits on Windows; our buffers are far below that.
pub(super) fn length<T>(slice: &[T]) -> CK_ULONG {
    CK_ULONG::try_from(slice.len()).unwrap_or(CK_ULONG::MAX)
}
