//! What a CA may answer: its time, its names, its numbers; an answer that was there before; one that comes late.

#[path = "../common/mod.rs"]
mod common;

use std::time::{Duration, SystemTime};

use common::{Bank, DAY, at, credential, facts, install, policy, read, refused, run};
use usbtoken::error::{Fact, Notice, Point, Warning};
use usbtoken::pki::{IssuerContinuity, Name, SubjectRule};
use usbtoken::renewal::{PointResult, Retire, clock_doubt};
use usbtoken::{Code, Credential, Install, Installed, Renewal};
use usbtoken_testkit::{Form, Kind, NameDer, SoftKey, Text, days_from_now, serial_hex};

/// The warning of that kind, if there is one.
fn warning(installed: &Installed, notice: Notice) -> Option<&Warning> {
    installed.notices.iter().find(|warning| **warning == notice)
}

fn values(warning: &Warning) -> Vec<(Fact, String)> {
    warning.facts().map(|(fact, value)| (fact, value.to_owned())).collect()
}

fn subject(organization: &str, common: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, organization).common(Text::Utf8, common).to_der()
}

/// A token whose credential has this subject, under the identifier 2; the other things of a bank's token too.
fn bank_of(subject: &[u8]) -> Bank {
    let mut bank = Bank::new();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], subject, days_from_now(9));
    bank.before = bank.soft.snapshot();
    bank
}

/// The bank of the manual writes the minute of issue into the common name.
#[test]
fn a_new_common_name_is_no_difference_and_another_organization_is_told() {
    let old_name = subject("firm", "202003041536");
    let rows: [(&str, Vec<u8>, bool); 6] = [
        ("the common name", subject("firm", "202103041536"), false),
        (
            "its encoding",
            NameDer::new().organization(Text::Printable, "FIRM").common(Text::Teletex, "x").to_der(),
            false,
        ),
        ("a blank common name", subject("firm", " "), true),
        ("common name and organization", subject("another firm", "202103041536"), true),
        ("no common name", NameDer::new().organization(Text::Utf8, "firm").to_der(), true),
        ("an empty subject", NameDer::new().to_der(), true),
    ];
    for (what, new_name, told) in rows {
        let bank = bank_of(&old_name);
        let session = bank.session();
        let old = credential(session.token(), &[2]);
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let waiting = bank.soft.snapshot();
        let certificate = bank.ca.issue_for(pending.request().to_der()).subject(&new_name).der();
        let answer = bank.ca.answer(Form::P7, &certificate);
        let (response, exact) = (read(&answer), policy(|p| p.subject = SubjectRule::Exact));
        let exact = Install::new(&response).policy(&exact);
        refused(exact.run(&session, &run()), Code::SubjectDiffers);
        refused(exact.run_for(&session, &pending, &run()), Code::SubjectDiffers);
        bank.soft.snapshot().assert_same_as(&waiting);

        // The one that has requested it, in another process.
        let mine = (pending.request().public_key().clone(), old.certificate().serial().to_string());
        let response = read(&answer);
        let renames = policy(|p| p.demand_subject(SubjectRule::CommonNameMayChange));
        let install = Install::new(&response).policy(&renames);
        let installed = install.run(&session, &run().requests([mine])).unwrap();
        assert_eq!(installed.issuer, IssuerContinuity::SameIssuer);
        let warned = warning(&installed, Notice::SubjectChanged);
        assert_eq!(warned.is_some(), told, "{what}: {:?}", installed.notices);
        if let Some(warned) = warned {
            let new_text = Name::from_der(&new_name).unwrap().to_string();
            let expected = [(Fact::Expected, "CN=202003041536,O=firm".to_owned()), (Fact::Found, new_text)];
            assert_eq!(values(warned), expected, "{what}");
        }
        bank.soft.snapshot().assert_keeps(&bank.before);
        assert_eq!(bank.assert_one_new_credential(), certificate);
        // The record says who follows whom; a subject that the rule does not allow forbids it.
        let both = bank.soft.snapshot();
        let removal = Retire::replaced_by(&installed).unwrap().although_kept();
        if told {
            refused(removal.run(&session, &run()), Code::RetireNoSuccessor);
            bank.soft.snapshot().assert_same_as(&both);
        } else {
            assert_eq!(removal.run(&session, &run()).unwrap().successor.id(), installed.credential.id());
            assert_eq!(bank.soft.snapshot().with_id(&[2]).count(), 0);
        }
    }
}

