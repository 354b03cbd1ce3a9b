//! What the attributes of an object say.

use crate::driver::session::object::Label;
use crate::error::Result;
use crate::pki::{PublicKey, SignatureAlgorithm};
use usbtoken_pkcs11::Attributes;
use usbtoken_pkcs11::types::*;

/// Whether a key can have an attribute, by its type where that is known: what drivers answer when they are asked a second
/// time for one that it cannot have is anything.
pub(super) fn may_be_of_key(known: &Attributes, kind: CK_ATTRIBUTE_TYPE) -> bool {
    match known.number(CKA_KEY_TYPE) {
        Some(CKK_EC) => !matches!(kind, CKA_MODULUS | CKA_PUBLIC_EXPONENT),
        Some(CKK_RSA) => !matches!(kind, CKA_EC_PARAMS | CKA_EC_POINT),
        _ => true,
    }
}

/// The public key from the attributes of either half; `None` when the object does not report it.
pub(super) fn public_half(attributes: &Attributes) -> Result<Option<PublicKey>> {
    let all = |first, second| Some((attributes.bytes(first)?, attributes.bytes(second)?));
    let filled = |pair: &(&[u8], &[u8])| !pair.0.is_empty() && !pair.1.is_empty();
    match attributes.number(CKA_KEY_TYPE) {
        Some(CKK_RSA) => all(CKA_MODULUS, CKA_PUBLIC_EXPONENT)
            .filter(filled)
            .map(|(modulus, exponent)| PublicKey::from_rsa(modulus, exponent))
            .transpose(),
        Some(CKK_EC) => all(CKA_EC_PARAMS, CKA_EC_POINT)
            .filter(filled)
            .map(|(curve, point)| PublicKey::from_ec(curve, point))
            .transpose(),
        _ => Ok(None),
    }
}

pub(super) fn algorithm(attributes: &Attributes) -> Option<SignatureAlgorithm> {
    match attributes.number(CKA_KEY_TYPE)? {
        CKK_RSA => Some(SignatureAlgorithm::RsaPkcs1Sha256),
        CKK_EC => SignatureAlgorithm::for_curve(attributes.bytes(CKA_EC_PARAMS)?),
        _ => None,
    }
}

/// CKA_VALUE holds the private value of EC keys, CKA_PRIVATE_EXPONENT that of RSA keys.
pub(in crate::driver::session) fn private_value_of(
    algorithm: Option<SignatureAlgorithm>,
) -> CK_ATTRIBUTE_TYPE {
    match algorithm {
        Some(SignatureAlgorithm::RsaPkcs1Sha256) => CKA_PRIVATE_EXPONENT,
        _ => CKA_VALUE,
    }
}

pub(super) fn bytes(attributes: &Attributes, kind: CK_ATTRIBUTE_TYPE) -> Vec<u8> {
    attributes.bytes(kind).unwrap_or_default().to_vec()
}

pub(super) fn label(attributes: &Attributes) -> Label {
    Label::new(bytes(attributes, CKA_LABEL))
}
