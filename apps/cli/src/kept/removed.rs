//! What else was done here for a certificate: that it was removed because another took its place, that it waits on another
//! token.

use std::collections::HashSet;
use std::path::Path;

use usbtoken::driver::TokenIdentity;
use usbtoken::pki::PublicKey;
use usbtoken::renewal::Retired;
use usbtoken::{Certificate, Code, Credential, Credentials, Result, Run, Session};

use super::Keeper;
use crate::files;
use crate::journal::{Journal, Removed};

impl Keeper {
    /// Makes sure that a file is no place of an old certificate whose renewal waits, on whichever token.
    ///
    /// # Errors
    /// [`usbtoken::Code::FileUnwritable`].
    pub fn check_apart(&self, path: &Path) -> Result<()> {
        let all = self.journal.iter().flat_map(Journal::all_from_elsewhere);
        all.into_iter().try_for_each(|old| files::check_apart(path, &old))
    }

    /// The tokens on which the renewal of this certificate from elsewhere waits.
    pub fn ordered(&self, old: &Certificate) -> Vec<TokenIdentity> {
        self.journal.iter().flat_map(|journal| journal.renewing(old)).map(|entry| entry.token).collect()
    }

    /// Those of them that are not this token.
    pub fn ordered_beside(&self, token: &TokenIdentity, old: &Certificate) -> Vec<TokenIdentity> {
        self.ordered(old).into_iter().filter(|other| !other.is_same_token(token)).collect()
    }

    /// The token that this certificate was renewed onto here, and by what, where it is another than this one.
    pub fn renewed_beside(
        &self,
        token: Option<&TokenIdentity>,
        old: &Certificate,
    ) -> Option<(TokenIdentity, Certificate)> {
        let run = Run::default().installations_in(self.folder()?);
        run.renewed_onto(old).filter(|(other, _)| !token.is_some_and(|token| token.is_same_token(other)))
    }

    /// Whether that renewal is shown to be there no more by what its token shows.
    pub fn renewal_is_gone(&self, old: &Certificate, token: &TokenIdentity, shown: &Credentials) -> bool {
        let Some(folder) = self.folder() else { return false };
        Run::default().installations_in(folder).renewal_is_gone(old, token, shown)
    }

    /// Notes that a credential was removed for this certificate. Without the note a run that goes on naming it says that it is
    /// not there; that is all.
    pub fn note_removed(&self, session: &Session, old: &Credential, retired: &Retired) {
        self.note(&Removed::of(session.token().identity(), old, retired));
    }

    /// The same of what is known otherwise.
    pub fn note(&self, removed: &Removed) {
        if let Some(journal) = &self.journal {
            let _ = journal.note_removed(removed);
        }
    }

    /// The removals that have begun on this token, and of which nobody has seen that they came to their end.
    pub fn begun(&self, token: &TokenIdentity) -> Vec<Removed> {
        let run = self.folder().map(|folder| Run::default().installations_in(folder));
        let begun = run.map(|run| run.begun_removals(token)).unwrap_or_default().into_iter();
        begun.map(|begun| Removed::begun(token, begun)).collect()
    }

    /// Notes that a person was told why a credential stays. Without the note it is said as an error each day.
    pub fn note_told(&self, session: &Session, old: &Credential, why: Code) {
        if let Some(journal) = &self.journal {
            let _ = journal.note_told(session.token().identity(), old.certificate(), why);
        }
    }

    /// Whether a person was told so.
    pub fn was_told(&self, session: &Session, old: &Credential, why: Code) -> bool {
        let token = session.token().identity();
        self.journal.as_ref().is_some_and(|journal| journal.was_told(token, old.certificate(), why))
    }

    /// The requests that were made here: each by its public key and the serial number of what it renews, empty for a first certificate.
    pub fn requests(&self) -> Vec<(PublicKey, String)> {
        self.journal.as_ref().map(Journal::requests).unwrap_or_default()
    }

    /// The fingerprints of the certificates that were removed here, from whichever token.
    pub fn fingerprints_of_removed(&self) -> HashSet<String> {
        let removed = self.journal.as_ref().map(Journal::all_removed).unwrap_or_default();
        removed.into_iter().map(|one| one.fingerprint).collect()
    }

    /// The same run, which knows as well what was removed here and what had taken its place.
    pub fn remembering<'a>(&self, run: Run<'a>) -> Run<'a> {
        let removed = self.journal.as_ref().map(Journal::all_removed).unwrap_or_default();
        run.replaced(removed.into_iter().map(|one| (one.fingerprint, one.successor)))
    }

    /// What was removed last of the row in which the one is that is meant, with that.
    pub fn last_removed(
        &self,
        token: &TokenIdentity,
        is_meant: impl Fn(&Removed) -> bool,
    ) -> Option<Removed> {
        let mut removed = self.journal.as_ref()?.removed(token).ok()?;
        for begun in self.begun(token) {
            removed.retain(|one| one.fingerprint != begun.fingerprint);
            removed.push(begun);
        }
        let mut last = removed.iter().filter(|one| is_meant(one));
        let meant = last.next().filter(|_| last.next().is_none())?;
        let mut one = meant;
        // A row is no longer than what was noted.
        for _ in &removed {
            match removed.iter().find(|later| one.made_room_for(later)) {
                Some(later) => one = later,
                None => break,
            }
        }
        let earlier = (one != meant).then(|| Box::new(meant.clone()));
        let mut last = one.clone();
        last.meant = earlier;
        Some(last)
    }
}
