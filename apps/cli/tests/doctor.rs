//! `usbtoken doctor` and `usbtoken wait`, on throw-away tokens and made-up devices.

mod common;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::Stage;
use serde_json::Value;
use usbtoken_testkit::{
    Kind, NameDer, SoftToken, Text, days_from_now, shim, smart_card_device, softhsm_module,
};

/// No PIN of any token here, and given where a PIN would be.
const PIN: &str = "pin-9f3c-pin";

fn command(soft: &SoftToken, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(arguments).envs(soft.env()).env("LC_ALL", "C").env_remove("USBTOKEN_MODULE");
    command
}

fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&output(command.arg("--json")).stdout).unwrap()
}

fn module(path: &Path) -> [&str; 2] {
    ["--module", path.to_str().unwrap()]
}

fn problems(diagnosis: &Value) -> Vec<(&str, &str)> {
    let problems = diagnosis["problems"].as_array().unwrap();
    problems.iter().map(|one| (one["weight"].as_str().unwrap(), one["name"].as_str().unwrap())).collect()
}

#[test]
fn the_page_tells_driver_token_and_certificates() {
    let stage = Stage::new();
    let softhsm = softhsm_module();
    let page = output(command(&stage.token, &["doctor"]).args(module(&softhsm)));
    let page = String::from_utf8(page.stdout).unwrap();
    for expected in [
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        softhsm.to_str().unwrap(),
        "SoftHSM",
        "slots: 2; tokens: 2",
        "BANK",
        stage.token.serial(),
        "no flag speaks against it",
        "CKM_RSA_PKCS_KEY_PAIR_GEN",
        "p384",
        "11 days left",
        "possible now",
    ] {
        assert!(page.contains(expected), "{expected} is missing:\n{page}");
    }
    let problems = page.find("[Problems]").unwrap();
    assert!(problems < page.find("[Drivers]").unwrap(), "what is wrong stands first");

    let page = output(command(&stage.token, &["doctor", "--lang", "ja"]).args(module(&softhsm)));
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.starts_with("USBトークン診断\n") && page.contains("残り11日"), "{page}");
}

/// What is wrong with a neighbour stands in the way of nothing that is done with the token that was named.
#[test]
fn a_neighbours_troubles_are_no_blockers_of_the_token_that_is_named() {
    let stage = Stage::new();
    let neighbour = stage.token.sibling("NEIGHBOUR");
    neighbour.first_credential(&stage.ca, Kind::P256, days_from_now(-5));
    let softhsm = softhsm_module();
    let doctor = |more: &[&str]| json(command(&stage.token, &["doctor"]).args(module(&softhsm)).args(more));
    let warns = |diagnosis: &Value| problems(diagnosis).contains(&("warning", "expired"));
    assert!(warns(&doctor(&[])), "of two that may be meant");
    let named = doctor(&["--token", &stage.token.uri()]);
    assert!(!problems(&named).iter().any(|(weight, _)| *weight == "blocker"), "{named:#}");
    assert!(problems(&named).contains(&("remark", "expired")), "{named:#}");
    assert!(warns(&doctor(&["--token", &neighbour.uri()])));
}

