//! Text in the fixed fields of PKCS#11 structures, and in labels.

/// The text of a padded field: PKCS#11 pads with blanks, some drivers with NUL, and some end the text with a NUL and leave
/// behind it what was in memory.
///
/// The same for the value of a URI: programs that print one escape the whole field, padding included.
pub fn unpadded(padded: &[u8]) -> String {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    let text = padded.get(..end).unwrap_or_default();
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    readable(text.get(..end).unwrap_or_default())
}

/// The bytes of a padded field without trailing blanks, which other programs compare: they strip no NUL. `None` where something
/// stands behind one: drivers leave there what was in memory, and that may be something else at the next call.
pub fn compared(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let mut behind = padded.iter().skip_while(|byte| **byte != 0);
    behind.all(|byte| matches!(byte, 0 | b' ')).then(|| padded.get(..end).unwrap_or_default())
}

/// Bytes that should be UTF-8, as text. What is no UTF-8 is taken for Latin-1, byte by byte: drivers write the alphabet of
/// their maker there, and texts that differ stay different.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_stripped_and_a_nul_ends_the_text() {
        assert_eq!(unpadded(b"BANK            "), "BANK");
        assert_eq!(unpadded(b"BANK\0\0\0"), "BANK");
        assert_eq!(unpadded(b"BANK  \0\0"), "BANK");
        assert_eq!(unpadded(b"BANK\0old text"), "BANK");
        assert_eq!(unpadded(b"TWO WORDS "), "TWO WORDS");
        assert_eq!(unpadded(b"        "), "");
        assert_eq!(unpadded(b"\0ANK"), "");
    }

    #[test]
    fn what_others_compare_keeps_its_bytes() {
        assert_eq!(compared(b"BANK    "), Some(&b"BANK"[..]));
        assert_eq!(compared(b"BANK\0\0  "), Some(&b"BANK\0\0"[..]));
        assert_eq!(compared(b"M\xfcller "), Some(&b"M\xfcller"[..]));
        assert_eq!(compared(b"BANK\0old"), None);
    }

    #[test]
    fn what_is_no_utf8_is_shown_and_told_apart() {
        assert_eq!(unpadded(b"Rainbow \xa9 Maker "), "Rainbow \u{a9} Maker");
        // "Bank" in GBK, and another word of as many bytes.
        assert_ne!(unpadded(b"\xd2\xf8\xd0\xd0"), unpadded(b"\xb9\xab\xcb\xbe"));
        // A character that was cut at the end of the field.
        assert_eq!(unpadded("銀行".as_bytes().get(..5).unwrap()), "銀\u{e8}\u{a1}");
    }
}
