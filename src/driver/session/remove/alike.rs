//! Objects that are alike in everything: whether they are as many as the driver's answers say.

use usbtoken_pkcs11::types::{CKA_CLASS, CKA_ID, CKO_CERTIFICATE, CKO_PUBLIC_KEY};
use usbtoken_pkcs11::{ObjectHandle, Template};

use super::super::Session;
use super::{Is, Planned, Removal, doubt};
use crate::error::Result;

impl Session {
    /// Of several objects that are alike in everything each is found by its identifier, so that none is another one which the driver
    /// has read as this one.
    pub(super) fn make_sure_alike_are_found(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        let class = match &planned.is {
            Is::Certificate { .. } => CKO_CERTIFICATE,
            Is::PublicKey { .. } => CKO_PUBLIC_KEY,
            _ => return Ok(()),
        };
        let alike = removal.planned.iter().filter(|one| one.is == planned.is);
        let alike: Vec<ObjectHandle> = alike.map(|one| one.place.handle).collect();
        if alike.len() < 2 || alike.first() != Some(&planned.place.handle) || planned.is.id().is_empty() {
            return Ok(());
        }
        let template = Template::new().number(CKA_CLASS, class).bytes(CKA_ID, planned.is.id());
        let found = self.open_session().find(template)?;
        // Some drivers number their objects anew with each search.
        let are_there = match alike.iter().filter(|handle| found.contains(handle)).count() {
            0 => found.len() >= alike.len(),
            there => there == alike.len(),
        };
        if are_there { Ok(()) } else { Err(doubt(removal.step, planned.is.id(), "object_changed")) }
    }
}
