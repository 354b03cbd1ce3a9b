//! For the one who helps: a diagnosis, and what was recorded.

pub mod doctor;
pub mod profile;
pub mod trace;
