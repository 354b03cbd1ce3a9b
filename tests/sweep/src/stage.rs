//! Where cases are played: start states as folders with SoftHSM tokens, made once and copied for each case.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use usbtoken_testkit::{
    Folder, Kind, NameDer, Object, SoftKey, TestCa, Text, days_from_now, inspect, manual_subject, serial_hex,
    softhsm_module,
};

use super::keys::Keys;
use super::play::{PIN, Place, Programs, Told, URI};
use super::seen::Seen;

/// The CKA_ID of the old credential.
const OLD: &[u8] = &[1];
/// The identifiers of what is not ours.
const FOREIGN: [&[u8]; 4] = [&[0xf0], &[0xf1], &[0xf2], &[]];

/// What is on a token at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Start {
    /// The old credential, and what is not ours.
    Fresh,
    /// Also a key that waits for the CA's answer.
    Pending,
    /// Also its certificate; its key has not signed yet.
    Written,
    /// The old credential and a complete new one.
    Renewed,
    /// The new one, and what an interrupted removal left of the old one: certificate and private key.
    RetireInterrupted,
    /// As [`Start::Pending`], and strangers that look like it: see [`strangers`].
    PendingAmong,
    /// As [`Start::Renewed`], and strangers that look like both credentials.
    RenewedAmong,
}

/// A start state.
pub struct Begin {
    /// The folder that is copied.
    pub folder: PathBuf,
    /// What is on its token.
    pub seen: Seen,
    /// What strangers have added to it.
    strangers: Vec<Object>,
    /// The CA's answer for the key that is pending.
    pub answer: PathBuf,
    /// What was made once for all states of these keys.
    pub made: Made,
}

/// What the provisioning process tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    /// The token's serial number.
    pub serial: String,
    /// The serial number of the old certificate.
    pub old_serial: String,
}

impl Begin {
    /// The URI of the key that waits.
    pub fn waiting(&self) -> String {
        let is_its = |object: &&Object| has_record(object) && !self.strangers.contains(object);
        let id = self.seen.snapshot.objects().iter().find(is_its).map(|object| object.id.as_slice());
        let id: String = id.unwrap_or_default().iter().map(|byte| format!("%{byte:02x}")).collect();
        format!("{URI};id={id}")
    }

    /// What no one may touch: what is not ours, and the old credential; where that is being removed, the new one.
    pub fn kept(&self, retires: bool) -> Seen {
        let foreign =
            |object: &Object| FOREIGN.contains(&object.id.as_slice()) || self.strangers.contains(object);
        self.seen.only(|object| foreign(object) || if retires { !is_old(object) } else { is_old(object) })
    }
}

/// Whether the object carries the record of a job of ours.
pub fn has_record(object: &Object) -> bool {
    object.label.starts_with("ut2") && object.label.len() == 32
}

/// Whether the object belongs to the old credential.
pub fn is_old(object: &Object) -> bool {
    object.id == OLD
}

/// The folder of a sweep, and its start states.
pub struct Stage {
    root: tempfile::TempDir,
    /// The programs that take part.
    pub programs: Programs,
    begins: Mutex<HashMap<(Start, &'static str), Arc<Begin>>>,
}

impl Stage {
    /// A stage in memory where the system has room for files there, else in the folder for temporary files.
    pub fn new(sweep: &Path) -> Stage {
        let memory = Path::new("/dev/shm");
        let builder = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix("usbtoken-sweep-");
            builder
        };
        let root = builder().tempdir_in(memory).or_else(|_| builder().tempdir()).expect("a folder");
        let programs = Programs::gather(sweep, root.path());
        Stage { root, programs, begins: Mutex::default() }
    }

    /// A folder for one case.
    pub fn place(&self, name: &str) -> Place {
        Place::at(self.root.path().join("cases").join(name.replace('/', "-")))
    }

    /// The command that asks the test CA.
    pub fn issuer(&self) -> String {
        let (program, dir) = (self.programs.test_ca.display(), self.ca().display().to_string());
        format!("{program} --dir {dir}")
    }

    /// The file with the test CA's certificate.
    pub fn anchor(&self) -> String {
        words(&self.ca().join("ca.pem"))
    }

    fn ca(&self) -> PathBuf {
        self.root.path().join("ca")
    }

    /// The start state, made on the first call together with those that it comes from.
    pub fn begin(&self, start: Start, keys: Keys) -> Arc<Begin> {
        let mut begins = self.begins.lock().unwrap_or_else(PoisonError::into_inner);
        self.make(&mut begins, start, keys)
    }

