//! 「USBトークンへの更新」 through the command: the old certificate is in a file, the new one goes onto the token.

mod common;

use std::process::Command;

use common::elsewhere::{P12, old, old_until, openssl, stage};
use common::{Outcome, Stage, bank, outcome};
use usbtoken_testkit::{
    Kind, days_from_now, manual_subject, serial_hex, softhsm_module, verify_with_certificate,
};

#[test]
fn renew_moves_from_a_file_onto_an_empty_token() {
    let stage = stage();
    let old = old(&stage);
    let file = stage.read("old.p12");
    let preflight = stage.run(&[&["preflight"], &P12[..]].concat()).json();
    assert_eq!((&preflight["can_renew"], &preflight["credential"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(preflight["from"]["serial"], serial_hex(&old));
    let done = stage.renew(&P12, &["--form", "p7"]);
    let result = done.json();
    let place = format!("file:{}", stage.file("old.p12").canonicalize().unwrap().display());
    assert_eq!(result["from"]["place"], place);
    assert_eq!(result["issuer_continuity"], "same_issuer");
    assert!(done.notices().contains(&"old_stays_elsewhere".to_owned()), "{result:#}");
    let added = stage.token.snapshot();
    let new = added.objects().iter().find(|object| object.class == "CKO_CERTIFICATE").unwrap();
    let signature = stage.token.sign(&new.id, b"x");
    assert!(verify_with_certificate(new.bytes("Value").unwrap(), b"x", &signature));
    assert_eq!(stage.read("old.p12"), file);

    // Once more: nothing to do, and nothing is written; before the login that is said too.
    let again = stage.renew(&P12, &[]).json();
    assert_eq!(again["already_renewed"], true);
    let seen = stage.run(&[&["preflight"], &P12[..]].concat()).json();
    assert_eq!(seen["can_renew"], false, "{seen:#}");
    stage.token.snapshot().assert_same_as(&added);
}

#[test]
fn the_second_half_comes_days_later_though_the_file_is_gone() {
    let stage = stage();
    let old = old(&stage);
    let asked = stage.run(&[&["request", "--out", "request.pem"], &P12[..]].concat()).json();
    assert_eq!(asked["from"]["serial"], serial_hex(&old));
    // The same once more on another token: said, before it is done too.
    let sibling = stage.token.sibling("SECOND");
    let mut second = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    second.args(["--json", "preflight", "--from", "file:old.pem", "--token", &sibling.uri()]);
    let beside = outcome(stage.at_home(&mut second));
    assert!(beside.notices().contains(&"ordered_on_other_token".to_owned()), "{beside:?}");
    // What goes on with it is named.
    let mut waits = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    waits.args(["--lang", "en", "preflight", "--from", "file:old.pem", "--token", &stage.token.uri()]);
    let waits = outcome(stage.at_home(&mut waits)).stdout;
    assert!(waits.contains("goes on with what waits with --resume"), "{waits}");
    for name in ["old.p12", "old.pem"] {
        std::fs::remove_file(stage.file(name)).unwrap();
    }
    let pending = stage.run(&["pending"]).json();
    assert_eq!(pending[0]["concerns_serial"], serial_hex(&old));
    assert_eq!(pending[0]["doubt"], serde_json::Value::Null);
    assert!(pending[0]["from"].as_str().unwrap().ends_with("/old.p12"), "{pending:#}");
    stage.run(&["resume", "--out", "again.pem"]).succeeded();
    assert_eq!(stage.read("again.pem"), stage.read("request.pem"));
    let request = stage.read("request.pem");
    // Compared with the old one, which this computer keeps.
    let early = stage.ca.issue_for(&request).not_after(days_from_now(5)).der();
    stage.install(&early).failed("not_later_than_old", 6);
    let installed = stage.install(&stage.ca.issue_for(&request).der());
    assert!(installed.notices().contains(&"old_not_where_it_was".to_owned()));
    assert_eq!(installed.json()["from"]["serial"], serial_hex(&old));
}

/// On another computer, or with the state folder lost, the old certificate is named again.
#[test]
fn without_what_was_kept_the_old_one_is_named_again() {
    let stage = stage();
    old(&stage);
    old_until(&stage, "other", days_from_now(11));
    stage.run(&["request", "--out", "request.pem", "--from", "file:old.pem"]).succeeded();
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let waiting = stage.token.snapshot();
    let unknown = stage.run(&["resume", "--out", "again.pem"]).failed("credential_not_found", 3);
    assert!(unknown["hint"].as_str().unwrap().contains("--from"), "{unknown:#}");
    stage.run(&["resume", "--out", "again.pem", "--from", "file:other.pem"]).failed("old_not_of_job", 9);
    stage.run(&["abandon", "--yes"]).failed("removal_doubtful", 9);
    stage.run(&["resume", "--sign-again", "--out", "again.pem", "--from", "file:old.pem"]).succeeded();
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    stage.token.snapshot().assert_same_as(&waiting);
    stage.write("answer", &stage.ca.issue_for(&stage.read("again.pem")).der());
    stage.run(&["install", "answer", "--from", "file:other.pem"]).failed("old_not_of_job", 9);
    stage.token.snapshot().assert_same_as(&waiting);
    let installed = stage.run(&["install", "answer", "--from", "file:old.pem"]);
    assert!(!installed.notices().contains(&"old_not_compared".to_owned()));
}

/// Of several that wait, the old certificate that is named chooses.
#[test]
fn the_old_one_chooses_among_those_that_wait() {
    let stage = stage();
    let none = stage.run(&["preflight"]).failed("credential_not_found", 3);
    assert!(none["hint"].as_str().unwrap().contains("--from"), "{none:#}");
    let first = old(&stage);
    let second = old_until(&stage, "second", days_from_now(12));
    stage.run(&["request", "--out", "first.csr", "--from", "file:old.pem"]).succeeded();
    stage.run(&["request", "--out", "second.csr", "--from", "file:second.pem"]).succeeded();
    let error = stage.run(&["resume", "--out", "x"]).failed("pending_ambiguous", 3);
    let candidates = error["facts"]["candidate"].to_string();
    assert!([&first, &second].iter().all(|old| candidates.contains(&serial_hex(old))), "{error:#}");
    for (request, from) in [("first.csr", "file:old.pem"), ("second.csr", "file:second.pem")] {
        stage.run(&["resume", "--overwrite", "--out", "again.csr", "--from", from]).succeeded();
        assert_eq!(stage.read("again.csr"), stage.read(request));
    }
    // One answer with the certificates of both.
    for name in ["first", "second"] {
        let issue = stage.ca.issue_for(&stage.read(&format!("{name}.csr")));
        stage.write(&format!("{name}.der"), &issue.der());
        let (der, pem) = (format!("{name}.der"), format!("{name}.new"));
        openssl(&stage, &["x509", "-inform", "DER", "-in", &der, "-out", &pem]);
    }
    stage.write("both", &[stage.read("first.new"), stage.read("second.new")].concat());
    let waiting = stage.token.snapshot();
    stage.run(&["install", "both"]).failed("pending_ambiguous", 3);
    stage.token.snapshot().assert_same_as(&waiting);
    let installed = stage.run(&["install", "both", "--from", "file:second.pem"]).json();
    assert_eq!(installed["from"]["serial"], serial_hex(&second), "{installed:#}");
    assert_eq!(installed["credential"]["serial"], serial_hex(&stage.read("second.der")), "{installed:#}");
}

#[test]
fn what_is_not_known_any_more_is_said() {
    let stage = stage();
    old(&stage);
    stage.run(&[&["request", "--out", "first.pem"], &P12[..]].concat()).succeeded();
    // Another file has taken its place, and its password is not asked for.
    old_until(&stage, "old", days_from_now(12));
    let installed = stage.install(&stage.ca.issue_for(&stage.read("first.pem")).der());
    assert!(installed.notices().contains(&"old_not_seen".to_owned()), "{:?}", installed.notices());

    stage.run(&["request", "--out", "request.pem", "--from", "file:old.pem"]).succeeded();
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let installed = stage.install(&stage.ca.issue_for(&stage.read("request.pem")).der());
    assert!(installed.notices().contains(&"old_not_compared".to_owned()), "{:?}", installed.notices());
}

#[test]
fn an_interrupted_job_is_abandoned() {
    let stage = stage();
    old(&stage);
    stage.run(&["request", "--out", "request.pem", "--from", "file:old.pem"]).succeeded();
    stage.run(&["abandon", "--yes"]).succeeded();
    assert!(stage.token.snapshot().objects().is_empty());
}

#[test]
fn bad_input_costs_nothing() {
    let stage = stage();
    old(&stage);
    old_until(&stage, "early", days_from_now(200));
    old_until(&stage, "ended", days_from_now(-2));
    old_until(&stage, "second", days_from_now(12));
    let two = [stage.read("old.pem"), stage.read("second.pem")].concat();
    stage.write("two.pem", &two);
    stage.write("wrong", b"falsch");
    stage.write("utf16", &"秘密1".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    stage.write("sjis", b"\x94\xe9\x96\xa7\r\n");
    openssl(&stage, &["genpkey", "-algorithm", "ED25519", "-out", "ed.key"]);
    let spki = openssl(&stage, &["pkey", "-in", "ed.key", "-pubout", "-outform", "DER"]);
    let issue = stage.ca.issue(&manual_subject().to_der(), &spki).not_after(days_from_now(11));
    stage.write("ed.der", &issue.der());
    let before = stage.token.snapshot();
    let with = |more: &[&str]| stage.run(&[&["renew", "--issuer", "touch asked"], more].concat());
    for (more, name, exit) in [
        (&["--from", "file:old.p12"][..], "pkcs12_password_needed", 2),
        (&["--from", "file:old.p12", "--from-password", "wrong"], "pkcs12_password_wrong", 2),
        (&["--from", "file:old.p12", "--from-password", "nowhere"], "file_unreadable", 2),
        (&["--from", "file:old.p12", "--from-password", "utf16"], "file_unreadable", 2),
        (&["--from", "file:old.p12", "--from-password", "sjis"], "file_unreadable", 2),
        (&["--from", "file:nowhere.pem"], "file_unreadable", 2),
        (&["--from", "file:old.key"], "old_file_unusable", 2),
        (&["--from", "file:ca/ca.pem"], "old_is_ca", 9),
        (&["--from", "file:early.pem"], "not_yet_renewable", 9),
        (&["--from", "file:ended.pem"], "expired", 9),
        (&["--from", "file:ed.der"], "key_kind_not_made", 9),
        (&["--from", "file:two.pem"], "old_ambiguous", 3),
        (&["--from", "file:two.pem", "--serial", "0123"], "old_not_found", 3),
        (&["--from", "file:old.pem", "--id", "01"], "bad_argument", 2),
        (&["--from", "file:old.pem", "--form", "cms"], "old_key_elsewhere", 9),
        (&["--from", "file:old.pem", "--reuse-key"], "old_key_elsewhere", 9),
        (&["--from", "windows:"], "place_unsupported", 2),
        (&["--from", "windows:a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"], "place_unsupported", 2),
        (&["--from", "pkcs11:token=NOWHERE"], "token_not_found", 3),
    ] {
        with(more).failed(name, exit);
        stage.token.snapshot().assert_same_as(&before);
        assert!(!stage.file("asked").exists(), "{more:?}");
    }
    let reasons = [
        ("utf16", "password_utf16"),
        ("sjis", "password_not_utf8"),
        ("old.p12", "password_file_itself"),
        ("old.pem", "password_file_itself"),
        ("秘密", "file_not_there"),
    ];
    for (file, reason) in reasons {
        let error = with(&["--from", "file:old.p12", "--from-password", file]).failed("file_unreadable", 2);
        assert_eq!(error["facts"]["reason"][0], reason, "{error:#}");
        assert!(!error.to_string().contains("秘密"), "{error:#}");
    }
    // The person may choose.
    let serial = serial_hex(&old_until(&stage, "third", days_from_now(13)));
    stage.write("two.pem", &[two, stage.read("third.pem")].concat());
    let chosen = stage.run(&["preflight", "--from", "file:two.pem", "--serial", &serial]).json();
    assert_eq!(chosen["from"]["serial"], serial);
    let future = stage.ca.issue(
        &manual_subject().to_der(),
        &openssl(&stage, &["pkey", "-in", "old.key", "-pubout", "-outform", "DER"]),
    );
    let future = future.not_before(days_from_now(2)).not_after(days_from_now(20)).der();
    stage.write("future.der", &future);
    let early = stage.run(&["preflight", "--from", "file:future.der"]);
    assert!(early.notices().contains(&"old_not_yet_valid".to_owned()), "{early:?}");
    // Not of this program's language: no place at all.
    for place in ["old.pem", "file:", "http://bank.example/old.pem"] {
        let said = with(&["--from", place]);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    }
}

/// The old token and the empty one that the bank has sent, with the same label.
#[test]
fn renew_moves_from_one_token_onto_another() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let new = stage.token.sibling(stage.token.label());
    let before = stage.token.snapshot();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN"]).args(more);
        outcome(stage.at_home(&mut command).env("TEST_PIN", new.pin()))
    };
    let (from, onto) =
        (format!("pkcs11:serial={}", stage.token.serial()), format!("pkcs11:serial={}", new.serial()));
    let both = ["--from", &from, "--token", &onto];
    let asked = run(&[&["request", "--out", "request.pem"], &both[..]].concat()).json();
    assert_eq!(asked["from"]["serial"], serial_hex(&stage.old.certificate), "{asked:#}");
    let request = stage.read("request.pem");
    stage.write("early", &stage.ca.issue_for(&request).not_after(days_from_now(5)).der());
    run(&["install", "early", "--token", &onto]).failed("not_later_than_old", 6);
    stage.write("answer", &stage.ca.issue_for(&request).der());
    let installed = run(&["install", "answer", "--token", &onto]).json();
    assert!(installed["from"]["place"].as_str().unwrap().starts_with("pkcs11:token="), "{installed:#}");
    assert_eq!(new.snapshot().objects().len(), 3);
    // The list of the old token and of the new one says so too, and so it is not due.
    let listed = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        outcome(stage.at_home(command.args(["--json", "list"]).args(more))).json()
    };
    let list = listed(&[]);
    let of_old =
        list.as_array().unwrap().iter().find(|one| one["serial"] == asked["from"]["serial"]).unwrap();
    assert_eq!(of_old["renewed_by"]["token"]["serial"], new.serial(), "{of_old:#}");
    assert_eq!((&of_old["renewable"], &of_old["successor"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(of_old["not_renewable_because"], "already_renewed", "{of_old:#}");
    assert_eq!(listed(&["--due"]), serde_json::json!([]));
    // On the old token itself: no second one is asked for unless that is said.
    let own = ["--token", from.as_str()];
    let looked = run(&[&["preflight"], &own[..]].concat());
    assert_eq!(looked.json()["can_renew"], false);
    assert!(looked.stdout.contains("renewed_on_other_token"), "{looked:?}");
    let done = run(&[&["renew", "--issuer", "false"], &own[..]].concat()).json();
    assert!(done["successor"].as_str().unwrap().contains("BANK"), "{done:#}");
    run(&[&["request", "--out", "second.pem"], &own[..]].concat()).failed("already_renewed", 9);
    let forced = run(&[&["preflight", "--force"], &own[..]].concat()).json();
    assert_eq!((&forced["can_renew"], &forced["notices"]), (&true.into(), &serde_json::json!([])));
    // Onto a third token: that it is renewed is remarked.
    let third = stage.token.sibling("THIRD");
    let beside = run(&["preflight", "--from", &from, "--token", &third.uri()]);
    assert!(beside.notices().contains(&"renewed_on_other_token".to_owned()), "{beside:?}");
    // Once more: it is there already; and the old token is the old token, by whatever name.
    let again = run(&[&["renew", "--issuer", "false"], &both[..]].concat()).json();
    assert_eq!(again["already_renewed"], true, "{again:#}");
    stage.token.snapshot().assert_same_as(&before);
    let same = run(&["preflight", "--from", &from, "--token", &from]).json();
    assert_eq!(same["can_renew"], false, "{same:#}");
    let same = ["request", "--out", "second.pem", "--from", &from, "--token", &from];
    run(&same).failed("already_renewed", 9);
}

/// Which token is meant is said by the bank, or by the person.
#[test]
fn onto_no_token_that_no_one_has_named() {
    let stage = stage();
    old(&stage);
    let run = |more: &[&str]| -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN"]).args(more);
        outcome(stage.at_home(&mut command).env("TEST_PIN", stage.token.pin()))
    };
    let error = run(&["preflight", "--from", "file:old.pem"]).failed("token_not_named", 9);
    assert!(error["facts"]["candidate"][0].as_str().unwrap().contains(stage.token.label()), "{error:#}");
    run(&["preflight", "--from", "file:old.pem", "--token", "pkcs11:"]).failed("token_not_named", 9);

    // With a profile it is the bank's own, and another one where the person names it.
    bank::install(&stage, "bank", &bank::profile(&stage, |text| text));
    let own = bank::run(&stage, &["preflight", "--from", "file:old.pem"]).json();
    assert_eq!((&own["can_renew"], &own["notices"]), (&true.into(), &serde_json::json!([])));
    let others = |text: String| text.replace("pkcs11:token=BANK;", "pkcs11:token=OTHER;");
    bank::install(&stage, "bank", &bank::profile(&stage, others));
    bank::run(&stage, &["preflight", "--from", "file:old.pem"]).failed("token_not_found", 3);
    let named = ["preflight", "--from", "file:old.pem", "--token", &stage.token.uri()];
    let named = bank::run(&stage, &named).json();
    assert_eq!(named["notices"][0]["name"], "not_the_banks_token", "{named:#}");
    // Without a certificate from elsewhere the bank's rule stands for what begins.
    bank::run(&stage, &["preflight", "--token", &stage.token.uri()]).failed("token_not_the_banks", 2);
}

/// What a named token that is not the bank's let begin is found by every command that goes on with it.
#[test]
fn what_was_begun_on_a_named_token_is_finished_there() {
    let stage = stage();
    old(&stage);
    let others = |text: String| text.replace("pkcs11:token=BANK;", "pkcs11:token=OTHER;");
    bank::install(&stage, "bank", &bank::profile(&stage, others));
    let named = |words: &[&str]| bank::run(&stage, &[words, &["--token", &stage.token.uri()]].concat());
    named(&["request", "--out", "first.pem", "--from", "file:old.pem"]).succeeded();
    assert_eq!(named(&["pending"]).json().as_array().unwrap().len(), 1);
    named(&["abandon", "--yes"]).succeeded();
    assert!(stage.token.snapshot().objects().is_empty());

    named(&["request", "--out", "request.pem", "--from", "file:old.pem"]).succeeded();
    named(&["resume", "--out", "again.pem"]).succeeded();
    assert_eq!(stage.read("again.pem"), stage.read("request.pem"));
    stage.write("answer", &stage.ca.issue_for(&stage.read("request.pem")).der());
    let waiting = stage.token.snapshot();
    // One that no one named is not the bank's.
    bank::run(&stage, &["install", "answer"]).failed("token_not_found", 3);
    stage.token.snapshot().assert_same_as(&waiting);
    let installed = named(&["install", "answer"]);
    assert!(installed.notices().contains(&"not_the_banks_token".to_owned()), "{:?}", installed.notices());
    assert_eq!(named(&["list"]).json().as_array().unwrap().len(), 1);
}

/// One list: the tokens, the user's browsers, and the files that are named; nothing is asked for and nothing changed.
#[test]
fn list_shows_everything_that_can_be_renewed() {
    let stage = Stage::alone(Kind::P256, days_from_now(300));
    let old = old(&stage);
    let other = old_until(&stage, "other", days_from_now(200));
    let profile = "home/.mozilla/firefox/x.default";
    std::fs::create_dir_all(stage.file(profile)).unwrap();
    stage.write("primary", b"primary-1\n");
    let folder = format!("sql:{profile}");
    stage.tool("certutil", &["-N", "-d", &folder, "-f", "primary"]).succeeded();
    let import = ["-i", "other.p12", "-d", &folder, "-k", "primary", "-w", "password", "-n", "x"];
    stage.tool("pk12util", &import).succeeded();
    std::fs::create_dir_all(stage.file("home/.thunderbird/broken")).unwrap();
    stage.write("home/.thunderbird/broken/cert9.db", b"no database");
    let home = stage.file("home");
    let files = |folder: &str| {
        let files = std::fs::read_dir(stage.file(folder)).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
        files.sort();
        files
    };
    let before = (files(profile), stage.token.snapshot());
    let list = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "list", "--everywhere"]).args(more);
        outcome(stage.at_home(&mut command).env("HOME", &home))
    };
    let said = list(&["--also", "file:old.pem", "--also", "file:old.p12"]);
    let all = said.json();
    let entries = all.as_array().unwrap();
    let of = |der: &[u8]| entries.iter().find(|one| one["serial"] == serial_hex(der)).unwrap();
    assert_eq!(of(&stage.old.certificate)["token"]["label"], stage.token.label());
    assert_eq!((&of(&old)["renewable"], &of(&old)["days_left"]), (&true.into(), &11.into()));
    assert!(of(&old)["place"].as_str().unwrap().ends_with("/old.pem"), "{all:#}");
    assert_eq!(of(&other)["not_renewable_because"], "not_yet_renewable");
    assert!(of(&other)["place"].as_str().unwrap().starts_with("nss:/"), "{all:#}");
    // What could not be read is told, and hides nothing.
    assert!(said.stderr.contains("pkcs12_password_needed"), "{}", said.stderr);
    assert_eq!(
        (files(profile), stage.token.snapshot().objects().len()),
        (before.0, before.1.objects().len())
    );

    // What waits for its CA says so, and nobody is reminded of it.
    let request = ["request", "--out", "request.pem", "--from", "file:old.pem"];
    stage.run(&request).succeeded();
    let waiting = list(&["--also", "file:old.pem"]).json();
    let waits = waiting.as_array().unwrap().iter().find(|one| one["serial"] == serial_hex(&old)).unwrap();
    assert_eq!(waits["renewal_pending"], true, "{waiting:#}");
    assert_eq!(list(&["--also", "file:old.pem", "--due"]).json(), serde_json::json!([]));
    stage.run(&["abandon", "--yes"]).succeeded();

    stage.renew(&["--from", "file:old.pem"], &[]).succeeded();
    let again = list(&["--also", "file:old.pem"]).json();
    let renewed = again.as_array().unwrap().iter().find(|one| one["serial"] == serial_hex(&old)).unwrap();
    assert_eq!(renewed["renewed_by"]["token"]["label"], stage.token.label(), "{again:#}");
}

