//! The command under a bank's profile.

mod common;

use std::process::Command;

use common::bank::{install, profile, run};
use common::{Stage, outcome};
use usbtoken_testkit::{Kind, days_from_now};

#[test]
fn the_only_profile_rules_the_whole_job() {
    let stage = Stage::new();
    let issuer = stage.issuer(&[]);
    let text = profile(&stage, |text| format!("{text}[issuer]\ncommand = {issuer:?}\n"));
    install(&stage, "bank", &text);
    let before = stage.token.snapshot();
    // Neither driver, token, issuer nor anchor is named: the profile says them all.
    let done = run(&stage, &["renew"]);
    let value: serde_json::Value = serde_json::from_str(&done.succeeded().stdout).unwrap();
    assert_eq!(value["issuer_continuity"], "verified_by_anchor", "{value:#}");
    assert!(value["bank_words"][0].as_str().unwrap().contains("電子証明書ログイン"), "{value:#}");
    let after = stage.token.snapshot();
    after.assert_keeps(&before);
}

#[test]
fn what_the_bank_does_not_let_go_is_refused_before_anything_happens() {
    let stage = Stage::new();
    install(&stage, "bank", &profile(&stage, |text| text));
    let before = stage.token.snapshot();
    for options in [
        &["--force"][..],
        &["--key", "rsa3072"],
        &["--relax", "purpose"],
        &["--trust-anchor", "ca/root.pem"],
        &["--require-proof", "proven"],
        &["--subject", "any"],
        &["--retire-old"],
        &["--write-chain"],
        &["--form", "cms"],
    ] {
        let refused = run(&stage, &[&["renew", "--issuer", "false"], options].concat());
        let error = refused.failed("override_refused", 9);
        let said = error["facts"]["detail"][0].as_str().unwrap();
        assert!(said.contains(options[0]), "the option is named: {error:#}");
    }
    run(&stage, &["preflight", "--force"]).failed("override_refused", 9);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_certificate_of_another_ca_is_refused_and_the_old_one_goes_when_the_bank_says() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let issuer = stage.issuer(&[]);
    let with = |more: &[(&str, &str)]| {
        let text = profile(&stage, |text| format!("{text}[issuer]\ncommand = {issuer:?}\n"));
        install(&stage, "bank", &more.iter().fold(text, |text, (from, to)| text.replace(from, to)));
    };
    // The anchors of the example are another CA's.
    let example = include_str!("../../../examples/banks/manual-bank.toml");
    let anchor = String::from_utf8(stage.read("ca/ca.pem")).unwrap();
    let begin = example.find("-----BEGIN").unwrap();
    let end = example[begin..].find("\n\"\"\"").unwrap();
    with(&[(&anchor, &example[begin..=begin + end])]);
    let before = stage.token.snapshot();
    run(&stage, &["renew"]).failed("chain_untrusted", 6);
    with(&[("# issuers = [\"OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4", "issuers = [\"OU=ANOTHER")]);
    run(&stage, &["renew", "--resume"]).failed("issuer_unexpected", 6);
    with(&[(
        "extended_key_usage = [\"1.3.6.1.5.5.7.3.2\"]",
        "extended_key_usage = [\"1.3.6.1.5.5.7.3.36\"]",
    )]);
    run(&stage, &["renew", "--resume"]).failed("purpose_missing", 6);
    stage.token.snapshot().assert_keeps(&before);

    // A login with the new one is to be confirmed first; a new one that works later leaves the old one.
    with(&[("old = \"keep\"", "old = \"remove-after-confirmation\"")]);
    let value = run(&stage, &["renew", "--resume"]).json();
    assert_eq!(value["retired"], false);
    let serial = value["replaced"]["serial"].as_str().unwrap().to_owned();
    run(&stage, &["retire", "--yes", "--serial", &serial]).failed("retire_not_confirmed", 9);
    stage.token.snapshot().assert_keeps(&before);
    with(&[]);
    run(&stage, &["retire", "--yes", "--serial", &serial]).failed("override_refused", 9);
    with(&[("old = \"keep\"", "old = \"ask\"")]);
    run(&stage, &["retire", "--yes", "--serial", &serial]).succeeded();
}

#[test]
fn an_old_certificate_stays_until_the_new_one_works_at_the_bank() {
    for (begins, retired) in [("at-once", true), ("next-business-day", false), ("after-old-ends", false)] {
        let stage = Stage::alone(Kind::P256, days_from_now(11));
        let issuer = stage.issuer(&[]);
        let text = profile(&stage, |text| format!("{text}[issuer]\ncommand = {issuer:?}\n"));
        let text = text.replace("old = \"keep\"", "old = \"remove\"");
        install(
            &stage,
            "bank",
            &text.replace("begins_to_work = \"at-once\"", &format!("begins_to_work = {begins:?}")),
        );
        let done = run(&stage, &["renew"]);
        assert_eq!(done.json()["retired"], retired, "{begins}");
        assert_eq!(done.notices().contains(&"works_later".to_owned()), !retired, "{begins}");
    }
}

