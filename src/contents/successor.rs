//! Which credential has a successor, for showing: by the records on private keys after the login, and before it by those
//! on public objects, which anybody can write on some tokens.

use super::Contents;
use super::held::put;
use super::record::{Marking, Record, old_digest};
use super::signer::Signer;
use crate::driver::Signed;
use crate::error::{self, Family};
use crate::pki::{Certificate, IssuerContinuity, Window, another_key_issued, issuer_continuity, jst_rfc3339};
use base16ct::lower::encode_string as hex;
use jiff::civil::Date;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::SystemTime;

/// The credential that takes the place of another one on the same token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Successor {
    /// The CKA_ID, which the certificate shares with its key pair.
    pub id: Vec<u8>,
    /// The certificate.
    pub certificate: Certificate,
    /// Whether that is sure: the record on its private key names the older certificate, or both have one key, that key
    /// has signed, both certificates have one subject, and neither the issuers' names nor CA certificates on the token say that another
    /// CA has issued the new one. Else only public objects say so, which anybody can write on some
    /// tokens, or the record may have come from another user's key.
    pub proven: bool,
    /// Whether another program has written the certificate under another CKA_ID than its key's, which is of a job of ours: programs that
    /// go by that find no pair. An installation writes it beside its key.
    pub apart: bool,
    /// Whether that key has signed, whatever the subjects are.
    pub(crate) signed: bool,
    /// Whether another private key has the same record.
    pub(super) twice: bool,
    /// Whether it may be another program's certificate for the old one's key ([`OnOneKey::Stranger`]).
    pub(super) strange: bool,
    /// The end of the last one, where this one has a successor itself.
    last_end: SystemTime,
}

/// That a credential is renewed, as the error [`Code::AlreadyRenewed`](crate::Code::AlreadyRenewed) says it:
/// [`Error::value`](crate::Error::value).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renewed {
    /// The credential that takes its place.
    pub by: Successor,
    /// The day in Japan from which the one in use can be renewed.
    pub renewable_from: Date,
}

/// What says that one certificate takes the place of another, each by its place.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) old: usize,
    pub(super) new: usize,
    /// Whether the key of the new one has signed.
    pub(super) signed: bool,
    /// Whether it is more than said: the key has signed, both have one name, and nothing says that another CA has issued the new one.
    pub(super) sure: bool,
    /// Whether the record that says it is on another private key too.
    pub(super) twice: bool,
    /// Whether it stands in the old one's place on the old one's key, and may be another program's.
    pub(super) strange: bool,
}

/// The certificates by what records name them by.
#[derive(Default)]
pub(super) struct Names {
    by_digest: HashMap<[u8; 8], Vec<usize>>,
    by_serial: HashMap<String, Vec<usize>>,
}

impl Successor {
    /// That this one takes the place of another, as a caller says who has kept it.
    pub(super) fn said(id: &[u8], certificate: &Certificate, next: Option<&Successor>) -> Self {
        let not_after = certificate.not_after();
        Successor {
            id: id.to_vec(),
            certificate: certificate.clone(),
            proven: false,
            apart: false,
            signed: false,
            twice: false,
            strange: false,
            last_end: next.map_or(not_after, |next| next.last_end),
        }
    }

    /// The day in Japan on which the window of the one in use opens: this one, or the last of those that follow it.
    pub fn renewable_from(&self, window: &Window) -> Date {
        window.opens_on(self.last_end)
    }
}

/// For programs: the window is the usual one, moments and days are those of Japan.
impl Serialize for Successor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut successor = serializer.serialize_struct("Successor", 6)?;
        successor.serialize_field("id", &hex(&self.id))?;
        successor.serialize_field("subject", &self.certificate.subject().to_string())?;
        successor.serialize_field("serial", &self.certificate.serial().to_string())?;
        successor.serialize_field("not_after", &jst_rfc3339(self.certificate.not_after()))?;
        successor.serialize_field("proven", &self.proven)?;
        let from = self.renewable_from(&Window::default());
        successor.serialize_field("renewable_from", &from.to_string())?;
        successor.end()
    }
}

/// For the facts of an error or a warning.
impl std::fmt::Display for Successor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (serial {})", self.certificate.subject(), self.certificate.serial())
    }
}

