//! Each rule of a profile with each value that banks use, and each override where it is listed and where it is not.

mod common;

use common::Stage;
use common::bank::{install, profile, run};
use serde_json::Value;
use usbtoken_testkit::{Kind, ParsedRequest, days_from_now, softhsm_module};

const LISTED: &str = "may_override = [\"drivers\", \"issuer\", \"timeout\"]";

/// Installs the profile with what is changed of it, and with this behind it.
fn with(stage: &Stage, changes: &[(&str, &str)], more: &str) {
    let text = profile(stage, |text| format!("{text}{more}"));
    let changed = changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    install(stage, "bank", &changed);
}

fn may(listed: &[&str]) -> String {
    format!("may_override = {listed:?}")
}

fn found(error: &Value) -> &str {
    error["facts"]["found"][0].as_str().unwrap_or_default()
}

const ALL: [&str; 13] = [
    "drivers",
    "origins",
    "anchors",
    "subject",
    "checks",
    "request",
    "window",
    "key",
    "proof",
    "old",
    "ca_certificates",
    "issuer",
    "timeout",
];

/// The option that each of them is about.
fn option_of<'a>(what: &str, module: &'a str, command: &'a str) -> Vec<&'a str> {
    match what {
        "drivers" => vec!["--module", module, "renew"],
        "origins" => vec!["confirm", "--url", "https://127.0.0.1:1/login"],
        "anchors" => vec!["renew", "--trust-anchor", "ca/ca.pem"],
        "subject" => vec!["renew", "--subject", "exact"],
        "checks" => vec!["resume", "--relax", "usage"],
        "request" => vec!["request", "--out", "x.p7", "--form", "cms"],
        "window" => vec!["request", "--out", "x.csr", "--force"],
        "key" => vec!["request", "--out", "x.csr", "--key", "p384"],
        "proof" => vec!["renew", "--require-proof", "proven"],
        "old" => vec!["renew", "--retire-old"],
        "ca_certificates" => vec!["renew", "--write-chain"],
        "issuer" => vec!["renew", "--issuer", command],
        _ => vec!["renew", "--issuer-timeout", "1"],
    }
}

#[test]
fn an_override_is_refused_where_all_others_are_listed() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let module = softhsm_module().display().to_string();
    let before = stage.token.snapshot();
    for what in ALL {
        let others: Vec<&str> = ALL.into_iter().filter(|other| *other != what).collect();
        with(&stage, &[(LISTED, &may(&others))], "[issuer]\ncommand = \"false\"\ntimeout_seconds = 60\n");
        let error = run(&stage, &option_of(what, &module, "true")).failed("override_refused", 9);
        assert_eq!(found(&error), what, "{error:#}");
    }
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn an_override_holds_where_it_alone_is_listed() {
    let module = softhsm_module().display().to_string();
    for what in ALL {
        let days = if what == "window" { 200 } else { 11 };
        let stage = Stage::alone(Kind::P256, days_from_now(days));
        let usual = ["--form", "p7-base64", "--naming", "own-common-name"];
        let fault = if what == "checks" { &["--break", "no-signing"][..] } else { &[] };
        let issuer = stage.issuer(&[&usual[..], fault].concat());
        let asks = match what {
            "issuer" => "false".to_owned(),
            "timeout" => "sleep 600".to_owned(),
            _ => issuer.clone(),
        };
        let listed = may(&[what]);
        let driver = format!("path = {:?}", softhsm_module());
        let mut changes = vec![(LISTED, listed.as_str())];
        if what == "drivers" {
            changes.push((&driver, "path = \"/nowhere/p11.so\""));
        }
        let asked = format!("[issuer]\ncommand = {asks:?}\ntimeout_seconds = 600\n");
        with(&stage, &changes, &asked);
        if what == "checks" {
            run(&stage, &["renew"]).failed("usage_missing", 6);
        }
        let done = run(&stage, &option_of(what, &module, &issuer));
        match what {
            "origins" => drop(done.failed("login_unreachable", 12)),
            "timeout" => drop(done.failed("issuer_timeout", 6)),
            "subject" => drop(done.failed("subject_differs", 6)),
            "old" => assert_eq!(done.json()["retired"], true),
            "request" => {
                done.succeeded();
                let print = ["cms", "-cmsout", "-print", "-inform", "PEM", "-in", "x.p7"];
                assert!(stage.tool("openssl", &print).succeeded().stdout.contains("signedData"));
            }
            "key" => {
                done.succeeded();
                assert_eq!(ParsedRequest::parse(&stage.read("x.csr")).unwrap().spki.len(), 120);
            }
            "ca_certificates" => {
                done.succeeded();
                assert!(stage.token.snapshot().of_class("CKO_CERTIFICATE").count() > 2);
            }
            _ => drop(done.succeeded().code),
        }
    }
}