#[test]
fn the_window_is_the_banks() {
    let stage = Stage::alone(Kind::P256, days_from_now(50));
    install(&stage, "bank", &profile(&stage, |text| text));
    run(&stage, &["renew", "--issuer", "false"]).failed("not_yet_renewable", 9);
    assert_eq!(run(&stage, &["list"]).json()[0]["renewable"], false);
    install(
        &stage,
        "bank",
        &profile(&stage, |text| text.replace("opens_days_before = 40", "opens_days_before = 60")),
    );
    assert_eq!(run(&stage, &["list"]).json()[0]["renewable"], true);
    run(&stage, &["preflight"]).succeeded();
    let ended =
        profile(&stage, |text| text.replace("# service_ends = 2031-03-31 ", "service_ends = 2020-03-31 "));
    install(&stage, "bank", &ended);
    let before = stage.token.snapshot();
    run(&stage, &["renew", "--issuer", "false"]).failed("service_ended", 9);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn the_doctor_says_what_is_there_of_each_bank() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    install(&stage, "bank", &profile(&stage, |text| text));
    let gone = "version = 1\n[bank]\nname = { ja = \"銀行\", en = \"Bank\" }\n[[token]]\nuri = [\"pkcs11:token=GONE\"]\n\
                [[token.driver]]\nsystem = \"linux\"\npath = \"/nowhere/p11.so\"\n";
    install(&stage, "gone", gone);
    install(&stage, "wrong", "version = 7");
    let value = run(&stage, &["doctor"]).json();
    let banks = value["banks"].as_array().unwrap();
    assert_eq!(
        banks.iter().map(|bank| bank["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["bank", "gone", "wrong"]
    );
    assert!(banks[0]["tokens"][0].as_str().unwrap().starts_with("BANK"), "{banks:?}");
    assert_eq!(banks[0]["anchors"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&banks[1]["tokens"], &banks[1]["drivers"][0]["there"]),
        (&serde_json::json!([]), &false.into())
    );
    assert_eq!(banks[2]["usable"], false);
    let problems: Vec<&str> =
        value["problems"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["bank_token_absent", "bank_driver_absent", "profile_version"] {
        assert!(problems.contains(&name), "{name} in {problems:?}");
    }
    // A bank whose driver is missing is no reason to say nothing.
    assert_eq!(run(&stage, &["--bank", "gone", "doctor"]).json()["banks"][0]["id"], "gone");
}

#[test]
fn every_error_says_whom_to_call() {
    let stage = Stage::alone(Kind::P256, days_from_now(-3));
    install(&stage, "bank", &profile(&stage, |text| text));
    let refused = run(&stage, &["renew", "--issuer", "false"]);
    let error = refused.failed("expired", 9);
    assert!(error["next"].as_str().unwrap().contains("new certificate issued"), "{error}");
    assert!(error["contacts"][0].as_str().unwrap().contains("0120-000-000"), "{error}");
    assert!(error["hint"].is_null() || !error["hint"].as_str().unwrap().contains("--force"), "{error}");
}

#[test]
fn a_token_of_no_one_we_know_is_not_touched() {
    let stage = Stage::new();
    let text = profile(&stage, |text| text.replace("token=BANK", "token=ANOTHER"));
    install(&stage, "bank", &text);
    let before = stage.token.snapshot();
    for (uri, name, exit) in
        [(None, "token_not_found", 3), (Some(stage.token.uri()), "token_not_the_banks", 2)]
    {
        let given: Vec<String> = uri.into_iter().flat_map(|uri| ["--token".to_owned(), uri]).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let refused = run(&stage, &[&["renew", "--issuer", "false"], given.as_slice()].concat());
        refused.failed(name, exit);
    }
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn bad_profiles_stop_every_job_with_an_error_of_their_own() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let good = profile(&stage, |text| text);
    for (text, name) in [
        (good.replace("opens_days_before", "opens_day_before"), "profile_unknown_key"),
        (format!("\u{feff}{good}"), "profile_has_bom"),
        (good.replace("pkcs11:token=BANK;manufacturer=SoftHSM%20project", "pkcs11:"), "profile_matches_all"),
        (good.replace("https://www.gaitame.example.jp\"]", "http://a.jp\"]"), "profile_origin_insecure"),
        (good.replace("version = 1", "version = 9"), "profile_version"),
        (" ".repeat(10 << 20), "profile_too_large"),
    ] {
        install(&stage, "bank", &text);
        let refused = run(&stage, &["renew", "--issuer", "false"]);
        let error = refused.failed(name, 2);
        let path = error["facts"]["path"][0].as_str().unwrap();
        assert!(path.ends_with("bank.toml"), "{path}");
    }
    install(&stage, "bank", &good);
    install(&stage, "other", &good);
    run(&stage, &["renew", "--issuer", "false"]).failed("profile_ambiguous", 2);
    let both = run(&stage, &["--bank", "bank", "renew", "--issuer", "false"]);
    both.failed("profile_overlap", 2);
    run(&stage, &["--bank", "none", "list"]).failed("profile_not_found", 2);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_profile_is_checked_before_it_is_installed() {
    let stage = Stage::new();
    let folder = install(&stage, "bank", &profile(&stage, |text| text));
    let checked = run(&stage, &["profile", "check", "banks.d/bank.toml"]);
    let value: serde_json::Value = serde_json::from_str(&checked.succeeded().stdout).unwrap();
    assert_eq!((&value["valid"], &value["profile"]["opens_days_before"]), (&true.into(), &40.into()));
    assert_eq!(value["notices"], serde_json::json!([]));
    let odd = profile(&stage, |text| {
        text.replace("# service_ends = 2031-03-31 ", "service_ends = 2020-03-31 ")
            .replace("[40, 30,", "[60, 30,")
    });
    std::fs::write(folder.join("odd.toml"), odd).unwrap();
    let checked = run(&stage, &["profile", "check", "banks.d/odd.toml"]).json();
    let names = |all: &serde_json::Value| -> Vec<String> {
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&checked["notices"]), ["profile_service_ended", "profile_reminder_early"]);
    std::fs::remove_file(folder.join("odd.toml")).unwrap();
    let wrong = "version = 1\n[bank]\nname = { ja = \"銀行\", en = \"Bank\" }\n[[token]]\nuri = [\"pkcs11:\"]\n[pages]\norigins = [\"http://a.jp\", \"https://a.jp/x\"]\n";
    std::fs::write(folder.join("wrong.toml"), wrong).unwrap();
    let checked = run(&stage, &["profile", "check", "banks.d/wrong.toml"]);
    let value: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    let names: Vec<&str> =
        value["problems"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["profile_matches_all", "profile_origin_insecure", "profile_origin_malformed"]);
    assert_eq!(checked.code, 2);
    let facts = &value["problems"][2]["facts"];
    assert_eq!((&facts["line"][0], &facts["column"][0]), (&"7".into(), &"27".into()));
    let listed = run(&stage, &["profile", "list"]);
    assert_eq!(listed.code, 2, "one of the two cannot be used");
    let value: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&value[0]["valid"], &value[1]["valid"]), (&true.into(), &false.into()));
}

#[test]
fn no_option_takes_the_installed_rules_away() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let rules = |old: &str| profile(&stage, |text| text.replace("old = \"keep\"", &format!("old = {old:?}")));
    install(&stage, "bank", &rules("remove-after-confirmation"));
    let mine = stage.file("mine.toml");
    std::fs::write(&mine, rules("remove")).unwrap();
    let (before, mine) = (stage.token.snapshot(), mine.display().to_string());
    run(&stage, &["--bank", &mine, "renew", "--issuer", "false"]).failed("profile_overlap", 2);
    std::fs::create_dir(stage.file("empty")).unwrap();
    for (folder, error) in [("bank.d", "file_unreadable"), ("empty", "profile_not_found")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN", "--banks", folder]);
        command.args(["retire", "--yes", "--id", "01"]);
        stage.at_home(&mut command).env("TEST_PIN", stage.token.pin());
        outcome(&mut command).failed(error, 2);
    }
    stage.token.snapshot().assert_same_as(&before);
    // The very file that is installed may be named by its path.
    let installed = stage.file("banks.d/bank.toml").display().to_string();
    run(&stage, &["--bank", &installed, "list"]).succeeded();
}