/// The numbers of the list, by the end over all tokens and then the places, say which one is meant.
#[test]
fn the_numbers_of_the_list_can_be_used() {
    let stage = Stage::alone(Kind::P256, days_from_now(12));
    let sibling = stage.token.sibling(stage.token.label());
    let first = sibling.first_credential(&stage.ca, Kind::P256, days_from_now(11)).certificate;
    let empty = stage.token.sibling("NEW");
    let old = old(&stage);
    std::fs::create_dir_all(stage.file("home/.mozilla/firefox/x.default")).unwrap();
    let folder = "sql:home/.mozilla/firefox/x.default";
    stage.tool("certutil", &["-N", "-d", folder, "--empty-password"]).succeeded();
    stage.tool("pk12util", &["-i", "old.p12", "-d", folder, "-K", "", "-w", "password"]).succeeded();
    let home = stage.file("home");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--lang", "en", "--pin-env", "TEST_PIN"]).args(more);
        outcome(stage.at_home(&mut command).env("HOME", &home).env("TEST_PIN", empty.pin()))
    };
    let listed = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--lang", "en", "list", "--everywhere"]);
        outcome(stage.at_home(&mut command).env("HOME", &home)).succeeded().stdout.clone()
    };
    let text = listed();
    let numbers: Vec<&str> =
        text.lines().filter(|line| line.get(3..4) == Some(".")).map(|line| line[..4].trim()).collect();
    assert_eq!(numbers, ["1.", "2.", "3."], "{text}");
    for (number, serial) in [("1", &first), ("2", &stage.old.certificate)] {
        let seen = run(&["--json", "preflight", "--nth", number]).json();
        assert_eq!(seen["credential"]["serial"], serial_hex(serial), "{seen:#}");
    }
    // With a token named, the number means the same, or nothing.
    let own = run(&["--json", "preflight", "--token", &sibling.uri(), "--nth", "1"]).json();
    assert_eq!(own["credential"]["serial"], serial_hex(&first), "{own:#}");
    let (onto, other) = (empty.uri(), stage.token.uri());
    let before = [stage.token.snapshot(), sibling.snapshot(), empty.snapshot()];
    for (nth, more, name) in [
        ("4", &[][..], ("credential_not_found", 3)),
        ("0", &[], ("credential_not_found", 3)),
        ("3", &[], ("token_not_named", 9)),
        ("1", &["--from", "file:old.pem"], ("bad_argument", 2)),
        // What the list of one token and that of all give a number to.
        ("1", &["--token", &onto], ("old_ambiguous", 3)),
        ("1", &["--token", &other], ("old_ambiguous", 3)),
    ] {
        let said = run(&[&["--json", "request", "--out", "x", "--nth", nth], more].concat());
        let error = said.failed(name.0, name.1);
        let is_number = name.0.starts_with("credential") || name.0.ends_with("ambiguous");
        assert_eq!(
            error["hint"].as_str().is_some_and(|hint| hint.contains("list --everywhere")),
            is_number,
            "{error:#}"
        );
    }
    for (token, before) in [&stage.token, &sibling, &empty].iter().zip(&before) {
        token.snapshot().assert_same_as(before);
    }
    // The number of the list over all means the same with a token.
    let asked = run(&["--json", "request", "--out", "request.pem", "--token", &onto, "--nth", "3"]).json();
    assert_eq!(asked["from"]["serial"], serial_hex(&old), "{asked:#}");
}

/// Somebody has copied the certificate onto the token, without its key.
#[test]
fn the_old_certificate_alone_on_the_token_does_not_stop_its_renewal() {
    let stage = stage();
    let der = old(&stage);
    stage.write("old.der", &der);
    let file = stage.file("old.der").display().to_string();
    let module = softhsm_module().display().to_string();
    let login = ["--module", &module, "--login", "--pin", stage.token.pin()];
    let write = ["--write-object", &file, "--type", "cert", "--id", "77"];
    stage.tool("pkcs11-tool", &[&login[..], &write].concat()).succeeded();
    stage.run(&[&["preflight"], &P12[..]].concat()).succeeded();
    stage.renew(&P12, &[]).succeeded();
    assert_eq!(stage.token.snapshot().objects().len(), 4);
}
