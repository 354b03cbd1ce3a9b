//! The text forms of an answer: which bytes a text may stand for.

use percent_encoding::percent_decode_str;

use crate::error::{Code, Error, Result};
use crate::pki::asn1::pem;

/// One reading of the text: the binary parts that it stands for.
type Reading = Result<Vec<Vec<u8>>>;

/// Whether bytes that begin as an ASN.1 SEQUENCE does (an ASCII `0`) are text all the same.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// The readings, the likeliest first. There are never more than a handful.
pub(super) fn readings(bytes: &[u8]) -> Vec<Reading> {
    let mut texts = vec![decode(bytes)];
    if texts[0].contains('%') {
        // A web form encodes `+` as `%2B`, JavaScript's escape() leaves it: either way one that is left is meant.
        texts.insert(0, percent_decode_str(&texts[0]).decode_utf8_lossy().into_owned());
    }
    texts.iter().flat_map(|text| readings_of(text)).collect()
}

/// The text, from UTF-8 with or without BOM or from UTF-16 with BOM. Words before the PEM may be in any
/// encoding and are not looked at.
fn decode(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE.decode_with_bom_removal(bytes).0,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE.decode_with_bom_removal(bytes).0,
        _ => String::from_utf8_lossy(bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes)),
    };
    text.into_owned()
}

fn readings_of(text: &str) -> Vec<Reading> {
    let both: [fn(&str) -> String; 2] = [without_blanks, with_plus_restored];
    let squeezes = if text.contains(' ') { &both[..] } else { &both[..1] };
    if text.contains("-----BEGIN") {
        return squeezes.iter().map(|squeeze| pem_parts(text, *squeeze)).collect();
    }
    let whole = squeezes.iter().map(|squeeze| base64_part(&squeeze(text)));
    let paragraph = base64_lines(text);
    let paragraph =
        squeezes.iter().filter(|_| !paragraph.is_empty()).map(|squeeze| base64_part(&squeeze(&paragraph)));
    whole.chain(paragraph).collect()
}

fn pem_parts(text: &str, squeeze: fn(&str) -> String) -> Reading {
    pem::blocks(text)
        .take(super::MAX_CERTIFICATES + 1)
        .map(|block| base64(&squeeze(body(block.ok_or_else(|| Error::new(Code::AnswerTruncated))?))))
        .collect()
}

/// A PEM block without the header lines of RFC 1421, which end at an empty line.
fn body(block: &str) -> &str {
    if !block.contains(':') {
        return block;
    }
    let end = block.find("\n\n").or_else(|| block.find("\r\n\r\n"));
    end.map_or(block, |end| &block[end..])
}

fn base64_part(text: &str) -> Reading {
    base64(text).map(|part| vec![part])
}

fn base64(text: &str) -> Result<Vec<u8>> {
    pem::decode_base64(text).ok_or_else(|| Error::new(Code::AnswerUnreadable))
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\0').collect()
}

/// A form that was decoded once too often has blanks where `+` stood.
fn with_plus_restored(text: &str) -> String {
    let lines = text.split(['\r', '\n']).map(|line| line.trim_matches(['\t', '\0']).replace(' ', "+"));
    lines.collect()
}

/// The longest run of lines that are base64, for answers with words or mail headers around.
fn base64_lines(text: &str) -> String {
    let is_base64 = |line: &str| {
        !line.is_empty()
            && line.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | ' '))
    };
    let (mut best, mut run) = (String::new(), String::new());
    for line in text.lines().map(str::trim).chain([""]) {
        // Base64 of a SEQUENCE begins with M: words in front do not.
        if is_base64(line) && (!run.is_empty() || line.starts_with('M')) {
            run.push_str(line);
            run.push('\n');
        } else {
            let run = std::mem::take(&mut run);
            if run.len() > best.len() {
                best = run;
            }
        }
    }
    best
}
