//! Reading the command line. What stands where nothing is expected may be a PIN, and is not printed.

use std::borrow::Cow;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use super::withheld::{WITHHELD, may_be_pin, withhold, without};
use crate::process::surroundings;

/// The command line of this process. Ends the process where it is wrong, and for help.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        let value = value_that_may_be_pin(&error);
        let error = without_stray(error);
        // Why a value is wrong may say it again, also where a number is expected.
        if let Cow::Owned(said) = said_without(&error, value.as_slice()) {
            surroundings::say(said.trim_end());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

fn value_that_may_be_pin(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(text)) => Some(text.trim().to_owned()).filter(|text| may_be_pin(text)),
        _ => None,
    }
}

/// What it says; borrowed where nothing was left out.
fn said_without(error: &clap::Error, values: &[String]) -> Cow<'static, str> {
    let said = error.render().to_string();
    let kept = without(&withhold(&said), values).into_owned();
    if kept == said { Cow::Borrowed("") } else { Cow::Owned(kept) }
}

/// The same error without an argument that is neither an option nor nearly a command, nor a place of certificates, or that may be a
/// PIN.
fn without_stray(mut error: clap::Error) -> clap::Error {
    let stray = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand if error.get(ContextKind::SuggestedSubcommand).is_none() => {
            ContextKind::InvalidSubcommand
        }
        ErrorKind::ValueValidation if is_place(error.get(ContextKind::InvalidArg)) => {
            ContextKind::InvalidValue
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue if matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(text)) if may_be_pin(text.trim())) => {
            ContextKind::InvalidValue
        }
        _ => return error,
    };
    match error.get(stray) {
        // A place has its kind in front.
        Some(ContextValue::String(text)) if stray == ContextKind::InvalidValue && text.contains(':') => {
            return error;
        }
        Some(ContextValue::String(text))
            if !text.starts_with("--") || may_be_pin(text.trim_start_matches('-').trim()) => {}
        _ => return error,
    }
    error.insert(stray, ContextValue::String(WITHHELD.to_owned()));
    // It is told there how it could be given all the same.
    error.remove(ContextKind::Suggested);
    error.remove(ContextKind::TrailingArg);
    error
}

fn is_place(option: Option<&ContextValue>) -> bool {
    let places = ["--from <PLACE>", "--also <PLACE>"];
    matches!(option, Some(ContextValue::String(option)) if places.contains(&option.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &[&str]) -> String {
        let error = Cli::try_parse_from([&["usbtoken"], line].concat()).err().unwrap();
        let value = value_that_may_be_pin(&error);
        let error = without_stray(error);
        match said_without(&error, value.as_slice()) {
            Cow::Owned(said) => said,
            Cow::Borrowed(_) => format!("{error} {}", error.render()),
        }
    }

    #[test]
    fn a_stray_argument_may_be_the_pin() {
        let lines: [&[&str]; 10] = [
            &["--648219", "list"],
            &["648219"],
            &["list", "648219"],
            &["list", "--pin-file", "pin", "648219"],
            &["pin", "change", "648219"],
            &["pin", "648219"],
            &["list", "-648219"],
            &["list", "--pin", "648219"],
            &["list", "--pin=648219"],
            &["renew", "--", "648219"],
        ];
        for line in lines {
            let said = said(line);
            assert!(!said.contains("6482") && said.contains("Usage:"), "{line:?}: {said}");
        }
    }

    #[test]
    fn a_place_without_its_kind_may_be_the_pin() {
        for line in [["preflight", "--from", "648219"], ["list", "--also", "648219"]] {
            let said = said(&line);
            assert!(!said.contains("6482") && said.contains("file:PATH"), "{line:?}: {said}");
        }
        assert!(said(&["preflight", "--from", "http://x"]).contains("http://x"));
    }

    /// The reason says the value again.
    #[test]
    fn a_number_that_is_none_of_those_expected_may_be_the_pin() {
        let said = said(&["--driver-limit", "648219", "list"]);
        assert!(
            !said.contains("6482") && said.contains("--driver-limit") && said.contains("65535"),
            "{said}"
        );
    }

    #[test]
    fn a_mistyped_command_or_option_is_shown() {
        assert!(said(&["renw"]).contains("renw"));
        assert!(said(&["list", "--jsno"]).contains("--jsno"));
    }
}
