//! Every check has its own error, with both values, and can be relaxed, except for the key.

use std::time::Duration;

use super::*;
use crate::pki::openssl::{LEAF, OpenSsl, SUBJECT};

struct Case {
    openssl: OpenSsl,
    old: Certificate,
    key: PublicKey,
    now: SystemTime,
}

fn case() -> Case {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("old", "P-256");
    let old = openssl.issue("old", "ca", SUBJECT, LEAF, "-days 11 -set_serial 7");
    let key = openssl.key("new", "P-256");
    let now = old.not_before() + Duration::from_secs(3600);
    Case { openssl, old, key, now }
}

impl Case {
    fn expectation(&self) -> Expectation<'_> {
        Expectation {
            public_key: &self.key,
            subject: Some(self.old.subject()),
            subject_rule: SubjectRule::Exact,
            old: Some(&self.old),
            now: self.now,
        }
    }

    fn issue(&self, subject: &str, extensions: &str, options: &str) -> Certificate {
        self.openssl.issue("new", "ca", subject, extensions, options)
    }

    /// The leaf fails with this code, passes when this check is relaxed, and not when all others are.
    #[track_caller]
    fn fails(
        &self,
        expectation: &Expectation<'_>,
        leaf: &Certificate,
        check: Check,
        code: Code,
    ) -> Vec<String> {
        let error = expectation.check(leaf, Relax::NONE).unwrap_err();
        assert_eq!((error.code(), error.step()), (code, Some(Step::CheckCertificate)));
        expectation.check(leaf, Relax::NONE.and(check)).unwrap();
        let others: Relax = Check::ALL.iter().copied().filter(|other| *other != check).collect();
        assert_eq!(expectation.check(leaf, others).unwrap_err().code(), code);
        let kinds: Vec<Fact> = error.facts().map(|(fact, _)| fact).take(2).collect();
        assert_eq!(kinds, [Fact::Expected, Fact::Found]);
        error.facts().map(|(_, value)| value.to_owned()).collect()
    }
}

#[test]
fn the_certificate_that_was_asked_for_passes() {
    let case = case();
    let leaf = case.issue(SUBJECT, LEAF, "-days 365");
    case.expectation().check(&leaf, Relax::NONE).unwrap();
    let first = Expectation { old: None, ..case.expectation() };
    first.check(&leaf, Relax::NONE).unwrap();
    let bare = case.issue(SUBJECT, "basicConstraints=CA:FALSE", "-days 365");
    case.expectation().check(&bare, Relax::NONE).unwrap();
}

#[test]
fn another_key_never_passes() {
    let case = case();
    let all: Relax = Check::ALL.iter().copied().collect();
    let error = case.expectation().check(&case.old, all).unwrap_err();
    assert_eq!(error.code(), Code::AnswerNoLeaf);
    let values: Vec<&str> = error.facts().map(|(_, value)| value).collect();
    assert!(values.len() == 2 && values[0] != values[1]);
}

#[test]
fn another_subject() {
    let case = case();
    let leaf = case.issue("/O=other/CN=x", LEAF, "-days 365");
    let said = case.fails(&case.expectation(), &leaf, Check::Subject, Code::SubjectDiffers);
    assert!(said[0].starts_with("CN=TARO YAMADA 0001,OU=second") && said[1] == "CN=x,O=other", "{said:?}");
}

/// Only the demand for the same bytes refuses: what breaks the default rule is a warning with both names.
#[test]
fn another_subject_is_a_warning_unless_it_was_demanded() {
    let case = case();
    let expectation = Expectation { subject_rule: SubjectRule::default(), ..case.expectation() };
    let warned = |subject: &str, relax| {
        let leaf = case.issue(subject, LEAF, "-days 365");
        expectation.check(&leaf, relax).unwrap();
        expectation.warnings(&leaf, relax)
    };
    let other_name = SUBJECT.replace("TARO YAMADA 0001", "202611261536");
    assert!(warned(SUBJECT, Relax::NONE).is_empty() && warned(&other_name, Relax::NONE).is_empty());
    let other = warned("/O=other/CN=x", Relax::NONE);
    assert!(matches!(&other[..], [one] if *one == Notice::SubjectChanged), "{other:?}");
    let facts: Vec<(Fact, &str)> = other[0].facts().collect();
    assert_eq!(facts[1], (Fact::Found, "CN=x,O=other"));
    assert!(facts[0].0 == Fact::Expected && facts[0].1.starts_with("CN=TARO YAMADA"), "{facts:?}");
    assert!(warned("/O=other/CN=x", Relax::NONE.and(Check::Subject)).is_empty());
    let any = Expectation { subject_rule: SubjectRule::Any, ..expectation };
    assert!(any.warnings(&case.issue("/O=other", LEAF, "-days 365"), Relax::NONE).is_empty());
}

