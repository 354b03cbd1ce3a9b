//! The profile as a value.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Span;
use jiff::civil::Date;
use serde::Serialize;

use super::origin::Origin;
use super::pattern::TokenPattern;
use super::policy::{Begins, KeyRule, OldCredential, OtherUsers, Policy, RequestForm};
use super::words::{Contact, NextStep, Words};
use crate::catalogue::{Catalogue, Machine, Os, UsbId};
use crate::discovery::Finder;
use crate::error::{Code, Error, Fact, Result};
use crate::pki::{
    Certificate, Name, ProofLevel, Relax, ResponseForm, SubjectRule, Window, WindowState, days_left, jst_date,
};
use crate::text::Lang;

/// One bank's profile. Made by [`Bank::open`], [`Bank::parse`] or [`Installed`](super::Installed).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bank {
    /// Under which name it is installed: the file's without `.toml`; empty where there was no file.
    pub id: String,
    /// Where it was read, without links; none where there was no file.
    pub(super) file: Option<PathBuf>,
    /// The bank's name.
    pub name: Words,
    /// Whom its customers call, the first first.
    pub contacts: Vec<Contact>,
    /// The tokens that it distributes.
    pub tokens: Vec<BankToken>,
    /// The trust anchors: the CA's certificates, the next generation's too.
    pub anchors: Vec<Certificate>,
    /// The names of the CAs that issue its certificates; any where there is none.
    pub issuers: Vec<Name>,
    /// How the subject of a new certificate may differ from the old one's.
    pub subject: SubjectRule,
    /// Whether the profile says so: then the CA is known to give new common names.
    pub(super) common_name_changes: bool,
    /// The checks of a new certificate that are left out.
    pub relax: Relax,
    /// The extended key usages that a new certificate must have, as object identifiers in dots.
    pub extended_key_usage: Vec<String>,
    /// The form of the request.
    pub request: RequestForm,
    /// The encoding of the request.
    pub request_encoding: RequestEncoding,
    /// The forms in which the CA answers; any where there is none.
    pub answers: Vec<ResponseForm>,
    pub(super) window: Window,
    /// When a new certificate begins to work at the bank.
    pub begins_to_work: Begins,
    /// The days on which the bank rests, besides weekends and 31 December to 3 January.
    pub holidays: Vec<Date>,
    /// How many days before the end a customer is reminded, the most first.
    pub reminders: Vec<u32>,
    /// What holds after the end; none where the profile does not say.
    pub too_late: Option<TooLate>,
    /// The kind of the new key.
    pub key: KeyRule,
    /// The proof that the new key cannot leave the token.
    pub proof: ProofLevel,
    /// How many days the clock of a computer may be wrong.
    pub clock_tolerance_days: Option<u32>,
    /// What becomes of the old credential.
    pub old: OldCredential,
    /// Whether another user's credential may be on the token.
    pub other_users: OtherUsers,
    /// Whether the CA's certificates are written to the token too.
    pub write_ca_certificates: bool,
    /// How the CA is asked; none where a person does it.
    pub issuer: Option<Issuer>,
    /// The origins whose pages may use the enrolment facade.
    pub origins: Vec<Origin>,
    /// Where a customer logs in with the certificate.
    pub login_url: Option<String>,
    /// The page to which the server leads whom it lets in; none where the login is at `login_url` itself.
    pub after_login: Option<String>,
    /// The CAs to one of which the certificate of that server must lead; where there are none, those of the system and
    /// `anchors`.
    pub login_anchors: Vec<Certificate>,
    pub(super) pages_proxy: Option<String>,
    /// What the PIN is called on the bank's letter.
    pub pin: Option<Words>,
    /// What else must be done after a new certificate is installed.
    pub after_installation: Option<Words>,
    /// How the old certificate ends at the bank.
    pub old_certificate: Option<Words>,
    pub(super) next_steps: Vec<NextStep>,
    pub(super) may_override: Vec<Override>,
}

/// A kind of token that a bank distributes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BankToken {
    /// What the bank calls it.
    pub name: Option<Words>,
    /// Which tokens are meant: one pattern that matches is enough.
    pub patterns: Vec<TokenPattern>,
    /// Its USB numbers: a hint, no proof.
    pub usb: Vec<UsbId>,
    /// The families of the catalogue that it belongs to.
    pub families: Vec<String>,
    /// How it reaches the customer.
    pub delivered: Delivered,
    /// Its drivers.
    pub drivers: Vec<BankDriver>,
}

/// A driver that a bank names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BankDriver {
    /// The name for people.
    pub name: Option<String>,
    /// The system that it is for.
    pub system: Os,
    /// The bitness of the programs that can load it; both where none is given.
    pub bits: Option<u32>,
    /// Its file, as the profile has it: `%NAME%` at the beginning is a variable of Windows, `{multiarch}` Debian's name
    /// of the processor.
    pub path: String,
}

/// How a token reaches the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivered {
    /// With a certificate, and a PIN that is used as it is.
    #[default]
    WithCertificate,
    /// Empty: the certificate is issued onto it.
    Empty,
    /// With an initial PIN that the customer must change.
    InitialPin,
}

