//! The same renewal in three ways, each in a process of its own: from C and from Rust with this library, and by a C program
//! that makes no PKCS#11 call more than it must (`ffi/benches/limit.c`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use usbtoken::pki::Window;
use usbtoken::{Finder, Install, Pin, Renewal, Response, Run};
use usbtoken_testkit::manual_subject;

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
    let reserved = token.reserve().unwrap();
    let old = reserved.credentials().unwrap().renewable(Window::default(), SystemTime::now()).only().unwrap();
    let session = reserved.login(Pin::new(pin.into())).unwrap();
    let run = Run::default();
    let pending = Renewal::of(&old).begin(&session, &run).unwrap();
    std::fs::write("usbtoken-request.pem", pending.request().to_pem()).unwrap();
    let answer =
        Command::new("sh").arg("-c").arg(format!("{command} < usbtoken-request.pem")).output().unwrap();
    let response = Response::parse(&answer.stdout).unwrap();
    Install::new(&response).run_for(&session, &pending, &run).unwrap();
    true
}

/// Who renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A C program by hand, with as few calls as can be.
    Limit,
    /// A Rust program with this library.
    Rust,
    /// A C program with this library.
    C,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::Limit, Way::Rust, Way::C];
}

/// The C programs, compiled once.
pub struct Programs {
    folder: tempfile::TempDir,
}

impl Programs {
    /// Compiles them.
    pub fn compile() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L"];
        compile("cc", &[root().join("examples/c/renew.c")], &flags, &folder.path().join("renew"));
        // Its calls go through pointers without prototypes, as short as can be; no library of ours is in it.
        let mut limit = Command::new("cc");
        limit.args(["-std=gnu11", "-O2", "-Wall", "-Werror"]).arg(root().join("ffi/benches/limit.c"));
        limit.args(["-ldl", "-o"]).arg(folder.path().join("limit"));
        succeed(limit.output().unwrap(), "limit.c");
        Programs { folder }
    }

    fn command(&self, way: Way, stage: &Stage, module: &Path) -> Command {
        let (uri, pin) = (stage.token.uri(), stage.token.pin());
        let mut command = match way {
            Way::C => {
                let mut command = Command::new(self.folder.path().join("renew"));
                command.arg(module).arg(uri).arg(pin).arg(stage.ca_command("pem"));
                command
            }
            Way::Rust => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                let arguments = format!("{}\n{uri}\n{pin}\n{}", module.display(), stage.ca_command("pem"));
                command.args(CHILD_ARGUMENTS).env(CHILD, arguments);
                command
            }
            Way::Limit => {
                let subject: String = manual_subject().to_der().iter().map(|b| format!("{b:02x}")).collect();
                let mut command = Command::new(self.folder.path().join("limit"));
                command.arg(module).args(["BANK", pin, &stage.ca_command("der"), &subject]);
                command
            }
        };
        command.current_dir(stage.folder.path()).envs(stage.token.env());
        command
    }

    /// The PKCS#11 functions that one renewal calls.
    pub fn calls(&self, way: Way) -> Vec<String> {
        let stage = Stage::set();
        let before = stage.token.snapshot();
        let log = stage.folder.path().join("spy");
        let mut command = self.command(way, &stage, &spy());
        command.env("PKCS11SPY", stage.token.module()).env("PKCS11SPY_OUTPUT", &log);
        succeed(command.output().unwrap(), &format!("{way:?}"));
        stage.assert_renewed(&before);
        let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        let call = |line: &str| line.split_once(": C_").map(|(_, name)| format!("C_{}", name.trim()));
        log.lines().filter_map(call).collect()
    }

    /// How long one renewal takes, the process and the CA's program with it, and how long the CA's program takes alone.
    pub fn time(&self, way: Way) -> (Duration, Duration) {
        // A fresh token each time: the old certificate stays renewable, and a second new one would be read too.
        let stage = Stage::set();
        let ca = ca_alone(&stage);
        let mut command = self.command(way, &stage, &stage.token.module());
        let start = Instant::now();
        let output = command.output().unwrap();
        let whole = start.elapsed();
        succeed(output, &format!("{way:?}"));
        (whole, ca)
    }
}

/// The CA's program asked once more, in the way in which the others ask it.
fn ca_alone(stage: &Stage) -> Duration {
    let request = stage.folder.path().join("again.pem");
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=a",
    ]);
    openssl.args(["-keyout", "/dev/null", "-out"]).arg(&request);
    succeed(openssl.output().unwrap(), "openssl req");
    let line = format!("{} < {}", stage.ca_command("pem"), request.display());
    let start = Instant::now();
    succeed(Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap(), "the CA");
    start.elapsed()
}
