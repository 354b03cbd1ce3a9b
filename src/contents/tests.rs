//! Relations between made-up objects: what other programs do to identifiers, labels and serial numbers.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::civil::Date;
use usbtoken_testkit::{Kind, NameDer, SoftKey, TestCa, Text, days_from_now, manual_subject};

use super::signer::Signer;
use super::{Caller, Contents, Credential, Meant, OfCopies, PendingState, Record};
use crate::driver::{Signed, StoredCertificate, StoredKey, StoredPublicKey, Verified, made_up};
use crate::error::{Code, Error, Result};
use crate::pki::{Certificate, PublicKey};

mod alike;
mod answered;
mod apart;
mod asked;
mod beside;
mod choice;
mod hints;
mod known;
mod lists;
mod model;
mod named;
mod one_key;
mod removals;
mod replaced;
mod rows;
mod successors;
mod surroundings;
mod unread;
mod waiting;

/// A token that is made up: objects, and what the private keys really are.
#[derive(Default)]
struct Made {
    certificates: Vec<StoredCertificate>,
    private: Vec<StoredKey>,
    public: Vec<StoredPublicKey>,
    secrets: HashMap<u32, PublicKey>,
    refuses: Vec<u32>,
    /// The keys at which the token fails.
    fails: Vec<u32>,
    asked: RefCell<Vec<u32>>,
    /// What public key objects say of signatures; those that are not named say the truth by what they tell.
    says: HashMap<u32, Verified>,
    /// Those that were asked.
    verified: RefCell<Vec<u32>>,
}

impl Made {
    fn certificate(mut self, number: u32, id: &[u8], label: &str, der: &[u8]) -> Self {
        self.certificates.push(made_up::certificate(number, id, label, der));
        self
    }

    /// A pair as EC keys are: only the public half tells its value.
    fn pair(mut self, number: u32, id: &[u8], label: &[u8], key: &PublicKey) -> Self {
        self.private.push(made_up::private_key(number, id, label, None));
        self.secrets.insert(number, key.clone());
        self.public.push(made_up::public_key(number + 1, id, label, key.clone()));
        self
    }

    /// A private key that tells a public half, rightly or not.
    fn private(
        mut self,
        number: u32,
        id: &[u8],
        label: &[u8],
        key: &PublicKey,
        told: Option<&PublicKey>,
    ) -> Self {
        self.private.push(made_up::private_key(number, id, label, told.cloned()));
        self.secrets.insert(number, key.clone());
        self
    }

    fn contents(&self) -> Contents {
        let objects = made_up::objects(self.certificates.clone(), self.private.clone(), self.public.clone());
        Contents::of(objects, true)
    }
}

impl Signer for Made {
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed> {
        let number = made_up::number(key);
        self.asked.borrow_mut().push(number);
        if self.refuses.contains(&number) {
            return Err(Error::new(Code::TokenRefused));
        }
        if self.fails.contains(&number) {
            return Err(Error::new(Code::DeviceFault));
        }
        let secret = self.secrets.get(&number);
        let found = std::iter::from_fn(|| at_hand.next()).find(|public| Some(*public) == secret);
        Ok(Signed::made_up(key, found.cloned()))
    }

    fn verified(&self, half: &StoredPublicKey, signed: &Signed) -> Result<Verified> {
        let number = made_up::number_of_half(half);
        self.verified.borrow_mut().push(number);
        let tells = half.public_key.as_ref() == signed.public_key();
        let truth = if tells { Verified::Yes } else { Verified::No };
        Ok(self.says.get(&number).copied().unwrap_or(truth))
    }
}

/// An old certificate and its key, and a new one of the same bank.
struct Bank {
    old: Certificate,
    new: Certificate,
    record: Record,
}

fn key() -> (PublicKey, Vec<u8>) {
    let spki = SoftKey::generate(Kind::P256).spki();
    (PublicKey::from_spki_der(&spki).unwrap(), spki)
}

