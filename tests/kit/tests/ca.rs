//! The test CA, examined by OpenSSL.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use usbtoken_testkit::{Form, Kind, ParsedRequest, SoftKey, TestCa, days_from_now, manual_subject, program};

#[test]
fn openssl_follows_the_chain() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let dir = tempfile::tempdir().unwrap();
        let ca = TestCa::of_kind(kind);
        ca.save(dir.path());
        let spki = SoftKey::generate(Kind::P384).spki();
        let leaf = ca.issue(&manual_subject().to_der(), &spki).der();
        std::fs::write(dir.path().join("leaf.pem"), ca.answer(Form::Pem, &leaf)).unwrap();
        let arguments = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "root.pem"];
        let said = openssl(dir.path(), &[&arguments[..], &["-untrusted", "ca.pem", "leaf.pem"]].concat());
        assert_eq!(said.trim(), "leaf.pem: OK");
        let shown =
            openssl(dir.path(), &["x509", "-in", "leaf.pem", "-noout", "-subject", "-nameopt", "utf8"]);
        assert!(shown.contains("(9936)ANSER-WEB(BizSOL) TEST CA - G4"), "{shown}");
        assert!(shown.contains("login031 A001 202003041536 3656560435"), "{shown}");
    }
}

#[test]
fn a_spoilt_signature_and_an_expired_certificate_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ca = TestCa::new();
    ca.save(dir.path());
    let spki = SoftKey::generate(Kind::P256).spki();
    let issue = || ca.issue(&manual_subject().to_der(), &spki);
    let wrong = [
        issue().spoil_signature().der(),
        issue().not_before(days_from_now(-9)).not_after(days_from_now(-1)).der(),
        issue().not_before(days_from_now(1)).der(),
        issue().server_only().der(),
    ];
    for der in wrong {
        std::fs::write(dir.path().join("leaf.pem"), ca.answer(Form::Pem, &der)).unwrap();
        let mut command = Command::new("openssl");
        command.args([
            "verify",
            "-purpose",
            "sslclient",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "ca.pem",
            "leaf.pem",
        ]);
        assert!(!command.current_dir(dir.path()).output().unwrap().status.success());
    }
}

#[test]
fn openssl_reads_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let ca = TestCa::new();
    let leaf = ca.issue(&manual_subject().to_der(), &SoftKey::generate(Kind::P256).spki()).der();
    for form in Form::ALL {
        std::fs::write(dir.path().join("answer"), ca.answer(form, &leaf)).unwrap();
        let count = match form {
            Form::Der => {
                openssl(dir.path(), &["x509", "-inform", "DER", "-in", "answer", "-noout"]);
                1
            }
            Form::Pem => openssl(dir.path(), &["storeutl", "-certs", "answer"]).matches("BEGIN CERT").count(),
            Form::Bundle => {
                openssl(dir.path(), &["storeutl", "-certs", "answer"]).matches("BEGIN CERT").count()
            }
            Form::P7 => count_in_pkcs7(dir.path(), "DER"),
            Form::P7Pem => count_in_pkcs7(dir.path(), "PEM"),
            Form::P7Base64 => {
                let der = openssl(dir.path(), &["base64", "-d", "-in", "answer", "-out", "der"]);
                assert_eq!(der, "");
                std::fs::rename(dir.path().join("der"), dir.path().join("answer")).unwrap();
                count_in_pkcs7(dir.path(), "DER")
            }
        };
        assert_eq!(count, if matches!(form, Form::Der | Form::Pem) { 1 } else { 3 }, "{form}");
    }
}

#[test]
fn the_program_answers_a_request_of_openssl() {
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"]);
    let subject = "/O=(9936)NTT DATA CORPORATION/OU=one/OU=two/CN=login031 A001";
    let request = openssl(dir.path(), &["req", "-new", "-key", "key.pem", "-subj", subject]);
    let (code, answer) = ask(dir.path(), request.as_bytes(), &[]);
    assert_eq!(code, 0);
    std::fs::write(dir.path().join("leaf.pem"), answer).unwrap();
    let said =
        openssl(dir.path(), &["verify", "-CAfile", "ca/root.pem", "-untrusted", "ca/ca.pem", "leaf.pem"]);
    assert_eq!(said.trim(), "leaf.pem: OK");

    let (code, answer) = ask(dir.path(), request.as_bytes(), &["--break", "fail"]);
    assert_eq!((code, answer.len()), (3, 0));
    let (code, answer) = ask(dir.path(), b"not a request", &[]);
    assert_eq!((code, answer.len()), (1, 0));
}

#[test]
fn a_request_with_a_wrong_signature_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), &["ecparam", "-genkey", "-name", "secp384r1", "-noout", "-out", "key.pem"]);
    let new =
        ["req", "-new", "-sha384", "-key", "key.pem", "-subj", "/CN=x", "-outform", "DER", "-out", "r.der"];
    openssl(dir.path(), &new);
    let mut der = std::fs::read(dir.path().join("r.der")).unwrap();
    ParsedRequest::parse(&der).unwrap();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(ParsedRequest::parse(&der).unwrap_err(), "the request is not signed by its own key");
}

