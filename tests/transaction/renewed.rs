//! Renewing twice: a credential whose successor is on the token stays on every list, marked, with the one that takes its
//! place; and who asks every day is told so and writes nothing.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use common::{Bank, DAY, Said, credential, facts, install, refused, run};
use serde_json::Value;
use usbtoken::Code;
use usbtoken::error::{Fact, Notice, Point};
use usbtoken::pki::Window;
use usbtoken::renewal::{PointResult, Renewable};
use usbtoken::{Credential, Policy, Renewal};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now};

fn state(one: &Credential) -> Renewable {
    one.renewable(Window::default(), SystemTime::now())
}

/// The entry of a list with this serial number.
fn entry<'v>(list: &'v Value, serial: &str) -> &'v Value {
    let found = list.as_array().unwrap().iter().find(|one| one["serial"] == serial);
    found.unwrap_or_else(|| panic!("{serial} is not in {list:#}"))
}

fn serial(one: &Credential) -> String {
    one.certificate().serial().to_string()
}

#[test]
fn what_is_renewed_stays_on_the_list_with_the_one_that_follows() {
    let bank = Bank::new();
    let new = bank.renewed();
    let from = Window::default().opens_on(new.certificate().not_after()).to_string();

    // Before the login it is what the label of a certificate says.
    let said = credential(&bank.token(), &bank.old.id);
    assert_eq!(state(&said), Renewable::SaidRenewed);
    let by = said.successor().unwrap();
    assert!(!by.proven);
    assert_eq!((&by.id[..], &by.certificate), (new.id(), new.certificate()));

    // After it the new key has signed.
    let session = bank.session();
    let all = session.credentials().unwrap();
    let old = all.clone().by_id(&bank.old.id).only().unwrap();
    assert_eq!(state(&old), Renewable::Renewed);
    assert!(old.successor().unwrap().proven);
    assert!(all.clone().by_id(new.id()).only().unwrap().successor().is_none());
    let error = refused(all.renewable(Window::default(), SystemTime::now()).only(), Code::AlreadyRenewed);
    assert_eq!(facts(&error, Fact::Date), [from.as_str()], "{error}");
    assert_eq!(facts(&error, Fact::Serial), [serial(&old)], "{error}");
    assert!(facts(&error, Fact::Candidate)[0].contains(&serial(&new)), "{error}");
}

#[test]
fn the_commands_say_which_one_follows_and_call_nothing_renewable() {
    let bank = Bank::new();
    let new = bank.renewed();
    let after = bank.soft.snapshot();
    let old = serial(&credential(&bank.token(), &bank.old.id));
    // With the PIN.
    let list = bank.run(&["list"]).json();
    let shown = entry(&list, &old);
    assert_eq!(
        (&shown["renewable"], &shown["not_renewable_because"]),
        (&false.into(), &"already_renewed".into())
    );
    assert_eq!(shown["successor"]["serial"], serial(&new), "{shown:#}");
    assert_eq!(shown["successor"]["proven"], true, "{shown:#}");
    assert_eq!(entry(&list, &serial(&new))["successor"], Value::Null);

    let preflight = bank.run(&["preflight"]).json();
    assert_eq!(
        (&preflight["can_renew"], &preflight["credential"]["serial"]),
        (&false.into(), &old.as_str().into())
    );
    // None can be renewed, so it has logged in to examine all.
    assert_eq!(preflight["credential"]["successor"]["proven"], true);
    let unique = preflight["points"].as_array().unwrap().iter().find(|one| one["point"] == "subject_unique");
    assert_eq!(unique.unwrap()["notice"]["name"], "said_renewed", "{preflight:#}");

    let diagnosis = bank.run(&["doctor"]).json();
    let text = diagnosis.to_string();
    assert!(text.contains("said_renewed"), "{diagnosis:#}");
    assert!(text.contains(&format!("\"serial\":\"{}\"", serial(&new))), "{diagnosis:#}");
    bank.soft.snapshot().assert_same_as(&after);
}

