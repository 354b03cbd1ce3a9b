//! What each command costs in PKCS#11 calls, and how that grows with what is on the token. Calls are what a slow token and a
//! busy machine cannot blur; each is one or more exchanges with the token.

#[path = "../common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::Bank;
use usbtoken_testkit::{Kind, NameDer, SoftKey, Text, days_from_now};

/// What a token says of itself is believed for three seconds. On a machine so slow that they pass before the login, it is
/// asked once more, and in a session of its own.
const BELIEVED: Duration = Duration::from_secs(3);

impl Bank {
    /// How many calls the command makes where it is not slow.
    #[track_caller]
    fn calls(&self, arguments: &[&str]) -> usize {
        let start = Instant::now();
        self.run_with_faults("", arguments).json();
        let called = self.called();
        let first = called.iter().position(|name| name == "C_OpenSession").unwrap_or_default();
        let late = ["C_GetTokenInfo", "C_OpenSession", "C_CloseSession"];
        let again = called[first..].iter().skip(1).filter(|name| late.contains(&name.as_str())).count();
        called.len() - if start.elapsed() > BELIEVED { again } else { 0 }
    }
}

/// On a token that holds one credential, P-256. Who changes a number here says why in docs/calls.md.
#[test]
fn each_command_has_its_price() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let anchor = bank.anchor();
    let retire = ["retire", "--yes", "--trust-anchor", &anchor, "--id", "01"];
    bank.run_without_pin(&["list"]).json();
    let mut costs = vec![
        ("list, no PIN", bank.called().len()),
        ("list", bank.calls(&["list"])),
        ("preflight", bank.calls(&["preflight"])),
        ("doctor", bank.calls(&["doctor"])),
        ("request", bank.calls(&["request", "--out", "request.pem"])),
        ("pending", bank.calls(&["pending"])),
        ("resume", bank.calls(&["resume", "--out", "again.pem"])),
        ("abandon", bank.calls(&["abandon", "--yes"])),
    ];
    bank.soft.snapshot().assert_same_as(&bank.before);
    costs.push(("renew", bank.calls(&["renew", "--issuer", &bank.issuer("")])));
    costs.push(("pending, one complete", bank.calls(&["pending"])));
    costs.push(("retire", bank.calls(&retire)));
    bank.assert_one_new_credential();

    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    costs.push(("install", bank.calls(&["install", "answer.der"])));
    bank.assert_one_new_credential();

    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let renew = ["renew", "--retire-old", "--trust-anchor", &bank.anchor(), "--issuer", &bank.issuer("")];
    costs.push(("renew --retire-old", bank.calls(&renew)));
    bank.assert_one_new_credential();
    let expected = [
        ("list, no PIN", 12),
        // With the PIN, and the proof of the key.
        ("list", 19),
        ("preflight", 17),
        ("doctor", 22),
        ("request", 29),
        ("pending", 19),
        ("resume", 24),
        ("abandon", 41),
        ("renew", 33),
        // Four objects more, and the signature of the one that is complete.
        ("pending, one complete", 24),
        ("retire", 43),
        ("install", 26),
        ("renew --retire-old", 60),
    ];
    assert_eq!(costs, expected);
}

/// Certificates of others, and pending keys: each object costs the same, however many there are.
#[test]
fn nothing_grows_faster_than_the_token() {
    let subject = NameDer::new().common(Text::Utf8, "many").to_der();
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let spki = SoftKey::generate(Kind::P256).spki();
    let mut costs = Vec::new();
    let mut there = 0_u16;
    for count in [1_u16, 30, 300] {
        bank.soft.inspect(|inspector| {
            for number in there..count {
                let issue = bank.ca.issue(&subject, &spki).not_after(days_from_now(200));
                inspector.write_certificate(&issue.der(), &[0x70, (number >> 8) as u8, number as u8], "many");
            }
        });
        there = count;
        let row = [
            &["list"][..],
            &["preflight", "--id", "01"],
            &["pending"],
            &["doctor"],
            &["request", "--id", "01", "--out", "request.pem", "--overwrite"],
            &["resume", "--out", "again.pem", "--overwrite"],
            &["abandon", "--yes"],
        ];
        costs.push(row.map(|arguments| bank.calls(arguments)));
    }
    // list, preflight, pending, doctor, request, resume, abandon: of many each certificate costs one call, and one more
    // where it is read before the login and after it, or by the command and again before something is removed.
    let expected =
        [[21, 19, 19, 24, 31, 26, 44], [52, 50, 50, 55, 89, 57, 104], [322, 320, 320, 325, 629, 327, 644]];
    assert_eq!(costs, expected);
}

/// Certificates of others, and one credential that is renewed and then removed: each object costs the same.
#[test]
fn installing_and_removing_grow_no_faster_than_the_token() {
    let subject = NameDer::new().common(Text::Utf8, "many").to_der();
    let spki = SoftKey::generate(Kind::P256).spki();
    let costs = [1_u16, 30, 300].map(|count| {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.soft.inspect(|inspector| {
            for number in 0..count {
                let issue = bank.ca.issue(&subject, &spki).not_after(days_from_now(200));
                inspector.write_certificate(&issue.der(), &[0x70, (number >> 8) as u8, number as u8], "many");
            }
        });
        bank.run(&["request", "--id", "01", "--out", "request.pem"]).json();
        bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
        let retire = ["retire", "--yes", "--trust-anchor", &bank.anchor(), "--id", "01"];
        [bank.calls(&["install", "answer.der"]), bank.calls(&retire)]
    });
    // install, retire: one call for each certificate, and one more where it is read again before something is removed.
    assert_eq!(costs, [[28, 45], [59, 103], [329, 643]]);
}
