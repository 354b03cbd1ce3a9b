//! The key usage extension.

use std::fmt;

use der::Encode;
use der::flagset::FlagSet;
use x509_cert::ext::pkix;

use crate::pki::asn1::tlv::{BIT_STRING, Malformed, Read, Tlv};

/// What a key may be used for (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage {
    /// Bit 0 is digitalSignature (0), bit 8 is decipherOnly (8), as in a `FlagSet` of `x509_cert`, which cannot be
    /// made in a constant.
    bits: u16,
}

/// The names of the bits, in their order in the BIT STRING.
const NAMES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

impl KeyUsage {
    /// Only digitalSignature.
    pub(crate) const SIGN: KeyUsage = KeyUsage { bits: 1 };

    /// keyEncipherment and dataEncipherment: only RSA keys can.
    const ENCIPHER: u16 = 1 << 2 | 1 << 3;

    /// Reads the extension's value. It is a BIT STRING and may be longer than the nine bits that have names: real CAs
    /// wrote four octets, and `x509_cert` refuses those.
    pub(in crate::pki) fn from_der(der: &[u8]) -> Read<Self> {
        let contents = Tlv::whole(der)?.tagged(BIT_STRING)?.value;
        let (unused, octets) = contents.split_first().ok_or(Malformed::Truncated)?;
        if *unused > 7 || (octets.is_empty() && *unused > 0) {
            return Err(Malformed::Unexpected);
        }
        let first = octets.first().map_or(0, |octet| octet.reverse_bits());
        let decipher_only = octets.get(1).map_or(0, |octet| octet >> 7);
        Ok(KeyUsage { bits: u16::from(first) | u16::from(decipher_only) << 8 })
    }

    /// The extension's value in DER: trailing zero bits left out (X.690 §11.2.2).
    pub(in crate::pki) fn to_der(self) -> der::Result<Vec<u8>> {
        pkix::KeyUsage(FlagSet::new_truncated(self.bits)).to_der()
    }

    /// Whether digitalSignature (0) is set.
    pub(crate) fn digital_signature(self) -> bool {
        self.bits & Self::SIGN.bits != 0
    }

    /// Whether keyCertSign (5) is set.
    pub(crate) fn key_cert_sign(self) -> bool {
        self.bits & 1 << 5 != 0
    }

    /// The same, with digitalSignature set and without what only keys that encrypt can do.
    pub(in crate::pki) fn for_signing_only(self) -> Self {
        KeyUsage { bits: self.bits & !Self::ENCIPHER | Self::SIGN.bits }
    }

    /// The same, with digitalSignature set.
    pub(in crate::pki) fn for_signing(self) -> Self {
        KeyUsage { bits: self.bits | Self::SIGN.bits }
    }
}

/// The names of RFC 5280, separated by commas.
impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.bits & (1 << bit) != 0);
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_written_in_der() {
        for der in [&[3, 2, 7, 0x80][..], &[3, 2, 5, 0xa0], &[3, 3, 7, 0x80, 0x80], &[3, 1, 0]] {
            assert_eq!(KeyUsage::from_der(der).unwrap().to_der().unwrap(), der);
        }
        assert_eq!(
            KeyUsage::from_der(&[3, 2, 5, 0xa0]).unwrap().to_string(),
            "digitalSignature, keyEncipherment"
        );
    }

    #[test]
    fn trailing_zero_bits_are_tolerated() {
        assert_eq!(KeyUsage::from_der(&[3, 2, 0, 0x80]).unwrap(), KeyUsage::SIGN);
        assert_eq!(KeyUsage::from_der(&[3, 5, 0, 0x80, 0, 0, 0]).unwrap(), KeyUsage::SIGN);
        let four_octets = KeyUsage::from_der(&[3, 5, 0, 0xb0, 0x80, 0, 0]).unwrap();
        assert_eq!(
            four_octets.to_string(),
            "digitalSignature, keyEncipherment, dataEncipherment, decipherOnly"
        );
        assert!(KeyUsage::from_der(&[3, 2, 0, 0x80, 0]).is_err(), "a byte behind the BIT STRING");
        assert!(KeyUsage::from_der(&[3, 0]).is_err());
        assert!(KeyUsage::from_der(&[3, 2, 8, 0x80]).is_err());
    }

    #[test]
    fn a_key_that_only_signs_loses_encipherment() {
        let old = KeyUsage::from_der(&[3, 2, 5, 0xe0]).unwrap();
        assert_eq!(old.for_signing_only().to_string(), "digitalSignature, nonRepudiation");
        assert_eq!(old.for_signing(), old);
    }
}
