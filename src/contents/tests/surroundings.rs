//! Whose the other credentials on the token are, and what is chosen again once more shows.

use super::*;
use crate::pki::{Window, jst_date};
use std::time::SystemTime;

fn before_login(made: &Made) -> Contents {
    let objects = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
    Contents::of(objects, false)
}

/// A user whose name was changed by a renewal, and strangers: one with a key, one without, one that has ended.
struct Users {
    old: Certificate,
    renamed: Certificate,
    strangers: [Certificate; 3],
    made: Made,
}

fn users() -> Users {
    let ca = TestCa::new();
    let keys = [key(), key(), key(), key()];
    let old = named(&ca, "before", &keys[0].1, 11, 1);
    let renamed = named(&ca, "after", &keys[1].1, 376, 2);
    let with_key = named(&ca, "with key", &keys[2].1, 100, 3);
    let without = named(&ca, "without", &key().1, 100, 4);
    let ended = named(&ca, "ended", &keys[3].1, -1, 5);
    let record = record_for(Some(&old));
    let made = Made::default()
        .certificate(1, b"old", "x", old.der())
        .pair(2, b"old", b"x", &keys[0].0)
        .certificate(11, b"new", std::str::from_utf8(record.label()).unwrap(), renamed.der())
        .pair(12, b"new", record.label(), &keys[1].0)
        .certificate(31, b"with", "x", with_key.der())
        .pair(32, b"with", b"x", &keys[2].0)
        .certificate(41, b"without", "x", without.der())
        .certificate(51, b"ended", "x", ended.der())
        .pair(52, b"ended", b"x", &keys[3].0)
        .certificate(61, b"ca", "x", ca.issuing());
    Users { old, renamed, strangers: [with_key, without, ended], made }
}

/// The same user stands in one row, whatever the name; a credential that has ended or has no key is none that works.
#[test]
fn another_user_has_another_name_and_stands_in_no_row_of_this_one() {
    let Users { old, renamed, strangers: [with_key, without, ended], made } = users();
    let now = SystemTime::now();
    let contents = made.contents();
    let credentials = contents.credentials();
    for one in [&old, &renamed] {
        let one = of(&contents, one);
        assert_eq!(one.of_other_users(now).collect::<Vec<_>>(), [&with_key]);
        // By name all of them count.
        for other in [&with_key, &without, &ended] {
            assert_eq!(one.others_named(other.subject()).collect::<Vec<_>>(), [other]);
        }
        assert_eq!(one.others_named(one.subject()).count(), 0);
    }
    let others = |name: &Certificate| credentials.of_others_than(name.subject(), now).collect::<Vec<_>>();
    assert_eq!(others(&old), [&renamed, &with_key]);
    assert_eq!(others(&with_key), [&old, &renamed]);
    // Before the login nobody knows which have a key.
    let seen = before_login(&made);
    assert_eq!(of(&seen, &with_key).of_other_users(now).collect::<Vec<_>>(), [&old, &renamed, &without]);
}

/// A row is as long as its renewals: the first one stands in it too.
#[test]
fn a_row_goes_on_over_several_renewals() {
    let (ca, now) = (TestCa::new(), SystemTime::now());
    let mut made = Made::default();
    let mut last: Option<Certificate> = None;
    let mut all = Vec::new();
    for (at, name) in (1_u8..).zip(["one", "two", "three"]) {
        let (public, spki) = key();
        let one = named(&ca, name, &spki, 11 + 300 * i64::from(at), at);
        let record = last.as_ref().map(|last| record_for(Some(last)).label().to_vec());
        let label = record.unwrap_or_else(|| b"x".to_vec());
        made = made.certificate(10 * u32::from(at), &[at], std::str::from_utf8(&label).unwrap(), one.der());
        made = made.pair(10 * u32::from(at) + 1, &[at], &label, &public);
        last = Some(one.clone());
        all.push(one);
    }
    let contents = made.contents();
    for one in &all {
        assert_eq!(of(&contents, one).of_other_users(now).count(), 0, "{}", one.subject());
    }
}

