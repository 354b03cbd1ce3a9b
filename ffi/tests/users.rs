//! Several users before the pages of one bank: whose key a request gets, and whose certificate it renews.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::pages::{Came, Pages, base16, colleague, made, name, ok, refused};
use usbtoken_testkit::{Form, Kind, NameDer, Text, days_from_now, serial_hex};

#[test]
fn two_users_of_one_origin_never_meet() {
    let pages = Pages::open();
    let token = &pages.stage.token;
    token.foreign_objects();
    let before = token.snapshot();
    assert_eq!(pages.play(&["request", "O=Bank, CN=user one", "one.csr"]), ok(0));
    let of_one = token.snapshot();
    // The second is not even asked about the first one's key, and gets another.
    assert_eq!(pages.play(&["request", "O=Bank, CN=user two", "two.csr"]), ok(0));
    let both = token.snapshot();
    both.assert_keeps(&of_one);
    let (one, two) = (pages.request("one.csr"), pages.request("two.csr"));
    assert!(one.spki != two.spki && one.subject != two.subject);

    // What a page gives up is what it names; the other one's stays, and so does all where it names none.
    for words in [&["abandon"][..], &["abandon", "O=Bank, CN=user three"]] {
        assert_eq!(pages.play(words), refused("80092004", 232), "{words:?}");
        token.snapshot().assert_same_as(&both);
    }
    assert_eq!(pages.play(&["abandon", "O=Bank, CN=user two"]), ok(0));
    token.snapshot().assert_same_as(&of_one);
    // Now that only the first one's is left.
    for words in [&["abandon"][..], &["abandon", "O=Bank, CN=user two"]] {
        assert_eq!(pages.play(words), refused("80092004", 232), "{words:?}");
        token.snapshot().assert_same_as(&of_one);
    }

    // An answer to the request that was given up is for no key; that to the other one is installed, and nothing else.
    pages.answer("two.csr", &two.subject);
    let refusal = pages.play(&["install", "-", "answer"]);
    assert_ne!(refusal.result, "00000000");
    token.snapshot().assert_same_as(&of_one);
    assert_eq!(pages.play(&["request", "O=Bank, CN=user two", "again.csr"]), ok(0));
    let der = pages.answer("one.csr", &one.subject);
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    let after = token.snapshot();
    after.assert_keeps(&of_one);
    let certificates: Vec<_> =
        after.of_class("CKO_CERTIFICATE").filter_map(|one| one.bytes("Value")).collect();
    assert_eq!(certificates.iter().filter(|value| **value == der).count(), 1);
    // The second one's key waits on, and the first one's finished job cannot be given up any more.
    let finished = ["abandon", "O=Bank, CN=user one"];
    assert_eq!(pages.play(&finished), refused("80092004", 232));
    token.snapshot().assert_same_as(&after);
    assert!(pages.renewed().is_empty(), "a first certificate takes nobody's place");
    assert_eq!(pages.play(&["abandon", "O=Bank, CN=user two"]), ok(0));
    token.snapshot().assert_keeps(&before);
}

#[test]
fn two_users_renew_on_one_token_in_turns() {
    let mut pages = Pages::open();
    pages.choice = Some("0");
    let token = &pages.stage.token;
    let second =
        token.credential(&pages.stage.ca, Kind::P256, &[0x42], &name("Bank", "user two"), days_from_now(200));
    let one = pages.old();
    let before = token.snapshot();
    // Only the first can be renewed; the page names no certificate.
    assert_eq!(pages.play(&["renew", "-", "one.csr"]), ok(0));
    // A request in the second one's name is none of the first one's: another key, and nobody is asked about that.
    assert_eq!(pages.play(&["request", "O=Bank, CN=user two", "two.csr"]), ok(0));
    assert_ne!(pages.request("one.csr").spki, pages.request("two.csr").spki);
    // The second one's page cannot give up the first one's.
    assert_eq!(made(&token.snapshot(), &before).len(), 2);
    assert_eq!(pages.play(&["abandon", "O=Bank, CN=user two"]), ok(0));
    assert_eq!(made(&token.snapshot(), &before).len(), 1);
    pages.answer("one.csr", &pages.request("one.csr").subject);
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    assert_eq!(pages.renewed(), BTreeSet::from([serial_hex(&one)]));
    assert!(!pages.renewed().contains(&serial_hex(&second.certificate)));
    token.snapshot().assert_keeps(&before);
}

