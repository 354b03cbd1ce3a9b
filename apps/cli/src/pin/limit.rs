//! How long a PIN may be.

/// No token takes a longer PIN, in bytes; a larger file is surely the wrong file.
pub const LONGEST_PIN: usize = 1024;
