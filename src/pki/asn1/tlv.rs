//! Single ASN.1 elements (X.690) with the bytes that they came as.
//!
//! Lengths are read and written by the `der` crate. Its own "any" type does not do for tokens and CAs: it keeps
//! the contents without the header, and its tags do not know UniversalString (28), which names may hold.

use der::{Decode, Encode, ErrorKind, Length, Reader, SliceReader, Writer};

pub(in crate::pki) const BOOLEAN: u8 = 0x01;
pub(in crate::pki) const INTEGER: u8 = 0x02;
pub(in crate::pki) const BIT_STRING: u8 = 0x03;
pub(in crate::pki) const OCTET_STRING: u8 = 0x04;
pub(in crate::pki) const NULL: u8 = 0x05;
pub(in crate::pki) const OID: u8 = 0x06;
pub(in crate::pki) const UTF8_STRING: u8 = 0x0c;
pub(in crate::pki) const PRINTABLE_STRING: u8 = 0x13;
pub(in crate::pki) const TELETEX_STRING: u8 = 0x14;
pub(in crate::pki) const IA5_STRING: u8 = 0x16;
pub(in crate::pki) const UTC_TIME: u8 = 0x17;
pub(in crate::pki) const GENERALIZED_TIME: u8 = 0x18;
pub(in crate::pki) const UNIVERSAL_STRING: u8 = 0x1c;
pub(in crate::pki) const BMP_STRING: u8 = 0x1e;
pub(in crate::pki) const SEQUENCE: u8 = 0x30;
pub(in crate::pki) const SET: u8 = 0x31;

/// The BOOLEAN that is true, in DER.
pub(in crate::pki) const TRUE: &[u8] = &[BOOLEAN, 1, 0xff];

/// Whether a BOOLEAN is true: any octet but zero is, in BER (X.690 §8.2.2).
pub(in crate::pki) fn is_true(flag: Tlv<'_>) -> bool {
    flag.value.iter().any(|octet| *octet != 0)
}

/// The identifier octet of a constructed context-specific element.
pub(in crate::pki) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::pki) enum Malformed {
    /// They end before the element does.
    #[error("ASN.1 ends in the middle of an element")]
    Truncated,
    /// They are not the element that belongs here.
    #[error("ASN.1 is not of the expected form")]
    Unexpected,
}

pub(in crate::pki) type Read<T> = Result<T, Malformed>;

impl From<der::Error> for Malformed {
    fn from(cause: der::Error) -> Self {
        match cause.kind() {
            // A length that leads beyond what can be counted leads beyond the end as well.
            ErrorKind::Incomplete { .. } | ErrorKind::Overflow => Malformed::Truncated,
            _ => Malformed::Unexpected,
        }
    }
}

/// One element; also a field of `der`'s structures that takes any element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pki) struct Tlv<'a> {
    /// The identifier octet; elements with tag numbers above 30 are refused.
    pub tag: u8,
    /// The contents.
    pub value: &'a [u8],
    /// The whole element as it came.
    pub raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// Reads an element that takes up all of `bytes`.
    pub(crate) fn whole(bytes: &'a [u8]) -> Read<Self> {
        let mut fields = Fields::of(bytes);
        let tlv = fields.any()?;
        fields.end()?;
        Ok(tlv)
    }

    /// This element, if it has that tag.
    pub(crate) fn tagged(self, tag: u8) -> Read<Self> {
        if self.tag == tag { Ok(self) } else { Err(Malformed::Unexpected) }
    }

    /// The elements inside.
    pub(crate) fn fields(self) -> Fields<'a> {
        Fields::of(self.value)
    }
}

impl<'a> Decode<'a> for Tlv<'a> {
    type Error = der::Error;

    /// Lengths are definite and as short as can be (X.690 §10.1), as a reader of DER sees to.
    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let mut ahead = reader.clone();
        let tag = ahead.read_byte()?;
        if tag & 0x1f == 0x1f {
            return Err(reader.error(ErrorKind::TagNumberInvalid));
        }
        let length = Length::decode(&mut ahead)?;
        let header = (ahead.position() - reader.position())?;
        let raw = reader.read_slice((header + length)?)?;
        let value = raw.get(usize::try_from(header)?..).unwrap_or_default();
        Ok(Tlv { tag, value, raw })
    }
}

impl Encode for Tlv<'_> {
    fn encoded_len(&self) -> der::Result<Length> {
        self.raw.len().try_into()
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.raw)
    }
}

/// Elements one after another.
#[derive(Clone, Debug)]
pub(in crate::pki) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Fields { rest: bytes }
    }

    /// The next element.
    pub(crate) fn any(&mut self) -> Read<Tlv<'a>> {
        let mut reader = SliceReader::new(self.rest)?;
        let tlv = Tlv::decode(&mut reader)?;
        self.rest = self.rest.get(tlv.raw.len()..).unwrap_or_default();
        Ok(tlv)
    }

    /// The next element, which must have that tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Read<Tlv<'a>> {
        self.any()?.tagged(tag)
    }

    /// The next element, if it has that tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Read<Option<Tlv<'a>>> {
        if self.rest.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Unexpected) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Read<Tlv<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.any();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// Encodes an element whose contents are the parts one after another.
pub(in crate::pki) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    // `der` counts in 32 bits; nothing that is encoded here comes near 4 GiB.
    let _ = Length::try_from(length).and_then(|length| length.encode_to_vec(&mut out));
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// Without the zero bytes in front.
pub(in crate::pki) fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_trip() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000] {
            let value = vec![7; length];
            let der = encode(OCTET_STRING, &[&value]);
            assert_eq!(Tlv::whole(&der).unwrap().value, value);
            assert_eq!(Tlv::whole(&der[..der.len() - 1]).unwrap_err(), Malformed::Truncated);
        }
    }

    #[test]
    fn only_der_lengths_pass() {
        for bad in [
            &[4, 0x80, 0, 0][..],
            &[4, 0x81, 1, 0],
            &[4, 0x82, 0, 0x80],
            &[0x1f, 1, 0],
            &[4, 0x85, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(Tlv::whole(bad).unwrap_err(), Malformed::Unexpected, "{bad:02x?}");
        }
        assert_eq!(Tlv::whole(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]).unwrap_err(), Malformed::Truncated);
        assert_eq!(Tlv::whole(&[4, 1, 0, 0]).unwrap_err(), Malformed::Unexpected);
    }
}
