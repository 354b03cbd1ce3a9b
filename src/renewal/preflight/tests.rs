//! The points of the preflight that need no token, each by what keeps to it and what breaks it alone.

use std::time::Duration;

use usbtoken_testkit::{NameDer, TestCa};

use super::*;
use crate::bank::OtherUsers;
use crate::contents::{Caller, Old};
use crate::driver::TokenIdentity;
use crate::pki::{Closing, Window};
use crate::renewal::installation::Installation;
use crate::renewal::made_up::{MadeUp, as_name, certificate, named, record, waiting_for, waiting_with_name};

fn of(token: &MadeUp, old: &Certificate) -> Renewal {
    Renewal::of(token.of(old))
}

/// A certificate of this person that is on no token.
fn elsewhere(name: &NameDer) -> Certificate {
    MadeUp::new().user(name).add()
}

type Told = std::result::Result<Option<Notice>, Code>;

/// What a point came to: a code that forbids it, a notice, or nothing.
fn told(state: &PointResult) -> Told {
    match state {
        PointResult::Ok => Ok(None),
        PointResult::Warning(warning) => Ok(Some(warning.notice)),
        PointResult::Blocker(error) => Err(error.code()),
    }
}

fn told_of(point: Option<PreflightPoint>) -> Option<Told> {
    point.map(|point| told(&point.state))
}

fn facts(state: &PointResult, kind: Fact) -> Vec<String> {
    let of_kind = |(fact, value): (Fact, &str)| (fact == kind).then(|| value.to_owned());
    match state {
        PointResult::Ok => Vec::new(),
        PointResult::Warning(warning) => warning.facts().filter_map(of_kind).collect(),
        PointResult::Blocker(error) => error.facts().filter_map(of_kind).collect(),
    }
}

fn naming(one: &Certificate) -> String {
    format!("{} (serial {})", one.subject(), one.serial())
}

/// A list of thousands may hold the certificate twice: the object that was chosen is meant, else any of them.
#[test]
fn of_a_certificate_that_is_stored_twice_the_chosen_object_is_meant() {
    let mut token = MadeUp::new();
    let old = token.user(&named("Alice")).add();
    token.add(old.der());
    let (credentials, other) = (token.contents().credentials(), MadeUp::new().user(&named("Alice")).add());
    let both: Vec<&Credential> = credentials.iter().filter(|one| *one.certificate() == old).collect();
    assert_eq!(both.len(), 2);
    for one in both {
        assert_eq!(present(&credentials, one).unwrap().id(), one.id());
    }
    token.user(&named("Alice")).add();
    let mut elsewhere = MadeUp::new();
    elsewhere.add(other.der());
    assert!(present(&credentials, &elsewhere.of(&other)).is_none());
}

/// What was begun in time is finished after the end, and after the bank's last day; unless another is wanted beside it.
#[test]
fn a_renewal_that_waits_is_no_matter_of_the_window() {
    let mut token = MadeUp::new();
    let ended = token.user(&named("Alice")).valid(-400, -1).add();
    let open = token.user(&named("Bob")).valid(-300, 20).add();
    let early = token.user(&named("Carol")).valid(-1, 300).add();
    // Renewed until a month before the end; Bob's ends in 20 days.
    let window = Window { closes: Closing::HoursBefore(30 * 24), ..Window::default() };
    let closes = Policy { window, ..Policy::default() };
    for (old, policy, code) in [
        (&ended, &Policy::default(), Some(Code::Expired)),
        (&open, &closes, Some(Code::RenewalClosed)),
        (&open, &Policy::default(), None),
        (&early, &Policy::default(), Some(Code::NotYetRenewable)),
    ] {
        let at = |renewal: &Renewal, waiting, known| {
            told(&super::window(renewal, &Done { waiting, known, renewed: None }, &Run::default()))
        };
        let renewal = of(&token, old).policy(policy);
        let shut = code.map_or(Ok(None), Err);
        assert_eq!(at(&renewal, false, true), shut, "{code:?}");
        let finished =
            |notice| if matches!(code, None | Some(Code::NotYetRenewable)) { shut } else { Ok(Some(notice)) };
        assert_eq!(at(&renewal, true, true), finished(Notice::PendingExists), "{code:?}");
        assert_eq!(at(&renewal, true, false), finished(Notice::BegunBefore), "{code:?}");
        assert_eq!(at(&renewal.clone().beside_pending(), true, true), shut, "{code:?}");
        let forced = code.map_or(Ok(None), |_| Ok(Some(Notice::WindowForced)));
        assert_eq!(at(&renewal.outside_window(), false, true), forced, "{code:?}");
    }
}

