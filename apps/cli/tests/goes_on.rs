//! Every command that an error names to go on, run as it is printed: it ends the matter or leads to one that does, and never back to the
//! refusal that named it.

mod common;

use common::Stage;
use common::way_on::{ANCHOR, lines, run, walk, walk_by, walk_daily};
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now};

/// The older one goes first, however many there are; the line names it, and not what was refused.
#[test]
fn generations_go_one_after_the_other() {
    for (generations, anchored) in [(2, true), (3, true), (3, false)] {
        let stage = Stage::new();
        let others = stage.token.snapshot().only(|object| object.id != stage.old.id);
        for days in ["15", "20", "25"].iter().take(generations) {
            stage.generation(days);
        }
        let anchor: &[&str] = if anchored { &ANCHOR } else { &[] };
        let issuer = stage.issuer(&[]);
        let daily = [&["renew", "--retire-old", "--issuer", &issuer], anchor].concat();
        walk_daily(&stage, &daily);
        let left = stage.run(&["list"]).json();
        let left: Vec<_> =
            left.as_array().unwrap().iter().filter(|one| one["successor"].is_object()).collect();
        assert!(left.is_empty(), "{left:#?}");
        stage.token.snapshot().assert_keeps(&others);
    }
}

#[test]
fn a_removal_of_one_in_the_middle_names_the_older_one() {
    let stage = Stage::new();
    stage.generation("20");
    stage.generation("365");
    let serial = stage.middle();
    let retire = [&["retire", "--yes", "--serial", &serial], &ANCHOR[..]].concat();
    let said = stage.run(&retire);
    let error = said.failed("retire_older_first", 9);
    assert_eq!(error["facts"]["older"][0], *stage.serial());
    assert!(lines(&said)[0].contains(&format!(" --serial {} ", stage.serial())), "{error:#}");
    walk(&stage, said);
    stage.run(&retire).succeeded();
}

/// A copy of the first certificate, which another program has made, stays, and years later nothing waits for it.
#[test]
fn a_copy_of_an_older_one_stops_no_removal() {
    let stage = Stage::new();
    stage.copy(&[0x55]);
    let kept = stage.token.snapshot().only(|object| object.id != stage.old.id);
    let daily = |days| {
        let issuer = stage.issuer(&["--days", days]);
        stage.run(&[&["renew", "--retire-old", "--issuer", &issuer], &ANCHOR[..]].concat())
    };
    for days in ["20", "365"] {
        assert_eq!(daily(days).json()["retired"], true);
        stage.token.snapshot().assert_keeps(&kept);
    }
    assert_eq!(stage.token.snapshot().with_id(&[0x55]).count(), 1);
}

/// What is left of an older one by a removal that stopped is no copy, and goes first.
#[test]
fn what_a_removal_left_of_an_older_one_goes_first() {
    let stage = Stage::new();
    stage.generation("20");
    let serial = stage.serial();
    let retire = [&["retire", "--yes", "--serial", &serial], &ANCHOR[..]].concat();
    let driver = usbtoken_testkit::softhsm_module();
    let fault = std::path::Path::new("C_DestroyObject#3:exit");
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", fault)];
    let inside = [&["--in-process"], &retire[..]].concat();
    let killed =
        stage.run_through(&usbtoken_testkit::shim(), &env, stage.token.pin(), &stage.token.uri(), &inside);
    assert_eq!(killed.code, 86, "{killed:?}");
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 1);
    stage.generation("365");
    let middle = stage.middle();
    let said = stage.run(&[&["retire", "--yes", "--serial", &middle], &ANCHOR[..]].concat());
    said.failed("retire_older_first", 9);
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
}

/// Renewed, with a copy of the old certificate alone left of it, and nothing kept by this computer.
fn only_a_copy_left() -> Stage {
    let stage = Stage::new();
    stage.copy(&[0x55]);
    stage.daily(&[]).succeeded();
    for file in stage.kept() {
        std::fs::remove_file(file).unwrap();
    }
    stage
}

/// Where the CA is not at hand, a copy alone is no reason to stop, and a person can have it removed.
#[test]
fn a_copy_that_alone_is_left_is_passed_over_until_it_is_named() {
    let stage = only_a_copy_left();
    let left = stage.token.snapshot();
    let daily = stage.run(&["renew", "--retire-old", "--issuer", "false"]);
    assert_eq!(daily.json()["notices"][0]["name"], "copy_kept");
    stage.token.snapshot().assert_same_as(&left);
    let said = stage.run(&["retire", "--yes", "--serial", &stage.serial()]);
    said.failed("old_is_copy", 9);
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&[0x55]).count(), 0);
}

/// What was said of the way to the new one is said again where the copy is named.
#[test]
fn a_copy_is_named_with_all_that_was_said() {
    let stage = only_a_copy_left();
    let named = ["--serial", &stage.serial(), "--successor", &stage.newest()];
    let said = stage.run(&[&["retire", "--yes", "--although-issuer-not-shown"], &named[..]].concat());
    said.failed("old_is_copy", 9);
    let line = &lines(&said)[0];
    assert!(line.contains(" --id 55 ") && line.ends_with(" --although-issuer-not-shown"), "{line}");
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&[0x55]).count(), 0);
}

