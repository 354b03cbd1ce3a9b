//! Doctor.
mod presence;
pub use self::presence::{Finding, Inventory, SeenToken, State, presence};
