//! What the token states of itself.

use super::{PointResult, PreflightPoint};
use crate::driver::{PinState, Token, TokenInfo};
use crate::error::{Code, Fact, Notice, Point, Step, Warning};
use crate::pki::KeyKind;

/// Free memory in bytes below which a key pair and a certificate may not fit: an RSA 2048 pair takes about 1.5 KiB,
/// a certificate with its attributes about as much, and tokens round up.
const LITTLE_MEMORY: u64 = 8 * 1024;

/// What the token says of itself.
pub(super) fn of_token(token: &Token, logged_in: bool) -> Vec<PreflightPoint> {
    let info = token.info();
    // The login has shown how the PIN is entered.
    let of_pin = if logged_in { Vec::new() } else { stated_of_pin(token) };
    let mut findings = vec![
        PreflightPoint {
            point: Point::TokenInitialized,
            state: stated(info.initialized, Notice::InitializedNotStated),
        },
        PreflightPoint {
            point: Point::TokenWritable,
            state: stated(!info.write_protected, Notice::WriteProtectionStated),
        },
        PreflightPoint { point: Point::PinUsable, state: pin(info, logged_in) },
        PreflightPoint {
            point: Point::Memory,
            state: memory([info.free_public_memory, info.free_private_memory]),
        },
    ];
    // That nothing speaks against the PIN would not be true.
    if !of_pin.is_empty() {
        findings
            .retain(|finding| finding.point != Point::PinUsable || !matches!(finding.state, PointResult::Ok));
    }
    findings.extend(
        of_pin
            .into_iter()
            .map(|warning| PreflightPoint { point: Point::PinUsable, state: PointResult::Warning(warning) }),
    );
    findings
}

/// What the token states of how its PIN is entered, where the person should know that it may be wrong.
fn stated_of_pin(token: &Token) -> Vec<Warning> {
    let pad = token
        .info()
        .pin_pad
        .then(|| Warning::from(Notice::PinPadStated).fact(Fact::Stated, "CKF_PROTECTED_AUTHENTICATION_PATH"));
    pad.into_iter().chain(is_odd(token.info().pin_length).then(|| token.stated_lengths())).collect()
}

/// Whether no PIN of a bank could have a length between these. A token that states none has zeros.
fn is_odd((shortest, longest): (u64, u64)) -> bool {
    /// No PIN that a bank gives out is shorter, or need be longer.
    const USUAL: std::ops::RangeInclusive<u64> = 4..=8;
    shortest > longest || shortest > *USUAL.end() || (longest > 0 && longest < *USUAL.start())
}

/// What a token states of itself is a hint: drivers forget flags and list what they cannot do. It is told, and the call that
/// needs it decides.
fn stated(holds: bool, otherwise: Notice) -> PointResult {
    if holds { PointResult::Ok } else { PointResult::from(otherwise) }
}

/// The one flag that stops before the PIN is sent, unless the person says otherwise: after the login it is refuted.
fn pin(info: &TokenInfo, logged_in: bool) -> PointResult {
    match info.pin_state {
        PinState::Locked if logged_in => PointResult::Ok,
        PinState::Locked => PointResult::Blocker(info.locked_as_stated().during(Step::Preflight)),
        PinState::NotSet => stated(logged_in, Notice::PinNotStated),
        PinState::FinalTry => PointResult::from(Notice::PinFinalTry),
        PinState::CountLow => PointResult::from(Notice::PinCountLow),
        PinState::ToBeChanged => PointResult::from(Notice::PinToBeChanged),
        PinState::Usable => PointResult::Ok,
    }
}

/// Never a blocker: drivers round, and some report the memory of another kind of object.
fn memory(free: [Option<u64>; 2]) -> PointResult {
    match free.into_iter().flatten().min() {
        None => PointResult::from(Notice::MemoryUnknown),
        Some(free) if free < LITTLE_MEMORY => PointResult::from(Notice::MemoryLow),
        Some(_) => PointResult::Ok,
    }
}

pub(super) fn mechanism(kind: KeyKind, token: &Token) -> PointResult {
    match token.supports(kind) {
        Ok(true) => PointResult::Ok,
        Ok(false) => PointResult::from(Notice::MechanismUnknown),
        Err(error) => {
            let notice = match error.code() {
                Code::KeySizeUnsupported => Notice::KeySizeNotStated,
                _ => Notice::MechanismNotListed,
            };
            let facts = error.facts().filter(|(fact, _)| *fact != Fact::Token);
            PointResult::Warning(
                facts.fold(Warning::from(notice), |warning, (fact, value)| warning.fact(fact, value)),
            )
        }
    }
}

#[cfg(test)]
mod tests;
