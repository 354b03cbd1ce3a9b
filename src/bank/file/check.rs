//! From the file as it is written to the profile: what types cannot say is checked here, all of it at once.

use std::path::PathBuf;
use std::time::SystemTime;

use toml::Spanned;

use super::fault::Faults;
use super::place::is_absolute;
use super::raw;
use crate::bank::origin::{self, Origin};
use crate::bank::policy::{Begins, KeyRule, OldCredential, OtherUsers, RequestForm};
use crate::bank::profile::{Bank, Delivered, Issuer, Override, RequestEncoding};
use crate::bank::words::{Contact, NextStep, Words};
use crate::catalogue::Os;
use crate::error::{Code, Fact};
use crate::pki::{
    Certificate, Check, KeyKind, Name, ProofLevel, Relax, ResponseForm, SubjectRule, jst_date, read_anchors,
};

/// The only version so far.
const VERSION: i64 = 1;
/// Longer texts are no names, numbers or sentences.
const LONGEST_TEXT: usize = 400;

/// The profile, unless something is noted in the faults.
pub(super) fn bank(file: raw::File, now: SystemTime, faults: &mut Faults<'_>) -> Bank {
    let mut check = Checker { faults, now };
    let window = check.window(&file.calendar, file.too_late.as_ref());
    let tokens = check.tokens(file.token);
    let origins = check.origins(&file.pages.origins);
    let subject = check.choice("ca.subject", file.ca.subject.as_ref(), SUBJECTS);
    Bank {
        id: String::new(),
        file: None,
        name: check.both("bank.name", &file.bank.name),
        contacts: check.contacts(&file.bank.contact),
        tokens,
        anchors: check.anchors("ca.anchors", &file.ca.anchors),
        issuers: check.list("ca.issuers", &file.ca.issuers, "RFC 4514", |text| text.parse::<Name>().ok()),
        subject: subject.unwrap_or_default(),
        common_name_changes: subject.is_some_and(|rule| rule != SubjectRule::Exact),
        relax: check
            .list("ca.relax", &file.ca.relax, &names(Check::ALL), |text| text.parse::<Check>().ok())
            .into_iter()
            .collect::<Relax>(),
        extended_key_usage: check.usages(&file.ca.extended_key_usage),
        request: check.choice("ca.request", file.ca.request.as_ref(), REQUESTS).unwrap_or_default(),
        request_encoding: check
            .choice("ca.request_encoding", file.ca.request_encoding.as_ref(), ENCODINGS)
            .unwrap_or_default(),
        answers: check.list("ca.answers", &file.ca.answers, &names(ResponseForm::ALL), |text| {
            ResponseForm::ALL.iter().copied().find(|form| form.to_string() == text)
        }),
        window,
        begins_to_work: check
            .choice("calendar.begins_to_work", file.calendar.begins_to_work.as_ref(), BEGINS)
            .unwrap_or_default(),
        holidays: check.holidays(&file.calendar.holidays),
        reminders: check.reminders(&file.calendar.reminders),
        too_late: check.too_late(file.too_late.as_ref()),
        key: check.key(file.renewal.key.as_ref()),
        proof: check
            .choice("renewal.proof", file.renewal.proof.as_ref(), PROOFS)
            .unwrap_or(ProofLevel::Claimed),
        clock_tolerance_days: file
            .renewal
            .clock_tolerance_days
            .as_ref()
            .map(|days| check.number("renewal.clock_tolerance_days", days, 0, 31)),
        old: check.old(&file.renewal, file.pages.login_url.is_some()),
        other_users: check
            .choice("renewal.other_users", file.renewal.other_users.as_ref(), OTHER_USERS)
            .unwrap_or_default(),
        write_ca_certificates: file.renewal.write_ca_certificates.unwrap_or_default(),
        issuer: file.issuer.as_ref().map(|issuer| check.issuer(issuer)),
        origins,
        login_url: check.login_url(file.pages.login_url.as_ref()),
        after_login: check.after_login(&file.pages),
        login_anchors: check.anchors("pages.login_anchors", &file.pages.login_anchors),
        pages_proxy: check.proxy("pages.proxy", file.pages.proxy.as_ref()),
        pin: file.words.pin.as_ref().map(|both| check.both("words.pin", both)),
        after_installation: file
            .words
            .after_installation
            .as_ref()
            .map(|both| check.both("words.after_installation", both)),
        old_certificate: file
            .words
            .old_certificate
            .as_ref()
            .map(|both| check.both("words.old_certificate", both)),
        next_steps: check.next_steps(&file.words.next),
        may_override: check.list(
            "bank.may_override",
            &file.bank.may_override,
            &names(Override::ALL),
            |text| Override::ALL.iter().copied().find(|one| one.to_string() == text),
        ),
    }
}

