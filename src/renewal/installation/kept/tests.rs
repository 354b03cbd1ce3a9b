//! What one process keeps in the folder, as another one reads it; and what it does not believe.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown, symlink};

use tempfile::TempDir;
use usbtoken_testkit::TestCa;

use super::*;
use crate::contents::{Caller, Record};

const TODAY: Date = Date::constant(2026, 11, 27);

/// Of a record, in bytes.
const MOST: u64 = 65_536;

fn certificate() -> Certificate {
    Certificate::from_der(TestCa::new().root()).unwrap()
}

fn token() -> TokenIdentity {
    let text = str::to_owned;
    TokenIdentity { label: text("BANK"), manufacturer: text("M"), model: text("V"), serial: text("1") }
}

/// A folder that is not there yet, and the certificate that something is kept of.
struct Desk {
    place: TempDir,
    certificate: Certificate,
}

impl Desk {
    fn new() -> Desk {
        Desk { place: tempfile::tempdir().unwrap(), certificate: certificate() }
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("state")
    }

    /// What any later process has: the name of the folder.
    fn kept(&self) -> KeptInstallations {
        KeptInstallations::in_folder(self.folder())
    }

    /// A file of this user alone, in a folder of this user alone.
    fn write(&self, path: &Path, bytes: &[u8]) {
        if !self.folder().exists() {
            fs::DirBuilder::new().mode(0o700).create(self.folder()).unwrap();
        }
        fs::write(path, bytes).unwrap();
        open_to(path, 0o600);
    }

    fn path(&self) -> PathBuf {
        self.kept().path(&self.certificate)
    }

    fn record(&self) -> Installation {
        Installation::new(&self.certificate, TODAY)
    }

    /// What a later process takes from it on this day.
    fn read(&self, today: Date) -> Said {
        match self.kept().of(&self.certificate, today) {
            Kept::Nothing => Said::Nothing,
            Kept::Record(record) => Said::Record(record),
            Kept::Unusable(record) => Said::Unusable(record),
        }
    }

    fn files(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(self.folder()).unwrap().map(name).collect()
    }
}

#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Record(Installation),
    Unusable(Installation),
}

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_record_is_read_by_a_later_process() {
    let desk = Desk::new();
    assert_eq!(desk.read(TODAY), Said::Nothing);
    desk.kept().keep(&desk.record()).unwrap();
    assert_eq!(desk.read(TODAY), Said::Record(desk.record()));
    assert_eq!(desk.read(TODAY.tomorrow().unwrap()), Said::Record(desk.record()));
    assert_eq!(desk.files(), [format!("{}.installed", fingerprint(&desk.certificate))]);
    assert_eq!((mode(&desk.folder()), mode(&desk.path())), (0o700, 0o600));
    // It says nothing of another certificate.
    assert!(matches!(desk.kept().of(&certificate(), TODAY), Kept::Nothing));
}

/// A clock that was ahead has written it: it counts from today on, and says still what it was issued for.
#[test]
fn a_day_that_has_not_come_is_not_believed() {
    let desk = Desk::new();
    let record = desk.record().in_place_of(&certificate(), true);
    desk.kept().keep(&record).unwrap();
    let yesterday = TODAY.yesterday().unwrap();
    assert_eq!(desk.read(yesterday), Said::Unusable(Installation { day: yesterday, ..record }));
}

/// Below a file nothing can be kept, and so nothing is.
#[test]
fn below_a_file_there_is_nothing() {
    let desk = Desk::new();
    fs::write(desk.folder(), b"").unwrap();
    assert_eq!(desk.read(TODAY), Said::Nothing);
    desk.kept().keep(&desk.record()).unwrap_err();
}

