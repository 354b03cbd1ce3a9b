//! Several certificates for one key: which renews which, what is another program's, and which are to be renewed.

use super::*;
use crate::contents::Credentials;
use crate::contents::one_key::{OnOneKey, comparisons};
use crate::contents::successor::Claim;

fn of_the_firm(organization: &str, name: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, organization).common(Text::Utf8, name).to_der()
}

/// A certificate of this CA, under a new name of it where one is given.
fn issued(
    ca: &TestCa,
    ca_name: Option<&[u8]>,
    subject: &[u8],
    spki: &[u8],
    days: i64,
    serial: u8,
) -> Certificate {
    let issue = ca.issue(subject, spki).not_after(days_from_now(days)).serial(&[serial]);
    let issue = match ca_name {
        Some(name) => issue.issuer(name),
        None => issue,
    };
    Certificate::from_der(&issue.der()).unwrap()
}

fn serials(all: &Credentials) -> Vec<String> {
    all.iter().map(|one| one.certificate().serial().to_string()).collect()
}

/// What is left without other programs' certificates, where these were installed.
fn left(made: &Made, installed: &[&Certificate]) -> Vec<String> {
    let all = made.contents().credentials();
    serials(&all.without_strangers(|one| installed.contains(&one)))
}

const SAME: (&[u8], &str) = (b"one", "bank");
const FAR: (&[u8], &str) = (b"vpn", "vpn");

#[test]
fn what_a_later_certificate_for_the_key_is_depends_on_its_names_its_place_and_its_ca() {
    let (ca, ca_name) = (TestCa::new(), NameDer::new().common(Text::Utf8, "NEW CA").to_der());
    let (public, spki) = key();
    let ours = of_the_firm("Example", "Alice");
    let (colleague, theirs) = (of_the_firm("Example", "Carol"), of_the_firm("Other", "VPN user"));
    let old = issued(&ca, None, &ours, &spki, 11, 1);
    let says = |new: &Certificate, (id, label): (&[u8], &str), with_ca: bool| {
        let made = Made::default().certificate(1, SAME.0, SAME.1, old.der()).pair(2, SAME.0, b"x", &public);
        let mut made = made.certificate(4, id, label, new.der());
        if with_ca {
            made = made.certificate(9, b"ca", "ca", ca.issuing());
        }
        let contents = made.contents();
        // It goes one way only.
        assert!(contents.on_one_key(1, 0).is_none() && contents.on_one_key(0, 0).is_none());
        assert_eq!(contents.strangers_in_place_of(new).count(), 0);
        let relation = contents.on_one_key(0, 1);
        let strangers: Vec<&Certificate> = contents.strangers_in_place_of(&old).collect();
        assert_eq!(strangers, Vec::from_iter((relation == Some(OnOneKey::Stranger)).then_some(new)));
        relation.map(|relation| if relation == OnOneKey::Renewal { "renewal" } else { "stranger" })
    };
    let (renewal, stranger) = (Some("renewal"), Some("stranger"));
    // In a new name of the CA, whose, in its place, and there with the CA's certificate on the token, and elsewhere.
    let cases = [
        (false, &ours, renewal, renewal, renewal),
        (false, &colleague, stranger, stranger, None),
        (false, &theirs, stranger, stranger, None),
        (true, &ours, stranger, renewal, None),
        (true, &colleague, stranger, stranger, None),
        (true, &theirs, None, None, None),
    ];
    for (renamed, subject, in_place, with_ca, elsewhere) in cases {
        let new = issued(&ca, renamed.then_some(&ca_name), subject, &spki, 376, 2);
        let case = format!("{} of {}", new.subject(), new.issuer());
        assert_eq!(says(&new, SAME, false), in_place, "{case}");
        assert_eq!(says(&new, SAME, true), with_ca, "{case}");
        for place in [FAR, (SAME.0, FAR.1), (FAR.0, SAME.1)] {
            assert_eq!(says(&new, place, false), elsewhere, "{case} {place:?}");
        }
    }
    let elsewhere = certificate(&ca, &key().1, 11, &[3]);
    let made = Made::default().certificate(1, SAME.0, SAME.1, old.der());
    assert_eq!(made.contents().strangers_in_place_of(&elsewhere).count(), 0, "it is not on the token");
}

