//! The whole job through the library, on SoftHSM, with the token compared before and after.

use std::time::{Duration, SystemTime};

use usbtoken::pki::ProofLevel;
use usbtoken::renewal::Retire;
use usbtoken::{
    Code, Finder, Install, Installed, Pin, Policy, Renewal, Response, Result, Run, Session, Token,
};
use usbtoken_testkit::{Form, Kind, SoftToken, TestCa, days_from_now, verify_with_certificate};

#[test]
fn the_old_credential_is_untouched_until_it_is_retired() {
    let (soft, ca) = stage(Kind::P256);
    let before = soft.snapshot();
    let token = find(&soft);
    let old = token.credentials().unwrap().by_id(&[1]).only().unwrap();
    let session = token.login(pin(&soft)).unwrap();

    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    soft.snapshot().assert_keeps(&before);
    assert_eq!(pending.proof().level, ProofLevel::Proven);

    let certificate = ca.issue_for(pending.request().to_pem().as_bytes()).der();
    let new = install(&session, &ca.answer(Form::Bundle, &certificate)).unwrap();
    soft.snapshot().assert_keeps(&before);
    let signature = soft.sign(new.credential.id(), b"x");
    assert!(verify_with_certificate(&certificate, b"x", &signature));

    Retire::replaced_by(&new).expect("the old one is there").although_kept().run(&session, &run()).unwrap();
    let after = soft.snapshot();
    assert_eq!(after.with_id(&[1]).count(), 0);
    assert_eq!(after.objects().len(), before.objects().len(), "three came, three went");
    let foreign = before.objects().iter().filter(|object| object.id != [1]);
    foreign.for_each(|object| assert!(after.objects().contains(object), "{object} is lost"));
}

/// The first half in one process, the second in another: nothing but the token carries over.
#[test]
fn the_answer_finds_its_key_after_everything_is_closed() {
    let (soft, ca) = stage(Kind::Rsa2048);
    let before = soft.snapshot();
    let request = {
        let (session, old) = open(&soft);
        Renewal::of(&old).begin(&session, &run()).unwrap().request().to_der().to_vec()
    };
    let certificate = ca.issue_for(&request).der();
    let (session, _) = open(&soft);
    assert_eq!(session.pending().unwrap().len(), 1);
    install(&session, &certificate).unwrap();
    assert_eq!(session.pending().unwrap().len(), 0);
    soft.snapshot().assert_keeps(&before);
}

#[test]
fn a_second_request_for_the_same_credential_is_refused() {
    let (soft, _ca) = stage(Kind::P256);
    let (session, old) = open(&soft);
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = soft.snapshot();
    let refused = Renewal::of(&old).begin(&session, &run()).map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::PendingExists, "{refused}");
    soft.snapshot().assert_same_as(&waiting);
    session.abandon(pending.key().unwrap(), &run()).unwrap();
    Renewal::of(&old).begin(&session, &run()).unwrap();
}

#[test]
fn the_window_decides_by_the_clock_that_is_given() {
    let (soft, _ca) = stage(Kind::P256);
    let (session, old) = open(&soft);
    let before = soft.snapshot();
    let day = Duration::from_secs(24 * 60 * 60);
    let end = old.certificate().not_after();
    let rows = [(end - 42 * day, Code::NotYetRenewable), (end + day, Code::Expired)];
    for (now, code) in rows {
        let refused = Renewal::of(&old).begin(&session, &at(now)).map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        soft.snapshot().assert_same_as(&before);
    }
    Renewal::of(&old).begin(&session, &at(end - 39 * day)).unwrap();
}

#[test]
fn the_only_credential_is_not_retired() {
    let soft = SoftToken::fresh();
    soft.first_credential(&TestCa::new(), Kind::P256, days_from_now(11));
    let before = soft.snapshot();
    let (session, old) = open(&soft);
    let mut removes = Policy::default();
    removes.old = usbtoken::bank::OldCredential::Remove;
    let refused = session.retire(&old, &removes, &run()).map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::RetireOnlyCredential, "{refused}");
    soft.snapshot().assert_same_as(&before);
}

#[test]
fn days_are_counted_in_japan() {
    let (soft, _ca) = stage(Kind::P256);
    let credentials = find(&soft).credentials().unwrap();
    let old = credentials.by_id(&[1]).only().unwrap();
    let now = SystemTime::now();
    assert_eq!(old.days_left(now), 11);
    assert_eq!(old.days_left(now + Duration::from_secs(24 * 60 * 60)), 10);
}

fn stage(kind: Kind) -> (SoftToken, TestCa) {
    let (soft, ca) = (SoftToken::fresh(), TestCa::new());
    soft.first_credential(&ca, kind, days_from_now(11));
    soft.foreign_objects();
    (soft, ca)
}

fn find(soft: &SoftToken) -> Token {
    Finder::new().module(soft.module()).find(&soft.uri().parse().unwrap()).unwrap()
}

fn open(soft: &SoftToken) -> (Session, usbtoken::Credential) {
    let token = find(soft);
    let old = token.credentials().unwrap().by_id(&[1]).only().unwrap();
    (token.login(pin(soft)).unwrap(), old)
}

fn pin(soft: &SoftToken) -> Pin {
    Pin::new(soft.pin().into())
}

fn run() -> Run<'static> {
    Run::default()
}

fn at(time: SystemTime) -> Run<'static> {
    Run::default().at(time)
}

fn install(session: &Session, answer: &[u8]) -> Result<Installed> {
    Install::new(&Response::parse(answer)?).run(session, &run())
}
