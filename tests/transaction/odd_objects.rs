//! Objects and drivers as they are: too large, unreadable, stored without an id or a public half, under labels that are no
//! UTF-8. They are used or named, and stop nothing.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now};

/// A certificate of more than 64 KiB, as those with a picture in them are.
fn large(bank: &Bank, octets: usize) -> Vec<u8> {
    let subject = NameDer::new().common(Text::Utf8, "large").to_der();
    let spki = usbtoken_testkit::SoftKey::generate(Kind::P256).spki();
    let picture = vec![0x55; octets];
    bank.ca
        .issue(&subject, &spki)
        .not_after(days_from_now(200))
        .extension("1.2.392.1.2", false, &picture)
        .der()
}

fn ids(list: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_large_certificate_is_read_and_one_beyond_all_bounds_spoils_nothing() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (read, beyond) = (large(&bank, 70_000), large(&bank, 1_100_000));
    bank.soft.inspect(|inspector| inspector.write_certificate(&read, &[0x0a], "large"));
    assert_eq!(ids(&bank.run(&["list"]).json()), ["01", "0a"]);
    bank.soft.inspect(|inspector| inspector.write_certificate(&beyond, &[0x0b], "larger"));
    let list = bank.run(&["list"]).json();
    assert_eq!(ids(&list), ["01", "0a", "0b"]);
    let unreadable: Vec<&Value> =
        list.as_array().unwrap().iter().filter(|one| !one["unreadable"].is_null()).collect();
    assert_eq!((unreadable.len(), &unreadable[0]["id"]), (1, &"0b".into()), "{list:#}");
    bank.run(&["renew", "--id", "01", "--issuer", &bank.issuer("")]).json();
    bank.assert_old_works();
}

#[test]
fn one_that_the_driver_fails_at_spoils_nothing() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.soft.inspect(|inspector| inspector.write_certificate(&large(&bank, 10), &[0x0a], "other"));
    // Two certificates, two keys: the driver fails at each in turn, asked twice.
    for nth in 1..=6 {
        let fault = |nth: u32| format!("C_GetAttributeValue#{nth}:ckr=CKR_FUNCTION_FAILED");
        let list = bank.run_with_faults(&format!("{};{}", fault(nth), fault(nth + 1)), &["list"]).json();
        let ids = ids(&list);
        let hidden = ids.iter().filter(|id| id.is_empty()).count();
        let there = ["01", "0a"].iter().filter(|id| ids.contains(id)).count();
        assert!(there >= 1 && there + hidden >= 2, "{nth}: {list:#}");
    }
}

/// Some drivers give no attribute where one of those that are asked for is sensitive or unknown.
#[test]
fn a_driver_that_gives_all_or_nothing_is_asked_one_by_one() {
    let bank = Bank::new();
    let lie = "*:lie=all-or-nothing";
    let request = ["request", "--require-proof", "proven", "--out", "request.pem"];
    assert_eq!(bank.run_with_faults(lie, &request).json()["proof"]["level"], "proven");
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run_with_faults(lie, &["install", "answer.der"]).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// CKR_OK without a value is no refusal, and no leak either.
#[test]
fn a_private_value_without_bytes_is_said_to_be_empty() {
    for lie in ["private-value-empty", "private-value-unavailable"] {
        let bank = Bank::new();
        let faults = format!("*:lie={lie}");
        let proven = ["request", "--require-proof", "proven", "--out", "request.pem"];
        bank.run_with_faults(&faults, &proven).failed(Code::ProofInsufficient);
        bank.soft.snapshot().assert_same_as(&bank.before);
        let done = bank.run_with_faults(&faults, &["renew", "--issuer", &bank.issuer("")]).json();
        assert_eq!(done["proof"]["private_value"], "empty", "{lie}");
        assert_eq!(done["proof"]["level"], "claimed", "{lie}");
        bank.assert_one_new_credential();

        // Said once, it is asked again.
        let bank = Bank::new();
        let once = format!("C_GetAttributeValue#7:lie={lie}");
        let done = bank.run_with_faults(&once, &["renew", "--issuer", &bank.issuer("")]).json();
        assert_eq!(done["proof"]["private_value"], "CKR_ATTRIBUTE_SENSITIVE", "{lie}");
        bank.assert_one_new_credential();
    }
}

/// An EC key whose public half was only in the session, and that has no id: the second process knows it by its signature.
#[test]
fn a_key_without_public_half_and_id_is_found_by_its_signature() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let refused: Vec<String> =
        (1..=4).map(|nth| format!("C_GenerateKeyPair#{nth}:ckr=CKR_TEMPLATE_INCONSISTENT")).collect();
    bank.run_with_faults(&refused.join(";"), &["request", "--out", "request.pem"]).json();
    let new: Vec<String> =
        bank.soft.snapshot().added_since(&bank.before).iter().map(|object| object.class.clone()).collect();
    assert_eq!(new, ["CKO_PRIVATE_KEY"]);
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run(&["install", "answer.der"]).json();
    bank.assert_old_works();
    assert!(bank.session().pending().unwrap().is_empty());
    let list = bank.run(&["list"]).json();
    let levels: Vec<&Value> = list.as_array().unwrap().iter().map(|one| &one["proof_level"]).collect();
    assert_eq!(levels, ["proven", "proven"], "{list:#}");
}

