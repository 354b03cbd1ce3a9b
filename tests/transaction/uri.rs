//! The object in a token's URI (`id`, `object`, `type`, RFC 7512 §2.3) says which credential is meant. Another one is never
//! taken in its place.

#[path = "../common/mod.rs"]
mod common;

use base16ct::lower::encode_string as hex;
use common::{Bank, Said, refused};
use usbtoken::error::Fact;
use usbtoken::{Code, Finder, Renewal, Run, Token};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now};

const SECOND_ID: [u8; 2] = [0x0a, 0x0b];

/// A bank's token with a second credential that can be renewed, id 0a0b, label `second`.
fn two_credentials() -> Bank {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let subject = NameDer::new().common(Text::Utf8, "second").to_der();
    bank.soft.inspect(|inspector| {
        let spki = inspector.generate_pair(Kind::P256, &SECOND_ID, "second");
        let issue = bank.ca.issue(&subject, &spki).not_after(days_from_now(12));
        inspector.write_certificate(&issue.der(), &SECOND_ID, "second");
    });
    bank
}

/// And with a third one, id 0c, whose key and certificate have labels of their own.
fn three_credentials() -> Bank {
    let bank = two_credentials();
    let subject = NameDer::new().common(Text::Utf8, "third").to_der();
    bank.soft.inspect(|inspector| {
        let spki = inspector.generate_pair(Kind::P256, &[0xc], "third-key");
        let issue = bank.ca.issue(&subject, &spki).not_after(days_from_now(12));
        inspector.write_certificate(&issue.der(), &[0xc], "third-certificate");
    });
    bank
}

/// The command with more behind the token's URI.
fn run(bank: &Bank, more: &str, arguments: &[&str]) -> Said {
    let uri = format!("{}{more}", bank.soft.uri());
    bank.run_on(&uri, arguments)
}

fn token(bank: &Bank, more: &str) -> Token {
    let uri = format!("{}{more}", bank.soft.uri()).parse().unwrap();
    Finder::new().module(bank.soft.module()).find(&uri).unwrap()
}

const SECOND: [&str; 5] = [
    ";id=%0A%0B",
    ";object=second",
    ";object=second;type=cert",
    ";id=%0A%0B;type=private",
    ";id=%0A%0B;object=second;type=public",
];

/// What is there under another id, label or type.
const NONE: [&str; 5] =
    [";id=%FF", ";object=Second", ";id=%01;object=second", ";id=%0A%0B;type=data", ";type=secret-key"];

/// A label alone may be that of the certificate or of its private key, which shows after the login.
#[test]
fn a_label_without_a_type_is_of_the_certificate_or_of_its_key() {
    let bank = three_credentials();
    for more in [";object=third-key", ";object=third-key;type=private", ";object=third-certificate"] {
        let list = run(&bank, more, &["list"]).json();
        assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &"0c".into()), "{more}");
    }
    for more in [";object=third-key;type=cert", ";object=third-certificate;type=private", ";object=third"] {
        run(&bank, more, &["list"]).failed(Code::CredentialNotFound);
    }
    let done = run(&bank, ";object=third-key", &["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(done["replaced"]["id"], "0c", "{done:#}");
}

/// A scheduler goes on naming what was renewed and removed: by its label, that of its key, or its identifier. While the old one is
/// there, the label is its own; afterwards nothing has it.
#[test]
fn what_was_renewed_or_removed_is_told_to_who_names_its_label() {
    let bank = three_credentials();
    let names = [
        ";object=third-key",
        ";object=third-certificate",
        ";id=%0C;object=third-key;type=private",
        ";id=%0C",
    ];
    let (issuer, anchor) = (bank.issuer(""), bank.anchor());
    let daily = ["renew", "--issuer", &issuer];
    let removing = [&daily[..], &["--retire-old", "--trust-anchor", &anchor]].concat();
    assert_eq!(run(&bank, names[0], &daily).json()["replaced"]["id"], "0c");
    let both = bank.soft.snapshot();
    for more in names {
        assert_eq!(run(&bank, more, &daily).json()["already_renewed"], true, "{more}");
    }
    bank.soft.snapshot().assert_same_as(&both);
    assert_eq!(run(&bank, names[0], &removing).json()["retired"], true);
    let removed = bank.soft.snapshot();
    assert_eq!(removed.with_id(&[0xc]).count(), 0);
    for line in [&daily[..], &removing] {
        for more in names {
            let told = run(&bank, more, line).json();
            assert_eq!((&told["already_renewed"], &told["retired"]), (&true.into(), &true.into()), "{more}");
        }
    }
    // What never was there is not found.
    for more in [";object=third", ";id=%0D;object=third-key", ";object=third-key;type=data"] {
        run(&bank, more, &daily).failed(Code::CredentialNotFound);
    }
    bank.soft.snapshot().assert_same_as(&removed);
}

#[test]
fn the_uri_chooses_what_is_listed_and_renewed() {
    let bank = two_credentials();
    assert_eq!(run(&bank, "", &["list"]).json().as_array().unwrap().len(), 2);
    run(&bank, "", &["preflight"]).failed(Code::CredentialAmbiguous);
    for more in SECOND {
        let list = run(&bank, more, &["list"]).json();
        assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &"0a0b".into()), "{more}");
        assert_eq!(run(&bank, more, &["preflight"]).json()["credential"]["id"], "0a0b", "{more}");
        let credentials = token(&bank, more).credentials().unwrap();
        assert_eq!(credentials.only().unwrap().id(), SECOND_ID, "{more}");
    }
    let issuer = bank.issuer("");
    let done = run(&bank, SECOND[0], &["renew", "--issuer", &issuer]).json();
    assert_eq!(done["replaced"]["id"], "0a0b");
    bank.assert_old_works();
    let anchor = bank.anchor();
    let retired = run(&bank, SECOND[1], &["retire", "--yes", "--trust-anchor", &anchor]).json();
    assert_eq!(retired["retired"]["id"], "0a0b");
    bank.assert_old_works();
}