/// Where a certificate ended long ago the clock may be ahead; who wants it all the same, gets it.
#[test]
fn an_end_that_is_long_past_is_believed_where_the_renewal_is_forced() {
    let mut token = MadeUp::new();
    let old = token.user(&named("Alice")).add();
    let at = |renewal: &Renewal, now| told(&clock(renewal, &Run::default().at(now)));
    let (renewal, end) = (of(&token, &old), old.not_after());
    let late = end + Duration::from_secs(4 * 365 * 24 * 60 * 60);
    assert_eq!(at(&renewal, late), Err(Code::ClockImplausible));
    assert_eq!(at(&renewal.clone().outside_window(), late), Ok(Some(Notice::ClockUncertain)));
    // Before it begins the clock is wrong, whatever is wanted.
    let early = old.not_before() - Duration::from_secs(30 * 24 * 60 * 60);
    assert_eq!(at(&renewal.clone().outside_window(), early), Err(Code::ClockImplausible));
    assert_eq!(at(&renewal, end), Ok(None));
}

#[test]
fn another_certificate_in_the_name_of_one_from_elsewhere_is_told() {
    let old = elsewhere(&named("Alice"));
    let mut token = MadeUp::new();
    token.user(&named("Bob")).add();
    let given = OldCertificate::given(old.der()).unwrap();
    let with_name = |token: &MadeUp| elsewhere::with_subject_of(&token.contents().credentials(), &given);
    assert_eq!(with_name(&token), 0);
    token.user(&named("Alice")).add();
    assert_eq!(with_name(&token), 1);
    token.user(&named("Alice")).add();
    assert_eq!(with_name(&token), 2);
}

/// The CA took one user for another where what takes the place has the name of somebody whose credential is there.
#[test]
fn a_follower_in_the_name_of_another_user_is_known_from_one_in_ones_own() {
    let old = elsewhere(&named("Alice"));
    let given = OldCertificate::given(old.der()).unwrap();
    for (name, others, is_another_s) in [
        (named("Alice"), vec!["Bob"], false),
        (named("Alice B."), vec!["Bob"], false),
        (named("Bob"), vec![], false),
        (named("Bob"), vec!["Bob"], true),
    ] {
        let with_others = || {
            let mut token = MadeUp::new();
            others.iter().for_each(|other| drop(token.user(&named(other)).add()));
            token
        };
        let mut token = with_others();
        token.user(&name).valid(-1, 300).renewing(&old).add();
        let contents = token.contents();
        let by = contents.successor_of(&old).unwrap();
        let is_so = elsewhere::is_for_another(&contents.credentials(), &given, &by, &Run::default());
        assert_eq!(is_so, is_another_s, "{}", by.certificate.subject());
        // The same, where the old one is on the token.
        let mut token = with_others();
        let own = token.user(&named("Alice")).add();
        let new = token.user(&name).valid(-1, 300).renewing(&own).add();
        let own = token.of(&own);
        let is_so = is_for_another(&own, own.successor().unwrap(), &Run::default());
        assert_eq!(is_so, is_another_s, "{}", new.subject());
    }
}

/// A first certificate in the name of one that is in use is its renewal, and held to its window.
#[test]
fn a_first_certificate_in_the_name_of_one_in_use_is_held_to_its_window() {
    let mut token = MadeUp::new();
    let early = token.user(&named("Alice")).valid(-1, 300).add();
    let open = token.user(&named("Bob")).add();
    let lost = token.user(&named("Carol")).valid(-1, 300).without_key().add();
    let ended = token.user(&named("Dave")).valid(-400, -1).add();
    let credentials = token.contents().credentials();
    let state = |renewal: &Renewal| told_of(first::window(renewal, &credentials, &Run::default()));
    let first = |old: &Certificate| Renewal::first(old.subject().clone());
    assert_eq!(state(&first(&early)), Some(Err(Code::NotYetRenewable)));
    assert_eq!(state(&first(&early).outside_window()), Some(Ok(Some(Notice::WindowForced))));
    for old in [&open, &lost, &ended] {
        assert_eq!(state(&first(old)), None);
    }
    // Who renews it is held to the window of what is renewed.
    assert_eq!(state(&of(&token, &early)), None);
}

