//! What is known to have gone, to follow, and to have been read.

use super::*;
use crate::error::Call;
use base16ct::lower::encode_string as hex;
use std::collections::HashMap;

fn text(label: &[u8]) -> &str {
    std::str::from_utf8(label).unwrap()
}

/// What cannot be read, or only shows in a search, may be it.
#[test]
fn a_certificate_has_gone_where_nothing_under_its_identifier_may_be_it() {
    let bank = Bank::new();
    let (old, new) = (hex(&bank.old.fingerprint()), hex(&bank.new.fingerprint()));
    let contents = bank.before().contents();
    assert!(!contents.has_gone(&old, b"old", &[]));
    assert!(
        contents.has_gone(&old, b"old", &[b"no such label".to_vec()]),
        "nor is one with a label of its own"
    );
    assert!(contents.has_gone(&old, b"new", &[]), "a copy under another identifier is not it");
    assert!(contents.has_gone(&new, b"old", &[]));
    assert!(Made::default().contents().has_gone(&old, b"old", &[]));
    let unread = bank.before().certificate(21, b"new", "x", b"not a certificate").contents();
    assert!(!unread.has_gone(&new, b"new", &[]) && unread.has_gone(&new, b"old", &[]));
    for found in [0, 1] {
        let mut hidden = bank.before().contents();
        hidden.hidden_certificates = found;
        assert_eq!(hidden.has_gone(&new, b"new", &[]), found == 0);
    }
    let mut silent = bank.before().contents();
    silent.unreadable = 1;
    assert!(!silent.has_gone(&new, b"new", &[]));
}

#[test]
fn a_token_was_read_whole_where_every_object_gave_what_was_asked() {
    let call = Call { function: "C_GetAttributeValue", rv: 6, name: "CKR_FUNCTION_FAILED" };
    for (unreadable, refusal) in [(0, None), (1, None), (0, Some(call)), (1, Some(call))] {
        let mut contents = Bank::new().before().contents();
        (contents.unreadable, contents.refusal) = (unreadable, refusal);
        assert_eq!(contents.was_read_whole(), (unreadable, refusal) == (0, None));
    }
    assert!(Bank::new().before().contents().has_private_keys());
    assert!(!Made::default().contents().has_private_keys());
}

#[test]
fn a_record_on_the_new_certificate_says_whose_place_it_takes() {
    let bank = Bank::new();
    let third = certificate(&TestCa::new(), &key().1, 500, &[7]);
    let (of_old, of_new) = (text(bank.record.label()), record_for(Some(&bank.new)));
    let recorded = |label: &str, on: &Certificate| {
        let made = bank.before().certificate(11, b"new", "x", bank.new.der());
        made.certificate(21, b"some", label, on.der()).contents().is_recorded(&bank.old, &bank.new)
    };
    assert!(recorded(of_old, &bank.new));
    assert!(!recorded(of_old, &third), "it is another one's");
    assert!(!recorded(text(of_new.label()), &bank.new) && !recorded("x", &bank.new));
}

/// Known by the caller's own records, and shown by a signature.
#[test]
fn a_known_successor_is_one_whose_key_has_signed() {
    let bank = Bank::new();
    let (public, spki) = key();
    let third = certificate(&TestCa::new(), &spki, 700, &[7]);
    let made = bank.renewed().certificate(81, b"third", "x", third.der()).pair(
        82,
        b"third",
        record_for(Some(&bank.new)).label(),
        &public,
    );
    let mut contents = made.contents();
    let known = |contents: &Contents, old: &Certificate, known: Option<&Certificate>| {
        let by = contents.successor_known(old, |one| known.is_none_or(|known| known == one));
        by.map(|by| (by.certificate, by.proven))
    };
    assert_eq!(known(&contents, &bank.old, None), None, "nothing has signed");
    contents.prove_successors(&made).unwrap();
    assert_eq!(known(&contents, &bank.old, None), Some((bank.new.clone(), true)));
    assert_eq!(known(&contents, &bank.new, None), Some((third.clone(), true)));
    assert_eq!(known(&contents, &bank.old, Some(&third)), None);
    assert_eq!(known(&contents, &third, None), None);
}

