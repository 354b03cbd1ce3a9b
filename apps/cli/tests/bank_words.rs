//! What a bank's customer is told under its profile: reminders, the name of the PIN, how the token came.

mod common;

use std::process::Command;

use common::bank::{install, profile, run};
use common::{Outcome, Stage};
use usbtoken_testkit::{Folder, Kind, days_from_now};

fn with(stage: &Stage, changes: &[(&str, &str)]) {
    let text = changes.iter().fold(profile(stage, |text| text), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    install(stage, "bank", &text);
}

/// The command for a person, without a PIN.
fn shown(stage: &Stage, lang: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--lang", lang, "--banks", "banks.d"]).args(arguments);
    common::outcome(stage.at_home(&mut command))
}

#[test]
fn a_customer_is_reminded_from_the_day_that_the_bank_names_and_more_urgently_at_the_end() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(&stage, &[]);
    let value = run(&stage, &["list"]).json();
    let reminder = &value[0]["reminder"];
    assert_eq!((&reminder["due"], &reminder["days_left"]), (&14.into(), &value[0]["days_left"]), "{value:#}");
    assert!(reminder["next"].is_string() && value[0]["reminds_from"].is_string(), "{value:#}");
    let listed = shown(&stage, "ja", &["list"]);
    assert!(listed.stdout.contains("更新のお知らせ = 有効期限まで残り"), "{}", listed.stdout);
    assert!(listed.stderr.contains("電子証明書の有効期限が近づいています。"), "{}", listed.stderr);
    let checked = run(&stage, &["preflight"]).json();
    assert_eq!(checked["credential"]["reminder"]["due"], 14, "{checked:#}");

    // The last one is said to be that.
    with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", "reminders = [30, 14]")]);
    assert!(run(&stage, &["list"]).json()[0]["reminder"]["next"].is_null());
    assert!(shown(&stage, "ja", &["list"]).stdout.contains("最後のお知らせ"));
    // Before its day no one is.
    with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", "reminders = [7]"), ("= 40 ", "= 8 ")]);
    let value = run(&stage, &["list"]).json();
    assert!(value[0]["reminder"].is_null() && value[0]["reminds_from"].is_string(), "{value:#}");
    let listed = shown(&stage, "en", &["list"]);
    assert!(listed.stdout.contains("Reminder = from 20") && listed.stderr.is_empty(), "{listed:?}");
}

#[test]
fn a_scheduler_prints_nothing_until_there_is_something_to_do() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", "reminders = [7]")]);
    let quiet = shown(&stage, "ja", &["list", "--due"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""));
    assert_eq!(run(&stage, &["list", "--due"]).json(), serde_json::json!([]));
    with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", "reminders = [14]")]);
    assert!(shown(&stage, "ja", &["list", "--due"]).stdout.contains("更新のお知らせ"));
    // Without reminders what can be renewed is due.
    with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", "reminders = []")]);
    assert_eq!(run(&stage, &["list", "--due"]).json().as_array().unwrap().len(), 1);
    // A renewal that waits is no one's to begin.
    run(&stage, &["request", "--out", "request.pem"]).succeeded();
    for reminders in ["reminders = []", "reminders = [14]"] {
        with(&stage, &[("reminders = [40, 30, 14, 7, 3, 1]", reminders)]);
        let quiet = shown(&stage, "ja", &["list", "--due"]);
        assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""), "{reminders}");
    }
}

#[test]
fn the_pin_has_the_name_that_stands_on_the_banks_letter() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(
        &stage,
        &[(
            "pin = { ja = \"暗証番号（PIN）\", en = \"PIN\" }",
            "pin = { ja = \"トークン暗証\", en = \"token password\" }",
        )],
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--lang", "ja", "--pin-env", "TEST_PIN", "--banks", "banks.d", "pending"]);
    let wrong = common::outcome(stage.at_home(&mut command).env("TEST_PIN", "000000"));
    let error = wrong.failed("pin_incorrect", 4);
    let sentence = error["sentence"].as_str().unwrap();
    assert!(sentence.contains("トークン暗証") && !sentence.contains("PIN"), "{sentence}");
    let checked = shown(&stage, "en", &["preflight"]);
    assert!(checked.stdout.contains("wrong token password"), "{}", checked.stdout);
    let _ = std::fs::remove_file(stage.mark());
}

