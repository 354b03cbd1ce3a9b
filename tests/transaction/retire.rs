//! Removing the old credential: last of all, never by default, and only when its successor works.

#[path = "../common/mod.rs"]
mod common;

use common::{Bank, DAY, at, certificates, credential, facts, policy, read, refused, run};
use usbtoken::bank::{KeyRule, OldCredential};
use usbtoken::error::{Fact, Notice};
use usbtoken::pki::{IssuerContinuity, SubjectRule};
use usbtoken::renewal::Retire;
use usbtoken::text::Lang;
use usbtoken::{Code, Install, Renewal};
use usbtoken_testkit::{Kind, NameDer, SoftKey, TestCa, Text, days_from_now};

#[test]
fn nothing_is_retired_unless_it_is_asked_for() {
    let bank = Bank::new();
    let done = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(done["retired"], false);
    bank.assert_old_works();
    bank.assert_one_new_credential();

    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    let gone = bank.run(&["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial]).json();
    assert_eq!(gone["key_removed"], true);
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

#[test]
fn the_command_retires_when_it_is_told_to() {
    let bank = Bank::new();
    let issuer = bank.issuer("--form p7");
    let done = bank.run(&["renew", "--retire-old", "--issuer", &issuer]).json();
    assert_eq!(done["issuer_continuity"], "same_issuer");
    assert_eq!(done["retired"], true);
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

/// A second renewal would be a second order: only the removal is left, and its command is named.
#[test]
fn a_removal_that_is_refused_after_the_installation_names_the_command_that_goes_on() {
    let bank = Bank::new();
    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    let done = bank.run(&["renew", "--retire-old", "--issuer", &bank.issuer("")]);
    let start = done.stderr.find('{').expect("an error");
    let error: serde_json::Value = serde_json::from_str(&done.stderr[start..]).expect("one error");
    let error = &error["error"];
    assert_eq!(error["name"], "retire_issuer_not_shown", "{done:?}");
    assert_eq!(done.printed()["retired"], false, "the result stands on standard output as well");
    let go_on = error["facts"]["go_on"][0].as_str().expect("a command");
    assert!(go_on.starts_with("usbtoken retire "), "{go_on}");
    let successor = done.printed()["credential"]["serial"].as_str().unwrap().to_owned();
    let named = ["--serial", &serial, "--successor", &successor, "--although-issuer-not-shown"];
    assert!(go_on.ends_with(&named.join(" ")), "{go_on}");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(hint.contains("IS installed") || hint.contains("取り込み済み"), "{hint}");
    bank.assert_old_works();
    bank.assert_one_new_credential();
    bank.run(&[&["retire", "--yes"], &named[..]].concat()).json();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// The certificate goes last: the new one's record names exactly it, so that a removal which stopped is found again and
/// ended by asking for it once more.
#[test]
fn the_public_key_goes_first_and_the_certificate_last() {
    let bank = Bank::new();
    bank.renewed();
    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    let anchor = bank.anchor();
    let arguments = ["retire", "--yes", "--trust-anchor", &anchor, "--serial", &serial];
    let classes = ["CKO_PUBLIC_KEY", "CKO_PRIVATE_KEY", "CKO_CERTIFICATE"];
    for (gone, class) in classes.iter().enumerate() {
        let killed = bank.run_with_faults("C_DestroyObject:exit-after", &arguments);
        assert_eq!(killed.exit, 86, "{killed:?}");
        let now = bank.soft.snapshot();
        let left: Vec<&str> = now.with_id(&bank.old.id).map(|object| object.class.as_str()).collect();
        let mut expected = classes[gone + 1..].to_vec();
        expected.sort_unstable();
        assert_eq!(left, expected, "after {class}");
        bank.assert_others_unchanged();
        bank.soft.sign(&bank.renewed_id(), b"the new one works");
        assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
    }
    let again = bank.run(&arguments).json();
    assert_eq!(again["already_removed"], true, "{again:#}");
    bank.assert_one_new_credential();
}

#[test]
fn wherever_a_removal_stops_before_the_first_object_nothing_has_changed() {
    let bank = Bank::new();
    bank.renewed();
    let both = bank.soft.snapshot();
    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    for fault in ["C_Sign:exit-after", "C_Sign#2:exit-after", "C_DestroyObject:exit"] {
        let killed = bank.run_with_faults(
            fault,
            &["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial],
        );
        assert_eq!(killed.exit, 86, "{killed:?}");
        bank.soft.snapshot().assert_same_as(&both);
        bank.soft.sign(&bank.old.id, b"old");
        bank.soft.sign(&bank.renewed_id(), b"new");
    }
    let session = bank.session();
    let old = credential(session.token(), &bank.old.id);
    bank.retire(&session, &old).unwrap();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

/// Why it stays is said as it is: the only one that can be used, or one that no other is known to follow.
#[test]
fn one_without_a_successor_stays() {
    type Put = fn(&Bank);
    let rows: [(&str, Code, Put); 5] = [
        ("alone", Code::RetireOnlyCredential, |_| {}),
        ("a later one of somebody else", Code::RetireNoSuccessor, |bank| {
            let other = NameDer::new().common(Text::Utf8, "another").to_der();
            bank.soft.credential(&bank.ca, Kind::P256, &[2], &other, days_from_now(300));
        }),
        ("an earlier one", Code::RetireNoSuccessor, |bank| {
            bank.soft.credential(&bank.ca, Kind::P256, &[2], &bank.old.subject, days_from_now(9));
        }),
        ("a later one without its key", Code::RetireOnlyCredential, |bank| {
            let spki = SoftKey::generate(Kind::P256).spki();
            let certificate = bank.ca.issue(&bank.old.subject, &spki).not_after(days_from_now(300)).der();
            bank.soft.inspect(|inspector| inspector.write_certificate(&certificate, &[2], "bank"));
        }),
        // No record says that it follows, and it cannot be used yet.
        ("a later one that is not valid yet", Code::RetireOnlyCredential, |bank| {
            bank.soft.credential(&bank.ca, Kind::P256, &[2], &bank.old.subject, days_from_now(400));
        }),
    ];
    for (what, code, put) in rows {
        let bank = Bank::new();
        put(&bank);
        let before = bank.soft.snapshot();
        let (session, old) = bank.open();
        let error = bank.retire(&session, &old).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        bank.soft.snapshot().assert_same_as(&before);
        drop(session);
        bank.run(&["retire", "--yes", "--trust-anchor", &bank.anchor(), "--id", "01"]).failed(code);
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// The bank gives each certificate a common name of its own, and so do two users of one firm have one each: which
/// follows which is not known, and that there is no other that can be used would not be true.
#[test]
fn an_expired_one_beside_a_valid_one_of_another_common_name_stays_and_it_says_why() {
    let bank = Bank::new();
    let named = |name| NameDer::new().organization(Text::Utf8, "firm").common(Text::Utf8, name).to_der();
    let [old_name, new_name] = ["login031 A001 20250303 111", "login031 A001 20260303 222"].map(named);
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &old_name, days_from_now(-100));
    bank.soft.credential(&bank.ca, Kind::P256, &[3], &new_name, days_from_now(265));
    let before = bank.soft.snapshot();
    let session = bank.session();
    let old = credential(session.token(), &[2]);
    let error = refused(bank.retire(&session, &old), Code::RetireNoSuccessor);
    let others = facts(&error, Fact::Candidate);
    assert!(others.iter().any(|other| other.contains("20260303")), "{error}");
    for rule in SubjectRule::ALL {
        let mut policy = bank.anchored();
        policy.subject = *rule;
        refused(session.retire(&old, &policy, &run()), Code::RetireNoSuccessor);
    }
    bank.soft.snapshot().assert_same_as(&before);
    // Who knows names it; the rule for the subject still holds.
    let new = credential(session.token(), &[3]);
    let mut exact = bank.anchored();
    exact.subject = SubjectRule::Exact;
    let named = Retire::of(&old, &exact).successor(new.certificate());
    let error = refused(named.run(&session, &run()), Code::RetireNoSuccessor);
    assert_eq!(facts(&error, Fact::Reason), ["subject_differs"]);
    assert_eq!(facts(&error, Fact::Expected), [old.subject().to_string()]);
    // Why one is named in vain is said too.
    for (removed, by, code, why) in [
        (&new, &old, Code::RetireNoSuccessor, "successor_has_ended"),
        (&old, &old, Code::RetireNoSuccessor, "successor_is_the_old_one"),
    ] {
        let policy = bank.anchored();
        let named = Retire::of(removed, &policy).successor(by.certificate());
        assert_eq!(facts(&refused(named.run(&session, &run()), code), Fact::Reason), [why]);
    }
    bank.soft.snapshot().assert_same_as(&before);
    drop(session);
    let arguments = ["retire", "--yes", "--trust-anchor", &bank.anchor(), "--id", "02", "--successor"];
    let serial = new.certificate().serial().to_string();
    bank.run(&[&arguments[..], &[&serial]].concat()).json();
    assert_eq!(bank.soft.snapshot().with_id(&[2]).count(), 0);
    bank.assert_old_works();
}

/// A CA may write the same name in another way. Who demands the same bytes is asked at the installation; what is installed
/// is the same user's.
#[test]
fn a_successor_may_have_its_name_encoded_anew() {
    for rule in [SubjectRule::Exact, SubjectRule::default()] {
        let bank = Bank::new();
        let named = |text| NameDer::new().common(text, "Yamada").to_der();
        bank.soft.credential(&bank.ca, Kind::P256, &[2], &named(Text::Printable), days_from_now(9));
        bank.soft.credential(&bank.ca, Kind::P256, &[3], &named(Text::Utf8), days_from_now(300));
        let session = bank.session();
        let old = credential(session.token(), &[2]);
        let new = credential(session.token(), &[3]);
        let removal = Retire::of(
            &old,
            &policy(|p| {
                p.subject = rule;
                p.anchors = certificates(&[bank.ca.issuing()]);
                p.old = OldCredential::Remove;
            }),
        )
        .successor(new.certificate());
        assert_eq!(removal.run(&session, &run()).unwrap().successor.id(), [3]);
        assert_eq!(bank.soft.snapshot().with_id(&[2]).count(), 0);
        bank.assert_old_works();
    }
}

/// A policy that keeps the old one removes nothing, also where nobody has chosen that; who overrides it says so.
#[test]
fn a_policy_that_keeps_the_old_one_removes_nothing() {
    let bank = Bank::new();
    bank.renewed();
    let before = bank.soft.snapshot();
    let (session, old) = bank.open();
    let mut keeps = bank.anchored();
    keeps.old = OldCredential::Keep;
    let error = refused(session.retire(&old, &keeps, &run()), Code::RetireKept);
    assert_eq!(error.step(), Some(usbtoken::error::Step::Retire));
    refused(session.retire(&old, &usbtoken::Policy::default(), &run()), Code::RetireKept);
    bank.soft.snapshot().assert_same_as(&before);
    Retire::of(&old, &keeps).although_kept().run(&session, &run()).unwrap();
    bank.assert_one_new_credential();
}

/// Nothing old goes for a certificate of a CA that is not shown to be the old one's.
#[test]
fn nothing_is_removed_for_a_certificate_of_an_unknown_issuer() {
    let bank = Bank::new();
    bank.renewed();
    let before = bank.soft.snapshot();
    let (session, old) = bank.open();
    let removes = policy(|p| p.old = OldCredential::Remove);
    let error = refused(session.retire(&old, &removes, &run()), Code::RetireIssuerNotShown);
    assert_eq!(facts(&error, Fact::IssuerContinuity), ["not_checked"], "{error}");
    for lang in [Lang::Ja, Lang::En] {
        assert!(!error.report(lang).to_string().contains("not_checked"), "people read words");
    }
    let stranger = TestCa::new();
    let other = policy(|p| {
        p.anchors = certificates(&[stranger.issuing()]);
        p.old = OldCredential::Remove;
    });
    refused(session.retire(&old, &other, &run()), Code::RetireIssuerNotShown);
    bank.soft.snapshot().assert_same_as(&before);
    drop(session);
    bank.run(&["retire", "--yes", "--id", "01"]).failed(Code::RetireIssuerNotShown);
    bank.soft.snapshot().assert_same_as(&before);
    // One of several anchors is enough.
    let session = bank.session();
    let mut both = other;
    both.anchors = certificates(&[stranger.issuing(), bank.ca.issuing()]);
    let retired = session.retire(&old, &both, &run()).unwrap();
    assert_eq!(retired.issuer, IssuerContinuity::VerifiedByAnchor);
    bank.assert_one_new_credential();
}

#[test]
fn the_certificate_of_the_ca_on_the_token_is_enough() {
    let bank = Bank::new();
    let issuer = bank.issuer("--form p7");
    let done = bank.run(&["renew", "--write-chain", "--issuer", &issuer]).json();
    assert_eq!(done["issuer_continuity"], "same_issuer");
    let gone = bank.run(&["retire", "--yes", "--id", "01"]).json();
    assert_eq!((&gone["issuer_continuity"], &gone["key_removed"]), (&"same_issuer".into(), &true.into()));
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    bank.assert_others_unchanged();
}

/// A certificate of another CA is installed, since the old one stays; it takes no one's place.
#[test]
fn another_issuer_is_installed_and_removes_nothing() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let name = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
    let stranger = TestCa::new();
    let answer = stranger.issue_for(pending.request().to_der()).issuer(&name).der();
    let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
    assert_eq!(installed.issuer, IssuerContinuity::AnotherIssuer);
    let warned = installed.notices.iter().find(|warning| **warning == Notice::AnotherIssuer).unwrap();
    let kinds: Vec<Fact> = warned.facts().map(|(fact, _)| fact).collect();
    assert_eq!(kinds, [Fact::Expected, Fact::Found]);
    let both = bank.soft.snapshot();
    let removal = Retire::replaced_by(&installed).expect("the old one is there").although_kept();
    refused(removal.run(&session, &run()), Code::RetireIssuerNotShown);
    bank.soft.snapshot().assert_same_as(&both);
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// A trust anchor says which CA is right; that it is not the old one's is said all the same, where it is known.
#[test]
fn an_anchor_of_another_ca_is_told_where_the_old_ones_is_at_hand() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let stranger = TestCa::new();
    let answer = stranger.issue_for(pending.request().to_der()).der();
    let both = policy(|p| {
        p.anchors = certificates(&[stranger.issuing(), bank.ca.issuing()]);
        p.old = OldCredential::Remove;
    });
    let installed = Install::new(&read(&answer)).policy(&both).run_for(&session, &pending, &run()).unwrap();
    assert_eq!(installed.issuer, IssuerContinuity::VerifiedByAnchor);
    assert!(installed.notices.iter().any(|warning| *warning == Notice::AnotherIssuer));
    let removal = Retire::replaced_by(&installed).expect("the old one is there").although_kept();
    assert_eq!(removal.run(&session, &run()).unwrap().issuer, IssuerContinuity::VerifiedByAnchor);
    bank.assert_one_new_credential();
}

/// By the clock the new one has not begun: until then the old one is what works.
#[test]
fn nothing_is_removed_before_its_successor_begins() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let begin = days_from_now(3);
    let answer = bank.ca.issue_for(pending.request().to_der()).not_before(begin).der();
    let installed =
        Install::new(&read(&answer)).policy(&bank.anchored()).run_for(&session, &pending, &run()).unwrap();
    let both = bank.soft.snapshot();
    let removal = Retire::replaced_by(&installed).unwrap().although_kept();
    let error = refused(removal.run(&session, &run()), Code::RetireNotBegun);
    assert_eq!((facts(&error, Fact::Begins).len(), facts(&error, Fact::Now).len()), (1, 1), "{error}");
    bank.soft.snapshot().assert_same_as(&both);
    bank.assert_old_works();
    removal.run(&session, &at(begin + DAY)).unwrap();
    bank.assert_one_new_credential();
    bank.assert_others_unchanged();
}

#[test]
fn one_without_a_matching_pair_is_not_ours_to_judge() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        // A pair of somebody under the same identifier as the certificate, whose own key is elsewhere.
        for with_stranger in [false, true] {
            let bank = Bank::new();
            bank.renewed();
            let spki = SoftKey::generate(kind).spki();
            let widow = bank.ca.issue(&bank.old.subject, &spki).not_after(days_from_now(5)).der();
            bank.soft.inspect(|inspector| {
                inspector.write_certificate(&widow, &[9], "bank");
                if with_stranger {
                    inspector.generate_pair(kind, &[9], "somebody else's");
                }
            });
            let before = bank.soft.snapshot();
            let session = bank.session();
            let widow = credential(session.token(), &[9]);
            refused(bank.retire(&session, &widow), Code::RetireNotOurs);
            bank.soft.snapshot().assert_same_as(&before);
        }
    }
}

#[test]
fn a_successor_that_does_not_sign_takes_nobodys_place() {
    let bank = Bank::new();
    bank.renewed();
    let before = bank.soft.snapshot();
    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    // One signature shows the old key, the next the successor's: make each of them fail.
    for fault in
        ["C_Sign:ckr=CKR_DEVICE_ERROR,sticky", "C_SignInit#2:ckr=CKR_KEY_FUNCTION_NOT_PERMITTED,sticky"]
    {
        let said = bank.run_with_faults(
            fault,
            &["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial],
        );
        assert_ne!(said.exit, 0);
        bank.soft.snapshot().assert_same_as(&before);
    }
    // A certificate that ends later, beside a key that is not its own.
    let spki = SoftKey::generate(Kind::P256).spki();
    let liar = bank.ca.issue(&bank.old.subject, &spki).not_after(days_from_now(700)).der();
    bank.soft.inspect(|inspector| {
        inspector.generate_pair(Kind::P256, &[9], "bank");
        inspector.write_certificate(&liar, &[9], "bank");
    });
    let before = bank.soft.snapshot();
    let session = bank.session();
    let old = credential(session.token(), &bank.old.id);
    let liar = credential(session.token(), &[9]);
    let named = Retire::of(&old, &bank.anchored()).successor(liar.certificate());
    refused(named.run(&session, &run()), Code::RetireNotProven);
    bank.soft.snapshot().assert_same_as(&before);
}

/// What is there decides, not how far the run came that wrote it: the key signs before anything old goes.
#[test]
fn a_successor_that_was_written_and_signs_is_complete() {
    let bank = Bank::new();
    let killed = bank.run_with_faults("C_Sign#2:exit", &["renew", "--issuer", &bank.issuer("")]);
    assert_eq!(killed.exit, 86, "{killed:?}");
    assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
    let (session, old) = bank.open();
    bank.retire(&session, &old).unwrap();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

/// The key that both certificates share is the new one's too.
#[test]
fn a_shared_key_stays_when_its_old_certificate_goes() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        let (session, old) = bank.open();
        let pending =
            Renewal::of(&old).policy(&policy(|p| p.key = KeyRule::OldAgain)).begin(&session, &run()).unwrap();
        let certificate = bank.certify(&pending);
        Install::new(&read(&certificate)).run_for(&session, &pending, &run()).unwrap();
        bank.soft.snapshot().assert_keeps(&bank.before);
        let retired = bank.retire(&session, &old).unwrap();
        assert!(!retired.key_removed);
        assert_eq!(retired.successor.certificate().der(), certificate);
        let after = bank.soft.snapshot();
        let classes: Vec<&str> = after.with_id(&bank.old.id).map(|object| object.class.as_str()).collect();
        assert_eq!(classes, ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"]);
        let signature = bank.soft.sign(&bank.old.id, b"shared");
        assert!(usbtoken_testkit::verify_with_certificate(&certificate, b"shared", &signature));
        bank.assert_others_unchanged();
    }
}

/// The token says CKR_OK and keeps the object.
#[test]
fn a_token_that_keeps_what_it_removed_is_believed_nothing() {
    let bank = Bank::new();
    bank.renewed();
    let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
    let said = bank.run_with_faults(
        "C_DestroyObject:ckr=CKR_OK,sticky",
        &["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial],
    );
    said.failed(Code::DestroyFailed);
    bank.soft.sign(&bank.old.id, b"old");
}

#[test]
fn a_credential_that_is_gone_is_not_retired_again() {
    let bank = Bank::new();
    bank.renewed();
    let (session, old) = bank.open();
    bank.retire(&session, &old).unwrap();
    let after = bank.soft.snapshot();
    refused(bank.retire(&session, &old), Code::CredentialNotFound);
    bank.soft.snapshot().assert_same_as(&after);
}

/// The removal of an expired one is no reason to lose the new one: the order of time decides, not of arrival.
#[test]
fn the_new_one_is_not_retired_for_the_old() {
    let bank = Bank::new();
    let new = bank.renewed();
    let before = bank.soft.snapshot();
    let session = bank.session();
    refused(bank.retire(&session, &new), Code::RetireNoSuccessor);
    bank.soft.snapshot().assert_same_as(&before);
}

impl Bank {
    /// The id of the credential that came since the beginning.
    fn renewed_id(&self) -> Vec<u8> {
        let now = self.soft.snapshot();
        let new = now.added_since(&self.before);
        let certificate = new.iter().find(|object| object.class == "CKO_CERTIFICATE").expect("a new one");
        certificate.id.clone()
    }
}

#[test]
fn the_only_credential_is_not_retired() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (session, old) = bank.open();
    refused(bank.retire(&session, &old), Code::RetireOnlyCredential);
    bank.soft.snapshot().assert_same_as(&bank.before);
}
