//! What the promises share.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use usbtoken::bank::KeyRule;
use usbtoken::pki::{KeyKind, Name};
use usbtoken::{Code, Credential, Install, Installed, Policy, Renewal, Response, Result, Run, Session};
use usbtoken_testkit::{Form, Server, TestCa, days_from_now, nginx, verify_with_certificate};

use crate::target::Target;

/// A CA and a folder for files.
pub(super) struct Stage<'t> {
    pub(super) target: &'t Target,
    pub(super) ca: TestCa,
    files: TempDir,
}

impl<'t> Stage<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        let ca = TestCa::at(&files.path().join("ca"));
        Stage { target, ca, files }
    }

    /// A first credential of ours that ends in eleven days.
    pub(super) fn first(&self) -> Credential {
        let session = self.session();
        let first = Renewal::first(subject()).policy(&self.policy());
        let pending = first.begin(&session, &Run::default()).unwrap();
        let certificate = self.ca.issue_for(pending.request().to_der()).not_after(days_from_now(11)).der();
        let installed = install(&session, &self.ca.answer(Form::Pem, &certificate)).unwrap();
        installed.credential.clone()
    }

    pub(super) fn session(&self) -> Session {
        self.target.token().login(self.target.pin()).unwrap()
    }

    pub(super) fn policy(&self) -> Policy {
        let kind: KeyKind = self.target.kind().to_string().parse().unwrap();
        let mut policy = Policy::default();
        policy.key = KeyRule::Kind(kind);
        policy
    }

    /// The kit signs with the key of this credential, and its certificate verifies it.
    #[track_caller]
    pub(super) fn assert_signs(&self, credential: &Credential) {
        let signature = self.target.inspect(|inspector| inspector.sign(credential.id(), b"challenge"));
        assert!(verify_with_certificate(credential.certificate().der(), b"challenge", &signature));
    }

    /// The test CA as a shell command.
    pub(super) fn issuer(&self) -> String {
        static TEST_CA: OnceLock<PathBuf> = OnceLock::new();
        let path = TEST_CA.get_or_init(|| usbtoken_testkit::program("test-ca"));
        format!("'{}' --dir '{}'", path.display(), self.files.path().join("ca").display())
    }

    pub(super) fn anchor(&self) -> String {
        self.files.path().join("ca/ca.pem").display().to_string()
    }

    /// The credential that `usbtoken renew` puts beside this one.
    pub(super) fn renewed(&self, old: &Credential) -> Credential {
        let done = self.run(&["renew", "--id", &hex(old.id()), "--issuer", &self.issuer()]).json();
        self.credential(&done)
    }

    /// The new credential, as a result of the command names it.
    pub(super) fn credential(&self, done: &Value) -> Credential {
        let id = done["credential"]["id"].as_str().expect("an id");
        let credentials = self.target.token().credentials().unwrap();
        let found = credentials.iter().find(|one| hex(one.id()) == id);
        found.unwrap_or_else(|| panic!("the new credential {id} is not on the list")).clone()
    }

    /// nginx, which lets in by this version of TLS alone, and only who has a certificate of the test CA.
    pub(super) fn nginx(&self, version: &str) -> Server {
        let (chain, key) = self.ca.server("localhost", days_from_now(30));
        let ca =
            |name: &str| std::fs::read(self.files.path().join("ca").join(name)).expect("the test CA's file");
        self.write("server.pem", chain.as_bytes());
        self.write("server.key", key.as_bytes());
        self.write("clients.pem", &[ca("ca.pem"), ca("root.pem")].concat());
        let page = "location = / { return 200 \"welcome, $ssl_client_s_dn\"; }";
        nginx(self.files.path(), &format!("ssl_verify_client on; ssl_protocols {version}; {page}"))
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.files.path().join(name), bytes).expect("a file in a temporary folder");
    }

    pub(super) fn open(&self, name: &str) -> File {
        File::open(self.files.path().join(name)).expect("a file that was written")
    }

    /// A file with the PIN, in a folder that nobody else can read.
    pub(super) fn pin_file(&self) -> PathBuf {
        self.write("pin", self.target.pin_text().as_bytes());
        self.files.path().join("pin")
    }

    /// The command, on this token and in a process of its own.
    pub(super) fn run(&self, words: &[&str]) -> Said {
        let module = self.target.module().to_owned();
        self.say(self.target.command(&module, words), Stdio::null())
    }

    /// The command through the driver shim, with these faults; its calls stand in the trace.
    pub(super) fn run_with_faults(&self, faults: &str, words: &[&str]) -> Said {
        // What ends the process is to end the command, not a host of the driver.
        let inside: &[&str] = if faults.contains(":exit") { &["--in-process"] } else { &[] };
        let mut command = self.target.command(shim(), &[inside, words].concat());
        self.through_shim(&mut command, faults);
        self.say(command, Stdio::null())
    }

    /// Tells the shim, which the command has for its driver, which one is behind it and what to do on the way. The trace begins
    /// anew.
    pub(super) fn through_shim(&self, command: &mut Command, faults: &str) {
        let _ = std::fs::remove_file(self.trace_file());
        command.env("USBTOKEN_SHIM_DRIVER", self.target.module()).env("USBTOKEN_SHIM_FAULT", faults);
        command.env("USBTOKEN_SHIM_TRACE", self.trace_file());
    }

    /// Runs a program in the folder with the files, on the same token.
    pub(super) fn say(&self, mut command: Command, input: Stdio) -> Said {
        command.current_dir(self.files.path()).env("XDG_STATE_HOME", self.files.path().join("state"));
        command.stdin(input).envs(self.target.environment());
        Said(command.output().expect("the program can be started"))
    }

    /// Drops what this computer has noted of this token's jobs.
    pub(super) fn forget(&self) {
        let _ = std::fs::remove_dir_all(self.files.path().join("state"));
    }

    /// The calls of the last run through the shim: function and return value.
    pub(super) fn calls(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let calls = self.trace().into_iter();
        calls.filter_map(|line| Some((text(&line["fn"])?, text(&line["rv"]).unwrap_or_default()))).collect()
    }

    /// The mechanism of the last signature that was begun in it.
    pub(super) fn signed_with(&self) -> Option<String> {
        let begun =
            self.trace().into_iter().rfind(|line| line["fn"] == "C_SignInit" && line["rv"] == "CKR_OK")?;
        begun["args"]["pMechanism"]["type"].as_str().map(str::to_owned)
    }

    fn trace(&self) -> Vec<Value> {
        let trace = std::fs::read_to_string(self.trace_file()).expect("a trace");
        trace.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn trace_file(&self) -> PathBuf {
        self.files.path().join("trace")
    }
}

/// The driver shim.
pub(super) fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(usbtoken_testkit::shim)
}

/// What a run of a program came to.
pub(super) struct Said(Output);

impl Said {
    pub(super) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(super) fn exit(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.exit(), 0, "{self}");
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The error of a run that must have failed with this code.
    #[track_caller]
    pub(super) fn failed(&self, code: Code) -> Value {
        let error = String::from_utf8_lossy(&self.0.stderr).into_owned();
        let from = error.find('{').unwrap_or_else(|| panic!("no error: {self}"));
        let error: Value =
            serde_json::from_str(&error[from..]).unwrap_or_else(|error| panic!("{error}: {self}"));
        assert_eq!(error["error"]["name"], code.name(), "{self}");
        error["error"].clone()
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (out, err) = (String::from_utf8_lossy(&self.0.stdout), String::from_utf8_lossy(&self.0.stderr));
        write!(f, "exit {}: {out}{err}", self.exit())
    }
}

pub(super) fn subject() -> Name {
    "CN=usbtoken hardware test,O=test".parse().expect("a name")
}

pub(super) fn install(session: &Session, answer: &[u8]) -> Result<Installed> {
    Install::new(&Response::parse(answer)?).run(session, &Run::default())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
