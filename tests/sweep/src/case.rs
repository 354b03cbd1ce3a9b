//! One case: what is done, with which key, and what goes wrong where. Its name says all of it.

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;
use super::keys::Keys;
use super::scene::Scene;

/// A call of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<'a> {
    /// By its number among all calls.
    Number(u64),
    /// By its number among the calls of a function: that stays the same when other calls come or go.
    Function(&'a str, usize),
}

impl<'a> At<'a> {
    /// Reads `17` or `C_Sign#2`.
    fn parse(text: &'a str) -> Option<At<'a>> {
        match text.split_once('#') {
            Some((function, nth)) => Some(At::Function(function, nth.parse().ok()?)),
            None => Some(At::Number(text.parse().ok()?)),
        }
    }

    /// The call's number among these functions.
    pub fn among(self, calls: &[String]) -> Option<u64> {
        match self {
            At::Number(number) => Some(number),
            At::Function(function, nth) => {
                let mut numbers = calls.iter().zip(1..).filter(|(name, _)| *name == function);
                numbers.nth(nth.checked_sub(1)?).map(|(_, number)| number)
            }
        }
    }
}

/// A run with one fault, such as `renew/ec/17/lose/once`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is done.
    pub scene: Scene,
    /// With which keys.
    pub keys: Keys,
    /// The number of the call at which it goes wrong.
    pub call: u64,
    /// What goes wrong.
    pub fault: &'static Fault,
    /// Whether it goes wrong from that call on.
    pub sticky: bool,
}

impl Case {
    /// What the shim is told.
    pub fn spec(&self) -> String {
        self.fault.spec(self.call, self.sticky)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { scene, keys, call, fault, sticky } = self;
        let mode = if *sticky { "sticky" } else { "once" };
        write!(f, "{}/{}/{call}/{}/{mode}", scene.name(), keys.name(), fault.name)
    }
}

/// A case as one writes it: the call may be named by its function, as in `renew/ec/C_Sign#2/lose/once`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseName {
    text: String,
    first: Case,
}

impl CaseName {
    /// What is done in this case.
    pub fn scene(&self) -> Scene {
        self.first.scene
    }

    /// With which keys.
    pub fn keys(&self) -> Keys {
        self.first.keys
    }

    /// The case, when the scene makes these calls; none when there is no such call.
    pub fn case(&self, calls: &[String]) -> Option<Case> {
        let at = self.text.split('/').nth(2).and_then(At::parse)?;
        Some(Case { call: at.among(calls)?, ..self.first })
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for CaseName {
    type Err = String;

    fn from_str(name: &str) -> Result<CaseName, String> {
        let parts: Vec<&str> = name.split('/').collect();
        let [scene, keys, at, fault, mode] = parts.as_slice() else {
            return Err(format!("{name}: a case is named like renew/ec/17/lose/once"));
        };
        let wrong = |what: &str| format!("{name}: no {what} of that name");
        let keys = [Keys::Ec, Keys::Rsa].into_iter().find(|one| one.name() == *keys);
        At::parse(at).ok_or_else(|| wrong("call"))?;
        let first = Case {
            scene: Scene::named(scene).ok_or_else(|| wrong("scene"))?,
            keys: keys.ok_or_else(|| wrong("kind of key"))?,
            call: 1,
            fault: Fault::named(fault).ok_or_else(|| wrong("fault"))?,
            sticky: match *mode {
                "once" => false,
                "sticky" => true,
                _ => return Err(wrong("mode")),
            },
        };
        Ok(CaseName { text: name.to_owned(), first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls() -> Vec<String> {
        ["C_Initialize", "C_Sign", "C_Login", "C_Sign"].map(str::to_owned).to_vec()
    }

    #[test]
    fn names_come_back() {
        for name in ["renew/ec/17/lose/once", "retire/rsa/3/device-error/sticky"] {
            let parsed = name.parse::<CaseName>().unwrap();
            assert_eq!(parsed.case(&calls()).unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_call_may_be_named_by_its_function() {
        let case = |name: &str| name.parse::<CaseName>().unwrap().case(&calls());
        assert_eq!(case("renew/ec/C_Sign#2/lose/once").unwrap().to_string(), "renew/ec/4/lose/once");
        assert_eq!(case("renew/ec/C_Sign#3/lose/once"), None);
        assert_eq!(case("renew/ec/C_Sign#0/lose/once"), None);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "renew/ec/17/lose", "renew/ec/x/lose/once", "renew/ec/1/lose/twice"] {
            assert!(name.parse::<CaseName>().is_err(), "{name}");
        }
    }
}
