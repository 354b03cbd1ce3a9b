//! A driver that says that it has written a certificate, and has not, or names another one: what was there before stays.

use usbtoken_testkit::{Kind, TestCa, days_from_now};

use crate::common::Bank;

/// Nothing is kept; nothing is, and another certificate is named; it is kept, and another one is named.
const WAYS: [&str; 3] = ["created-as=1", "created-as=2", "created-as=3"];

/// The old certificate has the identifier and the label of the one that would take its place.
#[test]
fn the_old_certificate_of_a_key_that_is_used_again_stays() {
    for way in WAYS {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let renew = ["renew", "--reuse-key", "--issuer", &bank.issuer("")];
        assert_ne!(bank.odd(way, &renew).exit, 0, "{way}");
        bank.soft.snapshot().assert_keeps(&bank.before);
        bank.assert_old_works();
    }
}

/// Somebody has put a certificate under the identifier and the label of the key that waits.
#[test]
fn a_certificate_of_somebody_else_stays() {
    let friend = TestCa::new();
    for way in WAYS {
        for own in [true, false] {
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            bank.odd("", &["request", "--out", "request.pem"]).json();
            let now = bank.soft.snapshot();
            let waiting = now.added_since(&bank.before);
            let (id, label) = (waiting[0].id.clone(), waiting[0].label.clone());
            let theirs = if own { bank.old.certificate.clone() } else { friend.root().to_vec() };
            bank.soft.inspect(|inspector| inspector.write_certificate(&theirs, &id, &label));
            let before = bank.soft.snapshot();
            bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
            let said = bank.odd(way, &["install", "answer.der"]);
            assert_ne!(said.exit, 0, "{way} {own}: {said:?}");
            bank.soft.snapshot().assert_keeps(&before);
        }
    }
}
