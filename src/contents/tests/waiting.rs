//! What is known of a job that waits: whether its old certificate has to be there, what is half written of it, who began it.

use super::*;
use crate::contents::PendingKey;
use crate::pki::Window;
use std::time::SystemTime;

fn only(made: &Made) -> PendingKey {
    let pending = made.contents().pending(made).unwrap();
    let [key] = pending.as_slice() else { panic!("{pending:?}") };
    key.clone()
}

/// A first issue renews nothing, and a removal of the previous release is there because the old one went.
#[test]
fn only_a_renewal_is_doubtful_without_its_old_certificate() {
    let (bank, first) = (Bank::new(), record_for(None));
    let of_a_removal = b"usbtoken:20261101:retires:05";
    for (label, doubt) in [
        (first.label(), None),
        (&of_a_removal[..], None),
        (bank.record.label(), Some("old_certificate_not_there")),
    ] {
        let made = Made::default().pair(12, b"new", label, bank.new.public_key());
        let key = only(&made);
        assert_eq!(key.doubt(), doubt, "{}", String::from_utf8_lossy(label));
        // Nor does it go unless a person names it.
        let planned = made.contents().abandonment(&made, &key, Meant::Listed);
        let refused = doubt.map(|_| Code::RemovalDoubtful);
        assert_eq!(
            planned.map_err(|error| error.code()).err(),
            refused,
            "{}",
            String::from_utf8_lossy(label)
        );
    }
}

/// Half a certificate of a job has its identifier and its record, and is no whole one.
#[test]
fn what_is_half_written_of_a_job_is_its_own() {
    let bank = Bank::new();
    let label = String::from_utf8(bank.record.label().to_vec()).unwrap();
    let half = bank.new.der().get(..40).unwrap();
    let made = bank
        .waiting()
        .certificate(21, b"new", &label, half)
        .certificate(22, b"far", &label, half)
        .certificate(23, b"new", "somebody", half);
    let mut contents = made.contents();
    let key = contents.pending(&made).unwrap().remove(0);
    let halves = contents.half_certificates_of(&key);
    assert_eq!(halves.len(), 1, "{halves:?}");
    assert_eq!((&*halves[0].id, halves[0].label.as_str(), &*halves[0].der), (&b"new"[..], &*label, half));
}

#[test]
fn who_began_a_job_has_a_stable_name() {
    let bank = Bank::new();
    let by = |caller: &Caller| {
        let record = Record::new(Date::constant(2026, 11, 26), Some(&bank.old), caller).unwrap();
        let made = bank.before().pair(12, b"new", record.label(), bank.new.public_key());
        only(&made).begun_by().to_string()
    };
    let callers = [
        Caller::Command,
        Caller::Program("p".to_owned()),
        Caller::Page("https://bank.example:443".to_owned()),
    ];
    assert_eq!(callers.each_ref().map(by), ["command", "program", "page"]);
    let made = bank.before().pair(12, b"new", b"usbtoken:20261101:renews:05", bank.new.public_key());
    assert_eq!(only(&made).begun_by().to_string(), "previous_release");
}

/// What was left out is narrowed as the list is: whoever asks for one is not told of another.
#[test]
fn what_was_left_out_is_narrowed_by_the_identifier_too() {
    let (bank, now) = (Bank::new(), SystemTime::now());
    let left_out = |id: &[u8]| {
        let all = bank.renewed().contents().credentials();
        all.renewable(Window::default(), now).by_id(id).only().map(|one| one.id().to_vec())
    };
    assert_eq!(left_out(b"old").unwrap(), b"old");
    assert_eq!(left_out(b"new").unwrap_err().code(), Code::NotYetRenewable);
    assert_eq!(left_out(b"none").unwrap_err().code(), Code::CredentialNotFound);
}

/// On a token that labels keys by itself the record stands on the certificate alone. It is believed of a key that has none, and only
/// where both certificates have one issuer.
#[test]
fn a_record_on_a_certificate_speaks_for_a_key_without_one() {
    let bank = Bank::new();
    let label = String::from_utf8(bank.record.label().to_vec()).unwrap();
    let labelled = |new: &Certificate| {
        bank.before().pair(12, b"new", b"CHOSEN 1", new.public_key()).certificate(
            11,
            b"new",
            &label,
            new.der(),
        )
    };
    let said = |made: &Made| {
        let contents = made.contents();
        let credentials = contents.credentials();
        let successors =
            credentials.iter().filter_map(|one| Some(one.successor()?.id.clone())).collect::<Vec<_>>();
        ([&bank.old, &bank.new].map(|one| contents.is_said_renewed(one)), successors)
    };
    assert_eq!(said(&labelled(&bank.new)), ([true, false], vec![b"new".to_vec()]));
    // Another CA's, with the same record.
    let (ca, name) = (TestCa::new(), NameDer::new().common(Text::Utf8, "another CA").to_der());
    let (subject, spki) = (manual_subject().to_der(), key().1);
    let other = ca.issue(&subject, &spki).not_after(days_from_now(376)).issuer(&name).serial(&[6]).der();
    let other = Certificate::from_der(&other).unwrap();
    assert_eq!(said(&labelled(&other)), ([true, false], vec![]));
    // The record's own key is elsewhere.
    let elsewhere = labelled(&bank.new).pair(22, b"far", bank.record.label(), &key().0);
    assert!(!elsewhere.contents().is_said_renewed(&bank.old));
    // The key has a record of its own, which says something else.
    let marked = bank.before().pair(12, b"new", record_for(None).label(), bank.new.public_key());
    let marked = marked.certificate(11, b"new", &label, bank.new.der());
    assert_eq!(said(&marked), ([false, false], vec![]));
}
