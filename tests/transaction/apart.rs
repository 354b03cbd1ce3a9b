//! The CA's answer, written by another program under another CKA_ID than its key's: programs that pair by that find none, until it is
//! written beside its key as well.

#[path = "../common/mod.rs"]
mod common;

use base16ct::lower::{decode_vec, encode_string as hex};
use common::{Bank, Said};
use serde_json::Value;
use usbtoken::{Certificate, Code};
use usbtoken_testkit::{Kind, Snapshot, TestCa, serial_hex};

const THEIRS: [u8; 1] = [0x55];

/// A job whose answer another program has stored, what is on the token then, and the identifier of the job's key.
fn stored_by_another() -> (Bank, Snapshot, Vec<u8>) {
    let bank = Bank::new();
    let id = bank.run(&["request", "--out", "request.pem"]).json()["pending_id"].as_str().unwrap().to_owned();
    let answer = bank.ca.issue_for(&bank.read("request.pem")).der();
    bank.write("answer", &answer);
    bank.soft.inspect(|inspector| inspector.write_certificate(&answer, &THEIRS, "vendor"));
    let stored = bank.soft.snapshot();
    (bank, stored, decode_vec(id).unwrap())
}

fn notices(done: &Value) -> Vec<&str> {
    done["notices"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

/// One certificate object more, ours, with the pair's identifier and label; what the other program stored is as it was.
fn assert_whole(bank: &Bank, stored: &Snapshot, id: &[u8], old_stays: bool) {
    let now = bank.soft.snapshot();
    if old_stays {
        now.assert_keeps(stored);
    } else {
        now.assert_keeps(&stored.only(|object| object.id != bank.old.id));
        assert_eq!(now.with_id(&bank.old.id).count(), 0);
    }
    let new = now.added_since(stored);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!((new[0].class.as_str(), new[0].id.as_slice()), ("CKO_CERTIFICATE", id));
    assert!(now.with_id(id).all(|object| object.label == new[0].label), "one label");
    assert_eq!(now.with_id(id).count(), 3);
    assert_eq!(now.with_id(&THEIRS).count(), 1);
}

/// Each way to go on with it makes the pair whole, says so, and is nothing new the next day.
#[test]
fn what_another_program_has_stored_is_stored_beside_its_key() {
    for way in ["install", "resume", "daily", "daily by a CA"] {
        let (bank, stored, id) = stored_by_another();
        let (anchor, key) = (bank.anchor(), hex(&id));
        let go_on = || -> Said {
            match way {
                "install" => bank.run(&["install", "answer"]),
                "resume" => bank.run(&["resume", "--id", &key]),
                "daily" => bank.run(&["renew", "--issuer", "touch asked; false"]),
                _ => bank.run(&["resume", "--id", &key, "--issuer", "touch asked; false"]),
            }
        };
        let done = go_on().json();
        assert!(notices(&done).contains(&"certificate_apart"), "{way}: {done:#}");
        assert_eq!(
            (&done["already_installed"], &done["credential"]["id"]),
            (&false.into(), &key.clone().into()),
            "{way}"
        );
        assert_whole(&bank, &stored, &id, true);
        assert_eq!(bank.run(&["pending"]).json(), serde_json::json!([]), "{way}");
        let whole = bank.soft.snapshot();
        let again = bank.run(&["install", "answer"]).json();
        assert_eq!(again["already_installed"], true, "{way}: {again:#}");
        assert!(!notices(&again).contains(&"certificate_apart"), "{way}: {again:#}");
        assert_eq!(bank.run(&["renew", "--issuer", "touch asked; false"]).json()["already_renewed"], true);
        bank.soft.snapshot().assert_same_as(&whole);
        // The old one may go now, without a word of a person.
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor];
        assert_eq!(bank.run(&retire).json()["key_removed"], true, "{way}");
        assert_whole(&bank, &stored, &id, false);
        assert!(!bank.file("asked").exists());
    }
}

/// With the removal in the same line, and where the removal was asked for first: the line that it names makes it whole and ends it.
#[test]
fn a_removal_leads_to_what_makes_the_pair_whole() {
    for line in ["renew", "install", "retire"] {
        let (bank, stored, id) = stored_by_another();
        let anchor = bank.anchor();
        let done = match line {
            "renew" => {
                bank.run(&["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", "false"]).json()
            }
            "install" => bank.run(&["install", "answer", "--retire-old", "--trust-anchor", &anchor]).json(),
            _ => {
                let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &anchor];
                let error = bank.run(&retire).failed(Code::SuccessorNotBesideKey);
                bank.soft.snapshot().assert_same_as(&stored);
                assert_eq!(error["facts"]["key_id"][0], *hex(&id), "{error:#}");
                let lines: Vec<&str> = error["facts"]["go_on"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one.as_str().unwrap())
                    .collect();
                let [resume, retire] = lines.as_slice() else { panic!("two: {lines:?}") };
                assert!(retire.contains(" --successor "), "{retire}");
                let program = common::usbtoken().display().to_string();
                let words = resume.replacen("usbtoken", &program, 1);
                let mut shell = std::process::Command::new("sh");
                shell
                    .args(["-c", &format!("{words} --json")])
                    .envs(bank.soft.env())
                    .env("TEST_PIN", bank.soft.pin());
                shell.env("XDG_STATE_HOME", bank.file("state"));
                Said::of(shell.output().unwrap()).json()
            }
        };
        assert_eq!(done["retired"], true, "{line}: {done:#}");
        assert_whole(&bank, &stored, &id, false);
        let daily = ["renew", "--id", "01", "--retire-old", "--issuer", "false"];
        assert_eq!(bank.run(&daily).json()["already_renewed"], true, "{line}");
        assert_whole(&bank, &stored, &id, false);
    }
}

