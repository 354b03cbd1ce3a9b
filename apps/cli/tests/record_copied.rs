//! Our record is on a private key of another program too: a copy of our key, to which the label comes along, a credential or a pair of its
//! own. No second key is made and no second certificate ordered, and nothing of that program is taken for ours.

mod common;

use std::path::Path;

use common::{Outcome, Stage, hex};
use serde_json::Value;
use usbtoken_testkit::{
    Form, Kind, NameDer, Object, Snapshot, SoftKey, Text, days_from_now, serial_hex, shim, softhsm_module,
};

const FOREIGN: &[u8] = &[0x88];

const OF_EC: [(Kind, Foreign); 3] =
    [(Kind::P256, Foreign::Copy), (Kind::P256, Foreign::Credential), (Kind::P256, Foreign::Pair)];

/// Which private key of another program carries our record.
#[derive(Clone, Copy, Debug)]
enum Foreign {
    Copy,
    Credential,
    Pair,
}

impl Stage {
    /// Our private key, which carries the record.
    fn ours(&self) -> Object {
        let now = self.token.snapshot();
        let mut keys = now.of_class("CKO_PRIVATE_KEY").filter(|key| key.label.starts_with("ut2"));
        keys.next().unwrap().clone()
    }

    /// What the other program does.
    fn copies(&self, what: Foreign, kind: Kind) -> Snapshot {
        let Object { id, label, .. } = self.ours();
        match what {
            Foreign::Copy => self.token.inspect(|inspector| inspector.copy_private_key(&id, FOREIGN, &label)),
            Foreign::Credential => {
                let taro = NameDer::new().common(Text::Utf8, "Taro of the VPN").to_der();
                self.token.credential(&self.ca, kind, FOREIGN, &taro, days_from_now(300));
                self.token.inspect(|inspector| inspector.relabel(FOREIGN, label.as_bytes()));
            }
            Foreign::Pair => {
                self.token.inspect(|inspector| inspector.generate_pair(kind, FOREIGN, &label));
            }
        }
        self.token.snapshot()
    }
}

