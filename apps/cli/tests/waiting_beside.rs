//! Somebody else's certificate for the key that waits for the CA: anybody can make one over a public key, and on some tokens write it
//! without the PIN. It is no answer to our order, which goes on as without it, and it stays.

mod common;

use common::Stage;
use usbtoken_testkit::{NameDer, Object, Snapshot, TestCa, Text, days_from_now};

/// Whose certificate it is.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// Another CA's, for somebody else.
    Vpn,
    /// Another CA's in the name of the bank's customer.
    CaOfOneName,
    /// With the name of the bank's CA, and no signature of it, for somebody else of the firm.
    Forged,
    /// The same in the name of the bank's customer.
    ForgedInOneName,
    /// Self-made, as by `openssl req -x509`.
    OwnCa,
    /// Another CA's, from before the order.
    Earlier,
}

const ALL: [Of; 6] = [Of::Vpn, Of::CaOfOneName, Of::Forged, Of::ForgedInOneName, Of::OwnCa, Of::Earlier];

/// Where it stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Ours,
    OurId,
    OurLabel,
    Elsewhere,
}

const PLACES: [Place; 4] = [Place::Ours, Place::OurId, Place::OurLabel, Place::Elsewhere];

impl Stage {
    fn waiting_key(&self) -> Object {
        let now = self.token.snapshot();
        now.of_class("CKO_PRIVATE_KEY").find(|one| one.label.starts_with("ut2")).expect("it waits").clone()
    }

    /// Writes it for the key that waits; returns it and the token.
    fn stranger(&self, of: Of, place: Place) -> (Vec<u8>, Snapshot) {
        let Object { id, label, .. } = self.waiting_key();
        let spki = self.token.inspect(|inspector| inspector.public_key(&id));
        let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
        let vpn = NameDer::new().organization(Text::Utf8, "VPN").common(Text::Utf8, "Taro").to_der();
        let colleague =
            NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
        let colleague = colleague.common(Text::Utf8, "Taro").to_der();
        let stranger = TestCa::new();
        let issue = match of {
            Of::Vpn => stranger.issue(&vpn, &spki).issuer(&other),
            Of::CaOfOneName => stranger.issue(&self.old.subject, &spki).issuer(&other),
            Of::Forged => stranger.issue(&colleague, &spki),
            Of::ForgedInOneName => stranger.issue(&self.old.subject, &spki),
            Of::OwnCa => stranger.issue(&self.old.subject, &spki).issuer(&self.old.subject).ca(true),
            Of::Earlier => stranger.issue(&vpn, &spki).issuer(&other).not_before(days_from_now(-100)),
        };
        let der = issue.not_after(days_from_now(800)).der();
        let (id, label) = match place {
            Place::Ours => (&id[..], &*label),
            Place::OurId => (&id[..], "vpn"),
            Place::OurLabel => (&b"vpn"[..], &*label),
            Place::Elsewhere => (&b"vpn"[..], "vpn"),
        };
        self.token.inspect(|inspector| inspector.write_certificate(&der, id, label));
        (der, self.token.snapshot())
    }

    fn is_waiting(&self) -> bool {
        let waiting = self.run(&["pending"]).json();
        waiting.as_array().unwrap().iter().any(|one| one["state"] == "awaiting_answer")
    }
}

fn each(work: impl Fn(&str, &Stage, &dyn Fn() -> (Vec<u8>, Snapshot))) {
    let in_our_place = ALL.map(|of| (of, Place::Ours));
    let elsewhere = [Of::Vpn, Of::ForgedInOneName].map(|of| PLACES.map(|place| (of, place)));
    let elsewhere = elsewhere.into_iter().flatten().filter(|(_, place)| !matches!(place, Place::Ours));
    for (of, place) in in_our_place.into_iter().chain(elsewhere) {
        let stage = Stage::new();
        work(&format!("{of:?} {place:?}"), &stage, &|| stage.stranger(of, place));
    }
}

