//! A key that was made for a job does not show, or another program's pair stands in its place: nothing is taken for gone, nothing is ordered
//! twice, and what is another program's stays.

mod common;

use std::path::Path;

use common::{Outcome, Stage, hex};
use serde_json::Value;
use usbtoken_testkit::{Kind, Object, Snapshot, days_from_now, shim, softhsm_module};

const KINDS: [Kind; 2] = [Kind::P256, Kind::Rsa2048];

/// What the driver does not show (tests/drivers/odd.c).
const NOT_THE_PRIVATE_KEY: &str = "hides-of-jobs=1";
const NOT_THE_PAIR: &str = "hides-of-jobs=3";
const NO_PRIVATE_KEY: &str = "hides-private-keys";

impl Stage {
    /// The command with a driver that does not show everything.
    fn hiding(&self, what: &str, arguments: &[&str]) -> Outcome {
        let driver = self.file("libodd.so");
        if !driver.exists() {
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/drivers/odd.c");
            let output = driver.to_str().unwrap();
            self.tool("cc", &["-shared", "-fPIC", "-w", "-o", output, source]).succeeded();
        }
        let module = softhsm_module();
        let env = [("ODD", Path::new(what)), ("ODD_DRIVER", module.as_path())];
        self.run_through(&driver, &env, self.token.pin(), &self.token.uri(), arguments)
    }

    /// The key that waits, after a request.
    fn waiting(&self) -> Object {
        self.run(&["request", "--out", "request.pem", "--overwrite"]).succeeded();
        let now = self.token.snapshot();
        let mut keys = now.of_class("CKO_PRIVATE_KEY").filter(|key| key.label.starts_with("ut2"));
        keys.next().unwrap().clone()
    }

    /// What only this computer knows is not known to another one.
    fn elsewhere<R>(&self, work: impl FnOnce(&Self) -> R) -> R {
        std::fs::rename(self.file("state"), self.file("here")).unwrap();
        let done = work(self);
        let _ = std::fs::remove_dir_all(self.file("state"));
        std::fs::rename(self.file("here"), self.file("state")).unwrap();
        done
    }

    /// Another program's pair, with the identifier and the record of ours.
    fn in_its_place(&self, kind: Kind, ours: &Object) {
        self.token.inspect(|inspector| inspector.generate_pair_beside(kind, &ours.id, &ours.label));
    }

    /// The files that are kept of a job that waits.
    fn jobs(&self) -> usize {
        let files = std::fs::read_dir(self.file("state/usbtoken")).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|end| end == "job")).count()
    }
}

fn reason(error: &Value) -> &str {
    error["facts"]["reason"][0].as_str().unwrap_or_default()
}

#[track_caller]
fn orders_nothing(stage: &Stage, what: &str, issuer: &str, before: &Snapshot) {
    let commands = [
        &["renew", "--issuer", issuer][..],
        &["renew", "--issuer", issuer, "--retire-old"],
        &["renew", "--issuer", issuer, "--id", "01"],
        &["request", "--out", "again.pem"],
    ];
    for command in commands {
        let error = stage.hiding(what, command).failed("key_not_shown", 9);
        assert!(error["facts"]["id"][0].is_string(), "{what} {command:?}: {error:#}");
        stage.token.snapshot().assert_same_as(before);
    }
    assert!(!stage.file("again.pem").exists());
}

#[test]
fn no_second_key_is_made_while_the_one_that_waits_does_not_show() {
    for kind in KINDS {
        let stage = Stage::of(kind, days_from_now(11));
        let issuer = stage.noted("365");
        stage.waiting();
        let before = stage.token.snapshot();
        for what in [NOT_THE_PRIVATE_KEY, NOT_THE_PAIR] {
            orders_nothing(&stage, what, &issuer, &before);
        }
        // Another computer sees its public half.
        stage.elsewhere(|stage| orders_nothing(stage, NOT_THE_PRIVATE_KEY, &issuer, &before));
        assert_eq!((stage.orders(), stage.jobs()), (0, 1), "{kind:?}");
        // The next time it shows.
        stage.run(&["renew", "--issuer", &issuer]).failed("pending_exists", 9);
        stage.run(&["resume", "--issuer", &issuer]).succeeded();
        assert_eq!(stage.orders(), 1, "{kind:?}");
    }
}

#[test]
fn what_is_renewed_is_not_ordered_again_while_its_key_does_not_show() {
    for kind in KINDS {
        let stage = Stage::of(kind, days_from_now(11));
        let issuer = stage.noted("365");
        stage.run(&["renew", "--issuer", &issuer]).succeeded();
        let before = stage.token.snapshot();
        orders_nothing(&stage, NOT_THE_PRIVATE_KEY, &issuer, &before);
        assert_eq!(stage.orders(), 1, "{kind:?}");
        let done = stage.run(&["renew", "--issuer", &issuer]).json();
        assert_eq!(done["already_renewed"], true, "{done:#}");
        // A person can say that it is to be renewed all the same.
        let again = ["renew", "--issuer", &issuer, "--although-renewed"];
        stage.hiding(NOT_THE_PRIVATE_KEY, &again).succeeded();
        assert_eq!(stage.orders(), 2, "{kind:?}");
    }
}

