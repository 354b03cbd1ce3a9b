//! Certificates as they lie on tokens: with extensions that cannot be read, with padding, with keys of all kinds, and
//! objects that are no certificates at all. None of them vanishes. And new certificates that a server may refuse.

#[path = "../common/mod.rs"]
mod common;

use std::process::Command;

use common::Bank;
use serde_json::Value;
use usbtoken::{Certificate, Code};
use usbtoken_testkit::{Issue, days_from_now, manual_subject};
use x509_cert::ext::pkix::KeyUsages;

const KEY_USAGE: &str = "2.5.29.15";

/// An end-entity certificate of the bank's CA for a key of openssl's making.
fn certificate(bank: &Bank, key: &str, extensions: &[(&str, &[u8])]) -> Vec<u8> {
    let subject = manual_subject().to_der();
    let issue = bank.ca.issue(&subject, &spki(bank, key)).not_after(days_from_now(20)).usage(None);
    extensions.iter().fold(issue, |issue, (oid, value)| issue.extension(oid, false, value)).der()
}

fn spki(bank: &Bank, key: &str) -> Vec<u8> {
    let (private, public) = (bank.file("key.pem"), bank.file("key.der"));
    let openssl = |words: &[&str], more: &[&std::path::Path]| {
        let mut command = Command::new("openssl");
        command.args(words).arg("-out").args(more);
        assert!(command.output().expect("openssl").status.success(), "{words:?}");
    };
    let words: Vec<&str> = ["genpkey"].into_iter().chain(key.split(' ')).collect();
    openssl(&words, &[&private]);
    let read = ["pkey", "-in", private.to_str().unwrap(), "-pubout", "-outform", "DER"];
    openssl(&read, &[&public]);
    bank.read("key.der")
}

fn entry<'v>(list: &'v Value, id: &str) -> &'v Value {
    let found = list.as_array().unwrap().iter().find(|entry| entry["id"] == id);
    found.unwrap_or_else(|| panic!("no id {id} in {list:#}"))
}

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn an_odd_extension_is_a_fact_about_a_listed_certificate() {
    let bank = Bank::new();
    let four_octets = certificate(&bank, P256, &[(KEY_USAGE, &[3, 5, 0, 0xb0, 0, 0, 0])]);
    let trailing = certificate(&bank, P256, &[(KEY_USAGE, &[3, 2, 7, 0x80, 0])]);
    bank.soft.inspect(|inspector| {
        inspector.write_certificate(&four_octets, &[0xa1], "four octets");
        inspector.write_certificate(&trailing, &[0xa2], "trailing");
    });
    let list = bank.run(&["list"]).json();
    assert_eq!(entry(&list, "a1")["unreadable_extensions"], serde_json::json!([]));
    assert_eq!(entry(&list, "a2")["unreadable_extensions"], serde_json::json!(["keyUsage"]));
}

#[test]
fn padding_behind_a_certificate_is_no_part_of_it() {
    let bank = Bank::new();
    let der = certificate(&bank, P256, &[]);
    for (id, padding) in [(0xb1, vec![0; 700]), (0xb2, vec![0xff; 3])] {
        bank.soft.inspect(|inspector| {
            inspector.write_as_certificate(&[&der[..], &padding].concat(), &[id], "padded")
        });
    }
    let credentials = bank.token().credentials().unwrap();
    for id in [0xb1, 0xb2] {
        let padded = credentials.iter().find(|one| one.id() == [id]).expect("the padded certificate");
        assert_eq!(padded.certificate().der(), der);
    }
    assert!(credentials.unreadable().is_empty());
}