/// The answer is written beside it, and the old one can go as ever.
#[test]
fn the_answer_is_installed_beside_a_strangers_certificate() {
    each(|case, stage, write| {
        let request = stage.request(&[]);
        let (theirs, before) = write();
        assert!(stage.is_waiting(), "{case}");
        let answer = stage.ca.issue_for(&request).not_after(days_from_now(376)).der();
        let done = stage.install(&answer).json();
        assert_eq!(done["already_installed"], false, "{case}: {done:#}");
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        let added: Vec<&Object> = after.added_since(&before);
        assert!(added.len() == 1 && added[0].bytes("Value") == Some(&answer[..]), "{case}: {added:?}");
        assert!(!stage.is_waiting(), "{case}");
        assert_eq!(stage.kept(), Vec::<std::path::PathBuf>::new(), "{case}");
        stage.run(&["install", "answer"]).succeeded();
        stage.token.snapshot().assert_same_as(&after);
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", "ca/ca.pem"];
        let gone = stage.run(&retire).json();
        assert_eq!(gone["key_removed"], true, "{case}: {gone:#}");
        let now = stage.token.snapshot();
        assert!(now.objects().iter().any(|one| one.bytes("Value") == Some(&theirs[..])), "{case}");
        now.assert_keeps(&after.only(|one| one.id != [1]));
    });
}

/// The daily run goes on with the job that waits: it asks for the same again, and orders nothing else.
#[test]
fn a_renewal_that_was_interrupted_goes_on_beside_it() {
    each(|case, stage, write| {
        let issuer = format!("echo >> orders; test -e ready && {}", stage.issuer(&["--days", "365"]));
        let daily = ["renew", "--retire-old", "--trust-anchor", "ca/ca.pem", "--issuer", &issuer];
        assert_ne!(stage.run(&daily).code, 0);
        let keys = stage.token.snapshot().of_class("CKO_PRIVATE_KEY").count();
        let (theirs, before) = write();
        assert_ne!(stage.run(&daily).code, 0, "{case}");
        stage.token.snapshot().assert_same_as(&before);
        stage.write("ready", b"");
        let done = stage.run(&daily).json();
        assert_eq!(
            (&done["retired"], &done["key_removed"]),
            (&true.into(), &true.into()),
            "{case}: {done:#}"
        );
        let now = stage.token.snapshot();
        assert_eq!(now.of_class("CKO_PRIVATE_KEY").count(), keys - 1, "{case}");
        assert!(now.objects().iter().any(|one| one.bytes("Value") == Some(&theirs[..])), "{case}");
        now.assert_keeps(&before.only(|one| one.id != [1]));
        stage.run(&daily).failed("not_yet_renewable", 9);
        stage.token.snapshot().assert_same_as(&now);
    });
}

/// Nobody gives the key away that a stranger's certificate is for, but a person who names it.
#[test]
fn what_waits_beside_it_is_abandoned_by_name_alone() {
    each(|case, stage, write| {
        stage.request(&[]);
        let (theirs, before) = write();
        let error = stage.run(&["abandon", "--yes"]).failed("removal_doubtful", 9);
        stage.token.snapshot().assert_same_as(&before);
        let key = common::hex(&stage.waiting_key().id);
        // It may be in use: no command is offered.
        assert!(error["facts"]["go_on"].is_null(), "{case}: {error:#}");
        assert_eq!(error["facts"]["reason"][0], "certificate_of_another", "{case}: {error:#}");
        stage.run(&["abandon", "--yes", "--id", &key]).succeeded();
        let now = stage.token.snapshot();
        assert!(now.objects().iter().any(|one| one.bytes("Value") == Some(&theirs[..])), "{case}");
        now.assert_keeps(&before.only(|one| !one.class.ends_with("KEY") || !one.label.starts_with("ut2")));
        assert!(!stage.is_waiting(), "{case}");
    });
}