/// Before anybody logs in: what is renewed on the token is told with the bit for that, and no more as renewable.
#[test]
fn a_page_is_told_that_its_certificate_seems_renewed() {
    const TOKEN: u32 = 1;
    const RENEWABLE: u32 = 2;
    const RENEWED: u32 = 4;
    let pages = Pages::open();
    let bits = || -> u32 {
        let printed = pages.printed(&["probe"]);
        printed.lines().find_map(|line| line.strip_prefix("bits ")).unwrap().parse().unwrap()
    };
    assert_eq!(bits(), TOKEN | RENEWABLE);
    assert_eq!(pages.play(&["renew", "-", "one.csr"]), ok(0));
    assert_eq!(bits(), TOKEN | RENEWABLE);
    pages.answer("one.csr", &pages.request("one.csr").subject);
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    assert_eq!(bits(), TOKEN | RENEWED);
}

/// One answer with the certificates of both users: each page installs the one that it was opened for.
#[test]
fn of_an_answer_for_two_users_a_page_installs_its_own() {
    let pages = Pages::open();
    let token = &pages.stage.token;
    let two = name("Bank", "user two");
    let second = token.credential(&pages.stage.ca, Kind::P256, &[0x42], &two, days_from_now(20));
    let (one, two) = (serial_hex(&pages.old()), serial_hex(&second.certificate));
    assert_eq!(pages.play(&["renew", &one, "one.csr"]), ok(0));
    assert_eq!(pages.play(&["renew", &two, "two.csr"]), ok(0));
    let answers = ["one.csr", "two.csr"].map(|file| {
        let der = pages.answer(file, &pages.request(file).subject);
        pages.stage.ca.answer(Form::Pem, &der)
    });
    fs::write(pages.file("answer"), answers.concat()).unwrap();
    let waiting = token.snapshot();
    // One that was opened for neither is told that there are two.
    assert_eq!(pages.play(&["install", "-", "answer"]), refused("80092004", 233));
    token.snapshot().assert_same_as(&waiting);
    assert_eq!(pages.play(&["install", &two, "answer"]), ok(0));
    assert_eq!(pages.renewed(), BTreeSet::from([two.clone()]));
    assert_eq!(pages.play(&["install", &one, "answer"]), ok(0));
    assert_eq!(pages.renewed(), BTreeSet::from([one, two]));
    token.snapshot().assert_keeps(&waiting);
}

/// Pages ask with a name that means nothing. Nobody knows then whose answer comes: it may be another user's.
#[test]
fn a_request_with_a_stand_in_renews_nobody_where_users_share_a_token() {
    for pages in [Pages::open(), Pages::by_the_bank("allow")] {
        assert_eq!(pages.play(&["request", "CN=dummy", "x.csr"]), ok(0));
        // The same firm, another user.
        pages.answer("x.csr", &colleague());
        assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
        assert!(pages.renewed().is_empty());
    }
}

#[test]
fn a_request_with_a_stand_in_is_the_renewal_where_each_user_has_a_token() {
    let pages = Pages::by_the_bank("refuse");
    let old = serial_hex(&pages.old());
    let before = pages.stage.token.snapshot();
    assert_eq!(pages.play(&["request", "CN=dummy", "x.csr"]), ok(0));
    let request = pages.request("x.csr");
    assert_eq!(
        request.subject,
        NameDer::new().common(Text::Printable, "dummy").to_der(),
        "what the page asked for"
    );
    pages.answer("x.csr", &colleague());
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    assert_eq!(pages.renewed(), BTreeSet::from([old]));
    pages.stage.token.snapshot().assert_keeps(&before);
}