#[test]
fn the_program_begins_its_certificates_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let request = request_of_openssl(dir.path(), "/CN=login031 A001");
    let begin = |options: &[&str]| {
        answer_of(dir.path(), &request, options);
        let show = ["x509", "-in", "leaf.pem", "-noout", "-startdate", "-dateopt", "iso_8601"];
        let shown = openssl(dir.path(), &show);
        let date = shown.trim().strip_prefix("notBefore=").unwrap().replace(' ', "T");
        let date: der::DateTime = date.parse().unwrap();
        SystemTime::UNIX_EPOCH + date.unix_duration()
    };
    // A certificate begins in a whole second.
    let since = |start: SystemTime, span: u64| start + Duration::from_secs(span) - Duration::from_secs(1);
    let start = SystemTime::now();
    let late = begin(&["--begin", "now", "--late", "2"]);
    assert!(since(start, 2) < late && late <= SystemTime::now());
    assert!(begin(&["--begin", "backdated"]) < start - Duration::from_secs(3500));
    for (word, span) in [("30s", 30), ("5m", 300), ("1d", 86_400)] {
        let start = SystemTime::now();
        assert!(begin(&["--begin", word]) > since(start, span), "{word}");
    }
    let slow = begin(&["--begin", "now", "--slow", "2"]);
    assert!(slow < SystemTime::now() - Duration::from_secs(2), "the answer comes later than it was made");
}

#[test]
fn the_program_names_the_customer_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let subject = "/C=JP/O=NTT DATA/OU=ANSER-WEB(BizSOL) TEST CA - G4/OU=営業部/CN=login031 A001 1 2";
    let request = request_of_openssl(dir.path(), subject);
    let subject = |naming| {
        answer_of(dir.path(), &request, &["--naming", naming]);
        let names = "RFC2253,show_type,-esc_msb";
        openssl(dir.path(), &["x509", "-in", "leaf.pem", "-noout", "-subject", "-nameopt", names])
    };
    let units = "OU=UTF8STRING:営業部,OU=UTF8STRING:ANSER-WEB(BizSOL) TEST CA - G4";
    assert!(
        subject("kept").contains(&format!("CN=UTF8STRING:login031 A001 1 2,{units}")),
        "{}",
        subject("kept")
    );
    assert_eq!(
        subject("recoded").trim(),
        "subject=CN=PRINTABLESTRING:login031 A001 1 2,OU=UTF8STRING:営業部,\
         OU=PRINTABLESTRING:ANSER-WEB(BizSOL) TEST CA - G4,O=PRINTABLESTRING:NTT DATA,C=PRINTABLESTRING:JP"
    );
    let own = subject("own-common-name");
    assert!(own.starts_with("subject=CN=PRINTABLESTRING:login031 A001 20") && own.contains(units), "{own}");
    let next = subject("new-generation");
    assert!(
        next.contains("OU=UTF8STRING:ANSER-WEB(BizSOL) TEST CA - G5") && next.contains("営業部"),
        "{next}"
    );
    assert!(next.starts_with("subject=CN=PRINTABLESTRING:login031 A001 20"), "{next}");
}

#[test]
fn the_program_says_not_yet_as_often_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let request = request_of_openssl(dir.path(), "/CN=login031 A001");
    let not_yet = ["--not-yet", "2"];
    let (code, word) = ask(dir.path(), &request, &not_yet);
    assert_eq!((code, word.len()), (1, 17), "sixteen digits and the end of the line");
    assert_eq!(ask(dir.path(), &request, &not_yet), (1, word));
    answer_of(dir.path(), &request, &not_yet);
}

fn request_of_openssl(dir: &Path, subject: &str) -> Vec<u8> {
    openssl(dir, &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"]);
    openssl(dir, &["req", "-new", "-utf8", "-key", "key.pem", "-subj", subject]).into_bytes()
}

/// What the program answers, written to `leaf.pem`.
#[track_caller]
fn answer_of(dir: &Path, request: &[u8], options: &[&str]) {
    let (code, answer) = ask(dir, request, options);
    assert_eq!(code, 0, "{options:?}");
    std::fs::write(dir.join("leaf.pem"), answer).unwrap();
}

fn ask(dir: &Path, request: &[u8], more: &[&str]) -> (i32, Vec<u8>) {
    let mut command = Command::new(program("test-ca"));
    command.args(["--dir", "ca"]).args(more).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(request).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), output.stdout)
}

fn count_in_pkcs7(dir: &Path, form: &str) -> usize {
    let shown = openssl(dir, &["pkcs7", "-inform", form, "-in", "answer", "-print_certs"]);
    shown.matches("BEGIN CERT").count()
}

fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap_or_else(|error| {
        panic!("openssl cannot be started ({error}): `apt-get install openssl` or `cargo xtask test`")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
