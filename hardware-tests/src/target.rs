//! The token that the promises are kept on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use usbtoken::{Finder, Pin, Token, TokenUri};
use usbtoken_testkit::{Inspector, Kind, Snapshot, SoftToken, inspect_slot, softhsm_module};

use crate::report::TokenReport;
use crate::slot;

/// What a run is on.
pub struct Target {
    module: PathBuf,
    uri: String,
    pin: String,
    kind: Kind,
    soft: Option<SoftToken>,
    before: Option<Snapshot>,
    seen: OnceLock<slot::Seen>,
    driver: String,
}

/// A token that somebody named.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The driver, an absolute path.
    pub module: PathBuf,
    /// With the exact serial number, and what else tells it from others.
    pub uri: String,
    /// The first line is the user PIN.
    pub pin_file: PathBuf,
}

impl Named {
    /// Takes what was given.
    ///
    /// # Errors
    /// A sentence when the URI names no serial number: a run must never meet a token by chance.
    pub fn new(module: PathBuf, uri: String, pin_file: PathBuf) -> Result<Named, String> {
        let parsed: TokenUri = uri.parse().map_err(|error| format!("{uri}: {error}"))?;
        match parsed.serial() {
            Some(serial) if !serial.is_empty() => Ok(Named { module, uri, pin_file }),
            _ => Err(format!("{uri} names no serial number: a test must never meet a token by chance")),
        }
    }

    /// The token, as it says of itself what it is. No one logs in.
    ///
    /// # Errors
    /// A sentence when it is not there, or is not the only one of that name.
    pub fn found(&self) -> Result<String, String> {
        let uri = self.uri.parse().map_err(|error| format!("{}: {error}", self.uri))?;
        slot::find(&self.module, &uri).map(|(seen, driver)| format!("{seen}, through {driver}"))
    }
}

impl Target {
    /// The named token. What is on it now is what has to be on it at the end.
    ///
    /// # Panics
    /// When it is not there, or is not the only one of that name.
    pub fn named(named: &Named, kind: Kind) -> Target {
        let pin = std::fs::read_to_string(&named.pin_file);
        let pin = pin.unwrap_or_else(|error| panic!("{}: {error}", named.pin_file.display()));
        let pin = pin.lines().next().unwrap_or_default().to_owned();
        let found = slot::find(&named.module, &named.uri.parse().expect("parsed before"));
        let (seen, driver) = found.unwrap_or_else(|problem| panic!("{problem}"));
        let (module, uri) = (named.module.clone(), named.uri.clone());
        let seen = OnceLock::from(seen);
        Target { module, uri, pin, kind, soft: None, before: None, seen, driver }.looked_at()
    }

    /// A fresh one in SoftHSM.
    pub fn soft(kind: Kind) -> Target {
        let soft = SoftToken::fresh();
        let (uri, pin, module) = (soft.uri(), soft.pin().to_owned(), softhsm_module());
        let (seen, driver) = (OnceLock::new(), String::new());
        Target { module, uri, pin, kind, soft: Some(soft), before: None, seen, driver }.looked_at()
    }

    fn looked_at(mut self) -> Target {
        self.before = Some(self.snapshot());
        self
    }

    /// The driver.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The URI that names the token.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The kind of key to make.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the token and its driver say of themselves.
    pub fn report(&self) -> TokenReport {
        let Some(seen) = self.seen.get() else { return TokenReport::default() };
        let (manufacturer, model) = (seen.manufacturer.clone(), seen.model.clone());
        TokenReport { manufacturer, model, driver: self.driver.clone() }
    }

    /// What was on the token at the beginning.
    pub fn before(&self) -> &Snapshot {
        self.before.as_ref().expect("set by every constructor")
    }

    /// The token, as a user of the library finds it.
    pub fn token(&self) -> Token {
        Finder::new().trust_any_owner().module(&self.module).find(&self.uri.parse().expect("a URI")).unwrap()
    }

    /// The PIN.
    pub fn pin(&self) -> Pin {
        Pin::new(self.pin.clone().into())
    }

    /// The command `usbtoken` on this token.
    pub fn command(&self, module: &Path, words: &[&str]) -> Command {
        static COMMAND: OnceLock<PathBuf> = OnceLock::new();
        let mut command = Command::new(COMMAND.get_or_init(usbtoken_testkit::command));
        command.args(["--json", "--lang", "en", "--trust-driver", "--token", &self.uri]);
        command.arg("--module").arg(module).args(["--pin-env", "USBTOKEN_TEST_PIN"]).args(words);
        command.env("USBTOKEN_TEST_PIN", &self.pin);
        command
    }

    /// What another program has to know to see the token.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        self.soft.as_ref().map(SoftToken::env).unwrap_or_default()
    }

    pub(crate) fn pin_text(&self) -> &str {
        &self.pin
    }

    /// Whether an RSA key of the token can sign for TLS 1.3, which knows RSASSA-PSS alone: with a mechanism of that name, or with
    /// the bare operation. SoftHSM has both.
    pub(crate) fn signs_pss(&self) -> bool {
        self.seen.get().is_none_or(|seen| seen.signs_pss)
    }

    /// What is on the token. The library must have let go of the driver: a real driver is one per process.
    pub fn snapshot(&self) -> Snapshot {
        self.inspect(Inspector::snapshot)
    }

    /// A reading through the test kit; see [`Target::snapshot`].
    pub fn inspect<R>(&self, work: impl FnOnce(&Inspector) -> R) -> R {
        match (&self.soft, self.seen.get()) {
            (Some(soft), _) => soft.inspect(work),
            (None, Some(seen)) => inspect_slot(&self.module, seen.slot, &self.pin, work),
            (None, None) => unreachable!("a token that was named was seen"),
        }
    }

    /// Removes what came since the beginning and compares the rest, object by object.
    ///
    /// # Panics
    /// When something else is on the token than at the beginning.
    pub fn clean_up(&self) {
        self.back_to(self.before());
        self.snapshot().assert_same_as(self.before());
    }

    /// Removes what came since then. Objects have the identifiers that the run gave them.
    pub(crate) fn back_to(&self, then: &Snapshot) {
        let now = self.snapshot();
        let mut added: Vec<&[u8]> = now.added_since(then).into_iter().map(|object| &*object.id).collect();
        added.sort_unstable();
        added.dedup();
        added.retain(|id| !id.is_empty() && then.with_id(id).next().is_none());
        if !added.is_empty() {
            self.inspect(|inspector| added.iter().for_each(|id| inspector.destroy(id)));
        }
    }
}

impl Drop for Target {
    /// A run that failed leaves nothing on a token either.
    fn drop(&mut self) {
        if std::thread::panicking() && self.before.is_some() {
            let cleaned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.clean_up()));
            if cleaned.is_err() {
                eprintln!("what the run made is still on the token {}", self.uri);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_its_serial_number_is_refused() {
        let named = |uri: &str| Named::new("/m".into(), uri.into(), "/p".into());
        for uri in ["pkcs11:token=BANK", "pkcs11:", "pkcs11:serial=;token=BANK"] {
            assert!(named(uri).unwrap_err().contains("serial"), "{uri}");
        }
        assert!(named("BANK").is_err());
        assert!(named("pkcs11:token=BANK;serial=12%20ab").is_ok());
    }
}
