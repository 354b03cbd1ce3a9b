//! How a fault is written: `WHEN:KIND[,OPTION…]`, such as `12:ckr=CKR_DEVICE_ERROR` or
//! `C_Sign#2:lose=CKR_DEVICE_REMOVED,sticky`.

use super::lie::Lie;
use super::otherwise::Otherwise;
use crate::functions::Function;
use std::ffi::c_int;
use usbtoken_pkcs11::names;
use usbtoken_pkcs11::types::{CK_RV, CKR_DEVICE_REMOVED};

/// One fault: when, what, and whether it stays.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// As it was written, for the trace (a PIN pad's PIN left out).
    pub(super) text: String,
    /// Only calls of this function are counted.
    pub(super) function: Option<Function>,
    /// The number of the call, from 1.
    pub(super) nth: u64,
    /// From that call on, not only at it.
    pub(super) sticky: bool,
    pub(super) kind: Kind,
}

/// What happens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This return value; the driver is not called.
    Ckr(CK_RV),
    /// The driver is called; this return value comes in place of its answer.
    Lose(CK_RV),
    /// The token is gone, and back after so many further calls, if ever.
    Remove { back: Option<u64> },
    /// So many milliseconds, or for ever; then the call goes on.
    Hang(Option<u64>),
    /// The process ends before the driver is called.
    Exit(c_int),
    /// The process ends after the driver was called.
    ExitAfter(c_int),
    /// The driver's answer is changed.
    Lie(Lie),
    /// The driver is called, and not as the application asked.
    Otherwise(Otherwise),
    /// C_Login with a null PIN gets this PIN.
    PinPad(Vec<u8>),
    /// C_SetPIN with null PINs changes this PIN to that one.
    PadChange(Vec<u8>, Vec<u8>),
}

/// The exit status when none is given: no shell, signal or Rust program uses it by itself.
const EXIT: c_int = 86;

impl Fault {
    /// # Errors
    /// One line that says what cannot be understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: String| format!("fault {text:?}: {what}");
        let (when, rest) =
            text.split_once(':').ok_or_else(|| wrong("no ':' between when and what".to_owned()))?;
        let (function, nth, mut sticky) = when_of(when.trim()).map_err(wrong)?;
        let mut parts = rest.split(',').map(str::trim);
        let (kind, value) = name_and_value(parts.next().unwrap_or_default());
        let mut options = Options::default();
        for part in parts {
            match name_and_value(part) {
                ("sticky", None) => sticky = true,
                ("once", None) => sticky = false,
                (name, Some(value)) => options.push(name, value).map_err(wrong)?,
                (name, None) => return Err(wrong(format!("unknown option {name:?}"))),
            }
        }
        let kind_name = kind;
        let kind = kind_of(kind, value, &mut options).map_err(wrong)?;
        options.all_used().map_err(wrong)?;
        let text = if matches!(kind, Kind::PinPad(_) | Kind::PadChange(..)) {
            format!("{when}:{kind_name}")
        } else {
            text.to_owned()
        };
        Ok(Self { text, function, nth, sticky, kind })
    }
}

/// `12`, `C_Sign`, `C_Sign#2`, or `*` for every call from the first on.
fn when_of(when: &str) -> Result<(Option<Function>, u64, bool), String> {
    if when == "*" {
        return Ok((None, 1, true));
    }
    let (name, nth) = match when.split_once('#') {
        Some((name, nth)) => (Some(name), nth),
        None if when.starts_with("C_") => (Some(when), "1"),
        None => (None, when),
    };
    let nth = match nth.parse() {
        Ok(nth) if nth > 0 => nth,
        _ => return Err(format!("{nth:?} is not the number of a call")),
    };
    let function = match name {
        None => None,
        Some(name) => Some(Function::named(name).ok_or_else(|| format!("no function {name:?}"))?),
    };
    if function.is_some_and(Function::is_entry_point_query) {
        return Err("calls that only ask for the functions are not counted".to_owned());
    }
    Ok((function, nth, false))
}

