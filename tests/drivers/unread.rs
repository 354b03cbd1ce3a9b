//! Certificate objects of which the driver tells nothing: the key that may be theirs stays.

use usbtoken::Code;
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now, serial_hex};

use crate::common::Bank;

/// What a driver answers to C_GetAttributeValue: nothing but lengths of 0, that nothing is available, a failure of the function,
/// one of the device, and that the handle, which a search has just found, is none.
const ANSWERS: [&str; 5] = ["0", "0x12", "0x6", "0x30", "0x82"];

const FOREIGN: &[u8] = &[0x44];

impl Bank {
    /// Another program's certificate for the key with this identifier.
    fn write_another_for(&self, id: &[u8]) {
        let name = NameDer::new().organization(Text::Utf8, "Other").common(Text::Utf8, "VPN").to_der();
        let spki = self.soft.inspect(|inspector| inspector.public_key(id));
        let vpn = TestCa::new().issue(&name, &spki).not_after(days_from_now(500)).der();
        self.soft.inspect(|inspector| inspector.write_certificate(&vpn, FOREIGN, "vpn"));
    }
}

#[test]
fn a_key_with_a_certificate_that_is_not_told_is_not_retired() {
    for answer in ANSWERS {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.renewed();
        bank.write_another_for(&bank.old.id);
        let before = bank.soft.snapshot();
        let (serial, anchor) = (serial_hex(&bank.old.certificate), bank.anchor());
        let said = bank.odd(
            &format!("unread=0x44,unread-as={answer}"),
            &["retire", "--yes", "--serial", &serial, "--trust-anchor", &anchor],
        );
        let after = bank.soft.snapshot();
        let gone = before.added_since(&after);
        let keys = gone.iter().filter(|object| object.class.ends_with("_KEY")).count();
        assert_eq!(keys, 0, "{answer}: {said:?}");
        if said.exit == 0 {
            assert_eq!((&said.json()["key_removed"], gone.len()), (&false.into(), 1), "{answer}");
        }
        bank.soft.sign(&bank.old.id, b"vpn");
    }
}

#[test]
fn a_key_with_a_certificate_that_is_not_told_is_not_abandoned() {
    for answer in ANSWERS {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let id = bank.run(&["request", "--out", "request.pem"]).json()["key_id"].as_str().map(str::to_owned);
        let id = id.unwrap_or_else(|| bank.run(&["pending"]).json()[0]["id"].as_str().unwrap().to_owned());
        let id = base16ct::lower::decode_vec(&id).unwrap();
        bank.write_another_for(&id);
        let before = bank.soft.snapshot();
        let ways = format!("unread=0x44,unread-as={answer}");
        let said = bank.odd(&ways, &["abandon", "--yes"]);
        assert_ne!(said.exit, 0, "{answer}: {said:?}");
        bank.soft.snapshot().assert_same_as(&before);
        // Nor do a resumption and an installation take anything away.
        bank.odd(&ways, &["resume", "--issuer", &bank.issuer("")]);
        bank.soft.snapshot().assert_keeps(&before);
    }
}

