//! 「USBトークンへの更新」: the old certificate is on this computer, the new key and the new certificate go onto the token.

#[path = "../common/mod.rs"]
mod common;
#[path = "onto_token/profile.rs"]
mod profile;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use common::{DAY, at, read, refused, run};
use tempfile::TempDir;
use usbtoken::bank::{KeyRule, OtherUsers, RequestForm};
use usbtoken::driver::Loading;
use usbtoken::error::Notice;
use usbtoken::overview::{Listed, Overview};
use usbtoken::pki::{IssuerContinuity, SignatureAlgorithm, SubjectRule};
use usbtoken::places::{self, OldCertificate, Password, Place};
use usbtoken::renewal::{PendingState, PointResult, PreflightPoint};
use usbtoken::{Certificate, Code, Finder, Install, Pin, Policy, Renewal, Result, Run, Session, Token};
use usbtoken_testkit::{
    Form, Kind, NameDer, ParsedRequest, SoftToken, TestCa, Text, days_from_now, manual_subject,
    verify_with_certificate,
};

/// A computer with a certificate in files, and the token that the bank has sent: empty.
struct Desk {
    soft: SoftToken,
    ca: TestCa,
    files: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let files = tempfile::tempdir().unwrap();
        let ca = TestCa::at(&files.path().join("ca"));
        Desk { soft: SoftToken::fresh(), ca, files }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn openssl(&self, words: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl").args(words).current_dir(self.files.path()).output().unwrap();
        assert!(output.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes `NAME.key` and `NAME.pem`, a certificate of the bank's CA that ends then.
    fn old_until(&self, name: &str, not_after: SystemTime) -> Certificate {
        let key = format!("{name}.key");
        self.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
        let spki = self.openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER"]);
        let issue = self
            .ca
            .issue(&manual_subject().to_der(), &spki)
            .not_before(not_after - 365 * DAY)
            .not_after(not_after);
        let old = Certificate::from_der(&issue.der()).unwrap();
        std::fs::write(self.file(&format!("{name}.pem")), old.to_pem()).unwrap();
        old
    }

    /// The old certificate, which ends in 11 days, in `old.pem` and, with its key and the password, in `old.p12`.
    fn old(&self) -> OldCertificate {
        self.old_until("old", days_from_now(11));
        places::read_file(&self.file("old.pem"), None).unwrap().only().unwrap()
    }

    fn export(&self, name: &str, password: &str, more: &[&str]) -> PathBuf {
        std::fs::write(self.file("password"), password).unwrap();
        let (pem, key, p12) = (format!("{name}.pem"), format!("{name}.key"), format!("{name}.p12"));
        let words =
            ["pkcs12", "-export", "-in", &pem, "-inkey", &key, "-passout", "file:password", "-out", &p12];
        self.openssl(&[&words[..], more].concat());
        self.file(&p12)
    }

    fn token(&self) -> Token {
        Finder::new().module(self.soft.module()).find(&self.soft.uri().parse().unwrap()).unwrap()
    }

    fn session(&self) -> Session {
        self.token().login(Pin::new(self.soft.pin().into())).unwrap()
    }
}

fn read_file(path: &Path, password: &str) -> Result<places::InPlace> {
    places::read_file(path, Some(&Password::new(password)))
}

#[test]
fn the_certificate_with_the_key_is_the_one_that_is_meant() {
    let desk = Desk::new();
    let old = desk.old_until("old", days_from_now(11));
    let other = desk.old_until("other", days_from_now(30));
    let ca = Certificate::from_der(desk.ca.issuing()).unwrap();
    std::fs::write(desk.file("more.pem"), [ca.to_pem(), other.to_pem()].concat()).unwrap();
    let path = desk.export("old", "ひみつ", &["-certfile", "more.pem"]);
    let moved = desk.file("旧 証明書（山田）.p12");
    std::fs::rename(&path, &moved).unwrap();
    let found = read_file(&moved, "ひみつ").unwrap().only().unwrap();
    assert_eq!(found.certificate(), &old);
    assert_eq!(found.place(), &Place::File(moved.clone()));

    // Without a key there it is not known.
    std::fs::write(desk.file("both.pem"), [old.to_pem(), other.to_pem(), ca.to_pem()].concat()).unwrap();
    let both = places::read_file(&desk.file("both.pem"), None).unwrap();
    let error = refused(both.clone().only(), Code::OldAmbiguous);
    assert_eq!(error.facts().filter(|(fact, _)| fact.name() == "candidate").count(), 2);
    let serial = other.serial().to_string().to_uppercase();
    assert_eq!(both.clone().by_serial(&serial).unwrap().only().unwrap().certificate(), &other);
    refused(both.by_serial("0badbad0"), Code::OldNotFound);
}

#[test]
fn files_that_are_no_old_certificate_have_their_errors() {
    let desk = Desk::new();
    let old = desk.old_until("old", days_from_now(11));
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(desk.file(name), bytes).unwrap();
        desk.file(name)
    };
    let p12 = desk.export("old", "secret", &[]);
    let cut = std::fs::read(&p12).unwrap();
    let request = desk.openssl(&["req", "-new", "-key", "old.key", "-subj", "/CN=x"]);
    let alone = |path: &Path| places::read_file(path, None).and_then(places::InPlace::only);
    for (path, code) in [
        (desk.file("nowhere.pem"), Code::FileUnreadable),
        (desk.files.path().to_owned(), Code::FileUnreadable),
        (write("empty", b""), Code::OldFileUnusable),
        (write("request.pem", &request), Code::OldFileUnusable),
        (desk.file("old.key"), Code::OldFileUnusable),
        (write("page.html", b"<html><body>login</body></html>"), Code::OldFileUnusable),
        (write("large.pem", &vec![b'x'; places::MAX_FILE + 1]), Code::OldFileTooLarge),
        (
            write("ca.pem", Certificate::from_der(desk.ca.issuing()).unwrap().to_pem().as_bytes()),
            Code::OldIsCa,
        ),
        (p12.clone(), Code::Pkcs12PasswordNeeded),
        (write("cut.p12", &cut[..cut.len() / 2]), Code::Pkcs12Damaged),
    ] {
        let error = refused(alone(&path), code);
        assert!(error.facts().any(|(fact, _)| matches!(fact.name(), "path" | "place")), "{error}");
    }
    refused(read_file(&p12, "Secret"), Code::Pkcs12PasswordWrong);
    desk.openssl(&[
        "pkcs12", "-export", "-nocerts", "-inkey", "old.key", "-passout", "pass:x", "-out", "key.p12",
    ]);
    refused(read_file(&desk.file("key.p12"), "x"), Code::OldFileUnusable);
    for bytes in [old.der().to_vec(), [b"\xef\xbb\xbf", old.to_pem().as_bytes()].concat()] {
        assert_eq!(alone(&write("form", &bytes)).unwrap().certificate(), &old);
    }
}

#[test]
fn a_renewal_goes_from_a_file_onto_an_empty_token() {
    let desk = Desk::new();
    let before = std::fs::read(desk.old().place().to_string().trim_start_matches("file:")).unwrap();
    let old = read_file(&desk.export("old", "秘密", &["-legacy"]), "秘密").unwrap().only().unwrap();
    let renewal = Renewal::of(&old);
    assert!(renewal.preflight(&desk.token(), &run()).can_begin());
    let session = desk.session();
    let pending = renewal.begin(&session, &run()).unwrap();
    assert!(pending.old().is_none());
    assert_eq!(pending.old_certificate().unwrap().certificate(), old.certificate());

    // What the old one says goes into the request, byte for byte.
    let request = ParsedRequest::parse(pending.request().to_der()).unwrap();
    assert_eq!(request.subject, old.subject().der());
    let purposes = request.extension("2.5.29.37").unwrap();
    assert_eq!(purposes, [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2], "client authentication");
    let answer = desk.ca.answer(Form::P7, &desk.ca.issue_for(pending.request().to_der()).der());
    let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
    assert_eq!(installed.issuer, IssuerContinuity::SameIssuer);
    assert!(installed.replaced.is_none());
    assert_eq!(installed.old_elsewhere.unwrap().certificate(), old.certificate());
    assert!(
        installed.notices.iter().all(|notice| *notice != Notice::OldNotCompared),
        "{:?}",
        installed.notices
    );
    let new = installed.credential;
    let signature = desk.soft.sign(new.id(), b"x");
    assert!(verify_with_certificate(new.certificate().der(), b"x", &signature));
    assert_eq!(desk.soft.snapshot().objects().len(), 3);
    assert_eq!(std::fs::read(desk.file("old.pem")).unwrap(), before);

    // A second time there is nothing to do.
    let written = desk.soft.snapshot();
    for session in [session, desk.session()] {
        let error = refused(renewal.begin(&session, &run()), Code::AlreadyRenewed);
        let by: &usbtoken::renewal::Renewed = error.value().unwrap();
        assert_eq!(&by.by.certificate, new.certificate());
    }
    let seen = renewal.preflight(&desk.token(), &run());
    assert!(seen.points.iter().any(|point| format!("{:?}", point.state).contains("SaidRenewed")), "{seen:?}");
    desk.soft.snapshot().assert_same_as(&written);
}

#[test]
fn days_later_the_old_one_is_found_again() {
    let desk = Desk::new();
    let old = desk.old();
    let pending = Renewal::of(&old).begin(&desk.session(), &run()).unwrap();
    let kept = serde_json::to_string(pending.old_certificate().unwrap()).unwrap();
    drop(pending);
    let session = desk.session();
    let waiting = desk.soft.snapshot();
    let [key] = session.pending().unwrap().try_into().unwrap();
    assert_eq!(
        (key.state(), key.is_first(), key.is_from_elsewhere()),
        (PendingState::AwaitingAnswer, false, true)
    );
    assert!(key.renews(old.certificate()));
    assert_eq!(key.doubt(), Some("old_certificate_not_there"));
    assert_eq!(key.clone().renewing(old.certificate()).doubt(), None);
    let other = desk.old_until("other", days_from_now(11));
    assert!(!key.renews(&other) && key.clone().renewing(&other).doubt().is_some());

    // Another renewal of the same one waits for the first.
    refused(Renewal::of(&old).begin(&session, &run()), Code::PendingExists);
    let pending = Renewal::of(&old).resume(&session, &key, &run()).unwrap();
    let issue = desk.ca.issue_for(pending.request().to_der());
    let wrong = OldCertificate::given(other.der()).unwrap();
    let answer = read(&issue.der());
    refused(Install::new(&answer).old(&wrong).run(&session, &run()), Code::OldNotOfJob);
    // It is compared with the old one.
    let old: OldCertificate = serde_json::from_str(&kept).unwrap();
    let early = desk.ca.issue_for(pending.request().to_der()).not_after(days_from_now(5));
    refused(Install::new(&read(&early.der())).old(&old).run(&session, &run()), Code::NotLaterThanOld);
    let named = desk.ca.issue_for(pending.request().to_der()).subject(&other_subject());
    let policy = common::policy(|policy| policy.subject = SubjectRule::Exact);
    let strict = Install::new(&answer).policy(&policy);
    let foreign = read(&named.der());
    refused(Install::new(&foreign).policy(&policy).old(&old).run(&session, &run()), Code::SubjectDiffers);
    desk.soft.snapshot().assert_same_as(&waiting);
    let installed = strict.old(&old).run(&session, &run()).unwrap();
    assert_eq!(installed.old_elsewhere.unwrap().place(), old.place());
}

fn other_subject() -> Vec<u8> {
    "CN=Somebody,O=Else".parse::<usbtoken::pki::Name>().unwrap().der().to_vec()
}

#[test]
fn without_the_old_one_nothing_is_compared_and_that_is_said() {
    let desk = Desk::new();
    let pending = Renewal::of(desk.old()).begin(&desk.session(), &run()).unwrap();
    let answer = desk.ca.issue_for(pending.request().to_der()).der();
    drop(pending);
    let installed = common::install(&desk.session(), &answer).unwrap();
    assert!(
        installed.notices.iter().any(|notice| *notice == Notice::OldNotCompared),
        "{:?}",
        installed.notices
    );
}

#[test]
fn what_cannot_be_renewed_leaves_the_token_as_it_was() {
    let desk = Desk::new();
    let of = |not_after| OldCertificate::given(desk.old_until("old", not_after).der()).unwrap();
    let (early, ended, open) = (of(days_from_now(100)), of(days_from_now(-3)), of(days_from_now(11)));
    let session = desk.session();
    let again = |policy: Policy| Renewal::of(&open).policy(&policy);
    let old_key = again(common::policy(|policy| policy.key = KeyRule::OldAgain));
    let signed = again(common::policy(|policy| policy.request = RequestForm::SignedByOldKey));
    for (renewal, code) in [
        (Renewal::of(&early), Code::NotYetRenewable),
        (Renewal::of(&ended), Code::Expired),
        (old_key, Code::OldKeyElsewhere),
        (signed, Code::OldKeyElsewhere),
    ] {
        let error = refused(renewal.preflight(&desk.token(), &run()).into_notices(), code);
        assert!(error.facts().any(|(fact, value)| fact.name() == "place" && value == "given"), "{error}");
        refused(renewal.begin(&session, &run()), code);
        assert!(desk.soft.snapshot().objects().is_empty());
    }
    let clock = at(SystemTime::now() + 80 * DAY);
    assert!(Renewal::of(&early).preflight(&desk.token(), &clock).can_begin());
    let ca = OldCertificate::given(desk.ca.issuing());
    refused(ca, Code::OldIsCa);
    refused(OldCertificate::given(b"x"), Code::OldFileUnusable);
}

/// The old key signs too, wherever it is; what it signs is verified.
#[test]
fn the_old_key_signs_where_it_is() {
    let desk = Desk::new();
    let old = desk.old();
    let key = desk.file("old.key");
    let sign = move |_: SignatureAlgorithm, message: &[u8]| -> Result<Vec<u8>> {
        let folder = key.parent().unwrap();
        std::fs::write(folder.join("message"), message).unwrap();
        let signed = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign", "old.key", "message"])
            .current_dir(folder)
            .output()
            .unwrap();
        Ok(signed.stdout)
    };
    let false_one =
        |_: SignatureAlgorithm, _: &[u8]| -> Result<Vec<u8>> { Ok(vec![0x30, 6, 2, 1, 1, 2, 1, 1]) };
    let renewal = Renewal::of(&old).form(RequestForm::SignedByOldKey);
    let session = desk.session();
    refused(renewal.begin(&session, &run().old_key(&false_one)), Code::OldKeySignatureInvalid);
    assert!(desk.soft.snapshot().objects().is_empty(), "the new key went with its request");
    let pending = renewal.begin(&session, &run().old_key(&sign)).unwrap();
    let cms = pending.renewal_request().unwrap();
    std::fs::write(desk.file("request.p7"), cms.to_der()).unwrap();
    std::fs::write(desk.file("ca-of-old.pem"), Certificate::from_der(desk.ca.issuing()).unwrap().to_pem())
        .unwrap();
    desk.openssl(&[
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "request.p7",
        "-noverify",
        "-out",
        "request.der",
    ]);
    assert_eq!(std::fs::read(desk.file("request.der")).unwrap(), pending.request().to_der());
}

#[test]
fn another_users_credential_stays_as_it_is() {
    let desk = Desk::new();
    let other = desk.soft.first_credential(&desk.ca, Kind::P256, days_from_now(20));
    let before = desk.soft.snapshot();
    let old = desk.old();
    let session = desk.session();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = read(&desk.ca.issue_for(pending.request().to_der()).der());
    let installed = Install::new(&answer).run_for(&session, &pending, &run()).unwrap();
    desk.soft.snapshot().assert_keeps(&before);
    assert!(installed.credential.certificate().der() != other.certificate);
    let all = session.credentials().unwrap();
    let there = all.iter().find(|one| one.certificate().der() == other.certificate).unwrap();
    assert!(there.successor().is_none());
}

/// What was renewed onto another token is known where the old one is, though that token is not plugged in.
#[test]
fn a_certificate_that_was_renewed_onto_another_token_is_renewed_on_none() {
    let desk = Desk::new();
    desk.old();
    let old = desk.soft.first_credential(&desk.ca, Kind::P256, days_from_now(11)).certificate;
    std::fs::write(desk.file("theirs.der"), &old).unwrap();
    let theirs = places::read_file(&desk.file("theirs.der"), None).unwrap().only().unwrap();
    let state = desk.file("state");
    let kept = || run().installations_in(&state);
    let onto = desk.soft.sibling("NEW");
    let token = Finder::new().module(onto.module()).find(&onto.uri().parse().unwrap()).unwrap();
    let session = token.login(Pin::new(onto.pin().into())).unwrap();
    let pending = Renewal::of(&theirs).begin(&session, &kept()).unwrap();
    let answer = read(&desk.ca.issue_for(pending.request().to_der()).der());
    let new = Install::new(&answer).run_for(&session, &pending, &kept()).unwrap();
    assert_eq!(kept().renewed_onto(theirs.certificate()).unwrap().1, *new.credential.certificate());

    let also = [Place::File(desk.file("theirs.der"))];
    let list = |run: &Run<'_>| {
        let read = Overview::read(Vec::new(), &also, &Loading::default(), &Policy::default(), run.now());
        read.unwrap().knowing(run).list
    };
    let is_theirs = |one: &Listed| one.old().certificate() == theirs.certificate();
    let known = list(&kept()).into_iter().find(is_theirs).unwrap();
    assert_eq!(known.not_renewable_because(), Some(Code::AlreadyRenewed));
    assert_eq!(known.renewed_by().unwrap().0.label, "NEW");
    assert_eq!(list(&run()).into_iter().find(is_theirs).unwrap().not_renewable_because(), None);

