//! A job that is given up ends, wherever the run stopped: asked for again it is done, and nothing of it is left anywhere.

mod common;

use std::path::Path;

use common::{Outcome, Stage, hex};
use usbtoken_testkit::{Kind, NameDer, Object, Snapshot, Text, days_from_now, shim, softhsm_module};

/// The exit code with which the shim ends a process.
const KILLED: i32 = 86;

/// How a run names the key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Named {
    /// Not at all.
    Not,
    ById,
    ByUri,
}

impl Stage {
    /// The key that waits, after a request.
    fn waiting(&self) -> Object {
        self.run(&["request", "--id", "01", "--out", "request.pem", "--overwrite"]).succeeded();
        let now = self.token.snapshot();
        let mut keys = now.of_class("CKO_PRIVATE_KEY").filter(|key| key.label.starts_with("ut2"));
        keys.next().unwrap().clone()
    }

    /// `abandon` of this key, through the shim with this fault where there is one.
    fn abandon(&self, key: &[u8], named: Named, fault: &str) -> Outcome {
        let (driver, trace) = (softhsm_module(), self.file("trace"));
        let _ = std::fs::remove_file(&trace);
        let env = [
            ("USBTOKEN_SHIM_DRIVER", driver.as_path()),
            ("USBTOKEN_SHIM_FAULT", Path::new(fault)),
            ("USBTOKEN_SHIM_TRACE", &trace),
        ];
        let id = hex(key);
        // A run that is killed at the login leaves it open whether the PIN is right.
        let words: &[&str] = match named {
            Named::ById => &["--in-process", "--pin-corrected", "abandon", "--yes", "--id", &id],
            Named::Not | Named::ByUri => &["--in-process", "--pin-corrected", "abandon", "--yes"],
        };
        let percent: String = key.iter().map(|byte| format!("%{byte:02x}")).collect();
        let uri = match named {
            Named::ByUri => format!("{};id={percent}", self.token.uri()),
            Named::Not | Named::ById => self.token.uri(),
        };
        self.run_through(&shim(), &env, self.token.pin(), &uri, words)
    }

    /// How many requests are kept whose jobs have not ended.
    fn requests_that_wait(&self) -> usize {
        let files = std::fs::read_dir(self.file("state/usbtoken")).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|file| file.extension().is_some_and(|end| end == "requested"));
        files.filter(|file| !std::fs::read_to_string(file).unwrap().contains("\"ended\": true")).count()
    }

    /// What the last run through the shim called, in order.
    fn called(&self) -> Vec<String> {
        let trace = String::from_utf8(self.read("trace")).unwrap();
        let calls = trace.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let counted = calls.filter(|call| call["n"].as_u64().is_some_and(|number| number > 0));
        counted.map(|call| call["fn"].as_str().unwrap().to_owned()).collect()
    }
}

/// Objects of others that look like those of the key that waits.
fn strangers(stage: &Stage, ours: &Object) {
    let taro = NameDer::new().common(Text::Utf8, "Taro of the VPN").to_der();
    stage.token.credential(&stage.ca, Kind::P256, &[0x88], &taro, days_from_now(300));
    stage.token.inspect(|inspector| {
        inspector.copy_public_key(&ours.id, &[0x99], "a copy");
        inspector.generate_pair_beside(Kind::P384, &ours.id, "of another program");
    });
}

/// The token without what is ours.
fn of_others(now: &Snapshot) -> Snapshot {
    now.only(|object| !object.label.starts_with("ut2"))
}

