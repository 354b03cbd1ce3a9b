//! The arguments of `usbtoken retire`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{Hex, number};
use super::subject::SubjectArgs;

/// `usbtoken retire`.
#[derive(Args, Debug)]
pub struct Retire {
    /// The certificate with this id, as `list` shows it. One of id and serial is needed, unless the token's URI names the
    /// certificate; with both it has both.
    #[arg(long, value_name = "HEX")]
    pub id: Option<Hex>,

    /// The certificate with this serial number, in hexadecimal. Where two have one number, `sha256:` and the fingerprint, as `list --json`
    /// shows it.
    #[arg(long, value_name = "HEX", allow_hyphen_values = true, value_parser = number)]
    pub serial: Option<String>,

    /// The serial number of the certificate that takes its place, or its fingerprint, as with --serial, where the token does not tell: a
    /// renewal by another program or by an earlier version.
    #[arg(long, value_name = "HEX", allow_hyphen_values = true, value_parser = number)]
    pub successor: Option<String>,

    /// A CA certificate (PEM or DER) that the newer one must lead to, where the token does not hold the CA that
    /// issued both; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Vec<PathBuf>,

    /// Removes it although nothing shows that one CA has issued both: you have examined the certificate that --successor names, and
    /// know who issued it.
    #[arg(long, requires = "successor", conflicts_with = "trust_anchor")]
    pub although_issuer_not_shown: bool,
    #[command(flatten)]
    pub subject: SubjectArgs,

    /// Does not ask for confirmation.
    #[arg(short, long)]
    pub yes: bool,
}
