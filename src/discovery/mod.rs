//! Which drivers and devices there are, and the one token that is meant.

mod ask;
pub mod candidates;
pub mod devices;
pub(crate) mod finder;
pub mod p11kit;
mod wait;

pub(crate) use self::ask::{DriverTask, side_by_side};
pub use self::ask::{Loaded, Probed};
pub(crate) use self::finder::Finder;
pub use self::finder::{Found, Survey};