#[test]
fn another_credential_is_never_taken_in_its_place() {
    let bank = two_credentials();
    let before = bank.soft.snapshot();
    let (anchor, issuer) = (bank.anchor(), bank.issuer(""));
    for more in NONE {
        for command in [
            &["list"][..],
            &["preflight"],
            &["renew", "--issuer", &issuer],
            &["request", "--out", "request.pem"],
            &["retire", "--yes", "--trust-anchor", &anchor],
        ] {
            let error = run(&bank, more, command).failed(Code::CredentialNotFound);
            // What is there instead, so that the URI can be mended.
            assert!(error["facts"].to_string().contains("0a0b"), "{more} {command:?}: {error:#}");
        }
        refused(token(&bank, more).credentials(), Code::CredentialNotSeen);
        let session = bank.login(&token(&bank, more));
        let error = refused(session.credentials(), Code::CredentialNotFound);
        assert_eq!(common::facts(&error, Fact::Candidate).len(), 2);
    }
    // Without any name nothing is removed, though it were the only one.
    run(&bank, "", &["retire", "--yes"]).failed(Code::BadArgument);
    // Two ways to say which one contradict each other.
    run(&bank, SECOND[0], &["preflight", "--id", "01"]).failed(Code::CredentialNotFound);
    bank.soft.snapshot().assert_same_as(&before);
}

/// One URI serves the whole renewal: a job is meant by its own key, or by the credential that it renews.
#[test]
fn the_uri_chooses_the_pending_key_too() {
    let bank = two_credentials();
    let session = bank.session();
    let mut begun = Vec::new();
    for id in [&bank.old.id[..], &SECOND_ID] {
        let old = session.credentials().unwrap().by_id(id).only().unwrap();
        begun.push(Renewal::of(&old).begin(&session, &Run::default()).unwrap().key().unwrap().id().to_vec());
    }
    drop(session);
    let before = bank.soft.snapshot();
    let own: String = begun[1].iter().map(|byte| format!("%{byte:02X}")).collect();
    for more in [SECOND[0].to_owned(), format!(";id={own}")] {
        let pending = run(&bank, &more, &["pending"]).json();
        assert_eq!(pending.as_array().unwrap().len(), 1, "{more}");
        assert_eq!(pending[0]["id"], hex(&begun[1]), "{more}");
    }
    run(&bank, NONE[0], &["abandon", "--yes"]).failed(Code::PendingNotFound);
    bank.soft.snapshot().assert_same_as(&before);
    // Its request was not made here: the key itself is named.
    run(&bank, SECOND[0], &["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    run(&bank, &format!(";id={own}"), &["abandon", "--yes"]).json();
    let left: Vec<_> = bank.session().pending().unwrap().iter().map(|key| key.id().to_vec()).collect();
    assert_eq!(left, begun[..1]);
}

/// An answer for another job than the one that the URI names is refused, the first time and when it is there already.
#[test]
fn an_answer_for_another_job_is_not_installed() {
    let bank = two_credentials();
    run(&bank, SECOND[0], &["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let waiting = bank.soft.snapshot();
    for more in [";id=%01", NONE[0], NONE[1], NONE[4]] {
        let error = run(&bank, more, &["install", "answer.der"]).failed(Code::PendingNotFound);
        assert!(error["facts"]["expected"].to_string().contains("pkcs11:"), "{error:#}");
    }
    bank.soft.snapshot().assert_same_as(&waiting);
    run(&bank, SECOND[0], &["install", "answer.der"]).json();
    let installed = bank.soft.snapshot();
    for more in [";id=%01", NONE[0], NONE[4]] {
        run(&bank, more, &["install", "answer.der"]).failed(Code::CredentialNotFound);
    }
    let again = run(&bank, SECOND[0], &["install", "answer.der"]).json();
    assert_eq!(again["already_installed"], true);
    bank.soft.snapshot().assert_same_as(&installed);
}

#[test]
fn where_the_pin_is_does_not_stand_in_a_uri() {
    let bank = Bank::new();
    let said = run(&bank, "?pin-source=file:/etc/passwd", &["list"]);
    said.failed(Code::PinSourceInUri);
    assert!(said.stderr.contains("pin-source") && !said.stderr.contains("/etc/passwd"), "{}", said.stderr);
}