/// What seems to follow is in another name: a page goes on where the person wants that, a program says it with a flag, and names what
/// follows where the old one is to go.
#[test]
fn beside_a_doubtful_follower_a_person_says_what_becomes() {
    let mut pages = Pages::open();
    let token = &pages.stage.token;
    token.inspect(|inspector| inspector.write_certificate(pages.stage.ca.issuing(), &[0x77], "ca"));
    let old = pages.old();
    let serial = serial_hex(&old);
    assert_eq!(pages.play(&["renew", "-", "x.csr"]), ok(0));
    let new = pages.answer("x.csr", &colleague());
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    let both = token.snapshot();
    let refusal = |result: &str, asked| Came { result: result.to_owned(), code: 834, asked };
    assert_eq!(pages.play(&["begin", &serial]), refusal("00000342", (0, 0, 0)));
    assert_eq!(pages.play(&["retire", &serial]), refusal("00000342", (0, 0, 0)));
    pages.no = true;
    let page = pages.play(&["renew", &serial, "y.csr"]);
    assert_eq!((page.code, page.asked), (834, (2, 1, 0)), "{page:?}");
    pages.stage.token.snapshot().assert_same_as(&both);
    pages.no = false;
    let page = pages.play(&["renew", &serial, "y.csr"]);
    assert_eq!((page.code, page.asked), (0, (2, 1, 0)), "{page:?}");
    assert_eq!(pages.play(&["begin", &serial, "although"]).code, 0);
    let token = &pages.stage.token;
    token.snapshot().assert_keeps(&both);
    assert_eq!(made(&token.snapshot(), &both).len(), 2);
    assert_eq!(pages.play(&["retire", &serial, &serial_hex(&new)]).code, 0);
    let gone = |value: &[u8]| !token.snapshot().objects().iter().any(|one| one.bytes("Value") == Some(value));
    assert!(gone(&old) && !gone(&new));
}

#[test]
fn a_whole_name_is_no_stand_in() {
    let pages = Pages::by_the_bank("refuse");
    let before = pages.stage.token.snapshot();
    let other = pages.play(&["request", "O=Bank, CN=user two", "x.csr"]);
    assert_eq!((other.code, other.asked), (830, (1, 1, 0)), "{other:?}");
    pages.stage.token.snapshot().assert_same_as(&before);
    // Nor is a common name alone where that is how users are called.
    let alone = NameDer::new().common(Text::Utf8, "user three").to_der();
    let pages = Pages::by_the_bank("refuse");
    let token = &pages.stage.token;
    token.inspect(|token| token.destroy(&token.snapshot().objects()[0].id));
    token.credential(&pages.stage.ca, Kind::P256, &[0x43], &alone, days_from_now(10));
    let before = token.snapshot();
    let other = pages.play(&["request", "CN=user four", "x.csr"]);
    assert_eq!((other.code, other.asked), (830, (1, 1, 0)), "{other:?}");
    token.snapshot().assert_same_as(&before);
}

#[test]
fn a_request_in_the_certificates_own_name_is_its_renewal() {
    let pages = Pages::open();
    let subject = name("Bank", "user one");
    let token = &pages.stage.token;
    let one = token.credential(&pages.stage.ca, Kind::P256, &[0x44], &subject, days_from_now(9));
    // Upper and lower case are one name (RFC 5280 §7.1).
    assert_eq!(pages.play(&["request", "O=BANK, CN=user one", "x.csr"]), ok(0));
    pages.answer("x.csr", &pages.request("x.csr").subject);
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    assert_eq!(pages.renewed(), BTreeSet::from([serial_hex(&one.certificate)]));
    // It is renewed: what is asked for once more is a certificate of its own.
    assert_eq!(pages.play(&["request", "O=Bank, CN=user one", "y.csr"]).code, 0);
    // Two of one name are told apart by nothing.
    let pages = Pages::open();
    let token = &pages.stage.token;
    for id in [0x45, 0x46] {
        token.credential(&pages.stage.ca, Kind::P256, &[id], &subject, days_from_now(9));
    }
    assert_eq!(pages.play(&["request", "O=Bank, CN=user one", "x.csr"]), ok(0));
    pages.answer("x.csr", &subject);
    assert_eq!(pages.play(&["install", "-", "answer"]), ok(0));
    assert!(pages.renewed().is_empty());
}

