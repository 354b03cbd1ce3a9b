//! What came of an installation.

use crate::bank::Policy;
use crate::contents::Credential;
use crate::driver::Proof;
use crate::error::Warning;
use crate::pki::{Certificate, IssuerContinuity};

/// A credential that was written, read back and has signed.
#[derive(Clone, Debug)]
pub struct Installed {
    pub(super) credential: Credential,
    pub(super) proof: Proof,
    pub(super) replaced: Option<Credential>,
    pub(super) issuer: IssuerContinuity,
    pub(super) notices: Vec<Warning>,
    pub(super) key_reused: bool,
    pub(super) was_there: bool,
    /// By what the new certificate was checked, for the removal of the old one.
    pub(in crate::renewal) policy: Policy,
    /// Those of the response, among which may be the CA's.
    pub(in crate::renewal) certificates: Vec<Certificate>,
}

impl Installed {
    /// The new credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What the driver says about the exportability of its key.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The credential that it takes the place of, where that is still on the token.
    pub fn replaced(&self) -> Option<&Credential> {
        self.replaced.as_ref()
    }

    /// Who issued it, compared with the one that it takes the place of.
    pub fn issuer(&self) -> IssuerContinuity {
        self.issuer
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }

    /// Whether it was on the token already, complete, so that nothing was written.
    pub fn was_there(&self) -> bool {
        self.was_there
    }

    /// Whether the certificate is for the old key because the policy says so.
    pub fn key_reused(&self) -> bool {
        self.key_reused
    }
}
