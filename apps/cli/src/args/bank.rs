//! What a bank's profile says to a command line: which options it forbids, and which it fills in.

use usbtoken::bank::{Bank, KeyRule, OldCredential, Override, RequestEncoding, RequestForm};
use usbtoken::error::Fact;
use usbtoken::pki::{ProofLevel, Relax, SubjectRule};
use usbtoken::{Code, Error, Result};

use super::Command;
use super::shared::{CheckArgs, FormArg, FormatArg, IssuerArgs, KeyArgs, OutArgs, ProofArg};

impl Command {
    /// Refuses an option that the bank does not let a customer use, then fills in what the bank says.
    ///
    /// # Errors
    /// As [`Bank::check_override`].
    pub fn obey(&mut self, bank: &Bank) -> Result<()> {
        for given in self.overrides(bank) {
            let named = |error: Error| error.fact(Fact::Detail, options_of(given));
            bank.check_override(given).map_err(named)?;
        }
        if let Some(file) = self.file() {
            file.format.get_or_insert(encoding_of(bank));
        }
        if let (Some(args), Some(issuer)) = (self.issuer(), &bank.issuer) {
            if args.issuer.is_none() && args.issuer_helper.is_none() {
                args.issuer.clone_from(&issuer.command);
                args.issuer_helper.clone_from(&issuer.helper);
            }
            args.issuer_timeout = args.issuer_timeout.or(issuer.timeout_seconds);
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
            // The answer for a key that is named may be on the token, so that no CA is asked.
            Command::Resume(args) if args.out.is_none() && args.id.is_none() => {
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

    /// Where a request is written.
    fn file(&mut self) -> Option<&mut OutArgs> {
        match self {
            Command::Request(args) => Some(&mut args.file),
            Command::Resume(args) => Some(&mut args.file),
            _ => None,
        }
    }

    /// What this command line would have otherwise than the bank. An option that says what the bank says changes nothing.
    fn overrides(&self, bank: &Bank) -> Vec<Override> {
        let mut given = Vec::new();
        let mut add = |is_other: bool, what| given.extend(is_other.then_some(what));
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
        let other_proof =
            |wished: Option<ProofArg>| wished.is_some_and(|level| ProofLevel::from(level) != bank.proof);
        let other_subject = |rule: Option<SubjectRule>| rule.is_some_and(|rule| rule != bank.subject);
        let other_form =
            |form: Option<FormArg>| form.is_some_and(|form| RequestForm::from(form) != bank.request);
        let other_format = |file: &OutArgs| file.format.is_some_and(|format| format != encoding_of(bank));
        let removes_too = |wished: bool| wished && bank.old != OldCredential::Remove;
        if let Some(args) = self.check_args() {
            let relaxed: Relax = args.relax.iter().copied().collect();
            add(other_proof(args.require_proof), Override::Proof);
            add(!args.trust_anchor.is_empty(), Override::Anchors);
            add(!args.relax.is_empty() && relaxed != bank.relax, Override::Checks);
            add(args.write_chain && !bank.write_ca_certificates, Override::CaCertificates);
        }
        match self {
            Command::Renew(args) => {
                add(other_subject(args.subject.subject), Override::Subject);
                add(removes_too(args.retire_old), Override::Old);
                add(other_form(args.form), Override::Request);
                issuer(&args.issuer, bank, &mut add);
            }
            Command::Request(args) => {
                add(other_proof(args.require_proof), Override::Proof);
                add(other_form(args.form) || other_format(&args.file), Override::Request);
            }
            Command::Install(args) => {
                add(other_subject(args.subject.subject), Override::Subject);
                add(args.reuse_key && bank.key != KeyRule::OldAgain, Override::Key);
                add(removes_too(args.retire_old), Override::Old);
            }
            Command::Resume(args) => {
                add(other_subject(args.rule()), Override::Subject);
                add(removes_too(args.retire_old), Override::Old);
                add(other_form(args.form) || other_format(&args.file), Override::Request);
                issuer(&args.issuer, bank, &mut add);
            }
            Command::Retire(args) => {
                add(other_subject(args.subject.subject), Override::Subject);
                add(!args.trust_anchor.is_empty() || args.although_issuer_not_shown, Override::Anchors);
                add(bank.old == OldCredential::Keep, Override::Old);
            }
            Command::Confirm(args) => {
                let other = |given: &Option<String>, banks: Option<&str>| {
                    given.as_deref().is_some_and(|given| Some(given) != banks)
                };
                add(other(&args.url, bank.login_url.as_deref()), Override::Origins);
                add(other(&args.after_login, bank.after_login.as_deref()), Override::Origins);
                add(bank.login_proxy().is_some() && other(&args.proxy, bank.login_proxy()), Override::Issuer);
                add(!args.server_ca.is_empty() || !args.trust_anchor.is_empty(), Override::Anchors);
                add(args.retire_old && bank.old == OldCredential::Keep, Override::Old);
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

/// What of the command line may be meant, for whoever has to leave it out.
const fn options_of(what: Override) -> &'static str {
    match what {
        Override::Drivers => "--module",
        Override::Origins => "--url",
        Override::Anchors => "--trust-anchor, --server-ca, --although-issuer-not-shown",
        Override::Subject => "--subject",
        Override::Checks => "--relax",
        Override::Request => "--form, --format",
        Override::Window => "--force",
        Override::Key => "--key, --reuse-key",
        Override::Proof => "--require-proof",
        Override::Old => "retire, --retire-old",
        Override::CaCertificates => "--write-chain",
        Override::Issuer => "--issuer, --issuer-helper, --proxy",
        Override::Timeout => "--issuer-timeout",
    }
}

fn encoding_of(bank: &Bank) -> FormatArg {
    match bank.request_encoding {
        RequestEncoding::Der => FormatArg::Der,
        _ => FormatArg::Pem,
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
    let is_named = issuer.command.is_some() || issuer.helper.is_some();
    let is_given = is_named && (args.issuer.is_some() || args.issuer_helper.is_some());
    let is_same = args.issuer == issuer.command && args.issuer_helper == issuer.helper;
    add(is_given && !is_same, Override::Issuer);
    let other_timeout = args.issuer_timeout.filter(|seconds| issuer.timeout_seconds != Some(*seconds));
    add(issuer.timeout_seconds.is_some() && other_timeout.is_some(), Override::Timeout);
}
