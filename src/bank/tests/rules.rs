//! What a profile says, as the callers ask for it.

use super::{EXAMPLE, bank, fact, with};
use crate::bank::{BankToken, Override, TooLate};
use crate::catalogue::{Catalogue, Machine, Os};
use crate::error::{Code, Error, Fact};
use crate::pki::{WindowState, jst_date};
use crate::text::Lang;
use std::path::PathBuf;

use super::at;

#[test]
fn the_window_closes_with_the_minute_that_the_bank_names() {
    let bank = bank(EXAMPLE);
    let end = at("2026-12-04T23:59:59+09:00");
    let state = |now: &str| bank.window().state(end, at(now));
    assert_eq!(state("2026-12-04T08:59:59+09:00"), WindowState::Open { days_left: 0 });
    assert!(matches!(state("2026-12-04T09:00:00+09:00"), WindowState::Closed { .. }));
    for days in [28, 30, 60] {
        let bank = super::bank(&with(&format!("[calendar]\nopens_days_before = {days}")));
        assert_eq!(bank.window().days, days);
    }
}

#[test]
fn late_renewals_and_the_end_of_a_service_are_rules_of_the_window() {
    let end = at("2026-12-03T23:59:59Z");
    for days in [80, 90, 180] {
        let late = bank(&with(&format!("[too_late]\nthen = \"form\"\nrenewable_days = {days}")));
        let last = end + super::DAY * days;
        assert!(matches!(late.window().state(end, last), WindowState::Open { .. }));
        assert!(matches!(late.window().state(end, last + super::DAY), WindowState::Expired { .. }));
    }
    let ends = bank(&with("[calendar]\nservice_ends = 2026-11-30"));
    assert!(matches!(
        ends.window().state(end, at("2026-12-01T00:00:00+09:00")),
        WindowState::ServiceEnded { .. }
    ));
}

#[test]
fn a_reminder_is_due_from_its_day_on() {
    let bank = bank(EXAMPLE);
    let end = at("2026-12-03T23:59:59Z");
    let due = |now: &str| bank.reminder(end, at(now)).map(|reminder| reminder.due);
    assert_eq!(due("2026-10-24T12:00:00+09:00"), None);
    assert_eq!(due("2026-10-25T00:00:00+09:00"), Some(40));
    assert_eq!(due("2026-11-25T00:00:00+09:00"), Some(14));
    assert_eq!(due("2026-12-04T08:59:59+09:00"), Some(1));
    assert_eq!(due("2026-12-04T09:00:00+09:00"), None);
    assert_eq!(bank.reminds_from(end).unwrap().to_string(), "2026-10-25");
    let reminder = bank.reminder(end, at("2026-11-25T00:00:00+09:00")).unwrap();
    assert_eq!((reminder.days_left, reminder.next.unwrap().to_string().as_str()), (9, "2026-11-27"));
    let last = bank.reminder(end, at("2026-12-03T23:59:59+09:00")).unwrap();
    assert_eq!((last.due, last.days_left, last.next), (1, 1, None));
    // Of one that the bank renews no more no one is reminded.
    let closed = super::bank(&with("[calendar]\nreminders = [7]\ncloses_days_before = 2"));
    assert_eq!(closed.reminder(end, at("2026-12-02T23:59:59+09:00")).map(|one| one.due), Some(7));
    assert_eq!(closed.reminder(end, at("2026-12-03T00:00:00+09:00")), None);
    let silent = super::bank(super::SHORT);
    assert_eq!(
        (silent.reminder(end, at("2026-12-03T00:00:00+09:00")), silent.reminds_from(end)),
        (None, None)
    );
}

#[test]
fn the_pin_is_called_what_the_banks_letter_calls_it() {
    let bank = bank(&with("[words]\npin = { ja = \"暗証番号（PIN）\", en = \"token password\" }"));
    let said = |text: &str, lang: Lang| bank.in_its_words(text, lang).into_owned();
    assert_eq!(
        said("PIN(暗証番号)が正しくありません。PINを", Lang::Ja),
        "暗証番号（PIN）が正しくありません。暗証番号（PIN）を"
    );
    assert_eq!(said("初期PINです", Lang::Ja), "初期暗証番号（PIN）です");
    for same in ["PINパッドのキー", "--pin-file", "USBTOKEN_PIN", "CKR_PIN_LOCKED", "PINPAD", ""] {
        assert_eq!(said(same, Lang::Ja), same);
    }
    assert_eq!(
        said("The PIN is wrong; PINs differ.", Lang::En),
        "The token password is wrong; token passwords differ."
    );
    for code in [Code::PinIncorrect, Code::PinLocked, Code::PinFinalTry, Code::PinRequired] {
        let report = bank.report(&Error::new(code), Lang::En);
        assert!(report.sentence.contains("token password"), "{}", report.sentence);
    }
    let none = super::bank(super::SHORT);
    assert_eq!(none.in_its_words("The PIN", Lang::En), "The PIN");
}