/// It is renewed; or it is doubtful whether what follows is its renewal, and a person is told why.
#[test]
fn what_follows_is_its_renewal_or_the_doubt_says_why() {
    let stranger = TestCa::new();
    let plain = Policy::default();
    let anchored = Policy { anchors: vec![certificate(stranger.issuing())], ..Policy::default() };
    let renewed = (Code::AlreadyRenewed, vec![]);
    let doubtful = |why: &str| (Code::SuccessorDoubtful, vec![why.to_owned()]);
    for (name, of_stranger, policy, installed_here, expected) in [
        ("Alice", false, &plain, false, renewed.clone()),
        ("Alice B.", false, &plain, false, doubtful("another_subject")),
        // This program has ordered and installed it so.
        ("Alice B.", false, &plain, true, renewed.clone()),
        ("Alice", true, &plain, false, doubtful("another_ca")),
        ("Alice", true, &anchored, false, renewed),
    ] {
        let mut token = MadeUp::new();
        let old = token.user(&named("Alice")).add();
        let new = token.user(&named(name)).valid(-1, 300).renewing(&old);
        let new = if of_stranger { new.by(&stranger).add() } else { new.add() };
        let day = jiff::civil::Date::constant(2026, 1, 5);
        let record = Installation::new(&new, day).in_place_of(&old, false);
        let run = Run::default().installations(installed_here.then_some(record));
        let credential = token.of(&old);
        let issuing = [certificate(token.ca.issuing())];
        let error = follower::refusal(policy, &credential, credential.successor().unwrap(), &issuing, &run);
        let state = PointResult::Blocker(error);
        let reasons = facts(&state, Fact::Reason);
        assert_eq!((told(&state).unwrap_err(), reasons), expected, "{name} {of_stranger} {installed_here}");
    }
}

fn one_user_each() -> Policy {
    Policy { other_users: OtherUsers::Refuse, ..Policy::default() }
}

/// Where each user has a token of their own: the credentials of others are named, before the login as seen and after it as there.
#[test]
fn other_users_are_told_where_each_has_a_token() {
    let mut token = MadeUp::new();
    let old = token.user(&named("Alice")).add();
    let renewal = of(&token, &old).policy(&one_user_each());
    let (bob, carol) = (elsewhere(&named("Bob")), elsewhere(&named("Carol")));
    for (others, seen, there) in [
        (vec![], Ok(None), Ok(None)),
        (vec![&bob, &carol], Ok(Some(Notice::OtherUserSeen)), Err(Code::OtherUserOnToken)),
    ] {
        let before = only_user::before_login(&renewal, others.iter().copied(), None).unwrap();
        let after = only_user::after_login(&renewal, others.iter().copied(), None, &[]).unwrap();
        assert_eq!((told(&before.state), told(&after.state)), (seen, there));
        let names: Vec<String> = others.into_iter().map(naming).collect();
        assert_eq!(
            (facts(&before.state, Fact::Candidate), facts(&after.state, Fact::Candidate)),
            (names.clone(), names)
        );
    }
    // Who lets users share a token is told nothing.
    let shared = of(&token, &old);
    assert_eq!(told_of(only_user::before_login(&shared, [&bob].into_iter(), None)), None);
    assert_eq!(told_of(only_user::after_login(&shared, [&bob].into_iter(), None, &[])), None);
}

