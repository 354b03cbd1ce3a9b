//! Bytes or text that the library made for the caller.

use std::ffi::c_char;
use std::ptr;

use crate::base::boundary;
use crate::base::handle::Noun;
use crate::base::text::Text;

/// Bytes or text that the library made.
pub struct usbtoken_buffer(());

/// What a buffer holds.
pub(crate) enum Buffer {
    Bytes(Vec<u8>),
    Text(Text),
}

impl Noun for Buffer {
    type Opaque = usbtoken_buffer;
}

impl Buffer {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Buffer::Text(Text::new(text))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Bytes(bytes) => bytes,
            Buffer::Text(text) => text.bytes(),
        }
    }
}

/// The bytes, or the text in UTF-8; NULL when the handle is not a living one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_buffer_data(buffer: *const usbtoken_buffer) -> *const u8 {
    boundary::read::<Buffer, _>(buffer, ptr::null(), |buffer| Some(buffer.bytes().as_ptr()))
}

/// How many bytes there are; the NUL that ends a text is not counted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_buffer_size(buffer: *const usbtoken_buffer) -> usize {
    boundary::read::<Buffer, _>(buffer, 0, |buffer| Some(buffer.bytes().len()))
}

/// The text, NUL-terminated; NULL when the buffer holds bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_buffer_text(buffer: *const usbtoken_buffer) -> *const c_char {
    boundary::read::<Buffer, _>(buffer, ptr::null(), |buffer| match buffer {
        Buffer::Text(text) => Some(text.utf8()),
        Buffer::Bytes(_) => None,
    })
}

/// As usbtoken_buffer_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_buffer_text_utf16(buffer: *const usbtoken_buffer) -> *const u16 {
    boundary::read::<Buffer, _>(buffer, ptr::null(), |buffer| match buffer {
        Buffer::Text(text) => Some(text.utf16()),
        Buffer::Bytes(_) => None,
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_buffer_free(buffer: Option<&mut *mut usbtoken_buffer>) {
    boundary::free::<Buffer>(buffer);
}
