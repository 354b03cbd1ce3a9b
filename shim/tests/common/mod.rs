//! What the shim's tests share: throw-away SoftHSM tokens, and scenes that are played in a process of their own.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use usbtoken_shim::trace::{Call, Trace};

#[macro_use]
pub mod pkcs11;
pub mod stage;

use pkcs11::Pkcs11;

/// A PIN that stands nowhere else, so that it can be searched for.
pub const PIN: &str = "pin-7391-zq";
/// The security officer's.
pub const SO_PIN: &str = "so-pin-5120-xw";
/// The token's label.
pub const LABEL: &str = "SHIM";

/// Where a scene in a process of its own finds the module that its parent has built.
const BUILT: &str = "USBTOKEN_TEST_SHIM";

/// The module with its faults, in a target directory of its own: beside the test binary Cargo would leave whichever
/// was built last, with faults or without.
pub fn shim() -> PathBuf {
    static BUILD: OnceLock<PathBuf> = OnceLock::new();
    let build = || std::env::var_os(BUILT).map_or_else(usbtoken_testkit::shim, PathBuf::from);
    BUILD.get_or_init(build).clone()
}

/// SoftHSM, the driver of these tests.
pub fn softhsm() -> PathBuf {
    if let Some(path) = std::env::var_os("SOFTHSM2_MODULE") {
        return path.into();
    }
    let places = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    let found = places.iter().map(PathBuf::from).find(|path| path.is_file());
    found.expect("SoftHSM is installed (softhsm2), or SOFTHSM2_MODULE names it")
}

/// A SoftHSM token in a folder of its own, gone with it.
pub struct Token {
    pub dir: tempfile::TempDir,
}

impl Token {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tokens = dir.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(dir.path().join("softhsm2.conf"), conf).unwrap();
        let token = Self { dir };
        let made = token
            .command("softhsm2-util")
            .args(["--init-token", "--free", "--label", LABEL, "--so-pin", SO_PIN, "--pin", PIN])
            .output()
            .expect("softhsm2-util runs");
        assert!(made.status.success(), "{made:?}");
        token
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command that sees this token and no configuration of the shim.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).env("LC_ALL", "C").stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("USBTOKEN_SHIM_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The same through the shim, traced.
    pub fn command_through(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.command(program);
        command.env("USBTOKEN_SHIM_DRIVER", softhsm()).env("USBTOKEN_SHIM_TRACE", self.path("trace.jsonl"));
        command
    }

    pub fn trace_text(&self) -> String {
        std::fs::read_to_string(self.path("trace.jsonl")).unwrap_or_default()
    }

    /// What OpenSC's tool lists on the token, without the shim.
    pub fn objects(&self) -> String {
        let mut list = self.command("pkcs11-tool");
        list.arg("--module").arg(softhsm()).args(["--login", "--pin", PIN, "--list-objects"]);
        let output = list.output().expect("pkcs11-tool runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// A scene: a test's body that plays in a child process, because a driver has one state for each process.
pub struct Scene {
    vars: Vec<(OsString, OsString)>,
}

/// What a scene left.
pub struct Played {
    pub output: Output,
    pub token: Token,
}

const PLAYS: &str = "SHIM_TEST_SCENE";
const CURTAIN: &str = "[the scene was played to its end]";

impl Scene {
    pub fn new() -> Self {
        Self { vars: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.vars.push((name.into(), value.into()));
        self
    }

    pub fn faults(faults: &str) -> Self {
        Self::new().with("USBTOKEN_SHIM_FAULT", faults)
    }

    /// Plays the scene of the test with this name, which must reach its end.
    pub fn play(self, test: &str, body: impl FnOnce(&Pkcs11)) -> Played {
        let played = self.play_until(test, body);
        let said = String::from_utf8_lossy(&played.output.stdout);
        assert!(
            played.output.status.success() && said.contains(CURTAIN),
            "{test}: {}\n{said}\n{}",
            played.output.status,
            String::from_utf8_lossy(&played.output.stderr)
        );
        played
    }

    /// Plays a scene that need not reach its end.
    pub fn play_until(self, test: &str, body: impl FnOnce(&Pkcs11)) -> Played {
        let (mut command, token) = self.prepare(test, body);
        Played { output: command.output().unwrap(), token }
    }

    /// The command that plays the scene. In the child itself it plays, and does not return.
    pub fn prepare(self, test: &str, body: impl FnOnce(&Pkcs11)) -> (Command, Token) {
        if std::env::var_os(PLAYS).is_some_and(|scene| scene == test) {
            body(&Pkcs11::load(&shim()));
            println!("{CURTAIN}");
            std::process::exit(0);
        }
        let token = Token::new();
        let mut command = token.command_through(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--nocapture"]).env(PLAYS, test).env(BUILT, shim()).envs(self.vars);
        (command, token)
    }
}

impl Played {
    pub fn trace(&self) -> Trace {
        Trace::parse(&self.token.trace_text())
    }

    pub fn calls_of(&self, function: &str) -> Vec<Call> {
        self.trace().calls.into_iter().filter(|call| call.function == function).collect()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

/// Fails unless `needle` is in none of the files below `folder` but SoftHSM's own.
pub fn assert_nowhere(haystack: &str, needle: &[u8], what: &str) {
    let hex: String = needle.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8_lossy(needle);
    assert!(!haystack.contains(&*text), "{what} stands in the trace");
    assert!(!haystack.to_lowercase().contains(&hex), "{what} stands in the trace in hex");
}

/// The path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}
