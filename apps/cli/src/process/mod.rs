//! What belongs to the whole process: its signals, and what a driver may change behind our back.

#[cfg(target_os = "linux")]
mod by_hand;
#[cfg(unix)]
mod keeper;
#[cfg(unix)]
pub mod signals;
pub mod stop;
#[cfg(unix)]
pub mod surroundings;
#[cfg(not(unix))]
#[path = "surroundings_elsewhere.rs"]
pub mod surroundings;