/// Whoever can write public objects can write our record on them: it is shown, and decides nothing.
#[test]
fn what_only_a_public_object_says_is_shown_and_decides_nothing() {
    let bank = Bank::new();
    let new = bank.renewed();
    let label = new.label().to_owned();
    bank.soft.inspect(|inspector| inspector.destroy(new.id()));
    bank.soft.inspect(|inspector| inspector.write_certificate(new.certificate().der(), &[0x66], &label));
    let before = bank.soft.snapshot();

    let token = bank.token();
    let old = credential(&token, &bank.old.id);
    assert_eq!(state(&old), Renewable::SaidRenewed);
    let kept = token.credentials().unwrap().renewable(Window::default(), SystemTime::now()).only().unwrap();
    assert_eq!(kept.certificate(), old.certificate(), "it is not taken off the list");
    let preflight = Renewal::of(&old).preflight(&token, &run());
    assert!(preflight.can_begin());
    let unique = preflight.points.iter().find(|finding| finding.point == Point::SubjectUnique).unwrap();
    assert!(
        matches!(&unique.state, PointResult::Warning(warning) if *warning == Notice::SaidRenewed),
        "{unique:?}"
    );

    let session = bank.login(&token);
    let now = session.credentials().unwrap().by_id(&bank.old.id).only().unwrap();
    assert_eq!(state(&now), Renewable::Yes, "no private key says so");
    drop(session);
    let issuer = bank.issuer("");
    let renewed = bank.run(&["renew", "--issuer", &issuer]).json();
    assert_eq!(renewed["replaced"]["serial"], serial(&old), "{renewed:#}");
    bank.soft.snapshot().assert_keeps(&before);
}

#[test]
fn a_scheduler_is_told_the_same_every_day_and_nothing_is_written() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    let first = bank.run(&["renew", "--issuer", &issuer]).json();
    let after = bank.soft.snapshot();
    for _ in 0..2 {
        let again = bank.run_with_faults("", &["renew", "--issuer", &issuer]);
        let said = again.json();
        assert_eq!(said["already_renewed"], true, "{said:#}");
        assert_eq!(said["renewable_from"], first["credential"]["renewable_from"], "{said:#}");
        let successor = said["successor"].as_str().unwrap();
        assert!(successor.contains(first["credential"]["serial"].as_str().unwrap()), "{said:#}");
        for never in ["C_GenerateKeyPair", "C_CreateObject", "C_DestroyObject", "C_SetAttributeValue"] {
            assert!(!bank.called().iter().any(|function| function == never), "{never}");
        }
        bank.soft.snapshot().assert_same_as(&after);
    }
    // A person who wants another one gets it, and is told.
    let forced = bank.run(&["renew", "--force", "--id", "01", "--issuer", &issuer]).json();
    assert!(forced["notices"].to_string().contains("\"renewed\""), "{forced:#}");
    bank.soft.snapshot().assert_keeps(&after);
}

/// The line of a scheduler that names the certificate and has it removed works on the day after, too.
#[test]
fn a_scheduler_that_has_the_old_one_removed_is_told_the_same_every_day() {
    let bank = Bank::new();
    let old = usbtoken_testkit::serial_hex(&bank.old.certificate);
    let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
    let of = |which: [&str; 2]| {
        let line = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
        bank.run(&[&line[..], &which].concat())
    };
    assert_eq!(of(["--id", "01"]).json()["retired"], true);
    let new = bank.assert_one_new_credential();
    let complete = bank.soft.snapshot();
    for which in [["--id", "01"], ["--serial", &old], ["--id", "01"]] {
        let again = of(which).json();
        assert_eq!(again["already_renewed"], true, "{again}");
        let successor = again["successor"].as_str().unwrap();
        assert!(successor.contains(&usbtoken_testkit::serial_hex(&new)), "{again}");
        bank.soft.snapshot().assert_same_as(&complete);
    }
    let uri = format!("{};id=%01", bank.soft.uri());
    let line = ["--pin-env", "TEST_PIN", "renew", "--retire-old", "--issuer", &issuer];
    let again = Said::of(bank.command_for(&uri, &bank.soft.module(), &line).output().unwrap()).json();
    assert_eq!(again["already_renewed"], true, "{again}");
    bank.soft.snapshot().assert_same_as(&complete);
    // What never was there is not found, nor is what took its place gone unnoticed.
    of(["--id", "99"]).failed(Code::CredentialNotFound);
    let added: Vec<Vec<u8>> = complete.added_since(&bank.before).iter().map(|one| one.id.clone()).collect();
    bank.soft.inspect(|inspector| inspector.destroy(&added[0]));
    of(["--id", "01"]).failed(Code::CredentialNotFound);
}

