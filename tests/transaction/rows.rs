//! Rows of renewals: whoever renews twice and keeps the old ones has three credentials, of which each takes the place of the one
//! before.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use common::{Bank, credential, facts, policy, read, refused, run};
use serde_json::{Value, json};
use usbtoken::bank::OldCredential;
use usbtoken::error::Fact;
use usbtoken::pki::Window;
use usbtoken::renewal::{Confirmation, Retire};
use usbtoken::{Certificate, Code, Credential, Install, Renewal, Session};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now, serial_hex};

const URL: &str = "https://bank.example/login";

impl Bank {
    /// Renews what is in use twice, and returns what came, in the order in which it came.
    fn renewed_twice(&self) -> (Credential, Credential) {
        let second = self.renewed_for(100);
        let session = self.session();
        let third = self.renewal_of(&session, &second, 800);
        (second, third)
    }

    fn renewed_for(&self, days: i64) -> Credential {
        let (session, old) = self.open();
        self.renewal_of(&session, &old, days)
    }

    fn renewal_of(&self, session: &Session, old: &Credential, days: i64) -> Credential {
        let policy = policy(|p| p.window = Window::of_days(366));
        let pending = Renewal::of(old).policy(&policy).begin(session, &run()).unwrap();
        let issue = self.ca.issue_for(pending.request().to_der()).not_after(days_from_now(days));
        let installed = Install::new(&read(&issue.der())).run_for(session, &pending, &run()).unwrap();
        installed.credential
    }
}

/// Who renewed twice and kept the old ones has a row of three. The last one takes the place of both others, of which the oldest
/// goes first; what was shown of the last counts for both.
#[test]
fn of_three_in_a_row_the_older_ones_go_for_the_last_oldest_first() {
    let bank = Bank::new();
    let (second, third) = bank.renewed_twice();
    let before = bank.soft.snapshot();
    let session = bank.session();
    let first = credential(session.token(), &bank.old.id);
    let mut waits = bank.anchored();
    waits.old = OldCredential::RemoveAfterConfirmation;
    let record = |of: &Credential| {
        let at = (session.token().identity(), of.certificate());
        Confirmation::new(at.0, at.1, URL, SystemTime::now(), ("TLS 1.3", "HTTP/1.1 200 OK"))
    };
    let removal = |old: &Credential, shown: Option<&Credential>| {
        Retire::of(old, &waits).confirmed(shown.map(record), URL).run(&session, &run())
    };
    let error = refused(removal(&second, Some(&third)), Code::RetireOlderFirst);
    assert!(facts(&error, Fact::Candidate)[0].contains(&first.certificate().serial().to_string()));
    // A login with the oldest shows nothing of those that follow.
    let error = refused(removal(&first, Some(&first)), Code::RetireNotConfirmed);
    assert!(facts(&error, Fact::Candidate)[0].contains(&third.certificate().serial().to_string()));
    refused(removal(&first, None), Code::RetireNotConfirmed);
    bank.soft.snapshot().assert_same_as(&before);

    let retired = removal(&first, Some(&third)).unwrap();
    assert_eq!(retired.successor.certificate(), third.certificate());
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    removal(&second, Some(&third)).unwrap();
    let left = bank.soft.snapshot();
    assert_eq!((left.with_id(second.id()).count(), left.with_id(third.id()).count()), (0, 3));
    bank.soft.sign(third.id(), b"the last one works");
    bank.assert_others_unchanged();
}

/// A login with the one in the middle lets the oldest go, though the last was never tried.
#[test]
fn of_three_in_a_row_one_that_is_confirmed_is_enough() {
    let bank = Bank::new();
    let (second, third) = bank.renewed_twice();
    let session = bank.session();
    let first = credential(session.token(), &bank.old.id);
    let mut waits = bank.anchored();
    waits.old = OldCredential::RemoveAfterConfirmation;
    let identity = session.token().identity();
    let said = ("TLS 1.3", "HTTP/1.1 200 OK");
    let record = Confirmation::new(identity, second.certificate(), URL, SystemTime::now(), said);
    let removal = |old| Retire::of(old, &waits).confirmed([record.clone()], URL).run(&session, &run());
    assert_eq!(removal(&first).unwrap().successor.certificate(), second.certificate());
    refused(removal(&second), Code::RetireNotConfirmed);
    let left = bank.soft.snapshot();
    assert_eq!((left.with_id(second.id()).count(), left.with_id(third.id()).count()), (3, 3));
}

