//! Certificates as CAs should not issue them, made with OpenSSL: what is installed all the same, what is said, and
//! what is on the token afterwards, object by object.

mod common;

use common::foreign::{Ca, Customer};
use common::hex;
use usbtoken_testkit::{Kind, Object, Snapshot};

/// A customer whose certificate of this CA ends in 20 days and whose next request waits.
struct Waiting {
    customer: Customer,
    old: Object,
    request: Vec<u8>,
    /// Last year's answer.
    yesterday: Vec<u8>,
    before: Snapshot,
    now: Snapshot,
}

impl Waiting {
    fn at(ca: &Ca) -> Waiting {
        let customer = Customer::new();
        let empty = customer.token.snapshot();
        let yesterday = ca.issue_for_days(&customer.first_request(Kind::P256), "20");
        customer.install(&yesterday, &[]).succeeded();
        let old = customer.new_certificate(ca, &empty);
        let before = customer.token.snapshot();
        let request = customer.next_request(&old);
        let now = customer.token.snapshot();
        Waiting { customer, old, request, yesterday, before, now }
    }

    /// Asserts that the answer is refused with this code, and that the token holds exactly what it held.
    #[track_caller]
    fn refuses(&self, answer: &[u8], more: &[&str], name: &str) {
        self.customer.install(answer, more).failed(name, 6);
        self.customer.token.snapshot().assert_same_as(&self.now);
    }

    /// Asserts that the answer is installed with these warnings; returns the new certificate.
    #[track_caller]
    fn takes(&self, answer: &[u8], warnings: &[&str]) -> Object {
        let done = self.customer.install(answer, &[]);
        assert_eq!(done.succeeded().notices(), warnings);
        self.customer.run(&["list"]).succeeded();
        self.customer.added_credential(&self.before)
    }

    /// Asserts that the old credential cannot be removed, even by who vouches for the CA.
    #[track_caller]
    fn keeps_the_old(&self, ca: &Ca, name: &str) {
        let both = self.customer.token.snapshot();
        let anchor = ca.certificate().display().to_string();
        let retire = ["retire", "--yes", "--id", &hex(&self.old.id), "--trust-anchor", &anchor];
        self.customer.run(&retire).failed(name, 9);
        self.customer.token.snapshot().assert_same_as(&both);
        self.customer.assert_signs(&self.old);
    }
}

/// RFC 5280 §4.1.2.2 demands a positive number of at most 20 bytes, and that others are borne with gracefully.
#[test]
fn odd_serial_numbers_are_taken() {
    let ca = Ca::make("openssl-x509.sh");
    let rows = [
        ("negative", "-1"),
        ("zero", "0"),
        ("20 bytes with the top bit, 21 in DER", "0x80000000000000000000000000000000000000ff"),
        ("20 bytes in DER with the top bit: negative", "-0x7f00000000000000000000000000000000000001"),
    ];
    for (what, serial) in rows {
        println!("{what}");
        let waiting = Waiting::at(&ca);
        waiting.takes(&ca.issue(&waiting.request, &["-set_serial", serial]), &[]);
        waiting.customer.new_certificate(&ca, &waiting.before);
    }
}

/// RFC 5280 §4.1.2.5: 99991231235959Z says that there is no end.
#[test]
fn a_certificate_without_end_is_taken() {
    let ca = Ca::make("openssl-ca.sh");
    let waiting = Waiting::at(&ca);
    waiting.takes(&ca.issue(&waiting.request, &["-enddate", "99991231235959Z"]), &[]);
    let new = waiting.customer.new_certificate(&ca, &waiting.before);
    let list = waiting.customer.run(&["list"]).json();
    let entry = list.as_array().unwrap().iter().find(|entry| entry["id"] == *hex(&new.id)).unwrap();
    assert_eq!(entry["not_after_unix"], 253_402_300_799_i64);
    // There is no day to count to, and none on which the window opens.
    assert!(entry["days_left"].is_null() && entry["renewable_from"].is_null(), "{entry:#}");
}

#[test]
fn another_subject_is_installed_with_a_warning_and_removes_nothing() {
    let ca = Ca::make("openssl-x509.sh");
    for subject in ["/C=JP/O=Another Customer/CN=login031 A001 202603041536 1", "/"] {
        println!("{subject}");
        let waiting = Waiting::at(&ca);
        let answer = ca.issue(&waiting.request, &["-subj", subject]);
        waiting.refuses(&answer, &["--subject", "exact"], "subject_differs");
        waiting.takes(&answer, &["subject_changed"]);
        waiting.keeps_the_old(&ca, "retire_no_successor");
    }
}

