//! Everything that can be wrong from outside: each an error of its own that says what to do, and the token
//! afterwards holds exactly what it held before, object by object.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Outcome, Stage};
use usbtoken_testkit::{Folder, Form, Issue, Kind, SoftKey, days_from_now, softhsm_module};

#[test]
fn a_wrong_pin_is_tried_once() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    // OpenSC's spy stands between the command and SoftHSM and writes down every call.
    let spy = Path::new("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so");
    assert!(spy.exists(), "OpenSC is missing: `apt-get install opensc-pkcs11` or `cargo xtask test`");
    let (log, module) = (stage.file("spy.log"), softhsm_module());
    let env = [("PKCS11SPY", module.as_path()), ("PKCS11SPY_OUTPUT", log.as_path())];
    let arguments = ["renew", "--issuer", "false"];
    let done = stage.run_through(spy, &env, "000000", &stage.token.uri(), &arguments);
    let error = done.failed("pin_incorrect", 4);
    assert_eq!(
        (error["function"].as_str(), error["ckr"].as_str()),
        (Some("C_Login"), Some("CKR_PIN_INCORRECT"))
    );
    let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    let calls = |name: &str| log.lines().filter(|line| line.ends_with(&format!(": {name}"))).count();
    assert_eq!(calls("C_Login"), 1, "{log}");
    assert_eq!(calls("C_GenerateKeyPair"), 0);
    assert!(!done.stderr.contains("000000"), "the PIN is in the error: {}", done.stderr);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_pin_of_impossible_length_is_not_tried() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.run_with("12", &stage.token.uri(), &["renew", "--issuer", "false"]).failed("pin_length", 4);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn two_tokens_with_one_label_are_listed_and_neither_is_taken() {
    let stage = Stage::new();
    let twin = stage.token.sibling(stage.token.label());
    let (before, twin_before) = (stage.token.snapshot(), twin.snapshot());
    let done = stage.run_with(twin.pin(), "pkcs11:token=BANK", &["renew", "--issuer", "false"]);
    let error = done.failed("token_ambiguous", 3);
    let candidates = error["facts"]["candidate"].to_string();
    for serial in [stage.token.serial(), twin.serial()] {
        assert!(candidates.contains(serial), "{candidates}");
    }
    stage.token.snapshot().assert_same_as(&before);
    twin.snapshot().assert_same_as(&twin_before);
}

#[test]
fn no_token_and_another_token_differ() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.run_with("123456", "pkcs11:token=OTHER", &["list"]).failed("token_not_found", 3);
    stage.run_with("123456", "pkcs11:token=BANK?pin-value=123456", &["list"]).failed("pin_in_uri", 2);
    stage.run_with("123456", "token=BANK", &["list"]).failed("bad_uri", 2);
    stage.token.snapshot().assert_same_as(&before);

    let empty = Folder::temporary();
    let conf = empty.conf();
    let env = [("SOFTHSM2_CONF", conf.as_path())];
    let nothing = stage.run_through(
        &softhsm_module(),
        &env,
        "123456",
        "pkcs11:token=BANK",
        &["renew", "--issuer", "false"],
    );
    let name = nothing.error()["name"].as_str().unwrap().to_owned();
    // SoftHSM always shows one slot with a token that no one initialised.
    assert!(
        ["token_not_found", "token_not_present", "token_not_initialized"].contains(&&*name),
        "{nothing:?}"
    );
    assert_eq!(nothing.code, 3);
}

#[test]
fn drivers_that_are_none_are_refused_before_they_are_loaded() {
    let stage = Stage::new();
    let whole = std::fs::read(softhsm_module()).unwrap();
    stage.write("cut.so", &whole[..whole.len() / 2]);
    stage.write("text.so", b"not a library");
    let no_entry = std::fs::canonicalize("/lib/x86_64-linux-gnu/libm.so.6").unwrap();
    let rows = [
        (stage.file("missing.so"), "driver_missing", 3),
        ("libsofthsm2.so".into(), "driver_path_relative", 3),
        (stage.file("cut.so"), "driver_truncated", 3),
        (stage.file("text.so"), "driver_not_library", 3),
        (no_entry, "driver_no_entry", 3),
    ];
    for (module, name, exit) in rows {
        stage.run_through(&module, &[], "123456", "pkcs11:token=BANK", &["list"]).failed(name, exit);
    }
}