#[test]
fn the_command_has_the_rule_and_shows_both_names() {
    let bank = bank_of(&subject("firm", "one"));
    let other = subject("other", "two");
    let made = bank.run(&["request", "--id", "02", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).subject(&other).der());
    assert_eq!(bank.run(&["install", "--subject", "nearly", "answer.der"]).exit, 2);
    let error = bank.run(&["install", "--subject", "exact", "answer.der"]).failed(Code::SubjectDiffers);
    assert_eq!(error["facts"]["found"][0], "CN=two,O=other");
    let id = made["pending_id"].as_str().unwrap();
    let issuer = format!("cat {}", bank.file("answer.der").display());
    let line = ["resume", "--id", id, "--issuer", &issuer, "--subject", "exact"];
    let error = bank.run(&line).failed(Code::SubjectDiffers);
    let go_on = error["facts"]["go_on"][0].as_str().unwrap();
    assert!(go_on.contains("--subject exact"), "what goes on demands the same: {go_on}");
    bank.soft.snapshot().assert_same_as(&waiting);
    let done = bank.run(&["install", "--retire-old", "answer.der"]);
    assert_eq!(
        done.exit,
        Code::RetireIssuerNotShown.family() as i32,
        "installed; the old one stays: {done:?}"
    );
    let done = done.printed();
    let notices = done["notices"].as_array().unwrap();
    let changed = notices.iter().find(|notice| notice["name"] == "subject_changed").expect("it is told");
    assert_eq!(changed["facts"]["expected"][0], "CN=one,O=firm");
    assert_eq!(changed["facts"]["found"][0], "CN=two,O=other");
    assert_eq!((&done["issuer_continuity"], &done["retired"]), (&"not_checked".into(), &false.into()));
    bank.soft.snapshot().assert_keeps(&bank.before);
    bank.assert_one_new_credential();
}

/// A computer whose battery was empty, or that is years ahead: what is wrong is its clock, and nothing is lost.
#[test]
fn a_clock_of_1970_or_2040_is_told_and_not_the_certificate() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let answer = bank.ca.answer(Form::P7, &bank.certify(&pending));
    let of_2040 = SystemTime::UNIX_EPOCH + 70 * 365 * DAY;
    let error = refused(Install::new(&read(&answer)).run(&session, &at(of_2040)), Code::ClockImplausible);
    assert!(facts(&error, Fact::Now)[0].starts_with("2039-"), "{error}");
    bank.soft.snapshot().assert_same_as(&waiting);

    let of_1970 = SystemTime::UNIX_EPOCH + 20 * DAY;
    let installed = Install::new(&read(&answer)).run(&session, &at(of_1970)).unwrap();
    assert!(warning(&installed, Notice::NotYetValid).is_none(), "{:?}", installed.notices);
    let told = values(warning(&installed, Notice::ClockUncertain).expect("it is told"));
    assert!(
        told.iter().any(|(fact, value)| *fact == Fact::Now && value.starts_with("1970-01-21")),
        "{told:?}"
    );
    bank.assert_old_works();
    bank.assert_one_new_credential();
    let both = bank.soft.snapshot();
    let removal = Retire::replaced_by(&installed).unwrap().although_kept();
    refused(removal.run(&session, &at(of_1970)), Code::RetireNotBegun);
    let error = refused(removal.run(&session, &at(of_2040)), Code::ClockImplausible);
    assert!(facts(&error, Fact::Now)[0].starts_with("2039-"), "{error}");
    let error = refused(Install::new(&read(&answer)).run(&session, &at(of_2040)), Code::ClockImplausible);
    assert!(facts(&error, Fact::Now)[0].starts_with("2039-"), "installed as it is: {error}");
    let doubt = |now| {
        let credentials = session.credentials().unwrap();
        clock_doubt(&usbtoken::Policy::default(), credentials.iter().map(Credential::certificate), now)
    };
    assert!(doubt(of_2040).is_some() && doubt(of_1970).is_some() && doubt(SystemTime::now()).is_none());
    bank.soft.snapshot().assert_same_as(&both);
    removal.run(&session, &run()).unwrap();
}

/// The CA may send a second certificate for a request. The first one is in use, and the token is the right one.
#[test]
fn another_certificate_for_a_request_that_is_finished_is_told_as_that() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let installed = install(&session, &bank.certify(&pending)).unwrap();
    let before = bank.soft.snapshot();
    let error = refused(install(&session, &bank.certify(&pending)), Code::RequestFinished);
    let in_use = installed.credential.certificate().serial().to_string();
    assert_eq!(facts(&error, Fact::Serial), [in_use.as_str()], "{error}");
    bank.soft.snapshot().assert_same_as(&before);
}

