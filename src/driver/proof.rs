//! The evidence that a private key cannot leave the token.

use super::ckr;
use super::module::ModuleInfo;
use super::object::StoredKey;
use super::raw::Attributes;
use super::session::Session;
use super::token::TokenIdentity;
use crate::error::{Result, Step};
use crate::pki::KeyAlgorithm;
use jiff::Timestamp;
use pkcs11_sys::*;
use serde::Serialize;
use std::path::PathBuf;
use std::time::SystemTime;

/// How sure it is that a private key cannot be exported, weakest first.
///
/// It is the driver's word, not an attestation by the token's maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofLevel {
    /// The key can be exported, or the driver does not say that it cannot.
    Refused,
    /// Sensitive, not extractable, and its value was refused; where it came from is not reported.
    Claimed,
    /// All of that, and generated on the token, sensitive and not extractable ever since.
    Proven,
}

impl ProofLevel {
    /// The stable lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            ProofLevel::Refused => "refused",
            ProofLevel::Claimed => "claimed",
            ProofLevel::Proven => "proven",
        }
    }
}

/// What the driver reported of one private key, for the caller's audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What follows from the evidence.
    pub level: ProofLevel,
    /// The attributes as read.
    pub evidence: Evidence,
    /// What the driver answered when asked for the private value: a CKR, or `readable`.
    pub private_value: String,
    /// When the driver was asked.
    #[serde(serialize_with = "rfc3339")]
    pub observed: SystemTime,
    /// The key's CKA_ID, in hexadecimal.
    pub key_id: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal, where it is known.
    pub public_key_sha256: Option<String>,
    /// The token.
    pub token: TokenIdentity,
    /// The driver's file.
    pub driver_path: PathBuf,
    /// What the driver says of itself, where it does.
    pub driver: Option<ModuleInfo>,
}

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
    fn level(&self) -> ProofLevel {
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
    pub fn contradicts_generation(&self) -> bool {
        self.sensitive == Some(false)
            || self.extractable == Some(true)
            || [self.always_sensitive, self.never_extractable, self.local].contains(&Some(false))
    }
}

impl Session {
    /// Asks the driver for the evidence about a private key, and tries to read its private value.
    ///
    /// # Errors
    /// What C_GetAttributeValue returns, other than the refusal that is hoped for.
    pub fn prove(&self, key: &StoredKey, now: SystemTime) -> Result<Proof> {
        let open = self.open_session();
        let handle = open.handle_of(key.place)?;
        let refusal = |kind| {
            open.functions()
                .refusal(open.handle(), handle, kind)
                .map_err(|failure| failure.during(Step::ProveKey))
        };
        // CKA_VALUE holds the private value of EC keys, CKA_PRIVATE_EXPONENT that of RSA keys.
        let secret = match &key.public_key {
            Some(public) if matches!(public.algorithm(), KeyAlgorithm::Rsa { .. }) => CKA_PRIVATE_EXPONENT,
            _ => CKA_VALUE,
        };
        let refused = refusal(secret)?;
        let level = match refused {
            Some(CKR_ATTRIBUTE_SENSITIVE) => key.evidence.level(),
            // "No such attribute" keeps the value in, but is not the refusal that the specification asks for.
            Some(_) => key.evidence.level().min(ProofLevel::Claimed),
            None => ProofLevel::Refused,
        };
        let token = open.token();
        Ok(Proof {
            level,
            evidence: key.evidence.clone(),
            private_value: refused.map_or("readable", ckr::name).to_owned(),
            observed: now,
            key_id: crate::hex(&key.id),
            public_key_sha256: key.public_key.as_ref().map(|public| crate::hex(&public.fingerprint())),
            token: token.identity().clone(),
            driver_path: token.module().path().to_owned(),
            driver: token.module().info().ok(),
        })
    }

    /// Reads a private key again, with new eyes: the answer of a driver that remembers too much may change.
    ///
    /// # Errors
    /// What C_GetAttributeValue returns.
    pub fn reread_private_key(&self, key: &StoredKey) -> Result<StoredKey> {
        let open = self.open_session();
        let mut fresh = open.read_private_key(open.handle_of(key.place)?)?;
        fresh.public_key = fresh.public_key.or_else(|| key.public_key.clone());
        Ok(fresh)
    }
}

fn mechanism_name(mechanism: CK_MECHANISM_TYPE) -> Option<String> {
    match mechanism {
        CKM_RSA_PKCS_KEY_PAIR_GEN => Some("CKM_RSA_PKCS_KEY_PAIR_GEN".into()),
        CKM_EC_KEY_PAIR_GEN => Some("CKM_EC_KEY_PAIR_GEN".into()),
        CK_UNAVAILABLE_INFORMATION => None,
        other => Some(format!("0x{other:x}")),
    }
}

fn rfc3339<S: serde::Serializer>(time: &SystemTime, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match Timestamp::try_from(*time) {
        Ok(time) => serializer.collect_str(&time),
        Err(_) => serializer.serialize_none(),
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
}
