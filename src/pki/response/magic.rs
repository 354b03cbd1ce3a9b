//! Files that are something else, known by their first bytes.

use super::skipped::Unusable;

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
    (b"{\\rtf", Unusable::Document("RTF")),
    (b"openssh-key-v1\0", Unusable::PrivateKey("OpenSSH")),
    (b"\xfe\xed\xfe\xed", Unusable::PrivateKey("Java KeyStore")),
    (b"\xce\xce\xce\xce", Unusable::PrivateKey("Java KeyStore (JCEKS)")),
];

/// What these bytes are by their first ones; `None` for what is looked into.
pub(super) fn unusable(bytes: &[u8]) -> Option<Unusable> {
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
