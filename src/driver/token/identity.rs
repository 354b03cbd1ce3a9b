//! What tells one token from another.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// What tells one token from another (PKCS#11 v3.1 §3.3); slot numbers do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenIdentity {
    /// The label.
    pub label: String,
    /// The manufacturer.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The serial number.
    pub serial: String,
}

impl TokenIdentity {
    /// The name that stands for the token wherever something of it is kept: its lock, that a PIN was wrong, a job. 32 hexadecimal
    /// digits.
    ///
    /// Drivers of one token do not agree on the rest, nor on how the serial number is written: blanks and zero bytes around it
    /// and upper and lower case count for nothing. Where it is blank the rest counts.
    pub fn name(&self) -> String {
        let plain = |text: &str| text.trim_matches(['\0', ' ']).to_ascii_uppercase();
        let serial = plain(&self.serial);
        let parts = match serial.as_str() {
            "" => vec![plain(&self.manufacturer), plain(&self.model), plain(&self.label)],
            _ => vec![serial],
        };
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        base16ct::lower::encode_string(digest.finalize().get(..16).unwrap_or_default())
    }

    /// Whether both have the same [name](TokenIdentity::name).
    pub fn is_same_token(&self, other: &TokenIdentity) -> bool {
        self == other || self.name() == other.name()
    }
}

impl fmt::Display for TokenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (serial {}, {} {})", self.label, self.serial, self.manufacturer, self.model)
    }
}
