//! The same certificate more than once on a token: it is one credential.

#[path = "../common/mod.rs"]
mod common;

use common::{Bank, Said};
use serde_json::{Value, json};
use usbtoken::Code;
use usbtoken_testkit::{NameDer, TestCa, Text, days_from_now, serial_hex};

/// A bank whose user's certificate another program has stored once more, with this identifier and this label.
fn with_copy(id: &[u8], label: &str) -> Bank {
    let mut bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, id, label));
    bank.before = bank.soft.snapshot();
    bank
}

/// A bank on whose user's key another program has a certificate of another CA.
fn with_other_on_the_key(id: &[u8], label: &str) -> Bank {
    let mut bank = Bank::new();
    let spki = bank.soft.inspect(|inspector| inspector.public_key(&bank.old.id));
    let other = NameDer::new().organization(Text::Utf8, "other").common(Text::Utf8, "vpn").to_der();
    let vpn = TestCa::new().issue(&other, &spki).not_after(days_from_now(100)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&vpn, id, label));
    bank.before = bank.soft.snapshot();
    bank
}

/// The same as a private object, where that is wanted.
fn with_copy_for(private: bool, id: &[u8], label: &str) -> Bank {
    if !private {
        return with_copy(id, label);
    }
    let mut bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.write_private_certificate(&bank.old.certificate, id, label));
    bank.before = bank.soft.snapshot();
    bank
}

/// Every list says where the certificate stands, and the checks that it does so twice; that is no other one in its name.
#[track_caller]
fn is_said_to_be_twice(bank: &Bank, id: &str, label: &str, private: bool) {
    let serial = serial_hex(&bank.old.certificate);
    let object = |id: &str, label: &str| json!({ "id": id, "label": label });
    let mut twice = [object("01", "bank"), object(id, label)];
    twice.sort_by_key(Value::to_string);
    for (said, shows) in [(bank.run(&["list"]), true), (bank.run_without_pin(&["list"]), !private)] {
        let listed = said.json();
        let of_this: Vec<&Value> =
            listed.as_array().unwrap().iter().filter(|one| one["serial"] == *serial).collect();
        let entries = if shows && (id, label) != ("01", "bank") { 2 } else { 1 };
        assert_eq!(of_this.len(), entries, "{listed:#}");
        for one in of_this {
            let mut stored: Vec<Value> = one["stored_as"].as_array().cloned().unwrap_or_default();
            stored.sort_by_key(Value::to_string);
            assert_eq!(stored, if shows { &twice[..] } else { &[] }, "{one:#}");
        }
    }
    let checked = bank.run_without_pin(&["preflight", "--serial", &serial]).json()["points"].to_string();
    let examined = bank.run_without_pin(&["doctor"]).json()["problems"].to_string();
    for told in [checked, examined] {
        assert_eq!(told.contains("certificate_twice"), !private, "{told}");
        assert!(!told.contains("same_subject"), "{told}");
        assert!(private || told.contains(&format!("id {id}, label \\\"{label}\\\"")), "{told}");
    }
}

