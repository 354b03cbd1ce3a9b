//! What a list says of one certificate: by what it is named, what it replaces, and why none is left.

use super::*;
use crate::contents::{HalfWritten, Identified, PendingKey};
use crate::error::{Call, Fact};
use crate::pki::Window;
use crate::places::OldCertificate;
use std::time::SystemTime;

fn text(label: &[u8]) -> &str {
    std::str::from_utf8(label).unwrap()
}

fn candidates(error: &Error) -> Vec<&str> {
    error.facts().filter(|(fact, _)| *fact == Fact::Candidate).map(|(_, value)| value).collect()
}

/// Two that end in the same second.
fn at_once() -> [Certificate; 2] {
    let (ca, end) = (TestCa::new(), days_from_now(50));
    [1, 2].map(|serial| {
        let der = ca.issue(&manual_subject().to_der(), &key().1).not_after(end).serial(&[serial]).der();
        Certificate::from_der(&der).unwrap()
    })
}

/// A renewal from a file, or from another token: the label of the new certificate names the old one.
#[test]
fn the_record_on_a_certificate_says_what_it_replaces_from_elsewhere() {
    let bank = Bank::new();
    let replaces = |label: &[u8], new: &Certificate, old: &Certificate| {
        let made = Made::default().certificate(11, b"new", text(label), new.der());
        made.contents().credentials().said_to_replace(old).map(|one| one.certificate().clone())
    };
    assert_eq!(replaces(bank.record.label(), &bank.new, &bank.old).as_ref(), Some(&bank.new));
    // Of another one, of none, of a serial number alone, and without one it names nothing.
    let (other, first) = (record_for(Some(&bank.new)), record_for(None));
    for label in [other.label(), first.label(), b"usbtoken:20261101:renews:05", b"bank"] {
        assert_eq!(replaces(label, &bank.new, &bank.old), None, "{}", text(label));
    }
    // Nor does what ends no later.
    let [one, two] = at_once();
    for (old, new) in [(&one, &two), (&bank.new, &bank.old)] {
        assert_eq!(replaces(record_for(Some(old)).label(), new, old), None);
    }
}

/// The name that a person can give back chooses that one alone.
#[test]
fn a_serial_number_that_two_certificates_have_names_none_of_them() {
    let bank = Bank::new();
    let other = certificate(&TestCa::new(), &key().1, 300, &[5]);
    let alone = bank.renewed().certificate(91, b"copy", "copy", bank.old.der());
    assert_eq!(of(&alone.contents(), &bank.new).naming(&bank.old), "05", "a copy is no other one");
    let both = alone.certificate(71, b"other", "x", other.der());
    let contents = both.contents();
    let one = of(&contents, &bank.new);
    assert_eq!(one.naming(&bank.new), "06");
    for named in [&bank.old, &other] {
        let name = one.naming(named);
        assert!(name.starts_with("sha256:"), "{name}");
        // Whoever names it, also where the old one may be elsewhere.
        let anywhere: [&dyn Identified; 2] = [&one, &OldCertificate::from(&one)];
        assert_eq!(anywhere.map(|old| old.naming(named)), [name.clone(), name.clone()]);
        let chosen = contents.credentials().by_serial(&name);
        assert!(!chosen.is_empty() && chosen.iter().all(|one| one.certificate() == named));
    }
}

/// The oldest goes first.
#[test]
fn what_a_certificate_replaces_is_its_whole_row_from_the_oldest() {
    let bank = Bank::new();
    let (public, spki) = key();
    let third = certificate(&TestCa::new(), &spki, 700, &[7]);
    let record = record_for(Some(&bank.new));
    let made = bank.renewed().certificate(81, b"third", "x", third.der());
    let contents = made.pair(82, b"third", record.label(), &public).contents();
    let all = contents.credentials();
    let replaced = |new: &Certificate| {
        all.replaced_by(new).iter().map(|old| old.certificate().clone()).collect::<Vec<_>>()
    };
    assert_eq!(replaced(&third), [bank.old.clone(), bank.new.clone()]);
    assert_eq!(replaced(&bank.new), std::slice::from_ref(&bank.old));
    assert_eq!(replaced(&bank.old), []);
    let [old, third] = [&bank.old, &third].map(|one| of(&contents, one));
    assert!(old.stands_in_row_with(&third) && third.stands_in_row_with(&old));
    // A stranger's stands in none of it.
    let (public, spki) = key();
    let stranger = certificate(&TestCa::new(), &spki, 100, &[8]);
    let made = bank.renewed().certificate(91, b"other", "x", stranger.der());
    let contents = made.pair(92, b"other", b"x", &public).contents();
    assert!(!of(&contents, &bank.new).stands_in_row_with(&of(&contents, &stranger)));
}