/// Something is there, so that it was installed; the day is none that anybody can rely on.
#[test]
fn what_cannot_be_believed_counts_as_of_today() {
    let other = Installation::new(&certificate(), TODAY.yesterday().unwrap());
    let earlier = |desk: &Desk| Installation::new(&desk.certificate, TODAY.yesterday().unwrap());
    let json = |record: &Installation| serde_json::to_vec(record).unwrap();
    type Make<'m> = &'m dyn Fn(&Desk);
    let ways: [(&str, Make<'_>); 9] = [
        ("no record", &|desk| desk.write(&desk.path(), b"{}")),
        ("of another certificate", &|desk| desk.write(&desk.path(), &json(&other))),
        ("of another version", &|desk| {
            desk.write(&desk.path(), &json(&Installation { version: VERSION + 1, ..earlier(desk) }));
        }),
        ("read by others", &|desk| {
            desk.write(&desk.path(), &json(&earlier(desk)));
            open_to(&desk.path(), 0o604);
        }),
        ("written by a group", &|desk| {
            desk.write(&desk.path(), &json(&earlier(desk)));
            open_to(&desk.path(), 0o620);
        }),
        ("a link", &|desk| {
            let elsewhere = desk.place.path().join("elsewhere");
            desk.write(&elsewhere, &json(&earlier(desk)));
            symlink(elsewhere, desk.path()).unwrap();
        }),
        ("a folder", &|desk| fs::DirBuilder::new().mode(0o700).recursive(true).create(desk.path()).unwrap()),
        ("a named pipe that nobody writes to", &|desk| {
            desk.write(&desk.path(), b"");
            fs::remove_file(desk.path()).unwrap();
            let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(desk.path()).status();
            assert!(made.unwrap().success());
        }),
        ("larger than any record", &|desk| desk.write(&desk.path(), &padded(&earlier(desk), MOST + 1))),
    ];
    for (what, make) in ways {
        let desk = Desk::new();
        make(&desk);
        assert_eq!(desk.read(TODAY), Said::Unusable(desk.record()), "{what}");
    }
    // What is as large as may be is read whole.
    let desk = Desk::new();
    desk.write(&desk.path(), &padded(&earlier(&desk), MOST));
    assert_eq!(desk.read(TODAY), Said::Record(earlier(&desk)));
}

fn padded(record: &Installation, length: u64) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(record).unwrap();
    bytes.resize(length.try_into().unwrap(), b' ');
    bytes
}

/// Only root can give a file away; anybody else has some of root's at hand.
#[test]
fn a_file_of_another_user_is_not_believed() {
    let desk = Desk::new();
    let other = match rustix::process::geteuid().is_root() {
        true => {
            desk.write(&desk.path(), &serde_json::to_vec(&desk.record()).unwrap());
            chown(desk.path(), Some(65_534), None).unwrap();
            assert_eq!(
                desk.read(TODAY.tomorrow().unwrap()),
                Said::Unusable(Installation { day: TODAY.tomorrow().unwrap(), ..desk.record() })
            );
            desk.path()
        }
        false => PathBuf::from("/"),
    };
    let error = check_own(&fs::metadata(other).unwrap()).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (io::ErrorKind::PermissionDenied, "of_another_user")
    );
}

/// Whoever can write in the folder could put a record of theirs in the place of ours.
#[test]
fn nothing_is_kept_in_a_folder_that_is_open_to_others() {
    for open in [0o701, 0o770, 0o777] {
        let desk = Desk::new();
        fs::create_dir(desk.folder()).unwrap();
        open_to(&desk.folder(), open);
        let error = desk.kept().keep(&desk.record()).unwrap_err();
        assert_eq!(error.to_string(), "open_to_others", "{open:o}");
        assert_eq!(desk.files(), [""; 0]);
    }
    // A link can be made to lead elsewhere later.
    let desk = Desk::new();
    let elsewhere = desk.place.path().join("elsewhere");
    fs::DirBuilder::new().mode(0o700).create(&elsewhere).unwrap();
    symlink(elsewhere, desk.folder()).unwrap();
    desk.kept().keep(&desk.record()).unwrap_err();
    assert_eq!(desk.files(), [""; 0]);
}

#[test]
fn a_removal_that_has_begun_is_known_until_it_ends() {
    let (desk, other, new) = (Desk::new(), certificate(), certificate());
    let begun = |one: &Certificate| desk.kept().begun_removal(one);
    let begin = |one: &Certificate, id: &[u8], labels: &[&[u8]]| {
        let labels: Vec<Vec<u8>> = labels.iter().map(|label| label.to_vec()).collect();
        desk.kept().begin_removal(&token(), (one, id, &labels), (&new, true));
    };
    assert!(begun(&desk.certificate).is_none() && desk.kept().begun_removals(&token()).is_empty());
    begin(&desk.certificate, &[0x0a, 0xff], &[b"one"]);
    assert_eq!(begun(&desk.certificate), Some(vec![0x0a, 0xff]));
    assert_eq!(begun(&other), None);
    begin(&other, b"other", &[]);
    desk.kept().end_removal(&fingerprint(&other));
    assert_eq!((begun(&desk.certificate), begun(&other)), (Some(vec![0x0a, 0xff]), None));
    assert_eq!(desk.files(), [format!("{}.retiring", fingerprint(&desk.certificate))]);
    // Of it nothing says that the certificate was installed.
    assert_eq!(desk.read(TODAY), Said::Nothing);

    // One that goes on has lost its key with the label, which is known still.
    begin(&desk.certificate, &[0x0a, 0xff], &[b"two"]);
    let [removal] = desk.kept().begun_removals(&token()).try_into().unwrap();
    assert_eq!((removal.id, removal.by), (vec![0x0a, 0xff], new.clone()));
    assert_eq!(removal.serial, desk.certificate.serial().to_string());
    assert_eq!(removal.fingerprint, fingerprint(&desk.certificate));
    assert_eq!(removal.labels, [b"one".to_vec(), b"two".to_vec()]);
    // What has shown who issued both counts for these two alone.
    assert!(desk.kept().begun_for_one_issuer(&desk.certificate, &new));
    assert!(!desk.kept().begun_for_one_issuer(&desk.certificate, &other));
    // On another token nothing has begun, and what begins there has labels of its own.
    let elsewhere = TokenIdentity { serial: "2".to_owned(), ..token() };
    assert!(desk.kept().begun_removals(&elsewhere).is_empty());
    desk.kept().begin_removal(&elsewhere, (&desk.certificate, b"x", &[b"three".to_vec()]), (&new, false));
    // A copy that somebody keeps beside it is no second one.
    let path = desk.folder().join(format!("{}.retiring", fingerprint(&desk.certificate)));
    fs::copy(&path, path.with_extension("bak")).unwrap();
    let [removal] = desk.kept().begun_removals(&elsewhere).try_into().unwrap();
    assert_eq!(removal.labels, [b"three".to_vec()]);
    assert!(!desk.kept().begun_for_one_issuer(&desk.certificate, &new));
}

