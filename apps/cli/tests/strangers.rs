//! Another program's certificate for our key, under our identifier and label, as programs write it that take the label of the key: it takes
//! no place by itself, is named to nobody as what follows, and stays.

mod common;

use base16ct::lower::encode_string as hex;
use common::{Outcome, Stage};
use serde_json::Value;
use usbtoken_testkit::{NameDer, Object, Snapshot, TestCa, Text, days_from_now, serial_hex};

const ANCHOR: [&str; 2] = ["--trust-anchor", "ca/ca.pem"];

/// Of whom the certificate is: the same CA for somebody else of the firm, the same CA for another firm, another CA for somebody of the firm, another CA for the very subject.
#[derive(Clone, Copy, Debug)]
enum Of {
    Name,
    Firm,
    Ca,
    CaOfOneName,
}

const ALL: [Of; 3] = [Of::Firm, Of::Ca, Of::CaOfOneName];

impl Stage {
    /// The bank's certificate, which the first run has written.
    fn banks(&self) -> Object {
        let now = self.token.snapshot();
        let banks = now.of_class("CKO_CERTIFICATE").find(|one| one.label.starts_with("ut2"));
        banks.expect("the new certificate").clone()
    }

    /// The other program's certificate; returns its serial number and the token.
    fn stranger(&self, of: Of, days: i64) -> (String, Snapshot) {
        let Object { id, label, .. } = self.banks();
        let banks = usbtoken::Certificate::from_der(self.banks().bytes("Value").unwrap()).unwrap();
        let spki = self.token.inspect(|inspector| inspector.public_key(&id));
        let other = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
        let firm = NameDer::new().organization(Text::Utf8, "Mail").common(Text::Utf8, "Taro").to_der();
        let stranger = TestCa::new();
        let issue = match of {
            Of::Name => self.ca.issue(&colleague(), &spki),
            Of::Firm => self.ca.issue(&firm, &spki),
            Of::Ca => stranger.issue(&colleague(), &spki).issuer(&other),
            Of::CaOfOneName => stranger.issue(banks.subject().der(), &spki).issuer(&other),
        };
        let der = issue.not_after(days_from_now(days)).der();
        let other_ca = stranger
            .issue(&other, &stranger.key().spki())
            .ca(true)
            .issuer(&other)
            .not_after(days_from_now(900));
        let other_ca = usbtoken::Certificate::from_der(&other_ca.der()).unwrap();
        self.write("other.pem", other_ca.to_pem().as_bytes());
        self.token.inspect(|inspector| inspector.write_certificate(&der, &id, &label));
        (serial_hex(&der), self.token.snapshot())
    }
}

/// Somebody else of the bank's customer.
fn colleague() -> Vec<u8> {
    colleague_named("Taro")
}

fn colleague_named(common: &str) -> Vec<u8> {
    let name = NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
    let name =
        name.unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4").unit(Text::Printable, "USB TOKEN");
    name.common(Text::Utf8, common).to_der()
}