#[test]
fn an_object_that_cannot_be_read_is_named_everywhere() {
    let bank = Bank::new();
    let cut = certificate(&bank, P256, &[]);
    bank.soft.inspect(|inspector| {
        inspector.write_as_certificate(b"no certificate", &[0xc1], "odd one");
        inspector.write_as_certificate(&cut[..cut.len() / 2], &[0xc2], "cut");
    });
    let before = bank.soft.snapshot();

    let list = bank.run(&["list"]).json();
    let odd = entry(&list, "c1");
    assert_eq!((odd["label"].as_str(), odd["size"].as_u64()), (Some("odd one"), Some(14)));
    assert!(odd["unreadable"].as_str().is_some_and(|reason| !reason.is_empty()), "{odd:#}");
    assert_eq!(entry(&list, "c2")["size"].as_u64(), Some(cut.len() as u64 / 2));
    assert_eq!(entry(&list, "01")["unreadable"], Value::Null);

    let preflight = bank.run(&["preflight", "--id", "01"]).json();
    assert_eq!(preflight["unreadable"].as_array().unwrap().len(), 2);

    let error = bank.run(&["preflight", "--id", "c1"]).failed(Code::CredentialUnreadable);
    assert!(error.to_string().contains("odd one"), "{error:#}");

    assert!(error.to_string().contains("not_a_certificate"), "{error:#}");

    let doctor = bank.run(&["doctor"]).printed();
    assert!(doctor.to_string().contains("certificate_unreadable"), "{doctor:#}");
    let token = doctor["tokens"].as_array().unwrap().iter().find(|one| one["unreadable_certificates"] == 2);
    // SoftHSM lists objects in an order of its own.
    let mut unreadable = token.expect("the token")["unreadable"].as_array().unwrap().clone();
    unreadable.sort_by_key(|one| one["id"].to_string());
    let named: Vec<_> = unreadable.iter().map(|one| (one["id"].as_str(), one["reason"].as_str())).collect();
    assert_eq!(named, [(Some("c1"), Some("not_a_certificate")), (Some("c2"), Some("truncated"))]);
    assert_eq!(
        (unreadable[0]["label"].as_str(), unreadable[0]["size"].as_u64()),
        (Some("odd one"), Some(14))
    );
    bank.soft.snapshot().assert_same_as(&before);
}