/// The encoding of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestEncoding {
    /// Base64 between BEGIN and END lines (RFC 7468).
    #[default]
    Pem,
    /// The bytes.
    Der,
}

/// A reminder of a renewal that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reminder {
    /// Which one of the bank's: so many days before the expiry date it began. The fewer, the more urgent.
    pub due: u32,
    /// How many days are left until the expiry date in Japan.
    pub days_left: u32,
    /// The date in Japan from which on the next one is due; none after the last.
    pub next: Option<Date>,
}

fn days_before(not_after: SystemTime, days: u32) -> Option<Date> {
    jst_date(not_after).checked_sub(Span::new().try_days(days).ok()?).ok()
}

/// What holds when a certificate can be renewed no more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TooLate {
    /// The customer has a new one issued with login ID and password.
    NewIssue,
    /// A master user revokes the old one first, then a new one is issued.
    RevokeFirst,
    /// The customer hands a form in at the branch.
    Form,
    /// The customer asks the contacts.
    Contact,
    /// What the bank says.
    Words(Words),
}

/// How the CA is asked. Where neither a program nor a command stands, the person names one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issuer {
    /// A program with operations (`docs/issuer-helper.md`), by absolute path.
    pub helper: Option<PathBuf>,
    /// A shell command instead.
    pub command: Option<String>,
    /// How many seconds it may take.
    pub timeout_seconds: Option<u32>,
    /// The proxy that it goes through, as a URL.
    pub proxy: Option<String>,
}

/// What a caller or an option may override, if the profile lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Override {
    /// The drivers.
    Drivers,
    /// The origins of pages.
    Origins,
    /// The trust anchors.
    Anchors,
    /// How the subject may differ.
    Subject,
    /// The checks of a new certificate.
    Checks,
    /// The form of the request.
    Request,
    /// The window.
    Window,
    /// The kind of key.
    Key,
    /// The demanded proof.
    Proof,
    /// What becomes of the old credential.
    Old,
    /// Whether the CA's certificates are written.
    CaCertificates,
    /// How the CA is asked.
    Issuer,
    /// How long the CA may take.
    Timeout,
}

impl Override {
    /// Every one.
    pub const ALL: &'static [Override] = &[
        Override::Drivers,
        Override::Origins,
        Override::Anchors,
        Override::Subject,
        Override::Checks,
        Override::Request,
        Override::Window,
        Override::Key,
        Override::Proof,
        Override::Old,
        Override::CaCertificates,
        Override::Issuer,
        Override::Timeout,
    ];
}

/// The stable name, as a profile has it.
impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Override::Drivers => "drivers",
            Override::Origins => "origins",
            Override::Anchors => "anchors",
            Override::Subject => "subject",
            Override::Checks => "checks",
            Override::Request => "request",
            Override::Window => "window",
            Override::Key => "key",
            Override::Proof => "proof",
            Override::Old => "old",
            Override::CaCertificates => "ca_certificates",
            Override::Issuer => "issuer",
            Override::Timeout => "timeout",
        })
    }
}

impl Bank {
    /// Its rules, for every call of a renewal.
    pub fn policy(&self) -> Policy {
        let usual = Policy::default();
        Policy {
            window: self.window,
            window_binds_removal: !self.may_override.contains(&Override::Window),
            key: self.key,
            proof: self.proof,
            subject: self.subject,
            common_name_changes: self.common_name_changes,
            relax: self.relax,
            clock_tolerance_days: self.clock_tolerance_days.unwrap_or(usual.clock_tolerance_days),
            anchors: self.anchors.clone(),
            issuers: self.issuers.clone(),
            extended_key_usage: self.extended_key_usage.clone(),
            write_ca_certificates: self.write_ca_certificates,
            old: self.old,
            request: self.request,
            answers: self.answers.clone(),
            begins_to_work: self.begins_to_work,
            holidays: self.holidays.clone(),
            other_users: self.other_users,
        }
    }

    /// The window in which its certificates are renewed.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The pattern that a token with these values of CK_TOKEN_INFO matches, padding blanks stripped; none if the token is
    /// not the bank's.
    pub(crate) fn claims(
        &self,
        label: &str,
        manufacturer: &str,
        model: &str,
        serial: &str,
    ) -> Option<&TokenPattern> {
        let patterns = self.tokens.iter().flat_map(|token| &token.patterns);
        patterns.into_iter().find(|pattern| pattern.matches(label, manufacturer, model, serial))
    }

    /// Checks that this may be overridden.
    ///
    /// # Errors
    /// [`Code::OverrideRefused`] with what may be.
    pub fn check_override(&self, wanted: Override) -> Result<()> {
        if self.may_override.contains(&wanted) {
            return Ok(());
        }
        let listed: Vec<String> = self.may_override.iter().map(Override::to_string).collect();
        let refused = Error::new(Code::OverrideRefused).fact(Fact::Bank, &self.id).fact(Fact::Found, wanted);
        Err(refused.fact(Fact::Expected, format_args!("may_override = {listed:?}")))
    }

