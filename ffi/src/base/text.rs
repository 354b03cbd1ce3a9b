//! Text that goes out: NUL-terminated, in UTF-8 and in UTF-16, for as long as its handle lives.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::OnceLock;

/// One text, in both encodings.
#[derive(Debug, Default)]
pub(crate) struct Text {
    utf8: CString,
    utf16: OnceLock<Box<[u16]>>,
}

impl Text {
    /// A NUL inside, which C could not show, is written as `\u{0}`, with every other control character.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let utf8 = CString::new(text).unwrap_or_else(|error| {
            let text = String::from_utf8_lossy(&error.into_vec()).into_owned();
            CString::new(usbtoken::text::printable(&text).into_owned()).unwrap_or_default()
        });
        Text { utf8, utf16: OnceLock::new() }
    }

    pub(crate) fn utf8(&self) -> *const c_char {
        self.utf8.as_ptr()
    }

    pub(crate) fn utf16(&self) -> *const u16 {
        let units =
            self.utf16.get_or_init(|| self.utf8.to_string_lossy().encode_utf16().chain([0]).collect());
        units.as_ptr()
    }

    /// Without the NUL at the end.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.utf8.as_bytes()
    }
}

/// The texts of a handle, by the numbers of their fields.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<(u32, Text)>);

impl Texts {
    #[must_use]
    pub(crate) fn with(mut self, field: u32, text: impl Into<String>) -> Self {
        self.0.push((field, Text::new(text)));
        self
    }

    #[must_use]
    pub(crate) fn with_some(self, field: u32, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.with(field, text),
            None => self,
        }
    }

    pub(crate) fn get(&self, field: u32) -> Option<&Text> {
        self.0.iter().find(|(number, _)| *number == field).map(|(_, text)| text)
    }

    pub(crate) fn utf8(&self, field: u32) -> *const c_char {
        self.get(field).map_or(ptr::null(), Text::utf8)
    }

    pub(crate) fn utf16(&self, field: u32) -> *const u16 {
        self.get(field).map_or(ptr::null(), Text::utf16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_inside_is_shown() {
        assert_eq!(Text::new("a\0b").utf8.to_str().unwrap(), "a\\u{0}b");
    }

    #[test]
    fn utf16_ends_with_a_nul() {
        let text = Text::new("更新😀");
        let _ = text.utf16();
        assert_eq!(text.utf16.get().unwrap().last(), Some(&0));
        assert_eq!(text.utf16.get().unwrap().len(), 2 + 2 + 1);
    }
}
