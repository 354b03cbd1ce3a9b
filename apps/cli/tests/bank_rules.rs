//! A bank's rules from the beginning of a job to its end: forms, users, days, and the order's number.

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::bank::{install, profile, run};
use common::{Outcome, Stage};
use serde_json::Value;
use usbtoken_testkit::{Form, Kind, NameDer, Text, days_from_now};

fn fact<'v>(error: &'v Value, name: &str) -> &'v str {
    error["facts"][name][0].as_str().unwrap_or_else(|| panic!("no {name}: {error:#}"))
}

/// Installs the profile with what is changed of it, and with this helper where there is one.
fn with(stage: &Stage, changes: &[(&str, &str)], issuer: &str) {
    let text = profile(stage, |text| format!("{text}{issuer}"));
    let changed = changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    install(stage, "bank", &changed);
}

fn helper(stage: &Stage, script: &str) -> String {
    stage.write("helper", format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(stage.file("helper"), std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("[issuer]\nhelper = {:?}\n", stage.file("helper"))
}

fn alone() -> Stage {
    Stage::alone(Kind::P256, days_from_now(11))
}

/// Says an order's number when it is asked first, and what it was told when it is asked again.
fn ordering(stage: &Stage) -> String {
    let issuer = stage.issuer(&[]);
    helper(
        stage,
        &format!(
            "cat > request; echo \"$USBTOKEN_OPERATION <$USBTOKEN_REFERENCE>\" >> asked\n\
             [ $USBTOKEN_OPERATION = SUBMIT ] && echo USBTOKEN_REFERENCE=A-1031 >&2\n\
             [ -e refused ] && {{ echo no; exit 2; }}\n\
             [ -e ready ] || {{ echo cookie; exit 1; }}\n\
             {issuer} < request"
        ),
    )
}

#[test]
fn the_number_that_the_issuer_says_is_shown_in_every_later_step() {
    let stage = alone();
    let issuer = ordering(&stage);
    with(&stage, &[], &issuer);
    let error = run(&stage, &["renew"]).failed("not_yet_issued", 10);
    assert_eq!(fact(&error, "reference"), "A-1031");
    let id = fact(&error, "id").to_owned();
    let pending = run(&stage, &["pending"]).json();
    assert_eq!(pending[0]["reference"], "A-1031", "{pending:#}");
    let written = run(&stage, &["resume", "--out", "again.pem"]).json();
    assert_eq!(written["reference"], "A-1031", "{written:#}");
    assert_eq!(fact(&run(&stage, &["resume"]).failed("not_yet_issued", 10), "reference"), "A-1031");
    stage.write("refused", b"");
    assert_eq!(fact(&run(&stage, &["resume"]).failed("issuer_rejected", 6), "reference"), "A-1031");
    std::fs::remove_file(stage.file("refused")).unwrap();
    // A person at a terminal sees it too.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--lang", "ja", "--pin-file", "pin", "--banks", "banks.d", "pending"]);
    let shown = common::outcome(stage.at_home(&mut command));
    assert!(shown.succeeded().stdout.contains("受付番号 = A-1031"), "{}", shown.stdout);

    stage.write("ready", b"");
    let done = run(&stage, &["resume", "--id", &id]).json();
    assert_eq!(done["reference"], "A-1031", "{done:#}");
    let asked = String::from_utf8(stage.read("asked")).unwrap();
    assert!(asked.starts_with("SUBMIT <>\nPOLL <A-1031>\n"), "{asked}");
    assert!(run(&stage, &["pending"]).json().as_array().unwrap().is_empty());
}

#[test]
fn the_number_that_a_person_gives_counts_from_then_on() {
    let stage = alone();
    with(&stage, &[], "");
    let written = run(&stage, &["request", "--out", "request.pem", "--reference", "受付 第5号"]).json();
    assert_eq!(written["reference"], "受付 第5号");
    // Told on the telephone, later.
    let pending = run(&stage, &["pending", "--reference", "B-2"]).json();
    assert_eq!(pending[0]["reference"], "B-2");
    // An answer that is refused says for which order it came.
    let request = stage.read("request.pem");
    let der = stage.ca.issue_for(&request).not_before(days_from_now(-30)).not_after(days_from_now(-1)).der();
    stage.write("answer", &stage.ca.answer(Form::Pem, &der));
    let error = run(&stage, &["install", "answer"]).error();
    assert_eq!(fact(&error, "reference"), "B-2", "{error:#}");
    let der = stage.ca.issue_for(&request).der();
    stage.write("answer", &stage.ca.answer(Form::Pem, &der));
    let done = run(&stage, &["install", "answer"]).json();
    assert_eq!(done["reference"], "B-2");
    for bad in ["", "  ", "a\nb", "\u{202e}x", &"9".repeat(101)] {
        let refused = run(&stage, &["request", "--out", "x", "--reference", bad]);
        assert_eq!(refused.code, 2, "{bad:?}");
    }
    run(&stage, &["pending", "--reference", "C-3"]).failed("pending_not_found", 3);
}

#[test]
fn a_renewal_that_is_begun_already_says_its_order() {
    let stage = alone();
    with(&stage, &[], "");
    run(&stage, &["request", "--out", "request.pem", "--reference", "A-7"]).succeeded();
    let error = run(&stage, &["renew", "--issuer", "false"]).failed("pending_exists", 9);
    assert_eq!(fact(&error, "reference"), "A-7");
    let error = run(&stage, &["resume", "--issuer", "false"]).failed("issuer_failed", 6);
    assert_eq!(fact(&error, "reference"), "A-7");
    let gone = run(&stage, &["abandon", "--yes"]).json();
    assert_eq!(gone["abandoned"]["reference"], "A-7");
}

/// As a person sees it.
fn shown(stage: &Stage, pin: &str, arguments: &[&str]) -> common::Outcome {
    stage.write("typed", pin.as_bytes());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--lang", "ja", "--pin-file", "typed", "--banks", "banks.d"]).args(arguments);
    common::outcome(stage.at_home(&mut command))
}

/// Whatever fails, whoever calls the bank has the number at hand; and so it is at the end.
#[test]
fn the_number_stands_in_every_error_and_at_the_end() {
    let stage = alone();
    with(&stage, &[], "");
    run(&stage, &["request", "--out", "request.pem", "--reference", "A-7"]).succeeded();
    let number = "受付番号: A-7";
    stage.write("no", b"this is no certificate");
    for (what, pin, arguments) in [
        ("a wrong PIN", "0000", &["resume", "--out", "x"][..]),
        ("a wrong PIN", "0000", &["abandon", "--yes"]),
        ("a wrong PIN", "0000", &["pending"]),
        ("a wrong PIN", "0000", &["renew", "--issuer", "false"]),
        ("a wrong PIN", "0000", &["request", "--out", "y"]),
        ("no answer", stage.token.pin(), &["install", "no"]),
        ("a CA that says no", stage.token.pin(), &["resume", "--issuer", "echo no; exit 2"]),
        ("a file that is there", stage.token.pin(), &["resume", "--out", "request.pem"]),
    ] {
        let failed = shown(&stage, pin, arguments);
        assert!(failed.code != 0 && failed.stderr.contains(number), "{what}: {failed:?}");
        let _ = std::fs::remove_file(stage.mark());
    }
    let gone = shown(&stage, stage.token.pin(), &["abandon", "--yes"]);
    assert!(gone.succeeded().stdout.contains("受付番号 = A-7"), "{gone:?}");
}

/// The folder for state is lost, or the key was made at another computer: who knows the number can note it again.
#[test]
fn a_number_can_be_noted_where_nothing_else_is_known_of_the_job() {
    let stage = alone();
    with(&stage, &[], "");
    run(&stage, &["request", "--out", "request.pem", "--reference", "A-7"]).succeeded();
    assert_eq!(run(&stage, &["pending"]).json()[0]["kept_here"], true);
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let lost = run(&stage, &["pending"]).json();
    assert!(lost[0]["reference"].is_null() && lost[0]["kept_here"] == false, "{lost:#}");
    let said = shown(&stage, stage.token.pin(), &["pending"]);
    assert!(said.succeeded().stdout.contains("受付番号 = このパソコンには"), "{}", said.stdout);
    let noted = run(&stage, &["pending", "--reference", "A-7"]).json();
    assert_eq!(noted[0]["reference"], "A-7");
    assert_eq!(run(&stage, &["pending"]).json()[0]["reference"], "A-7");
    assert_eq!(fact(&run(&stage, &["renew", "--issuer", "false"]).error(), "reference"), "A-7");
    let der = stage.ca.issue_for(&stage.read("request.pem")).der();
    stage.write("answer", &stage.ca.answer(Form::Pem, &der));
    assert_eq!(run(&stage, &["install", "answer"]).json()["reference"], "A-7");
    assert!(stage.kept().is_empty(), "{:?}", stage.kept());
}

#[test]
fn the_request_has_the_form_and_the_encoding_that_the_bank_names() {
    let stage = alone();
    let before = stage.token.snapshot();
    let cms = [("request = \"pkcs10\"", "request = \"cms\"\nrequest_encoding = \"der\"")];
    with(&stage, &cms, "");
    for other in [&["--form", "pkcs10"], &["--format", "pem"]] {
        let refused = run(&stage, &[&["request", "--out", "x"], &other[..]].concat());
        assert_eq!(fact(&refused.failed("override_refused", 9), "found"), "request");
    }
    stage.token.snapshot().assert_same_as(&before);
    run(&stage, &["request", "--out", "request.der", "--form", "cms", "--format", "der"]).succeeded();
    let shown = stage
        .tool("openssl", &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "request.der", "-noout"]);
    assert!(shown.succeeded().stdout.contains("pkcs7-signedData"), "{}", shown.stdout);
    // Written again without an option, and byte for byte.
    run(&stage, &["resume", "--out", "again.der"]).succeeded();
    assert_eq!(stage.read("again.der"), stage.read("request.der"));
    // The program that asks the CA gets it so too.
    run(&stage, &["resume", "--issuer", "cat > stdin; false"]).failed("issuer_failed", 6);
    assert_eq!(stage.read("stdin"), stage.read("request.der"));

    // A first certificate has no old key that could sign.
    let first = ["request", "--out", "first.der", "--subject", "CN=login032,O=Example"];
    run(&stage, &first).succeeded();
    stage.tool("openssl", &["req", "-inform", "DER", "-in", "first.der", "-noout", "-verify"]).succeeded();
}

#[test]
fn an_answer_in_another_form_than_the_banks_is_refused_and_the_key_waits() {
    let stage = alone();
    let answers = |forms: &str| {
        let line = format!("request = \"pkcs10\"\nanswers = {forms}");
        with(&stage, &[("request = \"pkcs10\"", &line)], "");
    };
    answers("[\"pkcs7\"]");
    run(&stage, &["request", "--out", "request.pem"]).succeeded();
    let waiting = stage.token.snapshot();
    let der = stage.ca.issue_for(&stage.read("request.pem")).der();
    for form in [Form::Pem, Form::Der, Form::Bundle] {
        stage.write("answer", &stage.ca.answer(form, &der));
        let error = run(&stage, &["install", "answer"]).failed("answer_form_unexpected", 6);
        assert_eq!((fact(&error, "found"), fact(&error, "expected")), ("certificate", "pkcs7"));
        assert!(error["contacts"][0].as_str().unwrap().contains("0120"), "{error:#}");
    }
    stage.token.snapshot().assert_same_as(&waiting);
    answers("[\"certificate\"]");
    stage.write("answer", &stage.ca.answer(Form::P7Base64, &der));
    run(&stage, &["install", "answer"]).failed("answer_form_unexpected", 6);
    stage.token.snapshot().assert_same_as(&waiting);
    answers("[\"cmc\", \"pkcs7\"]");
    run(&stage, &["install", "answer"]).succeeded();
}

#[test]
fn another_users_credential_forbids_a_job_where_the_bank_says_so() {
    let stage = alone();
    let refuse = [("old = \"keep\"", "old = \"keep\"\nother_users = \"refuse\"")];
    with(&stage, &refuse, "");
    assert_eq!(point(&run(&stage, &["preflight"]), "only_user"), "ok");
    // One that has ended is no one's to log in with.
    stage.token.credential(&stage.ca, Kind::P256, &[0x41], &named("login032"), days_from_now(-20));
    assert_eq!(point(&run(&stage, &["preflight"]), "only_user"), "ok");
    stage.token.credential(&stage.ca, Kind::P256, &[0x42], &named("login033"), days_from_now(200));
    let before = stage.token.snapshot();
    let serial = hex_serial(&stage);
    assert_eq!(point(&run(&stage, &["preflight", "--serial", &serial]), "only_user"), "warning");
    let refused = run(&stage, &["renew", "--issuer", "touch asked; false", "--serial", &serial]);
    let error = refused.failed("other_user_on_token", 9);
    assert!(fact(&error, "candidate").contains("login033"), "{error:#}");
    let first = ["request", "--out", "x", "--subject", "CN=login034,O=Other"];
    run(&stage, &first).failed("other_user_on_token", 9);
    stage.token.snapshot().assert_same_as(&before);
    assert!(!stage.file("asked").exists());
    with(&stage, &[], "");
    run(&stage, &["request", "--out", "y", "--serial", &serial]).succeeded();
}

/// Renewals give each certificate another name: they are one user's all the same.
#[test]
fn a_row_of_renewals_is_one_user() {
    let stage = alone();
    let refuse = [("old = \"keep\"", "old = \"keep\"\nother_users = \"refuse\"")];
    let mut names = std::collections::BTreeSet::new();
    for days in ["20", "30"] {
        let issuer = stage.issuer(&["--naming", "own-common-name", "--days", days]);
        with(&stage, &refuse, &format!("[issuer]\ncommand = {issuer:?}\n"));
        let done = run(&stage, &["renew"]).json();
        assert_eq!(done["already_installed"], false, "{done:#}");
        names.insert(done["credential"]["subject"]["common_name"].as_str().unwrap().to_owned());
        let serial = done["credential"]["serial"].as_str().unwrap().to_owned();
        let shown = run(&stage, &["preflight", "--serial", &serial]);
        assert_eq!(point(&shown, "only_user"), "ok", "{}", shown.stdout);
    }
    assert_eq!(names.len(), 2, "{names:?}");
}

fn named(common_name: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, "Other").common(Text::Utf8, common_name).to_der()
}

