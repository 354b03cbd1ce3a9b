//! What is wrong, in order of severity.

use super::presence::DeviceState;
use super::report::{DeviceReport, DriverReport};
use crate::discovery::p11kit::{SkipReason, Skipped};
use crate::error::{Code, Error, Fact, Notice, Point, Step, Warning};
use crate::renewal::{PointResult, PreflightPoint};
use crate::text::{Lang, Message};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A problem, and what the person should do about it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How much it weighs.
    pub severity: Severity,
    /// What it is.
    pub kind: ProblemKind,
}

/// How much a problem weighs, weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing works before it is solved.
    Blocks,
    /// It may be what is searched for.
    Warns,
    /// Good to know.
    Remarks,
}

/// What is wrong: an error, or something that is worth a warning.
#[derive(Clone, Debug)]
pub enum ProblemKind {
    /// An error.
    Error(Arc<Error>),
    /// A warning.
    Warning(Warning),
}

/// The stable name, for programs.
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Blocks => "blocker",
            Severity::Warns => "warning",
            Severity::Remarks => "remark",
        })
    }
}

impl ProblemKind {
    /// The stable number and name.
    pub fn code(&self) -> (u16, &'static str) {
        match self {
            ProblemKind::Error(error) => (error.code().number(), error.code().name()),
            ProblemKind::Warning(warning) => (warning.notice.number(), warning.notice.name()),
        }
    }

    /// What is wrong, and what the person should do next.
    pub fn message(&self, lang: Lang) -> Message {
        match self {
            ProblemKind::Error(error) => error.code().message(lang),
            ProblemKind::Warning(warning) => warning.notice.message(lang),
        }
    }

    /// The values that go with it.
    pub fn facts(&self) -> Vec<(Fact, &str)> {
        match self {
            ProblemKind::Error(error) => error.facts().collect(),
            ProblemKind::Warning(warning) => warning.facts().collect(),
        }
    }

    fn is_same(&self, other: &ProblemKind) -> bool {
        self.code() == other.code() && self.facts() == other.facts()
    }
}