/// Another computer has abandoned it: this one does not know that, and a person says so.
#[test]
fn a_job_whose_key_is_gone_for_good_is_given_up_where_a_person_says_so() {
    let stage = Stage::new();
    let issuer = stage.noted("365");
    let without = stage.token.snapshot();
    let ours = hex(&stage.waiting().id);
    stage.elsewhere(|stage| stage.run(&["abandon", "--yes", "--id", &ours]).json());
    stage.token.snapshot().assert_same_as(&without);
    stage.run(&["renew", "--issuer", &issuer]).failed("key_not_shown", 9);
    let error = stage.run(&["abandon", "--yes", "--id", &ours]).failed("key_not_shown", 9);
    assert!(error["facts"]["hint"].is_null(), "{error:#}");
    assert_eq!(stage.jobs(), 1);
    let said = stage.run(&["abandon", "--yes", "--id", &ours, "--key-gone"]).json();
    assert_eq!(said["abandoned"]["id"], ours.as_str(), "{said:#}");
    assert_eq!(stage.jobs(), 0);
    stage.run(&["abandon", "--yes", "--id", &ours]).failed("pending_not_found", 3);
    stage.run(&["renew", "--issuer", &issuer]).succeeded();
    assert_eq!(stage.orders(), 1);
}

/// A driver that does not show the private key for a while: neither is the public half removed nor the request forgotten.
#[test]
fn nothing_is_removed_because_a_key_does_not_show() {
    let stage = Stage::new();
    let key = stage.waiting();
    let ours = hex(&key.id);
    let before = stage.token.snapshot();
    let named = ["abandon", "--yes", "--id", &ours];
    for what in [NO_PRIVATE_KEY, NOT_THE_PRIVATE_KEY] {
        for command in [&named[..], &["abandon", "--yes"]] {
            let error = stage.hiding(what, command).error();
            let why = (error["name"].as_str().unwrap(), reason(&error));
            assert_eq!(why, ("removal_doubtful", "request_kept_here"), "{error:#}");
            assert_eq!(error["facts"]["go_on"], Value::Null, "{error:#}");
            stage.token.snapshot().assert_same_as(&before);
            assert_eq!(stage.jobs(), 1, "{what}");
        }
    }
    stage.hiding(NOT_THE_PAIR, &named).failed("key_not_shown", 9);
    // Also where nothing is kept.
    stage.elsewhere(|stage| {
        let error = stage.hiding(NO_PRIVATE_KEY, &named).failed("removal_doubtful", 9);
        assert_eq!(reason(&error), "no_private_key_shows", "{error:#}");
    });
    assert_eq!(stage.jobs(), 1);
    stage.token.snapshot().assert_same_as(&before);
    // What a person says counts for what is left: a key that shows goes as ever.
    let gone = [&named[..], &["--key-gone"]].concat();
    stage.hiding(NOT_THE_PRIVATE_KEY, &gone).succeeded();
    let left = stage.token.snapshot();
    assert_eq!((left.with_id(&key.id).count(), stage.jobs()), (1, 0), "{left:?}");
}

/// Ours has gone, with the request kept here or not, and another program's pair has its identifier and its record.
#[test]
fn a_pair_in_the_place_of_ours_is_not_ours() {
    for (kind, foreign) in
        [(Kind::P256, Kind::Rsa2048), (Kind::P256, Kind::P256), (Kind::Rsa2048, Kind::P256)]
    {
        for dies in [false, true] {
            let what = format!("{kind:?}, {foreign:?}, dies: {dies}");
            let stage = Stage::of(kind, days_from_now(11));
            let issuer = stage.noted("365");
            let ours = stage.waiting();
            let id = hex(&ours.id);
            let half = stage.token.snapshot().with_id(&ours.id).find(|one| **one != ours).unwrap().clone();
            stage.in_its_place(foreign, &ours);
            let named = ["abandon", "--yes", "--id", &id];
            match dies {
                false => drop(stage.run(&named).json()),
                true => {
                    let driver = softhsm_module();
                    let fault = Path::new("C_DestroyObject#2:exit-after");
                    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", fault)];
                    let dying = [&["--in-process"], &named[..]].concat();
                    let uri = stage.token.uri();
                    let killed = stage.run_through(&shim(), &env, stage.token.pin(), &uri, &dying);
                    assert_eq!((killed.code, stage.jobs()), (86, 1), "{what}: {killed:?}");
                }
            }
            let theirs = stage.token.snapshot();
            assert_eq!(theirs.with_id(&ours.id).count(), 2, "{what}");
            assert!(!theirs.objects().contains(&half), "{what}: another value stands there");
            let pending = stage.run(&["pending"]).json();
            assert_eq!(pending, Value::Array(Vec::new()), "{what}");
            for command in
                [&["resume", "--issuer", &issuer][..], &["resume", "--issuer", &issuer, "--id", &id]]
            {
                stage.run(command).failed("pending_not_found", 3);
            }
            for _ in 0..2 {
                let said = stage.run(&named).json();
                assert_eq!(said["already_abandoned"], true, "{what}: {said:#}");
                stage.token.snapshot().assert_same_as(&theirs);
            }
            assert_eq!((stage.jobs(), stage.orders()), (0, 0), "{what}");
            stage.run(&["abandon", "--yes"]).failed("pending_not_found", 3);
            // What is begun anew is ours alone.
            stage.run(&["renew", "--issuer", &issuer]).succeeded();
            let after = stage.token.snapshot();
            after.assert_keeps(&theirs);
            assert_eq!((after.added_since(&theirs).len(), stage.orders()), (3, 1), "{what}");
        }
    }
}

/// Two pairs under one identifier, and nothing is kept here: each is shown as what it is.
#[test]
fn each_of_two_keys_is_shown_by_its_own_kind() {
    let stage = Stage::new();
    let ours = stage.waiting();
    stage.in_its_place(Kind::Rsa2048, &ours);
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let pending = stage.run(&["pending"]).json();
    let mut kinds: Vec<&str> =
        pending.as_array().unwrap().iter().map(|key| key["key_algorithm"].as_str().unwrap_or("?")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["P-256", "RSA 2048"], "{pending:#}");
}
