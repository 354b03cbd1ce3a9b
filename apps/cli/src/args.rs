//! The command line. What is here is a contract with scripts: see `docs/errors.md` for the codes.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args, Parser, Subcommand};
use usbtoken::places::Place;
use usbtoken::text::Lang;

mod bank;
mod drivers;
mod from;
mod parse;
mod pin;
mod removal;
mod shared;
mod subject;
mod withheld;

pub use drivers::Drivers;
use from::place;
pub use from::{AgainArgs, FromArgs};
pub use parse::parse;
pub use pin::{Pin, PinChange};
pub use removal::Retire;
pub use shared::{
    CheckArgs, FormArg, FormatArg, Hex, ISSUER_TIMEOUT, IssuerArgs, KeyArgs, OutArgs, ProofArg,
    ReferenceArgs, Which, YES,
};
pub use subject::{SubjectArg, SubjectArgs};
pub use withheld::{WITHHELD, is_some_place, may_be_pin, withhold};

/// Exit codes are the numbers of [`usbtoken::error::Family`]; a test compares.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  usage: the command line, a file or the source of the PIN
  3  not found, or not uniquely: driver, token, certificate, pending key
  4  PIN: wrong, locked, last try not confirmed, cancelled
  5  refused by the token: full, write-protected, kind of key, exportable key
  6  the CA's answer was refused, or the issuer command failed
  7  device gone or faulty
  8  internal error
  9  a rule forbids it now: not yet renewable, expired, pending, busy
  10  not yet: the CA has not issued the certificate; go on later
  11  done on the token, but the result or the request could not be written
  12  the login with the new certificate is not confirmed (usbtoken confirm)

Errors go to standard error, one code each (listed in docs/errors.md); with --json as
{\"error\": {\"code\": 302, \"name\": \"pin_locked\", ...}}. Standard output is then empty.
Sentences are Japanese or English (--lang, else LC_ALL, LC_MESSAGES, LANG); this help and
the messages about the command line itself are English only.";

/// Renews the certificate on a USB token.
#[derive(Debug, Parser)]
#[command(name = "usbtoken", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The bank whose profile holds (docs/bank-profile.md): its name where it is installed, or the path of its file.
    /// Without it the only profile that is installed, if there is one.
    #[arg(long, value_name = "NAME|FILE", global = true)]
    pub bank: Option<String>,

    /// The folder of installed profiles, in place of the system's.
    #[arg(long, value_name = "FOLDER", global = true)]
    pub banks: Option<PathBuf>,

    #[command(flatten)]
    pub drivers: Drivers,

    /// The token, as PKCS#11 URI (RFC 7512), for example `pkcs11:token=BANK`.
    #[arg(long, value_name = "URI", global = true)]
    pub token: Option<String>,

    /// Waits up to so many seconds for the token to be inserted.
    #[arg(long, value_name = "SECONDS", global = true)]
    pub wait: Option<u32>,

    /// Reads the PIN from this file, or from standard input for `-`. Without it, it is asked for.
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "pin_env")]
    pub pin_file: Option<PathBuf>,

    /// Reads the PIN from this environment variable.
    #[arg(long, value_name = "NAME", global = true)]
    pub pin_env: Option<String>,

    /// Sends the PIN even when one more wrong PIN locks the token, or the token states that it is locked.
    #[arg(long, global = true)]
    pub final_try: bool,

    /// Sends the PIN as it is, even when the token states that PINs are shorter or longer, or are entered at keys of its own.
    #[arg(long, global = true)]
    pub pin_as_typed: bool,

    /// Logs in although the last PIN was wrong and no person is at a terminal: the PIN was put right.
    #[arg(long, global = true)]
    pub pin_corrected: bool,

    /// Acts on pending jobs that a page or another program began, too (resume, install, abandon).
    #[arg(long, global = true)]
    pub any_caller: bool,

    /// Prints JSON: the result on standard output, an error on standard error.
    #[arg(long, global = true)]
    pub json: bool,

    /// The language of sentences.
    #[arg(long, value_name = "LANG", global = true, value_parser = lang_parser())]
    pub lang: Option<Lang>,

    /// Shows progress even when standard error is no terminal.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

