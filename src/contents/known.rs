//! What takes the place of a certificate by what a program has kept, where nothing on the token says it: others between them
//! have gone.

use super::Contents;
use super::choice::Narrowed;
use super::credential::Credential;
use super::credentials::Credentials;
use super::signer::Signer;
use super::successor::Successor;
use crate::error::Result;
use crate::pki::Certificate;
use base16ct::lower::encode_string as hex;
use std::collections::HashMap;

impl Credentials {
    /// Marks as said to be renewed those that nothing on the token takes the place of, and one of these does by what a caller has kept: what
    /// took the place of which certificate, by the SHA-256 of both in hexadecimal.
    pub(crate) fn said_renewed(mut self, kept: &HashMap<String, String>) -> Self {
        if kept.is_empty() {
            return self;
        }
        let name = |one: &Credential| hex(&one.certificate().fingerprint());
        let names: Vec<String> = self.iter().map(name).collect();
        let places: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let follower = |old: &Credential, name: &str| {
            let mut next = kept.get(name);
            // A row is no longer than what was kept.
            for _ in 0..kept.len() {
                let found = places.get(next?.as_str()).and_then(|at| self.list.get(*at));
                if let Some(new) = found {
                    let is_later = new.certificate().not_after() > old.certificate().not_after();
                    return is_later
                        .then(|| Box::new(Successor::said(new.id(), new.certificate(), new.successor())));
                }
                next = kept.get(next?);
            }
            None
        };
        let said: Vec<Option<Box<Successor>>> = self
            .iter()
            .zip(&names)
            .map(|(one, name)| if one.successor().is_none() { follower(one, name) } else { None })
            .collect();
        if said.iter().any(Option::is_some) {
            self.choice.add(Narrowed::SaidRenewed(kept.clone()));
        }
        for (one, said) in self.list.iter_mut().zip(said) {
            one.successor = said.or(one.successor.take());
        }
        self
    }
}

impl Contents {
    /// What takes the place of a certificate by what the caller has kept, and is on the token, once its key has signed; of several the one
    /// that ends last. `names`: the SHA-256 of what has taken it, in hexadecimal.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn shown_by_name(
        &mut self,
        signer: &dyn Signer,
        old: &Certificate,
        names: &[String],
    ) -> Result<Option<Credential>> {
        if names.is_empty() {
            return Ok(None);
        }
        let is_it = |new: &&Certificate| {
            let is_later = !new.is_ca() && new.not_after() > old.not_after();
            is_later && names.contains(&hex(&new.fingerprint()))
        };
        let all = self.certificates.iter().filter_map(|held| held.certificate.as_ref());
        let last = all.filter(is_it).max_by_key(|new| new.not_after()).cloned();
        last.map_or(Ok(None), |new| self.shown(signer, &new))
    }

    /// The same, as a list shows it.
    ///
    /// # Errors
    /// As [`Contents::shown_by_name`].
    pub(crate) fn successor_by_name(
        &mut self,
        signer: &dyn Signer,
        old: &Certificate,
        names: &[String],
    ) -> Result<Option<Successor>> {
        let shown = self.shown_by_name(signer, old, names)?;
        let place = shown.and_then(|new| self.place_of(new.certificate()).zip(Some(new)));
        Ok(place.and_then(|(at, new)| self.successor_at(at, self.is_renewed_by(old, new.certificate()))))
    }
}
