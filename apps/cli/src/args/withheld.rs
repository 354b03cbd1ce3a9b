//! What stands on the command line in the place of a name and may be the PIN or a password. Nothing that is printed shows it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use clap::CommandFactory as _;

use super::Cli;

/// Stands in the place of what is not shown.
pub const WITHHELD: &str = "…";

/// Whether this is surely a path, and not a PIN that was given in its place: it is there, or its folder is.
pub fn is_some_place(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::symlink_metadata(path).is_ok() || folder.is_some_and(Path::is_dir)
}

/// Whether a word may be a PIN: digits for the most part, four characters or more, and no path to anything.
pub fn may_be_pin(word: &str) -> bool {
    let (all, digits) = (word.chars().count(), word.chars().filter(|letter| letter.is_numeric()).count());
    let path = Path::new(word);
    let is_other = |letter: char| letter.is_whitespace() || ":=".contains(letter);
    all >= 4
        && digits * 2 >= all
        && !word.contains(is_other)
        && path.is_relative()
        && path.extension().is_none()
        && !is_some_place(path)
}

/// A text without the words of this process's command line that may be PINs.
pub fn withhold(text: &str) -> Cow<'_, str> {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    without(text, WORDS.get_or_init(|| suspicious(std::env::args_os().skip(1))))
}

/// A text without these words.
pub(super) fn without<'t>(text: &'t str, words: &[String]) -> Cow<'t, str> {
    words.iter().fold(Cow::Borrowed(text), |text, word| match without_word(&text, word) {
        Some(shorter) => Cow::Owned(shorter),
        None => text,
    })
}

/// `None` where the word is not there, or only as a part of others, such as a serial number.
fn without_word(text: &str, word: &str) -> Option<String> {
    let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let is_whole = |at: usize| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    };
    let found = text.match_indices(word).map(|(at, _)| at).filter(|at| is_whole(*at));
    let (mut out, mut done) = (String::new(), 0);
    for at in found {
        out.extend([&text[done..at], WITHHELD]);
        done = at + word.len();
    }
    (done > 0).then(|| out + &text[done..])
}

/// The words of a command line that may be PINs: not where a number is expected.
fn suspicious(line: impl Iterator<Item = OsString>) -> Vec<String> {
    let (mut option, mut found) = (None, Vec::new());
    for word in line {
        let Some(word) = word.to_str() else { continue };
        let (name, value) =
            match word.strip_prefix("--").map(|long| long.split_once('=').unwrap_or((long, ""))) {
                Some((name, "")) => {
                    option = Some(name.to_owned());
                    continue;
                }
                Some((name, value)) => (Some(name.to_owned()), value),
                None => (option.take(), word),
            };
        let bare = ["file:", "nss:", "sql:", "windows:", "pkcs11:"]
            .into_iter()
            .fold(value, |value, kind| value.strip_prefix(kind).unwrap_or(value));
        // Shell lines are no names; a blank at an edge comes from a paste.
        let bare = bare.trim();
        if bare.contains(char::is_whitespace) {
            continue;
        }
        // The name of a certificate in a profile.
        let parts = bare.split('#').chain([bare]);
        let meant = parts.filter(|part| may_be_pin(part)).map(str::to_owned);
        let meant: Vec<String> = meant.collect();
        if !meant.is_empty() && !name.is_some_and(|name| takes_number(&name)) {
            found.extend(meant);
        }
    }
    // The longest first, since it may have another in it.
    found.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    found.dedup();
    found
}

/// Whether an option's value is a number: a certificate's, a number in the list, seconds.
fn takes_number(name: &str) -> bool {
    const NUMBERS: [&str; 4] = ["HEX", "N", "NUMBER", "SECONDS"];
    fn among(command: &clap::Command, name: &str) -> bool {
        let is_number =
            |names: &[clap::builder::Str]| names.iter().any(|value| NUMBERS.contains(&value.as_str()));
        let own = command
            .get_arguments()
            .any(|option| option.get_long() == Some(name) && option.get_value_names().is_some_and(is_number));
        own || command.get_subcommands().any(|command| among(command, name))
    }
    among(&Cli::command(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_pin_is_shown_nowhere() {
        for word in ["648219", "P648219", "６４８２１９", "64/8219", "12ab"] {
            assert!(may_be_pin(word), "{word}");
        }
        for word in
            ["old.p12", "2026.pem", "mizuho2", "req1", "/tmp/1234", "/no/1234", "pkcs11:serial=1234", "12"]
        {
            assert!(!may_be_pin(word), "{word}");
        }
        let words = |line: &[&str]| suspicious(line.iter().map(|word| OsString::from(*word)));
        for line in [
            &["list", "--also", "nss:648219"][..],
            &["renew", "--from=file:648219"],
            &["renew", "--from", "nss:sql:648219"],
            &["renew", "--from", "nss:/tmp#648219"],
            &["--bank", "648219"],
            &["install", "648219"],
        ] {
            assert_eq!(words(line), ["648219"], "{line:?}");
        }
        for line in [
            &["renew", "--serial", "648219"][..],
            &["renew", "--id=648219"],
            &["renew", "--nth", "1000"],
            &["renew", "--issuer", "X=1 /tmp/w23d/iss.py"],
            &["renew", "--issuer=/opt/1234/ask", "--out", "out/2026/request.pem"],
        ] {
            assert!(words(line).is_empty(), "{line:?}");
        }
        let found = ["648219".to_owned()];
        assert_eq!(without("nss:/home/648219, not 1648219", &found), "nss:/home/…, not 1648219");
        assert_eq!(without("serial 16482190", &found), "serial 16482190");
    }
}