fn lang_parser() -> impl clap::builder::TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["ja", "en"]).try_map(|tag| tag.parse::<Lang>())
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the certificates on the tokens.
    ///
    /// No PIN is needed. With --pin-file or --pin-env it logs in and shows how well each private key is protected.
    List(List),
    /// Checks whether a renewal can work, without PIN and without writing.
    #[command(visible_alias = "check")]
    Preflight(Preflight),
    /// Renews a certificate: new key on the token, request, the CA's answer, installation.
    Renew(Renew),
    /// Makes a new key on the token and writes the certificate request; the first half of a renewal.
    Request(Request),
    /// Installs the CA's answer; the second half of a renewal.
    Install(Install),
    /// Lists the pending keys: requests that wait for the CA's answer.
    Pending(Pending),
    /// Goes on with a pending key: writes its request again, or asks the CA again.
    Resume(Resume),
    /// Removes a pending key.
    Abandon(Abandon),
    /// Removes a certificate and its key that have been replaced by newer ones.
    Retire(Retire),
    /// Logs in at the bank's server with the new certificate, to see whether it is accepted.
    ///
    /// It connects to the address of the bank's profile or of --url, through the proxy that is named, and to nothing
    /// else. Nothing is written to the token unless --retire-old is given.
    Confirm(Confirm),
    /// Waits for the token to be inserted.
    Wait(Wait),
    /// Shows on one page what is plugged in, which drivers and tokens are there, and what is wrong.
    ///
    /// It never logs in, never asks for a PIN and writes nothing to a token.
    Doctor(Doctor),
    /// Changes the PIN of the token.
    #[command(subcommand)]
    Pin(Pin),
    /// Checks a bank's profile, or lists those that are installed.
    #[command(subcommand)]
    Profile(Profile),
    /// Reads traces that the driver shim wrote.
    #[command(subcommand)]
    Trace(Trace),
}

impl Command {
    /// Whether it starts a program of the user's.
    pub fn starts_programs(&self) -> bool {
        match self {
            Command::Renew(_) => true,
            Command::Resume(args) => args.out.is_none(),
            _ => false,
        }
    }

    /// The variable that has the new PIN.
    pub fn new_pin_env(&self) -> Option<&str> {
        match self {
            Command::Pin(Pin::Change(args)) => args.new_pin_env.as_deref(),
            _ => None,
        }
    }

    /// Whether it may log in.
    pub fn may_log_in(&self) -> bool {
        self.needs_bank() && !matches!(self, Command::Wait(_))
    }

    /// Whether a bank's rules hold for it, so that it must be known which bank is meant.
    pub fn needs_bank(&self) -> bool {
        !matches!(self, Command::Doctor(_) | Command::Profile(_) | Command::Trace(_))
    }
}

/// `usbtoken list`.
#[derive(Args, Debug)]
pub struct List {
    /// Only those of which the bank reminds its customers by now; without such a bank, those that can be renewed now.
    /// Nothing is printed where there is none, so that a scheduler sends a mail only when there is something to do.
    #[arg(long)]
    pub due: bool,

    /// Lists what is on this computer too: the profiles of Firefox, Thunderbird and Chrome of this user, and the places of --also.
    #[arg(long)]
    pub everywhere: bool,

    /// With --everywhere: this place too, for example `file:old.pem`; may be given several times. A PKCS#12 file is read
    /// where it has no password.
    #[arg(long, value_name = "PLACE", requires = "everywhere", value_parser = OsStringValueParser::new().try_map(place))]
    pub also: Vec<Place>,
}

/// `usbtoken preflight`.
#[derive(Args, Debug)]
pub struct Preflight {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub old: FromArgs,
    #[command(flatten)]
    pub key: KeyArgs,
}

/// `usbtoken renew`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("how").args(["issuer", "issuer_helper"])))]
pub struct Renew {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub old: FromArgs,
    #[command(flatten)]
    pub key: KeyArgs,

    #[command(flatten)]
    pub issuer: IssuerArgs,

    /// The form of the request; pkcs10 where no bank says otherwise.
    #[arg(long)]
    pub form: Option<FormArg>,

    #[command(flatten)]
    pub checks: CheckArgs,
    #[command(flatten)]
    pub subject: SubjectArgs,

    /// Goes on with the pending key of this certificate, if there is one, instead of refusing.
    #[arg(long)]
    pub resume: bool,

    /// With --resume: signs the request anew where the one that was made first is not kept on this computer.
    #[arg(long, requires = "resume")]
    pub sign_again: bool,

    /// Removes the old certificate and key once the new ones work.
    #[arg(long)]
    pub retire_old: bool,

    #[command(flatten)]
    pub order: ReferenceArgs,
}

/// `usbtoken request`.
#[derive(Args, Debug)]
pub struct Request {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub old: FromArgs,
    #[command(flatten)]
    pub key: KeyArgs,

    /// The file for the request; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub file: OutArgs,

    /// A first certificate for this subject (RFC 4514), for example `CN=Yamada,O=Example`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["id", "serial", "reuse_key", "force", "although_renewed", "from"])]
    pub subject: Option<String>,

    /// The form of the request; pkcs10 where no bank says otherwise.
    #[arg(long)]
    pub form: Option<FormArg>,

    /// How well it must be shown that the new private key cannot leave the token.
    #[arg(long, value_name = "LEVEL")]
    pub require_proof: Option<ProofArg>,

    #[command(flatten)]
    pub order: ReferenceArgs,
}

