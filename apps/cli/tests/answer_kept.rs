//! What the CA sends is in a file before it is examined, and every error after that names the file and the command
//! that goes on. The request that went out goes out again.

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use common::{Outcome, Stage, hex};
use serde_json::Value;
use usbtoken_testkit::{Form, Kind, NameDer, Snapshot, Text, days_from_now, shim, softhsm_module};

fn fact(error: &Value, name: &str) -> String {
    error["facts"][name][0].as_str().unwrap_or_else(|| panic!("no {name}: {error:#}")).to_owned()
}

fn has(error: &Value, name: &str) -> bool {
    error["facts"][name].is_array()
}

/// Runs the command that an error names, as a person would who copies it.
#[track_caller]
fn next_command(stage: &Stage, error: &Value) -> Outcome {
    let command = fact(error, "go_on");
    assert!(command.starts_with("usbtoken "), "{command}");
    let done = stage.shell(&format!("TEST_PIN=$(cat pin) {command} --json"));
    done.succeeded();
    done
}

fn private(path: &Path) -> bool {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600
}

#[test]
fn an_answer_that_is_none_is_kept_and_shown() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let page = "printf '\\n<html>\\033[2J\\342\\200\\256busy</html>\\nmore\\n'";
    let error = stage.run(&["renew", "--issuer", page]).error();
    assert_eq!(error["exit_code"], 6, "{error:#}");
    let saved = PathBuf::from(fact(&error, "saved_answer"));
    assert!(private(&saved) && saved.starts_with(stage.file("state/usbtoken")));
    let bytes = std::fs::read(&saved).unwrap();
    assert_eq!(fact(&error, "size"), bytes.len().to_string());
    assert_eq!(bytes, b"\n<html>\x1b[2J\xe2\x80\xaebusy</html>\nmore\n");
    assert_eq!(fact(&error, "first_line"), "\u{1b}[2J\u{202e}busy more");
    stage.token.snapshot().assert_keeps(&before);

    // The key waits: the command that is named asks again, here another issuer.
    let id = fact(&error, "id");
    assert!(fact(&error, "go_on").contains(" resume ") && fact(&error, "go_on").contains(&id));
    stage.run(&["resume", "--id", &id, "--issuer", &stage.issuer(&[])]).succeeded();
    assert_eq!(stage.kept(), Vec::<PathBuf>::new(), "nothing stays when the job is done");
    stage.token.snapshot().assert_keeps(&before);
}

#[test]
fn what_a_failing_issuer_printed_is_kept_and_can_be_installed() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!("{}; exit 7", stage.issuer(&["--form", "bundle"]));
    let error = stage.run(&["renew", "--issuer", &issuer, "--retire-old"]).failed("issuer_failed", 6);
    assert!(private(Path::new(&fact(&error, "saved_answer"))));
    stage.token.snapshot().assert_keeps(&before);
    next_command(&stage, &error);
    let after = stage.token.snapshot();
    assert_eq!(after.with_id(&stage.old.id).count(), 0, "--retire-old is in the command that goes on");
    // What a scheduler that names the old one is told by: that it was removed.
    let stays: Vec<_> = stage.kept().iter().map(|file| file.extension().unwrap().to_owned()).collect();
    assert_eq!(stays, ["removed"]);
}

#[test]
fn a_refused_answer_is_kept_beside_the_next_one() {
    let stage = Stage::new();
    let wrong = stage.renew(&[], &["--break", "server-only"]).failed("purpose_missing", 6);
    // The same file would be refused again.
    assert!(!fact(&wrong, "go_on").contains(" install "), "{wrong:#}");
    let first = std::fs::read(fact(&wrong, "saved_answer")).unwrap();
    let id = fact(&wrong, "id");
    let again = ["resume", "--id", &id, "--issuer", &stage.issuer(&["--break", "expired"])];
    let second = stage.run(&again).failed("certificate_expired", 6);
    assert_ne!(fact(&wrong, "saved_answer"), fact(&second, "saved_answer"));
    assert_eq!(std::fs::read(fact(&wrong, "saved_answer")).unwrap(), first);
}

/// As after a power failure: the answer is here, its installation never began.
#[test]
fn an_answer_that_was_kept_is_installed_without_asking_the_ca_again() {
    let stage = Stage::new();
    let issuer = format!("{}; exit 7", stage.issuer(&[]));
    let error = stage.run(&["renew", "--issuer", &issuer]).failed("issuer_failed", 6);
    let before = stage.token.snapshot();
    stage.run(&["resume", "--id", &fact(&error, "id"), "--issuer", "touch asked; false"]).succeeded();
    assert!(!stage.file("asked").exists());
    let certificates = |snapshot: &Snapshot| snapshot.of_class("CKO_CERTIFICATE").count();
    assert_eq!(certificates(&stage.token.snapshot()), certificates(&before) + 1);
}