#[test]
fn the_only_one_is_chosen_without_a_copy_of_the_list() {
    let (bank, now) = (Bank::new(), SystemTime::now());
    let all = bank.renewed().contents().credentials();
    assert_eq!(all.only_with_id(b"new").unwrap().certificate(), &bank.new);
    assert_eq!(all.only_with_id(b"old").unwrap().certificate(), &bank.old);
    assert_eq!(all.only_with_id(b"none").unwrap_err().code(), Code::CredentialNotFound);
    assert_eq!(all.only_with_serial("06").unwrap().certificate(), &bank.new);
    let waits = bank.before().certificate(11, b"new", "x", bank.new.der()).contents().credentials();
    assert_eq!(waits.only_renewable(Window::default(), now).unwrap().certificate(), &bank.old);
    // None of them can be: the one that can first.
    let alone = Made::default().certificate(11, b"new", "x", bank.new.der());
    let alone = alone.pair(12, b"new", b"x", bank.new.public_key()).contents().credentials();
    let error = alone.only_renewable(Window::default(), now).unwrap_err();
    assert_eq!(error.code(), Code::NotYetRenewable);
    // Nothing but what cannot be read.
    let broken = Made::default().certificate(21, b"x", "x", b"\x31").contents().credentials();
    let error = broken.only_renewable(Window::default(), now).unwrap_err();
    assert_eq!(error.code(), Code::CredentialUnreadable);
}

/// Two with one identifier and one number, as two CAs may give them, are told apart by their fingerprints.
#[test]
fn candidates_that_nothing_else_tells_apart_have_their_fingerprints() {
    let bank = Bank::new();
    let other = certificate(&TestCa::new(), &key().1, 300, &[5]);
    for (id, alike) in [(&b"old"[..], true), (b"other", false)] {
        let made = bank.before().certificate(71, id, "x", other.der());
        let error = made.contents().credentials().only().unwrap_err();
        assert_eq!(error.code(), Code::CredentialAmbiguous);
        let named = candidates(&error);
        assert_eq!(named.len(), 2);
        assert!(named.iter().all(|one| one.contains("sha256:") == alike), "{named:?}");
    }
}

/// The copy of another program comes first: the one beside the key is the credential.
#[test]
fn of_copies_the_one_beside_its_key_is_the_credential() {
    let bank = Bank::new();
    for copy_first in [true, false] {
        let copied = Made::default().certificate(91, b"copy", "copy", bank.old.der());
        let mut made = if copy_first { copied } else { Made::default() };
        made = made.certificate(1, b"old", "bank", bank.old.der());
        made = made.pair(2, b"old", b"bank", bank.old.public_key());
        if !copy_first {
            made = made.certificate(91, b"copy", "copy", bank.old.der());
        }
        assert_eq!(made.contents().credentials().only().unwrap().id(), b"old");
    }
}

/// Each object that holds a certificate is named with it; no copy is another one in its name.
#[test]
fn a_certificate_says_where_it_is_stored_and_how_many_others_are_in_its_name() {
    let [one, other] = at_once();
    let made = Made::default()
        .certificate(1, b"a", "x", one.der())
        .certificate(2, b"b", "y", other.der())
        .certificate(3, b"a", "x", one.der())
        .certificate(4, b"a", "z", one.der())
        .certificate(5, b"c", "x", one.der());
    let all = made.contents().credentials();
    let places = [("a", "x"), ("a", "x"), ("a", "z"), ("c", "x")].map(|(id, label)| (id.as_bytes(), label));
    let stored = |of: &Credential| -> Vec<(Vec<u8>, String)> {
        of.stored_as().iter().map(|object| (object.id.clone(), object.label.clone())).collect()
    };
    let expected: Vec<_> = places.map(|(id, label)| (id.to_vec(), label.to_owned())).into();
    let listed: Vec<(&[u8], &str)> = all.iter().map(|one| (one.id(), one.label())).collect();
    assert_eq!(listed, [(&b"a"[..], "x"), (b"b", "y"), (b"a", "z"), (b"c", "x")]);
    for listed in &all {
        assert_eq!(listed.same_subject(), 1, "{}", listed.label());
        let alone = listed.certificate() == &other;
        assert_eq!(stored(listed), if alone { Vec::new() } else { expected.clone() });
        assert_eq!(listed.stored_twice().is_none(), alone);
    }
    let notice = all.stored_twice().unwrap();
    let named: Vec<&str> = notice.facts().map(|(_, value)| value).collect();
    assert_eq!(named.len(), 4);
    assert!(named[2].ends_with("(serial 01): id 61, label \"z\""), "{named:?}");
    assert!(made.contents().credentials().by_id(b"b").stored_twice().is_none());
    let many = (0..40).fold(Made::default(), |made, at| made.certificate(at, &[1], "x", one.der()));
    let many = many.contents().credentials();
    assert_eq!((many.iter().len(), many.iter().next().unwrap().stored_as().len()), (1, 40));
    assert_eq!(many.stored_twice().unwrap().facts().count(), 16);
}