/// What is stored so is held to what every answer is held to.
#[test]
fn what_would_be_refused_as_an_answer_is_not_written() {
    let (bank, stored, id) = stored_by_another();
    let other = Certificate::from_der(TestCa::new().issuing()).unwrap().to_pem();
    let (other, key) = (bank.write("other.pem", other.as_bytes()).display().to_string(), hex(&id));
    let checked = ["--trust-anchor", &other];
    for line in [&["install", "answer"][..], &["resume", "--id", &key]] {
        bank.run(&[line, &checked].concat()).failed(Code::ChainUntrusted);
        bank.soft.snapshot().assert_same_as(&stored);
    }
    // A run every day is no error for it.
    let daily = [&["renew", "--issuer", "false"][..], &checked].concat();
    assert_eq!(bank.run(&daily).json()["already_renewed"], true);
    bank.soft.snapshot().assert_same_as(&stored);
    // Another identifier is none of a job of ours.
    for id in ["77", "01", "55"] {
        bank.run(&["resume", "--id", id]).failed(Code::BadArgument);
        bank.run(&["resume", "--id", id, "--issuer", "false"]).failed(Code::PendingNotFound);
    }
    bank.soft.snapshot().assert_same_as(&stored);
}

/// Another program moves the private key of what we have installed, or the certificate and the public key, to an identifier of its own or
/// to that of a stranger's pair: the key is not missing, what follows goes on, and nothing is ordered for it.
#[test]
fn a_private_key_that_another_program_has_moved_is_not_missing() {
    let cases = [("private key", false), ("the rest", false), ("private key", true), ("the rest", true)];
    for (moved, strangers) in cases {
        for retired in [false, true] {
            let case = format!("{moved}, {strangers}, {retired}");
            let bank = Bank::new();
            let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
            let old = serial_hex(&bank.old.certificate);
            let line = |issuer: &str, retire: bool| {
                let renew = ["renew", "--serial", &old, "--trust-anchor", &anchor, "--issuer", issuer];
                let more: &[&str] = if retire { &["--retire-old"] } else { &[] };
                bank.run(&[&renew[..], more].concat())
            };
            let new = line(&issuer, retired).json()["credential"]["id"].as_str().unwrap().to_owned();
            let id = decode_vec(&new).unwrap();
            bank.soft.inspect(|inspector| {
                if strangers {
                    inspector.generate_pair(Kind::P256, &THEIRS, "theirs");
                }
                inspector.move_apart(&id, &THEIRS, moved == "private key");
            });
            let left = bank.soft.snapshot();
            let list = bank.run(&["list"]).json();
            let missing =
                list.as_array().unwrap().iter().filter(|one| one["not_renewable_because"] == "key_missing");
            let missing: Vec<&str> = missing.map(|one| one["id"].as_str().unwrap()).collect();
            assert!(!missing.contains(&new.as_str()) && !missing.contains(&"55"), "{case}: {list:#}");
            assert_eq!(bank.run(&["pending"]).json(), serde_json::json!([]), "{case}");
            let daily = line("touch asked; false", true);
            if retired {
                assert_eq!(daily.json()["already_renewed"], true, "{case}");
            } else {
                let error = daily.failed(Code::SuccessorNotBesideKey);
                assert!(error["facts"]["go_on"].to_string().contains("--successor"), "{case}: {error:#}");
            }
            assert!(!bank.file("asked").exists(), "{case}");
            bank.soft.snapshot().assert_same_as(&left);
        }
    }
}
