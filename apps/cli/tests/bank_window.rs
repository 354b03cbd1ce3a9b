//! The bank's window holds for the end of a job too: what was ordered around it takes no one's place before its time.

mod common;

use common::bank::{install, profile, run};
use common::login::DEMANDS;
use common::{Stage, servers};
use usbtoken_testkit::{Form, Kind, days_from_now, manual_subject, serial_hex};

/// A credential that the bank renews in half a year.
fn early() -> Stage {
    Stage::alone(Kind::P256, days_from_now(200))
}

const MAY: &str = "may_override = [\"drivers\", \"issuer\", \"timeout\"";

fn with(stage: &Stage, changes: &[(&str, &str)]) {
    let text = profile(stage, |text| text.replace("old = \"keep\"", "old = \"ask\""));
    let changed = changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    install(stage, "bank", &changed);
}

/// The subject on the token, as RFC 4514 writes it, with its attributes in another order.
fn attributes(order: [usize; 5]) -> String {
    let all = [
        "CN=login031 A001 202003041536 3656560435",
        "OU=USB TOKEN",
        "OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4",
        "O=(9936)NTT DATA CORPORATION",
        "C=JP",
    ];
    order.map(|at| all[at]).join(",")
}

/// Orders a first certificate for this name, lets the CA write the old one's name into it, and installs it.
fn ordered(stage: &Stage, subject: &str) -> String {
    run(stage, &["request", "--subject", subject, "--out", "request.pem", "--overwrite"]).succeeded();
    let issue = stage.ca.issue_for(&stage.read("request.pem")).subject(&manual_subject().to_der());
    let certificate = issue.not_after(days_from_now(600)).der();
    stage.write("answer", &stage.ca.answer(Form::Der, &certificate));
    run(stage, &["install", "answer"]).succeeded();
    serial_hex(&certificate)
}

fn names(text: &str) -> Vec<String> {
    let upper = text.to_uppercase();
    vec![text.to_owned(), upper, text.replace(' ', "  ")]
}

/// However it is spelled, it is the name of the credential that is there.
#[test]
fn a_name_in_another_order_is_no_other_name() {
    let stage = early();
    with(&stage, &[]);
    let before = stage.token.snapshot();
    let mut spelled = names(&attributes([0, 1, 2, 3, 4]));
    spelled.extend(names(&attributes([4, 3, 2, 1, 0])));
    spelled.push(attributes([1, 3, 0, 4, 2]));
    spelled.push(attributes([0, 2, 1, 3, 4]).replacen(",OU=", "+OU=", 1));
    spelled.push(format!("{},OU=usb token", attributes([0, 1, 2, 3, 4])));
    for subject in spelled {
        // Two blanks may make a value too long, which is another rule.
        let error = run(&stage, &["request", "--subject", &subject, "--out", "request.pem"]);
        error.failed("not_yet_renewable", 9);
    }
    stage.token.snapshot().assert_same_as(&before);
}

/// A first certificate for a name that means nothing, or another one, is no renewal that anyone sees; it takes the place of none
/// before the bank would have renewed it.
#[test]
fn what_was_ordered_before_the_window_takes_no_ones_place() {
    let changed = attributes([0, 1, 2, 3, 4]).replace("A001", "A002");
    for subject in ["CN=dummy", &changed, &format!("{},OU=more", attributes([0, 1, 2, 3, 4]))] {
        let stage = early();
        with(&stage, &[]);
        let old = serial_hex(&stage.old.certificate);
        let new = ordered(&stage, subject);
        let before = stage.token.snapshot();
        let retire = ["retire", "--yes", "--serial", &old, "--successor", &new];
        let error = run(&stage, &retire).failed("retire_before_window", 9);
        for fact in ["ordered_on", "window_opens", "date"] {
            assert_eq!(error["facts"][fact][0].as_str().map(str::len), Some(10), "{fact}: {error:#}");
        }
        stage.token.snapshot().assert_same_as(&before);
        assert!(error["contacts"][0].is_string(), "{error:#}");

        // Who is let to override the window decides.
        with(&stage, &[(MAY, &format!("{MAY}, \"window\""))]);
        run(&stage, &retire).succeeded();
        assert!(stage.token.snapshot().with_id(&stage.old.id).next().is_none());
    }
}

/// A login that worked says that the bank takes the new one, and not that it lets the old one go.
#[test]
fn a_confirmation_does_not_open_the_window() {
    let stage = early();
    let server = servers::nginx(&stage, DEMANDS);
    let root = String::from_utf8(stage.read("ca/root.pem")).unwrap();
    let address = "https://www.gaitame.example.jp/login\"";
    let named = format!("{}\"\nlogin_anchors = ['''{root}''']", server.url("/login"));
    with(&stage, &[(address, &named), ("old = \"ask\"", "old = \"remove-after-confirmation\"")]);
    let (old, new) = (serial_hex(&stage.old.certificate), ordered(&stage, "CN=dummy"));
    let before = stage.token.snapshot();
    run(&stage, &["confirm", "--serial", &new]).succeeded();
    let retire = ["retire", "--yes", "--serial", &old, "--successor", &new];
    run(&stage, &retire).failed("retire_before_window", 9);
    stage.token.snapshot().assert_same_as(&before);
}

/// A renewal that was forced before there was a profile is one that the bank did not let anyone begin.
#[test]
fn a_renewal_that_was_forced_elsewhere_counts_as_early_too() {
    let stage = early();
    let done = stage.renew(&["--force", "--id", "01"], &["--days", "800"]).json();
    let old = done["replaced"]["serial"].as_str().unwrap().to_owned();
    with(&stage, &[]);
    let before = stage.token.snapshot();
    run(&stage, &["retire", "--yes", "--serial", &old]).failed("retire_before_window", 9);
    // A run every day has nothing to do, also where the old one goes by itself.
    with(&stage, &[("old = \"ask\"", "old = \"remove\"")]);
    run(&stage, &["renew", "--serial", &old, "--issuer", "false"]).succeeded();
    stage.token.snapshot().assert_same_as(&before);
    // Without a bank there is no rule but the person's.
    let anchor = stage.file("ca/ca.pem").display().to_string();
    stage.run(&["retire", "--yes", "--serial", &old, "--trust-anchor", &anchor]).succeeded();
}
