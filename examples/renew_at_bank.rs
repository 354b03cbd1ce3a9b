//! Renews the one renewable credential by a bank's profile: its token and drivers, its rules, its words.
//!
//! ```sh
//! cargo run --example renew_at_bank -- examples/banks/manual-bank.toml pin.txt 'ask-the-ca'
//! ```
//!
//! The last argument is a command that reads the certificate request (PEM) and prints the CA's answer.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use usbtoken::bank::Bank;
use usbtoken::error::Fact;
use usbtoken::text::Lang;
use usbtoken::{Code, Error, Install, Pin, Renewal, Response, Result, Run, TokenUri};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, pin_file, command] = arguments.as_slice() else {
        eprintln!("usage: renew_at_bank PROFILE PIN-FILE COMMAND");
        return ExitCode::FAILURE;
    };
    let bank = match Bank::open(profile.as_ref()) {
        Ok(bank) => bank,
        Err(error) => return fail(error.report(Lang::from_env())),
    };
    match renew(&bank, pin_file, command) {
        Ok(said) => println!("{said}"),
        // Whom to call and what the PIN is called is the bank's to say.
        Err(error) => return fail(bank.report(&error, Lang::from_env())),
    }
    ExitCode::SUCCESS
}

fn renew(bank: &Bank, pin_file: &str, command: &str) -> Result<String> {
    let token = bank.find(&bank.finder()?, &TokenUri::default())?;
    // So that no one renews what is about to be renewed here.
    let reserved = token.reserve()?;
    let old = reserved.credentials()?.renewable(bank.window(), SystemTime::now()).only()?;
    let (renewal, run) = (Renewal::of(&old).policy(&bank.policy()), Run::default());
    renewal.preflight(&token, &run).into_notices()?;

    let pin = std::fs::read_to_string(pin_file).map_err(|error| unreadable(pin_file, error))?;
    let session = reserved
        .login(Pin::new(pin.trim_end().into()))
        .map_err(|error| bank.explain(error, token.identity()))?;
    let pending = renewal.begin(&session, &run)?;
    let request = match pending.renewal_request() {
        Some(by_old_key) => by_old_key.to_pem(),
        None => pending.request().to_pem(),
    };
    let answer = ask(command, &request).map_err(|error| unreadable(command, error))?;
    let new = Install::new(&Response::parse(&answer)?).run_for(&session, &pending, &run)?;
    let after = bank.after_installation.as_ref().map_or("", |words| words.text(Lang::from_env()));
    Ok(format!("{}\n{}\n{after}", new.credential.subject(), new.credential.certificate().serial()))
}

fn ask(command: &str, request: &str) -> std::io::Result<Vec<u8>> {
    let mut child =
        Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(request.as_bytes())?;
    }
    Ok(child.wait_with_output()?.stdout)
}

fn unreadable(what: &str, error: std::io::Error) -> Error {
    Error::new(Code::FileUnreadable).fact(Fact::Path, what).caused_by(error)
}

fn fail(report: usbtoken::text::Report) -> ExitCode {
    eprintln!("{report}");
    ExitCode::FAILURE
}
