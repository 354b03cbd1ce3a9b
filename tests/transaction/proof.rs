//! The record that a private key cannot leave the token, and what happens when it can.

#[path = "../common/mod.rs"]
mod common;

use std::process::Command;
use std::time::{Duration, SystemTime};

use base16ct::lower::encode_string as hex;
use common::{Bank, at, credential, install, policy, read, refused, run};
use serde_json::Value;
use usbtoken::error::Notice;
use usbtoken::pki::ProofLevel;
use usbtoken::{Code, Finder, Install, Pin, Renewal};
use usbtoken_testkit::{Kind, SoftKey, days_from_now, serial_hex};

#[test]
fn the_record_says_what_was_read_when_and_from_what() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        let (session, old) = bank.open();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        let pending = Renewal::of(&old).outside_window().begin(&session, &at(now)).unwrap();
        let record = serde_json::to_value(pending.proof()).unwrap();
        assert_eq!(record["level"], "proven");
        assert_eq!(record["observed"], "2030-03-17T17:46:40Z");
        assert_eq!(record["private_value"], "CKR_ATTRIBUTE_SENSITIVE");
        assert_eq!(record["key_id"], hex(pending.key_id()));
        assert_eq!(record["public_key_sha256"].as_str().map(str::len), Some(64));
        assert_eq!(record["token"]["label"], "BANK");
        assert_eq!(record["token"]["serial"], bank.soft.serial());
        let driver = std::fs::canonicalize(bank.soft.module()).unwrap();
        assert_eq!(record["driver_path"], driver.to_str().unwrap());
        assert_eq!(record["driver"]["manufacturer"], "SoftHSM");

        // The same attributes as another program reads them.
        let snapshot = bank.soft.snapshot();
        let id = pending.key_id();
        let key = snapshot.with_id(id).find(|object| object.class == "CKO_PRIVATE_KEY").unwrap();
        let pairs = [
            ("sensitive", "Sensitive", true),
            ("extractable", "Extractable", false),
            ("always_sensitive", "AlwaysSensitive", true),
            ("never_extractable", "NeverExtractable", true),
            ("local", "Local", true),
        ];
        for (ours, theirs, expected) in pairs {
            assert_eq!(record["evidence"][ours], expected, "{ours}");
            assert_eq!(key.flag(theirs), Some(expected), "{theirs}");
        }
        let mechanism = if kind == Kind::P256 { "CKM_EC_KEY_PAIR_GEN" } else { "CKM_RSA_PKCS_KEY_PAIR_GEN" };
        assert_eq!(record["evidence"]["key_gen_mechanism"], mechanism);
    }
}

#[test]
fn the_command_hands_the_record_over() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    let done = bank.run(&["renew", "--require-proof", "proven", "--issuer", &issuer]).json();
    assert_eq!(done["proof"]["level"], "proven");
    assert_eq!(done["proof"]["evidence"]["local"], true);
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// Some tokens deny what they have just done, until the driver is initialised again: it is, before the request leaves and
/// before the key is judged, at the price of a second login.
#[test]
fn a_denial_right_after_generation_is_judged_by_a_driver_that_was_started_anew() {
    for (lie, required) in
        [("fresh-zero", "proven"), ("fresh-all-zero", "claimed"), ("fresh-all-zero", "proven")]
    {
        let bank = Bank::new();
        let issuer = bank.issuer("");
        let renew = ["renew", "--require-proof", required, "--issuer", &issuer];
        let done = bank.run_with_faults(&format!("*:lie={lie}"), &renew).json();
        assert_eq!(done["proof"]["level"], "proven", "{lie}: {done:#}");
        assert_eq!(done["proof"]["evidence"]["local"], true);
        assert_eq!(count(&bank, "C_Login"), 2, "{lie}");
        assert_eq!(count(&bank, "C_Initialize"), 2, "{lie}");
        // Then nothing is searched for but the new pair, and nothing read but its halves; once more its private value.
        let called = bank.called();
        let again = called.iter().rposition(|name| name == "C_Initialize").unwrap_or_default();
        let cost = |name: &str| called[again..].iter().filter(|called| *called == name).count();
        assert_eq!((cost("C_FindObjectsInit"), cost("C_GetAttributeValue")), (1, 2 + 1 + 1), "{lie}");
        bank.assert_old_works();
        bank.assert_one_new_credential();
    }
}