    fn make(
        &self,
        begins: &mut HashMap<(Start, &'static str), Arc<Begin>>,
        start: Start,
        keys: Keys,
    ) -> Arc<Begin> {
        if let Some(begin) = begins.get(&(start, keys.name())) {
            return Arc::clone(begin);
        }
        let place = Place::at(self.root.path().join(format!("{start:?}-{}", keys.name())));
        let mut from = |earlier| self.make(begins, earlier, keys);
        let answer = place.path().join("answer.pem");
        let mut without_strangers = None;
        let (made, answer) = match start {
            Start::Fresh => (self.provision(&place, keys), answer),
            Start::Pending => {
                let fresh = from(Start::Fresh);
                place.copy_token(&fresh.folder, &fresh.made.serial);
                let request = place.path().join("request.pem");
                self.must(&place, &["request", "--out", &request.display().to_string()]);
                fs::write(&answer, self.ask(&request)).expect("the answer can be written");
                (fresh.made.clone(), answer)
            }
            Start::Written => {
                let pending = from(Start::Pending);
                place.copy_token(&pending.folder, &pending.made.serial);
                self.killed(&place, &["install", &words(&pending.answer)], "C_SignInit:exit");
                (pending.made.clone(), pending.answer.clone())
            }
            Start::Renewed => {
                let pending = from(Start::Pending);
                place.copy_token(&pending.folder, &pending.made.serial);
                self.must(&place, &["install", &words(&pending.answer)]);
                (pending.made.clone(), pending.answer.clone())
            }
            Start::PendingAmong | Start::RenewedAmong => {
                let alone = from(if start == Start::PendingAmong { Start::Pending } else { Start::Renewed });
                place.copy_token(&alone.folder, &alone.made.serial);
                let words = ["strangers", place.serial(), &alone.made.old_serial];
                place.ask::<()>(&self.programs.sweep, &words).expect("strangers can add what they like");
                without_strangers = Some(alone.seen.clone());
                (alone.made.clone(), alone.answer.clone())
            }
            Start::RetireInterrupted => {
                let renewed = from(Start::Renewed);
                place.copy_token(&renewed.folder, &renewed.made.serial);
                let anchor = self.anchor();
                let words =
                    ["retire", "--yes", "--trust-anchor", &anchor, "--serial", &renewed.made.old_serial];
                self.killed(&place, &words, "C_DestroyObject#2:exit");
                (renewed.made.clone(), renewed.answer.clone())
            }
        };
        let made = Made { serial: place.serial().to_owned(), ..made };
        let seen = place.inspect(&self.programs).expect("the start state can be seen");
        let added = |before: Seen| seen.beyond(&before).into_iter().cloned().collect();
        let strangers: Vec<Object> = without_strangers.map_or_else(Vec::new, added);
        let folder = place.path().to_path_buf();
        let begin = Arc::new(Begin { folder, seen, strangers, answer, made });
        begins.insert((start, keys.name()), Arc::clone(&begin));
        begin
    }

    fn provision(&self, place: &Place, keys: Keys) -> Made {
        let ca = self.ca();
        let words = ["provision", &words(place.path()), &words(&ca), &keys.kind().to_string()];
        let made: Made = place.ask(&self.programs.sweep, &words).expect("the token can be provisioned");
        place.holds(&made.serial);
        made
    }

    fn must(&self, place: &Place, words: &[&str]) {
        let run = place.play(&self.programs, words, None, PIN);
        assert_eq!(run.exit, Some(0), "{words:?}: {run:?}");
    }

    fn killed(&self, place: &Place, words: &[&str], spec: &str) {
        let told = Told { spec, hang: None, is_hosted: false };
        let run = place.play(&self.programs, words, Some(told), PIN);
        assert_eq!(run.exit, Some(KILLED), "{words:?}: {run:?}");
    }

    /// What the test CA answers to a request.
    fn ask(&self, request: &Path) -> Vec<u8> {
        let ca = TestCa::at(&self.ca());
        let request = fs::read(request).expect("the request");
        ca.answer(usbtoken_testkit::Form::Pem, &ca.issue_for(&request).der())
    }
}

/// The exit status of a process that the shim ended.
pub const KILLED: i32 = 86;

fn words(path: &Path) -> String {
    path.display().to_string()
}

/// Makes a token with the old credential and what is not ours. The only user of SoftHSM in its process.
pub fn provision(folder: &Path, ca: &Path, kind: Kind) -> Made {
    let ca = TestCa::at(ca);
    let stranger = TestCa::new();
    let token = Folder::at(folder).token_with_pin("BANK", PIN);
    let old = token.first_credential(&ca, kind, days_from_now(11));
    let subject = NameDer::new().common(Text::Utf8, "a stranger").to_der();
    token.credential(&stranger, Kind::P256, &[0xf0], &subject, days_from_now(200));
    let lonely = stranger.issue(&subject, &SoftKey::generate(Kind::P256).spki()).der();
    token.inspect(|inspector| {
        inspector.write_certificate(&lonely, &[0xf1], "somebody else's certificate");
        inspector.generate_pair(Kind::P256, &[0xf2], "usbtoken:backup");
        inspector.write_data("somebody else's notes", b"not ours");
    });
    assert_eq!(old.subject, manual_subject().to_der());
    Made { serial: token.serial().to_owned(), old_serial: serial_hex(&old.certificate) }
}

/// What other programs may put beside our objects: a pair of another kind of key under the same CKA_ID, a copy of the public
/// key, a certificate with the same label, subject and serial number. The only user of SoftHSM in its process.
pub fn strangers(serial: &str, old_serial: &str) {
    let digits = |at| u8::from_str_radix(&old_serial[at..at + 2], 16).expect("hexadecimal");
    let number: Vec<u8> = (0..old_serial.len()).step_by(2).map(digits).collect();
    let stranger = TestCa::new();
    inspect(&softhsm_module(), serial, PIN, |inspector| {
        let before = inspector.snapshot();
        let keys = before.of_class("CKO_PRIVATE_KEY").filter(|key| is_old(key) || has_record(key));
        for (key, place) in keys.zip(0xe0..) {
            let spki = SoftKey::generate(Kind::P256).spki();
            let alike = stranger.issue(&manual_subject().to_der(), &spki).serial(&number).der();
            inspector.copy_public_key(&key.id, &[place, 1], "a stranger's copy");
            inspector.write_certificate(&alike, &[place, 2], &key.label);
            inspector.generate_pair_beside(Kind::Rsa2048, &key.id, "a stranger's pair");
        }
    });
}
