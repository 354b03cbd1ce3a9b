//! The page that a support desk can have read to it over the phone.

use super::diagnosis::Diagnosis;
use super::presence::DeviceState;
use super::problem::{Problem, Severity};
use super::report::BankReport;
use super::report::{CredentialReport, DeviceReport, DriverReport, FreeSpace, TokenReport};
use crate::discovery::candidates::{self, Origin};
use crate::driver::PinState;
use crate::error::{Fact, Notice};
use crate::pki::Window;
use crate::renewal::{Renewable, Successor};
use crate::text::{Lang, Phrase, printable};
use std::path::{Path, PathBuf};

impl Diagnosis {
    /// The page in that language: the problems first, then what was seen.
    pub fn page(&self, lang: Lang) -> String {
        let mut page = Page { diagnosis: self, lang, text: Phrase::Diagnosis.text(lang) };
        let platform = &self.platform;
        page.label(0, Phrase::Version, self.version);
        let system = platform.system.as_deref().unwrap_or(platform.os);
        page.label(0, Phrase::Platform, &format!("{system}, {}, {} bit", platform.processor, platform.bits));
        page.label(0, Phrase::Taken, &Phrase::Moment(self.taken).text(lang));

        page.heading(Phrase::Problems);
        page.list(&self.problems, Phrase::NoProblems, Page::problem);
        page.heading(Phrase::Drivers);
        page.list(&self.drivers, Phrase::NoDrivers, |page, _, driver| page.driver(driver));
        page.heading(Phrase::Devices);
        page.list(&self.devices, Phrase::NoDevices, |page, _, device| page.device(device));
        page.heading(Phrase::Tokens);
        page.list(&self.tokens, Phrase::NoTokens, |page, _, token| page.token(token));
        if !self.banks.is_empty() {
            page.heading(Phrase::Banks);
            self.banks.iter().for_each(|bank| page.bank(bank));
        }
        page.text
    }
}

