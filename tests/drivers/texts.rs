//! Tokens whose text is in another alphabet, or padded in another way: our URI finds them in other programs, and theirs in ours.

use std::process::{Command, Stdio};

use usbtoken_testkit::{Kind, days_from_now, softhsm_module};

use crate::common::{Bank, Said};
use crate::driver::odd_driver;

#[test]
fn a_uri_means_the_same_token_to_other_programs() {
    let texts: [(&str, &[u8], &str); 9] = [
        ("UTF-8", "銀行".as_bytes(), ""),
        ("Latin-1", b"Caf\xe9 B\xe4nk", ""),
        ("GBK", b"\xb9\xa4\xc9\xcc\xd2\xf8\xd0\xd0", ""),
        ("Shift_JIS", b"\x8b\xe2\x8d\x73", ""),
        ("cut in a character", &"銀行".as_bytes()[..5], ""),
        ("NUL behind it", b"BANK", "nul-behind"),
        ("NUL behind Latin-1", b"B\xe4nk", "nul-behind"),
        ("signs of a URI", b"A;B=C&D?E/F%20", ""),
        ("something behind a NUL", b"BANK", "text-then-memory"),
    ];
    for (what, text, padding) in texts {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        let ways = format!("label={hex},{padding}");
        let renewed = bank.oddly_on("pkcs11:", &ways, &["renew", "--issuer", &bank.issuer("")]).json();
        let uri = renewed["uri"].as_str().unwrap();
        let objects = p11tool(&bank, &ways, &["--login", "--list-all", uri]);
        assert_eq!(objects.matches("Object ").count(), 3, "{what}: {uri} {objects}");

        let theirs = p11tool(&bank, &ways, &["--list-token-urls"]);
        let theirs = theirs.lines().find(|line| line.contains(bank.soft.serial()));
        let theirs = theirs.unwrap_or_else(|| panic!("{what}: p11tool does not list the token"));
        for uri in [theirs, uri.split(";id=").next().unwrap()] {
            let seen = bank.oddly_on(uri, &ways, &["list"]).json();
            assert_eq!(seen.as_array().map(Vec::len), Some(2), "{what}: {uri}");
        }
        // Another token has another text.
        let other = theirs.replacen("token=", "token=x", 1);
        if other != theirs {
            assert_ne!(bank.oddly_on(&other, &ways, &["list"]).exit, 0, "{what}: {other}");
        }
    }
}

fn p11tool(bank: &Bank, ways: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("p11tool");
    command.arg("--provider").arg(odd_driver()).args(arguments).envs(bank.soft.env());
    command.env("ODD", ways).env("ODD_DRIVER", softhsm_module()).env("GNUTLS_PIN", bank.soft.pin());
    let output = command.stdin(Stdio::null()).output().expect("`cargo xtask test` installs gnutls-bin");
    Said::of(output).stdout
}
