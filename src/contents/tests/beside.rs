//! What other programs put beside ours: certificates for the old key, copies of records and of keys, our certificate moved.

use super::*;
use crate::contents::Credential;

fn old_of(contents: &Contents, bank: &Bank) -> Credential {
    contents.credentials().iter().find(|one| one.certificate() == &bank.old).unwrap().clone()
}

/// The plan for the old credential, and whether its key is in it.
fn retired(made: &Made, bank: &Bank) -> Result<(Vec<String>, bool)> {
    let mut contents = made.contents();
    let followers = contents.followers(made, &bank.old)?;
    let old = old_of(&contents, bank);
    let retirement = contents.retirement(made, &old, &followers[0], false, OfCopies::Chosen, &|_| false)?;
    Ok((retirement.removal.planned(), retirement.with_key))
}

fn issued(ca: &TestCa, subject: &[u8], spki: &[u8], days: i64, serial: u8) -> Certificate {
    let der = ca.issue(subject, spki).not_after(days_from_now(days)).serial(&[serial]).der();
    Certificate::from_der(&der).unwrap()
}

fn of_the_firm(organization: &str, name: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, organization).common(Text::Utf8, name).to_der()
}

fn renewed_from_id(contents: &Contents) -> Vec<(Vec<u8>, Vec<u8>)> {
    let credentials = contents.credentials();
    let by = |one: &Credential| Some((one.id().to_vec(), one.successor()?.id.clone()));
    credentials.iter().filter_map(by).collect()
}

/// The old key has another program's certificate too, whenever that ends: it is that one's only key, so only ours goes.
#[test]
fn a_key_with_another_certificate_stays_with_its_public_half() {
    let bank = Bank::new();
    let spki = bank.old.public_key().spki_der();
    for days in [5, 500] {
        let other = issued(&TestCa::new(), &of_the_firm("Other", "VPN user"), spki, days, 0x33);
        let made = bank.renewed().certificate(44, b"vpn", "vpn", other.der());
        let alone = (vec!["certificate ObjectHandle(1)".to_owned()], false);
        assert_eq!(retired(&made, &bank).unwrap(), alone, "{days}");
    }
    let (_, with_key) = retired(&bank.renewed(), &bank).unwrap();
    assert!(with_key);
}

/// A certificate that cannot be read may be for it, under whatever identifier, if it is as long as a key.
#[test]
fn a_key_with_an_unreadable_certificate_stays_too() {
    let bank = Bank::new();
    let made = bank.renewed().certificate(44, b"old", "x", b"\x30\x03\x02\x01\x05");
    let alone = (vec!["certificate ObjectHandle(1)".to_owned()], false);
    assert_eq!(retired(&made, &bank).unwrap(), alone);
    let made = bank.renewed().certificate(44, b"far", "x", &[0x30; 32]);
    assert_eq!(retired(&made, &bank).unwrap(), alone);
    // Else it says nothing of the key under another identifier.
    let made = bank.renewed().certificate(44, b"far", "x", b"\x30\x03\x02\x01\x05");
    assert!(retired(&made, &bank).unwrap().1);
}

/// The record that was copied to another user's key: who has the old one's name follows it, so that it is not renewed again; who has
/// another is only said to, and nothing goes for either.
#[test]
fn for_the_same_record_on_two_keys_nothing_goes() {
    let bank = Bank::new();
    let (public, spki) = key();
    let bob = issued(&TestCa::new(), &of_the_firm("Example", "Bob"), &spki, 200, 7);
    for (begun, by) in [(bank.waiting(), &bob), (bank.renewed(), &bank.new)] {
        let made =
            begun.certificate(31, b"bob", "bob", bob.der()).pair(32, b"bob", bank.record.label(), &public);
        let mut contents = made.contents();
        contents.prove_successors(&made).unwrap();
        let old = old_of(&contents, &bank);
        let successor = old.successor().unwrap();
        assert_eq!((&successor.certificate, successor.proven), (by, *by == bank.new));
        assert!(contents.has_followers(&made, &bank.old).unwrap());
        // Who is only said to is another user still.
        assert!(old.of_other_users(days_from_now(0)).any(|other| *other == bob));
        assert_eq!(contents.followers(&made, &bank.old).unwrap().len(), 0);
        let refused = contents.make_sure_its_record_is_one(&old_of(&contents, &bank)).unwrap_err();
        assert_eq!(refused.code(), Code::RemovalDoubtful);
        // Bob's own succession is not touched by it.
        assert_eq!(contents.followers(&made, &bob).unwrap().len(), 0);
        let credentials = contents.credentials();
        let bobs = credentials.iter().find(|one| *one.certificate() == bob).unwrap();
        contents.make_sure_its_record_is_one(bobs).unwrap();
    }
    let contents = bank.renewed().contents();
    contents.make_sure_its_record_is_one(&old_of(&contents, &bank)).unwrap();
}

