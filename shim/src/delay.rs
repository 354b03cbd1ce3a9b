//! Delays, so that a software token feels like a USB token.

use crate::call::Call;
use crate::call::view::View;
use crate::functions::Function;
use crate::host::memory::read;
use std::collections::BTreeMap;
use std::time::Duration;
use usbtoken_pkcs11::names;

/// How long each call waits before it is forwarded.
pub(crate) struct Delays {
    every: Duration,
    of: Vec<(Function, Option<String>, Duration)>,
}

impl Delays {
    /// # Errors
    /// One line for a name that is no function of PKCS#11.
    pub(crate) fn new(every_ms: u64, of: &BTreeMap<String, u64>) -> Result<Self, String> {
        let mut delays = Self { every: Duration::from_millis(every_ms), of: Vec::new() };
        for (what, ms) in of {
            let (name, mechanism) = match what.split_once('/') {
                Some((name, mechanism)) => (name, Some(mechanism.to_owned())),
                None => (what.as_str(), None),
            };
            let function = Function::named(name).ok_or_else(|| format!("delays: no function {name:?}"))?;
            delays.of.push((function, mechanism, Duration::from_millis(*ms)));
        }
        // The rule that also names the mechanism goes before the one that does not.
        delays.of.sort_by_key(|(_, mechanism, _)| mechanism.is_none());
        Ok(delays)
    }

    pub(crate) fn any(&self) -> bool {
        !self.every.is_zero() || !self.of.is_empty()
    }

    /// Waits as long as this call has to. Only the counted calls wait: the others do not reach a token.
    pub(crate) fn wait(&self, call: &Call) {
        if call.ordinal.call > 0 && self.any() {
            let delay = self.of_call(call.function, || mechanism(call));
            if !delay.is_zero() {
                std::thread::sleep(delay);
            }
        }
    }

    fn of_call(&self, function: Function, mechanism: impl Fn() -> Option<String>) -> Duration {
        let fits = |wanted: &Option<String>| wanted.is_none() || *wanted == mechanism();
        let rule = self.of.iter().find(|(of, wanted, _)| *of == function && fits(wanted));
        rule.map_or(self.every, |(_, _, delay)| *delay)
    }
}

fn mechanism(call: &Call) -> Option<String> {
    call.args.iter().find_map(|(_, view)| match view {
        View::Mechanism(pointer) => {
            let number = read(*pointer)?.mechanism;
            Some(names::name_or_hex(names::mechanism(number), number))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_rule_wins() {
        let of = [
            ("C_GenerateKeyPair", 500),
            ("C_GenerateKeyPair/CKM_RSA_PKCS_KEY_PAIR_GEN", 8000),
            ("C_Login", 0),
        ];
        let of = of.map(|(what, ms)| (what.to_owned(), ms)).into();
        let delays = Delays::new(30, &of).unwrap();
        let ms = |function, mechanism: Option<&str>| {
            delays.of_call(function, || mechanism.map(str::to_owned)).as_millis()
        };
        assert_eq!(ms(Function::C_GenerateKeyPair, Some("CKM_RSA_PKCS_KEY_PAIR_GEN")), 8000);
        assert_eq!(ms(Function::C_GenerateKeyPair, Some("CKM_EC_KEY_PAIR_GEN")), 500);
        assert_eq!(ms(Function::C_Login, None), 0);
        assert_eq!(ms(Function::C_Sign, None), 30);
        assert!(Delays::new(0, &[("C_Sing".to_owned(), 1)].into()).is_err());
    }
}
