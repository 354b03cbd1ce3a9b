//! Keeps the promises on the token that is named, after saying what it will write and asking.

use std::any::Any;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use usbtoken::TokenUri;
use usbtoken_hardware_tests::{Kept, Named, Outcome, PROMISES, Promise, Report, Target};
use usbtoken_testkit::Kind;

/// Keeps the promises of usbtoken on the token that is named: it makes keys and certificates and removes them again
#[derive(Parser)]
struct Arguments {
    /// The driver, an absolute path [or USBTOKEN_TEST_MODULE]
    #[arg(long)]
    module: Option<PathBuf>,
    /// The token's serial number, exactly [or USBTOKEN_TEST_SERIAL]
    #[arg(long)]
    serial: Option<String>,
    /// In place of the serial number a PKCS#11 URI that has it, where several tokens share it [or USBTOKEN_TEST_TOKEN]
    #[arg(long)]
    token: Option<String>,
    /// A file whose first line is the user PIN [or USBTOKEN_TEST_PIN_FILE]
    #[arg(long)]
    pin_file: Option<PathBuf>,
    /// The kind of key: rsa2048, p256 …; several times for several
    #[arg(long = "key", default_value = "rsa2048")]
    kinds: Vec<Kind>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only these promises
    #[arg(long)]
    only: Vec<String>,
    /// A promise that this token makes impossible, and why: NAME=REASON
    #[arg(long, value_name = "NAME=REASON")]
    impossible: Vec<String>,
    /// Write the report here too, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) if !report.failed() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, String> {
    let named = named(arguments)?;
    let is_chosen =
        |one: &&Promise| arguments.only.is_empty() || arguments.only.iter().any(|name| name == one.name);
    let chosen: Vec<&Promise> = PROMISES.iter().filter(is_chosen).collect();
    println!("On the token {} this will, for each of {}:", named.found()?, kinds(arguments).join(", "));
    println!("- log in with the PIN of {}, and with no other", named.pin_file.display());
    for promise in &chosen {
        println!("- {}: {}", promise.name, promise.what);
    }
    println!("It initialises nothing, and removes only what it has made itself.");
    if !arguments.yes && !agreed() {
        return Err("nothing was done".to_owned());
    }
    let mut report = Report::default();
    for kind in &arguments.kinds {
        // The PIN is sent once: a wrong one is no reason to go on.
        let target = catch_unwind(|| Target::named(&named, *kind)).map_err(|panic| {
            let why = said(&*panic);
            format!(
                "{} cannot be read with the PIN of {}: {why}. Nothing was written to it",
                named.uri,
                named.pin_file.display()
            )
        })?;
        report.token = target.report();
        for promise in &chosen {
            let outcome = keep(promise.name, arguments, || (promise.keep)(&target, &mut report));
            if outcome != Outcome::Kept && catch_unwind(AssertUnwindSafe(|| target.clean_up())).is_err() {
                return Err(format!("what {} has made is still on the token {}", promise.name, named.uri));
            }
            println!("{kind} {}: {}", promise.name, told(&outcome));
            report.promises.push(Kept { promise: promise.name.to_owned(), kind: kind.to_string(), outcome });
        }
    }
    let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    match &arguments.report {
        Some(file) => std::fs::write(file, json).map_err(|error| format!("{}: {error}", file.display()))?,
        None => println!("\nA row to send in (it has no serial number and no PIN):\n{json}"),
    }
    Ok(report)
}

/// What the options or the variables name.
fn named(arguments: &Arguments) -> Result<Named, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let missing = |option: &str, name: &str| format!("--{option} or {name} has to name it");
    let module = arguments.module.clone().or_else(|| variable("USBTOKEN_TEST_MODULE").map(Into::into));
    let module = module.ok_or_else(|| missing("module", "USBTOKEN_TEST_MODULE"))?;
    let pin_file = arguments.pin_file.clone().or_else(|| variable("USBTOKEN_TEST_PIN_FILE").map(Into::into));
    let pin_file = pin_file.ok_or_else(|| missing("pin-file", "USBTOKEN_TEST_PIN_FILE"))?;
    let serial = arguments.serial.clone().or_else(|| variable("USBTOKEN_TEST_SERIAL"));
    let by_serial = serial.map(|serial| TokenUri::of_token("", "", "", &serial).to_string());
    let uri = arguments.token.clone().or_else(|| variable("USBTOKEN_TEST_TOKEN")).or(by_serial);
    Named::new(module, uri.ok_or_else(|| missing("serial", "USBTOKEN_TEST_SERIAL"))?, pin_file)
}

fn kinds(arguments: &Arguments) -> Vec<String> {
    arguments.kinds.iter().map(Kind::to_string).collect()
}

fn agreed() -> bool {
    print!("Type yes to go on: ");
    let _ = io::stdout().flush();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == "yes"
}

/// A panic is a promise that was not kept; one that was known to be impossible has to be.
fn keep(name: &str, arguments: &Arguments, promise: impl FnOnce()) -> Outcome {
    let kept = catch_unwind(AssertUnwindSafe(promise));
    let impossible = arguments.impossible.iter().filter_map(|one| one.split_once('='));
    let reason = impossible.filter(|(one, _)| *one == name).map(|(_, reason)| reason.to_owned()).next();
    match (kept, reason) {
        (Ok(()), None) => Outcome::Kept,
        (Ok(()), Some(reason)) => {
            Outcome::Failed(format!("it is said to be impossible and was kept: {reason}"))
        }
        (Err(_), Some(reason)) => Outcome::Impossible(reason),
        (Err(panic), None) => Outcome::Failed(said(&*panic)),
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Kept => "kept".to_owned(),
        Outcome::Impossible(reason) => format!("impossible: {reason}"),
        Outcome::Failed(what) => format!("FAILED: {what}"),
    }
}