/// What the driver answered explains that a certificate cannot be read, and not that none is that one.
#[test]
fn only_an_unreadable_certificate_is_explained_by_the_driver_s_refusal() {
    let bank = Bank::new();
    let call = Call { function: "C_GetAttributeValue", rv: 6, name: "CKR_FUNCTION_FAILED" };
    let error = |certificates: Vec<StoredCertificate>| {
        let mut objects = made_up::objects(certificates, Vec::new(), Vec::new());
        (objects.unreadable, objects.refusal) = (1, Some(call));
        Contents::of(objects, true).credentials().only_with_serial("77").unwrap_err()
    };
    let unreadable = error(Vec::new());
    assert_eq!(unreadable.code(), Code::CredentialUnreadable);
    assert_eq!(unreadable.pkcs11_call().map(|call| call.rv), Some(6));
    let none = error(vec![made_up::certificate(1, b"old", "bank", bank.old.der())]);
    assert_eq!(none.code(), Code::CredentialNotFound);
    assert_eq!(none.pkcs11_call().map(|call| call.rv), None);
}

fn before_login(made: &Made) -> Contents {
    let objects = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
    Contents::of(objects, false)
}

/// Before the login the public keys say which jobs wait.
#[test]
fn the_jobs_that_public_keys_tell_of_are_listed_before_the_login() {
    let bank = Bank::new();
    let waits = |made: &Made| {
        let waiting = before_login(made).said_to_wait();
        waiting.iter().map(|key| (key.id().to_vec(), key.renews(&bank.old))).collect::<Vec<_>>()
    };
    assert_eq!(waits(&bank.waiting()), [(b"new".to_vec(), true)]);
    assert_eq!(waits(&bank.renewed()), []);
    assert_eq!(waits(&bank.before()), []);
}

/// A creation that was interrupted left an empty certificate, or one whose place is filled with one byte.
#[test]
fn a_certificate_that_is_empty_or_of_one_byte_is_half_of_its_job() {
    let bank = Bank::new();
    let label = text(bank.record.label());
    let halves = |value: &[u8]| {
        let made = bank.waiting().certificate(21, b"new", label, value);
        let mut contents = made.contents();
        let key = contents.pending(&made).unwrap().remove(0);
        contents.half_certificates_of(&key).len()
    };
    assert_eq!([halves(b""), halves(&[0; 40]), halves(&[0xff; 40])], [1, 1, 1]);
    assert_eq!(halves(b"\x31\x01\x00another program's, and whole"), 0);
    // Beside a public key alone too.
    let mut made = bank.before();
    made.public.push(made_up::public_key(13, b"new", bank.record.label(), bank.new.public_key().clone()));
    let half = |made: &Made, logged_in| {
        let objects = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
        let waiting = Contents::of(objects, logged_in).said_to_wait();
        waiting.iter().map(PendingKey::half_written).collect::<Vec<_>>()
    };
    let none = HalfWritten::default();
    assert_eq!(half(&made, false), [none]);
    let made = made.certificate(21, b"new", label, &[0; 40]);
    for logged_in in [false, true] {
        assert_eq!(half(&made, logged_in), [HalfWritten { certificate: true, ..none }]);
    }
}

/// The old certificate is elsewhere, and the caller has it.
#[test]
fn a_job_from_elsewhere_renews_what_its_record_names_and_is_for_its_subject() {
    let bank = Bank::new();
    let subject = |name: &str| {
        let der = TestCa::new().issue(&NameDer::new().common(Text::Utf8, name).to_der(), &key().1).der();
        Certificate::from_der(&der).unwrap()
    };
    let (sales, other) = (subject("SALES"), subject("OTHER"));
    let job = |made: &Made| made.contents().pending(made).unwrap().remove(0);
    let alone = |label: &[u8]| job(&Made::default().pair(12, b"new", label, bank.new.public_key()));
    let missing = alone(bank.record.label());
    let from_file = missing.clone().renewing(&bank.old);
    assert!(from_file.renews(&bank.old) && !from_file.renews(&bank.new));
    assert_eq!((missing.doubt(), from_file.doubt()), (Some("old_certificate_not_there"), None));
    assert!(from_file.is_said_to_be_for(bank.old.subject()));
    assert!(!from_file.is_said_to_be_for(other.subject()));
    // Another certificate is not what it renews.
    assert!(!missing.clone().renewing(&bank.new).renews(&bank.new));
    assert!(!missing.is_said_to_be_for(bank.old.subject()), "whose it is nothing here says");
    assert!(!job(&bank.waiting()).is_said_to_be_for(bank.old.subject()));
    let first = alone(&record_for(None).label_for(sales.subject()).unwrap());
    assert!(first.is_said_to_be_for(sales.subject()) && !first.is_said_to_be_for(other.subject()));
    assert!(!alone(record_for(None).label()).is_said_to_be_for(sales.subject()));
}
