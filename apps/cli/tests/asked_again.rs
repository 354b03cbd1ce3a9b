//! What was begun, asked again: after damage to what this computer keeps, after a CA that failed, after a removal that stopped.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use common::{Outcome, Stage};
use serde_json::Value;
use usbtoken_testkit::{Form, Kind, NameDer, Text, days_from_now, shim, softhsm_module};

const FAILS: &str = "cat >> sent; false";

fn fact(error: &Value, name: &str) -> String {
    error["facts"][name][0].as_str().unwrap_or_else(|| panic!("no {name}: {error:#}")).to_owned()
}

/// The only job that is kept.
fn record(stage: &Stage) -> PathBuf {
    let kept = stage.kept();
    let [record] = kept.as_slice() else { panic!("one record: {kept:?}") };
    record.clone()
}

/// The CA's answer to a request, with its own certificate.
fn answer(stage: &Stage, request: &[u8]) -> Vec<u8> {
    stage.ca.answer(Form::Bundle, &stage.ca.issue_for(request).der())
}

fn run_with_fault(stage: &Stage, fault: &str, arguments: &[&str]) -> Outcome {
    let driver = softhsm_module();
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", Path::new(fault))];
    // What ends the process is to end the command, not a host of the driver.
    let arguments = [&["--in-process"], arguments].concat();
    stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &arguments)
}

/// What was demanded when the job began is in the file: without it the demand would be gone without a word.
#[test]
fn a_job_whose_file_is_damaged_is_not_gone_on_with() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("half", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("empty", |file| fs::write(file, b"").unwrap()),
        ("for others", |file| fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap()),
        ("a link", |file| {
            let real = file.with_extension("real");
            fs::rename(file, &real).unwrap();
            symlink(real, file).unwrap();
        }),
        ("folder for others", |file| {
            fs::set_permissions(file.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let stage = Stage::new();
        stage.run(&["renew", "--subject", "exact", "--issuer", FAILS]).failed("issuer_failed", 6);
        stage.write("answer", &answer(&stage, &stage.read("sent")));
        let (file, waiting) = (record(&stage), stage.token.snapshot());
        damage(&file);
        let bytes = fs::read(&file).unwrap();
        let place = if what == "folder for others" { file.parent().unwrap() } else { &file };
        let issuer = "touch asked; false";
        for command in [
            &["install", "answer"][..],
            &["renew", "--issuer", issuer],
            &["renew", "--resume", "--issuer", issuer],
            &["resume", "--issuer", issuer],
            &["resume", "--out", "out.pem"],
        ] {
            let error = stage.run(command).failed("journal_unusable", 2);
            assert_eq!(fact(&error, "path"), place.display().to_string(), "{what}: {command:?}");
        }
        stage.shell("usbtoken install --json --pin-file pin - < answer").failed("journal_unusable", 2);
        assert!(!stage.file("asked").exists() && !stage.file("out.pem").exists(), "{what}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}");
        stage.token.snapshot().assert_same_as(&waiting);
        // Where nothing is kept the token is enough, as on another computer.
        fs::remove_dir_all(stage.file("state")).unwrap();
        stage.run(&["install", "answer"]).succeeded();
    }
}

/// The key of the old certificate has no record on the token: the order is known by what is kept of it.
#[test]
fn an_order_for_the_old_key_is_made_once() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::of(kind, days_from_now(11));
        let before = stage.token.snapshot();
        let issuer = format!("cat >> sent; [ -e ready ] && {} < sent", stage.issuer(&[]));
        let every_day = ["renew", "--reuse-key", "--issuer", &issuer];
        let error = stage.run(&every_day).failed("issuer_failed", 6);
        let sent = stage.read("sent");
        let go_on = fact(&error, "go_on");
        let again = stage.shell(&format!("TEST_PIN=$(cat pin) {go_on} --json"));
        again.failed("issuer_failed", 6);
        stage.run(&every_day).failed("issuer_failed", 6);
        // With another wish the same order is gone on with.
        stage.run(&["renew", "--issuer", &issuer]).failed("issuer_failed", 6);
        assert_eq!(stage.read("sent"), sent.repeat(4), "{kind}: byte for byte");
        // No other CA is asked, and no second key made.
        for command in [
            &["renew", "--reuse-key", "--issuer", "touch asked; false"][..],
            &["renew", "--issuer", "touch asked; false"],
            &["request", "--out", "other.pem"],
        ] {
            let error = stage.run(command).failed("pending_exists", 9);
            assert_eq!(fact(&error, "id"), "01");
        }
        assert!(!stage.file("asked").exists() && !stage.file("other.pem").exists());
        stage.run(&["request", "--reuse-key", "--out", "same.pem"]).succeeded();
        assert_eq!(stage.read("same.pem"), sent, "{kind}");
        stage.token.snapshot().assert_same_as(&before);

        stage.write("ready", b"");
        stage.write("sent", b"");
        stage.run(&every_day).succeeded();
        let done = stage.token.snapshot();
        stage.token.snapshot().assert_keeps(&before);
        assert_eq!(done.added_since(&before).len(), 1, "{kind}");
        // With the key's identifier as well, which both certificates have now.
        for more in [&["--reuse-key"][..], &[], &["--reuse-key", "--id", "01"], &["--id", "01"]] {
            let command = [&["renew", "--issuer", "touch asked; false"], more].concat();
            assert_eq!(stage.run(&command).json()["already_renewed"], true, "{kind}");
            stage.token.snapshot().assert_same_as(&done);
        }
        assert!(!stage.file("asked").exists());
    }
}

