//! PEM: written strictly, read as leniently as mail programs, browsers and clipboards require.

use base64ct::{Base64Unpadded, Encoding};
use der::pem::LineEnding;

/// Encodes PEM with lines of 64 characters (RFC 7468 §2).
pub(in crate::pki) fn encode(label: &'static str, der: &[u8]) -> String {
    // It fails for a label with dashes at its ends, and where no memory holds the text.
    der::pem::encode_string(label, LineEnding::LF, der).expect("the labels are our own")
}

/// What stands between the BEGIN and END lines, in order; the labels say nothing. The last one is `None` when
/// its END is missing.
pub(in crate::pki) fn blocks(text: &str) -> impl Iterator<Item = Option<&str>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once("-----BEGIN")?;
        // The label ends at the next dashes.
        let Some((_, after)) = after.split_once("-----") else {
            rest = "";
            return Some(None);
        };
        let Some((body, after)) = after.split_once("-----END") else {
            rest = "";
            return Some(None);
        };
        rest = after;
        Some(Some(body))
    })
}

/// What the blocks hold that decode, in order.
pub(in crate::pki) fn decoded(text: &str) -> impl Iterator<Item = Vec<u8>> {
    blocks(text).flatten().filter_map(|block| {
        let base64: String = block.split_whitespace().collect();
        decode_base64(&base64)
    })
}

/// Decodes base64; blanks and line breaks must be gone already. Padding may be missing.
pub(in crate::pki) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    // The decoder runs in constant time, which takes long for a text that is no base64 at all.
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let plausible = !text.is_empty() && text.bytes().all(alphabet);
    plausible.then(|| Base64Unpadded::decode_vec(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_where_they_end() {
        let text =
            "Subject: x\r\n-----BEGIN A B-----\r\nQUI=\r\n-----END A B-----\nnoise\n-----BEGIN C-----\nQQ\n";
        let found: Vec<_> = blocks(text).map(|block| block.map(str::trim)).collect();
        assert_eq!(found, [Some("QUI="), None]);
        assert_eq!(blocks("no PEM").count(), 0);
        assert_eq!(blocks("-----BEGIN").collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn encoded_lines_are_64_characters_long() {
        let pem = encode("X", &[0; 49]);
        assert_eq!(pem.lines().nth(1).unwrap().len(), 64);
        let body: String = blocks(&pem).next().unwrap().unwrap().split_whitespace().collect();
        assert_eq!(decode_base64(&body).unwrap(), [0; 49]);
    }
}
