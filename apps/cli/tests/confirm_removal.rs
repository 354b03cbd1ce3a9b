//! What a confirmed login, and nothing else, lets go: `usbtoken confirm --retire-old`, and `retire` after it.

mod common;

use common::login::{DEMANDS, confirm, nothing_changed, renewed, replaced};
use common::servers::{self, Server};
use common::{Outcome, Stage, bank};
use std::path::Path;
use usbtoken_testkit::{Kind, serial_hex, shim, softhsm_module, verify};

/// A profile of this stage's token, CA and driver with these lines in its tables.
fn profile(stage: &Stage, url: &str, renewal: &str) -> String {
    let root = String::from_utf8(stage.read("ca/root.pem")).unwrap();
    bank::profile(stage, |text| {
        text.replace(
            "https://www.gaitame.example.jp/login\"",
            &format!("{url}\"\nlogin_anchors = ['''{root}''']"),
        )
        .replace("old = \"keep\"", renewal)
    })
}

/// Renewed, and the old one goes after a login at the bank's server; what the bank lets a person name, and another server.
fn waits_for_a_login() -> (Stage, Server, Server) {
    let stage = renewed(Kind::P256);
    let (bank, other) =
        (servers::nginx(&stage, DEMANDS), servers::openssl(&stage, "-Verify 3 -verify_return_error"));
    let text = profile(&stage, &bank.url("/login"), "old = \"remove-after-confirmation\"")
        .replace("may_override = [", "may_override = [\"origins\", \"anchors\", \"old\", ");
    bank::install(&stage, "bank", &text);
    (stage, bank, other)
}

fn at_bank(stage: &Stage, arguments: &[&str]) -> Outcome {
    stage.run(&[&["--banks", "banks.d"], arguments].concat())
}

#[test]
fn the_old_one_goes_only_when_the_banks_server_has_taken_the_new_one() {
    let stage = renewed(Kind::P256);
    let refusing = servers::nginx(&stage, "ssl_verify_client on; location = /login { return 403; }");
    let after = "old = \"remove-after-confirmation\"";
    bank::install(&stage, "bank", &profile(&stage, &refusing.url("/login"), after));
    let before = stage.token.snapshot();
    let old = replaced(&stage)["serial"].clone();
    let retire = ["retire", "--yes", "--serial", old.as_str().unwrap()];
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    let error = at_bank(&stage, &["confirm", "--retire-old", "--yes"]).failed("login_refused", 12);
    assert!(error["contacts"][0].as_str().unwrap().contains("0120-000-000"), "{error:#}");
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    // A login at another address shows nothing for this one, and the bank lets nobody name another.
    let server = servers::nginx(&stage, DEMANDS);
    confirm(&stage, &server, &[]).succeeded();
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    at_bank(&stage, &["confirm", "--url", &server.url("/login")]).failed("override_refused", 9);
    at_bank(&stage, &["confirm", "--server-ca", "ca/root.pem"]).failed("override_refused", 9);
    nothing_changed(&stage, &before);

    bank::install(&stage, "bank", &profile(&stage, &server.url("/login"), after));
    // It was made without the bank's profile: nobody said to whom the server had to prove itself.
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    at_bank(&stage, &["confirm"]).succeeded();
    // The record of this login is there; one of another certificate or of long ago does not count.
    let record = stage.kept().into_iter().find(|file| file.extension().is_some_and(|end| end == "confirmed"));
    let record = record.unwrap();
    let written = std::fs::read_to_string(&record).unwrap();
    let value: serde_json::Value = serde_json::from_str(&written).unwrap();
    let fake = |key: &str, to: serde_json::Value| {
        let mut value = value.clone();
        value[key] = to;
        std::fs::write(&record, value.to_string()).unwrap();
    };
    let at = value["at"].as_u64().unwrap();
    for (key, to) in [
        ("certificate", "00".repeat(32).into()),
        ("url", "https://localhost/login".into()),
        ("at", (at - 40 * 24 * 60 * 60).into()),
        ("at", (at + 2 * 24 * 60 * 60).into()),
        ("version", 2.into()),
        ("bank", "another".into()),
        ("bank", serde_json::Value::Null),
        ("login_rules", "00".repeat(32).into()),
        ("login_rules", serde_json::Value::Null),
    ] {
        fake(key, to);
        at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    }
    std::fs::write(&record, "no JSON").unwrap();
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    std::fs::write(&record, written.replace("}", ", \"more\": 1}")).unwrap();
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    nothing_changed(&stage, &before);

    // Who tries the old one is told all the same which one to choose.
    let tried = at_bank(&stage, &["confirm", "--serial", old.as_str().unwrap()]).json();
    let ends = |value: &serde_json::Value| value["serial_ends"].as_str().unwrap().to_lowercase();
    assert!(!old.as_str().unwrap().ends_with(&ends(&tried["choose"])), "{tried:#}");
    assert!(old.as_str().unwrap().ends_with(&ends(&tried["do_not_choose"][0])), "{tried:#}");

    // A server that refuses later takes back what an earlier login has shown.
    std::fs::write(&record, &written).unwrap();
    bank::install(&stage, "bank", &profile(&stage, &refusing.url("/login"), after));
    at_bank(&stage, &["confirm"]).failed("login_refused", 12);
    bank::install(&stage, "bank", &profile(&stage, &server.url("/login"), after));
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    nothing_changed(&stage, &before);

    at_bank(&stage, &["confirm"]).succeeded();
    at_bank(&stage, &retire).succeeded();
    let serial = value["serial"].as_str().unwrap();
    assert!(at_bank(&stage, &["list"]).stdout.contains(serial));
    confirm(&stage, &server, &["--serial", old.as_str().unwrap()]).failed("credential_not_found", 3);
    at_bank(&stage, &["confirm"]).succeeded();
}

