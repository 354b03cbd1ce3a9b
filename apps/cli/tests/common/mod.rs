//! The command, run on a throw-away token.
#![allow(dead_code, reason = "every test program uses another part")]

pub mod bank;
pub mod elsewhere;
pub mod foreign;
pub mod login;
pub mod servers;
#[cfg(target_os = "linux")]
pub mod terminal;
pub mod way_on;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use usbtoken_testkit::{
    Folder, Form, Issue, Kind, Provisioned, SoftToken, TestCa, days_from_now, program, softhsm_module,
};

/// A token with a credential that ends in 11 days, objects of somebody else, a CA and a folder for files.
pub struct Stage {
    pub token: SoftToken,
    pub ca: TestCa,
    pub old: Provisioned,
    files: TempDir,
    mark: Mark,
}

/// The file that says that the token took a PIN for wrong. It is in the home of who runs the tests, and goes with the stage.
struct Mark(PathBuf);

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Mark {
    fn of(token: &SoftToken) -> Mark {
        Mark(own_state().join(format!("{}.wrong-pin", kept_name(token.serial(), ""))))
    }
}

/// Where what holds in every environment is kept.
pub fn own_state() -> PathBuf {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap();
    user.dir.join(".local/state/usbtoken")
}

/// The name of a file that is kept of a token with this serial number, and of a job on it.
pub fn kept_name(serial: &str, job: &str) -> String {
    let token = Sha256::digest(format!("{}\0", serial.to_ascii_uppercase()));
    hex(&Sha256::digest(format!("{}\0{job}", hex(&token[..16])))[..16])
}

/// The same as earlier releases had it.
pub fn earlier_kept_name(token: &SoftToken, serial: &str, job: &str) -> String {
    let parts = ["SoftHSM project", "SoftHSM v2", serial, token.label()];
    hex(&Sha256::digest(parts.map(|part| format!("{part}\0")).concat() + job)[..16])
}

/// What a run of the command came to.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::of(Kind::P256, days_from_now(11))
    }

    pub fn of(kind: Kind, not_after: SystemTime) -> Stage {
        let stage = Stage::alone(kind, not_after);
        stage.token.foreign_objects();
        stage
    }

    /// Nothing on the token but the credential.
    pub fn alone(kind: Kind, not_after: SystemTime) -> Stage {
        Stage::on(SoftToken::fresh(), kind, not_after)
    }

    /// The same with a PIN that stands nowhere else.
    pub fn with_pin(pin: &str) -> Stage {
        Stage::on(Folder::temporary().token_with_pin("BANK", pin), Kind::P256, days_from_now(11))
    }

    fn on(token: SoftToken, kind: Kind, not_after: SystemTime) -> Stage {
        let files = tempfile::tempdir().unwrap();
        let ca = TestCa::at(&files.path().join("ca"));
        let old = token.first_credential(&ca, kind, not_after);
        let mark = Mark::of(&token);
        Stage { token, ca, old, files, mark }
    }

    /// The command on this stage's token, with its PIN.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(self.token.pin(), &self.token.uri(), arguments)
    }

    pub fn run_with(&self, pin: &str, uri: &str, arguments: &[&str]) -> Outcome {
        self.run_through(&softhsm_module(), &[], pin, uri, arguments)
    }

    /// The command through another driver, with more variables.
    pub fn run_through(
        &self,
        module: &Path,
        env: &[(&str, &Path)],
        pin: &str,
        uri: &str,
        arguments: &[&str],
    ) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN", "--token", uri, "--module"]);
        command.arg(module).args(arguments);
        self.at_home(&mut command).env("TEST_PIN", pin).envs(env.iter().copied());
        outcome(&mut command)
    }

    /// The command in a shell, as `usbtoken` in PATH: `script` begins with what is to be done around it. The PIN is in
    /// the file `pin`, which nobody else can read.
    pub fn shell(&self, script: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        outcome(self.at_home(&mut command))
    }

    /// Puts a program into this stage: its folder, its token, and a state folder of its own.
    pub fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let program = Path::new(env!("CARGO_BIN_EXE_usbtoken")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        // Another run may be about to read it.
        if std::fs::read(self.file("pin")).ok().as_deref() != Some(self.token.pin().as_bytes()) {
            self.write("pin", self.token.pin().as_bytes());
            keep_from_others(&self.file("pin"));
        }
        command.current_dir(self.files.path()).envs(self.token.env()).env("PATH", path);
        command.env("USBTOKEN_MODULE", softhsm_module()).env("XDG_STATE_HOME", self.file("state"))
    }

    /// The file that says that the token took a PIN for wrong.
    pub fn mark(&self) -> &Path {
        &self.mark.0
    }

    /// What the state folder holds, by name, but for the days of installations, the records of jobs and for which key each was requested, and
    /// what was abandoned, which stay.
    pub fn kept(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.file("state/usbtoken"));
        let mut files: Vec<_> = folder.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        let ended = |file: &Path| std::fs::read_to_string(file).unwrap().contains("\"ended\": true");
        let stays = |file: &PathBuf| match file.extension().and_then(|end| end.to_str()) {
            Some("installed" | "label" | "requested") => true,
            Some("abandoning") => ended(file),
            _ => false,
        };
        files.retain(|file| !stays(file));
        files.sort();
        files
    }

    /// The CA's command, which notes each order.
    pub fn noted(&self, days: &str) -> String {
        format!("echo >> orders; {}", self.issuer(&["--days", days]))
    }

    /// How many were noted.
    pub fn orders(&self) -> usize {
        std::fs::read(self.file("orders")).map_or(0, |orders| orders.len())
    }

    /// Runs the whole job with the test CA as issuer.
    pub fn renew(&self, more: &[&str], issuer: &[&str]) -> Outcome {
        let issuer = self.issuer(issuer);
        self.run(&[&["renew", "--issuer", &issuer], more].concat())
    }

    /// The test CA as a shell command.
    pub fn issuer(&self, more: &[&str]) -> String {
        format!("'{}' --dir ca {}", program("test-ca").display(), more.join(" "))
    }

    /// Runs the first half and returns the request.
    pub fn request(&self, more: &[&str]) -> Vec<u8> {
        let done = self.run(&[&["request", "--out", "request.pem"], more].concat());
        done.succeeded();
        self.read("request.pem")
    }

    /// Runs the second half with this answer.
    pub fn install(&self, answer: &[u8]) -> Outcome {
        self.write("answer", answer);
        self.run(&["install", "answer"])
    }

    /// Requests, lets the CA sign what `shape` makes of it, and installs it.
    pub fn install_shaped(&self, form: Form, shape: impl FnOnce(Issue<'_>) -> Issue<'_>) -> Outcome {
        let request = self.request(&[]);
        let certificate = shape(self.ca.issue_for(&request)).der();
        self.install(&self.ca.answer(form, &certificate))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.file(name), bytes).unwrap();
    }

    /// Runs another program in the folder with the files, on the same token.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.files.path()).envs(self.token.env());
        outcome(&mut command)
    }
}

