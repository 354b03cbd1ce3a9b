//! The command with CAs that are not ours: each issues for our request in its own default form, by its own clock,
//! with its own idea of the subject.

mod common;

use common::foreign::{Ca, Customer};
use common::{Stage, hex, pipe};
use usbtoken_testkit::{Kind, Object, Snapshot};

/// What an answer looks like when no one asks the program for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Pem,
    TextAndPem,
    Der,
    Pkcs7,
}

/// A program that issues certificates.
struct Program {
    /// Its script in `cas/`.
    script: &'static str,
    form: Form,
    /// Whether the CA's own certificate is in the answer.
    with_chain: bool,
}

impl Program {
    const fn new(script: &'static str, form: Form) -> Program {
        Program { script, form, with_chain: false }
    }
}

#[test]
fn openssl_x509() {
    renews_both_kinds(&Program::new("openssl-x509.sh", Form::Pem));
}

#[test]
fn openssl_ca() {
    renews_both_kinds(&Program::new("openssl-ca.sh", Form::TextAndPem));
}

#[test]
fn gnutls_certtool() {
    renews_both_kinds(&Program::new("certtool.sh", Form::Pem));
}

#[test]
fn nss_certutil() {
    renews_both_kinds(&Program::new("nss.sh", Form::Pem));
}

#[test]
fn cfssl() {
    renews_both_kinds(&Program::new("cfssl.sh", Form::Pem));
}

#[test]
fn strongswan_pki() {
    renews_both_kinds(&Program::new("strongswan.sh", Form::Der));
}

#[test]
fn botan() {
    renews_both_kinds(&Program::new("botan.sh", Form::Pem));
}

#[test]
fn easy_rsa() {
    renews_both_kinds(&Program::new("easy-rsa.sh", Form::TextAndPem));
}

#[test]
fn java_keytool() {
    renews_both_kinds(&Program::new("keytool.sh", Form::Der));
}

#[test]
fn python_cryptography() {
    renews_both_kinds(&Program::new("pyca.py", Form::Pem));
}

#[test]
fn bouncy_castle() {
    renews_both_kinds(&Program { with_chain: true, ..Program::new("bouncycastle.sh", Form::Pkcs7) });
}

fn renews_both_kinds(program: &Program) {
    let ca = Ca::make(program.script);
    renews_and_retires_later(program, &ca, Kind::Rsa2048);
    renews_and_retires_at_once(program, &ca, Kind::P256);
}

/// The CA's certificate is at hand only where the answer holds it, and not any more when the old one is to go: what it has shown this
/// computer keeps. Where nothing was kept, somebody has to vouch for the CA.
fn renews_and_retires_later(program: &Program, ca: &Ca, kind: Kind) {
    let (customer, first) = first_certificate(program, ca, kind);
    let one = customer.token.snapshot();
    let done = customer.run(&["renew", "--id", &hex(&first.id), "--issuer", &ca.issuer()]);
    let second = customer.new_certificate(ca, &one);
    describe(program, kind, &second);
    assert_eq!(done.notices(), [""; 0]);
    let expected = if program.with_chain { "same_issuer" } else { "not_checked" };
    assert_eq!(done.json()["issuer_continuity"], expected);
    customer.assert_signs(&first);

    let both = customer.token.snapshot();
    let id = hex(&first.id);
    let retire = ["retire", "--id", &id, "--yes"];
    let (state, aside) = (customer.stage.file("state"), customer.stage.file("aside"));
    std::fs::rename(&state, &aside).unwrap();
    customer.run(&retire).failed("retire_issuer_not_shown", 9);
    customer.token.snapshot().assert_same_as(&both);
    let _ = std::fs::remove_dir_all(&state);
    std::fs::rename(&aside, &state).unwrap();
    let anchor = ca.certificate().display().to_string();
    let with_anchor = [&retire[..], &["--trust-anchor", &anchor]].concat();
    if !program.with_chain {
        customer.run(&retire).failed("retire_issuer_not_shown", 9);
        customer.token.snapshot().assert_same_as(&both);
    }
    customer.run(if program.with_chain { &retire } else { &with_anchor }).succeeded();
    assert_replaced(&customer, &both, &first, &second);
}

fn renews_and_retires_at_once(program: &Program, ca: &Ca, kind: Kind) {
    let (customer, first) = first_certificate(program, ca, kind);
    let one = customer.token.snapshot();
    let anchor = ca.certificate().display().to_string();
    let renew = ["renew", "--id", &hex(&first.id), "--issuer", &ca.issuer()];
    let done = customer.run(&[&renew[..], &["--retire-old", "--trust-anchor", &anchor]].concat());
    assert_eq!(done.notices(), [""; 0]);
    assert_eq!(done.json()["issuer_continuity"], "verified_by_anchor");
    assert_eq!(done.json()["retired"], true);
    let now = customer.token.snapshot();
    let second = now.added_since(&one).into_iter().find(|object| object.class == "CKO_CERTIFICATE");
    let second = second.expect("a new certificate").clone();
    customer.assert_signs(&second);
    customer.assert_issued_by(ca, &second);
    describe(program, kind, &second);
    assert_replaced(&customer, &one, &first, &second);
}

/// By `request` and `install`.
fn first_certificate(program: &Program, ca: &Ca, kind: Kind) -> (Customer, Object) {
    let customer = Customer::new();
    let empty = customer.token.snapshot();
    let answer = ca.issue_for_days(&customer.first_request(kind), "20");
    assert_eq!(form_of(&answer), program.form, "{kind}");
    assert_eq!(customer.install(&answer, &[]).succeeded().notices(), [""; 0]);
    let first = customer.new_certificate(ca, &empty);
    (customer, first)
}

