//! The day of the installation, from which a bank may count, in a later process.

#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use common::{Bank, DAY, at, credential, facts, policy, read, refused, run};
use serde_json::Value;
use usbtoken::bank::{Begins, OldCredential};
use usbtoken::error::Fact;
use usbtoken::renewal::{Caller, Installation, Retire};
use usbtoken::{Code, Install, Renewal};
use usbtoken_testkit::{Kind, days_from_now, manual_bank};

/// Everything that the token says of a certificate is days old on the day on which it is installed.
fn ordered_days_ago(bank: &Bank) -> Vec<u8> {
    let (session, old) = bank.open();
    let then = SystemTime::now() - 6 * DAY;
    let pending = Renewal::of(&old).begin(&session, &at(then).by(Caller::Command)).unwrap();
    let issued = bank.ca.issue_for(pending.request().to_der()).not_before(days_from_now(-6));
    issued.der()
}

fn profile(bank: &Bank) -> String {
    let text = manual_bank(Path::new(&bank.anchor()));
    let text = text.replace("key = \"rsa2048\"", "key = \"like-old\"").replace("\"keep\"", "\"remove\"");
    let text = text.replace("begins_to_work = \"at-once\"", "begins_to_work = \"next-business-day\"");
    bank.write("bank.toml", text.as_bytes()).display().to_string()
}

/// The date of the warning that it works later.
fn works_later(done: &Value) -> &str {
    let notices = done["notices"].as_array().unwrap();
    let later = notices.iter().find(|notice| notice["name"] == "works_later");
    later.unwrap_or_else(|| panic!("{done:#}"))["facts"]["date"][0].as_str().unwrap()
}

fn note(bank: &Bank) -> PathBuf {
    let files = std::fs::read_dir(bank.file("state/usbtoken")).unwrap().map(|file| file.unwrap().path());
    files.into_iter().find(|file| file.extension().is_some_and(|end| end == "installed")).expect("a note")
}

#[test]
fn a_later_run_counts_from_the_day_of_the_installation() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (profile, answer) = (profile(&bank), ordered_days_ago(&bank));
    bank.write("answer", &answer);
    let at_bank = |arguments: &[&str]| bank.run(&[&["--bank", &profile], arguments].concat());
    let done = at_bank(&["install", "answer"]).json();
    let day = works_later(&done).to_owned();
    let serial = done["replaced"]["serial"].as_str().unwrap().to_owned();
    let before = bank.soft.snapshot();
    let error = at_bank(&["retire", "--yes", "--serial", &serial]).failed(Code::NotInUseYet);
    assert_eq!(error["facts"]["date"][0], *day);
    // Given once more, and by the run of every day.
    assert_eq!(works_later(&at_bank(&["install", "answer"]).json()), day);
    assert!(at_bank(&["renew", "--serial", &serial, "--issuer", "false"]).json()["retired"].is_null());
    bank.soft.snapshot().assert_same_as(&before);
    // Without the note what the token tells counts, and that is days old.
    std::fs::remove_file(note(&bank)).unwrap();
    at_bank(&["retire", "--yes", "--serial", &serial]).json();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// What cannot be read or believed says that the certificate was installed, and not when. It counts as of today, and is written anew, so
/// that it does not do so for ever.
#[test]
fn a_note_that_cannot_be_believed_counts_as_of_today() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (profile, answer) = (profile(&bank), ordered_days_ago(&bank));
    bank.write("answer", &answer);
    // Installed before the bank's profile was.
    let serial = bank.run(&["install", "answer"]).json()["replaced"]["serial"].as_str().unwrap().to_owned();
    let file = note(&bank);
    let kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let write = |note: &Value| std::fs::write(&file, note.to_string()).unwrap();
    let with = |key: &str, value: Value| {
        let mut note = kept.clone();
        note[key] = value;
        note
    };
    let retire = || bank.run(&["--bank", &profile, "retire", "--yes", "--serial", &serial]);
    let spoilt: [&dyn Fn(); 6] = [
        &|| std::fs::write(&file, "no JSON").unwrap(),
        &|| std::fs::write(&file, "").unwrap(),
        &|| write(&with("day", "2199-01-01".into())),
        &|| write(&with("version", 2.into())),
        &|| write(&with("certificate", "00".repeat(32).into())),
        &|| {
            use std::os::unix::fs::PermissionsExt as _;
            write(&with("day", "2026-01-05".into()));
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        },
    ];
    let before = bank.soft.snapshot();
    for spoil in spoilt {
        spoil();
        retire().failed(Code::NotInUseYet);
        let anew: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(anew, kept);
    }
    bank.soft.snapshot().assert_same_as(&before);
    write(&with("day", "2026-01-05".into()));
    retire().json();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// A program keeps the record and hands it back.
#[test]
fn a_program_gives_the_record_to_a_later_process() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let answer = ordered_days_ago(&bank);
    let session = bank.session();
    let own = policy(|p| {
        p.old = OldCredential::Remove;
        p.begins_to_work = Begins::NextBusinessDay;
        p.anchors = bank.anchored().anchors;
    });
    let installed = Install::new(&read(&answer)).policy(&own).run(&session, &run().any_caller()).unwrap();
    let works_from = installed.works_from(SystemTime::now()).expect("a later day");
    let record = serde_json::to_string(&installed.record().unwrap()).unwrap();
    drop(session);

    let session = bank.session();
    let record: Installation = serde_json::from_str(&record).unwrap();
    let known = run().any_caller().installations([record]);
    let old = credential(session.token(), &bank.old.id);
    let error = refused(Retire::of(&old, &own).run(&session, &known), Code::NotInUseYet);
    assert_eq!(facts(&error, Fact::Date), [works_from.to_string()]);
    let again = Install::new(&read(&answer)).policy(&own).run(&session, &known).unwrap();
    assert!(again.was_there && again.works_from(SystemTime::now()) == Some(works_from));
    assert_eq!(again.record(), installed.record());
    Retire::of(&old, &own).run(&session, &run()).unwrap();
}

/// A folder that nothing can be kept in: the person is told, since a later run will not know the day.
#[test]
fn a_day_that_could_not_be_kept_is_told() {
    for spoilt in [true, false] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let (profile, answer) = (profile(&bank), ordered_days_ago(&bank));
        bank.write("answer", &answer);
        if spoilt {
            bank.write("state", b"no folder");
        }
        let done = bank.run(&["--bank", &profile, "install", "answer"]).json();
        let notices = done["notices"].as_array().unwrap();
        let told = notices.iter().any(|notice| notice["name"] == "installation_not_kept");
        assert_eq!(told, spoilt, "{done:#}");
    }
}
