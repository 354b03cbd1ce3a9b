//! Which key an answer is for.

use super::super::{no_leaf, not_awaited};
use super::*;
use crate::pki::Response;

fn response(certificate: &Certificate) -> Response {
    Response::parse(certificate.der()).unwrap()
}

/// A key that waits and of which nothing tells what it signs for: the public half is gone.
fn without_public_half(bank: &Bank) -> Made {
    let mut made = bank.waiting();
    made.public.retain(|half| half.id != b"new");
    made
}

fn answered(made: &Made, certificate: &Certificate) -> Result<Option<Vec<u8>>> {
    let mut contents = made.contents();
    let pending = contents.pending(made).unwrap();
    let found = contents.answered(made, &response(certificate), &pending)?;
    Ok(found.map(|(leaf, key)| {
        assert_eq!(&leaf, certificate);
        assert_eq!(key.public_key(), Some(certificate.public_key()));
        key.id().to_vec()
    }))
}

#[test]
fn a_hint_is_enough_to_find_the_key() {
    let bank = Bank::new();
    let made = bank.waiting();
    assert_eq!(answered(&made, &bank.new).unwrap(), Some(b"new".to_vec()));
    assert!(made.asked.borrow().is_empty());
    let other = certificate(&TestCa::new(), &key().1, 300, &[9]);
    assert_eq!(answered(&made, &other).unwrap(), None);
}

#[test]
fn where_nothing_tells_the_keys_are_asked() {
    let bank = Bank::new();
    let mut made = without_public_half(&bank);
    assert_eq!(answered(&made, &bank.new).unwrap(), Some(b"new".to_vec()));
    assert_eq!(*made.asked.borrow(), [12]);
    let other = certificate(&TestCa::new(), &key().1, 300, &[9]);
    assert_eq!(answered(&made, &other).unwrap(), None);
    // One that refuses is none of them; a token that fails is an error.
    made.refuses.push(12);
    assert_eq!(answered(&made, &bank.new).unwrap(), None);
    made.refuses.clear();
    made.fails.push(12);
    assert_eq!(answered(&made, &bank.new).unwrap_err().code(), Code::DeviceFault);
}

#[test]
fn a_certificate_that_is_there_is_found_byte_for_byte() {
    let bank = Bank::new();
    let there = |made: &Made, certificate: &Certificate| {
        made.contents().already_there(&response(certificate)).cloned()
    };
    assert_eq!(there(&bank.renewed(), &bank.new), Some(bank.new.clone()));
    assert_eq!(there(&bank.waiting(), &bank.new), None);
    assert_eq!(not_awaited(&bank.new).code(), Code::CertificateNotAwaited);
}

#[test]
fn an_answer_for_none_says_why() {
    let bank = Bank::new();
    let (leaf, waiting) = (response(&bank.new), bank.old.public_key());
    assert_eq!(no_leaf(&leaf, []).code(), Code::PendingNotFound);
    assert_eq!(no_leaf(&leaf, [Some(waiting)]).code(), Code::KeyMismatch);
    assert_eq!(no_leaf(&leaf, [None]).code(), Code::KeyMismatch);
    let ca = Response::parse(TestCa::new().issuing()).unwrap();
    assert_eq!(no_leaf(&ca, [Some(waiting)]).code(), Code::IsCaCertificate);
}

/// An interrupted removal waits for no answer.
#[test]
fn no_answer_is_for_a_removal() {
    let bank = Bank::new();
    let made = bank.before().pair(12, b"new", b"usbtoken:20261101:retires:05", bank.new.public_key());
    assert_eq!(states(&made), [PendingState::RetireInterrupted]);
    assert_eq!(answered(&made, &bank.new).unwrap(), None);
}

/// Where the old key is used again, the answer is for the credential that has it.
#[test]
fn an_answer_may_be_for_a_key_in_use() {
    let (bank, ca) = (Bank::new(), TestCa::new());
    let (public, spki) = key();
    let (old, new) = (certificate(&ca, &spki, 11, &[5]), certificate(&ca, &spki, 300, &[6]));
    let of = |made: &Made, answer: &Certificate| {
        let found = Contents::answered_in_use(&response(answer), &made.contents().credentials(), |_| false)?;
        Ok::<_, Error>(found.map(|(leaf, credential)| (leaf, credential.id().to_vec())))
    };
    let made = Made::default().certificate(1, b"old", "x", old.der()).pair(2, b"old", b"x", &public);
    assert_eq!(of(&made, &new).unwrap(), Some((new.clone(), b"old".to_vec())));
    assert_eq!(of(&made, &bank.new).unwrap(), None);
    let mut keyless = Made::default().certificate(1, b"old", "x", old.der());
    assert_eq!(of(&keyless, &new).unwrap(), None);
    keyless = keyless.certificate(3, b"copy", "x", old.der()).pair(2, b"old", b"x", &public);
    assert_eq!(of(&keyless, &new).unwrap_err().code(), Code::PendingAmbiguous);
}
