//! What a renewal through C costs over the same from Rust: PKCS#11 calls, logins, time.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use common::{Stage, compile, root, succeed};
use usbtoken::{Finder, Install, Pin, Renewal};

/// Set in the child that renews from Rust: MODULE, URI, PIN and command, one a line.
const CHILD: &str = "USBTOKEN_TEST_RENEW";

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

/// Not a test by itself: the same job as `examples/c/renew.c`, in a process of its own.
#[test]
fn renews_when_told_to() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let [module, uri, pin, command] = arguments.lines().collect::<Vec<_>>().try_into().unwrap();
    let token = Finder::new().module(module).find(&uri.parse().unwrap()).unwrap();
    let old = token.credentials().unwrap().renewable(SystemTime::now()).only().unwrap();
    let session = token.login(Pin::new(pin.into())).unwrap();
    let pending = Renewal::of(&old).begin(&session).unwrap();
    std::fs::write("usbtoken-request.pem", pending.request().to_pem()).unwrap();
    let answer =
        Command::new("sh").arg("-c").arg(format!("{command} < usbtoken-request.pem")).output().unwrap();
    Install::new(&answer.stdout).run_for(&session, &pending).unwrap();
}

/// A stage, and the two programs on it.
struct Both {
    stage: Stage,
    c: PathBuf,
    ca: String,
}

impl Both {
    fn set() -> Self {
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
                command.args(["--exact", "renews_when_told_to"]);
                command.env(CHILD, format!("{}\n{uri}\n{pin}\n{}", module.display(), self.ca));
                command
            }
        };
        command.current_dir(self.stage.folder.path()).envs(self.stage.token.env());
        command.env("XDG_RUNTIME_DIR", self.stage.folder.path());
        command
    }

    /// The PKCS#11 functions that one renewal calls.
    fn calls(&self, language: &str) -> Vec<String> {
        let log = self.stage.folder.path().join(format!("spy-{language}"));
        let mut command = self.command(language, &spy());
        command.env("PKCS11SPY", self.stage.token.module()).env("PKCS11SPY_OUTPUT", &log);
        succeed(command.output().unwrap(), language);
        let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        let call = |line: &str| line.split_once(": C_").map(|(_, name)| format!("C_{}", name.trim()));
        log.lines().filter_map(call).collect()
    }

    fn time(&self, language: &str) -> Duration {
        let start = Instant::now();
        succeed(self.command(language, &self.stage.token.module()).output().unwrap(), language);
        start.elapsed()
    }
}

#[test]
fn c_makes_the_same_pkcs11_calls_as_rust() {
    let rust = Both::set().calls("Rust");
    let c = Both::set().calls("C");
    assert_eq!(c, rust);
    assert_eq!(c.iter().filter(|name| *name == "C_Login").count(), 1);
    println!("PKCS#11 calls: {} from C, {} from Rust; one login each", c.len(), rust.len());
}

#[test]
fn c_takes_as_long_as_rust() {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (language, times) in ["C", "Rust"].iter().zip(&mut times) {
            // The old certificate stays renewable, but a second new one would be compared with it too.
            times.push(Both::set().time(language));
        }
    }
    let [c, rust] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = c.as_secs_f64() / rust.as_secs_f64();
    println!("whole renewal with P-256, median of 5: C {c:?}, Rust {rust:?}, ratio {ratio:.2}");
    assert!(ratio < 2.0, "{ratio}");
}
