//! Tokens that choose the labels: the job is known by what this computer keeps of its key.

use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

const KEYS: &str = "labels-chosen,labels-kept";
const ALL: &str = "labels-chosen,labels-kept,certificate-labels-chosen";

/// A token that labels keys by itself and does not let that be changed has no record of ours.
#[test]
fn a_token_that_labels_keys_by_itself_is_renewed_and_that_is_said() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let said = bank.renew_oddly(KEYS, &[]).json();
    assert!(said["notices"].to_string().contains("key_label_chosen"), "{said:#}");
    bank.assert_old_works();
    assert_eq!(bank.soft.snapshot().of_class("CKO_CERTIFICATE").count(), 2);
    // It is no second order that the next run makes.
    let after = bank.soft.snapshot();
    assert_eq!(bank.renew_oddly(KEYS, &[]).json()["already_renewed"], true);
    bank.soft.snapshot().assert_same_as(&after);
    // Where the label can be set afterwards, the job is known as any other.
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("labels-chosen", &["request", "--out", "request.pem"]).json();
    assert_eq!(bank.odd("", &["pending"]).json().as_array().unwrap().len(), 1);
}

/// What has no label of ours is the same job in another process, whatever comes between.
#[test]
fn a_job_whose_key_the_token_has_labelled_goes_on_in_another_process() {
    for ways in [KEYS, ALL] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let request = bank.odd(ways, &["request", "--out", "request.pem"]).json();
        let id = request["pending_id"].as_str().unwrap();
        let pending = bank.odd(ways, &["pending"]).json();
        assert_eq!(
            (pending[0]["id"].as_str(), pending[0]["state"].as_str()),
            (Some(id), Some("awaiting_answer"))
        );
        // It is no second request that another run makes.
        let with_one = bank.soft.snapshot();
        bank.odd(ways, &["request", "--out", "again.pem"]).failed(Code::PendingExists);
        bank.soft.snapshot().assert_same_as(&with_one);

        bank.write("answer.der", &bank.ca.issue_for(&request_der(&bank)).der());
        let installed = bank.odd(ways, &["install", "answer.der"]).json();
        assert_eq!(installed["replaced"]["id"], "01", "{installed:#}");
        let after = bank.soft.snapshot();
        assert_eq!(after.of_class("CKO_CERTIFICATE").count(), 2);
        // It is known as renewed, also when the job is long over, and before the login.
        for _ in 0..2 {
            assert_eq!(bank.renew_oddly(ways, &[]).json()["already_renewed"], true, "{ways}");
            bank.soft.snapshot().assert_same_as(&after);
        }
        bank.odd(ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()]).json();
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0, "{ways}");
        assert_eq!(bank.odd(ways, &["list"]).json().as_array().unwrap().len(), 1);
    }
}

#[test]
fn one_run_or_two_a_certificate_is_ordered_once() {
    for ways in [KEYS, ALL] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.renew_oddly(ways, &[]).json();
        assert_eq!(bank.renew_oddly(ways, &[]).json()["already_renewed"], true, "{ways}");
        assert_eq!(bank.noted("pair"), 1, "{ways}");

        // The CA fails: the next run goes on with the same key, and one that is given up is gone.
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        assert_ne!(bank.odd(ways, &["renew", "--issuer", "false"]).exit, 0);
        bank.renew_oddly(ways, &["--resume"]).json();
        assert_eq!(bank.noted("pair"), 1, "{ways}");
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        bank.odd(ways, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

fn request_der(bank: &Bank) -> Vec<u8> {
    let said = bank.tool("openssl", &["req", "-in", "request.pem", "-outform", "DER", "-out", "request.der"]);
    assert_eq!(said.exit, 0, "{said:?}");
    bank.read("request.der")
}
