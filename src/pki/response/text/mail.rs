//! Mails and other messages with headers (RFC 5322, RFC 2045, the body of EST in RFC 7030 §4.2.3).

use mailparse::ParsedMail;

/// Header fields of which a mail, a part of one, or what a web server sends has at least one.
const FIELDS: [&str; 10] = [
    "content-type",
    "content-transfer-encoding",
    "mime-version",
    "from",
    "to",
    "subject",
    "date",
    "received",
    "return-path",
    "message-id",
];

/// How many lines of a header are examined.
const MAX_HEADER: usize = 500;

/// Whether header lines stand at the beginning. mailparse takes any text for a mail, without a body.
pub(in crate::pki::response) fn is_mail(bytes: &[u8]) -> bool {
    let mut known = false;
    for line in without_envelope(bytes).split(|byte| *byte == b'\n').take(MAX_HEADER) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            None => return known,
            Some(b' ' | b'\t') => {}
            Some(_) => match field(line) {
                Some(name) => known |= FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes())),
                None => return false,
            },
        }
    }
    false
}

/// Whether it is what a web server sent, with its status and header.
pub(in crate::pki::response) fn is_http(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}

/// The name of a header field (RFC 5322 §3.6.8).
fn field(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':').filter(|colon| *colon > 0)?;
    let name = line.get(..colon)?;
    name.iter().all(|byte| byte.is_ascii_graphic()).then_some(name)
}

/// Without what stands above the header: an mbox's `From ` line, the status of HTTP.
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let line_end = bytes.iter().position(|byte| *byte == b'\n');
    match line_end {
        Some(end) if bytes.starts_with(b"From ") || bytes.starts_with(b">From ") || is_http(bytes) => {
            bytes.get(end + 1..).unwrap_or_default()
        }
        _ => bytes,
    }
}

/// Hands on each part of a mail, decoded; a mail in a mail is one part. What cannot be decoded is handed on as it is.
pub(in crate::pki::response) fn parts(bytes: &[u8], mut part: impl FnMut(Vec<u8>)) {
    if !is_mail(bytes) {
        return;
    }
    if let Ok(mail) = mailparse::parse_mail(without_envelope(bytes)) {
        each(&mail, &mut part);
    }
}

/// mailparse bounds how deep parts lie.
fn each(mail: &ParsedMail<'_>, part: &mut impl FnMut(Vec<u8>)) {
    if mail.subparts.is_empty() {
        part(mail.get_body_raw().unwrap_or_else(|_| mail.raw_bytes.to_vec()));
    }
    mail.subparts.iter().for_each(|inner| each(inner, part));
}

/// Quoted-printable without the header that says so (RFC 2045 §6.7), as in a mail that was saved as text.
pub(super) fn quoted_printable(text: &str) -> Option<String> {
    let is_hex =
        |at: usize| text.as_bytes().get(at).is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let is_encoded = |at: usize| is_hex(at + 1) && is_hex(at + 2);
    if !text.match_indices('=').any(|(at, _)| is_encoded(at)) {
        return None;
    }
    let message = ["Content-Transfer-Encoding: quoted-printable\n\n", text].concat();
    let decoded = mailparse::parse_mail(message.as_bytes()).and_then(|mail| mail.get_body_raw()).ok()?;
    Some(String::from_utf8_lossy(&decoded).into_owned())
}