/// Made with a clock that was years ahead already: the certificate ended before its key was made.
#[test]
fn a_certificate_that_ended_before_its_key_was_made_tells_of_the_clock() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let ahead = SystemTime::now() + 500 * DAY;
    let pending = Renewal::of(&old).outside_window().begin(&session, &at(ahead)).unwrap();
    let waiting = bank.soft.snapshot();
    let answer = bank.certify(&pending);
    refused(Install::new(&read(&answer)).run_for(&session, &pending, &at(ahead)), Code::ClockImplausible);
    bank.soft.snapshot().assert_same_as(&waiting);
    session.abandon(pending.key().unwrap(), &run()).unwrap();
    // One that waited until the answer had ended is another matter.
    let before = SystemTime::now() - 20 * DAY;
    let pending = Renewal::of(&old).begin(&session, &at(before)).unwrap();
    let issue = bank.ca.issue_for(pending.request().to_der());
    let answer = issue.not_before(days_from_now(-19)).not_after(days_from_now(-5)).der();
    refused(Install::new(&read(&answer)).run_for(&session, &pending, &run()), Code::CertificateExpired);
}

#[test]
fn the_clock_is_read_when_the_certificate_is_compared_with_it() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    // The certificate begins after the installation was prepared and before it runs.
    let begin = SystemTime::now() + Duration::from_secs(2);
    let answer = bank.ca.issue_for(pending.request().to_der()).not_before(begin).der();
    let response = read(&answer);
    let install = Install::new(&response);
    std::thread::sleep(Duration::from_secs(3));
    let installed = install.run_for(&session, &pending, &run()).unwrap();
    assert!(warning(&installed, Notice::NotYetValid).is_none(), "{:?}", installed.notices);
}

/// The old certificate ended while the CA worked. What was begun in time is finished, whichever way it goes on.
#[test]
fn a_job_that_was_begun_in_time_is_finished_after_the_end() {
    let end = days_from_now(-3);
    let begun = SystemTime::now() - 10 * DAY;
    let ways: [&[&str]; 4] =
        [&["renew", "--resume", "--issuer"], &["resume", "--issuer"], &["install"], &["renew", "--issuer"]];
    for way in ways {
        let bank = Bank::of(Kind::P256, end);
        let (session, old) = bank.open();
        let request = Renewal::of(&old).begin(&session, &at(begun)).unwrap().request().to_pem();
        let preflight = Renewal::of(&old).preflight(session.token(), &run());
        assert!(preflight.can_begin(), "{preflight:?}");
        drop(session);
        let waiting = bank.soft.snapshot();
        let issuer = bank.issuer("--form p7");
        let answer = bank.ca.answer(Form::P7, &bank.ca.issue_for(request.as_bytes()).der());
        bank.write("answer.p7", &answer);
        let last = if way == ["install"] { "answer.p7" } else { issuer.as_str() };
        // The library made the request, so the command has kept none.
        let more: &[&str] = match way {
            ["renew", "--resume", ..] => &["--sign-again", "--id", "01"],
            ["renew", ..] => &["--id", "01"],
            ["resume", ..] => &["--sign-again"],
            _ => &[],
        };
        let line = [way, &[last, "--retire-old"], more].concat();
        if way == ["renew", "--issuer"] {
            // No one is there to be asked: it says that one waits, and not that it is too late.
            bank.run(&line).failed(Code::PendingExists);
            bank.soft.snapshot().assert_same_as(&waiting);
            continue;
        }
        let done = bank.run(&line).json();
        assert_eq!(done["retired"], true, "{way:?}: {done:#}");
        bank.assert_others_unchanged();
        bank.assert_one_new_credential();
    }
    // What was not begun is not: it is too late, and this computer's time is shown.
    let bank = Bank::of(Kind::P256, end);
    for line in [
        &["renew", "--id", "01", "--issuer", "false"][..],
        &["renew", "--id", "01", "--resume", "--issuer", "false"],
        &["preflight", "--id", "01"],
    ] {
        let said = bank.run(line);
        assert_eq!(said.exit, 9, "{said:?}");
        if line[0] == "renew" {
            assert_eq!(said.failed(Code::Expired)["facts"]["now"].as_array().unwrap().len(), 1);
        }
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Last year's file, by mistake, while a request waits.
#[test]
fn an_old_certificate_is_said_to_be_one_and_the_request_goes_on_waiting() {
    let bank = Bank::new();
    let made = bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    bank.write("old.der", &bank.old.certificate);
    let error = bank.run(&["install", "old.der"]).failed(Code::CertificateNotAwaited);
    assert_eq!(error["facts"]["serial"][0], serial_hex(&bank.old.certificate).as_str());
    let id = made["pending_id"].as_str().unwrap();
    assert!(error["facts"]["candidate"][0].as_str().unwrap().starts_with(id), "{error:#}");
    bank.soft.snapshot().assert_same_as(&waiting);
    let answer = bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let answer = answer.to_str().unwrap();
    assert_eq!(bank.run(&["install", answer]).json()["already_installed"], false);
    bank.assert_old_works();
    bank.assert_one_new_credential();

    // The right answer a second time, and the old one where nothing waits: both are there, and both work.
    let done = bank.soft.snapshot();
    for file in [answer, "old.der"] {
        let again = bank.run(&["install", file]).json();
        assert_eq!(again["already_installed"], true, "{again:#}");
        assert_eq!(again["notices"][0]["name"], "already_installed", "{again:#}");
    }
    // The right answer while another request waits: a success that does not forget the other.
    bank.run(&["request", "--subject", "CN=another", "--key", "p256", "--out", "second.pem"]).json();
    let again = bank.run(&["install", answer]).json();
    let names: Vec<_> = again["notices"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&"pending_exists".into()), "{names:?}");
    bank.run(&["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_same_as(&done);
}

#[test]
fn one_that_has_ended_or_lost_its_key_is_no_success() {
    let bank = Bank::of(Kind::P256, days_from_now(-3));
    bank.write("old.der", &bank.old.certificate);
    let error = bank.run(&["install", "old.der"]).failed(Code::AlreadyInstalled);
    assert_eq!(error["facts"]["date"].as_array().unwrap().len(), 1, "{error:#}");
    bank.soft.snapshot().assert_same_as(&bank.before);
    let bank = Bank::new();
    let spki = SoftKey::generate(Kind::P256).spki();
    let widow = bank.ca.issue(&bank.old.subject, &spki).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&widow, &[9], "widow"));
    let before = bank.soft.snapshot();
    bank.write("widow.der", &widow);
    bank.run(&["install", "widow.der"]).failed(Code::KeyMissing);
    bank.soft.snapshot().assert_same_as(&before);
}

/// Numbers that RFC 5280 forbids and CAs give, and an end that means none: taken, and renewed from again.
#[test]
fn odd_serial_numbers_and_no_end_are_taken() {
    let mut top_bit = vec![0x80; 20];
    top_bit[19] = 1;
    let positive = [&[0][..], &top_bit].concat();
    for serial in [&[0][..], &[0xff], &[0x81, 0x23], &top_bit, &positive] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let answer =
            bank.ca.issue_for(pending.request().to_der()).serial(serial).not_after(days_from_now(20)).der();
        let answer = bank.ca.answer(Form::P7, &answer);
        let installed = install(&session, &answer).unwrap();
        bank.assert_old_works();
        bank.assert_one_new_credential();
        Retire::replaced_by(&installed).unwrap().although_kept().run(&session, &run()).unwrap();
        bank.assert_others_unchanged();

        // The next renewal finds its pending key again, and the certificate that it renews.
        let id = installed.credential.id().to_vec();
        let second = credential(session.token(), &id);
        let request = Renewal::of(&second).begin(&session, &run()).unwrap().request().to_der().to_vec();
        drop(session);
        let session = bank.session();
        assert_eq!(session.pending().unwrap().len(), 1, "{serial:02x?}");
        let installed = install(&session, &bank.ca.issue_for(&request).der()).unwrap();
        assert_eq!(installed.replaced.as_ref().map(|old| old.id().to_vec()), Some(id), "{serial:02x?}");
    }
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let answer = bank.ca.issue_for(pending.request().to_der()).not_after(end).der();
    install(&session, &answer).unwrap();
    bank.assert_old_works();
    assert_eq!(bank.assert_one_new_credential(), answer);
}

