//! What the tests of the transaction share: a token as a bank hands it out, and the command run on it.
#![allow(dead_code, reason = "every test program uses another part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use usbtoken::bank::OldCredential;
use usbtoken::error::Fact;
use usbtoken::renewal::{Clock, Retired};
use usbtoken::{
    Certificate, Code, Credential, Error, Finder, Install, Installed, Pending, Pin, Policy, Renewal,
    Response, Run, Session, Token,
};
use usbtoken_testkit::{
    Kind, Object, Provisioned, Snapshot, SoftToken, TestCa, days_from_now, program, verify_with_certificate,
};

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A token with one credential that ends in 11 days and things of other people, its CA, and a folder for files.
pub struct Bank {
    pub soft: SoftToken,
    pub ca: TestCa,
    pub old: Provisioned,
    pub before: Snapshot,
    files: TempDir,
}

impl Bank {
    pub fn new() -> Bank {
        Bank::of(Kind::P256, days_from_now(11))
    }

    pub fn of(kind: Kind, not_after: SystemTime) -> Bank {
        let mut bank = Bank::alone(kind, not_after);
        bank.soft.foreign_objects();
        bank.before = bank.soft.snapshot();
        bank
    }

    /// The same, without things of other people.
    pub fn alone(kind: Kind, not_after: SystemTime) -> Bank {
        let soft = SoftToken::fresh();
        let files = tempfile::tempdir().unwrap();
        let ca = TestCa::at(&files.path().join("ca"));
        let old = soft.first_credential(&ca, kind, not_after);
        let before = soft.snapshot();
        Bank { soft, ca, old, before, files }
    }

    pub fn token(&self) -> Token {
        Finder::new().module(self.soft.module()).find(&self.soft.uri().parse().unwrap()).unwrap()
    }

    /// A new session, with nothing known from any other, and the old credential as it lists it.
    pub fn open(&self) -> (Session, Credential) {
        let token = self.token();
        let old = credential(&token, &self.old.id);
        (self.login(&token), old)
    }

    pub fn session(&self) -> Session {
        self.login(&self.token())
    }

    pub fn login(&self, token: &Token) -> Session {
        token.login(Pin::new(self.soft.pin().into())).unwrap()
    }

    /// The answer to a request: one certificate, DER.
    pub fn certify(&self, pending: &Pending) -> Vec<u8> {
        self.ca.issue_for(pending.request().to_der()).der()
    }

    /// A policy with the CA for an anchor.
    pub fn anchored(&self) -> Policy {
        policy(|p| {
            p.anchors = certificates(&[self.ca.issuing()]);
            p.old = OldCredential::Remove;
        })
    }

    /// Removes an old credential, with the CA known by its certificate.
    pub fn retire(&self, session: &Session, old: &Credential) -> usbtoken::Result<Retired> {
        session.retire(old, &self.anchored(), &run())
    }

    /// The file with the CA's certificate, for the command.
    pub fn anchor(&self) -> String {
        self.file("ca").join("ca.pem").display().to_string()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// The command, on this token and in a process of its own.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(&self.soft.module(), arguments).output().unwrap())
    }

    /// The command, on the token that this URI names.
    pub fn run_on(&self, uri: &str, arguments: &[&str]) -> Said {
        let arguments = [&["--pin-env", "TEST_PIN"], arguments].concat();
        Said::of(self.command_for(uri, &self.soft.module(), &arguments).output().unwrap())
    }

    /// The command, through the driver shim with these faults. What it called stands in `trace`.
    pub fn run_with_faults(&self, faults: &str, arguments: &[&str]) -> Said {
        let _ = std::fs::remove_file(self.file("trace"));
        // What ends the process is to end the command, not a host of the driver.
        let inside: &[&str] = if faults.contains(":exit") { &["--in-process"] } else { &[] };
        let mut command = self.command(&shim(), &[inside, arguments].concat());
        command.env("USBTOKEN_SHIM_DRIVER", self.soft.module()).env("USBTOKEN_SHIM_FAULT", faults);
        Said::of(command.env("USBTOKEN_SHIM_TRACE", self.file("trace")).output().unwrap())
    }

