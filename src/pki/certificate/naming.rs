//! What a person names a certificate by.

use std::fmt::{self, Write as _};

use base16ct::lower::encode_string as hex;

use super::Certificate;

/// What stands before a certificate's fingerprint where that names it in place of its serial number: two CAs may give the same number.
pub(crate) const FINGERPRINT: &str = "sha256:";

/// Whether a certificate is the one with this name: its serial number or, behind `sha256:`, its fingerprint, both in hexadecimal. Case and
/// colons do not matter, nor do leading zeros of a serial number.
pub(crate) fn is_named(name: &str) -> impl Fn(&Certificate) -> bool + use<> {
    let prefix = name.get(..FINGERPRINT.len()).filter(|prefix| prefix.eq_ignore_ascii_case(FINGERPRINT));
    let digits = name.get(prefix.map_or(0, str::len)..).unwrap_or_default();
    let digits = digits.replace(':', "").to_ascii_lowercase();
    let is_fingerprint = prefix.is_some();
    move |one| match is_fingerprint {
        true => hex(&one.fingerprint()) == digits,
        false => Left::of(digits.trim_start_matches('0'), one.serial()).is_some_and(str::is_empty),
    }
}

/// What is left of a text where another is written over it; zeros at its beginning do not count. Nothing is allocated: a number may be compared
/// with those of thousands of certificates.
struct Left<'a> {
    text: &'a str,
    begun: bool,
}

impl<'a> Left<'a> {
    fn of(text: &'a str, number: impl fmt::Display) -> Option<&'a str> {
        let mut left = Left { text, begun: false };
        write!(left, "{number}").ok().map(|()| left.text)
    }
}

impl fmt::Write for Left<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let part = if self.begun { part } else { part.trim_start_matches('0') };
        self.begun |= !part.is_empty();
        self.text = self.text.strip_prefix(part).ok_or(fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_named_by_its_number_or_its_fingerprint() {
        use usbtoken_testkit::{NameDer, SoftKey, TestCa, Text, days_from_now};
        let subject = NameDer::new().common(Text::Utf8, "Taro").to_der();
        let issue = |ca: &TestCa, serial: &[u8]| {
            let spki = SoftKey::generate(usbtoken_testkit::Kind::P256).spki();
            let der = ca.issue(&subject, &spki).serial(serial).not_after(days_from_now(9)).der();
            Certificate::from_der(&der).unwrap()
        };
        let (one, other) = (issue(&TestCa::new(), &[0x0a, 0xb1]), issue(&TestCa::new(), &[0x0a, 0xb1]));
        for name in ["0ab1", "AB1", "0a:b1", "000ab1"] {
            assert!(is_named(name)(&one) && is_named(name)(&other), "{name}");
        }
        let fingerprint = hex(&one.fingerprint());
        let pairs: Vec<&str> =
            fingerprint.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect();
        for name in [format!("sha256:{fingerprint}"), format!("SHA256:{}", pairs.join(":").to_uppercase())] {
            assert!(is_named(&name)(&one) && !is_named(&name)(&other), "{name}");
        }
        for name in ["", "sha256:", "sha256:0ab1", &fingerprint, "0ab2", "ab", "ab10", "-ab1", "漢字漢字"]
        {
            assert!(!is_named(name)(&one), "{name}");
        }
        let negative = issue(&TestCa::new(), &[0x85]);
        assert!(is_named("-7b")(&negative) && is_named("-7B")(&negative));
        for name in ["7b", "-7", "-7b0", "-07b", "-"] {
            assert!(!is_named(name)(&negative), "{name}");
        }
        let zeros = issue(&TestCa::new(), &[0x00]);
        assert!(["0", "00", ""].iter().all(|name| is_named(name)(&zeros)) && !is_named("10")(&zeros));
    }
}
