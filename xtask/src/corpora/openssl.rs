//! What openssl reads.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use base16ct::lower::encode_string as hex;
use usbtoken::Certificate;

use crate::work::Done;

/// A certificate as openssl prints it.
#[derive(Debug, Default)]
pub struct Printed {
    /// The values of the subject in order.
    subject: Vec<String>,
    serial: String,
    begins: String,
    ends: String,
    /// SubjectPublicKeyInfo in DER; `None` for keys that openssl does not read.
    key: Option<Vec<u8>>,
    is_ca: bool,
}

/// Reads a certificate; `None` when openssl does not.
pub fn certificate(der: &[u8]) -> Done<Option<Printed>> {
    let words = "x509 -inform DER -noout -serial -startdate -enddate -dateopt iso_8601 -subject \
                 -nameopt sep_multiline,utf8,space_eq -ext basicConstraints";
    let Some(text) = run(words, der)? else { return Ok(None) };
    let mut printed = Printed::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(serial) = line.strip_prefix("serial=") {
            printed.serial = serial.to_ascii_lowercase();
        } else if let Some(date) = line.strip_prefix("notBefore=") {
            printed.begins = date.to_owned();
        } else if let Some(date) = line.strip_prefix("notAfter=") {
            printed.ends = date.to_owned();
        } else if line.starts_with("subject=") {
            while let Some(value) = lines.next_if(|line| line.starts_with("    ")) {
                let values = value.split(" + ").filter_map(|one| one.split_once(" = "));
                printed.subject.extend(values.map(|(_, value)| value.to_owned()));
            }
        } else if line.trim_start().starts_with("CA:TRUE") {
            printed.is_ca = true;
        }
    }
    printed.key = key(der)?;
    Ok(Some(printed))
}

fn key(der: &[u8]) -> Done<Option<Vec<u8>>> {
    let Some(pem) = run("x509 -inform DER -noout -pubkey", der)? else { return Ok(None) };
    use base64ct::Encoding;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(base64ct::Base64::decode_vec(&body).ok().filter(|key| !key.is_empty()))
}

/// The certificates of a PKCS#7 file in DER; none when openssl does not read it.
pub fn pkcs7(bytes: &[u8]) -> Done<Vec<Vec<u8>>> {
    let Some(text) = run("pkcs7 -inform DER -print_certs", bytes)? else { return Ok(Vec::new()) };
    use base64ct::Encoding;
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = blocks.filter_map(|block| block.split_once("-----END")).map(|(body, _)| body);
    Ok(bodies
        .filter_map(|body| base64ct::Base64::decode_vec(&body.split_whitespace().collect::<String>()).ok())
        .collect())
}

/// Runs openssl on these bytes; `None` when it refuses them.
fn run(words: &str, bytes: &[u8]) -> Done<Option<String>> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    fs::write(file.path(), bytes).map_err(|error| error.to_string())?;
    let output = Command::new("openssl").args(words.split_whitespace()).arg("-in").arg(file.path()).output();
    let output = output.map_err(|error| format!("openssl: {error}"))?;
    // Without basic constraints openssl says so and fails, having printed the rest.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.success() || !text.is_empty()).then_some(text))
}

impl Printed {
    /// What we read otherwise.
    pub fn difference(&self, ours: &Certificate) -> Option<String> {
        let differs = |what: &str, theirs: &str, ours: String| {
            (theirs != ours).then(|| format!("{what}: openssl {theirs:?}, we {ours:?}"))
        };
        let subject: Vec<String> = ours.subject().attributes().iter().map(|one| one.value.clone()).collect();
        differs("subject", &self.subject.join("|"), subject.join("|"))
            .or_else(|| differs("serial", &plain(&self.serial), plain(&ours.serial().to_string())))
            .or_else(|| differs("notBefore", &self.begins, iso(ours.not_before())))
            .or_else(|| differs("notAfter", &self.ends, iso(ours.not_after())))
            .or_else(|| differs("CA", &self.is_ca.to_string(), ours.is_ca().to_string()))
            .or_else(|| {
                let theirs = self.key.as_ref()?;
                (theirs != ours.public_key().spki_der()).then(|| {
                    let (theirs, own) = (hex(theirs), hex(ours.public_key().spki_der()));
                    format!("key: openssl {theirs}, we {own}")
                })
            })
    }
}

fn plain(serial: &str) -> String {
    let (sign, digits) = match serial.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", serial),
    };
    format!("{sign}{}", digits.trim_start_matches('0'))
}

/// As openssl's `-dateopt iso_8601` writes it.
fn iso(moment: SystemTime) -> String {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    let unix = match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => seconds(after),
        Err(before) => -seconds(before.duration()),
    };
    match jiff::Timestamp::from_second(unix) {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => unix.to_string(),
    }
}