fn certificate(ca: &TestCa, spki: &[u8], days: i64, serial: &[u8]) -> Certificate {
    let subject = manual_subject().to_der();
    let der = ca.issue(&subject, spki).not_after(days_from_now(days)).serial(serial).der();
    Certificate::from_der(&der).unwrap()
}

/// The credential of a certificate.
fn of(contents: &Contents, certificate: &Certificate) -> Credential {
    contents.credentials().iter().find(|one| one.certificate() == certificate).unwrap().clone()
}

/// A certificate in this common name.
fn named(ca: &TestCa, name: &str, spki: &[u8], days: i64, serial: u8) -> Certificate {
    let subject = NameDer::new().common(Text::Utf8, name).to_der();
    let der = ca.issue(&subject, spki).not_after(days_from_now(days)).serial(&[serial]).der();
    Certificate::from_der(&der).unwrap()
}

fn record_for(old: Option<&Certificate>) -> Record {
    Record::new(Date::constant(2026, 11, 26), old, &Caller::Command).unwrap()
}

impl Bank {
    fn new() -> Self {
        Bank::of(&TestCa::new())
    }

    fn of(ca: &TestCa) -> Self {
        let (old, new) = (certificate(ca, &key().1, 11, &[5]), certificate(ca, &key().1, 376, &[6]));
        let record = record_for(Some(&old));
        Bank { old, new, record }
    }

    /// The old credential.
    fn before(&self) -> Made {
        Made::default().certificate(1, b"old", "bank", self.old.der()).pair(
            2,
            b"old",
            b"bank",
            self.old.public_key(),
        )
    }

    /// The old credential and a pair that waits.
    fn waiting(&self) -> Made {
        self.before().pair(12, b"new", self.record.label(), self.new.public_key())
    }

    /// Both credentials.
    fn renewed(&self) -> Made {
        let label = String::from_utf8(self.record.label().to_vec()).unwrap();
        self.waiting().certificate(11, b"new", &label, self.new.der())
    }
}

fn states(made: &Made) -> Vec<PendingState> {
    made.contents().pending(made).unwrap().iter().map(super::PendingKey::state).collect()
}

#[test]
fn a_job_is_pending_as_long_as_its_certificate_is_not_there() {
    let bank = Bank::new();
    let waiting = bank.waiting();
    let pending = waiting.contents().pending(&waiting).unwrap();
    let [key] = pending.as_slice() else { panic!("{pending:?}") };
    assert!(key.renews(&bank.old) && key.doubt().is_none());
    assert_eq!(key.public_key(), Some(bank.new.public_key()));
    assert!(waiting.asked.borrow().is_empty(), "hints that say that it waits need no signature");

    let renewed = bank.renewed();
    assert_eq!(states(&renewed), []);
    assert_eq!(*renewed.asked.borrow(), [12], "only a signature hides a job");
}

/// The label of the certificate and its CKA_ID say that it is there; the key says that it is not its own.
#[test]
fn a_foreign_certificate_under_the_key_s_identifier_hides_nothing_and_makes_it_doubtful() {
    let bank = Bank::new();
    let foreign = certificate(&TestCa::new(), &key().1, 300, &[5]);
    let made = bank.waiting().certificate(21, b"new", "somebody", foreign.der());
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    assert_eq!(pending.len(), 1);
    assert!(pending[0].doubt().is_some());
    let refused = contents.abandonment(&made, &pending[0], Meant::Listed).unwrap_err();
    assert_eq!(refused.code(), Code::RemovalDoubtful);
    let named = contents.abandonment(&made, &pending[0], Meant::Named).unwrap();
    assert_eq!(named.planned(), ["public ObjectHandle(13)", "private ObjectHandle(12)"]);
}

