//! What something is that is no response: by its first bytes, or by its words.

use super::markup;
use super::skipped::{Skipped, Unusable};

/// The first bytes of formats that people send and save instead of a certificate.
const FORMATS: &[(&[u8], Unusable)] = &[
    (b"PK\x03\x04", Unusable::Archive("ZIP")),
    (b"PK\x05\x06", Unusable::Archive("ZIP")),
    (b"\x1f\x8b", Unusable::Archive("gzip")),
    (b"7z\xbc\xaf\x27\x1c", Unusable::Archive("7z")),
    (b"Rar!\x1a\x07", Unusable::Archive("RAR")),
    (b"BZh", Unusable::Archive("bzip2")),
    (b"\xfd7zXZ\0", Unusable::Archive("xz")),
    (b"\x28\xb5\x2f\xfd", Unusable::Archive("zstd")),
    (b"MSCF\0", Unusable::Archive("CAB")),
    (b"\x78\x9f\x3e\x22", Unusable::Archive("winmail.dat (TNEF)")),
    (b"%PDF-", Unusable::Document("PDF")),
    (b"\x89PNG\r\n\x1a\n", Unusable::Document("PNG")),
    (b"\xff\xd8\xff", Unusable::Document("JPEG")),
    (b"GIF87a", Unusable::Document("GIF")),
    (b"GIF89a", Unusable::Document("GIF")),
    (b"II*\0", Unusable::Document("TIFF")),
    (b"MM\0*", Unusable::Document("TIFF")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Unusable::Document("Microsoft Office / Outlook")),
    (b"openssh-key-v1\0", Unusable::PrivateKey("OpenSSH")),
    (b"\xfe\xed\xfe\xed", Unusable::PrivateKey("Java KeyStore")),
    (b"\xce\xce\xce\xce", Unusable::PrivateKey("Java KeyStore (JCEKS)")),
];

/// What these bytes are by their first ones; `None` for what is examined.
pub(super) fn by_first_bytes(bytes: &[u8]) -> Option<Unusable> {
    let known = FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| what.clone());
    known.or_else(|| by_place(bytes))
}

/// Formats with their name further in.
fn by_place(bytes: &[u8]) -> Option<Unusable> {
    let at = |from: usize, name: &[u8]| bytes.get(from..from + name.len()) == Some(name);
    if at(2, b"-lh") && at(6, b"-") {
        return Some(Unusable::Archive("LZH"));
    }
    if at(257, b"ustar") {
        return Some(Unusable::Archive("tar"));
    }
    if at(4, b"ftyphei") || at(4, b"ftypmif1") {
        return Some(Unusable::Document("HEIF"));
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some(Unusable::Document("WebP"));
    }
    // An executable says so where its header points to; the two letters alone begin words too.
    let bitmap_size = bytes.get(2..6).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    if at(0, b"BM") && bitmap_size.and_then(|size| usize::try_from(size).ok()) == Some(bytes.len()) {
        return Some(Unusable::Document("BMP"));
    }
    (at(0, b"\x7fELF") || (at(0, b"MZ") && bytes.contains(&0))).then(|| Unusable::Other("program".to_owned()))
}

/// What a response as a whole is when no certificate came out of it, only what was skipped.
pub(super) fn by_words(bytes: &[u8], text: &str, is_mail: bool, skipped: &[Skipped]) -> Skipped {
    let label = |word: &str| {
        let mut labels = text.split("-----BEGIN ").skip(1).filter_map(|rest| rest.split("-----").next());
        labels.any(|label| label.contains(word))
    };
    let named = |what| Skipped::text(what, bytes.len(), text);
    let has_private = skipped.iter().any(|skipped| matches!(skipped.what, Unusable::PrivateKey(_)));
    let has_public = skipped.iter().any(|skipped| matches!(skipped.what, Unusable::PublicKey(_)));
    if label("PGP MESSAGE") {
        named(Unusable::Encrypted("PGP"))
    } else if label("PRIVATE KEY") && !has_private {
        // Not its first line: that could be the key.
        Skipped::new(Unusable::PrivateKey("PEM"), bytes)
    } else if label("PUBLIC KEY") && !has_public {
        named(Unusable::PublicKey("PEM"))
    } else if ["ssh-", "ecdsa-sha2-", "---- BEGIN SSH2 PUBLIC KEY"]
        .iter()
        .any(|begin| text.starts_with(begin))
    {
        named(Unusable::PublicKey("OpenSSH"))
    } else if let Some(form) = form(text) {
        named(Unusable::Form(form))
    } else if text.starts_with("{\\rtf") {
        named(Unusable::Document("RTF"))
    } else if is_mail {
        named(Unusable::Mail)
    } else if markup::is_page(text) {
        // Where a page refuses, it says why: in its words, not in its first line.
        let words: Vec<_> = markup::words(text).split_whitespace().take(40).map(str::to_owned).collect();
        Skipped::text(Unusable::WebPage, bytes.len(), &words.join(" "))
    } else if is_likely_words(text) {
        named(Unusable::Text)
    } else {
        Skipped::new(Unusable::Other("binary".to_owned()), bytes)
    }
}

/// A text form that is not read; `None` when it is none that is known.
fn form(text: &str) -> Option<&'static str> {
    text.lines().find_map(|line| match line {
        line if is_uuencode(line) => Some("uuencode"),
        line if line.starts_with("=ybegin ") => Some("yEnc"),
        line if line.contains("must be converted with BinHex") => Some("BinHex"),
        line if is_hexadecimal(line) => Some("hexadecimal"),
        _ => None,
    })
}

/// `begin MODE NAME`.
fn is_uuencode(line: &str) -> bool {
    let mode = line.strip_prefix("begin ").and_then(|rest| rest.split(' ').next());
    mode.is_some_and(|mode| mode.len() == 3 && mode.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The beginning of a SEQUENCE with a length of several octets in digits, as a dump or the source of a program has it.
fn is_hexadecimal(line: &str) -> bool {
    let begin: String = line.chars().take(200).collect::<String>().to_ascii_lowercase();
    let bare = begin.replace("0x", "").replace("\\x", "");
    let letters: String = bare.chars().filter(|c| !matches!(c, ' ' | ':' | ',' | '-' | '\t')).collect();
    let digits = letters.chars().filter(char::is_ascii_hexdigit).count();
    digits >= 16
        && digits * 10 >= letters.len() * 7
        && ["3080", "3081", "3082"].iter().any(|tag| letters.contains(tag))
}

fn is_likely_words(text: &str) -> bool {
    let odd = |c: &char| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace());
    let sample = text.chars().take(1000);
    sample.clone().filter(odd).count() * 10 <= sample.count()
}
