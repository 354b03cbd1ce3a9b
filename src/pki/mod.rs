//! Pure data: public keys, names, certificates, certificate requests, what a CA answers, and the calendar.
//!
//! Nothing here opens a device or a file, and nothing reads a clock: the time comes in as an argument. What is
//! read comes from outside (a token, a CA, a file), so reading never panics and never takes long, and what
//! matters byte for byte (names, certificates, extensions) is kept as the bytes that came.
//!
//! The way through: a [`Certificate`] on the token and the [`PublicKey`] of a new pair are signed by the token and
//! become a [`Request`] (and, for CAs that want it, a [`RenewalRequest`] signed by the old key). What comes back is read
//! as a [`Response`]; its leaf is judged by what was asked for ([`Check`]) and, where there are trust anchors, by [`check_chain`].
//!
//! ```
//! use usbtoken::pki::{Name, Window, WindowState, days_left};
//! use std::time::{Duration, SystemTime};
//!
//! let name: Name = "CN=山田 太郎,O=Example Co,C=JP".parse()?;
//! assert_eq!(name.common_name(), Some("山田 太郎"));
//!
//! // Banks count by dates in Japan: 15:00 UTC is the next day there.
//! let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_025_200);
//! let now = end - Duration::from_secs(41 * 24 * 60 * 60);
//! assert_eq!(days_left(end, now), 41);
//! assert!(matches!(Window::default().state(end, now), WindowState::NotYet { days_left: 41, .. }));
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Standards: RFC 5280 (certificates and paths), RFC 2986 (requests), RFC 5652 (CMS), RFC 5272 (CMC), RFC 7468 (PEM),
//! RFC 4514 and RFC 4518 (names as text, and their comparison).

mod asn1;
mod calendar;
pub(crate) mod certificate;
mod expectation;
mod key;
mod name;
mod path;
mod pkcs12;
mod request;
pub(crate) mod response;

#[cfg(test)]
mod openssl;
#[cfg(test)]
mod robustness;

pub use calendar::{Closing, Window, WindowState, days_left, has_no_end, jst_date, jst_rfc3339, jst_time};
pub(crate) use calendar::{in_japan, next_business_day};
pub use certificate::Serial;
pub(crate) use certificate::{Certificate, FINGERPRINT, Issuers, is_named};
pub(crate) use expectation::Expectation;
pub(crate) use expectation::doubts;
pub use expectation::{Check, Relax};
pub use key::kind::{KeyAlgorithm, KeyKind, SignatureAlgorithm};
pub use key::proof_level::ProofLevel;
pub use key::public::PublicKey;
pub(crate) use key::verify::pss_encoding;
#[cfg(test)]
pub(crate) use key::verify::verifications;
pub use name::{Attribute, Name, SubjectRule, ValueForm};
pub(crate) use path::authorities_of;
pub use path::issuer::IssuerContinuity;
pub(crate) use path::issuer::{another_key_issued, issuer_continuity};
pub use path::{MAX_ANCHORS, check_chain, read_anchors};
pub(crate) use pkcs12::{Pkcs12, pfx_in};
pub(crate) use request::cms::RenewalInfo;
pub use request::cms::RenewalRequest;
pub use request::pkcs10::Request;
pub(crate) use request::pkcs10::RequestDraft;
pub(crate) use response::Response;
pub use response::{MAX_CERTIFICATES, MAX_RESPONSE, ResponseForm, Skipped, Unusable};
