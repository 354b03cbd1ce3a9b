//! The kind of key that a page wishes.

use std::str::FromStr;

use usbtoken::pki::KeyKind;
use usbtoken::{Error, Result};

use crate::base::args;

/// CX509PrivateKey's Length: what a page may ask for, for RSA.
const RSA_LENGTHS: [(u32, KeyKind); 3] =
    [(2048, KeyKind::Rsa2048), (3072, KeyKind::Rsa3072), (4096, KeyKind::Rsa4096)];

/// X509ProviderType: those whose keys are RSA keys (PROV_RSA_FULL, PROV_RSA_SIG, PROV_RSA_SCHANNEL, PROV_RSA_AES).
const RSA_PROVIDERS: [u32; 4] = [1, 2, 12, 24];

/// What a page has set of its key.
#[derive(Default)]
pub(super) struct KeyWish {
    length: u32,
    pub(super) algorithm: Algorithm,
    pub(super) provider_type: u32,
}

/// CX509PrivateKey's Algorithm.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Algorithm {
    #[default]
    Unnamed,
    Rsa,
    P256,
    P384,
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" => Ok(Algorithm::Unnamed),
            "RSA" | "1.2.840.113549.1.1.1" => Ok(Algorithm::Rsa),
            // CObjectId's Value of the named algorithms is the OID of the curve.
            "ECDSA_P256" | "1.2.840.10045.3.1.7" => Ok(Algorithm::P256),
            "ECDSA_P384" | "1.3.132.0.34" => Ok(Algorithm::P384),
            _ => Err(args::bad("Algorithm", "unknown_value")),
        }
    }
}

impl KeyWish {
    /// Whether the length is one that there is.
    pub(super) fn set_length(&mut self, length: u32) -> bool {
        let known = [0, 256, 384].contains(&length) || rsa(length).is_some();
        if known {
            self.length = length;
        }
        known
    }

    /// The kind; `None`: as the old one. As with CertEnroll a key for which no algorithm is named is an RSA key, unless it is
    /// to be like an old one, and so is one of a provider for RSA.
    ///
    /// # Errors
    /// [`Code::BadArgument`](usbtoken::Code::BadArgument) when what was set does not go together.
    pub(super) fn kind(&self, is_rsa_unless_named: bool) -> Result<Option<KeyKind>> {
        let of_rsa_provider = RSA_PROVIDERS.contains(&self.provider_type);
        let algorithm = match self.algorithm {
            Algorithm::Unnamed if is_rsa_unless_named || of_rsa_provider && self.length != 0 => {
                Algorithm::Rsa
            }
            Algorithm::P256 | Algorithm::P384 if of_rsa_provider => {
                return Err(args::bad("ProviderType", "not_of_algorithm"));
            }
            named => named,
        };
        match (algorithm, self.length) {
            (Algorithm::Unnamed, 0) => Ok(None),
            (Algorithm::Rsa, 0) => Ok(Some(KeyKind::Rsa2048)),
            (Algorithm::Unnamed | Algorithm::P256, 256) | (Algorithm::P256, 0) => Ok(Some(KeyKind::P256)),
            (Algorithm::Unnamed | Algorithm::P384, 384) | (Algorithm::P384, 0) => Ok(Some(KeyKind::P384)),
            (Algorithm::Unnamed | Algorithm::Rsa, length) if rsa(length).is_some() => Ok(rsa(length)),
            _ => Err(args::bad("Length", "not_of_algorithm")),
        }
    }
}

fn rsa(length: u32) -> Option<KeyKind> {
    RSA_LENGTHS.iter().find(|(bits, _)| *bits == length).map(|(_, kind)| *kind)
}