/// What the URI names is what is told of; where nothing is that, it says so and shows what is there.
#[test]
fn the_uri_chooses_the_certificate() {
    let stage = Stage::new();
    let subject = NameDer::new().common(Text::Utf8, "ended").to_der();
    stage.token.credential(&stage.ca, Kind::P256, &[9], &subject, days_from_now(-3));
    let softhsm = softhsm_module();
    let told = |more: &str| {
        let uri = format!("{}{more}", stage.token.uri());
        json(command(&stage.token, &["doctor", "--token", &uri]).args(module(&softhsm)))
    };
    let ids = |told: &Value| -> Vec<String> {
        let tokens = told["tokens"].as_array().unwrap();
        let all = tokens.iter().flat_map(|token| token["credentials"].as_array().unwrap());
        all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (whole, one, other) = (told(""), told(";id=%01"), told(";id=%09"));
    assert!(ids(&whole).len() > 2);
    assert_eq!((ids(&one), ids(&other)), (vec!["01".to_owned()], vec!["09".to_owned()]));
    let names = |told: &Value| problems(told).iter().map(|one| one.1.to_owned()).collect::<Vec<_>>();
    assert!(!names(&one).contains(&"expired".to_owned()), "{one:#}");
    assert!(names(&other).contains(&"expired".to_owned()), "{other:#}");
    let none = told(";id=%07");
    assert_eq!(ids(&none), ids(&whole));
    assert!(problems(&none).contains(&("warning", "credential_not_seen")), "{none:#}");
    assert!(!names(&whole).contains(&"credential_not_seen".to_owned()));
}

#[test]
fn it_never_logs_in_and_writes_nothing() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let shim = shim();
    let mut doctor = command(&stage.token, &["doctor", "--pin-env", "P"]);
    doctor.args(module(&shim)).env("P", stage.token.pin());
    doctor.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).env("USBTOKEN_SHIM_TRACE", &trace);
    let diagnosis = json(&mut doctor);
    assert_eq!(diagnosis["tokens"].as_array().unwrap().len(), 1);
    stage.token.snapshot().assert_same_as(&before);

    let trace = std::fs::read_to_string(&trace).unwrap();
    let looking = [
        "C_GetFunctionList",
        "C_Initialize",
        "C_Finalize",
        "C_GetInfo",
        "C_GetSlotList",
        "C_GetSlotInfo",
        "C_GetTokenInfo",
        "C_GetMechanismList",
        "C_GetMechanismInfo",
        "C_OpenSession",
        "C_CloseSession",
        "C_FindObjectsInit",
        "C_FindObjects",
        "C_FindObjectsFinal",
        "C_GetAttributeValue",
    ];
    let mut calls = 0;
    for line in trace.lines().skip(1) {
        let call: Value = serde_json::from_str(line).unwrap();
        let function = call["fn"].as_str().unwrap();
        assert!(looking.contains(&function), "{line}");
        if function == "C_OpenSession" {
            assert!(!call["args"].to_string().contains("RW_SESSION"), "{line}");
        }
        calls += 1;
    }
    assert!(calls > 10, "the trace is there");
}

#[test]
fn the_bundle_holds_everything_and_no_pin() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.json");
    let pin_file = folder.path().join("pin");
    std::fs::write(&pin_file, PIN).unwrap();
    let softhsm = softhsm_module();
    let run = |more: &[&str]| {
        let mut doctor = command(&stage.token, &["doctor", "--bundle", bundle.to_str().unwrap()]);
        doctor.args(module(&softhsm)).args(more).env("USBTOKEN_TEST_PIN", PIN);
        doctor.output().unwrap()
    };
    let shown = run(&["--pin-env", "USBTOKEN_TEST_PIN"]);
    assert!(shown.status.success());
    let text = std::fs::read_to_string(&bundle).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert!(value["page"]["ja"].as_str().unwrap().contains("USBトークン診断"));
    assert_eq!(value["page"]["en"].as_str().unwrap().trim(), String::from_utf8_lossy(&shown.stdout).trim());
    assert_eq!(value["diagnosis"]["tokens"][0]["info"]["serial"], stage.token.serial());

    // It is not overwritten unasked.
    assert_eq!(run(&[]).status.code(), Some(2));
    let shown = run(&["--overwrite", "--pin-file", pin_file.to_str().unwrap()]);
    assert!(shown.status.success());
    let again = std::fs::read_to_string(&bundle).unwrap();
    for text in [text, again, String::from_utf8_lossy(&shown.stdout).into_owned()] {
        for secret in [PIN, "USBTOKEN_TEST_PIN", "PRIVATE KEY"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
}

#[test]
fn problems_stand_in_order_of_weight_each_with_its_next_step() {
    let stage = Stage::new();
    let shim = shim();
    let with = |faults: &str| {
        let mut doctor = command(&stage.token, &["doctor"]);
        doctor.args(module(&shim)).args(["--module", "/nonexistent/driver.so"]);
        doctor.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).env("USBTOKEN_SHIM_FAULT", faults);
        json(&mut doctor)
    };
    let diagnosis = with("*:lie=locked,sticky");
    let found = problems(&diagnosis);
    assert_eq!(found[0], ("blocker", "pin_locked"));
    // The token is seen, so a driver that is missing is not what keeps the customer waiting.
    assert!(found.contains(&("warning", "driver_missing")), "{found:?}");
    let weights: Vec<_> = found.iter().map(|(weight, _)| *weight).collect();
    let mut sorted = weights.clone();
    sorted.sort_by_key(|weight| ["blocker", "warning", "remark"].iter().position(|known| known == weight));
    assert_eq!(weights, sorted);
    for problem in diagnosis["problems"].as_array().unwrap() {
        assert!(problem["sentence"].as_str().unwrap().ends_with('.'));
        assert!(problem["next"].as_str().unwrap().ends_with('.'));
    }
    assert_eq!(diagnosis["tokens"][0]["info"]["pin_state"], "locked");
    assert_eq!(diagnosis["tokens"][0]["one_more_pair"], "unknown", "SoftHSM does not tell");

    for (lie, problem) in [
        ("write-protected", ("warning", "write_protection_stated")),
        ("final-try", ("warning", "pin_final_try")),
    ] {
        let diagnosis = with(&format!("*:lie={lie},sticky"));
        assert!(problems(&diagnosis).contains(&problem), "{lie}: {:?}", problems(&diagnosis));
        let room = if lie == "memory-full" { "may_not_fit" } else { "unknown" };
        assert_eq!(diagnosis["tokens"][0]["one_more_pair"], room);
    }
}

