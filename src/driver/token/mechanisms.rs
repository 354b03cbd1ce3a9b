//! What a token can do with keys, as far as it tells before it is tried.

use super::identity::TokenIdentity;
use crate::driver::ckr::number;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::KeyKind;
use std::sync::OnceLock;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Functions, SlotId};

/// What a token was asked of its mechanisms, once: they do not change while it is plugged in.
#[derive(Debug, Default)]
pub(super) struct Mechanisms {
    listed: OnceLock<Option<Vec<CK_MECHANISM_TYPE>>>,
    rsa_sizes: OnceLock<Option<Sizes>>,
    ec_sizes: OnceLock<Option<Sizes>>,
}

/// The smallest and the largest key, as the driver counts them.
type Sizes = (u64, u64);

/// Those that a renewal may use, with their names in the specification.
const USED: &[(CK_MECHANISM_TYPE, &str)] = &[
    (CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN"),
    (CKM_RSA_PKCS, "CKM_RSA_PKCS"),
    (CKM_SHA256_RSA_PKCS, "CKM_SHA256_RSA_PKCS"),
    (CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN"),
    (CKM_ECDSA, "CKM_ECDSA"),
    (CKM_ECDSA_SHA256, "CKM_ECDSA_SHA256"),
    (CKM_ECDSA_SHA384, "CKM_ECDSA_SHA384"),
];

impl Mechanisms {
    #[cfg(test)]
    pub(super) fn made_up(listed: Option<Vec<CK_MECHANISM_TYPE>>) -> Self {
        Mechanisms { listed: listed.into(), ..Self::default() }
    }

    /// The mechanisms; `None` when the token does not tell.
    pub(super) fn listed(&self, functions: &Functions, slot: SlotId) -> Option<&[CK_MECHANISM_TYPE]> {
        self.listed.get_or_init(|| functions.mechanisms(slot).ok()).as_deref()
    }

    /// The names of the listed mechanisms that a renewal may use; `None` when the token lists none.
    pub(super) fn used_names(&self, functions: &Functions, slot: SlotId) -> Option<Vec<&'static str>> {
        let listed = self.listed(functions, slot)?;
        Some(USED.iter().filter(|(kind, _)| listed.contains(kind)).map(|(_, name)| *name).collect())
    }

    /// Whether the token states that it makes key pairs of this kind and signs with them; `false`: it does not tell.
    pub(super) fn support(
        &self,
        functions: &Functions,
        slot: SlotId,
        token: &TokenIdentity,
        kind: KeyKind,
    ) -> Result<bool> {
        let Some(listed) = self.listed(functions, slot) else { return Ok(false) };
        let (generator, signers): (_, &[_]) = match kind {
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                (CKM_RSA_PKCS_KEY_PAIR_GEN, &[CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS])
            }
            KeyKind::P256 => (CKM_EC_KEY_PAIR_GEN, &[CKM_ECDSA_SHA256, CKM_ECDSA]),
            KeyKind::P384 => (CKM_EC_KEY_PAIR_GEN, &[CKM_ECDSA_SHA384, CKM_ECDSA]),
        };
        if !listed.contains(&generator) || !signers.iter().any(|signer| listed.contains(signer)) {
            return Err(unsupported(Code::MechanismUnsupported, token, kind));
        }
        let Some((shortest, longest)) = self.sizes(functions, slot, generator) else { return Ok(false) };
        if fits(shortest, longest, kind) {
            return Ok(true);
        }
        let limit = format!("{shortest}–{longest} bit");
        Err(unsupported(Code::KeySizeUnsupported, token, kind).fact(Fact::Limit, limit))
    }

    /// `None`: some drivers tell nothing of a mechanism that they list, or lack the function.
    fn sizes(&self, functions: &Functions, slot: SlotId, generator: CK_MECHANISM_TYPE) -> Option<Sizes> {
        let place = if generator == CKM_EC_KEY_PAIR_GEN { &self.ec_sizes } else { &self.rsa_sizes };
        let ask = || {
            let info = functions.mechanism_info(slot, generator).ok()?;
            Some((number(info.ulMinKeySize), number(info.ulMaxKeySize)))
        };
        *place.get_or_init(ask)
    }
}

/// Sizes are in bits (PKCS#11 v3.1 §6.1.4, §6.3); what makes no sense as bits is not believed.
fn fits(shortest: u64, longest: u64, kind: KeyKind) -> bool {
    let sensible = longest >= 160 && shortest <= longest;
    let counts_bytes = kind.curve_der().is_none() && longest <= 512;
    !sensible || counts_bytes || (shortest..=longest).contains(&u64::from(kind.bits()))
}

fn unsupported(code: Code, token: &TokenIdentity, kind: KeyKind) -> Error {
    Error::new(code).during(Step::Preflight).fact(Fact::Expected, kind).fact(Fact::Token, token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_limits_are_believed() {
        assert!(fits(512, 16_384, KeyKind::Rsa4096));
        assert!(!fits(1_024, 2_048, KeyKind::Rsa4096));
        assert!(fits(0, 0, KeyKind::Rsa4096));
        // Some drivers count RSA sizes in bytes.
        assert!(fits(128, 512, KeyKind::Rsa4096));
        assert!(fits(112, 521, KeyKind::P384));
        assert!(!fits(112, 256, KeyKind::P384));
    }
}
