//! A record that came to a certificate in another name, or of another CA: nobody is renewed by it unasked, and nothing goes.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use common::{Bank, certificates, credential, facts, policy, refused, run};
use usbtoken::error::Fact;
use usbtoken::pki::{SubjectRule, Window};
use usbtoken::renewal::Renewable;
use usbtoken::{Code, Renewal};
use usbtoken_testkit::{Kind, NameDer, ParsedRequest, TestCa, Text, days_from_now, serial_hex};

const ALICE: &[u8] = &[0xa];
const BOB: &[u8] = &[0xb];

fn name(unit: &str, common: &str) -> NameDer {
    NameDer::new().organization(Text::Utf8, "Example").unit(Text::Utf8, unit).common(Text::Utf8, common)
}

/// Alice's credential ends soon, and there is a pair under Bob's identifier without a certificate yet.
fn two() -> (Bank, Vec<u8>) {
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.soft.credential(&bank.ca, Kind::P256, ALICE, &name("1", "Alice").to_der(), days_from_now(11));
    let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, BOB, "bob"));
    (bank, spki)
}

impl Bank {
    /// Gives the record of a job of Alice's to what is under Bob's identifier, and takes the job itself away.
    fn move_record_to_bob(&self) {
        let (session, token) = (self.session(), self.token());
        let pending = Renewal::of(credential(&token, ALICE)).begin(&session, &run()).unwrap();
        let label = self.soft.snapshot().with_id(pending.key_id()).next().unwrap().label.clone();
        drop(session);
        self.soft.inspect(|inspector| {
            inspector.destroy(pending.key_id());
            inspector.relabel(BOB, label.as_bytes());
        });
    }

    fn serial(&self, id: &[u8]) -> String {
        credential(&self.token(), id).certificate().serial().to_string()
    }

    fn unattended(&self) -> common::Said {
        self.unattended_for("0a")
    }

    fn unattended_for(&self, id: &str) -> common::Said {
        let line = ["renew", "--id", id, "--retire-old", "--trust-anchor", &self.anchor()];
        self.run(&[&line[..], &["--issuer", &self.issuer("")]].concat())
    }
}

