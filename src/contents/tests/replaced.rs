//! What takes the place of a certificate, and what is asked, told and removed for it.

use super::*;
use crate::contents::HalfWritten;
use crate::contents::answered::make_sure_it_is_meant;
use crate::error::Fact;

/// The new credential alone: the one that it replaced is in a file, or gone.
fn without_old(new: &Certificate, label: &[u8]) -> Made {
    let made = Made::default().certificate(11, b"new", "x", new.der());
    made.pair(12, b"new", label, new.public_key())
}

/// What is known of the one that takes the old one's place: whether it is proven, and whether its key has signed.
fn seen(made: &Made, old: &Certificate, asked: bool) -> Option<(bool, bool)> {
    let mut contents = made.contents();
    if asked {
        contents.prove_successors(made).unwrap();
    }
    let by = contents.successor_of(old)?;
    Some((by.proven, by.signed))
}

#[test]
fn the_record_of_a_key_names_what_is_not_on_the_token() {
    let bank = Bank::new();
    let label = bank.record.label();
    let mut made = without_old(&bank.new, label);
    made.private[0].public_key = Some(bank.new.public_key().clone());
    assert_eq!(seen(&made, &bank.old, false), Some((false, false)));
    let mut contents = made.contents();
    contents.ask(&made, 0, &[]).unwrap();
    let by = contents.successor_of(&bank.old).unwrap();
    assert!(by.proven && by.signed && by.certificate == bank.new);
    // Of another one, of none, of a serial number alone, and on two keys it names nothing.
    for other in
        [record_for(Some(&bank.new)).label(), record_for(None).label(), b"usbtoken:20261101:renews:05"]
    {
        let mut made = without_old(&bank.new, other);
        made.private[0].public_key = Some(bank.new.public_key().clone());
        assert_eq!(seen(&made, &bank.old, false), None, "{}", String::from_utf8_lossy(other));
    }
    assert_eq!(seen(&made.pair(22, b"copy", label, &key().0), &bank.old, false), None);
    // Nor does what ends no later.
    let (ca, end) = (TestCa::new(), days_from_now(50));
    let at_once = |serial: u8| {
        let der = ca.issue(&manual_subject().to_der(), &key().1).not_after(end).serial(&[serial]).der();
        Certificate::from_der(&der).unwrap()
    };
    let (old, new) = (at_once(1), at_once(2));
    for (old, new) in [(&old, &new), (&bank.new, &bank.old)] {
        let mut made = without_old(new, record_for(Some(old)).label());
        made.private[0].public_key = Some(new.public_key().clone());
        assert_eq!(seen(&made, old, false), None);
    }
}

/// A CA of the same name with another key: the certificate of the old one's CA on the token tells.
#[test]
fn another_ca_of_the_same_name_proves_nothing() {
    let (ours, other) = (TestCa::new(), TestCa::new());
    let (old, new) = (certificate(&ours, &key().1, 11, &[5]), certificate(&other, &key().1, 376, &[6]));
    let record = record_for(Some(&old));
    for (with_ca, proven) in [(false, true), (true, false)] {
        let mut made = without_old(&new, record.label());
        if with_ca {
            made = made.certificate(61, b"ca", "ca", ours.issuing());
        }
        let mut contents = made.contents();
        contents.ask(&made, 0, &[]).unwrap();
        assert_eq!(contents.successor_of(&old).unwrap().proven, proven);
    }
}

/// Only a key that tells nothing, beside a certificate without its key, is asked for a list; of others' keys one that nothing under its
/// identifier explains.
#[test]
fn no_key_is_asked_whose_certificate_is_known() {
    let bank = Bank::new();
    let stray = certificate(&TestCa::new(), &key().1, 300, &[9]);
    let asked = |made: &Made| {
        made.contents().prove_successors(made).unwrap();
        made.asked.borrow().clone()
    };
    let silent = |label: &[u8]| bank.before().private(12, b"new", label, &key().0, None);
    let (ours, foreign) = (silent(bank.record.label()), silent(b"x"));
    assert_eq!(asked(&ours), [0; 0]);
    assert_eq!(asked(&foreign), [0; 0]);
    assert_eq!(asked(&foreign.certificate(91, b"stray", "x", stray.der())), [12]);
    let explained = silent(b"x").certificate(92, b"new", "x", b"not a certificate");
    assert_eq!(asked(&explained.certificate(91, b"stray", "x", stray.der())), [0; 0]);
    // An identifier that is empty explains none.
    let without_id = bank.before().private(12, b"", b"x", &key().0, None);
    let without_id = without_id.certificate(92, b"", "x", b"not a certificate");
    assert_eq!(asked(&without_id.certificate(91, b"stray", "x", stray.der())), [12]);
    assert_eq!(asked(&ours.certificate(91, b"stray", "x", stray.der())), [12]);
}

