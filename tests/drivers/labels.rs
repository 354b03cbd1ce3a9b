//! Tokens that choose the labels: the job is known by what this computer keeps of its key.

use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now, verify_with_certificate};

use crate::common::Bank;

const KEYS: &str = "labels-chosen,labels-kept";
const ALL: &str = "labels-chosen,labels-kept,certificate-labels-chosen";

/// A token that labels keys by itself and does not let that be changed has no record of ours.
#[test]
fn a_token_that_labels_keys_by_itself_is_renewed_and_that_is_said() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let said = bank.renew_oddly(KEYS, &[]).json();
    let notices = said["notices"].to_string();
    assert!(notices.contains("key_label_chosen") && notices.contains("label_shared"), "{said:#}");
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

/// Without a label the identifier alone would say whose a key is. Somebody else's pair of the same or another kind comes under it after
/// the request has left: ours goes on or goes, and theirs stays.
#[test]
fn a_strangers_pair_under_the_identifier_of_a_job_without_label_stays() {
    for (kind, ways) in [(Kind::P256, KEYS), (Kind::Rsa2048, ALL)] {
        for act in ["install", "resume", "renew", "abandon"] {
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            let issuer = bank.issuer("");
            let request = bank.odd(ways, &["request", "--out", "request.pem"]).json();
            let id = base16ct::lower::decode_vec(request["pending_id"].as_str().unwrap()).unwrap();
            let ours = bank.soft.snapshot();
            bank.soft.inspect(|inspector| inspector.generate_pair_beside(kind, &id, "Key 1"));
            let both = bank.soft.snapshot();
            let theirs: Vec<_> = both.added_since(&ours).into_iter().cloned().collect();
            assert_eq!(theirs.len(), 2, "{act}");
            let answer = bank.ca.issue_for(&request_der(&bank)).der();
            bank.write("answer.der", &answer);
            let line: &[&str] = match act {
                "install" => &["install", "answer.der"],
                "resume" => &["resume", "--issuer", &issuer],
                "renew" => &["renew", "--resume", "--issuer", &issuer],
                _ => &["abandon", "--yes"],
            };
            let said = bank.odd(ways, line);
            let now = bank.soft.snapshot();
            assert!(theirs.iter().all(|one| now.objects().contains(one)), "{act} {ways}: {said:?}");
            said.json();
            bank.assert_old_works();
            if act == "abandon" {
                // Of two private keys nothing that can be read tells them apart; theirs has signed for nothing of ours.
                let public =
                    ours.added_since(&bank.before).into_iter().find(|one| one.class == "CKO_PUBLIC_KEY");
                assert!(!now.objects().contains(public.unwrap()) && now.with_id(&id).count() == 2, "{now:?}");
                let signature = bank.soft.sign(&id, b"theirs");
                let spki = bank.soft.inspect(|inspector| inspector.public_key(&id));
                let certificate = bank.ca.issue(&bank.old.subject, &spki).der();
                assert!(verify_with_certificate(&certificate, b"theirs", &signature));
                continue;
            }
            now.assert_keeps(&both);
            assert_eq!(now.of_class("CKO_CERTIFICATE").count(), 2, "{act}");
            assert_eq!(bank.renew_oddly(ways, &[]).json()["already_renewed"], true, "{act}");
            let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
            bank.odd(ways, &retire).json();
            let left = bank.soft.snapshot();
            left.assert_keeps(&now.only(|one| one.id != bank.old.id));
            assert_eq!(left.with_id(&bank.old.id).count(), 0, "{act}");
        }
    }
}

