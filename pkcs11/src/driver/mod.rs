//! A driver: in this process, or in a process of its own. Both do the same calls, each with values.

mod broken_pipe;
mod here;

pub(crate) use here::Here;

use crate::failure::Outcome;
use crate::wire::message::{Reply, Request};

/// Where a driver runs.
pub(crate) enum Driver {
    /// In this process.
    Here(Box<Here>),
    /// In a driver host.
    #[cfg(target_os = "linux")]
    Host(Box<crate::client::Client>),
}

impl Driver {
    /// Does one call, of which no more is checked here than its bounds.
    pub(crate) fn perform(&self, request: &Request<'_>) -> Outcome<Reply<'static>> {
        match self {
            Driver::Here(here) => here.perform(request),
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.perform(request),
        }
    }
}