#[cfg(unix)]
fn keep_from_others(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn keep_from_others(_: &Path) {}

impl Outcome {
    #[track_caller]
    pub fn succeeded(&self) -> &Outcome {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that it failed with this code, that the exit code is the family's, that nothing was printed on
    /// standard output, and that the error has a sentence and says what to do next. Returns the error.
    #[track_caller]
    pub fn failed(&self, name: &str, exit: i32) -> Value {
        let error = self.error();
        assert_eq!((error["name"].as_str(), self.code), (Some(name), exit), "{error:#}");
        assert_eq!(self.stdout, "", "an error leaves standard output empty");
        for part in ["sentence", "next"] {
            assert!(error[part].as_str().is_some_and(|text| text.len() > 10), "{part}: {error:#}");
        }
        error
    }

    #[track_caller]
    pub fn error(&self) -> Value {
        let start = self.stderr.find('{').unwrap_or_else(|| panic!("no error in {self:?}"));
        let value: Value = serde_json::from_str(&self.stderr[start..]).expect("JSON on standard error");
        value["error"].clone()
    }

    /// The names of the notices in the result, but for those that come with each renewal: that no anchor was given,
    /// and that the old certificate was kept where no one asked to remove it.
    #[track_caller]
    pub fn notices(&self) -> Vec<String> {
        let result = self.result();
        let notices = result["notices"].as_array().unwrap_or_else(|| panic!("no notices: {result:#}"));
        let names = notices.iter().map(|notice| notice["name"].as_str().unwrap().to_owned());
        names.filter(|name| !["chain_not_checked", "old_kept"].contains(&name.as_str())).collect()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        self.succeeded();
        self.result()
    }

    /// What stands on standard output, also where an error follows: a renewal that is done and a removal that is not.
    #[track_caller]
    pub fn result(&self) -> Value {
        assert_ne!(self.stdout, "", "no result: {}", self.stderr);
        serde_json::from_str(&self.stdout).expect("JSON on standard output")
    }
}

pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{:?} cannot be started ({error}): `cargo xtask test` installs it", command.get_program())
    });
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Pipes bytes through a program.
pub fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