/// Each way to name it, and none: there is nothing to choose between copies.
#[test]
fn a_certificate_that_is_stored_twice_is_renewed_and_removed_as_one() {
    let places = [(&[1][..], "bank"), (&[1], "copy"), (&[0x55], "copy"), (&[0x55], "bank")];
    for ((id, label), private) in places.into_iter().zip([false; 4]).chain(places.into_iter().zip([true; 4]))
    {
        println!("{id:?} {label} {private}");
        let bank = with_copy_for(private, id, label);
        let serial = serial_hex(&bank.old.certificate);
        is_said_to_be_twice(&bank, &base16ct::lower::encode_string(id), label, private);
        for which in [&[][..], &["--id", "01"], &["--serial", &serial]] {
            bank.run(&[&["preflight"], which].concat()).json();
        }
        let done = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        assert!(!done["notices"].to_string().contains("same_subject"), "{done:#}");
        bank.assert_one_new_credential();
        let again = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        assert_eq!(again["already_renewed"], true, "{again}");
        let retire = ["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial];
        let retired = bank.run(&retire).json();
        assert_eq!(retired["key_removed"], true, "{retired}");
        // What goes with it goes, and what stays is named.
        let told: Vec<&Value> = retired["notices"].as_array().unwrap().iter().collect();
        assert_eq!(told.iter().any(|one| one["name"] == "copy_kept"), id != [1], "{retired:#}");
        assert!(told.iter().all(|one| one["facts"]["id"] == json!(["55"])), "{retired:#}");
        assert_eq!(bank.soft.snapshot().with_id(&[1]).count(), 0, "{id:?} {label}");
        bank.assert_one_new_credential();
        if id != [1] && !private {
            leaves_the_copy(&bank, &serial);
        }
    }
}

/// Another program stores the new certificate once more, as a page that installs the same answer does: the job is done as before, and when it is renewed
/// in turn what stands beside its key goes.
#[test]
fn a_new_certificate_that_is_stored_twice_is_one() {
    for (beside_key, as_ours) in [(true, true), (true, false), (false, true), (false, false)] {
        let bank = Bank::new();
        let anchor = bank.anchor();
        bank.run(&["request", "--out", "request.pem"]).json();
        let answer = bank.ca.issue_for(&bank.read("request.pem")).not_after(days_from_now(30)).der();
        bank.write("answer.der", &answer);
        let new = bank.run(&["install", "answer.der"]).json()["credential"].clone();
        let id = base16ct::lower::decode_vec(new["id"].as_str().unwrap()).unwrap();
        let label = bank.soft.snapshot().with_id(&id).next().unwrap().label.clone();
        let (under, label) =
            (if beside_key { &id[..] } else { &[0x55] }, if as_ours { &label } else { "theirs" });
        bank.soft.inspect(|inspector| inspector.write_certificate(&answer, under, label));
        let twice = bank.soft.snapshot();
        assert_eq!(bank.run(&["install", "answer.der"]).json()["already_installed"], true);
        // It can be renewed itself.
        bank.run(&["renew", "--id", "01", "--issuer", "false"]).failed(Code::SuccessorDue);
        bank.soft.snapshot().assert_same_as(&twice);
        assert_eq!(bank.run(&["pending"]).json(), json!([]));
        let done = bank.run(&["retire", "--yes", "--id", "01", "--trust-anchor", &anchor]).json();
        assert_eq!(done["key_removed"], true, "{done:#}");
        // The next year.
        let line = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &bank.issuer("")];
        let next = bank.run(&line).json();
        assert_eq!(
            (&next["replaced"]["serial"], &next["retired"]),
            (&new["serial"], &true.into()),
            "{next:#}"
        );
        assert_eq!(next["notices"].to_string().contains("copy_kept"), !beside_key, "{next:#}");
        let now = bank.soft.snapshot();
        assert_eq!((now.with_id(&id).count(), now.with_id(&[0x55]).count()), (0, usize::from(!beside_key)));
        bank.assert_others_unchanged();
    }
}

/// What is left has no key, and another program may have put it there: it goes when a person names it.
fn leaves_the_copy(bank: &Bank, serial: &str) {
    let (left, anchor) = (bank.soft.snapshot(), bank.anchor());
    let renew = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", "false"];
    for which in [&[][..], &["--serial", serial], &["--id", "01"]] {
        let again = bank.run(&[&renew[..], which].concat()).json();
        assert_eq!(again["already_renewed"], true, "{again}");
        bank.soft.snapshot().assert_same_as(&left);
    }
    let retire = ["retire", "--yes", "--trust-anchor", &anchor];
    let done = bank.run(&[&retire[..], &["--serial", serial]].concat()).json();
    assert_eq!(done["already_removed"], true, "{done:#}");
    assert_eq!(
        (&done["notices"][0]["name"], &done["notices"][0]["facts"]["id"][0]),
        (&"copy_kept".into(), &"55".into())
    );
    bank.soft.snapshot().assert_same_as(&left);
    bank.run(&[&retire[..], &["--id", "55"]].concat()).json();
    assert_eq!(bank.soft.snapshot().with_id(&[0x55]).count(), 0);
    bank.assert_one_new_credential();
}