#[test]
fn the_file_that_is_named_keeps_the_answer_and_is_never_overwritten() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("answer.pem", b"another answer");
    let done = stage.renew(&["--save-answer", "answer.pem"], &[]);
    let hint = done.failed("file_unwritable", 2)["hint"].to_string();
    assert!(hint.contains("--save-answer") && !hint.contains("--overwrite"), "{hint}");
    assert_eq!(stage.read("answer.pem"), b"another answer");
    stage.token.snapshot().assert_same_as(&before);
    stage.renew(&["--save-answer", "other.pem"], &[]).succeeded();
    assert!(String::from_utf8(stage.read("other.pem")).unwrap().contains("BEGIN CERTIFICATE"));
    assert!(private(&stage.file("other.pem")));
}

#[test]
fn without_a_state_folder_another_place_is_found_before_the_ca_is_asked() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("file", b"no folder");
    let renew = "usbtoken renew --json --pin-file pin --issuer 'touch asked; echo nothing'";
    let nowhere = format!("XDG_STATE_HOME=$PWD/file TMPDIR=/nonexistent {renew}");
    let error = stage.shell(&nowhere).failed("journal_unusable", 2);
    assert!(error["hint"].as_str().unwrap().contains("--save-answer"), "{error:#}");
    assert!(!stage.file("asked").exists());
    stage.token.snapshot().assert_same_as(&before);

    std::fs::create_dir(stage.file("tmp")).unwrap();
    let error = stage.shell(&format!("XDG_STATE_HOME=$PWD/file TMPDIR=$PWD/tmp {renew}")).error();
    let saved = PathBuf::from(fact(&error, "saved_answer"));
    assert!(saved.starts_with(stage.file("tmp")) && private(&saved));
    assert_eq!(std::fs::read(saved).unwrap(), b"nothing\n");
}

#[test]
fn a_state_folder_that_others_may_read_is_not_used() {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.file("state/usbtoken")).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(stage.file("state/usbtoken"), open).unwrap();
    stage.renew(&[], &[]).succeeded();
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
    std::fs::create_dir(stage.file("tmp")).unwrap();
    let renew = "usbtoken renew --json --pin-file pin --id 01 --force --issuer 'echo nothing'";
    let error = stage.shell(&format!("TMPDIR=$PWD/tmp {renew}")).error();
    assert!(Path::new(&fact(&error, "saved_answer")).starts_with(stage.file("tmp")), "{error:#}");
}

#[test]
fn the_request_that_went_out_goes_out_again() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::of(kind, days_from_now(11));
        let id = fact(&stage.run(&["renew", "--issuer", "tee sent >&2; exit 1"]).error(), "id");
        let sent = stage.read("sent");
        stage.run(&["resume", "--id", &id, "--issuer", "tee sent2 >&2; exit 1"]).failed("issuer_failed", 6);
        assert_eq!(stage.read("sent2"), sent, "{kind}");
        stage.run(&["resume", "--id", &id, "--out", "out.pem"]).succeeded();
        assert_eq!(stage.read("out.pem"), sent, "{kind}");
        // That CA was not given it.
        stage.run(&["renew", "--issuer", "touch asked; exit 1"]).failed("pending_exists", 9);
        assert!(!stage.file("asked").exists());
        let renewed = ["renew", "--issuer", "tee sent2 >&2; exit 1"];
        stage.run(&renewed).failed("issuer_failed", 6);
        assert_eq!(stage.read("sent2"), sent, "{kind}");
        let renewed = ["renew", "--resume", "--issuer", "tee sent3 >&2; exit 1"];
        stage.run(&renewed).failed("issuer_failed", 6);
        assert_eq!(stage.read("sent3"), sent, "{kind}");
        stage.run(&["resume", "--id", &id, "--out", "out.der", "--format", "der"]).succeeded();
        let pem = ["req", "-in", "out.der", "-inform", "der", "-verify", "-noout"];
        stage.tool("openssl", &pem).succeeded();

        // On another computer only what cannot be told from it goes out unasked.
        std::fs::remove_dir_all(stage.file("state")).unwrap();
        let elsewhere = ["resume", "--id", &id, "--issuer", "tee sent4 >&2; exit 1"];
        stage.run(&["renew", "--issuer", "tee sent3 >&2; exit 1"]).failed("pending_exists", 9);
        if kind == Kind::P256 {
            let refused = stage.run(&elsewhere).failed("request_would_differ", 9);
            assert!(refused["hint"].as_str().unwrap().contains("--sign-again"));
            assert!(!stage.file("sent4").exists());
            stage.run(&[&elsewhere[..], &["--sign-again"]].concat()).failed("issuer_failed", 6);
            assert_ne!(stage.read("sent4"), sent);
            let resigned = stage.read("sent4");
            stage.run(&["resume", "--id", &id, "--out", "out2.pem"]).succeeded();
            assert_eq!(stage.read("out2.pem"), resigned, "from now on this one");
        } else {
            stage.run(&elsewhere).failed("issuer_failed", 6);
            assert_eq!(stage.read("sent4"), sent, "one signature for one content");
        }
    }
}