/// Another program's certificate that cannot be read has the key's identifier: it may be the key's own.
#[test]
fn an_unreadable_certificate_beside_the_key_makes_it_doubtful() {
    let bank = Bank::new();
    let made = bank.waiting().certificate(21, b"new", "?", b"not a certificate");
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    assert!(pending[0].doubt().is_some());
    assert!(contents.abandonment(&made, &pending[0], Meant::Listed).is_err());
    // One beside others spoils nothing.
    let made = bank.waiting().certificate(21, b"other", "?", b"not a certificate");
    let pending = made.contents().pending(&made).unwrap();
    assert!(pending[0].doubt().is_none());
    assert_eq!(
        (made.contents().credentials().iter().count(), made.contents().credentials().unreadable().len()),
        (1, 1)
    );
}

#[test]
fn the_same_record_twice_is_removed_only_by_name() {
    let bank = Bank::new();
    let made = bank.waiting().pair(32, b"forged", bank.record.label(), &key().0);
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    assert_eq!(pending.len(), 2);
    for one in &pending {
        assert!(one.doubt().is_some());
        assert!(contents.abandonment(&made, one, Meant::Listed).is_err());
    }
    let ours = pending.iter().find(|one| one.id() == b"new").unwrap();
    let named = contents.abandonment(&made, ours, Meant::Named).unwrap();
    assert_eq!(named.planned(), ["public ObjectHandle(13)", "private ObjectHandle(12)"]);
}

/// OpenSC reports the public half of whatever shares the CKA_ID.
#[test]
fn what_a_private_key_reports_of_its_public_half_is_a_hint() {
    let bank = Bank::new();
    let waiting = bank.before().private(
        12,
        b"new",
        bank.record.label(),
        bank.new.public_key(),
        Some(bank.old.public_key()),
    );
    assert_eq!(states(&waiting), [PendingState::AwaitingAnswer], "it is asked, and signs for no certificate");
    assert_eq!(*waiting.asked.borrow(), [12]);
}

#[test]
fn a_copy_of_our_public_key_stays() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    made.public.push(made_up::public_key(41, b"new", b"copy", bank.new.public_key().clone()));
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    let removal = contents.abandonment(&made, &pending[0], Meant::Listed).unwrap();
    assert_eq!(removal.planned(), ["public ObjectHandle(13)", "private ObjectHandle(12)"]);
}

/// The reported loss: a foreign pair of EC keys with the old credential's CKA_ID, found first.
#[test]
fn a_foreign_pair_with_the_old_identifier_stays_when_the_old_one_goes() {
    let bank = Bank::new();
    let foreign = key().0;
    for foreign_first in [true, false] {
        let mut made = Made::default();
        if foreign_first {
            made = made.pair(52, b"old", b"somebody", &foreign);
        }
        let rest = bank.renewed();
        made.certificates = rest.certificates;
        made.private.extend(rest.private);
        made.public.extend(rest.public);
        made.secrets.extend(rest.secrets);
        if !foreign_first {
            made = made.pair(52, b"old", b"somebody", &foreign);
        }
        let mut contents = made.contents();
        let followers = contents.followers(&made, &bank.old).unwrap();
        assert_eq!(followers.len(), 1);
        let credentials = contents.credentials();
        let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
        let retirement =
            contents.retirement(&made, old, &followers[0], false, OfCopies::Chosen, &|_| false).unwrap();
        assert!(retirement.with_key);
        let planned = retirement.removal.planned();
        assert_eq!(
            planned,
            ["public ObjectHandle(3)", "private ObjectHandle(2)", "certificate ObjectHandle(1)"]
        );
    }
}

#[test]
fn two_keys_that_sign_for_one_certificate_stop_the_removal() {
    let bank = Bank::new();
    let made = bank.renewed().private(62, b"old", b"copy", bank.old.public_key(), None);
    let mut contents = made.contents();
    let followers = contents.followers(&made, &bank.old).unwrap();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    let error = contents
        .retirement(&made, old, &followers[0], false, OfCopies::Chosen, &|_| false)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.code(), Code::RemovalDoubtful);
}