#[test]
fn a_removal_in_other_words_has_not_begun() {
    for kept in [
        &br#"{"version": 2, "id": "0aff"}"#[..],
        br#"{"version": 1, "id": "no"}"#,
        br#"{"version": 1, "id": "0aff", "more": 1}"#,
        b"",
    ] {
        let desk = Desk::new();
        desk.write(&desk.folder().join(format!("{}.retiring", fingerprint(&desk.certificate))), kept);
        assert_eq!(desk.kept().begun_removal(&desk.certificate), None);
        assert!(desk.kept().begun_removals(&token()).is_empty());
    }
}

#[test]
fn where_a_certificate_was_renewed_onto_another_token_is_known() {
    let (desk, new) = (Desk::new(), certificate());
    for shows in [true, false] {
        desk.kept().note_renewed(&desk.certificate, &token(), &new, shows);
        let renewed = desk.kept().renewed_onto(&desk.certificate).unwrap();
        assert_eq!((renewed.token, renewed.by, renewed.shows_without_login), (token(), new.clone(), shows));
        assert!(desk.kept().renewed_onto(&new).is_none());
    }
    assert_eq!(desk.files(), [format!("{}.renewed", fingerprint(&desk.certificate))]);
}

/// The key of a request is that of its record alone; what cannot be believed says nothing.
#[test]
fn for_which_key_a_request_is_is_kept() {
    let desk = Desk::new();
    let (kept, key) = (desk.kept(), desk.certificate.public_key().clone());
    let record = Record::new(TODAY, None, &Caller::Command).unwrap();
    let (one, two) = (record.label(), b"ut2p two".as_slice());
    assert_eq!(kept.requested(one), None);
    kept.note_request(&token(), b"id", one, &key);
    assert_eq!(desk.kept().requested(one), Some(key.clone()));
    assert_eq!(desk.kept().requested(two), None);
    let [request] = desk.kept().requests(&token()).try_into().unwrap();
    assert_eq!((request.id(), request.label(), request.public_key()), (b"id".as_slice(), one, &key));
    assert!(!request.is_ended());
    let elsewhere = TokenIdentity { serial: "2".to_owned(), ..token() };
    assert!(desk.kept().requests(&elsewhere).is_empty());
    let file = fs::read_dir(desk.folder()).unwrap().next().unwrap().unwrap().path();
    let written = fs::read_to_string(&file).unwrap();
    for other in
        [written.replace("\"version\": 1", "\"version\": 2"), written.replace("30", "zz"), String::new()]
    {
        desk.write(&file, other.as_bytes());
        assert_eq!(desk.kept().requested(one), None, "{other}");
        assert!(desk.kept().requests(&token()).is_empty(), "{other}");
    }
    desk.write(&file, written.as_bytes());
    // For which key it was stays known when the job has ended.
    kept.end_request(one);
    kept.end_request(two);
    assert!(desk.kept().request_of(&token(), one).is_some_and(|request| request.is_ended()));
    assert_eq!((desk.kept().requested(one), desk.files().len()), (Some(key), 1));
    open_to(&file, 0o644);
    assert_eq!(desk.kept().requested(one), None, "others may have written it");
    kept.forget_request(one);
    assert!(desk.files().is_empty());
}