/// Answers that are refused, each with its own code.
#[test]
fn every_wrong_answer_is_an_error_of_its_own() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    let waiting = stage.token.snapshot();
    let issue = || stage.ca.issue_for(&request);
    let pem = |issue: Issue<'_>| stage.ca.answer(Form::Pem, &issue.der());
    let good = issue().der();
    let stranger = SoftKey::generate(Kind::P256).spki();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "answer_empty"),
        ("garbage", b"Service temporarily unavailable\n".to_vec(), "answer_unreadable"),
        ("truncated DER", good[..good.len() / 2].to_vec(), "answer_truncated"),
        ("another key", pem(issue().public_key(&stranger)), "key_mismatch"),
        ("the CA's own", stage.ca.answer_without_leaf(Form::Pem), "is_ca_certificate"),
        ("PKCS#7 without our leaf", stage.ca.answer_without_leaf(Form::P7), "answer_no_leaf"),
        (
            "expired",
            pem(issue().not_before(days_from_now(-9)).not_after(days_from_now(-1))),
            "certificate_expired",
        ),
        ("a CA's", pem(issue().ca(true)), "is_ca_certificate"),
        ("servers only", pem(issue().server_only()), "purpose_missing"),
        ("no signing", pem(issue().usage_without_signing()), "usage_missing"),
        ("ends no later", pem(issue().not_after(days_from_now(5))), "not_later_than_old"),
        ("the request", request.clone(), "answer_is_request"),
        ("the old one again", stage.ca.answer(Form::Pem, &stage.old.certificate), "certificate_not_awaited"),
    ];
    let mut sentences = BTreeSet::new();
    for (what, answer, name) in &rows {
        let error = stage.install(answer).failed(name, 6);
        sentences.insert(error["sentence"].to_string());
        let now = stage.token.snapshot();
        assert!(now == waiting, "{what}: {}", now.difference(&waiting));
    }
    let names: BTreeSet<_> = rows.iter().map(|row| row.2).collect();
    assert_eq!(sentences.len(), names.len(), "one sentence an error");

    // After all of that the right answer is still welcome; a second time it is a success that writes nothing.
    let answer = stage.ca.answer(Form::Bundle, &good);
    stage.install(&answer).succeeded();
    let installed = stage.token.snapshot();
    let again = stage.install(&answer).succeeded().json();
    assert_eq!(again["already_installed"], true, "{again:#}");
    stage.token.snapshot().assert_same_as(&installed);
}

#[test]
fn a_pfx_is_refused_because_it_would_import_a_key() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    stage.write("leaf.pem", &stage.ca.answer(Form::Pem, &stage.ca.issue_for(&request).der()));
    let new = ["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"];
    stage.tool("openssl", &new).succeeded();
    let self_signed = ["req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=x", "-out", "own.pem"];
    stage.tool("openssl", &self_signed).succeeded();
    let export =
        ["pkcs12", "-export", "-inkey", "key.pem", "-in", "own.pem", "-passout", "pass:x", "-out", "x.pfx"];
    stage.tool("openssl", &export).succeeded();
    let waiting = stage.token.snapshot();
    stage.run(&["install", "x.pfx"]).failed("answer_is_pfx", 6);
    stage.run(&["install", "nowhere.pem"]).failed("file_unreadable", 2);
    stage.token.snapshot().assert_same_as(&waiting);
}

