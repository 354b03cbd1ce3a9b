//! Another token than that which the renewal goes onto.

use super::in_place::InPlace;
use super::place::Place;
use crate::contents::Credential;
use crate::driver::Token;
use crate::error::{Fact, Result, Step};

/// Reads the users' certificates on a token, without login. Where the URI by which it was found names an object, those that it
/// names.
///
/// # Errors
/// What opening the session and reading return.
pub fn read_token(token: &Token) -> Result<InPlace> {
    let place = Place::OtherToken(Box::new(token.uri()));
    let read = || {
        let credentials = token.credentials()?;
        let users = credentials.iter().map(Credential::certificate);
        let authorities = credentials.iter().flat_map(Credential::authorities);
        InPlace::of(place.clone(), users.chain(authorities).cloned().collect(), &[])
    };
    read().map_err(|error| error.during(Step::ReadPlace).fact(Fact::Place, &place))
}