/// Of several renewals the last one is claimed, and each stranger, which the caller may know.
/// Of each the last renewal is claimed, or the last stranger where there is none; the caller may know any of them.
#[test]
fn the_last_renewal_is_claimed_and_any_may_be_known() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let (ours, colleague) = (of_the_firm("Example", "Alice"), of_the_firm("Example", "Carol"));
    let mut made = Made::default().pair(2, SAME.0, b"x", &public);
    for (number, subject, days) in
        [(10, &ours, 11), (11, &ours, 100), (12, &ours, 376), (13, &colleague, 50), (14, &colleague, 12)]
    {
        let one = issued(&ca, None, subject, &spki, days, u8::try_from(number).unwrap());
        made = made.certificate(number, SAME.0, SAME.1, one.der());
    }
    let contents = made.contents();
    let first = contents.certificate(0).unwrap();
    assert_eq!(contents.strangers_in_place_of(first).count(), 2);
    let sorted = |claims: Vec<Claim>| {
        let mut claims: Vec<_> = claims.iter().map(|one| (one.old, one.new, one.strange)).collect();
        claims.sort_unstable();
        claims
    };
    let expected = [(0, 2, false), (1, 2, false), (3, 2, true), (4, 3, false)];
    assert_eq!(sorted(contents.claims_of_shared_keys()), expected);
    let known = [
        vec![(0, 1, false), (0, 2, false), (0, 3, true), (0, 4, true)],
        vec![(1, 2, false)],
        vec![],
        vec![(3, 1, true), (3, 2, true)],
        vec![(4, 1, true), (4, 2, true), (4, 3, false)],
    ];
    for (old, expected) in known.into_iter().enumerate() {
        assert_eq!(sorted(contents.claims_for(old)), expected);
    }
}

/// With more on one key than each is compared with, which is nobody's renewals: one with the very same names is found behind them, and
/// nothing that a list says takes more work than the certificates are.
#[test]
fn however_many_are_on_one_key_each_is_compared_with_few() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let ours = of_the_firm("Example", "Alice");
    let made_of = |strangers: i64| {
        let mut made = Made::default().pair(2, SAME.0, b"x", &public);
        for (number, days) in [(10, 11), (11, 100)] {
            let one = issued(&ca, None, &ours, &spki, days, u8::try_from(number).unwrap());
            made = made.certificate(number, SAME.0, SAME.1, one.der());
        }
        for at in 0..strangers {
            let name = of_the_firm("Example", &format!("Name {at}"));
            let one = issued(&ca, None, &name, &spki, 200 + at, 1);
            made = made.certificate(20 + u32::try_from(at).unwrap(), SAME.0, SAME.1, one.der());
        }
        made
    };
    let compared = |strangers: i64| {
        let made = made_of(strangers);
        let contents = made.contents();
        let before = comparisons();
        let claims = contents.claims_of_shared_keys();
        let count = comparisons() - before;
        let renewed = claims.iter().find(|claim| claim.old == 0).map(|claim| (claim.new, claim.strange));
        assert_eq!(renewed, Some((1, false)), "{strangers}");
        assert_eq!(contents.claims_for(0).len(), usize::try_from(strangers).unwrap() + 1);
        count
    };
    let [one, two, three] = [40, 80, 120].map(compared);
    assert!(one > 0);
    assert_eq!(three - two, two - one, "{one}");
}