/// `usbtoken install`.
#[derive(Args, Debug)]
pub struct Install {
    /// The CA's answer: a certificate or PKCS#7/CMS, DER or PEM; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub old: AgainArgs,
    #[command(flatten)]
    pub checks: CheckArgs,
    #[command(flatten)]
    pub subject: SubjectArgs,

    /// Keeps what comes on standard input in this file, which must not exist; without it in the folder for state
    /// until the certificate is installed.
    #[arg(long, value_name = "FILE")]
    pub save_answer: Option<PathBuf>,

    /// Accepts a certificate for the old key, which the request was made for with --reuse-key.
    #[arg(long)]
    pub reuse_key: bool,

    /// Removes the old certificate and key once the new ones work.
    #[arg(long)]
    pub retire_old: bool,
}

/// `usbtoken pending`.
#[derive(Args, Debug)]
pub struct Pending {
    #[command(flatten)]
    pub order: ReferenceArgs,

    /// With --reference: the pending key of that order, where several wait.
    #[arg(long, value_name = "HEX", requires = "reference")]
    pub id: Option<Hex>,
}

/// `usbtoken resume`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("to").args(["out", "issuer", "issuer_helper"])))]
pub struct Resume {
    /// The pending key with this id, as `pending` shows it, or the order for the key with this id that is in use.
    #[arg(long, value_name = "HEX")]
    pub id: Option<Hex>,

    /// The file for the request; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub file: OutArgs,

    #[command(flatten)]
    pub issuer: IssuerArgs,

    /// Signs the request anew where the one that was made first is not kept on this computer. A CA may take it for
    /// a second order.
    #[arg(long)]
    pub sign_again: bool,

    /// The form of the request; pkcs10 where no bank says otherwise.
    #[arg(long)]
    pub form: Option<FormArg>,

    /// The subject (RFC 4514), for the key of a first certificate: the token does not keep it. Or how far the
    /// subject may differ from the old one, as with `renew`: exact, common-name-may-change, any. May be given twice.
    #[arg(long, value_name = "NAME|RULE")]
    pub subject: Vec<SubjectArg>,

    #[command(flatten)]
    pub old: AgainArgs,
    #[command(flatten)]
    pub checks: CheckArgs,

    /// Removes the old certificate and key once the new ones work.
    #[arg(long, conflicts_with = "out")]
    pub retire_old: bool,

    #[command(flatten)]
    pub order: ReferenceArgs,
}

/// `usbtoken abandon`.
#[derive(Args, Debug)]
pub struct Abandon {
    /// The pending key with this id, as `pending` shows it.
    #[arg(long, value_name = "HEX")]
    pub id: Option<Hex>,

    /// The private key is gone for good, and does not merely not show: removes what is left of its pair, and forgets its request.
    #[arg(long, requires = "id")]
    pub key_gone: bool,

    /// Does not ask for confirmation.
    #[arg(short, long)]
    pub yes: bool,
}

/// Why a public key is left alone whose private key may only not show: `--key-gone` says that it is not there.
pub const NOT_SHOWN: [&str; 2] = ["no_private_key_shows", "request_kept_here"];

/// `usbtoken confirm`.
#[derive(Args, Debug)]
pub struct Confirm {
    #[command(flatten)]
    pub which: Which,

    /// The address of a page that only those with a certificate can open; without it that of the bank's profile.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The page, on the same server, to which it leads whom it lets in; without it that of the bank's profile.
    #[arg(long, value_name = "URL")]
    pub after_login: Option<String>,

    /// The proxy to go through, `http://host:port`; without it that of the bank's profile. Variables are not examined.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,

    /// A CA certificate (PEM or DER) to which the server's must lead, in place of the system's; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub server_ca: Vec<PathBuf>,

    /// How long it may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: u32,

    /// Removes the certificates and keys that the new one has replaced, if the server accepted it.
    #[arg(long)]
    pub retire_old: bool,

    /// A CA certificate (PEM or DER) above the new one, shown to the server too; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Vec<PathBuf>,
    /// With --retire-old: does not ask for confirmation.
    #[arg(short, long, requires = "retire_old")]
    pub yes: bool,
}

/// `usbtoken wait`.
#[derive(Args, Debug)]
pub struct Wait {
    /// The longest time to wait, in seconds; 60 without this and without --wait.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
}

/// `usbtoken doctor`.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Writes everything into this file, for the support desk. There is nothing secret in it.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,

    /// Overwrites the file if it exists.
    #[arg(long, requires = "bundle")]
    pub overwrite: bool,
}

/// `usbtoken profile`.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// Says all that is wrong with a file, with line and column, and what it means where nothing is.
    Check {
        /// The profile, a file NAME.toml.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Lists the profiles that are installed.
    List,
}

/// `usbtoken trace`.
#[derive(Debug, Subcommand)]
pub enum Trace {
    /// Counts calls, logins and time per function.
    Summary {
        /// The trace, one JSON object a line.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests;
