//! What a driver reports about a private key, and what follows from it.

use crate::pki::ProofLevel;
use serde::Serialize;
use usbtoken_pkcs11::Attributes;
use usbtoken_pkcs11::types::*;

/// The attributes that bear on exportability (PKCS#11 v3.1 §4.7, §4.9); `None`: not reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// CKA_SENSITIVE: the value is never shown in plain.
    pub sensitive: Option<bool>,
    /// CKA_EXTRACTABLE: the key may be wrapped.
    pub extractable: Option<bool>,
    /// CKA_ALWAYS_SENSITIVE.
    pub always_sensitive: Option<bool>,
    /// CKA_NEVER_EXTRACTABLE.
    pub never_extractable: Option<bool>,
    /// CKA_LOCAL: generated on the token.
    pub local: Option<bool>,
    /// CKA_KEY_GEN_MECHANISM, by name where it is one of the two that we use.
    pub key_gen_mechanism: Option<String>,
}

impl Evidence {
    pub(super) fn of(attributes: &Attributes) -> Self {
        Evidence {
            sensitive: attributes.flag(CKA_SENSITIVE),
            extractable: attributes.flag(CKA_EXTRACTABLE),
            always_sensitive: attributes.flag(CKA_ALWAYS_SENSITIVE),
            never_extractable: attributes.flag(CKA_NEVER_EXTRACTABLE),
            local: attributes.flag(CKA_LOCAL),
            key_gen_mechanism: attributes.number(CKA_KEY_GEN_MECHANISM).and_then(mechanism_name),
        }
    }

    /// The level, given that the private value was refused.
    pub(super) fn level(&self) -> ProofLevel {
        if self.sensitive != Some(true) || self.extractable != Some(false) {
            return ProofLevel::Refused;
        }
        let origin = [self.always_sensitive, self.never_extractable, self.local];
        if origin == [Some(true); 3] && self.key_gen_mechanism.is_some() {
            ProofLevel::Proven
        } else {
            ProofLevel::Claimed
        }
    }

    /// Whether the driver denies what must be true of a key that was just generated from our template. Some report
    /// so until they are initialised again; it is worth asking once more, from a fresh view.
    pub(crate) fn contradicts_generation(&self) -> bool {
        self.sensitive == Some(false)
            || self.extractable == Some(true)
            || [self.always_sensitive, self.never_extractable, self.local].contains(&Some(false))
    }
}

fn mechanism_name(mechanism: CK_MECHANISM_TYPE) -> Option<String> {
    match mechanism {
        CKM_RSA_PKCS_KEY_PAIR_GEN => Some("CKM_RSA_PKCS_KEY_PAIR_GEN".into()),
        CKM_EC_KEY_PAIR_GEN => Some("CKM_EC_KEY_PAIR_GEN".into()),
        unknown if is_unavailable(unknown) => None,
        other => Some(format!("0x{other:x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven() -> Evidence {
        Evidence {
            sensitive: Some(true),
            extractable: Some(false),
            always_sensitive: Some(true),
            never_extractable: Some(true),
            local: Some(true),
            key_gen_mechanism: mechanism_name(CKM_EC_KEY_PAIR_GEN),
        }
    }

    #[test]
    fn every_missing_piece_lowers_the_level() {
        assert_eq!(proven().level(), ProofLevel::Proven);
        assert_eq!(Evidence { local: None, ..proven() }.level(), ProofLevel::Claimed);
        assert_eq!(Evidence { local: Some(false), ..proven() }.level(), ProofLevel::Claimed);
        assert_eq!(Evidence { key_gen_mechanism: None, ..proven() }.level(), ProofLevel::Claimed);
        assert_eq!(Evidence { sensitive: None, ..proven() }.level(), ProofLevel::Refused);
        assert_eq!(Evidence { extractable: Some(true), ..proven() }.level(), ProofLevel::Refused);
        assert_eq!(Evidence::default().level(), ProofLevel::Refused);
    }

    #[test]
    fn only_a_denial_contradicts() {
        assert!(!proven().contradicts_generation());
        assert!(!Evidence { local: None, ..proven() }.contradicts_generation());
        assert!(Evidence { local: Some(false), ..proven() }.contradicts_generation());
        assert!(Evidence { sensitive: Some(false), ..proven() }.contradicts_generation());
    }

    /// By name where it is one of ours, by number where it is another, and as not told where the driver tells none.
    #[test]
    fn a_mechanism_has_a_name_or_a_number() {
        let name = |mechanism| mechanism_name(mechanism);
        assert_eq!(name(CKM_RSA_PKCS_KEY_PAIR_GEN).as_deref(), Some("CKM_RSA_PKCS_KEY_PAIR_GEN"));
        assert_eq!(name(CKM_EC_KEY_PAIR_GEN).as_deref(), Some("CKM_EC_KEY_PAIR_GEN"));
        assert_eq!(name(CKM_ECDSA).as_deref(), Some("0x1041"));
        assert_eq!(name(CK_UNAVAILABLE_INFORMATION), None);
    }
}
