//! Which keys are asked to sign, what their signatures say, and what a token that fails meanwhile comes to.

use super::*;
use crate::contents::PendingKey;
use crate::error::Fact;
use crate::pki::SignatureAlgorithm;

fn only(made: &Made) -> PendingKey {
    let mut pending = made.contents().pending(made).unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.remove(0)
}

fn reason(error: &Error) -> Option<&str> {
    error.facts().find(|(fact, _)| *fact == Fact::Reason).map(|(_, value)| value)
}

/// A key of ours that tells nothing, beside a certificate whose key nobody knows.
fn silent(bank: &Bank, algorithm: Option<SignatureAlgorithm>, stray: bool) -> Made {
    let mut made = bank.before().private(12, b"new", bank.record.label(), &key().0, None);
    made.private.iter_mut().filter(|key| key.id == b"new").for_each(|key| key.algorithm = algorithm);
    let other = certificate(&TestCa::new(), &key().1, 300, &[9]);
    if stray { made.certificate(91, b"stray", "x", other.der()) } else { made }
}

/// Its certificate is the stray one only where it is of that kind.
#[test]
fn a_silent_key_is_asked_only_where_a_stray_certificate_may_be_its_own() {
    use SignatureAlgorithm::{EcdsaSha256, RsaPkcs1Sha256};
    let bank = Bank::new();
    for (algorithm, stray, asked) in [
        (Some(EcdsaSha256), true, true),
        (Some(EcdsaSha256), false, false),
        (Some(RsaPkcs1Sha256), true, false),
        (None, true, true),
        (None, false, false),
    ] {
        let made = silent(&bank, algorithm, stray);
        assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
        assert_eq!(!made.asked.borrow().is_empty(), asked, "{algorithm:?} {stray}");
    }
}

/// A key that refuses to sign says nothing of its job; a token that fails says nothing of anything.
#[test]
fn a_token_that_fails_while_a_silent_key_is_asked_stops_the_list() {
    let bank = Bank::new();
    let mut made = silent(&bank, Some(SignatureAlgorithm::EcdsaSha256), true);
    made.refuses.push(12);
    assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
    (made.refuses, made.fails) = (vec![], vec![12]);
    assert_eq!(made.contents().pending(&made).unwrap_err().code(), Code::DeviceFault);
}

/// Of two keys with one identifier and one record the one goes that has signed for no certificate.
#[test]
fn of_two_keys_alike_the_unfinished_one_goes_where_both_sign() {
    let bank = Bank::new();
    let (public, _) = key();
    let made = || bank.renewed().private(32, b"new", bank.record.label(), &public, None);
    let listed = {
        let made = made();
        let mut contents = made.contents();
        let pending = contents.pending(&made).unwrap();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0].clone()
    };
    let plan =
        |made: &Made| made.contents().abandonment(made, &listed, Meant::Named).map(|plan| plan.planned());
    assert_eq!(plan(&made()).unwrap(), ["private ObjectHandle(32)"]);
    let with = |change: &dyn Fn(&mut Made)| {
        let mut made = made();
        change(&mut made);
        plan(&made)
    };
    assert_eq!(with(&|made| made.fails.push(32)).unwrap_err().code(), Code::DeviceFault);
    assert_eq!(with(&|made| made.refuses.push(12)).unwrap_err().code(), Code::KeysAlike);
    let failing = |made: &mut Made| (made.certificates, made.fails) = (vec![], vec![32]);
    assert_eq!(with(&failing).unwrap_err().code(), Code::DeviceFault);
    // No certificate tells them apart.
    assert_eq!(with(&|made| made.certificates.clear()).unwrap_err().code(), Code::KeysAlike);
}

/// A key that wants the PIN for each signature is not asked for a list, though its certificate says what it replaces.
#[test]
fn a_key_that_wants_the_pin_each_time_is_not_asked_for_a_list() {
    let bank = Bank::new();
    let label = std::str::from_utf8(bank.record.label()).unwrap();
    for (always, asked) in [(false, vec![12]), (true, vec![])] {
        let mut made = bank.before().pair(12, b"new", b"CHOSEN 1", bank.new.public_key());
        made.private.iter_mut().for_each(|key| key.always_authenticate = always);
        let made = made.certificate(11, b"new", label, bank.new.der());
        made.contents().prove_successors(&made).unwrap();
        assert_eq!(*made.asked.borrow(), asked);
    }
}

