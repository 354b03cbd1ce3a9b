//! What changes the token: the renewal from the request to the removal of the old credential.

pub mod abandon;
pub mod ask;
pub mod confirm;
pub mod install;
pub mod install_response;
pub mod received;
pub mod removed;
pub mod renew;
pub mod request;
pub mod resume;
pub mod retire;
pub mod ways_on;