fn go_on(error: &Value) -> Vec<String> {
    let lines = error["facts"]["go_on"].as_array().cloned().unwrap_or_default();
    lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// That a line every day leaves it at that, whether the old one is named or not.
#[track_caller]
fn is_renewed(stage: &Stage, issuer: &str) {
    let is_known = stage.file("state").exists();
    for named in [&[][..], &["--id", "01"], &["--id", "01", "--retire-old"]] {
        let said: Outcome = stage.run(&[&["renew", "--issuer", issuer], named].concat());
        let done = said.result();
        assert_eq!(done["already_renewed"], true, "{named:?}: {done:#}");
        assert_eq!(done["retired"].as_bool(), (named.len() == 3).then_some(false), "{done:#}");
        if named.len() == 3 {
            let error = said.error();
            match is_known {
                // By its own note; of the CA nothing is at hand.
                true => assert_eq!(error["name"], "retire_issuer_not_shown", "{error:#}"),
                false => {
                    assert_eq!(error["facts"]["reason"][0], "same_record", "which one follows is doubtful")
                }
            }
        }
    }
}

#[test]
fn what_is_renewed_stays_so() {
    let rsa = [(Kind::Rsa2048, Foreign::Copy), (Kind::Rsa2048, Foreign::Pair)];
    for (kind, foreign) in OF_EC.into_iter().chain(rsa) {
        let stage = Stage::of(kind, days_from_now(11));
        let issuer = stage.noted("365");
        stage.run(&["renew", "--issuer", &issuer]).succeeded();
        let before = stage.copies(foreign, kind);
        is_renewed(&stage, &issuer);
        stage.token.snapshot().assert_same_as(&before);
        // Another computer knows it by the token.
        std::fs::remove_dir_all(stage.file("state")).unwrap();
        is_renewed(&stage, &issuer);
        stage.token.snapshot().assert_same_as(&before);
        if matches!(foreign, Foreign::Pair) {
            stage.run(&["resume", "--issuer", &issuer]).failed("pending_ambiguous", 3);
        }
        assert_eq!(stage.orders(), 1, "{kind:?} {foreign:?}");
    }
}

/// The CA gave it another common name: this computer knows it by its own request, another one asks a person.
#[test]
fn what_is_renewed_in_another_name_stays_so() {
    for foreign in [Foreign::Copy, Foreign::Credential, Foreign::Pair] {
        let stage = Stage::new();
        let request = stage.request(&[]);
        let other = NameDer::new().common(Text::Utf8, "another name").to_der();
        let renamed = stage.ca.issue_for(&request).subject(&other).not_after(days_from_now(200)).der();
        stage.install(&stage.ca.answer(Form::Pem, &renamed)).succeeded();
        let before = stage.copies(foreign, Kind::P256);
        let done = stage.run(&["renew", "--id", "01", "--issuer", "echo >> orders; false"]).json();
        assert_eq!(done["already_renewed"], true, "{foreign:?}: {done:#}");
        std::fs::remove_dir_all(stage.file("state")).unwrap();
        let said = stage.run(&["renew", "--id", "01", "--issuer", "echo >> orders; false"]);
        assert_ne!(said.code, 0, "{foreign:?}");
        assert_eq!(stage.orders(), 0, "{foreign:?}");
        stage.token.snapshot().assert_same_as(&before);
    }
}

/// A year later the new one is renewed in its turn.
#[test]
fn the_next_renewal_of_the_row_works() {
    for (kind, foreign) in OF_EC.into_iter().chain([(Kind::Rsa2048, Foreign::Copy)]) {
        let stage = Stage::of(kind, days_from_now(11));
        stage.run(&["renew", "--issuer", &stage.noted("20")]).succeeded();
        let first = stage.ours();
        let before = stage.copies(foreign, kind);
        let issuer = stage.noted("365");
        let done = stage.run(&["renew", "--issuer", &issuer]).json();
        assert_eq!(done["replaced"]["id"], hex(&first.id), "{kind:?} {foreign:?}: {done:#}");
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        assert_eq!((after.added_since(&before).len(), stage.orders()), (3, 2), "{kind:?} {foreign:?}");
        let done = stage.run(&["renew", "--issuer", &issuer]).json();
        assert_eq!(done["already_renewed"], true, "{kind:?} {foreign:?}: {done:#}");
        stage.token.snapshot().assert_same_as(&after);
    }
}

/// Ours waits, and a pair of another program carries its record: an answer that was kept is installed for ours.
#[test]
fn an_answer_that_was_kept_is_installed_for_the_key_that_signs_for_it() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::of(kind, days_from_now(11));
        let (issuer, driver) = (stage.noted("365"), softhsm_module());
        let fault = Path::new("C_CreateObject#1:exit");
        let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", fault)];
        let renew = ["--in-process", "renew", "--issuer", &issuer];
        let killed = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &renew);
        assert_eq!((killed.code, stage.orders()), (86, 1), "{killed:?}");
        let ours = stage.ours();
        let before = stage.copies(Foreign::Pair, kind);
        stage.run(&["renew", "--issuer", &issuer]).succeeded();
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        let written = after.added_since(&before);
        assert!(written.iter().all(|one| one.id == ours.id) && written.len() == 1, "{written:?}");
        assert_eq!(stage.orders(), 1, "{kind:?}");
        is_renewed(&stage, &issuer);
    }
}

/// A removal that stopped before it began: this computer's own note says what was installed in whose place, and another computer is told
/// what a person may name.
#[test]
fn a_removal_that_stopped_is_ended_beside_a_second_record() {
    for (kind, foreign) in OF_EC.into_iter().chain([(Kind::Rsa2048, Foreign::Copy)]) {
        for again in ["install", "daily", "by number", "retire", "elsewhere"] {
            let what = format!("{kind:?} {foreign:?} {again}");
            let stage = Stage::of(kind, days_from_now(11));
            let number = serial_hex(&stage.old.certificate);
            let new = stage.ca.issue_for(&stage.request(&[])).der();
            stage.write("answer", &stage.ca.answer(Form::Bundle, &new));
            let ours = stage.ours();
            let driver = softhsm_module();
            let fault = Path::new("C_CreateObject#1:exit-after");
            let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", fault)];
            let install = ["install", "answer", "--retire-old"];
            let killed = [&["--in-process"], &install[..]].concat();
            let killed = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &killed);
            assert_eq!(killed.code, 86, "{what}: {killed:?}");
            let before = stage.copies(foreign, kind);
            let retire = ["retire", "--yes", "--serial", &number];
            let daily = ["renew", "--retire-old", "--issuer", "false"];
            match again {
                "install" => assert_eq!(stage.run(&install).json()["retired"], true, "{what}"),
                "daily" => assert_eq!(stage.run(&daily).json()["retired"], true, "{what}"),
                "by number" => {
                    let named = [&daily[..], &["--serial", &number]].concat();
                    assert_eq!(stage.run(&named).json()["retired"], true, "{what}");
                }
                "retire" => assert_eq!(stage.run(&retire).json()["successor"]["id"], hex(&ours.id), "{what}"),
                _ => {
                    std::fs::remove_dir_all(stage.file("state")).unwrap();
                    // No CA's certificate is at hand, so none of the two is named.
                    let error = stage.run(&daily).error();
                    assert_eq!(error["facts"]["reason"][0], "same_record", "{what}: {error:#}");
                    assert_eq!(go_on(&error), Vec::<String>::new(), "{what}");
                    let mut said = stage.run(&install);
                    for _ in 0..2 {
                        let [line] = go_on(&said.error()).try_into().unwrap();
                        assert!(
                            line.contains(&format!("--successor {}", serial_hex(&new))),
                            "{what}: {line}"
                        );
                        said = stage.shell(&format!("TEST_PIN=$(cat pin) {line} --json --yes"));
                    }
                    said.succeeded();
                }
            }
            let after = stage.token.snapshot();
            assert_eq!(after.with_id(&stage.old.id).count(), 0, "{what}");
            for one in before.objects().iter().filter(|one| one.id != stage.old.id) {
                assert!(after.objects().contains(one), "{what}: {one} is lost or changed");
            }
        }
    }
}

