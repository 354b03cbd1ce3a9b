//! Which kind of key a scene is about.

use usbtoken_testkit::Kind;

/// The keys of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// P-256.
    Ec,
    /// RSA, 2048 bits.
    Rsa,
}

impl Keys {
    /// The kind of key pair, for the test kit.
    pub fn kind(self) -> Kind {
        match self {
            Keys::Ec => Kind::P256,
            Keys::Rsa => Kind::Rsa2048,
        }
    }

    /// As it stands in the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Keys::Ec => "ec",
            Keys::Rsa => "rsa",
        }
    }
}