    let before = desk.soft.snapshot();
    let session = desk.session();
    let own = session.credentials().unwrap().only().unwrap();
    let renewal = Renewal::of(&own);
    let seen = renewal.preflight(session.token(), &kept());
    let remarked = |found: &PreflightPoint| match &found.state {
        PointResult::Warning(warning) => warning.notice == Notice::RenewedOnOtherToken,
        _ => false,
    };
    assert!(seen.can_begin() && seen.points.iter().any(remarked), "{seen:?}");
    refused(renewal.begin(&session, &kept()), Code::AlreadyRenewed);
    desk.soft.snapshot().assert_same_as(&before);
    renewal.although_renewed().begin(&session, &kept()).unwrap();
}

/// Whether the old certificate is where it was is said as far as that can be seen without a password.
#[test]
fn an_old_certificate_is_looked_for_in_its_place() {
    let desk = Desk::new();
    let (_, other) = (desk.old_until("old", days_from_now(11)), desk.old_until("other", days_from_now(12)));
    let p12 = desk.export("old", "geheim", &[]);
    let old = read_file(&p12, "geheim").unwrap().only().unwrap();
    // As it is kept from one process to the other.
    let old: OldCertificate = serde_json::from_str(&serde_json::to_string(&old).unwrap()).unwrap();
    let there = || places::is_there(&old, &Loading::default());
    assert_eq!(there(), Some(true));
    let read = |path: PathBuf| std::fs::read(path).unwrap();
    for (content, expected) in [
        (read(desk.export("other", "geheim", &[])), None),
        (other.der().to_vec(), Some(false)),
        (read(desk.file("old.pem")), Some(true)),
    ] {
        std::fs::write(&p12, content).unwrap();
        assert_eq!(there(), expected);
    }
    std::fs::remove_file(&p12).unwrap();
    assert_eq!(there(), Some(false));
}