fn kind_of(name: &str, value: Option<&str>, options: &mut Options) -> Result<Kind, String> {
    Ok(match (name, value) {
        ("ckr", Some(value)) => Kind::Ckr(return_value(value)?),
        ("lose", Some(value)) => Kind::Lose(return_value(value)?),
        ("lose", None) => Kind::Lose(CKR_DEVICE_REMOVED),
        ("remove", None) => {
            Kind::Remove { back: options.take("back").map(|back| number(&back)).transpose()? }
        }
        ("hang", None) => Kind::Hang(None),
        ("hang", Some(ms)) => Kind::Hang(Some(number(ms)?)),
        ("exit", value) => Kind::Exit(status(value)?),
        ("exit-after", value) => Kind::ExitAfter(status(value)?),
        ("lie", Some(lie)) => Kind::Lie(Lie::named(lie).ok_or_else(|| format!("no lie {lie:?}"))?),
        ("otherwise", Some(how)) => {
            Kind::Otherwise(Otherwise::named(how).ok_or_else(|| format!("nothing is called {how:?}"))?)
        }
        ("pin-pad", Some(pin)) => Kind::PinPad(pin.as_bytes().to_vec()),
        ("pin-pad-change", Some(pins)) => {
            let (old, new) = pins
                .split_once('/')
                .ok_or_else(|| "the two PINs of pin-pad-change are OLD/NEW".to_owned())?;
            Kind::PadChange(old.as_bytes().to_vec(), new.as_bytes().to_vec())
        }
        _ => return Err(format!("no such fault: {name:?}, or not so")),
    })
}

fn name_and_value(part: &str) -> (&str, Option<&str>) {
    match part.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (part, None),
    }
}

fn return_value(text: &str) -> Result<CK_RV, String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => CK_RV::from_str_radix(hex, 16).ok(),
        None => names::return_value_of(text),
    };
    number.ok_or_else(|| format!("no return value {text:?}"))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn status(text: Option<&str>) -> Result<c_int, String> {
    text.map_or(Ok(EXIT), |text| text.parse().map_err(|_| format!("{text:?} is not an exit status")))
}

/// Options with values; one that no one takes is a mistake.
#[derive(Default)]
struct Options(Vec<(String, String)>);

impl Options {
    fn push(&mut self, name: &str, value: &str) -> Result<(), String> {
        if self.0.iter().any(|(known, _)| known == name) {
            return Err(format!("{name} twice"));
        }
        self.0.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn all_used(&self) -> Result<(), String> {
        self.0.first().map_or(Ok(()), |(name, _)| Err(format!("unknown option {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usbtoken_pkcs11::types::{CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY};

    fn fault(text: &str) -> (Option<Function>, u64, bool, Kind) {
        let fault = Fault::parse(text).unwrap();
        (fault.function, fault.nth, fault.sticky, fault.kind)
    }

    #[test]
    fn every_kind_is_understood() {
        let sign = Some(Function::C_Sign);
        assert_eq!(fault("12:ckr=CKR_DEVICE_ERROR"), (None, 12, false, Kind::Ckr(CKR_DEVICE_ERROR)));
        assert_eq!(fault("C_Sign:lose"), (sign, 1, false, Kind::Lose(CKR_DEVICE_REMOVED)));
        assert_eq!(
            fault("C_Sign#2:lose=CKR_DEVICE_MEMORY,sticky"),
            (sign, 2, true, Kind::Lose(CKR_DEVICE_MEMORY))
        );
        assert_eq!(fault("3:ckr=0x80000001"), (None, 3, false, Kind::Ckr(0x8000_0001)));
        assert_eq!(fault("7:remove"), (None, 7, false, Kind::Remove { back: None }));
        assert_eq!(fault("7:remove, back=5"), (None, 7, false, Kind::Remove { back: Some(5) }));
        assert_eq!(fault("1:hang"), (None, 1, false, Kind::Hang(None)));
        assert_eq!(fault("1:hang=20"), (None, 1, false, Kind::Hang(Some(20))));
        assert_eq!(fault("1:exit"), (None, 1, false, Kind::Exit(86)));
        assert_eq!(fault("1:exit-after=3"), (None, 1, false, Kind::ExitAfter(3)));
        assert!(fault("*:lie=final-try").2);
        let search = Kind::Otherwise(Otherwise::SearchAll);
        assert_eq!(fault("C_FindObjectsInit:otherwise=search-all").3, search);
        assert_eq!(fault("*:pin-pad=1234").3, Kind::PinPad(b"1234".to_vec()));
        assert_eq!(fault("*:pin-pad-change=12/34").3, Kind::PadChange(b"12".to_vec(), b"34".to_vec()));
    }

    #[test]
    fn a_pin_pads_pin_is_not_in_the_text() {
        assert_eq!(Fault::parse("*:pin-pad=1234,sticky").unwrap().text, "*:pin-pad");
        assert_eq!(Fault::parse("*:pin-pad-change=12/34").unwrap().text, "*:pin-pad-change");
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            "",
            "12",
            "0:exit",
            "x:exit",
            "C_Sing:exit",
            "C_Sign#:exit",
            "C_GetFunctionList:exit",
            "1:ckr",
            "1:ckr=CKR_NO",
            "1:lie",
            "1:lie=x",
            "1:otherwise=x",
            "1:remove=2",
            "1:exit,back=2",
            "1:exit,stick",
            "1:hang=x",
            "1:remove,back=1,back=2",
            "1:pin-pad",
        ] {
            assert!(Fault::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
