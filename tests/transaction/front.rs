//! What a program sees of the library's values: they go from thread to thread, are shown, and are kept; a PIN is none of
//! that.

use std::fmt::Debug;
use std::sync::Mutex;

use usbtoken::bank::Bank;
use usbtoken::doctor::Diagnosis;
use usbtoken::driver::{AskPin, PinRequest, Proof, Reservation, TokenInfo};
use usbtoken::error::{Notice, Step, Warning};
use usbtoken::renewal::{BeforeLogin, PendingKey, Preflight, Progress, Retire, Retired, Successor};
use usbtoken::{
    Cancel, Certificate, Code, Credential, Credentials, Error, Finder, Install, Installed, Login, Pending,
    Pin, Policy, Renewal, Response, Run, Session, Token, TokenUri,
};
use usbtoken_testkit::{Form, Kind, SoftToken, TestCa, days_from_now};

fn is_shared<T: Send + Sync + Debug>() {}

fn is_sent<T: Send + Debug>() {}

fn is_kept<T: serde::Serialize>() {}

/// Held by the compiler.
#[test]
fn values_go_from_thread_to_thread_and_are_shown() {
    is_shared::<(Cancel, Certificate, Code, Credential, Credentials, Error, Finder)>();
    is_shared::<(Installed, Pin, Login, Policy, Renewal, Response, Token, TokenUri)>();
    is_shared::<(Install<'_>, Run<'_>, Bank, Diagnosis, Preflight, PendingKey, Pending)>();
    is_shared::<(Proof, Retire, Retired, Successor, TokenInfo, Warning, BeforeLogin)>();
    // One thread at a time, as PKCS#11 wants it of a session.
    is_sent::<(Session, Reservation)>();
    is_kept::<(Installed, Retired, Credential, Successor, Proof, Policy, TokenInfo)>();
    is_kept::<(Warning, Notice, Code, Step)>();
    fn both<T: ?Sized + Send + Sync>() {}
    both::<dyn Progress>();
    both::<dyn AskPin>();
}

#[test]
fn a_callback_gives_the_pin_and_what_is_kept_has_none() {
    let (soft, ca) = (SoftToken::fresh(), TestCa::new());
    soft.first_credential(&ca, Kind::P256, days_from_now(11));
    let pin = soft.pin().to_owned();
    let asked = Mutex::new(Vec::new());
    let ask = |request: &PinRequest<'_>| {
        asked.lock().unwrap().push(request.token.identity.label.clone());
        Ok(Login::from(Pin::new(pin.clone().into_bytes())))
    };
    let steps = Mutex::new(Vec::new());
    let progress = |step: Step| steps.lock().unwrap().push(step);
    let run = Run::default().pin(&ask).progress(&progress);

    let token = Finder::new().module(soft.module()).find(&soft.uri().parse().unwrap()).unwrap();
    let session = token.login(run.ask_pin(token.info()).unwrap()).unwrap();
    assert_eq!(*asked.lock().unwrap(), [token.identity().label.clone()], "asked once");
    let old = token.credentials().unwrap().only().unwrap();
    let pending = Renewal::of(&old).begin(&session, &run).unwrap();
    let answer = ca.answer(Form::Pem, &ca.issue_for(pending.request().to_der()).der());
    let installed = Install::new(&Response::parse(&answer).unwrap()).run(&session, &run).unwrap();
    assert!(steps.lock().unwrap().contains(&Step::GenerateKeyPair), "{steps:?}");

    let kept = serde_json::to_value(&installed).unwrap();
    assert_eq!(kept["credential"]["serial"], installed.credential.certificate().serial().to_string());
    assert_eq!(kept["proof"]["level"], "proven");
    assert_eq!(kept["notices"][0]["notice"], installed.notices[0].notice.name());
    assert_eq!(serde_json::to_value(Code::PinLocked).unwrap(), "pin_locked");
    let shown =
        format!("{run:?} {session:?} {:?} {installed:?} {kept}", Login::from(Pin::new(pin.clone().into())));
    assert!(!shown.contains(&pin), "{shown}");
}
