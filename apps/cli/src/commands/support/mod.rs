//! For the one who helps: a diagnosis, what was recorded, the PIN.

pub mod doctor;
pub mod pin;
pub mod profile;
pub mod trace;
