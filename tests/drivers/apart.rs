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
