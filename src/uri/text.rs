//! A text in a URI.

use std::hash::{Hash, Hasher};

use usbtoken_pkcs11::text::unpadded;

/// A text that is held against what a driver says, and the bytes by which other programs hold it against that: they take no
/// padding but blanks away, and know no alphabet. Equal when the texts are.
#[derive(Clone, Debug)]
pub(super) struct Text {
    text: String,
    bytes: Box<[u8]>,
}

impl Text {
    /// As these bytes stand in a URI or in a driver's field, padding included.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        Text { text: unpadded(bytes), bytes: bytes.get(..end).unwrap_or_default().into() }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
