//! Abandoning an unfinished job: exactly its pair goes, nothing else.

use super::pending::PendingKey;
use crate::code::{Code, Fact, Step};
use crate::driver::Session;
use crate::error::{Error, Result};

impl Session {
    /// Removes a pending key with all that belongs to its job.
    ///
    /// The certificate goes first, so that nobody sees one without a key, and the private key last: it carries
    /// the label by which an interrupted removal is found again.
    ///
    /// # Errors
    /// [`Code::Busy`]; [`Code::NotPending`] when the key no longer has our label; [`Code::DestroyFailed`] when the
    /// token kept something although it said that it was removed; and what the token returns.
    pub fn abandon(&self, pending: &PendingKey) -> Result<()> {
        self.reserve()?;
        // Read again: the label decides, and it may have changed since the list was made.
        let inventory = super::pending::Inventory::read(self)?;
        let now = inventory.pending();
        let pending = now
            .iter()
            .find(|other| other.id() == pending.id() && other.label == pending.label)
            .ok_or_else(|| pending.error(Code::NotPending).during(Step::Abandon))?;
        self.remove(pending, Step::Abandon)?;
        self.make_sure_gone(pending)
    }

    pub(super) fn remove(&self, pending: &PendingKey, step: Step) -> Result<()> {
        if let Some(certificate) = &pending.certificate {
            self.destroy_certificate(certificate, step)?;
        }
        for public in &pending.public {
            self.destroy_public_key(public, step)?;
        }
        match &pending.private {
            Some(private) => self.destroy_private_key(private, step),
            None => Ok(()),
        }
    }

    /// Some tokens say CKR_OK to C_DestroyObject and keep the object.
    fn make_sure_gone(&self, pending: &PendingKey) -> Result<()> {
        let left = self.pending()?;
        if left.iter().any(|other| other.id() == pending.id() && other.label == pending.label) {
            let id = crate::hex(pending.id());
            return Err(Error::new(Code::DestroyFailed).during(Step::Abandon).fact(Fact::Id, id));
        }
        Ok(())
    }
}
