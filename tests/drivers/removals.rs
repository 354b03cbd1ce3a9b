//! A removal that stops at any of its objects, by the end of the process or by a false answer: asked for again, in whatever way, it is done.

use std::path::PathBuf;

use base16ct::lower::encode_string as hex;
use usbtoken::renewal::Retire;
use usbtoken::{Code, Run};
use usbtoken_testkit::{Form, Kind, days_from_now, serial_hex};

use crate::common::{Bank, Said, credential, refused};

/// The folder for state of the command on this bank.
fn state(bank: &Bank) -> PathBuf {
    bank.file("state/usbtoken")
}

/// The removals of which nobody has seen that they came to their end.
fn begun(bank: &Bank) -> usize {
    let files = std::fs::read_dir(state(bank)).into_iter().flatten().flatten();
    files.filter(|file| file.path().extension().is_some_and(|end| end == "retiring")).count()
}

/// A bank whose user's old credential is renewed and there still.
fn renewed() -> Bank {
    let bank = Bank::of(Kind::P256, days_from_now(11));
    bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    bank
}

fn retire_oddly(bank: &Bank, ways: &str) -> Said {
    bank.odd(ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()])
}

fn assert_done(bank: &Bank, what: &str) {
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0, "{what}");
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

/// Killed after each of the three, and asked for again by each way to ask: it is ended, and again and again it is done.
#[test]
fn a_removal_that_was_killed_is_ended_by_asking_again() {
    for killed in 1..=3 {
        for again in ["retire by id", "retire by number", "renew by id", "renew by number", "uri", "label"] {
            let what = format!("{killed}: {again}");
            let bank = renewed();
            let said = retire_oddly(&bank, &format!("destroy-kills,destroy-at={killed}"));
            assert_eq!(said.exit, -1, "{what}: {said:?}");
            assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 3 - killed, "{what}");
            assert_eq!(begun(&bank), 1);
            let label = "bank";
            let (anchor, serial) = (bank.anchor(), serial_hex(&bank.old.certificate));
            let retire = ["retire", "--yes", "--trust-anchor", &anchor];
            let renew =
                ["renew", "--retire-old", "--trust-anchor", &anchor, "--issuer", "touch asked; false"];
            for day in 1..=3 {
                let done = match again {
                    "retire by id" => bank.run(&[&retire[..], &["--id", "01"]].concat()),
                    "retire by number" => bank.run(&[&retire[..], &["--serial", &serial]].concat()),
                    "renew by id" => bank.run(&[&renew[..], &["--id", "01"]].concat()),
                    "renew by number" => bank.run(&[&renew[..], &["--serial", &serial]].concat()),
                    "uri" => bank.run_on(&format!("{};id=%01", bank.soft.uri()), &retire),
                    _ => bank.run_on(&format!("{};object={label};type=private", bank.soft.uri()), &retire),
                };
                let done = done.json();
                if again.starts_with("renew") {
                    assert_eq!(done["retired"], true, "{what}: {done:#}");
                } else {
                    assert_eq!(done["already_removed"], day > 1 || killed == 3, "{what}: {done:#}");
                    assert_eq!(done["retired"]["serial"], *serial, "{what}: {done:#}");
                }
                let told = done["notices"].as_array().map_or(0, Vec::len);
                assert_eq!(told, 0, "the key had gone, and nothing else is wrong: {what}: {done:#}");
                assert_eq!(begun(&bank), 0, "{what}");
                assert_done(&bank, &what);
            }
            assert!(!bank.file("asked").exists());
        }
    }
}

/// The same within a renewal: the answer that was installed, given again, ends it too.
#[test]
fn a_renewal_that_was_killed_in_its_removal_is_ended_by_its_answer() {
    for killed in 1..=3 {
        let bank = Bank::of(Kind::P256, days_from_now(11));
        bank.run(&["request", "--out", "request.pem"]).json();
        bank.write("answer", &bank.ca.issue_for(&bank.read("request.pem")).der());
        let install = ["install", "answer", "--retire-old", "--trust-anchor", &bank.anchor()];
        let said = bank.odd(&format!("destroy-kills,destroy-at={killed}"), &install);
        assert_eq!(said.exit, -1, "{said:?}");
        let done = bank.run(&install).json();
        let flags = (&done["already_installed"], &done["retired"]);
        assert_eq!(flags, (&true.into(), &true.into()), "{killed}: {done:#}");
        assert_eq!(begun(&bank), 0);
        assert_done(&bank, "install");
        let daily = ["renew", "--id", "01", "--retire-old", "--issuer", "false"];
        assert_eq!(bank.run(&daily).json()["already_renewed"], true);
        assert_done(&bank, "the day after");
    }
}