/// Another key carries the record of the one that waits: neither goes until a person names it.
#[test]
fn a_doubtful_key_goes_when_a_person_names_it() {
    for of_page in [true, false] {
        let pages = Pages::open();
        let token = &pages.stage.token;
        let old = token.snapshot();
        assert_eq!(pages.play(&["request", "O=Bank, CN=user one", "x.csr"]), ok(0));
        let ours = made(&token.snapshot(), &old).remove(0);
        let keys = token.snapshot();
        let label = keys.objects().iter().find(|one| base16(&one.id) == ours).unwrap().label.clone();
        token.inspect(|token| {
            token.generate_pair(Kind::P256, &[0x66], "another's");
            token.relabel(&[0x66], label.as_bytes());
        });
        let before = token.snapshot();
        let doubtful = |words: &[&str], code: u32| {
            let came = pages.play(words);
            assert_eq!(came.code, code, "{came:?}");
            token.snapshot().assert_same_as(&before);
        };
        let named: &[&str] = match of_page {
            true => {
                doubtful(&["abandon", "O=Bank, CN=user one"], 233);
                assert_eq!(pages.play(&["abandon-named", "0102"]), refused("80092004", 232));
                token.snapshot().assert_same_as(&before);
                &["abandon-named", &ours]
            }
            false => {
                assert!(pages.printed(&["forget", &ours]).contains("doubt same_record"));
                doubtful(&["forget", &ours], 820);
                &["forget", &ours, "named"]
            }
        };
        assert_eq!(pages.play(named).result, "00000000");
        let after = token.snapshot();
        assert_eq!(after.added_since(&old).len(), 2, "{}", after.difference(&old));
        assert!(after.added_since(&old).iter().all(|one| one.id == [0x66]), "{}", after.difference(&old));
    }
}

/// Another program's pair has the record of a job whose own key has gone: it stays until a person names it, whoever gives the job up.
#[test]
fn a_copied_record_gives_no_key_away_when_the_jobs_own_has_gone() {
    for of_page in [true, false] {
        let pages = Pages::open();
        let token = &pages.stage.token;
        let old = token.snapshot();
        assert_eq!(pages.play(&["request", "O=Bank, CN=user one", "x.csr"]), ok(0));
        let keys = token.snapshot();
        let ours = keys.added_since(&old)[0].clone();
        token.inspect(|token| {
            token.destroy(&ours.id);
            token.generate_pair(Kind::P256, &[0x66], "another's");
            token.relabel(&[0x66], ours.label.as_bytes());
        });
        let before = token.snapshot();
        before.assert_keeps(&old);
        let abandon: &[&str] = if of_page { &["abandon", "O=Bank, CN=user one"] } else { &["forget", "66"] };
        for _ in 0..2 {
            let came = pages.play(abandon);
            assert_eq!(came.code, 820, "{came:?}");
            token.snapshot().assert_same_as(&before);
        }
        let named: &[&str] = if of_page { &["abandon-named", "66"] } else { &["forget", "66", "named"] };
        assert_eq!(pages.play(named).result, "00000000");
        token.snapshot().assert_same_as(&old);
    }
}

