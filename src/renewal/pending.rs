//! A request that waits for its answer.

use crate::contents::{Credential, PendingKey};
use crate::driver::{Present, Proof, ProofLevel};
use crate::error::Warning;
use crate::pki::{RenewalRequest, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A pending key with its request, signed by the key itself.
#[derive(Debug)]
pub struct Pending {
    pub(super) key: PendingKey,
    pub(super) request: Request,
    pub(super) signed_by_old: Option<RenewalRequest>,
    pub(super) proof: Proof,
    pub(super) old: Option<Credential>,
    pub(super) key_reused: bool,
    /// What the caller demanded of the key; the installation demands it too.
    pub(super) require_proof: ProofLevel,
    /// What was on the token before, where it was read.
    pub(super) before: Option<Arc<Present>>,
    /// Set once the answer is installed, so that the same answer again writes nothing.
    pub(super) installed: AtomicBool,
    pub(super) notices: Vec<Warning>,
}

impl Pending {
    /// The certificate request (PKCS#10, RFC 2986).
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request in the form that Microsoft CAs take, signed by the old key, when it was asked for.
    pub fn renewal_request(&self) -> Option<&RenewalRequest> {
        self.signed_by_old.as_ref()
    }

    /// The key on the token.
    pub fn key(&self) -> &PendingKey {
        &self.key
    }

    /// What the driver says about the exportability of the private key.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The credential that is renewed; `None` for a first key.
    pub fn old(&self) -> Option<&Credential> {
        self.old.as_ref()
    }

    /// Whether the request is for the old key because the caller asked for that.
    pub fn key_reused(&self) -> bool {
        self.key_reused
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }

    pub(super) fn is_installed(&self) -> bool {
        self.installed.load(Ordering::Relaxed)
    }

    pub(super) fn set_installed(&self) {
        self.installed.store(true, Ordering::Relaxed);
    }
}