/// Two certificates of two CAs with one serial number, one identifier, one label, one name and one key.
#[test]
fn of_two_with_one_number_the_line_names_one() {
    for first in [0, 1] {
        for which in [&[][..], &["--id", "01"]] {
            let stage = Stage::new();
            let spki = stage.token.inspect(|inspector| inspector.public_key(&stage.old.id));
            let twin = stage.twin_for(&spki, 100);
            stage.token.inspect(|inspector| {
                inspector.write_certificate(&twin, &stage.old.id, "bank");
                inspector.write_certificate(stage.ca.issuing(), &[0xca], "CA");
            });
            let issuer = stage.issuer(&[]);
            let said = stage.run(&[&["renew", "--retire-old", "--issuer", &issuer], which].concat());
            said.failed("successor_doubtful", 9);
            walk_by(&stage, said, first);
            let there = |der: &[u8]| {
                stage.token.snapshot().objects().iter().any(|object| object.bytes("Value") == Some(der))
            };
            assert!(there(&twin), "{which:?}");
            assert!(!there(&stage.old.certificate), "{which:?}");
            let ours = stage.run(&["list"]).json();
            let ours = ours.as_array().unwrap().iter().filter(|one| one["id"].as_str().unwrap().len() == 40);
            assert_eq!(ours.count(), first, "renewed by the second line alone: {which:?}");
        }
    }
}

/// Another user's certificate has the old one's serial number; another CA gave the new one's number before.
#[test]
fn a_number_that_another_certificate_has_names_nothing() {
    let stage = Stage::new();
    let spki = stage.token.inspect(|inspector| inspector.generate_pair(Kind::P256, &[9], "other"));
    let twin = stage.twin_for(&spki, 200);
    stage.token.inspect(|inspector| inspector.write_certificate(&twin, &[9], "other"));
    let kept = stage.token.snapshot().only(|object| object.id != stage.old.id);
    let issuer = stage.issuer(&[]);
    let ambiguous = stage.run(&["renew", "--serial", &stage.serial(), "--issuer", &issuer]);
    ambiguous.failed("credential_ambiguous", 3);
    let said = stage.run(&["renew", "--id", "01", "--retire-old", "--issuer", &issuer]);
    assert_eq!(said.error()["name"], "retire_issuer_not_shown");
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
    stage.token.snapshot().assert_keeps(&kept);

    let stage = Stage::new();
    stage.generation("365");
    let serial = base16ct::lower::decode_vec(stage.newest()).unwrap();
    let spki = stage.token.inspect(|inspector| inspector.generate_pair(Kind::P256, &[9], "other"));
    let vpn = NameDer::new().common(Text::Utf8, "vpn").to_der();
    let other = TestCa::new().issue(&vpn, &spki).serial(&serial).not_after(days_from_now(300)).der();
    stage.token.inspect(|inspector| inspector.write_certificate(&other, &[9], "other"));
    for file in stage.kept() {
        std::fs::remove_file(file).unwrap();
    }
    let said = stage.run(&["renew", "--id", "01", "--retire-old", "--issuer", "false"]);
    assert_eq!(said.error()["name"], "retire_issuer_not_shown");
    assert!(lines(&said)[0].contains(" --successor sha256:"), "{:#}", said.error());
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
    assert_eq!(stage.token.snapshot().with_id(&[9]).count(), 3);
}

/// A page began the job: what goes on with it says that this is meant. To remove its key is a person's to say, and no command is offered.
#[test]
fn the_job_of_a_page_is_gone_on_with() {
    let acts: [&[&str]; 4] = [
        &["install", "answer"],
        &["resume", "--out", "again.pem", "--sign-again"],
        &["renew", "--issuer", "cat answer"],
        &["request", "--out", "again.pem"],
    ];
    for act in acts {
        let stage = Stage::new();
        stage.write("answer", &stage.page());
        let waiting = stage.token.snapshot();
        let said = stage.run(act);
        let name = said.error()["name"].as_str().unwrap().to_owned();
        let line = lines(&said).pop().unwrap_or_else(|| panic!("{act:?}: {:#}", said.error()));
        assert!(line.contains(" --any-caller"), "{act:?} {name}: {line}");
        let gone_on = run(&stage, &line);
        if gone_on.code != 0 {
            // Bytes that differ may be a second order: that too is a person's to say.
            let error = gone_on.failed("request_would_differ", 9);
            assert!(error["hint"].as_str().unwrap().contains("--sign-again"), "{error:#}");
            run(&stage, &format!("{line} --sign-again")).succeeded();
        }
        stage.token.snapshot().assert_keeps(&waiting);
    }
    let stage = Stage::new();
    stage.page();
    let waiting = stage.token.snapshot();
    let said = stage.run(&["abandon", "--yes"]);
    let error = said.failed("pending_of_other", 9);
    assert!(lines(&said).is_empty() && error["hint"].as_str().unwrap().contains("--any-caller"), "{error:#}");
    stage.token.snapshot().assert_same_as(&waiting);
    walk(&stage, stage.run(&["abandon", "--yes", "--any-caller"]));
    stage.token.snapshot().assert_keeps(&waiting.only(|object| !object.label.starts_with("ut2")));
}