#[test]
fn a_certificate_that_nothing_follows_has_no_followers() {
    let bank = Bank::new();
    let has = |made: &Made, of: &Certificate| made.contents().has_followers(made, of).unwrap();
    assert!(has(&bank.renewed(), &bank.old));
    assert!(!has(&bank.renewed(), &bank.new) && !has(&bank.waiting(), &bank.old));
}

#[test]
fn credentials_but_for_some_are_the_others() {
    let bank = Bank::new();
    let all = bank.renewed().contents().credentials();
    let left = all.without(|one| one.certificate() == &bank.old);
    assert_eq!(left.iter().map(|one| one.certificate().clone()).collect::<Vec<_>>(), [bank.new]);
}

/// What an interrupted write leaves is told from what was there when the job was read.
#[test]
fn a_pending_key_knows_what_was_there_when_it_was_read() {
    let bank = Bank::new();
    let made = bank.waiting();
    let mut contents = made.contents();
    let pending = contents.pending(&made).unwrap();
    assert!(std::sync::Arc::ptr_eq(pending[0].present().unwrap(), contents.present()));
}

/// What a caller has kept marks what nothing on the token takes the place of, through whatever has gone between them.
#[test]
fn what_was_kept_says_which_one_follows_through_those_that_have_gone() {
    let bank = Bank::new();
    let (public, spki) = key();
    let ca = TestCa::new();
    let third = certificate(&ca, &spki, 700, &[7]);
    let (old, between, last) =
        (hex(&bank.old.fingerprint()), hex(&bank.new.fingerprint()), hex(&third.fingerprint()));
    let made = bank.before().certificate(81, b"third", "x", third.der()).pair(82, b"third", b"x", &public);
    let row = HashMap::from([(old.clone(), between.clone()), (between.clone(), last.clone())]);
    let said = |made: &Made, kept: &HashMap<String, String>| {
        let all = made.contents().credentials().said_renewed(kept);
        let of = |one: &Certificate| {
            let one = all.iter().find(|listed| listed.certificate() == one).unwrap();
            one.successor().map(|by| (by.certificate.clone(), by.id.clone(), by.proven))
        };
        (of(&bank.old), of(&third))
    };
    let by_third = Some((third.clone(), b"third".to_vec(), false));
    assert_eq!(said(&made, &row).0, by_third);
    assert_eq!(said(&made, &row).1, None);
    assert_eq!(said(&made, &HashMap::from([(old.clone(), last.clone())])).0, by_third);
    // Nothing leads there; what leads back ends; what follows ends earlier.
    let circle = HashMap::from([(old.clone(), between.clone()), (between.clone(), old.clone())]);
    for kept in [HashMap::new(), HashMap::from([(between.clone(), last.clone())]), circle] {
        assert_eq!(said(&made, &kept).0, None, "{kept:?}");
    }
    assert_eq!(said(&made, &HashMap::from([(last.clone(), old.clone())])).1, None);
    // What the token says is said.
    let renewed = bank.renewed().certificate(81, b"third", "x", third.der());
    let told = said(&renewed, &HashMap::from([(old.clone(), last.clone())]));
    assert_eq!(told.0.map(|(by, ..)| by), Some(bank.new.clone()));

    let by_name = |made: &Made, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut contents = made.contents();
        let by = contents.successor_by_name(made, &bank.old, &names).unwrap();
        let shown = contents.shown_by_name(made, &bank.old, &names).unwrap();
        assert_eq!(by.is_some(), shown.is_some());
        by.map(|by| (by.certificate, by.signed, by.proven))
    };
    assert_eq!(by_name(&made, &[&between, &last]), Some((third.clone(), true, true)));
    assert_eq!(by_name(&made, &[]), None);
    assert!(made.asked.borrow().len() <= 2, "nothing is asked for where nothing is kept");
    assert_eq!(by_name(&made, &[&between]), None);
    assert_eq!(by_name(&made, &[&old]), None, "it does not follow itself");
    let keyless = bank.before().certificate(81, b"third", "x", third.der());
    assert_eq!(by_name(&keyless, &[&last]), None, "no key has signed");
    // Of several the one that ends last.
    let both = bank.renewed().certificate(81, b"third", "x", third.der()).pair(82, b"third", b"x", &public);
    assert_eq!(by_name(&both, &[&last, &between]).map(|(by, ..)| by), Some(third));
    assert_eq!(by_name(&both, &[&between]).map(|(by, _, proven)| (by, proven)), Some((bank.new, true)));
}