/// The process, or its driver, ends when nothing is left to remove: asked for again it is done, for what the page has named alone.
#[test]
fn what_a_page_gave_up_in_a_run_that_was_killed_is_done() {
    const ONE: &str = "O=Bank, CN=user one";
    let mut pages = Pages::open();
    let before = pages.stage.token.snapshot();
    let first = &["request", ONE, "one.csr"][..];
    for (begun, given_up) in [
        (first, ["abandon", ONE]),
        (first, ["abandon-named", ""]),
        (&["renew", "-", "one.csr"], ["give-up", "-"]),
    ] {
        assert_eq!(pages.play(begun), ok(0));
        let id = made(&pages.stage.token.snapshot(), &before).remove(0);
        let given_up = given_up.map(|word| if word.is_empty() { id.as_str() } else { word });
        pages.fault = Some("C_DestroyObject#2:exit-after");
        let killed = pages.run(&given_up);
        assert!(!String::from_utf8_lossy(&killed.stdout).contains("00000000"), "{killed:?}");
        pages.fault = None;
        pages.stage.token.snapshot().assert_same_as(&before);
        for other in [["abandon", "O=Bank, CN=user two"], ["abandon-named", "00"]] {
            assert_eq!(pages.play(&other), refused("80092004", 232), "{other:?}");
        }
        assert_eq!(pages.play(&given_up), ok(0), "{given_up:?}");
        // Who names no key is told once; the key that is named has gone for good.
        let again = if given_up[0] == "abandon-named" { ok(0) } else { refused("80092004", 232) };
        assert_eq!(pages.play(&given_up), again, "{given_up:?}");
        pages.stage.token.snapshot().assert_same_as(&before);
    }
}

/// Another program's pair has the identifier and the record of the key that waits: this computer knows which one it has asked for.
#[test]
fn a_page_gives_up_its_own_of_two_pairs_that_are_alike() {
    const ONE: &str = "O=Bank, CN=user one";
    for foreign in [Kind::Rsa2048, Kind::P256] {
        for named in [false, true] {
            let pages = Pages::open();
            let token = &pages.stage.token;
            let old = token.snapshot();
            assert_eq!(pages.play(&["request", ONE, "one.csr"]), ok(0));
            let with_ours = token.snapshot();
            let ours = with_ours.added_since(&old)[0].clone();
            token.inspect(|token| token.generate_pair_beside(foreign, &ours.id, &ours.label));
            let id = base16(&ours.id);
            let words = if named { ["abandon-named", &id] } else { ["abandon", ONE] };
            assert_eq!(pages.play(&words), ok(0), "{foreign:?} {named}");
            let after = token.snapshot();
            after.assert_keeps(&old);
            assert_eq!(after.with_id(&ours.id).count(), 2, "{foreign:?} {named}");
            let half = |now: &usbtoken_testkit::Snapshot| {
                now.with_id(&ours.id).find(|one| one.class == "CKO_PUBLIC_KEY").unwrap().clone()
            };
            assert_ne!(half(&after), half(&with_ours), "{foreign:?} {named}: ours has gone");
            // The same again, and by the key's id: the other one stays.
            let again = if named { ok(0) } else { refused("80092004", 232) };
            assert_eq!(pages.play(&words), again, "{foreign:?} {named}");
            assert_eq!(pages.play(&["abandon-named", &id]), ok(0), "{foreign:?} {named}");
            token.snapshot().assert_same_as(&after);
        }
    }
}

/// While another job is at work on the token a page is told so, before it is told that nothing waits, and nobody is asked for a PIN.
#[test]
fn a_page_is_told_that_another_job_is_at_work() {
    let pages = Pages::open();
    let token = &pages.stage.token;
    let before = token.snapshot();
    let found = usbtoken::Finder::new().module(token.module()).find(&token.uri().parse().unwrap()).unwrap();
    let held = found.reserve().unwrap();
    let busy = |words: &[&str]| {
        let came = pages.play(words);
        assert_eq!((came.result.as_str(), came.code, came.asked), ("800700AA", 804, (1, 0, 0)), "{words:?}");
        token.snapshot().assert_same_as(&before);
    };
    busy(&["abandon", "O=Bank, CN=user one"]);
    busy(&["abandon-named", "77"]);
    busy(&["request", "O=Bank, CN=user one", "one.csr"]);
    drop(held);
    assert_eq!(pages.play(&["abandon", "O=Bank, CN=user one"]), refused("80092004", 232));
}