fn hex_serial(stage: &Stage) -> String {
    usbtoken_testkit::serial_hex(&stage.old.certificate)
}

/// The state of a point of the preflight.
fn point(preflight: &Outcome, name: &str) -> String {
    let points = preflight.result()["points"].clone();
    let found = points.as_array().unwrap().iter().find(|point| point["point"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {points:#}"))["state"].as_str().unwrap().to_owned()
}

#[test]
fn what_does_not_work_yet_lets_nothing_old_go_later_either() {
    for begins in ["next-business-day", "after-old-ends"] {
        let stage = alone();
        let issuer = stage.issuer(&[]);
        let changes = [
            ("old = \"keep\"", "old = \"ask\""),
            ("begins_to_work = \"at-once\"", &format!("begins_to_work = {begins:?}")),
        ];
        with(&stage, &changes, &format!("[issuer]\ncommand = {issuer:?}\n"));
        let done = run(&stage, &["renew"]).json();
        let serial = done["replaced"]["serial"].as_str().unwrap().to_owned();
        let before = stage.token.snapshot();
        let error = run(&stage, &["retire", "--yes", "--serial", &serial]).failed("not_in_use_yet", 9);
        assert!(fact(&error, "date").len() == 10, "{error:#}");
        stage.token.snapshot().assert_same_as(&before);
    }
}

/// Banks that take a certificate on the next business day count from the day on which it was issued; what the CA writes into
/// it may be days before.
#[test]
fn a_certificate_that_is_dated_back_begins_to_work_no_earlier() {
    let stage = alone();
    let changes = [
        ("old = \"keep\"", "old = \"remove\""),
        ("begins_to_work = \"at-once\"", "begins_to_work = \"next-business-day\""),
    ];
    with(&stage, &changes, "");
    run(&stage, &["request", "--out", "request.pem"]).succeeded();
    let request = stage.read("request.pem");
    let certificate = stage.ca.issue_for(&request).not_before(days_from_now(-6)).der();
    stage.write("answer", &stage.ca.answer(Form::Der, &certificate));
    let done = run(&stage, &["install", "answer"]).json();
    let notices = done["notices"].as_array().unwrap();
    let later = notices.iter().find(|notice| notice["name"] == "works_later").unwrap();
    let (day, serial) = (fact(later, "date"), done["replaced"]["serial"].as_str().unwrap());
    let before = stage.token.snapshot();
    let again = run(&stage, &["install", "answer"]).json();
    let again = again["notices"].as_array().unwrap();
    assert!(again.iter().any(|notice| notice["name"] == "works_later"), "{again:#?}");
    let error = run(&stage, &["retire", "--yes", "--serial", serial]).failed("not_in_use_yet", 9);
    assert_eq!(fact(&error, "date"), day);
    let renewed = run(&stage, &["renew", "--serial", serial, "--issuer", "false"]).json();
    assert_eq!((&renewed["already_renewed"], &renewed["retired"]), (&true.into(), &Value::Null));
    stage.token.snapshot().assert_same_as(&before);
}

/// What the command names next, the bank lets a customer do.
#[test]
fn a_bank_that_keeps_the_old_one_sends_no_one_to_remove_it() {
    for (may, named) in [("\"old\"", true), ("\"drivers\"", false)] {
        let stage = alone();
        let issuer = stage.issuer(&[]);
        let changes =
            [("may_override = [\"drivers\", \"issuer\", \"timeout\"]", &*format!("may_override = [{may}]"))];
        with(&stage, &changes, &format!("[issuer]\ncommand = {issuer:?}\n"));
        let done = run(&stage, &["renew"]).json();
        let notices = done["notices"].as_array().unwrap();
        assert_eq!(notices.iter().any(|notice| notice["name"] == "old_kept"), named, "{done:#}");
        let serial = done["replaced"]["serial"].as_str().unwrap().to_owned();
        let removal = run(&stage, &["retire", "--yes", "--serial", &serial]);
        if named {
            removal.succeeded();
        } else {
            assert!(fact(&removal.failed("override_refused", 9), "detail").contains("retire"));
        }
    }
}

#[test]
fn the_program_that_asks_gets_the_banks_proxy_and_its_time() {
    let stage = alone();
    let script = "echo \"$USBTOKEN_PROXY|$https_proxy|$http_proxy|$HTTPS_PROXY|$NO_PROXY\" > seen; sleep 600";
    let issuer = helper(&stage, script);
    let said = format!("{issuer}proxy = \"http://proxy.example.jp:8080\"\ntimeout_seconds = 1\n");
    with(&stage, &[("may_override = [\"drivers\", \"issuer\", \"timeout\"]", "may_override = []")], &said);
    let started = std::time::Instant::now();
    run(&stage, &["renew"]).failed("issuer_timeout", 6);
    assert!(started.elapsed().as_secs() < 300, "the bank's second, not half an hour");
    assert_eq!(
        stage.read("seen"),
        ["http://proxy.example.jp:8080"; 4]
            .join("|")
            .into_bytes()
            .into_iter()
            .chain(*b"|\n")
            .collect::<Vec<u8>>()
    );
    let by_ourselves = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--pin-file", "pin", "--banks", "banks.d", "resume"]).args(arguments);
        command.envs(variables.iter().copied());
        common::outcome(stage.at_home(&mut command))
    };
    by_ourselves(&[("NO_PROXY", "*")], &["--issuer-timeout", "1"]).failed("issuer_timeout", 6);
    assert!(stage.read("seen").ends_with(b":8080|\n"), "nothing goes past the bank's proxy");
    for other in [&["--issuer-timeout", "1800"][..], &["--issuer", "true"], &["--issuer-helper", "true"]] {
        run(&stage, &[&["resume"], other].concat()).failed("override_refused", 9);
    }
    run(&stage, &["resume", "--issuer-timeout", "1"]).failed("issuer_timeout", 6);
    // A bank that says nothing leaves it to the environment of the person.
    with(&stage, &[], &issuer.replace("sleep", "exit 7; sleep"));
    stage.write("helper", format!("#!/bin/sh\n{script}; exit 7\n").replace("sleep 600", ":").as_bytes());
    let own = [("https_proxy", "http://own:1"), ("USBTOKEN_PROXY", "http://forged:1"), ("NO_PROXY", "intra")];
    by_ourselves(&own, &[]).failed("issuer_failed", 6);
    assert_eq!(stage.read("seen"), b"|http://own:1|||intra\n");
}

#[test]
fn an_option_that_says_what_the_bank_says_is_no_change_and_any_other_is_refused() {
    let stage = alone();
    let changes = [
        ("may_override = [\"drivers\", \"issuer\", \"timeout\"]", "may_override = []"),
        ("write_ca_certificates = false", "write_ca_certificates = true"),
        ("extended_key_usage", "relax = [\"serial\", \"purpose\"]\nextended_key_usage"),
        ("old = \"keep\"", "old = \"remove\""),
    ];
    let issuer = stage.issuer(&[]);
    with(&stage, &changes, &format!("[issuer]\ncommand = {issuer:?}\ntimeout_seconds = 1800\n"));
    let before = stage.token.snapshot();
    for (command, options, what) in [
        ("renew", &["--key", "rsa2048"][..], "key"),
        ("renew", &["--reuse-key"], "key"),
        ("renew", &["--force"], "window"),
        ("renew", &["--require-proof", "proven"], "proof"),
        ("renew", &["--subject", "exact"], "subject"),
        ("renew", &["--subject", "any"], "subject"),
        ("renew", &["--relax", "serial"], "checks"),
        ("renew", &["--relax", "validity"], "checks"),
        ("renew", &["--trust-anchor", "ca/ca.pem"], "anchors"),
        ("renew", &["--form", "cms"], "request"),
        ("renew", &["--issuer", "cat"], "issuer"),
        ("renew", &["--issuer-helper", "cat"], "issuer"),
        ("renew", &["--issuer-timeout", "60"], "timeout"),
        ("renew", &["--module", "/usr/lib/softhsm/libsofthsm2.so"], "drivers"),
        ("renew", &["--trust-driver"], "drivers"),
        ("request", &["--out", "x", "--form", "cms"], "request"),
        ("request", &["--out", "x", "--format", "der"], "request"),
        ("request", &["--out", "x", "--require-proof", "proven"], "proof"),
        ("request", &["--out", "x", "--force"], "window"),
        ("request", &["--out", "x", "--key", "p384"], "key"),
        ("preflight", &["--key", "p384"], "key"),
        ("preflight", &["--force"], "window"),
        ("install", &["pin", "--reuse-key"], "key"),
        ("install", &["pin", "--relax", "not_ca"], "checks"),
        ("install", &["pin", "--trust-anchor", "ca/ca.pem"], "anchors"),
        ("install", &["pin", "--subject", "any"], "subject"),
        ("install", &["pin", "--require-proof", "proven"], "proof"),
        ("resume", &["--subject", "any"], "subject"),
        ("resume", &["--out", "x", "--format", "der"], "request"),
        ("resume", &["--issuer-timeout", "1"], "timeout"),
        ("resume", &["--form", "cms"], "request"),
        ("retire", &["--serial", "01", "--subject", "any"], "subject"),
        ("retire", &["--serial", "01", "--trust-anchor", "ca/ca.pem"], "anchors"),
        ("list", &["--trust-driver"], "drivers"),
        ("wait", &["--module", "/usr/lib/softhsm/libsofthsm2.so"], "drivers"),
        ("pending", &["--trust-driver"], "drivers"),
    ] {
        let error = run(&stage, &[&[command], options].concat()).failed("override_refused", 9);
        assert_eq!(fact(&error, "found"), what, "{command} {options:?}");
    }
    stage.token.snapshot().assert_same_as(&before);
    let same = [
        "renew",
        "--require-proof",
        "claimed",
        "--subject",
        "common-name-may-change",
        "--relax",
        "purpose",
        "--relax",
        "serial",
        "--form",
        "pkcs10",
        "--issuer",
        &issuer,
        "--issuer-timeout",
        "1800",
        "--write-chain",
        "--retire-old",
    ];
    let done = run(&stage, &same).json();
    assert_eq!(done["retired"], true, "{done:#}");
}
