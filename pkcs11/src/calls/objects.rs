//! Objects and keys (PKCS#11 v3.1 §5.7, §5.13, §5.18).

use super::functions::{Functions, ObjectHandle, SessionHandle, another_answer};
use super::once::each_once;
use super::search::Bounds;
use crate::failure::{Failure, Outcome};
use crate::template::Template;
use crate::types::*;
use crate::wire::message::{Answer, Pss, Request, as_length};
use std::borrow::Cow;
use std::time::Instant;

/// Room for a signature: RSA 4096 needs 512 bytes.
const MAX_SIGNATURE: usize = 1024;

impl Functions {
    /// All objects that match, each once, up to a bound. C_FindObjects is called until it returns none, as the
    /// specification asks: drivers exist that hand out fewer than asked for although more are there.
    pub fn find(&self, session: SessionHandle, template: Template) -> Outcome<Vec<ObjectHandle>> {
        let session = self.session("C_FindObjectsInit", session)?;
        self.call(&Request::FindObjectsInit { session, template: Cow::Owned(template) })?;
        let (begun, bounds) = (Instant::now(), Bounds::USUAL);
        let request = Request::FindObjects { session, room: as_length(bounds.at_once) };
        let found = bounds.search(|| self.call(&request), || begun.elapsed());
        // The search ends also when it failed, else the session could start no other. What the driver answers to that changes
        // nothing of what was found: where more is wrong, the next call says so.
        match self.call(&Request::FindObjectsFinal { session }) {
            Ok(_) | Err(Failure::Returned { .. } | Failure::Missing { .. }) => found.map(each_once),
            Err(failure) => found.and(Err(failure)),
        }
    }

    /// C_CreateObject.
    pub fn create_object(&self, session: SessionHandle, template: Template) -> Outcome<ObjectHandle> {
        let session = self.session("C_CreateObject", session)?;
        match self.call(&Request::CreateObject { session, template: Cow::Owned(template) })? {
            Answer::Handle(object) => Ok(ObjectHandle(object)),
            _ => Err(another_answer("C_CreateObject")),
        }
    }

    /// C_SetAttributeValue.
    pub fn set_attributes(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        template: Template,
    ) -> Outcome<()> {
        let session = self.session("C_SetAttributeValue", session)?;
        let template = Cow::Owned(template);
        self.call(&Request::SetAttributeValue { session, object: object.0, template }).map(drop)
    }

    /// C_DestroyObject. Whether the object may go is not asked here.
    pub fn destroy_object(&self, session: SessionHandle, object: ObjectHandle) -> Outcome<()> {
        let session = self.session("C_DestroyObject", session)?;
        self.call(&Request::DestroyObject { session, object: object.0 }).map(drop)
    }

    /// Generates a key pair; the public key's handle comes first.
    pub fn generate_key_pair(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        public: Template,
        private: Template,
    ) -> Outcome<(ObjectHandle, ObjectHandle)> {
        let session = self.session("C_GenerateKeyPair", session)?;
        let (public, private) = (Cow::Owned(public), Cow::Owned(private));
        match self.call(&Request::GenerateKeyPair { session, mechanism, public, private })? {
            Answer::Handles(public, private) => Ok((ObjectHandle(public), ObjectHandle(private))),
            _ => Err(another_answer("C_GenerateKeyPair")),
        }
    }

    /// C_SignInit, with a mechanism that has no parameter.
    pub fn sign_init(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        key: ObjectHandle,
    ) -> Outcome<()> {
        self.init_signing(session, mechanism, None, key)
    }

    /// C_SignInit with CK_RSA_PKCS_PSS_PARAMS (PKCS#11 v3.1 §6.1.9): SHA-256, also in the mask, and a salt of its length.
    pub fn sign_init_pss_sha256(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        key: ObjectHandle,
    ) -> Outcome<()> {
        let pss = Pss { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 };
        self.init_signing(session, mechanism, Some(pss), key)
    }

    fn init_signing(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        pss: Option<Pss>,
        key: ObjectHandle,
    ) -> Outcome<()> {
        let session = self.session("C_SignInit", session)?;
        self.call(&Request::SignInit { session, mechanism, pss, key: key.0 }).map(drop)
    }

    /// Ends an operation that is active although C_Sign has failed (PKCS#11 v3.1 §5.13.4): by C_SignFinal, and where the mechanism
    /// takes its data at once and that does not end it, by another C_Sign. What they say does not matter: C_SignInit comes next.
    pub fn end_signing(&self, session: SessionHandle) {
        let Ok(session) = self.session("C_SignFinal", session) else { return };
        if self.call(&Request::SignFinal { session }).is_err() {
            // One byte is the hash of nothing.
            let _ = self.sign_in(session, &[0], Some(MAX_SIGNATURE));
        }
    }

    /// C_VerifyInit with a mechanism that has no parameter, and C_Verify, which ends the operation whatever it returns. That is
    /// CKR_SIGNATURE_INVALID for a signature of another key.
    pub fn verify(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        key: ObjectHandle,
        data: &[u8],
        signature: &[u8],
    ) -> Outcome<()> {
        let session = self.session("C_VerifyInit", session)?;
        let begin = || self.call(&Request::VerifyInit { session, mechanism, key: key.0 });
        let verify = || {
            self.call(&Request::Verify { session, data: data.into(), signature: signature.into() }).map(drop)
        };
        match begin() {
            // One whose answer was lost has begun all the same.
            Err(failure) if failure.rv() == Some(CKR_OPERATION_ACTIVE) => {
                let _ = verify();
                begin()?;
            }
            begun => drop(begun?),
        }
        verify()
    }

    /// C_Sign, with room for every signature. A driver that wants exactly the room that the signature needs is asked for it
    /// and given it: CKR_BUFFER_TOO_SMALL does not end the operation (PKCS#11 v3.1 §5.2).
    pub fn sign(&self, session: SessionHandle, data: &[u8]) -> Outcome<Vec<u8>> {
        let session = self.session("C_Sign", session)?;
        let (signed, told) = self.sign_in(session, data, Some(MAX_SIGNATURE))?;
        match signed {
            Err(failure) if failure.rv() == Some(CKR_BUFFER_TOO_SMALL) => {
                let needed = if told < MAX_SIGNATURE {
                    told
                } else {
                    let (asked, told) = self.sign_in(session, data, None)?;
                    asked.map(|_| told)?
                };
                match needed {
                    1..MAX_SIGNATURE => self.sign_in(session, data, Some(needed))?.0,
                    _ => Err(failure),
                }
            }
            signed => signed,
        }
    }

    /// One C_Sign with so much room, and the length that the driver told. Without room it tells the length alone, which does
    /// not end the operation.
    fn sign_in(
        &self,
        session: CK_SESSION_HANDLE,
        data: &[u8],
        room: Option<usize>,
    ) -> Outcome<(Outcome<Vec<u8>>, usize)> {
        const FUNCTION: &str = "C_Sign";
        let reply = self.perform(&Request::Sign { session, data: data.into(), room: room.map(as_length) })?;
        let Answer::Signature { count, bytes } = reply.answer else { return Err(another_answer(FUNCTION)) };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let signed = match (reply.rv, room) {
            (CKR_OK, Some(room)) if count > room => {
                let how = format!("pulSignatureLen {count} > {room}");
                Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how })
            }
            (CKR_OK, _) => Ok(bytes.0.into_owned()),
            (rv, _) => Err(Failure::Returned { function: FUNCTION, rv }),
        };
        Ok((signed, count))
    }
}
