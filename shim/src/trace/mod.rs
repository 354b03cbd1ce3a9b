//! The trace: what is written by each call, and how programs read it again ([`Trace`]).

mod describe;
mod file;
mod objects;
mod read;
mod record;

pub use read::{Call, FunctionSummary, Start, Summary, Trace};
pub(crate) use record::Recorder;