/// Wherever the process ends, the same command again, or one that names the key, ends with exit code 0; the token then holds what it held
/// without the job, and the folder for state nothing of it. From the first call on that is one of this function.
#[track_caller]
fn ends_wherever_it_stopped(from: &str, named: Named, again: Named, prepare: fn(&Stage, &Object)) {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let first = stage.waiting();
    prepare(&stage, &first);
    let without = of_others(&stage.token.snapshot());
    stage.abandon(&first.id, named, "").succeeded();
    stage.token.snapshot().assert_same_as(&without);
    // The strangers have the identifier of the first; the others take fewer calls.
    stage.abandon(&stage.waiting().id, named, "").succeeded();
    let called = stage.called();
    let (calls, first) = (called.len(), 1 + called.iter().position(|function| function == from).unwrap());
    let (mut gone, mut told) = (0, 0);
    for at in first..=calls {
        for kind in ["exit", "exit-after"] {
            let what = format!("{named:?}, then {again:?}: {kind} at {at} of {calls}");
            let ours = stage.waiting();
            let killed = stage.abandon(&ours.id, named, &format!("{at}:{kind}"));
            assert_eq!(killed.code, KILLED, "{what}: {killed:?}");
            let is_gone = stage.token.snapshot().with_id(&ours.id).count() == 0;
            let said = stage.abandon(&ours.id, again, "").json();
            assert_eq!(said["abandoned"]["id"], hex(&ours.id), "{what}: {said:#}");
            assert_eq!(said["already_abandoned"], is_gone, "{what}: {said:#}");
            stage.token.snapshot().assert_same_as(&without);
            assert_eq!(stage.kept(), Vec::<std::path::PathBuf>::new(), "{what}");
            gone += usize::from(is_gone);
            told += 1;
            assert_eq!(stage.requests_that_wait(), 0, "{what}");
            // Who names nothing is told once: then nothing waits. Who names the key asks for the same.
            if at == calls {
                let said = stage.abandon(&ours.id, again, "");
                match again {
                    Named::Not => drop(said.failed("pending_not_found", 3)),
                    Named::ById | Named::ByUri => {
                        assert_eq!(said.json()["already_abandoned"], true, "{what}");
                    }
                }
                stage.token.snapshot().assert_same_as(&without);
            }
        }
    }
    assert!(gone > 1 && told > gone, "{gone} of {told}");
}

#[test]
fn a_removal_that_was_killed_is_ended_by_the_same_command() {
    ends_wherever_it_stopped("C_Initialize", Named::Not, Named::Not, |_, _| {});
}

#[test]
fn a_removal_that_was_killed_is_ended_by_one_that_names_the_key() {
    ends_wherever_it_stopped("C_DestroyObject", Named::Not, Named::ById, |_, _| {});
    ends_wherever_it_stopped("C_DestroyObject", Named::ByUri, Named::ByUri, |_, _| {});
}

#[test]
fn a_removal_among_strangers_that_was_killed_is_ended() {
    ends_wherever_it_stopped("C_DestroyObject", Named::ById, Named::ById, strangers);
}

/// An order for the key in use is known here alone: it is forgotten last of all, and never said to be where it is not.
#[test]
fn an_order_for_the_key_in_use_is_forgotten_wherever_the_run_stopped() {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let before = stage.token.snapshot();
    let order = || stage.run(&["request", "--reuse-key", "--out", "request.pem", "--overwrite"]);
    order().succeeded();
    stage.abandon(&stage.old.id, Named::ById, "").succeeded();
    let calls = stage.called().len();
    for at in calls - 2..=calls {
        order().succeeded();
        let killed = stage.abandon(&stage.old.id, Named::ById, &format!("{at}:exit-after"));
        assert_eq!(killed.code, KILLED, "{at} of {calls}: {killed:?}");
        stage.abandon(&stage.old.id, Named::ById, "").succeeded();
        assert_eq!(stage.kept(), Vec::<std::path::PathBuf>::new());
    }
    order().succeeded();
    let [job] = stage.kept().try_into().unwrap();
    std::fs::write(&job, "damaged").unwrap();
    let error = stage.abandon(&stage.old.id, Named::ById, "").failed("journal_unusable", 2);
    assert_eq!(error["facts"]["path"][0], job.display().to_string(), "{error:#}");
    let hint = error["hint"].as_str().unwrap();
    assert!(!hint.contains("--save-answer"), "no answer comes that could be kept elsewhere: {error:#}");
    assert!(job.exists());
    stage.token.snapshot().assert_same_as(&before);
}

/// Without a folder for state, and with one that cannot be used, a job is given up all the same; what was killed at the end is not known then.
#[test]
fn without_a_folder_for_state_a_job_is_given_up_too() {
    for unusable in [false, true] {
        let stage = Stage::alone(Kind::P256, days_from_now(11));
        let without = of_others(&stage.token.snapshot());
        for fault in ["", "C_DestroyObject#2:exit-after"] {
            let ours = stage.waiting();
            std::fs::remove_dir_all(stage.file("state")).unwrap();
            if unusable {
                // No folder can be made there.
                stage.write("state", b"a file");
            }
            let said = stage.abandon(&ours.id, Named::ById, fault);
            assert_eq!(said.code, if fault.is_empty() { 0 } else { KILLED }, "{said:?}");
            stage.token.snapshot().assert_same_as(&without);
            match unusable {
                true => drop(stage.abandon(&ours.id, Named::ById, "").failed("pending_not_found", 3)),
                false => {
                    assert_eq!(stage.abandon(&ours.id, Named::ById, "").json()["already_abandoned"], true)
                }
            }
            if unusable {
                std::fs::remove_file(stage.file("state")).unwrap();
            }
        }
    }
}