#[test]
fn the_answer_to_an_order_for_the_old_key_is_kept_and_installed() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!("{}; exit 7", stage.issuer(&[]));
    let error = stage.run(&["renew", "--reuse-key", "--issuer", &issuer]).failed("issuer_failed", 6);
    let copied = stage.token.snapshot();
    copied.assert_same_as(&before);
    let go_on = fact(&error, "go_on");
    assert!(go_on.contains(" install "), "{go_on}");
    // What the run would have done is done by the next one, which asks nobody.
    stage.run(&["renew", "--issuer", "touch asked; false"]).succeeded();
    assert!(!stage.file("asked").exists());
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 1);
}

/// It is listed among what waits, and goes on by its id, as a key does that waits on the token.
#[test]
fn an_order_for_the_old_key_is_listed_and_resumed() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::of(kind, days_from_now(11));
        let before = stage.token.snapshot();
        stage.run(&["resume", "--id", "01", "--issuer", "touch asked; false"]).failed("pending_not_found", 3);
        stage.run(&["renew", "--reuse-key", "--issuer", FAILS]).failed("issuer_failed", 6);
        let sent = stage.read("sent");
        let listed = stage.run(&["pending"]).result();
        let [order] = listed.as_array().unwrap().as_slice() else { panic!("{listed:#}") };
        let serial = usbtoken_testkit::serial_hex(&stage.old.certificate);
        assert_eq!((&order["id"], &order["key_reused"]), (&"01".into(), &true.into()), "{order:#}");
        assert_eq!((&order["concerns_serial"], &order["age_days"]), (&serial.into(), &0.into()), "{order:#}");
        stage.run(&["pending", "--id", "01", "--reference", "R-1"]).succeeded();
        assert_eq!(stage.run(&["pending"]).result()[0]["reference"], "R-1");
        for id in [&["--id", "01"][..], &[]] {
            stage.write("sent", b"");
            let error = stage.run(&[&["resume", "--issuer", FAILS], id].concat()).failed("issuer_failed", 6);
            assert_eq!(fact(&error, "reference"), "R-1");
            assert_eq!(stage.read("sent"), sent, "{kind} {id:?}");
            stage.run(&[&["resume", "--out", "same.pem", "--overwrite"], id].concat()).succeeded();
            assert_eq!(stage.read("same.pem"), sent, "{kind} {id:?}");
        }
        stage.run(&["resume", "--id", "02", "--issuer", "touch asked; false"]).failed("pending_not_found", 3);
        // Another credential's URI means another order.
        let other = format!("{};id=%02", stage.token.uri());
        assert_eq!(stage.run_with(stage.token.pin(), &other, &["pending"]).result(), Value::Array(vec![]));
        stage.token.snapshot().assert_same_as(&before);

        // Beside a key that waits for a first certificate it has to be named.
        stage.run(&["request", "--subject", "CN=new,O=Other", "--out", "first.pem"]).succeeded();
        let both = stage.token.snapshot();
        let error = stage.run(&["resume", "--issuer", "touch asked; false"]).failed("pending_ambiguous", 3);
        assert!(error["facts"]["candidate"].to_string().contains("01 ("), "{error:#}");
        stage.token.snapshot().assert_same_as(&both);
        let issuer = stage.issuer(&[]);
        stage.run(&["resume", "--id", "01", "--issuer", &issuer]).succeeded();
        assert!(!stage.file("asked").exists());
        let done = stage.token.snapshot();
        done.assert_keeps(&both);
        assert_eq!(done.added_since(&both).len(), 1, "{kind}: a certificate for the same key");
        let left = stage.run(&["pending"]).result();
        assert_eq!(left.as_array().unwrap().len(), 1, "the first one's key: {left:#}");
        stage.run(&["resume", "--id", "01", "--issuer", "touch asked; false"]).failed("pending_not_found", 3);
    }
}