/// 「営業部」 in Shift_JIS. What is no UTF-8 is kept byte for byte, and two such labels are not one.
#[test]
fn a_label_in_shift_jis_is_kept() {
    let label = b"\x89\x63\x8b\xc6\x95\x94";
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.soft.inspect(|inspector| inspector.relabel(&bank.old.id, label));
    let before = bank.soft.snapshot();
    bank.run(&["renew", "--reuse-key", "--issuer", &bank.issuer("")]).json();
    let now = bank.soft.snapshot();
    now.assert_keeps(&before);
    let new = now.added_since(&before);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].bytes("Label").unwrap(), label);
}

#[test]
fn a_search_that_never_ends_is_given_up() {
    let bank = Bank::new();
    let error = bank.run_with_faults("*:lie=endless-search", &["list"]).failed(Code::DriverMisbehaved);
    assert!(error["facts"].to_string().contains("C_FindObjects"), "{error:#}");
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Somebody puts another public key in the place of the one that waits: no request leaves that its own key does not sign.
#[test]
fn a_request_for_a_replaced_public_key_does_not_leave() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let snapshot = bank.soft.snapshot();
    let new = snapshot.added_since(&bank.before)[0].clone();
    let (id, label) = (base16ct::lower::encode_string(&new.id), new.label.clone());
    bank.pkcs11_tool(&["--delete-object", "--type", "pubkey", "--id", &id]);
    bank.write("other.spki", &usbtoken_testkit::SoftKey::generate(Kind::P256).spki());
    let write = ["--write-object", "other.spki", "--type", "pubkey", "--id", &id, "--label", &label];
    bank.pkcs11_tool(&write);
    let before = bank.soft.snapshot();
    let resume = ["resume", "--sign-again", "--out", "again.pem"];
    // By what shows it is not the key of the request.
    let error = bank.run(&resume).failed(Code::PendingAmbiguous);
    assert_eq!(error["facts"]["reason"][0], "request_of_another_key", "{error:#}");
    assert!(!bank.file("again.pem").exists());
    bank.soft.snapshot().assert_same_as(&before);
}

/// Beside whatever other programs have left the whole job is done, with each kind of key, and nothing of theirs changes.
#[test]
fn a_token_full_of_odd_objects_is_served_and_keeps_them() {
    for (kind, broken) in [(Kind::P256, false), (Kind::Rsa2048, true)] {
        let mut bank = Bank::of(kind, days_from_now(11));
        bank.soft.odd_objects(&bank.ca);
        if broken {
            bank.soft.broken_objects(&bank.ca);
        }
        bank.before = bank.soft.snapshot();
        let listed = bank.run(&["list"]).json();
        let listed = listed.as_array().unwrap();
        let unreadable = listed.iter().filter(|one| !one["unreadable"].is_null()).count();
        // Ours, the stranger's, and 14 that are odd.
        assert_eq!((listed.len() - unreadable, unreadable), (16, if broken { 6 } else { 0 }), "{listed:#?}");
        for line in [&["preflight"][..], &["doctor"], &["pending"]] {
            bank.run(line).json();
        }
        assert_eq!(bank.run_without_pin(&["list"]).json().as_array().unwrap().len(), listed.len());
        bank.soft.snapshot().assert_same_as(&bank.before);

        let id = bank.run(&["request", "--out", "given.up"]).json()["pending_id"].clone();
        assert_eq!(bank.run(&["pending"]).json()[0]["id"], id);
        if broken {
            // What cannot be read may be its certificate: a person names the key.
            let error = bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
            assert_eq!(error["facts"]["reason"][0], "object_unreadable");
            bank.assert_old_works();
        }
        bank.run(&["abandon", "--yes", "--id", id.as_str().unwrap()]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);

        bank.run(&["request", "--out", "request.pem"]).json();
        bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
        bank.run(&["install", "answer.der"]).json();
        bank.assert_old_works();
        bank.assert_one_new_credential();
        assert_eq!(bank.run(&["renew", "--id", "01", "--issuer", "false"]).json()["already_renewed"], true);
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
        // Nor is it known that none of these is for the old key.
        assert_eq!(bank.run(&retire).json()["key_removed"], !broken);
        bank.assert_others_unchanged();
        let left = bank.soft.snapshot();
        let (old, keys) = (left.with_id(&bank.old.id), left.with_id(&bank.old.id));
        assert_eq!(keys.filter(|object| object.class == "CKO_SECRET_KEY").count(), 1);
        assert_eq!(old.count(), if broken { 3 } else { 1 });
    }
}
