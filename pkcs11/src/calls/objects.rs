//! Objects and keys (PKCS#11 v3.1 §5.7, §5.13, §5.18).

use super::functions::{Functions, ObjectHandle, SessionHandle, call};
use super::once::each_once;
use super::template::{Template, length};
use crate::failure::{Failure, Outcome};
use crate::types::*;
use std::ptr;
use std::time::{Duration, Instant};

/// Handles asked for in one C_FindObjects.
const OBJECTS_AT_ONCE: usize = 512;

/// A token that claims more objects than this is not believed.
const MAX_OBJECTS: usize = 65_536;

/// Nor one that goes on handing them out for longer than this.
const LONGEST_SEARCH: Duration = Duration::from_secs(120);

/// Room for a signature: RSA 4096 needs 512 bytes.
const MAX_SIGNATURE: usize = 1024;

impl Functions {
    /// All objects that match, each once, up to a bound. C_FindObjects is called until it returns none, as the
    /// specification asks: drivers exist that hand out fewer than asked for although more are there.
    pub fn find(&self, session: SessionHandle, mut template: Template) -> Outcome<Vec<ObjectHandle>> {
        let mut attributes = template.lend();
        call!(self, C_FindObjectsInit(session.0, attributes.as_mut_ptr(), length(&attributes)))?;
        let found = self.find_all(session, LONGEST_SEARCH);
        // The search ends also when it failed, else the session could start no other.
        let ended = call!(self, C_FindObjectsFinal(session.0));
        let found = found?;
        ended?;
        Ok(each_once(found))
    }

    fn find_all(&self, session: SessionHandle, longest: Duration) -> Outcome<Vec<ObjectHandle>> {
        const FUNCTION: &str = "C_FindObjects";
        let begun = Instant::now();
        let mut found = Vec::new();
        let mut batch: Vec<CK_OBJECT_HANDLE> = vec![CK_INVALID_HANDLE; OBJECTS_AT_ONCE];
        loop {
            let mut count: CK_ULONG = 0;
            call!(self, C_FindObjects(session.0, batch.as_mut_ptr(), length(&batch), &mut count))?;
            // At the end some say that they do not know, in a number of 32 or of 64 bits.
            let is_told = !matches!(count, CK_UNAVAILABLE_INFORMATION | 0xFFFF_FFFF);
            let count = if is_told { usize::try_from(count).unwrap_or(usize::MAX) } else { 0 };
            let Some(handles) = batch.get(..count) else {
                let how = format!("pulObjectCount {count} > {OBJECTS_AT_ONCE}");
                return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
            };
            if handles.is_empty() {
                return Ok(found);
            }
            found.extend(handles.iter().copied().map(ObjectHandle));
            if found.len() > MAX_OBJECTS {
                let how = format!("pulObjectCount, Σ > {MAX_OBJECTS}");
                return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
            }
            if begun.elapsed() > longest {
                let how = format!("pulObjectCount > 0, t > {} s", longest.as_secs());
                return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
            }
        }
    }

    /// C_CreateObject.
    pub fn create_object(&self, session: SessionHandle, mut template: Template) -> Outcome<ObjectHandle> {
        let mut attributes = template.lend();
        let mut handle: CK_OBJECT_HANDLE = CK_INVALID_HANDLE;
        call!(self, C_CreateObject(session.0, attributes.as_mut_ptr(), length(&attributes), &mut handle))?;
        Ok(ObjectHandle(handle))
    }

    /// C_SetAttributeValue.
    pub fn set_attributes(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        mut template: Template,
    ) -> Outcome<()> {
        let mut attributes = template.lend();
        call!(self, C_SetAttributeValue(session.0, object.0, attributes.as_mut_ptr(), length(&attributes)))
    }

    /// C_DestroyObject. Whether the object may go is not asked here.
    pub fn destroy_object(&self, session: SessionHandle, object: ObjectHandle) -> Outcome<()> {
        call!(self, C_DestroyObject(session.0, object.0))
    }

