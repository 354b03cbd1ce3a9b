//! The token that the hardware tests run on: the one that is named, or a throw-away one in SoftHSM.
//!
//! See the README next to this crate for the variables and for what the tests do to a token.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use usbtoken::TokenUri;
use usbtoken_testkit::{Inspector, Kind, Snapshot, SoftToken, inspect, softhsm_module};

/// The variables that name a token.
const MODULE: &str = "USBTOKEN_TEST_MODULE";
const TOKEN: &str = "USBTOKEN_TEST_TOKEN";
const PIN_FILE: &str = "USBTOKEN_TEST_PIN_FILE";
const KEY: &str = "USBTOKEN_TEST_KEY";

/// What a test runs on.
pub struct Target {
    module: PathBuf,
    uri: String,
    serial: String,
    pin: String,
    kind: Kind,
    soft: Option<SoftToken>,
    before: Option<Snapshot>,
    _turn: MutexGuard<'static, ()>,
}

/// A token is one thing: tests take turns.
static TURN: Mutex<()> = Mutex::new(());

impl Target {
    /// The named token, or a fresh one in SoftHSM. What is on it now is what has to be on it at the end.
    ///
    /// # Panics
    /// When only some of the variables are set, or the URI names no serial number.
    pub fn new() -> Target {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let kind = variable(KEY).map_or(Kind::Rsa2048, |kind| kind.parse().expect(KEY));
        let named = Named::from(variable(MODULE), variable(TOKEN), variable(PIN_FILE));
        let mut target = match named.unwrap_or_else(|problem| panic!("{problem}")) {
            Some(Named { module, uri, serial, pin_file }) => {
                let pin = std::fs::read_to_string(&pin_file)
                    .unwrap_or_else(|error| panic!("{PIN_FILE}={}: {error}", pin_file.display()));
                let pin = pin.lines().next().unwrap_or_default().to_owned();
                Target { module, uri, serial, pin, kind, soft: None, before: None, _turn: turn }
            }
            None => {
                let soft = SoftToken::fresh();
                let (uri, serial, pin) = (soft.uri(), soft.serial().to_owned(), soft.pin().to_owned());
                let module = softhsm_module();
                Target { module, uri, serial, pin, kind, soft: Some(soft), before: None, _turn: turn }
            }
        };
        target.before = Some(target.snapshot());
        target
    }

    /// The driver.
    pub fn module(&self) -> &PathBuf {
        &self.module
    }

    /// The URI that names the token.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The user PIN.
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// The kind of key to make.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What was on the token at the beginning.
    pub fn before(&self) -> &Snapshot {
        self.before.as_ref().expect("set by Target::new")
    }

    /// What is on the token. The library must have let go of the driver: a real driver is one per process.
    pub fn snapshot(&self) -> Snapshot {
        self.inspect(Inspector::snapshot)
    }

    /// A look through the test kit; see [`Target::snapshot`].
    pub fn inspect<R>(&self, work: impl FnOnce(&Inspector) -> R) -> R {
        match &self.soft {
            Some(soft) => soft.inspect(work),
            None => inspect(&self.module, &self.serial, &self.pin, work),
        }
    }

    /// Removes what came since the beginning and compares the rest, object by object.
    ///
    /// # Panics
    /// When something else is on the token than at the beginning.
    pub fn clean_up(&self) {
        let added: Vec<Vec<u8>> = {
            let now = self.snapshot();
            now.added_since(self.before()).into_iter().map(|object| object.id.clone()).collect()
        };
        let known = |id: &Vec<u8>| id.is_empty() || self.before().with_id(id).next().is_some();
        self.inspect(|inspector| added.iter().filter(|id| !known(id)).for_each(|id| inspector.destroy(id)));
        self.snapshot().assert_same_as(self.before());
    }
}

impl Default for Target {
    fn default() -> Self {
        Target::new()
    }
}

impl Drop for Target {
    /// A test that failed leaves nothing on a token either.
    fn drop(&mut self) {
        if std::thread::panicking() && self.before.is_some() {
            let cleaned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.clean_up()));
            if cleaned.is_err() {
                eprintln!("what the test made is still on the token {}", self.uri);
            }
        }
    }
}

/// A token that somebody named.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    module: PathBuf,
    uri: String,
    serial: String,
    pin_file: PathBuf,
}

impl Named {
    fn from(
        module: Option<String>,
        uri: Option<String>,
        pin_file: Option<String>,
    ) -> Result<Option<Named>, String> {
        let (module, uri, pin_file) = match (module, uri, pin_file) {
            (None, None, None) => return Ok(None),
            (Some(module), Some(uri), Some(pin_file)) => (module, uri, pin_file),
            _ => return Err(format!("{MODULE}, {TOKEN} and {PIN_FILE}: set all three or none")),
        };
        let parsed: TokenUri = uri.parse().map_err(|error| format!("{TOKEN}={uri}: {error}"))?;
        match parsed.serial() {
            Some(serial) if !serial.is_empty() => {
                let serial = serial.to_owned();
                Ok(Some(Named { module: module.into(), uri, serial, pin_file: pin_file.into() }))
            }
            _ => {
                Err(format!("{TOKEN}={uri} names no serial number: a test must never meet a token by chance"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(module: &str, uri: &str, pin_file: &str) -> Result<Option<Named>, String> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Named::from(some(module), some(uri), some(pin_file))
    }

    #[test]
    fn nothing_named_is_softhsm() {
        assert_eq!(named("", "", ""), Ok(None));
    }

    #[test]
    fn half_a_name_is_refused() {
        for (module, uri, pin_file) in
            [("/m", "", ""), ("/m", "pkcs11:serial=1", ""), ("", "pkcs11:serial=1", "/p")]
        {
            assert!(named(module, uri, pin_file).unwrap_err().contains("all three or none"));
        }
    }

    #[test]
    fn a_token_without_its_serial_number_is_refused() {
        for uri in ["pkcs11:token=BANK", "pkcs11:", "pkcs11:serial=;token=BANK"] {
            assert!(named("/m", uri, "/p").unwrap_err().contains("serial"), "{uri}");
        }
        assert!(named("/m", "BANK", "/p").is_err());
        let exact = named("/m", "pkcs11:token=BANK;serial=12%20ab", "/p").unwrap().unwrap();
        assert_eq!(exact.serial, "12 ab");
    }
}