/// Serial numbers are unique only within one CA; the record names the whole certificate.
#[test]
fn another_bank_s_certificate_of_the_same_serial_number_is_followed_by_nobody() {
    let bank = Bank::new();
    let (public, spki) = key();
    let other = certificate(&TestCa::new(), &spki, 30, &[5]);
    let made =
        bank.renewed().certificate(71, b"other", "bank", other.der()).pair(72, b"other", b"bank", &public);
    let mut contents = made.contents();
    assert_eq!(contents.followers(&made, &other).unwrap().len(), 0);
    assert_eq!(contents.followers(&made, &bank.old).unwrap().len(), 1);
    let waiting = bank.waiting().certificate(71, b"other", "bank", other.der());
    let pending = waiting.contents().pending(&waiting).unwrap();
    assert!(pending[0].renews(&bank.old) && !pending[0].renews(&other));
}

#[test]
fn the_older_one_goes_first() {
    let bank = Bank::new();
    let (public, spki) = key();
    let third = certificate(&TestCa::new(), &spki, 700, &[7]);
    let record = record_for(Some(&bank.new));
    let made = bank.renewed().certificate(81, b"third", "x", third.der()).pair(
        82,
        b"third",
        record.label(),
        &public,
    );
    let mut contents = made.contents();
    let followers = contents.followers(&made, &bank.new).unwrap();
    let credentials = contents.credentials();
    let new = credentials.iter().find(|one| one.certificate() == &bank.new).unwrap();
    let error = contents
        .retirement(&made, new, &followers[0], false, OfCopies::Chosen, &|_| false)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.code(), Code::RetireOlderFirst);
}

#[test]
fn the_same_certificate_twice_is_one_old_credential_and_the_copy_stays() {
    let bank = Bank::new();
    let waiting = bank.waiting().certificate(91, b"copy", "copy", bank.old.der());
    let pending = waiting.contents().pending(&waiting).unwrap();
    assert!(pending[0].old_credential().unwrap().is_some());
    let made = bank.renewed().certificate(91, b"copy", "copy", bank.old.der());
    let mut contents = made.contents();
    let followers = contents.followers(&made, &bank.old).unwrap();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.id() == b"old").unwrap();
    let planned = contents
        .retirement(&made, old, &followers[0], false, OfCopies::Chosen, &|_| false)
        .unwrap()
        .removal
        .planned();
    assert!(!planned.contains(&"certificate ObjectHandle(91)".to_owned()), "{planned:?}");
}

/// A key that was deleted, and a foreign pair made under its identifier: the credential has no key.
#[test]
fn a_foreign_pair_under_the_identifier_is_not_taken_for_the_key() {
    let bank = Bank::new();
    let foreign = key().0;
    let made = Made::default().certificate(1, b"old", "bank", bank.old.der()).pair(2, b"old", b"x", &foreign);
    assert!(matches!(made.contents().credentials().iter().next().unwrap().key(), super::KeyState::Missing));
    // Without the public half nothing contradicts; but no public key is guessed for it.
    let made = Made::default()
        .certificate(1, b"old", "bank", bank.old.der())
        .private(2, b"old", b"x", &foreign, None);
    let credentials = made.contents().credentials();
    let key = credentials.iter().next().unwrap().private_key().unwrap();
    assert_eq!(key.public_key, None);
    assert!(made.contents().signing_key(&made, bank.old.public_key(), b"old").unwrap().is_none());
}

