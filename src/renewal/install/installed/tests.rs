//! What is kept of an installation for later processes.

use std::time::SystemTime;

use super::*;
use crate::driver::Evidence;
use crate::pki::ProofLevel;
use crate::renewal::made_up::{MadeUp, named};

/// Alice's old certificate, and one that is installed in its place under this name.
struct Done {
    token: MadeUp,
    old: Certificate,
    new: Certificate,
}

const DAY: Date = Date::constant(2026, 1, 5);

impl Done {
    fn in_name(common: &str) -> Done {
        let mut token = MadeUp::new();
        let old = token.user(&named("Alice")).add();
        let new = token.user(&named(common)).valid(-1, 300).renewing(&old).add();
        Done { token, old, new }
    }

    fn identity(serial: &str) -> TokenIdentity {
        let text = str::to_owned;
        TokenIdentity { label: text("BANK"), manufacturer: text("M"), model: text("V"), serial: text(serial) }
    }

    fn installed(&self) -> Installed {
        let proof = Proof {
            level: ProofLevel::Proven,
            evidence: Evidence::default(),
            private_value: String::new(),
            observed: SystemTime::UNIX_EPOCH,
            key_id: String::new(),
            public_key_sha256: None,
            token: Done::identity("1"),
            driver_path: "/driver.so".into(),
            driver: None,
        };
        Installed {
            credential: self.token.of(&self.new),
            proof,
            replaced: Some(self.token.of(&self.old)),
            old_elsewhere: None,
            issuer: IssuerContinuity::SameIssuer,
            notices: Vec::new(),
            was_there: false,
            key_reused: false,
            signed: None,
            policy: Policy::default(),
            made_here: true,
            written_on: Some(DAY),
            earlier: None,
            certificates: Vec::new(),
        }
    }

    fn in_place_of_one_elsewhere(&self) -> Installed {
        let old = OldCertificate::given(self.old.der()).unwrap();
        Installed { replaced: None, old_elsewhere: Some(old), ..self.installed() }
    }
}

/// Only where this program knows it by its own order. What the answer has shown of the CA, the token alone need not show.
#[test]
fn whose_place_it_takes_is_kept_where_it_was_ordered_here() {
    let (same, renamed) = (Done::in_name("Alice"), Done::in_name("Alice B."));
    let unseen = IssuerContinuity::NotChecked;
    let by = |one: Installed, made_here, issuer| Installed { made_here, issuer, ..one };
    for (what, done, installed, shows) in [
        ("the same name, from one CA", &same, same.installed(), true),
        ("another name", &renamed, renamed.installed(), true),
        ("another name, of one elsewhere", &renamed, renamed.in_place_of_one_elsewhere(), true),
        ("the same name, and nothing shows the CA", &same, by(same.installed(), true, unseen), true),
        ("another name, and not ordered here", &renamed, by(renamed.installed(), false, unseen), false),
    ] {
        let record = installed.record().unwrap();
        assert_eq!(record.shows(&done.old, &done.new), shows, "{what}");
        let one_issuer = Run::default().installations([record]).has_seen_one_issuer(&done.old, &done.new);
        assert_eq!(one_issuer, shows && installed.issuer.is_shown(), "{what}");
    }
    assert!(Installed { written_on: None, ..same.installed() }.record().is_none());
}

/// The old one is on no token, or on another: what took its place is kept, and whether anybody can see it there.
#[test]
fn what_was_renewed_onto_a_token_is_kept_of_an_old_one_elsewhere() {
    let done = Done::in_name("Alice");
    let private = || vec![Warning::from(Notice::CertificatePrivate)];
    for (what, installed, shows) in [
        ("written", done.in_place_of_one_elsewhere(), Some(true)),
        (
            "as a private object",
            Installed { notices: private(), ..done.in_place_of_one_elsewhere() },
            Some(false),
        ),
        (
            "with another notice",
            Installed { notices: vec![Notice::ProofClaimed.into()], ..done.in_place_of_one_elsewhere() },
            Some(true),
        ),
        ("there before", Installed { was_there: true, ..done.in_place_of_one_elsewhere() }, Some(false)),
        ("on one token with the old one", done.installed(), None),
    ] {
        let place = tempfile::tempdir().unwrap();
        let run = Run::default().installations_in(place.path().join("state"));
        installed.kept(&Done::identity("7"), &run);
        let kept = run.removals().unwrap().renewed_onto(&done.old);
        assert_eq!(kept.as_ref().map(|kept| kept.shows_without_login), shows, "{what}");
        if let Some(kept) = kept {
            assert_eq!((kept.token, kept.by), (Done::identity("7"), done.new.clone()), "{what}");
        }
        assert_eq!(run.installed_on(&done.new), Some(DAY), "{what}");
    }
}

/// Where the day counts, and cannot be kept, a person is told; else it is nobody's matter.
#[test]
fn a_day_that_is_lost_is_told_where_it_counts() {
    let done = Done::in_name("Alice");
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("state"), b"no folder").unwrap();
    let run = Run::default().installations_in(place.path().join("state"));
    for (begins, told) in
        [(Begins::AtOnce, false), (Begins::AfterOldEnds, false), (Begins::NextBusinessDay, true)]
    {
        let policy = Policy { begins_to_work: begins, ..Policy::default() };
        let kept = Installed { policy, ..done.installed() }.kept(&Done::identity("1"), &run);
        assert_eq!(kept.notices.iter().any(|warning| *warning == Notice::InstallationNotKept), told);
    }
}

/// The end of the old one counts, wherever that is.
#[test]
fn it_works_from_the_end_of_the_old_one_where_the_bank_says_so() {
    let done = Done::in_name("Alice");
    let policy = Policy { begins_to_work: Begins::AfterOldEnds, ..Policy::default() };
    let day = crate::pki::jst_date(done.old.not_after());
    for installed in [done.installed(), done.in_place_of_one_elsewhere()] {
        let installed = Installed { policy: policy.clone(), ..installed };
        assert_eq!(installed.works_from(SystemTime::now()), Some(day));
    }
    let first = Installed { replaced: None, policy, ..done.installed() };
    assert_eq!(first.works_from(SystemTime::now()), None);
}
