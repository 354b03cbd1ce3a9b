//! A token that is made up, for tests of the rules: certificates of users, each with a pair of its own.

use jiff::civil::Date;
use usbtoken_testkit::{Kind, NameDer, SoftKey, TestCa, Text, days_from_now};

use crate::contents::{Caller, Contents, Credential, Old, PendingKey, Record};
use crate::driver::{NewKeyPair, StoredCertificate, StoredKey, StoredPublicKey, made_up};
use crate::pki::{Certificate, Name, PublicKey};
use std::time::SystemTime;

pub(super) struct MadeUp {
    pub(super) ca: TestCa,
    certificates: Vec<StoredCertificate>,
    private: Vec<StoredKey>,
    public: Vec<StoredPublicKey>,
    made: u32,
}

/// A certificate that is to be on it: from this CA, in use since a year and for eleven days more, with its pair.
#[must_use]
pub(super) struct User<'t> {
    token: &'t mut MadeUp,
    name: Vec<u8>,
    valid: [SystemTime; 2],
    renews: Option<Certificate>,
    by: Option<&'t TestCa>,
    has_key: bool,
}

/// The name of somebody in the firm.
pub(super) fn named(common: &str) -> NameDer {
    in_firm("Firm", common)
}

pub(super) fn in_firm(firm: &str, common: &str) -> NameDer {
    NameDer::new().organization(Text::Utf8, firm).common(Text::Utf8, common)
}

pub(super) fn as_name(name: &NameDer) -> Name {
    Name::from_der(&name.to_der()).unwrap()
}

pub(super) fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

/// A public key and its SubjectPublicKeyInfo.
pub(super) fn key() -> (PublicKey, Vec<u8>) {
    let spki = SoftKey::generate(Kind::P256).spki();
    (PublicKey::from_spki_der(&spki).unwrap(), spki)
}

pub(super) fn record(old: Option<&Certificate>, caller: &Caller) -> Record {
    Record::new(Date::constant(2026, 11, 26), old, caller).unwrap()
}

/// A key that waits for a first certificate by this record.
pub(super) fn waiting(record: Record) -> PendingKey {
    waiting_for(record, Old::First)
}

/// One that waits for a first certificate in this name, which stands behind the record.
pub(super) fn waiting_with_name(name: &NameDer) -> PendingKey {
    let record = record(None, &Caller::Command);
    let label = record.label_for(&as_name(name)).unwrap();
    made_up_pending(record, &label, Old::First)
}

pub(super) fn waiting_for(record: Record, old: Old) -> PendingKey {
    let label = record.label().to_vec();
    made_up_pending(record, &label, old)
}

fn made_up_pending(record: Record, label: &[u8], old: Old) -> PendingKey {
    let private = made_up::private_key(1, b"new", label, None);
    let pair = NewKeyPair { private, public: None, public_key: key().0, labelled: true };
    PendingKey::fresh(record, &pair, old)
}

impl MadeUp {
    pub(super) fn new() -> MadeUp {
        let (certificates, private, public) = (Vec::new(), Vec::new(), Vec::new());
        MadeUp { ca: TestCa::new(), certificates, private, public, made: 0 }
    }

    pub(super) fn user(&mut self, name: &NameDer) -> User<'_> {
        let valid = [days_from_now(-354), days_from_now(11)];
        User { token: self, name: name.to_der(), valid, renews: None, by: None, has_key: true }
    }

    /// A certificate object with these bytes, and no key.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.made += 10;
        self.certificates.push(made_up::certificate(self.made, &self.made.to_be_bytes(), "", bytes));
    }

    /// A pair that waits for its certificate by this record.
    pub(super) fn wait(&mut self, record: Record) {
        self.made += 10;
        let (number, id, public) = (self.made, self.made.to_be_bytes(), key().0);
        self.private.push(made_up::private_key(number + 1, &id, record.label(), None));
        self.public.push(made_up::public_key(number + 2, &id, record.label(), public));
    }

    /// What is seen before the login.
    pub(super) fn before_login(&self) -> Contents {
        let objects = made_up::objects(self.certificates.clone(), Vec::new(), self.public.clone());
        Contents::of(objects, false)
    }

    /// What is seen after it.
    pub(super) fn contents(&self) -> Contents {
        let objects = made_up::objects(self.certificates.clone(), self.private.clone(), self.public.clone());
        Contents::of(objects, true)
    }

    pub(super) fn of(&self, certificate: &Certificate) -> Credential {
        let credentials = self.contents().credentials();
        credentials.iter().find(|one| one.certificate() == certificate).unwrap().clone()
    }
}

impl<'t> User<'t> {
    /// By days from now.
    pub(super) fn valid(self, begins: i64, ends: i64) -> Self {
        User { valid: [begins, ends].map(days_from_now), ..self }
    }

    pub(super) fn ending(self, ends: SystemTime) -> Self {
        User { valid: [self.valid[0], ends], ..self }
    }

    /// The record on its key says that it takes the place of that one.
    pub(super) fn renewing(self, old: &Certificate) -> Self {
        User { renews: Some(old.clone()), ..self }
    }

    /// From this CA.
    pub(super) fn by(self, ca: &'t TestCa) -> Self {
        User { by: Some(ca), ..self }
    }

    pub(super) fn without_key(self) -> Self {
        User { has_key: false, ..self }
    }

    pub(super) fn add(self) -> Certificate {
        let User { token, name, valid: [begins, ends], renews, by, has_key } = self;
        let (public, spki) = key();
        let issue = by.unwrap_or(&token.ca).issue(&name, &spki).not_before(begins).not_after(ends);
        let der = issue.der();
        token.made += 10;
        let (number, id) = (token.made, token.made.to_be_bytes());
        let record = renews.map(|old| record(Some(&old), &Caller::Command));
        let label = record.as_ref().map(Record::label).unwrap_or(b"bank");
        token.certificates.push(made_up::certificate(number, &id, "", &der));
        if has_key {
            token.private.push(made_up::private_key(number + 1, &id, label, Some(public.clone())));
            token.public.push(made_up::public_key(number + 2, &id, label, public));
        }
        certificate(&der)
    }
}