/// The certificate of the answer is on the token, and the driver tells nothing of it: no second one is written, and nothing of the
/// credential is taken for the rest of a job.
#[test]
fn no_second_certificate_is_written_beside_one_that_is_not_told() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run(&["install", "answer.der"]).json();
    let before = bank.soft.snapshot();
    let new = before.added_since(&bank.before);
    let id = new.iter().map(|object| object.id[0]).next().expect("a new credential");
    for answer in ANSWERS {
        let ways = format!("unread={id:#x},unread-as={answer}");
        bank.odd(&ways, &["install", "answer.der"]).failed(Code::ObjectUnreadable);
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// It says that it is a certificate of another type, such as an attribute certificate: for which key nobody here can tell, so the
/// keys stay.
#[test]
fn a_certificate_of_another_type_keeps_the_keys() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.soft.inspect(|inspector| inspector.write_as_certificate(b"attributes", FOREIGN, "attributes"));
    let ways = "certificate-type=1";
    bank.odd(ways, &["request", "--out", "request.pem"]).json();
    let before = bank.soft.snapshot();
    bank.odd(ways, &["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&before);
    bank.odd(ways, &["resume", "--issuer", &bank.issuer("")]).json();
    let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
    assert_eq!(bank.odd(ways, &retire).json()["key_removed"], false);
    bank.soft.sign(&bank.old.id, b"old");
    assert_eq!(bank.soft.snapshot().with_id(FOREIGN).count(), 1);
}

/// A search finds what is no object at all, before what is one: each may be a certificate that cannot be read, so the old key stays, and a person
/// names what is given up. The job is done.
#[test]
fn handles_that_are_none_stop_no_job() {
    for ways in ["ghosts=3", "ghosts=200"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let list = bank.odd(ways, &["list"]).json();
        assert_eq!(list.as_array().unwrap().iter().filter(|one| one["id"] == "01").count(), 1, "{list:#}");
        bank.odd(ways, &["doctor"]).json();
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        let waits = bank.soft.snapshot();
        bank.odd(ways, &["abandon", "--yes"]).failed(Code::RemovalDoubtful);
        bank.soft.snapshot().assert_same_as(&waits);
        bank.odd(ways, &["resume", "--issuer", &bank.issuer("")]).json();
        bank.assert_one_new_credential();
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
        assert_eq!(bank.odd(ways, &retire).json()["key_removed"], false);
        bank.soft.sign(&bank.old.id, b"stays");
    }
}

/// Hardware features, and classes of a vendor's own, are neither certificates nor keys, under whatever identifier.
#[test]
fn objects_of_other_classes_are_passed_over() {
    for class in ["5", "8", "0x80000005"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.write_another_for(&bank.old.id);
        let before = bank.soft.snapshot();
        let ways = format!("class-of=0x44,class-as={class}");
        let list = bank.odd(&ways, &["list"]).json();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list:#}");
        bank.odd(&ways, &["request", "--out", "request.pem"]).json();
        bank.odd(&ways, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&before);
        bank.odd(&ways, &["renew", "--issuer", &bank.issuer("")]).json();
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
        assert_eq!(bank.odd(&ways, &retire).json()["key_removed"], true, "{class}");
        let left = bank.soft.snapshot();
        assert_eq!((left.with_id(FOREIGN).count(), left.with_id(&bank.old.id).count()), (1, 0));
    }
}

/// In forms that are not ours to read, an unfinished job's key is one that may be in use as well.
#[test]
fn a_key_in_a_certificate_that_is_not_ours_to_read_is_not_abandoned() {
    for form in 0..4 {
        for with_public in [true, false] {
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            bank.run(&["request", "--out", "request.pem"]).json();
            let pending = bank.run(&["pending"]).json();
            let id = base16ct::lower::decode_vec(pending[0]["id"].as_str().unwrap()).unwrap();
            let spki = bank.soft.inspect(|inspector| inspector.public_key(&id));
            let name = NameDer::new().common(Text::Utf8, "VPN").to_der();
            let der = TestCa::new().issue(&name, &spki).not_after(days_from_now(500)).der();
            let value = match form {
                0 => [&[0x30, 0x83, 0, der[2], der[3]], &der[4..]].concat(),
                1 => [&[0x30, 0x80], &der[4..], &[0, 0]].concat(),
                2 => usbtoken::Certificate::from_der(&der).unwrap().to_pem().into_bytes(),
                _ => der[..der.len() - 40].to_vec(),
            };
            bank.soft.inspect(|inspector| inspector.write_as_certificate(&value, FOREIGN, "vpn"));
            if !with_public {
                let public: Vec<_> = bank.soft.snapshot().of_class("CKO_PUBLIC_KEY").cloned().collect();
                let public = public.iter().find(|object| object.id == id).unwrap();
                bank.pkcs11_tool(&[
                    "--delete-object",
                    "--type",
                    "pubkey",
                    "--id",
                    &base16ct::lower::encode_string(&public.id),
                ]);
            }
            let before = bank.soft.snapshot();
            let said = bank.run(&["abandon", "--yes"]);
            said.failed(Code::RemovalDoubtful);
            bank.soft.snapshot().assert_same_as(&before);
        }
    }
}

/// Where nothing tells the public half of an EC key, it is known by its signature that it is the new certificate's.
#[test]
fn what_was_renewed_is_known_where_no_public_key_shows() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let ways = "hides-public-keys";
    bank.renew_oddly(ways, &[]).json();
    let listed = bank.odd(ways, &["list"]).json();
    let old = listed.as_array().unwrap().iter().find(|one| one["id"] == "01").unwrap();
    assert_eq!((&old["renewable"], &old["successor"]["proven"]), (&false.into(), &true.into()), "{listed:#}");
    assert_eq!(bank.odd(ways, &["list", "--due"]).json().as_array().map(Vec::len), Some(0));
}

/// Private keys show no CKA_ID, certificates and public keys do. The key that signs is the certificate's: nobody is told that it is
/// missing, and what the token does not allow is said as it is.
#[test]
fn a_key_whose_identifier_does_not_show_is_the_one_that_signs() {
    for (kind, ways) in [
        (Kind::P256, "key-ids-unread"),
        (Kind::P256, "key-ids-unread,hides-public-keys"),
        (Kind::P256, "key-ids-unread,asks"),
        (Kind::Rsa2048, "key-ids-unread"),
    ] {
        let bank = Bank::of(kind, days_from_now(11));
        let listed = bank.odd(ways, &["list"]).json();
        let old = listed.as_array().unwrap().iter().find(|one| one["id"] == "01").unwrap();
        assert_eq!(old["renewable"], true, "{ways}: {old:#}");
        let error = bank.renew_oddly(ways, &["--id", "01"]).failed(Code::KeyUnfit);
        assert!(!error["next"].as_str().unwrap().contains("eissue"), "{ways}: {error:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    // Where no key signs for it, it is missing.
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.pkcs11_tool(&["--delete-object", "--type", "privkey", "--id", "01"]);
    bank.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, b"\x31", "another"));
    bank.odd("key-ids-unread", &["list"]).json()[0]["renewable"].as_bool().filter(|can| !can).unwrap();
    bank.renew_oddly("key-ids-unread", &[]).failed(Code::KeyMissing);
}

/// One that the driver fails at spoils nothing, with the PIN and without; a token that is gone in the middle is no such object.
#[test]
fn a_certificate_that_the_driver_fails_at_is_listed_as_that() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.write_another_for(&bank.old.id);
    for with_pin in [true, false] {
        let list = |answer: &str| match with_pin {
            true => bank.odd(&format!("unread=0x44,unread-as={answer}"), &["list"]),
            false => bank.oddly_without_pin(&format!("unread=0x44,unread-as={answer}"), &["list"]),
        };
        let listed = list("0x30").json();
        let unreadable: Vec<bool> =
            listed.as_array().unwrap().iter().map(|one| one["unreadable"].is_string()).collect();
        assert_eq!(unreadable, [false, true], "{listed:#}");
        list("0x32").failed(Code::TokenRemoved);
    }
    // Where nothing else can be read, it is not the certificate.
    bank.soft.inspect(|inspector| inspector.destroy(FOREIGN));
    let ways = "unread=0x01,unread-as=0x30";
    assert_eq!(bank.odd(ways, &["list"]).json()[0]["reason"], "not_given");
    bank.oddly_without_pin(ways, &["list"]).failed(Code::DeviceFault);
    let alone = format!("{ways},hides-public-keys");
    bank.oddly_without_pin(&alone, &["preflight"]).failed(Code::DeviceFault);
}
