//! How sure it is that a private key cannot leave its token.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How sure it is that a private key cannot be exported, weakest first.
///
/// It is the driver's word, not an attestation by the token's maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofLevel {
    /// The key can be exported, or the driver does not say that it cannot.
    Refused,
    /// Sensitive, not extractable, and its value was refused; where it came from is not reported.
    Claimed,
    /// All of that, and generated on the token, sensitive and not extractable ever since.
    Proven,
}

/// The stable lower-case name.
impl fmt::Display for ProofLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProofLevel::Refused => "refused",
            ProofLevel::Claimed => "claimed",
            ProofLevel::Proven => "proven",
        })
    }
}
