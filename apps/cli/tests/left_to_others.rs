//! Once ours is renewed and the old one gone: what other programs, other banks and other firms then have on the token is left to them.

mod common;

use common::way_on::{lines, run};
use common::{Stage, hex};
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now, serial_hex};

/// A stage on which the daily line has renewed the credential and removed the old one.
fn replaced(named: &[&str]) -> Stage {
    let stage = Stage::new();
    assert_eq!(stage.daily(named).json()["retired"], true);
    stage
}

/// Another program renews its own, on its key or on ours. A run every day that names nothing leaves that alone, says so, and is right.
#[test]
fn what_another_program_has_renewed_stays_until_it_is_named() {
    let other = TestCa::new();
    let vpn = NameDer::new().organization(Text::Utf8, "VPN").common(Text::Utf8, "taro").to_der();
    for (on_our_key, days) in [(false, [20, 800]), (false, [200, 800]), (true, [20, 800])] {
        let stage = replaced(&[]);
        let ours = stage.token.snapshot();
        let (id, spki) = match on_our_key {
            true => (stage.renewed().0, stage.renewed().1.public_key().spki_der().to_vec()),
            false => (
                vec![0x77],
                stage.token.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0x77], "vpn")),
            ),
        };
        let ends = days.map(days_from_now);
        let written = ends.map(|end| other.issue(&vpn, &spki).not_after(end).der());
        for der in &written {
            stage.token.inspect(|inspector| inspector.write_certificate(der, &id, "vpn"));
        }
        stage.token.inspect(|inspector| inspector.write_certificate(other.issuing(), b"ca", "VPN CA"));
        let before = stage.token.snapshot();
        let said = stage.daily(&[]);
        assert_eq!(said.code, 0, "{said:?}");
        stage.token.snapshot().assert_same_as(&before);
        let told = said.json()["notices"].to_string();
        assert!(told.contains("renewed_by_another_program"), "{said:?}");

        let old = serial_hex(&written[0]);
        let retire = stage.run(&["retire", "--yes", "--serial", &old]);
        assert_eq!(retire.json()["retired"]["serial"], old, "{retire:?}");
        stage.token.snapshot().assert_keeps(&ours);
    }
}

/// What is younger than ours and ends earlier was not renewed by it, though both are of one CA, name and key.
#[test]
fn a_younger_certificate_that_ends_earlier_is_no_older_one_of_ours() {
    let stage = replaced(&[]);
    let (id, ours) = stage.renewed();
    let issue = stage.ca.issue(ours.subject().der(), ours.public_key().spki_der());
    let der = issue.not_after(days_from_now(100)).der();
    stage.token.inspect(|inspector| inspector.write_certificate(&der, &id, "code"));
    let before = stage.token.snapshot();
    let said = stage.daily(&[]);
    assert_eq!(said.code, 0, "{said:?}");
    stage.token.snapshot().assert_same_as(&before);
}

/// Two banks may give one serial number. What had it when the line was written was removed here; the other bank's is another matter.
#[test]
fn a_number_that_was_removed_here_names_no_other_banks_certificate() {
    let stage = Stage::new();
    let serial = stage.serial();
    let named = ["--serial", &serial];
    assert_eq!(stage.daily(&named).json()["retired"], true);
    let spki = stage.token.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0x66], "bank 2"));
    let der = stage.twin_for(&spki, 20);
    stage.token.inspect(|inspector| inspector.write_certificate(&der, &[0x66], "bank 2"));
    let before = stage.token.snapshot();
    let said = stage.daily(&named).json();
    assert_eq!(said["already_renewed"], true, "{said:#}");
    stage.token.snapshot().assert_same_as(&before);
    let said = stage.run(&["retire", "--yes", "--serial", &serial]).json();
    assert_eq!(said["already_removed"], true, "{said:#}");
    stage.token.snapshot().assert_same_as(&before);
    // By its fingerprint the other one is meant.
    let name = format!("sha256:{}", hex(&usbtoken::Certificate::from_der(&der).unwrap().fingerprint()));
    stage.run(&["renew", "--serial", &name, "--issuer", &stage.issuer(&[])]).succeeded();
    stage.token.snapshot().assert_keeps(&before);
}

/// Another firm's certificate in the place of ours, for its key: that it takes that place cannot be said where the rule forbids its name.
#[test]
fn what_the_rule_forbids_is_not_named_as_the_successor() {
    let stage = replaced(&[]);
    let (id, ours) = stage.renewed();
    let label = stage.token.snapshot().with_id(&id).next().unwrap().label.clone();
    let mail = NameDer::new().organization(Text::Utf8, "Mail").common(Text::Utf8, "taro").to_der();
    let issue = stage.ca.issue(&mail, ours.public_key().spki_der());
    let der = issue.not_after(days_from_now(800)).der();
    stage.token.inspect(|inspector| inspector.write_certificate(&der, &id, &label));
    let before = stage.token.snapshot();
    let said = stage.daily(&[]);
    let lines = lines(&said);
    assert!(!lines.iter().any(|line| line.contains(" retire ")), "{said:?}");
    for line in lines {
        run(&stage, &line);
    }
    stage.token.snapshot().assert_keeps(&before);
}
