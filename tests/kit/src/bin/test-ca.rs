//! A CA for demonstrations and tests: reads a request on standard input, prints the answer.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use usbtoken_testkit::{Form, Kind, ParsedRequest, SoftKey, TestCa, days_from_now};

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
    let answer = answer(&arguments, &request, &parsed);
    match std::io::stdout().write_all(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(arguments: &Arguments, request: &[u8], parsed: &ParsedRequest) -> Vec<u8> {
    let ca = TestCa::at(&arguments.dir);
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