/// The bank's certificate has expired, and somebody else's, which is valid, does not make that better or worse.
#[test]
fn an_expired_certificate_is_told() {
    let stage = Stage::alone(Kind::P256, days_from_now(-3));
    let softhsm = softhsm_module();
    let diagnosis = json(command(&stage.token, &["doctor"]).args(module(&softhsm)));
    // Another one may show after the login only.
    assert_eq!(problems(&diagnosis), [("warning", "expired"), ("warning", "more_after_login")]);
    assert_eq!(diagnosis["tokens"][0]["credentials"][0]["not_renewable_because"], "expired");
    stage.token.credential(&stage.ca, Kind::P256, &[2], &stage.old.subject, days_from_now(300));
    let diagnosis = json(command(&stage.token, &["doctor"]).args(module(&softhsm)));
    let found = problems(&diagnosis);
    assert!(found.contains(&("remark", "expired")), "{found:?}");
    assert!(!found.iter().any(|(weight, _)| *weight == "blocker"), "{found:?}");
}

/// The doctor in a world with this device, and these files as drivers.
fn with_device(soft: &SoftToken, device: &str, modules: &[&Path]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("devices.umockdev");
    std::fs::write(&file, device).unwrap();
    let mut doctor = Command::new("umockdev-run");
    doctor.arg("-d").arg(&file).arg("--").arg(env!("CARGO_BIN_EXE_usbtoken"));
    doctor.args(["doctor", "--lang", "en"]).envs(soft.env());
    modules.iter().for_each(|path| {
        doctor.args(module(path));
    });
    json(&mut doctor)
}