/// The run ends while the request is signed: no one has it, so no one is asked.
#[test]
fn a_request_that_was_never_sent_may_be_signed_anew() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let (driver, issuer) = (softhsm_module(), stage.issuer(&[]));
    let fault = Path::new("C_Sign:exit");
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", fault)];
    let uri = stage.token.uri();
    let renew = ["renew", "--in-process", "--issuer", &issuer];
    let killed = stage.run_through(&shim(), &env, stage.token.pin(), &uri, &renew);
    assert_eq!(killed.code, 86, "{killed:?}");
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 2, "the pair waits");
    stage.run(&["renew", "--issuer", &issuer]).succeeded();
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

/// A scheduler runs the same command every day: one key, one request, and in the end one certificate.
#[test]
fn the_same_command_every_day_goes_on_with_what_waits() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!("cat >> sent; [ -e ready ] && {} < sent", stage.issuer(&[]));
    let every_day = ["renew", "--issuer", &issuer];
    stage.run(&every_day).failed("issuer_failed", 6);
    let (sent, waiting) = (stage.read("sent"), stage.token.snapshot());
    for day in 2..4 {
        stage.run(&every_day).failed("issuer_failed", 6);
        assert_eq!(stage.read("sent"), sent.repeat(day), "byte for byte");
        stage.token.snapshot().assert_same_as(&waiting);
    }
    stage.write("ready", b"");
    stage.write("sent", b"");
    stage.run(&every_day).succeeded();
    let done = stage.token.snapshot();
    assert_eq!(done.added_since(&before).len(), 3);
    let after = stage.run(&every_day).json();
    assert_eq!(after["already_renewed"], true);
    stage.token.snapshot().assert_same_as(&done);
}

/// What a person carries to the CA is not sent to another one unasked.
#[test]
fn a_request_that_a_person_carries_is_not_sent_by_itself() {
    let stage = Stage::new();
    stage.run(&["request", "--out", "request.pem"]).succeeded();
    let waiting = stage.token.snapshot();
    stage.run(&["renew", "--issuer", "touch asked; false"]).failed("pending_exists", 9);
    assert!(!stage.file("asked").exists());
    stage.token.snapshot().assert_same_as(&waiting);
    // A person says so once; from then on it is this CA's.
    let issuer = ["renew", "--issuer", "cat > sent; false"];
    stage.run(&[&issuer[..], &["--resume"]].concat()).failed("issuer_failed", 6);
    assert_eq!(stage.read("sent"), stage.read("request.pem"));
    stage.run(&issuer).failed("issuer_failed", 6);
}

/// What was demanded when the request was made holds when its answer is installed by another process.
#[test]
fn a_demand_is_kept_with_its_job() {
    let stage = Stage::new();
    let renew = ["renew", "--subject", "exact", "--issuer", "cat > sent; false"];
    stage.run(&renew).failed("issuer_failed", 6);
    let waiting = stage.token.snapshot();
    let request = stage.read("sent");
    let other = NameDer::new().common(Text::Utf8, "other").to_der();
    stage.write("other.der", &stage.ca.issue_for(&request).subject(&other).der());
    stage.run(&["install", "other.der"]).failed("subject_differs", 6);
    stage.token.snapshot().assert_same_as(&waiting);
    // The command line has the last word, but for the proof.
    stage.run(&["install", "--subject", "any", "other.der"]).succeeded();
}

#[test]
fn a_damaged_record_is_an_error_and_stays() {
    let stage = Stage::new();
    let id = fact(&stage.run(&["renew", "--issuer", "false"]).error(), "id");
    let before = stage.token.snapshot();
    let [record] = &stage.kept()[..] else { panic!("one record: {:?}", stage.kept()) };
    std::fs::write(record, "{").unwrap();
    let issuer = ["resume", "--id", &id, "--issuer", "touch asked; false"];
    let error = stage.run(&issuer).failed("journal_unusable", 2);
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("XDG_STATE_HOME") && !hint.contains("--save-answer"), "{error:#}");
    assert_eq!(fact(&error, "path"), record.display().to_string());
    assert_eq!(std::fs::read(record).unwrap(), b"{");
    assert!(!stage.file("asked").exists());
    stage.token.snapshot().assert_same_as(&before);
    std::fs::rename(record, stage.file("moved")).unwrap();
    stage.run(&["abandon", "--yes", "--id", &id]).succeeded();
}

