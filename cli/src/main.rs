//! tmp
#![allow(dead_code, missing_docs)]
mod args;
mod files;
mod issuer;
mod output;
mod progress;
mod view;
fn main() {}
