//! That a key is about to be made: a run that is killed before its request is kept leaves the note, so that request was never sent.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use usbtoken::driver::TokenIdentity;
use usbtoken::pki::jst_date;
use usbtoken::places::OldCertificate;
use usbtoken::renewal::PendingKey;
use usbtoken::{Certificate, Result};

use super::{Journal, LARGEST_RECORD, private};

const BEGUN: &str = "begun";

/// What a note says: the day in Japan, as `YYYY-MM-DD`, and below it the certificate that is renewed, where that is not on the token.
struct Begun {
    day: String,
    old: Option<OldCertificate>,
}

impl Journal {
    /// Notes that a key is about to be made, for this certificate or for a first one.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn note_begin(
        &self,
        token: &TokenIdentity,
        old: Option<&OldCertificate>,
        now: SystemTime,
    ) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let [path, _] = self.notes(token, serial(old.map(OldCertificate::certificate)).as_deref());
        let day = jst_date(now).to_string();
        let note = match old.filter(|old| old.on_token().is_none()).map(serde_json::to_string) {
            Some(Ok(old)) => format!("{day}\n{old}"),
            // Without it a person has to name the certificate again.
            Some(Err(_)) | None => day,
        };
        private::write(&self.folder, &path, note.as_bytes()).map_err(|error| self.unusable(&path, error))
    }

    /// Takes the note back: the request is kept, or there is no key.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn forget_begin(&self, token: &TokenIdentity, old: Option<&Certificate>) -> Result<()> {
        self.notes(token, serial(old).as_deref()).iter().try_for_each(|note| self.remove_file(note))
    }

    /// Whether this key was made here by a run that ended before its request was kept.
    pub fn was_never_sent(&self, token: &TokenIdentity, key: &PendingKey) -> bool {
        let notes = self.notes(token, key.concerns().as_deref());
        let is_its = |note: &PathBuf| read(note).is_some_and(|note| note.day == key.since());
        self.folder_is_there().unwrap_or(false) && notes.iter().any(is_its)
    }

    /// The certificate from elsewhere that such a key renews.
    pub fn begun_for(&self, token: &TokenIdentity, key: &PendingKey) -> Option<OldCertificate> {
        let is_its = |path: &Path, old: &OldCertificate| {
            let certificate = old.certificate();
            key.renews(certificate)
                && self.notes(token, serial(Some(certificate)).as_deref()).iter().any(|note| note == path)
        };
        self.begun().into_iter().find(|(path, old)| is_its(path, old)).map(|(_, old)| old)
    }

    /// The certificates from elsewhere whose renewals were begun, each with its note.
    pub(super) fn begun(&self) -> Vec<(PathBuf, OldCertificate)> {
        let notes = self.files(|file| file.ends_with(&format!(".{BEGUN}"))).unwrap_or_default();
        notes
            .into_iter()
            .filter_map(|path| Some((read(&path)?.old?, path)))
            .map(|(old, path)| (path, old))
            .collect()
    }

    fn notes(&self, token: &TokenIdentity, old_serial: Option<&str>) -> [PathBuf; 2] {
        self.places(token, old_serial.unwrap_or("first"), BEGUN)
    }
}

/// What cannot be trusted or read is passed over.
fn read(note: &Path) -> Option<Begun> {
    let text = String::from_utf8(private::read(note, LARGEST_RECORD).ok()??).ok()?;
    let (day, old) = text.split_once('\n').unwrap_or((&text, ""));
    Some(Begun { day: day.to_owned(), old: serde_json::from_str(old).ok() })
}

fn serial(old: Option<&Certificate>) -> Option<String> {
    old.map(|old| old.serial().to_string())
}
