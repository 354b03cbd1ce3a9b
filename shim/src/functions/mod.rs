//! The functions of PKCS#11: one table, and what is generated from it.

mod list;
pub(crate) mod table;

pub(crate) use list::{Function, FunctionList, list_size};