/// The problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn error(&mut self, severity: Severity, error: impl Into<Arc<Error>>) {
        self.add(severity, ProblemKind::Error(error.into()));
    }

    pub(super) fn warning(&mut self, severity: Severity, warning: impl Into<Warning>) {
        self.add(severity, ProblemKind::Warning(warning.into()));
    }

    fn add(&mut self, severity: Severity, kind: ProblemKind) {
        if !self.0.iter().any(|known| known.kind.is_same(&kind)) {
            self.0.push(Problem { severity, kind });
        }
    }

    /// The same of a token that is not the one that is meant.
    pub(super) fn into_remarks(self) -> Self {
        let remark = |problem: Problem| Problem { severity: Severity::Remarks, ..problem };
        Problems(self.0.into_iter().map(remark).collect())
    }

    /// Takes over what was found elsewhere.
    pub(super) fn extend(&mut self, others: Problems) {
        others.0.into_iter().for_each(|problem| self.add(problem.severity, problem.kind));
    }

    /// The weightiest first; what weighs the same stays in the order in which it was found.
    pub(super) fn sorted(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.severity);
        self.0
    }

    /// Why no token, or not every token, is seen.
    pub(super) fn of_places(&mut self, drivers: &[DriverReport], devices: &[DeviceReport], tokens: Tokens) {
        // What keeps no one from a token that is seen is still worth a word.
        let severity = if tokens == Tokens::Some { Severity::Warns } else { Severity::Blocks };
        let before = self.0.len();
        devices.iter().for_each(|device| self.of_device(device, severity));
        let explained = self.0.len() > before;
        for driver in drivers {
            if let Err(error) = &driver.outcome {
                self.error(severity, Arc::clone(error));
            }
        }
        let nothing = |code| Error::new(code).during(Step::FindToken);
        match tokens {
            Tokens::Some => {}
            // SoftHSM always shows a blank token, and no device goes with it.
            Tokens::Blank if devices.is_empty() => {
                self.error(Severity::Blocks, nothing(Code::TokenNotPresent))
            }
            Tokens::Blank => self.error(Severity::Blocks, nothing(Code::TokenNotInitialized)),
            Tokens::None if explained => {}
            Tokens::None if drivers.is_empty() => self.error(Severity::Blocks, nothing(Code::DriverMissing)),
            Tokens::None => self.error(Severity::Blocks, nothing(Code::TokenNotPresent)),
        }
    }

    fn of_device(&mut self, device: &DeviceReport, severity: Severity) {
        let about = |notice| Warning::from(notice).fact(Fact::Device, &device.name);
        let with_drivers = |notice, paths: &[PathBuf]| {
            paths.iter().fold(about(notice), |warning, path| warning.fact(Fact::Driver, path.display()))
        };
        match &device.state {
            DeviceState::Seen { .. } => {}
            DeviceState::SomeSeen { .. } => self.warning(severity, about(Notice::DevicesPartlySeen)),
            DeviceState::NotSeen { drivers: paths } => {
                self.warning(severity, with_drivers(Notice::DeviceNotSeen, paths));
            }
            DeviceState::DriverMissing { wanted } => {
                let error = Error::new(Code::DriverMissing)
                    .during(Step::FindDrivers)
                    .fact(Fact::Device, &device.name);
                let files = wanted.iter().map(|wanted| wanted.to_string());
                self.error(severity, files.fold(error, |error, file| error.fact(Fact::Expected, file)));
            }
            DeviceState::UnknownSmartCard { drivers: paths } => {
                self.warning(Severity::Warns, with_drivers(Notice::SmartCardUnknown, paths));
            }
        }
    }

    /// Files of p11-kit's configuration that somebody should mend.
    pub(super) fn of_configuration(&mut self, skipped: &[Skipped]) {
        for one in skipped {
            let code = match one.reason {
                SkipReason::Unreadable(_) => Code::FileUnreadable,
                SkipReason::Malformed { .. } | SkipReason::BadValue { .. } => Code::BadArgument,
                SkipReason::Remote | SkipReason::NotForThisProgram => continue,
            };
            self.error(Severity::Remarks, Error::new(code).during(Step::FindDrivers).fact(Fact::Detail, one));
        }
    }

    /// What the preflight says of a token or a credential. What a token merely does not tell is no problem.
    pub(super) fn of_preflight(&mut self, findings: Vec<PreflightPoint>, token: &str, skip: &[Point]) {
        for finding in findings {
            match finding.state {
                _ if skip.contains(&finding.point) => {}
                PointResult::Ok => {}
                PointResult::Warning(warning) => {
                    let severity = match warning.notice {
                        Notice::MemoryUnknown | Notice::MechanismUnknown => continue,
                        Notice::SameSubject
                        | Notice::CertificateTwice
                        | Notice::SaidRenewed
                        | Notice::PinPadStated
                        | Notice::PinLengthStated => Severity::Remarks,
                        _ => Severity::Warns,
                    };
                    let about = Warning::from(warning.notice).fact(Fact::Token, token);
                    let about = warning.facts().fold(about, |about, (fact, value)| about.fact(fact, value));
                    self.warning(severity, about);
                }
                PointResult::Blocker(error) if error.code() == Code::NotYetRenewable => {}
                // Without the PIN no one can say that there is no other one.
                PointResult::Blocker(error) if is_of_certificate(error.code()) => {
                    self.error(Severity::Warns, error);
                    self.warning(
                        Severity::Warns,
                        Warning::from(Notice::MoreAfterLogin).fact(Fact::Token, token),
                    );
                }
                PointResult::Blocker(error) => self.error(Severity::Blocks, error),
            }
        }
    }
}

/// Whether it is about one certificate, beside which others may show after the login.
const fn is_of_certificate(code: Code) -> bool {
    matches!(code, Code::Expired | Code::RenewalClosed | Code::ServiceEnded)
}

/// What the drivers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Nothing.
    None,
    /// Only tokens that were never initialised.
    Blank,
    /// Tokens.
    Some,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_devices_that_failed_does_not_hide_that_there_is_no_driver() {
        let mut problems = Problems::default();
        problems.error(Severity::Warns, Error::new(Code::DeviceFault));
        problems.of_places(&[], &[], Tokens::None);
        let sorted = problems.sorted();
        let names: Vec<_> = sorted.iter().map(|problem| (problem.severity, problem.kind.code().1)).collect();
        assert_eq!(names, [(Severity::Blocks, "driver_missing"), (Severity::Warns, "device_fault")]);
    }
}