struct Page<'d> {
    diagnosis: &'d Diagnosis,
    lang: Lang,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.push('\n');
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(&printable(text));
    }

    fn label(&mut self, depth: usize, label: Phrase<'_>, value: &str) {
        let label = label.text(self.lang);
        self.line(depth, &format!("{label}: {value}"));
    }

    /// With the bank's word for the PIN.
    fn say(&self, text: &str) -> String {
        self.diagnosis.say(text, self.lang).into_owned()
    }

    fn heading(&mut self, heading: Phrase<'_>) {
        self.text.push('\n');
        let heading = heading.text(self.lang);
        self.line(0, &format!("[{heading}]"));
    }

    fn list<T>(&mut self, all: &[T], none: Phrase<'_>, mut each: impl FnMut(&mut Self, usize, &T)) {
        if all.is_empty() {
            self.line(1, &none.text(self.lang));
        }
        all.iter().zip(1..).for_each(|(one, number)| each(self, number, one));
    }

    fn problem(&mut self, number: usize, problem: &Problem) {
        let severity = match problem.severity {
            Severity::Blocks => Phrase::Blocker,
            Severity::Warns => Phrase::Warning,
            Severity::Remarks => Phrase::Remark,
        };
        let (code, name) = problem.kind.code();
        let message = problem.kind.message(self.lang);
        let (sentence, next) = (self.say(message.sentence), self.say(message.next_action));
        self.line(1, &format!("{number}. [{}] {sentence} ({code} {name})", severity.text(self.lang)));
        for (fact, value) in problem.kind.facts() {
            let words = fact.words(value, self.lang);
            let words = if words == value { words } else { self.say(&words) };
            self.line(3, &format!("{}: {words}", fact.label(self.lang)));
        }
        self.line(2, &format!("→ {next}"));
    }

    fn bank(&mut self, report: &BankReport) {
        self.line(1, &report.id);
        let Ok(bank) = &report.outcome else { return };
        bank.tokens.iter().chain(&bank.devices).for_each(|one| self.line(2, one));
        for (path, _) in bank.drivers.iter().filter(|(_, there)| *there) {
            self.line(2, &path.display().to_string());
        }
        for (subject, end) in &bank.anchors {
            let end = Phrase::Moment(*end).text(self.lang);
            self.line(2, &format!("{subject} (–{end})"));
        }
    }

    fn driver(&mut self, driver: &DriverReport) {
        self.line(1, &driver.path.display().to_string());
        let origin = origin(&driver.origin, self.lang);
        self.line(2, &origin);
        match &driver.outcome {
            Ok(works) => {
                if let Some(info) = &works.info {
                    let (major, minor) = info.version;
                    let (speaks, minor_of_it) = info.cryptoki_version;
                    let name = format!("{} {}", info.manufacturer, info.description);
                    self.line(
                        2,
                        &format!("{} {major}.{minor} (PKCS#11 {speaks}.{minor_of_it})", name.trim()),
                    );
                }
                let milliseconds = u64::try_from(works.took.as_millis()).unwrap_or(u64::MAX);
                let works = Phrase::DriverWorks { milliseconds, slots: works.slots, tokens: works.tokens };
                self.line(2, &works.text(self.lang));
            }
            Err(error) => {
                let fails = Phrase::DriverFails.text(self.lang);
                self.line(2, &format!("{fails}: {}", error.report(self.lang).support));
            }
        }
    }

    fn device(&mut self, device: &DeviceReport) {
        self.line(1, &format!("{} ({})", device.name, device.device.usb));
        let state = match &device.state {
            DeviceState::Seen { driver } => Phrase::DeviceSeen(&driver.display().to_string()).text(self.lang),
            DeviceState::SomeSeen { devices, tokens } => {
                Phrase::DevicePartlySeen { devices: *devices, tokens: *tokens }.text(self.lang)
            }
            DeviceState::NotSeen { drivers } => Phrase::DeviceNotSeen(&joined(drivers)).text(self.lang),
            DeviceState::DriverMissing { .. } => Phrase::DeviceWithoutDriver.text(self.lang),
            DeviceState::UnknownSmartCard { .. } => Phrase::DeviceUnknown.text(self.lang),
        };
        self.line(2, &state);
        if let DeviceState::DriverMissing { wanted } = &device.state {
            for wanted in wanted {
                let folders = joined(&wanted.folders);
                let looked = Phrase::LookedFor { file: &wanted.file, folders: &folders }.text(self.lang);
                self.line(2, &looked);
            }
        }
    }

    fn token(&mut self, token: &TokenReport) {
        let lang = self.lang;
        let info = &token.info;
        self.line(1, &info.identity.to_string());
        self.label(2, Phrase::Driver, &token.driver.display().to_string());
        let (label, state) = (Phrase::Pin.text(lang), pin(info.pin_state).text(lang));
        self.line(2, &format!("{}: {}", self.say(&label), self.say(&state)));
        if info.write_protected {
            self.line(2, &Phrase::WriteProtected.text(lang));
        }
        let free = [info.free_public_memory, info.free_private_memory].into_iter().flatten().min();
        self.label(2, Phrase::FreeMemory, &free.map_or(Phrase::NotTold, Phrase::Bytes).text(lang));
        let free_space = match token.free_space {
            FreeSpace::Fits => Phrase::Fits,
            FreeSpace::MayNotFit => Phrase::MayNotFit,
            FreeSpace::NotTold => Phrase::NotTold,
        };
        self.label(2, Phrase::OneMorePair, &free_space.text(lang));
        let kinds: Vec<String> = token
            .kinds
            .iter()
            .filter(|kind| kind.supported == Some(true))
            .map(|k| k.kind.to_string())
            .collect();
        let known = token.kinds.iter().any(|kind| kind.supported.is_some());
        let kinds = if known { kinds.join(", ") } else { Phrase::NotTold.text(lang) };
        self.label(2, Phrase::KeyKinds, &kinds);
        let mechanisms = token.mechanisms.as_ref().map(|all| all.join(", "));
        self.label(2, Phrase::Mechanisms, &mechanisms.unwrap_or_else(|| Phrase::NotTold.text(lang)));
        let ((hardware, h), (firmware, f)) = (info.hardware_version, info.firmware_version);
        self.label(2, Phrase::Versions, &format!("{hardware}.{h}, {firmware}.{f}"));
        self.label(2, Phrase::Profile, &token.profile);
        if !token.unreadable.is_empty() {
            self.line(2, &Phrase::Unreadable(token.unreadable.len()).text(lang));
        }
        for one in &token.unreadable {
            self.line(3, &format!("{one}: {}", Fact::Reason.words(&one.reason.to_string(), lang)));
        }
        if token.credentials.is_empty() {
            // A diagnosis never logs in: none seen is not none.
            self.line(2, Notice::NoCertificate.message(lang).sentence);
        }
        token.credentials.iter().zip(1..).for_each(|(one, number)| self.credential(number, one));
    }

    fn credential(&mut self, number: usize, one: &CredentialReport) {
        let lang = self.lang;
        let title = one.common_name.as_deref().unwrap_or(&one.subject);
        let (days, end) = match one.days_left {
            None => (Phrase::NoEnd, Phrase::NoEnd),
            Some(days) => (Phrase::DaysLeft(days), Phrase::Moment(one.not_after)),
        };
        self.line(2, &format!("{number}. {title}  {}", days.text(lang)));
        self.label(3, Phrase::CertificateSerial, &one.serial);
        self.label(3, Phrase::Expiry, &end.text(lang));
        let renewal = match (&one.successor, one.renewable) {
            (Some(successor), Renewable::Renewed | Renewable::SaidRenewed) => renewed(successor, lang),
            (_, Renewable::Expired) if one.has_pending_renewal => Phrase::ExpiredAndWaiting.text(lang),
            (_, Renewable::Expired) => Phrase::NotRenewableExpired.text(lang),
            (_, Renewable::Closed) => Phrase::NotRenewableClosed.text(lang),
            (_, Renewable::NotYet) => {
                let from = one.renewable_from.as_deref();
                from.map_or(Phrase::NoRenewal, Phrase::RenewableFrom).text(lang)
            }
            (_, Renewable::KeyMissing) => Phrase::NotRenewableNoKey.text(lang),
            (_, Renewable::Yes | Renewable::Renewed | Renewable::SaidRenewed) => Phrase::Renewable.text(lang),
        };
        self.label(3, Phrase::Renewal, &renewal);
        self.label(3, Phrase::Key, &one.key);
        self.label(3, Phrase::Id, &one.id);
    }
}