/// Whatever tells another user: a common name, a unit, a number, one more part.
#[test]
fn a_copied_record_makes_no_other_user_a_successor() {
    for (other, may_be_named) in [
        (name("1", "Bob"), true),
        (name("2", "Alice"), false),
        (name("1", "Alice").part("2.5.4.5", Text::Printable, "7"), false),
        (name("1", "Alice 2"), true),
        (NameDer::new().common(Text::Utf8, "Alice"), false),
        (NameDer::new(), false),
    ] {
        let (bank, spki) = two();
        let certificate = bank.ca.issue(&other.to_der(), &spki).not_after(days_from_now(390)).der();
        bank.soft.inspect(|inspector| inspector.write_certificate(&certificate, BOB, "bob"));
        bank.move_record_to_bob();
        let before = bank.soft.snapshot();
        let error = bank.unattended().failed(Code::SuccessorDoubtful);
        assert_eq!(error["facts"]["reason"][0], "another_subject", "{error:#}");
        let go_on = error["facts"]["go_on"].as_array().unwrap();
        let go_on: Vec<&str> = go_on.iter().map(|line| line.as_str().unwrap()).collect();
        // What the rule for the subject forbids is not offered.
        assert_eq!(go_on.iter().any(|line| line.contains("retire ")), may_be_named, "{error:#}");
        assert_eq!(go_on.len(), 1 + usize::from(may_be_named), "{error:#}");
        assert!(go_on.last().unwrap().contains("--although-renewed --id 0a"), "{error:#}");
        bank.soft.snapshot().assert_same_as(&before);
        let session = bank.session();
        let alice = session.credentials().unwrap().by_id(ALICE).only().unwrap();
        let by = alice.successor().unwrap();
        assert!(!by.proven, "{by}");
        assert_eq!(alice.renewable(Window::default(), SystemTime::now()), Renewable::SaidRenewed);
        for rule in SubjectRule::ALL {
            let mut policy = bank.anchored();
            policy.subject = *rule;
            let error = session.retire(&alice, &policy, &run()).unwrap_err();
            assert!(matches!(error.code(), Code::SuccessorDoubtful | Code::RetireNoSuccessor), "{error}");
        }
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// A person knows: the other one is meant, or Alice renews all the same, beside him.
#[test]
fn a_person_says_whether_another_name_is_meant() {
    let (bank, spki) = two();
    let bob = bank.ca.issue(&name("1", "Bob").to_der(), &spki).not_after(days_from_now(390)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bob, BOB, "bob"));
    bank.move_record_to_bob();
    let before = bank.soft.snapshot();
    let (serial, anchor) = (bank.serial(ALICE), bank.anchor());
    bank.run(&["renew", "--although-renewed", "--id", "0a", "--issuer", &bank.issuer("")]).json();
    let after = bank.soft.snapshot();
    after.assert_keeps(&before);
    assert_eq!(after.added_since(&before).len(), 3);
    // Her own takes her place now, also where his record says that he does.
    let gone = bank.run(&["retire", "--yes", "--serial", &serial, "--trust-anchor", &anchor]).json();
    assert!(gone["successor"].to_string().contains("Alice"), "{gone:#}");
    let kept = before.only(|object| object.id == BOB);
    bank.soft.snapshot().assert_keeps(&kept);

    let (bank, spki) = two();
    let bob = bank.ca.issue(&name("1", "Bob").to_der(), &spki).not_after(days_from_now(390)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bob, BOB, "bob"));
    bank.move_record_to_bob();
    let (serial, anchor) = (bank.serial(ALICE), bank.anchor());
    let named = ["retire", "--yes", "--serial", &serial, "--successor", &serial_hex(&bob)];
    assert_eq!(bank.run(&[&named[..], &["--trust-anchor", &anchor]].concat()).json()["key_removed"], true);
}

/// The same name with its parts in another order, in other sets and other strings, is the same user.
#[test]
fn the_same_name_in_another_order_is_the_same_user() {
    let reordered = NameDer::new()
        .common(Text::Printable, "ALICE")
        .organization(Text::Printable, "example")
        .unit(Text::Utf8, "1");
    let (bank, spki) = two();
    let certificate = bank.ca.issue(&reordered.to_der(), &spki).not_after(days_from_now(390)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&certificate, BOB, "alice"));
    bank.move_record_to_bob();
    let said = bank.unattended().json();
    assert_eq!((&said["already_renewed"], &said["retired"]), (&true.into(), &true.into()), "{said:#}");
    assert_eq!(bank.soft.snapshot().with_id(ALICE).count(), 0);
    assert_eq!(bank.soft.snapshot().with_id(BOB).count(), 3);
}

/// Records of the previous release name a serial number alone, which Bob's key may carry as well: they count in her own name only.
#[test]
fn a_record_of_the_previous_release_counts_for_the_same_user_alone() {
    for (common, days, kinds) in
        [("Bob", 390, &["renews", "retires"][..]), ("Bob", 155, &["renews"]), ("Alice", 390, &["renews"])]
    {
        for kind in kinds {
            let (bank, spki) = two();
            let issue = bank.ca.issue(&name("1", common).to_der(), &spki).not_after(days_from_now(days));
            let certificate = issue.not_before(days_from_now(if days < 200 { -210 } else { -1 })).der();
            bank.soft.inspect(|inspector| {
                inspector.write_certificate(&certificate, BOB, "bob");
            });
            let label = format!("usbtoken:20260501:{kind}:{}", bank.serial(ALICE));
            bank.soft.inspect(|inspector| inspector.relabel(BOB, label.as_bytes()));
            let before = bank.soft.snapshot();
            let bobs = before.only(|object| object.id == BOB);
            let said = bank.unattended().json();
            let after = bank.soft.snapshot();
            after.assert_keeps(&bobs);
            match (common, *kind) {
                ("Alice", "renews") => assert_eq!(said["already_renewed"], true, "{said:#}"),
                // She renews by herself, and her old one goes for her own new one.
                _ => {
                    assert!(said["credential"].to_string().contains("Alice"), "{said:#}");
                    assert_eq!(after.added_since(&before).len(), 3, "{common} {kind}");
                }
            }
        }
    }
}