#[test]
fn an_order_for_the_old_key_can_be_forgotten() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.run(&["renew", "--reuse-key", "--issuer", FAILS]).failed("issuer_failed", 6);
    stage.run(&["abandon", "--id", "01"]).failed("bad_argument", 2);
    stage.run(&["abandon", "--yes", "--id", "02"]).failed("pending_not_found", 3);
    assert_eq!(stage.kept().len(), 1);
    stage.run(&["abandon", "--yes", "--id", "01"]).succeeded();
    assert_eq!(stage.run(&["pending"]).result(), Value::Array(vec![]));
    stage.run(&["resume", "--id", "01", "--issuer", FAILS]).failed("pending_not_found", 3);
    stage.token.snapshot().assert_same_as(&before);
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
    stage.renew(&[], &[]).succeeded();
}

/// Killed between the objects of the old credential.
#[test]
fn a_removal_that_stopped_is_ended_by_the_same_command() {
    for fault in ["C_DestroyObject#2:exit", "C_DestroyObject#3:exit"] {
        let stage = Stage::new();
        let answer = answer(&stage, &stage.request(&[]));
        stage.write("answer", &answer);
        let install = ["install", "answer", "--retire-old", "--trust-anchor", "ca/ca.pem"];
        assert_eq!(run_with_fault(&stage, fault, &install).code, 86);
        let half = stage.token.snapshot();
        assert!((1..3).contains(&half.with_id(&stage.old.id).count()), "{fault}: {half:?}");
        let done = stage.run(&install).json();
        assert_eq!(done["retired"], true, "{fault}: {done:#}");
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0, "{fault}");
        assert_eq!(stage.run(&install).json()["retired"], false, "nothing is left of it");

        let stage = Stage::new();
        let renew = ["--retire-old", "--trust-anchor", "ca/ca.pem"];
        let issuer = stage.issuer(&[]);
        let renew = [&["renew", "--issuer", &issuer], &renew[..]].concat();
        assert_eq!(run_with_fault(&stage, fault, &renew).code, 86);
        assert!((1..3).contains(&stage.token.snapshot().with_id(&stage.old.id).count()), "{fault}");
        let done = stage.run(&renew).json();
        assert_eq!((&done["already_renewed"], &done["retired"]), (&true.into(), &true.into()), "{done:#}");
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0, "{fault}");
    }
}

