//! The command line that goes on with a job, to be shown with an error or a notice (`go_on`).
//!
//! One rule for all of them: run as printed, now or from the day that the error names, it ends the matter or leads to a line that does,
//! and never to the refusal that named it. So it says all that the refused command line said, what the refusal asks for, and names what
//! it is about by what nothing else on the token has. `apps/cli/tests/goes_on.rs` walks them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string as hex;
use usbtoken::driver::TokenIdentity;
use usbtoken::{Credential, TokenUri};

use crate::args::{CheckArgs, FormArg, Global, IssuerArgs, KeyArgs, ProofArg};

/// A command line in the making.
pub struct CommandLine {
    text: String,
}

impl CommandLine {
    /// The command with the options that name bank, driver, token and the source of the PIN.
    pub fn new(command: &str, global: &Global) -> Self {
        CommandLine::on(command, global, global.token.as_deref())
    }

    /// The same on another token.
    pub fn on_token(command: &str, global: &Global, token: &TokenIdentity) -> Self {
        let uri = TokenUri::of_token(&token.label, &token.manufacturer, &token.model, &token.serial);
        CommandLine::on(command, global, Some(&uri.to_string()))
    }

    /// The same for the object that this URI names.
    pub fn on_object(command: &str, global: &Global, uri: &TokenUri) -> Self {
        CommandLine::on(command, global, Some(&uri.to_string()))
    }

    fn on(command: &str, global: &Global, token: Option<&str>) -> Self {
        let line = CommandLine { text: format!("usbtoken {command}") };
        let limit = global.drivers.driver_limit.map(|seconds| seconds.to_string());
        line.paths("--module", &global.drivers.module)
            .value("--bank", global.bank.as_deref())
            .path("--banks", global.banks.as_deref())
            .value("--token", token)
            .path("--pin-file", global.pin_file.as_deref())
            .value("--pin-env", global.pin_env.as_deref())
            .flag("--pin-as-typed", global.pin_as_typed)
            .flag("--trust-driver", global.drivers.trust_driver)
            .path("--driver-host", global.drivers.driver_host.as_deref())
            .flag("--in-process", global.drivers.in_process)
            .paths("--driver-reads", &global.drivers.driver_reads)
            .paths("--driver-writes", &global.drivers.driver_writes)
            .value("--driver-limit", limit.as_deref())
            .flag("--any-caller", global.any_caller)
    }

    /// Adds an option with its value, where it has one.
    #[must_use]
    pub fn value(self, option: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.word(option).word(value),
            None => self,
        }
    }

    /// The same for a path.
    #[must_use]
    pub fn path(self, option: &str, path: Option<&Path>) -> Self {
        self.value(option, path.map(Path::to_string_lossy).as_deref())
    }

    /// The same for an option that may be given several times.
    fn paths(self, option: &str, paths: &[PathBuf]) -> Self {
        paths.iter().fold(self, |line, path| line.path(option, Some(path)))
    }

    /// Names a certificate as no other one of the token is named; `by_id`: the very object.
    #[must_use]
    pub fn certificate(self, credential: &Credential, by_id: bool) -> Self {
        let id = by_id.then(|| hex(credential.id()));
        let name = credential.naming(credential.certificate());
        self.value("--id", id.as_deref()).value("--serial", Some(&name))
    }

    /// Adds that jobs of other callers are meant too.
    #[must_use]
    pub fn any_caller(self, global: &Global, wanted: bool) -> Self {
        self.flag("--any-caller", wanted && !global.any_caller)
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(self, option: &str, given: bool) -> Self {
        if given { self.word(option) } else { self }
    }

    /// Adds the checks that were asked for.
    #[must_use]
    pub fn checks(self, checks: &CheckArgs, retire_old: bool) -> Self {
        let level = checks.require_proof.map(|level| match level {
            ProofArg::Proven => "proven",
            ProofArg::Claimed => "claimed",
        });
        let anchors = |line: Self, path| Self::path(line, "--trust-anchor", Some(path));
        let line = checks.trust_anchor.iter().map(std::path::PathBuf::as_path).fold(self, anchors);
        let line =
            checks.relax.iter().fold(line, |line, check| line.value("--relax", Some(&check.to_string())));
        line.value("--require-proof", level)
            .flag("--write-chain", checks.write_chain)
            .flag("--retire-old", retire_old)
    }

    /// Adds which key is wanted.
    #[must_use]
    pub fn key(self, key: &KeyArgs) -> Self {
        let kind = key.key.map(|kind| kind.to_string());
        self.value("--key", kind.as_deref()).flag("--reuse-key", key.reuse_key).flag("--force", key.force)
    }

    /// Adds how the CA is asked.
    #[must_use]
    pub fn issuer(self, args: &IssuerArgs, form: Option<FormArg>) -> Self {
        let line = self.value("--issuer", args.issuer.as_deref());
        let line = line.path("--issuer-helper", args.issuer_helper.as_deref());
        let timeout = args.issuer_timeout.map(|seconds| seconds.to_string());
        line.value("--issuer-timeout", timeout.as_deref()).form(form)
    }

    /// Adds the form of the request, where it was said.
    #[must_use]
    pub fn form(self, form: Option<FormArg>) -> Self {
        self.value(
            "--form",
            form.map(|form| match form {
                FormArg::Pkcs10 => "pkcs10",
                FormArg::Cms => "cms",
            }),
        )
    }

    /// Adds one word, quoted as the shell wants it.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.text.push(' ');
        self.text.push_str(&quoted(word));
        self
    }

    /// The command line.
    pub fn end(self) -> String {
        self.text
    }
}

/// The options that name the bank, each with a blank before it; empty where none was given.
pub fn bank_options(global: &Global) -> String {
    let line = CommandLine { text: String::new() };
    line.value("--bank", global.bank.as_deref()).path("--banks", global.banks.as_deref()).end()
}

fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else if cfg!(windows) {
        Cow::Owned(format!("\"{}\"", word.replace('"', "\\\"")))
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What a line leaves out of what holds for every command is what a person says once.
    #[test]
    fn a_line_says_again_how_the_token_is_reached() {
        let parsed = |words: &str| {
            let words = words.split(' ');
            let cli = <crate::args::Cli as clap::Parser>::try_parse_from(words).unwrap();
            cli.global
        };
        let drivers = "--module /a.so --module /b.so --trust-driver --driver-host /host --driver-reads /r \
                       --driver-writes /w --driver-writes /v --driver-limit 90";
        let rest =
            "--bank b --banks /banks --token pkcs11:token=T --pin-file pin --pin-as-typed --any-caller";
        let said = parsed(&format!("usbtoken list {drivers} {rest}"));
        let again = parsed(&CommandLine::new("list", &said).end());
        assert_eq!(format!("{said:?}"), format!("{again:?}"));
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in
            ["plain", "", "two words", "it's", "$(rm x)", "a\nb", "pkcs11:token=BANK;serial=1", "漢字"]
        {
            let command = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").arg("-c").arg(command).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
