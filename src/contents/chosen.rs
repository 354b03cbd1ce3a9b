//! The choice that was made before the login, made again in what shows after it; and the one that seems to follow a certificate
//! from elsewhere.

use super::choice::{Choice, Narrowed};
use super::credential::Credential;
use super::credentials::Credentials;
use super::left_out::named;
use super::record::Marking;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::Certificate;

impl Credentials {
    /// Those that the same choice leaves of this list.
    fn chosen_by(self, choice: &Choice) -> Self {
        choice.iter().fold(self, |all, narrowed| match narrowed {
            Narrowed::Renewable(window, now) => all.renewable(*window, *now),
            Narrowed::WithoutSuccessor => all.without_successor(),
            Narrowed::ToRenew(known) => all.to_renew(|one| known.contains(one)),
            Narrowed::Without(these) => all.without(|one| these.contains(one.certificate())),
            Narrowed::SaidRenewed(kept) => all.said_renewed(kept),
            Narrowed::Id(id) => all.by_id(id),
            Narrowed::Serial(serial) => all.by_serial(serial),
            Narrowed::NamedBy(uri) => all.named_by(uri).unwrap_or_default(),
        })
    }
}

impl Credential {
    /// Makes the choice again in what the logged-in user sees, where it was made before the login. A copy of the same
    /// certificate is no other one, nor is one that stands in a row of renewals with it, unless one in another name is due as well.
    ///
    /// # Errors
    /// [`Code::CredentialAmbiguous`], which lists the candidates.
    pub(crate) fn is_still_the_only_one(&self, all: &Credentials) -> Result<()> {
        let Some(choice) = &self.chosen else { return Ok(()) };
        let now = all.clone().chosen_by(choice);
        let row = all.iter().find(|one| one.certificate() == self.certificate()).map(|one| one.row);
        let is_in_row = |one: &Credential| {
            let renews = !choice.is_for_renewal() || one.certificate().has_same_holder(self.certificate());
            Some(one.row) == row && renews
        };
        let is_other = |one: &&Credential| one.certificate() != self.certificate() && !is_in_row(one);
        let others: Vec<_> = now.iter().filter(is_other).collect();
        if others.is_empty() {
            return Ok(());
        }
        let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
        Err([self]
            .into_iter()
            .chain(others)
            .fold(error, |error, one| error.fact(Fact::Candidate, named(one))))
    }
}

impl Credentials {
    /// The one whose record says that it takes the place of a certificate which is not on this token. Anybody can write that on
    /// some tokens: it is for showing.
    pub fn said_to_replace(&self, old: &Certificate) -> Option<&Credential> {
        self.iter().filter(|one| one.certificate().not_after() > old.not_after()).find(|one| {
            let marking = Marking::of(one.stored_label().bytes());
            marking.record().is_some_and(|record| record.names_by_digest() && record.concerns(old))
        })
    }
}
