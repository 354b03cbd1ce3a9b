//! A certification authority for tests, and what it reads and writes.

mod answer;
mod behaviour;
mod issue;
mod name;
mod request;
mod test_ca;

pub use answer::Form;
pub use behaviour::{Begin, Behaviour, Naming};
pub use issue::Issue;
pub use name::{NameDer, Text, common_name, manual_subject, serial_hex};
pub use request::ParsedRequest;
pub use test_ca::TestCa;
