//! What a run came to, as a row to send in or to print.

use serde::{Deserialize, Serialize};

/// A run on one token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// What the token and its driver say of themselves.
    pub token: TokenReport,
    /// One for each kind of key.
    pub renewed: Vec<Renewed>,
    /// How the new key signed at a server, one for each kind of key.
    pub logins: Vec<LoggedIn>,
    /// The promises, in the order in which they were tried.
    pub promises: Vec<Kept>,
}

/// What a token and its driver say of themselves. No serial number: a row can be shown to anybody.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TokenReport {
    /// The token's manufacturer.
    pub manufacturer: String,
    /// The token's model.
    pub model: String,
    /// The driver's description of itself and its version.
    pub driver: String,
}

/// One `usbtoken renew` of a token with one credential, in one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewed {
    /// The kind of key.
    pub kind: String,
    /// How sure it is that the key cannot leave the token.
    pub proof: String,
    /// PKCS#11 calls.
    pub calls: usize,
    /// C_Login among them.
    pub logins: usize,
    /// The APDUs that they became, where somebody counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apdus: Option<usize>,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The names of the notices.
    pub notices: Vec<String>,
    /// What the driver refused on the way, `function: CKR`, each once; what only says that an object lacks an attribute left
    /// out.
    pub refused: Vec<String>,
}

/// A login at a server that demands a certificate, after a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The kind of key.
    pub kind: String,
    /// The mechanism that signed the handshake of TLS 1.2.
    pub tls12: String,
    /// The one of TLS 1.3, or why there is none.
    pub tls13: String,
}

/// What became of a promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The stable name.
    pub promise: String,
    /// The kind of key.
    pub kind: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a promise on one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Kept,
    /// The token makes it impossible, for this reason, which was known before.
    Impossible(String),
    /// It does not hold.
    Failed(String),
}

impl Report {
    /// Whether anything was promised and not kept.
    pub fn failed(&self) -> bool {
        self.promises.iter().any(|one| matches!(one.outcome, Outcome::Failed(_)))
    }
}