    /// Generates a key pair; the public key's handle comes first.
    pub fn generate_key_pair(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        mut public: Template,
        mut private: Template,
    ) -> Outcome<(ObjectHandle, ObjectHandle)> {
        let mut mechanism = plain(mechanism);
        let (mut public, mut private) = (public.lend(), private.lend());
        let mut public_key: CK_OBJECT_HANDLE = CK_INVALID_HANDLE;
        let mut private_key: CK_OBJECT_HANDLE = CK_INVALID_HANDLE;
        call!(
            self,
            C_GenerateKeyPair(
                session.0,
                &mut mechanism,
                public.as_mut_ptr(),
                length(&public),
                private.as_mut_ptr(),
                length(&private),
                &mut public_key,
                &mut private_key,
            )
        )?;
        Ok((ObjectHandle(public_key), ObjectHandle(private_key)))
    }

    /// C_SignInit, with a mechanism that has no parameter.
    pub fn sign_init(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        key: ObjectHandle,
    ) -> Outcome<()> {
        call!(self, C_SignInit(session.0, &mut plain(mechanism), key.0))
    }

    /// C_SignInit with CK_RSA_PKCS_PSS_PARAMS (PKCS#11 v3.1 §6.1.9): SHA-256, also in the mask, and a salt of its length.
    pub fn sign_init_pss_sha256(
        &self,
        session: SessionHandle,
        mechanism: CK_MECHANISM_TYPE,
        key: ObjectHandle,
    ) -> Outcome<()> {
        let mut parameters = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
        let mut mechanism = CK_MECHANISM {
            mechanism,
            pParameter: ptr::from_mut(&mut parameters).cast(),
            // Three numbers: no length that a CK_ULONG has not.
            ulParameterLen: size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG,
        };
        call!(self, C_SignInit(session.0, &mut mechanism, key.0))
    }

    /// Ends an operation that is active although C_Sign has failed (PKCS#11 v3.1 §5.13.4): by C_SignFinal, and where the mechanism
    /// takes its data at once and that does not end it, by another C_Sign. What they say does not matter: C_SignInit comes next.
    pub fn end_signing(&self, session: SessionHandle) {
        let mut signature = vec![0; MAX_SIGNATURE];
        let mut count = length(&signature);
        let ended = call!(self, C_SignFinal(session.0, signature.as_mut_ptr(), &mut count));
        if ended.is_err() {
            // One byte is the hash of nothing.
            let _ = self.sign_in(session, &[0], MAX_SIGNATURE);
        }
    }

    /// C_Sign, with room for every signature. A driver that wants exactly the room that the signature needs is asked for it
    /// and given it: CKR_BUFFER_TOO_SMALL does not end the operation (PKCS#11 v3.1 §5.2).
    pub fn sign(&self, session: SessionHandle, data: &[u8]) -> Outcome<Vec<u8>> {
        match self.sign_in(session, data, MAX_SIGNATURE) {
            (Err(failure), told) if failure.rv() == Some(CKR_BUFFER_TOO_SMALL) => {
                let needed = if told < MAX_SIGNATURE { told } else { self.signature_length(session, data)? };
                match needed {
                    1..MAX_SIGNATURE => self.sign_in(session, data, needed).0,
                    _ => Err(failure),
                }
            }
            (signed, _) => signed,
        }
    }

    /// One C_Sign with so much room, and the length that the driver told.
    fn sign_in(&self, session: SessionHandle, data: &[u8], room: usize) -> (Outcome<Vec<u8>>, usize) {
        let mut data = data.to_vec();
        let mut signature = vec![0; room];
        let mut count = length(&signature);
        let signed = call!(
            self,
            C_Sign(session.0, data.as_mut_ptr(), length(&data), signature.as_mut_ptr(), &mut count)
        );
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let signed = match signed {
            Ok(()) if count > room => {
                let how = format!("pulSignatureLen {count} > {room}");
                Err(Failure::Misbehaved { function: "C_Sign", rv: CKR_OK, how })
            }
            signed => signed.map(|()| {
                signature.truncate(count);
                signature
            }),
        };
        (signed, count)
    }

    /// The length of the signature that C_Sign would make, which does not end the operation.
    fn signature_length(&self, session: SessionHandle, data: &[u8]) -> Outcome<usize> {
        let (mut data, mut count) = (data.to_vec(), 0);
        call!(self, C_Sign(session.0, data.as_mut_ptr(), length(&data), ptr::null_mut(), &mut count))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

fn plain(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}
