//! Which one takes the place, and what is said where none does: for each demand one that breaks it alone.

use std::time::Duration;

use usbtoken_testkit::{NameDer, TestCa, Text, days_from_now};

use super::*;
use crate::bank::Policy;
use crate::pki::SubjectRule;
use crate::renewal::made_up::{MadeUp, certificate, in_firm, named};

const SECOND: Duration = Duration::from_secs(1);

/// What the demands are asked of: the old one is Alice's and ends in eleven days.
struct Case {
    token: MadeUp,
    old: Certificate,
}

impl Case {
    fn new() -> Case {
        let mut token = MadeUp::new();
        let old = token.user(&named("Alice")).add();
        Case { token, old }
    }

    /// The same, with the certificate of the CA on the token.
    fn with_ca() -> Case {
        let mut case = Case::new();
        let issuing = case.token.ca.issuing().to_vec();
        case.token.add(&issuing);
        case
    }

    /// One that would take its place, if nothing else were said of it.
    fn follower(&mut self) -> Certificate {
        self.token.user(&named("Alice")).valid(-1, 300).renewing(&self.old.clone()).add()
    }

    fn retire(&self, policy: &Policy) -> Retire {
        Retire::of(&self.token.of(&self.old), policy)
    }

    fn choose(&self, retire: &Retire, followers: &[&Certificate], run: &Run<'_>) -> Result<Certificate> {
        let followers = followers.iter().map(|one| self.token.of(one)).collect();
        let credentials = self.token.contents().credentials();
        let chosen = retire.choose(&credentials, &self.token.of(&self.old), followers, run);
        chosen.map(|(one, _)| one.certificate().clone())
    }

    /// By the usual policy, and now.
    fn usually(&self, followers: &[&Certificate]) -> Result<Certificate> {
        self.choose(&self.retire(&Policy::default()), followers, &Run::default())
    }
}

fn facts(error: &Error, kind: Fact) -> Vec<&str> {
    error.facts().filter(|(fact, _)| *fact == kind).map(|(_, value)| value).collect()
}

fn refused(result: Result<Certificate>, code: Code) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    error
}

fn naming(one: &Certificate) -> String {
    format!("{} (serial {})", one.subject(), one.serial())
}

#[test]
fn of_several_the_one_that_ends_last_takes_the_place() {
    let mut case = Case::with_ca();
    let first = case.follower();
    let last = case.token.user(&named("Alice")).valid(-1, 400).renewing(&first).add();
    for followers in [[&first, &last], [&last, &first]] {
        assert_eq!(case.usually(&followers).unwrap(), last);
    }
}

/// Without any that follows the code says whether a certificate is left at all that can be used.
#[test]
fn what_else_can_be_used_decides_what_is_said() {
    type Add = fn(&mut MadeUp) -> Certificate;
    let rows: [(&str, Add, Code); 4] = [
        ("usable", |token| token.user(&named("Bob")).add(), Code::RetireNoSuccessor),
        ("ended", |token| token.user(&named("Bob")).valid(-400, -1).add(), Code::RetireOnlyCredential),
        ("not begun", |token| token.user(&named("Bob")).valid(1, 300).add(), Code::RetireOnlyCredential),
        ("without key", |token| token.user(&named("Bob")).without_key().add(), Code::RetireOnlyCredential),
    ];
    for (what, add, code) in rows {
        let mut case = Case::new();
        add(&mut case.token);
        let error = case.usually(&[]).unwrap_err();
        assert_eq!(error.code(), code, "{what}");
    }
}

/// Those are named that a person could name: what may not follow, and what follows another, is not.
#[test]
fn a_person_is_told_which_ones_could_be_named() {
    let mut case = Case::new();
    let later = case.token.user(&named("Alice")).valid(-1, 300).add();
    let other_name = case.token.user(&named("Alice B.")).valid(-1, 300).add();
    let _ends_sooner = case.token.user(&named("Alice")).valid(-1, 10).add();
    let _same_end = case.token.user(&named("Alice")).ending(case.old.not_after()).add();
    let _other_firm = case.token.user(&in_firm("Other", "Alice")).valid(-1, 300).add();
    let bob = case.token.user(&named("Bob")).ending(case.old.not_after()).add();
    let _of_bob = case.token.user(&named("Alice")).valid(-1, 300).renewing(&bob).add();
    let error = refused(case.usually(&[]), Code::RetireNoSuccessor);
    assert_eq!(facts(&error, Fact::Candidate), [naming(&later), naming(&other_name)]);
}