#[test]
fn the_same_subject_in_another_encoding() {
    let case = case();
    let leaf = case.issue(SUBJECT, LEAF, "-days 365");
    let reencoded: super::super::Name = leaf.subject().to_string().parse().unwrap();
    let expectation = Expectation { subject: Some(&reencoded), ..case.expectation() };
    let said = case.fails(&expectation, &leaf, Check::Subject, Code::SubjectDiffers);
    assert_ne!(said[0], said[1]);
    // By the default rule it is the same.
    let expectation = Expectation { subject_rule: SubjectRule::default(), ..expectation };
    assert!(expectation.warnings(&leaf, Relax::NONE).is_empty());
}

#[test]
fn not_valid_now() {
    let case = case();
    let leaf = case.issue(SUBJECT, LEAF, "-days 365");
    let second = Duration::from_secs(1);
    let at = |now| Expectation { now, ..case.expectation() };
    at(leaf.not_before()).check(&leaf, Relax::NONE).unwrap();
    at(leaf.not_after()).check(&leaf, Relax::NONE).unwrap();
    // A CA stamps the moment of issue, and clocks are off: that is no failure, and both times are told.
    let early = at(leaf.not_before() - second);
    early.check(&leaf, Relax::NONE).unwrap();
    let warnings = early.warnings(&leaf, Relax::NONE);
    assert!(matches!(&warnings[..], [one] if *one == Notice::NotYetValid), "{warnings:?}");
    let facts: Vec<(Fact, &str)> = warnings[0].facts().collect();
    assert!(matches!(facts[..], [(Fact::Now, now), (Fact::Begins, begin)] if now < begin), "{facts:?}");
    assert!(at(leaf.not_before()).warnings(&leaf, Relax::NONE).is_empty());
    let late = at(leaf.not_after() + second);
    let said = case.fails(&late, &leaf, Check::Validity, Code::CertificateExpired);
    assert!(said[0].ends_with(" JST") && said[1].ends_with(" JST") && said[0] > said[1], "{said:?}");
}

#[test]
fn not_later_than_the_old_one() {
    let case = case();
    let leaf = case.issue(SUBJECT, LEAF, "-days 10");
    case.fails(&case.expectation(), &leaf, Check::LaterThanOld, Code::NotLaterThanOld);
}

#[test]
fn the_old_serial_number() {
    let case = case();
    let leaf = case.issue(SUBJECT, LEAF, "-days 365 -set_serial 7");
    case.fails(&case.expectation(), &leaf, Check::Serial, Code::SerialSame);
    case.openssl.ca("other");
    let leaf = case.openssl.issue("new", "other", SUBJECT, LEAF, "-days 365 -set_serial 7");
    case.expectation().check(&leaf, Relax::NONE).unwrap();
}

#[test]
fn a_ca_certificate() {
    let case = case();
    let leaf = case.issue(SUBJECT, "basicConstraints=CA:TRUE", "-days 365");
    case.fails(&case.expectation(), &leaf, Check::NotCa, Code::IsCaCertificate);
}

#[test]
fn another_purpose_or_usage() {
    let case = case();
    let leaf = case.issue(SUBJECT, "extendedKeyUsage=serverAuth", "-days 365");
    let said = case.fails(&case.expectation(), &leaf, Check::Purpose, Code::PurposeMissing);
    assert_eq!(said, ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
    // The older extension, alone and beside the newer one, which it may not contradict.
    for extensions in
        ["nsCertType=server", "nsCertType=email,objsign", "extendedKeyUsage=clientAuth\nnsCertType=server"]
    {
        let leaf = case.issue(SUBJECT, extensions, "-days 365");
        let said = case.fails(&case.expectation(), &leaf, Check::Purpose, Code::PurposeMissing);
        assert_eq!(said, ["1.3.6.1.5.5.7.3.2", "nsCertType"], "{extensions}");
    }
    let leaf = case.issue(SUBJECT, "nsCertType=client,email", "-days 365");
    case.expectation().check(&leaf, Relax::NONE).unwrap();
    let leaf = case.issue(SUBJECT, "keyUsage=keyAgreement", "-days 365");
    let said = case.fails(&case.expectation(), &leaf, Check::Usage, Code::UsageMissing);
    assert_eq!(said, ["digitalSignature", "keyAgreement"]);
}

#[test]
fn names_of_checks_are_read_back() {
    for check in Check::ALL {
        assert_eq!(check.to_string().parse::<Check>().unwrap(), *check);
        assert!(Relax::NONE.and(*check).contains(*check) && !Relax::NONE.contains(*check));
    }
    assert_eq!("key".parse::<Check>().unwrap_err().code(), Code::BadArgument);
}