/// What cannot be ended is said, with the command that ends it.
#[test]
fn a_removal_that_cannot_be_ended_is_no_success() {
    let stage = Stage::new();
    let issuer = stage.issuer(&[]);
    let renew = ["renew", "--issuer", &issuer, "--retire-old", "--trust-anchor", "ca/ca.pem"];
    assert_eq!(run_with_fault(&stage, "C_DestroyObject#2:exit", &renew).code, 86);
    let half = stage.token.snapshot();
    let error = run_with_fault(&stage, "C_DestroyObject:ckr=CKR_DEVICE_ERROR,sticky", &renew).error();
    assert!(fact(&error, "go_on").starts_with("usbtoken retire "), "{error:#}");
    stage.token.snapshot().assert_same_as(&half);
}

/// The CA put another user's name into the certificate. What was asked for stands; no line is offered that removes the one for the
/// other, and whose place it takes, a person says.
#[test]
fn a_removal_that_another_users_name_stops_is_offered_by_no_line() {
    let named =
        |name: &str| NameDer::new().organization(Text::Utf8, "Firm").common(Text::Utf8, name).to_der();
    let both = || {
        let stage = Stage::alone(Kind::P256, days_from_now(300));
        stage.token.credential(&stage.ca, Kind::P256, &[2], &named("Alice"), days_from_now(11));
        stage.token.credential(&stage.ca, Kind::P256, &[3], &named("Bob"), days_from_now(200));
        stage
    };
    let with_bobs_name = |stage: &Stage, request: &[u8]| {
        let spki = usbtoken_testkit::ParsedRequest::parse(request).unwrap().spki;
        let leaf = stage.ca.issue(&named("Bob"), &spki).not_after(days_from_now(365)).der();
        stage.write("answer", &stage.ca.answer(Form::Bundle, &leaf));
    };
    let retire = ["--trust-anchor", "ca/ca.pem", "--retire-old"];
    let stage = both();
    stage.run(&["renew", "--id", "02", "--issuer", FAILS]).failed("issuer_failed", 6);
    with_bobs_name(&stage, &stage.read("sent"));
    let renew = [&["renew", "--id", "02", "--issuer", "cat answer", "--resume"], &retire[..]].concat();
    let came = stage.run(&renew);
    assert_eq!(came.result()["retired"], false);
    let done = stage.token.snapshot();
    let error = came.error();
    assert_eq!(error["name"], "removal_doubtful", "{error:#}");
    // Asked again, and by itself: the same way on.
    let again = stage.run(&renew).error();
    let alice =
        stage.token.snapshot().with_id(&[2]).find_map(|one| one.bytes("SerialNumber").map(<[u8]>::to_vec));
    assert!(alice.is_some());
    let serial = fact(&error, "serial");
    let anchored = ["retire", "--yes", "--serial", &serial, "--trust-anchor", "ca/ca.pem"];
    let alone = stage.run(&anchored).failed("removal_doubtful", 9);
    for error in [&error, &again, &alone] {
        assert!(!error["facts"]["go_on"].to_string().contains("usbtoken retire"), "{error:#}");
        assert!(error["facts"]["successor"].is_null(), "{error:#}");
    }
    stage.token.snapshot().assert_same_as(&done);
    let new = fact(&again, "candidate");
    let (_, new) = new.trim_end_matches(')').split_once("(serial ").unwrap();
    let named = [&anchored[..], &["--successor", new]].concat();
    assert_eq!(stage.run(&named).json()["key_removed"], true);
    assert_eq!(stage.token.snapshot().with_id(&[2]).count(), 0);
    assert_eq!(stage.token.snapshot().with_id(&[3]).count(), 3, "Bob's own");
}