/// Another program has copied our new key, and the record with it: both sign for the new certificate, and the one beside it is its key.
#[test]
fn a_copy_of_the_new_key_keeps_the_old_one_renewed() {
    let bank = Bank::new();
    let made = bank.renewed();
    let mut made = made.private(42, b"copy", bank.record.label(), bank.new.public_key(), None);
    for _ in 0..2 {
        let mut contents = made.contents();
        assert_eq!(contents.pending(&made).unwrap().len(), 0);
        contents.prove_successors(&made).unwrap();
        assert_eq!(renewed_from_id(&contents), [(b"old".to_vec(), b"new".to_vec())]);
        assert!(old_of(&contents, &bank).successor().unwrap().proven);
        let credentials = contents.credentials();
        let new = credentials.iter().find(|one| *one.certificate() == bank.new).unwrap();
        assert_eq!(new.private_key().unwrap().id, b"new");
        assert_eq!(contents.followers(&made, &bank.old).unwrap().len(), 0);
        made.private.reverse();
    }
}

/// A key without a certificate that carries the record of one with it: by the answer in the old one's name the job is finished.
#[test]
fn a_record_whose_job_is_finished_makes_no_other_key_wait() {
    let bank = Bank::new();
    let finished = |made: &Made, id: &[u8], known: bool| {
        let mut contents = made.contents();
        let pending = contents.pending(made).unwrap();
        let key = pending.iter().find(|key| key.id() == id).unwrap();
        assert_eq!(key.doubt(), Some("same_record"), "it is shown all the same");
        contents.is_finished_by_another(key, &bank.old, |_| known)
    };
    let made = bank.renewed().pair(32, b"else", bank.record.label(), &key().0);
    assert!(finished(&made, b"else", false));
    // While ours waits, one with another user's certificate does not finish it.
    let (public, spki) = key();
    let bob = issued(&TestCa::new(), &of_the_firm("Example", "Bob"), &spki, 200, 7);
    let made = bank.waiting().certificate(31, b"bob", "bob", bob.der()).pair(
        32,
        b"bob",
        bank.record.label(),
        &public,
    );
    assert!(!finished(&made, b"new", false));
    assert!(finished(&made, b"new", true), "but the caller's own records say so");
    // Nor one that waits as well.
    let made = bank.waiting().pair(32, b"else", bank.record.label(), &key().0);
    assert!(!finished(&made, b"new", true) && !finished(&made, b"else", true));
}

/// Copied to another user's certificate and public key only, while our key with it waits: it is our key's.
#[test]
fn a_record_whose_private_key_waits_makes_no_other_certificate_a_successor() {
    let bank = Bank::new();
    let (public, spki) = key();
    let ca = TestCa::new();
    let bob = issued(&ca, &of_the_firm("Example", "Bob"), &spki, 200, 7);
    let label = std::str::from_utf8(bank.record.label()).unwrap();
    let mut made =
        bank.waiting().certificate(31, b"bob", label, bob.der()).private(32, b"bob", b"bob", &public, None);
    made.public.push(made_up::public_key(33, b"bob", bank.record.label(), public.clone()));
    let mut contents = made.contents();
    contents.prove_successors(&made).unwrap();
    assert_eq!(renewed_from_id(&contents), vec![]);
}

/// A certificate that another CA gave somebody else for the same key does not take the old one's place.
#[test]
fn another_user_s_certificate_for_the_same_key_is_no_successor() {
    let ca = TestCa::new();
    let stranger = NameDer::new().common(Text::Utf8, "STRANGER CA").to_der();
    let (public, spki) = key();
    let (ours, theirs) = (of_the_firm("Example", "Alice"), of_the_firm("Other", "VPN user"));
    let colleague = of_the_firm("Example", "Carol");
    let old = issued(&ca, &ours, &spki, 11, 5);
    let with = |other: &Certificate, id: &[u8], label: &str| {
        let made = Made::default().certificate(1, b"one", "bank", old.der());
        let made = made.pair(2, b"one", b"bank", &public).certificate(4, id, label, other.der());
        renewed_from_id(&made.contents()).len()
    };
    let cases = [
        (None, &ours, true, true),
        // Of another person, firm or CA: not by itself wherever it stands.
        (None, &colleague, false, false),
        (None, &theirs, false, false),
        (Some(&stranger), &ours, false, false),
        (Some(&stranger), &theirs, false, false),
    ];
    for (issuer, subject, elsewhere, in_its_place) in cases {
        let issue = ca.issue(subject, &spki).not_after(days_from_now(500)).serial(&[0x33]);
        let issue = match issuer {
            Some(name) => issue.issuer(name),
            None => issue,
        };
        let other = Certificate::from_der(&issue.der()).unwrap();
        let name = other.subject().to_string();
        assert_eq!(with(&other, b"vpn", "vpn"), usize::from(elsewhere), "{name}");
        assert_eq!(with(&other, b"one", "bank"), usize::from(in_its_place), "{name}");
    }
}

