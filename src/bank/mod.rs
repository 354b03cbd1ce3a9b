//! What one bank says of its own: which tokens it distributes, which CA its certificates come from, which rules hold
//! and whom its customers call. A bank ships one file, `NAME.toml`; `docs/bank-profile.md` describes it.
//!
//! ```
//! use usbtoken::bank::Bank;
//! use usbtoken::text::Lang;
//!
//! let bank = Bank::parse(include_bytes!("../../examples/banks/manual-bank.toml"))?;
//! assert_eq!(bank.name.text(Lang::En), "Iyo Bank");
//! assert_eq!(bank.window().days, 40);
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Its rules arrive as one value, a [`Policy`]: it is given to a [`Renewal`](crate::Renewal), travels inside
//! the [`Pending`](crate::Pending) request, and is given to an [`Install`](crate::Install) in another process and to the
//! removal of the old credential, so that what was demanded at the beginning is demanded at the end. Its default is what is
//! right for a bank of which nothing is known. A program may keep it, in JSON or TOML:
//!
//! ```
//! use usbtoken::bank::KeyRule;
//! use usbtoken::pki::{KeyKind, ProofLevel, Window};
//!
//! let mut policy = usbtoken::Policy::default();
//! policy.window = Window::of_days(30);
//! policy.key = KeyRule::Kind(KeyKind::Rsa2048);
//! policy.proof = ProofLevel::Proven;
//!
//! let kept = r#"{ "window": { "days": 30 }, "key": { "kind": "rsa2048" }, "proof": "proven" }"#;
//! assert_eq!(policy, serde_json::from_str(kept).unwrap());
//! ```
//!
//! Standards: RFC 5280 for anchors and subjects, PKCS#11 v3.1 §4.7 and §4.9 for what a key's proof is about, RFC 7512 for
//! the names of tokens.
//!
//! The file is read strictly: an unknown key, a wrong type or a contradiction is an error with line and column, and a
//! file that others can write is refused ([`Bank::open`]). Times are those of Japan.

mod file;
mod installed;
mod next_steps;
mod origin;
mod pattern;
pub(crate) mod policy;
mod profile;
mod remarks;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

pub use installed::{Installed, folder};
pub use origin::{Origin, host_and_port};
#[cfg(feature = "rustls")]
pub(crate) use origin::{authority, proxy};
pub use pattern::TokenPattern;
pub(crate) use policy::Policy;
pub use policy::{Begins, KeyRule, OldCredential, OtherUsers, RequestForm};
pub use profile::{
    Bank, BankDriver, BankToken, Delivered, Issuer, Override, Reminder, RequestEncoding, TooLate,
};
pub(crate) use words::call_pin;
pub use words::{Contact, Words};
