//! The catalogue of token families: their USB devices, the drivers they need and where those are installed.
//!
//! The data is one readable file, `catalogue/drivers.toml`. A user adds drivers of their own in a second file,
//! see [`user_file`]. Vendor and product numbers are a hint; what decides is a driver that sees the token.

mod data;
mod machine;
#[cfg(test)]
mod tests;
mod usb_id;
mod user;

use std::path::PathBuf;
use std::sync::OnceLock;

pub use self::machine::{Machine, Os};
pub use self::usb_id::{Class, UsbId};
pub use self::user::user_file;
use crate::error::Result;

/// A device of a family.
#[derive(Clone, Debug)]
pub struct FamilyDevice {
    /// Its numbers.
    pub usb: UsbId,
    /// Its class.
    pub class: Class,
    /// Its name, as the source has it; empty when unknown.
    pub name: String,
    /// Whether other families, or plain card readers, have the same numbers.
    pub shared: bool,
    /// Whether the entry is weakly supported.
    pub uncertain: bool,
}

/// A driver of a family.
#[derive(Clone, Debug)]
pub struct FamilyModule {
    /// The system it is for.
    pub os: Os,
    /// The bitness it is for, where the file's name tells.
    pub bits: Option<u32>,
    /// The file's name.
    pub file: String,
    /// Whether the entry is weakly supported.
    pub uncertain: bool,
    folders: Vec<String>,
}

/// A family of tokens that need the same driver.
#[derive(Clone, Debug)]
pub struct Family {
    /// A stable name, for programs. A user's own begin with `user:`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The name of its quirk profile.
    pub profile: String,
    /// Whether its driver serves tokens of many makers, so that any smart-card interface may be one.
    pub generic: bool,
    /// Its devices; empty when their numbers are not known.
    pub devices: Vec<FamilyDevice>,
    /// Its drivers.
    pub modules: Vec<FamilyModule>,
    /// Whether the user's file names it.
    pub from_user: bool,
}

/// What a family of tokens needs beyond the usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// How the manufacturer's name in CK_TOKEN_INFO or CK_INFO begins.
    pub manufacturers: Vec<String>,
    /// Whether CKA_ID can be set after a key was generated.
    pub id_settable: bool,
    /// Whether a template may name what a key is used for (CKA_SIGN, CKA_VERIFY …).
    pub usage_attributes: bool,
    /// Whether the public key is best a session object (CKA_TOKEN false).
    pub public_key_in_session: bool,
    /// Whether a certificate is best written with the fewest attributes.
    pub minimal_certificate: bool,
    /// Whether every signature needs a context-specific login.
    pub context_login: bool,
    /// The lengths of the PIN, where CK_TOKEN_INFO is known to tell wrong ones: shortest and longest.
    pub pin_length: Option<(u32, u32)>,
    /// Whether the entry is weakly supported.
    pub uncertain: bool,
}

/// A driver's file that is looked for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file's name.
    pub file: String,
    /// The folders, in the order in which they are looked at.
    pub folders: Vec<PathBuf>,
}

/// The catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    families: Vec<Family>,
    profiles: Vec<Profile>,
    vendors: Vec<(u16, String)>,
    folders: data::Folders,
}

impl Catalogue {
    /// The catalogue that is part of this library.
    pub fn builtin() -> &'static Catalogue {
        static BUILTIN: OnceLock<Catalogue> = OnceLock::new();
        BUILTIN.get_or_init(|| match data::parse(data::BUILTIN) {
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
    pub fn vendor(&self, vendor: u16) -> Option<&str> {
        self.vendors.iter().find(|(id, _)| *id == vendor).map(|(_, name)| name.as_str())
    }

    /// The drivers of a family that this machine could have, and the folders where each is looked for.
    pub fn wanted(&self, family: &Family, machine: &Machine) -> Vec<Wanted> {
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

    /// The quirk profile for a token: by the manufacturer's name in CK_TOKEN_INFO, else by the one in CK_INFO, else
    /// the generic one. Where CK_INFO decides, and the driver's file belongs to families that agree on a profile, it
    /// is theirs: a maker may have several. The file alone decides nothing.
    pub(crate) fn profile(
        &self,
        token_manufacturer: &str,
        library_manufacturer: impl FnOnce() -> String,
        driver: &str,
    ) -> &Profile {
        let by_name = |name: &str| self.profiles.iter().find(|profile| profile.is_of(name));
        let by_library = || {
            let by_maker = by_name(&library_manufacturer())?;
            Some(self.profile_of_driver(driver).unwrap_or(by_maker))
        };
        by_name(token_manufacturer).or_else(by_library).unwrap_or_else(|| self.generic_profile())
    }

    fn profile_of_driver(&self, driver: &str) -> Option<&Profile> {
        let families = self.families_of_driver(driver);
        let first = families.first()?;
        let agree = families.iter().all(|family| family.profile == first.profile);
        self.profiles.iter().find(|profile| agree && profile.name == first.profile)
    }

    fn generic_profile(&self) -> &Profile {
        static GENERIC: OnceLock<Profile> = OnceLock::new();
        GENERIC.get_or_init(Profile::generic)
    }
}

impl Profile {
    /// The profile of tokens that behave as the specification says.
    pub(crate) fn generic() -> Profile {
        Profile {
            name: "generic".into(),
            manufacturers: Vec::new(),
            id_settable: true,
            usage_attributes: true,
            public_key_in_session: false,
            minimal_certificate: false,
            context_login: false,
            pin_length: None,
            uncertain: false,
        }
    }

    fn is_of(&self, manufacturer: &str) -> bool {
        self.manufacturers.iter().any(|start| {
            manufacturer.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        })
    }
}

/// The file, and the folders in brackets.
impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        write!(f, "{} ({})", self.file, folders.join(", "))
    }
}

impl FamilyModule {
    fn is(&self, file: &str) -> bool {
        let same_case =
            |text: &str| if self.os == Os::Windows { text.to_ascii_lowercase() } else { text.into() };
        same_case(file)
            .strip_prefix(&same_case(&self.file))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}
