//! BER to DER.
//!
//! Some CAs send PKCS#7 with indefinite lengths (X.690 §8.1.3.6) and OCTET STRINGs in pieces (§8.7.3). The
//! framing is rewritten here once, so that everything behind reads DER only. The strict decoders cannot do it:
//! `der` in its BER mode scans ahead at every level and hands nested elements on as DER.

use super::super::tlv::{self, Malformed, Read};

/// How deep elements may be nested; certificates stay below 20.
const MAX_DEPTH: usize = 32;

const OCTET_STRING_IN_PIECES: u8 = tlv::OCTET_STRING | CONSTRUCTED;
const CONSTRUCTED: u8 = 0x20;

/// Rewrites the first element of `bytes` with definite, shortest lengths. Returns it and how many bytes it took.
/// What is DER already comes out as it was.
pub(super) fn to_der(bytes: &[u8]) -> Read<(Vec<u8>, usize)> {
    let mut reader = Reader { rest: bytes };
    let mut out = Vec::new();
    reader.element(&mut out, 0)?;
    Ok((out, bytes.len() - reader.rest.len()))
}

struct Reader<'a> {
    rest: &'a [u8],
}

enum Length {
    Definite(usize),
    Indefinite,
}

impl<'a> Reader<'a> {
    fn element(&mut self, out: &mut Vec<u8>, depth: usize) -> Read<()> {
        let tag = self.byte()?;
        if depth > MAX_DEPTH || tag & 0x1f == 0x1f {
            return Err(Malformed::Unexpected);
        }
        let length = self.length()?;
        if tag & CONSTRUCTED == 0 {
            let Length::Definite(length) = length else { return Err(Malformed::Unexpected) };
            out.extend_from_slice(&tlv::encode(tag, &[self.take(length)?]));
            return Ok(());
        }
        let mut contents = Vec::new();
        match length {
            Length::Definite(length) => {
                let mut inner = Reader { rest: self.take(length)? };
                while !inner.rest.is_empty() {
                    inner.element(&mut contents, depth + 1)?;
                }
            }
            Length::Indefinite => {
                while !self.end_of_contents()? {
                    self.element(&mut contents, depth + 1)?;
                }
            }
        }
        if tag == OCTET_STRING_IN_PIECES {
            contents = joined(&contents)?;
            out.extend_from_slice(&tlv::encode(tlv::OCTET_STRING, &[&contents]));
        } else {
            out.extend_from_slice(&tlv::encode(tag, &[&contents]));
        }
        Ok(())
    }

    fn end_of_contents(&mut self) -> Read<bool> {
        if self.rest.is_empty() {
            return Err(Malformed::Truncated);
        }
        match self.rest.strip_prefix(&[0, 0]) {
            Some(rest) => {
                self.rest = rest;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn length(&mut self) -> Read<Length> {
        match self.byte()? {
            0x80 => Ok(Length::Indefinite),
            short @ 0..0x80 => Ok(Length::Definite(usize::from(short))),
            long => {
                let octets = tlv::trim_zeros(self.take(usize::from(long & 0x7f))?);
                if octets.len() > 4 {
                    return Err(Malformed::Unexpected);
                }
                Ok(Length::Definite(octets.iter().fold(0, |n, octet| (n << 8) | usize::from(*octet))))
            }
        }
    }

    fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The contents of OCTET STRINGs one after another.
fn joined(pieces: &[u8]) -> Read<Vec<u8>> {
    let mut out = Vec::new();
    for piece in tlv::Fields::of(pieces) {
        out.extend_from_slice(piece?.tagged(tlv::OCTET_STRING)?.value);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_become_definite() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 1, 4, 2, 2, 3, 0, 0, 0x02, 0x81, 1, 5, 0, 0, 0xaa];
        let (der, taken) = to_der(&ber).unwrap();
        assert_eq!(der, [0x30, 8, 4, 3, 1, 2, 3, 2, 1, 5]);
        assert_eq!(taken, ber.len() - 1);
    }

    #[test]
    fn der_stays_as_it_is() {
        let der = [0x30, 6, 0x31, 0, 4, 2, 1, 2];
        assert_eq!(to_der(&der).unwrap(), (der.to_vec(), der.len()));
    }

    #[test]
    fn a_missing_end_is_a_truncation() {
        assert_eq!(to_der(&[0x30, 0x80, 2, 1, 1]).unwrap_err(), Malformed::Truncated);
        assert_eq!(to_der(&[0x30, 0x80, 2, 1, 1, 0]).unwrap_err(), Malformed::Truncated);
        assert_eq!(to_der(&[0x30, 5, 2]).unwrap_err(), Malformed::Truncated);
    }

    #[test]
    fn deep_nesting_is_refused_at_once() {
        let deep = [0x30, 0x80].repeat(500_000);
        assert_eq!(to_der(&deep).unwrap_err(), Malformed::Unexpected);
    }

    #[test]
    fn a_primitive_without_length_is_refused() {
        assert_eq!(to_der(&[0x04, 0x80, 0, 0]).unwrap_err(), Malformed::Unexpected);
    }
}
