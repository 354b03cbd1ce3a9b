//! What a driver gives otherwise for a moment, or in another order: nothing is lost for it, and nothing ordered twice.

use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// The label that says that a key is ours is empty, not available, or without a length: the job is known by what this computer
/// keeps, and there is no second key and no second order.
#[test]
fn a_job_whose_label_is_not_given_is_a_job() {
    for answer in 1..4 {
        let unread = format!("labels-unread={answer}");
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.odd("", &["request", "--out", "request.pem"]).json();
        let waiting = bank.soft.snapshot();
        let id = bank.odd("", &["pending"]).json()[0]["id"].clone();
        assert_eq!(bank.odd(&unread, &["pending"]).json()[0]["id"], id, "{unread}");
        assert_eq!(bank.odd(&unread, &["list"]).json()[0]["renewal_pending"], true);
        bank.renew_oddly(&unread, &[]).failed(Code::PendingExists);
        bank.soft.snapshot().assert_same_as(&waiting);
        // It signs for the request that was made here, so it can be given up as well.
        bank.odd(&unread, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
        bank.odd("", &["request", "--out", "request.pem", "--overwrite"]).json();
        // The job goes on, and is known as done.
        bank.odd(&unread, &["resume", "--issuer", &bank.issuer("")]).json();
        let done = bank.soft.snapshot();
        assert_eq!(bank.renew_oddly(&unread, &[]).json()["already_renewed"], true);
        bank.soft.snapshot().assert_same_as(&done);
        bank.assert_one_new_credential();
    }
}

/// A key of somebody else without a label under the identifier of our job is not taken for it.
#[test]
fn a_key_without_label_beside_ours_is_not_ours() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("", &["request", "--out", "request.pem"]).json();
    let pending = bank.odd("", &["pending"]).json();
    let id = base16ct::lower::decode_vec(pending[0]["id"].as_str().unwrap()).unwrap();
    let waiting = bank.soft.snapshot();
    bank.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &id, ""));
    let theirs = bank.soft.snapshot().only(|object| !waiting.objects().contains(object));
    assert_eq!(bank.odd("", &["pending"]).json().as_array().map(Vec::len), Some(1));
    bank.odd("", &["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_keeps(&theirs);
    bank.soft.snapshot().assert_keeps(&bank.before);
    assert_eq!(bank.soft.snapshot().with_id(&id).count(), 2);
}

/// Other numbers with each search, the former ones good still: what is known is known by what it is.
#[test]
fn objects_with_other_numbers_in_each_search_are_the_same_objects() {
    let bank = Bank::of(Kind::P256, days_from_now(11));
    let ways = "handles-anew";
    let anchor = bank.anchor();
    bank.renew_oddly(ways, &[]).json();
    assert_eq!(
        bank.odd(ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &anchor]).json()["key_removed"],
        true
    );
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
    let bank = Bank::of(Kind::P256, days_from_now(11));
    bank.renew_oddly(ways, &["--retire-old", "--trust-anchor", &bank.anchor()]).json();
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
    let bank = Bank::of(Kind::P256, days_from_now(11));
    bank.odd(ways, &["request", "--out", "request.pem"]).json();
    bank.odd(ways, &["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// The whole life with a driver that lists what was written last first: who follows whom does not depend on it.
#[test]
fn the_order_in_which_objects_are_listed_changes_nothing() {
    let mut said = Vec::new();
    for ways in ["", "newest-first"] {
        let bank = Bank::of(Kind::P256, days_from_now(11));
        let anchor = bank.anchor();
        let count = || bank.soft.snapshot().of_class("CKO_PRIVATE_KEY").count();
        let successor = |id: &str| {
            let list = bank.odd(ways, &["list"]).json();
            let one = list.as_array().unwrap().iter().find(|one| one["id"] == id).cloned().unwrap();
            (one["renewable"].clone(), one["successor"]["id"].clone(), one["successor"]["proven"].clone())
        };
        let first = bank.renew_oddly(ways, &[]).json()["credential"]["id"].as_str().unwrap().to_owned();
        assert_eq!(bank.renew_oddly(ways, &[]).json()["already_renewed"], true);
        assert_eq!(successor("01"), (false.into(), first.as_str().into(), true.into()), "{ways}");
        // The new one is renewed before its time, and a third one is asked for and given up.
        let issuer = bank.issuer("--days 366");
        let renewed = bank.odd(ways, &["renew", "--force", "--id", &first, "--issuer", &issuer]).json();
        let second = renewed["credential"]["id"].as_str().unwrap().to_owned();
        assert_eq!(successor(&first).1, second.as_str());
        let two = bank.soft.snapshot();
        bank.odd(ways, &["request", "--force", "--id", &second, "--out", "request.pem"]).json();
        bank.odd(ways, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&two);
        let retire = |id: &str| bank.odd(ways, &["retire", "--yes", "--id", id, "--trust-anchor", &anchor]);
        // Of a row the oldest goes first.
        retire(&first).failed(Code::RetireOlderFirst);
        bank.soft.snapshot().assert_same_as(&two);
        retire("01").json();
        retire(&first).json();
        retire(&second).failed(Code::RetireOnlyCredential);
        bank.assert_others_unchanged();
        bank.assert_one_new_credential();
        said.push((count(), bank.soft.snapshot().objects().len()));
    }
    assert_eq!(said[0], said[1]);
}

/// The value of the new certificate is given as empty once, twice, or for a whole run: it is not taken for the remains of an
/// interrupted creation, nothing is destroyed, and the same run again ends it.
#[test]
fn a_complete_certificate_whose_value_is_empty_for_a_moment_stays() {
    for (times, from) in [(1, 0), (2, 0), (3, 0), (1000, 0), (1, 1), (2, 1), (1000, 1), (1000, 2)] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.odd("", &["request", "--out", "request.pem"]).json();
        bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
        bank.odd("", &["install", "answer.der"]).json();
        let done = bank.soft.snapshot();
        let ways = format!("value-empty={times},value-empty-from={from}");
        let anchor = bank.anchor();
        let runs: [&[&str]; 5] = [
            &["list"],
            &["pending"],
            &["abandon", "--yes"],
            &["install", "answer.der"],
            &["renew", "--issuer", "false"],
        ];
        for run in runs {
            let said = bank.odd(&ways, run);
            bank.soft.snapshot().assert_same_as(&done);
            assert!(said.exit != 8 && said.exit != 10, "{run:?}: {said:?}");
        }
        bank.odd(&ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &anchor]);
        bank.soft.snapshot().assert_keeps(&done.only(|object| object.id != [1]));
        bank.odd("", &["retire", "--yes", "--id", "01", "--trust-anchor", &anchor]);
        bank.assert_one_new_credential();
    }
}

/// A driver that answers for one object with what is another's: what seems to be there twice has to be found twice.
#[test]
fn what_is_read_as_the_old_certificate_and_is_another_stays() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.another(2, 200);
    bank.run(&["renew", "--id", "01", "--issuer", &bank.issuer("")]).json();
    let before = bank.soft.snapshot();
    let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
    let error = bank.odd("reads-as-old=2", &retire).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "certificates_alike", "{error:#}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("same command again") || hint.contains("もう一度"), "{hint}");
    bank.soft.snapshot().assert_same_as(&before);
    bank.odd("", &retire).json();
    let left = bank.soft.snapshot();
    left.assert_same_as(&before.only(|object| object.id != bank.old.id));
    // Two that are two go.
    for ways in ["", "handles-anew"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.run(&["renew", "--id", "01", "--issuer", &bank.issuer("")]).json();
        bank.soft
            .inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &bank.old.id, "bank"));
        let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
        bank.odd(ways, &retire).json();
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0, "{ways}");
    }
}

/// The token says that it has taken the certificate, and keeps nothing: that is said, nothing is named that would end the same, and the
/// answer waits for a driver that works.
#[test]
fn a_certificate_that_is_not_kept_is_no_lost_connection() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let renew = ["renew", "--issuer", &format!("echo >> orders; {}", bank.issuer(""))];
    for run in 0..2 {
        let error = bank.odd("forgets-certificates", &renew).failed(Code::CertificateRefused);
        assert_eq!(error["ckr"], "CKR_OBJECT_HANDLE_INVALID", "{error:#}");
        assert_eq!(error["facts"]["reason"][0], "not_kept", "{error:#}");
        assert!(error["facts"]["go_on"].is_null(), "{error:#}");
        assert!(error["facts"]["saved_answer"].is_array(), "{error:#}");
        bank.assert_old_works();
        assert_eq!(bank.soft.snapshot().added_since(&bank.before).len(), 2, "{run}: the key waits");
    }
    bank.odd("", &renew).json();
    assert_eq!(bank.read("orders").len(), 1);
    bank.assert_one_new_credential();
}
