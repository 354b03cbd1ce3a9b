//! One case: what is done, with which key, and what goes wrong where. Its name says all of it.

use std::fmt;
use std::str::FromStr;

use usbtoken_testkit::Kind;

use super::fault::Fault;
use super::scene::Scene;

/// The keys of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// P-256.
    Ec,
    /// RSA, 2048 bits.
    Rsa,
}

impl Keys {
    /// The kind of key pair, for the test kit.
    pub fn kind(self) -> Kind {
        match self {
            Keys::Ec => Kind::P256,
            Keys::Rsa => Kind::Rsa2048,
        }
    }

    /// As it stands in the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Keys::Ec => "ec",
            Keys::Rsa => "rsa",
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

impl FromStr for Case {
    type Err = String;

    fn from_str(name: &str) -> Result<Case, String> {
        let parts: Vec<&str> = name.split('/').collect();
        let [scene, keys, call, fault, mode] = parts.as_slice() else {
            return Err(format!("{name}: a case is named like renew/ec/17/lose/once"));
        };
        let wrong = |what: &str| format!("{name}: no {what} of that name");
        let keys = [Keys::Ec, Keys::Rsa].into_iter().find(|one| one.name() == *keys);
        Ok(Case {
            scene: Scene::named(scene).ok_or_else(|| wrong("scene"))?,
            keys: keys.ok_or_else(|| wrong("kind of key"))?,
            call: call.parse().map_err(|_| wrong("call"))?,
            fault: Fault::named(fault).ok_or_else(|| wrong("fault"))?,
            sticky: match *mode {
                "once" => false,
                "sticky" => true,
                _ => return Err(wrong("mode")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in ["renew/ec/17/lose/once", "retire/rsa/3/device-error/sticky"] {
            assert_eq!(name.parse::<Case>().unwrap().to_string(), name);
        }
        for name in ["", "renew/ec/17/lose", "renew/ec/x/lose/once", "renew/ec/1/lose/twice"] {
            assert!(name.parse::<Case>().is_err(), "{name}");
        }
    }
}