#[test]
fn the_way_in_which_a_token_came_explains_an_error() {
    let of = |delivered: &str| {
        super::bank(&super::SHORT.replace("uri =", &format!("delivered = {delivered:?}\nuri =")))
    };
    let token = |label: &str| crate::driver::TokenIdentity {
        label: label.to_owned(),
        manufacturer: "M".to_owned(),
        model: "T".to_owned(),
        serial: "1".to_owned(),
    };
    let reason = |delivered: &str, code: Code, label: &str| {
        fact(&of(delivered).explain(Error::new(code), &token(label)), Fact::Reason)
    };
    assert_eq!(reason("empty", Code::CredentialNotFound, "BANK"), "delivered_empty");
    assert_eq!(reason("initial-pin", Code::PinIncorrect, "BANK"), "initial_pin");
    for (delivered, code, label) in [
        ("with-certificate", Code::CredentialNotFound, "BANK"),
        ("empty", Code::CredentialNotFound, "OTHER"),
        ("empty", Code::PinIncorrect, "BANK"),
        ("initial-pin", Code::CredentialNotFound, "BANK"),
    ] {
        assert_eq!(reason(delivered, code, label), "", "{delivered} {code:?} {label}");
    }
}

#[test]
fn a_new_certificate_may_begin_to_work_later() {
    let works = |begins: &str, now: &str| {
        let bank = bank(&with(&format!("[calendar]\nbegins_to_work = \"{begins}\"")));
        let (now, old_ends) = (at(now), Some(at("2026-12-03T23:59:59Z")));
        bank.policy().not_in_use_before(jst_date(now), old_ends, now).map(|date| date.to_string())
    };
    assert_eq!(works("at-once", "2026-11-27T10:00:00+09:00"), None);
    // A Friday.
    assert_eq!(works("next-business-day", "2026-11-27T10:00:00+09:00").unwrap(), "2026-11-30");
    assert_eq!(works("next-business-day", "2026-11-25T10:00:00+09:00").unwrap(), "2026-11-26");
    assert_eq!(works("after-old-ends", "2026-11-25T10:00:00+09:00").unwrap(), "2026-12-04");
    assert_eq!(works("after-old-ends", "2026-12-25T10:00:00+09:00"), None);
    let rests = "next-business-day\"\nholidays = [2026-11-23, 2026-11-24]\n#\"";
    assert_eq!(works(rests, "2026-11-20T10:00:00+09:00").unwrap(), "2026-11-25");
}

#[test]
fn nothing_is_overridden_that_is_not_listed() {
    let bank = bank(EXAMPLE);
    for one in Override::ALL {
        let listed = [Override::Drivers, Override::Issuer, Override::Timeout].contains(one);
        assert_eq!(bank.check_override(*one).is_ok(), listed, "{one:?}");
    }
    let refused = bank.check_override(Override::Anchors).unwrap_err();
    assert_eq!(refused.code(), Code::OverrideRefused);
    assert_eq!(fact(&refused, Fact::Found), "anchors");
    let none = super::bank(super::SHORT);
    assert!(Override::ALL.iter().all(|one| none.check_override(*one).is_err()));
}

#[test]
fn the_banks_words_take_the_place_of_the_branch() {
    let bank = bank(EXAMPLE);
    let report = |code: Code, lang: Lang| bank.report(&Error::new(code), lang).to_string();
    let locked = report(Code::PinLocked, Lang::Ja);
    assert!(locked.contains("下記の窓口で新しいUSBトークンの発行"), "{locked}");
    assert!(locked.contains(
        "お問い合わせ先: いよぎん外為インターネットサービス お問い合わせ窓口 0120-000-000（平日9:00〜17:00）"
    ));
    assert!(!locked.contains("お取引店"), "{locked}");
    let expired = report(Code::Expired, Lang::En);
    assert!(expired.contains("Have a new certificate issued"), "{expired}");
    assert!(expired.contains("0120-000-000 (weekdays 9:00–17:00 JST)"), "{expired}");
    // What needs no call names none.
    assert!(!report(Code::FileUnreadable, Lang::Ja).contains("0120"));
}

