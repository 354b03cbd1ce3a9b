//! Whose job a record is, and what a request for a name renews.

use std::time::Duration;

use super::*;
use crate::contents::Old;
use crate::renewal::made_up::{MadeUp, as_name, named, record, waiting, waiting_for};
use usbtoken_testkit::{Kind, NameDer, SoftKey, TestCa, Text, days_from_now, manual_subject};

fn certificate(serial: u8) -> Certificate {
    let (ca, spki) = (TestCa::new(), SoftKey::generate(Kind::P256).spki());
    let issue = ca.issue(&manual_subject().to_der(), &spki).not_after(days_from_now(11));
    Certificate::from_der(&issue.serial(&[serial]).der()).unwrap()
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

/// What a page asks for that names somebody and does not say whether it is a renewal.
fn asked(token: &MadeUp, name: &NameDer, policy: &Policy) -> Renewal {
    asked_at(token, name, policy, SystemTime::now())
}

fn asked_at(token: &MadeUp, name: &NameDer, policy: &Policy, now: SystemTime) -> Renewal {
    Renewal::for_name(as_name(name), &token.contents().credentials(), policy, now)
}

fn one_user_each() -> Policy {
    Policy { other_users: OtherUsers::Refuse, ..Policy::default() }
}

#[test]
fn a_request_for_a_name_renews_the_only_credential_in_use_that_has_it() {
    let alice = named("Alice");
    let mut token = MadeUp::new();
    token.user(&named("Bob")).add();
    token.user(&alice).valid(-400, -1).add();
    token.user(&alice).without_key().add();
    let old = token.user(&alice).add();
    // A certificate that is stored twice is one.
    token.add(old.der());
    let renewal = asked(&token, &alice, &Policy::default());
    assert_eq!(renewal.old_certificate(), Some(&old));
    assert_eq!(renewal.named(), Some(&as_name(&alice)));
    assert!(!renewal.outside_window);
    // The very last moment is one at which it is in use.
    let policy = Policy::default();
    assert!(asked_at(&token, &alice, &policy, old.not_after()).old().is_some());
    assert!(asked_at(&token, &alice, &policy, old.not_after() + Duration::from_secs(1)).old().is_none());
}

/// It may be another user's, who must not seem to have renewed this one's.
#[test]
fn whatever_else_is_asked_for_is_a_first_certificate() {
    type Make = fn(&mut MadeUp);
    let rows: [(&str, Make); 5] = [
        ("nobody has the name", |token| {
            token.user(&named("Bob")).add();
        }),
        ("two have it", |token| {
            token.user(&named("Alice")).add();
            token.user(&named("Alice")).add();
        }),
        ("its window is not open", |token| {
            token.user(&named("Alice")).valid(-1, 300).add();
        }),
        ("its key is not there", |token| {
            token.user(&named("Alice")).without_key().add();
        }),
        ("another has taken its place", |token| {
            let old = token.user(&named("Alice")).add();
            token.user(&named("Alice")).valid(-1, 300).renewing(&old).add();
        }),
    ];
    for (what, make) in rows {
        for policy in [Policy::default(), one_user_each()] {
            let mut token = MadeUp::new();
            make(&mut token);
            let renewal = asked(&token, &named("Alice"), &policy);
            assert!(renewal.old().is_none(), "{what}");
            assert_eq!(renewal.named(), Some(&as_name(&named("Alice"))), "{what}");
        }
    }
}

/// When a page has a certificate issued anew is for the bank to say; only where it has said so a page is held to it.
#[test]
fn a_first_certificate_for_a_page_is_held_to_a_window_that_binds_everyone() {
    for binds in [true, false] {
        let policy = Policy { window_binds_removal: binds, ..Policy::default() };
        let renewal = asked(&MadeUp::new(), &named("Alice"), &policy);
        assert_eq!((renewal.outside_window, &renewal.policy), (!binds, &policy));
    }
}

/// Where each user has a token of their own, a name that means nothing stands for the one whose token it is.
#[test]
fn a_stand_in_renews_the_only_credential_of_a_token_with_one_user() {
    let stand_in = NameDer::new().common(Text::Utf8, "request 17");
    let mut token = MadeUp::new();
    token.user(&named("Bob")).valid(-400, -1).add();
    let old = token.user(&named("Alice")).add();
    let policy = one_user_each();
    let renewal = asked(&token, &stand_in, &policy);
    assert_eq!(renewal.old_certificate(), Some(&old));
    assert_eq!(renewal.named(), Some(&as_name(&stand_in)));
    assert!(asked(&token, &stand_in, &Policy::default()).old().is_none(), "several users may be on it");
    assert!(asked(&token, &named("Carol"), &policy).old().is_none(), "a name that says whose it is");
    token.user(&named("Bob")).add();
    assert!(asked(&token, &stand_in, &policy).old().is_none(), "two are in use");

    let mut token = MadeUp::new();
    token.user(&NameDer::new().common(Text::Utf8, "Alice")).add();
    assert!(asked(&token, &stand_in, &policy).old().is_none(), "the credential's may be somebody's");
}

#[test]
fn a_key_waits_for_what_its_record_says() {
    let (old, other) = (certificate(5), certificate(6));
    let renewal = Renewal::of(OldCertificate::given(old.der()).unwrap());
    let first = Renewal::first(as_name(&named("Alice")));
    let renews =
        |old: &Certificate| waiting_for(record(Some(old), &Caller::Command), Old::Elsewhere(old.clone()));
    assert!(renewal.is_of(&renews(&old)) && !renewal.is_of(&renews(&other)));
    let of_first = waiting(record(None, &Caller::Command));
    assert!(first.is_of(&of_first) && !first.is_of(&renews(&old)) && !renewal.is_of(&of_first));
}

/// Who gives the wrong old certificate is told which one it should be, or that there is none.
#[test]
fn a_job_of_another_certificate_says_which_one_it_renews() {
    let (old, other) = (certificate(5), OldCertificate::given(certificate(6).der()).unwrap());
    let told = |old: Old| {
        let error = not_of_job(&waiting_for(record(Some(&certificate(5)), &Caller::Command), old), &other);
        assert_eq!(error.code(), Code::OldNotOfJob);
        let facts = error.facts().filter(|(fact, _)| matches!(fact, Fact::Expected | Fact::Reason));
        facts.map(|(fact, value)| (fact, value.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(told(Old::Elsewhere(old)), [(Fact::Expected, "05".to_owned())]);
    assert_eq!(told(Old::Missing { serial: None, candidates: Vec::new() }), []);
    assert_eq!(told(Old::First), [(Fact::Reason, "first_issue".to_owned())]);
}