/// The choice before the login is made again in what shows after it: another one that it would have left too is named.
#[test]
fn a_choice_before_the_login_holds_after_it() {
    let bank = Bank::new();
    let other = named(&TestCa::new(), "other", &key().1, 100, 9);
    let chosen = |made: &Made, id: Option<&[u8]>| {
        let all = before_login(made).credentials();
        id.map_or(all.clone(), |id| all.by_id(id)).only().unwrap()
    };
    let alone = bank.before();
    let more = bank.before().certificate(71, b"other", "x", other.der());
    let by_id = chosen(&alone, Some(b"old"));
    by_id.is_still_the_only_one(&more.contents().credentials()).unwrap();
    let only = chosen(&alone, None);
    only.is_still_the_only_one(&alone.contents().credentials()).unwrap();
    let refused = only.is_still_the_only_one(&more.contents().credentials()).unwrap_err();
    assert_eq!(refused.code(), Code::CredentialAmbiguous);
    // Neither a copy nor what follows it is another one.
    let copied = bank.before().certificate(71, b"copy", "copy", bank.old.der());
    only.is_still_the_only_one(&copied.contents().credentials()).unwrap();
    only.is_still_the_only_one(&bank.renewed().contents().credentials()).unwrap();
    // What was chosen after the login is chosen.
    let after = alone.contents().credentials().only().unwrap();
    after.is_still_the_only_one(&more.contents().credentials()).unwrap();
    // The same identifier, twice.
    let twice = bank.before().certificate(71, b"old", "x", other.der());
    assert!(by_id.is_still_the_only_one(&twice.contents().credentials()).is_err());
}

/// One identifier and one label: it is one credential, and a copy under another label is shown.
#[test]
fn a_copy_with_the_same_identifier_and_label_is_not_listed() {
    let bank = Bank::new();
    let count = |id: &[u8], label: &str| {
        let made = bank.before().certificate(91, id, label, bank.old.der());
        made.contents().credentials().iter().count()
    };
    assert_eq!([count(b"old", "bank"), count(b"old", "copy"), count(b"copy", "bank")], [1, 2, 2]);
}

#[test]
fn a_credential_was_ordered_on_the_day_of_its_job() {
    let bank = Bank::new();
    let day = Date::constant(2100, 1, 2);
    let record = Record::new(day, Some(&bank.old), &Caller::Command).unwrap();
    let public = bank.new.public_key();
    let begins = jst_date(bank.new.not_before());
    let made = |on_key: &[u8], on_certificate: &str| {
        let made = bank.before().pair(12, b"new", on_key, public);
        of(&made.certificate(11, b"new", on_certificate, bank.new.der()).contents(), &bank.new)
    };
    let label = std::str::from_utf8(record.label()).unwrap();
    for (credential, expected) in
        [(made(record.label(), "x"), day), (made(b"x", label), day), (made(b"x", "x"), begins)]
    {
        assert_eq!((credential.not_issued_before(), credential.ordered_on(&bank.old)), (expected, expected));
        // The record of a key that both have is that of the old one's job.
        assert_eq!(credential.ordered_on(&bank.new), begins);
    }
}

/// Two names on one key, both due: none is the one to renew, before the login and after it, unless it is known that one was installed in
/// the other's place.
#[test]
fn of_two_names_on_one_key_none_is_to_be_renewed_alone() {
    let (ca, now) = (TestCa::new(), SystemTime::now());
    let (public, spki) = key();
    let [old, other] = [("before", 11, 1), ("after", 19, 2)].map(|(name, days, serial)| {
        // Of one firm, which a CA may have had in mind, and the other one stands in the old one's place.
        named(&ca, name, &spki, days, serial)
    });
    let alone =
        |one: &Certificate| Made::default().certificate(1, b"x", "x", one.der()).pair(2, b"x", b"x", &public);
    let both = alone(&old).certificate(11, b"x", "x", other.der());
    let due = |contents: Contents| contents.credentials().renewable(Window::default(), now);
    for seen in [before_login(&both), both.contents()] {
        let all = due(seen);
        assert_eq!(all.clone().only().unwrap_err().code(), Code::CredentialAmbiguous);
        assert_eq!(all.clone().to_renew(|_| false).only().unwrap_err().code(), Code::CredentialAmbiguous);
        let known = all.to_renew(|one| *one == other).only().unwrap();
        assert_eq!(known.certificate(), &other);
        known.is_still_the_only_one(&both.contents().credentials()).unwrap();
    }
    // One that shows after the login only.
    let first = due(before_login(&alone(&other))).to_renew(|_| false).only().unwrap();
    let refused = first.is_still_the_only_one(&both.contents().credentials()).unwrap_err();
    assert_eq!(refused.code(), Code::CredentialAmbiguous);
}
