//! Keys on a token for TLS: a [`Credential`](crate::Credential) and its session as what `rustls` wants of a client.
//!
//! ```no_run
//! use std::sync::{Arc, Mutex};
//! use usbtoken::{Finder, Pin, tls};
//!
//! let token = Finder::new().module("/usr/lib/softhsm/libsofthsm2.so").find(&"pkcs11:token=BANK".parse()?)?;
//! let session = token.login(Pin::new(b"1234".to_vec()))?;
//! let mine = session.credentials()?.only()?;
//! let key = tls::certified_key(Arc::new(Mutex::new(session)), &mine, &[])?;
//! let resolver = rustls::sign::SingleCertAndKey::from(key); // for ConfigBuilder::with_client_cert_resolver
//! # let _ = resolver;
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! An RSA key signs PKCS#1 v1.5 with SHA-256 in TLS 1.2 and RSASSA-PSS with SHA-256 where a server asks for that, as
//! TLS 1.3 always does (RFC 8446 §4.2.3): by CKM_RSA_PKCS_PSS, by CKM_SHA256_RSA_PKCS_PSS, or by CKM_RSA_X_509 with the
//! padding made here. A token that lists none of the three cannot be used with RSA in TLS 1.3. P-256 and P-384 keys sign
//! ECDSA with SHA-256 and SHA-384 in both. Each signature is verified before it is handed on.
//!
//! Standards: RFC 5246 §7.4.8 and RFC 8446 §4.4.3 (what the client signs), PKCS#11 v3.1 §6.1.9 (RSASSA-PSS).

mod chain;
mod key;

pub(crate) use chain::chain;
pub use key::certified_key;
pub(crate) use key::{TlsKey, schemes};