/// The answer to another user's request, whose key carries her record by now, takes no place either.
#[test]
fn an_answer_for_a_key_with_a_copied_record_removes_nothing() {
    for former in [false, true] {
        let (bank, spki) = two();
        match former {
            false => bank.move_record_to_bob(),
            true => {
                let label = format!("usbtoken:20261101:renews:{}", bank.serial(ALICE));
                bank.soft.inspect(|inspector| inspector.relabel(BOB, label.as_bytes()));
            }
        }
        let before = bank.soft.snapshot();
        let bob = bank.ca.issue(&name("1", "Bob").to_der(), &spki).not_after(days_from_now(390)).der();
        let answer = bank.write("bob.der", &bob).display().to_string();
        let anchor = bank.anchor();
        bank.run(&["install", &answer, "--retire-old", "--trust-anchor", &anchor])
            .failed(Code::SuccessorDoubtful);
        let after = bank.soft.snapshot();
        after.assert_keeps(&before);
        assert_eq!(after.added_since(&before).len(), 1);
        bank.run(&["install", &answer, "--retire-old", "--trust-anchor", &anchor]);
        bank.run(&["renew", "--id", "0a", "--retire-old", "--trust-anchor", &anchor, "--issuer", "false"]);
        bank.soft.snapshot().assert_keeps(&after);
    }
}

/// In the right name, and of another CA: one of another name, and one that only has the name of hers.
#[test]
fn a_certificate_of_another_ca_renews_nothing_unasked() {
    for named_alike in [false, true] {
        let (bank, spki) = two();
        let stranger = TestCa::new();
        let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
        let issue = stranger.issue(&name("1", "Alice").to_der(), &spki).not_after(days_from_now(390));
        let issue = if named_alike { issue } else { issue.issuer(&other) };
        bank.soft.inspect(|inspector| {
            inspector.write_certificate(&issue.der(), BOB, "alice");
            inspector.write_certificate(bank.ca.issuing(), &[0xca], "ca");
        });
        bank.move_record_to_bob();
        let before = bank.soft.snapshot();
        let error = bank.unattended().failed(Code::SuccessorDoubtful);
        assert_eq!(error["facts"]["reason"][0], "another_ca", "{error:#}");
        bank.run(&["renew", "--id", "0a", "--issuer", "false"]).failed(Code::SuccessorDoubtful);
        bank.soft.snapshot().assert_same_as(&before);
        // Whoever knows that CA says so.
        let session = bank.session();
        let alice = credential(session.token(), ALICE);
        let mut known = policy(|p| p.anchors = certificates(&[stranger.issuing()]));
        let begun = Renewal::of(&alice).policy(&known).begin(&session, &run());
        if named_alike {
            refused(begun, Code::AlreadyRenewed);
        }
        known.anchors = certificates(&[bank.ca.issuing()]);
        let error =
            refused(Renewal::of(&alice).policy(&known).begin(&session, &run()), Code::SuccessorDoubtful);
        assert_eq!(facts(&error, Fact::Reason), ["another_ca"]);
    }
}