/// A profile of one's own that claims no token which an installed one claims, and the token named beside it.
#[test]
fn a_token_that_is_named_goes_by_the_installed_rules_alone() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    install(&stage, "bank", &profile(&stage, |text| text));
    let mine = profile(&stage, |text| {
        text.replace("token=BANK", "token=ZZ").replace("old = \"keep\"", "old = \"remove\"")
    });
    let path = stage.file("mine.toml").display().to_string();
    std::fs::write(&path, mine).unwrap();
    let (before, uri) = (stage.token.snapshot(), stage.token.uri());
    // What goes on with a job takes a token that is named, whether it is this bank's or no one's.
    for (command, name) in [
        (&["list"][..], "token_of_other_bank"),
        (&["pending"], "token_of_other_bank"),
        (&["install", "ca/ca.pem"], "token_of_other_bank"),
        (&["confirm", "--retire-old", "--yes"], "token_of_other_bank"),
        (&["preflight"], "token_not_the_banks"),
        (&["renew", "--issuer", "false"], "token_not_the_banks"),
        (&["retire", "--yes", "--id", "01"], "token_not_the_banks"),
    ] {
        let error = run(&stage, &[&["--bank", &path, "--token", &uri], command].concat()).failed(name, 2);
        let shown = if name == "token_of_other_bank" { "bank" } else { "mine" };
        assert_eq!(error["facts"]["bank"][0], shown, "{command:?}");
    }
    stage.token.snapshot().assert_same_as(&before);
}