#[test]
fn too_late_is_one_of_five_steps() {
    let step = |then: &str| bank(&with(&format!("[too_late]\nthen = \"{then}\""))).too_late.unwrap();
    let steps = ["new-issue", "revoke-first", "form", "contact"].map(step);
    let mut said: Vec<String> =
        Lang::ALL.iter().flat_map(|lang| steps.iter().map(|step| step.text(*lang))).collect();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 8);
    let own = with("[too_late]\nthen = \"words\"\nwords = { ja = \"支店へ\", en = \"go there\" }");
    assert_eq!(bank(&own).too_late.unwrap().text(Lang::En), "go there");
    assert_eq!(TooLate::Form.text(Lang::En), steps[2].text(Lang::En));
}

fn machine(os: Os, bits: u32) -> Machine {
    let environment = [("ProgramFiles".to_owned(), r"C:\Program Files".to_owned())].into();
    Machine { os, bits, multiarch: "x86_64-linux-gnu".into(), environment }
}

#[test]
fn drivers_are_those_of_the_machine() {
    let bank = bank(EXAMPLE);
    let drivers = |os, bits| bank.drivers(&machine(os, bits), Catalogue::builtin());
    let linux = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
    assert_eq!(drivers(Os::Linux, 64), linux.map(PathBuf::from));
    assert_eq!(drivers(Os::Windows, 64), [PathBuf::from(r"C:\Program Files\SoftHSM2\lib\softhsm2-x64.dll")]);
    assert!(drivers(Os::Windows, 32).is_empty() && drivers(Os::Macos, 64).is_empty());
    let family = super::SHORT.to_owned() + "families = [\"safenet-etoken\"]\n";
    let drivers = super::bank(&family).drivers(&machine(Os::Linux, 64), Catalogue::builtin());
    assert!(drivers.contains(&PathBuf::from("/usr/lib/libeToken.so")), "{drivers:?}");
}

#[test]
fn a_bank_whose_drivers_are_missing_says_which() {
    let text = super::SHORT.to_owned() + "[[token.driver]]\nsystem = \"linux\"\npath = \"/nowhere/p11.so\"\n";
    if Machine::current().os == Os::Linux {
        let error = super::bank(&text).finder().unwrap_err();
        assert_eq!(
            (error.code(), fact(&error, Fact::Expected)),
            (Code::DriverMissing, "/nowhere/p11.so".into())
        );
    }
    assert!(super::bank(super::SHORT).finder().is_ok(), "the usual ones");
}

#[test]
fn a_path_of_a_driver_leads_from_the_root_and_not_upwards() {
    let driver = |system: &str, path: &str| {
        super::SHORT.to_owned() + &format!("[[token.driver]]\nsystem = {system:?}\npath = '{path}'\n")
    };
    for (system, path) in
        [("linux", "/opt/a.so"), ("macos", "/L/a.dylib"), ("windows", r"C:\a.dll"), ("windows", r"%X%\a.dll")]
    {
        let tokens: Vec<BankToken> = bank(&driver(system, path)).tokens;
        assert_eq!(tokens[0].drivers[0].path, path);
    }
    for (system, path) in [
        ("linux", "a.so"),
        ("linux", "/opt/../tmp/a.so"),
        ("linux", r"C:\a.dll"),
        ("linux", ""),
        ("windows", "/a.dll"),
        ("windows", "a.dll"),
        ("windows", r"%%\a.dll"),
        ("windows", r"%X%\..\a.dll"),
        ("windows", r"\\server\share\a.dll"),
    ] {
        assert_eq!(super::place(&driver(system, path)).0, Code::ProfileBadValue, "{system} {path}");
    }
}

/// `openssl x509 -subject` begins with the country; RFC 4514 ends with it.
#[test]
fn an_issuer_in_the_order_of_openssl_is_remarked() {
    use usbtoken_testkit::TestCa;

    let ca = TestCa::new();
    let anchor = crate::pki::Certificate::from_der(ca.root()).unwrap();
    let right = anchor.subject().to_string();
    assert!(right.contains(','), "{right}");
    let wrong: Vec<&str> = right.rsplit(',').collect();
    let remarks = |issuer: &str| -> Vec<String> {
        let text = format!("[ca]\nissuers = [{issuer:?}]\nanchors = [\"\"\"\n{}\"\"\"]", anchor.to_pem());
        let remarks = bank(&with(&text)).remarks(at("2026-11-27T10:00:00+09:00"));
        remarks.iter().map(|remark| remark.notice.name().to_owned()).collect()
    };
    assert_eq!(remarks(&wrong.join(",")), ["profile_issuer_reversed"]);
    // A CA below the anchor is none, and the anchor's own name is right.
    assert!(remarks(&right).is_empty() && remarks("CN=Issuing CA,O=Bank,C=JP").is_empty());
}
