//! What the promises share.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use usbtoken::bank::KeyRule;
use usbtoken::pki::{KeyKind, Name};
use usbtoken::{Credential, Install, Installed, Policy, Renewal, Response, Result, Run, Session};
use usbtoken_testkit::{Form, TestCa, days_from_now, verify_with_certificate};

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

    /// The command, on this token and in a process of its own.
    pub(super) fn run(&self, words: &[&str]) -> Said {
        let module = self.target.module().to_owned();
        self.say(self.target.command(&module, words))
    }

    /// The command through the driver shim, with these faults; its calls stand in the trace.
    pub(super) fn run_with_faults(&self, faults: &str, words: &[&str]) -> Said {
        static SHIM: OnceLock<PathBuf> = OnceLock::new();
        let shim = SHIM.get_or_init(usbtoken_testkit::shim);
        let _ = std::fs::remove_file(self.trace_file());
        // What ends the process is to end the command, not a host of the driver.
        let inside: &[&str] = if faults.contains(":exit") { &["--in-process"] } else { &[] };
        let mut command = self.target.command(shim, &[inside, words].concat());
        command.env("USBTOKEN_SHIM_DRIVER", self.target.module()).env("USBTOKEN_SHIM_FAULT", faults);
        command.env("USBTOKEN_SHIM_TRACE", self.trace_file());
        self.say(command)
    }

    fn say(&self, mut command: Command) -> Said {
        command.current_dir(self.files.path()).env("XDG_STATE_HOME", self.files.path().join("state"));
        command.stdin(Stdio::null());
        Said(command.output().expect("the command can be started"))
    }

    /// The calls of the last run through the shim: function and return value.
    pub(super) fn calls(&self) -> Vec<(String, String)> {
        let trace = std::fs::read_to_string(self.trace_file()).expect("a trace");
        let lines = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let text = |value: &Value| value.as_str().map(str::to_owned);
        lines.filter_map(|line| Some((text(&line["fn"])?, text(&line["rv"]).unwrap_or_default()))).collect()
    }

    fn trace_file(&self) -> PathBuf {
        self.files.path().join("trace")
    }
}

/// What a run of the command came to.
pub(super) struct Said(Output);

impl Said {
    pub(super) fn exit(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.exit(), 0, "{self}");
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
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