/// A certificate that is on the token too is renewed as the token's.
#[test]
fn a_file_with_the_tokens_own_certificate_means_the_tokens() {
    let desk = Desk::new();
    let there = desk.soft.first_credential(&desk.ca, Kind::P256, days_from_now(11));
    let session = desk.session();
    let old = OldCertificate::given(&there.certificate).unwrap();
    // Its key is on the token, so that it can be used again.
    let reuse = common::policy(|policy| policy.key = KeyRule::OldAgain);
    assert!(Renewal::of(&old).policy(&reuse).preflight(session.token(), &run()).can_begin());
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    assert_eq!(pending.old().unwrap().certificate().der(), there.certificate);
    let answer = read(&desk.ca.issue_for(pending.request().to_der()).der());
    let installed = Install::new(&answer).run_for(&session, &pending, &run()).unwrap();
    assert!(installed.replaced.is_some() && installed.old_elsewhere.is_none());
}

/// Another program has stored the answer under another identifier: it is written beside its key, and held against the old one where that is
/// at hand.
#[test]
fn an_answer_that_stands_apart_is_compared_with_the_old_one_elsewhere() {
    for given in [true, false] {
        let desk = Desk::new();
        let old = desk.old();
        let pending = Renewal::of(&old).begin(&desk.session(), &run()).unwrap();
        let answer = desk.ca.issue_for(pending.request().to_der()).der();
        drop(pending);
        desk.soft.inspect(|inspector| inspector.write_certificate(&answer, &[0x55], "vendor"));
        let (session, answer) = (desk.session(), read(&answer));
        let install = Install::new(&answer);
        let install = if given { install.old(&old) } else { install };
        let done = install.run(&session, &run()).unwrap();
        let told = |notice| done.notices.iter().any(|one| *one == notice);
        assert!(told(Notice::CertificateApart));
        assert_eq!((told(Notice::OldNotCompared), done.old_elsewhere.is_some()), (!given, given));
    }
}

