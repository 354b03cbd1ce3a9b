//! Where the old certificate is, when it is not on the token.

use std::path::PathBuf;

use clap::Args;
use usbtoken::places::Place;

/// The old certificate that is not on the token.
#[derive(Args, Clone, Debug, Default)]
pub struct FromArgs {
    /// Where the old certificate is, when it is not on the token: `file:PATH` (PEM, DER, PKCS#7 or PKCS#12), `nss:FOLDER#NAME`,
    /// `windows:THUMBPRINT` or another token, `pkcs11:serial=…`.
    /// The new key and the new certificate go onto the token; the old ones stay where they are.
    #[arg(long, value_name = "PLACE")]
    pub from: Option<Place>,

    /// Reads the password of a PKCS#12 file from the first line of this file, or from standard input for `-`. Without it,
    /// it is asked for.
    #[arg(long, value_name = "FILE", requires = "from")]
    pub from_password: Option<PathBuf>,
}
