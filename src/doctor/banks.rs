//! What is there of a bank's tokens, drivers and anchors.

use super::diagnosis::Diagnosis;
use super::problem::{Problem, ProblemKind, Severity};
use super::report::{BankPresence, BankReport, TokenReport};
use crate::bank::Bank;
use crate::catalogue::{Catalogue, Machine};
use crate::error::{Error, Fact, Notice, Warning};
use crate::pki::jst_date;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// An anchor that ends within this time is worth a word.
const SOON: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl Diagnosis {
    /// Adds what is there of the banks whose profiles these are, and what is missing.
    #[must_use]
    pub fn with_banks(mut self, banks: Vec<(String, Result<Bank, Error>)>) -> Self {
        if let [(_, Ok(bank))] = banks.as_slice() {
            self.pin.clone_from(&bank.pin);
        }
        for (id, bank) in banks {
            let outcome = match bank {
                Ok(bank) => Ok(self.presence(&id, &bank)),
                Err(error) => {
                    let error = Arc::new(error);
                    self.add(Severity::Warns, ProblemKind::Error(Arc::clone(&error)));
                    Err(error)
                }
            };
            self.banks.push(BankReport { id, outcome });
        }
        self.problems.sort_by_key(|problem| problem.severity);
        self
    }

    fn presence(&mut self, id: &str, bank: &Bank) -> BankPresence {
        let claimed = |token: &&TokenReport| {
            let identity = &token.info.identity;
            bank.claims(&identity.label, &identity.manufacturer, &identity.model, &identity.serial).is_some()
        };
        let tokens: Vec<String> =
            self.tokens.iter().filter(claimed).map(|token| token.info.identity.to_string()).collect();
        let drivers: Vec<(PathBuf, bool)> = bank
            .drivers(&Machine::current(), Catalogue::builtin())
            .into_iter()
            .map(|path| (path.clone(), path.exists()))
            .collect();
        let about = |notice| Warning::from(notice).fact(Fact::Bank, id);
        let numbers = || bank.tokens.iter().flat_map(|token| &token.usb);
        let alike = self.devices.iter().filter(|one| numbers().any(|usb| *usb == one.device.usb));
        let devices: Vec<String> = alike.map(|one| format!("{} ({})", one.name, one.device.usb)).collect();
        if tokens.is_empty() {
            let absent = match devices.is_empty() {
                true => about(Notice::BankTokenAbsent),
                false => devices.iter().fold(about(Notice::BankDeviceNotSeen), |warning, device| {
                    warning.fact(Fact::Device, device)
                }),
            };
            self.add(Severity::Warns, ProblemKind::Warning(absent));
        }
        if !drivers.is_empty() && drivers.iter().all(|(_, there)| !there) {
            let absent = drivers.iter().fold(about(Notice::BankDriverAbsent), |warning, (path, _)| {
                warning.fact(Fact::Expected, path.display())
            });
            self.add(Severity::Warns, ProblemKind::Warning(absent));
        }
        for anchor in &bank.anchors {
            if anchor.not_after() < self.taken + SOON {
                let ends = about(Notice::BankAnchorEnds)
                    .fact(Fact::Subject, anchor.subject())
                    .fact(Fact::Date, jst_date(anchor.not_after()));
                self.add(Severity::Remarks, ProblemKind::Warning(ends));
            }
        }
        let anchors =
            bank.anchors.iter().map(|anchor| (anchor.subject().to_string(), anchor.not_after())).collect();
        BankPresence { tokens, devices, drivers, anchors }
    }

    fn add(&mut self, severity: Severity, kind: ProblemKind) {
        self.problems.push(Problem { severity, kind });
    }
}
