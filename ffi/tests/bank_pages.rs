//! What a bank's profile says holds for its pages: the window, the key, the form of the request, the trust anchors.

mod common;

use std::fs;
use std::process::Command;

use common::pages::{Pages, colleague, name, ok};
use common::succeed;
use usbtoken_testkit::{Kind, TestCa, days_from_now};

/// When a certificate is renewed is the bank's rule, and a page gets around it in no way in which its name can be written.
#[test]
fn in_the_name_of_a_certificate_in_use_a_page_goes_by_its_window() {
    const CALENDAR: &str = "last_day_until = \"08:59\"";
    let subject = name("Bank", "user one");
    let names = ["O=Bank, CN=user one", "CN=user one; O=Bank", "cn=\"USER  ONE\", o=bank"];
    for (other_users, calendar, ends, code) in [
        ("allow", CALENDAR, 200, 801),
        ("refuse", CALENDAR, 200, 801),
        ("allow", "closes_days_before = 5", 3, 826),
        ("refuse", "closes_days_before = 5", 3, 826),
        ("allow", "service_ends = 2020-03-31", 20, 827),
        ("allow", CALENDAR, 20, 0),
    ] {
        let pages = Pages::by_the_bank(other_users);
        let profile = pages.profile.as_ref().unwrap();
        let text = fs::read_to_string(profile).unwrap();
        assert!(text.contains(CALENDAR));
        fs::write(profile, text.replace(CALENDAR, calendar)).unwrap();
        let token = &pages.stage.token;
        token.inspect(|token| token.destroy(&token.snapshot().objects()[0].id));
        token.credential(&pages.stage.ca, Kind::P256, &[0x43], &subject, days_from_now(ends));
        let before = token.snapshot();
        for name in names {
            let came = pages.play(&["request", name, "x.csr"]);
            assert_eq!((came.code, came.asked.0, came.asked.1), (code, 1, 1), "{calendar} {name}: {came:?}");
            if code != 0 {
                token.snapshot().assert_same_as(&before);
            }
        }
        // Where users share a token a name that means nothing is nobody's; the removal of the old one is held to the window.
        if (other_users, code) == ("allow", 801) {
            assert_eq!(pages.play(&["request", "CN=dummy", "y.csr"]).code, 0);
        }
    }
}

/// The bank's word on the key holds, unless its profile leaves that to others.
#[test]
fn a_page_chooses_the_key_where_the_bank_lets_it() {
    const P256: usize = 91;
    const P384: usize = 120;
    for (may, length) in [("[\"drivers\"", P384), ("[\"key\"", P256)] {
        let pages = Pages::by_the_bank("allow");
        let profile = pages.profile.as_ref().unwrap();
        let text = fs::read_to_string(profile).unwrap().replace("\"like-old\"", "\"p384\"");
        fs::write(profile, text.replace("may_override = [\"drivers\"", &format!("may_override = {may}")))
            .unwrap();
        assert_eq!(pages.play(&["request", "CN=login040,O=Example", "x.csr"]), ok(0));
        assert_eq!(pages.request("x.csr").spki.len(), length, "{may}");
    }
}

#[test]
fn a_page_gets_the_form_of_request_that_the_bank_names() {
    let pages = Pages::by_the_bank("allow");
    let profile = pages.profile.as_ref().unwrap();
    let text = fs::read_to_string(profile).unwrap();
    assert!(text.contains("request = \"pkcs10\""));
    fs::write(profile, text.replace("request = \"pkcs10\"", "request = \"cms\"")).unwrap();
    assert_eq!(pages.play(&["renew", "-", "x.p7"]), ok(0));
    let mut command = Command::new("openssl");
    command.args(["cms", "-cmsout", "-print", "-inform", "DER", "-in", "x.p7"]);
    let shown = succeed(command.current_dir(pages.stage.folder.path()).output().unwrap(), "openssl cms");
    assert!(shown.contains("pkcs7-signedData"), "{shown}");
    // No old key could sign a first one.
    assert_eq!(pages.play(&["request", "CN=login041,O=Example", "first.csr"]), ok(0));
    assert!(!pages.request("first.csr").spki.is_empty());
}

/// The bank's own anchors hold for a page whatever it asks for; others in their place where the bank leaves them to the program.
#[test]
fn the_anchors_of_a_page_are_the_banks_or_those_that_it_leaves_to_the_program() {
    let mut pages = Pages::by_the_bank("allow");
    let profile = pages.profile.clone().unwrap();
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(&profile, text.replace("may_override = [\"drivers\"", "may_override = [\"anchors\"")).unwrap();
    assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
    pages.answer("x.csr", &colleague());
    let other = pages.file("other");
    drop(TestCa::at(&other));
    pages.anchor = Some(other.join("root.pem"));
    let waiting = pages.stage.token.snapshot();
    assert_eq!(pages.play(&["install", "-", "answer"]).code, 518, "a chain to another CA");
    pages.stage.token.snapshot().assert_same_as(&waiting);
    pages.anchor = None;
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
}
