//! Signing with the old key, which is not on the token: by a function of the caller.

use std::ffi::c_void;
use std::fmt;

use usbtoken::error::{Fact, Step};
use usbtoken::pki::SignatureAlgorithm;
use usbtoken::renewal::SignByOldKey;
use usbtoken::{Code, Error, Result};

use crate::base::status::{self, USBTOKEN_OK, usbtoken_status};

/// How the old key signs: RSASSA-PKCS1-v1_5 with SHA-256.
pub const USBTOKEN_SIGNATURE_RSA_SHA256: u32 = 1;
/// How the old key signs: ECDSA on P-256 with SHA-256; the signature in DER, a SEQUENCE of r and s.
pub const USBTOKEN_SIGNATURE_ECDSA_SHA256: u32 = 2;
/// How the old key signs: ECDSA on P-384 with SHA-384; the signature in DER, a SEQUENCE of r and s.
pub const USBTOKEN_SIGNATURE_ECDSA_SHA384: u32 = 3;

/// No signature is longer: RSA with 16384 bits.
const LONGEST: usize = 2048;

/// What the old key is to sign, and where the signature goes. Valid during the callback only.
#[repr(C)]
pub struct usbtoken_sign_request {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_SIGNATURE_….
    pub algorithm: u32,
    /// The message, which the function hashes itself.
    pub message: *const u8,
    /// Its length in bytes.
    pub message_length: usize,
    /// Where the signature goes.
    pub signature: *mut u8,
    /// How many bytes fit there.
    pub capacity: usize,
    /// How many bytes were written; set it.
    pub signature_length: usize,
}

/// Signs with the old key, wherever it is; the key stays there. Returns USBTOKEN_OK, or a status that says why not, such as
/// USBTOKEN_CANCELLED. The signature is verified with the old certificate: a false one is
/// USBTOKEN_OLD_KEY_SIGNATURE_INVALID.
pub type usbtoken_sign_callback =
    Option<unsafe extern "C" fn(user: *mut c_void, request: *mut usbtoken_sign_request) -> usbtoken_status>;

/// The caller's function.
pub(super) struct Signer {
    sign: unsafe extern "C" fn(*mut c_void, *mut usbtoken_sign_request) -> usbtoken_status,
    user: *mut c_void,
}

// SAFETY: the user's pointer is only handed back to the user's function; the header says that this is called on whatever thread
// calls the library.
unsafe impl Send for Signer {}
// SAFETY: the same.
unsafe impl Sync for Signer {}

impl Signer {
    pub(super) fn of(sign: usbtoken_sign_callback, user: *mut c_void) -> Option<Self> {
        sign.map(|sign| Signer { sign, user })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl SignByOldKey for Signer {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>> {
        let refused = |code| Error::new(code).during(Step::SignRequest);
        let algorithm = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => USBTOKEN_SIGNATURE_RSA_SHA256,
            SignatureAlgorithm::EcdsaSha256 => USBTOKEN_SIGNATURE_ECDSA_SHA256,
            SignatureAlgorithm::EcdsaSha384 => USBTOKEN_SIGNATURE_ECDSA_SHA384,
            SignatureAlgorithm::RsaPssSha256 => return Err(refused(Code::MechanismUnsupported)),
        };
        let mut room = vec![0_u8; LONGEST];
        let mut request = usbtoken_sign_request {
            // A struct of a few dozen bytes.
            struct_size: u32::try_from(size_of::<usbtoken_sign_request>()).unwrap_or(0),
            algorithm,
            message: message.as_ptr(),
            message_length: message.len(),
            signature: room.as_mut_ptr(),
            capacity: LONGEST,
            signature_length: 0,
        };
        // SAFETY: the caller promised a function of this type; message, request and room live until it returns.
        let status = unsafe { (self.sign)(self.user, &raw mut request) };
        if status != USBTOKEN_OK {
            let unknown = || refused(Code::BadArgument).fact(Fact::Detail, "sign: unknown_status");
            return Err(status::code(status).map_or_else(unknown, refused));
        }
        let written = room.get(..request.signature_length).filter(|signature| !signature.is_empty());
        let reason = || refused(Code::BadArgument).fact(Fact::Detail, "request.signature_length");
        written.map(<[u8]>::to_vec).ok_or_else(reason)
    }
}