/// The version comes first: what else stands in a later one is not known.
pub(super) fn version(version: &Spanned<i64>, faults: &mut Faults<'_>) -> bool {
    let found = *version.get_ref();
    if found != VERSION {
        faults.add(Code::ProfileVersion, version.span(), "version", |error| {
            error.fact(Fact::Found, found).fact(Fact::Expected, VERSION)
        });
    }
    found == VERSION
}

pub(super) type Choices<T> = &'static [(&'static str, T)];

const SUBJECTS: Choices<SubjectRule> = &[
    ("common-name-may-change", SubjectRule::CommonNameMayChange),
    ("exact", SubjectRule::Exact),
    ("any", SubjectRule::Any),
];
const REQUESTS: Choices<RequestForm> =
    &[("pkcs10", RequestForm::Pkcs10), ("cms", RequestForm::SignedByOldKey)];
const ENCODINGS: Choices<RequestEncoding> = &[("pem", RequestEncoding::Pem), ("der", RequestEncoding::Der)];
const OTHER_USERS: Choices<OtherUsers> = &[("allow", OtherUsers::Allow), ("refuse", OtherUsers::Refuse)];
const PROOFS: Choices<ProofLevel> = &[("claimed", ProofLevel::Claimed), ("proven", ProofLevel::Proven)];
const BEGINS: Choices<Begins> = &[
    ("at-once", Begins::AtOnce),
    ("next-business-day", Begins::NextBusinessDay),
    ("after-old-ends", Begins::AfterOldEnds),
];
const OLD: Choices<OldCredential> = &[
    ("keep", OldCredential::Keep),
    ("ask", OldCredential::Ask),
    ("remove", OldCredential::Remove),
    ("remove-after-confirmation", OldCredential::RemoveAfterConfirmation),
];
pub(super) const DELIVERED: Choices<Delivered> = &[
    ("with-certificate", Delivered::WithCertificate),
    ("empty", Delivered::Empty),
    ("initial-pin", Delivered::InitialPin),
];
pub(super) const SYSTEMS: Choices<Os> =
    &[("linux", Os::Linux), ("macos", Os::Macos), ("windows", Os::Windows)];

pub(super) fn names(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) struct Checker<'f, 't> {
    pub(super) faults: &'f mut Faults<'t>,
    pub(super) now: SystemTime,
}

impl Checker<'_, '_> {
    /// A text that a person reads: neither empty nor long, without control characters.
    pub(super) fn text(&mut self, key: &str, text: &Spanned<String>) -> String {
        let value = text.get_ref();
        if value.trim().is_empty() {
            self.faults.bad(text.span(), key, "\"\"", "text");
        } else if value.chars().count() > LONGEST_TEXT {
            let length = value.chars().count();
            self.faults.add(Code::ProfileBadValue, text.span(), key, |error| {
                error.fact(Fact::Found, length).fact(Fact::Limit, LONGEST_TEXT)
            });
        } else if crate::text::printable(value) != *value {
            self.faults.bad(text.span(), key, crate::text::printable(value), "no_control_characters");
        }
        value.clone()
    }

    pub(super) fn both(&mut self, key: &str, both: &raw::Both) -> Words {
        Words { ja: self.text(&format!("{key}.ja"), &both.ja), en: self.text(&format!("{key}.en"), &both.en) }
    }

