//! The file that a trace is appended to.
//!
//! It is opened in another's program, at a path that may be anything by the time, and its descriptor is a number that the
//! program may close and use for something else.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(super) use linux::TraceFile;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::TraceFile;
