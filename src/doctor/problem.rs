//! What is wrong, in order of severity.

use super::presence::DeviceState;
use super::report::{DeviceReport, DriverReport};
use crate::discovery::p11kit::{SkipReason, Skipped};
use crate::error::{Code, Error, Fact, Notice, Point, Step};
use crate::renewal::{PointResult, PreflightPoint};
use crate::text::Lang;
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
    /// It may be what is looked for.
    Warns,
    /// Good to know.
    Remarks,
}

/// What is wrong: an error, or something that is worth a warning.
#[derive(Clone, Debug)]
pub enum ProblemKind {
    /// An error.
    Error(Arc<Error>),
    /// A warning, with values.
    Notice(Notice, Vec<(Fact, String)>),
}

impl Severity {
    /// The stable name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Blocks => "blocker",
            Severity::Warns => "warning",
            Severity::Remarks => "remark",
        }
    }
}

impl ProblemKind {
    /// The stable number and name.
    pub fn code(&self) -> (u16, &'static str) {
        match self {
            ProblemKind::Error(error) => (error.code().number(), error.code().name()),
            ProblemKind::Notice(notice, _) => (notice.number(), notice.name()),
        }
    }

    /// What is wrong.
    pub fn sentence(&self, lang: Lang) -> &'static str {
        match self {
            ProblemKind::Error(error) => error.code().sentence(lang),
            ProblemKind::Notice(notice, _) => notice.sentence(lang),
        }
    }

    /// What the person should do next.
    pub fn next_action(&self, lang: Lang) -> &'static str {
        match self {
            ProblemKind::Error(error) => error.code().next_action(lang),
            ProblemKind::Notice(notice, _) => notice.next_action(lang),
        }
    }

    /// The values that go with it.
    pub fn facts(&self) -> Vec<(Fact, &str)> {
        match self {
            ProblemKind::Error(error) => error.facts().collect(),
            ProblemKind::Notice(_, facts) => {
                facts.iter().map(|(fact, value)| (*fact, value.as_str())).collect()
            }
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

    pub(super) fn notice(&mut self, severity: Severity, notice: Notice, facts: Vec<(Fact, String)>) {
        self.add(severity, ProblemKind::Notice(notice, facts));
    }

    fn add(&mut self, severity: Severity, kind: ProblemKind) {
        if !self.0.iter().any(|known| known.kind.is_same(&kind)) {
            self.0.push(Problem { severity, kind });
        }
    }

    /// The same of a token that is not the one that is meant.
    pub(super) fn as_remarks(self) -> Self {
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
        let name = || (Fact::Device, device.name.clone());
        let drivers = |paths: &[PathBuf]| {
            let named = paths.iter().map(|path| (Fact::Driver, path.display().to_string()));
            std::iter::once(name()).chain(named).collect()
        };
        match &device.state {
            DeviceState::Seen { .. } => {}
            DeviceState::SomeSeen { .. } => self.notice(severity, Notice::DevicesPartlySeen, vec![name()]),
            DeviceState::NotSeen { drivers: paths } => {
                self.notice(severity, Notice::DeviceNotSeen, drivers(paths));
            }
            DeviceState::DriverMissing { wanted } => {
                let error = Error::new(Code::DriverMissing)
                    .during(Step::FindDrivers)
                    .fact(Fact::Device, &device.name);
                let files = wanted.iter().map(|wanted| wanted.to_string());
                self.error(severity, files.fold(error, |error, file| error.fact(Fact::Expected, file)));
            }
            DeviceState::UnknownSmartCard { drivers: paths } => {
                self.notice(Severity::Warns, Notice::SmartCardUnknown, drivers(paths));
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
                    let severity = match warning.notice() {
                        Notice::MemoryUnknown | Notice::MechanismUnknown => continue,
                        Notice::SameSubject | Notice::SaidRenewed => Severity::Remarks,
                        _ => Severity::Warns,
                    };
                    let values = warning.facts().map(|(fact, value)| (fact, value.to_owned()));
                    let facts = [(Fact::Token, token.to_owned())].into_iter().chain(values);
                    self.notice(severity, warning.notice(), facts.collect());
                }
                PointResult::Blocker(error) if error.code() == Code::NotYetRenewable => {}
                PointResult::Blocker(error) => self.error(Severity::Blocks, error),
            }
        }
    }
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
