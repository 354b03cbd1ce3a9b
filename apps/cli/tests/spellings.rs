//! One token, whose drivers spell its serial number in several ways: what is kept of it is found by each.

mod common;

use std::path::{Path, PathBuf};

use common::{Outcome, Stage, earlier_kept_name, hex, own_state};
use usbtoken_testkit::softhsm_module;

/// The ways to write a serial number that no other token has.
fn spellings(stage: &Stage) -> [String; 3] {
    let serial = &stage.token.serial()[4..];
    [serial.to_owned(), serial.to_ascii_uppercase(), format!(" {serial}")]
}

/// The command through a driver that states this serial number (tests/drivers/odd.c).
fn run(stage: &Stage, serial: &str, pin: &str, arguments: &[&str]) -> Outcome {
    let driver = stage.file("libodd.so");
    if !driver.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/drivers/odd.c");
        let output = driver.to_str().unwrap();
        stage.tool("cc", &["-shared", "-fPIC", "-w", "-o", output, source]).succeeded();
    }
    let (ways, module) = (format!("serial={}", hex(serial.as_bytes())), softhsm_module());
    let env = [("ODD", Path::new(&ways)), ("ODD_DRIVER", module.as_path())];
    stage.run_through(&driver, &env, pin, "pkcs11:token=BANK", arguments)
}

#[test]
fn a_wrong_pin_is_kept_in_mind_whatever_the_spelling() {
    let stage = Stage::new();
    let right = stage.token.pin();
    let list = ["list"];
    let all = spellings(&stage);
    for first in &all {
        run(&stage, first, "654321", &list).failed("pin_incorrect", 4);
        for other in &all {
            run(&stage, other, right, &list).failed("pin_wrong_before", 4);
        }
        // And so it is forgotten.
        run(&stage, &all[1], right, &["list", "--pin-corrected"]).succeeded();
        run(&stage, first, right, &list).succeeded();
    }
    // An earlier release has noted it by the spelling of its driver.
    let earlier = own_state().join(format!("{}.wrong-pin", earlier_kept_name(&stage.token, &all[0], "")));
    std::fs::write(&earlier, "2026-11-01").unwrap();
    make_private(&earlier);
    run(&stage, &all[0], right, &list).failed("pin_wrong_before", 4);
    run(&stage, &all[0], right, &["list", "--pin-corrected"]).succeeded();
    assert!(!earlier.exists());
    run(&stage, &all[0], right, &list).succeeded();
}

fn make_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_job_that_waits_is_found_whatever_the_spelling() {
    let stage = Stage::new();
    let right = stage.token.pin();
    let all = spellings(&stage);
    let renew = ["renew", "--issuer", "cat > sent; exit 1"];
    let goes_on = |serial: &str| {
        let _ = std::fs::remove_file(stage.file("sent"));
        let error = run(&stage, serial, right, &renew).failed("issuer_failed", 6);
        (error["facts"]["id"][0].as_str().unwrap().to_owned(), stage.read("sent"))
    };
    let (id, sent) = goes_on(&all[0]);
    for serial in &all {
        assert_eq!(goes_on(serial), (id.clone(), sent.clone()), "{serial:?}");
    }
    assert_eq!(records(&stage).len(), 1);
    // An earlier release has named it by the spelling of its driver.
    let record = records(&stage).remove(0);
    let text = String::from_utf8(std::fs::read(&record).unwrap()).unwrap();
    for serial in &all {
        let earlier = record.with_file_name(format!("{}.job", earlier_kept_name(&stage.token, serial, &id)));
        let mut entry: serde_json::Value = serde_json::from_str(&text).unwrap();
        entry["token"]["serial"] = serial.trim_start().into();
        std::fs::remove_file(records(&stage).remove(0)).unwrap();
        std::fs::write(&earlier, entry.to_string()).unwrap();
        make_private(&earlier);
        assert_eq!(goes_on(&all[1]), (id.clone(), sent.clone()), "{serial:?}");
        assert_eq!(records(&stage).len(), 1, "one record: {serial:?}");
    }
    run(&stage, &all[2], right, &["abandon", "--id", &id, "--yes"]).succeeded();
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
}

fn records(stage: &Stage) -> Vec<PathBuf> {
    let mut kept = stage.kept();
    kept.retain(|file| file.extension().is_some_and(|end| end == "job"));
    kept
}

/// The key of a job has gone, by the removal that was asked for and by another program: both are known whatever the spelling.
#[test]
fn what_became_of_a_jobs_key_is_known_whatever_the_spelling() {
    let stage = Stage::new();
    let right = stage.token.pin();
    let all = spellings(&stage);
    let before = stage.token.snapshot();
    let request = || {
        run(&stage, &all[0], right, &["request", "--out", "request.pem", "--overwrite"]).succeeded();
        stage.token.snapshot().added_since(&before)[0].id.clone()
    };
    let id = hex(&request());
    for (serial, before) in all.iter().zip([false, true, true]) {
        let said = run(&stage, serial, right, &["abandon", "--id", &id, "--yes"]).json();
        assert_eq!(said["already_abandoned"], before, "{serial:?}: {said:#}");
    }
    stage.token.snapshot().assert_same_as(&before);
    let id = request();
    stage.token.inspect(|inspector| inspector.destroy(&id));
    for serial in &all {
        let renew = ["renew", "--issuer", "false"];
        let error = run(&stage, serial, right, &renew).failed("key_not_shown", 9);
        assert_eq!(error["facts"]["id"][0], hex(&id), "{serial:?}: {error:#}");
    }
    stage.token.snapshot().assert_same_as(&before);
}
