//! The same renewal from C and from Rust, each in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use usbtoken::{Finder, Install, Pin, Renewal};

use super::{Stage, compile, root, succeed};

/// Set in the child that renews from Rust: MODULE, URI, PIN and command, one a line.
const CHILD: &str = "USBTOKEN_TEST_RENEW";

/// What makes this program, run again, call [`renew_when_told_to`]; a benchmark takes no notice of them.
const CHILD_ARGUMENTS: [&str; 2] = ["--exact", "renews_when_told_to"];

fn spy() -> PathBuf {
    let places = [
        "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
        "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
        "/usr/lib64/pkcs11-spy.so",
    ];
    let found = places.iter().map(PathBuf::from).find(|place| place.exists());
    found.expect(
        "pkcs11-spy.so, of the package opensc-pkcs11, is not installed; `cargo xtask test` installs it",
    )
}

/// The same job as `examples/c/renew.c`, when the environment says so. Returns whether it did.
pub fn renew_when_told_to() -> bool {
    let Ok(arguments) = std::env::var(CHILD) else { return false };
    let [module, uri, pin, command] = arguments.lines().collect::<Vec<_>>().try_into().unwrap();
    let token = Finder::new().module(module).find(&uri.parse().unwrap()).unwrap();
    let old = token.credentials().unwrap().renewable(SystemTime::now()).only().unwrap();
    let session = token.login(Pin::new(pin.into())).unwrap();
    let pending = Renewal::of(&old).begin(&session).unwrap();
    std::fs::write("usbtoken-request.pem", pending.request().to_pem()).unwrap();
    let answer =
        Command::new("sh").arg("-c").arg(format!("{command} < usbtoken-request.pem")).output().unwrap();
    Install::new(&answer.stdout).run_for(&session, &pending).unwrap();
    true
}

/// A stage, and the two programs on it.
pub struct Both {
    stage: Stage,
    c: PathBuf,
    ca: String,
}

impl Both {
    pub fn set() -> Self {
        let stage = Stage::set();
        let c = stage.folder.path().join("renew");
        compile("cc", &[root().join("examples/c/renew.c")], &["-std=c11", "-D_POSIX_C_SOURCE=200809L"], &c);
        // Reads what stands on its input, so that both callers can ask in their own way.
        let ca = stage.ca_command("pem");
        Both { stage, c, ca }
    }

    fn command(&self, language: &str, module: &Path) -> Command {
        let (uri, pin) = (self.stage.token.uri(), self.stage.token.pin());
        let mut command = match language {
            "C" => {
                let mut command = Command::new(&self.c);
                command.arg(module).arg(uri).arg(pin).arg(&self.ca);
                command
            }
            _ => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(CHILD_ARGUMENTS);
                command.env(CHILD, format!("{}\n{uri}\n{pin}\n{}", module.display(), self.ca));
                command
            }
        };
        command.current_dir(self.stage.folder.path()).envs(self.stage.token.env());
        command.env("XDG_RUNTIME_DIR", self.stage.folder.path());
        command
    }

    /// The PKCS#11 functions that one renewal calls.
    pub fn calls(&self, language: &str) -> Vec<String> {
        let log = self.stage.folder.path().join(format!("spy-{language}"));
        let mut command = self.command(language, &spy());
        command.env("PKCS11SPY", self.stage.token.module()).env("PKCS11SPY_OUTPUT", &log);
        succeed(command.output().unwrap(), language);
        let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        let call = |line: &str| line.split_once(": C_").map(|(_, name)| format!("C_{}", name.trim()));
        log.lines().filter_map(call).collect()
    }

    pub fn time(&self, language: &str) -> Duration {
        let start = Instant::now();
        succeed(self.command(language, &self.stage.token.module()).output().unwrap(), language);
        start.elapsed()
    }
}
