//! Many certificates in a host: one message reads several, and the driver sees the calls that it would see without.

use usbtoken::Code;
use usbtoken::error::Fact;
use usbtoken_testkit::{Kind, NameDer, SoftKey, Text, days_from_now};

use crate::bank;
use crate::common::{Bank, Said, facts, refused};
use crate::ends::{driver, is_there};

const CERTIFICATES: u8 = 40;

/// A token with as many certificates, of which one is larger than the room that is tried first.
fn many() -> Bank {
    let bank = bank();
    let spki = SoftKey::generate(Kind::P256).spki();
    let named = |name: &str| {
        let subject = NameDer::new().common(Text::Utf8, name).to_der();
        bank.ca.issue(&subject, &spki).not_after(days_from_now(200)).der()
    };
    let (der, large) = (named("many"), named(&"many".repeat(2_200)));
    bank.soft.inspect(|inspector| {
        for number in 0..CERTIFICATES {
            let value = if number == CERTIFICATES / 2 { &large } else { &der };
            inspector.write_certificate(value, &[0x70, number], "many");
        }
    });
    bank
}

#[test]
fn many_certificates_are_read_by_the_same_calls() {
    let bank = many();
    for pin in [false, true] {
        let list = |arguments: &[&str]| {
            bank.ends("");
            let arguments = [&["list"], arguments].concat();
            let mut command = match pin {
                true => bank.command(driver(), &arguments),
                false => bank.command_without_pin(driver(), &arguments),
            };
            let listed = Said::of(command.output().unwrap()).json();
            (listed, bank.noted_with_objects())
        };
        let (here, calls_here) = list(&["--in-process"]);
        let (hosted, calls) = list(&[]);
        let sorted = |listed: &serde_json::Value| {
            let mut texts: Vec<String> =
                listed.as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&hosted), sorted(&here));
        let functions = |calls: &[(String, String)]| {
            let mut functions: Vec<String> = calls.iter().map(|(function, _)| function.clone()).collect();
            functions.sort();
            functions
        };
        assert_eq!(functions(&calls), functions(&calls_here), "pin: {pin}");
        if pin {
            continue;
        }
        // What is asked again of an object comes before the next one.
        let read = calls.iter().filter(|(function, _)| function == "C_GetAttributeValue");
        let mut read: Vec<&str> = read.map(|(_, object)| object.as_str()).collect();
        let all = read.len();
        read.dedup();
        let in_order = read.len();
        read.sort_unstable();
        read.dedup();
        assert!(all > in_order && in_order == read.len(), "{calls:?}");
    }
}

/// In the middle of one message: the function is named, and nothing that was read before is taken for all.
#[test]
fn a_driver_that_ends_among_many_reads_is_named() {
    let bank = many();
    for (ends, code) in [("crash", Code::DriverCrashed), ("hang", Code::DriverTimeout)] {
        bank.ends(&format!("{ends}:C_GetAttributeValue:25"));
        let token = bank.finder().find(&bank.soft.uri().parse().unwrap()).unwrap();
        let error = refused(token.credentials(), code);
        assert_eq!(facts(&error, Fact::Function), ["C_GetAttributeValue"], "{error}");
        assert!(bank.hosts().into_iter().all(|process| !is_there(process)), "{ends}");
    }
    bank.ends("");
    let token = bank.finder().find(&bank.soft.uri().parse().unwrap()).unwrap();
    assert!(token.credentials().unwrap().into_iter().count() > usize::from(CERTIFICATES) / 2);
}