/// One that was installed under another identifier or label takes the place of none in another name.
#[test]
fn what_was_installed_elsewhere_is_not_in_the_place_of_one_in_another_name() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let old = issued(&ca, None, &of_the_firm("Example", "Alice"), &spki, 11, 1);
    let new = issued(&ca, None, &of_the_firm("Example", "Carol"), &spki, 19, 2);
    let left = |(id, label): (&[u8], &str), known: &Certificate| {
        let made = Made::default().certificate(1, SAME.0, SAME.1, old.der()).pair(2, SAME.0, b"x", &public);
        let made = made.certificate(11, id, label, new.der());
        serials(&made.contents().credentials().to_renew(|one| one == known))
    };
    assert_eq!(left(SAME, &new), ["02"]);
    assert_eq!(left(SAME, &old), ["01", "02"]);
    for place in [FAR, (SAME.0, FAR.1), (FAR.0, SAME.1)] {
        assert_eq!(left(place, &new), ["01", "02"], "{place:?}");
    }
}

/// What follows in the same name is renewed alone; in another one it may be another user's, unless it is not due or was installed here.
#[test]
fn one_that_is_followed_in_another_name_is_to_be_renewed_beside_it() {
    let bank = Bank::new();
    let all = bank.renewed().contents().credentials();
    assert_eq!(serials(&all.to_renew(|_| false)), ["06"]);

    let (ca, old_key, new_key) = (TestCa::new(), key(), key());
    let (old, new) = (named(&ca, "before", &old_key.1, 11, 1), named(&ca, "after", &new_key.1, 19, 2));
    let label = record_for(Some(&old));
    let made = Made::default()
        .certificate(1, b"old", "x", old.der())
        .pair(2, b"old", b"x", &old_key.0)
        .certificate(11, b"new", "x", new.der())
        .pair(12, b"new", label.label(), &new_key.0);
    let all = made.contents().credentials();
    assert_eq!(serials(&all.clone().to_renew(|_| false)), ["01", "02"]);
    assert_eq!(serials(&all.clone().to_renew(|one| *one == new)), ["02"]);
    let old_alone = all.without(|one| *one.certificate() == new);
    assert_eq!(serials(&old_alone.to_renew(|_| false)), [""; 0], "the other one is not due");
}

/// Another CA's, or in another name, on the key of what was installed, or of what that has replaced; and no others.
#[test]
fn another_program_s_certificate_on_a_key_of_ours_is_left_out() {
    let (ca, bob_key) = (TestCa::new(), key());
    let (bank, bob) = (Bank::of(&ca), named(&ca, "bob", &bob_key.1, 30, 7));
    let made =
        || bank.renewed().certificate(61, b"bob", "bob", bob.der()).pair(62, b"bob", b"bob", &bob_key.0);
    assert_eq!(left(&made(), &[&bank.new]), ["05", "06", "07"]);
    let (other_ca, ours) =
        (NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der(), manual_subject().to_der());
    let theirs = of_the_firm("Other", "VPN user");
    let keys = [bank.old.public_key(), bank.new.public_key()];
    let name_of_ca = bank.old.issuer().der().to_vec();
    for (of_another_ca, subject) in [(false, &theirs), (true, &ours), (true, &theirs)] {
        let name = if of_another_ca { &other_ca } else { &name_of_ca };
        for spki in keys.map(PublicKey::spki_der) {
            for days in [5, 500] {
                let other = issued(&ca, Some(name), subject, spki, days, 0x33);
                let made = made().certificate(44, b"vpn", "vpn", other.der());
                let case = format!("{} of {}", other.subject(), other.issuer());
                assert_eq!(left(&made, &[&bank.new]), ["05", "06", "07"], "{case}");
                assert_eq!(left(&made, &[]), ["05", "06", "07", "33"], "nothing was installed");
                assert_eq!(left(&made, &[&bob]), ["05", "06", "07", "33"], "nothing on that key");
            }
        }
    }
    // Renewed for the same key by another program: it is ours still; and no renewal by another key than the CA's.
    for (by, all) in [(&ca, &["05", "06", "07", "09"][..]), (&TestCa::new(), &["05", "06", "07"])] {
        let later = issued(by, Some(&name_of_ca), &ours, bank.new.public_key().spki_der(), 500, 9);
        let made = made().certificate(44, b"vpn", "vpn", later.der());
        assert_eq!(left(&made, &[&bank.new]), all);
    }
}

