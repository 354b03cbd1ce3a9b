//! Objects that are alike in everything: whether they are as many as the driver's answers say.

use usbtoken_pkcs11::types::{CKA_CLASS, CKA_ID, CKA_VALUE, CKO_CERTIFICATE, CKO_PUBLIC_KEY};
use usbtoken_pkcs11::{ObjectHandle, Template};

use super::super::Session;
use super::{Is, Planned, Removal, doubt};
use crate::error::Result;

impl Session {
    /// Of several objects that are alike in everything each is found by its identifier, and a certificate by its value too, so that none
    /// is another one which the driver has read as this one.
    pub(super) fn make_sure_alike_are_found(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        self.make_sure_it_is_the_created_one(planned, removal)?;
        let class = |class| Template::new().number(CKA_CLASS, class);
        let template = match &planned.is {
            Is::Certificate { der, .. } | Is::HalfCertificate { der, .. } => {
                class(CKO_CERTIFICATE).bytes(CKA_VALUE, der)
            }
            Is::PublicKey { .. } => class(CKO_PUBLIC_KEY),
            _ => return Ok(()),
        };
        let alike = removal.planned.iter().filter(|one| one.is == planned.is);
        let alike: Vec<ObjectHandle> = alike.map(|one| one.place.handle).collect();
        if alike.len() < 2 || alike.first() != Some(&planned.place.handle) || planned.is.id().is_empty() {
            return Ok(());
        }
        let found = self.open_session().find(template.bytes(CKA_ID, planned.is.id()))?;
        // Some drivers number their objects anew with each search.
        let are_there = match alike.iter().filter(|handle| found.contains(handle)).count() {
            0 => found.len() >= alike.len(),
            there => there == alike.len(),
        };
        if are_there { Ok(()) } else { Err(doubt(removal.step, planned.is.id(), "object_changed")) }
    }

    /// What was there under the handle of a certificate that we have created, and is read as that one now, is found by the value too: a
    /// driver may give the handle of another, and read that one as ours.
    fn make_sure_it_is_the_created_one(&self, planned: &Planned, removal: &Removal) -> Result<()> {
        match &planned.is {
            Is::CreatedCertificate { id, der, before: Some(before), .. }
                if before.has_handle(planned.place) =>
            {
                let template = Template::new().number(CKA_CLASS, CKO_CERTIFICATE).bytes(CKA_VALUE, der);
                match self.open_session().find(template)?.contains(&planned.place.handle) {
                    true => Ok(()),
                    false => Err(doubt(removal.step, id, "object_changed")),
                }
            }
            _ => Ok(()),
        }
    }
}