/// Asserts that exactly the old credential is gone, and the new one is whole.
fn assert_replaced(customer: &Customer, before: &Snapshot, old: &Object, new: &Object) {
    let now = customer.token.snapshot();
    assert_eq!(now.with_id(&old.id).count(), 0, "{now:?}");
    assert_eq!(now.with_id(&new.id).count(), 3, "{now:?}");
    for object in before.objects().iter().filter(|object| object.id != old.id) {
        assert!(now.objects().contains(object), "{object} is lost or changed");
    }
    let others = before.objects().iter().filter(|object| ![&old.id, &new.id].contains(&&object.id));
    assert_eq!(now.objects().len(), others.count() + 3);
}

/// One CA beneath another, and the forms in which CAs hand out what they issue. Where the answer holds the CA's
/// certificate, it shows that the CA is the one that issued the old certificate, so that may go.
#[test]
fn openssl_hands_out_chains_in_every_form_and_order() {
    let ca = Ca::make("chain.sh");
    let forms = [
        ("der", false),
        ("text", false),
        ("trusted", false),
        ("base64-line", false),
        ("leaf-first", true),
        ("root-first", true),
        ("text-root-first", true),
        ("der-leaf-first", true),
        ("p7-pem", true),
        ("p7-der", true),
        ("p7-text", true),
        ("p7-base64", true),
    ];
    for (at, (form, with_chain)) in forms.into_iter().enumerate() {
        println!("{form}");
        let customer = Customer::new();
        let empty = customer.token.snapshot();
        let kind = if at % 4 == 0 { Kind::Rsa2048 } else { Kind::P256 };
        let form = [("FORM", form)];
        let request = customer.first_request(kind);
        let answer = ca.issue_with(&request, &[], &[("DAYS", "20"), form[0]]);
        customer.install(&answer, &[]).succeeded();
        let first = customer.new_certificate(&ca, &empty);

        let one = customer.token.snapshot();
        let answer = ca.issue_with(&customer.next_request(&first), &[], &form);
        let done = customer.install(&answer, &["--retire-old"]);
        let expected = if with_chain { "same_issuer" } else { "not_checked" };
        assert_eq!(done.result()["issuer_continuity"], expected);
        match with_chain {
            true => {
                done.succeeded();
                let now = customer.token.snapshot();
                assert_eq!(now.with_id(&first.id).count(), 0);
                assert_eq!(now.objects().len(), one.objects().len());
            }
            false => {
                assert_eq!(done.error()["name"], "retire_issuer_not_shown");
                customer.new_certificate(&ca, &one);
            }
        }
    }
}

/// The bank changes its CA: what the new one issues is installed, and the old certificate stays.
#[test]
fn a_certificate_follows_that_of_another_ca() {
    // The second puts the two units into one set: the same attributes, so the subject is no difference.
    for script in ["openssl-ca.sh", "cfssl.sh"] {
        let ca = Ca::make(script);
        let stage = Stage::new();
        let before = stage.token.snapshot();
        let done = stage.run(&["renew", "--issuer", &ca.issuer(), "--retire-old"]);
        assert_eq!(done.notices(), ["another_issuer"], "{script}");
        assert_eq!(done.result()["issuer_continuity"], "another_issuer", "{script}");
        assert_eq!(done.error()["name"], "retire_issuer_not_shown", "{script}");
        assert_eq!(done.code, 9, "{script}");
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        assert_eq!(after.objects().len(), before.objects().len() + 3);

        // It was said once: a run every day is right from then on, and the way on works as it is named.
        let daily = stage.run(&["renew", "--issuer", &ca.issuer(), "--retire-old"]);
        assert_eq!(daily.notices(), ["old_still_kept"], "{script}");
        let daily = daily.json();
        assert_eq!((&daily["already_renewed"], &daily["retired"]), (&true.into(), &false.into()));
        stage.token.snapshot().assert_same_as(&after);
        let go_on = daily["notices"][0]["facts"]["go_on"][0].as_str().unwrap();
        assert_eq!(go_on, done.error()["facts"]["go_on"][0].as_str().unwrap());
        let named = go_on.split_once(" --serial ").expect("the old one is named").1;
        let named: Vec<&str> = named.split(' ').collect();
        stage.run(&[&["retire", "--yes", "--serial"], &named[..]].concat()).succeeded();
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0, "{go_on}");
    }
}

/// What it sent, for whoever runs the test with `--nocapture`.
fn describe(program: &Program, kind: Kind, certificate: &Object) {
    let extensions = "basicConstraints,keyUsage,extendedKeyUsage,authorityKeyIdentifier";
    let names = "RFC2253,show_type,-esc_msb,utf8";
    let show =
        ["x509", "-inform", "DER", "-noout", "-dates", "-subject", "-nameopt", names, "-ext", extensions];
    let shown = pipe("openssl", &show, certificate.bytes("Value").unwrap());
    println!("{} {kind} {:?}\n{shown}", program.script, program.form);
}

fn form_of(answer: &[u8]) -> Form {
    let pem = b"-----BEGIN CERTIFICATE-----";
    match answer.windows(pem.len()).position(|window| window == pem) {
        Some(0) => Form::Pem,
        Some(_) => Form::TextAndPem,
        // What a PKCS#7 message begins with: the OBJECT IDENTIFIER of its kind, 1.2.840.113549.1.7.
        None if answer[..16.min(answer.len())].windows(3).any(|bytes| bytes == [0x06, 0x09, 0x2a]) => {
            Form::Pkcs7
        }
        None => Form::Der,
    }
}
