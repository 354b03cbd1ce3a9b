//! CertEnroll's EncodingType: how bytes become text, and back.

use base16ct::lower::encode_string as hex;
use usbtoken::{Error, Result};

use crate::base::args;

/// EncodingType: base64 with the header of a certificate.
pub const USBTOKEN_ENCODING_BASE64_HEADER: u32 = 0;
/// EncodingType: base64 without a header; CertEnroll's default.
pub const USBTOKEN_ENCODING_BASE64: u32 = 1;
/// EncodingType: the bytes themselves.
pub const USBTOKEN_ENCODING_BINARY: u32 = 2;
/// EncodingType: base64 with the header of a certificate request.
pub const USBTOKEN_ENCODING_BASE64_REQUEST_HEADER: u32 = 3;
/// EncodingType: hexadecimal, 16 bytes a line.
pub const USBTOKEN_ENCODING_HEX: u32 = 4;
/// EncodingType, for what comes in only: base64 with or without a header.
pub const USBTOKEN_ENCODING_BASE64_ANY: u32 = 6;
/// EncodingType, for what comes in only: base64 with or without a header, or bytes.
pub const USBTOKEN_ENCODING_ANY: u32 = 7;
/// EncodingType: hexadecimal in one piece.
pub const USBTOKEN_ENCODING_HEX_RAW: u32 = 12;
/// EncodingType, or-ed: no line ends at all.
pub const USBTOKEN_ENCODING_NO_CRLF: u32 = 0x4000_0000;
/// EncodingType, or-ed: LF instead of CR LF.
pub const USBTOKEN_ENCODING_NO_CR: u32 = 0x8000_0000;

/// What came out of [`encode`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Encoded {
    Bytes(Vec<u8>),
    Text(String),
}

/// How the lines of a text end.
#[derive(Clone, Copy)]
enum Lines {
    CrLf,
    Lf,
    None,
}

impl Lines {
    fn end(self) -> &'static str {
        match self {
            Lines::CrLf => "\r\n",
            Lines::Lf => "\n",
            Lines::None => "",
        }
    }
}

/// Encodes what leaves for the page.
pub(crate) fn encode(der: &[u8], encoding: u32) -> Result<Encoded> {
    let (kind, lines) = split(encoding)?;
    let base64 = || wrapped(&base64(der), 64, lines);
    Ok(Encoded::Text(match kind {
        USBTOKEN_ENCODING_BASE64_HEADER => with_header(&base64(), "CERTIFICATE", lines),
        USBTOKEN_ENCODING_BASE64_REQUEST_HEADER => with_header(&base64(), "NEW CERTIFICATE REQUEST", lines),
        USBTOKEN_ENCODING_BASE64 => base64(),
        USBTOKEN_ENCODING_BINARY => return Ok(Encoded::Bytes(der.to_vec())),
        USBTOKEN_ENCODING_HEX => spaced_hex(der, lines),
        USBTOKEN_ENCODING_HEX_RAW => format!("{}{}", hex(der), lines.end()),
        _ => return Err(unknown()),
    }))
}

/// Decodes what comes from the page. Text that may be base64 or bytes that may be DER are recognised by what
/// reads them next, so only hexadecimal is undone here.
pub(crate) fn decode(bytes: &[u8], encoding: u32) -> Result<Vec<u8>> {
    match split(encoding)?.0 {
        USBTOKEN_ENCODING_HEX | USBTOKEN_ENCODING_HEX_RAW => unhex(bytes),
        USBTOKEN_ENCODING_BASE64_HEADER
        | USBTOKEN_ENCODING_BASE64
        | USBTOKEN_ENCODING_BINARY
        | USBTOKEN_ENCODING_BASE64_REQUEST_HEADER
        | USBTOKEN_ENCODING_BASE64_ANY
        | USBTOKEN_ENCODING_ANY => Ok(bytes.to_vec()),
        _ => Err(unknown()),
    }
}

fn split(encoding: u32) -> Result<(u32, Lines)> {
    let bits = USBTOKEN_ENCODING_NO_CR | USBTOKEN_ENCODING_NO_CRLF;
    let lines = match encoding & bits {
        0 => Lines::CrLf,
        USBTOKEN_ENCODING_NO_CR => Lines::Lf,
        // Both together: no line ends is the stronger wish.
        _ => Lines::None,
    };
    Ok((encoding & !bits, lines))
}

fn with_header(body: &str, kind: &str, lines: Lines) -> String {
    let end = lines.end();
    format!("-----BEGIN {kind}-----{end}{body}-----END {kind}-----{end}")
}

fn wrapped(text: &str, width: usize, lines: Lines) -> String {
    if lines.end().is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + text.len() / width * 2 + 2);
    let mut rest = text;
    while !rest.is_empty() {
        // ASCII only, so every place is a boundary.
        let (line, after) = rest.split_at(rest.len().min(width));
        out.push_str(line);
        out.push_str(lines.end());
        rest = after;
    }
    out
}

fn spaced_hex(bytes: &[u8], lines: Lines) -> String {
    let end = if lines.end().is_empty() { " " } else { lines.end() };
    let mut out = String::with_capacity(bytes.len() * 3 + 2);
    for line in bytes.chunks(16) {
        let half = |half: &[u8]| half.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        let (first, second) = line.split_at(line.len().min(8));
        out.push_str(&half(first));
        if !second.is_empty() {
            out.push_str("  ");
            out.push_str(&half(second));
        }
        out.push_str(end);
    }
    out
}

