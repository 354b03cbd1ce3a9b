//! What a bank's profile says to a command line: which options it forbids, and which it fills in.

use usbtoken::bank::{Bank, KeyRule, OldCredential, Override, RequestForm};
use usbtoken::error::Fact;
use usbtoken::{Code, Error, Result};

use super::Command;
use super::shared::{CheckArgs, FormArg, ISSUER_TIMEOUT, IssuerArgs, KeyArgs};

impl Command {
    /// Refuses an option that the bank does not let a customer use, then fills in what the bank says.
    ///
    /// # Errors
    /// As [`Bank::check_override`].
    pub fn obey(&mut self, bank: &Bank) -> Result<()> {
        for given in self.overrides(bank) {
            bank.check_override(given)?;
        }
        if let Some(form) = self.form().filter(|form| **form == FormArg::default()) {
            *form = form_of(bank);
        }
        if let (Some(args), Some(issuer)) = (self.issuer(), &bank.issuer) {
            if args.issuer.is_none() && args.issuer_helper.is_none() {
                args.issuer.clone_from(&issuer.command);
                args.issuer_helper.clone_from(&issuer.helper);
            }
            if let (ISSUER_TIMEOUT, Some(seconds)) = (args.issuer_timeout, issuer.timeout_seconds) {
                args.issuer_timeout = seconds;
            }
        }
        Ok(())
    }

    /// Refuses a renewal of which no one has said how the CA is asked.
    ///
    /// # Errors
    /// [`Code::BadArgument`].
    pub fn check_issuer(&self) -> Result<()> {
        match self {
            Command::Renew(args) => named(&args.issuer, "--issuer, --issuer-helper"),
            Command::Resume(args) if args.out.is_none() => {
                named(&args.issuer, "--out, --issuer, --issuer-helper")
            }
            _ => Ok(()),
        }
    }

    fn issuer(&mut self) -> Option<&mut IssuerArgs> {
        match self {
            Command::Renew(args) => Some(&mut args.issuer),
            Command::Resume(args) if args.out.is_none() => Some(&mut args.issuer),
            _ => None,
        }
    }

    fn form(&mut self) -> Option<&mut FormArg> {
        match self {
            Command::Renew(args) => Some(&mut args.form),
            Command::Request(args) => Some(&mut args.form),
            Command::Resume(args) => Some(&mut args.form),
            _ => None,
        }
    }

    /// What this command line would have otherwise than the bank. An option that says what the bank says changes nothing.
    fn overrides(&self, bank: &Bank) -> Vec<Override> {
        let mut given = Vec::new();
        let mut add = |is_given: bool, what| given.extend(is_given.then_some(what));
        let mut key = |key: &KeyArgs| {
            let wished = key.key.map(KeyRule::Kind).or(key.reuse_key.then_some(KeyRule::OldAgain));
            add(wished.is_some_and(|wished| wished != bank.key), Override::Key);
            add(key.force, Override::Window);
        };
        match self {
            Command::Preflight(args) => key(&args.key),
            Command::Renew(args) => key(&args.key),
            Command::Request(args) => key(&args.key),
            _ => {}
        }
        if let Some(args) = self.check_args() {
            add(args.require_proof.is_some(), Override::Proof);
            add(!args.trust_anchor.is_empty(), Override::Anchors);
            add(!args.relax.is_empty(), Override::Checks);
            add(args.write_chain, Override::CaCertificates);
        }
        match self {
            Command::Renew(args) => {
                add(args.subject.is_given(), Override::Subject);
                add(args.retire_old, Override::Old);
                add(![FormArg::default(), form_of(bank)].contains(&args.form), Override::Request);
                issuer(&args.issuer, bank, &mut add);
            }
            Command::Request(args) => {
                add(args.require_proof.is_some(), Override::Proof);
                add(![FormArg::default(), form_of(bank)].contains(&args.form), Override::Request);
            }
            Command::Install(args) => {
                add(args.subject.is_given(), Override::Subject);
                add(args.reuse_key, Override::Key);
                add(args.retire_old, Override::Old);
            }
            Command::Resume(args) => {
                add(args.subject.iter().any(super::SubjectArg::is_rule), Override::Subject);
                add(args.retire_old, Override::Old);
                add(![FormArg::default(), form_of(bank)].contains(&args.form), Override::Request);
                issuer(&args.issuer, bank, &mut add);
            }
            Command::Retire(args) => {
                add(args.subject.is_given(), Override::Subject);
                add(!args.trust_anchor.is_empty(), Override::Anchors);
                add(bank.old == OldCredential::Keep, Override::Old);
            }
            _ => {}
        }
        given
    }

    fn check_args(&self) -> Option<&CheckArgs> {
        match self {
            Command::Renew(args) => Some(&args.checks),
            Command::Install(args) => Some(&args.checks),
            Command::Resume(args) => Some(&args.checks),
            _ => None,
        }
    }
}

fn form_of(bank: &Bank) -> FormArg {
    match bank.request {
        RequestForm::Pkcs10 => FormArg::Pkcs10,
        RequestForm::SignedByOldKey => FormArg::Cms,
    }
}

fn named(args: &IssuerArgs, missing: &str) -> Result<()> {
    if args.issuer.is_none() && args.issuer_helper.is_none() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Expected, missing));
    }
    Ok(())
}

/// A bank that does not say how the CA is asked leaves it to the person.
fn issuer(args: &IssuerArgs, bank: &Bank, add: &mut impl FnMut(bool, Override)) {
    let Some(issuer) = &bank.issuer else { return };
    let is_given = args.issuer.is_some() || args.issuer_helper.is_some();
    let is_same = args.issuer == issuer.command && args.issuer_helper == issuer.helper;
    add(is_given && !is_same, Override::Issuer);
    let timeouts = [Some(ISSUER_TIMEOUT), issuer.timeout_seconds];
    add(
        issuer.timeout_seconds.is_some() && !timeouts.contains(&Some(args.issuer_timeout)),
        Override::Timeout,
    );
}
