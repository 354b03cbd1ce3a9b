//! A driver that tells for every public key, or every certificate, with one CKA_ID the value of one of them: what is another program's
//! stays, whatever is told of it, and what nothing tells apart stays too.

use base16ct::lower::encode_string as hex;
use usbtoken::Code;
use usbtoken_testkit::{Kind, Object, Snapshot, SoftKey, TestCa, days_from_now};

use crate::common::{Bank, Said};

/// The class of a public key in a snapshot.
const PUBLIC: &str = "CKO_PUBLIC_KEY";

/// A token with a foreign pair under CKA_ID and label of what is to go.
struct Twins {
    bank: Bank,
    id: Vec<u8>,
    foreign: Vec<Object>,
    ours: Object,
}

fn value(object: &Object) -> &[u8] {
    ["EcPoint", "Modulus", "Value"]
        .into_iter()
        .find_map(|name| object.bytes(name))
        .unwrap_or_else(|| panic!("{object:?}"))
}

fn the<'a>(snapshot: &'a Snapshot, class: &'a str, id: &'a [u8]) -> &'a Object {
    snapshot.of_class(class).find(|object| object.id == id).unwrap()
}

/// What the driver does that tells this value for all of them with one CKA_ID.
fn alike(what: &str, value: &[u8]) -> String {
    format!("{what}-alike=0x{}", hex(&value[value.len() - 4..]))
}

impl Twins {
    /// Of the old credential, which is renewed.
    fn of_old(kind: Kind) -> Self {
        let bank = Bank::of(kind, days_from_now(11));
        bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        let (id, label) = (bank.old.id.clone(), the(&bank.before, PUBLIC, &bank.old.id).label.clone());
        Self::beside(bank, id, &label)
    }

    /// Of a job that waits.
    fn of_job(kind: Kind) -> Self {
        let bank = Bank::of(kind, days_from_now(11));
        bank.run(&["request", "--out", "request.pem"]).json();
        let new = bank.soft.snapshot();
        let new = new.added_since(&bank.before)[0].clone();
        Self::beside(bank, new.id, &new.label)
    }

    fn beside(bank: Bank, id: Vec<u8>, label: &str) -> Self {
        let before = bank.soft.snapshot();
        let ours = the(&before, PUBLIC, &id).clone();
        let kind = if ours.bytes("Modulus").is_some() { Kind::Rsa2048 } else { Kind::P256 };
        bank.soft.inspect(|inspector| inspector.generate_pair_beside(kind, &id, label));
        let foreign = bank.soft.snapshot().added_since(&before).into_iter().cloned().collect();
        Twins { bank, id, foreign, ours }
    }

    /// All are told as this one, and it verifies so.
    fn told_as(object: &Object, verifies: &str) -> String {
        format!("{}{verifies}", alike("public-keys", value(object)))
    }

    fn foreign_public(&self) -> &Object {
        self.foreign.iter().find(|object| object.class == PUBLIC).unwrap()
    }

    fn retire(&self, ways: &str) -> Said {
        let anchor = self.bank.anchor();
        self.bank.odd(ways, &["retire", "--yes", "--id", &hex(&self.id), "--trust-anchor", &anchor])
    }

    #[track_caller]
    fn assert_foreign_stays(&self, what: &str) {
        let now = self.bank.soft.snapshot();
        for object in &self.foreign {
            assert!(now.objects().contains(object), "{what}: {object}: {now:?}");
        }
    }

    fn has_ours(&self) -> bool {
        self.bank.soft.snapshot().objects().contains(&self.ours)
    }
}

/// What verifies with that very handle goes, whatever is told of it.
#[test]
fn the_public_key_that_verifies_goes_and_a_foreign_one_that_is_told_so_stays() {
    for (kind, told) in
        [(Kind::P256, ""), (Kind::P256, "ours"), (Kind::Rsa2048, "ours"), (Kind::P256, "foreign")]
    {
        let twins = Twins::of_old(kind);
        let ways = match told {
            "" => String::new(),
            "ours" => Twins::told_as(&twins.ours, ""),
            _ => Twins::told_as(twins.foreign_public(), ""),
        };
        let done = twins.retire(&ways).json();
        assert_eq!(
            (&done["key_removed"], &done["notices"]),
            (&true.into(), &serde_json::json!([])),
            "{told}"
        );
        twins.assert_foreign_stays(told);
        let left = twins.bank.soft.snapshot().with_id(&twins.id).count();
        // What is told as another's value is none of the old certificate's.
        assert_eq!(left, if told == "foreign" { 3 } else { 2 }, "{told}: {done:#}");
    }
}