/// What took its place is told where another is wanted all the same. In the name of another user who is there it stops, and the follower
/// itself is no other user.
#[test]
fn what_took_the_place_of_one_elsewhere_is_told_or_stops() {
    let name = |common: &str| NameDer::new().country("JP").common(Text::Utf8, common).to_der();
    let alone = common::policy(|policy| policy.other_users = OtherUsers::Refuse);
    for (follower, bob_is_there, code) in [
        (manual_subject().to_der(), false, Code::AlreadyRenewed),
        (name("Alice"), false, Code::SuccessorDoubtful),
        (name("Bob"), true, Code::RenewedForAnother),
    ] {
        let desk = Desk::new();
        if bob_is_there {
            desk.soft.credential(&desk.ca, Kind::P256, &[7], &name("Bob"), days_from_now(20));
        }
        let old = desk.old();
        let renewal = Renewal::of(&old);
        let pending = renewal.begin(&desk.session(), &run()).unwrap();
        let label = String::from_utf8(pending.label().unwrap().to_vec()).unwrap();
        let answer = desk.ca.issue_for(pending.request().to_der()).subject(&follower).der();
        desk.soft.inspect(|inspector| inspector.write_certificate(&answer, pending.key_id(), &label));
        drop(pending);
        let session = desk.session();
        let before = desk.soft.snapshot();
        refused(renewal.begin(&session, &run()), code);
        desk.soft.snapshot().assert_same_as(&before);
        let again = renewal.although_renewed();
        let again = if bob_is_there { again } else { again.policy(&alone) };
        let begun = again.begin(&session, &run()).unwrap();
        assert!(begun.notices().iter().any(|one| *one == Notice::Renewed), "{code:?}");
    }
}

#[test]
fn an_abandoned_job_leaves_nothing() {
    let desk = Desk::new();
    let old = desk.old();
    let session = desk.session();
    Renewal::of(&old).begin(&session, &run()).unwrap();
    let [key] = session.pending().unwrap().try_into().unwrap();
    // A record that may have been copied from another token goes only when a person names it.
    refused(session.abandon(&key, &run()), Code::RemovalDoubtful);
    session.abandon(&key.renewing(old.certificate()), &run()).unwrap();
    assert!(desk.soft.snapshot().objects().is_empty());
}
