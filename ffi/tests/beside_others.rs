//! What other programs have done to a job of ours, and what pages and programs in C make of it: another program has stored the answer apart
//! from its key, or has our record on a private key of its own. No second key is made, and what is not ours is neither named nor touched.

mod common;

use common::pages::{Came, Pages, base16, ok};
use usbtoken_testkit::{Kind, Object, Snapshot, days_from_now, serial_hex};

const THEIRS: &[u8] = &[0x88];
const APART: &str = "notice 164";
const ALREADY_RENEWED: u32 = 814;
const PENDING_AMBIGUOUS: u32 = 233;
const PENDING_EXISTS: u32 = 803;

/// As a program of the bank or of the token's maker does.
#[derive(Clone, Copy, Debug)]
enum Foreign {
    Copy,
    Credential,
    Pair,
}

impl Pages {
    /// Our private key, which carries the record.
    fn ours(&self) -> Object {
        let now = self.stage.token.snapshot();
        now.of_class("CKO_PRIVATE_KEY").find(|key| key.label.starts_with("ut2")).unwrap().clone()
    }

    fn record_copied(&self, foreign: Foreign) -> Snapshot {
        let Object { id, label, .. } = self.ours();
        let token = &self.stage.token;
        match foreign {
            Foreign::Copy => token.inspect(|inspector| inspector.copy_private_key(&id, THEIRS, &label)),
            Foreign::Credential => {
                let vpn = common::pages::name("VPN", "taro");
                token.credential(&self.stage.ca, Kind::P256, THEIRS, &vpn, days_from_now(300));
                token.inspect(|inspector| inspector.relabel(THEIRS, label.as_bytes()));
            }
            Foreign::Pair => {
                token.inspect(|inspector| inspector.generate_pair(Kind::P256, THEIRS, &label));
            }
        }
        token.snapshot()
    }

    /// Plays a step by which nothing on the token changes; what it printed does not name what is not ours.
    /// Renewed with `usbtoken renew`, which shares the folder for state.
    fn renewed_by_the_command(&self, days: u32) {
        let token = &self.stage.token;
        let ca = usbtoken_testkit::program("test-ca").display().to_string();
        let issuer = format!("'{ca}' --dir '{}' --days {days}", self.file("ca").display());
        let mut command = std::process::Command::new(usbtoken_testkit::command());
        command.args(["--json", "--pin-env", "TEST_PIN", "--token", &token.uri(), "--module"]);
        command.arg(token.module()).args(["renew", "--issuer", &issuer]).envs(token.env());
        command.env("TEST_PIN", token.pin()).env("XDG_STATE_HOME", self.file("state"));
        common::succeed(command.output().unwrap(), "renew");
    }

    #[track_caller]
    fn leaves(&self, words: &[&str], before: &Snapshot) -> Came {
        let printed = self.printed(words);
        assert!(!printed.contains(" 88"), "{words:?}: {printed}");
        self.stage.token.snapshot().assert_same_as(before);
        Came::last_of(&printed)
    }
}

/// The answer to a request of a page, stored by another program under an identifier of its own.
fn stored_by_another() -> (Pages, Snapshot, Object) {
    let pages = Pages::open();
    pages.stage.token.foreign_objects();
    assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
    let ours = pages.ours();
    let der = pages.answer("x.csr", &pages.request("x.csr").subject);
    pages.stage.token.inspect(|inspector| inspector.write_certificate(&der, THEIRS, "vendor"));
    let stored = pages.stage.token.snapshot();
    (pages, stored, ours)
}

#[test]
fn an_answer_that_was_stored_apart_is_stored_beside_its_key() {
    for step in [["install", "-", "answer"], ["answer", "-", "answer"]] {
        let (pages, stored, ours) = stored_by_another();
        let printed = pages.printed(&step);
        assert_eq!(Came::last_of(&printed).code, 0, "{printed}");
        assert!(printed.contains(APART), "{printed}");
        let whole = pages.stage.token.snapshot();
        whole.assert_keeps(&stored);
        let new = whole.added_since(&stored);
        assert_eq!(new.len(), 1, "{new:?}");
        assert_eq!((new[0].class.as_str(), &new[0].id), ("CKO_CERTIFICATE", &ours.id));
        assert_eq!(new[0].label, ours.label);
        // Again, it is there, which a page is told as an error; and nothing is ordered a second time.
        for (step, code) in [("install", 508), ("answer", 0)] {
            assert_eq!(pages.leaves(&[step, "-", "answer"], &whole).code, code);
            assert!(!pages.printed(&[step, "-", "answer"]).contains(APART));
        }
        let serial = serial_hex(&pages.old());
        assert_eq!(pages.leaves(&["begin", &serial], &whole).code, ALREADY_RENEWED);
        assert_eq!(pages.leaves(&["renew", &serial, "y.csr"], &whole).code, ALREADY_RENEWED);
    }
}

/// Before it is stored beside its key, nobody makes a second one either.
#[test]
fn while_the_answer_is_apart_no_second_key_is_made() {
    let (pages, stored, _) = stored_by_another();
    let serial = serial_hex(&pages.old());
    assert_eq!(pages.leaves(&["begin", &serial], &stored).code, ALREADY_RENEWED);
    assert_eq!(pages.leaves(&["renew", &serial, "y.csr"], &stored).code, ALREADY_RENEWED);
    assert_eq!(pages.leaves(&["renew", "-", "y.csr"], &stored).code, ALREADY_RENEWED);
}