/// A request that waits is another user's by the name on its record or of the certificate that it renews; one that tells none is no one's.
#[test]
fn a_request_of_another_user_is_told_where_each_has_a_token() {
    let mut token = MadeUp::new();
    let alice = token.user(&named("Alice")).add();
    let bob = token.user(&named("Bob")).add();
    let (own, found) = (token.of(&alice), |one: &Certificate| Old::Found(std::sync::Arc::new(token.of(one))));
    let renews = |old: &Certificate| waiting_for(record(Some(old), &Caller::Command), found(old));
    let first = |name: &str| waiting_with_name(&named(name));
    let missing = || Old::Missing { serial: None, candidates: Vec::new() };
    let of_alice = of(&token, &alice).policy(&one_user_each());
    let first_for = |name: &NameDer| Renewal::first(as_name(name)).policy(&one_user_each());
    let stand_in = NameDer::new().common(usbtoken_testkit::Text::Utf8, "request 17");
    for (what, renewal, own, key, is_another_s) in [
        ("renews the same", &of_alice, Some(&own), renews(&alice), false),
        ("renews Bob's", &of_alice, Some(&own), renews(&bob), true),
        ("a first one for Alice", &of_alice, Some(&own), first("Alice"), false),
        ("a first one for Bob", &of_alice, Some(&own), first("Bob"), true),
        (
            "renews something that is gone",
            &of_alice,
            Some(&own),
            waiting_for(record(Some(&bob), &Caller::Command), missing()),
            true,
        ),
        ("first, and renews Alice's", &first_for(&named("Alice")), None, renews(&alice), false),
        ("first, and renews Bob's", &first_for(&named("Alice")), None, renews(&bob), true),
        ("first, and a first one for Bob", &first_for(&named("Alice")), None, first("Bob"), true),
        ("a stand-in, and a first one for Bob", &first_for(&stand_in), None, first("Bob"), false),
        ("a stand-in, and renews Bob's", &first_for(&stand_in), None, renews(&bob), true),
    ] {
        let point = only_user::after_login(renewal, [].into_iter(), own, &[key]).unwrap();
        let expected = if is_another_s { Err(Code::OtherUserOnToken) } else { Ok(None) };
        assert_eq!(told(&point.state), expected, "{what}");
    }
    // What seems to have its certificate counts by that one.
    let done = renews(&bob).made_up_in(PendingState::NotConfirmed);
    let point = only_user::after_login(&of_alice, [].into_iter(), Some(&own), &[done]).unwrap();
    assert_eq!(told(&point.state), Ok(None));
}

/// By what this computer keeps: on the same token nothing is said, and nothing is refused that a person wants.
#[test]
fn a_renewal_onto_another_token_is_told_and_stops_a_second_one() {
    let identity = |serial: &str| {
        let text = str::to_owned;
        TokenIdentity { label: text("BANK"), manufacturer: text("M"), model: text("V"), serial: text(serial) }
    };
    let mut token = MadeUp::new();
    let old = token.user(&named("Alice")).add();
    let new = MadeUp::new().user(&named("Alice")).valid(-1, 300).add();
    let place = tempfile::tempdir().unwrap();
    let run = Run::default().installations_in(place.path().join("state"));
    let (this, other, credential) = (identity("1"), identity("2"), token.of(&old));
    let said = |renewal: &Renewal, run: &Run<'_>| {
        let warned = onto_other::warning(renewal, &credential, &this, run).map(|warning| warning.notice);
        (warned, onto_other::refusal(renewal, &credential, &this, run).map(|error| error.code()))
    };
    let renewal = of(&token, &old);
    assert_eq!(said(&renewal, &run), (None, None));
    run.removals().unwrap().note_renewed(&old, &this, &new, true);
    assert_eq!(said(&renewal, &run), (None, None));
    run.removals().unwrap().note_renewed(&old, &other, &new, true);
    assert_eq!(said(&renewal, &run), (Some(Notice::RenewedOnOtherToken), Some(Code::AlreadyRenewed)));
    let refused = PointResult::Blocker(onto_other::refusal(&renewal, &credential, &this, &run).unwrap());
    assert_eq!(facts(&refused, Fact::Candidate), [naming(&new)]);
    assert_eq!(said(&renewal.clone().although_renewed(), &run), (None, None));
    assert_eq!(said(&renewal, &run.clone().not_renewed([old.clone()])), (None, None));
    assert_eq!(said(&renewal, &Run::default()), (None, None));
}

/// Before the login a public key with our record says that a job waits: this certificate's, and for a page its own.
#[test]
fn what_is_seen_before_the_login_tells_of_a_job_that_waits() {
    let mut token = MadeUp::new();
    let (old, other) = (token.user(&named("Alice")).add(), token.user(&named("Bob")).add());
    let seen = |token: &MadeUp| BeforeLogin::made_up(token.before_login());
    let page = || Run::default().by(Caller::Page("https://bank.example:443".to_owned()));
    let nobody = seen(&token);
    assert!(!nobody.is_waiting(&of(&token, &old), &Run::default()));
    token.wait(record(Some(&old), &Caller::Command));
    let seen = seen(&token);
    assert_eq!(seen.credentials().iter().count(), 2);
    assert!(seen.is_waiting(&of(&token, &old), &Run::default()));
    assert!(!seen.is_waiting(&of(&token, &old), &page()));
    assert!(!seen.is_waiting(&of(&token, &other), &Run::default()));
    assert!(!seen.is_waiting(&Renewal::first(as_name(&named("Alice"))), &Run::default()));
}