/// Only the answer has the CA's certificate. Asked for again with it, by name or each day, the removal is ended, though no person says who
/// issued what.
#[test]
fn what_the_answer_has_shown_counts_when_it_is_asked_for_again() {
    // Killed when the certificate was written, or after one of the three.
    let ways = [
        (0, "install"),
        (2, "install"),
        (3, "install"),
        (2, "retire"),
        (0, "renew"),
        (2, "renew"),
        (0, "renew by itself"),
    ];
    for (killed, again) in ways {
        let what = format!("{killed}: {again}");
        let bank = Bank::of(Kind::P256, days_from_now(11));
        let (issuer, serial) = (bank.issuer("--form bundle"), serial_hex(&bank.old.certificate));
        let install = ["install", "answer", "--retire-old"];
        let said = if again == "renew by itself" {
            let renew = ["renew", "--retire-old", "--issuer", &issuer];
            bank.run_with_faults("C_CreateObject:exit-after", &renew)
        } else {
            bank.run(&["request", "--out", "request.pem"]).json();
            let new = bank.ca.issue_for(&bank.read("request.pem")).der();
            bank.write("answer", &bank.ca.answer(Form::Bundle, &new));
            let ways = match killed {
                0 => format!("dies-in-create={}", new.len()),
                _ => format!("destroy-kills,destroy-at={killed}"),
            };
            bank.odd(&ways, &install)
        };
        assert!(said.stdout.is_empty() && said.exit != 0, "{what}: {said:?}");
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 3 - killed, "{what}");
        let done = match again {
            "install" => bank.run(&install).json(),
            "retire" => bank.run(&["retire", "--yes", "--serial", &serial]).json(),
            "renew" => bank.run(&["renew", "--retire-old", "--serial", &serial, "--issuer", "false"]).json(),
            _ => bank.run(&["renew", "--retire-old", "--issuer", "false"]).json(),
        };
        assert!(again == "retire" || done["retired"] == true, "{what}: {done:#}");
        assert_eq!(begun(&bank), 0, "{what}");
        assert_done(&bank, &what);
    }
}

/// The driver does it, and answers that it failed: what is gone is gone, in the same run.
#[test]
fn what_has_gone_counts_whatever_was_answered() {
    for (answer, name) in
        [("0x30", "CKR_DEVICE_ERROR"), ("5", "CKR_GENERAL_ERROR"), ("0x50", "CKR_FUNCTION_CANCELED")]
    {
        for lost in 1..=3 {
            let (bank, ways) = (renewed(), format!("destroy-answers={answer},destroy-at={lost}"));
            let done = retire_oddly(&bank, &ways).json();
            assert_eq!(done["key_removed"], true, "{name} {lost}: {done:#}");
            assert_eq!(begun(&bank), 0);
            assert_done(&bank, name);
            let bank = Bank::of(Kind::P256, days_from_now(11));
            let done = bank.renew_oddly(&ways, &["--retire-old", "--trust-anchor", &bank.anchor()]).json();
            assert_eq!(done["retired"], true, "{name} {lost}: {done:#}");
            assert_done(&bank, name);
        }
        for lost in 1..=2 {
            let bank = Bank::alone(Kind::P256, days_from_now(11));
            bank.odd("", &["request", "--out", "request.pem"]).json();
            bank.odd(&format!("destroy-answers={answer},destroy-at={lost}"), &["abandon", "--yes"]).json();
            bank.soft.snapshot().assert_same_as(&bank.before);
        }
    }
}

/// Where what took its place is not there either, nothing is done.
#[test]
fn a_removal_is_not_ended_without_the_one_that_follows() {
    let bank = renewed();
    let new = bank.soft.snapshot().added_since(&bank.before)[0].id.clone();
    assert_eq!(retire_oddly(&bank, "destroy-kills,destroy-at=3").exit, -1);
    bank.soft.inspect(|inspector| inspector.destroy(&new));
    let left = bank.soft.snapshot();
    let serial = serial_hex(&bank.old.certificate);
    for line in [
        &["retire", "--yes", "--id", "01"][..],
        &["retire", "--yes", "--serial", &serial],
        &["renew", "--retire-old", "--id", "01", "--issuer", "touch asked; false"],
    ] {
        let error = bank.run(line).failed(Code::CredentialNotFound);
        assert_eq!(error["facts"]["reason"][0], "follower_not_there", "{line:?}: {error:#}");
        bank.soft.snapshot().assert_same_as(&left);
    }
    assert_eq!(begun(&bank), 1, "it is not known to have ended");
    assert!(!bank.file("asked").exists());
}

