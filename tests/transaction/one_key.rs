//! Several certificates for one key, as after `--reuse-key` or where another program has written one: an order is made once, and
//! what is left is a pair for every program.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use usbtoken::Code;
use usbtoken_testkit::{days_from_now, serial_hex};

/// Certificates of the same CA, holder and key, each ending later than the one before.
fn with_more_on_the_key(days: &[i64], id: &[u8], label: &str) -> Bank {
    let mut bank = Bank::new();
    for end in days {
        let issue = bank.ca.issue(&bank.old.subject, &bank.old.spki).not_after(days_from_now(*end)).der();
        bank.soft.inspect(|inspector| inspector.write_certificate(&issue, id, label));
    }
    bank.before = bank.soft.snapshot();
    bank
}

fn private_keys(bank: &Bank) -> usize {
    bank.soft.snapshot().of_class("CKO_PRIVATE_KEY").count()
}

/// Once the last of them had gone nothing would tell that the others are renewed, and each would be ordered for again.
#[test]
fn one_order_is_made_for_one_key_however_many_certificates_it_has() {
    for (days, id, label) in
        [(&[20][..], &[1][..], "bank"), (&[20, 30], &[1], "bank"), (&[20], &[1], "another")]
    {
        let bank = with_more_on_the_key(days, id, label);
        let anchor = bank.anchor();
        let (keys, issuer) = (private_keys(&bank), bank.issuer(""));
        let renew = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
        let error = bank.run(&renew).failed(Code::RetireOlderFirst);
        assert!(!error["facts"]["candidate"].is_null(), "{error:#}");
        let once = bank.soft.snapshot();
        once.assert_keeps(&bank.before);
        for _ in 0..2 {
            bank.run(&renew).failed(Code::RetireOlderFirst);
            bank.soft.snapshot().assert_same_as(&once);
        }
        assert_eq!(bank.run(&["list", "--due"]).json(), serde_json::json!([]));
        // From the oldest on they can go, and the key with the last of them.
        let all = bank.before.of_class("CKO_CERTIFICATE");
        let mut olds: Vec<Vec<u8>> =
            all.filter(|one| one.id == id).map(|one| one.bytes("Value").unwrap().to_vec()).collect();
        olds.sort_by_key(|der| usbtoken::Certificate::from_der(der).unwrap().not_after());
        for (at, old) in olds.iter().enumerate() {
            let retire = ["retire", "--yes", "--trust-anchor", &anchor, "--serial", &serial_hex(old)];
            assert_eq!(bank.run(&retire).json()["key_removed"], at + 1 == olds.len());
        }
        assert_eq!(bank.run(&renew).failed(Code::NotYetRenewable)["name"], "not_yet_renewable");
        assert_eq!(private_keys(&bank), keys);
    }
}

/// Another program has written a later certificate for the key under another identifier: for programs that go by CKA_ID the old
/// one is the only pair.
#[test]
fn the_only_certificate_beside_its_key_stays() {
    for days in [30, 100] {
        let bank = with_more_on_the_key(&[days], &[9], "x");
        let anchor = bank.anchor();
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor];
        let error = bank.run(&retire).failed(Code::SuccessorNotBesideKey);
        bank.soft.snapshot().assert_same_as(&bank.before);
        let go_on = error["facts"]["go_on"][0].as_str().unwrap();
        assert!(go_on.contains("--successor"), "{go_on}");
        bank.assert_old_works();
    }
    // Every day: said once, nothing goes. Where nothing is named it is another program's matter.
    let bank = with_more_on_the_key(&[100], &[9], "x");
    let anchor = bank.anchor();
    let unnamed = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", "false"];
    let serial = serial_hex(&bank.old.certificate);
    let named = [&unnamed[..], &["--serial", &serial]].concat();
    bank.run(&named).failed(Code::SuccessorNotBesideKey);
    for renew in [&unnamed[..], &named] {
        let said = bank.run(renew).json();
        assert_eq!((&said["already_renewed"], &said["retired"]), (&true.into(), &false.into()), "{said:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    // A person who has tried it names it.
    let later = bank.before.with_id(&[9]).next().unwrap().bytes("Value").unwrap().to_vec();
    let retire =
        ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor, "--successor", &serial_hex(&later)];
    assert_eq!(bank.run(&retire).json()["key_removed"], false);
}
