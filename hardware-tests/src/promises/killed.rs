//! A slice of the fault sweep: the program ends before or after a call that writes.

use usbtoken_testkit::Snapshot;

use super::stage::{Stage, hex};
use crate::report::Report;
use crate::target::Target;

/// The exit status of the shim's `exit`.
const KILLED: i32 = 86;

/// Where a renewal is ended.
const IN_A_RENEWAL: [&str; 6] = [
    "C_GenerateKeyPair:exit",
    "C_GenerateKeyPair:exit-after",
    "C_Sign:exit-after",
    "C_CreateObject:exit",
    "C_CreateObject:exit-after",
    "C_Sign#2:exit-after",
];

/// Where an abandonment is ended.
const IN_AN_ABANDONMENT: [&str; 3] =
    ["C_DestroyObject:exit", "C_DestroyObject:exit-after", "C_DestroyObject#2:exit"];

/// Wherever it ends the old credential signs, what stays is listed, and goes on or goes.
pub(super) fn killed(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    let whole = target.snapshot();
    let (id, issuer) = (hex(old.id()), stage.issuer());
    for fault in IN_A_RENEWAL {
        let said = stage.run_with_faults(fault, &["renew", "--id", &id, "--issuer", &issuer]);
        assert_eq!(said.exit(), KILLED, "{fault}: {said}");
        target.snapshot().assert_keeps(&whole);
        stage.assert_signs(&old);
        let new = classes(&target.snapshot(), &whole);
        let pending = stage.run(&["pending"]).json();
        let waits = pending.as_array().is_some_and(|keys| !keys.is_empty());
        // A certificate that was written is the key's own: the credential is complete.
        let complete = new.contains(&"CKO_CERTIFICATE".to_owned());
        assert_eq!(waits, !new.is_empty() && !complete, "{fault}: {new:?}, {pending:#}");
        if waits {
            let said = stage.run(&["renew", "--resume", "--id", &id, "--issuer", &issuer, "--sign-again"]);
            assert_eq!(said.exit(), 0, "{fault}: {said}");
        }
        target.back_to(&whole);
        // What this computer has noted of the key that was taken away here would be missed.
        stage.forget();
        target.snapshot().assert_same_as(&whole);
    }
    for fault in IN_AN_ABANDONMENT {
        stage.run(&["request", "--id", &id, "--out", "request.pem", "--overwrite"]).json();
        // Some tokens remove both halves with one call.
        let said = stage.run_with_faults(fault, &["abandon", "--yes"]);
        assert!([KILLED, 0].contains(&said.exit()), "{fault}: {said}");
        let left = classes(&target.snapshot(), &whole);
        let pending = stage.run(&["pending"]).json();
        assert_eq!(
            pending.as_array().is_some_and(|keys| !keys.is_empty()),
            !left.is_empty(),
            "{fault}: {left:?}"
        );
        if !left.is_empty() {
            stage.run(&["abandon", "--yes"]).json();
        }
        target.snapshot().assert_same_as(&whole);
    }
    target.clean_up();
}

fn classes(now: &Snapshot, then: &Snapshot) -> Vec<String> {
    now.added_since(then).into_iter().map(|object| object.class.clone()).collect()
}