/// Killed with the last object, and another program writes a copy of the certificate under an identifier or with a label of its own: what was
/// to go has gone, and the copy stays until a person names it by its identifier.
#[test]
fn a_copy_of_what_has_gone_is_no_rest_of_it() {
    for (id, first) in [(0x88, "retire"), (0x88, "renew"), (0x01, "retire"), (0x01, "renew"), (0x01, "named")]
    {
        let what = format!("{id:x} {first}");
        let bank = renewed();
        assert_eq!(retire_oddly(&bank, "destroy-kills,destroy-at=3").exit, -1, "{what}");
        bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[id], "copy"));
        let left = bank.soft.snapshot();
        let (anchor, serial) = (bank.anchor(), serial_hex(&bank.old.certificate));
        let anchored = ["--trust-anchor", &anchor];
        let retire = [&["retire", "--yes", "--serial", &serial], &anchored[..]].concat();
        let renew = [&["renew", "--retire-old", "--issuer", "touch asked; false"], &anchored[..]].concat();
        let named = [&renew[..], &["--serial", &serial]].concat();
        let lines = match first {
            "retire" => [&retire, &renew, &named, &retire],
            "renew" => [&renew, &retire, &renew, &named],
            _ => [&named, &retire, &named, &retire],
        };
        for line in lines {
            let done = bank.run(line).json();
            if line[0] == "retire" {
                assert_eq!(done["already_removed"], true, "{what}: {line:?}: {done:#}");
            }
            let notices = done["notices"].as_array().map(Vec::as_slice).unwrap_or_default();
            let told = notices.iter().find(|notice| notice["name"] == "copy_kept");
            let ids = told.map(|notice| notice["facts"]["id"][0].clone());
            assert_eq!(ids, Some(format!("{id:02x}").into()), "{what}: {line:?}: {done:#}");
            bank.soft.snapshot().assert_same_as(&left);
        }
        assert!(!bank.file("asked").exists(), "{what}");
        let by_id = format!("{id:02x}");
        bank.run(&[&["retire", "--yes", "--id", &by_id], &anchored[..]].concat()).json();
        assert_eq!(bank.soft.snapshot().with_id(&[id]).count(), 0, "{what}");
        assert_done(&bank, &what);
    }
}

/// A program keeps what it has listed and asks again; another program's copy is not what it has chosen.
#[test]
fn a_program_that_asks_again_is_told_that_it_is_done() {
    for with_copy in [false, true] {
        let mut bank = Bank::of(Kind::P256, days_from_now(11));
        if with_copy {
            bank.soft
                .inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[0x55], "copy"));
            bank.before = bank.soft.snapshot();
        }
        bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        let old = credential(&bank.token(), &bank.old.id);
        assert_eq!(retire_oddly(&bank, "destroy-kills,destroy-at=3").exit, -1);
        let session = bank.session();
        let removal = Retire::of(&old, &bank.anchored());
        let left = bank.soft.snapshot();
        // Nobody has kept that it began.
        refused(removal.run(&session, &Run::default()), Code::CredentialNotFound);
        let run = Run::default().installations_in(state(&bank));
        let begun_here = run.begun_removals(session.token().identity());
        let [only] = begun_here.as_slice() else { panic!("one: {begun_here:?}") };
        assert_eq!((&only.id, &only.fingerprint), (&bank.old.id, &hex(&old.certificate().fingerprint())));
        let done = removal.run(&session, &run).unwrap();
        assert!(done.already_removed && !done.key_removed && !done.key_stays);
        assert_eq!(done.successor.certificate(), &only.by);
        assert!(!only.labels.is_empty() && done.labels == only.labels, "{done:?}");
        drop(session);
        assert_eq!(begun(&bank), 0);
        bank.soft.snapshot().assert_same_as(&left);
        assert_eq!(left.with_id(&[0x55]).count(), usize::from(with_copy));
        bank.assert_others_unchanged();
    }
}
