//! Compiles C programs against the library and runs them.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod pages;
pub mod ways;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use usbtoken_testkit::{Kind, Snapshot, SoftToken, TestCa, days_from_now, program, verify_with_certificate};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The folder with the library as `cargo xtask sanitize` builds it: with AddressSanitizer in the Rust code.
fn sanitized() -> Option<PathBuf> {
    std::env::var_os("USBTOKEN_SANITIZED_LIBRARY").map(PathBuf::from)
}

/// The folder with `libusbtoken_ffi.so` and `.a`, which Cargo builds together with this test; or with the sanitized one.
pub fn libraries() -> PathBuf {
    if let Some(folder) = sanitized() {
        let _ = std::os::unix::fs::symlink("libusbtoken_ffi.so", folder.join("libusbtoken.so.0"));
        return folder;
    }
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().unwrap();
    assert!(folder.join("libusbtoken_ffi.so").exists(), "the shared library is not in {}", folder.display());
    // The loader searches for it by its soname; another test may have made the link already.
    let _ = std::os::unix::fs::symlink("libusbtoken_ffi.so", folder.join("libusbtoken.so.0"));
    folder.to_path_buf()
}

/// The header.
pub fn header() -> String {
    std::fs::read_to_string(root().join("include/usbtoken.h")).unwrap()
}

/// The prototypes in the header, each on one line.
pub fn prototypes() -> Vec<String> {
    let header = header();
    let mut found = Vec::new();
    let mut lines = header.lines().skip_while(|line| !line.contains("extern \"C\""));
    while let Some(line) = lines.next() {
        let comment = line.starts_with([' ', '/', '#', '*', '}']) || line.is_empty();
        if comment || !line.contains("usbtoken_") {
            continue;
        }
        let mut whole = line.to_owned();
        while !whole.ends_with(';') {
            whole.push(' ');
            whole.push_str(lines.next().unwrap().trim());
        }
        found.push(whole);
    }
    assert!(found.len() > 80, "{} prototypes", found.len());
    found
}

/// The name in a prototype.
pub fn name(prototype: &str) -> &str {
    let before = prototype.split('(').next().unwrap();
    before.rsplit([' ', '*']).next().unwrap()
}

/// A compiler, with every warning an error; `CC` may name another for C.
pub fn compile(compiler: &str, sources: &[PathBuf], flags: &[&str], into: &Path) {
    let chosen = std::env::var("CC").ok().filter(|_| compiler == "cc");
    let mut command = Command::new(chosen.as_deref().unwrap_or(compiler));
    command.args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root().join("include"));
    command.arg("-I").arg(root().join("ffi/tests/c")).args(flags).args(sources).arg("-o").arg(into);
    if sanitized().is_some() {
        // The sanitizer's runtime comes with the program, for the library too.
        command.arg("-fsanitize=address");
    }
    command.arg("-L").arg(libraries()).arg("-lusbtoken_ffi").args(["-lpthread", "-ldl"]);
    // An rpath of the old kind: LD_LIBRARY_PATH, which Cargo sets for tests, must not choose another build.
    command.arg(format!("-Wl,--disable-new-dtags,-rpath,{}", libraries().display()));
    succeed(command.output().unwrap(), &format!("{command:?}"));
}

/// A program of `ffi/tests/c`, compiled as C11.
pub fn c_test(name: &str, flags: &[&str], folder: &Path) -> PathBuf {
    let into = folder.join(name);
    let flags: Vec<&str> =
        ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wpedantic"].iter().chain(flags).copied().collect();
    compile("cc", &[root().join(format!("ffi/tests/c/{name}.c"))], &flags, &into);
    into
}

