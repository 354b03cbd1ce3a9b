//! The object of a page, and the numbers that its calls take.

use std::ffi::{c_char, c_void};

use crate::job::pending::usbtoken_pending_list;

/// What one page works with: made for its origin, and gone with it.
pub struct usbtoken_enroll(());

/// What a page wants to do: make a key pair and a certificate request.
pub const USBTOKEN_ENROLL_CREATE_REQUEST: u32 = 1;
/// What a page wants to do: install the CA's response.
pub const USBTOKEN_ENROLL_INSTALL_RESPONSE: u32 = 2;
/// What a page wants to do: give up a request that was made, and remove its key.
pub const USBTOKEN_ENROLL_ABANDON: u32 = 3;
/// What a page wants to do: make a key pair and a request although another certificate on the token seems to take the place of
/// the one that it renews, in another name or from another CA. Asked after the login, besides
/// USBTOKEN_ENROLL_CREATE_REQUEST; the warning `successor_doubtful`, told just before, has both names.
pub const USBTOKEN_ENROLL_RENEW_DOUBTFUL: u32 = 4;

/// usbtoken_enroll_set_number: KeySpec: 0, 1 (exchange) or 2 (signature). The key signs in any case.
pub const USBTOKEN_ENROLL_KEY_SPEC: u32 = 1;
/// usbtoken_enroll_set_number: Length of the key in bits; 0 is as the old one. 256 and 384 are for ECDSA.
pub const USBTOKEN_ENROLL_LENGTH: u32 = 2;
/// usbtoken_enroll_set_number: ExportPolicy: only 0 is accepted.
pub const USBTOKEN_ENROLL_EXPORT_POLICY: u32 = 3;
/// usbtoken_enroll_set_number: KeyProtection: 0, 1 or 2. The token protects the key in any case.
pub const USBTOKEN_ENROLL_KEY_PROTECTION: u32 = 4;
/// usbtoken_enroll_set_number: KeyUsage. The key signs, whatever a page says.
pub const USBTOKEN_ENROLL_KEY_USAGE: u32 = 5;
/// usbtoken_enroll_set_number: ProviderType. The token is chosen by ProviderName alone; one whose keys
/// are RSA keys (1, 2, 12, 24) goes with no other kind.
pub const USBTOKEN_ENROLL_PROVIDER_TYPE: u32 = 6;
/// usbtoken_enroll_set_number: MachineContext: only 0 is accepted.
pub const USBTOKEN_ENROLL_MACHINE_CONTEXT: u32 = 7;

/// usbtoken_enroll_set_text: ProviderName: one that usbtoken_context_add_provider listed, or "usbtoken" or empty
/// for the only token that is plugged in.
pub const USBTOKEN_ENROLL_PROVIDER_NAME: u32 = 1;
/// usbtoken_enroll_set_text: Algorithm: "RSA", "ECDSA_P256" or "ECDSA_P384", or the OID that CObjectId's Value has for it;
/// empty is as the old one where a key like the old one is asked for, else RSA.
pub const USBTOKEN_ENROLL_ALGORITHM: u32 = 2;
/// usbtoken_enroll_set_text: Subject, as IX500DistinguishedName::Encode takes it; not after
/// InitializeFromCertificate.
pub const USBTOKEN_ENROLL_SUBJECT: u32 = 3;

/// X509CertificateEnrollmentContext: the user. The only one that a page may have.
pub const USBTOKEN_ENROLL_CONTEXT_USER: u32 = 1;

/// X509RequestInheritOptions: a new key of the default kind.
pub const USBTOKEN_INHERIT_NEW_DEFAULT_KEY: u32 = 1;
/// X509RequestInheritOptions: a new key of the old one's kind.
pub const USBTOKEN_INHERIT_NEW_SIMILAR_KEY: u32 = 2;

/// InstallResponseRestrictionFlags: the chain must lead to an anchor of the context, where it has any.
pub const USBTOKEN_ALLOW_NONE: u32 = 0;
/// InstallResponseRestrictionFlags: the chain is not checked.
pub const USBTOKEN_ALLOW_UNTRUSTED_ROOT: u32 = 4;

/// usbtoken_enroll_probe, or-ed: a token is there.
pub const USBTOKEN_PROBE_TOKEN: u32 = 1;
/// usbtoken_enroll_probe, or-ed: a certificate on it, or elsewhere and onto it, can be renewed now.
pub const USBTOKEN_PROBE_RENEWABLE: u32 = 2;
/// usbtoken_enroll_probe, or-ed: a certificate seems to be renewed already. Beside USBTOKEN_PROBE_RENEWABLE there is
/// another one that is not.
pub const USBTOKEN_PROBE_RENEWED: u32 = 4;

/// Asks a person whether this page may do this: 「Webアクセスの確認」. Gets the origin, such as
/// "`https://www.bank.example`", and USBTOKEN_ENROLL_CREATE_REQUEST …. 1 is yes; anything else is no. Asked before
/// every operation, and before the PIN; USBTOKEN_ENROLL_RENEW_DOUBTFUL after it. To an operation that your program does not know the
/// answer is no.
pub type usbtoken_consent_callback =
    Option<unsafe extern "C" fn(user: *mut c_void, origin: *const c_char, operation: u32) -> i32>;

/// Make a new key.
pub const USBTOKEN_WAITING_NEW_KEY: i64 = -1;
/// Stop.
pub const USBTOKEN_WAITING_CANCEL: i64 = -2;

/// Asks a person, after consent and PIN, whether a request is to be made again for one of the keys of this origin that
/// wait for the same certificate: its place in the list, from 0, USBTOKEN_WAITING_NEW_KEY or USBTOKEN_WAITING_CANCEL. The
/// list, whose keys say for whom and since when they wait (USBTOKEN_PENDING_FOR_WHOM, USBTOKEN_PENDING_SINCE), is valid
/// until the function returns.
pub type usbtoken_waiting_callback = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        origin: *const c_char,
        waiting: *const usbtoken_pending_list,
    ) -> i64,
>;
