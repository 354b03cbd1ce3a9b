//! The mark of a PIN that was sent and not taken, kept for each token.

use std::path::PathBuf;
use std::time::SystemTime;

use usbtoken::Result;
use usbtoken::driver::TokenIdentity;
use usbtoken::pki::jst_date;

use super::{Journal, LARGEST_RECORD, invalid, private};

const WRONG_PIN: &str = "wrong-pin";
/// Stands behind the day where a change of the PIN was under way. Earlier releases noted the day alone.
const CHANGE: &str = " pin-change";

/// What is noted of a PIN that a token did not take, or did not answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongPin {
    /// The day in Japan on which it was sent, as `YYYY-MM-DD`.
    pub day: String,
    /// Whether it was sent to change the PIN, and whether that was done is not known: the new one may hold.
    pub in_change: bool,
}

impl WrongPin {
    /// One that is sent today.
    pub fn today(in_change: bool) -> Self {
        WrongPin { day: jst_date(SystemTime::now()).to_string(), in_change }
    }

    fn parsed(note: Vec<u8>) -> Option<Self> {
        let note = String::from_utf8(note).ok()?;
        let (day, in_change) = match note.strip_suffix(CHANGE) {
            Some(day) => (day, true),
            None => (&*note, false),
        };
        let is_day = day.len() == 10 && day.is_ascii();
        is_day.then(|| WrongPin { day: day.to_owned(), in_change })
    }

    fn text(&self) -> String {
        format!("{}{}", self.day, if self.in_change { CHANGE } else { "" })
    }
}

impl Journal {
    /// Makes sure that a wrong PIN could be noted: an empty note, all that a full disk takes, is as good as another.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn prepare_note(&self) -> Result<()> {
        private::try_file(&self.folder).map_err(|error| self.unusable(&self.folder, error))
    }

    /// Notes that this token took a PIN for wrong, or is sent one, so that no program sends it again before a person has logged in.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn note_wrong_pin(&self, token: &TokenIdentity, wrong: &WrongPin) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.wrong_pin(token);
        private::write_or_touch(&self.folder, &path, wrong.text().as_bytes())
            .map_err(|error| self.unusable(&path, error))
    }

    /// Notes it as it was noted before, at that moment.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn restore_wrong_pin(
        &self,
        token: &TokenIdentity,
        wrong: &WrongPin,
        noted: SystemTime,
    ) -> Result<()> {
        self.note_wrong_pin(token, wrong)?;
        let path = self.wrong_pin(token);
        private::set_modified(&path, noted).map_err(|error| self.unusable(&path, error))
    }

    /// What was noted of a PIN that was last sent to this token and that it did not take; `None`: since then a person has logged
    /// in, or there was none.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable) when something is in its place that was not written here.
    pub fn wrong_pin_before(&self, token: &TokenIdentity) -> Result<Option<WrongPin>> {
        // Where an earlier release has noted one too, both say the same.
        let path = self.found(token, "", WRONG_PIN);
        let note = private::read(&path, LARGEST_RECORD).map_err(|error| self.unusable(&path, error))?;
        let Some(note) = note else { return Ok(None) };
        WrongPin::parsed(note).map(Some).ok_or_else(|| self.unusable(&path, invalid("no_date")))
    }

    /// The moment at which that was noted.
    pub fn wrong_pin_noted(&self, token: &TokenIdentity) -> Option<SystemTime> {
        std::fs::symlink_metadata(self.found(token, "", WRONG_PIN)).ok()?.modified().ok()
    }

    /// The same clock's moment now; `None` where no file can be made.
    pub fn now(&self) -> Option<SystemTime> {
        private::now(&self.folder).ok()
    }

    /// Forgets it: a person has logged in, or the token took what was sent.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn forget_wrong_pin(&self, token: &TokenIdentity) -> Result<()> {
        match self.wrong_pin_before(token) {
            Ok(None) => Ok(()),
            // Also what was not written here: it would keep programs out for ever.
            Ok(Some(_)) | Err(_) => {
                let marks = self.places(token, "", WRONG_PIN);
                marks.iter().try_for_each(|mark| self.remove_file(mark))
            }
        }
    }

    fn wrong_pin(&self, token: &TokenIdentity) -> PathBuf {
        self.place(token, "", WRONG_PIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_whether_a_change_was_under_way_and_an_old_one_is_a_day() {
        let parsed = |note: &str| WrongPin::parsed(note.into());
        for in_change in [false, true] {
            let wrong = WrongPin::today(in_change);
            assert_eq!(parsed(&wrong.text()), Some(wrong));
        }
        assert_eq!(parsed("2026-01-05"), Some(WrongPin { day: "2026-01-05".to_owned(), in_change: false }));
        for odd in ["", "2026-01-5", "2026-01-05\n", "2026-01-05 pin-changed", " pin-change"] {
            assert_eq!(parsed(odd), None, "{odd:?}");
        }
    }
}