#[test]
fn a_confirmation_goes_on_to_the_removal() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let asked = confirm(&stage, &server, &["--retire-old"]);
    assert_eq!((asked.code, asked.error()["name"].as_str()), (2, Some("bad_argument")), "{asked:?}");
    assert_eq!(asked.result()["confirmed"], true, "nobody could be asked, and the login was one");
    bank::install(&stage, "bank", &profile(&stage, &server.url("/login"), "old = \"keep\""));
    at_bank(&stage, &["confirm", "--retire-old", "--yes"]).failed("override_refused", 9);
    let after = "old = \"remove-after-confirmation\"";
    bank::install(&stage, "bank", &profile(&stage, &server.url("/login"), after));
    // With the old one there is nothing that it has replaced, and that is said.
    let old = replaced(&stage)["serial"].as_str().unwrap().to_owned();
    let none = at_bank(&stage, &["confirm", "--serial", &old, "--retire-old", "--yes"]);
    assert!(none.notices().contains(&"nothing_replaced".to_owned()), "{none:?}");
    assert_eq!(none.json()["retired"], serde_json::json!([]));
    let value = at_bank(&stage, &["confirm", "--retire-old", "--yes"]).succeeded().json();
    assert_eq!(value["retired"][0], value["replaced"][0]["serial"], "{value:#}");
    let left = at_bank(&stage, &["list"]).stdout;
    assert!(!left.contains(value["retired"][0].as_str().unwrap()), "{left}");
    confirm(&stage, &server, &[]).succeeded();
}

/// Where a bank lets customers name another address or other CAs, a login there still is none at its own server.
#[test]
fn a_login_at_another_address_lets_nothing_old_go() {
    let (stage, bank, other) = waits_for_a_login();
    let before = stage.token.snapshot();
    let old = replaced(&stage)["serial"].as_str().unwrap().to_owned();
    let retire = ["retire", "--yes", "--serial", &old];
    for elsewhere in [
        &["--url", &other.url("/")][..],
        &["--url", &bank.url("/login?another")],
        &["--server-ca", "ca/root.pem", "--server-ca", "ca/ca.pem"],
    ] {
        let done = at_bank(&stage, &[&["confirm", "--retire-old", "--yes"], elsewhere].concat());
        assert_eq!(done.result()["confirmed"], true, "{done:?}");
        assert_eq!(done.result()["recorded"], false, "{done:?}");
        assert!(done.notices().contains(&"login_not_at_bank".to_owned()), "{done:?}");
        assert_eq!(done.error()["name"], "retire_not_confirmed", "{elsewhere:?}: {done:?}");
        at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
        nothing_changed(&stage, &before);
    }
    // The bank's own address, named by the person, is the bank's; and a later one elsewhere takes nothing from it.
    at_bank(&stage, &["confirm", "--url", &bank.url("/login")]).succeeded();
    let said = |more: &str| {
        stage.shell(&format!("usbtoken --lang en --pin-file pin --banks banks.d confirm {more}")).stdout
    };
    let text = said(&format!("--url {}", other.url("/")));
    assert!(!text.contains("usbtoken retire"), "{text}");
    let text = said("");
    assert!(text.contains("usbtoken retire"), "{text}");
    at_bank(&stage, &["confirm", "--url", &other.url("/")]).succeeded();
    at_bank(&stage, &retire).succeeded();
}

