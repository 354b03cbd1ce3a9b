use super::*;
use jiff::civil::Date;
use usbtoken_testkit::{Kind, SoftKey, TestCa, days_from_now, manual_subject};

fn certificate(serial: u8) -> Certificate {
    let (ca, spki) = (TestCa::new(), SoftKey::generate(Kind::P256).spki());
    let issue = ca.issue(&manual_subject().to_der(), &spki).not_after(days_from_now(11));
    Certificate::from_der(&issue.serial(&[serial]).der()).unwrap()
}

fn record(old: Option<&Certificate>, caller: &Caller) -> Record {
    Record::new(Date::constant(2026, 11, 26), old, caller).unwrap()
}

/// Whose job it is decides before what it renews: a page never meets what it has not begun itself.
#[test]
fn a_record_is_of_this_job_by_what_it_renews_and_for_a_page_by_its_origin() {
    let page = |host: &str| Caller::Page(format!("https://{host}:443"));
    let (old, other) = (certificate(5), certificate(6));
    let renewal = Renewal::of(OldCertificate::given(old.der()).unwrap());
    let first = Renewal::first(old.subject().clone());
    let of_old = |caller: &Caller| record(Some(&old), caller);
    for (by, to, is_it) in [
        (Caller::Command, Caller::Command, true),
        (Caller::Command, Caller::Program("p".to_owned()), true),
        (page("a.example"), Caller::Command, true),
        (page("a.example"), page("a.example"), true),
        (page("a.example"), page("b.example"), false),
        (Caller::Command, page("a.example"), false),
    ] {
        assert_eq!(renewal.is_job_of(&of_old(&by), &to), is_it, "{by} {to}");
        assert_eq!(first.is_job_of(&record(None, &by), &to), is_it, "{by} {to}");
        assert!(!first.is_job_of(&of_old(&by), &to), "{by} {to}");
        assert!(!renewal.is_job_of(&record(None, &by), &to), "{by} {to}");
        assert!(!renewal.is_job_of(&record(Some(&other), &by), &to), "{by} {to}");
    }
}