#[test]
fn jobs_of_the_previous_release_are_found_again_whatever_the_serial_number() {
    let ca = TestCa::new();
    for (serial, label) in
        [(&[0x85][..], "usbtoken:20261101:renews:-7b"), (&[5], "usbtoken:20261101:renews:05")]
    {
        let (old_key, spki) = key();
        let old = certificate(&ca, &spki, 11, serial);
        let (new_key, spki) = key();
        let made =
            Made::default().certificate(1, b"old", "bank", old.der()).pair(2, b"old", b"bank", &old_key);
        let made = made.pair(12, b"new", label.as_bytes(), &new_key);
        let pending = made.contents().pending(&made).unwrap();
        assert!(pending[0].renews(&old), "{label}");
        // Its certificate may carry any label.
        let new = certificate(&ca, &spki, 300, &[9]);
        let made = made.certificate(11, b"new", "bank", new.der());
        assert_eq!(states(&made), []);
        assert_eq!(made.contents().followers(&made, &old).unwrap().len(), 1);
        // Another CA's certificate with that number makes it uncertain which one is meant.
        let name = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
        let other = ca.issue(&manual_subject().to_der(), &key().1).issuer(&name).serial(serial);
        let other = Certificate::from_der(&other.not_after(days_from_now(30)).der()).unwrap();
        let made = made.certificate(21, b"other", "bank", other.der());
        assert_eq!(made.contents().followers(&made, &other).unwrap().len(), 0);
    }
}

#[test]
fn a_remnant_is_a_public_key_with_our_record_alone() {
    let bank = Bank::new();
    let mut made = bank.before();
    made.public.push(made_up::public_key(13, b"new", bank.record.label(), bank.new.public_key().clone()));
    assert_eq!(states(&made), [PendingState::PublicKeyOnly]);
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    let removal = contents.abandonment(&made, &pending[0], Meant::Named).unwrap();
    assert_eq!(removal.planned(), ["public ObjectHandle(13)"]);
}

/// Two remnants of one record, as after a copy: the one that was named goes, and no other.
#[test]
fn of_two_remnants_the_named_one_goes() {
    let bank = Bank::new();
    let mut made = bank.before();
    for (number, id) in [(13, b"new"), (15, b"two")] {
        made.public.push(made_up::public_key(number, id, bank.record.label(), bank.new.public_key().clone()));
    }
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    let two = pending.iter().find(|key| key.id() == b"two").unwrap();
    assert_eq!(
        contents.abandonment(&made, two, Meant::Named).unwrap().planned(),
        ["public ObjectHandle(15)"]
    );
    // Gone meanwhile: it is not pending, though another with its record is.
    made.public.retain(|half| half.id != b"two");
    let refused = made.contents().abandonment(&made, two, Meant::Listed).unwrap_err();
    assert_eq!(refused.code(), Code::NotPending);
}

#[test]
fn a_key_that_does_not_sign_goes_only_by_name_and_alone() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    made.refuses.push(12);
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    assert_eq!(
        contents.abandonment(&made, &pending[0], Meant::Listed).unwrap_err().code(),
        Code::RemovalDoubtful
    );
    let named = contents.abandonment(&made, &pending[0], Meant::Named).unwrap();
    assert_eq!(named.planned(), ["private ObjectHandle(12)"]);
}

#[test]
fn a_newer_record_is_nobody_s_job() {
    let bank = Bank::new();
    let made = bank.before().pair(12, b"new", b"ut3oCdkmc5xQL1FejSvvfVmXjwECAwQF", bank.new.public_key());
    assert_eq!(states(&made), []);
}

/// Each complete credential whose record is still there costs one signature, and nothing is compared with everything.
#[test]
fn a_list_of_many_asks_once_each() {
    let ca = TestCa::new();
    let mut made = Made::default();
    for number in 0..30_u32 {
        let (public, spki) = key();
        let new = certificate(&ca, &spki, 300, &[1, u8::try_from(number).unwrap()]);
        let record = record_for(Some(&new));
        let (at, id) = (100 + 10 * number, number.to_be_bytes());
        made = made.certificate(at, &id, "x", new.der()).pair(at + 1, &id, record.label(), &public);
    }
    assert_eq!(states(&made), []);
    assert_eq!(made.asked.borrow().len(), 30);
}
