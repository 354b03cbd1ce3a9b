//! The implementations of PKCS#11 that this machine can bring up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::setup::{self, Need};
use crate::work::{self, Done};

/// An implementation, and what is known of it.
pub struct Implementation {
    /// Its name, and its script's.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// What it needs from the system.
    pub needs: &'static [Need],
    /// The kinds of key that it makes, in the kit's words.
    pub kinds: &'static [&'static str],
    /// Promises that it makes impossible, and why.
    pub impossible: &'static [(&'static str, &'static str)],
    /// Whether its script takes namespaces of its own, which not every machine grants.
    pub own_view: bool,
    /// What it is there for.
    pub shows: &'static str,
}

const NSS: &[(&str, &str)] = &[
    ("equal_ids", "NSS puts a pair in the place of the one with its CKA_ID, whoever made it"),
    ("equal_ids_removed", "NSS puts a pair in the place of the one with its CKA_ID, whoever made it"),
];

const OPENSC: &[(&str, &str)] = &[
    ("equal_ids", "OpenSC makes no second key with a CKA_ID that is there"),
    ("equal_ids_removed", "OpenSC makes no second key with a CKA_ID that is there"),
];

/// Those that can be brought up.
pub const IMPLEMENTATIONS: &[Implementation] = &[
    Implementation {
        name: "softhsm",
        what: "SoftHSM 2",
        needs: setup::SOFT,
        kinds: &["rsa2048", "p256", "p384"],
        impossible: &[],
        own_view: false,
        shows: "what the other tests run on",
    },
    Implementation {
        name: "kryoptic",
        what: "Kryoptic",
        needs: setup::KRYOPTIC,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "an object for each mechanism among those that are found; PIN lengths from 8 to 0",
    },
    Implementation {
        name: "kryoptic-raw",
        what: "Kryoptic without the mechanisms that hash and sign, and without RSASSA-PSS",
        needs: setup::KRYOPTIC,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "the hash is made on the host; neither RSASSA-PSS nor the bare RSA operation",
    },
    Implementation {
        name: "nss",
        what: "NSS softokn as a plain module, with its parameter string",
        needs: setup::TOKENS,
        kinds: &["rsa2048", "p256"],
        impossible: NSS,
        own_view: false,
        shows: "two tokens with one serial number; numbers in buffers of their own length only; CKA_LOCAL is not reported",
    },
    Implementation {
        name: "p11-kit-nss",
        what: "NSS softokn through p11-kit-proxy",
        needs: setup::TOKENS,
        kinds: &["p256"],
        impossible: NSS,
        own_view: true,
        shows: "the parameter string handed over by p11-kit",
    },
    Implementation {
        name: "opencryptoki",
        what: "openCryptoki's soft token",
        needs: setup::TOKENS,
        kinds: &["rsa2048"],
        impossible: &[],
        own_view: true,
        shows: "no CKM_SHA256_RSA_PKCS; the category of a certificate is refused; locks after three wrong PINs",
    },
    Implementation {
        name: "tpm2",
        what: "tpm2-pkcs11 on swtpm, with tpm2-abrmd",
        needs: setup::TOKENS,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "a lock without a flag; CKA_DECRYPT=0 is refused; an EC public key from outside is taken by no means, so that `alike` has no copy of one there",
    },
    Implementation {
        name: "opensc",
        what: "OpenSC over pcscd, with a card in software that answers as a SmartCard-HSM",
        needs: setup::CARD,
        kinds: &["p256"],
        impossible: OPENSC,
        own_view: true,
        shows: "a card's files behind PKCS#11: attributes of a new key are stale until C_Initialize; the public key goes with the certificate",
    },
    Implementation {
        name: "p11-kit-server",
        what: "SoftHSM behind p11-kit server, through p11-kit-client",
        needs: setup::TOKENS,
        kinds: &["p256"],
        impossible: &[],
        own_view: false,
        shows: "a token in another process",
    },
    Implementation {
        name: "p11-kit-proxy",
        what: "p11-kit-proxy over SoftHSM and Kryoptic, whose tokens have one label",
        needs: setup::KRYOPTIC,
        kinds: &["p256"],
        impossible: &[],
        own_view: true,
        shows: "slots that are numbered anew",
    },
];

impl Implementation {
    /// Whether the token is NSS's, by whatever way.
    pub fn is_nss(&self) -> bool {
        self.impossible == NSS
    }

    /// The script that brings it up.
    pub fn script(&self) -> PathBuf {
        work::root().join("hardware-tests/tokens").join(self.name).with_extension("sh")
    }

    /// Where the report of the last run is.
    pub fn report(&self) -> Done<PathBuf> {
        let folder = folder()?;
        Ok(folder.join(self.name).with_extension("json"))
    }

    /// What the last run reported.
    pub fn last(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.report().ok()?).ok()?).ok()
    }
}

/// Whether this machine grants what some scripts need.
pub fn may_have_own_view() -> bool {
    let words = ["--mount", "--ipc", "--pid", "--fork", "--mount-proc", "--propagation", "private", "true"];
    Command::new("unshare").args(words).output().is_ok_and(|done| done.status.success())
}

/// Where reports, and what is built for the implementations, are kept.
pub fn folder() -> Done<PathBuf> {
    let folder = work::programs()?.ancestors().nth(1).unwrap_or(Path::new("target")).join("tokens");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_implementation_has_its_script() {
        for one in IMPLEMENTATIONS {
            assert!(one.script().is_file(), "{}", one.script().display());
        }
    }
}