/// The old certificate is kept, and ends: there is still nothing to do.
#[test]
fn what_is_renewed_and_has_ended_is_still_renewed() {
    let bank = Bank::of(Kind::P256, days_from_now(-2));
    let (session, old) = bank.open();
    refused(
        session.credentials().unwrap().renewable(Window::default(), SystemTime::now()).only(),
        Code::Expired,
    );
    let pending = Renewal::of(&old).outside_window().begin(&session, &run()).unwrap();
    let new = install(&session, &bank.certify(&pending)).unwrap();
    let after = bank.soft.snapshot();
    refused(Renewal::of(&old).begin(&session, &run()), Code::AlreadyRenewed);
    let error = refused(
        session.credentials().unwrap().renewable(Window::default(), SystemTime::now()).only(),
        Code::AlreadyRenewed,
    );
    assert!(facts(&error, Fact::Candidate)[0].contains(&serial(&new.credential)), "{error}");
    drop(session);
    let said = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(said["already_renewed"], true, "{said:#}");
    bank.soft.snapshot().assert_same_as(&after);
}

#[test]
fn why_none_can_be_renewed_has_a_code_each() {
    // Not yet.
    let bank = Bank::alone(Kind::P256, days_from_now(100));
    let session = bank.session();
    let error = refused(
        session.credentials().unwrap().renewable(Window::default(), SystemTime::now()).only(),
        Code::NotYetRenewable,
    );
    let opens = Window::default().opens_on(days_from_now(100)).to_string();
    assert_eq!(facts(&error, Fact::Date), [opens.as_str()], "{error}");
    // The same without login, and for another clock.
    let all = bank.token().credentials().unwrap();
    refused(all.clone().renewable(Window::default(), SystemTime::now()).only(), Code::NotYetRenewable);
    let error =
        refused(all.renewable(Window::default(), SystemTime::now() + 110 * DAY).only(), Code::Expired);
    assert_eq!(facts(&error, Fact::Now).len(), 1, "{error}");
    // None at all.
    session.retire(&credential(&bank.token(), &bank.old.id), &Policy::default(), &run()).unwrap_err();
    drop(session);
    bank.soft.inspect(|inspector| inspector.destroy(&bank.old.id));
    refused(
        bank.token().credentials().unwrap().renewable(Window::default(), SystemTime::now()).only(),
        Code::CredentialNotSeen,
    );
}

/// Of three the last is in use; the days are told of that one.
#[test]
fn of_a_chain_the_last_one_tells_when_the_next_window_opens() {
    let bank = Bank::new();
    let second = bank.renewed();
    let session = bank.session();
    let pending = Renewal::of(&second).outside_window().begin(&session, &run()).unwrap();
    let certificate = bank.ca.issue_for(pending.request().to_der()).not_after(days_from_now(700)).der();
    let third = install(&session, &certificate).unwrap();
    let from = Window::default().opens_on(third.credential.certificate().not_after());
    let all = session.credentials().unwrap();
    for id in [&bank.old.id[..], second.id()] {
        let one = all.clone().by_id(id).only().unwrap();
        assert_eq!(state(&one), Renewable::Renewed);
        assert_eq!(one.successor().unwrap().renewable_from(&Window::default()), from);
    }
    let error = refused(
        Renewal::of(credential(&bank.token(), &bank.old.id)).begin(&session, &run()),
        Code::AlreadyRenewed,
    );
    assert_eq!(facts(&error, Fact::Date), [from.to_string()], "{error}");
}

