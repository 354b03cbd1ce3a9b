//! The evidence that a private key cannot leave the token.

use super::Session;
use super::evidence::Evidence;
use super::object::StoredKey;
use super::read::private_value_of;
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::driver::module::ModuleInfo;
use crate::driver::token::TokenIdentity;
use crate::error::{Result, Step};
use crate::pki::ProofLevel;
use base16ct::lower::encode_string as hex;
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;
use std::time::SystemTime;
use usbtoken_pkcs11::PrivateValue;
use usbtoken_pkcs11::types::*;

/// What the driver reported of one private key, for the caller's audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What follows from the evidence.
    pub level: ProofLevel,
    /// The attributes as read.
    pub evidence: Evidence,
    /// What the driver answered when asked for the private value: a CKR, `empty` for CKR_OK without a value, or
    /// `readable`.
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

impl Proof {
    /// Whether the driver denies what the key was made as, and it does not pass for this level.
    pub(crate) fn is_denied(&self, required: ProofLevel) -> bool {
        self.evidence.contradicts_generation() && self.level < required
    }
}

impl Session {
    /// Asks the driver for the evidence about a private key, and tries to read its private value.
    ///
    /// # Errors
    /// What C_GetAttributeValue returns, other than the refusal that is hoped for.
    pub(crate) fn prove(&self, key: &StoredKey, now: SystemTime) -> Result<Proof> {
        let open = self.open_session();
        let handle = open.handle_of(key.place)?;
        let answer = match key.value_refused {
            true => PrivateValue::Refused(CKR_ATTRIBUTE_SENSITIVE),
            false => {
                let secret = private_value_of(key.algorithm);
                let answer = open.functions().private_value(open.handle(), handle, secret);
                answer.map_err(|failure| failure.during(Step::ProveKey))?
            }
        };
        let level = match answer {
            PrivateValue::Refused(CKR_ATTRIBUTE_SENSITIVE) => key.evidence.level(),
            // This keeps the value in, but is not the refusal that the specification asks for.
            PrivateValue::Refused(_) | PrivateValue::Empty => key.evidence.level().min(ProofLevel::Claimed),
            PrivateValue::Readable => ProofLevel::Refused,
        };
        let private_value = match answer {
            PrivateValue::Refused(rv) => ckr::name(rv),
            PrivateValue::Empty => "empty",
            PrivateValue::Readable => "readable",
        };
        let token = open.token();
        Ok(Proof {
            level,
            evidence: key.evidence.clone(),
            private_value: private_value.to_owned(),
            observed: now,
            key_id: hex(&key.id),
            public_key_sha256: key.public_key.as_ref().map(|public| hex(&public.fingerprint())),
            token: token.identity().clone(),
            driver_path: token.module().path().to_owned(),
            driver: token.module().info().ok(),
        })
    }

    /// The key as it is to be proven. One of which the driver denies what it was made as is read again: the answer of a driver that
    /// remembers too much may change.
    ///
    /// # Errors
    /// What C_GetAttributeValue returns.
    pub(crate) fn asked_again_if_denied(&self, key: &StoredKey) -> Result<StoredKey> {
        if !key.evidence.contradicts_generation() {
            return Ok(key.clone());
        }
        let open = self.open_session();
        let mut fresh = open.read_new_private_key(open.handle_of(key.place)?, key.algorithm)?;
        fresh.public_key = fresh.public_key.or_else(|| key.public_key.clone());
        Ok(fresh)
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
    use super::super::fresh::Fresh;
    use super::super::{Label, LabelIs};
    use super::*;
    use crate::pki::KeyKind;

    /// A denial counts while the level does not suffice; what is not denied is not asked again.
    #[test]
    fn what_is_denied_is_asked_again_and_does_not_pass_below_what_is_required() {
        let fresh = Fresh::token();
        let session = &fresh.session;
        let before = session.present().unwrap();
        let label = (&b"label"[..], LabelIs::Wished);
        let made = session.generate_key_pair(KeyKind::P256, label, &before).unwrap().private;
        // A label that it does not have shows whether it was read.
        let known = StoredKey { label: Label::new(b"other".to_vec()), ..made };
        let denied = Evidence { local: Some(false), ..known.evidence.clone() };
        assert_eq!(session.asked_again_if_denied(&known).unwrap().label, known.label);
        let again = StoredKey { evidence: denied.clone(), ..known.clone() };
        let again = session.asked_again_if_denied(&again).unwrap();
        assert_eq!((again.label.bytes(), &again.evidence), (&b"label"[..], &known.evidence));
        assert_eq!(again.public_key, known.public_key);

        let proof = |evidence: &Evidence| {
            let key = StoredKey { evidence: evidence.clone(), ..known.clone() };
            session.prove(&key, SystemTime::UNIX_EPOCH).unwrap()
        };
        let levels = [ProofLevel::Refused, ProofLevel::Claimed, ProofLevel::Proven];
        assert_eq!(levels.map(|level| proof(&known.evidence).is_denied(level)), [false; 3]);
        assert_eq!(levels.map(|level| proof(&denied).is_denied(level)), [false, false, true]);
        let open = Evidence { sensitive: Some(false), ..denied };
        assert_eq!(levels.map(|level| proof(&open).is_denied(level)), [false, true, true]);
    }
}
