//! What a token says of itself (CK_TOKEN_INFO), and how much of it is believed.

use super::TokenIdentity;
use crate::driver::ckr;
use crate::error::{Code, Error, Fact};
use crate::uri::TokenUri;
use serde::Serialize;
use std::sync::Arc;
use usbtoken_pkcs11::text::{compared, unpadded};
use usbtoken_pkcs11::types::*;

/// What a token says of itself (CK_TOKEN_INFO, PKCS#11 v3.1 §3.3), blanks stripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenInfo {
    /// Label, manufacturer, model and serial number.
    #[serde(flatten)]
    pub identity: TokenIdentity,
    /// Whether the token states that it is initialised; a hint.
    pub initialized: bool,
    /// Whether the token states that it refuses every write; a hint.
    pub write_protected: bool,
    /// Whether the token states that the PIN is entered at the token or its reader; a hint.
    pub pin_pad: bool,
    /// What the flags say of the user PIN. Drivers may leave them unset, so the best state proves nothing.
    pub pin_state: PinState,
    /// The PIN lengths in bytes that the token claims to take, shortest and longest; a hint.
    pub pin_length: (u64, u64),
    /// Free memory in bytes for public objects, where the token tells.
    pub free_public_memory: Option<u64>,
    /// Free memory in bytes for private objects, where the token tells.
    pub free_private_memory: Option<u64>,
    /// The hardware's version, major and minor.
    pub hardware_version: (u8, u8),
    /// The firmware's version, major and minor.
    pub firmware_version: (u8, u8),
    /// The URI that means it, also to other programs.
    #[serde(skip)]
    pub(super) uri: Arc<TokenUri>,
}

/// Whether a token is in use, by what it states, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InUse {
    /// It states nothing and has no name: SoftHSM always shows a slot with such a token.
    Blank,
    /// It has a name. Some makers give one to blank tokens, some drivers forget the flags of others.
    Named,
    /// It states that it is initialised; or it has a name, and states that its PIN is set.
    Stated,
}

/// What the token's flags say of the user PIN, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PinState {
    /// CKF_USER_PIN_LOCKED.
    Locked,
    /// CKF_USER_PIN_FINAL_TRY: one wrong PIN more locks it.
    FinalTry,
    /// No user PIN was ever set, as far as the token states (no CKF_USER_PIN_INITIALIZED).
    NotSet,
    /// CKF_USER_PIN_COUNT_LOW: a wrong PIN was entered since the last right one.
    CountLow,
    /// CKF_USER_PIN_TO_BE_CHANGED.
    ToBeChanged,
    /// No flag speaks against the PIN.
    Usable,
}

impl TokenInfo {
    /// How much speaks for it that the token is in use.
    pub(crate) fn in_use(&self) -> InUse {
        let TokenIdentity { label, serial, .. } = &self.identity;
        let named = !(label.is_empty() && serial.is_empty());
        match (self.initialized, named) {
            (true, _) => InUse::Stated,
            (false, true) if self.pin_state != PinState::NotSet => InUse::Stated,
            (false, true) => InUse::Named,
            (false, false) => InUse::Blank,
        }
    }

    /// That the PIN is locked, as the token states. Flags may be wrong, so what was stated is shown.
    pub(crate) fn locked_as_stated(&self) -> Error {
        Error::new(Code::PinLocked)
            .fact(Fact::Token, &self.identity)
            .fact(Fact::Stated, "CKF_USER_PIN_LOCKED")
    }

    pub(super) fn from_raw(raw: &CK_TOKEN_INFO) -> Self {
        let flags = raw.flags;
        let (hardware, firmware) = (raw.hardwareVersion, raw.firmwareVersion);
        TokenInfo {
            identity: TokenIdentity {
                label: unpadded(&raw.label),
                manufacturer: unpadded(&raw.manufacturerID),
                model: unpadded(&raw.model),
                serial: unpadded(&raw.serialNumber),
            },
            initialized: flags & CKF_TOKEN_INITIALIZED != 0,
            write_protected: flags & CKF_WRITE_PROTECTED != 0,
            pin_pad: flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0,
            pin_state: PinState::from_flags(flags),
            pin_length: pin_length(raw.ulMinPinLen, raw.ulMaxPinLen),
            free_public_memory: memory(raw.ulFreePublicMemory, raw.ulTotalPublicMemory),
            free_private_memory: memory(raw.ulFreePrivateMemory, raw.ulTotalPrivateMemory),
            hardware_version: (hardware.major, hardware.minor),
            firmware_version: (firmware.major, firmware.minor),
            uri: Arc::new(TokenUri::of_fields([
                compared(&raw.label),
                compared(&raw.manufacturerID),
                compared(&raw.model),
                compared(&raw.serialNumber),
            ])),
        }
    }
}

impl PinState {
    fn from_flags(flags: CK_FLAGS) -> Self {
        let has = |flag| flags & flag != 0;
        if has(CKF_USER_PIN_LOCKED) {
            PinState::Locked
        } else if has(CKF_USER_PIN_FINAL_TRY) {
            PinState::FinalTry
        } else if !has(CKF_USER_PIN_INITIALIZED) {
            PinState::NotSet
        } else if has(CKF_USER_PIN_COUNT_LOW) {
            PinState::CountLow
        } else if has(CKF_USER_PIN_TO_BE_CHANGED) {
            PinState::ToBeChanged
        } else {
            PinState::Usable
        }
    }
}

/// What a token does not know (CK_UNAVAILABLE_INFORMATION), which some drivers say in 32 bits.
const fn is_told(number: CK_ULONG) -> bool {
    !is_unavailable(number)
}

/// The lengths of a PIN; zeros, which say nothing, where one of them is not told.
fn pin_length(shortest: CK_ULONG, longest: CK_ULONG) -> (u64, u64) {
    match is_told(shortest) && is_told(longest) {
        true => (ckr::number(shortest), ckr::number(longest)),
        false => (0, 0),
    }
}

/// Free memory, unless the token says that it does not know, or says nonsense (free without a total).
fn memory(free: CK_ULONG, total: CK_ULONG) -> Option<u64> {
    let known = is_told(free) && is_told(total) && total >= free;
    (known && total > 0).then(|| ckr::number(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_pin_flag_wins() {
        let base = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
        assert_eq!(PinState::from_flags(base), PinState::Usable);
        assert_eq!(PinState::from_flags(base | CKF_USER_PIN_COUNT_LOW), PinState::CountLow);
        let all = base | CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
        assert_eq!(PinState::from_flags(all), PinState::Locked);
        assert_eq!(PinState::from_flags(CKF_TOKEN_INITIALIZED), PinState::NotSet);
        let final_try = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_FINAL_TRY;
        assert_eq!(PinState::from_flags(final_try), PinState::FinalTry);
    }

    #[test]
    fn memory_is_believed_only_when_it_makes_sense() {
        assert_eq!(memory(100, 200), Some(100));
        assert_eq!(memory(0, 200), Some(0));
        assert_eq!(memory(0, 0), None);
        assert_eq!(memory(300, 200), None);
        assert_eq!(memory(CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION), None);
        assert_eq!(memory(0xFFFF_FFFF, 0xFFFF_FFFF), None);
        assert_eq!(pin_length(4, 16), (4, 16));
        assert_eq!(pin_length(CK_UNAVAILABLE_INFORMATION, 8), (0, 0));
        assert_eq!(pin_length(4, 0xFFFF_FFFF), (0, 0));
    }
}