    /// The proxy through which its pages are reached, as a URL: that of the pages, else the issuer's.
    pub fn login_proxy(&self) -> Option<&str> {
        let issuers = self.issuer.as_ref().and_then(|issuer| issuer.proxy.as_deref());
        self.pages_proxy.as_deref().or(issuers)
    }

    /// Checks that a policy differs from the bank's only where that may be overridden.
    ///
    /// # Errors
    /// As [`Bank::check_override`], for the first difference.
    pub fn check_policy(&self, wished: &Policy) -> Result<()> {
        let own = self.policy();
        let differences = [
            (wished.window != own.window, Override::Window),
            (wished.window_binds_removal != own.window_binds_removal, Override::Window),
            (wished.clock_tolerance_days != own.clock_tolerance_days, Override::Window),
            (wished.key != own.key, Override::Key),
            (wished.proof != own.proof, Override::Proof),
            (wished.subject != own.subject, Override::Subject),
            (wished.common_name_changes != own.common_name_changes, Override::Subject),
            (wished.relax != own.relax, Override::Checks),
            (wished.extended_key_usage != own.extended_key_usage, Override::Checks),
            (wished.answers != own.answers, Override::Checks),
            (wished.other_users != own.other_users, Override::Checks),
            (wished.anchors != own.anchors, Override::Anchors),
            (wished.issuers != own.issuers, Override::Anchors),
            (wished.write_ca_certificates != own.write_ca_certificates, Override::CaCertificates),
            (wished.old != own.old, Override::Old),
            (wished.begins_to_work != own.begins_to_work, Override::Old),
            (wished.holidays != own.holidays, Override::Old),
            (wished.request != own.request, Override::Request),
        ];
        differences
            .into_iter()
            .filter(|(differs, _)| *differs)
            .try_for_each(|(_, what)| self.check_override(what))
    }

    /// What a customer may override.
    pub fn may_override(&self) -> &[Override] {
        &self.may_override
    }

    /// Whether the profile says which drivers the bank's tokens need.
    pub fn names_drivers(&self) -> bool {
        self.tokens.iter().any(|token| !token.drivers.is_empty() || !token.families.is_empty())
    }

    /// The drivers of the bank's tokens that are for this machine, each with the place where it belongs. Those of the
    /// families of the catalogue come last, once for each folder.
    pub(crate) fn drivers(&self, machine: &Machine, catalogue: &Catalogue) -> Vec<PathBuf> {
        let fits = |driver: &&BankDriver| {
            driver.system == machine.os && driver.bits.is_none_or(|bits| bits == machine.bits)
        };
        let named = self.tokens.iter().flat_map(|token| &token.drivers).filter(fits);
        let named = named.filter_map(|driver| machine.expand(&driver.path));
        let ids: Vec<&String> = self.tokens.iter().flat_map(|token| &token.families).collect();
        let families = catalogue.families().iter().filter(|family| ids.contains(&&family.id));
        let wanted = families.flat_map(|family| catalogue.wanted(family, machine));
        let of_families =
            wanted.flat_map(|wanted| wanted.folders.into_iter().map(move |folder| folder.join(&wanted.file)));
        named.chain(of_families).collect()
    }

    /// A finder that asks the bank's drivers; every driver that is known on this machine where the profile names none.
    ///
    /// # Errors
    /// [`Code::DriverMissing`] with the places, when the profile names drivers and none of them is there.
    pub fn finder(&self) -> Result<Finder> {
        let drivers = self.drivers(&Machine::current(), Catalogue::builtin());
        if drivers.is_empty() {
            return Ok(Finder::new());
        }
        let (there, missing): (Vec<&PathBuf>, Vec<&PathBuf>) = drivers.iter().partition(|path| path.exists());
        if there.is_empty() {
            let error = Error::new(Code::DriverMissing)
                .during(crate::error::Step::FindDrivers)
                .fact(Fact::Bank, self.name.text(Lang::Ja));
            return Err(missing.iter().fold(error, |error, path| error.fact(Fact::Expected, path.display())));
        }
        Ok(there.into_iter().fold(Finder::new(), |finder, path| finder.module(path)))
    }

    /// The reminder that is due: of the days listed the fewest that the certificate has still left or fewer than them;
    /// none before the first, and none once it is too late.
    pub fn reminder(&self, not_after: SystemTime, now: SystemTime) -> Option<Reminder> {
        let state = self.window.state(not_after, now);
        let is_in_time = matches!(state, WindowState::NotYet { .. } | WindowState::Open { .. });
        let days_left = u32::try_from(days_left(not_after, now)).ok().filter(|_| is_in_time)?;
        let due = self.reminders.iter().copied().filter(|days| days_left <= *days).min()?;
        let next = self.reminders.iter().copied().filter(|days| *days < due).max();
        Some(Reminder { due, days_left, next: next.and_then(|days| days_before(not_after, days)) })
    }

    /// The date in Japan from which on a customer is reminded; none where the bank reminds no one.
    pub fn reminds_from(&self, not_after: SystemTime) -> Option<Date> {
        days_before(not_after, *self.reminders.first()?)
    }

    pub(super) fn named_after(mut self, file: &Path) -> Self {
        self.file = file.canonicalize().ok();
        self.id = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        self
    }
}
