//! What a URI names, whose a job is, and why objects cannot be read.

use super::*;
use crate::TokenUri;
use crate::contents::{BegunBy, PendingKey, WhyUnreadable};

fn uri(text: &str) -> TokenUri {
    text.parse().unwrap()
}

fn waiting(made: &Made) -> PendingKey {
    let mut pending = made.contents().pending(made).unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.remove(0)
}

fn job(label: &[u8]) -> PendingKey {
    waiting(&Made::default().pair(12, b"new", label, &key().0))
}

#[test]
fn a_uri_names_a_pending_key_by_its_own_attributes_or_those_of_the_old_one() {
    let bank = Bank::new();
    let key = waiting(&bank.waiting());
    let label = String::from_utf8(bank.record.label().to_vec()).unwrap();
    for named in [
        "pkcs11:token=any",
        "pkcs11:id=new",
        "pkcs11:id=new;type=private",
        "pkcs11:id=old",
        "pkcs11:object=bank",
        "pkcs11:id=old;object=bank;type=cert",
        &format!("pkcs11:object={label}"),
        &format!("pkcs11:id=new;object={label}"),
    ] {
        assert!(key.is_named_by(&uri(named)), "{named}");
    }
    for other in [
        "pkcs11:id=other",
        "pkcs11:object=other",
        "pkcs11:id=new;object=other",
        "pkcs11:id=new;object=bank",
        "pkcs11:id=new;type=data",
        "pkcs11:id=old;type=secret-key",
        &format!("pkcs11:id=other;object={label}"),
    ] {
        assert!(!key.is_named_by(&uri(other)), "{other}");
    }
}

#[test]
fn a_uri_names_a_credential_by_every_attribute_that_it_has() {
    let bank = Bank::new();
    let made = Made::default().certificate(1, b"old", "bank", bank.old.der()).pair(
        2,
        b"old",
        b"label of the key",
        bank.old.public_key(),
    );
    let found = |text: &str| made.contents().credentials().named_by(&uri(text)).is_ok();
    for named in [
        "pkcs11:token=any",
        "pkcs11:id=old",
        "pkcs11:object=bank",
        "pkcs11:id=old;object=bank",
        "pkcs11:object=bank;type=cert",
        "pkcs11:object=label%20of%20the%20key;type=private",
        "pkcs11:object=label%20of%20the%20key",
    ] {
        assert!(found(named), "{named}");
    }
    for other in [
        "pkcs11:id=other",
        "pkcs11:object=other",
        "pkcs11:id=old;object=other",
        "pkcs11:id=other;object=bank",
        "pkcs11:object=bank;type=private",
        "pkcs11:object=label%20of%20the%20key;type=cert",
        "pkcs11:id=old;type=data",
        "pkcs11:id=old;type=secret-key",
    ] {
        assert!(!found(other), "{other}");
    }
    let keyless = Made::default().certificate(1, b"old", "bank", bank.old.der()).contents().credentials();
    assert_eq!(
        keyless.named_by(&uri("pkcs11:id=old;type=private")).unwrap_err().code(),
        Code::CredentialNotFound
    );
}

/// An unreadable object under the name that is meant is the answer; one under another is not.
#[test]
fn a_uri_that_names_an_unreadable_object_says_that_it_is_unreadable() {
    let bank = Bank::new();
    let made = bank.before().certificate(21, b"broken", "broken", b"not a certificate");
    let only = |text: &str| made.contents().credentials().named_by(&uri(text))?.only();
    for named in ["pkcs11:id=broken", "pkcs11:object=broken", "pkcs11:id=broken;object=broken"] {
        assert_eq!(only(named).unwrap_err().code(), Code::CredentialUnreadable, "{named}");
    }
    for other in ["pkcs11:id=broken;object=other", "pkcs11:id=other;object=broken"] {
        assert_eq!(only(other).unwrap_err().code(), Code::CredentialNotFound, "{other}");
    }
    assert_eq!(only("pkcs11:id=old").unwrap().id(), b"old");
}

#[test]
fn why_an_object_cannot_be_read() {
    let bank = Bank::new();
    let der = bank.old.der();
    for (value, why) in [
        (&der[..der.len() - 1], WhyUnreadable::Truncated),
        (&der[..3], WhyUnreadable::Truncated),
        (b"\x31\x82\x05\x00\x01", WhyUnreadable::NotACertificate),
        (b"\x30\x00", WhyUnreadable::NotACertificate),
        (b"", WhyUnreadable::NotACertificate),
    ] {
        let made = Made::default().certificate(21, b"x", "label", value);
        let credentials = made.contents().credentials();
        let [unreadable] = credentials.unreadable() else { panic!("{credentials:?}") };
        assert_eq!(unreadable.reason, why, "{value:02x?}");
        assert_eq!(unreadable.to_string(), format!("id 78, label \"label\", {} bytes", value.len()));
    }
}

fn page(origin: &str) -> Caller {
    Caller::Page(origin.into())
}

fn program(name: &str) -> Caller {
    Caller::Program(name.into())
}

