//! Calls that change something, in which a driver hangs: they are told of and not ended, until the caller stops them. Then the host is
//! gone and the token free, and what is on it is what the call before has left.

use std::sync::Mutex;

use serde_json::Value;
use usbtoken::driver::PinChange;
use usbtoken::error::{Fact, Step};
use usbtoken::{Cancel, Code, Error, Pending, Pin, Renewal, Result, Run, Session};
use usbtoken_testkit::Snapshot;

use crate::bank;
use crate::common::{Bank, facts, read};
use crate::ends::is_there;

impl Bank {
    /// Does some work with a driver that hangs so, and stops it once it is told of.
    fn stopped<T>(&self, ends: &str, work: impl FnOnce(&Run<'_>) -> Result<T>) -> Error {
        self.ends(ends);
        let (cancel, told) = (Cancel::new(), Mutex::new(Vec::new()));
        let stop = cancel.clone();
        let tell = |step: Step| {
            told.lock().unwrap().push(step);
            if step == Step::StillWorking {
                stop.cancel();
            }
        };
        let error = work(&Run::default().progress(&tell).cancel(&cancel)).map(drop).unwrap_err();
        assert!(told.lock().unwrap().contains(&Step::StillWorking), "{ends}: {told:?} {error}");
        let function = ends.split(':').nth(1).unwrap();
        assert_eq!(facts(&error, Fact::Function), [function], "{ends}: {error}");
        assert!(self.hosts().into_iter().all(|process| !is_there(process)), "{ends}");
        self.ends("");
        error
    }

    fn log_in(&self) -> Result<Session> {
        let token = self.finder().find(&self.soft.uri().parse().unwrap())?;
        token.login(Pin::new(self.soft.pin().into()))
    }

    fn begin(&self, session: &Session, run: &Run<'_>) -> Result<Pending> {
        let old = session.credentials()?.by_id(&self.old.id).only()?;
        Renewal::of(&old).begin(session, run)
    }

    /// What waits, as another program sees it: the token is free.
    fn waiting(&self) -> Vec<(String, String)> {
        let listed = self.run_hosted("", &["pending"]).json();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(|one| (text(one, "state"), text(one, "id"))).collect()
    }

    fn classes_added_since(&self, before: &Snapshot) -> Vec<String> {
        let now = self.soft.snapshot();
        let mut classes: Vec<String> = now.added_since(before).iter().map(|one| one.class.clone()).collect();
        classes.sort_unstable();
        classes
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const PAIR: [&str; 2] = ["CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"];

#[test]
fn what_hangs_while_it_writes_is_told_of_and_stopped_by_the_caller() {
    let bank = bank();
    let install = |run: &Run<'_>| {
        let session = bank.log_in()?;
        let pending = bank.begin(&session, &Run::default())?;
        let answer = bank.certify(&pending);
        bank.write("answer.pem", &answer);
        usbtoken::Install::new(&read(&answer)).run_for(&session, &pending, run)
    };

    // A certificate that is being written: its key waits.
    let error = bank.stopped("hang:C_CreateObject:1", install);
    assert_eq!(
        (error.code(), facts(&error, Fact::Reason)),
        (Code::Cancelled, vec!["certificate_may_be_there"])
    );
    assert_eq!(bank.classes_added_since(&bank.before), PAIR);
    bank.assert_old_works();
    let waits = bank.waiting();
    let [(state, id)] = waits.as_slice() else { panic!("{waits:?}") };
    assert_eq!(state, "awaiting_answer");
    assert_eq!(facts(&error, Fact::Id), [id]);

    // That key, while it is being removed, before and after its first half has gone.
    let abandon = |run: &Run<'_>| {
        let session = bank.log_in()?;
        let pending = session.pending()?;
        session.abandon(&pending[0], run)
    };
    for (ends, classes) in
        [("hang:C_DestroyObject:1", &PAIR[..]), ("hang-after:C_DestroyObject:1", &PAIR[..1])]
    {
        let error = bank.stopped(ends, abandon);
        assert_eq!(
            (error.code(), facts(&error, Fact::Reason)),
            (Code::Cancelled, vec!["object_may_be_gone"])
        );
        assert_eq!(bank.classes_added_since(&bank.before).len(), classes.len(), "{ends}");
        assert_eq!(bank.waiting().len(), 1, "{ends}");
    }
    bank.run_hosted("", &["abandon", "--yes", "--id", id]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);

    // A certificate that the token has: what is left to do is to see that its key signs.
    let error = bank.stopped("hang-after:C_CreateObject:1", install);
    assert_eq!(
        (error.code(), facts(&error, Fact::Reason)),
        (Code::Cancelled, vec!["certificate_may_be_there"])
    );
    assert_eq!(bank.classes_added_since(&bank.before).len(), 3);
    bank.run_hosted("", &["install", bank.file("answer.pem").to_str().unwrap()]).json();
    bank.assert_one_new_credential();
}

/// Names that a token did not take with the pair are given afterwards. Until then it is known by its identifier alone, which the error
/// says.
#[test]
fn a_pair_whose_name_hangs_is_there_without_it() {
    let bank = bank();
    let error = bank.stopped("hang:C_SetAttributeValue:1 unlabelled", |run| bank.begin(&bank.log_in()?, run));
    assert_eq!((error.code(), facts(&error, Fact::Reason)), (Code::Cancelled, vec!["new_key_stays"]));
    assert_eq!(bank.classes_added_since(&bank.before), PAIR);
    let now = bank.soft.snapshot();
    let key = now.added_since(&bank.before)[0];
    assert_eq!((facts(&error, Fact::Id), key.label.as_str()), (vec![hex(&key.id).as_str()], ""));
    bank.assert_old_works();
    // The token is free.
    assert!(bank.waiting().is_empty());
}

#[test]
fn a_change_of_the_pin_that_is_stopped_leaves_one_of_the_two() {
    let bank = bank();
    for (way, holds) in [("hang", bank.soft.pin()), ("hang-after", "7531-new")] {
        let change = PinChange::to(Pin::new(bank.soft.pin().into()), Pin::new("7531-new".into()));
        let error = bank.stopped(&format!("{way}:C_SetPIN:1"), |run| {
            let token = bank.finder().find(&bank.soft.uri().parse().unwrap())?;
            run.watch(|| token.change_pin(&change))
        });
        assert_eq!(error.code(), Code::PinChangeUncertain, "{way}: {error}");
        let token = bank.finder().find(&bank.soft.uri().parse().unwrap()).unwrap();
        token.login(Pin::new(holds.into())).unwrap();
    }
}
