//! Throw-away tokens: made, filled, and compared object by object.

mod folder;
mod inspector;
mod odd;
mod provision;
mod snapshot;

pub use folder::{Folder, SoftToken, softhsm_module, softhsm_module_at};
pub use inspector::{Inspector, inspect, inspect_slot};
pub use provision::Provisioned;
pub use snapshot::{Object, Reading, Snapshot};
