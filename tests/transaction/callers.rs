//! A job is somebody's: who began it goes on with it, and another one only when a person says so. A page never does.

#[path = "../common/mod.rs"]
mod common;

use std::sync::Mutex;

use base16ct::lower::encode_string as hex;
use common::{Bank, facts, read, refused};
use usbtoken::error::{Fact, Step};
use usbtoken::renewal::{BegunBy, Caller, PendingKey, Progress};
use usbtoken::{Cancel, Code, Install, Renewal, Run};

fn page(host: &str) -> Caller {
    Caller::Page(format!("https://{host}:443"))
}

#[test]
fn the_command_sees_a_page_s_job_and_acts_on_it_only_when_a_person_says_so() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &Run::default().by(page("www.bank.example"))).unwrap();
    bank.write("answer", &bank.certify(&pending));
    drop(session);
    let waiting = bank.soft.snapshot();
    let listed = bank.run(&["pending"]).json();
    assert_eq!(listed[0]["by"], "page", "{listed:#}");
    let id = listed[0]["id"].as_str().unwrap();
    for act in [
        &["resume", "--out", "again.pem"][..],
        &["resume", "--id", id, "--out", "again.pem"],
        &["install", "answer"],
        &["abandon", "--yes"],
        &["abandon", "--yes", "--id", id],
        &["renew", "--resume", "--issuer", "false"],
    ] {
        let error = bank.run(act).failed(Code::PendingOfOther);
        assert!(error["facts"]["found"].to_string().contains("page"), "{error:#}");
        assert!(error["hint"].as_str().unwrap().contains("--any-caller"), "{error:#}");
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    bank.run(&["resume", "--any-caller", "--sign-again", "--out", "again.pem"]).json();
    bank.soft.snapshot().assert_same_as(&waiting);
    let installed = bank.run(&["install", "--any-caller", "answer"]).json();
    assert_eq!(installed["replaced"]["id"], "01", "{installed:#}");
    bank.soft.snapshot().assert_keeps(&waiting);
}

#[test]
fn a_dead_page_s_job_can_be_removed() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let job = Renewal::of(&old).begin(&session, &Run::default().by(page("gone.example"))).unwrap();
    let id = hex(job.key_id());
    drop((session, job));
    bank.run(&["abandon", "--yes", "--any-caller"]).failed(Code::RemovalDoubtful);
    bank.run(&["abandon", "--yes", "--any-caller", "--id", &id]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Not even with that option, which a page has no way to set.
#[test]
fn a_page_acts_on_no_job_but_its_own() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let (mine, other) = (page("www.bank.example"), page("other.example"));
    let pending = Renewal::of(&old).begin(&session, &Run::default().by(mine.clone())).unwrap();
    let response = read(&bank.certify(&pending));
    let waiting = bank.soft.snapshot();
    let keys = session.pending().unwrap();
    for run in [Run::default().by(other.clone()), Run::default().by(other).any_caller()] {
        refused(Renewal::of(&old).resume(&session, &keys[0], &run), Code::NotPending);
        refused(session.abandon(&keys[0], &run), Code::NotPending);
        refused(session.abandon_named(&keys[0], &run), Code::NotPending);
        refused(Install::new(&response).run(&session, &run), Code::PendingNotFound);
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    Install::new(&response).run(&session, &Run::default().by(mine)).unwrap();
    bank.soft.snapshot().assert_keeps(&waiting);
}

/// A program that gives no name has no jobs of its own: they are the command's, too.
#[test]
fn programs_have_jobs_by_their_names() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let named = |name: &str| Caller::Program(name.to_owned());
    let begin = |caller: Caller| {
        let pending = Renewal::of(&old).begin(&session, &Run::default().by(caller)).unwrap();
        let key = session.pending().unwrap().remove(0);
        assert_eq!(key.id(), pending.key_id());
        key
    };
    let own = |key: &PendingKey, caller: Caller| session.abandon(key, &Run::default().by(caller));
    let key = begin(named("証明書発行アプリ"));
    assert_eq!(key.begun_by(), BegunBy::Program);
    for other in [Caller::Command, named(""), named("another")] {
        let error = refused(own(&key, other), Code::PendingOfOther);
        assert_eq!(facts(&error, Fact::Found), ["program"]);
    }
    own(&key, named("証明書発行アプリ")).unwrap();
    for (by, may) in [(Caller::Command, named("")), (named(""), Caller::Command), (named(""), named("x"))] {
        let key = begin(by);
        own(&key, may).unwrap();
    }
    let key = begin(Caller::Command);
    refused(own(&key, named("x")), Code::PendingOfOther);
    session.abandon(&key, &Run::default().by(named("x")).any_caller()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Says each step, and stops before the one that is named.
#[derive(Default)]
struct Steps {
    seen: Mutex<Vec<Step>>,
    stop_before: Option<Step>,
}

impl Progress for Steps {
    fn step(&self, step: Step) {
        self.seen.lock().unwrap().push(step);
    }

    fn is_cancelled(&self) -> bool {
        // What comes next is not known here: every step before it was seen.
        self.stop_before.is_some_and(|stop| self.seen.lock().unwrap().contains(&stop))
    }
}

#[test]
fn a_run_tells_its_steps_and_stops_between_them() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    // By a flag that is set from elsewhere.
    let cancel = Cancel::new();
    cancel.cancel();
    refused(Renewal::of(&old).begin(&session, &Run::default().cancel(&cancel)), Code::Cancelled);
    bank.soft.snapshot().assert_same_as(&bank.before);
    // By who is told the steps: once the pair is made it is withdrawn.
    let steps = Steps { stop_before: Some(Step::GenerateKeyPair), ..Steps::default() };
    refused(Renewal::of(&old).begin(&session, &Run::default().progress(&steps)), Code::Cancelled);
    assert_eq!(steps.seen.lock().unwrap().last(), Some(&Step::GenerateKeyPair));
    bank.soft.snapshot().assert_same_as(&bank.before);

    let steps = Steps::default();
    let run = Run::default().progress(&steps);
    let pending = Renewal::of(&old).begin(&session, &run).unwrap();
    Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &run).unwrap();
    let seen = steps.seen.lock().unwrap();
    for step in
        [Step::GenerateKeyPair, Step::ProveKey, Step::SignRequest, Step::WriteCertificate, Step::ReadBack]
    {
        assert!(seen.contains(&step), "{step:?}: {seen:?}");
    }
    assert_eq!(seen.last(), Some(&Step::Complete));
    bank.assert_one_new_credential();
}
