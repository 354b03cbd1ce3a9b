//! The calls of a driver, each bounded: one method a function, named after it.

mod ahead;
mod attributes;
mod functions;
mod general;
mod objects;
mod once;
mod search;

pub use ahead::Ahead;
pub use attributes::{Attributes, PrivateValue, Wanted};
pub use functions::{Functions, ObjectHandle, SessionHandle, SlotId};
