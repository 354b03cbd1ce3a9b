//! Another program's pair under CKA_ID and label of the one that waits: what a key signs for says which is ours, in whatever order the
//! driver lists them.

use base16ct::lower::encode_string as hex;
use usbtoken::Code;
use usbtoken_testkit::{Kind, ParsedRequest, Snapshot, days_from_now};

use crate::common::Bank;

const ORDERS: [&str; 2] = ["", "newest-first"];

/// A job that waits, and a foreign pair that is alike.
struct Alike {
    bank: Bank,
    id: String,
    /// Without the foreign pair.
    ours: Snapshot,
    both: Snapshot,
}

impl Alike {
    fn of(kind: Kind, ways: &str) -> Alike {
        let bank = Bank::of(kind, days_from_now(11));
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        let ours = bank.soft.snapshot();
        let (id, label) = {
            let new = ours.added_since(&bank.before);
            (new[0].id.clone(), new[0].label.clone())
        };
        bank.soft.inspect(|inspector| inspector.generate_pair_beside(kind, &id, &label));
        bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
        let both = bank.soft.snapshot();
        Alike { bank, id: hex(&id), ours, both }
    }

    /// The foreign pair is there, attribute by attribute.
    #[track_caller]
    fn assert_foreign_stays(&self) {
        let now = self.bank.soft.snapshot();
        let foreign = self.both.added_since(&self.ours);
        assert_eq!(foreign.len(), 2);
        for object in foreign {
            assert!(now.objects().contains(object), "{object}: {now:?}");
        }
        self.bank.assert_old_works();
    }
}

#[test]
fn the_key_of_an_answer_is_the_one_that_signs_for_it() {
    for (kind, here) in
        [(Kind::P256, true), (Kind::P256, false), (Kind::Rsa2048, true), (Kind::Rsa2048, false)]
    {
        for ways in ORDERS {
            let alike = Alike::of(kind, ways);
            if !here {
                std::fs::remove_dir_all(alike.bank.file("state")).unwrap();
            }
            let done = alike.bank.odd(ways, &["install", "answer.der"]).json();
            assert_eq!(done["credential"]["id"], *alike.id, "{done:#}");
            alike.assert_foreign_stays();
            let daily = alike.bank.odd(ways, &["renew", "--issuer", "touch asked; false"]);
            if here {
                assert_eq!(daily.json()["already_renewed"], true);
            }
            assert!(!alike.bank.file("asked").exists());
            alike.assert_foreign_stays();
        }
    }
}

/// This computer keeps the request, and ours alone signs for it.
#[test]
fn the_key_of_a_request_that_is_kept_is_told_by_its_signature() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        for ways in ORDERS {
            let alike = Alike::of(kind, ways);
            let bank = &alike.bank;
            let listed = bank.odd(ways, &["pending"]).json();
            assert_eq!(
                (listed.as_array().unwrap().len(), &listed[0]["id"]),
                (1, &(*alike.id).into()),
                "{listed:#}"
            );
            bank.odd(ways, &["resume", "--id", &alike.id, "--out", "again.pem"]).json();
            assert_eq!(bank.read("again.pem"), bank.read("request.pem"));
            bank.odd(ways, &["resume", "--id", &alike.id, "--sign-again", "--out", "new.pem"]).json();
            let key = |name| ParsedRequest::parse(&bank.read(name)).unwrap().spki;
            assert_eq!(key("new.pem"), key("request.pem"));
            bank.soft.snapshot().assert_same_as(&alike.both);
            let done = bank.renew_oddly(ways, &["--resume"]).json();
            assert_eq!(done["credential"]["id"], *alike.id, "{done:#}");
            alike.assert_foreign_stays();
            let daily = bank.odd(ways, &["renew", "--issuer", "touch asked; false"]).json();
            assert_eq!(daily["already_renewed"], true, "{daily:#}");
            assert!(!bank.file("asked").exists());
            alike.assert_foreign_stays();

            for named in [&["--id", "ID"][..], &[]] {
                let alike = Alike::of(kind, ways);
                let named: Vec<&str> =
                    named.iter().map(|word| if *word == "ID" { &*alike.id } else { word }).collect();
                alike.bank.odd(ways, &[&["abandon", "--yes"][..], &named].concat()).json();
                alike.assert_foreign_stays();
                let now = alike.bank.soft.snapshot();
                assert_eq!(
                    now.added_since(&alike.bank.before),
                    alike.both.added_since(&alike.ours),
                    "{now:?}"
                );
            }
        }
    }
}

/// Without the request nothing tells them apart, and no command is named that would be refused again.
#[test]
fn without_the_request_nothing_is_said_of_two_keys_alike() {
    for ways in ORDERS {
        let alike = Alike::of(Kind::P256, ways);
        std::fs::remove_dir_all(alike.bank.file("state")).unwrap();
        for command in [
            &["abandon", "--yes", "--id", &alike.id][..],
            &["resume", "--sign-again", "--id", &alike.id, "--out", "again.pem"],
        ] {
            let error = alike.bank.odd(ways, command).failed(Code::KeysAlike);
            assert!(error["facts"]["go_on"].is_null() && error["hint"].is_null(), "{error:#}");
        }
        alike.bank.soft.snapshot().assert_same_as(&alike.both);
    }
}

/// Somebody's key stands under the identifier of the old one: the one that signs for the certificate signs the request. When the login is
/// lost, no other is tried.
#[test]
fn the_old_key_signs_the_request_whatever_stands_beside_it() {
    let request = ["request", "--form", "cms", "--out", "request.der"];
    for ways in ORDERS {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &bank.old.id, "theirs"));
        let before = bank.soft.snapshot();
        bank.odd(&format!("logged-out-after=1,{ways}"), &request).failed(Code::LoginLost);
        assert_eq!(bank.noted("sign"), 2, "{ways}");
        for key in bank.odd("", &["pending"]).json().as_array().unwrap() {
            bank.odd("", &["abandon", "--yes", "--id", key["id"].as_str().unwrap()]).json();
        }
        bank.soft.snapshot().assert_same_as(&before);
        bank.odd(ways, &request).json();
        bank.soft.snapshot().assert_keeps(&before);
    }
}
