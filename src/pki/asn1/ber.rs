//! BER to DER.
//!
//! Some CAs send PKCS#7 with indefinite lengths (X.690 §8.1.3.6) and OCTET STRINGs in pieces (§8.7.3). The
//! framing is rewritten here once, so that everything behind reads DER only.
//!
//! `der` in its BER mode does not do for that: it takes no length that is longer than need be, no tag that it has
//! no name for, and hands what stands in an indefinite length on with the indefinite lengths inside. So only the
//! bytes are its reader's, and the lengths are read here.

use der::{Reader, SliceReader};

use super::tlv::{self, Malformed, Read};

/// How deep elements may be nested; certificates stay below 20.
const MAX_DEPTH: usize = 32;

const OCTET_STRING_IN_PIECES: u8 = tlv::OCTET_STRING | CONSTRUCTED;
const CONSTRUCTED: u8 = 0x20;

/// Rewrites the first element of `bytes` with definite, shortest lengths. Returns it and how many bytes it took.
/// What is DER already comes out as it was.
pub(in crate::pki) fn to_der(bytes: &[u8]) -> Read<(Vec<u8>, usize)> {
    let mut reader = SliceReader::new(bytes)?;
    let mut out = Vec::new();
    element(&mut reader, &mut out, 0)?;
    let taken = usize::try_from(reader.position())?;
    Ok((out, taken))
}

enum Length {
    Definite(der::Length),
    Indefinite,
}

fn element(reader: &mut SliceReader<'_>, out: &mut Vec<u8>, depth: usize) -> Read<()> {
    let tag = reader.read_byte()?;
    if depth > MAX_DEPTH || tag & 0x1f == 0x1f {
        return Err(Malformed::Unexpected);
    }
    let length = length(reader)?;
    if tag & CONSTRUCTED == 0 {
        let Length::Definite(length) = length else { return Err(Malformed::Unexpected) };
        out.extend_from_slice(&tlv::encode(tag, &[reader.read_slice(length)?]));
        return Ok(());
    }
    let mut contents = Vec::new();
    match length {
        Length::Definite(length) => {
            let mut inner = SliceReader::new(reader.read_slice(length)?)?;
            while !inner.is_finished() {
                element(&mut inner, &mut contents, depth + 1)?;
            }
        }
        Length::Indefinite => {
            while !end_of_contents(reader)? {
                element(reader, &mut contents, depth + 1)?;
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

fn end_of_contents(reader: &mut SliceReader<'_>) -> Read<bool> {
    if reader.is_finished() {
        return Err(Malformed::Truncated);
    }
    let mut next = [0xff; 2];
    let ends = reader.peek_into(&mut next).is_ok() && next == [0, 0];
    if ends {
        reader.read_into(&mut next)?;
    }
    Ok(ends)
}

fn length(reader: &mut SliceReader<'_>) -> Read<Length> {
    match reader.read_byte()? {
        0x80 => Ok(Length::Indefinite),
        short @ 0..0x80 => Ok(Length::Definite(short.into())),
        long => {
            let octets = reader.read_slice((long & 0x7f).into())?;
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            if octets.len() - zeros > 4 {
                return Err(Malformed::Unexpected);
            }
            Ok(Length::Definite(octets.iter().fold(0u32, |n, octet| (n << 8) | u32::from(*octet)).into()))
        }
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
