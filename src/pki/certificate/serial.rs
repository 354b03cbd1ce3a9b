//! A certificate's serial number.

use std::fmt;

use base16ct::HexDisplay;

use crate::pki::asn1::tlv::{self, INTEGER, Malformed, Read, Tlv};

/// A serial number, kept as the DER INTEGER of the certificate.
///
/// Old CAs issued zero and negative ones (RFC 5280 §4.1.2.2 asks to take them gracefully); both are kept.
/// `Display` is lower-case hexadecimal with an even number of digits, without the zero byte that only carries
/// the sign; a negative number shows its magnitude after a minus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Serial {
    der: Vec<u8>,
}

impl Serial {
    /// Reads a whole INTEGER element.
    pub(super) fn from_tlv(tlv: Tlv<'_>) -> Read<Self> {
        if tlv.tagged(INTEGER)?.value.is_empty() {
            return Err(Malformed::Unexpected);
        }
        Ok(Serial { der: tlv.raw.to_vec() })
    }

    /// The whole DER INTEGER, tag and length included: the value of `CKA_SERIAL_NUMBER`.
    pub(crate) fn der_integer(&self) -> &[u8] {
        &self.der
    }

    fn contents(&self) -> &[u8] {
        Tlv::whole(&self.der).map(|tlv| tlv.value).unwrap_or_default()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contents = self.contents();
        if contents.first().is_some_and(|first| first & 0x80 != 0) {
            f.write_str("-")?;
            return write!(f, "{:x}", HexDisplay(tlv::trim_zeros(&negated(contents))));
        }
        match contents {
            [0, rest @ ..] if !rest.is_empty() => write!(f, "{:x}", HexDisplay(rest)),
            digits => write!(f, "{:x}", HexDisplay(digits)),
        }
    }
}

/// The two's complement.
fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
    for byte in out.iter_mut().rev() {
        let carry;
        (*byte, carry) = byte.overflowing_add(1);
        if !carry {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(der: &[u8]) -> String {
        Serial::from_tlv(Tlv::whole(der).unwrap()).unwrap().to_string()
    }

    #[test]
    fn hexadecimal_with_an_even_number_of_digits() {
        assert_eq!(shown(&[2, 1, 5]), "05");
        assert_eq!(shown(&[2, 2, 0, 0xab]), "ab");
        assert_eq!(shown(&[2, 3, 0x0f, 0, 1]), "0f0001");
    }

    #[test]
    fn zero_and_negative_numbers_pass() {
        assert_eq!(shown(&[2, 1, 0]), "00");
        assert_eq!(shown(&[2, 1, 0xff]), "-01");
        assert_eq!(shown(&[2, 1, 0x80]), "-80");
        assert_eq!(shown(&[2, 2, 0xff, 0x00]), "-0100");
    }

    #[test]
    fn an_integer_without_contents_is_refused() {
        assert!(Serial::from_tlv(Tlv::whole(&[2, 0]).unwrap()).is_err());
        assert!(Serial::from_tlv(Tlv::whole(&[4, 1, 1]).unwrap()).is_err());
    }
}
