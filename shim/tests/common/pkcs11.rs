//! PKCS#11 as C sees it: the functions of a loaded module, with return values instead of errors.

use std::path::Path;
use std::ptr;
use usbtoken_pkcs11::types::*;

/// A loaded module.
pub struct Pkcs11 {
    list: CK_FUNCTION_LIST,
    _library: libloading::Library,
}

// SAFETY: the list is a table of functions that PKCS#11 allows to be called from every thread.
unsafe impl Sync for Pkcs11 {}

/// Calls a function of the module.
macro_rules! call {
    ($module:expr, $name:ident($($arg:expr),*)) => {{
        let function = $module.list().$name.unwrap();
        // SAFETY: the arguments are those of the specification, their buffers live through the call.
        unsafe { function($($arg),*) }
    }};
}

/// The answer to a question for one attribute.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub rv: CK_RV,
    pub length: CK_ULONG,
    pub bytes: Vec<u8>,
}

pub fn attribute<T: ?Sized>(kind: CK_ATTRIBUTE_TYPE, value: &T) -> CK_ATTRIBUTE {
    let length = size_of_val(value) as CK_ULONG;
    CK_ATTRIBUTE { type_: kind, pValue: ptr::from_ref(value).cast_mut().cast(), ulValueLen: length }
}

impl Pkcs11 {
    /// What C_GetFunctionList says.
    pub fn try_load(path: &Path) -> Result<Self, CK_RV> {
        // SAFETY: a PKCS#11 module of these tests.
        let library = unsafe { libloading::Library::new(path) }.unwrap();
        let mut list = ptr::null_mut();
        // SAFETY: the symbol has this type, the list is copied while the library is loaded.
        unsafe {
            let get: libloading::Symbol<unsafe extern "C" fn(CK_FUNCTION_LIST_PTR_PTR) -> CK_RV> =
                library.get("C_GetFunctionList").unwrap();
            match get(&mut list) {
                CKR_OK => Ok(Self { list: *list, _library: library }),
                rv => Err(rv),
            }
        }
    }

    pub fn load(path: &Path) -> Self {
        Self::try_load(path).unwrap()
    }

    pub fn list(&self) -> &CK_FUNCTION_LIST {
        &self.list
    }

    pub fn initialize(&self) -> CK_RV {
        let mut args = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        call!(self, C_Initialize((&raw mut args).cast()))
    }

    pub fn finalize(&self) -> CK_RV {
        call!(self, C_Finalize(ptr::null_mut()))
    }

    pub fn slots(&self, present: bool) -> Vec<CK_SLOT_ID> {
        let mut slots = [0; 16];
        let mut count = 16;
        assert_eq!(call!(self, C_GetSlotList(present.into(), slots.as_mut_ptr(), &mut count)), CKR_OK);
        slots[..count as usize].to_vec()
    }

    /// The slot of the token that the tests made.
    pub fn slot(&self) -> CK_SLOT_ID {
        let slots = self.slots(true);
        let ours = |slot: &CK_SLOT_ID| self.token_info(*slot).1.label.starts_with(super::LABEL.as_bytes());
        slots.into_iter().find(ours).unwrap()
    }

    pub fn token_info(&self, slot: CK_SLOT_ID) -> (CK_RV, CK_TOKEN_INFO) {
        let mut info = CK_TOKEN_INFO::default();
        (call!(self, C_GetTokenInfo(slot, &mut info)), info)
    }

    pub fn open(&self, slot: CK_SLOT_ID) -> (CK_RV, CK_SESSION_HANDLE) {
        let mut session = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        (call!(self, C_OpenSession(slot, flags, ptr::null_mut(), None, &mut session)), session)
    }

    pub fn login(&self, session: CK_SESSION_HANDLE, pin: &str) -> CK_RV {
        call!(self, C_Login(session, CKU_USER, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG))
    }

    pub fn login_at_pad(&self, session: CK_SESSION_HANDLE) -> CK_RV {
        call!(self, C_Login(session, CKU_USER, ptr::null_mut(), 0))
    }

    /// Initialised, with a session that is logged in.
    pub fn ready(&self) -> CK_SESSION_HANDLE {
        assert_eq!(self.initialize(), CKR_OK);
        let (rv, session) = self.open(self.slot());
        assert_eq!(rv, CKR_OK);
        assert_eq!(self.login(session, super::PIN), CKR_OK);
        session
    }