#[test]
fn another_common_name_is_nothing_to_speak_of() {
    let ca = Ca::make("openssl-ca.sh");
    let waiting = Waiting::at(&ca);
    let subject =
        "/C=JP/O=(9936)NTT DATA CORPORATION/OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4/OU=営業部/CN=new";
    let answer = ca.issue(&waiting.request, &["-utf8", "-subj", subject]);
    waiting.refuses(&answer, &["--subject", "exact"], "subject_differs");
    waiting.takes(&answer, &[]);
}

#[test]
fn a_certificate_that_begins_later_is_installed_and_removes_nothing_before() {
    let ca = Ca::make("openssl-ca.sh");
    for ahead in ["5 minutes", "1 day"] {
        println!("{ahead}");
        let waiting = Waiting::at(&ca);
        let begin = common::pipe("date", &["-u", "-d", ahead, "+%Y%m%d%H%M%SZ"], b"");
        let answer = ca.issue(&waiting.request, &["-startdate", begin.trim(), "-days", "365"]);
        waiting.takes(&answer, &["not_yet_valid"]);
        waiting.keeps_the_old(&ca, "retire_not_begun");
    }
}

#[test]
fn a_certificate_of_another_ca_is_installed_and_removes_nothing() {
    let ca = Ca::make("openssl-x509.sh");
    let rows = [
        ("the same name, another key", Ca::make("openssl-x509.sh"), &[][..]),
        ("another name", Ca::make("openssl-ca.sh"), &["another_issuer"][..]),
    ];
    for (what, other, warnings) in rows {
        println!("{what}");
        let waiting = Waiting::at(&ca);
        waiting.takes(&other.issue(&waiting.request, &[]), warnings);
        waiting.keeps_the_old(&ca, "retire_issuer_not_shown");
    }
}

#[test]
fn what_is_not_for_us_is_refused_and_the_right_answer_is_welcome_afterwards() {
    let ca = Ca::make("openssl-ca.sh");
    let waiting = Waiting::at(&ca);
    let for_another_key = ca.issue(&request_of_another(&waiting), &[]);
    waiting.refuses(&for_another_key, &[], "key_mismatch");
    waiting.refuses(&waiting.yesterday, &[], "certificate_not_awaited");
    waiting.refuses(&forged(&waiting, &ca), &[], "issuer_signature_invalid");

    let answer = ca.issue(&waiting.request, &[]);
    waiting.takes(&answer, &[]);
    let done = waiting.customer.token.snapshot();
    let again = waiting.customer.install(&answer, &[]);
    assert_eq!(again.notices(), ["already_installed"]);
    waiting.customer.token.snapshot().assert_same_as(&done);
}

/// The same subject, a key in a file.
fn request_of_another(waiting: &Waiting) -> Vec<u8> {
    let new = ["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "other.key"];
    waiting.customer.stage.tool("openssl", &new).succeeded();
    let subject = "/C=JP/O=(9936)NTT DATA CORPORATION/CN=login031 A001";
    let request = ["req", "-new", "-key", "other.key", "-subj", subject, "-out", "other.pem"];
    waiting.customer.stage.tool("openssl", &request).succeeded();
    waiting.customer.stage.read("other.pem")
}

/// A certificate that names this CA as its issuer, by name and key identifier, and is signed by somebody else; and
/// the CA's own certificate beside it.
fn forged(waiting: &Waiting, ca: &Ca) -> Vec<u8> {
    let path = ca.certificate().display().to_string();
    let shown = ["x509", "-in", &path, "-noout", "-ext", "subjectKeyIdentifier"];
    let shown = waiting.customer.stage.tool("openssl", &shown);
    let identifier = shown.succeeded().stdout.lines().nth(1).expect("the identifier").trim().to_owned();
    let extension = format!("subjectKeyIdentifier={identifier}");
    let stranger = Ca::make_with("openssl-ca.sh", &["-addext", &extension]);
    let certificate = stranger.issue(&waiting.request, &[]);
    [certificate, std::fs::read(ca.certificate()).unwrap()].concat()
}