/// Renewed twice: nothing on the token says any more that the first one is, of which another program has a copy whose window is open. That its
/// key is not there shows after the login; this computer knows before.
#[test]
fn a_copy_of_what_was_renewed_twice_is_no_candidate() {
    for (days, is_due) in [("365", false), ("30", true)] {
        for elsewhere in [false, true] {
            let bank = with_copy(&[0x55], "copy");
            let daily = |days| {
                let issuer = bank.issuer(&format!("--days {days}"));
                let line = ["renew", "--retire-old", "--trust-anchor", &bank.anchor(), "--issuer", &issuer];
                bank.run(&line)
            };
            assert_eq!(daily("20").json()["retired"], true);
            let last = daily(days).json()["credential"]["id"].clone();
            if elsewhere {
                std::fs::remove_dir_all(bank.file("state")).unwrap();
            }
            let checked = bank.run(&["preflight"]);
            match (is_due, elsewhere) {
                (true, _) => assert_eq!(checked.json()["credential"]["id"], last),
                (false, false) => {
                    assert_eq!(checked.failed(Code::NotYetRenewable)["facts"]["id"][0], last);
                }
                // What was not logged in for is not known there.
                (false, true) => {}
            }
            let left = bank.soft.snapshot();
            match is_due {
                true => assert_eq!(daily("365").json()["replaced"]["id"], last),
                false => {
                    let error = daily("365").failed(Code::NotYetRenewable);
                    assert_eq!(error["facts"]["id"][0], last, "{error:#}");
                    bank.soft.snapshot().assert_same_as(&left);
                }
            }
            let requested = bank.run(&["request", "--out", "request.pem"]).failed(Code::NotYetRenewable);
            assert_ne!(requested["facts"]["id"][0], "55", "{elsewhere}");
            assert_eq!(bank.soft.snapshot().with_id(&[0x55]).count(), 1);
        }
    }
}

