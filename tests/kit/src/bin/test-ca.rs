//! A CA for demonstrations and tests: reads a request on standard input, prints the answer.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use sha2::{Digest, Sha256};
use usbtoken_testkit::{Begin, Behaviour, Form, Kind, Naming, ParsedRequest, SoftKey, TestCa, days_from_now};

/// Reads a certificate request (PEM or DER) on standard input and prints the answer. Not for real use: the keys
/// lie in files.
#[derive(Parser)]
struct Arguments {
    /// The folder with the CA's keys and certificates; made when missing
    #[arg(long)]
    dir: PathBuf,
    /// The certificate's life in days
    #[arg(long, default_value_t = 365)]
    days: i64,
    /// The form of the answer: der, pem, bundle, p7, p7-pem, p7-base64
    #[arg(long, default_value = "pem")]
    form: Form,
    /// When the certificate begins: now, backdated (by an hour), or so far ahead: 30s, 5m, 1d
    #[arg(long, default_value = "now")]
    begin: Begin,
    /// The subject of the certificate: kept, recoded, own-common-name, new-generation
    #[arg(long, default_value_t)]
    naming: Naming,
    /// Issue after so many seconds
    #[arg(long, default_value_t)]
    late: u64,
    /// Answer so many seconds after the certificate was issued
    #[arg(long, default_value_t)]
    slow: u64,
    /// Answer only when asked for the same request once more than so often; until then exit code 1 and, on standard
    /// output, a word by which the request is known
    #[arg(long, default_value_t)]
    not_yet: usize,
    /// Answer wrongly, in this way
    #[arg(long = "break")]
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A certificate for another key
    OtherKey,
    /// A certificate that ended yesterday
    Expired,
    /// A certificate that starts in a month
    NotYetValid,
    /// A CA's certificate for the key
    Ca,
    /// Another subject
    Subject,
    /// For servers only
    ServerOnly,
    /// A key usage without signing
    NoSigning,
    /// Only the CAs' own certificates
    NoLeaf,
    /// The first half of the answer
    Truncated,
    /// Nothing at all
    Empty,
    /// Words
    Garbage,
    /// The request itself
    Echo,
    /// No answer, exit code 3
    Fail,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut request = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut request) {
        eprintln!("test-ca: the request cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let parsed = match ParsedRequest::parse(&request) {
        Ok(parsed) => parsed,
        Err(problem) => {
            eprintln!("test-ca: {problem}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.fault == Some(Fault::Fail) {
        eprintln!("test-ca: refused, as asked");
        return ExitCode::from(3);
    }
    if arguments.not_yet > 0 && times_asked(&arguments, &request, &parsed) <= arguments.not_yet {
        println!("{}", reference(&parsed));
        eprintln!("test-ca: not yet");
        return ExitCode::from(1);
    }
    let answer = answer(&arguments, &request, &parsed);
    match std::io::stdout().write_all(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// How often this key was sent to be certified, this time included. In the folder `asked` each request leaves a line
/// with its SHA-256: a new signature over the same content is another request.
fn times_asked(arguments: &Arguments, request: &[u8], parsed: &ParsedRequest) -> usize {
    let folder = arguments.dir.join("asked");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let path = folder.join(reference(parsed));
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let digest: String = Sha256::digest(request).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&path, format!("{before}{digest}\n")).expect("the file can be written");
    before.lines().count() + 1
}

/// A word for this request: the last bytes of its public key.
fn reference(parsed: &ParsedRequest) -> String {
    let key = parsed.spki.iter().rev().take(8);
    key.map(|byte| format!("{byte:02x}")).collect()
}

fn answer(arguments: &Arguments, request: &[u8], parsed: &ParsedRequest) -> Vec<u8> {
    let Arguments { begin, naming, late, slow, .. } = *arguments;
    let (late, slow) = (Duration::from_secs(late), Duration::from_secs(slow));
    let ca = TestCa::at(&arguments.dir).behaving(Behaviour { begin, naming, late, slow });
    let issue = ca.issue_for_parsed(parsed).not_after(days_from_now(arguments.days));
    let issue = match arguments.fault {
        Some(Fault::OtherKey) => issue.public_key(&SoftKey::generate(Kind::P256).spki()),
        Some(Fault::Expired) => issue.not_before(days_from_now(-366)).not_after(days_from_now(-1)),
        Some(Fault::NotYetValid) => issue.not_before(days_from_now(30)),
        Some(Fault::Ca) => issue.ca(true),
        Some(Fault::Subject) => {
            let other = usbtoken_testkit::NameDer::new();
            issue.subject(&other.common(usbtoken_testkit::Text::Utf8, "another customer").to_der())
        }
        Some(Fault::ServerOnly) => issue.server_only(),
        Some(Fault::NoSigning) => issue.usage_without_signing(),
        _ => issue,
    };
    let mut answer = ca.answer(arguments.form, &issue.der());
    match arguments.fault {
        Some(Fault::NoLeaf) => ca.answer_without_leaf(arguments.form),
        Some(Fault::Truncated) => {
            answer.truncate(answer.len() / 2);
            answer
        }
        Some(Fault::Empty) => Vec::new(),
        Some(Fault::Garbage) => b"Service temporarily unavailable\n".to_vec(),
        Some(Fault::Echo) => request.to_vec(),
        _ => answer,
    }
}