/// What the CA has really answered, and another program has written, finishes the job.
#[test]
fn the_answer_that_another_program_has_written_finishes_the_job() {
    for place in PLACES {
        let stage = Stage::new();
        let request = stage.request(&[]);
        let answer = stage.ca.issue_for(&request).not_after(days_from_now(376)).der();
        let Object { id, label, .. } = stage.waiting_key();
        let (id, label) = match place {
            Place::Ours => (&id[..], &*label),
            Place::OurId => (&id[..], "mine"),
            Place::OurLabel => (&b"mine"[..], &*label),
            Place::Elsewhere => (&b"mine"[..], "mine"),
        };
        stage.token.inspect(|inspector| inspector.write_certificate(&answer, id, label));
        assert!(!stage.is_waiting(), "{place:?}");
        let issuer = stage.noted("365");
        let said = stage.run(&["renew", "--issuer", &issuer]).json();
        assert!(said["already_renewed"] == true || !said["credential"].is_null(), "{place:?}: {said:#}");
        assert_eq!(stage.orders(), 0, "{place:?}");
    }
}

/// A computer that keeps nothing of the job goes by the names, and takes what has our record for what another computer may have
/// installed; the answer is right there all the same.
#[test]
fn another_computer_installs_the_answer_beside_it() {
    for (of, place, is_listed) in [
        (Of::Vpn, Place::OurId, true),
        (Of::Vpn, Place::Elsewhere, true),
        (Of::Vpn, Place::Ours, false),
        (Of::CaOfOneName, Place::Ours, false),
        (Of::OwnCa, Place::Ours, false),
        (Of::Earlier, Place::Elsewhere, false),
    ] {
        let stage = Stage::new();
        let request = stage.request(&[]);
        let (_, before) = stage.stranger(of, place);
        std::fs::remove_dir_all(stage.file("state")).unwrap();
        assert_eq!(stage.is_waiting(), is_listed, "{of:?} {place:?}");
        let answer = stage.ca.issue_for(&request).not_after(days_from_now(376)).der();
        let done = stage.install(&answer).json();
        assert_eq!(done["already_installed"], false, "{of:?} {place:?}: {done:#}");
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        assert!(!stage.is_waiting(), "{of:?} {place:?}");
        // Finished by its own, and now one more certificate is none for it.
        let more = stage.ca.issue_for(&request).not_after(days_from_now(380)).der();
        stage.install(&more).failed("request_finished", 3);
        let theirs = TestCa::new().issue_for(&request).not_after(days_from_now(380)).der();
        stage.install(&theirs).failed("request_finished", 3);
        stage.token.snapshot().assert_same_as(&after);
    }
}

/// What a key in use is used for is no matter of a CA that has made another certificate for it.
#[test]
fn another_cas_certificate_is_no_answer_for_a_key_in_use() {
    for kept in [true, false] {
        let stage = Stage::new();
        let request = stage.request(&[]);
        let answer = stage.ca.issue_for(&request).not_after(days_from_now(376)).der();
        stage.install(&answer).succeeded();
        if !kept {
            std::fs::remove_dir_all(stage.file("state")).unwrap();
        }
        let after = stage.token.snapshot();
        let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
        let theirs = TestCa::new().issue_for(&request).issuer(&other).not_after(days_from_now(380)).der();
        stage.install(&theirs).failed("request_finished", 3);
        stage.token.snapshot().assert_same_as(&after);
    }
}

/// A first certificate continues none: what tells a stranger's is the name that was asked for, and that it was asked for here.
#[test]
fn a_first_certificate_is_installed_beside_it() {
    let subject = "CN=Hanako,OU=VPN,O=Example,C=JP";
    for (of, place, is_listed) in
        [(Of::Vpn, Place::Ours, true), (Of::Vpn, Place::Elsewhere, true), (Of::OwnCa, Place::Ours, true)]
    {
        let stage = Stage::new();
        let request = stage.request(&["--subject", subject]);
        let (_, before) = stage.stranger(of, place);
        assert_eq!(stage.is_waiting(), is_listed, "{of:?} {place:?}");
        let answer = stage.ca.issue_for(&request).not_after(days_from_now(376)).der();
        let done = stage.install(&answer).json();
        assert_eq!(done["already_installed"], false, "{of:?} {place:?}: {done:#}");
        stage.token.snapshot().assert_keeps(&before);
        assert!(!stage.is_waiting(), "{of:?} {place:?}");
    }
}
