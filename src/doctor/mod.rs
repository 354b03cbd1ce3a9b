//! What is plugged in, installed and on the tokens, and what is wrong with it: one page for a support desk.
//!
//! [`examine`] puts together what the devices ([`crate::discovery::devices`]), the drivers and tokens
//! ([`crate::driver`]) and the preflight ([`crate::renewal`]) say. It never logs in, never writes to a token and
//! never sees a PIN. A driver that hangs is reported and holds up nothing else.
//!
//! ```
//! use std::time::SystemTime;
//! use usbtoken::{Finder, doctor, text::Lang};
//! # let soft = usbtoken_testkit::SoftToken::fresh();
//! # let driver = soft.module();
//!
//! let diagnosis = doctor::examine(&Finder::new().module(driver), SystemTime::now())?;
//! println!("{}", diagnosis.page(Lang::Ja)); // to be read out on the phone
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Standards: PKCS#11 v3.1 §5.5 for what tokens say of themselves; USB's numbers of vendors and products.

mod banks;
mod diagnosis;
mod examine;
mod json;
mod page;
mod presence;
mod problem;
mod report;

pub use self::diagnosis::Diagnosis;
pub use self::examine::{examine, examine_by, examine_for, plugged_in};
pub use self::presence::DeviceState;
pub use self::problem::{Problem, ProblemKind, Severity};
pub use self::report::{BankPresence, BankReport};
pub use self::report::{
    CredentialReport, DeviceReport, DriverReport, DriverWorks, FreeSpace, KindReport, Platform, TokenReport,
};