/// Two generations later nothing on the token leads from the copy to what follows it. This computer has kept the row: the copy is said to be
/// renewed before the login, with the one that is in use now.
#[test]
fn a_copy_of_what_was_renewed_twice_is_said_to_be_renewed() {
    let bank = with_copy(&[0x55], "copy");
    let anchor = bank.anchor();
    let renewed = |days: &str| {
        let issuer = bank.issuer(&format!("--days {days}"));
        bank.run(&["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer]).json()
    };
    renewed("20");
    let last = renewed("365")["credential"]["serial"].clone();
    let left = bank.soft.snapshot();
    let listed =
        |said: Said| said.json().as_array().unwrap().iter().find(|one| one["id"] == "55").unwrap().clone();
    let shown = listed(bank.run_without_pin(&["list"]));
    assert_eq!((&shown["renewable"], &shown["successor"]["serial"]), (&false.into(), &last), "{shown:#}");
    assert_eq!(shown["not_renewable_because"], "already_renewed");
    assert_eq!(shown["successor"]["proven"], false);
    assert_eq!(bank.run_without_pin(&["list", "--due"]).json(), serde_json::json!([]));
    assert_eq!(listed(bank.run(&["list"]))["not_renewable_because"], "key_missing");
    let checked = bank.run_without_pin(&["preflight", "--id", "55"]).json();
    assert_eq!(checked["can_renew"], false, "{checked:#}");
    assert!(checked["points"].to_string().contains("said_renewed"), "{checked:#}");
    let page = bank.run_without_pin(&["doctor"]).json();
    let credentials = page["tokens"][0]["credentials"].as_array().unwrap();
    assert!(
        credentials.iter().any(|one| one["id"] == "55" && one["successor"]["serial"] == last),
        "{page:#}"
    );
    // Who names it all the same is told the same, and nothing is ordered for it.
    let again = bank.run(&["renew", "--id", "55", "--issuer", "false"]).json();
    assert_eq!(again["already_renewed"], true, "{again:#}");
    bank.soft.snapshot().assert_same_as(&left);
    // Another computer knows of no row, and not before the login that the key is not there.
    std::fs::remove_dir_all(bank.file("state")).unwrap();
    assert_eq!(listed(bank.run_without_pin(&["list"]))["renewable"], true);
    assert_eq!(listed(bank.run(&["list"]))["not_renewable_because"], "key_missing");
    bank.run(&["renew", "--id", "55", "--issuer", "false"]).failed(Code::KeyMissing);
    bank.soft.snapshot().assert_same_as(&left);
}

/// The one between them has gone, removed by another program with its keys: what it had replaced is not ordered for a second time, and goes
/// when that is asked for.
#[test]
fn what_was_renewed_twice_is_not_ordered_again_where_the_one_between_has_gone() {
    for relabelled in [false, true] {
        let bank = Bank::new();
        let anchor = bank.anchor();
        let renew = |days: &str, more: &[&str]| {
            let issuer = bank.issuer(&format!("--days {days}"));
            bank.run(&[&["renew", "--trust-anchor", &anchor, "--issuer", &issuer], more].concat())
        };
        let mut last = renew(if relabelled { "365" } else { "30" }, &[]).json()["credential"].clone();
        let id = base16ct::lower::decode_vec(last["id"].as_str().unwrap()).unwrap();
        if relabelled {
            // The record has gone from the follower itself.
            bank.soft.inspect(|inspector| inspector.relabel(&id, b"mine"));
        } else {
            last = renew("365", &[]).json()["credential"].clone();
            bank.soft.inspect(|inspector| inspector.destroy(&id));
        }
        let left = bank.soft.snapshot();
        for line in [&["list"][..], &["list", "--pin-env", "TEST_PIN"]] {
            let list = Said::of(bank.command_without_pin(&bank.soft.module(), line).output().unwrap()).json();
            let old = list.as_array().unwrap().iter().find(|one| one["id"] == "01").unwrap();
            assert_eq!((&old["renewable"], &old["successor"]["serial"]), (&false.into(), &last["serial"]));
        }
        for which in [&[][..], &["--id", "01"], &["--serial", &serial_hex(&bank.old.certificate)]] {
            let again = renew("365", which);
            assert_eq!(again.json()["already_renewed"], true, "{which:?} {again:?}");
            bank.soft.snapshot().assert_same_as(&left);
        }
        bank.run(&["request", "--id", "01", "--out", "r.pem"]).failed(Code::AlreadyRenewed);
        bank.soft.snapshot().assert_same_as(&left);
        let done = renew("365", &["--retire-old"]).json();
        assert_eq!((&done["retired"], &done["key_removed"]), (&true.into(), &true.into()), "{done:#}");
        let now = bank.soft.snapshot();
        assert_eq!(now.with_id(&bank.old.id).count(), 0);
        bank.assert_others_unchanged();
        assert_eq!(now.objects().len() + 3, left.objects().len());
    }
}

/// A removal stops before its last object. The rest of it is known from a copy by where it stood, and goes with the next run.
#[test]
fn the_rest_of_a_removal_that_stopped_is_told_from_a_copy() {
    let bank = with_copy(&[0x55], "copy");
    let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
    let renew = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
    let killed = bank.run_with_faults("C_DestroyObject#3:exit", &renew);
    assert_eq!(killed.exit, 86, "{killed:?}");
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 1, "the certificate goes last");
    let listed = bank.run(&["list"]).json();
    let olds =
        listed.as_array().unwrap().iter().filter(|one| one["serial"] == *serial_hex(&bank.old.certificate));
    assert!(
        olds.clone().count() == 2
            && olds.clone().all(|one| one["not_renewable_because"] == "already_renewed")
    );
    let again = bank.run(&renew).json();
    assert_eq!((&again["already_renewed"], &again["retired"]), (&true.into(), &true.into()), "{again}");
    let now = bank.soft.snapshot();
    assert_eq!((now.with_id(&bank.old.id).count(), now.with_id(&[0x55]).count()), (0, 1));
    assert_eq!(bank.run(&renew).json()["already_renewed"], true);
    bank.soft.snapshot().assert_same_as(&now);
}

/// The old key stays for a certificate of another program, and so does the copy of the old certificate.
#[test]
fn a_copy_stays_where_the_key_stays() {
    let bank = with_other_on_the_key(&[0x44], "vpn");
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[0x55], "copy"));
    let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
    let id = ["renew", "--id", "01", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
    let done = bank.run(&id).json();
    assert_eq!((&done["retired"], &done["key_removed"]), (&true.into(), &false.into()), "{done:#}");
    let told = done["notices"].as_array().unwrap();
    assert!(told.iter().any(|notice| notice["name"] == "old_key_stays"), "{done:#}");
    let left = bank.soft.snapshot();
    assert_eq!((left.with_id(&[0x44]).count(), left.with_id(&[0x55]).count()), (1, 1));
    assert_eq!(left.with_id(&bank.old.id).count(), 2, "the key stays");
    let serial = serial_hex(&bank.old.certificate);
    let named =
        ["renew", "--serial", &serial, "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
    for line in [&id[..], &named] {
        assert_eq!(bank.run(line).json()["already_renewed"], true);
        bank.soft.snapshot().assert_same_as(&left);
    }
}

/// Another program has kept a copy of the old key: which of both is the old one's, a person says, by the identifier.
#[test]
fn a_copy_of_the_old_key_stays_where_a_person_names_the_other() {
    let mut bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.copy_private_key(&bank.old.id, &[0x55], "backup"));
    bank.before = bank.soft.snapshot();
    let renew = ["renew", "--retire-old", "--trust-anchor", &bank.anchor(), "--issuer", &bank.issuer("")];
    let said = bank.run(&renew);
    assert_eq!(said.exit, 9, "{said:?}");
    bank.soft.snapshot().assert_keeps(&bank.before);
    let error = bank.run(&renew).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "two_keys_sign", "{error:#}");
    let go_on = error["facts"]["go_on"][0].as_str().unwrap();
    assert!(go_on.contains("usbtoken retire ") && go_on.contains(" --id 01 "), "{go_on}");
    bank.run(&["retire", "--yes", "--trust-anchor", &bank.anchor(), "--id", "01"]).json();
    let now = bank.soft.snapshot();
    assert_eq!((now.with_id(&bank.old.id).count(), now.with_id(&[0x55]).count()), (0, 1));
    bank.assert_one_new_credential();
}

/// The answer to a request for the key in use, on which another program has a certificate of its own, with the same identifier: this
/// computer knows for which of both the request was made.
#[test]
fn an_answer_for_a_key_of_two_certificates_is_for_the_one_that_was_requested() {
    let bank = with_other_on_the_key(&[1], "vpn");
    let serial = serial_hex(&bank.old.certificate);
    bank.run(&["request", "--serial", &serial, "--reuse-key", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let done = bank.run(&["install", "answer.der"]).json();
    assert_eq!(done["replaced"]["serial"], *serial, "{done:#}");
    bank.soft.snapshot().assert_keeps(&bank.before);
}

/// A copy that its key is not beside does not stand in the way of the one that it is.
#[test]
fn the_object_of_a_uri_may_name_a_copy() {
    let bank = with_copy(&[1], "bank");
    let uri = format!("{};object=bank", bank.soft.uri());
    let issuer = bank.issuer("");
    let mut command = bank.command_for(&uri, &bank.soft.module(), &["--pin-env", "TEST_PIN"]);
    let done = common::Said::of(command.args(["renew", "--issuer", &issuer]).output().unwrap());
    done.json();
    bank.assert_one_new_credential();
}