#[test]
fn a_name_that_the_rule_forbids_is_told_where_it_is_the_reason() {
    let mut case = Case::with_ca();
    let other_firm = case.token.user(&in_firm("Other", "Alice")).valid(-1, 300).renewing(&case.old).add();
    let error = refused(case.usually(&[&other_firm]), Code::RetireNoSuccessor);
    assert_eq!(facts(&error, Fact::Reason), ["subject_differs"]);
    assert_eq!(facts(&error, Fact::Found), [other_firm.subject().to_string()]);
    // One that has ended has an allowed name.
    let mut case = Case::with_ca();
    let ended = case.token.user(&named("Alice")).valid(-400, -1).renewing(&case.old).add();
    let error = refused(case.usually(&[&ended]), Code::RetireOnlyCredential);
    assert_eq!(facts(&error, Fact::Reason), [""; 0]);
}

/// One name in another order is one user, whatever rule is demanded of an answer's bytes.
#[test]
fn the_same_attributes_are_an_allowed_name() {
    let mut case = Case::with_ca();
    let reordered = NameDer::new().common(Text::Utf8, "Alice").organization(Text::Utf8, "Firm");
    let new = case.token.user(&reordered).valid(-1, 300).renewing(&case.old).add();
    let mut exact = Policy::default();
    exact.demand_subject(SubjectRule::Exact);
    assert_eq!(case.choose(&case.retire(&exact), &[&new], &Run::default()).unwrap(), new);
}

#[test]
fn a_successor_ends_later() {
    for (later, follows) in [(SECOND, true), (Duration::ZERO, false)] {
        let mut case = Case::with_ca();
        let ends = case.old.not_after() + later;
        let new = case.token.user(&named("Alice")).ending(ends).renewing(&case.old).add();
        assert_eq!(case.usually(&[&new]).is_ok(), follows, "{later:?}");
    }
}

#[test]
fn a_successor_has_begun() {
    let mut case = Case::with_ca();
    let new = case.token.user(&named("Alice")).valid(-3, 300).renewing(&case.old).add();
    let at = |now| case.choose(&case.retire(&Policy::default()), &[&new], &Run::default().at(now));
    assert_eq!(at(new.not_before()).unwrap(), new);
    let error = refused(at(new.not_before() - SECOND), Code::RetireNotBegun);
    assert_eq!(facts(&error, Fact::Begins), [jst_time(new.not_before())]);
    // Of several the first that begins is waited for.
    let later = case.token.user(&named("Alice")).valid(-1, 300).renewing(&case.old).add();
    let early = Run::default().at(new.not_before() - SECOND);
    let error = case.choose(&case.retire(&Policy::default()), &[&later, &new], &early).unwrap_err();
    assert_eq!(facts(&error, Fact::Begins), [jst_time(new.not_before())]);
}

