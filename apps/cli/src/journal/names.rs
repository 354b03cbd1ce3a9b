//! Names of files: a token has one name, however its driver spells its serial number.

use std::path::PathBuf;

use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256};
use usbtoken::driver::TokenIdentity;

use super::{Journal, private};

/// The name of a job's files: what stands for the token, and the key or the old certificate.
pub(super) fn name(token: &TokenIdentity, job: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(token.name());
    digest.update([0]);
    digest.update(job.as_bytes());
    hex(digest.finalize().get(..16).unwrap_or_default())
}

/// The same as earlier releases had it: what the token's driver says of it, as it says it.
pub(super) fn earlier_name(token: &TokenIdentity, job: &str) -> String {
    let mut digest = Sha256::new();
    for part in [&token.manufacturer, &token.model, &token.serial, &token.label] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.update(job.as_bytes());
    hex(digest.finalize().get(..16).unwrap_or_default())
}

impl Journal {
    /// The file of this kind.
    pub(super) fn place(&self, token: &TokenIdentity, job: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}", name(token, job)))
    }

    /// The same, and where an earlier release has put it.
    pub(super) fn places(&self, token: &TokenIdentity, job: &str, kind: &str) -> [PathBuf; 2] {
        let earlier = self.folder.join(format!("{}.{kind}", earlier_name(token, job)));
        [self.place(token, job, kind), earlier]
    }

    /// The one of both in which something is; where nothing is, the first.
    pub(super) fn found(&self, token: &TokenIdentity, job: &str, kind: &str) -> PathBuf {
        let [now, earlier] = self.places(token, job, kind);
        if !private::may_be_there(&now) && private::may_be_there(&earlier) { earlier } else { now }
    }
}
