//! In what a CA sends its certificates.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In what a CA sends its certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseForm {
    /// A certificate by itself (RFC 5280).
    Certificate,
    /// PKCS#7 or CMS SignedData that holds nothing but certificates (RFC 5652 §5.1).
    Pkcs7,
    /// A CMC full response (RFC 5272 §3.2.2).
    Cmc,
}

impl ResponseForm {
    /// Every one.
    pub const ALL: &'static [ResponseForm] =
        &[ResponseForm::Certificate, ResponseForm::Pkcs7, ResponseForm::Cmc];
}

/// The stable name.
impl fmt::Display for ResponseForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResponseForm::Certificate => "certificate",
            ResponseForm::Pkcs7 => "pkcs7",
            ResponseForm::Cmc => "cmc",
        })
    }
}
