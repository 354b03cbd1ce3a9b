//! The day on which a certificate was installed, from one process to another.

use std::ffi::c_char;

use crate::base::args;
use crate::base::boundary;
use crate::base::status::usbtoken_status;
use crate::find::context::{Context, usbtoken_context};

/// Tells the context on which day a certificate was installed in an earlier process: `record` is its USBTOKEN_INSTALLED_RECORD,
/// which the program has kept. Where the bank takes a new certificate on the next business day only, that counts from this day
/// too: usbtoken_session_retire and the like answer USBTOKEN_NOT_IN_USE_YET until then. What was installed on this computer by this
/// user is known without it: the day is kept in the user's folder for state ($XDG_STATE_HOME/usbtoken, ~/.local/state/usbtoken;
/// %LOCALAPPDATA%), where the command and the enrolment facade keep and find it too. A day that has not come yet counts as today.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_note_installation(
    context: *const usbtoken_context,
    record: *const c_char,
    record_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let record = unsafe { args::text("record", record, record_length) }?;
        let record = serde_json::from_str(record).map_err(|_| args::bad("record", "no_installation"))?;
        context.0.host.note_installation(Some(record));
        Ok(())
    })
}
