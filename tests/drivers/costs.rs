//! What drivers cost that refuse, or show more than there is: calls that a token has to answer (docs/calls.md).

use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// Searches, reads and certificates written by one renewal. Each search is four calls.
#[test]
fn what_is_refused_or_shown_beside_costs_little() {
    for (ways, costs) in [
        ("", [2, 7, 1]),
        // Nothing is read for it: what came is a pair that is no certificate, and the certificate that was written.
        ("category-refused", [3, 7, 3]),
        // Up to sixteen objects each is read.
        ("mechanism-objects=2", [2, 9, 1]),
        ("mechanism-objects=13", [2, 20, 1]),
        // Of more two of them, and one search for what is stored.
        ("mechanism-objects=14", [3, 9, 1]),
        ("mechanism-objects=100", [3, 9, 1]),
        // Where that does not even find what is known to be there, or finds nothing else, one for each class.
        ("mechanism-objects=100,stored-unsearchable=1", [6, 9, 1]),
        ("mechanism-objects=100,stored-unsearchable=2", [6, 9, 1]),
    ] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.renew_oddly(ways, &[]).json();
        assert_eq!(["search", "read", "write"].map(|what| bank.noted(what)), costs, "{ways}");
        bank.assert_one_new_credential();
    }
}

/// Searches and reads of a list with the PIN.
#[test]
fn a_list_reads_few_objects_one_by_one_and_searches_among_more() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (mut before, mut costs) = ([0, 0], Vec::new());
    for others in [0, 13, 14] {
        bank.odd(&format!("mechanism-objects={others}"), &["list"]).json();
        let noted = ["search", "read"].map(|what| bank.noted(what));
        costs.push([noted[0] - before[0], noted[1] - before[1]]);
        before = noted;
    }
    assert_eq!(costs, [[1, 5], [1, 18], [3, 6]]);
}

/// A quirk profile is chosen by the maker's name. A wrong one costs nothing where the usual pair is taken, a right one a refused call.
#[test]
fn a_profile_costs_a_refused_call_at_most() {
    for (ways, pairs) in [
        ("", 1),
        ("maker=Feitian Technologies", 1),
        ("maker=Gemalto", 1),
        ("maker=SafeNet", 1),
        ("maker=Feitian Technologies,stores-no-public-key", 2),
        // Without the profile one call more: the pair without usage attributes is tried first.
        ("stores-no-public-key", 3),
        ("maker=Gemalto,stores-no-public-key", 3),
    ] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let uri = format!("pkcs11:serial={}", bank.soft.serial());
        bank.oddly_on(&uri, ways, &["renew", "--issuer", &bank.issuer("")]).json();
        assert_eq!(bank.noted("pair"), pairs, "{ways}");
        bank.assert_old_works();
        let new = bank.soft.snapshot();
        let mut classes: Vec<&str> =
            new.added_since(&bank.before).iter().map(|one| one.class.as_str()).collect();
        classes.sort_unstable();
        let whole = ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"];
        assert_eq!(classes, whole[..if ways.contains("stores-no") { 2 } else { 3 }], "{ways}");
    }
}