#[test]
fn an_answer_for_another_token_names_that_token() {
    let stage = Stage::new();
    let untouched = stage.token.snapshot();
    let request = stage.request(&[]);
    let certificate = stage.ca.issue_for(&request).der();
    stage.write("answer", &stage.ca.answer(Form::Pem, &certificate));
    let other = stage.token.sibling("OTHER");
    let before = (stage.token.snapshot(), other.snapshot());
    let error = stage.run_with(other.pin(), &other.uri(), &["install", "answer"]);
    let error = error.failed("answer_for_other_token", 3);
    assert!(fact(&error, "token").contains(stage.token.serial()), "{error:#}");
    assert!(!error["next"].as_str().unwrap().contains("start"), "{error:#}");
    other.snapshot().assert_same_as(&before.1);
    stage.token.snapshot().assert_same_as(&before.0);
    next_command(&stage, &error);
    stage.token.snapshot().assert_keeps(&untouched);
    assert_eq!(stage.token.snapshot().added_since(&untouched).len(), 3);
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
}

#[test]
fn what_came_on_standard_input_is_not_lost_either() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    let wrong = stage.ca.issue_for(&request).server_only().der();
    stage.write("wrong", &stage.ca.answer(Form::Pem, &wrong));
    let error = stage.shell("usbtoken install --json --pin-file pin - < wrong").failed("purpose_missing", 6);
    assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), stage.read("wrong"));
    let error = stage.shell("echo busy | usbtoken install --json --pin-file pin -").error();
    assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), b"busy\n");
    assert!(!has(&error, "go_on"), "there is nothing to install in it: {error:#}");
    let right = stage.ca.issue_for(&request).der();
    stage.write("right", &stage.ca.answer(Form::Pem, &right));
    stage.shell("usbtoken install --json --pin-file pin - < right").succeeded();
    let kept = stage.kept();
    assert_eq!(kept.len(), 1, "only what was no answer: {kept:?}");
}

/// It came by another way and was refused for the PIN: the job knows it all the same.
#[test]
fn what_came_on_standard_input_belongs_to_its_job() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    let certificate = stage.ca.issue_for(&request).der();
    stage.write("right", &stage.ca.answer(Form::Pem, &certificate));
    stage.write("wrong-pin", b"654321");
    let install = "usbtoken install --json --pin-file wrong-pin - < right";
    let error = stage.shell(install).failed("pin_incorrect", 4);
    assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), stage.read("right"));
    let waiting = stage.token.snapshot();
    stage.run(&["resume", "--pin-corrected", "--issuer", "touch asked; false"]).succeeded();
    assert!(!stage.file("asked").exists());
    let certificates = |snapshot: &Snapshot| snapshot.of_class("CKO_CERTIFICATE").count();
    assert_eq!(certificates(&stage.token.snapshot()), certificates(&waiting) + 1);
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
}

/// The clock may be wrong: then the certificate is right, and ordered already.
#[test]
fn an_answer_that_the_clock_alone_is_against_is_not_ordered_again() {
    let stage = Stage::new();
    let error = stage.renew(&[], &["--break", "expired"]).failed("certificate_expired", 6);
    let waiting = stage.token.snapshot();
    let again = stage.run(&["resume", "--issuer", "touch asked; false"]).failed("certificate_expired", 6);
    assert!(!stage.file("asked").exists());
    assert_eq!(fact(&again, "saved_answer"), fact(&error, "saved_answer"));
    assert!(fact(&again, "go_on").contains(" install "), "{again:#}");
    stage.token.snapshot().assert_same_as(&waiting);
}

/// As when the window is closed, the connection breaks, or somebody stops the program.
#[test]
fn what_was_printed_before_a_signal_is_kept() {
    for signal in ["HUP", "QUIT", "TERM", "INT"] {
        let stage = Stage::new();
        let before = stage.token.snapshot();
        let issuer = format!("{}; kill -{signal} $PPID; exec sleep 60", stage.issuer(&[]));
        let error = stage.run(&["renew", "--issuer", &issuer]).failed("cancelled", 9);
        assert!(private(Path::new(&fact(&error, "saved_answer"))), "{signal}");
        assert!(!error["next"].as_str().unwrap().starts_with("To go on, start"), "{error:#}");
        stage.token.snapshot().assert_keeps(&before);
        assert!(fact(&error, "go_on").contains(" install "), "{error:#}");
        stage.run(&["resume", "--issuer", "touch asked; false"]).succeeded();
        assert!(!stage.file("asked").exists());
        assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
    }
}