/// Also then a certificate that the token kept although it refused it is known, and goes; the old key that is to sign is found.
#[test]
fn by_a_driver_that_was_started_anew_what_is_left_behind_is_known() {
    let bank = Bank::new();
    let request = ["request", "--form", "cms", "--require-proof", "proven", "--out", "request.der"];
    bank.run_with_faults("*:lie=fresh-all-zero", &request).json();
    assert_eq!((count(&bank, "C_Initialize"), count(&bank, "C_Sign")), (2, 2));
    bank.run(&["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);

    let renew = ["renew", "--require-proof", "proven", "--issuer", &bank.issuer("")];
    let faults = "*:lie=fresh-all-zero; C_CreateObject:lose=CKR_FUNCTION_FAILED";
    bank.run_with_faults(faults, &renew).json();
    assert_eq!(count(&bank, "C_Initialize"), 2);
    assert!(count(&bank, "C_CreateObject") > 1 && count(&bank, "C_DestroyObject") > 0);
    bank.assert_one_new_credential();
    bank.assert_old_works();
}

/// Who asks for less than what is denied gets it, and is told: nothing is started anew for that.
#[test]
fn a_denial_that_decides_nothing_costs_no_login() {
    let bank = Bank::new();
    let done = bank.run_with_faults("*:lie=fresh-zero", &["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(done["proof"]["level"], "claimed");
    assert!(done["notices"].as_array().unwrap().iter().any(|notice| notice["name"] == "proof_claimed"));
    assert_eq!(count(&bank, "C_Login"), 1);
    bank.assert_one_new_credential();
}

/// The program has the driver in use elsewhere, so it cannot be started anew: the caller is asked, and the key waits.
#[test]
fn a_denial_by_a_driver_that_is_in_use_is_for_the_caller_to_judge() {
    const CHILD: &str = "USBTOKEN_TEST_PROOF_CHILD";
    if let Ok(uri) = std::env::var(CHILD) {
        let driver = std::env::var("USBTOKEN_TEST_PROOF_DRIVER").unwrap();
        let token = Finder::new().module(driver).find(&uri.parse().unwrap()).unwrap();
        let _elsewhere = token.open_public_session().unwrap();
        let old = credential(&token, &[1]);
        let session = token.login(Pin::new(b"123456".to_vec())).unwrap();
        let accepted = Renewal::of(&old).although_denied().begin(&session, &run()).unwrap();
        assert_eq!(accepted.proof().level, ProofLevel::Refused, "what is recorded is what was said");
        session.abandon(accepted.key().unwrap(), &run()).unwrap();
        refused(Renewal::of(&old).begin(&session, &run()), Code::ProofUndecided);
        let pending = session.pending().unwrap();
        assert_eq!(pending.len(), 1, "it was kept");
        refused(Renewal::of(&old).resume(&session, &pending[0], &run()), Code::KeyExportable);
        let accepted = Renewal::of(&old).although_denied().resume(&session, &pending[0], &run()).unwrap();
        assert_eq!(accepted.proof().level, ProofLevel::Refused, "what is recorded is what was said");
        return;
    }
    let bank = Bank::new();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let this = "a_denial_by_a_driver_that_is_in_use_is_for_the_caller_to_judge";
    child.args(["--exact", this, "--nocapture"]).envs(bank.soft.env()).env(CHILD, bank.soft.uri());
    child.env("USBTOKEN_TEST_PROOF_DRIVER", usbtoken_testkit::shim());
    child.env("USBTOKEN_SHIM_DRIVER", bank.soft.module()).env("USBTOKEN_SHIM_FAULT", "*:lie=fresh-all-zero");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(bank.soft.snapshot().added_since(&bank.before).len(), 2);
    let done =
        bank.run(&["resume", "--require-proof", "proven", "--issuer", &bank.issuer(""), "--sign-again"]);
    assert_eq!(done.json()["proof"]["level"], "proven");
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// How often the last run through the shim called a function.
fn count(bank: &Bank, function: &str) -> usize {
    bank.called().iter().filter(|called| *called == function).count()
}

/// Keys with our mark that were not made as we make them: somebody imported them, or they can leave.
#[test]
fn a_key_that_was_imported_is_no_proof() {
    let bank = Bank::new();
    let key = planted(&bank, &["--sensitive"]);
    let before = bank.soft.snapshot();
    let session = bank.session();
    let old = credential(session.token(), &bank.old.id);
    let pending = session.pending().unwrap();
    assert_eq!(pending.len(), 1);
    let demanding = Renewal::of(&old).policy(&policy(|p| p.proof = ProofLevel::Proven));
    let resumed = demanding.resume(&session, &pending[0], &run()).unwrap();
    assert_eq!(resumed.proof().level, ProofLevel::Claimed);
    let answer = bank.ca.issue(&bank.old.subject, &key).der();
    let (response, demanding) = (read(&answer), policy(|p| p.proof = ProofLevel::Proven));
    let install = Install::new(&response).policy(&demanding);
    refused(install.run(&session, &run()), Code::ProofInsufficient);
    bank.soft.snapshot().assert_same_as(&before);
    let installed = Install::new(&read(&answer)).run(&session, &run()).unwrap();
    assert!(installed.notices.iter().any(|warning| *warning == Notice::ProofClaimed));
}

/// What was demanded when the request was made is demanded when its answer is installed by another process, from what this
/// computer keeps of the job.
#[test]
fn a_demand_is_kept_with_its_job() {
    let bank = Bank::new();
    let key = planted(&bank, &["--sensitive"]);
    let resume = ["resume", "--require-proof", "proven", "--sign-again", "--out", "request.pem"];
    bank.run(&resume).json();
    bank.write("answer.der", &bank.ca.issue(&bank.old.subject, &key).der());
    let before = bank.soft.snapshot();
    bank.run(&["install", "answer.der"]).failed(Code::ProofInsufficient);
    bank.run(&["install", "--require-proof", "claimed", "answer.der"]).failed(Code::ProofInsufficient);
    bank.soft.snapshot().assert_same_as(&before);
}

#[test]
fn a_key_that_can_leave_gets_no_certificate_and_is_not_destroyed_for_it() {
    let bank = Bank::new();
    let key = planted(&bank, &["--extractable"]);
    let session = bank.session();
    let old = credential(session.token(), &bank.old.id);
    let pending = session.pending().unwrap();
    let before = bank.soft.snapshot();
    refused(Renewal::of(&old).resume(&session, &pending[0], &run()), Code::KeyExportable);
    bank.soft.snapshot().assert_same_as(&before);
    let answer = bank.ca.issue(&bank.old.subject, &key).der();
    // A certificate was issued for it: whether it goes is for a person to say.
    refused(install(&session, &answer), Code::KeyExportable);
    bank.soft.snapshot().assert_same_as(&before);
    session.abandon(&pending[0], &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// A key that came from a file, under a label as we give it; returns its SubjectPublicKeyInfo.
fn planted(bank: &Bank, more: &[&str]) -> Vec<u8> {
    let key = SoftKey::generate(Kind::P256);
    bank.write("key.der", &key.to_pkcs8());
    bank.write("key.spki", &key.spki());
    let label = format!("usbtoken:20261120:renews:{}", serial_hex(&bank.old.certificate));
    let common = ["--label", &label, "--id", "0a0b0c"];
    let private = ["--write-object", "key.der", "--type", "privkey", "--usage-sign"];
    bank.pkcs11_tool(&[&private[..], &common, more].concat());
    bank.pkcs11_tool(
        &[&["--write-object", "key.spki", "--type", "pubkey", "--usage-sign"], &common[..]].concat(),
    );
    key.spki()
}

/// The private value is asked for, and the level follows from what the driver answers, not from the flags alone.
#[test]
fn the_private_value_is_asked_for() {
    let bank = Bank::new();
    let done = bank.run_with_faults("", &["request", "--out", "request.pem"]).json();
    assert_eq!(done["proof"]["private_value"], "CKR_ATTRIBUTE_SENSITIVE");
    let trace = String::from_utf8(bank.read("trace")).unwrap();
    let asked = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).any(|call| {
        call["fn"] == "C_GetAttributeValue"
            && call["rv"] == "CKR_ATTRIBUTE_SENSITIVE"
            && call["args"].to_string().contains("CKA_VALUE")
    });
    assert!(asked, "the driver refused to show it");
}
