//! What tells one token from another.

use serde::{Deserialize, Serialize};
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

impl fmt::Display for TokenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (serial {}, {} {})", self.label, self.serial, self.manufacturer, self.model)
    }
}