#[test]
fn a_job_may_be_gone_on_with_by_who_began_it() {
    let made_by =
        |caller: &Caller| job(Record::new(Date::constant(2026, 11, 26), None, caller).unwrap().label());
    let bank = page("https://bank.example:443");
    let other = page("https://other.example:443");
    let callers = [Caller::Command, program(""), program("one"), program("two"), bank.clone(), other];
    for (by, begun_by, may) in [
        (Caller::Command, BegunBy::Command, [true, true, false, false, false, false]),
        (program(""), BegunBy::Program, [true, true, true, true, false, false]),
        (program("one"), BegunBy::Program, [false, false, true, false, false, false]),
        (bank, BegunBy::Page, [false, false, false, false, true, false]),
    ] {
        let job = made_by(&by);
        assert_eq!(callers.each_ref().map(|caller| job.is_for(caller)), may, "{by}");
        assert_eq!(
            callers.each_ref().map(|caller| job.is_by(caller)),
            callers.each_ref().map(|one| *one == by)
        );
        assert_eq!(job.begun_by(), begun_by);
        assert_eq!((job.since(), job.day()), ("2026-11-26".to_owned(), Date::constant(2026, 11, 26)));
        assert!(job.is_first() && job.concerns().is_none());
    }
    let former = job(b"usbtoken:20261122:first");
    assert_eq!(former.begun_by(), BegunBy::PreviousRelease);
    assert_eq!(
        callers.each_ref().map(|caller| former.is_for(caller)),
        [true, true, true, true, false, false]
    );
}

#[test]
fn a_job_is_as_old_as_the_days_in_japan() {
    let job = job(b"usbtoken:20261122:first");
    // 15:00 in UTC is the next day in Japan.
    let at = |text: &str| std::time::SystemTime::from(text.parse::<jiff::Timestamp>().unwrap());
    assert_eq!(job.age_days(at("2026-11-22T14:59:59Z")), 0);
    assert_eq!(job.age_days(at("2026-11-22T15:00:00Z")), 1);
    assert_eq!(job.age_days(at("2026-12-22T00:00:00Z")), 30);
}

#[test]
fn a_job_tells_for_whom_its_certificate_is() {
    let bank = Bank::new();
    let renewal = waiting(&bank.waiting());
    assert_eq!(renewal.for_whom(), Some(bank.old.subject().to_string()));
    assert_eq!(renewal.concerns(), Some("05".to_owned()));
    assert!(!renewal.is_first() && !renewal.may_be_for(bank.old.subject()));

    let named = |name: &str| {
        let der = TestCa::new().issue(&NameDer::new().common(Text::Utf8, name).to_der(), &key().1).der();
        Certificate::from_der(&der).unwrap()
    };
    let (one, two) = (named("営業部"), named("SALES"));
    let record = record_for(None);
    let first = job(&record.label_for(one.subject()).unwrap());
    assert_eq!(first.for_whom().as_deref(), Some("営業部"));
    assert!(first.may_be_for(one.subject()) && !first.may_be_for(two.subject()));
    assert_eq!(first.label(), [record.label(), " 営業部".as_bytes()].concat());
    // Tokens pad; a token that refused the longer label tells nobody.
    let padded = job(&[&record.label_for(one.subject()).unwrap()[..], b"  \0"].concat());
    assert_eq!((padded.for_whom().as_deref(), padded.label()), (Some("営業部"), first.label()));
    let silent = job(record.label());
    assert_eq!(silent.for_whom(), None);
    assert!(silent.may_be_for(one.subject()) && silent.may_be_for(two.subject()));
}

/// The text for people has room for every name, and no more than every token keeps.
#[test]
fn a_long_name_is_cut_where_a_character_ends() {
    let label = |name: &str| {
        let der = TestCa::new().issue(&NameDer::new().common(Text::Utf8, name).to_der(), &key().1).der();
        let certificate = Certificate::from_der(&der).unwrap();
        record_for(None).label_for(certificate.subject()).map(|label| label[32..].to_vec())
    };
    let fits = "a".repeat(96);
    assert_eq!(label(&fits), Some(format!(" {fits}").into_bytes()));
    assert_eq!(label(&format!("{fits}b")), Some(format!(" {fits}").into_bytes()));
    assert_eq!(label(&format!("a{}", "銀".repeat(32))), Some(format!(" a{}", "銀".repeat(31)).into_bytes()));
    assert_eq!(label("two\nlines"), Some(b" twolines".to_vec()));
    assert_eq!(label(" \t "), None);
}

#[test]
fn a_public_key_says_before_the_login_that_a_job_waits() {
    let bank = Bank::new();
    let first = record_for(None);
    let seems = |made: &Made, old: Option<&Certificate>, wanted: bool| {
        let objects = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
        Contents::of(objects, false).seems_pending(old, |_| wanted)
    };
    let waiting = bank.waiting();
    assert!(seems(&waiting, Some(&bank.old), true));
    assert!(!seems(&waiting, Some(&bank.old), false));
    assert!(!seems(&waiting, Some(&bank.new), true) && !seems(&waiting, None, true));
    assert!(!seems(&bank.renewed(), Some(&bank.old), true));
    assert!(!seems(&bank.before(), Some(&bank.old), true));
    let issue = bank.before().pair(12, b"new", first.label(), &key().0);
    assert!(seems(&issue, None, true) && !seems(&issue, Some(&bank.old), true));
    let former = bank.before().pair(12, b"new", b"usbtoken:20261101:renews:05", &key().0);
    assert!(seems(&former, Some(&bank.old), true) && !seems(&former, Some(&bank.new), true));
}

#[test]
fn a_record_names_the_certificate_that_it_is_about() {
    let bank = Bank::new();
    let about = |label: &[u8]| {
        let job = job(label);
        (job.record().concerns(&bank.old), job.record().concerns(&bank.new))
    };
    assert_eq!(about(bank.record.label()), (true, false));
    assert_eq!(about(b"usbtoken:20261101:renews:05"), (true, false));
    assert_eq!(about(b"usbtoken:20261101:retires:06"), (false, true));
    assert_eq!(about(b"usbtoken:20261101:first"), (false, false));
    assert_eq!(about(record_for(None).label()), (false, false));
}
