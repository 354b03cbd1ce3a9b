//! 「USBトークンへの更新」 by a bank's profile: whose token it is.

mod common;

use common::bank::{install, profile, run};
use common::elsewhere::{old, openssl, stage};
use usbtoken_testkit::{NameDer, Text, days_from_now};

/// Where each user has a token of their own, what waits for another user counts too: a warning before the login, and no key is made.
#[test]
fn a_request_of_another_user_forbids_a_job_where_the_bank_says_so() {
    let stage = stage();
    old(&stage);
    let name = NameDer::new().organization(Text::Utf8, "Other").common(Text::Utf8, "login099").to_der();
    let spki = openssl(&stage, &["pkey", "-in", "old.key", "-pubout", "-outform", "DER"]);
    stage.write("other.cer", &stage.ca.issue(&name, &spki).not_after(days_from_now(12)).der());
    install(
        &stage,
        "bank",
        &profile(&stage, |text| text.replace("old = \"keep\"", "old = \"keep\"\nother_users = \"refuse\"")),
    );
    run(&stage, &["request", "--out", "other.csr", "--from", "file:other.cer"]).succeeded();
    let waiting = stage.token.snapshot();
    let seen = run(&stage, &["preflight", "--from", "file:old.pem"]).json();
    let points = seen["points"].as_array().unwrap();
    let only = points.iter().find(|point| point["point"] == "only_user").unwrap();
    assert_eq!(only["state"], "warning", "{seen:#}");
    for words in [["--from", "file:old.pem"], ["--subject", "CN=login034,O=Other"]] {
        let words = [&["request", "--out", "x"], &words[..]].concat();
        let refused = run(&stage, &words).failed("other_user_on_token", 9);
        assert!(refused["facts"]["candidate"][0].as_str().unwrap().contains("id "), "{refused:#}");
    }
    stage.token.snapshot().assert_same_as(&waiting);
    // Its own goes on, and is no other's.
    run(&stage, &["request", "--out", "x", "--from", "file:other.cer"]).failed("pending_exists", 9);
    stage.write("answer", &stage.ca.issue_for(&stage.read("other.csr")).der());
    run(&stage, &["install", "answer"]).succeeded();
}