    /// The command in the background.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(&self.soft.module(), arguments).spawn().unwrap()
    }

    /// As [`Bank::run_with_faults`] without any, and without a PIN.
    pub fn run_without_pin(&self, arguments: &[&str]) -> Said {
        let _ = std::fs::remove_file(self.file("trace"));
        let mut command = self.command_without_pin(&shim(), arguments);
        command.env("USBTOKEN_SHIM_DRIVER", self.soft.module());
        Said::of(command.env("USBTOKEN_SHIM_TRACE", self.file("trace")).output().unwrap())
    }

    /// The command, to be started in other surroundings.
    pub fn command(&self, module: &Path, arguments: &[&str]) -> Command {
        self.command_without_pin(module, &[&["--pin-env", "TEST_PIN"], arguments].concat())
    }

    /// The same, where no one gives a PIN.
    pub fn command_without_pin(&self, module: &Path, arguments: &[&str]) -> Command {
        self.command_for(&self.soft.uri(), module, arguments)
    }

    /// The same, on the token that this URI names.
    pub fn command_for(&self, uri: &str, module: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(usbtoken());
        command.args(["--json", "--lang", "en", "--token", uri]);
        command.arg("--module").arg(module).args(arguments).current_dir(self.files.path());
        command.envs(self.soft.env()).env("TEST_PIN", self.soft.pin());
        command.env("XDG_STATE_HOME", self.file("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The functions that the last run through the shim called, in order.
    pub fn called(&self) -> Vec<String> {
        let trace = String::from_utf8(self.read("trace")).unwrap();
        let lines = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| line["fn"].as_str().map(str::to_owned)).collect()
    }

    /// The test CA as a shell command.
    pub fn issuer(&self, more: &str) -> String {
        static TEST_CA: OnceLock<PathBuf> = OnceLock::new();
        let path = TEST_CA.get_or_init(|| program("test-ca"));
        format!("'{}' --dir '{}' {more}", path.display(), self.file("ca").display())
    }

    /// Runs another program on the same token.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.files.path()).envs(self.soft.env());
        let output = command.stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| {
            panic!("{program} cannot be started ({error}): `cargo xtask test` installs it")
        });
        Said::of(output)
    }

    /// `pkcs11-tool`, logged in.
    pub fn pkcs11_tool(&self, arguments: &[&str]) {
        let module = self.soft.module();
        let uri = ["--module", module.to_str().unwrap(), "--token-label", self.soft.label()];
        let login = ["--login", "--pin", self.soft.pin()];
        let said = self.tool("pkcs11-tool", &[&uri[..], &login[..], arguments].concat());
        assert_eq!(said.exit, 0, "{said:?}");
    }

    /// Asserts that the old credential is whole and unchanged and that it signs.
    #[track_caller]
    pub fn assert_old_works(&self) {
        self.soft.snapshot().assert_keeps(&self.before);
        let signature = self.soft.sign(&self.old.id, b"still");
        assert!(verify_with_certificate(&self.old.certificate, b"still", &signature));
    }

    /// Asserts that everything that was on the token beside the old credential is there, unchanged.
    #[track_caller]
    pub fn assert_others_unchanged(&self) {
        let now = self.soft.snapshot();
        for object in self.before.objects().iter().filter(|object| object.id != self.old.id) {
            assert!(now.objects().contains(object), "{object} is lost or changed: {now:?}");
        }
    }

    /// The objects that came since the beginning, which must be a whole, final credential that signs; returns its
    /// certificate.
    #[track_caller]
    pub fn assert_one_new_credential(&self) -> Vec<u8> {
        let now = self.soft.snapshot();
        let new: Vec<&Object> = now.added_since(&self.before);
        let mut classes: Vec<&str> = new.iter().map(|object| object.class.as_str()).collect();
        classes.sort_unstable();
        assert_eq!(classes, ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"], "{new:?}");
        assert!(new.iter().all(|object| object.id == new[0].id), "one id: {new:?}");
        assert!(new.iter().all(|object| object.label == new[0].label), "one label: {new:?}");
        let certificate = new.iter().find_map(|object| object.bytes("Value").filter(|der| der.len() > 200));
        let certificate = certificate.expect("the certificate's value").to_vec();
        let signature = self.soft.sign(&new[0].id, b"new");
        assert!(verify_with_certificate(&certificate, b"new", &signature), "the new key signs");
        certificate
    }

    /// Requests, lets the CA answer, and installs: a second, complete credential that ends in a year.
    pub fn renewed(&self) -> Credential {
        let (session, old) = self.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        install(&session, &self.certify(&pending)).unwrap().credential.clone()
    }
}

/// The usual run.
pub fn run() -> Run<'static> {
    Run::default()
}

/// A run by another clock.
pub fn at(clock: impl Into<Clock>) -> Run<'static> {
    Run::default().at(clock)
}

/// The usual policy but for this.
pub fn policy<T>(change: impl FnOnce(&mut Policy) -> T) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

/// Trust anchors.
pub fn certificates(ders: &[&[u8]]) -> Vec<Certificate> {
    ders.iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

/// What a CA sent, where it can be read.
pub fn read(answer: &[u8]) -> Response {
    Response::parse(answer).unwrap()
}

/// Installs what a CA sent, by the usual policy, as another process would.
pub fn install(session: &Session, answer: &[u8]) -> usbtoken::Result<Installed> {
    Install::new(&Response::parse(answer)?).run(session, &run())
}

/// The credential with this id.
pub fn credential(token: &Token, id: &[u8]) -> Credential {
    token.credentials().unwrap().by_id(id).only().unwrap()
}

/// What a run of a program came to.
#[derive(Debug)]
pub struct Said {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: Output) -> Said {
        Said {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What a successful run printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.exit, 0, "{self:?}");
        self.printed()
    }

    /// What a run printed, whatever its exit code.
    #[track_caller]
    pub fn printed(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error of a run that must have failed with this code.
    #[track_caller]
    pub fn failed(&self, code: Code) -> Value {
        let start = self.stderr.find('{').unwrap_or_else(|| panic!("no error in {self:?}"));
        let value: Value = serde_json::from_str(&self.stderr[start..]).expect("JSON on standard error");
        assert_eq!(value["error"]["name"], code.name(), "{value:#}");
        assert_eq!(self.exit, code.family() as i32, "{value:#}");
        value["error"].clone()
    }
}

/// The error of what must fail with this code.
#[track_caller]
pub fn refused<T>(result: usbtoken::Result<T>, code: Code) -> Error {
    match result {
        Ok(_) => panic!("it should have been refused with {code:?}"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            error
        }
    }
}

/// The values of one kind of fact.
pub fn facts(error: &Error, kind: Fact) -> Vec<&str> {
    error.facts().filter(|(fact, _)| *fact == kind).map(|(_, value)| value).collect()
}

/// The command, built if need be, and the driver host beside it: Cargo tells a test only where the programs of its own package are.
pub fn usbtoken() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(usbtoken_testkit::command)
}

fn shim() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(usbtoken_testkit::shim).clone()
}
