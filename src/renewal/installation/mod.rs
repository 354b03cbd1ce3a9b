//! The record of an installation: which certificate, and on which day.

mod kept;

pub use self::kept::{BegunAbandonment, BegunRemoval, KeptRequest};
pub(super) use self::kept::{Kept, KeptInstallations};

use base16ct::lower::encode_string as hex;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use super::clock::Clock;
use crate::pki::{Certificate, IssuerContinuity, jst_date};

/// The only version of the record that was ever written.
const VERSION: u32 = 1;

/// On which day a certificate was installed: what a program keeps for a later process, where the bank takes a new one only some
/// days later ([`Begins`](crate::bank::Begins)). The token does not tell it, and what a CA writes may be days before.
/// [`Run::installations`](crate::Run::installations) takes it; [`Run::installations_in`](crate::Run::installations_in) keeps it by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    version: u32,
    /// SHA-256 of the certificate, in hexadecimal.
    certificate: String,
    /// In Japan, by the clock of the computer.
    day: Date,
    /// The same of the certificate in whose place it was issued, where this program knows that by its own request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// Whether it was shown then that both come from one CA.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    one_issuer: bool,
}

impl Installation {
    pub(super) fn new(certificate: &Certificate, day: Date) -> Self {
        Installation {
            version: VERSION,
            certificate: fingerprint(certificate),
            day,
            replaces: None,
            one_issuer: false,
        }
    }

    pub(super) fn in_place_of(self, old: &Certificate, one_issuer: bool) -> Self {
        Installation { replaces: Some(fingerprint(old)), one_issuer, ..self }
    }

    /// The same, in place of what this program had ordered it for.
    pub(super) fn renewing(self, old: Option<&Certificate>, issuer: IssuerContinuity) -> Self {
        match old {
            Some(old) => self.in_place_of(old, issuer.is_shown()),
            None => self,
        }
    }

    /// Whether it says that the one was issued in the other one's place.
    pub(super) fn shows(&self, old: &Certificate, new: &Certificate) -> bool {
        self.is_of(new) && self.replaces.as_ref().is_some_and(|replaces| *replaces == fingerprint(old))
    }

    /// SHA-256 of the certificate, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.certificate
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        self.version == VERSION && self.certificate == fingerprint(certificate)
    }

    /// The day, where it is that of this certificate. One that has not come yet was written by a wrong clock, and another version says
    /// no day: such a certificate counts as installed today.
    fn day_of(&self, certificate: &Certificate, today: Date) -> Option<Date> {
        let day = if self.version == VERSION { self.day.min(today) } else { today };
        (self.certificate == fingerprint(certificate)).then_some(day)
    }
}

/// What a run knows of installations: by the records that its program gave it, and by those of the folder that it named.
#[derive(Clone, Debug, Default)]
pub(super) struct Installations {
    given: Vec<Installation>,
    kept: Option<KeptInstallations>,
}

impl Installations {
    pub(super) fn give(&mut self, records: impl IntoIterator<Item = Installation>) {
        self.given.extend(records);
    }

    pub(super) fn keep_in(&mut self, folder: PathBuf) {
        self.kept = Some(KeptInstallations::in_folder(folder));
    }

    /// Keeps the record of an installation that begins, in place of any that began before.
    pub(super) fn begin(&self, record: &Installation) {
        // Kept once more when it is done, and where that fails, too, it is said.
        let _ = self.kept.as_ref().map(|kept| kept.keep(record));
    }

    /// Keeps the record of an installation for later processes, unless it is kept already.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(&self, record: &Installation, certificate: &Certificate) -> Result<(), NotKept> {
        let Some(kept) = &self.kept else { return Ok(()) };
        if matches!(kept.of(certificate, today()), Kept::Record(_)) {
            return Ok(());
        }
        kept.keep(record).map_err(|error| NotKept { path: kept.path(certificate), error })
    }

    /// Where a folder is kept.
    pub(super) fn kept(&self) -> Option<&KeptInstallations> {
        self.kept.as_ref()
    }

    /// Whether the one was installed in place of the other.
    pub(super) fn shows(&self, old: &Certificate, new: &Certificate) -> bool {
        self.any(new, |record| record.shows(old, new))
    }

    /// Whether it was shown at the installation, or when a removal began that has not ended, that one CA has issued both.
    pub(super) fn shows_one_issuer(&self, old: &Certificate, new: &Certificate) -> bool {
        let begun = self.kept.as_ref().is_some_and(|kept| kept.begun_for_one_issuer(old, new));
        begun || self.any(new, |record| record.one_issuer && record.shows(old, new))
    }

    /// What was installed in place of which certificate, by the SHA-256 of both in hexadecimal.
    pub(super) fn replaced(&self) -> HashMap<String, String> {
        let kept = self.kept.as_ref().map(KeptInstallations::all).unwrap_or_default();
        let all = kept.into_iter().chain(self.given.iter().cloned());
        let of_this_version = all.filter(|record| record.version == VERSION);
        of_this_version.filter_map(|record| Some((record.replaces?, record.certificate))).collect()
    }

    fn any(&self, new: &Certificate, says_so: impl Fn(&Installation) -> bool) -> bool {
        self.all_of(new).any(|record| says_so(&record))
    }

    /// What is known of the installation of this certificate; of several records what says most.
    pub(super) fn of(&self, certificate: &Certificate) -> Option<Installation> {
        let day = self.day_of(certificate)?;
        let record =
            self.all_of(certificate).max_by_key(|record| (record.replaces.is_some(), record.one_issuer));
        record.map(|record| Installation { day, ..record })
    }

    fn all_of(&self, new: &Certificate) -> impl Iterator<Item = Installation> {
        let kept = self.kept.as_ref().and_then(|kept| match kept.of(new, today()) {
            Kept::Record(record) | Kept::Unusable(record) => Some(record),
            Kept::Nothing => None,
        });
        kept.into_iter().chain(self.given.iter().filter(|record| record.is_of(new)).cloned())
    }

    /// The day in Japan on which this certificate was installed, where that is known. What is there and cannot be used counts as of today,
    /// and is kept so, that tomorrow it is a day old.
    pub(super) fn day_of(&self, certificate: &Certificate) -> Option<Date> {
        let today = today();
        let given = self.given.iter().filter_map(|record| record.day_of(certificate, today)).max();
        let kept = self.kept.as_ref().and_then(|kept| match kept.of(certificate, today) {
            Kept::Nothing => None,
            Kept::Record(record) => Some(record.day),
            Kept::Unusable(record) => {
                // Where that fails, the same is said tomorrow: the file can be removed.
                let _ = kept.keep(&record);
                Some(today)
            }
        });
        given.max(kept)
    }
}

/// A record that could not be kept.
pub(super) struct NotKept {
    pub(super) path: PathBuf,
    pub(super) error: io::Error,
}

fn today() -> Date {
    jst_date(Clock::SYSTEM.now())
}

fn fingerprint(certificate: &Certificate) -> String {
    hex(&certificate.fingerprint())
}

#[cfg(test)]
mod tests;