/// The certificate names the key of a CA that is at hand and did not sign it.
#[test]
fn a_signature_that_is_not_the_named_cas_is_refused() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let spoiled = bank.ca.issue_for(pending.request().to_der()).spoil_signature().der();
    let answer = bank.ca.answer(Form::P7, &spoiled);
    refused(Install::new(&read(&answer)).run(&session, &run()), Code::IssuerSignatureInvalid);
    refused(Install::new(&read(&answer)).run_for(&session, &pending, &run()), Code::IssuerSignatureInvalid);
    bank.soft.snapshot().assert_same_as(&waiting);
}

/// What cannot be known is not called right: the date is shown beside what it was compared with.
#[test]
fn the_preflight_shows_the_date_that_it_goes_by() {
    let bank = Bank::new();
    let list = bank.run(&["preflight"]).json();
    assert!(list["now"].as_str().unwrap().starts_with("20"), "{list:#}");
    let (session, old) = bank.open();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &subject("a", "b"), days_from_now(600));
    let seen = credential(&bank.token(), &bank.old.id);
    let preflight = Renewal::of(&seen).preflight(session.token(), &run());
    let clock = preflight.points.iter().find(|finding| finding.point == Point::Clock).unwrap();
    let told = matches!(&clock.state, PointResult::Warning(warning) if *warning == Notice::ClockUncertain);
    assert!(told, "another certificate begins long after today: {clock:?}");
    drop((session, old));
}
