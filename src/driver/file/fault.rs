//! Why a file is no usable driver.

use crate::error::{Code, Error, Fact};

/// The function that every driver exports (PKCS#11 v3.1 §5.4).
pub(super) const ENTRY: &str = "C_GetFunctionList";

/// What the check of a file says.
pub(super) type Examined = std::result::Result<(), Fault>;

/// Why a file is no usable driver.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a shared library, but this.
    NotLibrary(String),
    /// For another operating system or processor.
    Platform { expected: String, found: String },
    /// 32 bits against 64 bits.
    Bitness { expected: String, found: String },
    /// The headers speak of at least this many bytes; the file has fewer.
    Truncated { needed: u64 },
    /// The entry function is not exported.
    NoEntry,
}

impl Fault {
    pub(super) fn malformed(what: impl std::fmt::Display) -> Self {
        Fault::NotLibrary(format!("damaged: {what}"))
    }

    /// The error, made of one that names the file, of this many bytes.
    pub(super) fn add_to(self, fail: impl Fn(Code) -> Error, len: u64) -> Error {
        match self {
            Fault::NotLibrary(found) => fail(Code::DriverNotLibrary).fact(Fact::Found, found),
            Fault::Platform { expected, found } => {
                fail(Code::DriverWrongPlatform).fact(Fact::Expected, expected).fact(Fact::Found, found)
            }
            Fault::Bitness { expected, found } => {
                fail(Code::DriverWrongBitness).fact(Fact::Expected, expected).fact(Fact::Found, found)
            }
            Fault::Truncated { needed } => fail(Code::DriverTruncated)
                .fact(Fact::Expected, format_args!("≥ {needed} bytes"))
                .fact(Fact::Found, format_args!("{len} bytes")),
            Fault::NoEntry => fail(Code::DriverNoEntry).fact(Fact::Expected, ENTRY),
        }
    }
}