/// The record is the first 32 bytes: what a token cuts behind them is missed by nobody.
#[test]
fn a_label_that_is_cut_to_32_bytes_is_a_record() {
    for reuse in [false, true] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.soft.inspect(|inspector| {
            inspector.relabel(&bank.old.id, b"the label that a bank gives, of forty....")
        });
        let cut = "labels-cut=32";
        let first = ["request", "--subject", "CN=somebody with a name", "--out", "first.pem"];
        let id = bank.odd(cut, &first).json()["pending_id"].clone();
        let labels: Vec<_> =
            bank.soft.snapshot().added_since(&bank.before).iter().map(|one| one.label.len()).collect();
        assert!(labels.contains(&32) && labels.iter().all(|length| [32, 41].contains(length)), "{labels:?}");
        let listed = bank.odd(cut, &["pending"]).json();
        assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&id, &"awaiting_answer".into()), "{listed:#}");
        bank.odd(cut, &["abandon", "--yes"]).json();
        let before = bank.soft.snapshot();
        assert_eq!(before.objects().len(), 3);
        let key: &[&str] = if reuse { &["--reuse-key"] } else { &[] };
        bank.renew_oddly(cut, key).json();
        bank.soft.snapshot().assert_keeps(&before);
        assert_eq!(bank.renew_oddly(cut, &[]).json()["already_renewed"], true, "{reuse}");
        let serial = usbtoken_testkit::serial_hex(&bank.old.certificate);
        let retire = ["retire", "--yes", "--serial", &serial, "--trust-anchor", &bank.anchor()];
        let gone = bank.odd(cut, &retire).json();
        assert_eq!(gone["key_removed"], !reuse, "{gone:#}");
        assert_eq!(bank.odd(cut, &["list"]).json().as_array().unwrap().len(), 1);
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