/// What a person carries to the CA is gone on with by the line that is named, with the same bytes.
#[test]
fn what_waits_is_gone_on_with() {
    let issuer = |stage: &Stage| format!("tee sent | {}", stage.issuer(&[]));
    let stage = Stage::new();
    let request = stage.request(&[]);
    let said =
        stage.run(&["renew", "--issuer", &issuer(&stage), "--retire-old", "--trust-anchor", "ca/ca.pem"]);
    said.failed("pending_exists", 9);
    walk(&stage, said);
    assert_eq!(stage.read("sent"), request);
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);

    // Written again, in the form and to the file that were named.
    let stage = Stage::new();
    let request = stage.request(&[]);
    let waiting = stage.token.snapshot();
    let said = stage.run(&["request", "--out", "again.pem"]);
    said.failed("pending_exists", 9);
    walk(&stage, said);
    assert_eq!(stage.read("again.pem"), request);

    // A key in use waits for its certificate.
    let stage_in_use = Stage::new();
    let request = stage_in_use.request(&["--reuse-key"]);
    let said = stage_in_use.run(&["request", "--out", "again.pem"]);
    said.failed("pending_exists", 9);
    walk(&stage_in_use, said);
    assert_eq!(stage_in_use.read("again.pem"), request);
    let renew = ["renew", "--issuer", &issuer(&stage_in_use)];
    let said = stage_in_use.run(&renew);
    said.failed("pending_exists", 9);
    walk(&stage_in_use, said);
    assert_eq!(stage_in_use.read("sent"), request);

    // Nothing is kept here: the line names the key, and it is not given away unasked.
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let said = stage.run(&["abandon", "--yes"]);
    said.failed("removal_doubtful", 9);
    stage.token.snapshot().assert_same_as(&waiting);
    walk(&stage, said);
}

/// A second first certificate: for the same name the request is written again; for another, nothing goes on but the first.
#[test]
fn a_first_certificate_that_waits_is_gone_on_with() {
    let stage = Stage::new();
    let first = stage.request(&["--subject", "CN=Yamada,O=Example"]);
    let said = stage.run(&["request", "--subject", "CN=Yamada,O=Example", "--out", "again.pem"]);
    said.failed("pending_exists", 9);
    walk(&stage, said);
    assert_eq!(stage.read("again.pem"), first);
    let waiting = stage.token.snapshot();
    let said = stage.run(&["request", "--subject", "CN=Suzuki,O=Example", "--out", "other.pem"]);
    let error = said.failed("pending_exists", 9);
    assert!(lines(&said).is_empty(), "{error:#}");
    assert!(error["facts"]["subject"][0].as_str().unwrap().contains("Yamada"), "{error:#}");
    assert!(error["hint"].as_str().unwrap().contains("usbtoken pending"), "{error:#}");
    assert!(!stage.file("other.pem").exists());
    stage.token.snapshot().assert_same_as(&waiting);
}

/// Two private keys sign for the old certificate; one of them is named.
#[test]
fn a_copy_of_the_key_leads_to_a_line_that_names_one() {
    let stage = Stage::new();
    stage.token.inspect(|inspector| inspector.copy_private_key(&stage.old.id, &[0x55], "backup"));
    let issuer = stage.issuer(&[]);
    let said = stage.run(&["renew", "--retire-old", "--issuer", &issuer]);
    walk(&stage, said);
    assert_eq!(stage.token.snapshot().with_id(&[0x55]).count(), 1);
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
}

/// Without the CA at hand, by serial number and by identifier.
#[test]
fn where_the_issuer_is_not_shown_the_line_ends_it() {
    for which in [&[][..], &["--id", "01"], &["--serial"]] {
        let stage = Stage::new();
        let serial = stage.serial();
        let which: Vec<&str> = match which {
            ["--serial"] => vec!["--serial", &serial],
            which => which.to_vec(),
        };
        let issuer = stage.issuer(&[]);
        let renew = [&["renew", "--retire-old", "--issuer", &issuer][..], &which].concat();
        let said = stage.run(&renew);
        assert_eq!(said.error()["name"], "retire_issuer_not_shown");
        // The day after it is said once more, and no error.
        let notice = stage.run(&renew).json()["notices"][0].clone();
        assert_eq!(notice["name"], "old_still_kept");
        assert_eq!(notice["facts"]["go_on"][0], *lines(&said)[0]);
        walk(&stage, said);
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
    }
}

/// A negative serial number is an argument as any other.
#[test]
fn a_negative_number_is_no_option() {
    let stage = Stage::new();
    for command in [
        &["renew", "--issuer", "false", "--serial", "-75fe"][..],
        &["retire", "--yes", "--serial", "-75fe"],
        &["preflight", "--serial", "-75fe"],
    ] {
        stage.run(command).failed("credential_not_found", 3);
    }
    let said = stage.run(&["retire", "--yes", "--serial", "--id"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
}