#[test]
fn the_kind_of_every_key_has_its_name() {
    let bank = Bank::new();
    let kinds = [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "P-521"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-224", "P-224"),
        ("-algorithm ED25519", "Ed25519"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:1536", "RSA 1536"),
        ("-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "RSA-PSS 2048"),
    ];
    for ((key, _), id) in kinds.iter().zip(0xd0..) {
        let der = certificate(&bank, key, &[]);
        bank.soft.inspect(|inspector| inspector.write_certificate(&der, &[id], "kind"));
    }
    let list = bank.run(&["list"]).json();
    for ((_, name), id) in kinds.iter().zip(0xd0..) {
        assert_eq!(entry(&list, &format!("{id:x}"))["key_algorithm"], *name);
    }
}

#[test]
fn a_kind_that_is_not_made_is_refused_before_a_key_is() {
    let bank = Bank::new();
    let der = certificate(&bank, "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", &[]);
    bank.soft.inspect(|inspector| inspector.write_certificate(&der, &[0xe1], "P-521"));
    let before = bank.soft.snapshot();
    let which = ["--id", "e1"];
    let out = bank.file("request.pem");
    let request = ["request", "--out", out.to_str().unwrap()];
    bank.run(&[&request[..], &which].concat()).failed(Code::KeyKindNotMade);
    bank.soft.snapshot().assert_same_as(&before);

    let preflight = bank.run(&[&["preflight"], &which[..]].concat()).printed();
    assert_eq!((preflight["can_renew"].as_bool(), &preflight["key_kind"]), (Some(false), &Value::Null));
    let chosen = bank.run(&[&["preflight", "--key", "p384"], &which[..]].concat()).printed();
    assert_eq!((chosen["can_renew"].as_bool(), chosen["key_kind"].as_str()), (Some(true), Some("p384")));
}

#[test]
fn a_size_that_is_not_made_grows_and_is_said_before() {
    let bank = Bank::new();
    let der = certificate(&bank, "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", &[]);
    bank.soft.inspect(|inspector| inspector.write_certificate(&der, &[0xe2], "RSA 1024"));
    let preflight = bank.run(&["preflight", "--id", "e2"]).json();
    assert_eq!(preflight["key_kind"], "rsa2048");
    let point =
        preflight["points"].as_array().unwrap().iter().find(|point| point["point"] == "key_kind").unwrap();
    assert_eq!((&point["state"], &point["notice"]["name"]), (&"warning".into(), &"key_kind_changes".into()));
}

/// SEC 1 §C.2: a CA writes the parameters of the curve in place of its name. The key is the one that was requested.
#[test]
fn a_key_on_a_curve_by_its_parameters_is_installed_and_renewed() {
    let bank = Bank::new();
    let out = bank.file("request.pem");
    bank.run(&["request", "--out", out.to_str().unwrap()]).json();
    let openssl = |words: &[&str]| assert_eq!(bank.tool("openssl", words).exit, 0, "{words:?}");
    openssl(&["req", "-in", "request.pem", "-noout", "-pubkey", "-out", "named.pem"]);
    let written = ["-pubout", "-ec_param_enc", "explicit", "-outform", "DER", "-out", "explicit.der"];
    openssl(&[&["pkey", "-pubin", "-in", "named.pem"], &written[..]].concat());
    let explicit = bank.read("explicit.der");
    let issue = bank.ca.issue(&manual_subject().to_der(), &explicit);
    bank.write("answer.pem", pem(&issue.not_after(days_from_now(20)).der()).as_bytes());

    let anchor = bank.anchor();
    let retire = ["--trust-anchor", &anchor, "--retire-old"];
    let said = bank.run(&[&["install", "answer.pem"], &retire[..]].concat()).json();
    let id = said["credential"]["id"].as_str().unwrap().to_owned();
    assert_eq!(said["credential"]["key_algorithm"], "P-256");
    let credentials = bank.token().credentials().unwrap();
    let as_written = |one: &&usbtoken::Credential| one.certificate().public_key().spki_der() == explicit;
    let installed = credentials.iter().find(as_written).expect("the key as the CA wrote it");

    assert_eq!(bank.run(&["preflight", "--id", &id]).json()["key_kind"], "p256");
    let issuer = bank.issuer("");
    let said = bank.run(&[&["renew", "--id", &id, "--issuer", &issuer], &retire[..]].concat()).json();
    assert_eq!(said["credential"]["key_algorithm"], "P-256");
    bank.assert_others_unchanged();
    assert_ne!(bank.assert_one_new_credential(), installed.certificate().der());
}

fn pem(der: &[u8]) -> String {
    Certificate::from_der(der).unwrap().to_pem()
}

/// Requests a renewal, has it answered in this shape, and installs the answer with these options.
fn installed(bank: &Bank, shape: impl FnOnce(Issue<'_>) -> Issue<'_>, options: &[&str]) -> common::Said {
    let out = bank.file("request.pem");
    bank.run(&["request", "--out", out.to_str().unwrap(), "--overwrite"]).json();
    let answer = shape(bank.ca.issue_for(&bank.read("request.pem"))).der();
    bank.write("answer.pem", [pem(&answer), pem(bank.ca.issuing())].concat().as_bytes());
    bank.run(&[&["install", "answer.pem"], options].concat())
}

fn notices(said: &common::Said) -> Vec<String> {
    let json = said.json();
    let names =
        json["notices"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    names.filter(|name| name != "old_kept" && name != "chain_not_checked").collect()
}

#[test]
fn any_purpose_has_one_answer_with_and_without_an_anchor() {
    for options in [&[][..], &["--trust-anchor", "root.pem"]] {
        let bank = Bank::new();
        bank.write("root.pem", pem(bank.ca.root()).as_bytes());
        let said = installed(&bank, |issue| issue.purposes(&["2.5.29.37.0"]), options);
        assert_eq!(notices(&said), ["purpose_only_any"], "{options:?}");
        bank.soft.snapshot().assert_keeps(&bank.before);
    }
}

#[test]
fn an_unknown_critical_extension_warns_and_breaks_a_chain() {
    fn odd(issue: Issue<'_>) -> Issue<'_> {
        issue.extension("1.2.392.1.1.1", true, &[5, 0])
    }
    let bank = Bank::new();
    assert_eq!(notices(&installed(&bank, odd, &[])), ["unknown_critical"]);

    let bank = Bank::new();
    bank.write("root.pem", pem(bank.ca.root()).as_bytes());
    let error = installed(&bank, odd, &["--trust-anchor", "root.pem"]).failed(Code::ChainUntrusted);
    assert!(error.to_string().contains("1.2.392.1.1.1"), "{error:#}");
    bank.soft.snapshot().assert_keeps(&bank.before);
}

#[test]
fn the_old_one_stays_while_the_new_one_is_in_doubt() {
    let bank = Bank::new();
    let said = installed(&bank, |issue| issue.extension("1.2.392.1.1.1", true, &[5, 0]), &["--retire-old"]);
    assert_eq!(said.exit, 9, "{}", said.stderr);
    assert!(said.stderr.contains("retire_doubtful"), "{}", said.stderr);
    bank.soft.snapshot().assert_keeps(&bank.before);
}

#[test]
fn the_usage_of_a_ca_is_said() {
    let bank = Bank::new();
    let said =
        installed(&bank, |issue| issue.usage(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign), &[]);
    assert_eq!(notices(&said), ["usage_of_ca"]);
}

#[test]
fn a_bundle_with_other_things_in_it_is_an_anchor_file() {
    let bank = Bank::new();
    let crl = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    let bundle = format!("Example Bank\r\n{crl}{}", pem(bank.ca.root()));
    bank.write("bundle.crt", bundle.as_bytes());
    assert!(notices(&installed(&bank, |issue| issue, &["--trust-anchor", "bundle.crt"])).is_empty());
}

#[test]
fn anchors_without_a_certificate_are_said_to_be_that() {
    let bank = Bank::new();
    bank.write("anchors", b"no certificate");
    installed(&bank, |issue| issue, &["--trust-anchor", "anchors"]).failed(Code::AnchorUnusable);
    bank.soft.snapshot().assert_keeps(&bank.before);
}
