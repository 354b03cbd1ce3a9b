//! Families of tokens: their devices, their drivers and their quirks.

use super::machine::Os;
use super::usb_id::{Class, UsbId};

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
    /// The folders where it is searched for before the usual ones.
    pub(super) folders: Vec<String>,
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
    /// Whether a token that refuses the usual key pair is asked next for one whose public key is a session object (CKA_TOKEN false).
    pub public_key_in_session: bool,
    /// Whether the entry is weakly supported.
    pub uncertain: bool,
}

impl Profile {
    /// The profile of tokens that behave as the specification says.
    pub(crate) fn generic() -> Profile {
        Profile {
            name: "generic".into(),
            manufacturers: Vec::new(),
            public_key_in_session: false,
            uncertain: false,
        }
    }

    pub(super) fn is_of(&self, manufacturer: &str) -> bool {
        self.manufacturers.iter().any(|start| {
            manufacturer.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        })
    }
}

impl FamilyModule {
    /// Whether a file of this name is the driver: a version may follow it, as in `libeToken.so.10.8`.
    pub(super) fn is(&self, file: &str) -> bool {
        let same_case =
            |text: &str| if self.os == Os::Windows { text.to_ascii_lowercase() } else { text.into() };
        same_case(file)
            .strip_prefix(&same_case(&self.file))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}
