//! Certificates that are not given, not whole or not told at all: what they may be for stays.

use super::*;
use crate::contents::PendingKey;
use crate::error::Fact;

fn ours(bank: &Bank) -> String {
    String::from_utf8(bank.record.label().to_vec()).unwrap()
}

fn only(made: &Made) -> PendingKey {
    let mut pending = made.contents().pending(made).unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.remove(0)
}

/// One of which the driver gives no value.
fn not_given(mut made: Made, number: u32, id: &[u8], label: &str) -> Made {
    let mut one = made_up::certificate(number, id, label, b"");
    one.given = false;
    made.certificates.push(one);
    made
}

/// Beside what is made up there is a certificate that does not even tell its identifier.
fn with_hidden(made: &Made) -> Contents {
    let mut objects = made_up::objects(made.certificates.clone(), made.private.clone(), made.public.clone());
    objects.hidden_certificates = 1;
    Contents::of(objects, true)
}

fn refusal(contents: &mut Contents, made: &Made, key: &PendingKey, meant: Meant<'_>) -> Option<String> {
    let refused = contents.abandonment(made, key, meant).err()?;
    let reason = refused.facts().find(|(fact, _)| *fact == Fact::Reason);
    Some(reason.map(|(_, value)| value.to_owned()).unwrap_or_default())
}

/// What is not given may be whole, so that it is no half of ours; by its identifier or its record it may be the key's.
#[test]
fn what_is_not_given_may_be_a_key_s_and_is_no_half_of_it() {
    let bank = Bank::new();
    let key = only(&bank.waiting());
    for (id, label, may) in [(&b"new"[..], "x", true), (b"far", &ours(&bank), true), (b"far", "x", false)] {
        let contents = not_given(bank.waiting(), 21, id, label).contents();
        assert_eq!(contents.may_be_certified(&key), may, "{label}");
        assert!(contents.half_certificates_of(&key).is_empty());
    }
    let contents = not_given(bank.waiting(), 21, b"new", &ours(&bank)).contents();
    assert!(contents.half_certificates_of(&key).is_empty());
    // One that is given is judged by its value.
    let given = bank.waiting().certificate(21, b"new", "x", b"not a certificate");
    assert!(!given.contents().may_be_certified(&key));
}

#[test]
fn a_certificate_that_tells_nothing_may_be_for_any_key() {
    let bank = Bank::new();
    let (waiting, renewed) = (bank.waiting(), bank.renewed());
    let key = only(&waiting);
    assert!(!waiting.contents().has_hidden_certificates());
    let mut contents = with_hidden(&waiting);
    assert!(contents.has_hidden_certificates());
    let refused = refusal(&mut contents, &waiting, &key, Meant::Listed);
    assert_eq!(refused.as_deref(), Some("object_unreadable"));
    assert_eq!(refusal(&mut contents, &waiting, &key, Meant::Named), None);

    for (mut contents, with_key) in [(renewed.contents(), true), (with_hidden(&renewed), false)] {
        let followers = contents.followers(&renewed, &bank.old).unwrap();
        let credentials = contents.credentials();
        let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
        let plan =
            contents.retirement(&renewed, old, &followers[0], false, OfCopies::Chosen, &|_| false).unwrap();
        assert_eq!(plan.with_key, with_key);
    }
}

/// Under whatever identifier: only what a creation for this very job has left goes with the key.
#[test]
fn an_unread_certificate_keeps_a_waiting_key_unless_it_is_its_own_half() {
    let bank = Bank::new();
    let whole = bank.new.der();
    let (half, nearly) = (&whole[..40], &whole[..whole.len() - 1]);
    for (id, label, value, refused) in [
        (&b"far"[..], "x", &[0x30; 32][..], true),
        (b"far", &ours(&bank), half, true),
        (b"new", &ours(&bank), half, false),
        // The key's own value stands in it.
        (b"new", &ours(&bank), nearly, true),
    ] {
        let made = bank.waiting().certificate(21, id, label, value);
        let key = made.contents().pending(&made).unwrap().remove(0);
        let by = |meant| refusal(&mut made.contents(), &made, &key, meant);
        let expected = refused.then(|| "object_unreadable".to_owned());
        assert_eq!(by(Meant::Listed), expected, "{label} {}", value.len());
        assert_eq!(by(Meant::Named), None, "{label} {}", value.len());
    }
}

/// The key signs, and for none that can be read: its certificate may be the one beside it.
#[test]
fn a_key_beside_an_unread_certificate_is_not_confirmed() {
    let bank = Bank::new();
    for value in [&[0x30; 32][..], b""] {
        let beside = bank.waiting().certificate(21, b"new", "?", value);
        assert_eq!(states(&beside), [PendingState::NotConfirmed]);
        let far = bank.waiting().certificate(21, b"far", "?", value);
        assert_eq!(states(&far), [PendingState::AwaitingAnswer]);
    }
    // What is shorter than a key is none's.
    let short = bank.waiting().certificate(21, b"new", "?", b"?");
    assert_eq!(states(&short), [PendingState::AwaitingAnswer]);
}

/// Whoever asks for one by its identifier is told of what may be that one.
#[test]
fn what_is_hidden_counts_for_every_identifier() {
    let unreadable = |made: Made| made.contents().credentials().by_id(b"wanted").unreadable().len();
    assert_eq!(unreadable(not_given(Made::default(), 21, b"", "x")), 1);
    assert_eq!(unreadable(not_given(Made::default(), 21, b"wanted", "x")), 1);
    assert_eq!(unreadable(not_given(Made::default(), 21, b"other", "x")), 0);
    assert_eq!(unreadable(Made::default().certificate(21, b"", "x", b"\x31")), 0);
}

/// Before the login what is not given may show after it; what is broken stays broken.
#[test]
fn what_is_not_given_before_the_login_may_be_later() {
    let code = |made: &Made, logged_in| {
        let objects = made_up::objects(made.certificates.clone(), Vec::new(), Vec::new());
        Contents::of(objects, logged_in).credentials().only().unwrap_err().code()
    };
    let hidden = not_given(Made::default(), 21, b"id", "x");
    assert_eq!(code(&hidden, false), Code::CredentialNotSeen);
    assert_eq!(code(&hidden, true), Code::CredentialUnreadable);
    let broken = Made::default().certificate(21, b"id", "x", b"\x31");
    assert_eq!(code(&broken, false), Code::CredentialUnreadable);
}
