//! What a creation that the token refused has left behind.

use super::super::Session;
use super::super::object::{Place, Present, StoredCertificate};
use super::super::read::Object;
use super::{Is, Removal};
use crate::error::{Result, Step};
use usbtoken_pkcs11::Template;
use usbtoken_pkcs11::types::{CKA_CLASS, CKO_CERTIFICATE};

impl Session {
    /// Removes what a refused C_GenerateKeyPair left behind: what was not there before, can be read, and carries our
    /// label or our identifier, which no other object has. Returns whether there was any.
    pub(in crate::driver::session) fn remove_leftover_keys(
        &self,
        id: &[u8],
        label: &[u8],
        before: &Present,
    ) -> Result<bool> {
        let step = Step::GenerateKeyPair;
        let removal = self.came_since(before, Template::new())?.into_iter().fold(
            Removal::new(step),
            |removal, (place, object)| {
                let is = Is::GeneratedHalf { id: id.to_vec(), label: label.to_vec() };
                if is.agrees_with(&object) { removal.and(place, is) } else { removal }
            },
        );
        self.remove(&removal)?;
        Ok(!removal.planned.is_empty())
    }

    /// Removes what a refused C_CreateObject left behind: what was not there before, can be read, and carries the identifier that
    /// we gave it, and the value or, where that is no certificate, the label; but not the one that was created. What carries
    /// nothing, as SoftHSM leaves it, stays. Returns whether there was any.
    pub(in crate::driver::session) fn remove_leftover_certificates(
        &self,
        (id, label, der): (&[u8], &[u8], &[u8]),
        before: &Present,
        but: Option<&StoredCertificate>,
    ) -> Result<bool> {
        // Nothing of what it finds is read where the driver is in order: the new one is known.
        let mut known = before.clone();
        known.handles.extend(but.map(|but| but.place.handle));
        let came = self.certificates_since(&known)?.into_iter();
        let removal = came.fold(Removal::new(Step::WriteCertificate), |removal, (place, object)| {
            let is = Is::LeftCertificate { id: id.to_vec(), label: label.to_vec(), der: der.to_vec() };
            if is.agrees_with(&object) { removal.and(place, is) } else { removal }
        });
        self.remove(&removal)?;
        Ok(!removal.planned.is_empty())
    }

    /// Removes what a refused C_CreateObject without an identifier left behind: certificates of exactly this value that were not
    /// there right before the call.
    pub(crate) fn remove_copies(&self, der: &[u8], before: &Present) -> Result<()> {
        let came = self.certificates_since(before)?.into_iter();
        let removal = came.fold(Removal::new(Step::WriteCertificate), |removal, (_, object)| match object {
            Object::Certificate(one) if *one.der == *der => removal.certificate(&one),
            _ => removal,
        });
        self.remove(&removal)
    }

    /// What is there now.
    pub(in crate::driver::session) fn present(&self) -> Result<Present> {
        let open = self.open_session();
        let handles = open.find(Template::new())?.into_iter().collect();
        Ok(Present { owner: open.owner(), handles, ..Present::default() })
    }

    fn certificates_since(&self, before: &Present) -> Result<Vec<(Place, Object)>> {
        self.came_since(before, Template::new().number(CKA_CLASS, CKO_CERTIFICATE))
    }

    /// What the template finds that was not there before, and can be read.
    fn came_since(&self, before: &Present, template: Template) -> Result<Vec<(Place, Object)>> {
        let open = self.open_session();
        let mut came = Vec::new();
        for handle in open.find(template)? {
            let place = open.place(handle);
            if before.owner == place.owner
                && !before.handles.contains(&handle)
                && let Ok(object) = open.read_object(handle)
            {
                came.push((place, object));
            }
        }
        Ok(came)
    }
}
