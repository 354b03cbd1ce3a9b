//! The lines that an error names to go on, and what they are tried on.

use serde_json::Value;
use usbtoken::renewal::Caller;
use usbtoken::{Finder, Pin, Renewal, Run};
use usbtoken_testkit::{TestCa, days_from_now, serial_hex};

use super::{Outcome, Stage};

/// The lines that an error names.
pub fn lines(said: &Outcome) -> Vec<String> {
    let named = said.error()["facts"]["go_on"].as_array().cloned().unwrap_or_default();
    named.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// Runs a line as it is printed; a person who is asked says yes.
pub fn run(stage: &Stage, line: &str) -> Outcome {
    let asks =
        [" retire ", " abandon "].iter().any(|command| line.contains(command)) && !line.ends_with(" --yes");
    stage.shell(&format!("TEST_PIN=$(cat pin) {line} --json{}", if asks { " --yes" } else { "" }))
}

/// From a refusal onwards, first by the line with this number, then by the first of each, to an end within four runs.
pub fn walk_by(stage: &Stage, said: Outcome, first: usize) {
    let (mut said, mut seen, mut at) = (said, Vec::new(), first);
    assert_ne!(said.code, 0, "a refusal was expected: {}", said.stdout);
    for _ in 0..4 {
        let name = said.error()["name"].to_string();
        let line = lines(&said).into_iter().nth(at);
        let line = line.unwrap_or_else(|| panic!("{name} names no command: {:#}\n{seen:#?}", said.error()));
        assert!(!seen.iter().any(|(_, before)| *before == line), "{name} again: {line}\n{seen:#?}");
        said = run(stage, &line);
        seen.push((name, line));
        if said.code == 0 {
            return;
        }
        at = 0;
    }
    panic!("no end: {seen:#?}\n{:#}", said.error());
}

pub fn walk(stage: &Stage, said: Outcome) {
    walk_by(stage, said, 0);
}

/// A run every day that is refused, or that says what could go: that is done, and the next day it is right, or again a line leads on.
pub fn walk_daily(stage: &Stage, daily: &[&str]) {
    for _ in 0..8 {
        let said = stage.run(daily);
        if said.code != 0 && said.error()["name"] == "not_yet_renewable" {
            return;
        }
        if said.code != 0 {
            walk(stage, said);
            continue;
        }
        let done = said.json();
        let told = &done["notices"][0]["facts"]["go_on"][0];
        let Some(line) = told.as_str() else { return };
        let said = run(stage, line);
        if said.code != 0 {
            walk(stage, said);
        }
    }
    panic!("no end: {:#}", stage.run(daily).error());
}

pub const ANCHOR: [&str; 2] = ["--trust-anchor", "ca/ca.pem"];

impl Stage {
    /// The line that a scheduler runs every day, with words that name what is meant.
    pub fn daily(&self, named: &[&str]) -> Outcome {
        let issuer = self.issuer(&[]);
        self.run(&[&["renew", "--retire-old", "--issuer", &issuer], named, &ANCHOR[..]].concat())
    }

    /// Renews what can be, for so many days, and keeps the old one.
    pub fn generation(&self, days: &str) {
        self.run(&["renew", "--issuer", &self.issuer(&["--days", days])]).succeeded();
    }

    pub fn serial(&self) -> String {
        serial_hex(&self.old.certificate)
    }

    /// The serial number of the last one of ours.
    pub fn newest(&self) -> String {
        let listed = self.run(&["list"]).json();
        let is_new = |one: &&Value| one["id"].as_str().unwrap().len() == 40 && one["successor"].is_null();
        listed.as_array().unwrap().iter().find(is_new).unwrap()["serial"].as_str().unwrap().to_owned()
    }

    /// That of the one between the first and the last.
    pub fn middle(&self) -> String {
        let listed = self.run(&["list"]).json();
        let is_middle = |one: &&Value| one["id"] != "01" && one["successor"].is_object();
        listed.as_array().unwrap().iter().find(is_middle).unwrap()["serial"].as_str().unwrap().to_owned()
    }

    /// The identifier and the certificate of the one of ours.
    pub fn renewed(&self) -> (Vec<u8>, usbtoken::Certificate) {
        let token =
            Finder::new().module(self.token.module()).find(&self.token.uri().parse().unwrap()).unwrap();
        let all = token.credentials().unwrap();
        let ours = all.iter().find(|one| one.id().len() == 20).unwrap();
        (ours.id().to_vec(), ours.certificate().clone())
    }

    pub fn copy(&self, id: &[u8]) {
        self.token.inspect(|inspector| inspector.write_certificate(&self.old.certificate, id, "copy"));
    }

    /// A certificate of another CA with the old one's serial number and name, for this key.
    pub fn twin_for(&self, spki: &[u8], days: i64) -> Vec<u8> {
        let old = usbtoken::Certificate::from_der(&self.old.certificate).unwrap();
        let issue = TestCa::new();
        let serial = base16ct::lower::decode_vec(self.serial()).unwrap();
        issue.issue(old.subject().der(), spki).serial(&serial).not_after(days_from_now(days)).der()
    }

    /// A job that a page began.
    pub fn page(&self) -> Vec<u8> {
        let token =
            Finder::new().module(self.token.module()).find(&self.token.uri().parse().unwrap()).unwrap();
        let old = token.credentials().unwrap().by_id(&self.old.id).only().unwrap();
        let session = token.login(Pin::new(self.token.pin().into())).unwrap();
        let caller = Caller::Page("https://www.bank.example:443".to_owned());
        let pending = Renewal::of(&old).begin(&session, &Run::default().by(caller)).unwrap();
        self.ca.issue_for(pending.request().to_der()).der()
    }
}