/// The record of a renewal that is done, on another program's key too.
#[test]
fn what_is_renewed_is_not_renewed_again_for_a_copied_record() {
    for foreign in [Foreign::Copy, Foreign::Credential, Foreign::Pair] {
        let mut pages = Pages::open();
        let serial = serial_hex(&pages.old());
        assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
        pages.answer("x.csr", &pages.request("x.csr").subject);
        assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
        let before = pages.record_copied(foreign);
        pages.choice = Some("0");
        for words in [&["begin", &serial][..], &["renew", &serial, "y.csr"]] {
            let came = pages.leaves(words, &before);
            assert_eq!((came.code, came.asked.2), (ALREADY_RENEWED, 0), "{foreign:?} {words:?}");
        }
        // Nothing goes while two keys carry one record.
        assert_ne!(pages.leaves(&["retire", &serial], &before).code, 0, "{foreign:?}");
    }
}

/// The record of a renewal that waits, on another program's key too: no request is made again, and neither is named. The answer is installed
/// for the key that signs for it, and where both do, for the one with the identifier that the request's key was given.
#[test]
fn what_waits_beside_a_copied_record_waits_for_its_answer() {
    for foreign in [Foreign::Credential, Foreign::Pair, Foreign::Copy] {
        let mut pages = Pages::open();
        let serial = serial_hex(&pages.old());
        assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
        let ours = pages.ours();
        let der = pages.answer("x.csr", &pages.request("x.csr").subject);
        let before = pages.record_copied(foreign);
        pages.choice = Some("0");
        for (words, code) in
            [(&["begin", &serial][..], PENDING_EXISTS), (&["renew", &serial, "y.csr"], PENDING_AMBIGUOUS)]
        {
            let came = pages.leaves(words, &before);
            assert_eq!((came.code, came.asked.2), (code, 0), "{foreign:?} {words:?}");
            assert!(!pages.printed(words).contains(&base16(&ours.id)), "{foreign:?} {words:?}");
        }
        assert_eq!(pages.play(&["install", "-", "answer"]).code, 0, "{foreign:?}");
        let after = pages.stage.token.snapshot();
        after.assert_keeps(&before);
        let new = after.added_since(&before);
        assert_eq!(new.len(), 1, "{new:?}");
        assert_eq!((new[0].bytes("Value"), &new[0].id), (Some(&der[..]), &ours.id), "{foreign:?}");
        for words in [&["begin", &serial][..], &["renew", &serial, "y.csr"]] {
            assert_eq!(pages.leaves(words, &after).code, ALREADY_RENEWED, "{foreign:?} {words:?}");
        }
    }
}

/// Whatever other programs have left, a page's job is done beside it, and nothing of theirs changes.
#[test]
fn a_page_renews_beside_odd_objects() {
    let pages = Pages::open();
    let (old, token, ca) = (serial_hex(&pages.old()), &pages.stage.token, &pages.stage.ca);
    token.foreign_objects();
    token.odd_objects(ca);
    token.broken_objects(ca);
    let before = token.snapshot();
    pages.leaves(&["probe"], &before);
    assert!(pages.printed(&["list"]).contains(&format!("{old} renewed 0")));
    assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
    token.snapshot().assert_keeps(&before);
    pages.answer("x.csr", &pages.request("x.csr").subject);
    assert_eq!(pages.play(&["install", "-", "answer"]).code, 0);
    let whole = token.snapshot();
    whole.assert_keeps(&before);
    assert_eq!(whole.added_since(&before).len(), 3);
    assert!(pages.printed(&["list"]).contains(&format!("{old} renewed 2")));
    assert_eq!(pages.leaves(&["begin", &old], &whole).code, ALREADY_RENEWED);
}

/// Another program keeps copies of the certificate in use.
#[test]
fn copies_of_a_certificate_are_counted() {
    let pages = Pages::open();
    let (old, token) = (pages.old(), &pages.stage.token);
    let counted = || {
        let printed = pages.printed(&["list"]);
        printed.lines().filter_map(|line| line.strip_prefix("copies ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counted(), ["0"]);
    let stored = token.snapshot();
    let stored = stored.of_class("CKO_CERTIFICATE").next().unwrap();
    token.inspect(|inspector| inspector.write_certificate(&old, &stored.id, &stored.label));
    assert_eq!(counted(), ["1"], "with the same identifier and label");
    token.inspect(|inspector| inspector.write_private_certificate(&old, THEIRS, "copy"));
    assert_eq!(counted(), ["2", "2"]);
}

/// Another program has removed the one between the old certificate and the one in use: what nothing on the token says any more, the folder of
/// this computer does.
#[test]
fn what_was_renewed_twice_is_known_where_the_one_between_has_gone() {
    let pages = Pages::open();
    let (old, first) = (serial_hex(&pages.old()), pages.stage.token.snapshot());
    pages.renewed_by_the_command(30);
    let id = pages.stage.token.snapshot().added_since(&first)[0].id.clone();
    pages.renewed_by_the_command(365);
    pages.stage.token.inspect(|inspector| inspector.destroy(&id));
    let left = pages.stage.token.snapshot();
    assert!(pages.printed(&["list"]).contains(&format!("{old} renewed 1")), "{}", pages.printed(&["list"]));
    for words in [&["begin", &old][..], &["renew", &old, "z.csr"], &["renew", "-", "z.csr"]] {
        assert_eq!(pages.leaves(words, &left).code, ALREADY_RENEWED, "{words:?}");
    }
    let probed = pages.printed(&["probe"]);
    std::fs::remove_dir_all(pages.file("state")).unwrap();
    assert!(pages.printed(&["list"]).contains(&format!("{old} renewed 0")));
    assert_ne!(pages.printed(&["probe"]), probed, "the page is told that it can be renewed");
}
