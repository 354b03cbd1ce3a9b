//! The odd driver, and what the command does with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use usbtoken_testkit::{Kind, NameDer, Provisioned, Text, days_from_now, softhsm_module};

use crate::common::{Bank, Said};

/// The odd driver, compiled once.
pub fn odd_driver() -> &'static PathBuf {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let driver = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("libodd.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers/odd.c");
        let mut compiler = Command::new("cc");
        // Its functions are called with the arguments of those that they stand for.
        let compiler = compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&driver).arg(source);
        assert!(compiler.status().expect("`cargo xtask test` installs cc").success());
        driver
    })
}

impl Bank {
    /// Runs the command with the driver that behaves in these ways.
    pub fn odd(&self, ways: &str, arguments: &[&str]) -> Said {
        self.run_oddly(self.command(odd_driver(), arguments), ways)
    }

    /// The same with a copy of it.
    pub fn oddly_through(&self, driver: &Path, ways: &str, arguments: &[&str]) -> Said {
        self.run_oddly(self.command(driver, arguments), ways)
    }

    /// The same without a PIN at hand.
    pub fn oddly_without_pin(&self, ways: &str, arguments: &[&str]) -> Said {
        self.run_oddly(self.command_without_pin(odd_driver(), arguments), ways)
    }

    /// The same on the token that this URI names.
    pub fn oddly_on(&self, uri: &str, ways: &str, arguments: &[&str]) -> Said {
        let arguments = [&["--pin-env", "TEST_PIN"], arguments].concat();
        self.run_oddly(self.command_for(uri, odd_driver(), &arguments), ways)
    }

    fn run_oddly(&self, mut command: Command, ways: &str) -> Said {
        // What it does to its process is done to the command's.
        command
            .arg("--in-process")
            .env("ODD", ways)
            .env("ODD_DRIVER", softhsm_module())
            .env("ODD_LOG", self.file("odd.log"));
        Said::of(command.output().unwrap())
    }

    /// How often the driver noted that, in all runs.
    pub fn noted(&self, what: &str) -> usize {
        let log = std::fs::read_to_string(self.file("odd.log")).unwrap_or_default();
        log.lines().filter(|line| *line == what).count()
    }

    /// A second credential, which ends so many days from now, or ended before.
    pub fn another(&self, id: u8, days: i64) -> Provisioned {
        let subject = NameDer::new().common(Text::Utf8, &format!("user {id:02x}")).to_der();
        self.soft.credential(&self.ca, Kind::P256, &[id], &subject, days_from_now(days))
    }

    pub fn renew_oddly(&self, ways: &str, more: &[&str]) -> Said {
        let issuer = self.issuer("");
        self.odd(ways, &[&["renew", "--issuer", &issuer], more].concat())
    }
}
