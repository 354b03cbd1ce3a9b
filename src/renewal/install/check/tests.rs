//! What is asked of a new certificate, each demand by itself: what keeps to it passes, what breaks it alone is told or refused.

use std::time::{Duration, SystemTime};

use super::*;
use crate::contents::Caller;
use crate::pki::ResponseForm;
use crate::renewal::made_up::{MadeUp, as_name, in_firm, named, record, waiting};
use usbtoken_testkit::{Form, Issue, NameDer, TestCa, days_from_now};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Alice's certificate on a token, and a key that waits for the one that takes its place.
struct Desk {
    token: MadeUp,
    old: Certificate,
    key: RequestedKey,
}

impl Desk {
    fn new() -> Desk {
        let mut token = MadeUp::new();
        let old = token.user(&named("Alice")).add();
        let key = RequestedKey::Waiting(Box::new(waiting(record(Some(&old), &Caller::Command))));
        Desk { token, old, key }
    }

    fn issue<'c>(&self, ca: &'c TestCa, name: &NameDer) -> Issue<'c> {
        let (_, public) = self.key.pair().unwrap();
        ca.issue(&name.to_der(), public.spki_der()).not_after(days_from_now(376))
    }

    /// What becomes of this certificate.
    fn check(&self, policy: &Policy, run: &Run<'_>, der: &[u8]) -> Result<Vec<Warning>> {
        let response = Response::parse(der).unwrap();
        let checks = Checks { policy, response: &response, run };
        let old = OldCertificate::from(self.token.of(&self.old));
        let asked = Asked { key: &self.key, old: Some(&old), subject: None };
        let (_, public) = self.key.pair().unwrap();
        let leaf = response.certificates().first().unwrap().clone();
        checks.choose(leaf, public, &asked).map(|(_, _, warnings)| warnings)
    }

    fn told(&self, policy: &Policy, der: &[u8]) -> Vec<Notice> {
        self.told_at(policy, SystemTime::now(), der)
    }

    fn told_at(&self, policy: &Policy, now: SystemTime, der: &[u8]) -> Vec<Notice> {
        let warnings = self.check(policy, &Run::default().at(now), der).unwrap();
        warnings.into_iter().map(|warning| warning.notice).collect()
    }
}

fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn at(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn facts(error: &Error, kind: Fact) -> Vec<&str> {
    error.facts().filter(|(fact, _)| *fact == kind).map(|(_, value)| value).collect()
}

#[test]
fn an_answer_has_one_of_the_forms_that_the_bank_names() {
    let ca = TestCa::new();
    let desk = Desk::new();
    let leaf = desk.issue(&ca, &named("Alice")).der();
    let response = Response::parse(&ca.answer(Form::Der, &leaf)).unwrap();
    let run = Run::default();
    let form = |answers: &[ResponseForm]| {
        let policy = Policy { answers: answers.to_vec(), ..Policy::default() };
        Checks { policy: &policy, response: &response, run: &run }.form()
    };
    let came = response.forms().next().unwrap();
    let other = *ResponseForm::ALL.iter().find(|form| **form != came).unwrap();
    assert!(form(&[]).is_ok() && form(&[came]).is_ok() && form(&[other, came]).is_ok());
    let error = form(&[other]).unwrap_err();
    assert_eq!(error.code(), Code::AnswerFormUnexpected);
    assert_eq!(facts(&error, Fact::Found), [came.to_string()]);
    assert_eq!(facts(&error, Fact::Expected), [other.to_string()]);
}

/// The key was made on 26 November: no CA issues what had ended a week before that, so the clock is wrong.
#[test]
fn what_had_ended_before_its_key_was_made_tells_of_the_clock() {
    let desk = Desk::new();
    let now = at("2026-11-27T00:00:00Z");
    for (ended, code) in [
        ("2026-11-26T00:00:00Z", Code::CertificateExpired),
        ("2026-11-19T00:00:00Z", Code::CertificateExpired),
        ("2026-11-18T00:00:00Z", Code::ClockImplausible),
        ("2026-09-01T00:00:00Z", Code::ClockImplausible),
    ] {
        let issue = desk.issue(&desk.token.ca, &named("Alice")).not_before(at("2026-01-10T00:00:00Z"));
        let error =
            desk.check(&Policy::default(), &Run::default().at(now), &issue.not_after(at(ended)).der());
        assert_eq!(error.unwrap_err().code(), code, "{ended}");
    }
}

/// A CA may change the common name. Where that is the name of another user on the token, a person is told, once.
#[test]
fn the_name_of_another_user_is_told_once() {
    let mut desk = Desk::new();
    desk.token.user(&named("Bob")).add();
    desk.token.user(&in_firm("Other", "Bob")).add();
    let told = |name: &NameDer, begins: SystemTime| {
        let issue = desk.issue(&desk.token.ca, name).not_before(begins);
        desk.told(&Policy::default(), &issue.der())
    };
    let (begun, later) = (days_from_now(-1), days_from_now(3));
    let (changed, unseen) = (Notice::SubjectChanged, Notice::ChainNotChecked);
    assert_eq!(told(&named("Alice"), begun), [unseen]);
    assert_eq!(told(&named("Alice B."), begun), [unseen]);
    assert_eq!(told(&named("Bob"), begun), [changed, unseen]);
    assert_eq!(told(&in_firm("Other", "Alice"), begun), [changed, unseen]);
    assert_eq!(told(&in_firm("Other", "Bob"), begun), [changed, unseen]);
    assert_eq!(told(&named("Bob"), later), [Notice::NotYetValid, changed, unseen]);
}

/// One that is on the token already is no other user's.
#[test]
fn the_certificate_itself_is_no_other_user_s() {
    let mut desk = Desk::new();
    let leaf = desk.issue(&desk.token.ca, &named("Alice B.")).der();
    desk.token.add(&leaf);
    assert_eq!(desk.told(&Policy::default(), &leaf), [Notice::ChainNotChecked]);
}

#[test]
fn a_bank_names_its_cas_and_the_usages_of_its_server() {
    let desk = Desk::new();
    let leaf = desk.issue(&desk.token.ca, &named("Alice")).der();
    let issuer = certificate(&leaf).issuer().clone();
    let other = as_name(&named("ANOTHER CA"));
    let code = |policy: Policy| desk.check(&policy, &Run::default(), &leaf).err().map(|error| error.code());
    for (issuers, refused) in [
        (vec![], None),
        (vec![issuer.clone()], None),
        (vec![other.clone(), issuer], None),
        (vec![other], Some(Code::IssuerUnexpected)),
    ] {
        assert_eq!(code(Policy { issuers, ..Policy::default() }), refused);
    }
    let (client, logon) = ("1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2");
    for (wanted, refused) in [
        (vec![client], None),
        (vec![logon], Some(Code::PurposeMissing)),
        (vec![client, logon], Some(Code::PurposeMissing)),
    ] {
        let extended_key_usage = wanted.into_iter().map(str::to_owned).collect();
        assert_eq!(code(Policy { extended_key_usage, ..Policy::default() }), refused);
    }
}

/// Of the issuer a person is told what is not shown: by an anchor, or by the certificate of the CA that issued the old one.
#[test]
fn who_issued_it_is_told_where_that_is_not_the_old_one_s_ca() {
    let stranger = TestCa::new();
    for with_ca in [true, false] {
        let mut desk = Desk::new();
        if with_ca {
            let issuing = desk.token.ca.issuing().to_vec();
            desk.token.add(&issuing);
        }
        let by = |ca: &TestCa| desk.issue(ca, &named("Alice")).der();
        let anchored = |ca: &TestCa| Policy { anchors: vec![certificate(ca.issuing())], ..Policy::default() };
        let (own, strange) = (by(&desk.token.ca), by(&stranger));
        let unseen = |with_ca: bool| if with_ca { vec![] } else { vec![Notice::ChainNotChecked] };
        assert_eq!(desk.told(&Policy::default(), &own), unseen(with_ca));
        assert_eq!(desk.told(&anchored(&desk.token.ca), &own), []);
        // An anchor of the bank's may be a new CA; that it is another one is told where it can be seen.
        let another = if with_ca { vec![Notice::AnotherIssuer] } else { vec![] };
        assert_eq!(desk.told(&anchored(&stranger), &strange), another);
        let refused = desk.check(&anchored(&stranger), &Run::default(), &own).unwrap_err();
        assert_eq!(refused.code(), Code::ChainUntrusted);
    }
    // Under another name it is another CA, whatever is at hand.
    let desk = Desk::new();
    let issue = desk.issue(&stranger, &named("Alice")).issuer(&named("ANOTHER CA").to_der());
    assert_eq!(desk.told(&Policy::default(), &issue.der()), [Notice::AnotherIssuer]);
}

/// Where the computer's date is none that can be, the beginning of a certificate says so, and is not held against it.
#[test]
fn by_a_date_that_no_computer_has_a_beginning_tells_of_the_clock() {
    let desk = Desk::new();
    let leaf = desk.issue(&desk.token.ca, &named("Alice")).not_before(days_from_now(-1)).der();
    let told = |now| desk.told_at(&Policy::default(), now, &leaf);
    assert_eq!(told(at("2001-01-01T00:00:00Z")), [Notice::ClockUncertain, Notice::ChainNotChecked]);
    assert_eq!(told(SystemTime::now() - 2 * DAY), [Notice::NotYetValid, Notice::ChainNotChecked]);
}
