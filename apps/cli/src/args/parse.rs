//! Reading the command line. What stands where nothing is expected may be a PIN, and is not printed.

use std::borrow::Cow;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

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
    let Some(stray) = stray_of(&error) else { return error };
    let Some(ContextValue::String(text)) = error.get(stray) else { return error };
    let shown = match stray {
        ContextKind::InvalidArg => option_in(text),
        ContextKind::InvalidSubcommand => {
            let meant = error.get(ContextKind::SuggestedSubcommand).map(names).unwrap_or_default();
            if meant.iter().any(|meant| is_nearly(text, meant)) { return error } else { WITHHELD.to_owned() }
        }
        // A place has its kind in front.
        _ if error.kind() != ErrorKind::TooManyValues && text.contains(':') => return error,
        _ => WITHHELD.to_owned(),
    };
    if shown == *text {
        return error;
    }
    error.insert(stray, ContextValue::String(shown));
    // It is told there how it could be given all the same.
    error.remove(ContextKind::Suggested);
    error.remove(ContextKind::TrailingArg);
    error
}

/// Where the error says what was not expected, or is not what was.
fn stray_of(error: &clap::Error) -> Option<ContextKind> {
    let may_be_pin = |value: Option<&ContextValue>| matches!(value, Some(ContextValue::String(text)) if may_be_pin(text.trim()));
    match error.kind() {
        ErrorKind::UnknownArgument => Some(ContextKind::InvalidArg),
        ErrorKind::InvalidSubcommand => Some(ContextKind::InvalidSubcommand),
        ErrorKind::TooManyValues => Some(ContextKind::InvalidValue),
        ErrorKind::ValueValidation if is_place(error.get(ContextKind::InvalidArg)) => {
            Some(ContextKind::InvalidValue)
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue
            if may_be_pin(error.get(ContextKind::InvalidValue)) =>
        {
            Some(ContextKind::InvalidValue)
        }
        _ => None,
    }
}

/// What is shown of an argument that was not expected: an option of some command, or a slip of one; and where something sticks to
/// an option, that option alone.
fn option_in(text: &str) -> String {
    let Some(name) = text.strip_prefix("--") else { return WITHHELD.to_owned() };
    let known = options();
    if known.iter().any(|known| is_nearly(name, known)) && !may_be_pin(name) {
        return text.to_owned();
    }
    let begun = known.iter().filter(|known| name.starts_with(known.as_str()));
    match begun.max_by_key(|known| known.len()) {
        Some(known) => format!("--{known}{WITHHELD}"),
        None => WITHHELD.to_owned(),
    }
}

fn names(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(name) => vec![name.clone()],
        ContextValue::Strings(names) => names.clone(),
        _ => Vec::new(),
    }
}

/// The names of all options of all commands.
fn options() -> Vec<String> {
    fn collect(command: &clap::Command, found: &mut Vec<String>) {
        let names = command.get_arguments().filter_map(clap::Arg::get_long_and_visible_aliases);
        found.extend(names.flatten().map(str::to_owned));
        command.get_subcommands().for_each(|command| collect(command, found));
    }
    let (mut command, mut found) = (Cli::command(), Vec::new());
    command.build();
    collect(&command, &mut found);
    found
}

/// Whether at most two letters differ, are missing or are too many: no PIN has room in a slip of that size.
fn is_nearly(text: &str, name: &str) -> bool {
    const SLIP: usize = 2;
    let letters: Vec<char> = text.chars().collect();
    if letters.len() > name.len() + SLIP {
        return false;
    }
    // Levenshtein's distance, one row of it at a time.
    let mut row: Vec<usize> = (0..=letters.len()).collect();
    for (at, of_name) in name.chars().enumerate() {
        let mut next = vec![at + 1];
        for ((of_text, above), diagonal) in letters.iter().zip(row.iter().skip(1)).zip(&row) {
            let before = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(*of_text != of_name)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().is_some_and(|distance| *distance <= SLIP)
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
        let lines: [&[&str]; 20] = [
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
            &["list", "--pin-file648219"],
            &["list", "--pin-env648219"],
            &["list", "--pin-file-648219"],
            &["--pin-file648219", "list"],
            &["pin", "change", "--new-pin-file648219"],
            &["list", "--pinfile648219"],
            &["list", "--6482nk"],
            &["list", "--pin-file648219=x"],
            &["preflight648219"],
            &["list", "--pin-as-typed=648219"],
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

    /// A PIN need not be of digits.
    #[test]
    fn what_sticks_to_an_option_or_a_command_is_not_shown() {
        let lines: [&[&str]; 9] = [
            &["list", "--pin-fileGeheim"],
            &["list", "--pin-env-Geheim"],
            &["list", "--pinfileGeheim"],
            &["list", "--pinGeheim"],
            &["list", "--Geheim"],
            &["list", "--json=Geheim"],
            &["list", "--pin-as-typed=Geheim"],
            &["renewGeheim"],
            &["pin", "changeGeheim"],
        ];
        for line in lines {
            assert!(!said(line).contains("eheim"), "{line:?}: {}", said(line));
        }
        assert!(said(&["list", "--pin-env-Geheim"]).contains("'--pin-env…'"));
        assert!(said(&["pin", "change", "--new-pin-file648219"]).contains("'--new-pin-file…'"));
    }

    #[test]
    fn a_mistyped_command_or_option_is_shown() {
        assert!(said(&["renw"]).contains("renw"));
        for option in ["--jsno", "--pin_file", "--issuer"] {
            assert!(said(&["list", option]).contains(option), "{}", said(&["list", option]));
        }
        for (one, other, is) in [("jsno", "json", true), ("jsn", "json", true), ("json12", "json", true)]
            .into_iter()
            .chain([("json123", "json", false), ("", "json", false), ("abcn", "json", false)])
        {
            assert_eq!(is_nearly(one, other), is, "{one} {other}");
        }
    }
}
