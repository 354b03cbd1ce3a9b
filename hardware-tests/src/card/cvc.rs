//! Card verifiable certificates, and requests for them (BSI TR-03110 part 3, appendix C and D).

use super::key::CardKey;
use super::tlv;

/// Who signs what the card says of itself.
const AUTHORITY: &str = "UTCA00001";

/// A certificate of the key over itself, with this holder.
pub fn certificate(key: &CardKey, holder: &str) -> Vec<u8> {
    let body = tlv::of(
        0x7f4e,
        &[
            tlv::of(0x5f29, &[0]),
            tlv::of(0x42, AUTHORITY.as_bytes()),
            tlv::of(0x7f49, &key.public()),
            tlv::of(0x5f20, holder.as_bytes()),
        ]
        .concat(),
    );
    let signature = tlv::of(0x5f37, &key.sign_request(&body));
    tlv::of(0x7f21, &[body, signature].concat())
}

/// A request for a certificate, authenticated as the card does it.
pub fn request(key: &CardKey, holder: &str) -> Vec<u8> {
    let inner = [certificate(key, holder), tlv::of(0x42, AUTHORITY.as_bytes())].concat();
    let signature = tlv::of(0x5f37, &key.sign_request(&inner));
    tlv::of(0x67, &[inner, signature].concat())
}
