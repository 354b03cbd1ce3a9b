//! What is wrong, in order of weight.

use super::presence::State as Presence;
use super::report::{DeviceReport, DriverReport};
use crate::code::{Code, Fact, Notice, Point, Step};
use crate::discovery::p11kit::{SkipReason, Skipped};
use crate::error::Error;
use crate::renewal::{Finding, State};
use crate::text::Lang;
use std::path::PathBuf;
use std::sync::Arc;

/// A problem, and what the person should do about it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How much it weighs.
    pub weight: Weight,
    /// What it is.
    pub trouble: Trouble,
}

/// How much a problem weighs, weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing works before it is solved.
    Blocks,
    /// It may be what is looked for.
    Warns,
    /// Good to know.
    Remarks,
}

/// What is wrong: an error, or something that is worth a warning.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// An error.
    Error(Arc<Error>),
    /// A warning, with values.
    Notice(Notice, Vec<(Fact, String)>),
}

impl Weight {
    /// The stable name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Weight::Blocks => "blocker",
            Weight::Warns => "warning",
            Weight::Remarks => "remark",
        }
    }
}

impl Trouble {
    /// The stable number and name.
    pub fn code(&self) -> (u16, &'static str) {
        match self {
            Trouble::Error(error) => (error.code().number(), error.code().name()),
            Trouble::Notice(notice, _) => (notice.number(), notice.name()),
        }
    }

    /// What is wrong.
    pub fn sentence(&self, lang: Lang) -> &'static str {
        match self {
            Trouble::Error(error) => error.code().sentence(lang),
            Trouble::Notice(notice, _) => notice.sentence(lang),
        }
    }

    /// What the person should do next.
    pub fn next_action(&self, lang: Lang) -> &'static str {
        match self {
            Trouble::Error(error) => error.code().next_action(lang),
            Trouble::Notice(notice, _) => notice.next_action(lang),
        }
    }

    /// The values that go with it.
    pub fn facts(&self) -> Vec<(Fact, &str)> {
        match self {
            Trouble::Error(error) => error.facts().collect(),
            Trouble::Notice(_, facts) => facts.iter().map(|(fact, value)| (*fact, value.as_str())).collect(),
        }
    }

    fn is_same(&self, other: &Trouble) -> bool {
        self.code() == other.code() && self.facts() == other.facts()
    }
}

/// The problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn error(&mut self, weight: Weight, error: impl Into<Arc<Error>>) {
        self.add(weight, Trouble::Error(error.into()));
    }

    pub(super) fn notice(&mut self, weight: Weight, notice: Notice, facts: Vec<(Fact, String)>) {
        self.add(weight, Trouble::Notice(notice, facts));
    }

    fn add(&mut self, weight: Weight, trouble: Trouble) {
        if !self.0.iter().any(|known| known.trouble.is_same(&trouble)) {
            self.0.push(Problem { weight, trouble });
        }
    }

    /// Takes over what was found elsewhere.
    pub(super) fn extend(&mut self, others: Problems) {
        others.0.into_iter().for_each(|problem| self.add(problem.weight, problem.trouble));
    }

    /// The weightiest first; what weighs the same stays in the order in which it was found.
    pub(super) fn sorted(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.weight);
        self.0
    }

    /// Why no token, or not every token, is seen.
    pub(super) fn of_places(&mut self, drivers: &[DriverReport], devices: &[DeviceReport], tokens: Tokens) {
        // What keeps nobody from a token that is seen is still worth a word.
        let weight = if tokens == Tokens::Some { Weight::Warns } else { Weight::Blocks };
        let before = self.0.len();
        devices.iter().for_each(|device| self.of_device(device, weight));
        let explained = self.0.len() > before;
        for driver in drivers {
            if let Err(error) = &driver.outcome {
                self.error(weight, Arc::clone(error));
            }
        }
        let nothing = |code| Error::new(code).during(Step::FindToken);
        match tokens {
            Tokens::Some => {}
            // SoftHSM always shows a blank token, and no device goes with it.
            Tokens::Blank if devices.is_empty() => self.error(Weight::Blocks, nothing(Code::TokenNotPresent)),
            Tokens::Blank => self.error(Weight::Blocks, nothing(Code::TokenNotInitialized)),
            Tokens::None if explained => {}
            Tokens::None if drivers.is_empty() => self.error(Weight::Blocks, nothing(Code::DriverMissing)),
            Tokens::None => self.error(Weight::Blocks, nothing(Code::TokenNotPresent)),
        }
    }

    fn of_device(&mut self, device: &DeviceReport, weight: Weight) {
        let name = || (Fact::Device, device.name.clone());
        let drivers = |paths: &[PathBuf]| {
            let named = paths.iter().map(|path| (Fact::Driver, path.display().to_string()));
            std::iter::once(name()).chain(named).collect()
        };
        match &device.state {
            Presence::Seen { .. } => {}
            Presence::SomeSeen { .. } => self.notice(weight, Notice::DevicesPartlySeen, vec![name()]),
            Presence::NotSeen { drivers: paths } => {
                self.notice(weight, Notice::DeviceNotSeen, drivers(paths));
            }
            Presence::DriverMissing { wanted } => {
                let error = Error::new(Code::DriverMissing)
                    .during(Step::FindDrivers)
                    .fact(Fact::Device, &device.name);
                let files = wanted.iter().map(|wanted| wanted.to_string());
                self.error(weight, files.fold(error, |error, file| error.fact(Fact::Expected, file)));
            }
            Presence::UnknownSmartCard { drivers: paths } => {
                self.notice(Weight::Warns, Notice::SmartCardUnknown, drivers(paths));
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
            self.error(Weight::Remarks, Error::new(code).during(Step::FindDrivers).fact(Fact::Detail, one));
        }
    }

    /// What the preflight says of a token or a credential. What a token merely does not tell is no problem.
    pub(super) fn of_preflight(&mut self, findings: Vec<Finding>, token: &str, skip: &[Point]) {
        for finding in findings {
            match finding.state {
                _ if skip.contains(&finding.point) => {}
                State::Ok => {}
                State::Warning(warning) => {
                    let weight = match warning.notice() {
                        Notice::MemoryUnknown | Notice::MechanismUnknown => continue,
                        Notice::SameSubject => Weight::Remarks,
                        _ => Weight::Warns,
                    };
                    let values = warning.facts().map(|(fact, value)| (fact, value.to_owned()));
                    let facts = [(Fact::Token, token.to_owned())].into_iter().chain(values);
                    self.notice(weight, warning.notice(), facts.collect());
                }
                State::Blocker(error) if error.code() == Code::NotYetRenewable => {}
                State::Blocker(error) => self.error(Weight::Blocks, error),
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
        problems.error(Weight::Warns, Error::new(Code::DeviceFault));
        problems.of_places(&[], &[], Tokens::None);
        let sorted = problems.sorted();
        let names: Vec<_> = sorted.iter().map(|problem| (problem.weight, problem.trouble.code().1)).collect();
        assert_eq!(names, [(Weight::Blocks, "driver_missing"), (Weight::Warns, "device_fault")]);
    }
}
