//! Public key and certificate objects that may be another program's, whatever is told of them.

use super::*;

/// The plan for the old credential, and the identifiers of the public keys that stay.
fn retired(made: &Made, bank: &Bank) -> Result<(Vec<String>, Vec<Vec<u8>>)> {
    let mut contents = made.contents();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    let followers = contents.followers(made, &bank.old)?;
    let plan = contents.retirement(made, old, &followers[0], false, OfCopies::Chosen, &|_| false)?;
    Ok((plan.removal.planned(), plan.public_keys_kept))
}

/// A public key object that tells the old value, under the old identifier or another one, with the old label.
fn beside(made: &mut Made, number: u32, id: &[u8], bank: &Bank) {
    let label = made.public[0].label.clone();
    made.public.push(made_up::public_key(number, id, label.bytes(), bank.old.public_key().clone()));
}

fn publics(planned: &[String]) -> usize {
    planned.iter().filter(|one| one.starts_with("public")).count()
}

#[test]
fn one_that_nothing_else_can_be_meant_for_is_not_asked() {
    let bank = Bank::new();
    let made = bank.renewed();
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len(), made.verified.borrow().len()), (1, 0, 0));
}

#[test]
fn of_several_those_go_that_verify() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    let old = made.public[0].id.clone();
    beside(&mut made, 51, &old, &bank);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len(), made.verified.borrow().len()), (2, 0, 2), "copies");
    made.says.insert(51, Verified::No);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len()), (1, 0));
    assert!(!planned.contains(&"public ObjectHandle(51)".to_owned()), "{planned:?}");
    made.says.insert(51, Verified::Unknown);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept), (1, vec![old.clone()]));
    // A driver that refuses all refuses its own as well.
    made.says.insert(51, Verified::No);
    made.says.insert(made_up::number_of_half(&made.public[0]), Verified::No);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept), (0, vec![old.clone(), old]));
}

/// Another's private key has the identifier, and one of them is probably its own; but not where one of them is shown to be another.
#[test]
fn what_verifies_all_the_same_stays_beside_another_s_private_key() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    let old = made.public[0].id.clone();
    made = made.private(52, &old, b"theirs", &key().0, None);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len(), made.verified.borrow().len()), (1, 0, 1), "a single one");
    beside(&mut made, 51, &old, &bank);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len()), (0, 2));
    made.says.insert(51, Verified::No);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept.len()), (1, 0));
}

/// One with the old label under an identifier at which only another's private key stands.
#[test]
fn what_has_our_label_alone_stays_beside_another_s_private_key() {
    let bank = Bank::new();
    let mut made = bank.renewed().private(52, b"theirs", b"theirs", &key().0, None);
    beside(&mut made, 51, b"theirs", &bank);
    let (planned, kept) = retired(&made, &bank).unwrap();
    assert_eq!((publics(&planned), kept), (1, vec![b"theirs".to_vec()]), "{planned:?}");
}

/// One with our record and no value that can be read may be of a kind that is not known here, and of another's key.
#[test]
fn a_half_of_a_public_key_stays_beside_another_s_private_key() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    made.public.push(made_up::public_key(41, b"new", bank.record.label(), bank.new.public_key().clone()));
    made.public.last_mut().unwrap().public_key = None;
    let planned = |made: &Made, meant| {
        let pending = made.contents().pending(made).unwrap();
        made.contents().abandonment(made, &pending[0], meant).map(|plan| plan.planned().len())
    };
    assert_eq!(planned(&made, Meant::Listed).unwrap(), 3);
    let made = made.private(52, b"new", b"theirs", &key().0, None);
    assert_eq!(planned(&made, Meant::Listed).unwrap_err().code(), Code::RemovalDoubtful);
    assert_eq!(planned(&made, Meant::Named).unwrap(), 2);
}