/// What it printed; it must have succeeded.
pub fn succeed(output: Output, what: &str) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}\n{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// What the leak sanitizer should overlook.
pub fn leak_options() -> String {
    format!("print_suppressions=0:suppressions={}", root().join("ffi/tests/lsan.supp").display())
}

/// A token with a certificate that ends in 11 days, and a CA that answers.
pub struct Stage {
    /// The token.
    pub token: SoftToken,
    /// The CA.
    pub ca: TestCa,
    /// A folder for what the test makes.
    pub folder: tempfile::TempDir,
}

impl Stage {
    /// Sets it.
    pub fn set() -> Stage {
        let token = SoftToken::fresh();
        let folder = tempfile::tempdir().unwrap();
        let ca = TestCa::at(&folder.path().join("ca"));
        token.first_credential(&ca, Kind::P256, days_from_now(11));
        Stage { token, ca, folder }
    }

    /// The command that asks the CA, in this form of answer.
    pub fn ca_command(&self, form: &str) -> String {
        let program = program("test-ca");
        format!("{} --dir {} --form {form}", program.display(), self.folder.path().join("ca").display())
    }

    /// A command with the token's environment, and MODULE URI PIN CA-COMMAND.
    pub fn command(&self, words: &[&std::ffi::OsStr]) -> Command {
        self.command_with_pin(words, self.token.pin())
    }

    /// The same with another PIN.
    pub fn command_with_pin(&self, words: &[&std::ffi::OsStr], pin: &str) -> Command {
        self.command_with(words, pin, "p7-base64")
    }

    /// The same with the form in which the CA answers.
    pub fn command_with(&self, words: &[&std::ffi::OsStr], pin: &str, form: &str) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command.arg(self.token.module()).arg(self.token.uri()).arg(pin);
        command.arg(self.ca_command(form)).envs(self.token.env());
        command.env("LSAN_OPTIONS", leak_options()).env("XDG_STATE_HOME", self.folder.path().join("state"));
        // What a cancelled thread leaves of its frames is told as an error when ASan takes its signal stack back.
        command.env("ASAN_OPTIONS", "use_sigaltstack=0");
        command
    }

    /// The new credential is on the token and signs; what was there before is there as it was. Returns the new
    /// certificate.
    /// Whether the day of an installation is kept where the command finds it.
    pub fn keeps_installation(&self) -> bool {
        let files = std::fs::read_dir(self.folder.path().join("state/usbtoken")).unwrap();
        files
            .map(|file| file.unwrap().path())
            .any(|file| file.extension().is_some_and(|it| it == "installed"))
    }

    pub fn assert_renewed(&self, before: &Snapshot) -> Vec<u8> {
        let after = self.token.snapshot();
        after.assert_keeps(before);
        let added = after.added_since(before);
        assert_eq!(added.len(), 3, "{}", after.difference(before));
        let certificate = added.iter().find(|one| one.class == "CKO_CERTIFICATE").unwrap();
        let der = certificate.bytes("Value").unwrap();
        let signature = self.token.sign(&certificate.id, b"renewed");
        assert!(verify_with_certificate(der, b"renewed", &signature));
        der.to_vec()
    }

    /// Runs a program with MODULE URI PIN CA-COMMAND; what it printed.
    pub fn run(&self, words: &[&std::ffi::OsStr]) -> String {
        succeed(self.command(words).output().unwrap(), &format!("{words:?}"))
    }
}

/// Whether a certificate's last moment is more than half a year away: the new one.
pub fn is_new(not_after: SystemTime) -> bool {
    not_after > days_from_now(180)
}

/// The words that run a program under valgrind: an invalid access, a jump on uninitialised memory or a leak fails it.
/// Allocations that are still pointed to at the end are not leaks: SoftHSM and OpenSSL keep some.
pub fn under_valgrind(program: &Path, more: &[&str]) -> Vec<OsString> {
    let suppressions = format!("--suppressions={}", root().join("ffi/tests/valgrind.supp").display());
    let own = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
        "--show-leak-kinds=definite,indirect",
        &suppressions,
    ];
    own.iter().chain(more).map(OsString::from).chain([program.into()]).collect()
}

/// Runs a program under valgrind with MODULE URI PIN CA-COMMAND; what it printed.
pub fn valgrind(stage: &Stage, program: &Path, more: &[&str]) -> String {
    let words = under_valgrind(program, more);
    stage.run(&words.iter().map(OsString::as_os_str).collect::<Vec<_>>())
}
