//! The catalogue of token families: their USB devices, the drivers they need and where those are installed.
//!
//! The data is two readable files, `catalogue/drivers.toml` and `catalogue/profiles.toml`. A user adds drivers of their own in a second file, which
//! `docs/discovery.md` describes. Vendor and product numbers are a hint; what decides is a driver that sees the token.
//!
//! ```
//! use usbtoken::catalogue::Catalogue;
//!
//! let catalogue = Catalogue::builtin();
//! assert!(catalogue.families().iter().all(|family| !family.name.is_empty()));
//! ```
//!
//! Standards: USB's numbers of vendors and products (`usb.ids`); the paths of drivers as their packages install them.

mod data;
mod family;
mod machine;
#[cfg(test)]
mod tests;
mod usb_id;
mod user;

use std::path::PathBuf;
use std::sync::OnceLock;

pub use self::family::{Family, FamilyDevice, FamilyModule, Profile};
pub use self::machine::{Machine, Os};
pub use self::usb_id::{Class, UsbId};
pub(crate) use self::user::user_file;
use crate::error::Result;

/// A driver's file that is searched for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file's name.
    pub file: String,
    /// The folders, in the order in which they are examined.
    pub folders: Vec<PathBuf>,
}

/// The catalogue.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    families: Vec<Family>,
    vendors: Vec<(u16, String)>,
    folders: data::Folders,
}

impl Catalogue {
    /// The catalogue that is part of this library.
    pub fn builtin() -> &'static Catalogue {
        static BUILTIN: OnceLock<Catalogue> = OnceLock::new();
        BUILTIN.get_or_init(|| match Catalogue::parse(data::BUILTIN) {
            Ok(catalogue) => catalogue,
            // The text is compiled in, and the tests parse it.
            Err(error) => unreachable!("the built-in catalogue: {error}"),
        })
    }

    /// The catalogue with the drivers of the user's file, which come first. A file that is missing adds none.
    ///
    /// # Errors
    /// `FileUnreadable` if the file is there and cannot be read; `BadArgument` with the line if its contents are
    /// not what is expected there.
    pub(crate) fn with_user_file(&self, file: &std::path::Path) -> Result<Catalogue> {
        let mut families = user::read(file)?;
        families.extend(self.families.iter().cloned());
        Ok(Catalogue { families, ..self.clone() })
    }

    /// The families, the user's own first.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The families that have devices with these numbers.
    pub(crate) fn families_of(&self, usb: UsbId) -> Vec<&Family> {
        self.families.iter().filter(|family| family.devices.iter().any(|device| device.usb == usb)).collect()
    }

    /// The families whose drivers have this file name. A version may follow it, as in `libeToken.so.10.8`.
    pub(crate) fn families_of_driver(&self, file: &str) -> Vec<&Family> {
        self.families.iter().filter(|family| family.modules.iter().any(|module| module.is(file))).collect()
    }

    /// The name of a USB vendor, for devices that do not tell their own.
    pub(crate) fn vendor(&self, vendor: u16) -> Option<&str> {
        self.vendors.iter().find(|(id, _)| *id == vendor).map(|(_, name)| name.as_str())
    }

    /// The drivers of a family that this machine could have, and the folders where each is searched for.
    pub(crate) fn wanted(&self, family: &Family, machine: &Machine) -> Vec<Wanted> {
        let fits = |module: &&FamilyModule| {
            module.os == machine.os && module.bits.is_none_or(|bits| bits == machine.bits)
        };
        let usual = self.folders.of(machine);
        family
            .modules
            .iter()
            .filter(fits)
            .map(|module| {
                let mut folders: Vec<PathBuf> =
                    module.folders.iter().filter_map(|folder| machine.expand(folder)).collect();
                // A user names the one file that is meant.
                if !family.from_user {
                    folders.extend(usual.iter().filter_map(|folder| machine.expand(folder)));
                }
                Wanted { file: module.file.clone(), folders }
            })
            .collect()
    }
}

impl Profile {
    /// Those that are part of this library. They are read without the catalogue of drivers, which only a search needs.
    pub(crate) fn builtin() -> &'static [Profile] {
        static BUILTIN: OnceLock<Vec<Profile>> = OnceLock::new();
        BUILTIN.get_or_init(|| match Profile::parse(data::PROFILES) {
            Ok(profiles) => profiles,
            // The text is compiled in, and the tests parse it.
            Err(error) => unreachable!("the built-in profiles: {error}"),
        })
    }

    /// The profile for a token: by the manufacturer's name in CK_TOKEN_INFO, else by the one in CK_INFO, else
    /// the generic one. Where CK_INFO decides, and the driver's file belongs to families that agree on a profile, it
    /// is theirs: a maker may have several. The file alone decides nothing.
    pub(crate) fn of(
        token_manufacturer: &str,
        library_manufacturer: impl FnOnce() -> String,
        driver: &str,
    ) -> &'static Profile {
        let by_name = |name: &str| Self::builtin().iter().find(|profile| profile.is_of(name));
        let by_library = || {
            let by_maker = by_name(&library_manufacturer())?;
            Some(Self::of_driver(driver).unwrap_or(by_maker))
        };
        by_name(token_manufacturer).or_else(by_library).unwrap_or_else(|| Self::usual())
    }

    fn of_driver(driver: &str) -> Option<&'static Profile> {
        let families = Catalogue::builtin().families_of_driver(driver);
        let first = families.first()?;
        let agree = families.iter().all(|family| family.profile == first.profile);
        Self::builtin().iter().find(|profile| agree && profile.name == first.profile)
    }

    fn usual() -> &'static Profile {
        static GENERIC: OnceLock<Profile> = OnceLock::new();
        GENERIC.get_or_init(Profile::generic)
    }
}

/// The file, and the folders in brackets.
impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        write!(f, "{} ({})", self.file, folders.join(", "))
    }
}
