//! PEM, as it is written; `response/` reads it.

use der::pem::LineEnding;

/// Encodes PEM with lines of 64 characters (RFC 7468 §2).
pub(in crate::pki) fn encode(label: &'static str, der: &[u8]) -> String {
    // It fails for a label with dashes at its ends, and where no memory holds the text.
    der::pem::encode_string(label, LineEnding::LF, der).expect("the labels are our own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_lines_are_64_characters_long() {
        let pem = encode("X", &[0; 49]);
        assert_eq!(pem.lines().nth(1).unwrap().len(), 64);
        assert_eq!(pem.lines().nth(2), Some("AA=="));
    }
}
