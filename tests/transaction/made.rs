//! What is made on the token, as other programs see it.

#[path = "../common/mod.rs"]
mod common;

use base16ct::lower::encode_string as hex;
use common::Bank;
use serde_json::Value;
use usbtoken::Certificate;
use usbtoken_testkit::Object;

/// Requests and installs through the shim, with faults at the installation; returns the new certificate object.
fn installed(bank: &Bank, faults: &str) -> (Value, Certificate, Object) {
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let done = bank.run_with_faults(faults, &["install", "answer.der"]).json();
    bank.assert_old_works();
    let der = bank.assert_one_new_credential();
    let now = bank.soft.snapshot();
    let object = now.added_since(&bank.before).into_iter().find(|one| one.class == "CKO_CERTIFICATE");
    (done, Certificate::from_der(&der).unwrap(), object.unwrap().clone())
}

/// The arguments of the first call of a function in the last run.
fn called(bank: &Bank, function: &str) -> Value {
    let trace = String::from_utf8(bank.read("trace")).unwrap();
    let mut calls = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    calls.find(|call| call["fn"] == function).unwrap()["args"].clone()
}

fn notices(done: &Value) -> Vec<&str> {
    done["notices"].as_array().unwrap().iter().filter_map(|notice| notice["name"].as_str()).collect()
}

/// The days in UTC, as CK_DATE has them.
fn days(certificate: &Certificate) -> [Vec<u8>; 2] {
    [certificate.not_before(), certificate.not_after()].map(|time| {
        let time = jiff::Timestamp::try_from(time).unwrap();
        time.strftime("%Y%m%d").to_string().into_bytes()
    })
}

/// PKCS#11 v3.1 §4.6.3: other programs find it by subject, issuer and serial number.
#[test]
fn the_certificate_object_says_what_it_is() {
    let bank = Bank::new();
    let (done, certificate, object) = installed(&bank, "");
    assert!(!notices(&done).contains(&"minimal_certificate"), "{done:#}");
    assert_eq!(object.bytes("Subject"), Some(certificate.subject().der()));
    assert_eq!(object.bytes("Issuer"), Some(certificate.issuer().der()));
    // An INTEGER in DER.
    let serial = object.bytes("SerialNumber").map(|der| (der[0], hex(&der[2..])));
    assert_eq!(serial, Some((0x02, certificate.serial().to_string())));
    assert_eq!(object.flag("Private"), Some(false));
    let [start, end] = days(&certificate);
    assert_eq!((object.bytes("StartDate"), object.bytes("EndDate")), (Some(&*start), Some(&*end)));
    let created = called(&bank, "C_CreateObject");
    let mut template = created["pTemplate"].as_array().unwrap().iter();
    let category = template.find(|one| one["type"] == "CKA_CERTIFICATE_CATEGORY").unwrap();
    assert_eq!(category["value"], 1, "CK_CERTIFICATE_CATEGORY_TOKEN_USER");
}

/// A token that refuses what is only useful gets less, step by step; the issuer goes last, by which software searches.
#[test]
fn a_token_that_refuses_attributes_gets_fewer() {
    for (refusals, has_issuer) in [(1, true), (2, true), (3, false)] {
        let fault = |number| format!("C_CreateObject#{number}:ckr=CKR_ATTRIBUTE_TYPE_INVALID");
        let faults: Vec<String> = (1..=refusals).map(fault).collect();
        let bank = Bank::new();
        let (done, certificate, object) = installed(&bank, &faults.join("; "));
        assert!(notices(&done).contains(&"minimal_certificate"), "{done:#}");
        assert_eq!(object.bytes("Subject"), Some(certificate.subject().der()));
        let issuer = if has_issuer { certificate.issuer().der() } else { b"" };
        assert_eq!(object.bytes("Issuer"), Some(issuer), "{refusals}");
        assert_eq!(object.bytes("StartDate"), Some(&b""[..]), "{refusals}");
    }
}

/// Some tokens let a key do only what its template says.
#[test]
fn the_pair_is_asked_for_with_what_it_is_for() {
    let bank = Bank::new();
    bank.run_with_faults("", &["request", "--out", "request.pem"]).json();
    let arguments = called(&bank, "C_GenerateKeyPair").to_string();
    for attribute in ["CKA_SIGN", "CKA_VERIFY", "CKA_SENSITIVE", "CKA_EXTRACTABLE", "CKA_ID", "CKA_LABEL"] {
        assert!(arguments.contains(attribute), "{attribute}: {arguments}");
    }
    let now = bank.soft.snapshot();
    let private =
        now.added_since(&bank.before).into_iter().find(|one| one.class == "CKO_PRIVATE_KEY").unwrap();
    for (flag, value) in [("Sign", true), ("Sensitive", true), ("Extractable", false), ("Private", true)] {
        assert_eq!(private.flag(flag), Some(value), "{flag}");
    }
}

/// A run that is ended while it takes a pair back that it has made: nothing of it is missed, and the next run makes another.
#[test]
fn a_pair_that_was_being_taken_back_is_not_missed() {
    for at in ["C_DestroyObject#1:exit", "C_DestroyObject#1:exit-after", "C_DestroyObject#2:exit-after"] {
        let bank = Bank::new();
        let faults = format!("*:lie=signature-wrong; {at}");
        let said = bank.run_with_faults(&faults, &["request", "--out", "request.pem"]);
        assert_eq!(said.exit, 86, "{at}: {said:?}");
        let left = bank.soft.snapshot().added_since(&bank.before).first().map(|object| hex(&object.id));
        if let Some(id) = left {
            bank.run(&["abandon", "--yes", "--id", &id]).json();
        }
        bank.soft.snapshot().assert_same_as(&bank.before);
        bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    }
}
