//! Several certificates for one key, as after `--reuse-key` or where another program has written one: an order is made once, and
//! what is left is a pair for every program.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{NameDer, TestCa, Text, days_from_now, serial_hex};

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

/// Another program's certificate for the key, with its identifier and label: by the same CA for a colleague, by another CA for the same
/// holder.
fn stranger(bank: &Bank, of_ca: bool, days: i64) -> Vec<u8> {
    let firm = NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
    let firm = firm.unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4");
    let colleague = firm.unit(Text::Printable, "USB TOKEN").common(Text::Utf8, "Mail").to_der();
    let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
    let another = TestCa::new();
    let issue = match of_ca {
        true => bank.ca.issue(&colleague, &bank.old.spki),
        false => another.issue(&bank.old.subject, &bank.old.spki).issuer(&other),
    };
    let der = issue.not_after(days_from_now(days)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&der, &bank.old.id, "bank"));
    der
}

fn go_on(error: &Value) -> Vec<String> {
    let lines = error["facts"]["go_on"].as_array().cloned().unwrap_or_default();
    lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// The key is used again, and another program puts a certificate on it afterwards: the daily run says what it says without that, and ends a
/// removal that was killed.
#[test]
fn another_programs_certificate_on_a_reused_key_changes_nothing() {
    for (of_ca, days) in [(true, 800), (true, 100), (true, 10), (false, 800)] {
        for (retire, fault) in [(true, "C_DestroyObject#1:exit"), (true, ""), (false, "")] {
            let bank = Bank::new();
            let issuer = format!("echo >> orders; {}", bank.issuer("--days 365"));
            let anchor = bank.anchor();
            let daily = ["renew", "--reuse-key", "--trust-anchor", &anchor, "--issuer", &issuer];
            let daily = [&daily[..], &["--retire-old"][..usize::from(retire)]].concat();
            bank.run_with_faults(fault, &daily);
            let theirs = stranger(&bank, of_ca, days);
            let before = bank.soft.snapshot();
            for day in 0..3 {
                let said = bank.run(&daily);
                let case = format!("{of_ca} {days} {retire} {fault:?} {day}: {said:?}");
                if retire && (fault.is_empty() || day > 0) {
                    assert_eq!(go_on(&said.failed(Code::NotYetRenewable)), Vec::<String>::new(), "{case}");
                } else {
                    let done = said.json();
                    assert_eq!(done["already_renewed"], true, "{case}");
                    assert_eq!(done["retired"].as_bool(), retire.then_some(true), "{case}");
                }
            }
            let now = bank.soft.snapshot();
            now.assert_keeps(&before.only(|one| one.bytes("Value") != Some(&bank.old.certificate[..])));
            assert!(now.objects().iter().any(|one| one.bytes("Value") == Some(&theirs[..])));
            assert_eq!(bank.read("orders").len(), 1);
        }
    }
}

/// Whether the CA has given the holder another name, by an order of another computer, or another program has a certificate for the key, a
/// person says once the window is open.
#[test]
fn a_colleagues_certificate_on_a_reused_key_is_asked_about_in_the_window() {
    let bank = Bank::new();
    let anchor = bank.anchor();
    let daily = |days: &str| {
        let issuer = format!("echo >> orders; {}", bank.issuer(&format!("--days {days}")));
        bank.run(&["renew", "--reuse-key", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer])
    };
    daily("20").json();
    let theirs = stranger(&bank, true, 800);
    let before = bank.soft.snapshot();
    let error = daily("365").failed(Code::SuccessorDoubtful);
    bank.soft.snapshot().assert_same_as(&before);
    let [line] = go_on(&error).try_into().unwrap();
    assert!(line.contains("--although-renewed") && !line.contains(&serial_hex(&theirs)), "{line}");
    assert_eq!(bank.read("orders").len(), 1);
}
