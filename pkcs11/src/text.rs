//! Text in the fixed fields of PKCS#11 structures.

/// Text as PKCS#11 pads it: blanks to the end, though some drivers pad with NUL. Shown even when it is no UTF-8.
pub fn unpadded(padded: &[u8]) -> String {
    let end = padded.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    String::from_utf8_lossy(padded.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_stripped_and_bad_bytes_are_shown() {
        assert_eq!(unpadded(b"BANK            "), "BANK");
        assert_eq!(unpadded(b"BANK\0\0\0"), "BANK");
        assert_eq!(unpadded(b"        "), "");
        assert_eq!(unpadded(b"\xff X  "), "\u{fffd} X");
    }
}