/// What the key of a credential has signed before is not asked again, as long as the object is the same.
#[test]
fn a_signature_is_taken_over_for_the_same_object_alone() {
    let bank = Bank::new();
    let renewed = bank.renewed();
    let credential = of(&renewed.contents(), &bank.new);
    let signed = Signed::made_up(credential.private_key().unwrap(), Some(bank.new.public_key().clone()));
    let asked = |change: &dyn Fn(&mut StoredKey)| {
        let mut made = bank.renewed();
        made.private.iter_mut().filter(|key| key.id == b"new").for_each(change);
        let mut contents = made.contents();
        contents.take_over(&credential, &signed);
        contents.signing_key(&made, bank.new.public_key(), b"new").unwrap();
        !made.asked.borrow().is_empty()
    };
    assert!(!asked(&|_| {}));
    assert!(asked(&|key| key.id = b"other".to_vec()));
    assert!(asked(&|key| key.label = made_up::private_key(1, b"", b"other", None).label));
    assert!(asked(&|key| *key = made_up::private_key(99, &key.id, key.label.bytes(), None)));
}

/// A certificate that is there is the one that the URI names, or takes its place.
#[test]
fn a_uri_means_the_certificate_or_the_one_that_it_replaced() {
    let bank = Bank::new();
    let meant = |leaf: &Certificate, uri: &str| {
        let credentials = bank.renewed().contents().credentials();
        make_sure_it_is_meant(leaf, credentials, &uri.parse().unwrap()).map_err(|error| error.code())
    };
    assert_eq!(meant(&bank.new, "pkcs11:id=new"), Ok(()));
    assert_eq!(meant(&bank.new, "pkcs11:id=old"), Ok(()));
    assert_eq!(meant(&bank.old, "pkcs11:id=new"), Err(Code::CredentialNotFound));
}

/// The only public key with the record tells the value, wherever another program has put it; of two neither is guessed.
#[test]
fn a_moved_public_half_is_known_by_its_record() {
    let bank = Bank::new();
    let mut made = bank.before().private(12, b"new", bank.record.label(), bank.new.public_key(), None);
    let told = |made: &Made| {
        let pending = made.contents().pending(made).unwrap();
        pending.iter().find(|key| key.id() == b"new").unwrap().public_key().cloned()
    };
    let half = |number, id: &[u8], key: &PublicKey| {
        made_up::public_key(number, id, bank.record.label(), key.clone())
    };
    made.public.push(half(13, b"moved", bank.new.public_key()));
    assert_eq!(told(&made).as_ref(), Some(bank.new.public_key()));
    made.public.push(half(14, b"copy", &key().0));
    assert_eq!(told(&made), None);
}

#[test]
fn a_job_tells_where_its_old_certificate_is_and_what_is_half_written() {
    let bank = Bank::new();
    let job = |made: &Made| made.contents().pending(made).unwrap().remove(0);
    let alone = |label: &[u8]| job(&Made::default().pair(12, b"new", label, &key().0));
    let missing = alone(bank.record.label());
    assert!(missing.is_from_elsewhere());
    assert!(missing.renewing(&bank.old).is_from_elsewhere());
    assert!(!job(&bank.waiting()).is_from_elsewhere());
    assert!(!alone(record_for(None).label()).is_from_elsewhere());
    // The previous release renewed nothing from elsewhere.
    assert!(!alone(b"usbtoken:20261101:renews:05").is_from_elsewhere());

    // Either half with the record is enough to find it.
    let private = bank.before().private(12, b"new", bank.record.label(), bank.new.public_key(), None);
    let mut public = bank.before();
    public.public.push(made_up::public_key(13, b"new", bank.record.label(), key().0));
    for one in [&private, &public] {
        assert!(job(one).old_credential().unwrap().is_some());
    }
    assert!(!job(&private).was_just_made() && !job(&public).was_just_made());

    let label = String::from_utf8(bank.record.label().to_vec()).unwrap();
    let half = bank.waiting().certificate(21, b"new", &label, &bank.new.der()[..40]);
    assert_eq!(job(&bank.waiting()).half_written(), HalfWritten::default());
    assert_eq!(job(&half).half_written(), HalfWritten { certificate: true, public_key: false });
}