/// What a person is told to go on with is the key of the request that was made here; where this computer knows of none, neither is named.
#[test]
fn only_the_key_that_was_requested_is_named_to_go_on_with() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::of(kind, days_from_now(11));
        stage.request(&[]);
        let ours = hex(&stage.ours().id);
        let before = stage.copies(Foreign::Pair, kind);
        let issuer = stage.noted("365");
        let commands = [&["renew", "--issuer", &issuer][..], &["request", "--out", "again.pem"]];
        for command in commands {
            let error = stage.run(command).failed("pending_exists", 9);
            assert_eq!(error["facts"]["id"][0], ours.as_str(), "{error:#}");
            let [line] = go_on(&error).try_into().unwrap();
            assert!(line.contains(&format!("--id {ours}")), "{line}");
        }
        let kept = std::fs::read_dir(stage.file("state/usbtoken")).unwrap();
        kept.map(|file| file.unwrap().path()).for_each(|file| std::fs::remove_file(file).unwrap());
        for command in commands.into_iter().chain([&["renew", "--resume", "--issuer", &issuer][..]]) {
            let said = stage.run(command);
            assert_ne!(said.code, 0, "{command:?}");
            assert_eq!(go_on(&said.error()), Vec::<String>::new(), "{:#}", said.error());
            if said.error()["name"] == "pending_exists" {
                assert_eq!(
                    said.error()["facts"]["reason"],
                    serde_json::json!(["same_record"]),
                    "{:#}",
                    said.error()
                );
                assert_eq!(said.error()["facts"]["id"], Value::Null, "{:#}", said.error());
            }
        }
        // Nor does anything go on with what nobody has named.
        stage.run(&["resume", "--issuer", &issuer]).failed("pending_ambiguous", 3);
        assert_eq!(stage.orders(), 0);
        stage.token.snapshot().assert_same_as(&before);
    }
}

/// What `pending` says of each key: its id, what is doubtful, and what to do.
fn listed(stage: &Stage) -> Vec<(String, Option<String>, Option<String>)> {
    let list = stage.run(&["pending"]).json();
    let text = |one: &Value| one.as_str().map(str::to_owned);
    let keys = list.as_array().unwrap().iter();
    keys.map(|one| (text(&one["id"]).unwrap(), text(&one["doubt"]), text(&one["doubt_next"]))).collect()
}

/// For people, in both languages: the lines of the keys that say what is doubtful and what to do.
fn shown(stage: &Stage) -> [usize; 2] {
    [("en", "Doubtful = ", "What to do = "), ("ja", "要確認 = ", "対処 = ")].map(|(lang, doubt, next)| {
        let said = stage
            .shell(&format!("usbtoken pending --lang {lang} --pin-file pin --token '{}'", stage.token.uri()));
        said.succeeded();
        let (doubts, nexts) = (said.stdout.matches(doubt).count(), said.stdout.matches(next).count());
        assert_eq!(doubts, nexts, "{}", said.stdout);
        doubts
    })
}

