//! `usbtoken confirm` where several certificates may be meant: the one that this computer has installed and not confirmed.

mod common;

use common::Stage;
use common::login::{DEMANDS, confirm, renewed};
use common::servers;
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now};

impl Stage {
    /// A colleague's credential, of the bank's CA.
    fn colleague(&self, id: &[u8], days: i64) {
        let name = NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
        let name =
            name.unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4").unit(Text::Printable, "USB TOKEN");
        let name = name.common(Text::Utf8, "Taro").to_der();
        let spki = self.token.inspect(|inspector| inspector.generate_pair(Kind::P256, id, "taro"));
        let der = self.ca.issue(&name, &spki).not_after(days_from_now(days)).der();
        self.token.inspect(|inspector| inspector.write_certificate(&der, id, "taro"));
    }

    fn installed(&self) -> String {
        let list = self.run(&["list"]).json();
        let ours = list.as_array().unwrap().iter().find(|one| one["id"].as_str().unwrap().len() == 40);
        ours.expect("the new one")["serial"].as_str().unwrap().to_owned()
    }
}

/// The day after the renewal: the old one has gone, and another user's certificate is on the token.
#[test]
fn the_one_is_meant_that_was_installed_here() {
    let stage = renewed(Kind::P256);
    stage.run(&["retire", "--yes", "--id", "01", "--trust-anchor", "ca/ca.pem"]).succeeded();
    let new = stage.installed();
    stage.colleague(&[7], 200);
    let server = servers::nginx(&stage, DEMANDS);
    // Also once more, and by name whatever was installed.
    for _ in 0..2 {
        assert_eq!(confirm(&stage, &server, &[]).json()["credential"]["serial"], new);
    }
    assert_eq!(confirm(&stage, &server, &["--id", "07"]).json()["credential"]["id"], "07");
    // Another CA's on our key is none that was installed.
    let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
    let id = stage
        .token
        .snapshot()
        .of_class("CKO_CERTIFICATE")
        .find(|one| one.label.starts_with("ut2"))
        .unwrap()
        .id
        .clone();
    let spki = stage.token.inspect(|inspector| inspector.public_key(&id));
    let theirs = TestCa::new().issue(&other, &spki).issuer(&other).not_after(days_from_now(800)).der();
    stage.token.inspect(|inspector| inspector.write_certificate(&theirs, &[8], "vpn"));
    assert_eq!(confirm(&stage, &server, &[]).json()["credential"]["serial"], new);
    // A computer that has installed none of them asks for a name.
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    confirm(&stage, &server, &[]).failed("credential_ambiguous", 3);
}

/// Of two that were installed here the one that was not confirmed, also where the other has replaced one that is there still.
#[test]
fn of_two_that_were_installed_the_one_is_meant_that_was_not_confirmed() {
    let stage = renewed(Kind::P256);
    let first = stage.installed();
    stage.colleague(&[7], 11);
    let server = servers::nginx(&stage, DEMANDS);
    assert_eq!(confirm(&stage, &server, &[]).json()["credential"]["serial"], first);
    let second = stage.renew(&["--id", "07"], &["--days", "365"]).json()["credential"]["serial"].clone();
    assert_ne!(second, first);
    assert_eq!(confirm(&stage, &server, &[]).json()["credential"]["serial"], second);
    // Both are confirmed, and both have replaced one.
    confirm(&stage, &server, &[]).failed("credential_ambiguous", 3);
}
