//! For which certificate, address, bank and time the record of a login counts.

use sha2::{Digest as _, Sha256};
use usbtoken_testkit::{TestCa, serial_hex};

use super::*;

const URL: &str = "https://bank.example/login";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn certificate() -> Certificate {
    Certificate::from_der(TestCa::new().root()).unwrap()
}

fn token() -> TokenIdentity {
    let text = str::to_owned;
    TokenIdentity { label: text("BANK"), manufacturer: text("M"), model: text("V"), serial: text("1") }
}

fn login(certificate: &Certificate, at: SystemTime) -> Confirmation {
    Confirmation::new(&token(), certificate, URL, at, ("TLS 1.3", "HTTP/1.1 200 OK"))
}

/// A time that a record keeps as it is: it counts whole seconds.
fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[test]
fn a_record_says_what_was_seen_of_the_login() {
    let (new, at) = (certificate(), now());
    let record = login(&new, at);
    assert_eq!((record.token(), record.url(), record.at()), (&token(), URL, at));
    assert_eq!((record.tls(), record.http_status()), ("TLS 1.3", "HTTP/1.1 200 OK"));
    assert_eq!(record.serial(), serial_hex(new.der()));
    assert_eq!(record.fingerprint(), hex(&Sha256::digest(new.der())));
    let kept = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Confirmation>(&kept).unwrap(), record);
}

#[test]
fn a_record_counts_for_its_certificate_and_its_address() {
    let (new, other, now) = (certificate(), certificate(), now());
    let record = login(&new, now);
    assert!(record.is_of(&new) && !record.is_of(&other));
    assert!(record.check(&new, URL, now).is_ok());
    for (what, refused) in [
        ("another certificate", record.check(&other, URL, now)),
        ("another address", record.check(&new, "https://bank.example/", now)),
        ("another version", Confirmation { version: 2, ..record.clone() }.check(&new, URL, now)),
    ] {
        assert_eq!(refused.unwrap_err().code(), Code::RetireNotConfirmed, "{what}");
    }
}

/// For thirty days, as the clocks of this computer and the CA may differ by an hour.
#[test]
fn a_record_counts_for_its_time() {
    let new = certificate();
    let (begin, at) = (new.not_before(), new.not_before() + 100 * DAY);
    for (what, login_at, now, counts) in [
        ("at once", at, at, true),
        ("after thirty days", at, at + 30 * DAY, true),
        ("later", at, at + 30 * DAY + SECOND, false),
        ("long after", at, at + 300 * DAY, false),
        ("a clock that was put back by an hour", at, at - HOUR, true),
        ("by more", at, at - HOUR - SECOND, false),
        ("by days", at, at - 50 * DAY, false),
        ("the CA's clock is ahead by an hour", begin - HOUR, begin, true),
        ("by more", begin - HOUR - SECOND, begin, false),
        ("a login before there was a certificate", begin - 5 * DAY, begin, false),
    ] {
        let checked = login(&new, login_at).check(&new, URL, now);
        assert_eq!(
            checked.err().map(|error| error.code()),
            (!counts).then_some(Code::RetireNotConfirmed),
            "{what}"
        );
    }
}

/// Another profile under the same name may let another server be the bank's.
#[test]
fn a_record_is_of_the_bank_as_its_profile_was() {
    let (root, other_root) = (certificate(), certificate());
    let bank = |id: &str, change: &dyn Fn(&mut Bank)| {
        let mut bank = Bank::parse(include_bytes!("../../../examples/banks/manual-bank.toml")).unwrap();
        id.clone_into(&mut bank.id);
        bank.login_url = Some(URL.to_owned());
        bank.after_login = Some("https://bank.example/home".to_owned());
        bank.anchors = vec![root.clone()];
        change(&mut bank);
        bank
    };
    let record = |bank: &Bank| login(&root, now()).by_bank(bank);
    let plain = bank("example", &|_| ());
    assert!(record(&plain).is_by(&plain));
    assert!(!login(&root, now()).is_by(&plain), "by no profile");
    type Change<'c> = &'c dyn Fn(&mut Bank);
    let changes: [(&str, Change<'_>); 7] = [
        ("another address", &|bank| bank.login_url = Some("https://bank.example/".to_owned())),
        ("no address", &|bank| bank.login_url = None),
        ("another page", &|bank| bank.after_login = Some("https://bank.example/".to_owned())),
        ("the end of one in the other", &|bank| {
            bank.login_url = Some(format!("{URL}https://bank.example/home"));
            bank.after_login = None;
        }),
        ("other CAs of the customers", &|bank| bank.anchors.push(other_root.clone())),
        ("the same CA, and none else", &|bank| bank.login_anchors = vec![root.clone()]),
        ("another CA alone", &|bank| bank.login_anchors = vec![other_root.clone()]),
    ];
    for (what, change) in changes {
        let changed = bank("example", change);
        assert!(!record(&plain).is_by(&changed) && !record(&changed).is_by(&plain), "{what}");
        assert!(record(&changed).is_by(&changed), "{what}");
    }
    assert!(!record(&plain).is_by(&bank("other", &|_| ())));
    // The order of CAs in a profile says nothing.
    let both = |one: &Certificate, other: &Certificate| {
        bank("example", &|bank| bank.login_anchors = vec![one.clone(), other.clone()])
    };
    assert!(record(&both(&root, &other_root)).is_by(&both(&other_root, &root)));
}