impl Names {
    /// Those that a record names.
    pub(super) fn of<'n>(&'n self, record: &Record) -> &'n [usize] {
        let found = match (record.digest(), record.serial()) {
            (Some(digest), _) => self.by_digest.get(&digest),
            (None, Some(serial)) => self.by_serial.get(serial),
            (None, None) => None,
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

impl Contents {
    /// Lets every key sign whose record says that its certificate takes the place of one that is on the token, so that
    /// [`Contents::successors`] knows them for sure. A key that wants the PIN for each signature is not asked.
    ///
    /// # Errors
    /// What signing returns when the token is gone.
    pub(crate) fn prove_successors(&mut self, signer: &dyn Signer) -> error::Result<()> {
        let names = self.names();
        let asks =
            |at: &usize| self.private_keys.get(*at).is_some_and(|held| held.stored.always_authenticate);
        let strays = OnceCell::new();
        let claims = |at: &usize| {
            let mut olds = Vec::new();
            self.claims_of_key(names, *at, &mut olds);
            // Of a certificate that another program has moved, or whose key shows no identifier, it would be said that its key is missing.
            let is_silent = || {
                let is_ours = self.private_keys.get(*at).is_some_and(|held| held.marking.record().is_some());
                (is_ours && self.value_hint(*at).is_none() || self.is_unexplained(*at))
                    && self.may_be_of_a_stray(*at, strays.get_or_init(|| self.kinds_of_strays()))
            };
            (!olds.is_empty() || self.has_the_record_of_a_stray(*at) || is_silent()) && !asks(at)
        };
        let without_record = (0..self.certificates.len()).filter_map(|at| self.recorded_without_key(at));
        let without_record = without_record.map(|(_, key)| key).filter(|at| !asks(at));
        let keys: Vec<usize> = (0..self.private_keys.len()).filter(claims).chain(without_record).collect();
        for key in keys {
            match self.ask(signer, key, &[]) {
                Err(error) if error.code().family() == Family::Gone => return Err(error),
                // One that does not sign proves nothing, and spoils no list.
                _ => {}
            }
        }
        Ok(())
    }

    /// The successor of each certificate that has one, as far as it is known by now: after the login by the records on
    /// private keys, before it by those on public objects.
    pub(super) fn successors(&self) -> HashMap<usize, Successor> {
        let mut successors = self.successors_and_strangers();
        successors.retain(|_, by| !by.strange);
        successors
    }

    /// The same, and other programs' certificates that stand in the place of one.
    pub(super) fn successors_and_strangers(&self) -> HashMap<usize, Successor> {
        let mut chosen: HashMap<usize, Claim> = HashMap::new();
        for claim in self.claims() {
            let rank = |claim: &Claim| (!claim.strange, claim.sure, claim.signed, self.end_of(claim.new));
            let better = chosen.get(&claim.old).is_none_or(|known| rank(known) < rank(&claim));
            if better {
                chosen.insert(claim.old, claim);
            }
        }
        self.successors_by(chosen)
    }

    /// The successor of a certificate that the caller knows by its own records to take its place, once its key has signed.
    pub(crate) fn successor_known(
        &self,
        old: &Certificate,
        is_known: impl Fn(&Certificate) -> bool,
    ) -> Option<Successor> {
        let place = self.place_of(old)?;
        let is_its = |claim: &Claim| {
            claim.old == place && claim.signed && self.certificate(claim.new).is_some_and(&is_known)
        };
        // Of two that say the same, what the key has shown counts.
        let claims = self.claims_for(place).into_iter().chain(self.claims());
        let claim = claims.filter(is_its).max_by_key(|claim| self.end_of(claim.new))?;
        self.successors_by(HashMap::from([(place, claim)])).remove(&place)
    }

    fn successors_by(&self, chosen: HashMap<usize, Claim>) -> HashMap<usize, Successor> {
        let mut claims: Vec<Claim> = chosen.into_values().collect();
        // A successor ends later, so what follows it is known before it is asked for.
        claims.sort_by_key(|claim| Reverse(self.end_of(claim.old)));
        let mut successors: HashMap<usize, Successor> = HashMap::new();
        for claim in claims {
            let Claim { old, new, signed, sure: proven, twice, strange } = claim;
            let (Some(held), Some(certificate)) = (self.certificates.get(new), self.certificate(new)) else {
                continue;
            };
            let next = successors.get(&new).filter(|next| next.proven >= proven && !next.strange);
            let last_end = next.map_or(certificate.not_after(), |next| next.last_end);
            let (id, certificate) = (held.stored.id.clone(), certificate.clone());
            let apart = self.is_of_job_apart(new);
            let by = Successor { id, certificate, proven, apart, signed, twice, strange, last_end };
            successors.insert(old, by);
        }
        successors
    }

    /// The credential that takes the place of a certificate which is not on the token, as far as it is known by now: after
    /// the login by the records on private keys, before it by those on public objects.
    pub(crate) fn successor_of(&self, old: &Certificate) -> Option<Successor> {
        let names_it = |record: &Record| record.names_by_digest() && record.concerns(old);
        let may_be_answer =
            |marking: &Marking, at| marking.record().is_some_and(|record| self.may_be_answer(record, at));
        let mut claims: Vec<(bool, usize)> = Vec::new();
        for held in &self.private_keys {
            let signed = held.signed.as_ref().map(Signed::public_key);
            let public = signed.unwrap_or_else(|| held.stored.public_key.as_ref());
            let counts = |record: &Record| names_it(record) && (signed.is_some() || !self.is_twice(record));
            if let (Some(public), true) = (public, held.marking.record().is_some_and(counts)) {
                let answers = self.certificates_for(public).filter(|at| may_be_answer(&held.marking, *at));
                claims.extend(answers.map(|at| (signed.is_some(), at)));
            }
        }
        for held in self.public_keys.iter().filter(|_| !self.logged_in) {
            if let (Some(public), true) =
                (&held.stored.public_key, held.marking.record().is_some_and(names_it))
            {
                let answers = self.certificates_for(public).filter(|at| may_be_answer(&held.marking, *at));
                claims.extend(answers.map(|at| (false, at)));
            }
        }
        for at in 0..self.certificates.len() {
            if let Some((_, key)) = self.recorded_without_key(at).filter(|(record, _)| names_it(record)) {
                let signed = self.private_keys.get(key).and_then(|held| held.signed.as_ref()?.public_key());
                let proven = signed.is_some() && signed == self.certificate(at).map(Certificate::public_key);
                claims.push((proven, at));
            }
        }
        let later = |at: &usize| {
            self.certificate(*at).is_some_and(|new| !new.is_ca() && new.not_after() > old.not_after())
        };
        let authorities = self.authorities();
        let is_sure = |signed: bool, at: usize| {
            signed && self.certificate(at).is_some_and(|new| is_one_renewed(old, new, &authorities))
        };
        let best = claims
            .into_iter()
            .filter(|(_, at)| later(at))
            .max_by_key(|(signed, at)| (is_sure(*signed, *at), *signed, self.end_of(*at)));
        let (signed, at) = best?;
        let proven = is_sure(signed, at);
        self.successor_at(at, proven).map(|by| Successor { signed, ..by })
    }

    /// The certificate of this place, whose key has signed, in the place of another.
    pub(super) fn successor_at(&self, at: usize, proven: bool) -> Option<Successor> {
        let (held, certificate) = (self.certificates.get(at)?, self.certificate(at)?.clone());
        let successors = self.successors();
        let next = successors.get(&at).filter(|next| next.proven >= proven);
        let last_end = next.map_or(certificate.not_after(), |next| next.last_end);
        let (apart, id) = (self.is_of_job_apart(at), held.stored.id.clone());
        let (signed, twice, strange) = (true, false, false);
        Some(Successor { id, certificate, proven, apart, signed, twice, strange, last_end })
    }

    /// Whether one is the other one renewed, as far as can be told without trust anchors.
    pub(super) fn is_renewed_by(&self, old: &Certificate, new: &Certificate) -> bool {
        is_one_renewed(old, new, &self.authorities())
    }

    /// The CA certificates on the token.
    pub(super) fn authorities(&self) -> Vec<&Certificate> {
        let is_one = |at: &usize| self.certificate(*at).is_some_and(Certificate::is_authority);
        let places = self.authorities.get_or_init(|| (0..self.certificates.len()).filter(is_one).collect());
        places.iter().filter_map(|at| self.certificate(*at)).collect()
    }

    pub(super) fn have_one_holder(&self, old: usize, new: usize) -> bool {
        let both = self.certificate(old).zip(self.certificate(new));
        both.is_some_and(|(old, new)| old.has_same_holder(new))
    }

    pub(super) fn end_of(&self, certificate: usize) -> Option<SystemTime> {
        self.certificate(certificate).map(Certificate::not_after)
    }

    fn claims(&self) -> Vec<Claim> {
        let mut claims = self.what_is_said();
        if claims.iter().any(|claim| claim.signed) {
            let authorities = self.authorities();
            for claim in claims.iter_mut().filter(|claim| claim.signed) {
                let both = self.certificate(claim.old).zip(self.certificate(claim.new));
                claim.sure = both.is_some_and(|(old, new)| is_one_renewed(old, new, &authorities));
            }
        }
        claims
    }

    fn what_is_said(&self) -> Vec<Claim> {
        let names = self.names();
        let mut claims = self.claims_of_shared_keys();
        if self.logged_in {
            (0..self.private_keys.len()).for_each(|at| self.claims_of_key(names, at, &mut claims));
            (0..self.certificates.len()).for_each(|at| self.claim_of_certificate(names, at, &mut claims));
            return claims;
        }
        for held in &self.public_keys {
            if let (Some(record), Some(value)) = (held.marking.record(), &held.stored.public_key) {
                self.claim(names, record, self.certificates_for(value), false, &mut claims);
            }
        }
        for (at, held) in self.certificates.iter().enumerate() {
            if let Some(record) = held.marking.record() {
                self.claim(names, record, std::iter::once(at), false, &mut claims);
            }
        }
        claims
    }

    /// What the record on a private key says of the certificates that it has signed for; of one that was not asked, of
    /// those that hints take for its own. A record that is on another key too says it all the same: nothing is removed for it, and nothing
    /// ordered that may be there.
    fn claims_of_key(&self, names: &Names, key: usize, claims: &mut Vec<Claim>) {
        let Some(held) = self.private_keys.get(key) else { return };
        let Some(record) = held.marking.record() else { return };
        let from = claims.len();
        let public = match &held.signed {
            Some(signed) => signed.public_key(),
            None => self.value_hint(key),
        };
        match public {
            Some(public) => {
                let certificates = self.certificates_for(public);
                self.claim(names, record, certificates, held.signed.is_some(), claims);
            }
            // On a token that shows no public keys the identifier is all there is, until the key has signed.
            None if held.signed.is_none() => {
                let same_id = self.index.certificates_by_id.get(&held.stored.id).into_iter().flatten();
                self.claim(names, record, same_id.copied(), false, claims);
            }
            None => {}
        }
        if self.is_twice(record) {
            claims.iter_mut().skip(from).for_each(|claim| claim.twice = true);
        }
    }

    /// What the record on a certificate says, whose key has a label that the token chose, and so no record. Where that key has
    /// signed it is known that the certificate is in use; a false record here would keep an older one of the same issuer
    /// from being renewed unasked, and nothing is removed for it.
    fn claim_of_certificate(&self, names: &Names, at: usize, claims: &mut Vec<Claim>) {
        let Some((record, key)) = self.recorded_without_key(at) else { return };
        let public = self.certificate(at).map(Certificate::public_key);
        let signed = self.private_keys.get(key).and_then(|held| held.signed.as_ref()?.public_key());
        let proven = signed.is_some() && signed == public;
        let from = claims.len();
        self.claim(names, record, std::iter::once(at), proven, claims);
        let mut of_one_issuer = claims.split_off(from);
        of_one_issuer.retain(|claim| self.have_one_issuer(claim.old, claim.new));
        claims.append(&mut of_one_issuer);
    }

    /// Whether the record on a certificate, whose key has none, says that it takes the place of this one.
    pub(crate) fn is_said_renewed(&self, old: &Certificate) -> bool {
        let mut recorded = (0..self.certificates.len()).filter_map(|at| self.recorded_without_key(at));
        recorded.any(|(record, _)| record.concerns(old))
    }

    /// Whether a record on the new certificate says that it takes the place of the old one. That of a certificate for the old key has no
    /// private key of its own.
    pub(crate) fn is_recorded(&self, old: &Certificate, new: &Certificate) -> bool {
        let of_new = self.certificates.iter().filter(|held| held.certificate.as_ref() == Some(new));
        let mut records = of_new.filter_map(|held| held.marking.record());
        records.any(|record| record.concerns(old))
    }

    /// The record on a certificate and the place of its key, where that has none, nor any other key this one: a record whose
    /// private key is there is that key's.
    fn recorded_without_key(&self, certificate: usize) -> Option<(&Record, usize)> {
        let record = self.certificates.get(certificate)?.marking.record()?;
        if self.index.private_by_record.contains_key(record) {
            return None;
        }
        let key = self.key_hint_place(certificate)?;
        let unmarked = matches!(self.private_keys.get(key)?.marking, Marking::None);
        unmarked.then_some((record, key))
    }

    fn claim(
        &self,
        names: &Names,
        record: &Record,
        new: impl Iterator<Item = usize>,
        signed: bool,
        claims: &mut Vec<Claim>,
    ) {
        let olds = if record.is_removal() { &[] } else { names.of(record) };
        if olds.is_empty() {
            return;
        }
        for new in new {
            for &old in olds {
                // Records of the previous release hold no more than the serial number.
                let of_issuer = record.names_by_digest()
                    || self.have_one_issuer(old, new) && self.have_one_holder(old, new);
                let answers = self.certificate(new).is_some_and(|new| record.may_be_answered_by(new));
                if of_issuer && answers && self.ends_later(old, new) && self.may_be_answer(record, new) {
                    let (sure, twice, strange) = (false, false, false);
                    claims.push(Claim { old, new, signed, sure, twice, strange });
                }
            }
        }
    }

    /// Whether both are a user's certificates, and the new one ends later.
    pub(super) fn ends_later(&self, old: usize, new: usize) -> bool {
        match (self.certificate(old), self.certificate(new)) {
            (Some(old), Some(new)) => !old.is_ca() && !new.is_ca() && new.not_after() > old.not_after(),
            _ => false,
        }
    }

    pub(super) fn have_one_issuer(&self, one: usize, other: usize) -> bool {
        match (self.certificate(one), self.certificate(other)) {
            (Some(one), Some(other)) => one.issuer().matches(other.issuer()),
            _ => false,
        }
    }

    /// Made only where there are records: it costs a digest of each certificate.
    pub(super) fn names(&self) -> &Names {
        self.names.get_or_init(|| self.read_names())
    }

    fn read_names(&self) -> Names {
        let mut names = Names::default();
        let on_certificates = || self.certificates.iter().any(|held| held.marking.record().is_some());
        let none = self.index.private_by_record.is_empty() && self.index.public_by_record.is_empty();
        if none && !on_certificates() {
            return names;
        }
        for (at, held) in self.certificates.iter().enumerate() {
            if let Some(certificate) = held.certificate.as_ref().filter(|one| !one.is_ca()) {
                put(&mut names.by_digest, &old_digest(certificate.der()), at);
                put(&mut names.by_serial, &certificate.serial().to_string(), at);
            }
        }
        names
    }
}

/// Whether one is the other one renewed, as far as can be told without trust anchors: in one name, and of no other CA.
fn is_one_renewed(old: &Certificate, new: &Certificate, authorities: &[&Certificate]) -> bool {
    old.has_same_holder(new) && is_of_one_ca(old, new, authorities)
}

/// Whether neither the issuers' names nor CA certificates at hand say that another CA has issued the one than the other.
pub(super) fn is_of_one_ca(old: &Certificate, new: &Certificate, authorities: &[&Certificate]) -> bool {
    let has_issued = |ca: &&&Certificate| [old, new].iter().any(|one| ca.subject().matches(one.issuer()));
    let at_hand: Vec<&Certificate> = authorities.iter().filter(has_issued).copied().collect();
    match issuer_continuity(new, Some(old), at_hand.iter().copied()) {
        Ok(IssuerContinuity::VerifiedByAnchor | IssuerContinuity::SameIssuer) => true,
        Ok(IssuerContinuity::NotChecked) => !another_key_issued(new, old, at_hand.iter().copied()),
        Ok(IssuerContinuity::AnotherIssuer) | Err(_) => false,
    }
}
