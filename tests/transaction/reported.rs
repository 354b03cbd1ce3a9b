//! What an enemy has shown of earlier versions, each by the commands that a person would give.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use usbtoken_testkit::{Kind, NameDer, Snapshot, Text, days_from_now};

/// Everything of others is there, attribute by attribute.
#[track_caller]
fn assert_foreign_kept(bank: &Bank, before: &Snapshot) {
    bank.soft.snapshot().assert_keeps(&before.only(|object| object.label != "bank"));
}

/// A foreign EC pair with the CKA_ID of our old RSA credential lost its private key.
#[test]
fn a_foreign_ec_pair_under_the_identifier_of_an_old_rsa_one_stays() {
    for at_once in [true, false] {
        let bank = Bank::of(Kind::Rsa2048, days_from_now(11));
        for label in ["somebody else's", "another's"] {
            bank.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &bank.old.id, label));
        }
        let before = bank.soft.snapshot();
        let (issuer, anchor) = (bank.issuer("--form p7"), bank.anchor());
        let renew = ["renew", "--key", "p256", "--issuer", &issuer];
        if at_once {
            assert_eq!(bank.run(&[&renew[..], &["--retire-old"]].concat()).json()["key_removed"], true);
        } else {
            bank.run(&renew).json();
            let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor];
            assert_eq!(bank.run(&retire).json()["key_removed"], true);
        }
        assert_foreign_kept(&bank, &before);
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 4, "two foreign pairs");
    }
}

/// A driver that finds everything, whatever was searched for: cleaning up after one refusal destroyed every key.
#[test]
fn a_driver_that_finds_everything_loses_nothing_when_a_call_is_refused() {
    let everything = "C_FindObjectsInit#1:otherwise=search-all,sticky";
    for refusal in ["ckr=CKR_TEMPLATE_INCONSISTENT", "lose=CKR_ATTRIBUTE_VALUE_INVALID"] {
        let bank = Bank::new();
        let generation = format!("{everything}; C_GenerateKeyPair#1:{refusal},sticky");
        assert_ne!(bank.run_with_faults(&generation, &["request", "--out", "x.pem"]).exit, 0, "{refusal}");
        bank.soft.snapshot().assert_same_as(&bank.before);
        let creation = format!("{everything}; C_CreateObject#1:{refusal},sticky");
        let renew = ["renew", "--retire-old", "--trust-anchor", &bank.anchor(), "--issuer", &bank.issuer("")];
        assert_ne!(bank.run_with_faults(&creation, &renew).exit, 0, "{refusal}");
        bank.soft.snapshot().assert_keeps(&bank.before);
        // What waits is given up, and goes on, through the same driver.
        bank.run_with_faults(everything, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
        bank.run_with_faults(everything, &renew).json();
        bank.assert_others_unchanged();
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    }
}

/// A negative serial number made a label that did not parse back: the pair was never found again.
#[test]
fn a_certificate_with_a_negative_serial_number_is_renewed_and_removed() {
    for in_two in [false, true] {
        let bank = Bank::new();
        let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[7], "negative"));
        let subject = NameDer::new().common(Text::Utf8, "negative").to_der();
        let old = bank.ca.issue(&subject, &spki).serial(&[0x85]).not_after(days_from_now(9)).der();
        bank.soft.inspect(|inspector| inspector.write_certificate(&old, &[7], "negative"));
        let before = bank.soft.snapshot();
        let by_number = ["--serial=-7b"];
        if in_two {
            bank.run(&["request", by_number[0], "--out", "request.pem"]).json();
            bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).serial(&[0x91]).der());
            assert_eq!(bank.run(&["install", "answer.der"]).json()["replaced"]["serial"], "-7b");
        } else {
            let renew = ["renew", "--id", "07", "--issuer", &bank.issuer("")];
            assert_eq!(bank.run(&renew).json()["replaced"]["serial"], "-7b");
        }
        bank.soft.snapshot().assert_keeps(&before);
        let again = bank.run(&["renew", by_number[0], "--issuer", "false"]).json();
        assert_eq!(again["already_renewed"], true, "{again:#}");
        let retire = ["retire", "--yes", by_number[0], "--trust-anchor", &bank.anchor()];
        assert_eq!(bank.run(&retire).json()["key_removed"], true);
        let now = bank.soft.snapshot();
        now.assert_keeps(&before.only(|object| object.id != [7]));
        assert_eq!(now.with_id(&[7]).count(), 0);
    }
}
