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
//! assert!(bank.claims("CARD", "SoftHSM project", "SoftHSM v2", "0123").is_none());
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! The file is read strictly: an unknown key, a wrong type or a contradiction is an error with line and column, and a
//! file that others can write is refused ([`Bank::open`]). Times are those of Japan.

mod check;
mod fault;
mod file;
mod installed;
mod next_steps;
mod origin;
mod pattern;
mod profile;
mod raw;
#[cfg(test)]
mod tests;
mod trusted;
mod words;

pub use installed::{Installed, folder};
pub use origin::Origin;
pub use pattern::TokenPattern;
pub use profile::{
    Bank, BankDriver, BankToken, Begins, Delivered, Issuer, KeyWish, OldCredential, Override, RequestForm,
    TooLate,
};
pub use words::{Contact, Words};
