//! Which files about drivers a command reads: those that say which drivers there are, only where drivers are searched for.
#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use common::{Outcome, Stage, outcome};
use usbtoken_testkit::softhsm_module;

/// Writes down what is opened, before everything else that a program is linked with.
const OPENED: &str = r#"
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void note(const char *path)
{
    const char *log = getenv("OPENED");
    int file = log && path ? syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file >= 0) write(file, path, strlen(path)), write(file, "\n", 1), close(file);
}

static int opened(int folder, const char *path, int flags, va_list more)
{
    note(path);
    return syscall(SYS_openat, folder, path, flags, va_arg(more, int));
}

#define OPEN(name) int name(const char *path, int flags, ...) \
    { va_list more; va_start(more, flags); int file = opened(AT_FDCWD, path, flags, more); va_end(more); return file; }
#define OPENAT(name) int name(int folder, const char *path, int flags, ...) \
    { va_list more; va_start(more, flags); int file = opened(folder, path, flags, more); va_end(more); return file; }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

DIR *opendir(const char *path)
{
    note(path);
    return ((DIR *(*)(const char *))dlsym(RTLD_NEXT, "opendir"))(path);
}
"#;

/// Those of p11-kit, of the system and of a user, and the user's own list of drivers.
const ABOUT_DRIVERS: [&str; 3] = ["/pkcs11/modules", "/p11-kit/modules", "/usbtoken/drivers.toml"];

impl Stage {
    fn compile(&self) {
        self.write("opened.c", OPENED.as_bytes());
        let (source, library) = (self.file("opened.c"), self.file("opened.so"));
        let words = ["-shared", "-fPIC", "-w", "-o", library.to_str().unwrap(), source.to_str().unwrap()];
        self.tool("cc", &words).succeeded();
    }

    /// The command, and what of these files it has opened.
    fn opens(&self, arguments: &[&str]) -> (Outcome, Vec<String>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--in-process", "--token", &self.token.uri(), "--pin-file", "pin"]);
        self.at_home(command.args(arguments)).env_remove("USBTOKEN_MODULE");
        command.env("XDG_CONFIG_HOME", self.file("config"));
        command.env("LD_PRELOAD", self.file("opened.so")).env("OPENED", self.file("opened"));
        let said = outcome(&mut command);
        let opened = String::from_utf8(self.read("opened")).unwrap();
        std::fs::remove_file(self.file("opened")).unwrap();
        let is_about = |path: &&str| ABOUT_DRIVERS.iter().any(|about| path.contains(about));
        (said, opened.lines().filter(is_about).map(str::to_owned).collect())
    }
}

#[test]
fn what_drivers_there_are_is_read_only_where_they_are_searched_for() {
    let stage = Stage::new();
    stage.compile();
    let (module, issuer) = (softhsm_module().display().to_string(), stage.issuer(&[]));
    let commands: [&[&str]; 5] = [
        &["list"],
        &["preflight"],
        &["pending"],
        &["request", "--out", "request.pem"],
        &["renew", "--resume", "--issuer", &issuer],
    ];
    for command in commands {
        let (said, opened) = stage.opens(&[&["--module", &module], command].concat());
        said.succeeded();
        assert_eq!(opened, Vec::<String>::new(), "{command:?}");
    }
    // Where they are, each of these places is.
    let (_, opened) = stage.opens(&["list"]);
    for about in ABOUT_DRIVERS {
        assert!(opened.iter().any(|path| path.contains(about)), "{about}: {opened:?}");
    }
}
