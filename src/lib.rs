//! Renews the certificate on the USB token that a bank gave its customer, over PKCS#11.
//!
//! The token holds one private key and one certificate that ends once a year. A renewal makes a **new** key pair on
//! the token, asks the CA for its certificate, writes it beside the old one, reads it back and signs with it. The old
//! credential works until then, whatever happens in between; a PIN is sent once; what is not ours is not touched.
//!
//! # The whole job
//!
//! ```
//! use std::time::SystemTime;
//! use usbtoken::{Finder, Install, Pin, Policy, Renewal, Response, Run, TokenUri};
//!
//! # use usbtoken_testkit::{Form, Kind, SoftToken, TestCa, days_from_now};
//! # let (bank, ca) = (SoftToken::fresh(), TestCa::new());
//! # bank.first_credential(&ca, Kind::P256, days_from_now(11));
//! # let (driver, uri, pin) = (bank.module(), bank.uri(), bank.pin().as_bytes().to_vec());
//! # let ask_the_ca = |request: String| ca.answer(Form::Pem, &ca.issue_for(request.as_bytes()).der());
//! // What a renewal demands is one value, how a call runs (clock, progress, cancel, PIN dialog) another.
//! let (policy, run) = (Policy::default(), Run::default());
//!
//! // The token, by its driver and its URI (RFC 7512); the certificate that can be renewed today. No PIN so far.
//! let uri: TokenUri = uri.parse()?;
//! let token = Finder::new().module(driver).find(&uri)?;
//! let old = token.credentials()?.renewable(policy.window, SystemTime::now()).only()?;
//! let renewal = Renewal::of(&old).policy(&policy);
//! renewal.preflight(&token, &run).into_notices()?;
//!
//! // One login. The new key is made on the token, shown not to be exportable, and signs the request.
//! let session = token.login(Pin::new(pin))?;
//! let pending = renewal.begin(&session, &run)?;
//! let answer = ask_the_ca(pending.request().to_pem());
//!
//! // The pending key is on the token, so this may as well be another process, days later, with the same policy.
//! let response = Response::parse(&answer)?;
//! let installed = Install::new(&response).policy(&policy).run(&session, &run)?;
//! assert!(installed.credential.days_left(SystemTime::now()) > 40);
//! assert!(token.credentials()?.iter().any(|one| one.id() == old.id()), "the old one is still there");
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! # Where things are
//!
//! At the root are the names that a renewal needs; each other name is in one module.
//!
//! | module | what it is for |
//! |---|---|
//! | [`bank`] | what one bank says of its own: its tokens, its CA, its rules and its words |
//! | [`discovery`] | drivers and devices of this machine, and the one token that is meant |
//! | [`driver`] | the token over PKCS#11: logging in, what it says of itself |
//! | [`bank`] | what a bank demands: the parts of a [`Policy`] |
//! | [`renewal`] | preflight and request, pending keys, retiring the old |
//! | [`places`] | the old certificate that is not on the token: in a file, in a profile of Firefox |
//! | [`overview`] | one list over all tokens and all places |
//! | [`pki`] | names, keys, requests, what a CA sends back, dates in Japan |
//! | [`state`] | the folder in which a user's programs keep things for each other |
//! | [`doctor`] | what is plugged in, installed and on the tokens, and what is wrong: one page for a support desk |
//! | [`catalogue`] | what is known of the world's tokens and their drivers |
//! | [`error`], [`text`] | stable codes with facts; the sentences, in Japanese and English |
//!
//! Whatever fails is an [`Error`]: a stable [`Code`], the step, the PKCS#11 function with its return
//! value. [`Error::report`] says in Japanese or English what went wrong and what to do next.

#![forbid(unsafe_code)]
#![deny(missing_debug_implementations)]
#![cfg_attr(not(test), deny(unreachable_pub))]

pub mod bank;
pub mod catalogue;
#[cfg(feature = "rustls")]
pub mod confirm;
mod contents;
pub mod discovery;
pub mod doctor;
pub mod driver;
pub mod error;
pub mod overview;
pub mod pki;
pub mod places;
pub mod renewal;
pub mod state;
pub mod text;
#[cfg(feature = "rustls")]
pub mod tls;
mod uri;

pub use bank::policy::Policy;
pub use contents::credential::Credential;
pub use contents::credentials::Credentials;
pub use discovery::finder::Finder;
pub use driver::cancel::Cancel;
pub use driver::session::{Login, Pin, Session};
pub use driver::token::Token;
pub use error::code::Code;
pub use error::value::{Error, Result};
pub use pki::certificate::Certificate;
pub use pki::response::Response;
pub use renewal::install::Install;
pub use renewal::install::Installed;
pub use renewal::pending::Pending;
pub use renewal::renewal::Renewal;
pub use renewal::run::Run;
pub use uri::{ObjectType, TokenUri};

/// The examples of the page that people see first.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What may grow is built and matched in ways that let it.
///
/// ```compile_fail,E0639
/// let _ = usbtoken::Policy { old: usbtoken::bank::OldCredential::Remove, ..usbtoken::Policy::default() };
/// ```
///
/// ```compile_fail,E0004
/// let _ = |code: usbtoken::Code| match code {
///     usbtoken::Code::PinLocked => {}
/// };
/// ```
#[cfg(doctest)]
struct NonExhaustive;
