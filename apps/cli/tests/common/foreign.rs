//! CAs that are not ours, and a customer of theirs.
//!
//! Each CA is a script in `cas/` that makes a CA in the present folder (`make`), and answers a request on standard
//! input (`issue`); further words go to the program that issues.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use usbtoken_testkit::{Kind, Object, Snapshot, SoftToken, days_from_now, verify_with_certificate};

use super::{Outcome, Stage, hex};

/// As in the bank's manual, and a unit that no PrintableString can hold.
pub const SUBJECT: &str = "CN=login031 A001 202003041536 3656560435,OU=営業部,\
                           OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4,O=(9936)NTT DATA CORPORATION,C=JP";

/// A CA made by somebody else's program, in a folder of its own.
pub struct Ca {
    folder: TempDir,
    start: Vec<String>,
}

impl Ca {
    pub fn make(script: &str) -> Ca {
        Ca::make_with(script, &[])
    }

    /// With more words for the program that makes the CA.
    pub fn make_with(script: &str, more: &[&str]) -> Ca {
        let ca = Ca { folder: tempfile::tempdir().unwrap(), start: start(script) };
        let output = ca.script("make", more).output();
        succeeded(script, output.expect("`cargo xtask test` installs what is missing"));
        assert!(ca.certificate().exists(), "{script}: `make` leaves the CA's certificate in ca.pem");
        ca
    }

    /// The file with its own certificate, PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What it answers to this request, its program given these words more.
    pub fn issue(&self, request: &[u8], more: &[&str]) -> Vec<u8> {
        self.issue_with(request, more, &[])
    }

    /// The same for so many days, or for as long as the program can be told to.
    pub fn issue_for_days(&self, request: &[u8], days: &str) -> Vec<u8> {
        self.issue_with(request, &[], &[("DAYS", days)])
    }

    /// The same, with variables that the script knows.
    pub fn issue_with(&self, request: &[u8], more: &[&str], env: &[(&str, &str)]) -> Vec<u8> {
        let file = self.folder.path().join("what came.pem");
        std::fs::write(&file, request).unwrap();
        let mut command = self.script("issue", more);
        command.stdin(std::fs::File::open(&file).unwrap()).envs(env.iter().copied());
        succeeded(&self.start.join(" "), command.output().unwrap())
    }

    /// The shell command for `--issuer`.
    pub fn issuer(&self) -> String {
        let words: Vec<String> = self.start.iter().map(|word| format!("'{word}'")).collect();
        format!("cd '{}' && {} issue", self.folder.path().display(), words.join(" "))
    }

    fn script(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = Command::new(&self.start[0]);
        command.args(&self.start[1..]).arg(verb).args(more).current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }
}

/// How a script is started.
fn start(script: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cas").join(script);
    let words: &[&str] = match path.extension().and_then(|end| end.to_str()) {
        // The system's, for which Debian's packages are; not one that happens to come first on the path.
        Some("py") => &["/usr/bin/python3"],
        _ => &["sh"],
    };
    words.iter().map(ToString::to_string).chain([path.display().to_string()]).collect()
}

#[track_caller]
fn succeeded(what: &str, output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Somebody with a token on which there is nothing of the bank's, only objects of somebody else.
pub struct Customer {
    pub stage: Stage,
    pub token: SoftToken,
}

impl Customer {
    pub fn new() -> Customer {
        let stage = Stage::alone(Kind::P256, days_from_now(11));
        let token = stage.token.sibling("NEW");
        token.foreign_objects();
        Customer { stage, token }
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.stage.run_with(self.token.pin(), &self.token.uri(), arguments)
    }

    /// A request for a first certificate.
    pub fn first_request(&self, kind: Kind) -> Vec<u8> {
        self.request(&["--subject", SUBJECT, "--key", &kind.to_string()])
    }

    /// A request for the certificate that follows this one.
    pub fn next_request(&self, old: &Object) -> Vec<u8> {
        self.request(&["--id", &hex(&old.id)])
    }

    fn request(&self, more: &[&str]) -> Vec<u8> {
        self.run(&[&["request", "--out", "request.pem", "--overwrite"], more].concat()).succeeded();
        self.stage.read("request.pem")
    }

    pub fn install(&self, answer: &[u8], more: &[&str]) -> Outcome {
        self.stage.write("answer", answer);
        self.run(&[&["install", "answer"], more].concat())
    }

    /// The certificate that came since, together with its keys; it signs, and OpenSSL finds that this CA issued it.
    #[track_caller]
    pub fn new_certificate(&self, ca: &Ca, before: &Snapshot) -> Object {
        let certificate = self.added_credential(before);
        self.assert_issued_by(ca, &certificate);
        certificate
    }

    /// Asserts that OpenSSL finds the CA's signature on it, and that it is good for a client.
    #[track_caller]
    pub fn assert_issued_by(&self, ca: &Ca, certificate: &Object) {
        self.stage.write("new.der", certificate.bytes("Value").unwrap());
        self.stage
            .tool("openssl", &["x509", "-inform", "DER", "-in", "new.der", "-out", "new.pem"])
            .succeeded();
        let anchor = ca.certificate().display().to_string();
        let chain = ["verify", "-partial_chain", "-purpose", "sslclient", "-CAfile", &anchor, "new.pem"];
        assert_eq!(self.stage.tool("openssl", &chain).succeeded().stdout.trim(), "new.pem: OK");
    }

    /// The same without asking who issued it.
    #[track_caller]
    pub fn added_credential(&self, before: &Snapshot) -> Object {
        let now = self.token.snapshot();
        now.assert_keeps(before);
        let added = now.added_since(before);
        let mut classes: Vec<&str> = added.iter().map(|object| object.class.as_str()).collect();
        classes.sort_unstable();
        assert_eq!(classes, ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"]);
        assert!(added.iter().all(|object| object.id == added[0].id), "one id for the three: {added:?}");
        let certificate = added.into_iter().find(|object| object.class == "CKO_CERTIFICATE").unwrap();
        self.assert_signs(certificate);
        certificate.clone()
    }

    #[track_caller]
    pub fn assert_signs(&self, certificate: &Object) {
        let signature = self.token.sign(&certificate.id, b"challenge");
        assert!(verify_with_certificate(certificate.bytes("Value").unwrap(), b"challenge", &signature));
    }
}
