//! The order's reference number at the bank or its CA, which stands with the pending key and in errors.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use crate::base::args;
use crate::base::boundary;
use crate::base::handle;
use crate::base::status::usbtoken_status;
use crate::find::context::{Context, usbtoken_context};
use crate::values::buffer::{Buffer, usbtoken_buffer};

/// Notes the order's reference number of the pending key with this identifier (USBTOKEN_PENDING_ID, USBTOKEN_RENEWAL_ID):
/// one line of at most 100 characters, in UTF-8. From then on USBTOKEN_PENDING_REFERENCE has it, and so does the report of
/// every error that is about this key, or about none while this number is the only one. `reference` NULL forgets it.
///
/// The library keeps nothing of it beyond the context: the program keeps the number with its order, and notes it again in
/// another process. The command `usbtoken` keeps its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_note_order(
    context: *const usbtoken_context,
    pending_id: *const c_char,
    pending_id_length: usize,
    reference: *const c_char,
    reference_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let id = unsafe { args::text("pending_id", pending_id, pending_id_length) }?;
        // SAFETY: rule 4 of the header.
        let reference = unsafe { args::optional_text("reference", reference, reference_length) }?;
        context.0.host.orders().note(id, reference)
    })
}

/// Writes the order's reference number that was noted for the key with this identifier: USBTOKEN_PENDING_ID,
/// USBTOKEN_RENEWAL_ID, and once its certificate is installed USBTOKEN_CREDENTIAL_ID. It is a text (usbtoken_buffer_text,
/// usbtoken_buffer_text_utf16), and `*out` is NULL where none was noted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_order(
    context: *const usbtoken_context,
    key_id: *const c_char,
    key_id_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        let out = args::required("out", out)?;
        out.write(ptr::null_mut());
        // SAFETY: rule 4 of the header.
        let id = unsafe { args::text("key_id", key_id, key_id_length) }?;
        if let Some(reference) = context.0.host.orders().of_given(id)? {
            out.write(handle::give(Buffer::text(reference))?);
        }
        Ok(())
    })
}

/// As usbtoken_context_note_order, in UTF-16; lengths are in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_note_order_utf16(
    context: *const usbtoken_context,
    pending_id: *const u16,
    pending_id_length: usize,
    reference: *const u16,
    reference_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let id = unsafe { args::wide("pending_id", pending_id, pending_id_length) }?;
        let reference = match reference.is_null() {
            true => None,
            // SAFETY: rule 4 of the header.
            false => Some(unsafe { args::wide("reference", reference, reference_length) }?),
        };
        context.0.host.orders().note(&id, reference.as_ref().map(|text| text.as_str()))
    })
}