    /// A P-256 key pair on the token: public, private.
    pub fn generate(
        &self,
        session: CK_SESSION_HANDLE,
        id: &[u8],
    ) -> (CK_RV, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
        let mut mechanism = CK_MECHANISM { mechanism: CKM_EC_KEY_PAIR_GEN, ..Default::default() };
        let mut public =
            [attribute(CKA_TOKEN, &CK_TRUE), attribute(CKA_EC_PARAMS, P256), attribute(CKA_ID, id)];
        let mut private = [
            attribute(CKA_TOKEN, &CK_TRUE),
            attribute(CKA_PRIVATE, &CK_TRUE),
            attribute(CKA_SENSITIVE, &CK_TRUE),
            attribute(CKA_SIGN, &CK_TRUE),
            attribute(CKA_ID, id),
        ];
        let (mut public_key, mut private_key) = (0, 0);
        let rv = call!(
            self,
            C_GenerateKeyPair(
                session,
                &mut mechanism,
                public.as_mut_ptr(),
                public.len() as CK_ULONG,
                private.as_mut_ptr(),
                private.len() as CK_ULONG,
                &mut public_key,
                &mut private_key
            )
        );
        (rv, public_key, private_key)
    }

    /// A data object on the token. The handle stays 7 when none is written.
    pub fn create_data(
        &self,
        session: CK_SESSION_HANDLE,
        label: &str,
        value: &[u8],
    ) -> (CK_RV, CK_OBJECT_HANDLE) {
        let mut template = [
            attribute(CKA_CLASS, &CKO_DATA),
            attribute(CKA_TOKEN, &CK_TRUE),
            attribute(CKA_LABEL, label.as_bytes()),
            attribute(CKA_VALUE, value),
        ];
        let mut object = 7;
        let rv = call!(
            self,
            C_CreateObject(session, template.as_mut_ptr(), template.len() as CK_ULONG, &mut object)
        );
        (rv, object)
    }

    /// Asks for one attribute, with so much room, or for its length alone.
    pub fn ask(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        kind: CK_ATTRIBUTE_TYPE,
        room: Option<usize>,
    ) -> Answer {
        let mut bytes = vec![0xEE; room.unwrap_or(0)];
        let pointer = if room.is_some() { bytes.as_mut_ptr() } else { ptr::null_mut() };
        let mut wanted =
            CK_ATTRIBUTE { type_: kind, pValue: pointer.cast(), ulValueLen: bytes.len() as CK_ULONG };
        let rv = call!(self, C_GetAttributeValue(session, object, &mut wanted, 1));
        Answer { rv, length: wanted.ulValueLen, bytes }
    }

    /// The return value, the claimed number and the handles of one C_FindObjects with room for 8.
    pub fn find(
        &self,
        session: CK_SESSION_HANDLE,
        class: CK_OBJECT_CLASS,
    ) -> (CK_RV, CK_ULONG, Vec<CK_ULONG>) {
        let mut template = [attribute(CKA_CLASS, &class)];
        assert_eq!(call!(self, C_FindObjectsInit(session, template.as_mut_ptr(), 1)), CKR_OK);
        let mut handles = [0; 8];
        let mut count = 0;
        let rv = call!(self, C_FindObjects(session, handles.as_mut_ptr(), 8, &mut count));
        assert_eq!(call!(self, C_FindObjectsFinal(session)), CKR_OK);
        (rv, count, handles[..count.min(8) as usize].to_vec())
    }

    /// The return value and the claimed length of a signature with room for 64 bytes.
    pub fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        key: CK_OBJECT_HANDLE,
        digest: &[u8],
    ) -> (CK_RV, CK_ULONG) {
        let mut mechanism = CK_MECHANISM { mechanism: CKM_ECDSA, ..Default::default() };
        let rv = call!(self, C_SignInit(session, &mut mechanism, key));
        if rv != CKR_OK {
            return (rv, 0);
        }
        let (mut signature, mut length) = ([0; 64], 64);
        let data = digest.as_ptr().cast_mut();
        let rv =
            call!(self, C_Sign(session, data, digest.len() as CK_ULONG, signature.as_mut_ptr(), &mut length));
        (rv, length)
    }
}