/// A token that takes no label with the pair takes it afterwards, or the job is known as on one that chooses labels.
#[test]
fn what_cannot_be_given_with_an_object_is_set_afterwards_or_kept_here() {
    let rows = [
        (Kind::P256, "pair-without=3"),
        (Kind::P256, "pair-without=3,pair-answers=0x10"),
        (Kind::P256, "pair-without=3,pair-answers=0x13,labels-kept"),
        (Kind::P256, "pair-without=0x10a"),
        (Kind::P256, "pair-without=0x102"),
        (Kind::Rsa2048, "pair-without=0x122,pair-answers=0x10"),
        (Kind::Rsa2048, "pair-without=3,object-without=3,labels-kept"),
        (Kind::P256, "object-without=3"),
        (Kind::P256, "object-without=3,labels-kept"),
        (Kind::P256, "object-without=0x102"),
        (Kind::P256, "pair-without=3:0x102"),
        (Kind::P256, "pair-without=3:0x102,pair-answers=0x5"),
        (Kind::Rsa2048, "pair-without=3:0x102:0x122:0x10a:0x108"),
        (Kind::P256, "private-without=3"),
        (Kind::P256, "public-without=0x102"),
        (Kind::P256, "private-without=0x102,object-without=0x102"),
        (Kind::P256, "public-without=1"),
        (Kind::P256, "pair-without=2,closed-by-default"),
        (Kind::P256, "pair-without=0x103,pair-answers=0x30,closed-by-default"),
        (Kind::P256, "pair-without=0x162,pair-answers=0x7,closed-by-default"),
        (Kind::P256, "pair-without=0x103:0x162,pair-answers=0x5,closed-by-default"),
        (Kind::P256, "pair-without=2:3:0x103:0x162,pair-answers=0xd1,closed-by-default"),
        (Kind::P256, "pair-without=2:3:0x102:0x103:0x162,closed-by-default"),
        (Kind::P256, "pair-without=3:0x162,pair-answers=0x80000001,closed-by-default"),
        (Kind::P256, "pair-without=0x102:0x103,pair-answers=0x6,closed-by-default"),
    ];
    for (kind, ways) in rows {
        let bank = Bank::alone(kind, days_from_now(11));
        let said = bank.renew_oddly(ways, &[]);
        assert_eq!(said.exit, 0, "{ways}: {said:?}");
        bank.assert_old_works();
        assert_eq!(bank.soft.snapshot().of_class("CKO_CERTIFICATE").count(), 2, "{ways}");
        let after = bank.soft.snapshot();
        // The key is found by its certificate in every program.
        let new: Vec<_> = after.added_since(&bank.before).iter().map(|object| object.id.clone()).collect();
        assert!(new.iter().all(|id| !id.is_empty() && *id == new[0]), "{ways}: {after:?}");
        assert_eq!(bank.renew_oddly(ways, &[]).json()["already_renewed"], true, "{ways}");
        bank.soft.snapshot().assert_same_as(&after);
        assert_eq!(bank.noted("pair"), 1, "{ways}");
        // One that is given up leaves nothing.
        let bank = Bank::alone(kind, days_from_now(11));
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        bank.odd(ways, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// What a token does not let be said of a key, and does not make so, is said, and the key is gone.
#[test]
fn a_key_that_is_not_what_it_has_to_be_is_removed() {
    let rows = [
        ("pair-without=0x102,labels-kept", Code::KeyUnfit, "CKA_ID"),
        ("private-without=0x102:3,labels-kept", Code::KeyUnfit, "CKA_ID"),
        ("pair-without=1", Code::KeyUnfit, "CKA_TOKEN"),
        ("private-without=1,pair-answers=0x13", Code::KeyUnfit, "CKA_TOKEN"),
        ("pair-without=2,open-by-default", Code::KeyUnfit, "CKA_PRIVATE"),
        ("pair-without=0x162,open-by-default", Code::KeyExportable, ""),
        ("pair-without=0x103:0x162,open-by-default", Code::KeyExportable, ""),
        ("pair-without=2:0x103:3,open-by-default", Code::KeyUnfit, "CKA_PRIVATE"),
    ];
    for (ways, code, attribute) in rows {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let error = bank.odd(ways, &["request", "--out", "request.pem"]).failed(code);
        assert!(error["facts"]["detail"].to_string().contains(attribute), "{ways}: {error:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// Each refused attempt has written a certificate, with a label of the token's choice, and where CKA_ID is refused without that.
#[test]
fn what_refused_writes_left_is_known_by_its_value() {
    for refused in ["", "object-without=0x102,", "object-without=3,"] {
        for answer in ["0x13", "0x5", "0x30"] {
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            let ways = format!("{refused}certificate-labels-chosen,created-answers={answer}");
            assert_ne!(bank.renew_oddly(&ways, &[]).exit, 0);
            let left = bank.soft.snapshot().of_class("CKO_CERTIFICATE").count();
            assert_eq!(left, 1, "{ways}");
            bank.renew_oddly("certificate-labels-chosen", &["--resume"]).json();
            assert_eq!(bank.soft.snapshot().of_class("CKO_CERTIFICATE").count(), 2);
        }
    }
}

/// For whom a first certificate is stands on the label where the token takes it; where it refuses the label, the pair has the usual one.
/// What is refused for another reason is not tried again.
#[test]
fn the_name_on_the_label_of_a_first_certificate_gives_way_to_the_token_alone() {
    let request = ["request", "--subject", "CN=somebody", "--out", "request.pem"];
    for (ways, error, pairs) in [
        ("", None, 1),
        ("pair-without=3", None, 1),
        ("pair-without=3,pair-answers=0x13", None, 1),
        ("logged-out-after-pair", Some(Code::LoginLost), 1),
    ] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let said = bank.odd(ways, &request);
        match error {
            Some(code) => drop(said.failed(code)),
            None => drop(said.json()),
        }
        assert_eq!(bank.noted("pair"), pairs, "{ways}");
        let pending = bank.odd("", &["pending"]).json();
        assert_eq!(pending.as_array().unwrap().len(), 1, "{ways}: {pending:#}");
    }
}

fn request_der(bank: &Bank) -> Vec<u8> {
    let said = bank.tool("openssl", &["req", "-in", "request.pem", "-outform", "DER", "-out", "request.der"]);
    assert_eq!(said.exit, 0, "{said:?}");
    bank.read("request.der")
}
