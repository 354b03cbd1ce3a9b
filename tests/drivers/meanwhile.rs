//! What another program writes between our reading and our removing.

use usbtoken::{Certificate, Code};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now};

use crate::common::Bank;

/// A token on which this command removes a private key, and a certificate that another program has got for that key.
fn before_removal(command: &str) -> (Bank, Vec<u8>) {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let old = Certificate::from_der(&bank.old.certificate).unwrap();
    let vpn = NameDer::new().common(Text::Utf8, "vpn").to_der();
    let of_old = bank.ca.issue(&vpn, old.public_key().spki_der()).not_after(days_from_now(400)).der();
    match command {
        "abandon" => {
            bank.run(&["request", "--out", "request.pem"]).json();
            let of_new = bank.ca.issue_for(&bank.read("request.pem")).der();
            (bank, of_new)
        }
        "retire" => {
            bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
            (bank, of_old)
        }
        _ => (bank, of_old),
    }
}

/// It comes after the last call before the search that goes before the first destruction. Nothing is destroyed.
#[test]
fn a_certificate_that_comes_before_its_key_goes_keeps_the_key() {
    for command in ["retire", "abandon", "renew"] {
        let run = |bank: &Bank, ways: &str| {
            let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
            let arguments = match command {
                "retire" => vec!["retire", "--yes", "--trust-anchor", &anchor, "--id", "01"],
                "abandon" => vec!["abandon", "--yes"],
                _ => vec!["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer],
            };
            bank.odd(ways, &arguments)
        };
        let (bank, _) = before_removal(command);
        run(&bank, "").json();
        // Of a removal that succeeds the last search is that one.
        let last = bank.noted("search");

        let (bank, came) = before_removal(command);
        let before = bank.soft.snapshot();
        bank.write("came.der", &came);
        let file = bank.file("came.der");
        let said = run(&bank, &format!("stores-at={last},stores={}", file.display()));
        let error = said.failed(Code::RemovalDoubtful);
        assert_eq!(error["facts"]["reason"][0], "certificate_came", "{command}: {error}");
        let after = bank.soft.snapshot();
        after.assert_keeps(&before);
        assert_eq!(after.with_id(b"came").count(), 1, "{command}");
    }
}