/// What another program writes while the CA works is seen before anything goes, in one process too.
#[test]
fn what_came_while_the_ca_worked_keeps_its_key() {
    let stage = Stage::new();
    let spki = stage.token.inspect(|token| token.public_key(&stage.old.id));
    let subject = NameDer::new().organization(Text::Utf8, "Other").common(Text::Utf8, "VPN user").to_der();
    stage.write("vpn.der", &stage.ca.issue(&subject, &spki).not_after(days_from_now(500)).der());
    let write = format!(
        "pkcs11-tool --module {} --login --pin {} --token-label {} --write-object {} --type cert --id 44 --label vpn >&2",
        softhsm_module().display(),
        stage.token.pin(),
        stage.token.label(),
        stage.file("vpn.der").display()
    );
    let issuer = format!("cat > sent; {write} && {} < sent", stage.issuer(&[]));
    let renew = ["renew", "--retire-old", "--trust-anchor", "ca/ca.pem", "--issuer", &issuer];
    assert_eq!(stage.run(&renew).json()["retired"], true);
    let after = stage.token.snapshot();
    assert_eq!(after.with_id(&[0x44]).count(), 1);
    let left: Vec<_> = after.with_id(&stage.old.id).map(|one| one.class.clone()).collect();
    assert_eq!(left, ["CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"], "the certificate alone went");
}

/// The same certificate, written twice by another program, is one.
#[test]
fn a_certificate_that_is_there_twice_is_one() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let copy = |token: &usbtoken_testkit::Inspector| {
        token.write_certificate(&stage.old.certificate, &stage.old.id, "copy");
    };
    stage.token.inspect(copy);
    let before = stage.token.snapshot();
    let issuer = stage.issuer(&[]);
    stage.run(&["renew", "--id", "01", "--issuer", &issuer]).succeeded();
    let done = stage.token.snapshot();
    done.assert_keeps(&before);
    assert_eq!(done.added_since(&before).len(), 3);
    assert_eq!(stage.run(&["renew", "--issuer", "touch asked; false"]).json()["already_renewed"], true);
    stage.run(&["retire", "--yes", "--id", "01", "--trust-anchor", "ca/ca.pem"]).succeeded();
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
}

/// One file with the answers for two users of the token.
#[test]
fn the_uri_chooses_among_several_answers_in_one_file() {
    let stage = Stage::new();
    let subject = NameDer::new().common(Text::Utf8, "other").to_der();
    stage.token.credential(&stage.ca, Kind::P256, &[2], &subject, days_from_now(11));
    let both = ["01", "02"].map(|id| {
        let request = stage.request(&["--id", id, "--overwrite"]);
        stage.ca.answer(Form::Pem, &stage.ca.issue_for(&request).der())
    });
    stage.write("both", &both.concat());
    let before = stage.token.snapshot();
    let error = stage.run(&["install", "both"]).failed("pending_ambiguous", 3);
    let named = error["facts"]["candidate"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
    let percent = |id: &str| {
        let bytes = id.as_bytes().chunks(2).map(|two| format!("%{}", std::str::from_utf8(two).unwrap()));
        bytes.collect::<String>().to_uppercase()
    };
    for id in named {
        let lines = error["facts"]["go_on"].as_array().unwrap();
        let names = |line: &&serde_json::Value| line.as_str().unwrap().contains(&percent(id));
        assert_eq!(lines.iter().filter(names).count(), 1, "{error:#}");
    }
    stage.token.snapshot().assert_same_as(&before);
    for (id, installed) in [("%01", 1), ("%02", 2)] {
        let uri = format!("{};id={id}", stage.token.uri());
        let done = stage.run_with(stage.token.pin(), &uri, &["install", "both"]).json();
        assert_eq!(done["replaced"]["id"], id.trim_start_matches('%'), "{done:#}");
        assert_eq!(stage.token.snapshot().added_since(&before).len(), installed);
    }
}
