//! Reading the command line. What stands where nothing is expected may be a PIN, and is not printed.

use std::borrow::Cow;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use super::withheld::{WITHHELD, may_be_pin, withhold};
use crate::process::surroundings;

/// The command line of this process. Ends the process where it is wrong, and for help.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        let error = without_stray(error);
        // Why a value is wrong may say it again.
        if let Cow::Owned(said) = withhold(&error.render().to_string()) {
            surroundings::say(said.trim_end());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
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
        let error = without_stray(error);
        format!("{error} {}", error.render())
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

    #[test]
    fn a_mistyped_command_or_option_is_shown() {
        assert!(said(&["renw"]).contains("renw"));
        assert!(said(&["list", "--jsno"]).contains("--jsno"));
    }
}
