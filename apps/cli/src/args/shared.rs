//! Options that several commands have.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use usbtoken::bank::RequestForm;
use usbtoken::pki::{Check, KeyKind, ProofLevel};

use crate::reference::Reference;

/// Which credential.
#[derive(Args, Clone, Debug, Default)]
pub struct Which {
    /// The certificate with this id (CKA_ID in hexadecimal, as `list` shows it).
    #[arg(long, value_name = "HEX")]
    pub id: Option<Hex>,

    /// The certificate with this serial number, in hexadecimal; with --id as well, of several with that id. Where two have one number, `sha256:`
    /// and the fingerprint, as `list --json` shows it.
    #[arg(long, value_name = "HEX", allow_hyphen_values = true, value_parser = number)]
    pub serial: Option<String>,

    /// The certificate with this number in `list --everywhere`; with --token only where the list with that gives it the same one.
    #[arg(long, value_name = "N", conflicts_with_all = ["id", "serial"])]
    pub nth: Option<usize>,
}

impl Which {
    /// Whether it names one.
    pub fn is_given(&self) -> bool {
        self.id.is_some() || self.serial.is_some()
    }
}

/// How the new key is made.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// The kind of the new key; by default the kind of the old one, rsa2048 for a first certificate.
    #[arg(long, value_name = "KIND", value_parser = key_parser())]
    pub key: Option<KeyKind>,

    /// Uses the old key again instead of making a new one.
    #[arg(long, conflicts_with = "key")]
    pub reuse_key: bool,

    /// Renews outside the 40 days before expiry too, and although it is renewed already.
    #[arg(long)]
    pub force: bool,

    /// Renews although another certificate takes this one's place, or seems to.
    #[arg(long)]
    pub although_renewed: bool,
}

/// What is checked before the new certificate is written.
#[derive(Args, Clone, Debug, Default)]
pub struct CheckArgs {
    /// How well it must be shown that the new private key cannot leave the token.
    #[arg(long, value_name = "LEVEL")]
    pub require_proof: Option<ProofArg>,

    /// A CA certificate (PEM or DER) that the new one must lead to; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Vec<PathBuf>,

    /// Leaves out a check of the new certificate; may be given several times. That the certificate
    /// belongs to the key on the token is always checked.
    #[arg(long, value_name = "CHECK", value_parser = check_parser())]
    pub relax: Vec<Check>,

    /// Writes the CA certificates of the answer to the token too.
    #[arg(long)]
    pub write_chain: bool,
}

/// A level of proof that can be demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProofArg {
    /// Every attribute is reported, and the private value was asked for and refused
    Proven,
    /// The token says sensitive and not extractable, the rest is not reported
    Claimed,
}

/// The form of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// PKCS#10
    Pkcs10,
    /// PKCS#10 signed with the old key (CMS with the RenewalCertificate attribute), for Microsoft CAs
    Cms,
}

impl From<ProofArg> for ProofLevel {
    fn from(level: ProofArg) -> Self {
        match level {
            ProofArg::Proven => ProofLevel::Proven,
            ProofArg::Claimed => ProofLevel::Claimed,
        }
    }
}

impl From<FormArg> for RequestForm {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Pkcs10 => RequestForm::Pkcs10,
            FormArg::Cms => RequestForm::SignedByOldKey,
        }
    }
}

/// The encoding of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Base64 between BEGIN and END lines
    #[default]
    Pem,
    /// Binary
    Der,
}

/// Where the request is written.
#[derive(Args, Clone, Debug)]
pub struct OutArgs {
    /// The encoding of the file; pem where no bank says otherwise.
    #[arg(long)]
    pub format: Option<FormatArg>,

    /// Overwrites the file if it exists.
    #[arg(long)]
    pub overwrite: bool,
}

/// How the CA is asked, and where its answer is kept.
#[derive(Args, Clone, Debug)]
pub struct IssuerArgs {
    /// A shell command that reads the request (PEM) on standard input and prints the CA's answer.
    #[arg(long, value_name = "COMMAND")]
    pub issuer: Option<String>,

    /// A program with operations that asks the CA, and can say 'not yet' (docs/issuer-helper.md).
    #[arg(long, value_name = "PROGRAM", conflicts_with = "issuer")]
    pub issuer_helper: Option<PathBuf>,

    /// How long the program that asks the CA may take, in seconds; 1800 where no bank says otherwise.
    #[arg(long, value_name = "SECONDS")]
    pub issuer_timeout: Option<u32>,

    /// Has the helper show login ID and password to the CA before a key is made. They are read from this file, a
    /// line each, from standard input for `-`, and are asked for without a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[arg(requires = "issuer_helper", conflicts_with = "issuer")]
    pub issuer_login: Option<Option<PathBuf>>,

    /// Keeps the CA's answer in this file, which must not exist; without it in the folder for state until the
    /// certificate is installed.
    #[arg(long, value_name = "FILE")]
    pub save_answer: Option<PathBuf>,
}

impl IssuerArgs {
    /// Whether no CA is named.
    pub fn names_none(&self) -> bool {
        self.issuer.is_none() && self.issuer_helper.is_none()
    }
}

/// Under which number the bank or its CA knows the order.
#[derive(Args, Clone, Debug, Default)]
pub struct ReferenceArgs {
    /// The order's reference number at the bank or its CA. It is kept with the pending key and shown with it.
    #[arg(long, value_name = "NUMBER")]
    pub reference: Option<Reference>,
}

/// The option that stands for a person's consent to a removal.
pub const YES: &str = "--yes";

/// A person may have to approve the request meanwhile.
pub const ISSUER_TIMEOUT: u32 = 1800;

fn check_parser() -> impl clap::builder::TypedValueParser<Value = Check> {
    PossibleValuesParser::new(Check::ALL.iter().map(ToString::to_string))
        .try_map(|name| name.parse::<Check>())
}

fn key_parser() -> impl clap::builder::TypedValueParser<Value = KeyKind> {
    PossibleValuesParser::new(KeyKind::ALL.iter().map(ToString::to_string))
        .try_map(|name| name.parse::<KeyKind>())
}

/// The serial number of a certificate, which may be negative, or its fingerprint: what [`usbtoken::Credentials::by_serial`] takes.
///
/// # Errors
/// What is wrong with it.
pub fn number(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").or(text.strip_prefix('-')).unwrap_or(text);
    let is_digit = |c: char| c.is_ascii_hexdigit() || c == ':';
    match !digits.is_empty() && digits.chars().all(is_digit) {
        true => Ok(text.to_owned()),
        false => Err("only hexadecimal digits are allowed, and sha256: before a fingerprint".to_owned()),
    }
}

/// Bytes, written as hexadecimal digits in pairs, with or without colons between the pairs. None at all are the identifier
/// of a key to which a token has given none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits: Option<Vec<u32>> = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect();
        let digits = digits.ok_or("only hexadecimal digits are allowed")?;
        if digits.len() % 2 != 0 {
            return Err("an even number of hexadecimal digits is needed".to_owned());
        }
        // Each digit is under 16, so a pair fits a byte.
        Ok(Hex(digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8))
            .collect()))
    }
}