/// Each with a word on what to do, and with what it is, how large, and how it begins.
#[test]
fn what_is_no_certificate_is_named() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    stage.write("c.pem", &stage.ca.answer(Form::Pem, &stage.ca.issue_for(&request).der()));
    stage.tool("gzip", &["-k", "c.pem"]).succeeded();
    stage
        .tool("openssl", &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"])
        .succeeded();
    stage.write("page.html", "<html><title>エラー</title><p>受付時間外です。</html>".as_bytes());
    stage.write("mail.eml", b"From: ca@example.jp\nSubject: certificate\n\nSee you soon.\n");
    let waiting = stage.token.snapshot();
    let rows = [
        ("c.pem.gz", "answer_is_archive", "gzip", "archive"),
        ("key.pem", "answer_is_private_key", "EC", "private key"),
        ("page.html", "answer_is_web_page", "エラー 受付時間外です。", "web page"),
        ("mail.eml", "answer_is_mail", "From: ca@example.jp", "mail"),
    ];
    for (file, name, fact, word) in rows {
        let error = stage.run(&["install", file]).failed(name, 6);
        assert!(error["facts"].to_string().contains(fact), "{error:#}");
        assert!(error["sentence"].to_string().contains(word), "{error:#}");
        stage.token.snapshot().assert_same_as(&waiting);
    }
}

#[test]
fn a_subject_that_no_ca_takes_makes_no_key() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let long = format!("CN={}", "x".repeat(65));
    for subject in ["CN=a,C=JPN", "CN=a,C=jp", r"CN=a\0ab", &long] {
        let error = stage.run(&["request", "--subject", subject, "--out", "r.pem"]).failed("bad_subject", 2);
        assert!(error["facts"].to_string().contains("expected"), "{error:#}");
        stage.token.snapshot().assert_same_as(&before);
    }
}

#[test]
fn an_answer_without_a_waiting_key_changes_nothing() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let certificate = stage.ca.issue(&stage.old.subject, &SoftKey::generate(Kind::P256).spki()).der();
    let done = stage.install(&stage.ca.answer(Form::P7Pem, &certificate));
    assert_ne!(done.code, 0, "{done:?}");
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn an_issuer_that_fails_leaves_the_old_credential_whole() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let faults = [
        ("fail", "issuer_failed"),
        ("empty", "answer_empty"),
        ("garbage", "answer_unreadable"),
        ("no-leaf --form p7", "answer_no_leaf"),
    ];
    for (fault, name) in faults {
        let done = stage.renew(&[], &["--break", fault]);
        done.failed(name, 6);
        stage.token.snapshot().assert_keeps(&before);
        drop_pending(&stage);
        stage.token.snapshot().assert_same_as(&before);
    }
}

#[test]
fn an_expired_credential_is_not_renewed() {
    let stage = Stage::of(Kind::P256, days_from_now(-2));
    let before = stage.token.snapshot();
    stage.renew(&["--id", "01"], &[]).failed("expired", 9);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_command_line_that_contradicts_itself_is_usage() {
    let stage = Stage::new();
    for arguments in
        [&["renew"][..], &["install"], &["list", "--lang", "fr"], &["renew", "--issuer", "x", "--key", "dsa"]]
    {
        let Outcome { code, stdout, .. } = stage.run(arguments);
        assert_eq!((code, &*stdout), (2, ""), "{arguments:?}");
    }
}

/// A renewal that found no answer leaves its key waiting; the next one may go on with it or drop it.
fn drop_pending(stage: &Stage) {
    stage.run(&["abandon", "--yes"]).succeeded();
}

/// A first certificate is for nothing that is there: what the URI names would be ignored.
#[test]
fn a_first_request_refuses_a_uri_that_names_an_object() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    for more in [";id=%01", ";object=old", ";type=private"] {
        let uri = format!("{}{more}", stage.token.uri());
        let request = ["request", "--subject", "CN=new,O=Firm", "--out", "new.pem"];
        let error = stage.run_with(stage.token.pin(), &uri, &request).failed("bad_argument", 2);
        assert_eq!(error["facts"]["reason"][0], "first_names_no_object", "{error:#}");
        assert!(!stage.file("new.pem").exists());
    }
    stage.token.snapshot().assert_same_as(&before);
}
