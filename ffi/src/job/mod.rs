//! What is done on a token: sessions, credentials, the renewal from its preflight to the removal of the old one.

pub mod confirm;
pub mod credential;
pub mod installation;
pub mod installed;
pub mod login;
pub mod old_key;
pub mod onto_token;
pub mod order;
pub mod pending;
pub mod pin;
pub mod preflight;
pub mod renewal;
pub mod retire;
pub mod session;