/// A driver that verifies with nothing, with everything, or as it tells shows nothing: both stay, and that is said.
#[test]
fn public_keys_that_nothing_tells_apart_stay_when_the_old_one_goes() {
    for verifies in ["0x54", "0x68", "1", "2"] {
        let twins = Twins::of_old(Kind::P256);
        let ways = Twins::told_as(&twins.ours, &format!(",verifies={verifies}"));
        let done = twins.retire(&ways).json();
        assert_eq!(done["key_removed"], true, "{verifies}: {done:#}");
        let notices = done["notices"].as_array().unwrap();
        assert!(!notices.is_empty(), "{verifies}: {done:#}");
        for notice in notices {
            assert_eq!(
                (&notice["name"], &notice["facts"]["id"][0]),
                (&"public_key_kept".into(), &"01".into())
            );
        }
        twins.assert_foreign_stays(verifies);
        assert!(twins.has_ours(), "{verifies}");
        assert_eq!(twins.bank.soft.snapshot().with_id(&twins.id).count(), 3, "{verifies}");
    }
}

/// A public key alone, of another program. A driver that takes every signature does not show that it is a copy of ours.
#[test]
fn a_foreign_public_key_that_takes_every_signature_stays() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    bank.soft.inspect(|inspector| {
        inspector.generate_pair(Kind::P256, &[0x77], "elsewhere");
        inspector.copy_public_key(&[0x77], &bank.old.id, "bank");
    });
    let before = bank.soft.snapshot();
    let public = |object: &&Object| object.class == PUBLIC && object.id == bank.old.id;
    let both: Vec<&Object> = before.objects().iter().filter(public).collect();
    assert_eq!(both.len(), 2);
    let ways = Twins::told_as(the(&bank.before, PUBLIC, &bank.old.id), ",verifies=1");
    let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
    let done = bank.odd(&ways, &retire).json();
    let notices = done["notices"].as_array().unwrap().iter().map(|notice| notice["name"].as_str().unwrap());
    assert_eq!(notices.collect::<Vec<_>>(), ["public_key_kept"; 2], "{done:#}");
    let now = bank.soft.snapshot();
    assert!(both.iter().all(|object| now.objects().contains(object)), "{now:?}");
    assert_eq!(now.with_id(&bank.old.id).count(), 2);
}

/// The same of a job that waits. Where nothing tells them apart nothing goes, and named by a person the private key alone.
#[test]
fn a_foreign_public_key_stays_when_a_job_is_abandoned() {
    let twins = Twins::of_job(Kind::P256);
    twins.bank.odd(&Twins::told_as(&twins.ours, ""), &["abandon", "--yes"]).json();
    twins.assert_foreign_stays("told as ours");
    assert!(!twins.has_ours());

    let twins = Twins::of_job(Kind::P256);
    let ways = Twins::told_as(&twins.ours, ",verifies=2");
    let before = twins.bank.soft.snapshot();
    let error = twins.bank.odd(&ways, &["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "public_keys_alike", "{error:#}");
    twins.bank.soft.snapshot().assert_same_as(&before);
}

/// Somebody's certificate under CKA_ID and label of the old one, which the driver reads as that: it is found by another value, and nothing
/// goes. Two that are the same go both, and where another's private key has the identifier neither does.
#[test]
fn a_foreign_certificate_that_is_told_as_the_old_one_stays() {
    let foreign = TestCa::new().issue(b"0\0", &SoftKey::generate(Kind::P256).spki()).der();
    for way in ["told alike", "the same", "the same beside a key"] {
        let bank = Bank::of(Kind::P256, days_from_now(11));
        bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        let (id, old) = (&bank.old.id, &bank.old.certificate);
        bank.soft.inspect(|inspector| {
            inspector.write_certificate(if way == "told alike" { &foreign } else { old }, id, "bank");
            if way == "the same beside a key" {
                inspector.generate_pair_beside(Kind::P256, id, "somebody else's");
            }
        });
        let before = bank.soft.snapshot();
        let ways = if way == "told alike" { alike("certificates", old) } else { String::new() };
        let said = bank.odd(&ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()]);
        if way == "the same" {
            said.json();
            assert_eq!(bank.soft.snapshot().with_id(id).count(), 0);
            bank.assert_others_unchanged();
            continue;
        }
        let error = said.failed(Code::RemovalDoubtful);
        let reason = if way == "told alike" { "object_changed" } else { "certificates_alike" };
        assert_eq!(error["facts"]["reason"][0], reason, "{way}: {error:#}");
        bank.soft.snapshot().assert_same_as(&before);
    }
}