/// What no removal takes unasked is shown as doubtful, with what to do, which is true where a person does it.
#[test]
fn a_copied_record_is_shown_as_doubtful() {
    for foreign in [Foreign::Copy, Foreign::Credential, Foreign::Pair] {
        let stage = Stage::new();
        stage.request(&[]);
        let ours = hex(&stage.ours().id);
        assert_eq!((listed(&stage), shown(&stage)), (vec![(ours.clone(), None, None)], [0, 0]));
        let before = stage.copies(foreign, Kind::P256);
        let all = listed(&stage);
        let listed_here = if matches!(foreign, Foreign::Credential) { 1 } else { 2 };
        assert_eq!((all.len(), shown(&stage)), (listed_here, [listed_here; 2]), "{foreign:?}: {all:?}");
        for (id, doubt, next) in &all {
            let next = next.as_deref().unwrap();
            assert_eq!(doubt.as_deref(), Some("same_record"), "{foreign:?}");
            // A copy signs for what ours signs for.
            let is_ours = *id == ours || matches!(foreign, Foreign::Copy);
            assert_eq!(next.contains(&format!("abandon --id {id}")), is_ours, "{foreign:?} {id}: {next}");
        }
        stage.token.snapshot().assert_same_as(&before);
        let gone = stage.run(&["abandon", "--yes", "--id", &ours]).json();
        assert_eq!(gone["abandoned"]["doubt"], "same_record", "{foreign:?}");
        before.assert_keeps(&stage.token.snapshot());
    }
}

/// Ours has gone, and this computer knows that its request was for another key: the copy is no job of ours, and the renewal makes a key of
/// its own. Another computer cannot know that.
#[test]
fn a_copy_whose_own_job_has_gone_is_left_alone() {
    let stage = Stage::new();
    let issuer = stage.noted("365");
    stage.request(&[]);
    let ours = hex(&stage.ours().id);
    stage.copies(Foreign::Pair, Kind::P256);
    stage.run(&["abandon", "--yes", "--id", &ours]).succeeded();
    let before = stage.token.snapshot();
    let all = listed(&stage);
    let [(id, doubt, Some(next))] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((id.as_str(), doubt.as_deref()), (&*hex(FOREIGN), Some("request_of_another_key")));
    assert!(!next.contains("--id"), "{next}");
    assert_eq!(shown(&stage), [1, 1]);
    let error = stage.run(&["abandon", "--yes"]).failed("removal_doubtful", 9);
    assert_eq!(go_on(&error), Vec::<String>::new(), "{error:#}");
    for resume in [&["resume", "--issuer", &issuer][..], &["resume", "--out", "again.pem"]] {
        let error = stage.run(resume).failed("pending_ambiguous", 3);
        assert_eq!(error["facts"]["reason"][0], "request_of_another_key", "{error:#}");
    }
    stage.token.snapshot().assert_same_as(&before);
    assert_eq!(stage.orders(), 0);
    for _ in 0..2 {
        stage.run(&["renew", "--issuer", &issuer]).succeeded();
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        assert_eq!((after.added_since(&before).len(), stage.orders()), (3, 1));
    }
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    assert_eq!(listed(&stage), [(hex(FOREIGN), None, None)]);
}

/// What another program's certificate makes doubtful: one under the key's identifier, and one that cannot be read.
#[test]
fn what_keeps_a_key_from_being_removed_is_shown() {
    for (id, doubt) in [(None, "id_of_another_certificate"), (Some(&[0x99][..]), "object_unreadable")] {
        let stage = Stage::new();
        stage.request(&[]);
        let ours = stage.ours();
        let other = SoftKey::generate(Kind::P256).spki();
        let foreign = stage.ca.issue(&stage.old.subject, &other).not_after(days_from_now(90)).der();
        stage.token.inspect(|inspector| match id {
            None => inspector.write_certificate(&foreign, &ours.id, "somebody"),
            Some(id) => inspector.write_as_certificate(&[0x42; 300], id, "somebody"),
        });
        let before = stage.token.snapshot();
        let all = listed(&stage);
        let [(_, found, Some(_))] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(found.as_deref(), Some(doubt));
        assert_eq!(shown(&stage), [1, 1]);
        let error = stage.run(&["abandon", "--yes"]).failed("removal_doubtful", 9);
        assert_eq!(error["facts"]["reason"][0], doubt, "{error:#}");
        stage.token.snapshot().assert_same_as(&before);
        stage.run(&["abandon", "--yes", "--id", &hex(&ours.id)]).succeeded();
        before.assert_keeps(&stage.token.snapshot());
    }
}