/// Another program has given our new certificate the old identifier and label, and the public half is gone or was moved
/// along: only the key's signature tells that the job is done.
#[test]
fn a_finished_job_whose_certificate_was_moved_is_recognised() {
    let bank = Bank::new();
    for with_public in [false, true] {
        let mut made = bank.renewed();
        for certificate in &mut made.certificates {
            *certificate = match &*certificate.der == bank.new.der() {
                true => made_up::certificate(11, b"old", "bank", bank.new.der()),
                false => certificate.clone(),
            };
        }
        made.public.retain(|half| half.id == b"old");
        if with_public {
            let value = bank.new.public_key().clone();
            made.public.push(made_up::public_key(13, b"old", bank.record.label(), value));
        }
        assert_eq!(states(&made), [], "{with_public}");
        let mut contents = made.contents();
        contents.prove_successors(&made).unwrap();
        let credentials = contents.credentials();
        let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
        assert!(old.successor().is_some_and(|by| by.proven && by.certificate == bank.new));
        assert!(!old.has_pending_renewal());
    }
}

/// Nothing is asked where each certificate has its key: a list costs no signature then.
#[test]
fn a_waiting_key_without_public_half_is_not_asked_where_all_certificates_have_their_keys() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    made.public.retain(|half| half.id == b"old");
    assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
    assert!(made.asked.borrow().is_empty());
    // And one that wants the PIN for each signature never is.
    let stray = certificate(&TestCa::new(), &key().1, 300, &[9]);
    let mut made = made.certificate(91, b"stray", "x", stray.der());
    made.private.iter_mut().for_each(|key| key.always_authenticate = true);
    assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
    assert!(made.asked.borrow().is_empty());
}

/// Nothing tells the value of the waiting key, and a certificate has no key: the key signs, but for something else.
#[test]
fn a_waiting_key_that_signs_for_no_certificate_still_waits() {
    let bank = Bank::new();
    let stray = certificate(&TestCa::new(), &key().1, 300, &[9]);
    let mut made = bank.waiting().certificate(91, b"stray", "x", stray.der());
    let half = made.public.iter_mut().find(|half| half.id == b"new").unwrap();
    *half = made_up::public_key(13, b"moved", b"relabelled", bank.new.public_key().clone());
    assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
    assert_eq!(*made.asked.borrow(), [12]);
}

/// A copy of the old private key under an identifier of its own: two keys sign for the certificate.
#[test]
fn a_copy_of_the_old_key_that_tells_nothing_stops_the_removal() {
    let bank = Bank::new();
    let made = bank.renewed().private(62, b"copy", b"othersoft", bank.old.public_key(), None);
    assert_eq!(retired(&made, &bank).map(|_| ()).unwrap_err().code(), Code::RemovalDoubtful);
    // A key of somebody else that tells nothing is no reason.
    let made = bank.renewed().private(62, b"copy", b"othersoft", &key().0, None);
    assert!(retired(&made, &bank).unwrap().1);
}

/// A record that was copied from another token, or a public key that is all there is of a job: a person names it.
#[test]
fn what_nothing_shows_to_be_ours_is_abandoned_only_by_name() {
    let bank = Bank::new();
    let elsewhere = record_for(Some(&certificate(&TestCa::new(), &key().1, 20, &[8])));
    let copied = bank.before().pair(12, b"new", elsewhere.label(), bank.new.public_key());
    let mut lone = bank.before();
    lone.public.push(made_up::public_key(13, b"new", bank.record.label(), bank.new.public_key().clone()));
    for (made, why) in [(copied, "old_certificate_not_there"), (lone, "public_key_alone")] {
        let mut contents = made.contents();
        let pending = contents.pending(&made).unwrap();
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].doubt(), Some(why));
        let refused = contents.abandonment(&made, &pending[0], Meant::Listed).map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), Code::RemovalDoubtful, "{why}");
        contents.abandonment(&made, &pending[0], Meant::Named).unwrap();
    }
    let first = bank.before().pair(12, b"new", record_for(None).label(), bank.new.public_key());
    assert_eq!(first.contents().pending(&first).unwrap()[0].doubt(), None);
}