/// CAs give each certificate a common name of its own, with the day in it: what this computer has requested itself it knows by its own
/// records, in one run and from day to day. The old one goes where somebody has said that the CA does so, or names the new one.
#[test]
fn a_common_name_that_the_ca_has_changed_is_known_where_it_was_requested() {
    for in_two in [false, true] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let name = NameDer::new().common(Text::Utf8, "login031 A001 202611271200").to_der();
        let id = bank.old.id.clone();
        let old = credential(&bank.token(), &id);
        // Everything but the common name as it was.
        let subject = renamed(old.subject().der(), &name);
        let anchor = bank.anchor();
        let issue = |request: &[u8]| {
            let parsed = usbtoken_testkit::ParsedRequest::parse(request).unwrap();
            bank.ca.issue_for_parsed(&parsed).subject(&subject).der()
        };
        bank.run(&["request", "--out", "request.pem"]).json();
        let answered = issue(&bank.read("request.pem"));
        let ca = std::fs::read_to_string(&anchor).unwrap();
        let answer = usbtoken::Certificate::from_der(&answered).unwrap().to_pem() + &ca;
        let answer = bank.write("answer.pem", answer.as_bytes()).display().to_string();
        if in_two {
            let line = ["install", &answer, "--retire-old", "--trust-anchor", &anchor];
            let kept = bank.run(&line);
            assert_eq!(kept.printed()["retired"], false);
            let error = kept.failed(Code::SuccessorDoubtful);
            assert_eq!(error["facts"]["reason"][0], "common_name_changed", "{error:#}");
            let serial = error["facts"]["successor"][0].as_str().unwrap();
            let go_on = error["facts"]["go_on"][0].as_str().unwrap();
            assert!(go_on.contains(&format!("--successor {serial} --trust-anchor")), "{go_on}");
            assert_eq!(bank.soft.snapshot().with_id(&id).count(), 3);
            let again = bank.run(&[&line[..], &["--subject", "common-name-may-change"]].concat()).json();
            assert_eq!(again["retired"], true, "{again:#}");
            assert_eq!(bank.soft.snapshot().with_id(&id).count(), 0);
            continue;
        }
        bank.run(&["install", &answer]).json();
        let both = bank.soft.snapshot();
        for _ in 0..2 {
            let again = bank.run(&["renew", "--issuer", "false"]).json();
            assert_eq!(again["already_renewed"], true, "{again:#}");
            bank.soft.snapshot().assert_same_as(&both);
        }
        // Another computer has no such record.
        let state = bank.file("state");
        std::fs::rename(&state, bank.file("elsewhere")).unwrap();
        bank.run(&["renew", "--issuer", "false"]).failed(Code::SuccessorDoubtful);
        bank.soft.snapshot().assert_same_as(&both);
        let _ = std::fs::remove_dir_all(&state);
        std::fs::rename(bank.file("elsewhere"), &state).unwrap();
        bank.unattended_for("01").failed(Code::SuccessorDoubtful);
        bank.soft.snapshot().assert_same_as(&both);
        let serial = usbtoken_testkit::serial_hex(&answered);
        let named = ["retire", "--yes", "--id", "01", "--successor", &serial];
        // That both come from one CA was seen at the installation, where its certificate came along.
        let done = bank.run(&named).json();
        assert_eq!(done["issuer_continuity"], "same_issuer", "{done:#}");
        assert_eq!(bank.soft.snapshot().with_id(&id).count(), 0);
    }
}

/// The subject with this common name in place of its last one.
fn renamed(subject: &[u8], common: &[u8]) -> Vec<u8> {
    use x509_cert::der::{Decode as _, Encode as _};
    use x509_cert::name::RdnSequence;
    let (mut name, other) = (RdnSequence::from_der(subject).unwrap(), RdnSequence::from_der(common).unwrap());
    let mut rdns: Vec<_> = name.as_ref().to_vec();
    *rdns.last_mut().unwrap() = other.as_ref()[0].clone();
    name = RdnSequence::from(rdns);
    name.to_der().unwrap()
}

/// What is renewed beside Alice's.
const RENEWED: &[u8] = &[0xc];

impl Bank {
    /// Alice's credential has ended, this one of the same or another holder is renewed, and the old one of that is removed where so
    /// wished. The serial number of the new one.
    fn beside_alice(holder: &NameDer, gone: bool) -> (Bank, String) {
        let bank = Bank::alone(Kind::P256, days_from_now(300));
        let ended = days_from_now(-100);
        bank.soft.credential(&bank.ca, Kind::P256, ALICE, &name("1", "Alice").to_der(), ended);
        bank.soft.credential(&bank.ca, Kind::P256, RENEWED, &holder.to_der(), days_from_now(11));
        let anchor = bank.anchor();
        let then: &[&str] = if gone { &["--retire-old", "--trust-anchor", &anchor] } else { &[] };
        let renew = ["renew", "--id", "0c", "--issuer", &bank.issuer("")];
        let renewed = bank.run(&[&renew[..], then].concat()).json();
        assert_eq!(bank.soft.snapshot().with_id(RENEWED).count(), if gone { 0 } else { 3 });
        (bank, renewed["credential"]["serial"].as_str().unwrap().to_owned())
    }