    pub(super) fn number(&mut self, key: &str, number: &Spanned<i64>, least: u32, most: u32) -> u32 {
        let value = u32::try_from(*number.get_ref()).ok().filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.faults.bad(number.span(), key, number.get_ref(), format_args!("{least}–{most}"));
        }
        value.unwrap_or(least)
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        choices: Choices<T>,
    ) -> Option<T> {
        self.one_of(key, text?, choices)
    }

    pub(super) fn one_of<T: Copy>(
        &mut self,
        key: &str,
        text: &Spanned<String>,
        choices: Choices<T>,
    ) -> Option<T> {
        let found = choices.iter().find(|(name, _)| name == text.get_ref()).map(|(_, value)| *value);
        if found.is_none() {
            let expected: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.faults.bad(text.span(), key, text.get_ref(), expected.join(", "));
        }
        found
    }

    /// Values that are read one by one; one that stands twice is a slip.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        texts: &[Spanned<String>],
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let key = format!("{key}[{index}]");
            match read(text.get_ref()) {
                _ if texts.iter().take(index).any(|other| other.get_ref() == text.get_ref()) => {
                    self.faults.bad(text.span(), &key, text.get_ref(), "once");
                }
                Some(value) => values.push(value),
                None => self.faults.bad(text.span(), &key, text.get_ref(), expected),
            }
        }
        values
    }

    fn contacts(&mut self, contacts: &[Spanned<raw::Contact>]) -> Vec<Contact> {
        let mut all = Vec::new();
        for (index, contact) in contacts.iter().map(Spanned::get_ref).enumerate() {
            let key = format!("bank.contact[{index}]");
            all.push(Contact {
                name: self.both(&format!("{key}.name"), &contact.name),
                telephone: contact.telephone.as_ref().map(|number| self.telephone(&key, number)),
                hours: contact.hours.as_ref().map(|both| self.both(&format!("{key}.hours"), both)),
            });
        }
        all
    }

    fn telephone(&mut self, key: &str, number: &Spanned<String>) -> String {
        let digits = number.get_ref().bytes().filter(u8::is_ascii_digit).count();
        let plain = number.get_ref().bytes().all(|byte| byte.is_ascii_digit() || b"+-() ".contains(&byte));
        if !plain || !(3..=15).contains(&digits) {
            let key = format!("{key}.telephone");
            self.faults.bad(number.span(), &key, number.get_ref(), "0120-000-000, +81 3 0000 0000");
        }
        number.get_ref().clone()
    }

    /// Each text is one certificate, of a CA, that has not ended. One that begins later is the next generation's.
    fn anchors(&mut self, key: &str, texts: &[Spanned<String>]) -> Vec<Certificate> {
        let mut anchors: Vec<Certificate> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let key = format!("{key}[{index}]");
            let read = read_anchors(text.get_ref().as_bytes()).unwrap_or_default();
            let blocks = text.get_ref().matches("-----BEGIN ").count();
            let [anchor] = read.as_slice() else {
                self.faults.add(Code::ProfileAnchorUnreadable, text.span(), &key, |error| {
                    error.fact(Fact::Found, format_args!("{} X.509", read.len()))
                });
                continue;
            };
            let named = |error: crate::error::Error| error.fact(Fact::Subject, anchor.subject());
            if blocks != 1 {
                self.faults.add(Code::ProfileAnchorUnreadable, text.span(), &key, named);
            } else if anchors.contains(anchor) {
                self.faults.bad(text.span(), &key, anchor.subject(), "once");
            } else if !(anchor.is_ca() && anchor.may_sign_certificates()) {
                self.faults.add(Code::ProfileAnchorNotCa, text.span(), &key, named);
            } else if anchor.not_after() < self.now {
                let ended = jst_date(anchor.not_after());
                self.faults.add(Code::ProfileAnchorExpired, text.span(), &key, |error| {
                    named(error).fact(Fact::Date, ended)
                });
            } else {
                anchors.push(anchor.clone());
            }
        }
        anchors
    }

    fn usages(&mut self, texts: &[Spanned<String>]) -> Vec<String> {
        let is_oid = |text: &str| text.contains('.') && text.parse::<der::asn1::ObjectIdentifier>().is_ok();
        self.list("ca.extended_key_usage", texts, "1.3.6.1.5.5.7.3.2", |text| {
            is_oid(text).then(|| text.to_owned())
        })
    }

    fn key(&mut self, text: Option<&Spanned<String>>) -> KeyRule {
        let Some(text) = text else { return KeyRule::default() };
        match text.get_ref().as_str() {
            "like-old" => KeyRule::LikeOld,
            "old-again" => KeyRule::OldAgain,
            name => match KeyKind::ALL.iter().find(|kind| kind.to_string() == name) {
                Some(kind) => KeyRule::Kind(*kind),
                None => {
                    let kinds = names(KeyKind::ALL);
                    let expected = format!("like-old, old-again, {kinds}");
                    self.faults.bad(text.span(), "renewal.key", name, expected);
                    KeyRule::default()
                }
            },
        }
    }

    fn old(&mut self, renewal: &raw::Renewal, can_be_confirmed: bool) -> OldCredential {
        let old = self.choice("renewal.old", renewal.old.as_ref(), OLD).unwrap_or_default();
        if let Some(text) = &renewal.old {
            let same_key = renewal.key.as_ref().is_some_and(|key| key.get_ref() == "old-again");
            if same_key && old != OldCredential::Keep {
                self.faults.contradiction(text.span(), "renewal.old", "renewal.key");
            } else if old == OldCredential::RemoveAfterConfirmation && !can_be_confirmed {
                self.faults.contradiction(text.span(), "renewal.old", "pages.login_url");
            }
        }
        old
    }

    fn issuer(&mut self, issuer: &raw::Issuer) -> Issuer {
        let raw::Issuer { helper, command, timeout_seconds, proxy } = issuer;
        if let (Some(_), Some(command)) = (helper, command) {
            self.faults.contradiction(command.span(), "issuer.command", "issuer.helper");
        }
        if let Some(helper) = helper
            && !is_absolute(helper.get_ref())
        {
            self.faults.bad(helper.span(), "issuer.helper", helper.get_ref(), "absolute_path");
        }
        Issuer {
            helper: helper.as_ref().map(|helper| PathBuf::from(helper.get_ref())),
            command: command.as_ref().map(|command| self.text("issuer.command", command)),
            timeout_seconds: timeout_seconds
                .as_ref()
                .map(|seconds| self.number("issuer.timeout_seconds", seconds, 1, 86_400)),
            proxy: self.proxy("issuer.proxy", proxy.as_ref()),
        }
    }

    fn proxy(&mut self, key: &str, proxy: Option<&Spanned<String>>) -> Option<String> {
        let proxy = proxy?;
        if origin::proxy(proxy.get_ref()).is_none() {
            self.faults.bad(proxy.span(), key, proxy.get_ref(), "proxy_url");
        }
        Some(proxy.get_ref().clone())
    }

    fn origins(&mut self, texts: &[Spanned<String>]) -> Vec<Origin> {
        let mut origins = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let key = format!("pages.origins[{index}]");
            match Origin::read(text.get_ref()) {
                Ok(origin) if origins.contains(&origin) => {
                    self.faults.bad(text.span(), &key, text.get_ref(), "once");
                }
                Ok(origin) => origins.push(origin),
                Err(code) => {
                    self.faults.add(code, text.span(), &key, |error| error.fact(Fact::Found, text.get_ref()));
                }
            }
        }
        origins
    }

    fn login_url(&mut self, url: Option<&Spanned<String>>) -> Option<String> {
        let url = url?;
        self.address("pages.login_url", url);
        Some(url.get_ref().clone())
    }

    /// The origin of a whole address, which may have a path.
    fn address(&mut self, key: &str, url: &Spanned<String>) -> Option<Origin> {
        let found = url.get_ref();
        match Origin::of_url(found) {
            Ok(origin) => return Some(origin),
            Err(Code::ProfileOriginMalformed) => {
                self.faults.bad(url.span(), key, found, "https://www.bank.example.jp/login");
            }
            Err(code) => self.faults.add(code, url.span(), key, |error| error.fact(Fact::Found, found)),
        }
        None
    }

    /// No other server than that of the login is ever followed to.
    fn after_login(&mut self, pages: &raw::Pages) -> Option<String> {
        let page = pages.after_login.as_ref()?;
        let key = "pages.after_login";
        let of_login = pages.login_url.as_ref().and_then(|url| Origin::of_url(url.get_ref()).ok());
        let origin = self.address(key, page);
        if origin.is_some() && origin != of_login {
            self.faults.contradiction(page.span(), key, "pages.login_url");
        }
        Some(page.get_ref().clone())
    }

    fn next_steps(&mut self, steps: &[Spanned<raw::Next>]) -> Vec<NextStep> {
        let mut all: Vec<NextStep> = Vec::new();
        for (index, next) in steps.iter().map(Spanned::get_ref).enumerate() {
            let key = format!("words.next[{index}]");
            let words = Words {
                ja: self.text(&format!("{key}.ja"), &next.ja),
                en: self.text(&format!("{key}.en"), &next.en),
            };
            let name = next.error.get_ref();
            match Code::ALL.iter().find(|code| code.name() == name) {
                Some(code) if all.iter().any(|known| known.code == *code) => {
                    self.faults.bad(next.error.span(), &format!("{key}.error"), name, "once");
                }
                Some(code) => all.push(NextStep { code: *code, words }),
                None => self.faults.bad(next.error.span(), &format!("{key}.error"), name, "docs/errors.md"),
            }
        }
        all
    }
}