/// No one can do anything about SIGKILL; what came before it is in a file.
#[test]
fn what_was_printed_before_the_end_without_a_word_is_kept() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!(
        "{}; until grep -q END.CERT state/usbtoken/*.answer; do sleep 0.1; done; kill -KILL $PPID",
        stage.issuer(&[])
    );
    assert_eq!(stage.run(&["renew", "--issuer", &issuer]).code, -1);
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.kept().iter().filter(|file| private(file)).count(), 2, "{:?}", stage.kept());
    stage.run(&["resume", "--issuer", "touch asked; false"]).succeeded();
    assert!(!stage.file("asked").exists());
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
}

#[test]
fn a_key_is_not_removed_unasked_and_its_answer_is_named() {
    let stage = Stage::new();
    let issuer = format!("{}; exit 7", stage.issuer(&[]));
    let error = stage.run(&["renew", "--issuer", &issuer]).failed("issuer_failed", 6);
    let (saved, before) = (fact(&error, "saved_answer"), stage.token.snapshot());
    let pending = stage.run(&["pending"]).json();
    assert_eq!(pending[0]["answer_file"], saved.as_str(), "{pending:#}");
    assert!(pending[0]["go_on"].as_str().unwrap().ends_with(&saved), "{pending:#}");
    for command in [["abandon", "--id", &fact(&error, "id")], ["retire", "--id", &hex(&stage.old.id)]] {
        let refused = stage.run(&command).failed("bad_argument", 2);
        assert!(refused["hint"].as_str().unwrap().contains("--yes"), "{refused:#}");
        let text = stage.shell(&format!("usbtoken --pin-file pin {} </dev/null", command.join(" ")));
        assert_eq!(text.code, 2, "{text:?}");
    }
    stage.token.snapshot().assert_same_as(&before);
    // A renewal installs it, whichever CA it is told to ask.
    stage.run(&["renew", "--issuer", "touch asked; false"]).succeeded();
    assert!(!stage.file("asked").exists());
    let certificates = |snapshot: &Snapshot| snapshot.of_class("CKO_CERTIFICATE").count();
    assert_eq!(certificates(&stage.token.snapshot()), certificates(&before) + 1);
}

/// A certificate, and more behind it than anyone reads.
#[test]
fn a_too_large_answer_is_kept_whole_and_not_ordered_again() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!("{}; head -c 5000000 /dev/zero | tr '\\0' '\\n'", stage.issuer(&[]));
    let error = stage.run(&["renew", "--issuer", &issuer]).failed("answer_too_large", 6);
    let saved = std::fs::read(fact(&error, "saved_answer")).unwrap();
    assert!(saved.len() > 5_000_000 && fact(&error, "size") == saved.len().to_string(), "{error:#}");
    // To install the file as it is, or to ask again, would end in the same way.
    assert!(
        !has(&error, "go_on") && error["hint"].as_str().unwrap().contains("usbtoken pending"),
        "{error:#}"
    );
    let again = stage.run(&["install", &fact(&error, "saved_answer")]).failed("answer_too_large", 6);
    assert!(fact(&again, "size") == saved.len().to_string() && !has(&again, "go_on"), "{again:#}");
    stage.token.snapshot().assert_keeps(&before);
    // Somebody takes the certificate out of it.
    stage.write("answer.pem", saved.trim_ascii_end());
    stage.run(&["install", "answer.pem"]).succeeded();
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

/// Its key was given up meanwhile: no command installs it any more, and the list of what waits is the next step.
#[test]
fn an_answer_whose_key_is_gone_names_no_command_that_fails_again() {
    let stage = Stage::new();
    let request = stage.request(&[]);
    let key = stage.run(&["pending"]).json()[0]["id"].as_str().unwrap().to_owned();
    stage.write("answer.pem", &stage.ca.answer(Form::Pem, &stage.ca.issue_for(&request).der()));
    stage.run(&["abandon", "--yes", "--id", &key]).succeeded();
    let before = stage.token.snapshot();
    let error = stage.run(&["install", "answer.pem"]).failed("pending_not_found", 3);
    assert!(
        !has(&error, "go_on") && error["hint"].as_str().unwrap().contains("usbtoken pending"),
        "{error:#}"
    );
    stage.token.snapshot().assert_same_as(&before);
}