/// Whoever has a letter that speaks of a password is told of no PIN: not in a hint, a question, a warning or the diagnosis. The
/// names of options stay what they are.
#[test]
fn nothing_that_is_said_calls_it_otherwise() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(
        &stage,
        &[(
            "pin = { ja = \"暗証番号（PIN）\", en = \"PIN\" }",
            "pin = { ja = \"トークン暗証\", en = \"token password\" }",
        )],
    );
    let old = usbtoken_testkit::serial_hex(&stage.old.certificate);
    let hidden = Folder::temporary().token("BANK");
    for lang in ["ja", "en"] {
        let run = |empty: bool, wrong: Option<&str>, arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
            command.args(["--lang", lang, "--banks", "banks.d"]).args(arguments);
            stage.at_home(&mut command);
            if empty {
                command.envs(hidden.env());
            }
            if let Some(wrong) = wrong {
                stage.write("typed", wrong.as_bytes());
                command.args(["--pin-file", "typed"]);
            }
            common::outcome(&mut command)
        };
        let mut said = vec![
            run(false, None, &["renew", "--issuer", "false"]),
            run(false, None, &["retire", "--serial", &old]),
            run(true, None, &["list"]),
            run(true, None, &["preflight"]),
            run(true, None, &["--json", "preflight"]),
            run(false, Some("0000"), &["pending"]),
            run(false, Some(stage.token.pin()), &["pending"]),
            run(false, Some("1"), &["pending"]),
        ];
        let _ = std::fs::remove_file(stage.mark());
        for command in ["list", "preflight", "doctor"] {
            said.extend([run(false, None, &[command]), run(false, None, &["--json", command])]);
        }
        let mut called = 0;
        for outcome in &said {
            for text in [&outcome.stdout, &outcome.stderr] {
                let text = text
                    .replace("CKF_USER_PIN", "")
                    .replace("CKR_PIN", "")
                    .replace("--pin", "")
                    .replace("--json", "");
                assert!(!text.contains("PIN"), "{lang}: {text}");
                called += usize::from(text.contains("トークン暗証") || text.contains("token password"));
            }
        }
        assert!(called >= 8, "{lang}: {said:#?}");
    }
}

#[test]
fn an_empty_token_is_not_taken_for_one_that_lost_its_certificate() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let empty = Folder::temporary().token("BANK");
    with(&stage, &[("delivered = \"with-certificate\"", "delivered = \"empty\"")]);
    let on_empty = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--lang", "en", "--pin-env", "TEST_PIN", "--banks", "banks.d"]).args(arguments);
        stage.at_home(&mut command).envs(empty.env()).env("TEST_PIN", empty.pin());
        common::outcome(&mut command)
    };
    let before = empty.snapshot();
    let error = on_empty(&["--json", "renew", "--issuer", "false"]).failed("credential_not_found", 3);
    assert_eq!(error["facts"]["reason"][0], "delivered_empty", "{error:#}");
    assert!(error["next"].as_str().unwrap().contains("first certificate issued"), "{error:#}");
    let error = on_empty(&["--json", "preflight"]).failed("credential_not_found", 3);
    assert_eq!(error["facts"]["reason"][0], "delivered_empty", "{error:#}");
    let listed = on_empty(&["list"]);
    assert!(listed.succeeded().stdout.contains("comes without a certificate"), "{}", listed.stdout);
    empty.snapshot().assert_same_as(&before);
    on_empty(&["request", "--out", "first.pem", "--subject", "CN=login031,O=Example"]).succeeded();
}

#[test]
fn an_initial_pin_is_thought_of_when_a_pin_is_wrong() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(&stage, &[("delivered = \"with-certificate\"", "delivered = \"initial-pin\"")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--pin-env", "TEST_PIN", "--banks", "banks.d", "pending"]);
    let wrong = common::outcome(stage.at_home(&mut command).env("TEST_PIN", "000000"));
    assert_eq!(wrong.failed("pin_incorrect", 4)["facts"]["reason"][0], "initial_pin");
}

/// The wording of every way in which it can be too late, as the customer reads it.
#[test]
fn what_holds_when_it_is_too_late_is_the_banks_to_say() {
    for (then, said) in [
        ("new-issue", "new certificate issued"),
        ("revoke-first", "master user"),
        ("form", "form"),
        ("contact", "below"),
        ("words", "go to window 3"),
    ] {
        let stage = Stage::alone(Kind::P256, days_from_now(-3));
        let late = format!("then = {then:?}");
        let words = if then == "words" {
            "\nwords = { ja = \"三番窓口へ\", en = \"go to window 3\" }"
        } else {
            ""
        };
        with(&stage, &[("then = \"new-issue\"", &format!("{late}{words}"))]);
        let before = stage.token.snapshot();
        let error = run(&stage, &["renew", "--issuer", "false"]).failed("expired", 9);
        assert!(error["next"].as_str().unwrap().contains(said), "{then}: {error:#}");
        assert!(error["contacts"][0].as_str().unwrap().contains("0120-000-000"), "{error:#}");
        stage.token.snapshot().assert_same_as(&before);
        // Some banks renew for so many days after the end: a step of ours.
        let until = [
            ("last_day_until = \"08:59\"", ""),
            ("then = \"new-issue\"", "then = \"new-issue\"\nrenewable_days = 80"),
        ];
        with(&stage, &until);
        run(&stage, &["preflight"]).succeeded();
        run(&stage, &["request", "--out", "late.pem"]).succeeded();
    }
}

/// Who has named the bank by the path of its profile goes on with the same profile.
#[test]
fn a_command_that_is_shown_names_the_bank_again() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    stage.write("my bank.toml", profile(&stage, |text| text).as_bytes());
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--lang", "en", "--pin-file", "pin", "--bank", "./my bank.toml"]).args(arguments);
        common::outcome(stage.at_home(&mut command))
    };
    let written = run(&["request", "--out", "x.csr"]);
    let named = "\"usbtoken install --bank './my bank.toml' FILE\"";
    assert!(written.succeeded().stdout.contains(named), "{}", written.stdout);
    let waits = run(&["renew", "--issuer", "false"]);
    assert!(waits.stderr.contains("usbtoken resume --bank './my bank.toml'\""), "{}", waits.stderr);
    // The line is one that works.
    let shown = stage.shell("usbtoken pending --bank './my bank.toml' --pin-file pin");
    assert!(shown.succeeded().stdout.contains("BANK"), "{}", shown.stdout);
}