fn renewed(by: &Successor, lang: Lang) -> String {
    let (serial, from) = (by.certificate.serial().to_string(), by.renewable_from(&Window::default()));
    let (serial, from) = (serial.as_str(), &from.to_string());
    let phrase = match by.proven {
        true => Phrase::Renewed { serial, from },
        false => Phrase::SaidRenewed { serial, from },
    };
    phrase.text(lang)
}

fn origin(origin: &Origin, lang: Lang) -> String {
    let path = |path: &Path| path.display().to_string();
    match origin {
        Origin::Explicit => Phrase::OriginExplicit.text(lang),
        Origin::Environment => Phrase::OriginVariable(candidates::VARIABLE).text(lang),
        Origin::P11Kit { file } => Phrase::OriginP11Kit(&path(file)).text(lang),
        Origin::UserCatalogue { name } => Phrase::OriginUser(name).text(lang),
        Origin::Catalogue { family } => Phrase::OriginCatalogue(family).text(lang),
    }
}

const fn pin(state: PinState) -> Phrase<'static> {
    match state {
        PinState::Locked => Phrase::PinLocked,
        PinState::NotSet => Phrase::PinNotSet,
        PinState::FinalTry => Phrase::PinFinalTry,
        PinState::CountLow => Phrase::PinCountLow,
        PinState::ToBeChanged => Phrase::PinToBeChanged,
        PinState::Usable => Phrase::PinUsable,
    }
}

fn joined(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