fn unhex(text: &[u8]) -> Result<Vec<u8>> {
    let bad = || args::bad("response", "not_hexadecimal");
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Option<Vec<u8>> = digits
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2)).ok_or_else(bad)?;
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

fn unknown() -> Error {
    args::bad("EncodingType", "unknown_value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(encoding: u32) -> String {
        match encode(&[0x30; 50], encoding).unwrap() {
            Encoded::Text(text) => text,
            Encoded::Bytes(_) => panic!("bytes"),
        }
    }

    #[test]
    fn line_ends_are_as_asked_for() {
        let plain = text(USBTOKEN_ENCODING_BASE64);
        assert_eq!(plain.lines().map(str::len).collect::<Vec<_>>(), [64, 4]);
        assert_eq!(plain.matches("\r\n").count(), 2);
        let unix = text(USBTOKEN_ENCODING_BASE64 | USBTOKEN_ENCODING_NO_CR);
        assert_eq!(unix, plain.replace('\r', ""));
        let one = text(USBTOKEN_ENCODING_BASE64 | USBTOKEN_ENCODING_NO_CRLF);
        assert_eq!(one, plain.replace("\r\n", ""));
    }

    #[test]
    fn headers_are_those_of_microsoft() {
        let request = text(USBTOKEN_ENCODING_BASE64_REQUEST_HEADER);
        assert!(request.starts_with("-----BEGIN NEW CERTIFICATE REQUEST-----\r\n"));
        assert!(request.ends_with("\r\n-----END NEW CERTIFICATE REQUEST-----\r\n"));
        assert!(text(USBTOKEN_ENCODING_BASE64_HEADER).starts_with("-----BEGIN CERTIFICATE-----\r\n"));
        let one = text(USBTOKEN_ENCODING_BASE64_REQUEST_HEADER | USBTOKEN_ENCODING_NO_CRLF);
        assert_eq!(one.lines().count(), 1, "not even between header and text");
    }

    /// What CryptBinaryToStringA of Wine 8.0 makes of the same bytes, which takes after that of Windows.
    #[test]
    fn texts_are_those_of_another_implementation() {
        let bytes: Vec<u8> = (0..50).map(|number| number * 5).collect();
        let base64 = "AAUKDxQZHiMoLTI3PEFGS1BVWl9kaW5zeH2Ch4yRlpugpaqvtLm+w8jN0tfc4ebr\r\n8PU=\r\n";
        let hex = "00050a0f14191e23282d32373c41464b50555a5f64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7\
                   dce1e6ebf0f5\r\n";
        let request = format!(
            "-----BEGIN NEW CERTIFICATE REQUEST-----\r\n{base64}-----END NEW CERTIFICATE REQUEST-----\r\n"
        );
        let certificate = format!("-----BEGIN CERTIFICATE-----\r\n{base64}-----END CERTIFICATE-----\r\n");
        for (encoding, expected) in [
            (USBTOKEN_ENCODING_BASE64, base64),
            (USBTOKEN_ENCODING_BASE64_HEADER, &certificate),
            (USBTOKEN_ENCODING_BASE64_REQUEST_HEADER, &request),
            (USBTOKEN_ENCODING_HEX_RAW, hex),
        ] {
            let encode = |bits| encode(&bytes, encoding | bits).unwrap();
            assert_eq!(encode(0), Encoded::Text(expected.to_owned()));
            let unix = expected.replace('\r', "");
            assert_eq!(encode(USBTOKEN_ENCODING_NO_CR), Encoded::Text(unix.clone()));
            assert_eq!(encode(USBTOKEN_ENCODING_NO_CRLF), Encoded::Text(unix.replace('\n', "")));
        }
    }

    /// Wine lacks this one; its layout is that of examples in descriptions of the constant CRYPT_STRING_HEX.
    #[test]
    fn hexadecimal_has_sixteen_bytes_a_line() {
        let Encoded::Text(text) = encode(b": certlib\\ldap.cpp(2131)", USBTOKEN_ENCODING_HEX).unwrap() else {
            panic!("bytes");
        };
        let lines = "3a 20 63 65 72 74 6c 69  62 5c 6c 64 61 70 2e 63\r\n70 70 28 32 31 33 31 29\r\n";
        assert_eq!(text, lines);
    }

    #[test]
    fn hexadecimal_comes_back() {
        for encoding in [USBTOKEN_ENCODING_HEX, USBTOKEN_ENCODING_HEX_RAW] {
            for bits in [0, USBTOKEN_ENCODING_NO_CR, USBTOKEN_ENCODING_NO_CRLF] {
                let text = text(encoding | bits);
                assert_eq!(decode(text.as_bytes(), encoding).unwrap(), [0x30; 50]);
            }
        }
        assert!(decode(b"3", USBTOKEN_ENCODING_HEX).is_err());
        assert!(decode(b"3x", USBTOKEN_ENCODING_HEX).is_err());
    }

    #[test]
    fn what_only_comes_in_does_not_go_out() {
        for encoding in [USBTOKEN_ENCODING_ANY, USBTOKEN_ENCODING_BASE64_ANY, 5, 8, 99] {
            assert!(encode(b"x", encoding).is_err(), "{encoding}");
        }
        assert!(decode(b"x", 99).is_err());
    }
}
