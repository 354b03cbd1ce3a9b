//! How a credential was chosen, so that a choice made before the login can be made again after it, when more may show.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::pki::{Certificate, Window};
use crate::uri::TokenUri;

/// By what a list was narrowed until one was left.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice(Vec<Narrowed>);

/// One condition of a choice.
#[derive(Clone, Debug)]
pub(super) enum Narrowed {
    Renewable(Window, SystemTime),
    WithoutSuccessor,
    /// But for what these are known to have replaced.
    ToRenew(Vec<Certificate>),
    Without(Vec<Certificate>),
    /// By what took the place of which certificate, as the caller has kept it.
    SaidRenewed(HashMap<String, String>),
    Id(Vec<u8>),
    Serial(String),
    NamedBy(Box<TokenUri>),
}

impl Choice {
    pub(super) fn add(&mut self, narrowed: Narrowed) {
        self.0.push(narrowed);
    }

    /// Whether it is of what can be renewed.
    pub(super) fn is_for_renewal(&self) -> bool {
        self.0.iter().any(|narrowed| matches!(narrowed, Narrowed::Renewable(..)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Narrowed> {
        self.0.iter()
    }
}