/// Another program has renewed its own for our key: what is replaced itself is not to be renewed anyway.
#[test]
fn a_choice_without_strangers_holds_after_the_login() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let ours = named(&ca, "A", &spki, 30, 1);
    let theirs = [named(&ca, "VPN", &spki, 11, 2), named(&ca, "VPN", &spki, 19, 3)];
    let mut made = Made::default().certificate(1, SAME.0, SAME.1, ours.der()).pair(2, SAME.0, b"x", &public);
    for (number, one) in (11..).zip(&theirs) {
        made = made.certificate(number, FAR.0, FAR.1, one.der());
    }
    assert_eq!(left(&made, &[&ours]), ["01", "02"]);
    let before_login = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
    let all = Contents::of(before_login, false).credentials();
    let is_ours = |one: &Certificate| *one == ours;
    let chosen = all.without_strangers(is_ours).to_renew(is_ours).only().unwrap();
    assert_eq!(chosen.certificate(), &ours);
    chosen.is_still_the_only_one(&made.contents().credentials()).unwrap();
}

/// What was installed stays, in the place of one in another name, which goes as another program's unless it is what was replaced.
#[test]
fn what_was_installed_in_another_name_stays() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let (old, new) = (named(&ca, "before", &spki, 11, 1), named(&ca, "after", &spki, 19, 2));
    let on_key = |label: &[u8]| {
        let made = Made::default().certificate(1, SAME.0, "x", old.der());
        made.certificate(2, SAME.0, "x", new.der()).pair(3, SAME.0, label, &public)
    };
    assert_eq!(left(&on_key(b"x"), &[&new]), ["02"]);
    assert_eq!(left(&on_key(record_for(Some(&old)).label()), &[&new]), ["01", "02"], "its record says it");
}

/// Where something was installed: two names on a key that is not its own, one after the other by their place or the record on the key, are
/// other programs', but with a record of ours on the later one, by one holder, or on two keys they are renewals.
#[test]
fn two_names_on_a_strange_key_are_left_out() {
    let (ca, bank, shared, another) = (TestCa::new(), Bank::new(), key(), key());
    let old = named(&ca, "A", &shared.1, 11, 1);
    let record = record_for(Some(&old));
    let recorded = std::str::from_utf8(record.label()).unwrap();
    let seen = |name: &str, own_key: bool, label: &str, on_key: &[u8]| {
        let (public, spki) = if own_key { &another } else { &shared };
        let new = named(&ca, name, spki, 19, 2);
        let mut made = bank.renewed().certificate(21, b"s", "s", old.der());
        made = made.certificate(31, b"s", label, new.der()).pair(32, b"s", on_key, public);
        assert_eq!(left(&made, &[]).len(), 4, "nothing was installed");
        left(&made, &[&bank.new])
    };
    let both = ["05", "06", "01", "02"];
    assert_eq!(seen("B", false, "s", b"s"), ["05", "06"]);
    assert_eq!(seen("B", false, "s", record.label()), ["05", "06"]);
    assert_eq!(seen("B", false, "far", record.label()), ["05", "06"]);
    assert_eq!(seen("B", false, "far", b"s"), both, "nothing says that it follows");
    assert_eq!(seen("B", false, recorded, record.label()), both);
    assert_eq!(seen("A", false, "s", b"s"), both);
    assert_eq!(seen("B", true, "s", record.label()), both);
    assert_eq!(seen("B", true, "s", b"s"), both);
    assert_eq!(seen("A", true, "s", record.label()), both);
}