/// The number is a hint: no driver sees the token, and the bank's is what is plugged in.
#[test]
fn a_device_with_the_numbers_of_the_banks_token_is_told() {
    let soft = SoftToken::fresh();
    let folder = tempfile::tempdir().unwrap();
    let profile = "version = 1\n[bank]\nname = { ja = \"銀行\", en = \"Bank\" }\n[[token]]\n\
                   uri = [\"pkcs11:token=GONE\"]\nusb = [\"0529:0620\"]\n";
    std::fs::write(folder.path().join("bank.toml"), profile).unwrap();
    let banks = folder.path().display().to_string();
    for (device, name, count) in
        [("0529:0620", "bank_device_not_seen", 1), ("0529:0621", "bank_token_absent", 0)]
    {
        let file = folder.path().join("devices.umockdev");
        std::fs::write(&file, smart_card_device(device, "SafeNet", "Token JC")).unwrap();
        let mut doctor = Command::new("umockdev-run");
        doctor.arg("-d").arg(&file).arg("--").arg(env!("CARGO_BIN_EXE_usbtoken"));
        doctor.args(["doctor", "--lang", "en", "--banks", &banks]).envs(soft.env());
        doctor.args(module(&softhsm_module()));
        let diagnosis = json(&mut doctor);
        assert_eq!(diagnosis["banks"][0]["devices"].as_array().unwrap().len(), count, "{diagnosis:#}");
        let names: Vec<_> = problems(&diagnosis).into_iter().map(|(_, name)| name).collect();
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn a_device_is_told_with_the_driver_that_it_needs() {
    let soft = SoftToken::fresh();
    let softhsm = softhsm_module();
    let etoken = smart_card_device("0529:0620", "SafeNet", "Token JC");

    let diagnosis = with_device(&soft, &etoken, &[&softhsm]);
    let device = &diagnosis["devices"][0];
    assert_eq!((&device["name"], &device["state"]), (&"SafeNet Token JC".into(), &"driver_missing".into()));
    assert_eq!(device["looked_for"][0]["file"], "libeToken.so");
    assert!(device["looked_for"][0]["folders"].to_string().contains("/usr/lib"));
    let missing =
        &diagnosis["problems"].as_array().unwrap().iter().find(|one| one["name"] == "driver_missing");
    let facts = &missing.unwrap()["facts"];
    assert_eq!(facts["device"][0], "SafeNet Token JC");
    assert!(facts["expected"][0].as_str().unwrap().starts_with("libeToken.so (/usr/lib"), "{facts}");

    // SoftHSM under the name of the token's driver: it is installed, and sees a token.
    let folder = tempfile::tempdir().unwrap();
    let driver = folder.path().join("libeToken.so");
    std::fs::copy(&softhsm, &driver).unwrap();
    let diagnosis = with_device(&soft, &etoken, &[&driver]);
    assert_eq!(diagnosis["devices"][0]["state"], "seen");

    // A file that is no driver: installed, and sees nothing.
    std::fs::write(&driver, "damaged").unwrap();
    let diagnosis = with_device(&soft, &etoken, &[&driver]);
    assert_eq!(diagnosis["devices"][0]["state"], "not_seen");
    let found = problems(&diagnosis);
    assert_eq!(found, [("blocker", "device_not_seen"), ("blocker", "driver_not_library")]);

    let reader = smart_card_device("4321:8765", "Maker", "Reader");
    let diagnosis = with_device(&soft, &reader, &[&softhsm]);
    assert_eq!(diagnosis["devices"][0]["state"], "unknown_smart_card");
}

#[test]
fn nothing_plugged_in_is_told_as_that() {
    let stage = Stage::new();
    let empty = tempfile::tempdir().unwrap();
    let conf = empty.path().join("softhsm2.conf");
    std::fs::create_dir(empty.path().join("tokens")).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\n", empty.path().join("tokens").display()))
        .unwrap();
    let softhsm = softhsm_module();
    let mut doctor = command(&stage.token, &["doctor"]);
    let diagnosis = json(doctor.args(module(&softhsm)).env("SOFTHSM2_CONF", conf));
    assert_eq!(problems(&diagnosis), [("blocker", "token_not_present")]);
}

#[test]
fn without_a_module_the_installed_drivers_are_found() {
    let stage = Stage::new();
    let home = tempfile::tempdir().unwrap();
    let softhsm = softhsm_module();
    let folder = home.path().join("usbtoken");
    std::fs::create_dir(&folder).unwrap();
    let list = format!("[[driver]]\nname = \"mine\"\npath = \"{}\"\n", softhsm.display());
    std::fs::write(folder.join("drivers.toml"), list).unwrap();
    let mut list = command(&stage.token, &["list", "--json", "--token", &stage.token.uri()]);
    let listed: Value =
        serde_json::from_slice(&output(list.env("XDG_CONFIG_HOME", home.path())).stdout).unwrap();
    assert!(!listed.as_array().unwrap().is_empty());
    let mut doctor = command(&stage.token, &["doctor"]);
    let diagnosis = json(doctor.env("XDG_CONFIG_HOME", home.path()));
    let drivers = diagnosis["drivers"].as_array().unwrap();
    assert!(drivers.iter().any(|one| one["origin"] == "user" && one["named_in"] == "mine"), "{drivers:?}");
    // The variable means that one alone.
    let diagnosis = json(command(&stage.token, &["doctor"]).env("USBTOKEN_MODULE", &softhsm));
    assert_eq!(diagnosis["drivers"].as_array().unwrap().len(), 1);
    assert_eq!(diagnosis["drivers"][0]["origin"], "environment");
}

#[test]
fn a_wait_returns_the_token_or_ends_at_its_deadline() {
    let soft = SoftToken::fresh();
    let softhsm = softhsm_module();
    let uri = soft.uri();
    let waited = json(command(&soft, &["wait", "--token", &uri]).args(module(&softhsm)));
    assert_eq!(waited["token"]["serial"], soft.serial());

    for arguments in [&["wait", "--timeout", "1"][..], &["list", "--wait", "1"]] {
        let begin = Instant::now();
        let mut wait = command(&soft, arguments);
        let output =
            wait.args(module(&softhsm)).args(["--json", "--token", "pkcs11:token=other"]).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["name"], "wait_timed_out");
        let took = begin.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
    }
}