/// The record stands on the certificate alone, and the key beside it has signed for another one.
#[test]
fn a_key_that_has_signed_for_another_certificate_proves_nothing() {
    let bank = Bank::new();
    let (public, spki) = key();
    let another = certificate(&TestCa::new(), &spki, 300, &[9]);
    let label = std::str::from_utf8(bank.record.label()).unwrap();
    let beside = |key: &PublicKey, old: bool| {
        let made = if old { bank.before() } else { Made::default() };
        let made = made.certificate(11, b"new", label, bank.new.der());
        made.certificate(91, b"other", "x", another.der()).private(12, b"new", b"CHOSEN 1", key, None)
    };
    let proven = |made: &Made, asked: bool| {
        let mut contents = made.contents();
        let at = made.private.iter().position(|key| key.id == b"new").unwrap();
        if asked {
            contents.ask(made, at, &[]).unwrap();
        }
        contents.successor_of(&bank.old).map(|by| (by.certificate == bank.new, by.proven))
    };
    for old in [false, true] {
        let (ours, other) = (beside(bank.new.public_key(), old), beside(&public, old));
        assert_eq!(proven(&ours, false), Some((true, false)));
        assert_eq!(proven(&ours, true), Some((true, true)));
        assert_ne!(proven(&other, true), Some((true, true)));
        // The same of the list.
        let listed = |made: &Made| {
            let mut contents = made.contents();
            contents.prove_successors(made).unwrap();
            let credentials = contents.credentials();
            credentials.iter().find_map(|one| one.successor().map(|by| by.proven))
        };
        assert_eq!(listed(&ours), old.then_some(true));
        assert_ne!(listed(&other), Some(true));
    }
}

/// What follows the one that follows counts: the window is that of the one in use.
#[test]
fn the_window_of_a_row_is_that_of_its_last_one() {
    let bank = Bank::new();
    let (public, spki) = key();
    let third = certificate(&TestCa::new(), &spki, 700, &[7]);
    let record = record_for(Some(&bank.new));
    let label = std::str::from_utf8(bank.record.label()).unwrap();
    let window = crate::pki::Window::default();
    for asked in [false, true] {
        let of_new = bank.new.public_key();
        let made = Made::default()
            .certificate(11, b"new", label, bank.new.der())
            .private(12, b"new", bank.record.label(), of_new, Some(of_new))
            .certificate(81, b"third", "x", third.der())
            .private(82, b"third", record.label(), &public, Some(&public));
        let mut contents = made.contents();
        if asked {
            contents.prove_successors(&made).unwrap();
            contents.ask(&made, 0, &[]).unwrap();
        }
        let by = contents.successor_of(&bank.old).unwrap();
        assert_eq!((by.certificate.clone(), by.proven), (bank.new.clone(), asked));
        assert_eq!(by.renewable_from(&window), window.opens_on(third.not_after()));
    }
}

/// Another program has put another key in the place of the one that was listed.
#[test]
fn another_key_in_the_place_of_the_listed_one_goes_only_by_name() {
    let bank = Bank::new();
    let listed = only(&bank.waiting());
    let (other, _) = key();
    let plan = |made: &Made, meant| {
        let plan = made.contents().abandonment(made, &listed, meant).map(|plan| plan.planned());
        plan.map_err(|error| reason(&error).unwrap_or_default().to_owned())
    };
    let another = bank.before().pair(32, b"new", bank.record.label(), &other);
    let both = ["public ObjectHandle(33)", "private ObjectHandle(32)"].map(str::to_owned).to_vec();
    assert_eq!(plan(&another, Meant::Listed), Err("object_changed".to_owned()));
    assert_eq!(plan(&another, Meant::Named), Ok(both.clone()));
    assert_eq!(plan(&another, Meant::Requested(Some(&other))), Ok(both), "the request is this key's");
    // The object that was listed, of which the driver has told another key's value.
    let mut told_wrongly = bank.before().private(12, b"new", bank.record.label(), &other, None);
    told_wrongly.public.push(made_up::public_key(43, b"far", b"x", other.clone()));
    assert_eq!(plan(&told_wrongly, Meant::Listed), Ok(vec!["private ObjectHandle(12)".to_owned()]));
    // The same key under another handle.
    let moved = bank.before().pair(32, b"new", bank.record.label(), bank.new.public_key());
    assert!(plan(&moved, Meant::Listed).is_ok());
}

/// Where no other private key is on the token, a search that shows none says that it went.
#[test]
fn a_removal_knows_whether_other_keys_stay() {
    let (bank, first) = (Bank::new(), record_for(None));
    let stays = |made: &Made| {
        let key = only(made);
        made.contents().abandonment(made, &key, Meant::Named).unwrap().keeps_key()
    };
    for refuses in [false, true] {
        let mut alone = Made::default().pair(12, b"new", first.label(), bank.new.public_key());
        let mut beside = bank.waiting();
        if refuses {
            (alone.refuses, beside.refuses) = (vec![12], vec![12]);
        }
        assert_eq!((stays(&alone), stays(&beside)), (false, true), "{refuses}");
    }
}
