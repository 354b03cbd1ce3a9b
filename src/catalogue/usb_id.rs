//! What a device says it is: its numbers and its class.

use crate::error::{Code, Error, Fact, Result};

/// A pair of USB vendor and product numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsbId {
    /// The vendor's number.
    pub vendor: u16,
    /// The product's number.
    pub product: u16,
}

/// How a device speaks to the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A smart-card interface: USB class 0x0b.
    Ccid,
    /// A human-interface device: USB class 0x03, used by drivers that need no driver of the system.
    Hid,
    /// A protocol of the maker's own.
    Vendor,
    /// Not known.
    Unknown,
}

impl std::fmt::Display for UsbId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

impl std::str::FromStr for UsbId {
    type Err = Error;

    /// Reads `vendor:product`, four hexadecimal digits each.
    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| {
            let whole = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            whole.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(vendor, product)| Some(UsbId { vendor: number(vendor)?, product: number(product)? }))
            .ok_or_else(|| {
                Error::new(Code::BadArgument).fact(Fact::Expected, "vvvv:pppp").fact(Fact::Found, text)
            })
    }
}