    fn retire_alice(&self, successor: Option<&str>) -> common::Said {
        let (serial, anchor) = (self.serial(ALICE), self.anchor());
        let line = ["retire", "--yes", "--serial", &serial, "--trust-anchor", &anchor];
        let named = successor.map(|serial| ["--successor", serial]);
        self.run(&[&line[..], named.as_ref().map_or(&[][..], |named| named)].concat())
    }
}

/// Another program has renewed one of a holder's certificates, and left the older one: the last takes the place of that too, where a
/// person says so.
#[test]
fn the_last_one_takes_the_place_of_all_in_its_name() {
    let reordered = NameDer::new()
        .common(Text::Printable, "ALICE")
        .unit(Text::Utf8, "1")
        .organization(Text::Printable, "example");
    for (holder, gone) in [(name("1", "Alice"), false), (name("1", "Alice"), true), (reordered, true)] {
        let (bank, new) = Bank::beside_alice(&holder, gone);
        let before = bank.soft.snapshot();
        let unnamed = bank.retire_alice(None).failed(Code::RetireNoSuccessor);
        let candidates = unnamed["facts"]["candidate"].as_array().unwrap();
        assert!(candidates.iter().any(|one| one.as_str().unwrap().contains(&new)), "{unnamed:#}");
        bank.soft.snapshot().assert_same_as(&before);
        let retired = bank.retire_alice(Some(&new)).json();
        assert_eq!(retired["successor"]["serial"], *new, "{retired:#}");
        let after = bank.soft.snapshot();
        after.assert_keeps(&before.only(|object| object.id != ALICE));
        assert_eq!(after.with_id(ALICE).count(), 0);
    }
}

/// What took another holder's place takes hers by nobody's word, and no command is named that would be refused again.
#[test]
fn what_follows_another_holders_takes_no_place_beside_it() {
    for holder in [name("1", "Alice 2"), name("1", "Bob")] {
        for gone in [false, true] {
            let (bank, new) = Bank::beside_alice(&holder, gone);
            let before = bank.soft.snapshot();
            let error = bank.retire_alice(Some(&new)).failed(Code::RemovalDoubtful);
            assert_eq!(error["facts"]["reason"][0], "follows_another", "{error:#}");
            assert!(error["facts"]["candidate"][0].as_str().unwrap().contains(&new), "{error:#}");
            assert!(error["facts"]["go_on"].is_null(), "{error:#}");
            bank.soft.snapshot().assert_same_as(&before);
        }
    }
    // A CA has put her name onto what renews Bob's, which is there still.
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    let (alice, bob) = (name("1", "Alice").to_der(), name("1", "Bob").to_der());
    bank.soft.credential(&bank.ca, Kind::P256, ALICE, &alice, days_from_now(-100));
    bank.soft.credential(&bank.ca, Kind::P256, BOB, &bob, days_from_now(11));
    let session = bank.session();
    let pending = Renewal::of(credential(session.token(), BOB)).begin(&session, &run()).unwrap();
    let spki = ParsedRequest::parse(pending.request().to_der()).unwrap().spki;
    let hers = bank.ca.issue(&alice, &spki).not_after(days_from_now(390)).der();
    let id = pending.key_id().to_vec();
    drop(session);
    bank.soft.inspect(|inspector| inspector.write_certificate(&hers, &id, "hers"));
    let before = bank.soft.snapshot();
    let error = bank.retire_alice(Some(&serial_hex(&hers))).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "follows_another", "{error:#}");
    bank.soft.snapshot().assert_same_as(&before);
}
