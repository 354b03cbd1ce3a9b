//! What stops a run, what it tells, and which jobs it may act on.

use std::sync::Mutex;
use std::time::Duration;

use driver::Watch as _;

use super::*;
use crate::renewal::made_up::{MadeUp, certificate, key, named, record, waiting};
use usbtoken_testkit::TestCa;

/// What a window with a button would see.
#[derive(Default)]
struct Window {
    steps: Mutex<Vec<Step>>,
    closed: AtomicBool,
}

impl Progress for Window {
    fn step(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    fn is_cancelled(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Window {
    fn shown(&self) -> Vec<Step> {
        std::mem::take(&mut self.steps.lock().unwrap())
    }
}

/// By either way: whoever watches the steps, or whoever has the handle.
#[test]
fn no_step_begins_after_a_caller_has_stopped() {
    let (window, cancel) = (Window::default(), Cancel::new());
    let run = Run::default().progress(&window).cancel(&cancel);
    run.enter(Step::SignRequest).unwrap();
    assert_eq!((run.is_cancelled(), window.shown()), (false, vec![Step::SignRequest]));
    let stops: [(&str, &dyn Fn()); 2] = [
        ("the window", &|| window.closed.store(true, Ordering::Relaxed)),
        ("the handle", &|| {
            window.closed.store(false, Ordering::Relaxed);
            cancel.cancel();
        }),
    ];
    for (what, stop) in stops {
        stop();
        assert!(run.is_cancelled(), "{what}");
        let error = run.enter(Step::WriteCertificate).unwrap_err();
        assert_eq!((error.code(), error.step()), (Code::Cancelled, Some(Step::WriteCertificate)), "{what}");
        assert_eq!(window.shown(), [], "{what}");
        // What must come to its end is told still.
        run.report(Step::Complete);
        assert_eq!(window.shown(), [Step::Complete], "{what}");
    }
}

/// A call into a driver is stopped within a step that may be stopped, and in no other.
#[test]
fn a_call_is_stopped_only_within_a_step_that_may_stop() {
    let (window, cancel) = (Window::default(), Cancel::new());
    let run = Run::default().progress(&window).cancel(&cancel);
    let stops = || Watching(&run).is_cancelled();
    run.enter(Step::SignRequest).unwrap();
    assert!(!stops(), "nobody has stopped it");
    cancel.cancel();
    assert!(stops());
    run.report(Step::Complete);
    assert!(!stops(), "it must come to its end");
    assert!(run.watch(stops), "a login may be stopped at any time");
}

#[test]
fn a_driver_that_takes_long_is_told_of() {
    let window = Window::default();
    Watching(&Run::default().progress(&window)).still_working("C_GenerateKeyPair");
    assert_eq!(window.shown(), [Step::StillWorking]);
}

#[test]
fn a_page_sees_and_does_only_what_it_has_begun() {
    let page = |host: &str| Caller::Page(format!("https://{host}:443"));
    let program = |name: &str| Caller::Program(name.to_owned());
    // By whom it was begun, who asks, whether that one is shown it, and what it is told when it acts.
    let rows = [
        (page("a.example"), page("a.example"), true, None),
        (page("a.example"), page("b.example"), false, Some(Code::NotPending)),
        (program("p"), page("a.example"), false, Some(Code::NotPending)),
        (page("a.example"), Caller::Command, true, Some(Code::PendingOfOther)),
        (program("p"), program("p"), true, None),
        (program("p"), program("q"), true, Some(Code::PendingOfOther)),
        (program("p"), Caller::Command, true, Some(Code::PendingOfOther)),
        (Caller::Command, Caller::Command, true, None),
    ];
    for (by, asks, is_shown, refused) in rows {
        let key = waiting(record(None, &by));
        let run = Run::default().by(asks.clone());
        assert_eq!(run.may_see(&key), is_shown, "{by} {asks}");
        let told = |run: &Run<'_>| run.may_act_on(&key).err().map(|error| error.code());
        assert_eq!(told(&run), refused, "{by} {asks}");
        // A person may want it all the same, and no page is a person.
        let of_any = refused.filter(|code| *code == Code::NotPending);
        assert_eq!(told(&run.any_caller()), of_any, "{by} {asks}");
    }
}

/// A request is one for this key, in the place of this certificate.
#[test]
fn what_was_requested_is_known_by_its_key_and_its_certificate() {
    let mut token = MadeUp::new();
    let (old, other) = (token.user(&named("Alice")).add(), token.user(&named("Alice")).add());
    let (requested, another) = (key().0, key().0);
    let run = Run::default().requests([(requested.clone(), old.serial().to_string())]);
    assert!(run.has_requested(&requested, &old));
    assert!(!run.has_requested(&requested, &other) && !run.has_requested(&another, &old));
    assert!(!run.has_requested(&another, &other) && !Run::default().has_requested(&requested, &old));
}

/// What one run keeps, a later one knows, where both name the folder.
#[test]
fn a_later_run_knows_what_was_installed() {
    let (old, new) = (certificate(TestCa::new().root()), certificate(TestCa::new().root()));
    let (place, day) = (tempfile::tempdir().unwrap(), Date::constant(2026, 1, 5));
    let run = || Run::default().installations_in(place.path().join("state"));
    let installed = Installation::new(&new, day).in_place_of(&old, true);
    assert!(run().keep_installation(&installed, &new).is_ok() && run().removals().is_some());
    let given = Run::default().installations([installed]);
    for known in [run(), given] {
        assert_eq!(known.installed_on(&new), Some(day));
        assert!(known.has_replaced(&old, &new) && known.has_seen_one_issuer(&old, &new));
        assert_eq!(known.installed_on(&old), None);
        assert!(!known.has_replaced(&new, &old) && !known.has_seen_one_issuer(&new, &old));
    }
    let unknown = Run::default();
    assert!(unknown.installed_on(&new).is_none() && !unknown.has_replaced(&old, &new));
    assert!(unknown.removals().is_none());
}

#[test]
fn a_moment_that_has_passed_is_kept() {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    assert_eq!(Run::default().passed(Some(moment)).known_past(), Some(moment));
    assert_eq!(Run::default().known_past(), None);
}

/// What is kept of a renewal onto another token stands until that token is seen without it.
#[test]
fn a_renewal_that_is_gone_from_its_token_is_known_by_what_shows_there() {
    let identity = |serial: &str| {
        let text = str::to_owned;
        TokenIdentity { label: text("BANK"), manufacturer: text("M"), model: text("V"), serial: text(serial) }
    };
    let old = MadeUp::new().user(&named("Alice")).add();
    let place = tempfile::tempdir().unwrap();
    let run = Run::default().installations_in(place.path().join("state"));
    let mut with_new = MadeUp::new();
    with_new.user(&named("Bob")).add();
    let mut without = MadeUp::new();
    without.user(&named("Bob")).add();
    let new = with_new.user(&named("Alice")).valid(-1, 300).add();
    let mut spoilt = MadeUp::new();
    spoilt.add(b"not a certificate");
    let (there, other) = (identity("1"), identity("2"));
    let is_gone = |token: &TokenIdentity, shown: &MadeUp| {
        run.renewal_is_gone(&old, token, &shown.before_login().credentials())
    };
    assert!(!is_gone(&there, &without) && run.renewed_onto(&old).is_none(), "nothing is kept");
    run.removals().unwrap().note_renewed(&old, &there, &new, true);
    assert_eq!(run.renewed_onto(&old), Some((there.clone(), new.clone())));
    assert!(is_gone(&there, &without) && is_gone(&there, &MadeUp::new()));
    assert!(!is_gone(&there, &with_new), "it shows");
    assert!(!is_gone(&other, &without), "another token says nothing");
    assert!(!is_gone(&there, &spoilt), "what cannot be read may be it");
    // Seen so, it counts no more.
    assert_eq!(run.clone().not_renewed([new.clone()]).renewed_onto(&old), Some((there.clone(), new.clone())));
    assert_eq!(run.clone().not_renewed([old.clone()]).renewed_onto(&old), None);
    // One that never showed without a login is not missed.
    run.removals().unwrap().note_renewed(&old, &there, &new, false);
    assert!(!is_gone(&there, &without));
}