/// Nothing shows who has issued it: a person takes it upon themselves, for the one that they name, where no anchor says it.
#[test]
fn an_issuer_that_is_not_shown_is_for_a_person_to_say() {
    let stranger = TestCa::new();
    let mut case = Case::new();
    let new = case.token.user(&named("Alice")).valid(-1, 300).renewing(&case.old).by(&stranger).add();
    let (plain, mut anchored) = (Policy::default(), Policy::default());
    anchored.anchors = vec![certificate(case.token.ca.root())];
    let named = |policy| case.retire(policy).successor(&new);
    for (what, retire, goes) in [
        ("named, and said", named(&plain).although_issuer_not_shown(), true),
        ("named", named(&plain), false),
        ("said", case.retire(&plain).although_issuer_not_shown(), false),
        ("named, and said, beside an anchor", named(&anchored).although_issuer_not_shown(), false),
    ] {
        let chosen = case.choose(&retire, &[&new], &Run::default());
        match goes {
            true => assert_eq!(chosen.unwrap(), new, "{what}"),
            false => {
                let error = refused(chosen, Code::RetireIssuerNotShown);
                assert_eq!(
                    facts(&error, Fact::Successor).len(),
                    usize::from(retire.policy.anchors.is_empty()),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn who_issued_both_is_shown_by_an_anchor_or_by_the_certificate_of_the_ca() {
    let stranger = TestCa::new();
    let anchor = |ca: &TestCa| vec![certificate(ca.issuing())];
    let shown = |case: &Case, new: &Certificate, anchors: Vec<Certificate>| {
        let retire = case.retire(&Policy { anchors, ..Policy::default() });
        retire.issuer(&case.token.of(new), &case.token.of(&case.old), &Run::default())
    };
    let mut case = Case::new();
    let new = case.follower();
    assert_eq!(shown(&case, &new, Vec::new()), IssuerContinuity::NotChecked);
    assert_eq!(shown(&case, &new, anchor(&case.token.ca)), IssuerContinuity::VerifiedByAnchor);
    assert_eq!(shown(&case, &new, anchor(&stranger)), IssuerContinuity::NotChecked);
    let mut case = Case::with_ca();
    let new = case.follower();
    assert_eq!(shown(&case, &new, Vec::new()), IssuerContinuity::SameIssuer);
    assert_eq!(shown(&case, &new, anchor(&stranger)), IssuerContinuity::SameIssuer);
}

/// What cannot be read may be the certificate of the one whose name the new one has.
#[test]
fn another_name_beside_something_unreadable_takes_no_place_by_itself() {
    let mut policy = Policy::default();
    policy.demand_subject(SubjectRule::CommonNameMayChange);
    for (what, common, unreadable, is_named, goes) in [
        ("renamed", "Alice B.", true, false, false),
        ("renamed, and all can be read", "Alice B.", false, false, true),
        ("renamed, and a person names it", "Alice B.", true, true, true),
        ("the old name", "Alice", true, false, true),
    ] {
        let mut case = Case::with_ca();
        let new = case.token.user(&named(common)).valid(-1, 300).renewing(&case.old).add();
        if unreadable {
            case.token.add(b"not a certificate");
        }
        let mut retire = case.retire(&policy);
        retire.made_here = true;
        let retire = if is_named { retire.successor(&new) } else { retire };
        let chosen = case.choose(&retire, &[&new], &Run::default());
        match goes {
            true => assert_eq!(chosen.unwrap(), new, "{what}"),
            false => {
                let error = refused(chosen, Code::RemovalDoubtful);
                assert_eq!(facts(&error, Fact::Reason), ["object_unreadable"], "{what}");
            }
        }
    }
}

/// Who names a successor is told what keeps it from being one.
#[test]
fn a_successor_that_was_named_in_vain_is_told_why() {
    let mut case = Case::with_ca();
    let elsewhere = MadeUp::new().user(&named("Alice")).valid(-1, 300).add();
    let ended = case.token.user(&named("Alice")).valid(-400, -2).add();
    let sooner = case.token.user(&named("Alice")).valid(-1, 10).add();
    let same_end = case.token.user(&named("Alice")).ending(case.old.not_after()).add();
    let now = Run::default();
    // At the very end it has not ended, and ends before the old one all the same.
    let at_its_end = Run::default().at(ended.not_after());
    let policy = Policy::default();
    for (named, followers, run, why) in [
        (&case.old, vec![], &now, "successor_is_the_old_one"),
        (&elsewhere, vec![], &now, "successor_not_there"),
        (&ended, vec![&ended], &now, "successor_has_ended"),
        (&ended, vec![&ended], &at_its_end, "successor_ends_earlier"),
        (&sooner, vec![&sooner], &now, "successor_ends_earlier"),
        (&same_end, vec![&same_end], &now, "successor_ends_earlier"),
    ] {
        let retire = case.retire(&policy).successor(named);
        let error = case.choose(&retire, &followers, run).unwrap_err();
        assert_eq!(facts(&error, Fact::Reason), [why], "{error}");
    }
    // Its name is another matter, and nothing is wrong with one that nobody has named.
    let other_firm = case.token.user(&in_firm("Other", "Alice")).ending(days_from_now(300)).add();
    let retire = case.retire(&policy).successor(&other_firm);
    let error = case.choose(&retire, &[&other_firm], &now).unwrap_err();
    assert_eq!(facts(&error, Fact::Reason), ["subject_differs"]);
    assert_eq!(facts(&case.usually(&[]).unwrap_err(), Fact::Reason), [""; 0]);
}