fn go_on(error: &Value) -> Vec<String> {
    let lines = error["facts"]["go_on"].as_array().cloned().unwrap_or_default();
    lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// In the year after the renewal the daily run says what it says without the other certificate, whatever the line names.
#[test]
fn in_the_year_after_a_renewal_a_stranger_changes_nothing() {
    for (of, days) in
        ALL.into_iter().zip([800, 800, 800]).chain([(Of::Firm, 100), (Of::Name, 800), (Of::Name, 100)])
    {
        let stage = Stage::new();
        let issuer = stage.noted("365");
        let daily = [&["renew", "--retire-old", "--issuer", &issuer], &ANCHOR[..]].concat();
        stage.run(&daily).succeeded();
        let banks = stage.banks();
        let old = serial_hex(&stage.old.certificate);
        let (_, before) = stage.stranger(of, days);
        for _ in 0..2 {
            let said: Outcome = stage.run(&daily);
            assert_eq!(go_on(&said.failed("not_yet_renewable", 9)), Vec::<String>::new(), "{of:?}");
            for line in [&[&daily[..], &["--serial", &old]].concat(), &[&daily[..], &["--id", "01"]].concat()]
            {
                let done = stage.run(line).json();
                assert_eq!(done["already_renewed"], true, "{of:?}: {done:#}");
            }
            let new = serial_hex(banks.bytes("Value").unwrap());
            stage.run(&[&daily[..], &["--serial", &new]].concat()).failed("not_yet_renewable", 9);
            let retire = ["retire", "--yes", "--serial", &new];
            let said = stage.run(&[&retire[..], &ANCHOR].concat());
            assert_eq!((said.code, go_on(&said.error())), (9, Vec::new()), "{of:?}: {:#}", said.error());
        }
        stage.token.snapshot().assert_same_as(&before);
        assert_eq!(stage.orders(), 1);
    }
}

/// When the bank's window is open again its certificate is renewed, and the other one stays, with the key that it is for. A computer that
/// has not installed the bank's asks a person.
#[test]
fn in_the_next_window_the_banks_is_renewed_and_the_stranger_stays() {
    for of in ALL {
        let stage = Stage::new();
        let daily = |days: &str| {
            let issuer = stage.noted(days);
            stage.run(&[&["renew", "--retire-old", "--issuer", &issuer], &ANCHOR[..]].concat())
        };
        daily("20").succeeded();
        let banks = stage.banks();
        let (serial, before) = stage.stranger(of, 800);

        std::fs::rename(stage.file("state"), stage.file("elsewhere")).unwrap();
        let error = daily("365").failed("successor_doubtful", 9);
        let [line] = go_on(&error).try_into().unwrap();
        assert!(line.contains("--although-renewed") && !line.contains(&serial), "{of:?}: {line}");
        stage.token.snapshot().assert_same_as(&before);
        assert_eq!(stage.orders(), 1);
        let _ = std::fs::remove_dir_all(stage.file("state"));
        std::fs::rename(stage.file("elsewhere"), stage.file("state")).unwrap();

        let done = daily("365").json();
        assert_eq!(done["replaced"]["id"], hex(&banks.id), "{of:?}: {done:#}");
        assert_eq!(
            (&done["retired"], &done["key_removed"]),
            (&true.into(), &false.into()),
            "{of:?}: {done:#}"
        );
        let after = stage.token.snapshot();
        after.assert_keeps(&before.only(|object| object.bytes("Value") != banks.bytes("Value")));
        daily("365").failed("not_yet_renewable", 9);
        stage.token.snapshot().assert_same_as(&after);
        assert_eq!(stage.orders(), 2, "{of:?}");
    }
}

/// With the name of the bank's CA and another key of it: the computer that has installed the bank's renews that, with an anchor and without.
#[test]
fn what_only_has_the_name_of_the_ca_holds_no_renewal_up() {
    for (anchored, place) in [(true, &[1][..]), (false, &[1]), (false, &[9])] {
        let stage = Stage::new();
        let daily = |days: &str| {
            let issuer = stage.noted(days);
            let renew = ["renew", "--retire-old", "--issuer", &issuer];
            stage.run(&[&renew[..], if anchored { &ANCHOR[..] } else { &[] }].concat())
        };
        daily("20");
        let Object { id, label, .. } = stage.banks();
        let spki = stage.token.inspect(|inspector| inspector.public_key(&id));
        let issue = TestCa::new().issue(&stage.old.subject, &spki).not_after(days_from_now(800)).der();
        let id = if place == [1] { &id[..] } else { place };
        stage.token.inspect(|inspector| inspector.write_certificate(&issue, id, &label));
        let done = daily("365").result();
        assert!(!done["credential"].is_null(), "{anchored} {place:?}: {done:#}");
        assert_eq!(stage.orders(), 2);
        daily("365");
        assert_eq!(stage.orders(), 2);
        let now = stage.token.snapshot();
        assert!(now.objects().iter().any(|one| one.bytes("Value") == Some(&issue[..])));
    }
}

/// One that ends in its own window is no order of ours.
#[test]
fn nothing_is_ordered_for_a_stranger_on_our_key() {
    for of in ALL.into_iter().chain([Of::Name]) {
        let stage = Stage::new();
        let issuer = stage.noted("365");
        let daily = [&["renew", "--retire-old", "--issuer", &issuer], &ANCHOR[..]].concat();
        stage.run(&daily).succeeded();
        let (_, before) = stage.stranger(of, 10);
        stage.run(&daily).failed("not_yet_renewable", 9);
        stage.token.snapshot().assert_same_as(&before);
        // A computer that knows nothing of either asks a person, and names no command that removes one.
        std::fs::remove_dir_all(stage.file("state")).unwrap();
        let error =
            stage.run(&["renew", "--retire-old", "--issuer", &issuer]).failed("successor_doubtful", 9);
        assert!(go_on(&error).iter().all(|line| !line.contains("--successor")), "{error:#}");
        stage.token.snapshot().assert_same_as(&before);
        assert_eq!(stage.orders(), 1);
    }
}

/// A CA with a new name has issued it for the same key: whoever gives that CA's certificate says so.
#[test]
fn a_trust_anchor_says_that_it_is_a_renewal() {
    let stage = Stage::new();
    stage.run(&["renew", "--issuer", &stage.noted("20")]).succeeded();
    let (id, new) = (hex(&stage.banks().id), serial_hex(stage.banks().bytes("Value").unwrap()));
    let (_, before) = stage.stranger(Of::CaOfOneName, 800);
    let other_computer = || drop(std::fs::remove_dir_all(stage.file("state")));
    other_computer();
    let renew = ["renew", "--serial", &new, "--issuer", "false"];
    stage.run(&renew).failed("successor_doubtful", 9);
    other_computer();
    let vouched = stage.run(&[&renew[..], &["--trust-anchor", "other.pem"]].concat()).json();
    assert_eq!(vouched["already_renewed"], true, "{vouched:#}");
    stage.token.snapshot().assert_same_as(&before);
    // Nothing is removed without it, and with it the certificate alone.
    let retire = ["retire", "--yes", "--serial", &new];
    let said = stage.run(&retire);
    assert_eq!(said.code, 9, "{said:?}");
    stage.token.snapshot().assert_same_as(&before);
    let older = ["retire", "--yes", "--id", "01", "--trust-anchor", "ca/ca.pem"];
    stage.run(&older).succeeded();
    let done = stage.run(&[&retire[..], &["--trust-anchor", "other.pem"]].concat()).json();
    assert_eq!(done["key_removed"], false, "{done:#}");
    assert_eq!(
        stage.token.snapshot().of_class("CKO_CERTIFICATE").filter(|one| hex(&one.id) == id).count(),
        1
    );
}

impl Stage {
    /// Another holder's certificate for the key of the old one, from the same CA.
    fn holder(&self, name: &str, firm: bool, days: i64, label: Option<&str>) -> String {
        let now = self.token.snapshot();
        let old = serial_hex(&self.old.certificate);
        let is_old = |one: &&Object| one.bytes("Value").is_some_and(|der| serial_hex(der) == old);
        let place = now.of_class("CKO_CERTIFICATE").find(is_old).expect("the old certificate");
        let spki = self.token.inspect(|inspector| inspector.public_key(&place.id));
        let subject = match firm {
            true => colleague_named(name),
            false => NameDer::new().organization(Text::Utf8, "Mail").common(Text::Utf8, name).to_der(),
        };
        let der = self.ca.issue(&subject, &spki).not_after(days_from_now(days)).der();
        let label = label.unwrap_or(&place.label);
        self.token.inspect(|inspector| inspector.write_certificate(&der, &place.id, label));
        serial_hex(&der)
    }
}

/// Two that are due, on one key and in two names: neither takes the other's place, and nothing is ordered before a person names one.
#[test]
fn of_two_names_on_one_key_none_is_chosen() {
    for firm in [true, false] {
        let stage = Stage::new();
        let issuer = stage.noted("365");
        let (old, other) = (serial_hex(&stage.old.certificate), stage.holder("Mail", firm, 19, None));
        let before = stage.token.snapshot();
        let daily = ["renew", "--retire-old", "--issuer", &issuer];
        let lines: [&[&str]; 2] = [&daily, &[&daily[..], &["--id", "01"]].concat()];
        for line in lines {
            let error = stage.run(line).error();
            assert_eq!(error["name"], "credential_ambiguous", "{firm}: {error:#}");
            let named = error["facts"]["candidate"].to_string();
            assert!(named.contains(&old) && named.contains(&other), "{firm}: {named}");
            stage.token.snapshot().assert_same_as(&before);
        }
        assert_eq!(stage.orders(), 0);
        // The one that is named, or what its error names, ends it.
        let error =
            stage.run(&["renew", "--issuer", &issuer, "--serial", &old]).failed("successor_doubtful", 9);
        let line = go_on(&error).into_iter().find(|line| line.contains("--although-renewed")).unwrap();
        assert!(line.contains(&old), "{line}");
        let named = ["renew", "--issuer", &issuer, "--although-renewed", "--serial", &old];
        let done = stage.run(&named).json();
        assert_eq!(done["replaced"]["serial"], old.as_str(), "{done:#}");
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        // Renewed is renewed: nothing is ordered for the other one, and nothing removed.
        let done = stage.run(&["renew", "--issuer", &issuer]).json();
        assert_eq!(done["already_renewed"], true, "{firm}: {done:#}");
        stage.token.snapshot().assert_same_as(&after);
        assert_eq!(stage.orders(), 1);
    }
}

/// Once ours is renewed the daily run says nothing of two certificates of another firm on the old key, whether ours is there or gone.
#[test]
fn two_of_another_firm_on_the_old_key_stop_no_daily_run() {
    for retire in [false, true] {
        let stage = Stage::new();
        let issuer = stage.noted("365");
        let line = [&["renew", "--issuer", &issuer], &ANCHOR[..]].concat();
        let daily = if retire { [&line[..], &["--retire-old"]].concat() } else { line };
        let others =
            [("Mail1", 16), ("Mail2", 800)].map(|(name, days)| stage.holder(name, false, days, Some("mail")));
        // Which of the two that are due is the bank's, a person says once.
        let error = stage.run(&daily).error();
        assert_eq!(error["name"], "credential_ambiguous", "{error:#}");
        let old = serial_hex(&stage.old.certificate);
        stage.run(&[&daily[..], &["--serial", &old]].concat()).succeeded();
        let before = stage.token.snapshot();
        assert_eq!(stage.orders(), 1);
        for _ in 0..2 {
            let said = stage.run(&daily);
            match retire {
                true => {
                    let error = said.failed("not_yet_renewable", 9);
                    assert_eq!(go_on(&error), Vec::<String>::new());
                    assert!(
                        others.iter().all(|other| error["facts"]["serial"] != other.as_str()),
                        "{error:#}"
                    );
                }
                false => assert_eq!(said.json()["already_renewed"], true),
            }
            stage.token.snapshot().assert_same_as(&before);
        }
        assert_eq!(stage.orders(), 1);
    }
}