/// Another profile of the same name may have let another server be the bank's.
#[test]
fn a_record_counts_for_the_profile_as_it_was() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(
        &stage,
        &format!("{DEMANDS} location /menu {{ return 200; }} location = /led {{ return 302 /menu?t=1; }}"),
    );
    let after = "old = \"remove-after-confirmation\"";
    let led = profile(&stage, &server.url("/led"), after);
    // The first is the profile's own; another stands in a comment.
    let lines = format!("after_login = {:?}\nlogin_anchors", server.url("/menu"));
    let named = led.replacen("login_anchors", &lines, 1);
    let more = String::from_utf8(stage.read("ca/ca.pem")).unwrap();
    let before = stage.token.snapshot();
    let old = replaced(&stage)["serial"].as_str().unwrap().to_owned();
    let retire = ["retire", "--yes", "--serial", &old];
    bank::install(&stage, "bank", &named);
    at_bank(&stage, &["confirm"]).succeeded();
    for other in [
        led.clone(),
        named.replace("/menu", "/menu?t=1"),
        named.replacen("login_anchors = [", &format!("login_anchors = ['''{more}''', "), 1),
    ] {
        bank::install(&stage, "bank", &other);
        at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
        nothing_changed(&stage, &before);
    }
    bank::install(&stage, "bank", &named);
    let unsaid = at_bank(&stage, &["confirm"]).succeeded().json();
    assert_eq!(unsaid["recorded"], true);
    // Led to a page that is not named, it may have been refused: that takes the record back.
    bank::install(&stage, "bank", &led);
    at_bank(&stage, &["confirm"]).failed("login_led_on", 12);
    bank::install(&stage, "bank", &named);
    at_bank(&stage, &retire).failed("retire_not_confirmed", 9);
    at_bank(&stage, &["confirm"]).succeeded();
    at_bank(&stage, &retire).succeeded();
}

/// By what the messages say, and nothing else, whoever has three in a row comes to one.
#[test]
fn three_in_a_row_come_to_one_by_what_the_messages_say() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let after = "old = \"remove-after-confirmation\"";
    // The second is renewed long before its window.
    let text = profile(&stage, &server.url("/login"), after)
        .replace("may_override = [", "may_override = [\"window\", ");
    bank::install(&stage, "bank", &text);
    let first = replaced(&stage);
    let (first, second) = (serial(&first), serial(&first["successor"]));
    stage.renew(&["--force", "--serial", &second], &["--days", "800"]).succeeded();
    let value = at_bank(&stage, &["confirm"]).succeeded().json();
    let olds: Vec<String> = value["replaced"].as_array().unwrap().iter().map(serial).collect();
    assert_eq!(olds, [first.clone(), second.clone()], "the oldest first: {value:#}");

    // Whichever is tried, the newest is the one to choose.
    let newest = serial(&value["credential"]);
    for tried in [&first, &second, &newest] {
        let value = at_bank(&stage, &["confirm", "--serial", tried]).succeeded().json();
        let ends = |value: &serde_json::Value| value["serial_ends"].as_str().unwrap().to_lowercase();
        assert!(newest.ends_with(&ends(&value["choose"])), "{tried}: {value:#}");
        let olds: Vec<String> = value["do_not_choose"].as_array().unwrap().iter().map(ends).collect();
        assert!(first.ends_with(&olds[0]) && second.ends_with(&olds[1]) && olds.len() == 2, "{value:#}");
    }

    let retire = |serial: &str| at_bank(&stage, &["retire", "--yes", "--serial", serial]);
    // Nothing takes the place of the newest, whatever is confirmed.
    retire(&newest).failed("retire_no_successor", 9);
    let error = retire(&second).failed("retire_older_first", 9);
    let named = error["facts"]["candidate"][0].as_str().unwrap();
    assert!(named.contains(&first), "{error:#}");
    assert!(error["hint"].as_str().unwrap().contains("usbtoken retire"), "{error:#}");
    retire(&first).succeeded();
    retire(&second).succeeded();
    let left = stage.run(&["list"]).json();
    assert_eq!(left.as_array().unwrap().iter().filter(|one| one["successor"].is_object()).count(), 0);
    at_bank(&stage, &["confirm"]).succeeded();
}