/// Whoever names a successor cannot name away what the records say: it takes another one's place, or another one takes this one's.
#[test]
fn a_successor_of_another_user_is_not_taken_for_ones_own() {
    let bank = Bank::new();
    let jiro = NameDer::new().organization(Text::Utf8, "bank").common(Text::Utf8, "Jiro").to_der();
    bank.soft.credential(&bank.ca, Kind::P256, &[7], &jiro, days_from_now(200));
    let taros = bank.renewed_for(400);
    let before = bank.soft.snapshot();
    let session = bank.session();
    let [taro, jiro] = [&bank.old.id[..], &[7]].map(|id| credential(session.token(), id));
    let named = |old: &Credential, new: &Credential| {
        let removal = Retire::of(old, &bank.anchored()).successor(new.certificate());
        refused(removal.run(&session, &run()), Code::RemovalDoubtful)
    };
    assert_eq!(facts(&named(&jiro, &taros), Fact::Reason), ["follows_another"]);
    let alone = refused(bank.retire(&session, &jiro), Code::RetireNoSuccessor);
    assert!(
        facts(&alone, Fact::Candidate)
            .iter()
            .all(|one| !one.contains(&taros.certificate().serial().to_string()))
    );

    let policy = policy(|p| p.window = Window::of_days(366));
    let pending = Renewal::of(&jiro).policy(&policy).begin(&session, &run()).unwrap();
    let issue = bank.ca.issue_for(pending.request().to_der()).not_after(days_from_now(500));
    let jiros = Install::new(&read(&issue.der())).run_for(&session, &pending, &run()).unwrap().credential;
    assert_eq!(facts(&named(&taro, &jiros), Fact::Reason), ["another_follows"]);
    bank.soft.snapshot().assert_keeps(&before);
    // Each goes for its own.
    for (old, new) in [(&taro, &taros), (&jiro, &jiros)] {
        let retired = Retire::of(old, &bank.anchored()).successor(new.certificate()).run(&session, &run());
        assert_eq!(retired.unwrap().successor.certificate(), new.certificate());
    }
}

/// Each that was removed is named by what it was, however many have followed since, whatever of it other programs have kept.
#[test]
fn what_was_removed_earlier_in_a_row_is_named_by_itself() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let anchor = bank.anchor();
    // Each ends later than the one before it, also where both are issued in one second.
    let renew = |days: &str, more: &[&str]| {
        let issuer = bank.issuer(days);
        let line = ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", &issuer];
        bank.run(&[&line[..], more].concat()).json()["credential"].clone()
    };
    let second = renew("", &[]);
    renew("--days 366", &["--force"]);
    let (serial, second_serial) = (serial_hex(&bank.old.certificate), second["serial"].as_str().unwrap());
    let sha256 = hex(&Certificate::from_der(&bank.old.certificate).unwrap().fingerprint());
    let by_sha256 = format!("sha256:{sha256}");
    let first = json!({ "id": "01", "serial": serial, "sha256": sha256 });
    let between = json!({ "id": second["id"], "serial": second_serial, "sha256": second["sha256"] });
    let last = bank.soft.snapshot();
    assert_eq!(last.objects().len(), 3);
    let named: [(&[&str], &Value); 4] = [
        (&["--serial", &by_sha256], &first),
        (&["--serial", &serial], &first),
        (&["--id", "01"], &first),
        (&["--serial", second_serial], &between),
    ];
    let retire = |which: &[&str]| {
        let line = ["retire", "--yes", "--trust-anchor", &anchor];
        bank.run(&[&line[..], which].concat()).json()
    };
    for (which, expected) in named {
        let done = retire(which);
        assert_eq!((&done["retired"], &done["already_removed"]), (expected, &true.into()), "{which:?}");
        bank.soft.snapshot().assert_same_as(&last);
    }
    // Another program's copy is none of the removal of the first one, though it is the last that ended.
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[0x55], "copy"));
    let copied = bank.soft.snapshot();
    let done = retire(&["--serial", &serial]);
    assert_eq!((&done["retired"], &done["already_removed"]), (&first, &true.into()), "{done:#}");
    assert_eq!(done["notices"][0]["name"], "copy_kept", "{done:#}");
    bank.soft.snapshot().assert_same_as(&copied);
}
