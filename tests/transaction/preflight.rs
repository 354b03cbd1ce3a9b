//! What is checked before anyone is asked for a PIN, and again before anything is written.

#[path = "../common/mod.rs"]
mod common;

use std::time::{Duration, SystemTime};

use common::{Bank, DAY, at, credential, facts, policy, refused, run};
use serde_json::Value;
use usbtoken::bank::KeyRule;
use usbtoken::error::{Fact, Notice, Point};
use usbtoken::pki::{KeyKind, Window};
use usbtoken::renewal::{PointResult, Preflight};
use usbtoken::{Code, Finder, Policy, Renewal};
use usbtoken_testkit::{Folder, Kind, NameDer, SoftKey, Text, days_from_now, manual_subject, softhsm_module};

#[test]
fn a_good_token_has_every_point_and_no_blocker() {
    let bank = Bank::new();
    let token = bank.token();
    let preflight = Renewal::of(credential(&token, &[1])).preflight(&token, &run());
    let points: Vec<&str> = preflight.points.iter().map(|finding| finding.point.name()).collect();
    let expected = [
        "token_initialized",
        "token_writable",
        "pin_usable",
        "memory",
        "key_kind",
        "mechanism",
        "clock",
        "window",
        "subject_unique",
        "nothing_pending",
    ];
    assert_eq!(points, expected);
    assert!(preflight.can_begin());
    // SoftHSM does not tell how much memory is free, and nothing else is to be warned of.
    for finding in &preflight.points {
        match (finding.point, &finding.state) {
            (_, PointResult::Ok) => {}
            (Point::Memory, PointResult::Warning(warning)) if *warning == Notice::MemoryUnknown => {}
            other => panic!("{other:?}"),
        }
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// As a program shows it: each point with a state and, where something is to be said, its sentence.
#[test]
fn the_command_lists_the_points_without_a_pin() {
    let bank = Bank::new();
    let said = bank.run_with_faults("", &["preflight"]);
    let list = said.json();
    assert_eq!(list["can_renew"], true);
    assert_eq!(list["points"].as_array().unwrap().len(), 10);
    let memory = point(&list, "memory");
    assert_eq!(memory["state"], "warning");
    assert!(memory["notice"]["sentence"].as_str().unwrap().ends_with('.'), "{memory:#}");
    let called = bank.called();
    for never in ["C_Login", "C_CreateObject", "C_GenerateKeyPair", "C_DestroyObject", "C_SetAttributeValue"]
    {
        assert!(!called.iter().any(|function| function == never), "{never} in {called:?}");
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn every_state_of_the_token_has_its_finding() {
    let bank = Bank::new();
    let rows = [
        ("*:lie=write-protected", "token_writable", "warning", "write_protection_stated", 0),
        ("*:lie=locked", "pin_usable", "blocker", "pin_locked", 4),
        ("*:lie=final-try", "pin_usable", "warning", "pin_final_try", 0),
        ("*:lie=count-low", "pin_usable", "warning", "pin_count_low", 0),
        ("*:lie=to-be-changed", "pin_usable", "warning", "pin_to_be_changed", 0),
        ("*:lie=memory-full", "memory", "warning", "memory_low", 0),
        (
            "C_GetMechanismList:ckr=CKR_FUNCTION_NOT_SUPPORTED,sticky",
            "mechanism",
            "warning",
            "mechanism_unknown",
            0,
        ),
        (
            "C_GetMechanismInfo:ckr=CKR_MECHANISM_INVALID,sticky",
            "mechanism",
            "warning",
            "mechanism_unknown",
            0,
        ),
    ];
    for (fault, name, state, says, exit) in rows {
        let said = bank.run_with_faults(fault, &["preflight"]);
        let list = said.printed();
        let found = point(&list, name);
        assert_eq!(found["state"], state, "{fault}: {found:#}");
        let about = if state == "blocker" { &found["error"] } else { &found["notice"] };
        assert_eq!(about["name"], says, "{fault}: {found:#}");
        assert!(about["sentence"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{found:#}");
        assert_eq!((list["can_renew"].as_bool(), said.exit), (Some(exit == 0), exit), "{fault}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// The token's state may change between the list and the work.
#[test]
fn what_a_token_states_after_the_list_is_a_hint_too() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    // Two calls found the token; the login asks again, for more than a moment has passed by then.
    let later = |lie: &str| format!("C_GetTokenInfo#3:lie={lie},sticky; C_GetMechanismList:hang=3500");
    let said = bank.run_with_faults(&later("locked"), &["renew", "--issuer", &issuer]);
    let error = said.failed(Code::PinLocked);
    assert_eq!(error["facts"]["stated"][0], "CKF_USER_PIN_LOCKED");
    assert!(error["hint"].as_str().unwrap().contains("--final-try"), "{error:#}");
    assert!(!bank.called().iter().any(|function| function == "C_Login"), "it is not tried unasked");
    bank.soft.snapshot().assert_same_as(&bank.before);

    let said = bank.run_with_faults(&later("write-protected"), &["renew", "--issuer", &issuer]);
    let notices = said.json()["notices"].to_string();
    assert!(notices.contains("write_protection_stated"), "{notices}");
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// Who knows better than the flag says so; the PIN is right, and the token takes it.
#[test]
fn a_pin_that_is_only_stated_to_be_locked_is_sent_when_a_person_wants_it() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    bank.run_with_faults("*:lie=locked,sticky", &["renew", "--issuer", &issuer]).failed(Code::PinLocked);
    bank.run_with_faults("*:lie=locked,sticky", &["renew", "--final-try", "--issuer", &issuer]).json();
    assert_eq!(bank.called().iter().filter(|function| *function == "C_Login").count(), 1);
    bank.assert_one_new_credential();
}

/// SoftHSM always offers a slot with a blank token; here there is no other.
#[test]
fn a_blank_token_is_said_to_be_blank() {
    let _folder = Folder::temporary();
    let finder = Finder::new().module(softhsm_module());
    refused(finder.find(&"pkcs11:".parse().unwrap()), Code::TokenNotInitialized);
    refused(finder.find(&"pkcs11:token=BANK".parse().unwrap()), Code::TokenNotInitialized);
}

#[test]
fn a_driver_that_fails_is_said_to_fail() {
    let bank = Bank::new();
    let said = bank.run_with_faults("C_GetSlotList:ckr=CKR_DEVICE_ERROR,sticky", &["preflight"]);
    said.failed(Code::DeviceFault);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn a_clock_before_the_certificates_beginning_blocks() {
    let bank = Bank::of(Kind::P256, days_from_now(60));
    let (session, old) = bank.open();
    let begin = old.certificate().not_before();
    for now in [begin - 8 * DAY, SystemTime::UNIX_EPOCH + 365 * DAY] {
        let renewal = Renewal::of(&old).outside_window();
        let preflight = renewal.preflight(session.token(), &at(now));
        let error = blocker(&preflight, Point::Clock);
        assert_eq!(error.code(), Code::ClockImplausible);
        assert_eq!((facts(error, Fact::Now).len(), facts(error, Fact::Expected).len()), (1, 1), "{error}");
        // By such a clock nothing is said of the certificate.
        assert_warning(&preflight, Point::Window, Notice::ClockUncertain);
        refused(renewal.begin(&session, &at(now)), Code::ClockImplausible);
    }
    // CAs stamp the moment of issue, and some let a certificate begin on the next business day.
    for now in [begin, begin - Duration::from_secs(1), begin - 6 * DAY] {
        let preflight = Renewal::of(&old).outside_window().preflight(session.token(), &at(now));
        // Another certificate on the token is younger than that, which is worth a word.
        assert_warning(&preflight, Point::Clock, Notice::ClockUncertain);
        assert!(preflight.can_begin());
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn a_clock_years_after_the_end_is_told_and_not_the_certificate() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let late = old.certificate().not_after() + 4 * 365 * DAY;
    let preflight = Renewal::of(&old).outside_window().preflight(session.token(), &at(late));
    assert_warning(&preflight, Point::Clock, Notice::ClockUncertain);
    assert_warning(&preflight, Point::Window, Notice::WindowForced);
    assert!(preflight.can_begin());
    // Without that wish the clock is what is in doubt, and its time is shown.
    let preflight = Renewal::of(&old).preflight(session.token(), &at(late));
    let error = blocker(&preflight, Point::Clock);
    assert_eq!(error.code(), Code::ClockImplausible);
    assert_eq!(facts(error, Fact::Now).len(), 1, "{error}");
    refused(Renewal::of(&old).begin(&session, &at(late)), Code::ClockImplausible);
    // A year or two late may be true: it has expired, and the clock is worth checking.
    let late = old.certificate().not_after() + 2 * 365 * DAY;
    let preflight = Renewal::of(&old).preflight(session.token(), &at(late));
    assert_warning(&preflight, Point::Clock, Notice::ClockUncertain);
    let error = blocker(&preflight, Point::Window);
    assert_eq!((error.code(), facts(error, Fact::Now).len()), (Code::Expired, 1), "{error}");
    // What an earlier job wrote on this computer is younger than its clock.
    let now = SystemTime::now();
    let doubted = |passed| Renewal::of(&old).preflight(session.token(), &run().at(now).passed(Some(passed)));
    assert_warning(&doubted(now + 30 * DAY), Point::Clock, Notice::ClockUncertain);
    let same_day = doubted(now - Duration::from_secs(60));
    assert!(
        same_day
            .points
            .iter()
            .all(|finding| { finding.point != Point::Clock || matches!(finding.state, PointResult::Ok) })
    );
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// The certificate ends at 23:59:59Z, which is 08:59:59 of the next morning in Japan.
#[test]
fn the_window_is_counted_in_japan() {
    let day = SystemTime::UNIX_EPOCH + 20_900 * DAY;
    let end = day + DAY - Duration::from_secs(1);
    let bank = Bank::of(Kind::P256, end);
    let (session, old) = bank.open();
    let jst = |days_before: u32, hour: u64, minute: u64, second: u64| {
        // 00:00 of the expiry date in Japan is 15:00Z of the day on which the certificate ends.
        let midnight = day + Duration::from_secs(15 * 60 * 60);
        midnight - days_before * DAY + Duration::from_secs((hour * 60 + minute) * 60 + second)
    };
    let open = [jst(40, 0, 0, 0), jst(11, 12, 0, 0), jst(0, 8, 59, 0), jst(0, 8, 59, 59)];
    for now in open {
        let preflight = Renewal::of(&old).preflight(session.token(), &at(now));
        assert_ok(&preflight, Point::Window);
        assert!(preflight.can_begin());
    }
    let shut = [
        (jst(41, 23, 59, 59), Code::NotYetRenewable),
        (jst(0, 9, 0, 0), Code::Expired),
        (jst(0, 9, 0, 1), Code::Expired),
    ];
    for (now, code) in shut {
        let preflight = Renewal::of(&old).preflight(session.token(), &at(now));
        assert_eq!(blocker(&preflight, Point::Window).code(), code);
        refused(Renewal::of(&old).begin(&session, &at(now)), code);
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    // The days are a parameter.
    let thirty = Renewal::of(&old).policy(&policy(|p| p.window = usbtoken::pki::Window::of_days(30)));
    refused(thirty.begin(&session, &at(jst(31, 23, 59, 59))), Code::NotYetRenewable);
    assert_ok(&thirty.preflight(session.token(), &at(jst(30, 0, 0, 0))), Point::Window);
    // The last second is good for the work itself too.
    let pending = Renewal::of(&old).begin(&session, &at(jst(0, 8, 59, 59))).unwrap();
    session.abandon(pending.key().unwrap(), &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn a_pending_request_is_seen_before_the_pin_and_blocks_after_it() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();

    let token = bank.token();
    // Before the login only public keys are seen: one of ours tells, but does not prove, that a job is open.
    assert_warning(&Renewal::of(&old).preflight(&token, &run()), Point::NothingPending, Notice::BegunBefore);
    let error = refused(Renewal::of(&old).begin(&session, &run()), Code::PendingExists);
    assert_eq!(facts(&error, Fact::Id).len(), 1, "it says which: {error}");
    bank.soft.snapshot().assert_same_as(&waiting);

    let beside = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    assert!(beside.notices().iter().any(|warning| *warning == Notice::PendingExists));
    assert_eq!(session.pending().unwrap().len(), 2);
    // Another credential is another job.
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &manual_subject().to_der(), days_from_now(9));
    let other = credential(&bank.token(), &[2]);
    assert_ok(&Renewal::of(&other).preflight(&bank.token(), &run()), Point::NothingPending);
}

#[test]
fn another_certificate_with_the_same_subject_is_a_warning() {
    let bank = Bank::new();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &bank.old.subject, days_from_now(-100));
    let other = NameDer::new().common(Text::Utf8, "another").to_der();
    bank.soft.credential(&bank.ca, Kind::P256, &[3], &other, days_from_now(20));
    let before = bank.soft.snapshot();
    let token = bank.token();
    let twin = credential(&token, &[1]);
    assert_warning(&Renewal::of(&twin).preflight(&token, &run()), Point::SubjectUnique, Notice::SameSubject);
    assert_ok(&Renewal::of(credential(&token, &[3])).preflight(&token, &run()), Point::SubjectUnique);
    let session = bank.login(&token);
    let pending = Renewal::of(&twin).begin(&session, &run()).unwrap();
    assert!(pending.notices().iter().any(|warning| *warning == Notice::SameSubject));
    bank.soft.snapshot().assert_keeps(&before);
}

/// What was on the token when the list was made is not what counts.
#[test]
fn the_certificates_are_looked_at_again_before_anything_is_written() {
    let bank = Bank::new();
    let (_, stale) = bank.open();
    bank.renewed();
    let after = bank.soft.snapshot();
    let session = bank.session();
    refused(Renewal::of(&stale).begin(&session, &run()), Code::AlreadyRenewed);
    bank.soft.snapshot().assert_same_as(&after);
    // A program that renews every day has nothing to do.
    drop(session);
    let said = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(said["already_renewed"], true, "{said:#}");
    bank.soft.snapshot().assert_same_as(&after);
    let session = bank.session();
    // Who lists anew sees both, and is told the same: that it is renewed stands on the new key, not in a list.
    let seen = credential(&bank.token(), &bank.old.id);
    refused(Renewal::of(&seen).begin(&session, &run()), Code::AlreadyRenewed);
    bank.soft.snapshot().assert_same_as(&after);
    let pending = Renewal::of(&seen).although_renewed().begin(&session, &run()).unwrap();
    assert!(pending.notices().iter().any(|warning| *warning == Notice::SameSubject));
    session.abandon(pending.key().unwrap(), &run()).unwrap();

    // And one that is gone is not renewed.
    bank.retire(&session, &stale).unwrap();
    let after = bank.soft.snapshot();
    refused(Renewal::of(&stale).begin(&session, &run()), Code::CredentialNotFound);
    bank.soft.snapshot().assert_same_as(&after);
}

#[test]
fn a_certificate_without_its_key_blocks_after_the_login() {
    let bank = Bank::new();
    let subject = manual_subject().to_der();
    let spki = SoftKey::generate(Kind::P256).spki();
    let certificate = bank.ca.issue(&subject, &spki).not_after(days_from_now(20)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&certificate, &[7], "bank"));
    let before = bank.soft.snapshot();
    let session = bank.session();
    let widow = credential(&bank.token(), &[7]);
    refused(Renewal::of(&widow).begin(&session, &run()), Code::KeyMissing);
    bank.soft.snapshot().assert_same_as(&before);
}

#[test]
fn a_kind_of_key_that_the_token_cannot_make_blocks() {
    let bank = Bank::new();
    let fault =
        "C_GetMechanismList:ckr=CKR_FUNCTION_NOT_SUPPORTED,sticky; C_GenerateKeyPair:ckr=CKR_KEY_SIZE_RANGE";
    let issuer = bank.issuer("");
    // A token that lists nothing is tried, and then its refusal is told.
    let said =
        bank.run_with_faults(fault, &["renew", "--key", &KeyKind::Rsa4096.to_string(), "--issuer", &issuer]);
    said.failed(Code::KeySizeUnsupported);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn the_window_decides_by_the_clock_that_is_given() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let now = SystemTime::now();
    assert_eq!((old.days_left(now), old.days_left(now + DAY)), (11, 10), "counted in Japan");
    let end = old.certificate().not_after();
    for (now, code) in [(end - 42 * DAY, Code::NotYetRenewable), (end + DAY, Code::Expired)] {
        refused(Renewal::of(&old).begin(&session, &at(now)), code);
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    Renewal::of(&old).begin(&session, &at(end - 39 * DAY)).unwrap();
}

fn point<'v>(list: &'v Value, name: &str) -> &'v Value {
    let found = list["points"].as_array().unwrap().iter().find(|point| point["point"] == name);
    found.unwrap_or_else(|| panic!("no point {name} in {list:#}"))
}

fn state(preflight: &Preflight, point: Point) -> &PointResult {
    &preflight.points.iter().find(|finding| finding.point == point).expect("the point is listed").state
}

#[track_caller]
fn blocker(preflight: &Preflight, point: Point) -> &usbtoken::Error {
    match state(preflight, point) {
        PointResult::Blocker(error) => error,
        other => panic!("{point:?}: {other:?}"),
    }
}

#[track_caller]
fn assert_ok(preflight: &Preflight, point: Point) {
    assert!(matches!(state(preflight, point), PointResult::Ok), "{:?}", state(preflight, point));
}

#[track_caller]
fn assert_warning(preflight: &Preflight, point: Point, notice: Notice) {
    let state = state(preflight, point);
    assert!(matches!(state, PointResult::Warning(found) if *found == notice), "{state:?}");
}

/// Asked for as a first certificate, a renewal would go around the bank's calendar.
#[test]
fn a_first_certificate_for_a_name_in_use_is_held_to_the_window() {
    let bank = Bank::of(Kind::P256, days_from_now(200));
    let name = credential(&bank.token(), &[1]).subject().to_string();
    let out = bank.file("request.pem").display().to_string();
    bank.run(&["request", "--subject", &name, "--out", &out]).failed(Code::NotYetRenewable);
    let (session, old) = bank.open();
    let kind = KeyRule::Kind(KeyKind::P256);
    let first = |name: &usbtoken::pki::Name| Renewal::first(name.clone()).policy(&policy(|p| p.key = kind));
    refused(first(old.subject()).begin(&session, &run()), Code::NotYetRenewable);
    bank.soft.snapshot().assert_same_as(&bank.before);
    // Another name is no renewal, and who has it issued anew all the same says so.
    let other = "CN=Yamada".parse().unwrap();
    session.abandon(first(&other).begin(&session, &run()).unwrap().key().unwrap(), &run()).unwrap();
    let anew = first(old.subject()).outside_window().begin(&session, &run()).unwrap();
    session.abandon(anew.key().unwrap(), &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Where the bank's window binds everyone, a limit holds by the computer's time as well as by the caller's.
#[test]
fn a_callers_time_opens_no_window_that_binds_everyone() {
    let bank = Bank::of(Kind::P256, days_from_now(45));
    let (session, old) = bank.open();
    let now = SystemTime::now();
    let own = |binds, days, change: &dyn Fn(&mut Window)| {
        let mut window = Window::of_days(days);
        change(&mut window);
        policy(|p| {
            p.window = window;
            p.window_binds_removal = binds;
        })
    };
    let first = || Renewal::first(old.subject().clone());
    let japan = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
    let day =
        |days: i64| jiff::Timestamp::now().to_zoned(japan.clone()).date() + jiff::Span::new().days(days);
    let today = day(0);
    let refusals: [(Policy, SystemTime, Code); 4] = [
        (own(true, 40, &|_| ()), now + 6 * DAY, Code::NotYetRenewable),
        (own(true, 40, &|_| ()), now, Code::NotYetRenewable),
        (own(true, 60, &|window| window.service_ends = Some(day(-2))), now - 4 * DAY, Code::ServiceEnded),
        (own(true, 60, &|window| window.service_ends = Some(day(2))), now + 4 * DAY, Code::ServiceEnded),
    ];
    for (policy, time, code) in &refusals {
        for renewal in [Renewal::of(&old), first()] {
            refused(renewal.policy(policy).begin(&session, &at(*time)), *code);
        }
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
    // Nothing was ordered on a day that has not come; and where nothing binds, the caller's day is the day.
    let ahead = now + 6 * DAY;
    for (binds, days, expected) in
        [(true, 60, [today, day(0)]), (false, 40, [day(6), today + jiff::Span::new().days(6)])]
    {
        let pending =
            Renewal::of(&old).policy(&own(binds, days, &|_| ())).begin(&session, &at(ahead)).unwrap();
        assert!(expected.contains(&pending.since()), "{binds}: {:?}", pending.since());
        session.abandon(pending.key().unwrap(), &run()).unwrap();
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}