#[test]
fn a_confirmation_takes_a_whole_row_away() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let after = "old = \"remove-after-confirmation\"";
    // The second is renewed long before its window.
    let text = profile(&stage, &server.url("/login"), after)
        .replace("may_override = [", "may_override = [\"window\", ");
    bank::install(&stage, "bank", &text);
    let first = replaced(&stage);
    let (first, second) = (serial(&first), serial(&first["successor"]));
    stage.renew(&["--force", "--serial", &second], &["--days", "800"]).succeeded();
    let value = at_bank(&stage, &["confirm", "--retire-old", "--yes"]).succeeded().json();
    assert_eq!(value["retired"], serde_json::json!([first, second]), "{value:#}");
}

fn serial(of: &serde_json::Value) -> String {
    of["serial"].as_str().unwrap().to_owned()
}

/// Whoever tries before the day from which on the bank takes the certificate is told which day that is.
#[test]
fn a_refused_login_names_the_day_from_which_the_bank_takes_the_certificate() {
    let stage = renewed(Kind::P256);
    let refusing = servers::nginx(&stage, "ssl_verify_client on; location = /login { return 403; }");
    let text = profile(&stage, &refusing.url("/login"), "old = \"ask\"");
    bank::install(&stage, "bank", &text);
    let error = at_bank(&stage, &["confirm"]).failed("login_refused", 12);
    assert!(error["facts"]["works_from"].is_null(), "{error:#}");
    for begins in ["next-business-day", "after-old-ends"] {
        bank::install(&stage, "bank", &text.replace("\"at-once\"", &format!("{begins:?}")));
        let error = at_bank(&stage, &["confirm"]).failed("login_refused", 12);
        let day = error["facts"]["works_from"][0].as_str().unwrap().to_owned();
        let old = replaced(&stage)["serial"].as_str().unwrap().to_owned();
        let kept = at_bank(&stage, &["retire", "--yes", "--serial", &old]).failed("not_in_use_yet", 9);
        assert_eq!(kept["facts"]["date"][0], day, "{begins}");
    }
}

/// A removal that is refused after the login names what ends the matter.
#[test]
fn a_refused_removal_names_the_command_that_goes_on() {
    let run = |stage: &Stage, done: &Outcome, more: &str| {
        let line =
            done.error()["facts"]["go_on"][0].as_str().unwrap_or_else(|| panic!("{done:?}")).to_owned();
        (stage.shell(&format!("TEST_PIN=$(cat pin) {line} --json{more}")), line)
    };
    // Nothing shows who issued the new one: a person says so.
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let refused = confirm(&stage, &server, &["--retire-old", "--yes"]);
    assert_eq!(refused.error()["name"], "retire_issuer_not_shown", "{refused:?}");
    let new = refused.result()["credential"]["serial"].as_str().unwrap().to_owned();
    let (gone_on, line) = run(&stage, &refused, " --yes");
    assert!(line.contains(&format!("--successor {new} --although-issuer-not-shown")), "{line}");
    gone_on.succeeded();
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);

    // The bank waits for a login at its own server.
    let (stage, _bank, other) = waits_for_a_login();
    let refused = at_bank(&stage, &["confirm", "--retire-old", "--yes", "--url", &other.url("/")]);
    assert_eq!(refused.error()["name"], "retire_not_confirmed", "{refused:?}");
    let (gone_on, line) = run(&stage, &refused, "");
    assert!(line.contains("usbtoken confirm ") && line.contains(" --retire-old"), "{line}");
    assert_eq!(gone_on.json()["retired"][0], *serial_hex(&stage.old.certificate), "{gone_on:?}");
    assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
}