/// A record that came from another holder's key may be a copy: then the follower's name is told, and to name it goes on.
#[test]
fn an_older_one_of_another_holder_stops_a_removal_until_the_follower_is_named() {
    let ca = TestCa::new();
    let keys = [key(), key(), key()];
    for (name, is_another) in [("A", false), ("B", true)] {
        let older = named(&ca, name, &keys[0].1, 5, 1);
        let old = named(&ca, "A", &keys[1].1, 11, 2);
        let new = named(&ca, "A", &keys[2].1, 376, 3);
        let (first, second) = (record_for(Some(&older)), record_for(Some(&old)));
        let made = Made::default()
            .certificate(1, b"older", "x", older.der())
            .pair(2, b"older", b"x", &keys[0].0)
            .certificate(11, b"old", "x", old.der())
            .pair(12, b"old", first.label(), &keys[1].0)
            .certificate(21, b"new", "x", new.der())
            .pair(22, b"new", second.label(), &keys[2].0);
        let plan = |by_name| {
            let mut contents = made.contents();
            let follower = contents.followers(&made, &old).unwrap().remove(0);
            let old = of(&contents, &old);
            contents
                .retirement(&made, &old, &follower, by_name, OfCopies::Chosen, &|_| false)
                .map(|plan| plan.with_key)
        };
        let refused = plan(false).unwrap_err();
        assert_eq!(refused.code(), Code::RetireOlderFirst);
        assert_eq!(refused.facts().any(|(fact, _)| fact == Fact::Successor), is_another);
        assert_eq!(
            plan(true).map_err(|error| error.code()),
            match is_another {
                true => Ok(true),
                false => Err(Code::RetireOlderFirst),
            }
        );
    }
}

/// Copies of a certificate are other programs': its own is the one beside the key.
#[test]
fn of_a_certificate_without_a_key_of_its_own_a_copy_stays() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let (old, new) = (certificate(&ca, &spki, 11, &[5]), certificate(&ca, &spki, 376, &[6]));
    let made = Made::default().certificate(1, b"copy", "x", old.der());
    let made = made.certificate(11, b"key", "bank", new.der()).pair(2, b"key", b"bank", &public);
    let mut contents = made.contents();
    let (old, new) = (of(&contents, &old), of(&contents, &new));
    let mut plan =
        |copies| contents.retirement(&made, &old, &new, false, copies, &|_| false).map(|plan| plan.id);
    assert_eq!(plan(OfCopies::Own(None)).unwrap_err().code(), Code::OldIsCopy);
    assert_eq!(plan(OfCopies::Own(Some(b"copy"))).unwrap(), b"copy");
    assert_eq!(plan(OfCopies::Chosen).unwrap(), b"copy");
}

/// An identifier that is empty tells no two keys apart, whoever names it.
#[test]
fn an_empty_identifier_names_none_of_two_keys() {
    let bank = Bank::new();
    for (id, named) in [(&b"old"[..], true), (b"", false)] {
        let label = std::str::from_utf8(bank.record.label()).unwrap();
        let made = Made::default()
            .certificate(1, id, "bank", bank.old.der())
            .pair(2, id, b"bank", bank.old.public_key())
            .private(62, b"copy", b"x", bank.old.public_key(), Some(bank.old.public_key()))
            .certificate(11, b"new", label, bank.new.der())
            .pair(12, b"new", bank.record.label(), bank.new.public_key());
        let mut contents = made.contents();
        let follower = contents.followers(&made, &bank.old).unwrap().remove(0);
        let old = of(&contents, &bank.old);
        let plan = contents
            .retirement(&made, &old, &follower, true, OfCopies::Named, &|_| false)
            .map(|plan| plan.with_key);
        assert_eq!(plan.is_ok(), named, "{id:?}");
    }
}
