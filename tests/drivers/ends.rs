//! The driver that ends or hangs, and the command and the library with it in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use usbtoken::Finder;
use usbtoken::driver::Deadlines;
use usbtoken_testkit::{driver_host, softhsm_module};

use crate::common::{Bank, Said};

/// The driver, compiled once.
pub fn driver() -> &'static PathBuf {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let driver = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libends.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers/ends.c");
        let mut compiler = Command::new("cc");
        compiler.arg(format!("-DDRIVER=\"{}\"", softhsm_module().display()));
        let compiler = compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&driver).arg(source);
        assert!(compiler.status().expect("`cargo xtask test` installs cc").success());
        driver
    })
}

pub fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| driver_host().to_str().unwrap().to_owned())
}

/// Deadlines for a test: what takes longer is a hang.
pub fn short() -> Deadlines {
    let (read, write) = (Duration::from_secs(3), Duration::from_millis(300));
    Deadlines { initialize: read, read, sign: read, write, generate: write, finalize: read }
}

impl Bank {
    fn beside(&self, ending: &str) -> PathBuf {
        let env = self.soft.env();
        let (_, configuration) = env.iter().find(|(name, _)| *name == "SOFTHSM2_CONF").unwrap();
        let mut path = std::ffi::OsString::from(configuration);
        path.push(ending);
        path.into()
    }

    /// How the driver ends from now on, and nothing noted yet.
    pub fn ends(&self, how: &str) {
        std::fs::write(self.beside(".ends"), how).unwrap();
        let _ = std::fs::remove_file(self.beside(".log"));
    }

    /// The command with this driver in a host.
    pub fn hosted(&self, ends: &str, arguments: &[&str]) -> Command {
        self.ends(ends);
        self.command(driver(), &[&["--driver-host", host()], arguments].concat())
    }

    pub fn run_hosted(&self, ends: &str, arguments: &[&str]) -> Said {
        Said::of(self.hosted(ends, arguments).output().unwrap())
    }

    /// This driver in a host, with short deadlines.
    pub fn finder(&self) -> Finder {
        Finder::new().module(driver()).driver_host(host()).deadlines(short())
    }

    /// What was called since, and in which process.
    pub fn noted(&self) -> Vec<(String, u32)> {
        let log = std::fs::read_to_string(self.beside(".log")).unwrap_or_default();
        let line = |line: &str| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        };
        log.lines().filter_map(line).collect()
    }

    /// The same calls, each with the object that was read.
    pub fn noted_with_objects(&self) -> Vec<(String, String)> {
        let log = std::fs::read_to_string(self.beside(".log")).unwrap_or_default();
        let line = |line: &str| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.nth(1)?.to_owned()))
        };
        log.lines().filter_map(line).collect()
    }

    pub fn hosts(&self) -> Vec<u32> {
        let mut hosts: Vec<u32> = self.noted().into_iter().map(|(_, process)| process).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    /// Waits until the driver has noted that, and says in which process.
    pub fn until_noted(&self, what: &str) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some((_, process)) = self.noted().into_iter().find(|(noted, _)| noted == what) {
                return process;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {:?}", self.noted());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// That the same command again goes on with the job, or begins one, and that it is then whole.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        self.assert_old_works();
        self.run_hosted("", &["pending", "--pin-corrected"]).json();
        let issuer = self.issuer("");
        // What was never sent is signed anew by itself, an answer that is kept is installed, and what was all done needs no more.
        let said = self.run_hosted("", &["renew", "--pin-corrected", "--issuer", &issuer]);
        assert_eq!(said.exit, 0, "{what}: {said:?}");
        self.assert_one_new_credential();
    }
}

/// Whether a process is there, zombies included.
pub fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[track_caller]
pub fn until_gone(process: u32) {
    let begun = Instant::now();
    while is_there(process) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the host {process} is there still");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn said(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

/// Sends a signal.
pub fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}
