//! What one place holds, and the choice among it.

use super::old::OldCertificate;
use super::place::Place;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, Window, is_named};
use std::time::SystemTime;

/// The users' certificates in one place; CAs' are known beside them and are none of these.
#[derive(Clone, Debug)]
pub struct InPlace {
    place: Place,
    list: Vec<OldCertificate>,
    authorities: Vec<Certificate>,
}

impl InPlace {
    /// Sorts what is in a place: `with_key` are those whose private keys are there too, which are meant where there are any.
    pub(super) fn of(place: Place, all: Vec<Certificate>, with_key: &[Certificate]) -> Result<Self> {
        let mut each: Vec<Certificate> = Vec::with_capacity(all.len());
        for certificate in all {
            if !each.contains(&certificate) {
                each.push(certificate);
            }
        }
        let (authorities, users): (Vec<_>, Vec<_>) = each.into_iter().partition(Certificate::is_ca);
        let has_key = |one: &Certificate| with_key.contains(one);
        let keys_count = users.iter().any(has_key);
        let meant = users.into_iter().filter(|one| !keys_count || has_key(one));
        let list = meant.map(|one| OldCertificate::elsewhere(one, place.clone(), &authorities));
        let list = list.collect::<Result<_>>()?;
        Ok(InPlace { place, list, authorities })
    }

    /// The same with each certificate in a place of its own, where it has one.
    pub(super) fn each_at(mut self, place: impl Fn(&Certificate) -> Option<Place>) -> Self {
        let at = |one: OldCertificate| match place(one.certificate()) {
            Some(place) => one.at(place),
            None => one,
        };
        self.list = self.list.into_iter().map(at).collect();
        self
    }

    /// The same, each read from a file with this SHA-256 (in hexadecimal).
    pub(super) fn in_file(mut self, sha256: &str) -> Self {
        self.list = self.list.into_iter().map(|one| one.in_file(Some(sha256.to_owned()))).collect();
        self
    }

    /// The place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The certificates, in the order in which they stand there.
    pub fn iter(&self) -> std::slice::Iter<'_, OldCertificate> {
        self.list.iter()
    }

    /// Those with this serial number, in hexadecimal; case, colons and leading zeros do not matter. `sha256:` and the fingerprint names one.
    ///
    /// # Errors
    /// [`Code::OldNotFound`] with what is there when none has it.
    pub fn by_serial(mut self, serial: &str) -> Result<Self> {
        let is_named = is_named(serial);
        let is_meant = |one: &OldCertificate| is_named(one.certificate());
        if !self.list.iter().any(is_meant) {
            return Err(self.with_candidates(self.error(Code::OldNotFound).fact(Fact::Expected, serial)));
        }
        self.list.retain(is_meant);
        Ok(self)
    }

    /// Those that can be renewed now in this window, where there are any; else all of them, so that it can be said why not.
    #[must_use]
    pub fn renewable(mut self, window: &Window, now: SystemTime) -> Self {
        let is_open = |one: &OldCertificate| one.not_renewable_because(window, now).is_none();
        if self.list.iter().any(is_open) {
            self.list.retain(is_open);
        }
        self
    }

    /// The only one.
    ///
    /// # Errors
    /// [`Code::OldAmbiguous`], which lists the candidates; [`Code::OldIsCa`] when there are CAs' alone; [`Code::OldNotFound`]
    /// when there is none.
    pub fn only(mut self) -> Result<OldCertificate> {
        match (self.list.pop(), self.list.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                self.list.push(last);
                Err(self.with_candidates(self.error(Code::OldAmbiguous)))
            }
            (None, _) => {
                let code = if self.authorities.is_empty() { Code::OldNotFound } else { Code::OldIsCa };
                let named = self.authorities.iter().map(|ca| ca.subject().to_string());
                Err(named.fold(self.error(code), |error, ca| error.fact(Fact::Found, ca)))
            }
        }
    }

    fn error(&self, code: Code) -> Error {
        Error::new(code).during(Step::ReadPlace).fact(Fact::Place, &self.place)
    }

    fn with_candidates(&self, error: Error) -> Error {
        self.list.iter().fold(error, |error, one| {
            let (subject, serial) = (one.subject(), one.certificate().serial());
            error.fact(Fact::Candidate, format!("{subject} (serial {serial})"))
        })
    }
}
