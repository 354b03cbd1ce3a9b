//! A driver that gives certificates no CKA_ID: it is said, with what to do, and nothing piles up.

use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now, serial_hex};

use crate::common::Bank;

const WAYS: &str = "certificate-ids-dropped";

fn notice<'d>(done: &'d Value, name: &str) -> Option<&'d Value> {
    done["notices"].as_array().unwrap().iter().find(|one| one["name"] == name)
}

#[test]
fn a_certificate_whose_identifier_is_dropped_is_not_written_again() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd(WAYS, &["request", "--out", "request.pem"]).json();
    bank.write("answer", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let anchor = bank.anchor();
    let install = ["install", "answer", "--trust-anchor", &anchor];
    let first = bank.odd(WAYS, &install).json();
    assert_eq!(first["already_installed"], false, "{first:#}");
    let installed = bank.soft.snapshot();
    let again = bank.odd(WAYS, &install).json();
    assert_eq!(again["already_installed"], true, "{again:#}");
    let daily = bank.odd(WAYS, &["renew", "--issuer", "false"]).json();
    assert_eq!(daily["already_renewed"], true);
    bank.soft.snapshot().assert_same_as(&installed);
    let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor];
    let error = bank.odd(WAYS, &retire).failed(Code::SuccessorNotBesideKey);
    // An installation would not help here.
    let lines = error["facts"]["go_on"].as_array().unwrap();
    assert!(lines.len() == 1 && lines[0].as_str().unwrap().contains("usbtoken retire "), "{error:#}");
    for said in [&first, &again] {
        let differs = notice(said, "id_differs").unwrap_or_else(|| panic!("{said:#}"));
        let line = differs["facts"]["go_on"][0].as_str().unwrap_or_else(|| panic!("{said:#}"));
        assert!(
            line.contains(&serial_hex(&bank.old.certificate)) && line.contains(" --successor "),
            "{line}"
        );
        assert!(line.contains(" --trust-anchor "), "{line}");
    }
    let successor = lines[0].as_str().unwrap().split(" --successor ").nth(1).unwrap();
    let successor = successor.split(' ').next().unwrap();
    bank.odd(WAYS, &[&retire[..], &["--successor", successor]].concat()).json();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// Another program's stands under an identifier of its own, and the driver keeps none of ours: what was tried is taken back.
#[test]
fn what_cannot_be_put_beside_its_key_is_taken_back() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("", &["request", "--out", "request.pem"]).json();
    let answer = bank.ca.issue_for(&bank.read("request.pem")).der();
    bank.write("answer", &answer);
    bank.soft.inspect(|inspector| inspector.write_certificate(&answer, &[0x55], "vendor"));
    let stored = bank.soft.snapshot();
    for _ in 0..2 {
        let done = bank.odd(WAYS, &["install", "answer"]).json();
        assert_eq!(done["already_installed"], true, "{done:#}");
        assert!(
            notice(&done, "id_differs").is_some() && notice(&done, "certificate_apart").is_none(),
            "{done:#}"
        );
        bank.soft.snapshot().assert_same_as(&stored);
    }
}

/// Of the private key another identifier is read than it was given and is found by: nothing is changed for it, the certificate stands where
/// programs find its key, and the old one stays until a person names what follows it.
#[test]
fn an_identifier_that_is_misread_changes_nothing() {
    for ways in ["key-ids-cut", "key-ids-garbled"] {
        for line in ["renew", "install"] {
            let case = format!("{ways} {line}");
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
            let old = serial_hex(&bank.old.certificate);
            let daily = |issuer: &str, ways: &str| {
                let renew = ["renew", "--serial", &old, "--retire-old", "--trust-anchor", &anchor];
                bank.odd(ways, &[&renew[..], &["--issuer", issuer]].concat())
            };
            let first = match line {
                "renew" => daily(&issuer, ways),
                _ => {
                    bank.odd(ways, &["request", "--out", "request.pem"]).json();
                    bank.write("answer", &bank.ca.issue_for(&bank.read("request.pem")).der());
                    let install = ["install", "answer", "--retire-old", "--trust-anchor", &anchor];
                    bank.odd(ways, &install)
                }
            };
            let done = first.printed();
            assert!(notice(&done, "id_differs").is_some(), "{case}: {done:#}");
            let now = bank.soft.snapshot();
            now.assert_keeps(&bank.before);
            let new = now.added_since(&bank.before);
            assert_eq!(new.len(), 3, "{case}: {new:?}");
            assert!(
                new.iter().all(|object| object.id == new[0].id && object.id.len() == 20),
                "{case}: {new:?}"
            );
            // The next day, with the driver as it is and as it should be.
            daily("touch asked; false", ways).json();
            bank.soft.snapshot().assert_same_as(&now);
            let list = bank.odd(ways, &["list"]).json();
            assert!(!list.to_string().contains("key_missing"), "{case}: {list:#}");
            assert_eq!(bank.odd(ways, &["pending"]).json(), serde_json::json!([]), "{case}");
            assert_eq!(daily("touch asked; false", "").json()["retired"], true, "{case}");
            assert!(!bank.file("asked").exists(), "{case}");
            let left = bank.soft.snapshot();
            assert_eq!(left.with_id(&bank.old.id).count(), 0);
            left.assert_same_as(&now.only(|object| object.id != bank.old.id));
        }
    }
}

/// Given up, such a job leaves nothing; a sound driver shows another identifier than this computer has kept, and a person names that.
#[test]
fn a_job_whose_identifier_is_misread_is_given_up_whole() {
    for (ways, then) in
        [("key-ids-cut", "key-ids-cut"), ("key-ids-garbled", "key-ids-garbled"), ("key-ids-cut", "")]
    {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        if then.is_empty() {
            let waiting = bank.soft.snapshot();
            bank.odd(then, &["abandon", "--yes"]).failed(Code::RemovalDoubtful);
            bank.soft.snapshot().assert_same_as(&waiting);
            let id = bank.odd(then, &["pending"]).json()[0]["id"].as_str().unwrap().to_owned();
            bank.odd(then, &["abandon", "--yes", "--id", &id]).json();
        } else {
            bank.odd(then, &["abandon", "--yes"]).json();
        }
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}