/// Killed at each object, and asked for again in the same words.
#[test]
fn a_removal_that_was_killed_is_ended_by_the_next_confirmation() {
    for killed in ["C_DestroyObject#1:exit", "C_DestroyObject#3:exit", "C_DestroyObject#3:exit-after"] {
        let stage = renewed(Kind::P256);
        let server = servers::nginx(&stage, DEMANDS);
        let url = server.url("/login");
        let words = [
            "confirm",
            "--url",
            &url,
            "--server-ca",
            "ca/root.pem",
            "--retire-old",
            "--yes",
            "--trust-anchor",
            "ca/ca.pem",
        ];
        let driver = softhsm_module();
        let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", Path::new(killed))];
        let words_in_process = [&words[..], &["--in-process"]].concat();
        let said = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &words_in_process);
        assert_eq!(said.code, 86, "{said:?}");
        let done = stage.run(&words);
        done.succeeded();
        assert!(!done.notices().contains(&"nothing_replaced".to_owned()), "{killed}: {done:?}");
        assert_eq!(done.json()["retired"][0], *serial_hex(&stage.old.certificate), "{killed}: {done:?}");
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0, "{killed}");
    }
}

/// Another program's copy of the old certificate, under the same identifier with its own label: the removal ends all the same, at once
/// and after a kill.
#[test]
fn beside_a_copy_of_the_old_certificate_the_removal_ends() {
    for killed in [None, Some("C_DestroyObject#2:exit-after"), Some("C_DestroyObject#3:exit")] {
        let stage = renewed(Kind::P256);
        let old = &stage.old;
        stage.token.inspect(|token| token.write_certificate(&old.certificate, &old.id, "a copy"));
        let server = servers::nginx(&stage, DEMANDS);
        let url = server.url("/login");
        let removal = ["--retire-old", "--yes", "--trust-anchor", "ca/ca.pem"];
        let words = [&["confirm", "--url", &url, "--server-ca", "ca/root.pem"], &removal[..]].concat();
        if let Some(fault) = killed {
            let driver = softhsm_module();
            let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", Path::new(fault))];
            let words = [&words[..], &["--in-process"]].concat();
            let said = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &words);
            assert_eq!(said.code, 86, "{said:?}");
        }
        let value = stage.run(&words).succeeded().json();
        assert_eq!(
            value["retired"],
            serde_json::json!([serial_hex(&old.certificate)]),
            "{killed:?}: {value:#}"
        );
        let left = stage.token.snapshot();
        let left: Vec<&str> = left.with_id(&old.id).map(|one| one.label.as_str()).collect();
        assert!(left.iter().all(|label| *label == "a copy"), "{killed:?}: {left:?}");
        // The day after.
        stage.run(&words).succeeded();
    }
}

/// Strangers' pairs have the identifiers of the old and of the new one, and their labels: the login and the removal go by signatures.
#[test]
fn beside_strangers_pairs_the_confirmed_removal_takes_what_is_ours() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let new = before.of_class("CKO_PRIVATE_KEY").find(|key| key.id != stage.old.id).unwrap();
    stage.token.inspect(|token| {
        token.generate_pair_beside(Kind::P256, &stage.old.id, "bank");
        token.generate_pair_beside(Kind::P256, &new.id, &new.label);
    });
    let beside = stage.token.snapshot();
    let strangers = beside.added_since(&before);
    assert_eq!(strangers.len(), 4);
    let server = servers::nginx(&stage, DEMANDS);
    let url = server.url("/login");
    let removal = ["--retire-old", "--yes", "--trust-anchor", "ca/ca.pem"];
    let words = [&["confirm", "--url", &url, "--server-ca", "ca/root.pem"], &removal[..]].concat();
    let value = stage.run(&words).succeeded().json();
    assert_eq!(value["retired"], serde_json::json!([serial_hex(&stage.old.certificate)]), "{value:#}");
    let left = stage.token.snapshot();
    assert!(strangers.iter().all(|one| left.objects().contains(one)), "a stranger's object is gone");
    left.assert_keeps(&before.only(|object| object.id != stage.old.id));
    assert_eq!(left.objects().len(), beside.objects().len() - 3);
    // The private key that is left is the public one's.
    let signature = stage.token.sign(&stage.old.id, b"theirs");
    let public = stage.token.inspect(|token| token.public_key(&stage.old.id));
    assert!(verify(&public, b"theirs", &signature));
    // The day after.
    stage.run(&words).succeeded();
    stage.token.snapshot().assert_same_as(&left);
}
