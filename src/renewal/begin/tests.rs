//! What a driver says of a key, held against what is demanded.

use std::time::SystemTime;

use super::*;
use crate::driver::{Evidence, TokenIdentity};

fn proof(level: ProofLevel, local: Option<bool>) -> Proof {
    let evidence = Evidence { sensitive: Some(true), extractable: Some(false), local, ..Evidence::default() };
    let text = str::to_owned;
    Proof {
        level,
        evidence,
        private_value: text("CKR_ATTRIBUTE_SENSITIVE"),
        observed: SystemTime::UNIX_EPOCH,
        key_id: text("0a"),
        public_key_sha256: None,
        token: TokenIdentity {
            label: text("BANK"),
            manufacturer: text("M"),
            model: text("V"),
            serial: text("1"),
        },
        driver_path: "/driver.so".into(),
        driver: None,
    }
}

/// A denial is judged when the driver was started anew; what is merely not told is judged at once.
#[test]
fn a_proof_is_enough_for_what_is_demanded() {
    use ProofLevel::{Claimed, Proven, Refused};
    for (level, local, required, refused) in [
        (Proven, Some(true), Proven, None),
        (Proven, Some(true), Claimed, None),
        (Claimed, None, Claimed, None),
        (Claimed, None, Proven, Some(Code::ProofInsufficient)),
        (Claimed, Some(false), Claimed, None),
        (Claimed, Some(false), Proven, None),
        (Refused, None, Claimed, Some(Code::KeyExportable)),
        (Refused, Some(false), Proven, Some(Code::KeyExportable)),
    ] {
        let judged = judge(&proof(level, local), required);
        assert_eq!(judged.as_ref().err().map(Error::code), refused, "{level} {local:?} {required}");
        if let Err(error) = judged {
            let facts: Vec<(Fact, &str)> = error.facts().collect();
            let (required, level) = (required.to_string(), level.to_string());
            assert_eq!(facts, [(Fact::Expected, &*required), (Fact::Found, &*level), (Fact::Id, "0a")]);
        }
    }
}

#[test]
fn what_is_only_claimed_is_told() {
    let told = |level| proof_notice(&proof(level, None)).map(|warning| warning.notice);
    assert_eq!(told(ProofLevel::Claimed), Some(Notice::ProofClaimed));
    assert_eq!(told(ProofLevel::Proven), None);
}