#[test]
fn each_window_opens_on_its_day() {
    let stage = Stage::alone(Kind::P256, days_from_now(30));
    for (days, renewable) in [(28, false), (29, false), (30, true), (40, true), (60, true)] {
        with(&stage, &[("opens_days_before = 40", &format!("opens_days_before = {days}"))], "");
        assert_eq!(run(&stage, &["list"]).json()[0]["renewable"], renewable, "{days}");
        let preflight = run(&stage, &["preflight"]);
        assert_eq!(preflight.code == 0, renewable, "{days}: {preflight:?}");
    }
}

#[test]
fn each_way_to_close_early_closes() {
    for (line, days, open) in [
        ("closes_hours_before = 24", 0.9, false),
        ("closes_hours_before = 24", 3.0, true),
        ("last_day_until = \"08:59\"\ncloses_days_before = 5", 4.0, false),
        ("last_day_until = \"08:59\"\ncloses_days_before = 5", 6.0, true),
        ("closes_days_before = 5", 4.0, false),
    ] {
        let end = days_from_now(0) + std::time::Duration::from_secs_f64(days * 86_400.0);
        let stage = Stage::alone(Kind::P256, end);
        with(&stage, &[("last_day_until = \"08:59\"", line)], "");
        let before = stage.token.snapshot();
        let asked = run(&stage, &["request", "--out", "x.csr"]);
        if open {
            asked.succeeded();
        } else {
            let error = asked.failed("renewal_closed", 9);
            assert!(error["next"].as_str().unwrap().contains("new certificate issued"), "{error:#}");
            stage.token.snapshot().assert_same_as(&before);
        }
    }
}

#[test]
fn each_time_after_the_end_is_the_banks() {
    for (days, renewed) in [(80, false), (90, true), (180, true)] {
        let stage = Stage::alone(Kind::P256, days_from_now(-85));
        let until = [
            ("last_day_until = \"08:59\"", ""),
            ("then = \"new-issue\"", &format!("then = \"form\"\nrenewable_days = {days}")),
        ];
        let issuer = format!("[issuer]\ncommand = {:?}\n", stage.issuer(&[]));
        with(&stage, &until, &issuer);
        let done = run(&stage, &["renew"]);
        if renewed {
            done.succeeded();
        } else {
            assert!(done.failed("expired", 9)["next"].as_str().unwrap().contains("form"));
        }
    }
}

#[test]
fn each_kind_of_key_is_made() {
    for (key, length) in [("p256", 91), ("p384", 120), ("rsa2048", 294), ("like-old", 91), ("old-again", 91)]
    {
        let stage = Stage::alone(Kind::P256, days_from_now(11));
        let before = stage.token.snapshot();
        with(&stage, &[("key = \"like-old\"", &format!("key = {key:?}"))], "");
        run(&stage, &["request", "--out", "x.csr"]).succeeded();
        assert_eq!(ParsedRequest::parse(&stage.read("x.csr")).unwrap().spki.len(), length, "{key}");
        let is_made = !stage.token.snapshot().added_since(&before).is_empty();
        assert_eq!(is_made, key != "old-again", "{key}");
    }
}

#[test]
fn what_the_bank_demands_of_the_answer_is_demanded() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    with(&stage, &[], "");
    run(&stage, &["request", "--out", "x.csr"]).succeeded();
    let waiting = stage.token.snapshot();
    let der = stage.ca.issue_for(&stage.read("x.csr")).der();
    stage.write("answer", &stage.ca.answer(usbtoken_testkit::Form::P7Base64, &der));
    with(&stage, &[("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4")], "");
    run(&stage, &["install", "answer"]).failed("purpose_missing", 6);
    let issuers = ("extended_key_usage", "issuers = [\"CN=Another CA\"]\nextended_key_usage");
    with(&stage, &[issuers], "");
    run(&stage, &["install", "answer"]).failed("issuer_unexpected", 6);
    stage.token.snapshot().assert_same_as(&waiting);
    with(&stage, &[], "");
    run(&stage, &["install", "answer"]).succeeded();
}
