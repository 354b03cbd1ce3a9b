//! The login at the end: whether the bank's server takes the new certificate.
//!
//! That a key has signed a challenge does not show that a server lets it in. [`Confirm`] logs in at the address of the
//! bank's profile with the key on the token, and says what the server said: its HTTP status line, a TLS alert by name,
//! whether it asked for a certificate, and which CAs it named. What counts as a confirmation:
//!
//! - the server is the one of the address: its certificate leads to a trusted CA and has its name;
//! - it asked for a certificate and was shown this one, with a signature by the key on the token;
//! - it answered with a status of 200 to 299 at the address, or at the page on the same server that is named as the one
//!   after the login;
//! - it does not answer those without a certificate in the same way: a second connection shows that.
//!
//! Nothing of a page's body is read, no other host is followed, and nothing is connected to but the server and the proxy
//! that are named.
//!
//! ```no_run
//! use usbtoken::bank::Bank;
//! use usbtoken::confirm::Confirm;
//! use usbtoken::{Finder, Pin, Run};
//!
//! let bank = Bank::open("/etc/usbtoken/banks.d/bank.toml".as_ref())?;
//! let token = bank.find(&bank.finder()?, &Default::default())?;
//! let session = token.login(Pin::new(b"1234".to_vec()))?;
//! let new = session.credentials()?.only()?;
//! let confirmed = Confirm::at_bank(&bank)?.run(&session, &new, &Run::default())?;
//! println!("{} {}", confirmed.tls(), confirmed.http_status());
//! let kept = confirmed.record(); // for the removal of the old one, also in another process
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! A server that asks for the certificate only after it was asked for a page (renegotiation of TLS 1.2, RFC 5746;
//! post-handshake authentication of TLS 1.3, RFC 8446 §4.6.2) is not served: it is told as one that did not ask.
//!
//! Standards: RFC 5246, RFC 8446 (TLS), RFC 9110 and RFC 9112 (HTTP), RFC 9110 §9.3.6 (CONNECT).

mod address;
mod alert;
mod attempt;
mod connect;
mod cookies;
mod copies;
mod http;
mod line;
mod login;
mod trouble;
mod trust;
mod visit;

pub use self::copies::stale_copies;
pub use self::login::{Confirm, Confirmed};