/// Two users of one firm, with the same names but for the common name: each has a successor of its own, in whatever order.
#[test]
fn two_users_on_one_token_have_a_successor_each() {
    for order in [[0xa_u8, 0xb], [0xb, 0xa]] {
        let bank = Bank::alone(Kind::P256, days_from_now(300));
        let firm = |name| {
            NameDer::new().organization(Text::Utf8, "firm").unit(Text::Utf8, "USB").common(Text::Utf8, name)
        };
        bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("A").to_der(), days_from_now(11));
        bank.soft.credential(&bank.ca, Kind::P256, &[0xb], &firm("B").to_der(), days_from_now(12));
        let before = bank.soft.snapshot();
        let issuer = bank.issuer("");
        bank.run(&["renew", "--issuer", &issuer]).failed(Code::CredentialAmbiguous);
        let [first, second] = order;
        bank.run(&["renew", "--id", &format!("{first:02x}"), "--issuer", &issuer]).json();
        // The other one is now the only one to renew, and is not taken for renewed.
        let all = bank.session().credentials().unwrap();
        assert_eq!(state(&all.clone().by_id(&[second]).only().unwrap()), Renewable::Yes);
        assert_eq!(all.renewable(Window::default(), SystemTime::now()).only().unwrap().id(), [second]);
        let renewed = bank.run(&["renew", "--issuer", &issuer]).json();
        assert!(
            renewed["replaced"]["id"].as_str().is_some_and(|id| id == format!("{second:02x}")),
            "{renewed:#}"
        );

        let all = bank.session().credentials().unwrap();
        for (id, name) in [(0xa, "CN=A"), (0xb, "CN=B")] {
            let one = all.clone().by_id(&[id]).only().unwrap();
            let by = one.successor().unwrap();
            assert!(by.proven && by.certificate.subject().to_string().contains(name), "{by}");
        }
        let said = bank.run(&["renew", "--issuer", &issuer]).json();
        assert_eq!(said["already_renewed"], true, "{said:#}");
        bank.soft.snapshot().assert_keeps(&before);
    }
}

/// A renewal that was begun in time is finished after the end too, and the list says so.
#[test]
fn an_expired_certificate_with_a_renewal_waiting_can_be_finished() {
    let bank = Bank::of(Kind::P256, days_from_now(-1));
    let list = bank.run(&["list"]).json();
    let old = serial(&credential(&bank.token(), &bank.old.id));
    assert_eq!(entry(&list, &old)["renewal_pending"], false);
    let (session, credential) = bank.open();
    let pending = Renewal::of(&credential).outside_window().begin(&session, &run()).unwrap();
    drop(session);
    let all = bank.token().open_public_session().unwrap().credentials_and_renewals().unwrap();
    assert!(all.by_id(&bank.old.id).only().unwrap().has_pending_renewal());
    let list = bank.run(&["list"]).json();
    let shown = entry(&list, &old);
    assert_eq!(
        (&shown["renewal_pending"], &shown["not_renewable_because"]),
        (&true.into(), &"expired".into())
    );
    let request = bank.write("request.pem", pending.request().to_pem().as_bytes());
    let answer = bank.ca.issue_for(&std::fs::read(request).unwrap()).der();
    bank.write("answer", &answer);
    bank.run(&["install", "answer"]).json();
    let list = bank.run(&["list"]).json();
    assert_eq!(entry(&list, &old)["renewal_pending"], false);
    assert_eq!(entry(&list, &old)["not_renewable_because"], "already_renewed");
}
